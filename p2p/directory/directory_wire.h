// What nodes tell each other of services: the payloads of signed control messages (wire/signed_control.h) by
// type.
//
//   hello               my services, to a peer that just connected; not passed on
//   peer_announcement   the same, to all; every ten minutes
//   peer_update         the same, when they changed; none: I am leaving
//   peer_request        who has this service?
//   peer_list_response  nodes that have it, to who asked
//
// A service is a name, such as "market/BTC-USD"; this layer does not know what it means. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "p2p/wire/signed_control.h"

namespace peerbook::p2p {

inline constexpr std::size_t services_max = 64;  // of a node
inline constexpr std::size_t service_bytes_max = 64;
inline constexpr std::size_t listed_providers_max = 16;  // in one answer

enum class ServicesOccasion : unsigned char { hello, announcement, update };

struct ServicesNews {
    ServicesOccasion occasion = ServicesOccasion::hello;
    std::vector<std::string> services;
};
struct ServiceRequest {
    std::string service;
};
struct ListedProvider {
    PeerId node;
    std::optional<PeerAddress> address;  // a literal; where who answers knows that it can be dialled
    friend bool operator==(const ListedProvider&, const ListedProvider&) = default;
};
struct ServiceList {
    MessageId request;
    std::vector<ListedProvider> providers;
};
using DirectoryBody = std::variant<ServicesNews, ServiceRequest, ServiceList>;

// 1 to service_bytes_max of A–Z, a–z, 0–9 and ". _ - / : +".
bool is_service_name(std::string_view name);

// None: a type of a newer minor version. Error: invalid_input.
Result<std::optional<DirectoryBody>> parse_directory(const SignedControl& message);
// Fills in type and payload. Precondition: the bounds hold.
void write_directory(const DirectoryBody& body, SignedControl& message);

}  // namespace peerbook::p2p

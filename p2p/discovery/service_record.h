// What a node says of itself by mDNS, and what is believed of what others say.
//
// A service of type _peerbook._tcp; its port is where the node takes connections, and its TXT record has, in
// any order: id=<64 hex digits>, network=<64 hex digits>, version=<major.minor of the peer protocol>. Other
// keys are ignored, of a repeated one the first counts (RFC 6763, 6.4). Whoever is in the local network can
// send any record, so nothing here is proven: it decides only whether an address is worth a dial.
//
// Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "p2p/discovery/discovery_strategy.h"
#include "p2p/peers/peer_address.h"
#include "p2p/peers/peer_id.h"

namespace peerbook::p2p {

inline constexpr const char* service_type = "_peerbook._tcp";
inline constexpr std::size_t service_txt_strings_max = 32;
inline constexpr std::size_t service_txt_bytes_max = 1300;  // of all strings: what one packet holds

struct ServiceRecord {
    PeerId id;
    Digest network;
    std::string version;
    friend bool operator==(const ServiceRecord&, const ServiceRecord&) = default;
};

// The strings of the TXT record of this node.
std::vector<std::string> write_service_txt(const DiscoveryIdentity& self);
// Errors: too_large (above the bounds), invalid_input (a key is missing or its value is none).
Result<ServiceRecord> parse_service_txt(const std::vector<std::string>& strings);

// A service as it was resolved: an address literal and what came with it.
struct ResolvedService {
    std::string host;  // address literal
    std::uint16_t port = 0;
    bool on_loopback = false;  // heard on the loopback interface
    std::vector<std::string> txt;
};

enum class ServiceVerdict : unsigned char {
    peer,
    ourselves,
    other_network,
    other_version,  // of the protocol's major version
    bad_record,
    bad_address,  // nobody is dialled there: unspecified, multicast, link-local of IPv6; or loopback that was
                  // not heard on loopback
};
// `address` is filled in for a peer.
ServiceVerdict judge_service(const ResolvedService& service, const DiscoveryIdentity& self,
                             PeerAddress& address);

}  // namespace peerbook::p2p

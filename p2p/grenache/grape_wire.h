// What a Grape is asked and what it answers: JSON over HTTP POST. Pure; a Grape is a stranger, so that every
// answer is checked. Format: PROTOCOL.md, "Finding peers".
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "p2p/peers/peer_address.h"

namespace peerbook::p2p {

inline constexpr std::size_t grape_body_bytes_max = 8'192;  // of a question and of an answer
inline constexpr std::size_t grape_addresses_max = 200;     // taken from one answer; a Grape sends 100
inline constexpr std::string_view grape_announce_path = "/announce";
inline constexpr std::string_view grape_lookup_path = "/lookup";

// "http://host:port", with or without a slash after it. Error: invalid_input.
Result<PeerAddress> parse_grape_url(std::string_view url);

// `rid` names the question; a Grape does not look at it.
std::string grape_announce_body(std::string_view rid, std::string_view service, std::uint16_t port);
std::string grape_lookup_body(std::string_view rid, std::string_view service);

// Errors: unavailable (the Grape answers with an error of its own, which most often is status 200 with a JSON
// string), corrupt (anything else that is no answer), too_large.
Status read_grape_announce(unsigned http_status, std::string_view body);
// Each address once, those that no node can have left out: addresses are literals, never names.
Result<std::vector<PeerAddress>> read_grape_lookup(unsigned http_status, std::string_view body);

}  // namespace peerbook::p2p

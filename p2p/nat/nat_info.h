// What is known of the way from the internet to this node, for people and for the rest of the peer layer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace peerbook::p2p {

// How a port is asked for at the gateway.
enum class NatWay : unsigned char { off, automatic, upnp, nat_pmp };
// "off", "auto" or "on", "upnp", "nat-pmp". Error: invalid_input.
Result<NatWay> parse_nat_way(std::string_view text);

// Whether somebody on the internet can open a connection to this node.
enum class Reach : unsigned char { unknown, reachable, unreachable };
const char* to_string(Reach reach);

// A port of the gateway that leads to this node.
struct PortMapping {
    std::string method;         // "upnp" or "nat-pmp"
    std::string gateway;        // its address here
    std::string internal_host;  // of this node, as the gateway knows it; may be empty
    std::string external_host;  // what the gateway says it has outside; empty: it does not say
    std::uint16_t external_port = 0;
    std::optional<WallTime> until;  // none: for good
    // Leads to the same place.
    friend bool leads_alike(const PortMapping& a, const PortMapping& b) {
        return a.external_host == b.external_host && a.external_port == b.external_port;
    }
};

struct NatInfo {
    // off, silent (a node that does not broadcast asks for nothing), loopback, not_needed (an address of the
    // internet of its own), searching, mapped, failing
    std::string state = "off";
    std::optional<PortMapping> mapping;
    std::string last_error;  // of the last attempt, if it failed

    std::string seen_host;  // this node's address on the internet, as peers of several networks agree
    unsigned seen_by = 0;   // networks that agree
    Reach reach = Reach::unknown;
    std::optional<WallTime> reach_since, last_proof;         // last_proof: somebody came from the internet
    std::uint64_t asked = 0;                                 // dial-backs that this node asked for
    std::uint64_t dialled_back = 0, dial_backs_refused = 0;  // that it was asked for
    std::uint16_t told_port = 0;  // what peers on the internet are told; 0: that it cannot be dialled
};

}  // namespace peerbook::p2p

#include "p2p/nat/nat_info.h"

namespace peerbook::p2p {

Result<NatWay> parse_nat_way(std::string_view text) {
    if (text == "off") return NatWay::off;
    if (text == "auto" || text == "on") return NatWay::automatic;
    if (text == "upnp") return NatWay::upnp;
    if (text == "nat-pmp") return NatWay::nat_pmp;
    return Error{ErrorCode::invalid_input, "\"" + std::string(text) +
                                               "\" is no way to map a port: use auto (or on), upnp, nat-pmp "
                                               "or off"};
}

const char* to_string(Reach reach) {
    switch (reach) {
        case Reach::unknown:
            return "unknown";
        case Reach::reachable:
            return "reachable";
        case Reach::unreachable:
            return "unreachable";
    }
    return "unknown";
}

}  // namespace peerbook::p2p

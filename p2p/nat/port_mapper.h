// Keeps a TCP port of this node open at the gateway, while the node runs: asks by NAT-PMP, then by UPnP
// (port_gateway.h), renews by lease_schedule.h, and takes the mapping back at the end. What it opens is that
// one port, and for this host only. A host that has an address of the internet itself asks for nothing.
//
// One line in the log when a port is mapped, or is another one; one when it fails, and none for the attempts
// after it that fail too.
//
// Threads: made, asked and called back on the io_context's thread. The libraries block, so they are called on
// one thread of its own, which start begins and stop() ends; stop() waits at most 2 s for it to take the
// mapping back, and then leaves it to end by itself: at the gateway the lease ends within half an hour.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "p2p/nat/nat_info.h"
#include "p2p/nat/port_gateway.h"

namespace boost::asio {
class io_context;
}

namespace peerbook::p2p {

class PortMapper {
  public:
    struct State {
        std::string name = "searching";  // NatInfo::state
        std::optional<PortMapping> mapping;
        std::string last_error;
    };
    struct Options {
        NatWay way = NatWay::automatic;  // not off
        std::string listen_host;
        std::uint16_t port = 0;
        // In the order in which they are asked, on the thread; empty: those of `way`. For tests, as what
        // follows.
        std::function<std::vector<std::unique_ptr<PortGateway>>(std::function<bool()> stopping)> gateways;
        std::function<std::optional<std::string>()> own_address;  // own_address_to_internet()
    };
    // `io` outlives the PortMapper. `changed` is called after each try, also where the state is the same.
    static std::unique_ptr<PortMapper> start(boost::asio::io_context& io, Options options,
                                             std::function<void(const State&)> changed);
    virtual ~PortMapper() = default;
    // Whether a mapping is wanted, as it is at first. If not any more it is taken back, soon; `changed` says
    // "silent" then.
    virtual void set_wanted(bool wanted) = 0;
    // No callbacks afterwards.
    virtual void stop() = 0;
};

}  // namespace peerbook::p2p

// A gateway that maps ports, by one of the protocols for it. Everything here blocks, for some seconds at
// most, and belongs to the thread of port_mapper.cc.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"

namespace peerbook::p2p {

inline constexpr std::chrono::milliseconds gateway_answer_max(2000);  // to one question

struct MappingWish {
    std::string listen_host;        // of this node, as in the settings
    std::uint16_t port = 0;         // TCP
    std::uint16_t wanted_port = 0;  // outside
    Duration lease;
};

struct GrantedMapping {
    std::string gateway, internal_host, external_host;  // literals; empty: not known
    std::uint16_t external_port = 0;
    std::optional<Duration> lease;  // none: for good
};

class PortGateway {
  public:
    virtual ~PortGateway() = default;
    virtual const char* method() const = 0;  // as in settings and figures
    virtual const char* name() const = 0;    // for people
    // Finds the gateway if need be, and asks for the mapping or its renewal. Errors: unavailable (nobody
    // answers, or there is no route; the message says which), conflict (that outside port is somebody else's;
    // another one may be free), io, corrupt (an answer that makes no sense).
    virtual Result<GrantedMapping> map(const MappingWish& wish) = 0;
    // What map() granted last, or may have granted though the answer was lost; nothing otherwise.
    virtual void unmap() = 0;
};

// `stopping` is asked between steps: true ends them early.
std::unique_ptr<PortGateway> make_upnp_gateway(std::function<bool()> stopping);
std::unique_ptr<PortGateway> make_natpmp_gateway(std::function<bool()> stopping);

// The address of this machine from which packets to the internet leave; nothing is sent. None without a
// route.
std::optional<std::string> own_address_to_internet();

}  // namespace peerbook::p2p

// The two ways to speak multicast DNS, behind one face: avahi-daemon, and the responder inside this process.
// All of it belongs to the thread of mdns_strategy.cc; callbacks come from avahi_simple_poll_iterate().
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "p2p/discovery/discovery_strategy.h"
#include "p2p/discovery/service_record.h"

struct AvahiPoll;
struct AvahiStringList;

namespace peerbook::p2p {

inline constexpr std::size_t lookups_max = 32;  // under way
inline constexpr std::size_t lookups_waiting_max = 256;
inline constexpr int renames_max = 8;  // after so many collisions of names an announcement is given up

struct MdnsSettings {
    DiscoveryIdentity self;
    std::string listen_host;
    std::string name;  // of the service and of its host, without ".local"; nobody else's
};

class MdnsBackend {
  public:
    using Resolved = std::function<void(const ResolvedService&)>;
    virtual ~MdnsBackend() = default;  // frees everything at once
    // Announces what is to be announced, and browses anew: all services there are come again. Errors: io.
    virtual Status search() = 0;
    // After each iteration of the poll: what a callback could not do.
    virtual void after_iteration() = 0;
    // Whether the answers to the last search are all here that come soon.
    virtual bool all_for_now() const = 0;
    // What ended it, if something did: it is to be freed.
    virtual const std::optional<Error>& failure() const = 0;
    // Takes back what was announced; goodbyes leave with the next iterations of the poll.
    virtual void withdraw() = 0;
};

// Errors: unavailable (no daemon, no D-Bus, no network); the message says which.
Result<std::unique_ptr<MdnsBackend>> open_mdns_daemon(const AvahiPoll* poll, const MdnsSettings& settings,
                                                      MdnsBackend::Resolved resolved);
Result<std::unique_ptr<MdnsBackend>> open_mdns_responder(const AvahiPoll* poll, const MdnsSettings& settings,
                                                         MdnsBackend::Resolved resolved);

// The name after that many collisions with names of others; none after renames_max.
std::optional<std::string> renamed(const std::string& name, int collisions);

// A service that a browser named, on one interface and by one protocol of Avahi's numbers.
struct NamedService {
    int interface = 0, protocol = 0;
    std::string name, type, domain;
};

// Services that wait for their lookup.
class ServiceQueue {
  public:
    // False if it is full.
    bool push(NamedService service);
    // None if there is none, or too many lookups are under way; else one more is.
    std::optional<NamedService> begin();
    void ended() { --under_way_; }
    void clear() { waiting_.clear(); }

  private:
    std::deque<NamedService> waiting_;
    std::size_t under_way_ = 0;
};

// An address of this machine.
struct InterfaceAddress {
    int interface = 0;
    std::string name;     // of the interface
    std::string address;  // literal
    bool on_loopback = false;
    friend auto operator<=>(const InterfaceAddress&, const InterfaceAddress&) = default;
};
// Those at which a node that listens on `listen_host` takes connections from the local network, ordered.
std::vector<InterfaceAddress> announced_addresses(const std::string& listen_host);
bool is_loopback_interface(int interface);

// Avahi's lists of strings; the caller frees the list.
AvahiStringList* to_avahi(const std::vector<std::string>& strings);
std::vector<std::string> from_avahi(AvahiStringList* list);

}  // namespace peerbook::p2p

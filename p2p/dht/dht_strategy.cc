#include "p2p/dht/dht_strategy.h"

#include <optional>
#include <utility>

#include "p2p/dht/service_name.h"

namespace peerbook::p2p {

namespace {
constexpr std::uint32_t lookup_time_ms = 40'000;  // dead nodes take 15 s each to give up
}

// Two operations at most, which end in any order.
struct DhtStrategy::Search {
    Done done;
    int under_way = 0;
    Status status;

    void ended(const Status& one) {
        if (!one.ok()) status = one;
        if (--under_way == 0) done(status);
    }
};

DhtStrategy::DhtStrategy(Dht& dht, DiscoveryIdentity identity, Options options)
    : dht_(dht),
      identity_(std::move(identity)),
      outside_port_(identity_.port),
      service_(service_key(service_name(identity_.network))),
      options_(options),
      alive_(std::make_shared<bool>(true)) {}

DhtStrategy::~DhtStrategy() {
    stop();
}

Status DhtStrategy::start(Found found) {
    found_ = std::move(found);
    dht_.watch(service_, [this](const PeerAddress& address) { take(address); });
    return {};
}

void DhtStrategy::set_broadcast(bool broadcast) {
    identity_.broadcast = broadcast;
    dht_.set_read_only(!broadcast);
}

void DhtStrategy::search(Done done) {
    auto search = std::make_shared<Search>();
    search->done = std::move(done);
    const bool announces = identity_.broadcast && outside_port_ != 0;
    search->under_way = announces ? 2 : 1;
    if (announces)
        dht_.announce(service_, outside_port_,
                      [this, search, alive = alive_](const Result<std::size_t>& told) {
                          if (*alive) search->ended(told ? Status() : outcome(told.error()));
                      });
    dht_.lookup(service_, lookup_time_ms,
                [this, search, alive = alive_](const Result<std::vector<PeerAddress>>& found) {
                    if (!*alive) return;
                    if (found)
                        for (const PeerAddress& address : *found) {
                            take(address);
                            if (!*alive) return;
                        }
                    search->ended(found ? Status() : outcome(found.error()));
                });
}

void DhtStrategy::stop() {
    if (!std::exchange(*alive_, false) || !found_) return;
    found_ = nullptr;
    dht_.watch(service_, nullptr);
}

Status DhtStrategy::outcome(const Error& error) const {
    if (options_.begins_alone && error.code == ErrorCode::unavailable) return {};
    return error;
}

void DhtStrategy::take(const PeerAddress& address) const {
    const bool is_loopback = is_loopback_host(address.host);
    if (is_loopback && (!options_.takes_loopback || address.port == identity_.port)) return;
    if (found_) found_(address);
}

}  // namespace peerbook::p2p

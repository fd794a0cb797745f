#include "p2p/dht/dht_rounds.h"

#include <algorithm>

namespace peerbook::p2p {

namespace {

constexpr int silence_s = 1;  // after which a node that was asked counts as dead

// Everybody else has answered; libtorrent waits 15 s before it gives the rest up.
bool is_waiting_for_the_dead(const lt::dht_lookup& lookup) {
    return lookup.outstanding_requests > 0 && lookup.first_timeout >= lookup.outstanding_requests &&
           lookup.last_sent >= silence_s;
}

}  // namespace

void DhtRounds::open() {
    is_open_ = true;
    running_.clear();
    nodes_ = 0;
}

void DhtRounds::take(const lt::dht_stats_alert& figures) {
    for (const lt::dht_routing_bucket& bucket : figures.routing_table)
        nodes_ += static_cast<std::size_t>(std::max(0, bucket.num_nodes));
    for (const lt::dht_lookup& lookup : figures.active_requests)
        if (!is_waiting_for_the_dead(lookup)) running_.insert(lookup.target);
}

std::size_t DhtRounds::close() {
    is_open_ = false;
    ++closed_;
    return nodes_;
}

}  // namespace peerbook::p2p

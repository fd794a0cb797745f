#include "p2p/dht/node_record_strategy.h"

#include <algorithm>
#include <utility>

#include "p2p/peers/ip_address.h"

namespace peerbook::p2p {

// Operations that end in any order.
struct NodeRecordStrategy::Search {
    Done done;
    std::size_t under_way = 0;
    Status status;

    void ended(const Status& one) {
        if (!one.ok()) status = one;
        if (--under_way == 0) done(status);
    }
};

NodeRecordStrategy::NodeRecordStrategy(DiscoveryIdentity identity, Parts parts)
    : identity_(std::move(identity)), parts_(std::move(parts)), alive_(std::make_shared<bool>(true)) {}

NodeRecordStrategy::~NodeRecordStrategy() {
    stop();
}

Status NodeRecordStrategy::start(Found found) {
    found_ = std::move(found);
    return {};
}

bool NodeRecordStrategy::is_due(MonoTime now, const std::vector<PeerAddress>& addresses) const {
    return identity_.broadcast && !addresses.empty() &&
           (addresses != put_ || now - put_at_ >= record_interval);
}

void NodeRecordStrategy::search(Done done) {
    const Now now = parts_.clock.now();
    auto search = std::make_shared<Search>();
    search->done = std::move(done);
    search->under_way = 1;  // until everything has begun
    std::vector<PeerAddress> addresses = parts_.own_addresses();
    if (addresses.size() > node_record_addresses_max) addresses.resize(node_record_addresses_max);
    if (is_due(now.mono, addresses)) {
        ++search->under_way;
        put_ = addresses;
        put_at_ = now.mono;
        parts_.dht.put_signed(parts_.signer.public_key(), node_record_salt(identity_.network),
                              make_node_record(parts_.signer, identity_.network, now.wall, addresses),
                              [this, search, alive = alive_](const Status& status) {
                                  if (!*alive) return;
                                  if (!status.ok()) put_.clear();  // again with the next search
                                  search->ended(status);
                              });
    }
    const std::vector<PeerId> wanted = parts_.wanted();
    const std::size_t count = std::min(wanted.size(), records_asked_max);
    for (std::size_t i = 0; i < count; ++i) {
        const PeerId node = wanted[(turn_ + i) % wanted.size()];
        ++search->under_way;
        parts_.dht.get_signed(node, node_record_salt(identity_.network),
                              [this, search, node, alive = alive_](const auto& item) {
                                  if (!*alive) return;
                                  take(node, item);
                                  if (*alive) search->ended(item ? Status() : Status(item.error()));
                              });
    }
    turn_ += count;
    // Not at once: `done` is to be called later. What was begun ends later as well.
    if (search->under_way > 1)
        --search->under_way;
    else
        parts_.later([search, alive = alive_] {
            if (*alive) search->ended({});
        });
}

void NodeRecordStrategy::take(const PeerId& node, const Result<std::optional<DhtSignedItem>>& item) const {
    if (!item || !*item) return;
    const auto addresses =
        read_node_record(node, identity_.network, parts_.clock.now().wall, **item, parts_.verifier);
    if (!addresses) return;
    for (const PeerAddress& address : *addresses) {
        const IpScope scope = scope_of(*parse_ip(address.host));
        if (scope != IpScope::global && !(scope == IpScope::loopback && parts_.takes_loopback)) continue;
        if (found_) found_(address);
    }
}

void NodeRecordStrategy::stop() {
    *alive_ = false;
    found_ = nullptr;
}

}  // namespace peerbook::p2p

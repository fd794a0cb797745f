// Finds nodes whose ids are known, and no address that works, by the records that they put into the DHT
// (node_record.h), and puts this node's own there: at a node that broadcasts and knows its address only, each
// record_interval and whenever the address changed.
//
// Each search asks for at most records_asked_max nodes, in turn; nothing is kept of the answers but where the
// turn is.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "base/keys.h"
#include "base/time.h"
#include "p2p/dht/node_record.h"
#include "p2p/discovery/discovery_strategy.h"

namespace peerbook::p2p {

inline constexpr Duration record_interval = Duration::seconds(1'800);
inline constexpr std::size_t records_asked_max = 8;  // nodes, in one search

class NodeRecordStrategy final : public DiscoveryStrategy {
  public:
    struct Parts {
        Dht& dht;
        const Signer& signer;  // the node's key
        const Verifier& verifier;
        const Clock& clock;
        // Where this node is reached, as far as that is known for sure; empty: nothing is put.
        std::function<std::vector<PeerAddress>()> own_addresses;
        // Nodes to look for.
        std::function<std::vector<PeerId>()> wanted;
        // Calls what it is given, after it has returned itself.
        std::function<void(std::function<void()>)> later;
        // Addresses on the loopback interface mean something only where the DHT is on it; those of private
        // networks never do.
        bool takes_loopback = false;
    };
    // What `parts` refers to outlives the strategy.
    NodeRecordStrategy(DiscoveryIdentity identity, Parts parts);
    ~NodeRecordStrategy() override;

    std::string_view name() const override { return "dht-record"; }
    Status start(Found found) override;
    void search(Done done) override;
    void set_broadcast(bool broadcast) override { identity_.broadcast = broadcast; }
    // A record cannot be taken back: others keep it for 2 h at most, and nobody believes it longer.
    void stop() override;

  private:
    struct Search;
    bool is_due(MonoTime now, const std::vector<PeerAddress>& addresses) const;
    void take(const PeerId& node, const Result<std::optional<DhtSignedItem>>& item) const;

    DiscoveryIdentity identity_;
    Parts parts_;
    Found found_;
    std::vector<PeerAddress> put_;  // the last record's
    MonoTime put_at_;
    std::size_t turn_ = 0;
    std::shared_ptr<bool> alive_;  // false after stop(): answers that come later are dropped
};

}  // namespace peerbook::p2p

// Finds nodes of the network by the DHT: announces this node under the network's service name, looks the name
// up, and hears of those that are announced to this node.
#pragma once

#include <memory>
#include <string_view>

#include "p2p/dht/dht.h"
#include "p2p/discovery/discovery_strategy.h"

namespace peerbook::p2p {

class DhtStrategy final : public DiscoveryStrategy {
  public:
    struct Options {
        // Addresses on the loopback interface mean something only where the DHT is on it: else they are left
        // out, so that no stranger makes this node dial its own host.
        bool takes_loopback = false;
        // Nobody was named to begin with: that nobody is there is no failure then, others will come.
        bool begins_alone = false;
    };
    // `dht` outlives the strategy; others may use it too.
    DhtStrategy(Dht& dht, DiscoveryIdentity identity, Options options);
    ~DhtStrategy() override;

    std::string_view name() const override { return "dht"; }
    Status start(Found found) override;
    void search(Done done) override;
    void set_outside_port(std::uint16_t port) override { outside_port_ = port; }
    void set_broadcast(bool broadcast) override;
    // BEP 5 cannot take an announcement back: others forget it after 30 min.
    void stop() override;

  private:
    struct Search;
    void take(const PeerAddress& address) const;
    Status outcome(const Error& error) const;

    Dht& dht_;
    DiscoveryIdentity identity_;
    std::uint16_t outside_port_;  // announced; 0: nothing is
    DhtKey service_;
    Options options_;
    Found found_;
    std::shared_ptr<bool> alive_;  // false after stop(): answers that come later are dropped
};

}  // namespace peerbook::p2p

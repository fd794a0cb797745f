// Drives nodes with the commands of a flow: funds accounts, sends batches on several connections, measures,
// survives nodes that go away and come back, and counts what was acknowledged.
//
// Work is cut into lanes. A lane is one connection to one node with a batch in flight at a time, and with
// accounts of its own in every market it serves, so that its commands are executed in the order it sends
// them. All commands that concern one order of the recording go through one lane. Each command carries a
// nonce chosen here: a batch whose answer was lost is sent again as it was, and what had been executed then
// comes back as nonce_used.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/replay/flow.h"
#include "app/replay/histogram.h"
#include "app/replay/node_link.h"
#include "app/replay/record.h"

namespace peerbook::app::replay {

inline constexpr std::size_t lanes_max = 256;

// What one market is fed with.
struct MarketFeed {
    exchange::MarketId market;
    const Flow* flow = nullptr;  // outlives the load; several markets may share one
};

struct Pace {
    std::uint64_t speed_thousandths =
        0;  // recorded time runs this many thousandths as fast; 0: as fast as possible
    std::uint64_t commands_per_s = 0;  // even rate over all lanes instead; 0: none
};

struct LoadPlan {
    std::vector<NodeAddress> nodes;
    std::vector<MarketFeed> feeds;
    std::uint32_t connections = 1;  // lanes a node
    std::uint32_t batch = 1'024;    // commands, at most intents_per_request_max
    Pace pace;
    Duration retry_for = Duration::seconds(60);
    const OfficialBook* official = nullptr;  // of feeds[0]'s recording; may be null
    bool check_record = false;               // needs orders_kept()
    bool probe_acknowledged = false;         // always done after a batch had to be sent again
    std::string account_prefix = "replay";
};

// True if each market's commands go through one lane, so that they are executed in the flow's order.
bool order_is_kept(const LoadPlan& plan);

struct LoadReport {
    std::uint64_t commands = 0;  // acknowledged
    std::uint64_t orders = 0;    // of them, limit and IOC orders
    std::uint64_t fills = 0;
    std::uint64_t batches = 0, batches_sent_again = 0;
    std::uint64_t executed_before = 0;  // acknowledged by the answer to a repeated batch as executed already
    std::map<std::string, std::uint64_t> rejections;  // by reason
    Duration elapsed;
    Histogram durable_us;  // from sending a batch to its answer
    Histogram settled_us;  // from sending a batch to its block being settled, of sampled batches
    std::uint64_t acknowledged_missing = 0;
    std::uint64_t probed = 0;               // acknowledged commands that were asked for again, one by one
    std::uint64_t probe_out_of_window = 0;  // of them, too far back for the nonce window to say
    std::optional<RecordReport> record;     // of feeds[0]
    std::uint64_t book_samples = 0, book_samples_different = 0;
};

class Lane;
class SettleSampler;

class Load {
  public:
    // `rules` as the nodes gave them. Both outlive the load.
    Load(const LoadPlan& plan, const exchange::NetworkRules& rules);
    ~Load();

    std::uint64_t total_commands() const;
    // How many accounts and how many lanes it uses.
    std::size_t lane_count() const;

    // Opens and funds the accounts. Errors: no faucet for an asset, a node that cannot be reached or refuses.
    Status prepare();

    // Sends everything; returns when all is acknowledged, or with the first lane's error. `progress` is
    // called on the caller's thread about ten times a second with the commands acknowledged so far.
    Status run(const std::function<void(std::uint64_t)>& progress);

    // Asks the nodes whether what they acknowledged is there. Call when they are quiet.
    Status verify_acknowledged();

    LoadReport report() const;

  private:
    const LoadPlan& plan_;
    const exchange::NetworkRules& rules_;
    std::atomic<bool> stop_{false};  // tells lanes and samplers to end early
    std::atomic<std::uint64_t> acknowledged_{0};
    std::vector<std::unique_ptr<SettleSampler>> samplers_;  // one a node; outlive the lanes
    std::vector<std::unique_ptr<Lane>> lanes_;
    Duration elapsed_;
    std::uint64_t missing_ = 0;
};

}  // namespace peerbook::app::replay

// One lane of a load (load.h): a connection, its accounts, its share of the commands, and what came of them.
#pragma once

#include <array>
#include <string>
#include <unordered_map>
#include <vector>

#include "app/replay/load.h"
#include "app/replay/settle_sampler.h"

namespace peerbook::app::replay {

// Used by one thread at a time: prepare() and verify() on the caller's, run() on one of its own.
class Lane {
  public:
    struct Shared {
        const LoadPlan& plan;
        const exchange::NetworkRules& rules;
        const std::atomic<bool>& stop;
        std::atomic<std::uint64_t>& acknowledged;
    };

    // Takes the commands that lane_of() gives it. `sampler` outlives it.
    Lane(const Shared& shared, std::size_t number, SettleSampler& sampler);

    std::size_t command_count() const { return work_.size(); }
    Status prepare();
    // `start`: the instant that paces count from.
    Status run(MonoTime start);
    // Adds acknowledged commands that `links` (all nodes') do not show to `missing`.
    Status verify(std::vector<NodeLink>& links, std::uint64_t& missing);
    void add_to(LoadReport& report) const;

    // Which lane executes the commands of `recorded` (an order of the file) in feed `feed`.
    static std::size_t lane_of(const LoadPlan& plan, std::uint64_t recorded, std::size_t feed);

  private:
    enum Role : std::size_t { bids, asks, taker, roles };
    struct Account {
        std::string name;
        exchange::AccountId id;
        std::uint64_t first_nonce = 1, next_nonce = 1;
    };
    struct Work {
        std::uint32_t command = 0;  // index into the feed's flow
        std::uint32_t feed = 0;
    };
    struct Feed {
        std::size_t first_account = 0;  // bids; asks and taker follow
        std::vector<std::uint32_t>
            order_nonces;  // per order of the flow: nonce minus the account's first; +1
    };

    Status fund(const std::vector<std::vector<exchange::Amount>>& needs);
    Result<std::vector<std::vector<exchange::Amount>>> missing_funds(
        const std::vector<std::vector<exchange::Amount>>& needs, std::vector<bool>& known);
    std::vector<std::vector<exchange::Amount>> needs() const;
    // The end of the batch that begins at work_[begin].
    std::size_t wait_for_batch(std::size_t begin, MonoTime start, MonoTime& due) const;
    // Where the batch [begin, end) must end so that the record can be compared: one batch may be one commit.
    std::size_t end_of_commit(std::size_t begin, std::size_t end) const;
    MonoTime due_time(const Work& work, MonoTime start) const;
    void build(std::size_t begin, std::size_t end);
    Status take_answer(std::size_t begin, std::size_t end, const NodeLink::Submitted& answer);
    void check(const Work& work, const BatchCommand& command, const BatchResult& result);
    Status sample_book();
    Status probe();

    const LoadPlan& plan_;
    const exchange::NetworkRules& rules_;
    const std::atomic<bool>& stop_;
    std::atomic<std::uint64_t>& acknowledged_;
    std::size_t number_;
    SettleSampler& sampler_;
    NodeLink link_;
    std::vector<Account> accounts_;
    std::vector<Feed> feeds_;  // one a feed of the plan; empty where this lane has no part in it
    std::vector<Work> work_;
    BatchRequest batch_;
    std::vector<std::uint32_t> name_index_;  // per account: 1 + its position in batch_.names, 0: not there
    Bytes encoded_;
    std::unique_ptr<RecordCheck> record_;
    std::unordered_map<exchange::OrderId, std::uint32_t> orders_by_id_;  // of feed 0, while record_ is there
    LoadReport report_;
};

}  // namespace peerbook::app::replay

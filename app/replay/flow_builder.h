// Makes a Flow of a Recording; private to this folder, its contract is flow.h.
#pragma once

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "app/replay/flow.h"
#include "app/replay/foresight.h"
#include "app/replay/paper_market.h"

namespace peerbook::app::replay {

class FlowBuilder {
  public:
    // `official` may be null, and is not with Repair::levels. Both outlive it.
    FlowBuilder(const Recording& recording, const FlowScale& scale, const OfficialBook* official,
                Repair repair);
    Flow build();

  private:
    struct Live {
        std::uint32_t index = 0;
        exchange::Side side = exchange::Side::buy;
        std::int64_t raw_price = 0;
        std::int64_t price = 0;
        std::int64_t raw_leaves = 0;  // as the record has it
        std::int64_t leaves = 0;      // the same in lots
    };

    void handle(const RecordedEvent& event);
    Live* place(const RecordedEvent& event, bool seeded);
    void place_in_market(std::uint64_t id, Live& live, bool seeded);
    void change(const RecordedEvent& event);
    void execute(const RecordedEvent& event, Live& live, std::int64_t lots);
    void cut_excess(const Live& live);
    void record_trade(const RecordedEvent& event, const Live& live, std::int64_t lots);
    std::optional<std::uint32_t> index_of(std::uint64_t id) const;
    void cancel_stale(std::uint64_t kept);
    void cancel_better(exchange::Side side, std::optional<std::int64_t> limit, std::uint64_t kept);
    void drop_stale(std::uint32_t index);
    void forget(std::uint64_t id, const Live& live);
    void emit(FlowKind kind, exchange::Side side, bool repair, const Live& live, std::int64_t lots);
    void grow(const Live& live, std::int64_t lots);

    // Repair::levels, in flow_levels.cc.
    void repair_levels(std::uint64_t event_order);
    void repair_side(exchange::Side side, const OfficialLevel* levels, std::size_t count,
                     const OfficialLevel* before, std::size_t count_before, std::uint64_t event_order);
    void take_off(exchange::Side side, const OfficialLevel& level, std::int64_t excess, std::uint64_t kept,
                  std::uint32_t row);
    void add_to(exchange::Side side, std::int64_t file_price, std::int64_t lots);
    void make_room(const RecordedEvent& event, std::int64_t price, std::int64_t lots);
    void requeue(exchange::Side side, std::int64_t price);
    void shrink(std::uint32_t index, std::int64_t lots);
    std::int64_t raw_of(std::int64_t lots) const;

    const Recording& recording_;
    const OfficialBook* official_;
    std::optional<Foresight> foresight_;  // with Repair::levels
    Flow flow_;
    PaperMarket market_;
    std::unordered_map<std::uint64_t, Live> live_;
    std::unordered_map<std::uint64_t, std::uint32_t> gone_;  // indexes of orders that trades may still name
    std::uint64_t next_filler_ = 0;
    bool repairing_ = false;  // inside repair_levels()
    std::int64_t now_ns_ = 0;
    std::uint32_t row_ = 0;
    exchange::Amount buy_notional_ = 0, sell_lots_ = 0;
};

}  // namespace peerbook::app::replay

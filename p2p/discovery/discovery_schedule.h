// When each way to find peers searches. Strategies are in order: the first search of each waits until the one
// before has ended its first, or has had start_gap for it, so that near and cheap ways come first.
//
// After a search the pause is the strategy's interval. It doubles, up to quiet_interval_max, with each search
// that brought nothing new, or while there are enough peers; but not for a node that broadcasts, since a
// search also renews what it announced. A failed search doubles the pause up to failing_interval_max. Each
// pause is shortened by up to an eighth at random, so that nodes started together part. A node that lost its
// last peer searches at once: no pause that began before is longer than lonely_pause_max then; nor is one
// after a search of a node that has no peer.
//
// Pure: time and the seed are arguments. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/random.h"
#include "base/time.h"

namespace peerbook::p2p {

inline constexpr Duration search_interval = Duration::seconds(120);
inline constexpr Duration quiet_interval_max = Duration::seconds(600);
inline constexpr Duration failing_interval_max = Duration::seconds(1800);
inline constexpr Duration lonely_pause_max = Duration::seconds(30);
inline constexpr Duration start_gap = Duration::seconds(1);
// A search that takes longer counts as a failure once; the strategy is not asked again until it ends.
inline constexpr Duration search_time_max = Duration::seconds(60);

class DiscoverySchedule {
  public:
    DiscoverySchedule(bool broadcasts, std::uint64_t seed) : broadcasts_(broadcasts), random_(seed) {}

    // The next strategy in the order; its number.
    std::size_t add(Duration interval = search_interval);
    // It will never search again.
    void remove(std::size_t strategy);

    struct Peers {
        std::size_t connected = 0, wanted = 0;
    };
    // All search as soon as those that do have ended.
    void set_broadcasts(MonoTime now, bool broadcasts);
    // Whose search begins now; the caller starts each. Call it some times a second.
    std::vector<std::size_t> due(MonoTime now, const Peers& peers);
    // Strategies whose search takes search_time_max by now; each search is named once.
    std::vector<std::size_t> overdue(MonoTime now);
    void ended(MonoTime now, std::size_t strategy, bool ok, bool found_something);

    bool searching(std::size_t strategy) const { return rows_[strategy].began.has_value(); }
    // Until the next search; none while one is under way or none will come.
    std::optional<Duration> next_in(MonoTime now, std::size_t strategy) const;

  private:
    struct Row {
        Duration interval;
        Duration pause;                // the last one
        std::optional<MonoTime> next;  // none: before the first search
        std::optional<MonoTime> began;
        std::optional<MonoTime> first_began;
        bool first_ended = false;
        bool overdue = false;
        bool failing = false;
        bool removed = false;
        bool again = false;  // at once when this search has ended
    };
    bool may_begin_first(MonoTime now, std::size_t strategy) const;

    bool broadcasts_;
    Random random_;
    std::vector<Row> rows_;
    Peers peers_;
};

}  // namespace peerbook::p2p

// Which message ids were seen within a window of time: two Bloom filters that take turns in front of an exact
// set of the latest ids.
//
// Most ids that arrive first are told new by the filters alone. "Perhaps" is decided by the exact set, unless
// ids had to leave that before their time, in a flood: then the filters' word counts, wrong once in a
// million. A filter is as large as the ids of the last half window ask for, up to a bound; one that is full
// before its time makes way for a larger one. So memory follows the rate, and a flood shortens the window, no
// more.
//
// Pure: time and seed are arguments. Not thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <set>
#include <vector>

#include "base/time.h"
#include "p2p/wire/message.h"

namespace peerbook::p2p {

// Membership with false positives: about 1 in 10⁶ at `capacity` ids, 29 bits an id.
class BloomFilter {
  public:
    BloomFilter(std::size_t capacity, std::uint64_t seed);

    void insert(const MessageId& id);
    bool may_contain(const MessageId& id) const;
    std::size_t count() const { return count_; }
    std::size_t capacity() const { return capacity_; }
    std::size_t bytes() const { return words_.size() * 8; }

  private:
    struct Probe {
        std::uint64_t at, step;
    };
    Probe probe(const MessageId& id) const;

    std::size_t capacity_;
    std::uint64_t seed_;  // secret, so that nobody finds ids that collide
    std::size_t count_ = 0;
    std::vector<std::uint64_t> words_;
};

class DedupWindow {
  public:
    struct Limits {
        Duration window;
        std::size_t ids_max;         // exact
        std::size_t filter_ids_max;  // of one filter
    };
    static constexpr std::size_t filter_ids_min = 1'024;

    DedupWindow(Limits limits, std::uint64_t seed, MonoTime now);

    // True if `id` is new; it is remembered from now on.
    bool insert(MonoTime now, const MessageId& id);
    bool contains(MonoTime now, const MessageId& id);

    std::size_t exact_ids() const { return ids_.size(); }
    std::size_t filter_bytes() const { return young_.bytes() + old_.bytes(); }

  private:
    struct Entry {
        MonoTime at;
        MessageId id;
    };
    void advance(MonoTime now);
    void turn(MonoTime now, std::size_t capacity);

    Limits limits_;
    std::uint64_t seed_;
    BloomFilter young_, old_;
    MonoTime turned_at_;
    MonoTime filters_decide_until_;
    std::set<MessageId> ids_;
    std::deque<Entry> order_;  // oldest first; the same ids
};

}  // namespace peerbook::p2p

#include "p2p/gossip/dedup_window.h"

#include <algorithm>

namespace peerbook::p2p {

namespace {

constexpr std::size_t bits_an_id = 29;  // for 10⁻⁶ with 20 probes
constexpr int probes = 20;

std::uint64_t mixed(std::uint64_t word) {
    word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9U;
    word = (word ^ (word >> 27)) * 0x94d049bb133111ebU;
    return word ^ (word >> 31);
}

std::uint64_t word_at(const MessageId& id, std::size_t from) {
    std::uint64_t word = 0;
    for (std::size_t i = from; i < from + 8; ++i)
        word = word << 8 | id.data[i];
    return word;
}

}  // namespace

BloomFilter::BloomFilter(std::size_t capacity, std::uint64_t seed)
    : capacity_(capacity), seed_(seed), words_((capacity * bits_an_id + 63) / 64) {}

BloomFilter::Probe BloomFilter::probe(const MessageId& id) const {
    const std::uint64_t first = mixed(word_at(id, 0) ^ seed_);
    const std::uint64_t second = mixed(word_at(id, 8) + first);
    return {first, second | 1};
}

void BloomFilter::insert(const MessageId& id) {
    auto [at, step] = probe(id);
    for (int i = 0; i < probes; ++i, at += step) {
        const std::uint64_t bit = at % (words_.size() * 64);
        words_[bit / 64] |= std::uint64_t{1} << (bit % 64);
    }
    ++count_;
}

bool BloomFilter::may_contain(const MessageId& id) const {
    auto [at, step] = probe(id);
    for (int i = 0; i < probes; ++i, at += step) {
        const std::uint64_t bit = at % (words_.size() * 64);
        if ((words_[bit / 64] >> (bit % 64) & 1) == 0) return false;
    }
    return true;
}

DedupWindow::DedupWindow(Limits limits, std::uint64_t seed, MonoTime now)
    : limits_(limits),
      seed_(seed),
      young_(std::min(filter_ids_min, limits.filter_ids_max), seed),
      old_(young_),
      turned_at_(now),
      filters_decide_until_(now) {}

void DedupWindow::turn(MonoTime now, std::size_t capacity) {
    old_ = std::move(young_);
    young_ = BloomFilter(
        std::clamp(capacity, std::min(filter_ids_min, limits_.filter_ids_max), limits_.filter_ids_max),
        ++seed_);
    turned_at_ = now;
}

void DedupWindow::advance(MonoTime now) {
    while (!order_.empty() && now - order_.front().at >= limits_.window) {
        ids_.erase(order_.front().id);
        order_.pop_front();
    }
    // Each filter covers a whole window before it becomes the old one, and is asked for one more.
    if (now - turned_at_ >= limits_.window) turn(now, young_.count() * 2);
}

bool DedupWindow::contains(MonoTime now, const MessageId& id) {
    advance(now);
    if (!young_.may_contain(id) && !old_.may_contain(id)) return false;
    return ids_.contains(id) || now < filters_decide_until_;
}

bool DedupWindow::insert(MonoTime now, const MessageId& id) {
    if (contains(now, id)) return false;
    if (young_.count() >= young_.capacity()) {
        // A filter that makes way early would leave ids of the window to the exact set alone, which nobody
        // asks where the filters say "new". So they go into the new one, while they fit.
        turn(now, std::max(young_.capacity() * 4, order_.size() * 2));
        if (order_.size() < young_.capacity())
            for (const Entry& entry : order_)
                young_.insert(entry.id);
    }
    young_.insert(id);
    ids_.insert(id);
    order_.push_back({now, id});
    if (order_.size() > limits_.ids_max) {
        ids_.erase(order_.front().id);
        order_.pop_front();
        filters_decide_until_ = now + limits_.window;
    }
    return true;
}

}  // namespace peerbook::p2p

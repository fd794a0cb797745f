// The undo log: the inverse of every change of state, newest last, in 64-bit words. A record is its payload
// and then one word that names it, so that it is read from its end. The words stand in a ring that grows by
// doubling, halves again after a burst, and is reused after pruning, so that steady work allocates nothing.
// Positions count words since the start and never wrap. Logic thread only.
#pragma once

#include <bit>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "base/check.h"
#include "exchange/market/types.h"

namespace peerbook::exchange {

enum class UndoKind : std::uint8_t {
    nonce_in_order,  // a = account
    nonce,           // a = account; words: base, highest, nonce; b bit 0: new chunk, bit 1: nine words of the
                     // dropped one first
    order_inserted,  // a = slot
    order_removed,   // a = slot, which waits for pruning to be freed
    order_changed,   // a = slot, b = fee carry; words: leaves
    order_requeued,  // a = slot; words: sequence
    hidden_changed,  // a = slot; words: hidden lots
    reserved_changed,    // a = balance slot; words: reserved (2)
    balance_changed,     // a = balance slot; words: total (2), reserved (2)
    last_price,          // a = market, b = 1 if there was one; words: it
    account_opened,      // a = account
    issued,              // a = asset; words: amount (2)
    rate_changed,        // a = account; words: number and count
    owner_changed,       // a = owner; words: number and count of openings, second, bytes
    switch_changed,      // a = account; words: deadline
    phase_changed,       // a = market, b = phase and bit 2: an auction had an end; words: it
    market_created,      // the last market
    withdrawal_added,    // a = account, b = index; words: nonce
    withdrawal_removed,  // the newest of the removed ones
    proposals_changed,   // the newest of the former ones
    time_changed,        // a = 1 if there was one; words: ms
};

class UndoLog {
  public:
    std::uint64_t position() const { return tail_; }
    std::uint64_t oldest() const { return head_; }

    void push_word(std::uint64_t word) {
        make_room(1);
        words_[tail_++ & mask_] = word;
    }
    void push_amount(Amount amount) {
        make_room(2);
        put_amount(amount);
    }
    void push_record(UndoKind kind, std::uint32_t a, std::uint32_t b = 0) {
        make_room(1);
        put_record(kind, a, b);
    }
    // A record with one or two amounts before it.
    void push_change(UndoKind kind, std::uint32_t a, Amount first) {
        make_room(3);
        put_amount(first);
        put_record(kind, a, 0);
    }
    void push_change(UndoKind kind, std::uint32_t a, Amount first, Amount second) {
        make_room(5);
        put_amount(first);
        put_amount(second);
        put_record(kind, a, 0);
    }

    struct Record {
        UndoKind kind;
        std::uint32_t a;
        std::uint32_t b;
    };
    // Preconditions: position() > oldest(); payload is popped in the reverse of its pushing.
    std::uint64_t pop_word() { return words_[--tail_ & mask_]; }
    Amount pop_amount() {
        const std::uint64_t high = pop_word();
        const std::uint64_t low = pop_word();
        return static_cast<Amount>(static_cast<unsigned __int128>(high) << 64 | low);
    }
    Record pop_record() {
        const std::uint64_t word = pop_word();
        return {static_cast<UndoKind>(word & ((1u << kind_bits) - 1)), static_cast<std::uint32_t>(word >> 32),
                static_cast<std::uint32_t>(word) >> kind_bits};
    }
    void prune(std::uint64_t position) {
        PB_CHECK(position >= head_ && position <= tail_, "undo is pruned up to a mark that lies in it");
        head_ = position;
        if ((tail_ - head_) * 8 < words_.size() && words_.size() > words_kept) [[unlikely]]
            shrink();
    }
    std::uint64_t used_bytes() const { return (tail_ - head_) * sizeof(std::uint64_t); }
    std::size_t memory_bytes() const { return words_.capacity() * sizeof(std::uint64_t); }

  private:
    static constexpr unsigned kind_bits = 5;
    static_assert(static_cast<unsigned>(UndoKind::time_changed) < 1u << kind_bits);
    void make_room(std::uint64_t words) {
        if (tail_ - head_ + words > words_.size()) [[unlikely]]
            grow();
    }
    void put_amount(Amount amount) {
        words_[tail_ & mask_] = static_cast<std::uint64_t>(amount);
        words_[(tail_ + 1) & mask_] =
            static_cast<std::uint64_t>(static_cast<unsigned __int128>(amount) >> 64);
        tail_ += 2;
    }
    void put_record(UndoKind kind, std::uint32_t a, std::uint32_t b) {
        words_[tail_++ & mask_] =
            std::uint64_t{a} << 32 | std::uint64_t{b} << kind_bits | static_cast<std::uint64_t>(kind);
    }
    static constexpr std::size_t words_kept = 128 * 1024;  // what a burst needed above it comes back
    void grow();
    void shrink();

    std::vector<std::uint64_t> words_ = std::vector<std::uint64_t>(1024);
    std::uint64_t mask_ = 1023;
    std::uint64_t head_ = 0;
    std::uint64_t tail_ = 0;
};

// First in, first out, or taken back at the end; a ring that grows by doubling and halves again. Holds the
// slots of orders that left the book and may still be asked back.
class WaitingSlots {
  public:
    struct Entry {
        std::uint64_t position;  // of the removal's record in the undo log
        std::uint32_t slot;
        bool is_extended;  // the order's, which has left the caches when its slot is freed
    };
    bool empty() const { return head_ == tail_; }
    const Entry& front() const { return entries_[head_ & mask_]; }
    void pop_front() { ++head_; }
    void push_back(Entry entry) {
        if (tail_ - head_ == entries_.size()) [[unlikely]]
            grow();
        entries_[tail_++ & mask_] = entry;
    }
    void pop_back() { --tail_; }
    // After popping from the front.
    void give_back() {
        if (size() * 8 < entries_.size() && entries_.size() > entries_kept) [[unlikely]]
            shrink();
    }
    std::size_t size() const { return static_cast<std::size_t>(tail_ - head_); }
    std::size_t memory_bytes() const { return entries_.capacity() * sizeof(Entry); }

  private:
    static constexpr std::size_t entries_kept = 16 * 1024;
    void grow();
    void shrink();

    std::vector<Entry> entries_ = std::vector<Entry>(256);
    std::uint64_t mask_ = 255;
    std::uint64_t head_ = 0;
    std::uint64_t tail_ = 0;
};

// Former values of what changes rarely and is too large for words; as WaitingSlots.
template <typename T>
class FormerValues {
  public:
    void push(std::uint64_t position, T value) { entries_.emplace_back(position, std::move(value)); }
    T pop() {
        T value = std::move(entries_.back().second);
        entries_.pop_back();
        return value;
    }
    void prune(std::uint64_t position) {
        while (!entries_.empty() && entries_.front().first < position)
            entries_.pop_front();
    }

  private:
    std::deque<std::pair<std::uint64_t, T>> entries_;  // position of the record in the undo log
};

}  // namespace peerbook::exchange

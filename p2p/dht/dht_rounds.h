// Rounds of libtorrent's figures: which look-ups run and how many nodes there are. Only by these does it tell
// that a look-up has ended. It answers in the order of calls, so a round that is asked for after a look-up
// knows of it. Pure; belongs to the node's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>

#include <libtorrent/alert_types.hpp>
#include <libtorrent/sha1_hash.hpp>

namespace peerbook::p2p {

class DhtRounds {
  public:
    bool is_open() const { return is_open_; }
    void open();
    // Of the open round; they come once for each address of the machine.
    void take(const lt::dht_stats_alert& figures);
    // Gives how many nodes the round counted.
    std::size_t close();

    // The first round that knows of a look-up which is sent now.
    std::uint64_t next() const { return closed_ + (is_open_ ? 1 : 0); }
    // Whether a look-up of `target`, which `first` and later rounds know of, had ended in the round that was
    // closed last. Precondition: none is open.
    bool has_ended(const lt::sha1_hash& target, std::uint64_t first) const {
        return first < closed_ && running_.count(target) == 0;
    }

  private:
    std::set<lt::sha1_hash> running_;
    std::size_t nodes_ = 0;
    std::uint64_t closed_ = 0;  // how many
    bool is_open_ = false;
};

}  // namespace peerbook::p2p

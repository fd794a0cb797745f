// This node's own blocks over all views: numbers for clients, and what is to be issued again. Seqs start anew
// in each view; a client is told a *number*, which counts all own blocks ever made. A block that a view
// change leaves out is void: its payload waits here and becomes the payload of a later own block, so its
// commands keep their nonces. Logic thread only.
//
// Everything is remade from the journal: blocks in order through made(), view changes through close().
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "app/node/batcher.h"
#include "base/bytes.h"

namespace peerbook::app {

class OwnBlocks {
  public:
    std::uint64_t number_of(std::uint64_t seq) const { return before_ + seq; }

    // A block of the present view was signed, with this payload at the end of its encoding. True if it issues
    // the payload again that waited first; then that no longer waits.
    bool made(std::uint64_t seq, SharedBytes encoded, std::size_t payload_bytes);
    void settled(std::uint64_t seq) { unsettled_.erase(number_of(seq)); }
    // The view ended and leaves this block out; `origins` are those whose requests wait for its commands. In
    // order of seq, before close().
    void take_back(std::uint64_t seq, std::vector<std::optional<Origin>> origins);
    // The view ended; `made` own blocks were made in it.
    void close(std::uint64_t made);

    struct Waiting {
        std::uint64_t number = 0;  // of the void block
        std::uint64_t first = 0;   // of the block in which these commands stood first: their order
        Bytes payload;
        std::vector<std::optional<Origin>> origins;  // empty where nobody waits
        std::uint64_t commands = 0;                  // a mass quote counts as its quotes
    };
    // Void blocks whose commands are to be issued again, oldest first.
    const std::deque<Waiting>& waiting() const { return waiting_; }
    // Takes the oldest one: its commands are others' to issue. Precondition: one waits.
    Waiting hand_over();
    // Of the one that was taken back last.
    void note_commands(std::uint64_t count) { waiting_.back().commands = count; }
    std::uint64_t waiting_commands() const;

    // Every block with commands that was made is settled, in whichever view.
    bool all_settled() const { return unsettled_.empty() && waiting_.empty(); }

    // Where the commands of a block are now: its number, that of the block that issued them again, or nothing
    // while they wait for that.
    std::optional<std::uint64_t> latest(std::uint64_t number) const;

  private:
    struct Made {
        SharedBytes encoded;
        std::size_t payload_bytes = 0;
        std::uint64_t first = 0;  // as in Waiting
    };
    std::uint64_t before_ = 0;                 // blocks in closed views
    std::map<std::uint64_t, Made> unsettled_;  // by number
    std::deque<Waiting> waiting_;
    std::map<std::uint64_t, std::uint64_t> again_;  // void number → number of the block that issued it again
};

}  // namespace peerbook::app

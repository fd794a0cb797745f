// The journal: every accepted block in the order of acceptance, own ones durable before they are sent or
// acknowledged. What it holds is opaque here. Keys are append-ordered; each value carries a checksum of its own,
// so that a flipped bit is told as `corrupt` with its position and not replayed.
//
// Also keeps the chain index (author, seq) → entry inside the same atomic write, because serving a lagging peer must
// not need a scan.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/keys.h"
#include "base/result.h"
#include "base/strong_id.h"
#include "storage/key_value.h"

namespace peerbook::storage {

using JournalPosition = StrongId<struct JournalPositionTag, std::uint64_t>;  // from 1, no gaps

struct JournalEntry {
    PublicKey author;
    std::uint64_t seq = 0;
    std::uint64_t order = 0;  // the block's round: merging chains by it puts parents first
    SharedBytes block;
};

// One thread writes (append); reads may come from any thread.
class Journal {
  public:
    // Reads the end of the journal. `identity` (network id ‖ ledger id ‖ node key …) is stored at first use and must
    // match ever after. Errors: conflict (other identity or newer schema), corrupt, io.
    static Result<std::unique_ptr<Journal>> open(std::unique_ptr<KeyValueStore> store, ByteView identity);

    // Appends all, atomically; with Sync::yes they are on disk when this returns. Any error: the caller must stop
    // writing and stop the node.
    Status append(std::span<const JournalEntry> entries, Sync sync);

    JournalPosition last() const;
    // Visits all entries from `from` in order; stops when `visit` returns false. Error: corrupt with the position.
    Status replay(JournalPosition from, const std::function<bool(JournalPosition, const JournalEntry&)>& visit) const;
    // Blocks of `author` with seq ≥ from, in order, until `bytes_max` is reached (at least one, if there is one).
    Result<std::vector<JournalEntry>> chain(const PublicKey& author, std::uint64_t from, std::size_t bytes_max) const;
    // For a peer that has `have[i].second` blocks of author `have[i].first`: what it lacks, merged by `order` so that
    // parents come first, until bytes_max.
    Result<std::vector<JournalEntry>> missing(std::span<const std::pair<PublicKey, std::uint64_t>> have,
                                              std::size_t bytes_max) const;

  private:
    explicit Journal(std::unique_ptr<KeyValueStore> store);
    std::unique_ptr<KeyValueStore> store_;
    std::atomic<std::uint64_t> last_{0};
};

}  // namespace peerbook::storage

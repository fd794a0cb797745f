// The journal: every accepted block in the order of acceptance, own ones durable before they are sent or
// acknowledged. What it holds is opaque here. Keys are append-ordered; each value carries a checksum of its
// own, so that a flipped bit is told as `corrupt` with its position and not replayed.
//
// Also keeps the chain index (author, seq) → entry inside the same atomic write, because serving a lagging
// peer must not need a scan. Two blocks of one author with one seq (an author that signs twice) are both
// kept.
//
// Each append ends with a tail record that names the last position. An entry without its index rows, a gap,
// or a tail that disagrees with the entries is `corrupt`. PROTOCOL.md, "Storage formats", has the bytes.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/keys.h"
#include "base/result.h"
#include "base/strong_id.h"
#include "storage/key_value.h"

namespace peerbook::storage {

using JournalPosition = StrongId<struct JournalPositionTag, std::uint64_t>;  // from 1, no gaps

inline constexpr std::size_t journal_block_bytes_max = 1024 * 1024;  // no frame carries more
inline constexpr std::uint32_t journal_schema_version = 1;

struct JournalEntry {
    PublicKey author;
    std::uint64_t seq = 0;
    std::uint64_t order = 0;  // the block's round: merging chains by it puts parents first
    SharedBytes block;
};

// One thread writes (append); reads may come from any thread.
class Journal {
  public:
    // Reads the end of the journal. `identity` (network id ‖ ledger id ‖ node key …) is stored at first use
    // and must match ever after. Errors: conflict (other identity or newer schema), corrupt, io. A `corrupt`
    // error says what to do: move the directory away, start under a new node key (an old one could sign a
    // slot a second time), and let the node fetch the blocks from its peers.
    static Result<std::unique_ptr<Journal>> open(std::unique_ptr<KeyValueStore> store, ByteView identity);

    // Appends all, atomically; with Sync::yes they are on disk when this returns. Error too_large: a block
    // above journal_block_bytes_max, nothing was written. Any other error: the caller must stop the node;
    // every later append fails as well, since nobody knows what reached the disk.
    Status append(std::span<const JournalEntry> entries, Sync sync);

    JournalPosition last() const;
    // Visits all entries from `from` (at least 1) in order; stops when `visit` returns false. Error: corrupt
    // with the position; entries before it were visited.
    Status replay(JournalPosition from,
                  const std::function<bool(JournalPosition, const JournalEntry&)>& visit) const;
    // Blocks of `author` with seq ≥ from, in order, until `bytes_max` is reached (at least one, if there is
    // one).
    Result<std::vector<JournalEntry>> chain(const PublicKey& author, std::uint64_t from,
                                            std::size_t bytes_max) const;
    // The entries of one place in a chain, oldest first: one, or where an author signed several the first
    // few.
    static constexpr std::size_t place_entries_max = 8;
    Result<std::vector<JournalEntry>> place(const PublicKey& author, std::uint64_t seq) const;
    // For a peer that has blocks of author `have[i].first` up to seq `have[i].second`: what it lacks of
    // these authors, merged by `order` so that parents come first, until bytes_max (at least one, if there
    // is one).
    Result<std::vector<JournalEntry>> missing(std::span<const std::pair<PublicKey, std::uint64_t>> have,
                                              std::size_t bytes_max) const;

  private:
    explicit Journal(std::unique_ptr<KeyValueStore> store);

    // A row of the chain index: enough to merge chains and to count bytes without reading blocks.
    struct ChainRow {
        PublicKey author;
        std::uint64_t seq = 0;
        std::uint64_t position = 0;
        std::uint64_t order = 0;
        std::uint64_t bytes = 0;
    };
    class ChainCursor;

    Error corrupt(const std::string& what) const;
    Status read_end();
    Result<JournalEntry> decode_entry(std::uint64_t position, ByteView value) const;
    Result<JournalEntry> entry(const ChainRow& row) const;
    // Up to count_max rows of `author`, from (seq, position) on.
    Result<std::vector<ChainRow>> chain_rows(const PublicKey& author, std::uint64_t seq,
                                             std::uint64_t position, std::size_t count_max) const;

    std::unique_ptr<KeyValueStore> store_;
    std::atomic<std::uint64_t> last_{0};
    std::atomic<bool> failed_{false};
};

}  // namespace peerbook::storage

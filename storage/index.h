// The index: settled trades and orders by the keys people ask for. Unsynced and rebuildable: if it is
// missing, older than the journal or damaged, it is dropped and written again from the settled log. Records
// are opaque bytes.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "storage/key_value.h"

namespace peerbook::storage {

inline constexpr std::uint32_t index_schema_version = 1;

struct IndexedTrade {
    std::uint32_t market = 0;
    std::uint64_t ordinal = 0;  // counts the market's settled trades, from 1
    std::array<std::uint8_t, 16> id{};
    std::array<std::uint8_t, 32> maker_account{};
    std::array<std::uint8_t, 32> taker_account{};
    Bytes record;
};

// What one settled commit adds; its trades in their order within the commit.
struct IndexBatch {
    std::uint64_t commit = 0;  // its index in the settled log
    std::vector<IndexedTrade> trades;
};

// One thread writes (add); reads may come from any thread, since the store allows it.
class Index {
  public:
    // Errors: conflict (other identity or schema: the caller drops and rebuilds), corrupt, io.
    static Result<std::unique_ptr<Index>> open(std::unique_ptr<KeyValueStore> store, ByteView identity);

    // Last commit that is in. Batches at or below it are ignored, so that a replay of the journal may offer
    // all again.
    std::uint64_t last_commit() const;
    // All batches in one atomic, unsynced write. Error io: nothing is known of what was written; offer them
    // again.
    Status add(const std::vector<IndexBatch>& batches);

    // Records of a market with ordinal in (after, …), oldest first, at most count_max.
    Result<std::vector<Bytes>> trades_after(std::uint32_t market, std::uint64_t after,
                                            std::size_t count_max) const;
    // The latest records of an account, newest first.
    Result<std::vector<Bytes>> account_trades(const std::array<std::uint8_t, 32>& account,
                                              std::size_t count_max) const;
    Result<std::optional<Bytes>> trade(const std::array<std::uint8_t, 16>& id) const;

  private:
    explicit Index(std::unique_ptr<KeyValueStore> store);
    Error corrupt(const std::string& what) const;
    Result<Bytes> record(std::uint32_t market, std::uint64_t ordinal) const;

    std::unique_ptr<KeyValueStore> store_;
    std::atomic<std::uint64_t> last_commit_{0};
};

}  // namespace peerbook::storage

// Snapshots: a whole state as canonical entries (canonical.h), sorted by domain and key, in chunks of at most
// 512 KiB, and a manifest that names the chunks by their hashes. Equal states give equal chunks and an equal
// manifest on every machine, so that chunks can be fetched from many peers. PROTOCOL.md has the bytes.
//
// Who trusts a manifest's state root (a certificate, an own checkpoint) needs to trust nobody about the rest.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "exchange/engine/canonical.h"
#include "exchange/engine/state_root.h"

namespace peerbook::exchange {

inline constexpr std::uint16_t snapshot_format_version = 1;
inline constexpr std::size_t snapshot_chunk_bytes_max = 512 * 1024;
inline constexpr std::size_t snapshot_chunks_max = 16'384;  // 8 GiB; the manifest stays below 1 MiB
inline constexpr std::size_t snapshot_manifest_bytes_max = 1024 * 1024;

// Where in the log the state was, and under which rules.
struct SnapshotOrigin {
    Digest network;
    std::uint16_t rules_version = rules_version_latest;
    std::uint64_t commit = 0;  // how many commits the state has executed
    Digest log_prefix;         // hash of the log up to and with that commit
    Digest state_root;
    friend bool operator==(const SnapshotOrigin&, const SnapshotOrigin&) = default;
};

struct SnapshotManifest {
    struct Chunk {
        Digest hash;
        std::uint32_t size = 0;
        friend bool operator==(const Chunk&, const Chunk&) = default;
    };
    SnapshotOrigin origin;
    std::optional<WallTime> time;                             // of that commit
    std::array<std::uint64_t, state_domain_count> entries{};  // how many, by domain
    std::vector<Chunk> chunks;

    Bytes encode() const;
    // The name of the snapshot.
    Digest digest() const;
    // Error: malformed, another format, or beyond the bounds above.
    static Result<SnapshotManifest> decode(ByteView bytes);
    friend bool operator==(const SnapshotManifest&, const SnapshotManifest&) = default;
};

Digest snapshot_chunk_hash(ByteView chunk);

// Writes a snapshot in steps of some milliseconds. Because a FrozenState never changes, the engine goes on
// meanwhile: on the same thread between steps, or with the writer on another thread. Not thread-safe. Takes
// 24 bytes for each entry of the largest domain.
class SnapshotWriter {
  public:
    // `origin.state_root` is state_root_of(state).
    SnapshotWriter(FrozenState state, SnapshotOrigin origin);

    // Goes on for a step; returns a chunk if one became ready. Chunks come in their order. Error, at this and
    // every later step: the state is beyond snapshot_chunks_max.
    Result<std::optional<Bytes>> step();
    bool is_done() const { return is_done_; }
    // Precondition: is_done().
    const SnapshotManifest& manifest() const;

  private:
    // An entry by what orders it within its domain.
    struct Item {
        std::uint64_t a = 0, b = 0;
        std::uint32_t c = 0;
        std::uint32_t place = 0;
    };
    struct Run {
        std::vector<Item> items;  // sorted, once it is full
        std::size_t next = 0;
    };
    std::optional<Item> item_at(std::size_t place) const;
    bool is_before(const Item& x, const Item& y) const;
    // Of two ids that are equal as far as an item holds them.
    bool is_id_before(std::uint32_t x, std::uint32_t y) const;
    bool run_is_behind(std::size_t x, std::size_t y) const;
    void collect();
    void close_run();
    void begin_merge();
    std::optional<Bytes> emit();
    std::optional<Bytes> emit_one();
    Bytes take_chunk();
    void next_domain();

    FrozenState state_;
    SnapshotManifest manifest_;
    StateDomain domain_ = StateDomain::meta;
    bool is_merging_ = false;
    bool is_done_ = false;
    std::size_t next_place_ = 0;
    std::vector<Run> runs_;
    std::vector<std::size_t> heap_;    // of runs, the one with the first entry in front
    std::vector<std::uint32_t> rank_;  // of accounts, by id
    std::uint32_t next_rank_ = 0;
    Bytes chunk_, entry_;
};

// Collects the chunks of one snapshot in any order and checks everything that can be checked without an
// engine. Holds the chunks, and allocates nothing beyond what was handed in. Not thread-safe.
class SnapshotReader {
  public:
    SnapshotReader(SnapshotReader&&) = default;
    SnapshotReader& operator=(SnapshotReader&&) = default;
    // Error: a malformed manifest, or of another network or newer rules.
    static Result<SnapshotReader> open(ByteView manifest, const NetworkRules& rules);

    const SnapshotManifest& manifest() const { return manifest_; }
    bool has_chunk(std::size_t number) const { return !chunks_[number].empty(); }
    std::size_t missing_count() const { return missing_; }
    // Takes a chunk in. Error, and nothing was taken in: no such chunk, there already, another size or hash
    // than the manifest says (corrupt: ask another peer), or content that is no snapshot's (invalid_input:
    // the manifest is bad).
    Status add_chunk(std::size_t number, Bytes chunk);
    // Once all chunks are there: keys rise from chunk to chunk; counts, time and state root are the
    // manifest's. Error: what is wrong.
    Status finish() const;
    // Calls visit(domain, entry) for each entry in order until it returns false. Precondition: finish() is
    // ok.
    template <typename Visit>
    void for_each(Visit visit) const;

  private:
    SnapshotReader() = default;
    struct Key {
        StateDomain domain = StateDomain::meta;
        ByteView bytes;
        bool is_before(const Key& other) const;
    };
    struct ChunkSummary {
        Key first, last;
    };
    // The entry at the decoder's position, domain first.
    struct Entry {
        StateDomain domain = StateDomain::meta;
        ByteView bytes;
        Key key() const { return {domain, bytes.first(state_key_size(domain))}; }
    };
    static Entry read_entry(Decoder& in);
    Status check_border(std::size_t number) const;
    Status check_meta() const;

    SnapshotManifest manifest_;
    std::vector<Bytes> chunks_;
    std::vector<ChunkSummary> summaries_;
    std::size_t missing_ = 0;
    std::array<std::uint64_t, state_domain_count> entries_{};
    DomainSums sums_{};
};

template <typename Visit>
void SnapshotReader::for_each(Visit visit) const {
    for (const Bytes& chunk : chunks_) {
        Decoder in(chunk);
        while (in.ok() && in.remaining() != 0) {
            const Entry entry = read_entry(in);
            if (!visit(entry.domain, entry.bytes)) return;
        }
    }
}

}  // namespace peerbook::exchange

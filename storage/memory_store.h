// KeyValueStore in memory, with a disk that can be told to fail: for tests and simulation.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "storage/key_value.h"

namespace peerbook::storage {

// What outlives a MemoryStore, as files outlive a process. Thread-safe because every call locks.
class MemoryDisk {
  public:
    // The n-th write from now (1: the next) fails with `error` and changes nothing.
    void fail_write(std::uint64_t n, Error error);
    // The n-th write from now keeps only the first `kept` entries of its batch and fails with an io error, as
    // a store without atomic batches would do when the machine stops.
    void tear_write(std::uint64_t n, std::size_t kept);
    // Every write that would make keys and values exceed this fails with an io error, as a full disk.
    void limit_bytes(std::size_t bytes_max);
    // Every get and scan fails with `error` until called with nullopt.
    void fail_reads(std::optional<Error> error);

    // The machine stops: what was written since the last synced write is gone.
    void crash();

    // Damage to stored values. False if there is no such key, or no such byte.
    bool flip_bit(ByteView key, std::size_t byte, unsigned bit);
    bool truncate_value(ByteView key, std::size_t size);
    bool erase(ByteView key);

    std::vector<Bytes> keys() const;
    std::size_t bytes() const;

  private:
    friend class MemoryStore;
    struct Undo {
        Bytes key;
        std::optional<Bytes> old_value;
    };

    Status write(const std::vector<KeyValueWrite>& batch, Sync sync);
    void apply(const KeyValueWrite& write);
    void put(const Bytes& key, const std::optional<Bytes>& value);
    std::size_t bytes_after(const std::vector<KeyValueWrite>& batch) const;

    mutable std::mutex mutex_;
    std::map<Bytes, Bytes> content_;
    std::vector<Undo> unsynced_;
    std::size_t bytes_ = 0;
    std::size_t bytes_max_ = std::numeric_limits<std::size_t>::max();
    std::uint64_t writes_ = 0;
    std::map<std::uint64_t, Error> failures_;  // by number of the write
    std::map<std::uint64_t, std::size_t> tears_;
    std::optional<Error> read_failure_;
};

class MemoryStore final : public KeyValueStore {
  public:
    // On a disk of its own, which goes with it.
    MemoryStore();
    // `disk` outlives the store.
    explicit MemoryStore(MemoryDisk& disk) : disk_(&disk) {}

    Status write(const std::vector<KeyValueWrite>& batch, Sync sync) override;
    Result<std::optional<Bytes>> get(ByteView key) const override;
    Status scan(ByteView begin, ByteView end, bool reverse,
                const std::function<bool(ByteView key, ByteView value)>& visit) const override;

  private:
    std::unique_ptr<MemoryDisk> own_;
    MemoryDisk* disk_;
};

}  // namespace peerbook::storage

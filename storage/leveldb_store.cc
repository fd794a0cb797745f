#include "storage/leveldb_store.h"

#include <leveldb/db.h>
#include <leveldb/filter_policy.h>
#include <leveldb/write_batch.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "storage/schema.h"

namespace peerbook::storage {

namespace {

leveldb::Slice slice_of(ByteView bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

ByteView view_of(const leveldb::Slice& slice) {
    return {reinterpret_cast<const std::uint8_t*>(slice.data()), slice.size()};
}

bool contains(const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
}

// LevelDB tells the kinds of io failure apart by their text only.
Error error_of(const leveldb::Status& status, const std::string& path) {
    const std::string text = status.ToString();
    if (status.IsCorruption()) return {ErrorCode::corrupt, path + ": " + text};
    if (contains(text, "LOCK: Resource temporarily unavailable") || contains(text, "already held by process"))
        return {ErrorCode::conflict,
                path + ": data directory in use by another process: stop it, or choose another one"};
    if (contains(text, "No space left on device"))
        return {ErrorCode::io, path + ": the disk is full: free some space and start again (" + text + ")"};
    return {ErrorCode::io, path + ": " + text};
}

class LevelDbStore final : public KeyValueStore {
  public:
    LevelDbStore(std::string path, std::unique_ptr<const leveldb::FilterPolicy> filter,
                 std::unique_ptr<leveldb::DB> db)
        : path_(std::move(path)), filter_(std::move(filter)), db_(std::move(db)) {}

    Status write(const std::vector<KeyValueWrite>& batch, Sync sync) override {
        leveldb::WriteBatch writes;
        for (const KeyValueWrite& write : batch) {
            if (write.value)
                writes.Put(slice_of(write.key), slice_of(*write.value));
            else
                writes.Delete(slice_of(write.key));
        }
        leveldb::WriteOptions options;
        options.sync = sync == Sync::yes;
        const leveldb::Status status = db_->Write(options, &writes);
        if (!status.ok()) return error_of(status, path_);
        return {};
    }

    Result<std::optional<Bytes>> get(ByteView key) const override {
        std::string value;
        leveldb::ReadOptions options;
        options.verify_checksums = true;
        const leveldb::Status status = db_->Get(options, slice_of(key), &value);
        if (status.IsNotFound()) return std::optional<Bytes>();
        if (!status.ok()) return error_of(status, path_);
        return std::optional<Bytes>(Bytes(value.begin(), value.end()));
    }

    Status scan(ByteView begin, ByteView end, bool reverse,
                const std::function<bool(ByteView, ByteView)>& visit) const override {
        leveldb::ReadOptions options;
        options.verify_checksums = true;
        options.fill_cache = false;
        const std::unique_ptr<leveldb::Iterator> it(db_->NewIterator(options));
        if (reverse)
            scan_down(*it, begin, end, visit);
        else
            scan_up(*it, begin, end, visit);
        if (!it->status().ok()) return error_of(it->status(), path_);
        return {};
    }

    std::string location() const override { return path_; }

  private:
    static void scan_up(leveldb::Iterator& it, ByteView begin, ByteView end,
                        const std::function<bool(ByteView, ByteView)>& visit) {
        for (it.Seek(slice_of(begin)); it.Valid(); it.Next()) {
            if (!end.empty() && it.key().compare(slice_of(end)) >= 0) return;
            if (!visit(view_of(it.key()), view_of(it.value()))) return;
        }
    }

    static void scan_down(leveldb::Iterator& it, ByteView begin, ByteView end,
                          const std::function<bool(ByteView, ByteView)>& visit) {
        if (end.empty()) {
            it.SeekToLast();
        } else {
            it.Seek(slice_of(end));
            // Past the last key the iterator is not valid, and the last key is the one wanted. A damaged
            // table makes it invalid too: status() tells, and is left as it is.
            if (it.Valid())
                it.Prev();
            else if (it.status().ok())
                it.SeekToLast();
        }
        for (; it.Valid(); it.Prev()) {
            if (it.key().compare(slice_of(begin)) < 0) return;
            if (!visit(view_of(it.key()), view_of(it.value()))) return;
        }
    }

    std::string path_;
    std::unique_ptr<const leveldb::FilterPolicy> filter_;  // before db_: LevelDB uses it until it is closed
    std::unique_ptr<leveldb::DB> db_;
};

}  // namespace

LevelDbOptions journal_leveldb_options() {
    LevelDbOptions options;
    options.write_buffer_bytes = 32 * 1024 * 1024;
    options.file_bytes_max = 32 * 1024 * 1024;
    options.block_bytes = 64 * 1024;
    options.damage_advice = damaged_journal_advice;
    return options;
}

LevelDbOptions index_leveldb_options() {
    LevelDbOptions options;
    options.compress = true;
    options.write_buffer_bytes = 8 * 1024 * 1024;
    options.file_bytes_max = 8 * 1024 * 1024;
    options.bloom_bits_per_key = 10;
    options.damage_advice = damaged_index_advice;
    return options;
}

Result<std::unique_ptr<KeyValueStore>> open_leveldb(const std::string& path, const LevelDbOptions& options) {
    if (options.create_if_missing) {
        std::error_code failure;
        std::filesystem::create_directories(path, failure);
        if (failure) return Error{ErrorCode::io, path + ": cannot make this directory: " + failure.message()};
    }
    std::unique_ptr<const leveldb::FilterPolicy> filter;
    if (options.bloom_bits_per_key > 0)
        filter.reset(leveldb::NewBloomFilterPolicy(static_cast<int>(options.bloom_bits_per_key)));

    leveldb::Options db_options;
    db_options.create_if_missing = options.create_if_missing;
    db_options.paranoid_checks = true;
    db_options.compression = options.compress ? leveldb::kSnappyCompression : leveldb::kNoCompression;
    db_options.write_buffer_size = options.write_buffer_bytes;
    db_options.max_file_size = options.file_bytes_max;
    db_options.block_size = options.block_bytes;
    db_options.max_open_files = options.open_files_max;
    db_options.filter_policy = filter.get();

    leveldb::DB* opened = nullptr;
    const leveldb::Status status = leveldb::DB::Open(db_options, path, &opened);
    std::unique_ptr<leveldb::DB> db(opened);
    if (!status.ok()) {
        Error error = error_of(status, path);
        if (error.code == ErrorCode::corrupt && !options.damage_advice.empty())
            error.message += ": " + options.damage_advice;
        return error;
    }
    return std::unique_ptr<KeyValueStore>(
        std::make_unique<LevelDbStore>(path, std::move(filter), std::move(db)));
}

Status remove_leveldb(const std::string& path) {
    const leveldb::Status status = leveldb::DestroyDB(path, leveldb::Options());
    if (!status.ok()) return error_of(status, path);
    return {};
}

}  // namespace peerbook::storage

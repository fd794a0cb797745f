#include "storage/memory_store.h"

#include <iterator>
#include <utility>

namespace peerbook::storage {

void MemoryDisk::fail_write(std::uint64_t n, Error error) {
    const std::lock_guard lock(mutex_);
    failures_.insert_or_assign(writes_ + n, std::move(error));
}

void MemoryDisk::tear_write(std::uint64_t n, std::size_t kept) {
    const std::lock_guard lock(mutex_);
    tears_[writes_ + n] = kept;
}

void MemoryDisk::limit_bytes(std::size_t bytes_max) {
    const std::lock_guard lock(mutex_);
    bytes_max_ = bytes_max;
}

void MemoryDisk::fail_reads(std::optional<Error> error) {
    const std::lock_guard lock(mutex_);
    read_failure_ = std::move(error);
}

void MemoryDisk::crash() {
    const std::lock_guard lock(mutex_);
    for (auto undo = unsynced_.rbegin(); undo != unsynced_.rend(); ++undo)
        put(undo->key, undo->old_value);
    unsynced_.clear();
}

bool MemoryDisk::flip_bit(ByteView key, std::size_t byte, unsigned bit) {
    const std::lock_guard lock(mutex_);
    const auto found = content_.find(Bytes(key.begin(), key.end()));
    if (found == content_.end() || byte >= found->second.size() || bit > 7) return false;
    found->second[byte] = static_cast<std::uint8_t>(found->second[byte] ^ 1u << bit);
    return true;
}

bool MemoryDisk::truncate_value(ByteView key, std::size_t size) {
    const std::lock_guard lock(mutex_);
    const auto found = content_.find(Bytes(key.begin(), key.end()));
    if (found == content_.end() || size >= found->second.size()) return false;
    bytes_ -= found->second.size() - size;
    found->second.resize(size);
    return true;
}

bool MemoryDisk::erase(ByteView key) {
    const std::lock_guard lock(mutex_);
    const Bytes name(key.begin(), key.end());
    if (!content_.contains(name)) return false;
    put(name, std::nullopt);
    return true;
}

std::vector<Bytes> MemoryDisk::keys() const {
    const std::lock_guard lock(mutex_);
    std::vector<Bytes> keys;
    keys.reserve(content_.size());
    for (const auto& [key, value] : content_)
        keys.push_back(key);
    return keys;
}

std::size_t MemoryDisk::bytes() const {
    const std::lock_guard lock(mutex_);
    return bytes_;
}

void MemoryDisk::put(const Bytes& key, const std::optional<Bytes>& value) {
    const auto found = content_.find(key);
    if (found != content_.end()) {
        bytes_ -= key.size() + found->second.size();
        content_.erase(found);
    }
    if (value) {
        bytes_ += key.size() + value->size();
        content_.emplace(key, *value);
    }
}

void MemoryDisk::apply(const KeyValueWrite& write) {
    const auto found = content_.find(write.key);
    unsynced_.push_back(
        {write.key, found == content_.end() ? std::nullopt : std::optional<Bytes>(found->second)});
    put(write.key, write.value);
}

std::size_t MemoryDisk::bytes_after(const std::vector<KeyValueWrite>& batch) const {
    std::size_t bytes = bytes_;
    for (const KeyValueWrite& write : batch)
        if (write.value) bytes += write.key.size() + write.value->size();
    return bytes;
}

Status MemoryDisk::write(const std::vector<KeyValueWrite>& batch, Sync sync) {
    const std::lock_guard lock(mutex_);
    ++writes_;
    if (const auto failure = failures_.find(writes_); failure != failures_.end()) return failure->second;
    if (bytes_after(batch) > bytes_max_)
        return Error{ErrorCode::io, "memory: the disk is full: free some space and start again (limit " +
                                        std::to_string(bytes_max_) + " bytes)"};
    const auto tear = tears_.find(writes_);
    std::size_t left = tear == tears_.end() ? batch.size() : tear->second;
    for (const KeyValueWrite& write : batch) {
        if (left-- == 0) break;
        apply(write);
    }
    if (tear != tears_.end()) {
        unsynced_.clear();
        return Error{ErrorCode::io, "memory: the write was cut short"};
    }
    if (sync == Sync::yes) unsynced_.clear();
    return {};
}

MemoryStore::MemoryStore() : own_(std::make_unique<MemoryDisk>()), disk_(own_.get()) {}

Status MemoryStore::write(const std::vector<KeyValueWrite>& batch, Sync sync) {
    return disk_->write(batch, sync);
}

Result<std::optional<Bytes>> MemoryStore::get(ByteView key) const {
    const std::lock_guard lock(disk_->mutex_);
    if (disk_->read_failure_) return *disk_->read_failure_;
    const auto found = disk_->content_.find(Bytes(key.begin(), key.end()));
    if (found == disk_->content_.end()) return std::optional<Bytes>();
    return std::optional<Bytes>(found->second);
}

// Looks up one row at a time and calls `visit` without the lock, so that it may read the store. A write in
// between is seen or not, but whole: rows are visited in order, and batches are applied under the lock.
Status MemoryStore::scan(ByteView begin, ByteView end, bool reverse,
                         const std::function<bool(ByteView, ByteView)>& visit) const {
    const Bytes first(begin.begin(), begin.end());
    const Bytes limit(end.begin(), end.end());
    std::optional<Bytes> key;  // the row visited last
    while (true) {
        Bytes value;
        {
            const std::lock_guard lock(disk_->mutex_);
            if (disk_->read_failure_) return *disk_->read_failure_;
            const std::map<Bytes, Bytes>& content = disk_->content_;
            auto row = content.end();
            if (reverse) {
                row = key             ? content.lower_bound(*key)
                      : limit.empty() ? content.end()
                                      : content.lower_bound(limit);
                if (row == content.begin()) return {};
                --row;
                if (row->first < first) return {};
            } else {
                row = key ? content.upper_bound(*key) : content.lower_bound(first);
                if (row == content.end() || (!limit.empty() && row->first >= limit)) return {};
            }
            key = row->first;
            value = row->second;
        }
        if (!visit(*key, value)) return {};
    }
}

}  // namespace peerbook::storage

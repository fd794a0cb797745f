#include "storage/journal.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "base/codec.h"
#include "storage/schema.h"

namespace peerbook::storage {

namespace {

constexpr std::uint8_t entry_prefix = 0x01;
constexpr std::uint8_t chain_prefix = 0x02;
constexpr const char* tail_name = "tail";
// Rows of one chain that are read at once when chains are merged: a few KiB, a few ms of a busy author.
constexpr std::size_t rows_per_page = 64;

Bytes entry_key(std::uint64_t position) {
    Bytes key;
    Encoder out(key);
    out.u8(entry_prefix);
    out.u64(position);
    return key;
}

Bytes chain_key(const PublicKey& author, std::uint64_t seq, std::uint64_t position) {
    Bytes key;
    key.reserve(1 + PublicKey::size + 16);
    Encoder out(key);
    out.u8(chain_prefix);
    out.raw(author.view());
    out.u64(seq);
    out.u64(position);
    return key;
}

Bytes chain_prefix_of(const PublicKey& author) {
    Bytes key{chain_prefix};
    key.insert(key.end(), author.data.begin(), author.data.end());
    return key;
}

// The position in an entry's key; nullopt for a key of another shape, which only damage can bring about.
std::optional<std::uint64_t> position_of(ByteView key) {
    Decoder in(key);
    in.u8();
    const std::uint64_t position = in.u64();
    if (!in.finish().ok()) return std::nullopt;
    return position;
}

std::string at(std::uint64_t position) {
    return "position " + std::to_string(position);
}

KeyValueWrite entry_write(std::uint64_t position, const JournalEntry& entry) {
    Bytes payload;
    payload.reserve(PublicKey::size + 30 + entry.block.size() + checksum_size);
    Encoder out(payload);
    out.raw(entry.author.view());
    out.varint(entry.seq);
    out.varint(entry.order);
    out.bytes(entry.block.view());
    Bytes key = entry_key(position);
    Bytes value = with_checksum(key, std::move(payload));
    return {std::move(key), std::move(value)};
}

KeyValueWrite chain_write(std::uint64_t position, const JournalEntry& entry) {
    Bytes payload;
    Encoder out(payload);
    out.varint(entry.order);
    out.varint(entry.block.size());
    Bytes key = chain_key(entry.author, entry.seq, position);
    Bytes value = with_checksum(key, std::move(payload));
    return {std::move(key), std::move(value)};
}

}  // namespace

Journal::Journal(std::unique_ptr<KeyValueStore> store) : store_(std::move(store)) {}

Error Journal::corrupt(const std::string& what) const {
    return {ErrorCode::corrupt,
            "journal " + store_->location() + ", " + what + ": " + damaged_journal_advice};
}

Result<std::unique_ptr<Journal>> Journal::open(std::unique_ptr<KeyValueStore> store, ByteView identity) {
    std::unique_ptr<Journal> journal(new Journal(std::move(store)));
    Status status = check_or_write_schema(*journal->store_, {"journal", journal_schema_version}, identity);
    if (status.ok()) status = journal->read_end();
    if (!status.ok()) {
        if (status.error().code == ErrorCode::corrupt)
            return journal->corrupt("opening: " + status.error().message);
        return status.error();
    }
    return journal;
}

Status Journal::read_end() {
    const Result<std::uint64_t> tail = read_meta_number(*store_, tail_name);
    if (!tail.ok()) return tail.error();

    std::uint64_t last = 0;
    Status decoded;
    Status status =
        store_->scan(Bytes{entry_prefix}, Bytes{chain_prefix}, true, [&](ByteView key, ByteView value) {
            const std::optional<std::uint64_t> position = position_of(key);
            if (!position) {
                decoded = Error{ErrorCode::corrupt, "the last entry's key is malformed"};
                return false;
            }
            last = *position;
            Result<JournalEntry> entry = decode_entry(last, value);
            if (!entry.ok()) {
                decoded = entry.error();
            } else if (Result<std::optional<Bytes>> row =
                           store_->get(chain_key(entry->author, entry->seq, last));
                       !row.ok()) {
                decoded = row.error();
            } else if (!row->has_value()) {
                decoded = Error{ErrorCode::corrupt, at(last) + ": the entry is not in the chain index"};
            }
            return false;
        });
    if (!status.ok()) return status;
    if (!decoded.ok()) return decoded;
    if (last != *tail)
        return Error{ErrorCode::corrupt, "the last entry has position " + std::to_string(last) +
                                             " and the tail record says " + std::to_string(*tail)};
    last_ = last;
    return {};
}

Status Journal::append(std::span<const JournalEntry> entries, Sync sync) {
    if (failed_) return Error{ErrorCode::io, "journal " + store_->location() + ": an earlier write failed"};
    if (entries.empty()) return {};
    std::uint64_t position = last_;
    std::vector<KeyValueWrite> batch;
    batch.reserve(entries.size() * 2 + 1);
    for (const JournalEntry& entry : entries) {
        if (entry.block.size() > journal_block_bytes_max)
            return Error{ErrorCode::too_large, "a block of " + std::to_string(entry.block.size()) +
                                                   " bytes; the journal takes at most " +
                                                   std::to_string(journal_block_bytes_max)};
        ++position;
        batch.push_back(entry_write(position, entry));
        batch.push_back(chain_write(position, entry));
    }
    batch.push_back(meta_number_write(tail_name, position));
    if (Status status = store_->write(batch, sync); !status.ok()) {
        failed_ = true;
        return status.error().within("journal, writing up to position " + std::to_string(position));
    }
    last_ = position;
    return {};
}

JournalPosition Journal::last() const {
    return JournalPosition(last_);
}

Result<JournalEntry> Journal::decode_entry(std::uint64_t position, ByteView value) const {
    const Bytes key = entry_key(position);
    Result<ByteView> payload = without_checksum(key, value);
    if (!payload.ok()) return payload.error().within(at(position));
    Decoder in(*payload);
    JournalEntry entry;
    in.fixed(entry.author);
    entry.seq = in.varint();
    entry.order = in.varint();
    const ByteView block = in.bytes(journal_block_bytes_max, "block");
    if (Status status = in.finish(); !status.ok())
        return Error{ErrorCode::corrupt, at(position) + ": " + status.error().message};
    entry.block = SharedBytes(Bytes(block.begin(), block.end()));
    return entry;
}

Status Journal::replay(JournalPosition from,
                       const std::function<bool(JournalPosition, const JournalEntry&)>& visit) const {
    const std::uint64_t last = last_;
    std::uint64_t expected = std::max<std::uint64_t>(from.value(), 1);
    bool stopped = expected > last;
    if (stopped) return {};
    Status failure;
    Status status =
        store_->scan(entry_key(expected), entry_key(last + 1), false, [&](ByteView key, ByteView value) {
            const std::optional<std::uint64_t> position = position_of(key);
            if (!position || *position != expected) {
                failure = corrupt(at(expected) + ": the entry is missing");
                return false;
            }
            Result<JournalEntry> entry = decode_entry(expected, value);
            if (!entry.ok()) {
                failure = corrupt(entry.error().message);
                return false;
            }
            stopped = !visit(JournalPosition(expected), *entry);
            ++expected;
            return !stopped;
        });
    if (!status.ok()) {
        if (status.error().code == ErrorCode::corrupt)
            return corrupt(at(expected) + ": " + status.error().message);
        return status.error().within("journal, " + at(expected));
    }
    if (!failure.ok()) return failure;
    if (!stopped && expected <= last) return corrupt(at(expected) + ": the entry is missing");
    return {};
}

Result<std::vector<Journal::ChainRow>> Journal::chain_rows(const PublicKey& author, std::uint64_t seq,
                                                           std::uint64_t position,
                                                           std::size_t count_max) const {
    std::vector<ChainRow> rows;
    Status failure;
    Status status =
        store_->scan(chain_key(author, seq, position), end_of_prefix(chain_prefix_of(author)), false,
                     [&](ByteView key, ByteView value) {
                         Result<ByteView> payload = without_checksum(key, value);
                         if (!payload.ok()) {
                             failure = corrupt("chain of " + to_hex(author) + ": " + payload.error().message);
                             return false;
                         }
                         ChainRow row{author, 0, 0, 0, 0};
                         Decoder in_key(key.subspan(1 + PublicKey::size));
                         row.seq = in_key.u64();
                         row.position = in_key.u64();
                         Decoder in(*payload);
                         row.order = in.varint();
                         row.bytes = in.varint();
                         if (!in_key.finish().ok() || !in.finish().ok()) {
                             failure = corrupt("chain of " + to_hex(author) + ": malformed row");
                             return false;
                         }
                         rows.push_back(row);
                         return rows.size() < count_max;
                     });
    if (!status.ok()) return status.error().within("journal, chain of " + to_hex(author));
    if (!failure.ok()) return failure.error();
    return rows;
}

Result<JournalEntry> Journal::entry(const ChainRow& row) const {
    Result<std::optional<Bytes>> value = store_->get(entry_key(row.position));
    if (!value.ok()) {
        if (value.error().code == ErrorCode::corrupt)
            return corrupt(at(row.position) + ": " + value.error().message);
        return value.error().within("journal, " + at(row.position));
    }
    if (!value->has_value()) return corrupt(at(row.position) + ": the entry is missing");
    Result<JournalEntry> entry = decode_entry(row.position, **value);
    if (!entry.ok()) return corrupt(entry.error().message);
    return entry;
}

// Walks one author's rows in order of seq, a page at a time.
class Journal::ChainCursor {
  public:
    ChainCursor(const Journal& journal, const PublicKey& author, std::uint64_t seq)
        : journal_(journal), author_(author), seq_(seq) {}

    // The row at the cursor; null at the end.
    Result<const ChainRow*> row() {
        if (next_ == page_.size() && !at_end_) {
            Result<std::vector<ChainRow>> page = journal_.chain_rows(author_, seq_, position_, rows_per_page);
            if (!page.ok()) return page.error();
            page_ = std::move(page.value());
            next_ = 0;
            at_end_ = page_.size() < rows_per_page;
            if (!page_.empty()) {
                seq_ = page_.back().seq;
                position_ = page_.back().position + 1;
            }
        }
        return next_ < page_.size() ? &page_[next_] : nullptr;
    }
    void advance() { ++next_; }

  private:
    const Journal& journal_;
    PublicKey author_;
    std::uint64_t seq_;
    std::uint64_t position_ = 0;
    std::vector<ChainRow> page_;
    std::size_t next_ = 0;
    bool at_end_ = false;
};

Result<std::vector<JournalEntry>> Journal::chain(const PublicKey& author, std::uint64_t from,
                                                 std::size_t bytes_max) const {
    std::vector<JournalEntry> entries;
    std::size_t bytes = 0;
    ChainCursor cursor(*this, author, from);
    while (true) {
        Result<const ChainRow*> row = cursor.row();
        if (!row.ok()) return row.error();
        if (*row == nullptr) return entries;
        bytes += (*row)->bytes;
        if (!entries.empty() && bytes > bytes_max) return entries;
        Result<JournalEntry> found = entry(**row);
        if (!found.ok()) return found.error();
        entries.push_back(std::move(found.value()));
        cursor.advance();
    }
}

Result<std::vector<JournalEntry>> Journal::place(const PublicKey& author, std::uint64_t seq) const {
    Result<std::vector<ChainRow>> rows = chain_rows(author, seq, 0, place_entries_max);
    if (!rows.ok()) return rows.error();
    std::vector<JournalEntry> entries;
    for (const ChainRow& row : *rows) {
        if (row.seq != seq) break;
        Result<JournalEntry> found = entry(row);
        if (!found.ok()) return found.error();
        entries.push_back(std::move(found.value()));
    }
    return entries;
}

Result<std::vector<JournalEntry>> Journal::missing(std::span<const std::pair<PublicKey, std::uint64_t>> have,
                                                   std::size_t bytes_max) const {
    const std::map<PublicKey, std::uint64_t> known(have.begin(), have.end());

    // Cursors by the order of the row they stand at; equal orders by author.
    std::vector<ChainCursor> cursors;
    for (const auto& [author, seq] : known)
        if (seq != UINT64_MAX) cursors.emplace_back(*this, author, seq + 1);
    std::set<std::pair<std::uint64_t, std::size_t>> heads;
    for (std::size_t i = 0; i < cursors.size(); ++i) {
        Result<const ChainRow*> row = cursors[i].row();
        if (!row.ok()) return row.error();
        if (*row) heads.emplace((*row)->order, i);
    }

    std::vector<JournalEntry> entries;
    std::size_t bytes = 0;
    while (!heads.empty()) {
        const std::size_t i = heads.extract(heads.begin()).value().second;
        Result<const ChainRow*> row = cursors[i].row();
        if (!row.ok()) return row.error();
        bytes += (*row)->bytes;
        if (!entries.empty() && bytes > bytes_max) break;
        Result<JournalEntry> found = entry(**row);
        if (!found.ok()) return found.error();
        entries.push_back(std::move(found.value()));
        cursors[i].advance();
        row = cursors[i].row();
        if (!row.ok()) return row.error();
        if (*row) heads.emplace((*row)->order, i);
    }
    return entries;
}

}  // namespace peerbook::storage

#include "exchange/engine/snapshot.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/codec.h"
#include "base/hash.h"

namespace peerbook::exchange {

namespace {

constexpr std::size_t entry_bytes_max = state_key_size_max + state_value_size_max;
// The domain and the entry's length in front of it.
constexpr std::size_t entry_overhead_max = 1 + 3;
static_assert(entry_bytes_max < (1u << 21), "an entry's length fits three bytes of a varint");
static_assert(entry_bytes_max + entry_overhead_max <= snapshot_chunk_bytes_max, "an entry fits a chunk");

// What one step does, so that it takes a few milliseconds.
constexpr std::size_t places_a_step = 16'384;
constexpr std::size_t entries_a_step = 4'096;
constexpr std::size_t run_items = 32'768;

std::uint64_t big_endian(ByteView bytes) {
    std::uint64_t value = 0;
    for (const std::uint8_t byte : bytes)
        value = value << 8 | byte;
    return value;
}

Error refused(const std::string& what) {
    return {ErrorCode::invalid_input, "snapshot: " + what};
}

}  // namespace

// --- manifest ---

Bytes SnapshotManifest::encode() const {
    Bytes bytes;
    Encoder out(bytes);
    out.u16(snapshot_format_version);
    out.u16(origin.rules_version);
    out.raw(origin.network.view());
    out.varint(origin.commit);
    out.raw(origin.log_prefix.view());
    out.raw(origin.state_root.view());
    out.u8(time ? 1 : 0);
    if (time) out.svarint(time->ms);
    for (const std::uint64_t count : entries)
        out.varint(count);
    out.varint(chunks.size());
    for (const Chunk& chunk : chunks) {
        out.raw(chunk.hash.view());
        out.varint(chunk.size);
    }
    return bytes;
}

Digest SnapshotManifest::digest() const {
    return hash_of("peerbook snapshot", encode());
}

Result<SnapshotManifest> SnapshotManifest::decode(ByteView bytes) {
    if (bytes.size() > snapshot_manifest_bytes_max) return refused("its manifest is above 1 MiB");
    SnapshotManifest manifest;
    Decoder in(bytes);
    if (in.u16() != snapshot_format_version) in.fail("an unknown format version");
    manifest.origin.rules_version = in.u16();
    in.fixed(manifest.origin.network);
    manifest.origin.commit = in.varint();
    in.fixed(manifest.origin.log_prefix);
    in.fixed(manifest.origin.state_root);
    const std::uint8_t has_time = in.u8();
    if (has_time > 1) in.fail("there is neither a time nor none");
    if (has_time == 1) manifest.time = WallTime{in.svarint()};
    for (std::uint64_t& count : manifest.entries)
        count = in.varint();
    const std::uint64_t count = in.varint_max(snapshot_chunks_max, "there are more than 16,384 chunks");
    if (count == 0) in.fail("there are no chunks");
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
        Chunk& chunk = manifest.chunks.emplace_back();
        in.fixed(chunk.hash);
        chunk.size =
            static_cast<std::uint32_t>(in.varint_max(snapshot_chunk_bytes_max, "a chunk is above 512 KiB"));
        if (chunk.size == 0) in.fail("a chunk is empty");
    }
    if (Status status = in.finish(); !status.ok()) return status.error().within("snapshot manifest");
    return manifest;
}

Digest snapshot_chunk_hash(ByteView chunk) {
    return hash_of("peerbook snapshot chunk", chunk);
}

// --- writing ---

SnapshotWriter::SnapshotWriter(FrozenState state, SnapshotOrigin origin) : state_(std::move(state)) {
    manifest_.origin = origin;
    manifest_.time = state_.time;
    rank_.resize(state_.accounts.accounts.size());
}

const SnapshotManifest& SnapshotWriter::manifest() const {
    PB_CHECK(is_done_, "a snapshot's manifest is complete when it is done");
    return manifest_;
}

Result<std::optional<Bytes>> SnapshotWriter::step() {
    if (is_done_) return std::optional<Bytes>();
    std::optional<Bytes> chunk;
    if (!is_merging_)
        collect();
    else
        chunk = emit();
    if (manifest_.chunks.size() > snapshot_chunks_max)
        return Error{ErrorCode::too_large, "snapshot: the state needs more than 16,384 chunks of 512 KiB"};
    return chunk;
}

std::optional<SnapshotWriter::Item> SnapshotWriter::item_at(std::size_t at) const {
    Item item;
    item.place = static_cast<std::uint32_t>(at);
    const auto take_id = [&](const auto& id) {
        item.a = big_endian(id.view().first(8));
        item.b = big_endian(id.view().subspan(8, 8));
        item.c = static_cast<std::uint32_t>(big_endian(id.view().subspan(16, 4)));
    };
    const auto take_ref = [&](std::uint32_t account, std::uint64_t nonce, std::uint32_t index) {
        item.a = rank_[account];
        item.b = nonce;
        item.c = index;
    };
    switch (domain_) {
        case StateDomain::meta:
        case StateDomain::issued:
        case StateDomain::markets:
            item.a = at;
            return item;
        case StateDomain::proposals:
            take_id(state_.proposals[at].id);
            return item;
        case StateDomain::accounts:
            if (!state_.accounts.accounts[at].is_open) return std::nullopt;
            take_id(state_.accounts.names[at].id);
            return item;
        case StateDomain::owners:
            take_id(state_.accounts.owners[at].key);
            return item;
        case StateDomain::balances: {
            const Balances::Chunk& chunk = state_.balances[at / Balances::chunk_size];
            const auto i = static_cast<std::uint32_t>(at % Balances::chunk_size);
            if (chunk.balances[i].total == 0) return std::nullopt;
            take_ref(chunk.account, chunk.group, i);
            return item;
        }
        case StateDomain::orders: {
            const Order& order = state_.orders[at];
            if (order.is_live == 0) return std::nullopt;
            take_ref(order.account, order.nonce, order.index);
            return item;
        }
        case StateDomain::withdrawals: {
            const Withdrawal& withdrawal = state_.withdrawals[at];
            if (!withdrawal.is_waiting) return std::nullopt;
            const OrderKey& request = withdrawal.request;
            take_ref(request.account.value(), request.nonce, request.index);
            return item;
        }
    }
    return std::nullopt;
}

bool SnapshotWriter::is_before(const Item& x, const Item& y) const {
    if (x.a != y.a) return x.a < y.a;
    if (x.b != y.b) return x.b < y.b;
    if (x.c != y.c) return x.c < y.c;
    return is_id_before(x.place, y.place);
}

bool SnapshotWriter::is_id_before(std::uint32_t x, std::uint32_t y) const {
    switch (domain_) {
        case StateDomain::proposals:
            return state_.proposals[x].id < state_.proposals[y].id;
        case StateDomain::accounts:
            return state_.accounts.names[x].id < state_.accounts.names[y].id;
        case StateDomain::owners:
            return state_.accounts.owners[x].key < state_.accounts.owners[y].key;
        default:
            return false;  // items hold their whole keys
    }
}

void SnapshotWriter::collect() {
    const std::size_t end = std::min(next_place_ + places_a_step, place_count(state_, domain_));
    for (; next_place_ < end; ++next_place_) {
        const std::optional<Item> item = item_at(next_place_);
        if (!item) continue;
        if (runs_.empty() || runs_.back().items.size() == run_items) {
            runs_.emplace_back().items.reserve(
                std::min(run_items, place_count(state_, domain_) - next_place_));
        }
        runs_.back().items.push_back(*item);
        if (runs_.back().items.size() == run_items) close_run();
    }
    if (next_place_ == place_count(state_, domain_)) begin_merge();
}

void SnapshotWriter::close_run() {
    std::vector<Item>& items = runs_.back().items;
    std::sort(items.begin(), items.end(), [this](const Item& x, const Item& y) { return is_before(x, y); });
}

// For the heap functions of the standard library, which keep the greatest in front.
bool SnapshotWriter::run_is_behind(std::size_t x, std::size_t y) const {
    return is_before(runs_[y].items[runs_[y].next], runs_[x].items[runs_[x].next]);
}

void SnapshotWriter::begin_merge() {
    if (!runs_.empty() && runs_.back().items.size() != run_items) close_run();
    heap_.resize(runs_.size());
    for (std::size_t i = 0; i < heap_.size(); ++i)
        heap_[i] = i;
    std::make_heap(heap_.begin(), heap_.end(),
                   [this](std::size_t x, std::size_t y) { return run_is_behind(x, y); });
    is_merging_ = true;
}

std::optional<Bytes> SnapshotWriter::emit() {
    for (std::size_t i = 0; i < entries_a_step; ++i) {
        if (heap_.empty()) {
            next_domain();
            if (!is_done_) return std::nullopt;
            return take_chunk();
        }
        if (std::optional<Bytes> chunk = emit_one()) return chunk;
    }
    return std::nullopt;
}

std::optional<Bytes> SnapshotWriter::emit_one() {
    const auto is_behind = [this](std::size_t x, std::size_t y) { return run_is_behind(x, y); };
    std::pop_heap(heap_.begin(), heap_.end(), is_behind);
    Run& run = runs_[heap_.back()];
    const std::uint32_t place = run.items[run.next++].place;
    if (run.next == run.items.size()) {
        run.items = {};
        heap_.pop_back();
    } else {
        std::push_heap(heap_.begin(), heap_.end(), is_behind);
    }

    entry_.clear();
    if (!encode_entry(state_, domain_, place, entry_)) return std::nullopt;
    PB_CHECK(entry_.size() <= entry_bytes_max, "an entry of the state is bounded");
    if (domain_ == StateDomain::accounts) rank_[place] = next_rank_++;
    ++manifest_.entries[static_cast<std::size_t>(domain_)];
    std::optional<Bytes> full;
    const std::size_t length_bytes = entry_.size() < 1u << 7 ? 1 : entry_.size() < 1u << 14 ? 2 : 3;
    if (chunk_.size() + 1 + length_bytes + entry_.size() > snapshot_chunk_bytes_max) full = take_chunk();
    Encoder out(chunk_);
    out.u8(static_cast<std::uint8_t>(domain_));
    out.bytes(entry_);
    return full;
}

Bytes SnapshotWriter::take_chunk() {
    manifest_.chunks.push_back({snapshot_chunk_hash(chunk_), static_cast<std::uint32_t>(chunk_.size())});
    Bytes chunk = std::exchange(chunk_, Bytes());
    chunk_.reserve(snapshot_chunk_bytes_max);
    return chunk;
}

void SnapshotWriter::next_domain() {
    runs_.clear();
    next_place_ = 0;
    is_merging_ = false;
    const std::size_t next = static_cast<std::size_t>(domain_) + 1;
    if (next == state_domain_count)
        is_done_ = true;
    else
        domain_ = static_cast<StateDomain>(next);
}

// --- reading ---

bool SnapshotReader::Key::is_before(const Key& other) const {
    if (domain != other.domain) return domain < other.domain;
    return std::lexicographical_compare(bytes.begin(), bytes.end(), other.bytes.begin(), other.bytes.end());
}

Result<SnapshotReader> SnapshotReader::open(ByteView bytes, const NetworkRules& rules) {
    Result<SnapshotManifest> manifest = SnapshotManifest::decode(bytes);
    if (!manifest.ok()) return manifest.error();
    if (manifest->origin.network != rules.network) return refused("it is of another network");
    if (manifest->origin.rules_version == 0 || manifest->origin.rules_version > rules_version_latest)
        return refused("it was made under rules of version " +
                       std::to_string(manifest->origin.rules_version) + ", and this program knows up to " +
                       std::to_string(rules_version_latest));
    SnapshotReader reader;
    reader.manifest_ = std::move(manifest).value();
    reader.missing_ = reader.manifest_.chunks.size();
    reader.chunks_.resize(reader.missing_);
    reader.summaries_.resize(reader.missing_);
    return reader;
}

SnapshotReader::Entry SnapshotReader::read_entry(Decoder& in) {
    const std::uint8_t domain = in.u8();
    if (domain >= state_domain_count) {
        in.fail("an entry is of an unknown domain");
        return {};
    }
    Entry entry{static_cast<StateDomain>(domain), in.bytes(entry_bytes_max, "an entry is too long")};
    if (entry.bytes.size() < state_key_size(entry.domain)) in.fail("an entry is shorter than its key");
    return in.ok() ? entry : Entry();
}

Status SnapshotReader::add_chunk(std::size_t number, Bytes chunk) {
    const std::string name = "chunk " + std::to_string(number);
    if (number >= chunks_.size()) return refused("there is no " + name);
    if (has_chunk(number)) return refused(name + " is there already");
    const SnapshotManifest::Chunk& expected = manifest_.chunks[number];
    if (chunk.size() != expected.size || snapshot_chunk_hash(chunk) != expected.hash)
        return Error{ErrorCode::corrupt, "snapshot: " + name + " is not what the manifest says"};

    DomainSums sums = sums_;
    std::array<std::uint64_t, state_domain_count> entries = entries_;
    std::optional<Key> first, last;
    Decoder in(chunk);
    while (in.ok() && in.remaining() != 0) {
        const Entry entry = read_entry(in);
        if (!in.ok()) break;
        Decoder content(entry.bytes);
        check_entry(entry.domain, content);
        if (Status status = content.finish(); !status.ok())
            return status.error().within("snapshot: " + name + ", an entry of " + to_string(entry.domain));
        if (last && !last->is_before(entry.key())) in.fail("entries are not in the order of their keys");
        last = entry.key();
        if (!first) first = last;
        sums[static_cast<std::size_t>(entry.domain)].add(hash_domain(entry.domain), entry.bytes);
        ++entries[static_cast<std::size_t>(entry.domain)];
    }
    if (Status status = in.finish(); !status.ok()) return status.error().within("snapshot: " + name);
    sums_ = sums;
    entries_ = entries;
    chunks_[number] = std::move(chunk);  // keeps its buffer, so that the keys stay good
    summaries_[number] = {*first, *last};
    --missing_;
    return {};
}

Status SnapshotReader::check_border(std::size_t number) const {
    if (summaries_[number - 1].last.is_before(summaries_[number].first)) return {};
    return refused("chunk " + std::to_string(number) + " does not go on where the one before ends");
}

Status SnapshotReader::check_meta() const {
    if (entries_[static_cast<std::size_t>(StateDomain::meta)] != 1) return refused("it has no time");
    Status status;
    for_each([&](StateDomain, ByteView bytes) {
        Decoder in(bytes);
        if (decode_meta(in).time != manifest_.time)
            status = refused("its manifest has another time than its content");
        return false;
    });
    return status;
}

Status SnapshotReader::finish() const {
    if (missing_ != 0) return refused(std::to_string(missing_) + " of its chunks are missing");
    for (std::size_t i = 1; i < chunks_.size(); ++i)
        if (Status status = check_border(i); !status.ok()) return status;
    for (std::size_t i = 0; i < state_domain_count; ++i)
        if (entries_[i] != manifest_.entries[i])
            return refused("it has " + std::to_string(entries_[i]) + " entries of " +
                           to_string(static_cast<StateDomain>(i)) + ", and its manifest says " +
                           std::to_string(manifest_.entries[i]));
    if (Status status = check_meta(); !status.ok()) return status;
    if (root_of(sums_) != manifest_.origin.state_root)
        return refused("its content does not give the state root of its manifest");
    return {};
}

}  // namespace peerbook::exchange

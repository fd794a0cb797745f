#include "storage/index.h"

#include "base/codec.h"
#include "storage/schema.h"

namespace peerbook::storage {

namespace {

constexpr std::uint8_t trade_prefix = 0x01;
constexpr std::uint8_t account_prefix = 0x02;
constexpr std::uint8_t id_prefix = 0x03;
constexpr const char* commit_name = "commit";

struct TradePlace {
    std::uint32_t market = 0;
    std::uint64_t ordinal = 0;
};

Bytes trade_key(std::uint32_t market, std::uint64_t ordinal) {
    Bytes key;
    Encoder out(key);
    out.u8(trade_prefix);
    out.u32(market);
    out.u64(ordinal);
    return key;
}

Bytes trades_end(std::uint32_t market) {
    Bytes key;
    Encoder out(key);
    out.u8(trade_prefix);
    out.u32(market);
    return end_of_prefix(std::move(key));
}

Bytes account_key(const std::array<std::uint8_t, 32>& account, std::uint64_t commit, std::uint32_t position) {
    Bytes key;
    Encoder out(key);
    out.u8(account_prefix);
    out.raw(account);
    out.u64(commit);
    out.u32(position);
    return key;
}

Bytes id_key(const std::array<std::uint8_t, 16>& id) {
    Bytes key;
    Encoder out(key);
    out.u8(id_prefix);
    out.raw(id);
    return key;
}

KeyValueWrite place_write(Bytes key, const IndexedTrade& trade) {
    Bytes payload;
    Encoder out(payload);
    out.u32(trade.market);
    out.u64(trade.ordinal);
    Bytes value = with_checksum(key, std::move(payload));
    return {std::move(key), std::move(value)};
}

Result<TradePlace> decode_place(ByteView key, ByteView value) {
    Result<ByteView> payload = without_checksum(key, value);
    if (!payload.ok()) return payload.error();
    Decoder in(*payload);
    TradePlace place;
    place.market = in.u32();
    place.ordinal = in.u64();
    if (Status status = in.finish(); !status.ok()) return status.error();
    return place;
}

void add_trade(std::vector<KeyValueWrite>& writes, std::uint64_t commit, std::uint32_t position,
               const IndexedTrade& trade) {
    Bytes key = trade_key(trade.market, trade.ordinal);
    Bytes value = with_checksum(key, trade.record);
    writes.push_back({std::move(key), std::move(value)});
    writes.push_back(place_write(account_key(trade.maker_account, commit, position), trade));
    if (trade.taker_account != trade.maker_account)
        writes.push_back(place_write(account_key(trade.taker_account, commit, position), trade));
    writes.push_back(place_write(id_key(trade.id), trade));
}

}  // namespace

Index::Index(std::unique_ptr<KeyValueStore> store) : store_(std::move(store)) {}

Error Index::corrupt(const std::string& what) const {
    return {ErrorCode::corrupt, "index " + store_->location() + ", " + what + ": " + damaged_index_advice};
}

Result<std::unique_ptr<Index>> Index::open(std::unique_ptr<KeyValueStore> store, ByteView identity) {
    std::unique_ptr<Index> index(new Index(std::move(store)));
    const Status status = check_or_write_schema(*index->store_, {"index", index_schema_version}, identity);
    const Result<std::uint64_t> commit =
        status.ok() ? read_meta_number(*index->store_, commit_name) : Result<std::uint64_t>(status.error());
    if (!commit.ok()) {
        if (commit.error().code == ErrorCode::corrupt)
            return index->corrupt("opening: " + commit.error().message);
        return commit.error();
    }
    index->last_commit_ = *commit;
    return index;
}

std::uint64_t Index::last_commit() const {
    return last_commit_;
}

Status Index::add(const std::vector<IndexBatch>& batches) {
    std::uint64_t last = last_commit_;
    std::vector<KeyValueWrite> writes;
    for (const IndexBatch& batch : batches) {
        if (batch.commit <= last) continue;
        last = batch.commit;
        std::uint32_t position = 0;
        for (const IndexedTrade& trade : batch.trades)
            add_trade(writes, batch.commit, position++, trade);
    }
    if (last == last_commit_) return {};
    writes.push_back(meta_number_write(commit_name, last));
    if (Status status = store_->write(writes, Sync::no); !status.ok())
        return status.error().within("index, writing up to commit " + std::to_string(last));
    last_commit_ = last;
    return {};
}

Result<Bytes> Index::record(std::uint32_t market, std::uint64_t ordinal) const {
    const std::string name = "trade " + std::to_string(ordinal) + " of market " + std::to_string(market);
    const Bytes key = trade_key(market, ordinal);
    Result<std::optional<Bytes>> value = store_->get(key);
    if (!value.ok()) return value.error().within("index, " + name);
    if (!value->has_value()) return corrupt(name + ": the record is missing");
    Result<ByteView> payload = without_checksum(key, **value);
    if (!payload.ok()) return corrupt(name + ": " + payload.error().message);
    return Bytes(payload->begin(), payload->end());
}

Result<std::vector<Bytes>> Index::trades_after(std::uint32_t market, std::uint64_t after,
                                               std::size_t count_max) const {
    std::vector<Bytes> records;
    if (count_max == 0 || after == UINT64_MAX) return records;
    Status failure;
    Status status = store_->scan(
        trade_key(market, after + 1), trades_end(market), false, [&](ByteView key, ByteView value) {
            Result<ByteView> payload = without_checksum(key, value);
            if (!payload.ok()) {
                failure =
                    corrupt("a trade of market " + std::to_string(market) + ": " + payload.error().message);
                return false;
            }
            records.emplace_back(payload->begin(), payload->end());
            return records.size() < count_max;
        });
    if (!status.ok()) return status.error().within("index");
    if (!failure.ok()) return failure.error();
    return records;
}

Result<std::vector<Bytes>> Index::account_trades(const std::array<std::uint8_t, 32>& account,
                                                 std::size_t count_max) const {
    std::vector<TradePlace> places;
    Status failure;
    if (count_max > 0) {
        Status status = store_->scan(
            account_key(account, 0, 0), end_of_prefix([&] {
                Bytes prefix{account_prefix};
                prefix.insert(prefix.end(), account.begin(), account.end());
                return prefix;
            }()),
            true, [&](ByteView key, ByteView value) {
                Result<TradePlace> place = decode_place(key, value);
                if (!place.ok()) {
                    failure = corrupt("trades of account " + to_hex(account) + ": " + place.error().message);
                    return false;
                }
                places.push_back(*place);
                return places.size() < count_max;
            });
        if (!status.ok()) return status.error().within("index");
        if (!failure.ok()) return failure.error();
    }
    std::vector<Bytes> records;
    for (const TradePlace& place : places) {
        Result<Bytes> found = record(place.market, place.ordinal);
        if (!found.ok()) return found.error();
        records.push_back(std::move(found.value()));
    }
    return records;
}

Result<std::optional<Bytes>> Index::trade(const std::array<std::uint8_t, 16>& id) const {
    const Bytes key = id_key(id);
    Result<std::optional<Bytes>> value = store_->get(key);
    if (!value.ok()) return value.error().within("index, trade " + to_hex(id));
    if (!value->has_value()) return std::optional<Bytes>();
    Result<TradePlace> place = decode_place(key, **value);
    if (!place.ok()) return corrupt("trade " + to_hex(id) + ": " + place.error().message);
    Result<Bytes> found = record(place->market, place->ordinal);
    if (!found.ok()) return found.error();
    return std::optional<Bytes>(std::move(found.value()));
}

}  // namespace peerbook::storage

#include "storage/schema.h"

#include <algorithm>

#include "base/hash.h"

namespace peerbook::storage {

namespace {

constexpr std::size_t kind_length_max = 32;

Digest checksum_of(ByteView key, ByteView payload) {
    return Hasher("peerbook stored value").add_u64(key.size()).add(key).add(payload).finish();
}

Error corrupt_record(const KeyValueStore& store, const char* record, const Error& why) {
    return {ErrorCode::corrupt, store.location() + ": " + record + " record: " + why.message};
}

Result<bool> is_empty(const KeyValueStore& store) {
    bool empty = true;
    Status status = store.scan({}, {}, false, [&](ByteView, ByteView) {
        empty = false;
        return false;
    });
    if (!status.ok()) return status.error();
    return empty;
}

// The payload of a record; absent is corrupt, since a store that is not empty must have it.
Result<Bytes> read_record(const KeyValueStore& store, const char* name) {
    const Bytes key = meta_key(name);
    Result<std::optional<Bytes>> value = store.get(key);
    if (!value.ok()) return value.error();
    if (!value->has_value())
        return corrupt_record(store, name, {ErrorCode::corrupt, "missing, though the database is not empty"});
    Result<ByteView> payload = without_checksum(key, **value);
    if (!payload.ok()) return corrupt_record(store, name, payload.error());
    return Bytes(payload->begin(), payload->end());
}

Status write_records(KeyValueStore& store, const Schema& schema, ByteView identity) {
    Bytes record;
    Encoder out(record);
    out.text(schema.kind);
    out.u32(schema.version);
    const Bytes schema_key = meta_key("schema");
    const Bytes identity_key = meta_key("identity");
    return store.write({{schema_key, with_checksum(schema_key, record)},
                        {identity_key, with_checksum(identity_key, Bytes(identity.begin(), identity.end()))}},
                       Sync::yes);
}

Status check_schema(const KeyValueStore& store, const Schema& schema) {
    Result<Bytes> record = read_record(store, "schema");
    if (!record.ok()) return record.error();
    Decoder in(*record);
    const std::string kind = in.text(kind_length_max, "kind");
    const std::uint32_t version = in.u32();
    if (Status status = in.finish(); !status.ok()) return corrupt_record(store, "schema", status.error());
    if (kind != schema.kind)
        return Error{ErrorCode::conflict, store.location() + " holds a database of kind '" + kind +
                                              "', not '" + schema.kind + "'"};
    if (version != schema.version)
        return Error{ErrorCode::conflict, store.location() + " has schema version " +
                                              std::to_string(version) + " and this program reads version " +
                                              std::to_string(schema.version) +
                                              ": run the program that wrote it"};
    return {};
}

}  // namespace

Bytes meta_key(std::string_view name) {
    Bytes key{meta_prefix};
    const ByteView text = as_bytes(name);
    key.insert(key.end(), text.begin(), text.end());
    return key;
}

Bytes with_checksum(ByteView key, Bytes payload) {
    const Digest digest = checksum_of(key, payload);
    payload.insert(payload.end(), digest.data.begin(), digest.data.begin() + checksum_size);
    return payload;
}

Result<ByteView> without_checksum(ByteView key, ByteView value) {
    if (value.size() < checksum_size) return Error{ErrorCode::corrupt, "too short for a checksum"};
    const ByteView payload = value.first(value.size() - checksum_size);
    const ByteView stored = value.last(checksum_size);
    const Digest digest = checksum_of(key, payload);
    if (!std::equal(stored.begin(), stored.end(), digest.data.begin()))
        return Error{ErrorCode::corrupt, "checksum does not match"};
    return payload;
}

Bytes end_of_prefix(Bytes prefix) {
    while (!prefix.empty() && prefix.back() == 0xff)
        prefix.pop_back();
    if (!prefix.empty()) ++prefix.back();
    return prefix;
}

Status check_or_write_schema(KeyValueStore& store, const Schema& schema, ByteView identity) {
    Result<bool> empty = is_empty(store);
    if (!empty.ok()) return empty.error();
    if (*empty) return write_records(store, schema, identity);

    if (Status status = check_schema(store, schema); !status.ok()) return status;
    Result<Bytes> stored = read_record(store, "identity");
    if (!stored.ok()) return stored.error();
    if (!std::equal(stored->begin(), stored->end(), identity.begin(), identity.end()))
        return Error{ErrorCode::conflict,
                     store.location() +
                         " belongs to another node key, network or ledger than this node runs with: give "
                         "this node the "
                         "key and network file that wrote it, or a data directory of its own"};
    return {};
}

Result<std::uint64_t> read_meta_number(const KeyValueStore& store, std::string_view name) {
    const Bytes key = meta_key(name);
    Result<std::optional<Bytes>> value = store.get(key);
    if (!value.ok()) return value.error();
    if (!value->has_value()) return std::uint64_t{0};
    Result<ByteView> payload = without_checksum(key, **value);
    if (!payload.ok()) return corrupt_record(store, std::string(name).c_str(), payload.error());
    Decoder in(*payload);
    const std::uint64_t number = in.u64();
    if (Status status = in.finish(); !status.ok())
        return corrupt_record(store, std::string(name).c_str(), status.error());
    return number;
}

KeyValueWrite meta_number_write(std::string_view name, std::uint64_t value) {
    Bytes key = meta_key(name);
    Bytes payload;
    Encoder(payload).u64(value);
    Bytes checked = with_checksum(key, std::move(payload));
    return {std::move(key), std::move(checked)};
}

}  // namespace peerbook::storage

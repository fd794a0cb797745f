// What every database of the node has in common: values that carry a checksum, and the records that say what
// the database is (kind and schema version) and whose it is (identity).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/codec.h"
#include "base/result.h"
#include "storage/key_value.h"

namespace peerbook::storage {

inline constexpr std::size_t checksum_size = 8;

// What to do about a `corrupt` error.
inline constexpr const char* damaged_journal_advice =
    "move this directory away and start again under a new node key; the node fetches the blocks from its "
    "peers";
inline constexpr const char* damaged_index_advice =
    "remove this directory; the node writes it again from its journal";

// First bytes of keys. Records of a database come under 0x00, its rows under higher ones.
inline constexpr std::uint8_t meta_prefix = 0x00;
Bytes meta_key(std::string_view name);

// payload ‖ checksum: the first 8 bytes of BLAKE2b-256 over domain "peerbook stored value", the key's length
// as u64, key and payload. The key is in it, so that a value that comes back under another key is told as
// well.
Bytes with_checksum(ByteView key, Bytes payload);
// The payload, a view into `value`. Error: corrupt, "checksum does not match" or "too short for a checksum".
Result<ByteView> without_checksum(ByteView key, ByteView value);

// The smallest key above every key that starts with `prefix`; empty if there is none.
Bytes end_of_prefix(Bytes prefix);

struct Schema {
    std::string kind;  // "journal", "index"
    std::uint32_t version = 1;
};

// An empty store gets the schema and identity records, synced. Any other must have them and agree.
// Errors: conflict (other kind, newer version, other identity), corrupt, io.
Status check_or_write_schema(KeyValueStore& store, const Schema& schema, ByteView identity);

// A record of 8 bytes under meta_key(name); 0 if absent. Error: corrupt, io.
Result<std::uint64_t> read_meta_number(const KeyValueStore& store, std::string_view name);
KeyValueWrite meta_number_write(std::string_view name, std::uint64_t value);

}  // namespace peerbook::storage

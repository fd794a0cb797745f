// An ordered map of bytes to bytes: the seam between the stores' logic and LevelDB. Tests use MemoryStore,
// which can be told to fail.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace peerbook::storage {

struct KeyValueWrite {
    Bytes key;
    std::optional<Bytes> value;  // nullopt removes the key
};

enum class Sync : bool { no, yes };

// Thread-safe because implementations are (LevelDB is; MemoryStore locks).
class KeyValueStore {
  public:
    virtual ~KeyValueStore() = default;
    // All or nothing. With Sync::yes it has reached the disk when this returns.
    virtual Status write(const std::vector<KeyValueWrite>& batch, Sync sync) = 0;
    // nullopt if absent. Error: io, corrupt.
    virtual Result<std::optional<Bytes>> get(ByteView key) const = 0;
    // Calls `visit` for each key in [begin, end) in order (descending if `reverse`) until it returns false.
    // Empty `end` means to the last key. `visit` may call get(). A concurrent write may be seen or not.
    // Error: io, corrupt.
    virtual Status scan(ByteView begin, ByteView end, bool reverse,
                        const std::function<bool(ByteView key, ByteView value)>& visit) const = 0;
    // Where it is, for error messages.
    virtual std::string location() const { return "memory"; }
};

}  // namespace peerbook::storage

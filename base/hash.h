// BLAKE2b-256 (RFC 7693) through libsodium. Every hash of the project starts with a domain, so that no two
// kinds of object can have the same preimage.
#pragma once

#include <string_view>

#include "base/bytes.h"

namespace peerbook {

// Incremental hash. Copyable state; not thread-safe.
class Hasher {
  public:
    // `domain` is hashed first, with its length.
    explicit Hasher(std::string_view domain);
    Hasher& add(ByteView bytes);
    Hasher& add_u64(std::uint64_t value);
    Digest finish();

  private:
    alignas(64) unsigned char state_[384];
};

Digest hash_of(std::string_view domain, ByteView bytes);

}  // namespace peerbook

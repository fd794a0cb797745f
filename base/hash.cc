#include "base/hash.h"

#include <sodium.h>

#include "base/check.h"

namespace peerbook {

namespace {

crypto_generichash_state* state_of(unsigned char* bytes) {
    static_assert(sizeof(crypto_generichash_state) <= 384);
    return reinterpret_cast<crypto_generichash_state*>(bytes);
}

}  // namespace

Hasher::Hasher(std::string_view domain) {
    PB_CHECK(domain.size() < 256, "hash domains are short names");
    crypto_generichash_init(state_of(state_), nullptr, 0, Digest::size);
    const auto length = static_cast<std::uint8_t>(domain.size());
    add({&length, 1});
    add(as_bytes(domain));
}

Hasher& Hasher::add(ByteView bytes) {
    crypto_generichash_update(state_of(state_), bytes.data(), bytes.size());
    return *this;
}

Hasher& Hasher::add_u64(std::uint64_t value) {
    std::uint8_t encoded[8];
    for (int i = 0; i < 8; ++i)
        encoded[i] = static_cast<std::uint8_t>(value >> (56 - 8 * i));
    return add(encoded);
}

Digest Hasher::finish() {
    Digest digest;
    crypto_generichash_final(state_of(state_), digest.data.data(), Digest::size);
    return digest;
}

Digest hash_of(std::string_view domain, ByteView bytes) {
    return Hasher(domain).add(bytes).finish();
}

}  // namespace peerbook

#include "base/sealed_box.h"

#include <sodium.h>

#include <array>

#include "base/check.h"

namespace peerbook {

namespace {

static_assert(SealKey::size == crypto_box_PUBLICKEYBYTES && KeySeed::size == crypto_box_SEEDBYTES);
static_assert(sealed_box_overhead == crypto_box_SEALBYTES && crypto_box_SECRETKEYBYTES == 32);

void initialise() {
    PB_CHECK(sodium_init() >= 0, "libsodium cannot be initialised");
}

using Nonce = std::array<std::uint8_t, crypto_box_NONCEBYTES>;

Nonce nonce_of(const SealKey& ephemeral, const SealKey& recipient) {
    std::array<std::uint8_t, 2 * SealKey::size> both;
    std::copy(ephemeral.data.begin(), ephemeral.data.end(), both.begin());
    std::copy(recipient.data.begin(), recipient.data.end(), both.begin() + SealKey::size);
    Nonce nonce;
    crypto_generichash(nonce.data(), nonce.size(), both.data(), both.size(), nullptr, 0);
    return nonce;
}

}  // namespace

SealKeyPair::SealKeyPair(const KeySeed& seed) {
    initialise();
    crypto_box_seed_keypair(public_key_.data.data(), secret_key_.data(), seed.data.data());
}

SealKeyPair::~SealKeyPair() {
    sodium_memzero(secret_key_.data(), secret_key_.size());
}

Result<Bytes> SealKeyPair::open(ByteView sealed) const {
    const Error refused{ErrorCode::unauthorized, "sealed to another key, or changed on the way"};
    if (sealed.size() < sealed_box_overhead) return refused;
    Bytes plain(sealed.size() - sealed_box_overhead);
    if (crypto_box_seal_open(plain.data(), sealed.data(), sealed.size(), public_key_.data.data(),
                             secret_key_.data()) != 0)
        return refused;
    return plain;
}

Result<Bytes> seal_to(ByteView plain, const SealKey& recipient, const KeySeed& ephemeral) {
    initialise();
    SealKey key;
    std::array<std::uint8_t, crypto_box_SECRETKEYBYTES> secret;
    crypto_box_seed_keypair(key.data.data(), secret.data(), ephemeral.data.data());
    const Nonce nonce = nonce_of(key, recipient);
    Bytes sealed(plain.size() + sealed_box_overhead);
    std::copy(key.data.begin(), key.data.end(), sealed.begin());
    const int failed = crypto_box_easy(sealed.data() + SealKey::size, plain.data(), plain.size(),
                                       nonce.data(), recipient.data.data(), secret.data());
    sodium_memzero(secret.data(), secret.size());
    if (failed != 0) return Error{ErrorCode::invalid_input, "nothing can be sealed to this key"};
    return sealed;
}

}  // namespace peerbook

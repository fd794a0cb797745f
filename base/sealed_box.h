// Bytes that only the owner of a key can read, from anybody: X25519 with XSalsa20-Poly1305, byte for byte
// what libsodium's crypto_box_seal makes.
//
//   sealed = ephemeral public key 32 ‖ crypto_box(plain, nonce = BLAKE2b-192(ephemeral key ‖ recipient's
//   key))
//
// The reader learns nothing of who sealed it, and the sealer cannot open it again. A sealed box that was
// changed does not open. Randomness is an argument. Functions and values without shared state; libsodium's
// initialisation is thread-safe.
#pragma once

#include "base/bytes.h"
#include "base/keys.h"
#include "base/result.h"

namespace peerbook {

using SealKey = FixedBytes<struct SealKeyTag, 32>;  // public, a point of Curve25519

inline constexpr std::size_t sealed_box_overhead = 32 + 16;

class SealKeyPair {
  public:
    // `seed` is secret and used for nothing else.
    explicit SealKeyPair(const KeySeed& seed);
    ~SealKeyPair();  // wipes the secret key
    SealKeyPair(const SealKeyPair&) = delete;
    SealKeyPair& operator=(const SealKeyPair&) = delete;

    const SealKey& public_key() const { return public_key_; }
    // Error: unauthorized: sealed to another key, or changed, or no sealed box at all.
    Result<Bytes> open(ByteView sealed) const;

  private:
    SealKey public_key_;
    std::array<std::uint8_t, 32> secret_key_;
};

// `ephemeral` is secret, and new for each box. Error: invalid_input, `recipient` is a key that nothing can be
// sealed to (a point of small order).
Result<Bytes> seal_to(ByteView plain, const SealKey& recipient, const KeySeed& ephemeral);

}  // namespace peerbook

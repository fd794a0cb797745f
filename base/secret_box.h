// A secret under a passphrase: Argon2id makes a key of the passphrase, secretbox (XSalsa20-Poly1305) locks
// the secret with it; both through libsodium. Nobody can read or change it unnoticed without the passphrase.
//
//   sealed = salt 16 ‖ u64 operations ‖ u64 memory in bytes ‖ nonce 24 ‖ box (secret and 16)
//
// Functions without state; randomness is an argument. What is derived is wiped from memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace peerbook {

inline constexpr std::size_t sealed_secret_overhead = 16 + 8 + 8 + 24 + 16;

struct SealCost {
    std::uint64_t operations = 3;
    std::uint64_t memory_bytes = 256u << 20;  // Argon2id's; about a second of one core
};
// What open_secret() does at most, whoever wrote the file.
inline constexpr SealCost seal_cost_max{16, std::uint64_t{1} << 30};

using SealSalt = FixedBytes<struct SealSaltTag, 16>;
using SealNonce = FixedBytes<struct SealNonceTag, 24>;

// Salt and nonce are fresh and random. Error: io, no memory.
Result<Bytes> seal_secret(ByteView secret, std::string_view passphrase, const SealCost& cost,
                          const SealSalt& salt, const SealNonce& nonce);

// Errors: corrupt (not of this form, or a cost above seal_cost_max), unauthorized (another passphrase, or
// changed), io (no memory).
Result<Bytes> open_secret(ByteView sealed, std::string_view passphrase);

// Overwrites, also where a compiler would leave that out.
void wipe(std::string& text);
void wipe(Bytes& bytes);

}  // namespace peerbook

// LtHash16: a homomorphic hash of a set. Each element becomes a vector of 1,024 lanes of 16 bits, and the
// hash of a set is the lane-wise sum of its elements' vectors modulo 2^16. So the order of adding does not
// matter, an element that changed is subtracted and added again whatever the size of the set, and the hash of
// a union is the sum. Finding two different sets with one sum is as hard as a short-vector problem of about
// 200 bits (Lewi, Kim, Maykov, Weis 2019, "Securing Update Propagation with Homomorphic Hashing"; lattice
// hashing goes back to Bellare and Micciancio 1997). A set, not a bag: 2^16 equal elements sum to nothing, so
// the caller gives each element a key of its own.
//
// An element's vector is the ChaCha20 key stream (RFC 8439, counter and nonce zero) of 2,048 bytes under the
// key BLAKE2b-256(domain ‖ bytes), lanes little-endian. ChaCha20 rather than AES-256-CTR, because it is fast
// and in constant time on processors without AES instructions as well, and any library has it. Measured for
// an element of 110 bytes on the machine of BENCHMARKS.md: about 0.8 µs (BLAKE2b 0.2, ChaCha20 0.5, adding
// 0.1); AES-256-CTR would make it 0.75.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace peerbook {

// The hash of a set; the empty set to begin with. 2,048 bytes. Not thread-safe.
class LtHash {
  public:
    static constexpr std::size_t lanes = 1'024;

    // Adds an element that is not in the set.
    void add(std::string_view domain, ByteView element);
    // Takes out an element that is in the set.
    void subtract(std::string_view domain, ByteView element);
    // Adds all elements of a set that has none in common with this one.
    LtHash& operator+=(const LtHash& other);
    LtHash& operator-=(const LtHash& other);
    // The sum as bytes, lanes little-endian.
    std::array<std::uint8_t, 2 * lanes> bytes() const;
    // BLAKE2b of bytes(), with domain "peerbook lthash".
    Digest digest() const;
    friend bool operator==(const LtHash&, const LtHash&) = default;

  private:
    alignas(64) std::array<std::uint16_t, lanes> sum_{};
};

}  // namespace peerbook

#include "base/lthash.h"

#include <bit>

#include "base/hash.h"
#include "base/key_stream.h"

namespace peerbook {

namespace {

struct alignas(64) Vector {
    std::array<std::uint16_t, LtHash::lanes> lanes;
};

void expand(std::string_view domain, ByteView element, Vector& out) {
    write_key_stream(hash_of(domain, element),
                     {reinterpret_cast<std::uint8_t*>(out.lanes.data()), sizeof out.lanes});
    if constexpr (std::endian::native == std::endian::big)
        for (std::uint16_t& lane : out.lanes)
            lane = static_cast<std::uint16_t>(lane << 8 | lane >> 8);
}

// Plain loops over whole arrays, which compilers turn into vector instructions.
void add_lanes(std::array<std::uint16_t, LtHash::lanes>& sum,
               const std::array<std::uint16_t, LtHash::lanes>& other) {
    for (std::size_t i = 0; i < LtHash::lanes; ++i)
        sum[i] = static_cast<std::uint16_t>(sum[i] + other[i]);
}

void subtract_lanes(std::array<std::uint16_t, LtHash::lanes>& sum,
                    const std::array<std::uint16_t, LtHash::lanes>& other) {
    for (std::size_t i = 0; i < LtHash::lanes; ++i)
        sum[i] = static_cast<std::uint16_t>(sum[i] - other[i]);
}

}  // namespace

void LtHash::add(std::string_view domain, ByteView element) {
    Vector vector;
    expand(domain, element, vector);
    add_lanes(sum_, vector.lanes);
}

void LtHash::subtract(std::string_view domain, ByteView element) {
    Vector vector;
    expand(domain, element, vector);
    subtract_lanes(sum_, vector.lanes);
}

LtHash& LtHash::operator+=(const LtHash& other) {
    add_lanes(sum_, other.sum_);
    return *this;
}

LtHash& LtHash::operator-=(const LtHash& other) {
    subtract_lanes(sum_, other.sum_);
    return *this;
}

std::array<std::uint8_t, 2 * LtHash::lanes> LtHash::bytes() const {
    std::array<std::uint8_t, 2 * lanes> out;
    for (std::size_t i = 0; i < lanes; ++i) {
        out[2 * i] = static_cast<std::uint8_t>(sum_[i]);
        out[2 * i + 1] = static_cast<std::uint8_t>(sum_[i] >> 8);
    }
    return out;
}

Digest LtHash::digest() const {
    return hash_of("peerbook lthash", bytes());
}

}  // namespace peerbook

#include "base/lthash.h"

#include <openssl/evp.h>

#include <bit>
#include <memory>

#include "base/check.h"
#include "base/hash.h"

namespace peerbook {

namespace {

struct alignas(64) Vector {
    std::array<std::uint16_t, LtHash::lanes> lanes;
};

// ChaCha20 of OpenSSL, which is twice as fast here as libsodium's and gives the same bytes. One for each
// thread, because making a context costs more than using it.
class KeyStream {
  public:
    KeyStream() : context_(EVP_CIPHER_CTX_new()) {
        PB_CHECK(context_ != nullptr &&
                     EVP_EncryptInit_ex2(context_.get(), EVP_chacha20(), nullptr, nullptr, nullptr) == 1,
                 "OpenSSL has no ChaCha20");
    }
    void write(const Digest& key, Vector& out) {
        static constexpr std::array<unsigned char, 16> start{};  // counter and nonce
        static constexpr Vector zeros{};
        int written = 0;
        const bool done =
            EVP_EncryptInit_ex2(context_.get(), nullptr, key.data.data(), start.data(), nullptr) == 1 &&
            EVP_EncryptUpdate(context_.get(), reinterpret_cast<unsigned char*>(out.lanes.data()), &written,
                              reinterpret_cast<const unsigned char*>(zeros.lanes.data()),
                              sizeof out.lanes) == 1;
        PB_CHECK(done && written == sizeof out.lanes, "a stream cipher failed");
    }

  private:
    struct Free {
        void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
    };
    std::unique_ptr<EVP_CIPHER_CTX, Free> context_;
};

void expand(std::string_view domain, ByteView element, Vector& out) {
    thread_local KeyStream stream;
    stream.write(hash_of(domain, element), out);
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

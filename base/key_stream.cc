#include "base/key_stream.h"

#include <openssl/evp.h>

#include <array>
#include <memory>

#include "base/check.h"

namespace peerbook {

namespace {

struct Free {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, Free>;

Context make_context() {
    Context context(EVP_CIPHER_CTX_new());
    const bool is_ready = context != nullptr &&
                          EVP_EncryptInit_ex2(context.get(), EVP_chacha20(), nullptr, nullptr, nullptr) == 1;
    PB_CHECK(is_ready, "OpenSSL has no ChaCha20");
    return context;
}

}  // namespace

void write_key_stream(const Digest& key, std::span<std::uint8_t> out) {
    static constexpr std::array<unsigned char, 16> start{};  // counter and nonce
    static constexpr std::array<unsigned char, key_stream_bytes_max> zeros{};
    thread_local const Context context = make_context();
    PB_CHECK(out.size() <= zeros.size(), "a key stream is bounded");
    int written = 0;
    const bool is_done =
        EVP_EncryptInit_ex2(context.get(), nullptr, key.data.data(), start.data(), nullptr) == 1 &&
        EVP_EncryptUpdate(context.get(), out.data(), &written, zeros.data(), static_cast<int>(out.size())) ==
            1;
    PB_CHECK(is_done && static_cast<std::size_t>(written) == out.size(), "a stream cipher failed");
}

}  // namespace peerbook

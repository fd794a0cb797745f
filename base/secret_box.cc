#include "base/secret_box.h"

#include <sodium.h>

#include <algorithm>
#include <array>

#include "base/codec.h"

namespace peerbook {

namespace {

static_assert(SealSalt::size == crypto_pwhash_SALTBYTES && SealNonce::size == crypto_secretbox_NONCEBYTES);

class DerivedKey {
  public:
    DerivedKey() = default;
    ~DerivedKey() { sodium_memzero(key_.data(), key_.size()); }
    DerivedKey(const DerivedKey&) = delete;
    DerivedKey& operator=(const DerivedKey&) = delete;

    Status derive(std::string_view passphrase, const SealCost& cost, const SealSalt& salt) {
        PB_CHECK(sodium_init() >= 0, "libsodium cannot be initialised");
        const int failed =
            crypto_pwhash(key_.data(), key_.size(), passphrase.data(), passphrase.size(), salt.data.data(),
                          cost.operations, cost.memory_bytes, crypto_pwhash_ALG_ARGON2ID13);
        if (failed != 0)
            return Error{ErrorCode::io, "not enough memory to make a key of the passphrase; it needs " +
                                            std::to_string(cost.memory_bytes >> 20) + " MiB"};
        return {};
    }
    const unsigned char* data() const { return key_.data(); }

  private:
    std::array<unsigned char, crypto_secretbox_KEYBYTES> key_{};
};

}  // namespace

Result<Bytes> seal_secret(ByteView secret, std::string_view passphrase, const SealCost& cost,
                          const SealSalt& salt, const SealNonce& nonce) {
    DerivedKey key;
    if (Status derived = key.derive(passphrase, cost, salt); !derived.ok()) return derived.error();
    Bytes sealed;
    Encoder out(sealed);
    out.raw(salt.view());
    out.u64(cost.operations);
    out.u64(cost.memory_bytes);
    out.raw(nonce.view());
    Bytes box(secret.size() + crypto_secretbox_MACBYTES);
    crypto_secretbox_easy(box.data(), secret.data(), secret.size(), nonce.data.data(), key.data());
    out.raw(box);
    return sealed;
}

Result<Bytes> open_secret(ByteView sealed, std::string_view passphrase) {
    const Error corrupt{ErrorCode::corrupt, "the encrypted secret is damaged"};
    if (sealed.size() < sealed_secret_overhead) return corrupt;
    SealSalt salt;
    SealNonce nonce;
    SealCost cost{0, 0};
    const auto take = [&sealed](std::span<std::uint8_t> out) {
        std::copy_n(sealed.begin(), out.size(), out.begin());
        sealed = sealed.subspan(out.size());
    };
    const auto take_u64 = [&take] {
        std::array<std::uint8_t, 8> bytes;
        take(bytes);
        std::uint64_t number = 0;
        for (const std::uint8_t byte : bytes)
            number = number << 8 | byte;
        return number;
    };
    take(salt.data);
    cost.operations = take_u64();
    cost.memory_bytes = take_u64();
    take(nonce.data);
    if (cost.operations < crypto_pwhash_OPSLIMIT_MIN || cost.memory_bytes < crypto_pwhash_MEMLIMIT_MIN ||
        cost.operations > seal_cost_max.operations || cost.memory_bytes > seal_cost_max.memory_bytes)
        return corrupt;
    DerivedKey key;
    if (Status derived = key.derive(passphrase, cost, salt); !derived.ok()) return derived.error();
    Bytes secret(sealed.size() - crypto_secretbox_MACBYTES);
    if (crypto_secretbox_open_easy(secret.data(), sealed.data(), sealed.size(), nonce.data.data(),
                                   key.data()) != 0)
        return Error{ErrorCode::unauthorized, "the passphrase is wrong, or the secret was changed"};
    return secret;
}

void wipe(std::string& text) {
    sodium_memzero(text.data(), text.size());
    text.clear();
}

void wipe(Bytes& bytes) {
    sodium_memzero(bytes.data(), bytes.size());
    bytes.clear();
}

}  // namespace peerbook

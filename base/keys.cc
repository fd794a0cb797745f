#include "base/keys.h"

#include <sodium.h>

namespace peerbook {

namespace {

void initialise() {
    static const bool ready = sodium_init() >= 0;
    PB_CHECK(ready, "libsodium cannot be initialised");
}

class Ed25519Signer final : public Signer {
  public:
    explicit Ed25519Signer(const KeySeed& seed) {
        initialise();
        crypto_sign_seed_keypair(public_key_.data.data(), secret_key_.data(), seed.data.data());
    }
    ~Ed25519Signer() override { sodium_memzero(secret_key_.data(), secret_key_.size()); }
    Ed25519Signer(const Ed25519Signer&) = delete;
    Ed25519Signer& operator=(const Ed25519Signer&) = delete;

    const PublicKey& public_key() const override { return public_key_; }

    Signature sign(ByteView message) const override {
        Signature signature;
        crypto_sign_detached(signature.data.data(), nullptr, message.data(), message.size(),
                             secret_key_.data());
        return signature;
    }

  private:
    PublicKey public_key_;
    std::array<unsigned char, crypto_sign_SECRETKEYBYTES> secret_key_;
};

}  // namespace

bool Ed25519Verifier::verify(const PublicKey& key, ByteView message, const Signature& signature) const {
    initialise();
    return crypto_sign_verify_detached(signature.data.data(), message.data(), message.size(),
                                       key.data.data()) == 0;
}

std::unique_ptr<Signer> make_ed25519_signer(const KeySeed& seed) {
    return std::make_unique<Ed25519Signer>(seed);
}

bool is_valid_public_key(const PublicKey& key) {
    initialise();
    return crypto_core_ed25519_is_valid_point(key.data.data()) == 1;
}

bool equal_in_constant_time(ByteView a, ByteView b) {
    return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace peerbook

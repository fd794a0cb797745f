// Keys that cost a hash instead of a curve, for tests and simulation. Anybody can forge these signatures;
// damage and mix-ups are still noticed.
#pragma once

#include <algorithm>

#include "base/hash.h"
#include "base/keys.h"

namespace peerbook::testing {

inline Signature cheap_signature(const PublicKey& key, ByteView message) {
    const Digest digest = Hasher("cheap signature").add(key.view()).add(message).finish();
    Signature signature;
    std::copy(digest.data.begin(), digest.data.end(), signature.data.begin());
    return signature;
}

class CheapSigner final : public Signer {
  public:
    explicit CheapSigner(std::uint64_t number) {
        key_.data = Hasher("cheap key").add_u64(number).finish().data;
    }
    const PublicKey& public_key() const override { return key_; }
    Signature sign(ByteView message) const override { return cheap_signature(key_, message); }

  private:
    PublicKey key_;
};

class CheapVerifier final : public Verifier {
  public:
    bool verify(const PublicKey& key, ByteView message, const Signature& signature) const override {
        return signature == cheap_signature(key, message);
    }
};

// What has a signature over its signed_part(), signed by the key of this number.
template <typename Said>
Said signed_by(std::uint64_t number, Said said) {
    said.signature = CheapSigner(number).sign(signed_part(said));
    return said;
}

}  // namespace peerbook::testing

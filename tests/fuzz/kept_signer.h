// A signer that gives back a signature that was read, so that a message can be encoded again as it came.
#pragma once

#include "base/keys.h"

namespace peerbook::fuzz {

class KeptSigner final : public Signer {
  public:
    KeptSigner(const PublicKey& key, const Signature& signature) : key_(key), signature_(signature) {}
    const PublicKey& public_key() const override { return key_; }
    Signature sign(ByteView) const override { return signature_; }

  private:
    PublicKey key_;
    Signature signature_;
};

}  // namespace peerbook::fuzz

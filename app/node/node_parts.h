// What the parts of Node's implementation share. Private to node*.cc.
#pragma once

#include <optional>
#include <string>

#include "base/keys.h"
#include "base/time.h"

namespace peerbook::app {

// For payloads of our own, whose batches were all checked when they came in.
class AlreadyVerified final : public Verifier {
  public:
    bool verify(const PublicKey&, ByteView, const Signature&) const override { return true; }
};

// Of a key or a digest: enough for people to tell them apart.
template <typename Fixed>
std::string short_id(const Fixed& id) {
    return to_hex(id).substr(0, 12);
}

inline void sooner(std::optional<MonoTime>& wake, MonoTime at) {
    if (!wake || at < *wake) wake = at;
}

}  // namespace peerbook::app

// A view of three members whose signatures all count, so that fuzz targets reach what stands behind them.
#pragma once

#include <algorithm>

#include "base/keys.h"
#include "exchange/ordering/view.h"

namespace peerbook::fuzz {

class EveryVerifier final : public Verifier {
  public:
    bool verify(const PublicKey&, ByteView, const Signature&) const override { return true; }
};

inline const Digest network;

inline PublicKey member(std::uint8_t number) {
    PublicKey key;
    key.data.fill(number);
    return key;
}

inline const exchange::View& view() {
    static const exchange::View made =
        exchange::make_first_view(network, {member(1), member(2), member(3)}).value();
    return made;
}

inline bool equal(ByteView a, ByteView b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace peerbook::fuzz

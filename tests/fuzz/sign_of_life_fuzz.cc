// Any bytes as a sign of life (kind 0x89), and as the other messages of nodes that app/node decodes: refused,
// or they are the one encoding of what they mean, which therefore gives the same bytes again.
#include <algorithm>

#include "app/node/peer_messages.h"
#include "app/node/sign_of_life.h"
#include "base/check.h"
#include "base/codec.h"
#include "tests/fuzz/kept_signer.h"
#include "tests/fuzz/three_members.h"

namespace {

using namespace peerbook;
using namespace peerbook::app;
using namespace peerbook::fuzz;

void check_sign(ByteView bytes) {
    const auto sign = verify_sign_of_life(bytes, view(), network, EveryVerifier());
    if (!sign.ok()) return;
    PB_CHECK(sign->heard.size() <= view().members.size(), "no more entries than members");
    Signature signature;
    const ByteView last = bytes.last(Signature::size);
    std::copy(last.begin(), last.end(), signature.data.begin());
    const KeptSigner signer(sign->sender, signature);
    PB_CHECK(equal(sign_sign_of_life(*sign, network, view().ledger, signer), bytes),
             "a sign of life has one encoding");
}

// What every sign of life of a member begins with, so that the interesting part is reached.
void check_body(ByteView bytes) {
    Bytes whole;
    Encoder out(whole);
    out.u16(sign_of_life_version);
    out.raw(network.view());
    out.raw(view().ledger.view());
    out.raw(exchange::digest_of(view()).view());
    out.raw(member(2).view());
    out.raw(bytes);
    check_sign(whole);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView bytes(data, size);
    check_sign(bytes);
    check_body(bytes);
    if (const auto message = decode_far_batch(bytes); message.ok())
        PB_CHECK(equal(encode_far_batch(*message), bytes), "a far batch has one encoding");
    if (const auto message = decode_far_answer(bytes); message.ok())
        PB_CHECK(equal(encode_far_answer(*message), bytes), "a far answer has one encoding");
    if (const auto message = decode_version_vector(bytes); message.ok())
        PB_CHECK(equal(encode_version_vector(*message), bytes), "a version vector has one encoding");
    if (const auto message = decode_holdings(bytes); message.ok())
        PB_CHECK(equal(encode_holdings(*message), bytes), "holdings have one encoding");
    if (const auto message = decode_want(bytes); message.ok())
        PB_CHECK(equal(encode_want(*message), bytes), "a want has one encoding");
    return 0;
}

// Any bytes as a view message, a decision, a stored ballot state, an invitation and evidence: refused, or
// they are the one encoding of what they mean, which therefore gives the same bytes again.
#include "base/check.h"
#include "exchange/ordering/evidence.h"
#include "exchange/ordering/view_messages.h"
#include "tests/fuzz/kept_signer.h"
#include "tests/fuzz/three_members.h"

namespace {

using namespace peerbook;
using namespace peerbook::exchange;
using namespace peerbook::fuzz;

void check_message(ByteView bytes) {
    auto message = verify_view_message(bytes, view(), network, EveryVerifier());
    if (!message.ok()) return;
    const KeptSigner signer(message->sender, message->signature);
    PB_CHECK(equal(sign_view_message(*message, network, view().ledger, signer), bytes),
             "a message has one encoding");
}

// What every message begins with, so that the interesting part is reached.
void check_body(ByteView bytes) {
    Bytes whole;
    Encoder out(whole);
    out.u16(view_message_version);
    out.raw(network.view());
    out.raw(view().ledger.view());
    out.raw(digest_of(view()).view());
    out.raw(bytes);
    check_message(whole);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView bytes(data, size);
    check_message(bytes);
    check_body(bytes);
    if (const auto decision = verify_decision(bytes, view(), network, EveryVerifier()); decision.ok())
        PB_CHECK(equal(encode_decision(*decision), bytes), "a decision has one encoding");
    if (const auto state = decode_ballot_state(bytes, network, view().ledger); state.ok())
        PB_CHECK(equal(encode_ballot_state(*state), bytes), "a ballot state has one encoding");
    if (const auto invitation = decode_invitation(bytes); invitation.ok())
        PB_CHECK(equal(encode_invitation(*invitation), bytes), "an invitation has one encoding");
    if (const auto evidence = verify_evidence(bytes, network, view().ledger, EveryVerifier()); evidence.ok())
        PB_CHECK(equal(encode_evidence(*evidence), bytes), "evidence has one encoding");
    return 0;
}

#include "app/node/sign_of_life.h"

#include <string_view>

#include "base/check.h"
#include "base/codec.h"
#include "base/hash.h"

namespace peerbook::app {

namespace {

constexpr std::string_view signature_domain = "peerbook sign of life";
constexpr std::uint64_t time_ms_max = std::uint64_t{1} << 53;

Bytes signed_message(ByteView unsigned_bytes) {
    const Digest digest = hash_of(signature_domain, unsigned_bytes);
    Bytes message(signature_domain.begin(), signature_domain.end());
    message.insert(message.end(), digest.data.begin(), digest.data.end());
    return message;
}

}  // namespace

Bytes sign_sign_of_life(const SignOfLife& message, const Digest& network, const Digest& ledger,
                        const Signer& signer) {
    PB_CHECK(message.sender == signer.public_key(), "a message is signed by its sender");
    Bytes bytes;
    Encoder out(bytes);
    out.u16(sign_of_life_version);
    out.raw(network.view());
    out.raw(ledger.view());
    out.raw(message.view.view());
    out.raw(message.sender.view());
    out.varint(static_cast<std::uint64_t>(message.at.ms));
    out.u64(message.session);
    out.varint(message.heard.size());
    for (const SignOfLife::Heard& one : message.heard) {
        out.varint(one.member.value());
        out.u64(one.session);
        out.varint(one.seq);
    }
    const Signature signature = signer.sign(signed_message(bytes));
    Encoder(bytes).raw(signature.view());
    return bytes;
}

Result<SignOfLife> verify_sign_of_life(ByteView bytes, const exchange::View& view, const Digest& network,
                                       const Verifier& verifier) {
    Decoder in(bytes);
    SignOfLife message;
    Digest of_network, of_ledger;
    if (in.u16() != sign_of_life_version && in.ok()) in.fail("unknown version");
    in.fixed(of_network);
    in.fixed(of_ledger);
    in.fixed(message.view);
    if (in.ok()) {
        if (of_network != network)
            return Error{ErrorCode::conflict, "the sign of life belongs to another network"};
        if (of_ledger != view.ledger)
            return Error{ErrorCode::conflict, "the sign of life belongs to another ledger"};
        if (message.view != exchange::digest_of(view))
            return Error{ErrorCode::unavailable, "it is about another view"};
    }
    in.fixed(message.sender);
    message.at = WallTime{static_cast<std::int64_t>(in.varint_max(time_ms_max, "a time beyond 2^53 ms"))};
    message.session = in.u64();
    const std::uint64_t count = in.varint_max(view.members.size(), "more entries than the view has members");
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
        SignOfLife::Heard heard;
        heard.member = exchange::MemberIndex(static_cast<std::uint32_t>(
            in.varint_max(view.members.size() - 1, "an entry of no member of the view")));
        heard.session = in.u64();
        heard.seq = in.varint();
        if (!message.heard.empty() && !(message.heard.back().member < heard.member))
            in.fail("its entries are not in the order of members");
        message.heard.push_back(heard);
    }
    const ByteView unsigned_bytes = in.consumed(0);
    Signature signature;
    in.fixed(signature);
    if (Status status = in.finish(); !status.ok()) return status.error().within("sign of life");
    if (!view.index_of(message.sender))
        return Error{ErrorCode::invalid_input, "sign of life: its sender is no member"};
    if (!verifier.verify(message.sender, signed_message(unsigned_bytes), signature))
        return Error{ErrorCode::unauthorized, "sign of life: its sender's signature is wrong"};
    return message;
}

}  // namespace peerbook::app

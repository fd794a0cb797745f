#include "app/node/peer_messages.h"

#include "base/codec.h"

namespace peerbook::app {

Bytes encode_want(const std::vector<Digest>& digests) {
    Bytes bytes;
    Encoder out(bytes);
    out.varint(digests.size());
    for (const Digest& digest : digests)
        out.raw(digest.view());
    return bytes;
}

Result<std::vector<Digest>> decode_want(ByteView bytes) {
    Decoder in(bytes);
    const std::uint64_t count = in.varint_max(want_digests_max, "more digests than one want may ask for");
    std::vector<Digest> digests;
    for (std::uint64_t i = 0; i < count && in.ok(); ++i)
        in.fixed(digests.emplace_back());
    if (Status status = in.finish(); !status.ok()) return status.error().within("want");
    return digests;
}

Bytes encode_version_vector(const VersionVectorMessage& message) {
    Bytes bytes;
    Encoder out(bytes);
    out.raw(message.view.view());
    out.varint(message.number);
    out.varint(message.seqs.size());
    for (std::uint64_t seq : message.seqs)
        out.varint(seq);
    return bytes;
}

Result<VersionVectorMessage> decode_version_vector(ByteView bytes) {
    Decoder in(bytes);
    VersionVectorMessage message;
    in.fixed(message.view);
    message.number = in.varint();
    const std::uint64_t count =
        in.varint_max(exchange::view_members_max, "more entries than a view has members");
    for (std::uint64_t i = 0; i < count && in.ok(); ++i)
        message.seqs.push_back(in.varint());
    if (Status status = in.finish(); !status.ok()) return status.error().within("version vector");
    return message;
}

Bytes encode_holdings(const HoldingsMessage& message) {
    Bytes bytes;
    Encoder out(bytes);
    out.u64(message.question);
    if (message.answer) out.raw(encode_version_vector(*message.answer));
    return bytes;
}

Result<HoldingsMessage> decode_holdings(ByteView bytes) {
    Decoder in(bytes);
    HoldingsMessage message;
    message.question = in.u64();
    if (!in.ok() || in.remaining() == 0) {
        if (Status status = in.finish(); !status.ok()) return status.error().within("holdings");
        return message;
    }
    auto answer = decode_version_vector(bytes.last(in.remaining()));
    if (!answer.ok()) return answer.error().within("holdings");
    message.answer = std::move(*answer);
    return message;
}

Bytes encode_far_batch(const FarBatch& message) {
    Bytes bytes;
    Encoder out(bytes);
    out.raw(message.ledger.view());
    out.u64(message.number);
    out.raw(message.batch);
    return bytes;
}

Result<FarBatch> decode_far_batch(ByteView bytes) {
    Decoder in(bytes);
    FarBatch message;
    in.fixed(message.ledger);
    message.number = in.u64();
    message.batch = in.raw(in.remaining());
    if (Status status = in.finish(); !status.ok()) return status.error().within("far batch");
    return message;
}

Bytes encode_far_answer(const FarAnswer& message) {
    Bytes bytes;
    Encoder out(bytes);
    out.u64(message.number);
    out.u8(static_cast<std::uint8_t>(message.verdict));
    return bytes;
}

Result<FarAnswer> decode_far_answer(ByteView bytes) {
    Decoder in(bytes);
    FarAnswer message;
    message.number = in.u64();
    const std::uint8_t verdict = in.u8();
    if (verdict > static_cast<std::uint8_t>(FarAnswer::Verdict::busy)) in.fail("unknown verdict");
    message.verdict = static_cast<FarAnswer::Verdict>(verdict);
    if (Status status = in.finish(); !status.ok()) return status.error().within("far answer");
    return message;
}

Bytes encode_blocks(bool more, const std::vector<SharedBytes>& blocks) {
    Bytes bytes;
    Encoder out(bytes);
    out.u8(more ? 1 : 0);
    out.varint(blocks.size());
    for (const SharedBytes& block : blocks)
        out.bytes(block.view());
    return bytes;
}

Result<BlocksMessage> decode_blocks(ByteView bytes) {
    Decoder in(bytes);
    BlocksMessage message;
    const std::uint8_t more = in.u8();
    if (more > 1) in.fail("the more flag is neither 0 nor 1");
    message.more = more == 1;
    const std::uint64_t count = in.varint_max(bytes.size(), "more blocks than bytes");
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
        ByteView block = in.bytes(exchange::block_bytes_max, "a block above 512 KiB");
        message.blocks.emplace_back(block.begin(), block.end());
    }
    if (Status status = in.finish(); !status.ok()) return status.error().within("blocks");
    return message;
}

}  // namespace peerbook::app

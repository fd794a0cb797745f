#include "exchange/ordering/block.h"

#include <algorithm>

#include "base/check.h"
#include "base/codec.h"
#include "base/hash.h"

namespace peerbook::exchange {

namespace {

constexpr std::string_view signature_domain = "peerbook block";

Bytes signed_message(const Digest& digest) {
    Bytes message(signature_domain.begin(), signature_domain.end());
    message.insert(message.end(), digest.data.begin(), digest.data.end());
    return message;
}

// The part of the header that is the same on the wire and in the hash, around the author.
void encode_identity(Encoder& out, const BlockHeader& header) {
    out.u16(header.format_version);
    out.u16(header.rules_version);
    out.raw(header.network.view());
    out.raw(header.ledger.view());
    out.raw(header.view.view());
}

void encode_rest(Encoder& out, const BlockHeader& header) {
    out.varint(header.seq);
    out.varint(header.round);
    out.varint(static_cast<std::uint64_t>(header.timestamp.ms));
    out.varint(header.parents.size());
    for (const ParentRef& parent : header.parents) {
        out.varint(parent.author.value());
        out.varint(parent.round);
        out.raw(parent.digest.view());
    }
    out.raw(header.payload_root.view());
    if (!header.vote) return;
    out.varint(header.vote->commit);
    out.raw(header.vote->prefix.view());
    out.raw(header.vote->root.view());
}

void decode_rest(Decoder& in, BlockHeader& header, std::size_t members) {
    header.seq = in.varint();
    header.round = in.varint();
    header.timestamp.ms = static_cast<std::int64_t>(in.varint());
    const std::uint64_t parents = in.varint_max(members, "a block has at most one parent a member");
    header.parents.reserve(parents);
    for (std::uint64_t i = 0; i < parents && in.ok(); ++i) {
        ParentRef& parent = header.parents.emplace_back();
        parent.author = MemberIndex(
            static_cast<std::uint32_t>(in.varint_max(members - 1, "a parent's author is no member")));
        parent.round = in.varint();
        in.fixed(parent.digest);
    }
    in.fixed(header.payload_root);
    if (header.format_version != block_format_with_vote) return;
    StateVote& vote = header.vote.emplace();
    vote.commit = in.varint();
    if (in.ok() && vote.commit == 0) in.fail("a vote for the state before the first commit");
    in.fixed(vote.prefix);
    in.fixed(vote.root);
}

void decode_identity(Decoder& in, BlockHeader& header) {
    header.format_version = in.u16();
    if (in.ok() && header.format_version != block_format_version &&
        header.format_version != block_format_with_vote)
        in.fail("unknown block format version");
    header.rules_version = in.u16();
    in.fixed(header.network);
    in.fixed(header.ledger);
    in.fixed(header.view);
}

Error foreign(const char* what) {
    return {ErrorCode::conflict, std::string("the block belongs to another ") + what};
}

}  // namespace

Digest digest_of(const BlockHeader& header) {
    Bytes bytes;
    bytes.reserve(256 + header.parents.size() * 44);
    Encoder out(bytes);
    encode_identity(out, header);
    out.raw(header.author.view());
    encode_rest(out, header);
    return hash_of("peerbook block header", bytes);
}

Digest payload_root_of(ByteView payload) {
    return hash_of("peerbook payload", payload);
}

void sign_block(Block& block, const Signer& signer) {
    PB_CHECK(block.header.author == signer.public_key(), "a block is signed by its author");
    block.signature = signer.sign(signed_message(digest_of(block.header)));
}

Bytes encode_block(const Block& block, const View& view) {
    const std::optional<MemberIndex> author = view.index_of(block.header.author);
    PB_CHECK(author.has_value(), "only members' blocks have an encoding");
    Bytes bytes;
    bytes.reserve(256 + block.header.parents.size() * 44 + block.payload.size());
    Encoder out(bytes);
    encode_identity(out, block.header);
    out.varint(author->value());
    encode_rest(out, block.header);
    out.raw(block.signature.view());
    out.bytes(block.payload);
    return bytes;
}

Bytes encode_signed_header(const SignedHeader& header) {
    Bytes bytes;
    Encoder out(bytes);
    encode_identity(out, header.header);
    out.raw(header.header.author.view());
    encode_rest(out, header.header);
    out.raw(header.signature.view());
    return bytes;
}

Result<SignedHeader> decode_signed_header(ByteView bytes) {
    Decoder in(bytes);
    SignedHeader header;
    decode_identity(in, header.header);
    in.fixed(header.header.author);
    if (in.ok()) decode_rest(in, header.header, view_members_max);
    in.fixed(header.signature);
    if (Status status = in.finish(); !status.ok()) return status.error().within("header");
    return header;
}

bool is_signed(const SignedHeader& header, const Verifier& verifier) {
    return verifier.verify(header.header.author, signed_message(digest_of(header.header)), header.signature);
}

Result<SignedHeader> signed_header_of(ByteView encoded, const View& view) {
    Decoder in(encoded);
    SignedHeader header;
    decode_identity(in, header.header);
    const std::uint64_t author = in.varint_max(view.members.size() - 1, "the author is no member");
    if (in.ok()) decode_rest(in, header.header, view.members.size());
    in.fixed(header.signature);
    if (!in.ok()) return Error{ErrorCode::invalid_input, "a block has no such header"};
    header.header.author = view.members[static_cast<std::size_t>(author)];
    return header;
}

const char* structural_fault(const BlockHeader& header, const View& view) {
    const std::optional<MemberIndex> author = view.index_of(header.author);
    if (!author) return "its author is not a member of the view";
    if (header.seq == 0) return "sequence numbers start at 1";
    if (header.timestamp.ms < 0) return "its timestamp is out of range";
    const bool has_own_parent = !header.parents.empty() && header.parents[0].author == *author;
    if (has_own_parent != (header.seq > 1))
        return header.seq > 1 ? "its first parent is not its author's previous block"
                              : "the first block of an author names an earlier one of its own";
    std::uint64_t highest = view.base_round;
    for (std::size_t i = 0; i < header.parents.size(); ++i) {
        const ParentRef& parent = header.parents[i];
        if (parent.author.value() >= view.members.size())
            return "a parent's author is not a member of the view";
        highest = std::max(highest, parent.round);
        if (parent.round <= view.base_round) return "a parent lies before the view";
        if (i == 0 && has_own_parent) continue;
        if (parent.author == *author) return "it has two parents of its own author";
        const std::size_t first_other = has_own_parent ? 1 : 0;
        if (i > first_other && !(header.parents[i - 1].author < parent.author))
            return "its parents are not in the order of their authors, one an author";
    }
    if (header.round <= highest || header.round - highest != 1)
        return "its round is not one above its parents' highest";
    return nullptr;
}

Result<VerifiedBlock> verify_block(SharedBytes encoded, const View& view, const Digest& network,
                                   std::uint16_t rules_version, const Verifier& verifier,
                                   BlockSource source) {
    if (encoded.size() > block_bytes_max)
        return Error{ErrorCode::too_large,
                     "a block has at most " + std::to_string(block_bytes_max) + " bytes"};
    Decoder in(encoded.view());
    VerifiedBlock block;
    BlockHeader& header = block.header;
    decode_identity(in, header);
    if (in.ok()) {
        // Nothing behind this point can be read without the right view.
        if (header.network != network) return foreign("network");
        if (header.rules_version == 0 || header.rules_version > rules_version_latest)
            return Error{ErrorCode::invalid_input,
                         "the block is of rules version " + std::to_string(header.rules_version) +
                             ", and this program knows 1 to " + std::to_string(rules_version_latest) +
                             "; a newer one may know more"};
        if (header.rules_version != rules_version)
            return Error{ErrorCode::conflict, "the block is of rules version " +
                                                  std::to_string(header.rules_version) + ", the network of " +
                                                  std::to_string(rules_version)};
        if (header.view != digest_of(view))
            return Error{ErrorCode::unavailable, "the block belongs to another view"};
        if (header.ledger != view.ledger) return foreign("ledger");
    }
    const std::uint64_t author = in.varint_max(view.members.size() - 1, "the author is no member");
    decode_rest(in, header, view.members.size());
    Signature signature;
    in.fixed(signature);
    const ByteView payload = in.bytes(block_bytes_max, "the payload is too long");
    if (Status status = in.finish(); !status.ok()) return status.error().within("block");
    if (payload.size() > payload_bytes_max)
        return Error{ErrorCode::too_large,
                     "a payload has at most " + std::to_string(payload_bytes_max) + " bytes"};
    header.author = view.members[static_cast<std::size_t>(author)];
    if (const char* fault = structural_fault(header, view))
        return Error{ErrorCode::invalid_input, std::string("block: ") + fault};
    if (header.payload_root != payload_root_of(payload))
        return Error{ErrorCode::invalid_input, "block: the payload is not the one that its header names"};
    block.digest = digest_of(header);
    if (source == BlockSource::peer &&
        !verifier.verify(header.author, signed_message(block.digest), signature))
        return Error{ErrorCode::unauthorized, "block: its author's signature is wrong"};
    auto batches = decode_payload(payload, header.author, network, rules_version, verifier);
    if (!batches.ok()) return batches.error().within("payload");
    block.batches = std::move(*batches);
    for (const CommandBatch& batch : block.batches)
        block.command_count += static_cast<std::uint32_t>(batch.commands.size());
    block.payload_bytes = payload.size();
    block.encoded = std::move(encoded);
    return block;
}

}  // namespace peerbook::exchange

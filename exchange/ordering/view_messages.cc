#include "exchange/ordering/view_messages.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/codec.h"
#include "base/hash.h"

namespace peerbook::exchange {

namespace {

constexpr std::string_view signature_domain = "peerbook view message";

void encode_ballot(Encoder& out, const Ballot& ballot) {
    out.varint(ballot.number);
    out.varint(ballot.proposer.value());
}

Ballot decode_ballot(Decoder& in) {
    Ballot ballot;
    ballot.number = in.varint_max(ballot_number_max, "a ballot's number is too high");
    ballot.proposer = MemberIndex(static_cast<std::uint32_t>(
        in.varint_max(view_members_max - 1, "a ballot's proposer is no member of any view")));
    return ballot;
}

View decode_inner_view(Decoder& in) {
    const ByteView bytes = in.bytes(view_bytes_max, "a view record above 32 KiB");
    if (!in.ok()) return {};
    auto view = decode_view(bytes);
    if (!view.ok()) in.fail("the view record is malformed");
    return view.ok() ? std::move(*view) : View{};
}

void encode_accepted(Encoder& out, const std::optional<AcceptedValue>& accepted) {
    out.u8(accepted ? 1 : 0);
    if (!accepted) return;
    encode_ballot(out, accepted->ballot);
    out.bytes(encode_view(accepted->next));
    encode_invitations(out, accepted->invitations);
}

// Network and ledger of a message or record, which its invitations do not repeat.
struct Place {
    Digest network, ledger;
};

std::optional<AcceptedValue> decode_accepted(Decoder& in, const Place& place) {
    const std::uint8_t flag = in.u8();
    if (flag > 1) in.fail("the accepted flag is neither 0 nor 1");
    if (flag != 1) return std::nullopt;
    AcceptedValue accepted;
    accepted.ballot = decode_ballot(in);
    accepted.next = decode_inner_view(in);
    accepted.invitations = decode_invitations(in, invitations_per_view_max, place.network, place.ledger);
    return accepted;
}

void encode_tips(Encoder& out, const ChainTips& tips) {
    out.varint(tips.size());
    for (const ChainTip& tip : tips) {
        out.varint(tip.seq);
        if (tip.seq > 0) out.raw(tip.digest.view());
    }
}

ChainTips decode_tips(Decoder& in, std::size_t members) {
    const std::uint64_t count = in.varint_max(members, "more tips than members");
    if (in.ok() && count != members) in.fail("not one tip a member");
    ChainTips tips;
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
        ChainTip& tip = tips.emplace_back();
        tip.seq = in.varint();
        if (tip.seq > 0) in.fixed(tip.digest);
    }
    return tips;
}

void encode_body(Encoder& out, const ViewMessage& message) {
    switch (message.kind) {
        case ViewMessageKind::prepare:
        case ViewMessageKind::leave:
            break;
        case ViewMessageKind::promise:
            out.varint(message.settled_round);
            encode_tips(out, message.tips);
            encode_accepted(out, message.accepted);
            break;
        case ViewMessageKind::refuse:
            encode_ballot(out, message.promised);
            break;
        case ViewMessageKind::propose:
            out.bytes(encode_view(*message.next));
            encode_invitations(out, message.invitations);
            break;
        case ViewMessageKind::accepted:
            out.raw(message.value.view());
            break;
        case ViewMessageKind::join:
            encode_tips(out, message.tips);
            encode_invitations(out, message.invitations);
            break;
    }
}

void decode_body(Decoder& in, ViewMessage& message, std::size_t members, const Place& place) {
    switch (message.kind) {
        case ViewMessageKind::prepare:
        case ViewMessageKind::leave:
            break;
        case ViewMessageKind::promise:
            message.settled_round = in.varint();
            message.tips = decode_tips(in, members);
            message.accepted = decode_accepted(in, place);
            break;
        case ViewMessageKind::refuse:
            message.promised = decode_ballot(in);
            break;
        case ViewMessageKind::propose:
            message.next = decode_inner_view(in);
            message.invitations =
                decode_invitations(in, invitations_per_view_max, place.network, place.ledger);
            break;
        case ViewMessageKind::accepted:
            in.fixed(message.value);
            break;
        case ViewMessageKind::join:
            message.tips = decode_tips(in, members);
            message.invitations = decode_invitations(in, invitations_needed_max, place.network, place.ledger);
            break;
    }
}

// Everything before the signature.
Bytes encode_unsigned(const ViewMessage& message, const Digest& network, const Digest& ledger) {
    Bytes bytes;
    Encoder out(bytes);
    out.u16(view_message_version);
    out.raw(network.view());
    out.raw(ledger.view());
    out.raw(message.view.view());
    out.u8(static_cast<std::uint8_t>(message.kind));
    out.raw(message.sender.view());
    encode_ballot(out, message.ballot);
    encode_body(out, message);
    return bytes;
}

Bytes signed_message(ByteView unsigned_bytes) {
    const Digest digest = hash_of(signature_domain, unsigned_bytes);
    Bytes message(signature_domain.begin(), signature_domain.end());
    message.insert(message.end(), digest.data.begin(), digest.data.end());
    return message;
}

Error other_view() {
    return {ErrorCode::unavailable, "it is about another view"};
}

const char* sender_fault(const ViewMessage& message, const View& view) {
    const std::optional<MemberIndex> sender = view.index_of(message.sender);
    switch (message.kind) {
        case ViewMessageKind::join:
            if (sender) return "a member asks to join";
            for (const Invitation& invitation : message.invitations)
                if (invitation.invited != message.sender) return "it has an invitation of somebody else";
            // Before any of their signatures is looked at.
            for (const Invitation& invitation : message.invitations)
                if (!view.index_of(invitation.inviter)) return "it has an invitation by no member";
            break;
        case ViewMessageKind::prepare:
        case ViewMessageKind::propose:
            if (sender != message.ballot.proposer) return "its sender is not the proposer of its ballot";
            break;
        default:
            if (!sender) return "its sender is no member";
    }
    const bool is_ballot_free =
        message.kind == ViewMessageKind::join || message.kind == ViewMessageKind::leave;
    if (is_ballot_free != (message.ballot.number == 0)) return "its ballot's number is wrong";
    if (is_ballot_free && message.ballot != Ballot{}) return "it has no ballot";
    if (message.ballot.proposer.value() >= view.members.size()) return "its ballot's proposer is no member";
    if (message.accepted && message.accepted->ballot > message.ballot)
        return "it accepted in a higher ballot than it promises";
    if (message.accepted && message.accepted->ballot.proposer.value() >= view.members.size())
        return "its accepted ballot's proposer is no member";
    if (message.promised.proposer.value() >= view.members.size())
        return "its promised ballot's proposer is no member";
    return nullptr;
}

}  // namespace

Bytes encode_ballot_state(const BallotState& state) {
    Bytes bytes;
    Encoder out(bytes);
    out.u16(view_message_version);
    out.raw(state.view.view());
    encode_ballot(out, state.promised);
    encode_accepted(out, state.accepted);
    return bytes;
}

Result<BallotState> decode_ballot_state(ByteView bytes, const Digest& network, const Digest& ledger) {
    Decoder in(bytes);
    BallotState state;
    if (in.u16() != view_message_version && in.ok()) in.fail("unknown version");
    in.fixed(state.view);
    state.promised = decode_ballot(in);
    state.accepted = decode_accepted(in, {network, ledger});
    if (Status status = in.finish(); !status.ok()) return status.error().within("ballot state");
    return state;
}

Bytes sign_view_message(ViewMessage& message, const Digest& network, const Digest& ledger,
                        const Signer& signer) {
    PB_CHECK(message.sender == signer.public_key(), "a message is signed by its sender");
    Bytes bytes = encode_unsigned(message, network, ledger);
    message.signature = signer.sign(signed_message(bytes));
    Encoder(bytes).raw(message.signature.view());
    return bytes;
}

Result<ViewMessage> verify_view_message(ByteView bytes, const View& view, const Digest& network,
                                        const Verifier& verifier) {
    if (bytes.size() > view_message_bytes_max)
        return Error{ErrorCode::too_large,
                     "a view message has at most " + std::to_string(view_message_bytes_max) + " bytes"};
    Decoder in(bytes);
    ViewMessage message;
    Digest of_network, of_ledger;
    if (in.u16() != view_message_version && in.ok()) in.fail("unknown version");
    in.fixed(of_network);
    in.fixed(of_ledger);
    in.fixed(message.view);
    if (in.ok()) {
        if (of_network != network)
            return Error{ErrorCode::conflict, "the view message belongs to another network"};
        if (message.view != digest_of(view)) return other_view();
        if (of_ledger != view.ledger)
            return Error{ErrorCode::conflict, "the view message belongs to another ledger"};
    }
    const std::uint8_t kind = in.u8();
    if (kind < static_cast<std::uint8_t>(ViewMessageKind::prepare) ||
        kind > static_cast<std::uint8_t>(ViewMessageKind::leave))
        in.fail("unknown kind");
    if (in.ok()) message.kind = static_cast<ViewMessageKind>(kind);
    in.fixed(message.sender);
    message.ballot = decode_ballot(in);
    if (in.ok()) decode_body(in, message, view.members.size(), {network, view.ledger});
    const Bytes signed_bytes = signed_message(in.consumed(0));
    in.fixed(message.signature);
    if (Status status = in.finish(); !status.ok()) return status.error().within("view message");
    if (const char* fault = sender_fault(message, view))
        return Error{ErrorCode::invalid_input, std::string("view message: ") + fault};
    if (!verifier.verify(message.sender, signed_bytes, message.signature))
        return Error{ErrorCode::unauthorized, "view message: its sender's signature is wrong"};
    const auto all_genuine = [&](const std::vector<Invitation>& invitations) {
        return std::all_of(invitations.begin(), invitations.end(),
                           [&](const Invitation& one) { return is_genuine(one, verifier); });
    };
    if (!all_genuine(message.invitations) ||
        (message.accepted && !all_genuine(message.accepted->invitations)))
        return Error{ErrorCode::unauthorized, "view message: the signature of an invitation is wrong"};
    return message;
}

Bytes encode_decision(const Decision& decision) {
    Bytes bytes;
    Encoder out(bytes);
    out.u16(view_message_version);
    out.bytes(encode_view(decision.next));
    encode_ballot(out, decision.ballot);
    out.varint(decision.votes.size());
    for (const Vote& vote : decision.votes) {
        out.varint(vote.member.value());
        out.raw(vote.signature.view());
    }
    return bytes;
}

Result<Decision> verify_decision(ByteView bytes, const View& view, const Digest& network,
                                 const Verifier& verifier) {
    if (bytes.size() > view_message_bytes_max)
        return Error{ErrorCode::too_large,
                     "a decision has at most " + std::to_string(view_message_bytes_max) + " bytes"};
    Decoder in(bytes);
    Decision decision;
    if (in.u16() != view_message_version && in.ok()) in.fail("unknown version");
    decision.next = decode_inner_view(in);
    decision.ballot = decode_ballot(in);
    const std::uint64_t votes = in.varint_max(view_members_max, "more votes than a view has members");
    for (std::uint64_t i = 0; i < votes && in.ok(); ++i) {
        Vote& vote = decision.votes.emplace_back();
        vote.member = MemberIndex(
            static_cast<std::uint32_t>(in.varint_max(view_members_max - 1, "a voter is no member")));
        in.fixed(vote.signature);
    }
    if (Status status = in.finish(); !status.ok()) return status.error().within("decision");
    if (decision.next.previous != digest_of(view)) return other_view();
    if (Status status = check_successor(view, decision.next); !status.ok())
        return status.error().within("decision");
    ViewMessage accepted;
    accepted.kind = ViewMessageKind::accepted;
    accepted.view = decision.next.previous;
    accepted.ballot = decision.ballot;
    accepted.value = digest_of(decision.next);
    std::vector<bool> present(view.members.size(), false);
    for (std::size_t i = 0; i < decision.votes.size(); ++i) {
        const Vote& vote = decision.votes[i];
        if (vote.member.value() >= view.members.size() ||
            (i > 0 && !(decision.votes[i - 1].member < vote.member)))
            return Error{ErrorCode::invalid_input, "decision: its votes are not in the order of members"};
        accepted.sender = view.members[vote.member.value()];
        const Bytes signed_bytes = signed_message(encode_unsigned(accepted, network, view.ledger));
        if (!verifier.verify(accepted.sender, signed_bytes, vote.signature))
            return Error{ErrorCode::unauthorized, "decision: the signature of a vote is wrong"};
        present[vote.member.value()] = true;
    }
    if (!is_quorum(view, present))
        return Error{ErrorCode::unauthorized, "decision: its votes are not those of a quorum"};
    return decision;
}

}  // namespace peerbook::exchange

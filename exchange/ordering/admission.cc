#include "exchange/ordering/admission.h"

#include <algorithm>
#include <string_view>

#include "base/hash.h"

namespace peerbook::exchange {

namespace {

constexpr std::string_view signature_domain = "peerbook invitation";

// All but the signature.
Bytes encode_statement(const Invitation& invitation) {
    Bytes bytes;
    Encoder out(bytes);
    out.u16(invitation_version);
    for (ByteView part : {invitation.network.view(), invitation.ledger.view(), invitation.invited.view(),
                          invitation.inviter.view()})
        out.raw(part);
    out.i64(invitation.expires.ms);
    return bytes;
}

Bytes signed_bytes(const Invitation& invitation) {
    const Bytes bytes = encode_statement(invitation);
    const Digest digest = hash_of(signature_domain, bytes);
    Bytes message(signature_domain.begin(), signature_domain.end());
    message.insert(message.end(), digest.data.begin(), digest.data.end());
    return message;
}

WallTime decode_expiry(Decoder& in) {
    const std::int64_t ms = in.i64();
    if (in.ok() && (ms <= 0 || ms > invitation_expiry_max_ms))
        in.fail("an invitation's expiry is out of range");
    return {ms};
}

}  // namespace

bool comes_before(const Invitation& a, const Invitation& b) {
    return a.invited != b.invited ? a.invited < b.invited : a.inviter < b.inviter;
}

Invitation make_invitation(const Digest& network, const Digest& ledger, const PublicKey& invited,
                           WallTime expires, const Signer& inviter) {
    Invitation made{network, ledger, invited, inviter.public_key(), expires, {}};
    made.signature = inviter.sign(signed_bytes(made));
    return made;
}

bool is_genuine(const Invitation& invitation, const Verifier& verifier) {
    return verifier.verify(invitation.inviter, signed_bytes(invitation), invitation.signature);
}

Bytes encode_invitation(const Invitation& invitation) {
    Bytes bytes = encode_statement(invitation);
    Encoder(bytes).raw(invitation.signature.view());
    return bytes;
}

Result<Invitation> decode_invitation(ByteView bytes) {
    Decoder in(bytes);
    Invitation invitation;
    if (in.u16() != invitation_version && in.ok()) in.fail("unknown version");
    in.fixed(invitation.network);
    in.fixed(invitation.ledger);
    in.fixed(invitation.invited);
    in.fixed(invitation.inviter);
    invitation.expires = decode_expiry(in);
    in.fixed(invitation.signature);
    if (Status status = in.finish(); !status.ok()) return status.error().within("invitation");
    return invitation;
}

void encode_invitations(Encoder& out, const std::vector<Invitation>& invitations) {
    out.varint(invitations.size());
    for (const Invitation& invitation : invitations) {
        out.raw(invitation.invited.view());
        out.raw(invitation.inviter.view());
        out.i64(invitation.expires.ms);
        out.raw(invitation.signature.view());
    }
}

std::vector<Invitation> decode_invitations(Decoder& in, std::size_t count_max, const Digest& network,
                                           const Digest& ledger) {
    const std::uint64_t count = in.varint_max(count_max, "too many invitations");
    std::vector<Invitation> invitations;
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
        Invitation one{network, ledger, {}, {}, {}, {}};
        in.fixed(one.invited);
        in.fixed(one.inviter);
        one.expires = decode_expiry(in);
        in.fixed(one.signature);
        if (i > 0 && !comes_before(invitations.back(), one)) in.fail("invitations out of order");
        invitations.push_back(one);
    }
    return in.ok() ? invitations : std::vector<Invitation>();
}

std::vector<Invitation> by_members(const View& ends, const PublicKey& key,
                                   const std::vector<Invitation>& invitations) {
    std::map<PublicKey, Invitation> by_inviter;
    for (const Invitation& one : invitations) {
        if (one.invited != key || one.ledger != ends.ledger || !ends.index_of(one.inviter)) continue;
        const auto [known, is_new] = by_inviter.try_emplace(one.inviter, one);
        if (!is_new && known->second.expires < one.expires) known->second = one;
    }
    std::vector<Invitation> counted;
    for (const auto& [inviter, one] : by_inviter)
        counted.push_back(one);
    return counted;
}

Admission::Admission(AdmissionPolicy policy, const std::vector<PublicKey>& founders)
    : policy_(policy), known_(founders.begin(), founders.end()) {}

void Admission::were_members(const std::vector<PublicKey>& members) {
    if (policy_.joining != Joining::invited) return;
    for (const PublicKey& member : members)
        if (known_.size() < known_max) known_.insert(member);
}

std::size_t Admission::invitations_needed(const View& ends) const {
    return std::min<std::size_t>(policy_.invitations_needed, ends.members.size());
}

std::optional<std::vector<Invitation>> Admission::grounds(const View& ends, const PublicKey& key,
                                                          const std::vector<Invitation>& invitations) const {
    if (policy_.joining == Joining::anyone || is_known(key)) return std::vector<Invitation>();
    if (policy_.joining == Joining::named) return std::nullopt;
    std::vector<Invitation> counted = by_members(ends, key, invitations);
    const std::size_t needed = invitations_needed(ends);
    if (counted.size() < needed) return std::nullopt;
    counted.resize(needed);
    return counted;
}

}  // namespace peerbook::exchange

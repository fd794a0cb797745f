// What members say to each other to end a view, and what they keep about it on disk: RULES.md, rules 9 to 16.
// PROTOCOL.md, "View changes", has the bytes. Encodings are canonical; everything in them is bounded.
//
// Each message is signed by its sender and names network, ledger and the view that it is about, so that it
// means nothing anywhere else. The certificate of a view is the signatures of ACCEPTED messages of a quorum
// of the view before: they are all of one ballot and one value, so the messages can be made again from the
// record.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/keys.h"
#include "base/result.h"
#include "exchange/ordering/admission.h"
#include "exchange/ordering/view.h"

namespace peerbook::exchange {

inline constexpr std::uint16_t view_message_version = 3;
// A promise with an accepted record, or a decision with a certificate, of the largest views.
inline constexpr std::size_t view_message_bytes_max = 64 * 1024;

inline constexpr std::uint64_t ballot_number_max = std::uint64_t{1} << 62;

// Compared number first. A proposer never uses one twice: it promises it to itself, durably, before it asks
// others.
struct Ballot {
    std::uint64_t number = 0;
    MemberIndex proposer;  // in the view that ends
    friend auto operator<=>(const Ballot&, const Ballot&) = default;
};

struct AcceptedValue {
    Ballot ballot;
    View next;
    // Why `next` may have the members that it lets in. No part of the value: whoever proposes it again sends
    // them along.
    std::vector<Invitation> invitations = {};
};

// What a member must never forget about the end of one view.
struct BallotState {
    Digest view;  // the one that ends
    Ballot promised;
    std::optional<AcceptedValue> accepted;
};
Bytes encode_ballot_state(const BallotState& state);
// Network and ledger are those of the node.
Result<BallotState> decode_ballot_state(ByteView bytes, const Digest& network, const Digest& ledger);

enum class ViewMessageKind : std::uint8_t {
    prepare = 1,   // proposer → members: stop the view and tell what you hold
    promise = 2,   // what the sender holds, and the value that it accepted last
    refuse = 3,    // the sender promised a higher ballot
    propose = 4,   // proposer → members: the next view's record
    accepted = 5,  // the sender holds the cut and has stored the value
    join = 6,      // an observer asks to be a member of the next view
    leave = 7,     // a member asks to be left out of the next view
};

struct ViewMessage {
    ViewMessageKind kind = ViewMessageKind::prepare;
    PublicKey sender;
    Digest view;
    Ballot ballot;                          // zero for join and leave
    Ballot promised;                        // refuse
    std::uint64_t settled_round = 0;        // promise: L* of the sender, who holds what tells so
    ChainTips tips;                         // promise, join: what the sender holds, one a member
    std::optional<AcceptedValue> accepted;  // promise
    std::optional<View> next;               // propose
    std::vector<Invitation> invitations;    // join: the sender's; propose: of those whom it lets in; in order
    Digest value;                           // accepted: digest of the record
    Signature signature;                    // set by sign_view_message() and verify_view_message()
};

// Signs the message and returns it as sent. Precondition: the sender is the signer.
Bytes sign_view_message(ViewMessage& message, const Digest& network, const Digest& ledger,
                        const Signer& signer);
// Form, network, ledger, view, signature, those of the invitations in it, and that the sender may say this: a
// member, for prepare and propose the proposer of the ballot, for join no member. Pure, so thread-safe.
// Errors: unavailable (it is about another view than `view`), invalid_input, too_large, unauthorized
// (signature), conflict (other network or ledger).
Result<ViewMessage> verify_view_message(ByteView bytes, const View& view, const Digest& network,
                                        const Verifier& verifier);

struct Vote {
    MemberIndex member;
    Signature signature;  // of that member's ACCEPTED message
};

// A view that was decided: its record and a quorum of the view before that accepted it in one ballot.
struct Decision {
    View next;
    Ballot ballot;
    std::vector<Vote> votes;  // by member
};
Bytes encode_decision(const Decision& decision);
// That `view` was ended by this decision. Errors: unavailable (it ends another view), else as
// verify_view_message().
Result<Decision> verify_decision(ByteView bytes, const View& view, const Digest& network,
                                 const Verifier& verifier);

}  // namespace peerbook::exchange

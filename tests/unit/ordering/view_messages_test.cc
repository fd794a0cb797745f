#include "exchange/ordering/view_messages.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/codec.h"
#include "tests/support/cheap_keys.h"

namespace peerbook::exchange {
namespace {

using testing::CheapSigner;

const Digest network = hash_of("test network", {});
const testing::CheapVerifier verifier;

class ViewMessages : public ::testing::Test {
  protected:
    ViewMessages() {
        std::vector<PublicKey> keys;
        for (std::size_t i = 0; i < 3; ++i)
            keys.push_back(signers.emplace_back(i).public_key());
        view = make_first_view(network, keys).value();
        guest = signers.emplace_back(9).public_key();
        next.ledger = view.ledger;
        next.number = 2;
        next.previous = digest_of(view);
        next.members = {keys[0], keys[2], guest};
        next.cut = {{keys[0], 4, hash_of("x", {})}, {keys[1], 0, {}}, {keys[2], 1, hash_of("y", {})}};
        next.base_round = 9;
        next.log_length = 5;
        next.prefix_hash = hash_of("log", {});
    }

    ViewMessage message(ViewMessageKind kind) const {
        ViewMessage made;
        made.kind = kind;
        made.sender = kind == ViewMessageKind::join ? guest : view.members[1];
        made.view = digest_of(view);
        if (kind != ViewMessageKind::join && kind != ViewMessageKind::leave)
            made.ballot = {7, MemberIndex(1)};
        if (kind == ViewMessageKind::promise || kind == ViewMessageKind::join)
            made.tips = {{4, hash_of("x", {})}, {0, {}}, {1, hash_of("y", {})}};
        if (kind == ViewMessageKind::promise) made.accepted = AcceptedValue{{3, MemberIndex(2)}, next};
        if (kind == ViewMessageKind::refuse) made.promised = {8, MemberIndex(0)};
        if (kind == ViewMessageKind::propose) made.next = next;
        if (kind == ViewMessageKind::propose || kind == ViewMessageKind::join)
            made.invitations = invitations();
        if (made.accepted) made.accepted->invitations = invitations();
        if (kind == ViewMessageKind::accepted) made.value = digest_of(next);
        return made;
    }
    // Of the guest, by the members, in order.
    std::vector<Invitation> invitations() const {
        std::vector<Invitation> made;
        for (std::size_t i = 0; i < 3; ++i)
            made.push_back(make_invitation(network, view.ledger, guest, {5'000}, signers[i]));
        std::sort(made.begin(), made.end(), comes_before);
        return made;
    }
    const CheapSigner& signer_of(const PublicKey& key) const {
        for (const CheapSigner& signer : signers)
            if (signer.public_key() == key) return signer;
        return signers.back();
    }
    Bytes encode(ViewMessage made) const {
        return sign_view_message(made, network, view.ledger, signer_of(made.sender));
    }
    ErrorCode code(const ViewMessage& made) const {
        return verify_view_message(encode(made), view, network, verifier).error().code;
    }
    Decision decision(std::vector<std::uint32_t> voters) const {
        Decision made{next, {7, MemberIndex(1)}, {}};
        for (std::uint32_t voter : voters) {
            ViewMessage vote = message(ViewMessageKind::accepted);
            vote.sender = view.members[voter];
            sign_view_message(vote, network, view.ledger, signer_of(vote.sender));
            made.votes.push_back({MemberIndex(voter), vote.signature});
        }
        return made;
    }
    ErrorCode code(const Decision& made) const {
        return verify_decision(encode_decision(made), view, network, verifier).error().code;
    }

    std::vector<CheapSigner> signers;
    View view, next;
    PublicKey guest;
    const std::vector<ViewMessageKind> all_kinds = {ViewMessageKind::prepare,  ViewMessageKind::promise,
                                                    ViewMessageKind::refuse,   ViewMessageKind::propose,
                                                    ViewMessageKind::accepted, ViewMessageKind::join,
                                                    ViewMessageKind::leave};
};

TEST_F(ViewMessages, EachKindComesBackAsItWasSent) {
    for (ViewMessageKind kind : all_kinds) {
        const ViewMessage sent = message(kind);
        const auto got = verify_view_message(encode(sent), view, network, verifier);
        ASSERT_TRUE(got.ok()) << got.error().message;
        EXPECT_EQ(got->kind, kind);
        EXPECT_EQ(got->sender, sent.sender);
        EXPECT_EQ(got->ballot, sent.ballot);
        EXPECT_EQ(got->promised, sent.promised);
        EXPECT_EQ(got->tips, sent.tips);
        EXPECT_EQ(got->value, sent.value);
        EXPECT_EQ(got->invitations, sent.invitations);
        EXPECT_EQ(got->accepted.has_value(), sent.accepted.has_value());
        if (got->accepted) {
            EXPECT_EQ(got->accepted->ballot, sent.accepted->ballot);
            EXPECT_EQ(got->accepted->invitations, sent.accepted->invitations);
            EXPECT_EQ(digest_of(got->accepted->next), digest_of(next));
        }
        EXPECT_EQ(got->next.has_value(), sent.next.has_value());
        if (got->next) {
            EXPECT_EQ(digest_of(*got->next), digest_of(next));
        }
        EXPECT_EQ(encode(*got), encode(sent));
    }
}

TEST_F(ViewMessages, NoDamagedOrShortenedMessageIsTaken) {
    for (ViewMessageKind kind : all_kinds) {
        const Bytes sent = encode(message(kind));
        for (std::size_t i = 0; i < sent.size(); ++i) {
            Bytes damaged = sent;
            damaged[i] ^= 1;
            EXPECT_FALSE(verify_view_message(damaged, view, network, verifier).ok())
                << static_cast<int>(kind) << " byte " << i;
            const Bytes shortened(sent.begin(), sent.begin() + static_cast<std::ptrdiff_t>(i));
            EXPECT_FALSE(verify_view_message(shortened, view, network, verifier).ok());
        }
        Bytes longer = sent;
        longer.push_back(0);
        EXPECT_FALSE(verify_view_message(longer, view, network, verifier).ok());
    }
    EXPECT_EQ(verify_view_message(Bytes(view_message_bytes_max + 1), view, network, verifier).error().code,
              ErrorCode::too_large);
}

TEST_F(ViewMessages, MeansNothingInAnotherNetworkLedgerOrView) {
    const Bytes sent = encode(message(ViewMessageKind::prepare));
    EXPECT_EQ(verify_view_message(sent, view, hash_of("other", {}), verifier).error().code,
              ErrorCode::conflict);
    View other = view;
    other.ledger.data[0] ^= 1;
    EXPECT_EQ(verify_view_message(sent, other, network, verifier).error().code, ErrorCode::unavailable);
    EXPECT_EQ(verify_view_message(sent, next, network, verifier).error().code, ErrorCode::unavailable);
}

TEST_F(ViewMessages, OnlyWhoMaySayItIsListenedTo) {
    ViewMessage prepare = message(ViewMessageKind::prepare);
    prepare.sender = view.members[0];  // not the ballot's proposer
    EXPECT_EQ(code(prepare), ErrorCode::invalid_input);
    ViewMessage propose = message(ViewMessageKind::propose);
    propose.sender = view.members[0];
    EXPECT_EQ(code(propose), ErrorCode::invalid_input);
    ViewMessage promise = message(ViewMessageKind::promise);
    promise.sender = guest;
    EXPECT_EQ(code(promise), ErrorCode::invalid_input);
    ViewMessage join = message(ViewMessageKind::join);
    join.sender = view.members[0];
    EXPECT_EQ(code(join), ErrorCode::invalid_input);
    ViewMessage leave = message(ViewMessageKind::leave);
    leave.sender = guest;
    EXPECT_EQ(code(leave), ErrorCode::invalid_input);
}

TEST_F(ViewMessages, BallotsAreBounded) {
    ViewMessage prepare = message(ViewMessageKind::prepare);
    prepare.ballot.number = ballot_number_max;
    EXPECT_TRUE(verify_view_message(encode(prepare), view, network, verifier).ok());
    prepare.ballot.number = ballot_number_max + 1;
    EXPECT_EQ(code(prepare), ErrorCode::invalid_input);
    prepare.ballot.number = 0;
    EXPECT_EQ(code(prepare), ErrorCode::invalid_input);
    ViewMessage promise = message(ViewMessageKind::promise);
    promise.accepted->ballot.proposer = MemberIndex(3);
    EXPECT_EQ(code(promise), ErrorCode::invalid_input);
    ViewMessage refuse = message(ViewMessageKind::refuse);
    refuse.promised.proposer = MemberIndex(3);
    EXPECT_EQ(code(refuse), ErrorCode::invalid_input);
    ViewMessage join = message(ViewMessageKind::join);
    join.ballot.number = 1;
    EXPECT_EQ(code(join), ErrorCode::invalid_input);
}

TEST_F(ViewMessages, TipsAreOneAMember) {
    ViewMessage promise = message(ViewMessageKind::promise);
    promise.tips.pop_back();
    EXPECT_EQ(code(promise), ErrorCode::invalid_input);
    promise.tips.resize(4);
    EXPECT_EQ(code(promise), ErrorCode::invalid_input);
}

TEST_F(ViewMessages, InvitationsAreGenuineInOrderAndBounded) {
    for (ViewMessageKind kind : {ViewMessageKind::join, ViewMessageKind::propose, ViewMessageKind::promise}) {
        const auto code_with = [&](auto change) {
            ViewMessage made = message(kind);
            change(made.accepted ? made.accepted->invitations : made.invitations);
            const auto verified = verify_view_message(encode(made), view, network, verifier);
            return verified.ok() ? "ok" : verified.error().message;
        };
        EXPECT_EQ(code_with([](auto&) {}), "ok");
        EXPECT_EQ(code_with([](auto& list) { list.clear(); }), "ok");
        const std::string wrong = "view message: the signature of an invitation is wrong";
        EXPECT_EQ(code_with([](auto& list) { list[1].expires.ms += 1; }), wrong);
        EXPECT_EQ(code_with([](auto& list) { list[1].signature.data[0] ^= 1; }), wrong);
        // Made for another network or ledger: the message's count, so the signature does not fit.
        EXPECT_EQ(code_with([&](auto& list) {
                      list = {make_invitation(hash_of("other", {}), view.ledger, guest, {5'000}, signers[0])};
                  }),
                  wrong);
        EXPECT_EQ(code_with([&](auto& list) {
                      list = {make_invitation(network, hash_of("other", {}), guest, {5'000}, signers[0])};
                  }),
                  wrong);
        EXPECT_NE(code_with([](auto& list) { std::swap(list[0], list[1]); }), "ok");
        EXPECT_NE(code_with([](auto& list) { list[1] = list[0]; }), "ok");
        EXPECT_NE(code_with([](auto& list) { list[0].expires.ms = 0; }), "ok");
        EXPECT_NE(code_with([&](auto& list) {
                      list.clear();
                      for (std::size_t i = 0; i <= invitations_per_view_max; ++i)
                          list.push_back(
                              make_invitation(network, view.ledger, guest, {5'000}, CheapSigner(100 + i)));
                      std::sort(list.begin(), list.end(), comes_before);
                  }),
                  "ok");
    }
    ViewMessage join = message(ViewMessageKind::join);
    join.invitations = {make_invitation(network, view.ledger, view.members[2], {5'000}, signers[0])};
    EXPECT_EQ(code(join), ErrorCode::invalid_input);  // somebody else's
    join.invitations.clear();
    for (std::size_t i = 0; i <= invitations_needed_max; ++i)
        join.invitations.push_back(
            make_invitation(network, view.ledger, guest, {5'000}, CheapSigner(100 + i)));
    std::sort(join.invitations.begin(), join.invitations.end(), comes_before);
    EXPECT_EQ(code(join), ErrorCode::invalid_input);
    join.invitations = {make_invitation(network, view.ledger, guest, {5'000}, CheapSigner(100))};
    EXPECT_EQ(code(join), ErrorCode::invalid_input);  // by no member
    join.invitations = {make_invitation(network, view.ledger, guest, {5'000}, signers[0])};
    EXPECT_TRUE(verify_view_message(encode(join), view, network, verifier).ok());
}

TEST_F(ViewMessages, TheLargestOnesFit) {
    std::vector<PublicKey> keys;
    for (std::size_t i = 0; i < view_members_max; ++i)
        keys.push_back(CheapSigner(i).public_key());
    view = make_first_view(network, keys).value();
    next.ledger = view.ledger;
    next.previous = digest_of(view);
    next.number = 2;
    next.members = keys;
    next.cut.clear();
    for (const PublicKey& key : keys)
        next.cut.push_back({key, UINT64_MAX, hash_of("x", {})});
    next.base_round = next.log_length = UINT64_MAX;
    EXPECT_LE(encode_view(next).size(), view_bytes_max);
    ViewMessage promise = message(ViewMessageKind::promise);
    promise.tips.assign(view_members_max, {UINT64_MAX, hash_of("x", {})});
    promise.accepted->invitations.assign(invitations_per_view_max, invitations()[0]);
    EXPECT_LE(encode(promise).size(), view_message_bytes_max);
    Decision all{next, {ballot_number_max, MemberIndex(127)}, {}};
    for (std::uint32_t i = 0; i < view_members_max; ++i)
        all.votes.push_back({MemberIndex(i), {}});
    EXPECT_LE(encode_decision(all).size(), view_message_bytes_max);
}

TEST_F(ViewMessages, BallotStateComesBackAndDamageIsNoticed) {
    BallotState state{digest_of(view), {7, MemberIndex(2)}, AcceptedValue{{3, MemberIndex(1)}, next}};
    const Bytes bytes = encode_ballot_state(state);
    const auto got = decode_ballot_state(bytes, network, view.ledger);
    ASSERT_TRUE(got.ok());
    EXPECT_EQ(got->view, state.view);
    EXPECT_EQ(got->promised, state.promised);
    EXPECT_EQ(got->accepted->ballot, state.accepted->ballot);
    EXPECT_EQ(digest_of(got->accepted->next), digest_of(next));
    EXPECT_FALSE(decode_ballot_state(ByteView(bytes).first(bytes.size() - 1), network, view.ledger).ok());
    state.accepted.reset();
    EXPECT_FALSE(decode_ballot_state(encode_ballot_state(state), network, view.ledger)->accepted.has_value());
}

TEST_F(ViewMessages, ADecisionNeedsAQuorumOfTheViewThatEnds) {
    EXPECT_TRUE(verify_decision(encode_decision(decision({0, 2})), view, network, verifier).ok());
    EXPECT_EQ(code(decision({2})), ErrorCode::unauthorized);
    EXPECT_EQ(code(decision({})), ErrorCode::unauthorized);
    EXPECT_EQ(code(decision({2, 0})), ErrorCode::invalid_input);  // not in order
    EXPECT_EQ(code(decision({0, 0})), ErrorCode::invalid_input);  // one vote twice
    Decision forged = decision({0, 2});
    forged.votes[1].signature.data[0] ^= 1;
    EXPECT_EQ(code(forged), ErrorCode::unauthorized);
    Decision moved = decision({0, 2});
    moved.ballot.number = 8;  // the votes are of another ballot
    EXPECT_EQ(code(moved), ErrorCode::unauthorized);
    Decision outside = decision({0, 2});
    outside.votes[1].member = MemberIndex(5);
    EXPECT_EQ(code(outside), ErrorCode::invalid_input);
    EXPECT_EQ(verify_decision(Bytes(view_message_bytes_max + 1), view, network, verifier).error().code,
              ErrorCode::too_large);
    EXPECT_EQ(verify_decision(encode_decision(decision({0, 2})), next, network, verifier).error().code,
              ErrorCode::unavailable);
}

TEST_F(ViewMessages, ASuccessorKeepsLedgerNumberSeniorityAndPast) {
    EXPECT_TRUE(check_successor(view, next).ok());
    auto refused = [&](auto change) {
        View changed = next;
        change(changed);
        EXPECT_FALSE(check_successor(view, changed).ok());
    };
    refused([](View& v) { v.ledger.data[0] ^= 1; });
    refused([](View& v) { v.number = 3; });
    refused([](View& v) { v.previous.data[0] ^= 1; });
    refused([](View& v) { v.members.clear(); });
    refused([](View& v) { v.members.push_back(v.members[0]); });
    refused([](View& v) { std::swap(v.members[0], v.members[1]); });
    refused([](View& v) { std::swap(v.members[1], v.members[2]); });  // the guest in front of a member
    refused([](View& v) { v.cut.pop_back(); });
    refused([](View& v) { std::swap(v.cut[0], v.cut[1]); });
    refused([](View& v) { v.cut[0].digest = {}; });
    refused([](View& v) { v.cut[1].digest.data[0] = 1; });
    View low = view;
    low.base_round = 10;
    View of_low = next;
    of_low.previous = digest_of(low);
    EXPECT_FALSE(check_successor(low, of_low).ok());
}

}  // namespace
}  // namespace peerbook::exchange

// Who comes in by a ballot, and why: rules 11 and 16.
#include "tests/unit/ordering/end_of_view.h"

namespace peerbook::exchange {
namespace {

class EndOfViewByInvitation : public EndOfViewOf {
  protected:
    EndOfViewByInvitation() : EndOfViewOf(3) {
        policy = {Joining::invited, 2};
        for (std::size_t i = 0; i < 3; ++i)
            boot(i);
        outlook.joiners = {stranger.public_key()};
    }
    Invitation by(std::size_t member) const {
        return make_invitation(DrawnDag::network(), view().ledger, stranger.public_key(), {5'000},
                               dag.signer(member));
    }
    bool lets_in(char name) {
        return node(name).installs && node(name).installs->next.index_of(stranger.public_key()).has_value();
    }
    testing::CheapSigner stranger{99};
};

TEST_F(EndOfViewByInvitation, AProposalTakesItsInvitationsToThoseWhoDidNotHearTheRequest) {
    outlook.invitations = {by(2), by(1), by(0)};
    step('A');
    store('A');
    outlook.joiners.clear();
    outlook.invitations.clear();
    deliver_to("BC");
    store('B');
    store('C');
    deliver_to("A");
    outlook.joiners = {stranger.public_key()};
    outlook.invitations = {by(2), by(1), by(0)};
    step('A');
    ASSERT_FALSE(letters.empty());
    const auto propose = verify_view_message(letters[0].bytes.view(), view(), DrawnDag::network(), verifier);
    ASSERT_TRUE(propose.ok());
    EXPECT_EQ(propose->invitations.size(), 2u);  // no more than needed
    outlook.joiners.clear();
    run("ABC");
    EXPECT_TRUE(lets_in('A'));
}

TEST_F(EndOfViewByInvitation, TooFewInvitationsLetNobodyIn) {
    outlook.invitations = {by(0), by(0)};
    run("ABC");
    ASSERT_TRUE(node('A').installs);
    EXPECT_FALSE(lets_in('A'));
}

TEST_F(EndOfViewByInvitation, AnAcceptorCountsForItself) {
    View next;
    next.ledger = view().ledger;
    next.number = 2;
    next.previous = digest_of(view());
    next.members = view().members;
    next.members.push_back(stranger.public_key());
    for (const PublicKey& member : view().members)
        next.cut.push_back({member, 0, {}});
    const auto propose = [&](std::uint64_t number, std::vector<Invitation> invitations) {
        ViewMessage message;
        message.kind = ViewMessageKind::propose;
        message.sender = dag.key(0);
        message.view = next.previous;
        message.ballot = {number, MemberIndex(0)};
        message.next = next;
        message.invitations = std::move(invitations);
        std::sort(message.invitations.begin(), message.invitations.end(), comes_before);
        deliver_signed(0, 1, message);
        step('B');
        return !node('B').unstored.empty();
    };
    const Invitation by_itself =
        make_invitation(DrawnDag::network(), view().ledger, stranger.public_key(), {5'000}, stranger);
    Invitation of_guest = by(1);
    of_guest =
        make_invitation(DrawnDag::network(), view().ledger, guest.public_key(), {5'000}, dag.signer(1));
    EXPECT_FALSE(propose(1, {}));
    EXPECT_FALSE(propose(2, {by(0)}));
    EXPECT_FALSE(propose(3, {by(0), by_itself}));
    EXPECT_FALSE(propose(4, {by(0), of_guest}));
    EXPECT_TRUE(propose(5, {by(0), by(2)}));
}

TEST_F(EndOfViewByInvitation, AnAcceptedValueKeepsItsInvitationsThroughACrashAndIntoTheNextBallot) {
    outlook.invitations = {by(0), by(1)};
    step('A');
    store('A');
    deliver_to("B");
    store('B');
    deliver_to("A");
    step('A');  // PROPOSE to B and C; A's own value is not stored yet
    deliver_to("B");
    step('B');
    store('B');  // accepted
    letters.clear();
    crash('B');
    outlook.joiners.clear();
    outlook.invitations.clear();
    suspect("A");
    for (int i = 0; i < 4 && !lets_in('B'); ++i) {
        later(Duration::seconds(10));
        run("BC");
    }
    EXPECT_TRUE(lets_in('B'));
    EXPECT_TRUE(node('C').alarms.empty());
}

TEST_F(EndOfViewByInvitation, NoMoreComeInAtOnceThanStay) {
    policy.joining = Joining::anyone;
    for (std::size_t i = 0; i < 3; ++i)
        boot(i);
    outlook.joiners.clear();
    for (std::uint64_t i = 0; i < 60; ++i)
        outlook.joiners.push_back(testing::CheapSigner(1'000 + i).public_key());
    step('A');
    store('A');
    deliver_to("B");
    store('B');
    deliver_to("A");
    step('A');
    auto message = *verify_view_message(letters[0].bytes.view(), view(), DrawnDag::network(), verifier);
    letters.clear();
    ASSERT_TRUE(message.next);
    EXPECT_EQ(message.next->members.size(), 6u);
    message.next->members.push_back(outlook.joiners[5]);
    deliver_signed(0, 1, std::move(message));
    step('B');
    EXPECT_TRUE(node('B').unstored.empty());
    EXPECT_EQ(node('B').alarms.size(), 1u);
}

}  // namespace
}  // namespace peerbook::exchange

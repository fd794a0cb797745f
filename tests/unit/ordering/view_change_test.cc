// One ballot after the other until a view ends: rules 9 to 14.
#include "tests/unit/ordering/end_of_view.h"

namespace peerbook::exchange {
namespace {

TEST_F(EndOfViewOfThree, WithoutAReasonNothingHappens) {
    run("ABC");
    EXPECT_FALSE(node('A').change->wedged());
    EXPECT_TRUE(letters.empty());
}

TEST_F(EndOfViewOfThree, ASilentMemberIsLeftOutAndTheCutIsTheUnion) {
    give('A', "A1 B1 A2");
    give('B', "A1 B1 A2 B2");
    suspect("C");
    run("AB");
    // A lacks B2, which B promised: it asks B for it and counts the promise only then.
    EXPECT_EQ(node('A').fetched_from, (std::set<std::size_t>{1}));
    EXPECT_FALSE(node('A').installs);
    give('A', "B2");
    run("AB");
    ASSERT_TRUE(node('A').installs);
    const View& next = node('A').installs->next;
    EXPECT_EQ(members_of(next), "AB");
    EXPECT_EQ(cut_of(next), "2 2 0 ");
    EXPECT_EQ(next.number, 2u);
    EXPECT_EQ(next.log_length, 4u);
    EXPECT_EQ(next.base_round, dag.ref("B2").round);
}

TEST_F(EndOfViewOfThree, TheDecisionIsProvenByTheVotesOfAQuorum) {
    give('A', "A1");
    give('B', "A1");
    suspect("C");
    run("AB");
    ASSERT_TRUE(node('A').installs);
    const Bytes bytes = encode_decision(*node('A').installs);
    ASSERT_TRUE(verify_decision(bytes, view(), DrawnDag::network(), verifier).ok());
    Decision short_of_votes = *node('A').installs;
    short_of_votes.votes.pop_back();
    EXPECT_EQ(
        verify_decision(encode_decision(short_of_votes), view(), DrawnDag::network(), verifier).error().code,
        ErrorCode::unauthorized);
    Decision other = *node('A').installs;
    other.next.members.pop_back();
    EXPECT_EQ(verify_decision(encode_decision(other), view(), DrawnDag::network(), verifier).error().code,
              ErrorCode::unauthorized);
    // A member that never promised installs it like all others.
    ViewChangeOutput out;
    give('C', "A1");
    node('C').change->on_decision(*verify_decision(bytes, view(), DrawnDag::network(), verifier), dag.key(0));
    node('C').change->step(now, outlook, out);
    ASSERT_TRUE(out.install);
    EXPECT_TRUE(node('C').ledger->install(out.install->next).ok());
}

TEST_F(EndOfViewOfThree, AMemberWithoutTheBlocksOfTheCutFetchesThemBeforeItInstalls) {
    give('A', "A1 B1");
    give('B', "A1 B1");
    suspect("C");
    run("AB");
    ASSERT_TRUE(node('A').installs);
    ViewChangeOutput out;
    node('C').change->on_decision(*node('A').installs, dag.key(1));
    node('C').change->step(now, outlook, out);
    EXPECT_FALSE(out.install);
    EXPECT_EQ(out.fetch_from, (std::set<PublicKey>{dag.key(1)}));
    give('C', "A1 B1");
    node('C').change->step(now, outlook, out);
    EXPECT_TRUE(out.install);
}

TEST_F(EndOfViewOfThree, NobodyProposesWithoutHearingAQuorum) {
    suspect("BC");
    for (int i = 0; i < 100; ++i) {
        step('A');
        later(Duration::seconds(1));
    }
    EXPECT_FALSE(node('A').change->wedged());
    EXPECT_TRUE(node('A').unstored.empty());
}

TEST_F(EndOfViewOfThree, TheMostSeniorProposesFirstAndTheNextOneAfterItsTurn) {
    suspect("C");
    step('B');
    EXPECT_TRUE(node('B').unstored.empty());
    step('A');
    EXPECT_EQ(node('A').unstored.size(), 1u);
    later(ViewChangeTimes{}.turn);
    step('B');
    EXPECT_EQ(node('B').unstored.size(), 1u);
}

TEST_F(EndOfViewOfThree, TheNextOneDoesNotWaitForASuspectedElder) {
    suspect("A");
    step('B');
    EXPECT_EQ(node('B').unstored.size(), 1u);
}

TEST_F(EndOfViewOfThree, APromiseIsStoredBeforeItLeavesAndWedgesAtOnce) {
    suspect("C");
    step('A');
    EXPECT_TRUE(node('A').change->wedged());
    EXPECT_TRUE(letters.empty());  // not even PREPARE: the proposer promises to itself first
    store('A');
    EXPECT_EQ(kinds(), (std::vector<ViewMessageKind>(2, ViewMessageKind::prepare)));
    deliver_to("B");
    EXPECT_TRUE(node('B').change->wedged());
    EXPECT_TRUE(letters.empty());
    store('B');
    EXPECT_EQ(kinds(), (std::vector<ViewMessageKind>{ViewMessageKind::promise}));
}

TEST_F(EndOfViewOfThree, AValueIsStoredBeforeItIsAcknowledged) {
    suspect("C");
    step('A');
    store('A');
    deliver_to("B");
    store('B');
    deliver_to("A");
    step('A');
    EXPECT_EQ(kinds(), (std::vector<ViewMessageKind>(2, ViewMessageKind::propose)));
    deliver_to("B");
    step('B');
    EXPECT_TRUE(letters.empty());
    store('B');
    EXPECT_EQ(kinds(), (std::vector<ViewMessageKind>{ViewMessageKind::accepted}));
    // A has not stored its own vote: B's alone is no quorum.
    deliver_to("A");
    step('A');
    EXPECT_FALSE(node('A').installs);
    store('A');
    step('A');
    EXPECT_TRUE(node('A').installs);
}

TEST_F(EndOfViewOfThree, APromiseThatItsProposalOvertookIsNotAnswered) {
    suspect("C");
    step('A');
    store('A');
    deliver_to("BC");
    store('C');
    deliver_to("A");  // with C's promise A proposes
    step('A');
    deliver_to("B");
    step('B');
    ASSERT_EQ(node('B').unstored.size(), 2u);
    ViewChangeOutput out;
    node('B').change->on_stored(node('B').unstored.front().id, out);
    EXPECT_TRUE(out.sends.empty());  // it would name the value, which is not stored yet
    letters.clear();
    store('B');
    EXPECT_EQ(kinds(), (std::vector<ViewMessageKind>{ViewMessageKind::accepted}));
}

TEST_F(EndOfViewOfThree, ARestartedMemberIsStillWedgedAndKeepsItsPromise) {
    suspect("C");
    step('A');
    store('A');
    deliver_to("B");
    store('B');
    crash('B');
    EXPECT_TRUE(node('B').change->wedged());
    const Ballot promised = ballot_state(node('B').stored)->promised;
    EXPECT_EQ(promised, (Ballot{1, MemberIndex(0)}));
    // A crash before the disk wrote is one that never promised.
    step('C');
    crash('C');
    EXPECT_FALSE(node('C').change->wedged());
}

TEST_F(EndOfViewOfThree, ARestartedProposerNeverUsesABallotTwice) {
    suspect("C");
    step('A');
    store('A');
    crash('A');
    letters.clear();
    later(Duration::seconds(10));
    step('A');
    store('A');
    ASSERT_FALSE(letters.empty());
    const auto message = verify_view_message(letters[0].bytes.view(), view(), DrawnDag::network(), verifier);
    EXPECT_EQ(message->ballot, (Ballot{2, MemberIndex(0)}));
}

TEST_F(EndOfViewOfThree, AHigherPromiseRefusesALowerBallot) {
    suspect("C");
    step('A');
    step('B');
    later(ViewChangeTimes{}.turn * 2);
    step('B');  // both propose: (1, A) < (1, B)
    store('B');
    letters.clear();
    store('A');
    deliver_to("B");
    EXPECT_EQ(kinds(), (std::vector<ViewMessageKind>{ViewMessageKind::refuse}));
    deliver_to("A");
    EXPECT_FALSE(node('A').change->proposing());
    later(Duration::seconds(20));
    run("AB");
    EXPECT_TRUE(node('A').installs || node('B').installs);
}

// A and B accepted A's value and A went down before anyone knew that this decided it.
TEST_F(EndOfViewOfThree, AValueThatMayBeDecidedIsProposedAgainByTheNextOne) {
    give('A', "A1 B1");
    give('B', "A1 B1");
    give('C', "A1 B1 C1");
    suspect("C");
    step('A');
    store('A');
    deliver_to("B");
    store('B');
    deliver_to("A");
    step('A');
    deliver_to("B");
    step('B');
    store('B');  // B accepted; so did A, on its disk
    store('A');
    letters.clear();
    outlook.suspected = {true, false, false};
    outlook.heard = {false, true, true};
    later(Duration::seconds(20));
    run("BC");
    ASSERT_TRUE(node('B').installs || node('C').installs);
    const Decision& decision = node('B').installs ? *node('B').installs : *node('C').installs;
    EXPECT_EQ(members_of(decision.next),
              "AB");  // as A had proposed it, though now A is suspected and C is not
    EXPECT_EQ(cut_of(decision.next), "1 1 0 ");
    EXPECT_GT(decision.ballot.number, 1u);
}

TEST_F(EndOfViewOfThree, AcceptsOnlyWhenItHoldsEveryBlockOfTheCut) {
    give('A', "A1");
    give('C', "A1");
    outlook.suspected[1] = true;
    outlook.heard[1] = false;
    step('A');
    store('A');
    deliver_to("C");
    store('C');
    deliver_to("A");
    give('A', "B1 A2");  // came after C promised
    step('A');
    deliver_to("C");
    step('C');
    EXPECT_TRUE(node('C').unstored.empty());
    EXPECT_EQ(node('C').fetched_from, (std::set<std::size_t>{0}));
    give('C', "B1 A2");
    step('C');
    EXPECT_EQ(node('C').unstored.size(), 1u);
}

TEST_F(EndOfViewOfThree, LostMessagesAreSentAgain) {
    suspect("C");
    step('A');
    store('A');
    letters.clear();
    later(ViewChangeTimes{}.resend);
    step('A');
    EXPECT_EQ(kinds(), (std::vector<ViewMessageKind>(2, ViewMessageKind::prepare)));
    deliver_to("B");
    store('B');
    letters.clear();  // the promise is lost
    later(ViewChangeTimes{}.resend);
    step('A');
    deliver_to("B");
    EXPECT_EQ(kinds(), (std::vector<ViewMessageKind>{ViewMessageKind::promise}));
    deliver_to("A");
    step('A');
    letters.clear();  // the proposal is lost
    later(ViewChangeTimes{}.resend);
    step('A');
    store('A');
    run("AB");
    EXPECT_TRUE(node('A').installs);
}

TEST_F(EndOfViewOfThree, WhileItsDiskIsSlowAProposerSleeps) {
    suspect("C");
    step('A');
    later(ViewChangeTimes{}.resend * 2);
    ViewChangeOutput out;
    node('A').change->step(now, outlook, out);
    ASSERT_TRUE(out.wake_at);
    EXPECT_GT(*out.wake_at, now);
}

TEST_F(EndOfViewOfThree, AJoinerComesLastAndOneThatMayNotJoinIsNotLetIn) {
    testing::CheapSigner stranger(99);
    outlook.joiners = {stranger.public_key(), guest.public_key()};
    run("ABC");
    ASSERT_TRUE(node('A').installs);
    EXPECT_EQ(members_of(node('A').installs->next), "ABCg");
}

TEST_F(EndOfViewOfThree, AProposalOfAMemberThatMayNotJoinIsRefusedLoudly) {
    View next;
    next.ledger = view().ledger;
    next.number = 2;
    next.previous = digest_of(view());
    next.members = {dag.key(0), testing::CheapSigner(99).public_key()};
    for (const PublicKey& member : view().members)
        next.cut.push_back({member, 0, {}});
    ViewMessage message;
    message.kind = ViewMessageKind::propose;
    message.sender = dag.key(0);
    message.view = next.previous;
    message.ballot = {1, MemberIndex(0)};
    message.next = next;
    deliver_signed(0, 1, std::move(message));
    step('B');
    EXPECT_TRUE(node('B').unstored.empty());
    ASSERT_EQ(node('B').alarms.size(), 1u);
    EXPECT_NE(node('B').alarms[0].find("may not join"), std::string::npos);
}

TEST_F(EndOfViewOfThree, ABallotFarAboveAllOthersIsNotFollowed) {
    suspect("C");
    step('A');
    store('A');
    auto message = *verify_view_message(letters[0].bytes.view(), view(), DrawnDag::network(), verifier);
    letters.clear();
    message.ballot.number = ballot_number_max;
    deliver_signed(0, 1, std::move(message));
    step('B');
    EXPECT_TRUE(node('B').unstored.empty());
    EXPECT_EQ(node('B').alarms.size(), 1u);
}

TEST_F(EndOfViewOfThree, APromiseWithAViewThatCannotFollowIsNotCounted) {
    suspect("C");
    step('A');
    store('A');
    deliver_to("B");
    store('B');
    auto message = *verify_view_message(letters[0].bytes.view(), view(), DrawnDag::network(), verifier);
    letters.clear();
    ASSERT_EQ(message.kind, ViewMessageKind::promise);
    View other = view();
    other.number = 7;
    message.accepted = AcceptedValue{message.ballot, other, {}};
    deliver_signed(1, 0, std::move(message));
    step('A');
    EXPECT_EQ(node('A').alarms.size(), 1u);
    for (const auto& letter : letters)
        EXPECT_NE(letter.kind, ViewMessageKind::propose);
}

TEST_F(EndOfViewOfThree, AProposalWithAnotherLogIsRefusedLoudly) {
    give('A', "A1");
    give('B', "A1");
    suspect("C");
    step('A');
    store('A');
    deliver_to("B");
    store('B');
    deliver_to("A");
    step('A');
    auto message = *verify_view_message(letters[0].bytes.view(), view(), DrawnDag::network(), verifier);
    letters.clear();
    message.next->prefix_hash = hash_of("wrong", {});
    deliver_signed(0, 1, std::move(message));
    step('B');
    EXPECT_TRUE(node('B').unstored.empty());
    EXPECT_EQ(node('B').alarms.size(), 1u);
}

TEST_F(EndOfViewOfThree, AMemberThatLeavesLetsTheOthersDoIt) {
    outlook.leaving[0] = true;
    step('A');
    EXPECT_TRUE(node('A').unstored.empty());
    run("ABC");
    ASSERT_TRUE(node('B').installs);
    EXPECT_EQ(members_of(node('B').installs->next), "BC");
}

TEST_F(EndOfViewOfThree, AProposerWithoutVotesGivesUpAndTriesAgainLater) {
    suspect("C");
    step('A');
    store('A');
    EXPECT_TRUE(node('A').change->proposing());
    letters.clear();
    later(ViewChangeTimes{}.attempt);
    step('A');
    ViewChangeOutput out;
    later(ViewChangeTimes{}.turn * 64);
    step('A');
    EXPECT_TRUE(node('A').change->proposing());
    EXPECT_EQ(ballot_state(node('A').unstored.back().bytes)->promised.number, 2u);
}

class EndOfViewOfTwo : public EndOfViewOf {
  protected:
    EndOfViewOfTwo() : EndOfViewOf(2) { dag.draw("A1*:\nB1*: A1\nA2*: A1\n"); }
};

TEST_F(EndOfViewOfTwo, TheElderGoesOnAloneAndTheYoungerDoesNot) {
    give('A', "A1 A2");
    give('B', "A1 B1");
    outlook.suspected = {false, true};
    outlook.heard = {true, false};
    run("A");
    ASSERT_TRUE(node('A').installs);
    EXPECT_EQ(members_of(node('A').installs->next), "A");
    outlook.suspected = {true, false};
    outlook.heard = {false, true};
    later(Duration::seconds(100));
    run("B");
    EXPECT_FALSE(node('B').installs);
    EXPECT_FALSE(node('B').change->wedged());
    // Back again, B learns of it: what only it had is void.
    give('B', "A2");
    const auto update = node('B').ledger->install(node('A').installs->next);
    ASSERT_TRUE(update.ok()) << update.error().message;
    ASSERT_EQ(update->voided.size(), 1u);
    EXPECT_EQ(update->voided[0].block, dag.digest("B1"));
    EXPECT_FALSE(node('B').ledger->is_member());
    EXPECT_EQ(update->settled.size(), 2u);
}

// A's disk takes 5 s a write: more than the first ballot has, less than the second.
TEST_F(EndOfViewOfThree, EachBallotHasTwiceTheTimeOfTheOneBefore) {
    suspect("C");
    step('A');
    later(Duration::seconds(3));
    step('A');  // given up; the next one begins after a pause
    later(Duration::seconds(1));
    step('A');
    ASSERT_EQ(node('A').unstored.size(), 2u);
    later(Duration::seconds(5));
    step('A');
    store('A');
    ASSERT_EQ(kinds(), (std::vector{ViewMessageKind::prepare, ViewMessageKind::prepare}));
    run("AB");
    ASSERT_TRUE(node('A').installs);
    EXPECT_EQ(node('A').installs->ballot, (Ballot{2, MemberIndex(0)}));
}

TEST_F(EndOfViewOfThree, TheTimeOfABallotIsBounded) {
    suspect("C");
    std::vector<Duration> took;
    MonoTime begun;
    // Nobody answers, and the disk writes nothing: only time ends a ballot.
    for (std::size_t records = 0; took.size() < 8;) {
        step('A');
        if (node('A').unstored.size() > records) {
            records = node('A').unstored.size();
            begun = now;
        } else if (!node('A').change->proposing() && begun != MonoTime{}) {
            took.push_back(now - begun);
            begun = MonoTime{};
        }
        later(Duration::milliseconds(100));
    }
    for (std::size_t i = 0; i < took.size(); ++i)
        EXPECT_EQ(took[i].ms(), 3'000 << std::min<std::size_t>(i, 4)) << "ballot " << i + 1;
}

TEST_F(EndOfViewOfThree, ALaterBallotIsWaitedForAsLongAsItsProposerIsHeard) {
    for (const bool is_heard : {true, false}) {
        SCOPED_TRACE(is_heard);
        boot(1);
        outlook.heard[0] = true;
        outlook.suspected[2] = true;
        ViewMessage prepare;
        prepare.kind = ViewMessageKind::prepare;
        prepare.sender = dag.key(0);
        prepare.view = digest_of(view());
        prepare.ballot = {2, MemberIndex(0)};
        deliver_signed(0, 1, prepare);
        store('B');
        letters.clear();
        outlook.heard[0] = is_heard;
        later(Duration::milliseconds(5'900));
        step('B');
        EXPECT_EQ(node('B').change->proposing(), !is_heard);
        later(Duration::seconds(1));  // and the turns of those before it
        step('B');
        EXPECT_TRUE(node('B').change->proposing());
        node('B').stored.clear();
    }
}

}  // namespace
}  // namespace peerbook::exchange

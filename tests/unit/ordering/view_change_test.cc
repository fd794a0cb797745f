#include "exchange/ordering/view_change.h"

#include <gtest/gtest.h>

#include <memory>
#include <sstream>

#include "tests/support/toy_market.h"
#include "tests/unit/ordering/drawn_dag.h"

namespace peerbook::exchange {
namespace {

const testing::CheapVerifier verifier;

// Members A, B, C … of one view, each with its own ledger, its part in ending the view, and a disk. Blocks
// are drawn; messages wait until the test delivers them.
class EndOfViewOf : public ::testing::Test {
  protected:
    explicit EndOfViewOf(std::size_t members) : dag(members) {
        for (std::size_t i = 0; i < members; ++i)
            admissible.push_back(dag.key(i));
        admissible.push_back(guest.public_key());
        outlook.suspected.assign(members, false);
        outlook.heard.assign(members, true);
        outlook.leaving.assign(members, false);
        outlook.convicted.assign(members, false);
        for (std::size_t i = 0; i < members; ++i) {
            nodes.push_back(std::make_unique<Node>());
            boot(i);
        }
    }

    struct Letter {
        std::size_t from = 0, to = 0;
        SharedBytes bytes;
        ViewMessageKind kind = ViewMessageKind::prepare;
    };
    struct Node {
        std::unique_ptr<OpenLedger> ledger;
        std::unique_ptr<ViewChange> change;
        std::vector<std::string> blocks;  // journal
        std::vector<ViewChangeOutput::Record> unstored;
        Bytes stored;  // the last durable record
        std::set<std::size_t> fetched_from;
        std::vector<std::string> alarms;
        std::optional<Decision> installs;
    };

    Result<BallotState> ballot_state(ByteView bytes) const {
        return decode_ballot_state(bytes, DrawnDag::network(), view().ledger);
    }
    static std::size_t at(char name) { return static_cast<std::size_t>(name - 'A'); }
    Node& node(char name) { return *nodes[at(name)]; }
    const View& view() const { return dag.view(); }
    std::size_t index(const PublicKey& key) const { return view().index_of(key)->value(); }

    void boot(std::size_t i) {
        Node& node = *nodes[i];
        node.change.reset();
        node.ledger = std::make_unique<OpenLedger>(testing::toy_rules(DrawnDag::network()), view(),
                                                   dag.key(i), LedgerLimits{});
        const std::vector<std::string> blocks = std::exchange(node.blocks, {});
        node.change = std::make_unique<ViewChange>(*node.ledger, dag.signer(i), Admission(policy, admissible),
                                                   ViewChangeTimes{}, Random(i));
        node.unstored.clear();
        node.installs.reset();
        for (const std::string& name : blocks)
            give(static_cast<char>('A' + i), name);
        if (!node.stored.empty()) node.change->restore(ballot_state(node.stored).value());
    }
    // kill -9, and up again.
    void crash(char name) { boot(at(name)); }

    // The node gets these blocks.
    void give(char name, const std::string& blocks) {
        std::istringstream words(blocks);
        for (std::string block; words >> block;) {
            EXPECT_EQ(node(name).ledger->accept(dag.block(block), WallTime{1'000'000}).kind,
                      AcceptKind::accepted)
                << block << " at " << name;
            node(name).blocks.push_back(block);
        }
        node(name).ledger->take_accepted();
        node(name).ledger->execute();
    }

    void take(std::size_t i, ViewChangeOutput out) {
        Node& node = *nodes[i];
        for (auto& record : out.records)
            node.unstored.push_back(std::move(record));
        for (auto& send : out.sends) {
            const auto message =
                verify_view_message(send.message.view(), view(), DrawnDag::network(), verifier);
            ASSERT_TRUE(message.ok()) << message.error().message;
            letters.push_back({i, index(send.to), send.message, message->kind});
        }
        for (const MemberIndex author : out.take_branches)
            node.ledger->take_branches(author);
        for (const PublicKey& peer : out.fetch_from)
            node.fetched_from.insert(index(peer));
        for (std::string& alarm : out.alarms)
            node.alarms.push_back(std::move(alarm));
        if (out.install) node.installs = std::move(out.install);
    }
    void step(char name) {
        ViewChangeOutput out;
        Outlook own = outlook;
        own.suspected[at(name)] = false;
        node(name).change->step(now, own, out);
        take(at(name), std::move(out));
    }
    void store(char name) {
        if (node(name).unstored.empty()) return;
        const std::uint64_t id = node(name).unstored.back().id;
        node(name).stored = std::move(node(name).unstored.back().bytes);
        node(name).unstored.clear();
        ViewChangeOutput out;
        node(name).change->on_stored(id, out);
        take(at(name), std::move(out));
    }
    void deliver(const Letter& letter) {
        const auto message = verify_view_message(letter.bytes.view(), view(), DrawnDag::network(), verifier);
        ViewChangeOutput out;
        nodes[letter.to]->change->on_message(*message, now, out);
        take(letter.to, std::move(out));
    }
    // What a member would say that signs anything.
    void deliver_signed(std::size_t from, std::size_t to, ViewMessage message) {
        const Bytes bytes = sign_view_message(message, DrawnDag::network(), view().ledger, dag.signer(from));
        deliver({from, to, SharedBytes(bytes), message.kind});
    }
    // Delivers what is on its way, to these nodes only; the rest is lost.
    void deliver_to(const std::string& names) {
        for (const Letter& letter : std::exchange(letters, {}))
            if (names.find(static_cast<char>('A' + letter.to)) != std::string::npos) deliver(letter);
    }
    // These nodes go on among themselves, with good disks, until nothing is left to say. Nothing is fetched.
    void run(const std::string& names) {
        for (int round = 0; round < 20; ++round) {
            for (char name : names) {
                if (node(name).installs) continue;
                step(name);
                store(name);
            }
            deliver_to(names);
        }
    }
    void later(Duration time) { now = now + time; }
    void suspect(const std::string& names) {
        for (char name : names) {
            outlook.suspected[at(name)] = true;
            outlook.heard[at(name)] = false;
        }
    }
    std::string members_of(const View& next) const {
        std::string names;
        for (const PublicKey& member : next.members)
            names += member == guest.public_key() ? 'g' : static_cast<char>('A' + index(member));
        return names;
    }
    static std::string cut_of(const View& next) {
        std::string seqs;
        for (const CutEntry& entry : next.cut)
            seqs += std::to_string(entry.seq) + " ";
        return seqs;
    }
    std::vector<ViewMessageKind> kinds() const {
        std::vector<ViewMessageKind> all;
        for (const Letter& letter : letters)
            all.push_back(letter.kind);
        return all;
    }

    DrawnDag dag;
    testing::CheapSigner guest{77};
    std::vector<PublicKey> admissible;
    AdmissionPolicy policy;
    std::vector<std::unique_ptr<Node>> nodes;
    std::vector<Letter> letters;
    Outlook outlook;
    MonoTime now{1'000'000'000};
};

class EndOfViewOfThree : public EndOfViewOf {
  protected:
    EndOfViewOfThree() : EndOfViewOf(3) {
        dag.draw(R"(
            A1*:
            B1*: A1
            C1 : B1
            A2*: A1 B1
            B2*: B1 A2
            C2 : C1
        )");
    }
};

// A signed two blocks with seq 2; B built on the one, C on the other.
class ForkedViewOfThree : public EndOfViewOf {
  protected:
    ForkedViewOfThree() : EndOfViewOf(3) {
        dag.draw(R"(
            A1*:
            B1*: A1
            C1 : B1
            A2*: A1 B1 C1
            A2'*: A1
            B2 : B1 A2
            C2 : C1 A2'
            A3': A2' C2
            A3 : A2
        )");
        outlook.convicted[0] = outlook.suspected[0] = true;
    }
    std::string name_of_cut(std::size_t member) {
        return dag.name_of(node('B').installs->next.cut[member].digest);
    }
    // B's ballot, with what B and C lack given when they ask for it.
    void end(const std::string& b_lacks, const std::string& c_lacks) {
        run("BC");
        EXPECT_FALSE(node('B').installs);
        EXPECT_TRUE(node('B').ledger->takes_branches(MemberIndex(0)));
        EXPECT_EQ(node('B').fetched_from, (std::set<std::size_t>{2}));
        give('B', b_lacks);
        run("BC");
        node('C').ledger->take_branches(MemberIndex(0));
        give('C', c_lacks);
        run("BC");
        ASSERT_TRUE(node('B').installs);
        EXPECT_EQ(members_of(node('B').installs->next), "BC");
        EXPECT_TRUE(node('C').ledger->check_end(node('B').installs->next).ok());
    }
};

TEST_F(ForkedViewOfThree, OfTwoBlocksTheCutHasTheOneOfThePromiseThatSettledFurthest) {
    give('B', "A1 B1 C1 A2 A3");
    give('C', "A1 B1 C1 A2' C2 A3'");
    const auto settled = [&](char name) { return node(name).ledger->stats().settled_round; };
    ASSERT_GT(settled('C'), settled('B'));
    end("A2' C2 A3'", "A2 A3");
    EXPECT_EQ(name_of_cut(0), "A3'");
    EXPECT_EQ(name_of_cut(1), "B1");
    EXPECT_EQ(name_of_cut(2), "C2");
    EXPECT_EQ(node('B').installs->next.log_length, 6u);  // everything but A2 and A3
}

TEST_F(ForkedViewOfThree, AlsoWhereThatIsTheProposersOwn) {
    give('B', "A1 B1 C1 A2");
    give('C', "A1 B1 C1 A2'");
    ASSERT_LT(node('C').ledger->stats().settled_round, node('B').ledger->stats().settled_round);
    end("A2'", "A2");
    EXPECT_EQ(name_of_cut(0), "A2");
    EXPECT_EQ(node('B').installs->next.log_length, 4u);
}

TEST_F(ForkedViewOfThree, ADecisionThatContradictsWhatIsSettledHereIsSaidLoudly) {
    give('B', "A1 B1 C1 A2 B2");
    give('C', "A1 B1 C1 A2' C2 A3'");
    ASSERT_TRUE(node('C').ledger->is_settled(MemberIndex(0), 2));
    node('B').ledger->take_branches(MemberIndex(0));
    // A quorum of the others never saw what C settled.
    Decision decision;
    View& next = decision.next;
    next.ledger = view().ledger;
    next.number = 2;
    next.previous = digest_of(view());
    next.members = {dag.key(1), dag.key(2)};
    const ChainTips tips = node('B').ledger->tips();
    for (std::size_t i = 0; i < tips.size(); ++i)
        next.cut.push_back({dag.key(i), tips[i].seq, tips[i].digest});
    const auto log = node('B').ledger->log_end(tips);
    next.base_round = log.round;
    next.log_length = log.length;
    next.prefix_hash = log.hash;
    node('C').ledger->take_branches(MemberIndex(0));
    give('C', "A2 B2");
    ViewChangeOutput out;
    node('C').change->on_decision(decision, dag.key(1));
    node('C').change->step(now, outlook, out);
    EXPECT_FALSE(out.install);
    ASSERT_TRUE(out.conflict);
    EXPECT_NE(out.conflict->find("view 2 was decided and cannot be installed"), std::string::npos);
}

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

}  // namespace
}  // namespace peerbook::exchange

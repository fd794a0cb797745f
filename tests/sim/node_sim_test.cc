// A small fixed set of seeds of the simulator of whole nodes, and what its checkers notice when they are told
// wrong things. PEERBOOK_SIM_SEEDS=N runs N seeds instead; thousands are for scripts/sim_sweep.
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "base/hash.h"
#include "tests/sim/sweep.h"

namespace peerbook::sim {
namespace {

constexpr std::uint64_t twice_one_in = 10;

// From 1 on, without those that take as long as all others together, and a few more that reach what few do. A
// sanitizer makes a run ten times as long, so there it is only the first ones, and nothing is demanded of
// rare states.
std::vector<std::uint64_t> seeds_to_run(bool& demands_rare_states) {
    std::uint64_t count = 36;
    const std::set<std::uint64_t> slow = {6, 8, 13};
    demands_rare_states = true;
#ifdef PEERBOOK_SIM_FEW_SEEDS
    count = PEERBOOK_SIM_FEW_SEEDS;
    demands_rare_states = false;
#endif
    std::vector<std::uint64_t> seeds;
    if (const char* text = std::getenv("PEERBOOK_SIM_SEEDS"))
        count = std::strtoull(text, nullptr, 10);
    else if (demands_rare_states)
        seeds = {39, 40, 42,  43,  44,  48,  53,  61,  67,  69,  74,  79,  84,  85,  88,  90,  97,
                 98, 99, 105, 114, 137, 138, 149, 161, 167, 180, 200, 235, 266, 287, 295, 893, 2125};
    demands_rare_states = demands_rare_states && count >= 36;
    for (std::uint64_t seed = 1; seed <= count; ++seed)
        if (std::getenv("PEERBOOK_SIM_SEEDS") || !slow.contains(seed)) seeds.push_back(seed);
    return seeds;
}

TEST(NodeSimulation, NothingGoesWrongAndEveryRareStateIsReached) {
    bool demands_rare_states = false;
    RareStates rare;
    Figures figures;
    for (const std::uint64_t seed : seeds_to_run(demands_rare_states))
        ASSERT_EQ(run_seed(seed, seed % twice_one_in == 0, rare, figures), "")
            << "seed " << seed << "; replay: " << replay_line(seed);
    EXPECT_GT(figures.trades, 0u);
    EXPECT_GT(figures.told, 0u);
    if (!demands_rare_states) return;
    for (std::size_t i = 0; i < RareStates::size; ++i) {
        const auto state = static_cast<Rare>(i);
        if (!is_required(state)) continue;
        EXPECT_GT(rare.count(state), 0u) << name_of(state) << " was never reached";
    }
}

// --- checkers
// ---------------------------------------------------------------------------------------------------

Digest digest(std::uint8_t number) {
    Digest digest;
    digest.data.fill(number);
    return digest;
}

PublicKey key(std::uint8_t number) {
    PublicKey key;
    key.data.fill(number);
    return key;
}

exchange::BlockHeader header(std::uint8_t author, std::uint64_t seq, std::uint64_t round,
                             std::vector<exchange::ParentRef> parents = {}) {
    exchange::BlockHeader header;
    header.author = key(author);
    header.seq = seq;
    header.round = round;
    header.parents = std::move(parents);
    return header;
}

exchange::ParentRef parent(std::uint32_t author, std::uint64_t round, std::uint8_t block) {
    return {exchange::MemberIndex(author), round, digest(block)};
}

TEST(DurableCheckerTest, NoticesABlockThatLeavesBeforeItOrItsParentIsDurable) {
    DurableChecker checker;
    const auto block = header(1, 2, 2, {parent(0, 1, 1)});
    EXPECT_NE(checker.leaves(block, digest(2)), "");
    checker.is_durable(digest(2));
    EXPECT_NE(checker.leaves(block, digest(2)), "");
    checker.is_durable(digest(1));
    EXPECT_EQ(checker.leaves(block, digest(2)), "");
    EXPECT_EQ(checker.restarts_with({digest(1), digest(2)}), "");
    EXPECT_NE(checker.restarts_with({digest(1)}), "");
    checker.store_lost();
    EXPECT_FALSE(checker.holds(digest(1)));
    EXPECT_TRUE(checker.held(digest(1)));
}

TEST(PlaceCheckerTest, NoticesASecondBlockForAPlace) {
    PlaceChecker checker;
    EXPECT_EQ(checker.signed_block(header(1, 1, 1), digest(1)), "");
    EXPECT_EQ(checker.signed_block(header(1, 1, 1), digest(1)), "");
    EXPECT_EQ(checker.signed_block(header(2, 1, 1), digest(2)), "");
    EXPECT_NE(checker.signed_block(header(1, 1, 1), digest(3)), "");
}

TEST(NonceCheckerTest, NoticesANonceThatStandsForTwoCommands) {
    NonceChecker checker;
    exchange::AccountId account;
    account.data.fill(1);
    const exchange::Faucet one{exchange::AssetId(1), 5}, other{exchange::AssetId(1), 6};
    EXPECT_EQ(checker.leaves(account, {2, 0}, one), "");
    EXPECT_EQ(checker.leaves(account, {2, 0}, one), "");
    EXPECT_EQ(checker.leaves(account, {3, 0}, other), "");
    EXPECT_NE(checker.leaves(account, {2, 0}, other), "");
    account.data.fill(2);
    EXPECT_EQ(checker.leaves(account, {2, 0}, other), "");
}

TEST(SettledLogTest, NoticesAnotherBlockAtAPlace) {
    SettledLog log;
    EXPECT_EQ(log.settled(0, 1, digest(1)), "");
    EXPECT_EQ(log.settled(1, 1, digest(1)), "");
    EXPECT_NE(log.settled(1, 1, digest(2)), "");
    EXPECT_NE(log.settled(1, 3, digest(3)), "");
}

class ShadowTest : public ::testing::Test {
  protected:
    const exchange::View view_ = exchange::make_first_view(digest(9), {key(1), key(2), key(3)}).value();
    exchange::BlockHeader in_view(std::uint8_t author, std::uint64_t seq, std::uint64_t round,
                                  std::vector<exchange::ParentRef> parents = {}) const {
        exchange::BlockHeader one = header(author, seq, round, std::move(parents));
        one.view = exchange::digest_of(view_);
        return one;
    }
    Shadow shadow_{view_, 0};
    SettledLog own_, log_;
};

TEST_F(ShadowTest, NoticesWhatADagMustNotTake) {
    EXPECT_EQ(shadow_.accept(in_view(1, 1, 1), digest(1)), "");
    EXPECT_NE(shadow_.accept(in_view(2, 1, 3, {parent(2, 2, 7)}), digest(2)), "") << "its parent is unknown";
    EXPECT_NE(shadow_.accept(in_view(2, 1, 1, {parent(0, 1, 1)}), digest(2)), "") << "its round is too low";
    EXPECT_NE(shadow_.accept(in_view(2, 2, 2, {parent(0, 1, 1)}), digest(2)), "") << "its chain has a gap";
    EXPECT_EQ(shadow_.accept(in_view(1, 1, 1), digest(3)), "") << "a second block for a place is a branch,";
    EXPECT_EQ(shadow_.accept(in_view(2, 1, 2, {parent(0, 1, 1)}), digest(4)), "");
    EXPECT_EQ(shadow_.accept(in_view(3, 1, 3, {parent(0, 1, 1), parent(1, 2, 4)}), digest(5)), "");
    EXPECT_EQ(
        shadow_.accept(in_view(1, 2, 4, {parent(0, 1, 1), parent(1, 2, 4), parent(2, 3, 5)}), digest(6)), "");
    EXPECT_EQ(shadow_.round_that_settles(), 0u) << "and nothing settles any more";
}

TEST_F(ShadowTest, SettlesWhatAQuorumSaysItHoldsAndNoMore) {
    EXPECT_EQ(shadow_.accept(in_view(1, 1, 1), digest(1)), "");
    EXPECT_EQ(shadow_.accept(in_view(2, 1, 2, {parent(0, 1, 1)}), digest(2)), "");
    EXPECT_EQ(shadow_.accept(in_view(3, 1, 3, {parent(0, 1, 1), parent(1, 2, 2)}), digest(3)), "");
    EXPECT_EQ(shadow_.round_that_settles(), 0u) << "one of three holds a block of everyone";
    EXPECT_NE(shadow_.settle(1, 1, digest(5), own_, &log_), "");
    EXPECT_EQ(
        shadow_.accept(in_view(1, 2, 4, {parent(0, 1, 1), parent(1, 2, 2), parent(2, 3, 3)}), digest(4)), "");
    EXPECT_EQ(shadow_.round_that_settles(), 1u) << "two of three do, up to here";
    EXPECT_NE(shadow_.settle(2, 2, digest(5), own_, &log_), "")
        << "only one of them holds everything up to 2";
    EXPECT_NE(shadow_.settle(1, 2, digest(5), own_, &log_), "") << "one block settles, not two";
}

TEST_F(ShadowTest, NoticesALogThatIsNotInOrderOfK) {
    EXPECT_EQ(shadow_.accept(in_view(1, 1, 1), digest(1)), "");
    EXPECT_EQ(shadow_.accept(in_view(2, 1, 2, {parent(0, 1, 1)}), digest(2)), "");
    EXPECT_EQ(shadow_.accept(in_view(3, 1, 3, {parent(0, 1, 1), parent(1, 2, 2)}), digest(3)), "");
    EXPECT_EQ(
        shadow_.accept(in_view(1, 2, 4, {parent(0, 1, 1), parent(1, 2, 2), parent(2, 3, 3)}), digest(4)), "");
    EXPECT_EQ(shadow_.settle(1, 1, digest(5), own_, &log_), "the settled log is not in order of K");
    EXPECT_EQ(log_.blocks(), std::vector<Digest>{digest(1)});
}

TEST_F(ShadowTest, NoticesAViewThatDoesNotFollowFromItsCut) {
    EXPECT_EQ(shadow_.accept(in_view(1, 1, 1), digest(1)), "");
    EXPECT_EQ(shadow_.accept(in_view(2, 1, 2, {parent(0, 1, 1)}), digest(2)), "");
    exchange::View next = view_;
    next.number = 2;
    next.previous = exchange::digest_of(view_);
    next.cut = {{key(1), 0, {}}, {key(2), 1, digest(2)}, {key(3), 0, {}}};
    EXPECT_NE(Shadow(shadow_).install(next, own_, nullptr), "") << "the cut lacks a parent";
    next.cut[0] = {key(1), 1, digest(7)};
    EXPECT_NE(Shadow(shadow_).install(next, own_, nullptr), "") << "the cut names an unknown block";
    next.cut[0] = {key(1), 1, digest(1)};
    next.cut[1] = {key(2), 0, {}};
    next.base_round = 1;
    EXPECT_NE(Shadow(shadow_).install(next, own_, nullptr), "") << "the log is another one";
    next.log_length = 1;
    next.prefix_hash = Hasher("peerbook log").add(Digest{}.view()).add(digest(1).view()).finish();
    EXPECT_EQ(shadow_.install(next, own_, nullptr), "");
    EXPECT_EQ(shadow_.voided(), std::vector<Digest>{digest(2)});
    EXPECT_NE(shadow_.accept(in_view(3, 1, 2), digest(3)), "") << "a block of the closed view";
}

TEST_F(ShadowTest, NoticesAForkThatLeavesOutWhatHasSettled) {
    EXPECT_EQ(shadow_.accept(in_view(1, 1, 1), digest(1)), "");
    EXPECT_EQ(shadow_.accept(in_view(2, 1, 2, {parent(0, 1, 1)}), digest(2)), "");
    EXPECT_EQ(shadow_.accept(in_view(3, 1, 3, {parent(0, 1, 1), parent(1, 2, 2)}), digest(3)), "");
    EXPECT_EQ(
        shadow_.accept(in_view(1, 2, 4, {parent(0, 1, 1), parent(1, 2, 2), parent(2, 3, 3)}), digest(4)), "");
    exchange::View fork = view_;
    fork.number = 2;
    fork.previous = exchange::digest_of(view_);
    fork.cut = {{key(1), 0, {}}, {key(2), 0, {}}, {key(3), 0, {}}};
    EXPECT_NE(shadow_.check_fork(fork), "");
    fork.cut[0] = {key(1), 1, digest(1)};
    fork.log_length = 1;
    EXPECT_EQ(shadow_.check_fork(fork), "");
    shadow_.limit(0);
    EXPECT_EQ(shadow_.round_that_settles(), 0u) << "a fork in front of it is known";
}

class ViewCheckerTest : public ::testing::Test {
  protected:
    exchange::View next(std::uint64_t length) const {
        exchange::View next = view_;
        next.number = 2;
        next.previous = name_;
        next.cut.resize(3);
        next.log_length = length;
        return next;
    }
    std::string store(std::uint8_t member, std::uint64_t ballot, std::optional<std::uint64_t> accepted = {}) {
        exchange::BallotState state;
        state.view = name_;
        state.promised = {ballot, exchange::MemberIndex(0)};
        if (accepted) state.accepted = exchange::AcceptedValue{state.promised, next(*accepted)};
        return checker_.stored(key(member), state);
    }
    std::string leaves(exchange::ViewMessageKind kind, std::uint64_t ballot, std::uint64_t value = 0,
                       std::uint64_t process = 1) {
        exchange::ViewMessage message;
        message.kind = kind;
        message.sender = key(1);
        message.view = name_;
        message.ballot = {ballot, exchange::MemberIndex(0)};
        message.tips.resize(3);
        if (kind == exchange::ViewMessageKind::propose) message.next = next(value);
        message.value = exchange::digest_of(next(value));
        return checker_.leaves({message, disk_, process, 0, exchange::ChainTips(3), 0});
    }
    void promise(std::uint8_t member, std::uint64_t ballot, std::optional<std::uint64_t> accepted = {}) {
        exchange::ViewMessage message;
        message.kind = exchange::ViewMessageKind::promise;
        message.sender = key(member);
        message.view = name_;
        message.ballot = {ballot, exchange::MemberIndex(0)};
        message.tips.resize(3);
        if (accepted)
            message.accepted =
                exchange::AcceptedValue{{ballot - 1, exchange::MemberIndex(0)}, next(*accepted)};
        checker_.promised(message);
    }

    using Kind = exchange::ViewMessageKind;
    const exchange::View view_ = exchange::make_first_view(digest(9), {key(1), key(2), key(3)}).value();
    const Digest name_ = exchange::digest_of(view_);
    AdmissionBook admission_;
    RareStates rare_;
    DurableChecker disk_;
    ViewChecker checker_{view_, admission_, rare_};
};

TEST_F(ViewCheckerTest, NoticesTwoSuccessorsOfAView) {
    EXPECT_EQ(store(1, 1, 5), "");
    EXPECT_EQ(checker_.latest().number, 1u);
    EXPECT_EQ(store(2, 1, 5), "");
    EXPECT_EQ(checker_.latest().number, 2u);
    EXPECT_EQ(store(2, 2, 6), "");
    EXPECT_NE(store(3, 2, 6), "");
    EXPECT_NE(store(3, 1), "") << "a promise went back";
}

TEST_F(ViewCheckerTest, NoticesADecisionWhoseVotesWereNotStored) {
    EXPECT_EQ(store(1, 1, 5), "");
    exchange::Decision decision{next(5), {1, exchange::MemberIndex(0)}, {{exchange::MemberIndex(0), {}}}};
    EXPECT_NE(checker_.decided(decision), "") << "no quorum";
    decision.votes.push_back({exchange::MemberIndex(1), {}});
    EXPECT_NE(checker_.decided(decision), "") << "the second has not stored it";
    EXPECT_EQ(store(2, 1, 5), "");
    EXPECT_EQ(checker_.decided(decision), "");
}

TEST_F(ViewCheckerTest, NoticesWhatLeavesBeforeItIsStored) {
    EXPECT_NE(leaves(Kind::prepare, 1), "");
    EXPECT_NE(leaves(Kind::promise, 1), "");
    EXPECT_EQ(store(1, 1), "");
    EXPECT_EQ(leaves(Kind::prepare, 1), "");
    EXPECT_EQ(leaves(Kind::promise, 1), "");
    EXPECT_NE(leaves(Kind::prepare, 1, 0, 2), "") << "another process begins it again";
    EXPECT_NE(leaves(Kind::accepted, 1, 5), "");
    EXPECT_EQ(store(1, 1, 5), "");
    EXPECT_EQ(leaves(Kind::accepted, 1, 5), "");
    EXPECT_NE(leaves(Kind::accepted, 1, 6), "");
    EXPECT_NE(leaves(Kind::promise, 1), "") << "it does not name the value";
}

TEST_F(ViewCheckerTest, NoticesAProposalThatItsPromisesDoNotAllow) {
    EXPECT_EQ(store(1, 2), "");
    EXPECT_EQ(leaves(Kind::prepare, 2), "");
    EXPECT_NE(leaves(Kind::propose, 2, 5), "") << "nobody promised";
    EXPECT_EQ(store(1, 4), "");
    EXPECT_EQ(leaves(Kind::prepare, 4), "");
    promise(2, 4, 6);
    EXPECT_NE(leaves(Kind::propose, 4, 5), "") << "another value was accepted";
    EXPECT_EQ(store(1, 6), "");
    EXPECT_EQ(leaves(Kind::prepare, 6), "");
    promise(2, 6, 6);
    EXPECT_EQ(leaves(Kind::propose, 6, 6), "");
    EXPECT_NE(leaves(Kind::propose, 6, 5), "") << "two values in one ballot";
}

app::TradeView trade(std::uint8_t id, app::Grade grade, std::uint64_t ordinal = 0) {
    app::TradeView trade;
    trade.id.data.fill(id);
    trade.grade = grade;
    trade.ordinal = ordinal;
    return trade;
}

TEST(TapeCheckerTest, NoticesATradeThatDisappearsOrComesBackFromBeingSettled) {
    using enum app::Grade;
    SettledTrades all;
    TapeChecker checker;
    EXPECT_EQ(checker.listed({trade(1, provisional), trade(2, provisional)}, false), "");
    EXPECT_EQ(checker.listed({trade(1, provisional), trade(2, retracted)}, false), "");
    EXPECT_EQ(checker.settled({1, {trade(1, settled, 1)}}, all), "");
    EXPECT_EQ(checker.listed({trade(2, provisional)}, false), "");
    EXPECT_NE(checker.listed({trade(1, retracted), trade(2, provisional)}, false), "");
    EXPECT_NE(checker.listed({}, false), "");
    EXPECT_EQ(checker.listed({}, true), "");
    EXPECT_NE(checker.settled({3, {}}, all), "") << "commit 2 is missing";
}

TEST(TapeCheckerTest, NoticesOtherTradesOfACommitElsewhere) {
    SettledTrades all;
    TapeChecker one, other;
    EXPECT_EQ(one.settled({1, {trade(1, app::Grade::settled, 1)}}, all), "");
    EXPECT_NE(other.settled({1, {trade(2, app::Grade::settled, 1)}}, all), "");
}

TEST(StateCheckerTest, NoticesAnotherStateAfterTheSameBlocks) {
    StateChecker checker;
    EXPECT_EQ(checker.reached(digest(9), {1, 2}, digest(1)), "");
    EXPECT_EQ(checker.reached(digest(9), {2, 2}, digest(2)), "");
    EXPECT_EQ(checker.reached(digest(9), {1, 2}, digest(1)), "");
    EXPECT_NE(checker.reached(digest(9), {1, 2}, digest(2)), "");
    EXPECT_EQ(checker.compared(), 2u);
}

TEST(ClientsTest, NoticeAnAnswerThatComesTwice) {
    Plan plan;
    plan.roaming_clients = 0;
    Clients clients(plan, {key(1)}, digest(9), Random(1));
    const auto sending = clients.next(0, true, WallTime{1});
    ASSERT_TRUE(sending.has_value());
    clients.sent(*sending, 0, app::Ticket(1));
    app::SubmitAnswer answer;
    answer.results.resize(sending->what.intents.size());
    std::vector<Told> told;
    EXPECT_EQ(clients.answered(app::Ticket(1), answer, told), "");
    EXPECT_EQ(told.size(), answer.results.size());
    EXPECT_NE(clients.answered(app::Ticket(1), answer, told), "");
}

}  // namespace
}  // namespace peerbook::sim

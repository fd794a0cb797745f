// A member that signs two blocks for one place: rule 17.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"
#include "tests/unit/node/node_world.h"

namespace peerbook::app::testing {
namespace {

using exchange::Side;

NodeOptions options_with_views() {
    NodeOptions options;
    options.views.suspect_after = Duration::seconds(60);  // nobody is left out for silence here
    return options;
}

struct TwinsOf : ::testing::Test {
    StatusAnswer status(NodeWorld& world, std::size_t node) {
        return world.ask_for<StatusAnswer>(node, StatusQuery{});
    }
    std::vector<TradeView> trades(NodeWorld& world, std::size_t node) {
        return world.ask_for<TradesAnswer>(node, TradesQuery{}).trades;
    }
    std::size_t count(NodeWorld& world, std::size_t node, Grade grade) {
        const auto all = trades(world, node);
        return static_cast<std::size_t>(
            std::ranges::count_if(all, [&](const TradeView& trade) { return trade.grade == grade; }));
    }
    bool was_logged(const NodeWorld& world, const std::string& part) {
        return std::ranges::any_of(
            world.logs(), [&](const std::string& log) { return log.find(part) != std::string::npos; });
    }
    static void cut_sides(NodeWorld& world, std::size_t nodes, const std::vector<bool>& side) {
        for (std::size_t a = 0; a < nodes; ++a)
            for (std::size_t b = a + 1; b < nodes; ++b)
                if (side[a] != side[b]) world.cut(a, b);
    }
    static void heal_all(NodeWorld& world, std::size_t nodes) {
        for (std::size_t a = 0; a < nodes; ++a)
            for (std::size_t b = a + 1; b < nodes; ++b)
                world.heal(a, b);
    }
};

// Of four members the last one's store is put back after it made a block that node 2 alone saw, with a trade.
struct TwinsOfTheLastOfFour : TwinsOf {
    NodeWorld world{4, 4, options_with_views()};

    void fork() {
        world.submit(2, {NodeWorld::faucet("maker", 0, 100)});
        world.submit(3, {NodeWorld::faucet("taker", 1, 100'000)});
        world.run(Duration::seconds(5), Duration::milliseconds(400));
        world.keep_copy(3);
        cut_sides(world, 4, {false, false, true, true});
        world.submit(2, {NodeWorld::limit("maker", Side::sell, 100, 2)});
        world.run();
        world.submit(3, {NodeWorld::limit("taker", Side::buy, 100, 2)});
        world.run();
        EXPECT_EQ(count(world, 2, Grade::provisional), 1u);
        world.restore_copy_alone(3);
        world.heal(3, 0);
        world.heal(3, 1);
        world.run();
        world.submit(3, {NodeWorld::faucet("taker", 1, 5)});
        world.run();
        EXPECT_EQ(status(world, 0).alarm, "");
    }
    void meet() {
        for (std::size_t other : {0u, 1u})
            world.heal(2, other);
    }
};

// Whoever has a key can sign two headers of the view that settles.
TEST_F(TwinsOf, EvidenceAgainstWhoWasNeverAMemberStopsNobody) {
    NodeWorld world(3, 3, options_with_views());
    world.run();
    const exchange::View& view = world.node(0).ledger().view();
    exchange::Evidence evidence;
    KeySeed seed;
    seed.data.fill(200);
    const auto stranger = make_ed25519_signer(seed);
    for (exchange::SignedHeader* one : {&evidence.first, &evidence.second}) {
        exchange::Block block;
        block.header.network = world.node(0).ledger().engine().rules().network;
        block.header.ledger = view.ledger;
        block.header.view = world.node(0).ledger().view_digest();
        block.header.author = stranger->public_key();
        block.header.seq = 7;
        block.header.timestamp = {one == &evidence.first ? 1 : 2};
        exchange::sign_block(block, *stranger);
        *one = {block.header, block.signature};
    }
    if (exchange::digest_of(evidence.second.header) < exchange::digest_of(evidence.first.header))
        std::swap(evidence.first, evidence.second);
    world.deliver_evidence(0, 1, evidence);
    world.run();
    for (const bool after_restart : {false, true}) {
        if (after_restart) world.crash_and_restart(0);
        const Ticket ticket = world.submit(0, {NodeWorld::faucet("maker", 0, 100)}, Grade::settled);
        world.run();
        ASSERT_TRUE(world.answered(ticket)) << "after_restart=" << after_restart;
        EXPECT_TRUE(world.submit_answer(ticket).ok());
    }
    EXPECT_EQ(status(world, 0).alarm, "");
}

TEST_F(TwinsOfTheLastOfFour, ItIsLeftOutAndTheRestSettlesAgain) {
    fork();
    meet();
    world.run_for(Duration::seconds(4));
    for (std::size_t node = 0; node < 3; ++node) {
        const StatusAnswer now = status(world, node);
        EXPECT_EQ(now.view, 2u) << node;
        EXPECT_EQ(now.members, 3u) << node;
        EXPECT_TRUE(now.ready) << now.says;
        // Who, where, and which two.
        EXPECT_NE(now.alarm.find("member " + to_hex(world.key(3)) + " signed two blocks with seq"),
                  std::string::npos)
            << now.alarm;
    }
    const Ticket ticket = world.submit(2, {NodeWorld::faucet("later", 0, 1)}, Grade::settled);
    world.run_for(Duration::seconds(1));
    EXPECT_TRUE(world.submit_answer(ticket).ok());
    const DigestsAnswer first = world.digests(0);
    for (std::size_t node = 1; node < 3; ++node) {
        EXPECT_EQ(to_hex(world.digests(node).state), to_hex(first.state));
        EXPECT_EQ(to_hex(world.digests(node).settled_prefix), to_hex(first.settled_prefix));
    }
    // Nodes 0 and 1 saw the other block, and the senior's counts. Node 2 takes its trade back, and says why.
    EXPECT_TRUE(trades(world, 0).empty());
    const auto taken_back = trades(world, 2);
    ASSERT_EQ(taken_back.size(), 1u);
    EXPECT_EQ(taken_back[0].grade, Grade::retracted);
    EXPECT_EQ(taken_back[0].why, Retraction::two_blocks);
    EXPECT_TRUE(was_logged(world, "void: blocks of " + to_hex(world.key(3)).substr(0, 12)));
    // It learns what its key did, and never uses it again.
    EXPECT_EQ(world.retired_keys().size(), 1u);
}

TEST_F(TwinsOfTheLastOfFour, ItIsNeverLetInAgain) {
    fork();
    meet();
    world.run_for(Duration::seconds(4));
    ASSERT_EQ(status(world, 1).members, 3u);
    world.crash_and_restart(1);  // what is known of it is on disk
    world.crash_and_restart(3);  // as if nobody had retired the key
    world.run_for(Duration::seconds(30));
    for (std::size_t node = 0; node < 3; ++node)
        EXPECT_EQ(status(world, node).members, 3u);
    EXPECT_NE(status(world, 1).alarm.find("signed two blocks"), std::string::npos);
}

TEST_F(TwinsOfTheLastOfFour, AMemberThatCrashesInBetweenReadsBothBlocksBack) {
    fork();
    meet();
    for (int i = 0; i < 30; ++i) {
        world.run_for(Duration::milliseconds(7 * i));
        world.crash_and_restart(static_cast<std::size_t>(i % 3));
    }
    world.run_for(Duration::seconds(10));
    for (std::size_t node = 0; node < 3; ++node)
        EXPECT_EQ(status(world, node).members, 3u) << status(world, node).says;
    EXPECT_EQ(to_hex(world.digests(0).state), to_hex(world.digests(1).state));
    EXPECT_EQ(to_hex(world.digests(0).state), to_hex(world.digests(2).state));
}

TEST_F(TwinsOfTheLastOfFour, OneThatWasAwayTakesTheDecisionAndItsBlocks) {
    fork();
    world.cut(1, 0);
    world.cut(1, 3);
    world.heal(2, 0);  // half of the members with the eldest
    world.run_for(Duration::seconds(4));
    EXPECT_EQ(status(world, 0).members, 3u);
    EXPECT_EQ(status(world, 1).members, 4u);
    world.heal(1, 2);
    world.run_for(Duration::seconds(6));
    for (std::size_t node = 0; node < 3; ++node)
        EXPECT_EQ(status(world, node).members, 3u) << status(world, node).says;
    world.heal(1, 0);
    world.run_for(Duration::seconds(1));
    EXPECT_EQ(to_hex(world.digests(0).state), to_hex(world.digests(1).state));
}

// Random sides, traffic and crashes around a member that signs twice. What was attested stays.
TEST_F(TwinsOf, NoStormOfTwinsTakesBackWhatIsAttestedOrPartsTheOthers) {
    std::size_t forked = 0, attested_trades = 0;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        Random random(seed);
        const std::size_t members = 4 + static_cast<std::size_t>(random.below(4));
        const std::size_t cheat = static_cast<std::size_t>(random.below(members));
        NodeWorld world(members, members, options_with_views());
        auto some_orders = [&](std::size_t orders) {
            for (std::size_t i = 0; i < orders; ++i) {
                const auto at = static_cast<std::size_t>(random.below(members));
                const auto price = static_cast<std::int64_t>(95 + random.below(10));
                world.submit(
                    at, {NodeWorld::faucet("user", 0, 10), NodeWorld::faucet("user", 1, 2'000),
                         NodeWorld::limit("user", random.below(2) == 0 ? Side::buy : Side::sell, price, 1)});
                world.run_for(Duration::milliseconds(static_cast<std::int64_t>(random.below(40))));
            }
        };
        some_orders(6);
        world.run_for(Duration::milliseconds(static_cast<std::int64_t>(random.below(800))));
        world.keep_copy(cheat);
        std::vector<bool> side;
        for (std::size_t i = 0; i < members; ++i)
            side.push_back(random.below(2) == 0);
        side[cheat] = true;
        cut_sides(world, members, side);
        some_orders(8);
        world.restore_copy_alone(cheat);
        for (std::size_t i = 0; i < members; ++i)
            if (!side[i]) world.heal(cheat, i);
        some_orders(8);
        std::map<exchange::TradeId, std::size_t> attested;
        for (std::size_t i = 0; i < members; ++i)
            for (const TradeView& trade : trades(world, i))
                if (trade.grade == Grade::attested) attested.emplace(trade.id, i);
        heal_all(world, members);
        for (int crash = 0; crash < 2; ++crash) {
            world.run_for(Duration::milliseconds(static_cast<std::int64_t>(random.below(1'000))));
            if (random.below(2) == 0)
                world.crash_and_restart(static_cast<std::size_t>(random.below(members)));
        }
        world.run_for(Duration::seconds(15));
        std::optional<DigestsAnswer> first;
        for (std::size_t i = 0; i < members; ++i) {
            if (i == cheat) continue;
            const StatusAnswer now = status(world, i);
            ASSERT_EQ(now.says.find("stopped trading"), std::string::npos)
                << "seed " << seed << ": " << now.says;
            const DigestsAnswer digests = world.digests(i);
            if (!first) first = digests;
            EXPECT_EQ(to_hex(digests.settled_prefix), to_hex(first->settled_prefix)) << "seed " << seed;
            EXPECT_EQ(to_hex(digests.trades), to_hex(first->trades)) << "seed " << seed;
            EXPECT_TRUE(world.node(i).ledger().engine().check_invariants().ok()) << "seed " << seed;
            std::set<exchange::TradeId> settled;
            for (const TradeView& trade : trades(world, i))
                if (trade.grade == Grade::attested || trade.grade == Grade::settled) settled.insert(trade.id);
            for (const auto& [trade, node] : attested)
                EXPECT_TRUE(settled.contains(trade)) << "seed " << seed << ", node " << i;
        }
        attested_trades += attested.size();
        const bool is_forked = was_logged(world, "signed two blocks");
        forked += is_forked;
        if (is_forked) {
            for (std::size_t i = 0; i < members; ++i)
                if (i != cheat) {
                    EXPECT_EQ(status(world, i).members, members - 1) << "seed " << seed << ", node " << i;
                }
        }
        if (HasFailure()) return;
    }
    EXPECT_GT(forked, 15u);
    EXPECT_GT(attested_trades, 30u);
}

}  // namespace
}  // namespace peerbook::app::testing

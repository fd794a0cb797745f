// Ledgers founded, forked and adopted at random, between cuts and crashes: rules 19 to 22.
#include <cstdlib>
#include <map>

#include "base/random.h"
#include "tests/unit/node/ledgers_world.h"
#include "tests/unit/node/storm.h"

namespace peerbook::app::testing {
namespace {

constexpr std::size_t nodes = 4;

class LedgersStorm : public LedgersWorld {
  public:
    explicit LedgersStorm(std::uint64_t seed)
        : LedgersWorld(nodes, 0, NodeOptions::LedgerSource::peers), random_(seed) {}

    void blow(int steps) {
        for (int i = 0; i < steps; ++i) {
            const std::size_t node = pick();
            switch (random_.below(12)) {
                case 0:
                    world.cut(node, pick_other(node));
                    break;
                case 1:
                case 2:
                    world.heal(node, pick_other(node));
                    break;
                case 3:
                    cut_off(node, nodes);
                    break;
                case 4:
                    for (std::size_t other = 0; other < nodes; ++other)
                        if (other != node) world.heal(node, other);
                    break;
                case 5:
                    world.crash_and_restart(node);
                    break;
                case 6:
                    if (const auto others = status(node).other_ledgers; !others.empty())
                        world.request(node, AdoptLedger{others[below(others.size())].ledger});
                    break;
                case 7:
                    if (random_.below(2) == 0)
                        world.request(node, ForkLedger{});
                    else
                        world.request(node, ForkLedger{{world.key(node), world.key(pick_other(node))}});
                    break;
                case 8:
                    for (const auto& other : status(node).other_ledgers)
                        if (other.is_fork) world.request(node, ForkLedger{{}, other.ledger});
                    break;
                default:
                    pay(node, "payee", 1);
            }
            world.run_for(Duration::milliseconds(static_cast<std::int64_t>(random_.below(2'500))));
            start_those_that_gave_up();
            check();
        }
    }

    // Operators bring all into the ledger of node 0.
    void bring_together() {
        for (int round = 0; round < 60 && !is_one(); ++round) {
            heal_all({0, 1, 2, 3});
            world.run_for(Duration::seconds(4));
            for (std::size_t node = 1; node < nodes; ++node) {
                if (id(0).is_zero() || id(node) == id(0)) continue;
                if (const auto adopted = adopt(node, id(0)); !adopted.ok()) static_cast<void>(fork(node));
                start_those_that_gave_up();
            }
            // Where its own ledger's quorum went elsewhere.
            static_cast<void>(fork(0));
            start_those_that_gave_up();
            check();
        }
        ASSERT_TRUE(is_one()) << describe();
        std::vector<Ticket> tickets;
        for (std::size_t node = 0; node < nodes; ++node)
            tickets.push_back(pay(node, "payee", 1, Grade::settled));
        world.run_for(Duration::seconds(5));
        for (const Ticket ticket : tickets)
            EXPECT_TRUE(world.answered(ticket) && world.submit_answer(ticket).ok()) << describe();
        expect_same_log({0, 1, 2, 3});
        expect_no_blame();
    }

    std::size_t forks = 0, adoptions = 0;

  private:
    std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_.below(bound)); }
    std::size_t pick() { return below(nodes); }
    std::size_t pick_other(std::size_t node) { return (node + 1 + below(nodes - 1)) % nodes; }
    void start_those_that_gave_up() {
        const std::map<std::size_t, GivenUpLedger> gave_up = world.given_up();
        for (const auto& [node, ledger] : gave_up) {
            world.start_anew(node);
            ++adoptions;
            world.heal(node, pick_other(node));
        }
    }
    void check() {
        for (std::size_t node = 0; node < nodes; ++node) {
            const exchange::OpenLedger& ledger = world.node(node).ledger();
            if (ledger.view().number == 0) continue;
            const auto prefix = ledger.settled_prefix();
            const auto [known, is_new] =
                logs_.emplace(std::pair(ledger.view().ledger, prefix.length), prefix.hash);
            ASSERT_EQ(known->second, prefix.hash) << "node " << node << " settled another log";
            forks = std::max(forks, ledgers(node).forks.size());
        }
    }
    bool is_one() {
        for (std::size_t node = 0; node < nodes; ++node)
            if (id(node).is_zero() || id(node) != id(0) || members(node) != nodes ||
                status(node).role != "member")
                return false;
        return true;
    }
    std::string describe() {
        std::string text;
        for (std::size_t node = 0; node < nodes; ++node)
            text += "node " + std::to_string(node) + " ledger " + to_hex(id(node)).substr(0, 8) + " view " +
                    std::to_string(status(node).view) + " of " + std::to_string(members(node)) + ": " +
                    status(node).says + "\n";
        return text;
    }

    Random random_;
    std::map<std::pair<Digest, std::uint64_t>, Digest> logs_;
};

TEST(NodeLedgersStorms, WhateverHappenedOperatorsCanBringAllIntoOneLedger) {
    std::size_t forks = 0, adoptions = 0;
    for (std::uint64_t seed = 1; seed <= storms(6); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        LedgersStorm storm(seed);
        storm.blow(60);
        storm.bring_together();
        forks += storm.forks;
        adoptions += storm.adoptions;
        if (::testing::Test::HasFailure()) break;
    }
    EXPECT_GT(forks, 0u);
    EXPECT_GT(adoptions, 0u);
}

}  // namespace
}  // namespace peerbook::app::testing

// Nodes that meet other ledgers of their network, for the tests of rules 21 and 22.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/node/node_world.h"

namespace peerbook::app::testing {

inline NodeOptions ledgers_options(NodeOptions::LedgerSource source,
                                   exchange::Joining joining = exchange::Joining::anyone) {
    NodeOptions options;
    options.ledger_source = source;
    options.views.suspect_after = Duration::seconds(1);
    options.views.admission.joining = joining;
    return options;
}

class LedgersWorld {
  public:
    // As NodeWorld; operator_found: each node has its own ledger, alone.
    LedgersWorld(std::size_t nodes, std::size_t members, NodeOptions::LedgerSource source,
                 exchange::Joining joining = exchange::Joining::anyone)
        : world(nodes, members, ledgers_options(source, joining)) {}

    Ticket pay(std::size_t node, const std::string& account, std::int64_t amount,
               Grade grade = Grade::provisional) {
        return world.submit(node, {NodeWorld::faucet(account, 1, amount)}, grade);
    }
    // One trade between two accounts of the node.
    void trade(std::size_t node) {
        world.submit(node, {NodeWorld::faucet("seller", 0, 10)});
        world.submit(node, {NodeWorld::faucet("buyer", 1, 1'000)});
        world.submit(node, {NodeWorld::limit("seller", exchange::Side::sell, 100, 1)});
        world.submit(node, {NodeWorld::limit("buyer", exchange::Side::buy, 100, 1)});
    }
    std::string balance(std::size_t asked, const PublicKey& host, const std::string& name) {
        const auto& engine = world.node(asked).ledger().engine();
        const auto account = engine.find_account(exchange::hosted_account_id(host, name));
        if (!account) return "none";
        return std::to_string(static_cast<std::int64_t>(engine.balances(*account).at(1).total));
    }
    StatusAnswer status(std::size_t node) { return world.ask_for<StatusAnswer>(node, StatusQuery{}); }
    LedgersAnswer ledgers(std::size_t node) { return world.ask_for<LedgersAnswer>(node, LedgersQuery{}); }
    Digest id(std::size_t node) { return status(node).ledger; }
    std::size_t members(std::size_t node) { return world.node(node).ledger().view().members.size(); }
    void heal_all(const std::vector<std::size_t>& nodes) {
        for (std::size_t a : nodes)
            for (std::size_t b : nodes)
                if (a < b) world.heal(a, b);
    }
    void cut_off(std::size_t node, std::size_t nodes) {
        for (std::size_t other = 0; other < nodes; ++other)
            if (other != node) world.cut(node, other);
    }
    Result<Answer> adopt(std::size_t node, const Digest& ledger, Duration wait = Duration::seconds(6)) {
        const Ticket ticket = world.request(node, AdoptLedger{ledger});
        world.run_for(wait);
        return world.taken(ticket);
    }
    Result<Answer> fork(std::size_t node, ForkLedger request = {}) {
        const Ticket ticket = world.request(node, std::move(request));
        world.run_for(Duration::milliseconds(100));
        return world.taken(ticket);
    }
    Result<Answer> accept(std::size_t node, const Digest& ledger) { return fork(node, {{}, ledger}); }
    void expect_same_log(const std::vector<std::size_t>& nodes) {
        const DigestsAnswer first = world.digests(nodes[0]);
        for (std::size_t node : nodes) {
            const DigestsAnswer other = world.digests(node);
            EXPECT_EQ(to_hex(first.state), to_hex(other.state)) << node;
            EXPECT_EQ(to_hex(first.settled_prefix), to_hex(other.settled_prefix)) << node;
            EXPECT_EQ(to_hex(id(nodes[0])), to_hex(id(node))) << node;
            EXPECT_EQ(status(node).unsettled_commands, 0u) << node;
            EXPECT_TRUE(world.node(node).ledger().engine().check_invariants().ok());
        }
    }
    void expect_no_blame() {
        EXPECT_TRUE(world.violations().empty()) << world.violations()[0].why;
        EXPECT_TRUE(world.retired_keys().empty()) << world.retired_keys()[0];
    }

    NodeWorld world;
};

inline void expect_error(const Result<Answer>& answer, ErrorCode code, const std::string& words) {
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(to_string(answer.error().code), std::string(to_string(code))) << answer.error().message;
    EXPECT_NE(answer.error().message.find(words), std::string::npos) << answer.error().message;
}

}  // namespace peerbook::app::testing

// Whole nodes under cuts, crashes and full disks, drawn from a seed.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "tests/unit/node/node_world.h"

namespace peerbook::app::testing {

// How many storms a test draws: PEERBOOK_STORMS, to look for what the few of every run do not show.
inline std::uint64_t storms(std::uint64_t usual) {
    const char* wanted = std::getenv("PEERBOOK_STORMS");
    return wanted ? std::strtoull(wanted, nullptr, 10) : usual;
}

// Cuts, crashes and full disks at random, then peace: all settled logs were prefixes of one, nobody's key was
// retired, and what was acknowledged ran once.
class Storm {
  public:
    // As NodeWorld; with 0 members all are connected at the beginning, too. `with_leaving`: half of those
    // that crash were told to stop before.
    Storm(std::uint64_t seed, std::size_t nodes, std::size_t members, const NodeOptions& options,
          bool with_leaving = false)
        : nodes_(nodes),
          with_leaving_(with_leaving),
          random_(seed),
          world_(nodes, members, options),
          promised_(nodes),
          asked_(nodes) {}

    void blow(int steps) {
        for (std::size_t a = 0; a < nodes_; ++a)
            for (std::size_t b = a + 1; b < nodes_; ++b)
                world_.heal(a, b);
        world_.run();
        for (int i = 0; i < steps; ++i) {
            const std::size_t node = pick();
            switch (random_.below(10)) {
                case 0:
                    world_.cut(node, pick_other(node));
                    break;
                case 1:
                    world_.heal(node, pick_other(node));
                    break;
                case 2:
                    for (std::size_t other = 0; other < nodes_; ++other)
                        if (other != node) world_.cut(node, other);
                    break;
                case 3:
                    for (std::size_t other = 0; other < nodes_; ++other)
                        if (other != node) world_.heal(node, other);
                    break;
                case 4:
                    if (with_leaving_ && random_.below(2) == 0) {
                        world_.drain(node);
                        world_.run_for(
                            Duration::milliseconds(static_cast<std::int64_t>(random_.below(1'000))));
                    }
                    settle_tickets();
                    world_.crash_and_restart(node);
                    forget_tickets(node);
                    break;
                case 5:
                    if (random_.below(2) == 0)
                        world_.hold_disk(node);
                    else
                        world_.release_disk(node);
                    break;
                default:
                    pay(node);
            }
            world_.run_for(Duration::milliseconds(static_cast<std::int64_t>(random_.below(700))));
            check();
        }
    }

    void calm() {
        for (std::size_t a = 0; a < nodes_; ++a) {
            world_.release_disk(a);
            for (std::size_t b = a + 1; b < nodes_; ++b)
                world_.heal(a, b);
        }
        for (int i = 0; i < 240 && !is_quiet(); ++i) {
            world_.run_for(Duration::seconds(1));
            check();
        }
        ASSERT_TRUE(is_quiet()) << "not all members came back and settled\n" << describe();
        settle_tickets();
        world_.expect_equal_digests();
        EXPECT_TRUE(world_.violations().empty()) << world_.violations()[0].why;
        EXPECT_TRUE(world_.retired_keys().empty()) << world_.retired_keys()[0];
        for (std::size_t node = 0; node < nodes_; ++node) {
            const std::int64_t got = balance(node);
            EXPECT_GE(got, promised_[node]) << "node " << node << " lost what it acknowledged";
            // Whatever happens, no command here is ever wrong: it runs after what was sent before it.
            EXPECT_EQ(rejections_, "");
            EXPECT_LE(got, asked_[node]) << "node " << node << " ran a command twice";
        }
    }
    std::string describe() {
        std::string text;
        for (std::size_t node = 0; node < nodes_; ++node) {
            const auto status = world_.ask_for<StatusAnswer>(node, StatusQuery{});
            const auto& ledger = world_.node(node).ledger();
            text += "node " + std::to_string(node) + " view " + std::to_string(ledger.view().number) +
                    " of " + std::to_string(ledger.view().members.size()) + " settled " +
                    std::to_string(ledger.settled_prefix().length) + " unsettled " +
                    std::to_string(ledger.stats().unsettled_commands) + " suspended " +
                    std::to_string(ledger.stats().blocks_suspended) +
                    (world_.node(node).idle() ? " idle: " : " busy: ") + status.says + "\n";
        }
        return text;
    }
    std::uint64_t views() { return world_.node(0).ledger().view().number; }

  private:
    std::size_t pick() { return static_cast<std::size_t>(random_.below(nodes_)); }
    std::size_t pick_other(std::size_t node) {
        const std::size_t other = static_cast<std::size_t>(random_.below(nodes_ - 1));
        return other >= node ? other + 1 : other;
    }
    void pay(std::size_t node) {
        const std::int64_t amount = 1 + static_cast<std::int64_t>(random_.below(9));
        const Grade grade = random_.below(2) == 0 ? Grade::settled : Grade::provisional;
        const Ticket ticket = world_.submit(node, {NodeWorld::faucet("payee", 1, amount)}, grade);
        open_.push_back({ticket, node, amount});
    }
    // Counts what was acknowledged by now.
    void settle_tickets() {
        std::erase_if(open_, [&](const Open& open) {
            if (!world_.answered(open.ticket)) return false;
            const auto answer = world_.submit_answer(open.ticket);
            // A time-out says that it was taken, and may still settle.
            if (answer.ok() || answer.error().code == ErrorCode::timed_out) asked_[open.node] += open.amount;
            if (answer.ok() && answer->results[0].status == CommandStatus::done)
                promised_[open.node] += open.amount;
            else if (answer.ok())
                rejections_ += "node " + std::to_string(open.node) + " rejected for " +
                               exchange::to_string(answer->results[0].reason) + "; ";
            return true;
        });
    }
    void forget_tickets(std::size_t node) {
        std::erase_if(open_, [&](const Open& open) {
            if (open.node != node) return false;
            asked_[node] += open.amount;  // it may have run
            return true;
        });
    }
    std::int64_t balance(std::size_t host) {
        const auto& engine = world_.node(0).ledger().engine();
        const auto account = engine.find_account(exchange::hosted_account_id(world_.key(host), "payee"));
        return account ? static_cast<std::int64_t>(engine.balances(*account).at(1).total) : 0;
    }
    void check() {
        for (std::size_t node = 0; node < nodes_; ++node) {
            const auto prefix = world_.node(node).ledger().settled_prefix();
            const auto& view = world_.node(node).ledger().view();
            if (view.number == 0) continue;  // a node of its own
            const auto [known, is_new] = logs_.emplace(std::pair(view.ledger, prefix.length), prefix.hash);
            ASSERT_EQ(known->second, prefix.hash) << "node " << node << " settled another log";
            const auto [record, first] =
                views_.emplace(std::pair(view.ledger, view.number), exchange::digest_of(view));
            ASSERT_EQ(record->second, exchange::digest_of(view)) << "two views " << view.number;
        }
    }
    bool is_quiet() {
        const auto& first = world_.node(0).ledger();
        for (std::size_t node = 0; node < nodes_; ++node) {
            const auto& ledger = world_.node(node).ledger();
            if (ledger.view().members.size() != nodes_ || ledger.view().number != first.view().number ||
                ledger.stats().unsettled_commands > 0 || !world_.node(node).idle() ||
                ledger.settled_prefix().hash != first.settled_prefix().hash ||
                ledger.version_vector() != first.version_vector())
                return false;
        }
        return true;
    }

    struct Open {
        Ticket ticket;
        std::size_t node;
        std::int64_t amount;
    };
    std::size_t nodes_;
    bool with_leaving_;
    Random random_;
    NodeWorld world_;
    std::vector<std::int64_t> promised_, asked_;
    std::vector<Open> open_;
    std::string rejections_;
    std::map<std::pair<Digest, std::uint64_t>, Digest> logs_, views_;  // by ledger and length or number
};

}  // namespace peerbook::app::testing

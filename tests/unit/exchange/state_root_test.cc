#include "exchange/engine/state_root.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/unit/exchange/state_world.h"

namespace peerbook::exchange {
namespace {

TEST(StateRoot, AdvancingAgreesWithHashingEverything) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        Engine engine(state_world_rules());
        RandomFlow flow(seed);
        Random random(seed);
        StateRoot root;
        EXPECT_EQ(root.advance(engine.freeze()), state_root_of(engine.freeze()));
        apply(engine, flow.first());
        for (int i = 0; i < 120; ++i) {
            apply(engine, flow.next(engine, 1 + random.below(30)));
            if (random.below(3) != 0) continue;
            const FrozenState now = engine.freeze();
            ASSERT_EQ(root.advance(now), state_root_of(now)) << "seed " << seed << " commit " << i;
        }
        EXPECT_GT(engine.stats().resting_orders, 10u);
        EXPECT_TRUE(engine.check_invariants().ok());
    }
}

TEST(StateRoot, FollowsUndoBackwards) {
    Engine engine(state_world_rules());
    RandomFlow flow(11);
    Random random(11);
    apply(engine, flow.first());
    StateRoot root;
    for (int i = 0; i < 60; ++i) {
        apply(engine, flow.next(engine, 10));
        const UndoMark mark = engine.mark();
        const Digest before = root.advance(engine.freeze());
        for (std::uint64_t more = random.below(4); more > 0; --more)
            apply(engine, flow.next(engine, 10));
        if (random.below(2) == 0) root.advance(engine.freeze());
        engine.undo_to(mark);
        ASSERT_EQ(root.advance(engine.freeze()), before) << i;
        ASSERT_EQ(state_root_of(engine.freeze()), before) << i;
        if (random.below(2) == 0) engine.prune_undo(mark);
    }
}

TEST(StateRoot, EqualStatesOfDifferentHistoriesHaveEqualRoots) {
    RandomFlow flow(3);
    const Commit first = flow.first();
    Engine straight(state_world_rules());
    Engine detour(state_world_rules());
    // Other accounts in another order first, and all of it undone.
    RandomFlow other(4);
    const UndoMark start = detour.mark();
    apply(detour, other.first());
    for (int i = 0; i < 20; ++i)
        apply(detour, other.next(detour, 20));
    detour.undo_to(start);
    EXPECT_EQ(state_root_of(detour.freeze()), state_root_of(straight.freeze()));

    apply(straight, first);
    apply(detour, first);
    for (int i = 0; i < 40; ++i) {
        const Commit commit = flow.next(straight, 20);
        apply(straight, commit);
        apply(detour, commit);
        ASSERT_EQ(state_root_of(detour.freeze()), state_root_of(straight.freeze())) << i;
    }
    std::uint32_t moved = 0;
    for (std::uint32_t i = 0; i < straight.account_count(); ++i)
        if (detour.find_account(straight.account_id(AccountIndex(i))) != AccountIndex(i)) ++moved;
    EXPECT_GT(moved, 0u) << "inside they differ";
}

TEST(StateRoot, TheOrderInWhichAccountsWereOpenedDoesNotMatter) {
    PublicKey node;
    node.data.fill(1);
    const auto root_with = [&](std::vector<std::string> names) {
        Engine engine(state_world_rules());
        CommandBatch batch;
        batch.signer = node;
        for (const std::string& name : names)
            batch.add(hosted_account_id(node, name), {1, 0}, OpenAccount{name});
        apply(engine, {{5'000}, {batch}});
        return state_root_of(engine.freeze());
    };
    EXPECT_EQ(root_with({"x", "y", "z"}), root_with({"z", "x", "y"}));
    EXPECT_NE(root_with({"x", "y", "z"}), root_with({"x", "y"}));
}

TEST(StateRoot, OnlyWhatChangedIsHashed) {
    Engine engine(state_world_rules());
    RandomFlow flow(5);
    apply(engine, flow.first());
    for (int i = 0; i < 50; ++i)
        apply(engine, flow.next(engine, 20));
    StateRoot root;
    const Digest before = root.advance(engine.freeze());
    const std::uint64_t all = root.hashed_count();
    EXPECT_GT(all, 50u);
    EXPECT_EQ(root.advance(engine.freeze()), before);
    EXPECT_EQ(root.hashed_count(), all);

    // A later time and nothing else: the entry of the time, before and after. (What becomes due at this time
    // was due before.)
    apply(engine, {{100'000'000}, {}});
    root.advance(engine.freeze());
    const std::uint64_t due = root.hashed_count();
    apply(engine, {{100'000'001}, {}});
    root.advance(engine.freeze());
    EXPECT_EQ(root.hashed_count(), due + 2);
}

TEST(StateRoot, IsMadeOnAnotherThreadWhileTheEngineGoesOn) {
    Engine engine(state_world_rules());
    RandomFlow flow(6);
    apply(engine, flow.first());
    StateRoot root;
    for (int i = 0; i < 30; ++i) {
        apply(engine, flow.next(engine, 20));
        engine.prune_undo(engine.mark());
        Digest made;
        const Digest expected = state_root_of(engine.freeze());
        std::thread other([&made, &root, frozen = engine.freeze()] { made = root.advance(frozen); });
        for (int more = 0; more < 5; ++more)
            apply(engine, flow.next(engine, 20));
        other.join();
        ASSERT_EQ(made, expected) << i;
    }
}

// --- one entry of each domain, by hand ---

struct HandMade {
    PagedArray<Account> accounts;
    PagedArray<AccountName> names;
    PagedArray<Owner> owners;
    PagedArray<Balances::Chunk, 4> balances;
    PagedArray<Withdrawal> withdrawals;
    PagedArray<Order> orders;
    OrderPool::Extensions::Items extensions;
    FrozenState rest;

    HandMade() {
        Owner owner;
        owner.key.data.fill(1);
        owner.openings = {3, 1};
        owner.seconds = {4, 0};
        owner.bytes = 100;
        owners.push_back(owner);
        owner.key.data.fill(2);
        owners.push_back(owner);
        add_account(1, "alice");
        add_account(2, "bob");
        Balances::Chunk chunk;
        chunk.balances[1] = {100, 40};
        chunk.account = 0;
        chunk.group = 1;
        balances.push_back(chunk);
        Withdrawal withdrawal;
        withdrawal.request = {AccountIndex(0), {9, 1}};
        withdrawal.asset = AssetId(5);
        withdrawal.amount = 11;
        withdrawal.destination = "vault";
        withdrawal.is_waiting = true;
        withdrawals.push_back(withdrawal);
        orders.grow_page();
        Order& order = orders.edit(1);
        order = plain_order();
        Order& extended = orders.edit(2);
        extended = plain_order();
        extended.nonce = 8;
        extended.is_extended = 1;
        extended.quantity_or_extension = 1;
        OrderExtension extension;
        extensions.push_back(extension);
        extension.quantity = 30;
        extension.hidden = 20;
        extension.display = 10;
        extension.expires_at_ms = 77;
        extension.limit = 5;
        extension.budget = 6;
        extension.refreshes = 2;
        extensions.push_back(extension);
        rest.time = WallTime{12};
        rest.next_sequence = 100;
        rest.markets.resize(2);
        rest.markets[1].last = 50;
        rest.markets[1].phase = MarketPhase::auction;
        rest.markets[1].auction_ends_at = WallTime{60};
        CreateMarket created;
        created.spec.symbol = "A-B";
        rest.markets[1].created_from = created;
        rest.issued = {0, 1'000};
        rest.proposals.resize(1);
        rest.proposals[0].words = 1;
        rest.proposals[0].since = WallTime{3};
    }
    void add_account(std::uint8_t byte, std::string name) {
        Account account;
        account.is_open = true;
        account.owner = byte - 1u;
        account.cancel_after_ms = 44;
        account.commands = {5, 6};
        for (std::uint64_t nonce : {1, 2, 5, 9})
            account.nonces.burn(nonce);
        accounts.push_back(account);
        AccountName named;
        named.id.data.fill(byte);
        named.name = std::move(name);
        names.push_back(named);
    }
    static Order plain_order() {
        Order order;
        order.nonce = 7;
        order.index = 3;
        order.price = 10;
        order.leaves = 10;
        order.quantity_or_extension = 15;
        order.sequence = 20;
        order.market_number = 1;
        order.account = 0;
        order.fee_carry = 9;
        order.is_live = 1;
        return order;
    }
    FrozenState freeze() {
        FrozenState frozen = rest;
        frozen.accounts = {accounts.freeze(), names.freeze(), owners.freeze()};
        frozen.balances = balances.freeze();
        frozen.withdrawals = withdrawals.freeze();
        frozen.orders = orders.freeze();
        frozen.extensions = extensions.freeze();
        return frozen;
    }
};

using Change = std::pair<std::string, std::function<void(HandMade&)>>;

const std::vector<Change> changes_that_count = {
    {"time", [](HandMade& s) { s.rest.time->ms = 13; }},
    {"no time", [](HandMade& s) { s.rest.time.reset(); }},
    {"next sequence", [](HandMade& s) { ++s.rest.next_sequence; }},
    {"issued", [](HandMade& s) { ++s.rest.issued[1]; }},
    {"issued of another asset", [](HandMade& s) { std::swap(s.rest.issued[0], s.rest.issued[1]); }},
    {"market phase", [](HandMade& s) { s.rest.markets[0].phase = MarketPhase::halted; }},
    {"first last price", [](HandMade& s) { s.rest.markets[0].last = 50; }},
    {"last price", [](HandMade& s) { s.rest.markets[1].last = 51; }},
    {"auction end", [](HandMade& s) { s.rest.markets[1].auction_ends_at->ms = 61; }},
    {"no auction end", [](HandMade& s) { s.rest.markets[1].auction_ends_at.reset(); }},
    {"created from", [](HandMade& s) { s.rest.markets[1].created_from->spec.symbol = "A-C"; }},
    {"not created", [](HandMade& s) { s.rest.markets[1].created_from.reset(); }},
    {"market", [](HandMade& s) { s.rest.markets.pop_back(); }},
    {"proposal id", [](HandMade& s) { s.rest.proposals[0].id.data[31] ^= 1; }},
    {"proposal since", [](HandMade& s) { ++s.rest.proposals[0].since.ms; }},
    {"proposal words", [](HandMade& s) { s.rest.proposals[0].words = 3; }},
    {"proposal done", [](HandMade& s) { s.rest.proposals[0].is_done = true; }},
    {"no proposal", [](HandMade& s) { s.rest.proposals.clear(); }},
    {"account closed", [](HandMade& s) { s.accounts.edit(1).is_open = false; }},
    {"account owner", [](HandMade& s) { s.accounts.edit(1).owner = 0; }},
    {"account without owner", [](HandMade& s) { s.accounts.edit(1).owner = 0xffff'ffff; }},
    {"switch", [](HandMade& s) { s.accounts.edit(1).cancel_after_ms = 45; }},
    {"rate window", [](HandMade& s) { s.accounts.edit(1).commands.number = 6; }},
    {"rate count", [](HandMade& s) { s.accounts.edit(1).commands.count = 7; }},
    {"nonce in a gap", [](HandMade& s) { s.accounts.edit(1).nonces.burn(7); }},
    {"nonce that closes a gap", [](HandMade& s) { s.accounts.edit(1).nonces.burn(3); }},
    {"nonce above", [](HandMade& s) { s.accounts.edit(1).nonces.burn(10); }},
    {"openings window", [](HandMade& s) { s.owners.edit(1).openings.number = 4; }},
    {"openings count", [](HandMade& s) { s.owners.edit(1).openings.count = 2; }},
    {"bytes second", [](HandMade& s) { s.owners.edit(1).seconds.number = 5; }},
    {"bytes", [](HandMade& s) { s.owners.edit(1).bytes = 101; }},
    {"owner that counted nothing",
     [](HandMade& s) {
         Owner& owner = s.owners.edit(1);
         owner.openings = owner.seconds = {};
         owner.bytes = 0;
     }},
    {"total", [](HandMade& s) { s.balances.edit(0).balances[1].total = 101; }},
    {"reserved", [](HandMade& s) { s.balances.edit(0).balances[1].reserved = 41; }},
    {"balance of another asset",
     [](HandMade& s) { std::swap(s.balances.edit(0).balances[1], s.balances.edit(0).balances[2]); }},
    {"withdrawal nonce", [](HandMade& s) { ++s.withdrawals.edit(0).request.nonce; }},
    {"withdrawal index", [](HandMade& s) { ++s.withdrawals.edit(0).request.index; }},
    {"withdrawal account", [](HandMade& s) { s.withdrawals.edit(0).request.account = AccountIndex(1); }},
    {"withdrawal asset", [](HandMade& s) { s.withdrawals.edit(0).asset = AssetId(6); }},
    {"withdrawal amount", [](HandMade& s) { ++s.withdrawals.edit(0).amount; }},
    {"withdrawal destination", [](HandMade& s) { s.withdrawals.edit(0).destination = "vaults"; }},
    {"withdrawal settled", [](HandMade& s) { s.withdrawals.edit(0).is_waiting = false; }},
    {"order nonce", [](HandMade& s) { ++s.orders.edit(1).nonce; }},
    {"order index", [](HandMade& s) { s.orders.edit(1).index = 4; }},
    {"order account", [](HandMade& s) { s.orders.edit(1).account = 1; }},
    {"order market", [](HandMade& s) { s.orders.edit(1).market_number = 0; }},
    {"order side", [](HandMade& s) { s.orders.edit(1).is_sell = 1; }},
    {"order waits", [](HandMade& s) { s.orders.edit(2).is_waiting = 1; }},
    {"order waits below", [](HandMade& s) { s.orders.edit(2).waits_below = 1; }},
    {"order is a quote", [](HandMade& s) { s.orders.edit(1).is_quote = 1; }},
    {"order price", [](HandMade& s) { ++s.orders.edit(1).price; }},
    {"order leaves", [](HandMade& s) { --s.orders.edit(1).leaves; }},
    {"order quantity", [](HandMade& s) { ++s.orders.edit(1).quantity_or_extension; }},
    {"order sequence", [](HandMade& s) { s.orders.edit(1).sequence = 21; }},
    {"order fee carry", [](HandMade& s) { s.orders.edit(1).fee_carry = 10; }},
    {"order gone", [](HandMade& s) { s.orders.edit(1).is_live = 0; }},
    {"extended order gone", [](HandMade& s) { s.orders.edit(2).is_live = 0; }},
    {"extension quantity", [](HandMade& s) { ++s.extensions.edit(1).quantity; }},
    {"extension hidden", [](HandMade& s) { ++s.extensions.edit(1).hidden; }},
    {"extension display", [](HandMade& s) { ++s.extensions.edit(1).display; }},
    {"extension expiry", [](HandMade& s) { ++s.extensions.edit(1).expires_at_ms; }},
    {"extension limit", [](HandMade& s) { ++s.extensions.edit(1).limit; }},
    {"extension budget", [](HandMade& s) { ++s.extensions.edit(1).budget; }},
    {"extension refreshes", [](HandMade& s) { ++s.extensions.edit(1).refreshes; }},
    {"extension time in force", [](HandMade& s) { s.extensions.edit(1).time_in_force = TimeInForce::fok; }},
    {"extension self-trade",
     [](HandMade& s) { s.extensions.edit(1).self_trade = SelfTradePrevention::decrement; }},
    {"extension post-only", [](HandMade& s) { s.extensions.edit(1).post_only = true; }},
};

const std::vector<Change> changes_that_do_not = {
    {"links in the level", [](HandMade& s) { s.orders.edit(1).previous = s.orders.edit(1).next = 2; }},
    {"links of the account",
     [](HandMade& s) { s.orders.edit(1).index_next = s.orders.edit(1).name_hash = 2; }},
    {"slot",
     [](HandMade& s) {
         s.orders.edit(40) = s.orders[1];
         s.orders.edit(1).is_live = 0;
     }},
    {"place of the extension",
     [](HandMade& s) {
         s.extensions.edit(0) = s.extensions[1];
         s.extensions.edit(1) = OrderExtension();
         s.orders.edit(2).quantity_or_extension = 0;
     }},
    {"an extension that no order has", [](HandMade& s) { s.extensions.edit(9).hidden = 3; }},
    {"open accounts of an owner", [](HandMade& s) { s.owners.edit(1).open_accounts = 3; }},
    {"count beside the second of bytes", [](HandMade& s) { s.owners.edit(1).seconds.count = 3; }},
    {"what an order that left had", [](HandMade& s) { s.orders.edit(5).price = 3; }},
    {"an account that was never opened here",
     [](HandMade& s) {
         s.add_account(3, "carol");
         s.accounts.edit(2).is_open = false;
     }},
    {"a balance that is zero",
     [](HandMade& s) {
         Balances::Chunk chunk;
         chunk.account = 1;
         s.balances.push_back(chunk);
     }},
    {"a withdrawal that was settled", [](HandMade& s) { s.withdrawals.push_back({}); }},
};

TEST(StateRoot, EveryFieldCounts) {
    HandMade state;
    const Digest before = state_root_of(state.freeze());
    for (const auto& [name, change] : changes_that_count) {
        HandMade changed;
        StateRoot root;
        ASSERT_EQ(root.advance(changed.freeze()), before) << name;
        change(changed);
        const Digest after = state_root_of(changed.freeze());
        EXPECT_NE(after, before) << name;
        EXPECT_EQ(root.advance(changed.freeze()), after) << name;
    }
}

TEST(StateRoot, NamesOfAccountsCount) {
    HandMade state, other_id, other_name, other_key;
    other_id.names.edit(1).id.data[31] ^= 1;
    other_name.names.edit(1).name = "boc";
    other_key.owners.edit(1).key.data[31] ^= 1;
    for (HandMade* other : {&other_id, &other_name, &other_key})
        EXPECT_NE(state_root_of(other->freeze()), state_root_of(state.freeze()));
}

TEST(StateRoot, WhatIsOnlyInsideDoesNotCount) {
    HandMade state;
    const Digest before = state_root_of(state.freeze());
    for (const auto& [name, change] : changes_that_do_not) {
        HandMade changed;
        StateRoot root;
        root.advance(changed.freeze());
        change(changed);
        EXPECT_EQ(state_root_of(changed.freeze()), before) << name;
        EXPECT_EQ(root.advance(changed.freeze()), before) << name;
    }
}

TEST(StateRoot, TheOrderOfProposalsDoesNotCount) {
    HandMade forwards, backwards;
    Proposal second;
    second.id.data.fill(5);
    second.words = 2;
    forwards.rest.proposals.push_back(second);
    backwards.rest.proposals.insert(backwards.rest.proposals.begin(), second);
    EXPECT_EQ(state_root_of(forwards.freeze()), state_root_of(backwards.freeze()));
}

TEST(StateRoot, WindowsOfNoncesThatAnswerAlikeAreAlike) {
    HandMade in_order, out_of_order;
    for (std::uint64_t nonce : {3, 4, 6, 7, 8})
        in_order.accounts.edit(0).nonces.burn(nonce);
    for (std::uint64_t nonce : {8, 6, 3, 7, 4})
        out_of_order.accounts.edit(0).nonces.burn(nonce);
    EXPECT_EQ(state_root_of(in_order.freeze()), state_root_of(out_of_order.freeze()));
}

}  // namespace
}  // namespace peerbook::exchange

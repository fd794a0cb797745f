// Content that no state has, in chunks with the right hashes and under a root that fits it.
#include "exchange/engine/restore.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "tests/unit/exchange/state_world.h"

namespace peerbook::exchange {
namespace {

using testing::HasSubstr;

struct LooseEntry {
    StateDomain domain;
    Bytes bytes;
};

std::vector<LooseEntry> entries_of(const WrittenSnapshot& snapshot) {
    std::vector<LooseEntry> entries;
    for (const Bytes& chunk : snapshot.chunks) {
        Decoder in(chunk);
        while (in.remaining() != 0) {
            const auto domain = static_cast<StateDomain>(in.u8());
            const ByteView bytes = in.bytes(1 << 20, "");
            entries.push_back({domain, Bytes(bytes.begin(), bytes.end())});
        }
    }
    return entries;
}

// One chunk, with a manifest that fits it.
WrittenSnapshot packed(const std::vector<LooseEntry>& entries, const SnapshotManifest& like) {
    WrittenSnapshot snapshot;
    snapshot.manifest = like;
    snapshot.manifest.entries = {};
    DomainSums sums;
    Bytes& chunk = snapshot.chunks.emplace_back();
    Encoder out(chunk);
    for (const LooseEntry& entry : entries) {
        out.u8(static_cast<std::uint8_t>(entry.domain));
        out.bytes(entry.bytes);
        if (static_cast<std::size_t>(entry.domain) >= state_domain_count) continue;
        ++snapshot.manifest.entries[static_cast<std::size_t>(entry.domain)];
        sums[static_cast<std::size_t>(entry.domain)].add(hash_domain(entry.domain), entry.bytes);
    }
    snapshot.manifest.origin.state_root = root_of(sums);
    snapshot.manifest.chunks = {{snapshot_chunk_hash(chunk), static_cast<std::uint32_t>(chunk.size())}};
    return snapshot;
}

Bytes encoded(const AccountEntry& entry) {
    Bytes bytes;
    Encoder out(bytes);
    out.raw(entry.id.view());
    out.u8(entry.owner ? 1 : 0);
    if (entry.owner) out.raw(entry.owner->view());
    out.text(entry.name);
    out.svarint(entry.cancel_after_ms);
    out.varint(entry.commands.number);
    out.varint(entry.commands.count);
    out.varint(entry.highest_nonce);
    out.varint(entry.gaps.size());
    std::uint64_t end = 0;
    for (const NonceWindow::Gap& gap : entry.gaps) {
        out.varint(gap.first - end);
        out.varint(gap.last - gap.first + 1);
        end = gap.last + 1;
    }
    return bytes;
}

Bytes encoded(const AccountId& account, AssetId asset, const Balance& balance) {
    Bytes bytes;
    Encoder out(bytes);
    out.raw(account.view());
    out.u32(asset.value());
    out.i128(balance.total);
    out.i128(balance.reserved);
    return bytes;
}

Bytes encoded(const WithdrawalEntry& entry) {
    Bytes bytes;
    Encoder out(bytes);
    out.raw(entry.account.view());
    out.u64(entry.withdrawal.request.nonce);
    out.u32(entry.withdrawal.request.index);
    out.varint(entry.withdrawal.asset.value());
    out.i128(entry.withdrawal.amount);
    out.text(entry.withdrawal.destination);
    return bytes;
}

Bytes encoded(OrderEntry entry) {
    PagedArray<Order> orders;
    PagedArray<AccountName> names;
    OrderPool::Extensions::Items extensions;
    entry.order.account = 0;
    if (entry.order.is_extended != 0) entry.order.quantity_or_extension = 0;
    orders.push_back(entry.order);
    extensions.push_back(entry.extension);
    names.push_back({entry.account, ""});
    FrozenState state;
    state.accounts.names = names.freeze();
    state.orders = orders.freeze();
    state.extensions = extensions.freeze();
    Bytes bytes;
    encode_entry(state, StateDomain::orders, 0, bytes);
    return bytes;
}

Bytes encoded(const MarketEntry& entry) {
    FrozenState state;
    state.markets.resize(entry.market.value() + 1);
    state.markets.back() = entry.state;
    Bytes bytes;
    encode_entry(state, StateDomain::markets, entry.market.value(), bytes);
    return bytes;
}

// An account of the test's node, of which nothing is known yet.
AccountEntry hosted_account(const std::string& name) {
    AccountEntry entry;
    entry.owner.emplace().data.fill(7);
    entry.name = name;
    entry.id = hosted_account_id(*entry.owner, name);
    entry.highest_nonce = 9;
    return entry;
}

class OddSnapshot : public testing::Test {
  protected:
    OddSnapshot() : snapshot(write_snapshot(world.engine.freeze())), entries(entries_of(snapshot)) {}

    // Why reading or restoring the entries was refused.
    static std::string refusal(const std::vector<LooseEntry>& odd, const SnapshotManifest& like,
                               const NetworkRules& rules) {
        const WrittenSnapshot written = packed(odd, like);
        Result<SnapshotReader> reader = read_snapshot(written, rules);
        if (!reader.ok()) return reader.error().message;
        Result<std::unique_ptr<Engine>> engine = restore_engine(rules, *reader);
        return engine.ok() ? "restored" : engine.error().message;
    }
    std::string refusal(const std::vector<LooseEntry>& odd) const {
        return refusal(odd, snapshot.manifest, state_world_rules());
    }
    // The same, where the entries may be in any order.
    std::string refusal_of(std::vector<LooseEntry> odd) const {
        std::stable_sort(odd.begin(), odd.end(), [](const LooseEntry& x, const LooseEntry& y) {
            return std::tie(x.domain, x.bytes) < std::tie(y.domain, y.bytes);
        });
        return refusal(odd);
    }
    std::string refusal_with(const std::vector<LooseEntry>& added) const {
        std::vector<LooseEntry> odd = entries;
        odd.insert(odd.end(), added.begin(), added.end());
        return refusal_of(odd);
    }
    std::string refusal_under(const std::function<void(NetworkRules&)>& change) const {
        NetworkRules rules = state_world_rules();
        change(rules);
        return refusal(entries, snapshot.manifest, rules);
    }
    // With the first order for which `fits` changed.
    std::string refusal_with_order(const std::function<bool(const OrderEntry&)>& fits,
                                   const std::function<void(OrderEntry&)>& change) const {
        std::vector<LooseEntry> odd = entries;
        for (LooseEntry& loose : odd) {
            if (loose.domain != StateDomain::orders) continue;
            Decoder in(loose.bytes);
            OrderEntry entry = decode_order(in);
            if (!fits(entry)) continue;
            change(entry);
            loose.bytes = encoded(entry);
            return refusal_of(odd);
        }
        return "no such order";
    }
    std::string refusal_with_market(std::uint32_t number,
                                    const std::function<void(MarketEntry&)>& change) const {
        std::vector<LooseEntry> odd = entries;
        LooseEntry& loose = odd[first(StateDomain::markets) + number];
        if (loose.domain != StateDomain::markets) return "no such market";
        Decoder in(loose.bytes);
        MarketEntry entry = decode_market(in);
        change(entry);
        loose.bytes = encoded(entry);
        return refusal(odd);
    }
    std::size_t first(StateDomain domain) const {
        const auto found = std::find_if(entries.begin(), entries.end(),
                                        [&](const LooseEntry& entry) { return entry.domain == domain; });
        return static_cast<std::size_t>(found - entries.begin());
    }
    // The same with the first entry of a domain changed.
    std::vector<LooseEntry> with(StateDomain domain, const std::function<void(Bytes&)>& change) const {
        std::vector<LooseEntry> odd = entries;
        change(odd[first(domain)].bytes);
        return odd;
    }
    std::vector<LooseEntry> without(StateDomain domain) const {
        std::vector<LooseEntry> odd = entries;
        odd.erase(odd.begin() + static_cast<std::ptrdiff_t>(first(domain)));
        return odd;
    }

    World world{5};
    WrittenSnapshot snapshot;
    std::vector<LooseEntry> entries;
};

TEST_F(OddSnapshot, AsItIsItIsRestored) {
    EXPECT_EQ(refusal(entries), "restored");
}

TEST_F(OddSnapshot, EntriesOutOfOrderOrTwiceAreRefused) {
    std::vector<LooseEntry> odd = entries;
    std::swap(odd[first(StateDomain::orders)], odd[first(StateDomain::orders) + 1]);
    EXPECT_THAT(refusal(odd), HasSubstr("entries are not in the order of their keys"));
    odd = entries;
    odd.insert(odd.begin(), odd.front());
    EXPECT_THAT(refusal(odd), HasSubstr("entries are not in the order of their keys"));
    odd = entries;
    std::swap(odd.front(), odd.back());
    EXPECT_THAT(refusal(odd), HasSubstr("entries are not in the order of their keys"));
}

TEST_F(OddSnapshot, UnknownDomainsAndEntriesOfTheWrongSizeAreRefused) {
    std::vector<LooseEntry> odd = entries;
    odd.push_back({static_cast<StateDomain>(state_domain_count), Bytes(50)});
    EXPECT_THAT(refusal(odd), HasSubstr("unknown domain"));
    for (std::size_t i = 0; i < state_domain_count; ++i) {
        const auto domain = static_cast<StateDomain>(i);
        EXPECT_THAT(refusal(with(domain, [](Bytes& bytes) { bytes.push_back(0); })), HasSubstr("left over"))
            << to_string(domain);
        EXPECT_THAT(refusal(with(domain, [](Bytes& bytes) { bytes.pop_back(); })), HasSubstr("malformed"))
            << to_string(domain);
    }
    EXPECT_THAT(refusal(with(StateDomain::orders, [](Bytes& bytes) { bytes.resize(40); })),
                HasSubstr("shorter than its key"));
    EXPECT_THAT(refusal(with(StateDomain::accounts, [](Bytes& bytes) { bytes.resize(200'000); })),
                HasSubstr("an entry is too long"));
}

TEST_F(OddSnapshot, MissingPartsAreRefused) {
    EXPECT_THAT(refusal(without(StateDomain::meta)), HasSubstr("it has no time"));
    EXPECT_THAT(refusal(without(StateDomain::markets)), HasSubstr("has a gap in front of it"));
    std::vector<LooseEntry> odd = entries;
    std::erase_if(odd, [](const LooseEntry& entry) { return entry.domain == StateDomain::markets; });
    EXPECT_THAT(refusal(odd), HasSubstr("lacks markets"));
    EXPECT_THAT(refusal(without(StateDomain::issued)), HasSubstr("does not fit together"));
    odd = entries;
    std::erase_if(odd, [](const LooseEntry& entry) { return entry.domain == StateDomain::accounts; });
    EXPECT_THAT(refusal(odd), HasSubstr("has windows but no account"));
    std::erase_if(odd, [](const LooseEntry& entry) { return entry.domain == StateDomain::owners; });
    EXPECT_THAT(refusal(odd), HasSubstr("a balance is of no account or asset"));
    std::erase_if(odd, [](const LooseEntry& entry) { return entry.domain == StateDomain::balances; });
    std::vector<LooseEntry> no_orders = odd;
    std::erase_if(no_orders, [](const LooseEntry& entry) { return entry.domain == StateDomain::orders; });
    EXPECT_THAT(refusal(no_orders), HasSubstr("a withdrawal is of no account or asset"));
    std::erase_if(odd, [](const LooseEntry& entry) { return entry.domain == StateDomain::withdrawals; });
    EXPECT_THAT(refusal(odd), HasSubstr("an order is of no account"));
    std::erase_if(odd, [](const LooseEntry& entry) { return entry.domain == StateDomain::orders; });
    EXPECT_THAT(refusal(odd), HasSubstr("lacks the fee account"));
    EXPECT_THAT(refusal(without(StateDomain::balances)), HasSubstr("does not fit together"));
    EXPECT_THAT(refusal(without(StateDomain::orders)), HasSubstr("does not fit together"));
}

TEST_F(OddSnapshot, AccountsThatAreNotNamedRightAreRefused) {
    EXPECT_THAT(refusal(with(StateDomain::accounts, [](Bytes& bytes) { bytes[31] ^= 1; })),
                HasSubstr("is not what its owner and name make"));
}

TEST_F(OddSnapshot, OrdersWithTermsThatNoOrderHasAreRefused) {
    const auto with_order = [&](const std::function<void(OrderEntry&)>& change) {
        return refusal(with(StateDomain::orders, [&](Bytes& bytes) {
            Decoder in(bytes);
            OrderEntry entry = decode_order(in);
            change(entry);
            bytes = encoded(entry);
        }));
    };
    EXPECT_EQ(with_order([](OrderEntry&) {}), "restored");
    EXPECT_THAT(with_order([](OrderEntry& e) { e.order.price = 0; }), HasSubstr("price is out of range"));
    EXPECT_THAT(with_order([](OrderEntry& e) { e.order.price = INT64_MAX; }), HasSubstr("price is out of"));
    EXPECT_THAT(with_order([](OrderEntry& e) { e.order.leaves = -1; }),
                HasSubstr("quantity is out of range"));
    EXPECT_THAT(with_order([](OrderEntry& e) { e.order.leaves = INT64_MAX; }), HasSubstr("quantity is out"));
    EXPECT_THAT(with_order([](OrderEntry& e) { e.order.fee_carry = 1'000'000; }), HasSubstr("fee carry"));
    EXPECT_THAT(with_order([](OrderEntry& e) { e.order.sequence = (1ull << 48) - 1; }),
                HasSubstr("sequence is another's, or not below the next"));
    EXPECT_THAT(with_order([](OrderEntry& e) { e.order.sequence = 0; }), HasSubstr("sequence is another's"));
    EXPECT_THAT(with_order([](OrderEntry& e) { e.order.market_number = 4'000; }),
                HasSubstr("there is no such market"));
    EXPECT_THAT(with_order([](OrderEntry& e) {
                    e.order.is_extended = 0;
                    e.order.is_waiting = 1;
                }),
                HasSubstr("it waits and has no limit"));
    EXPECT_THAT(with_order([](OrderEntry& e) {
                    e.order.is_extended = 1;
                    e.extension.quantity = 100;
                    e.extension.hidden = -1;
                }),
                HasSubstr("quantity is out of range"));
    EXPECT_THAT(with_order([](OrderEntry& e) {
                    e.order.is_extended = 1;
                    e.extension.quantity = 100;
                    e.extension.budget = 5;
                }),
                HasSubstr("its budget does not fit it"));
}

TEST_F(OddSnapshot, OrdersUnderNoncesThatWereNotBurntAreRefused) {
    const auto any = [](const OrderEntry&) { return true; };
    const auto with_nonce = [&](std::uint64_t nonce) {
        return refusal_with_order(any, [&](OrderEntry& entry) { entry.order.nonce = nonce; });
    };
    const std::string refused = "its nonce was not burnt";
    EXPECT_THAT(with_nonce(0), HasSubstr(refused));
    EXPECT_THAT(with_nonce(1'000'000), HasSubstr(refused));  // above all that the window lets in
    EXPECT_THAT(with_nonce(UINT64_MAX), HasSubstr(refused));
    EXPECT_THAT(refusal_with_order(any, [](OrderEntry& entry) { entry.order.index = 1'000; }),
                HasSubstr(refused));
    EXPECT_THAT(
        refusal_with_order(any, [](OrderEntry& entry) { entry.account = state_world_rules().fee_account; }),
        HasSubstr(refused));
}

TEST_F(OddSnapshot, HiddenPartsOfOrdersThatAreNoIcebergsAreRefused) {
    const auto is_iceberg = [](const OrderEntry& entry) { return entry.extension.hidden > 0; };
    const auto waits = [](const OrderEntry& entry) {
        return entry.order.is_waiting != 0 && entry.extension.budget == 0 && entry.order.leaves > 1;
    };
    EXPECT_EQ(refusal_with_order(is_iceberg, [](OrderEntry&) {}), "restored");
    EXPECT_THAT(refusal_with_order(is_iceberg, [](OrderEntry& entry) { entry.extension.display = 0; }),
                HasSubstr("it is no iceberg in the book"));
    EXPECT_EQ(refusal_with_order(waits, [](OrderEntry&) {}), "restored");
    EXPECT_THAT(refusal_with_order(waits,
                                   [](OrderEntry& entry) {
                                       entry.extension.display = 1;
                                       entry.extension.hidden = 1;
                                       --entry.order.leaves;
                                   }),
                HasSubstr("it is no iceberg in the book"));
}

TEST_F(OddSnapshot, WaitingOrdersWhoseTermsDoNotFitAreRefused) {
    // The first trigger to buy in a market that matches continuously, as an order that fits and then changed.
    const auto with_terms = [&](Amount budget, const std::function<void(OrderExtension&)>& change) {
        const auto fits = [](const OrderEntry& entry) {
            return entry.order.is_waiting != 0 && entry.order.is_sell == 0 && entry.order.market_number == 0;
        };
        return refusal_with_order(fits, [&](OrderEntry& entry) {
            OrderExtension extension;
            extension.limit = entry.extension.limit;
            extension.time_in_force = TimeInForce::ioc;
            extension.budget = budget;
            extension.quantity = entry.order.leaves = budget != 0 ? 0 : 7;
            change(extension);
            entry.extension = extension;
        });
    };
    const std::string refused = "its terms do not fit together";
    // What it reserves is another's, but its terms fit.
    for (const Amount budget : {0, 5})
        EXPECT_THAT(with_terms(budget, [](OrderExtension&) {}),
                    HasSubstr("what it holds does not fit together"));
    const auto expect_refused = [&](Amount budget, const std::function<void(OrderExtension&)>& change) {
        EXPECT_THAT(with_terms(budget, change), HasSubstr(refused));
    };
    expect_refused(0, [](OrderExtension& e) { e.post_only = true; });
    expect_refused(0, [](OrderExtension& e) { e.display = 1; });
    expect_refused(0, [](OrderExtension& e) { e.expires_at_ms = INT64_MAX; });
    expect_refused(5,
                   [](OrderExtension& e) { e.time_in_force = TimeInForce::gtc; });  // would rest without lots
    expect_refused(5, [](OrderExtension& e) { e.time_in_force = TimeInForce::fok; });
    expect_refused(5, [](OrderExtension& e) { e.self_trade = SelfTradePrevention::decrement; });
}

TEST_F(OddSnapshot, WithdrawalsThatNobodyCanHaveRequestedAreRefused) {
    const AccountEntry account = hosted_account("newcomer");
    const auto with_withdrawal = [&](std::uint64_t nonce, std::uint32_t index, std::uint32_t count = 1) {
        std::vector<LooseEntry> added = {{StateDomain::accounts, encoded(account)},
                                         {StateDomain::balances, encoded(account.id, AssetId(2), {100, 5})}};
        for (std::uint32_t i = 0; i < count; ++i) {
            WithdrawalEntry entry;
            entry.account = account.id;
            entry.withdrawal.request = {AccountIndex(0), {nonce, index + i}};
            entry.withdrawal.asset = AssetId(2);
            entry.withdrawal.amount = 5;
            added.push_back({StateDomain::withdrawals, encoded(entry)});
        }
        return refusal_with(added);
    };
    // It fits its account, but nobody issued what the account has.
    EXPECT_THAT(with_withdrawal(9, 999), HasSubstr("balances are more than what was issued, asset 2"));
    const std::string refused = "a withdrawal was requested under a nonce that was not burnt";
    EXPECT_THAT(with_withdrawal(0, 0), HasSubstr(refused));
    EXPECT_THAT(with_withdrawal(10, 0), HasSubstr(refused));
    EXPECT_THAT(with_withdrawal(1'000'000, 0), HasSubstr(refused));
    EXPECT_THAT(with_withdrawal(9, 1'000), HasSubstr(refused));
    EXPECT_THAT(with_withdrawal(9, 0, 101), HasSubstr("has more withdrawals than the network allows"));
}

TEST_F(OddSnapshot, WithdrawalsUnderNoncesInAGapAreRefused) {
    AccountEntry account = hosted_account("newcomer");
    account.gaps = {{4, 5}};
    WithdrawalEntry entry;
    entry.account = account.id;
    entry.withdrawal.request = {AccountIndex(0), {5, 0}};
    entry.withdrawal.asset = AssetId(2);
    entry.withdrawal.amount = 5;
    EXPECT_THAT(
        refusal_with({{StateDomain::accounts, encoded(account)}, {StateDomain::withdrawals, encoded(entry)}}),
        HasSubstr("a withdrawal was requested under a nonce that was not burnt"));
}

TEST_F(OddSnapshot, AmountsWhoseSumsOverflowAreRefused) {
    constexpr Amount most = Amount{1} << supply_bits_max;
    // Modulo 2^128 they are nothing.
    std::vector<LooseEntry> added;
    for (int i = 0; i < 256; ++i) {
        const AccountEntry account = hosted_account("rich" + std::to_string(i));
        added.push_back({StateDomain::accounts, encoded(account)});
        added.push_back({StateDomain::balances, encoded(account.id, AssetId(0), {most, 0})});
    }
    EXPECT_THAT(refusal_with(added), HasSubstr("balances are more than what was issued, asset 0"));

    const AccountEntry account = hosted_account("waiting");
    added = {{StateDomain::accounts, encoded(account)},
             {StateDomain::balances, encoded(account.id, AssetId(2), {most, most})}};
    for (std::uint32_t i = 0; i < 100; ++i) {
        WithdrawalEntry entry;
        entry.account = account.id;
        entry.withdrawal.request = {AccountIndex(0), {1, i}};
        entry.withdrawal.asset = AssetId(2);
        entry.withdrawal.amount = most;
        added.push_back({StateDomain::withdrawals, encoded(entry)});
    }
    EXPECT_THAT(refusal_with(added), HasSubstr("more is reserved than an asset can have"));
}

TEST_F(OddSnapshot, LotsThatCannotBeCountedAreRefusedWithThoseThatWait) {
    constexpr std::int64_t many = std::int64_t{1} << 62;
    NetworkRules rules = state_world_rules();
    rules.markets[0].quantity_max = Quantity(many);
    // The first buys of that many lots; the second of them waits.
    const auto with_buys = [&](int count) {
        std::vector<LooseEntry> odd = entries;
        int changed = 0;
        for (LooseEntry& loose : odd) {
            if (loose.domain != StateDomain::orders || changed == count) continue;
            Decoder in(loose.bytes);
            OrderEntry entry = decode_order(in);
            Order& order = entry.order;
            if (order.market_number != 0 || order.is_sell != 0 || order.is_extended != 0) continue;
            order.leaves = order.quantity_or_extension = many;
            if (changed++ == 1) {
                order.is_waiting = order.is_extended = 1;
                entry.extension.limit = order.price;
                entry.extension.quantity = many;
            }
            loose.bytes = encoded(entry);
        }
        EXPECT_EQ(changed, count);
        return refusal(odd, snapshot.manifest, rules);
    };
    EXPECT_THAT(with_buys(1), HasSubstr("does not fit together"));
    EXPECT_THAT(with_buys(2), HasSubstr("more lots than can be counted"));
}

TEST_F(OddSnapshot, NoncesAbove63BitsAreRefused) {
    const auto with_highest = [&](std::uint64_t highest) {
        AccountEntry account = hosted_account("newcomer");
        account.highest_nonce = highest;
        account.gaps = {{highest - 3, highest - 2}};
        return refusal_with({{StateDomain::accounts, encoded(account)}});
    };
    EXPECT_EQ(with_highest(nonce_limit - 1), "restored");
    EXPECT_THAT(with_highest(nonce_limit), HasSubstr("highest nonce is above 63 bits"));
    EXPECT_THAT(with_highest(UINT64_MAX), HasSubstr("highest nonce is above 63 bits"));
}

TEST_F(OddSnapshot, AccountsWithNamesThatNoneHasAreRefused) {
    const auto with_name = [&](const std::string& name) {
        return refusal_with({{StateDomain::accounts, encoded(hosted_account(name))}});
    };
    EXPECT_EQ(with_name("new.comer_9-a"), "restored");
    for (const char* name : {"Newcomer", "new comer", "n\xc3\xa9", "a/b"})
        EXPECT_THAT(with_name(name), HasSubstr("is not what its owner and name make")) << name;
}

TEST_F(OddSnapshot, TheFeeAccountIsRefusedIfItWasCommanded) {
    const auto with_fee_account = [&](const std::function<void(AccountEntry&)>& change) {
        std::vector<LooseEntry> odd = entries;
        AccountEntry account;
        account.id = state_world_rules().fee_account;
        change(account);
        for (LooseEntry& entry : odd) {
            if (entry.domain == StateDomain::accounts &&
                std::equal(account.id.data.begin(), account.id.data.end(), entry.bytes.begin()))
                entry.bytes = encoded(account);
        }
        return refusal(odd);
    };
    EXPECT_EQ(with_fee_account([](AccountEntry&) {}), "restored");
    const std::string refused = "the fee account was commanded";
    EXPECT_THAT(with_fee_account([](AccountEntry& at) { at.highest_nonce = 1; }), HasSubstr(refused));
    EXPECT_THAT(with_fee_account([](AccountEntry& at) { at.cancel_after_ms = 1; }), HasSubstr(refused));
    EXPECT_THAT(with_fee_account([](AccountEntry& at) { at.commands = {1, 1}; }), HasSubstr(refused));
}

TEST_F(OddSnapshot, MoreThanTheNetworkAllowsIsRefused) {
    EXPECT_THAT(refusal_under([](NetworkRules& rules) { rules.accounts_max = 5; }),
                HasSubstr("more accounts than the network allows"));
    EXPECT_THAT(refusal_under([](NetworkRules& rules) { rules.accounts_per_owner_max = 5; }),
                HasSubstr("has more accounts than the network allows"));
    EXPECT_THAT(refusal_under([](NetworkRules& rules) { rules.open_orders_max = 5; }),
                HasSubstr("more orders than the network allows"));
    EXPECT_THAT(refusal_under([](NetworkRules& rules) { rules.open_orders_per_account_max = 3; }),
                HasSubstr("its account has more open orders than the network allows"));
    EXPECT_THAT(refusal_under([](NetworkRules& rules) { rules.proposals_max = 0; }),
                HasSubstr("more proposals than the network allows"));
    EXPECT_THAT(refusal_under([](NetworkRules& rules) { rules.withdrawals_per_account_max = 0; }),
                HasSubstr("has more withdrawals than the network allows"));
}

TEST_F(OddSnapshot, MarketsWithSymbolsThatNoneHasOrThatOthersHaveAreRefused) {
    const auto with_symbol = [&](const std::string& symbol) {
        CreateMarket create;
        create.base = AssetId(2);
        create.quote = AssetId(0);
        create.spec.symbol = symbol;
        create.spec.tick = create.spec.lot = "1";
        MarketEntry market;
        market.market = MarketId(3);
        market.state.created_from = create;
        return refusal_with({{StateDomain::markets, encoded(market)}});
    };
    EXPECT_EQ(with_symbol("A-0"), "restored");
    EXPECT_EQ(with_symbol(std::string(32, 'Z')), "restored");
    for (const std::string& symbol :
         {std::string(), std::string("a-0"), std::string("A/B"), std::string(33, 'Z'), std::string("A\0", 2)})
        EXPECT_THAT(with_symbol(symbol), HasSubstr("market 3 has a symbol that is none")) << symbol;
    for (const char* symbol : {"BTC-USD", "GEM-USD", "BTC-USD-B"})
        EXPECT_THAT(with_symbol(symbol), HasSubstr("market 3 has another market's symbol"));
}

TEST_F(OddSnapshot, TimesThatNoClockReachesAreRefused) {
    const auto with_switch = [&](std::int64_t at_ms) {
        AccountEntry account = hosted_account("newcomer");
        account.cancel_after_ms = at_ms;
        return refusal_with({{StateDomain::accounts, encoded(account)}});
    };
    EXPECT_EQ(with_switch(std::int64_t{1} << 53), "restored");
    for (const std::int64_t at : {std::int64_t{-1}, (std::int64_t{1} << 53) + 1, INT64_MAX})
        EXPECT_THAT(with_switch(at), HasSubstr("a dead-man switch is out of range"));

    const auto with_auction_until = [&](std::int64_t at_ms) {
        return refusal_with_market(1, [&](MarketEntry& market) {
            market.state.phase = MarketPhase::auction;
            market.state.auction_ends_at = WallTime{at_ms};
        });
    };
    EXPECT_EQ(with_auction_until(std::int64_t{1} << 53), "restored");
    for (const std::int64_t at : {std::int64_t{-1}, (std::int64_t{1} << 53) + 1, INT64_MAX})
        EXPECT_THAT(with_auction_until(at), HasSubstr("market 1 has an auction's end out of range"));
}

TEST_F(OddSnapshot, NoChangedByteMakesAnEngineThatIsNotAsItsSnapshot) {
    Random random(9);
    int restored_count = 0;
    for (int i = 0; i < 250; ++i) {
        std::vector<LooseEntry> odd = entries;
        Bytes& bytes = odd[random.below(odd.size())].bytes;
        bytes[random.below(bytes.size())] ^= static_cast<std::uint8_t>(1u << random.below(8));
        const std::string outcome = refusal(odd);
        EXPECT_THAT(outcome, testing::Not(HasSubstr("what was restored has another state root")));
        if (outcome == "restored") ++restored_count;
    }
    EXPECT_GT(restored_count, 0);  // a window's count, a switch: another state, but a sound one
    EXPECT_LT(restored_count, 150);
}

}  // namespace
}  // namespace peerbook::exchange

#include "tests/sim/order_flow.h"

#include "tests/support/toy_market.h"

namespace peerbook::sim {

using namespace exchange;

OrderFlow::OrderFlow(std::vector<PublicKey> owners, std::size_t self)
    : owners_(std::move(owners)), self_(self), accounts_{{"ann", 0}, {"ben", 0}} {}

namespace {

LimitOrder drawn_limit(Random& random) {
    LimitOrder order = testing::toy_limit(random.below(2) == 0 ? Side::buy : Side::sell,
                                          95 + static_cast<std::int64_t>(random.below(11)),
                                          1 + static_cast<std::int64_t>(random.below(9)));
    order.time_in_force = static_cast<TimeInForce>(random.below(8) < 6 ? 0 : 1 + random.below(2));
    order.post_only = order.time_in_force == TimeInForce::gtc && random.below(10) == 0;
    order.self_trade = static_cast<SelfTradePrevention>(random.below(4));
    return order;
}

// Icebergs, orders that expire, and stops.
SpecialOrder drawn_special(Random& random, WallTime now) {
    SpecialOrder special;
    special.order = drawn_limit(random);
    if (random.below(3) == 0) {
        const auto when = static_cast<TriggerWhen>(random.below(2));
        special.trigger = Trigger{Price(95 + static_cast<std::int64_t>(random.below(11))), when};
    }
    if (special.order.time_in_force != TimeInForce::gtc) return special;
    if (random.below(2) == 0) special.display = Quantity(1);
    if (random.below(2) == 0)
        special.expires_at = WallTime{now.ms + 20 + static_cast<std::int64_t>(random.below(600))};
    return special;
}

MassQuote drawn_quotes(Random& random) {
    MassQuote quotes;
    quotes.market = testing::toy_market;
    for (std::uint64_t i = random.below(4); i > 0; --i)
        quotes.quotes.push_back({random.below(2) == 0 ? Side::buy : Side::sell,
                                 Price(95 + static_cast<std::int64_t>(random.below(11))), Quantity(1)});
    return quotes;
}

}  // namespace

CommandBody OrderFlow::next_body(Random& random, Account& account, WallTime now) {
    const std::uint64_t nonce = account.nonce + 1;
    if (nonce == 1) return OpenAccount{account.name};
    if (nonce == 2) return Faucet{testing::toy_btc, 30 * 100'000};
    if (nonce == 3) return Faucet{testing::toy_usd, 3'000};
    const std::uint64_t dice = random.below(100);
    const CommandRef earlier{1 + random.below(account.nonce), 0};
    if (dice < 40) return drawn_limit(random);
    if (dice < 52) return Boxed<SpecialOrder>(drawn_special(random, now));
    if (dice < 57)
        return Boxed<ReplaceOrder>(ReplaceOrder{
            earlier, Price(95 + static_cast<std::int64_t>(random.below(11))), Quantity(3), false, {}, {}});
    if (dice < 60) return drawn_quotes(random);
    if (dice < 74) return CancelOrder{earlier};
    if (dice < 76) return CancelAll{};
    if (dice < 77)
        return CancelAfter{Duration::milliseconds(1 + static_cast<std::int64_t>(random.below(300)))};
    if (dice < 82) return ReduceOrder{earlier, Quantity(1 + static_cast<std::int64_t>(random.below(3)))};
    if (dice < 90) {
        const PublicKey& owner = owners_[static_cast<std::size_t>(random.below(owners_.size()))];
        return Boxed<Transfer>(Transfer{hosted_account_id(owner, random.below(2) == 0 ? "ann" : "ben"),
                                        testing::toy_usd, 1 + static_cast<Amount>(random.below(400))});
    }
    return Faucet{testing::toy_usd, 1 + static_cast<Amount>(random.below(300))};
}

OrderFlow::Order OrderFlow::next(Random& random, WallTime now) {
    Account& account = accounts_[static_cast<std::size_t>(random.below(accounts_.size()))];
    CommandBody body = next_body(random, account, now);
    ++commands_made_;
    return {account.name, ++account.nonce, std::move(body)};
}

std::vector<Command> OrderFlow::next(Random& random, std::size_t count, WallTime now) {
    std::vector<Command> commands;
    for (std::size_t i = 0; i < count; ++i) {
        Order order = next(random, now);
        commands.push_back(
            testing::toy_command(owners_[self_], order.account, order.nonce, std::move(order.body)));
    }
    return commands;
}

}  // namespace peerbook::sim

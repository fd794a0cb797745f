// Command bodies for tests of their encoding: one of each kind with each optional part, and random ones.
#pragma once

#include <limits>
#include <random>
#include <vector>

#include "exchange/engine/command.h"

namespace peerbook::exchange {

inline AccountId account_of(std::uint8_t byte) {
    AccountId account;
    account.data.fill(byte);
    return account;
}

inline MarketSpec sample_spec() {
    MarketSpec spec;
    spec.symbol = "BTC-USD";
    spec.tick = "0.01";
    spec.lot = "0.001";
    spec.price_max = "1000000";
    spec.quantity_max = "500";
    spec.maker_fee_ppm = 100;
    spec.taker_fee_ppm = 500;
    spec.quantity_min = "0.002";
    spec.notional_min = "5";
    spec.band_ppm = 50'000;
    spec.matching = MatchingMode::batch;
    spec.auction = Duration::seconds(60);
    return spec;
}

// Limit orders in every combination of side, time in force, post-only and self-trade mode.
inline std::vector<LimitOrder> limit_orders() {
    std::vector<LimitOrder> orders;
    for (unsigned bits = 0; bits < 48; ++bits) {
        LimitOrder order{MarketId(300), Side::buy, TimeInForce::gtc, false, {}, Price(600'000), Quantity(7)};
        order.side = static_cast<Side>(bits & 1);
        order.post_only = (bits & 2) != 0;
        order.self_trade = static_cast<SelfTradePrevention>(bits >> 2 & 3);
        order.time_in_force = static_cast<TimeInForce>(bits >> 4);
        orders.push_back(order);
    }
    return orders;
}

inline void add_special_orders(std::vector<CommandBody>& bodies) {
    for (unsigned bits = 0; bits < 32; ++bits) {
        SpecialOrder special;
        special.order = limit_orders()[bits];
        if ((bits & 1) != 0) special.display = Quantity(3);
        if ((bits & 2) != 0) special.expires_at = WallTime{1'800'000'000'000};
        if ((bits & 4) != 0) special.budget = Amount{1} << 90;
        if ((bits & 8) != 0)
            special.trigger = Trigger{Price(610'000), static_cast<TriggerWhen>(bits >> 4 & 1)};
        bodies.emplace_back(special);
    }
}

inline void add_changes_of_orders(std::vector<CommandBody>& bodies) {
    bodies.emplace_back(CancelOrder{{9, 4}});
    bodies.emplace_back(ReduceOrder{{10, 0}, Quantity(5)});
    for (unsigned bits = 0; bits < 16; ++bits) {
        ReplaceOrder replace{{11, 2}, Price(5), Quantity(6), (bits & 1) != 0, {}, {}};
        replace.self_trade = static_cast<SelfTradePrevention>(bits >> 1 & 3);
        if ((bits & 8) != 0) replace.trigger = Price(4);
        bodies.emplace_back(replace);
    }
    for (const std::optional<MarketId> market : {std::optional<MarketId>(), std::optional(MarketId(2))})
        for (const std::optional<Side> side :
             {std::optional<Side>(), std::optional(Side::buy), std::optional(Side::sell)})
            bodies.emplace_back(CancelAll{market, side});
    bodies.emplace_back(CancelAfter{});
    bodies.emplace_back(CancelAfter{Duration::milliseconds(1)});
    bodies.emplace_back(CancelAfter{cancel_after_max});
    bodies.emplace_back(MassQuote{MarketId(1), {}});
    bodies.emplace_back(
        MassQuote{MarketId(1), {{Side::buy, Price(99), Quantity(4)}, {Side::sell, Price(101), Quantity(5)}}});
}

// At least one body of each kind, and each combination of flags and optional parts.
inline std::vector<CommandBody> one_of_each() {
    std::vector<CommandBody> bodies(1);
    for (const LimitOrder& order : limit_orders())
        bodies.emplace_back(order);
    for (unsigned bits = 0; bits < 8; ++bits)
        bodies.emplace_back(MarketOrder{MarketId(1), static_cast<Side>(bits & 1),
                                        static_cast<SelfTradePrevention>(bits >> 1), Quantity(77),
                                        Price(42)});
    for (unsigned mode = 0; mode < 4; ++mode)
        bodies.emplace_back(
            BudgetOrder{MarketId(2), static_cast<SelfTradePrevention>(mode), Price(8), Amount{1} << 99});
    add_special_orders(bodies);
    add_changes_of_orders(bodies);
    bodies.emplace_back(OpenAccount{"alice"});
    bodies.emplace_back(Faucet{AssetId(2), Amount{1} << 100});
    bodies.emplace_back(Transfer{account_of(8), AssetId(1), -5});
    bodies.emplace_back(Issue{account_of(9), AssetId(1), Amount{1} << 120});
    bodies.emplace_back(Redeem{AssetId(3), 1});
    bodies.emplace_back(RequestWithdrawal{AssetId(3), 2, "an address, or none of our business"});
    bodies.emplace_back(SettleWithdrawal{account_of(4), {12, 1}, false});
    bodies.emplace_back(SettleWithdrawal{account_of(4), {12, 1}, true});
    bodies.emplace_back(Administer{CreateMarket{AssetId(0), AssetId(1), sample_spec()}, 5});
    bodies.emplace_back(Administer{CreateMarket{}, 0});
    bodies.emplace_back(Administer{HaltMarket{MarketId(3)}, 6});
    bodies.emplace_back(Administer{ResumeMarket{MarketId(3)}, 7});
    return bodies;
}

// Random values, all of which have an encoding. Extremes are as likely as small numbers.
class RandomBodies {
  public:
    explicit RandomBodies(std::uint64_t seed) : random_(seed) {}

    CommandBody next() {
        switch (random_() % 9) {
            case 0:
                return limit();
            case 1:
                return MarketOrder{id<MarketId>(), choice<Side>(2), choice<SelfTradePrevention>(4),
                                   Quantity(number()), Price(number())};
            case 2:
                return special();
            case 3:
                return change();
            case 4:
                return mass_quote();
            case 5:
                return money();
            case 6:
                return withdrawal();
            case 7:
                return administer();
            default:
                return OpenAccount{text(account_name_length_max)};
        }
    }
    std::uint64_t below(std::uint64_t end) { return random_() % end; }

  private:
    bool coin() { return random_() % 2 == 0; }
    std::int64_t number() { return static_cast<std::int64_t>(random_()) >> (random_() % 64); }
    Amount amount() {
        const auto high = static_cast<unsigned __int128>(random_()) << 64;
        return static_cast<Amount>(high | random_()) >> (random_() % 128);
    }
    std::uint32_t u32() { return static_cast<std::uint32_t>(random_() >> 32) >> (random_() % 32); }
    template <typename Id>
    Id id() {
        return Id(u32());
    }
    template <typename Enum>
    Enum choice(unsigned count) {
        return static_cast<Enum>(random_() % count);
    }
    CommandRef ref() { return {random_() >> (random_() % 64), u32()}; }
    AccountId account() { return account_of(static_cast<std::uint8_t>(random_())); }
    std::string text(std::size_t size_max) {
        std::string text(random_() % (size_max + 1), ' ');
        for (char& c : text)
            c = static_cast<char>(random_());
        return text;
    }
    Duration span() {
        const std::int64_t ms = number() % (std::numeric_limits<std::int64_t>::max() / 1'000'000);
        return Duration::milliseconds(ms);
    }

    LimitOrder limit() {
        return {id<MarketId>(),
                choice<Side>(2),
                choice<TimeInForce>(3),
                coin(),
                choice<SelfTradePrevention>(4),
                Price(number()),
                Quantity(number())};
    }
    SpecialOrder special() {
        SpecialOrder special;
        special.order = limit();
        if (coin()) special.display = Quantity(number());
        if (coin()) special.expires_at = WallTime{number()};
        if (coin()) special.trigger = Trigger{Price(number()), choice<TriggerWhen>(2)};
        if (coin()) special.budget = amount();
        return special;
    }
    CommandBody change() {
        switch (random_() % 5) {
            case 0:
                return CancelOrder{ref()};
            case 1:
                return ReduceOrder{ref(), Quantity(number())};
            case 2: {
                ReplaceOrder replace{
                    ref(), Price(number()), Quantity(number()), coin(), choice<SelfTradePrevention>(4), {}};
                if (coin()) replace.trigger = Price(number());
                return replace;
            }
            case 3: {
                CancelAll all;
                if (coin()) all.market = id<MarketId>();
                if (coin()) all.side = choice<Side>(2);
                return all;
            }
            default:
                return coin() ? CancelAfter{} : CancelAfter{span()};
        }
    }
    MassQuote mass_quote() {
        MassQuote mass{id<MarketId>(), {}};
        mass.quotes.resize(random_() % (random_() % 32 == 0 ? signed_batch_commands_max + 1 : 5));
        for (Quote& quote : mass.quotes)
            quote = {choice<Side>(2), Price(number()), Quantity(number())};
        return mass;
    }
    CommandBody money() {
        switch (random_() % 5) {
            case 0:
                return BudgetOrder{id<MarketId>(), choice<SelfTradePrevention>(4), Price(number()), amount()};
            case 1:
                return Faucet{id<AssetId>(), amount()};
            case 2:
                return Transfer{account(), id<AssetId>(), amount()};
            case 3:
                return Issue{account(), id<AssetId>(), amount()};
            default:
                return Redeem{id<AssetId>(), amount()};
        }
    }
    CommandBody withdrawal() {
        if (coin()) return RequestWithdrawal{id<AssetId>(), amount(), text(destination_length_max)};
        return SettleWithdrawal{account(), ref(), coin()};
    }
    Administer administer() {
        Administer administer;
        administer.reference = ref().nonce;
        if (coin()) {
            if (coin())
                administer.action = HaltMarket{id<MarketId>()};
            else
                administer.action = ResumeMarket{id<MarketId>()};
            return administer;
        }
        CreateMarket create{id<AssetId>(), id<AssetId>(), {}};
        MarketSpec& spec = create.spec;
        for (std::string* field : {&spec.symbol, &spec.tick, &spec.lot, &spec.price_max, &spec.quantity_max,
                                   &spec.quantity_min, &spec.notional_min})
            *field = text(market_text_length_max);
        for (std::uint32_t* field : {&spec.maker_fee_ppm, &spec.taker_fee_ppm, &spec.band_ppm})
            *field = u32();
        spec.matching = choice<MatchingMode>(2);
        spec.auction = span();
        administer.action = create;
        return administer;
    }

    std::mt19937_64 random_;
};

}  // namespace peerbook::exchange

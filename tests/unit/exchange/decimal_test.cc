#include "exchange/market/decimal.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace peerbook::exchange {
namespace {

AssetRules asset(const std::string& name, unsigned decimals) {
    return {name, decimals, std::nullopt};
}

const AssetRules usd = asset("USD", 8);
const AssetRules btc = asset("BTC", 8);

MarketSpec spec_of(const std::string& tick, const std::string& lot, const std::string& price_max = "",
                   const std::string& quantity_max = "") {
    MarketSpec spec;
    spec.symbol = "BTC-USD";
    spec.tick = tick;
    spec.lot = lot;
    spec.price_max = price_max;
    spec.quantity_max = quantity_max;
    spec.maker_fee_ppm = 100;
    spec.taker_fee_ppm = 200;
    return spec;
}

Result<MarketRules> make(const MarketSpec& spec) {
    return make_market_rules(spec, AssetId(0), btc, AssetId(1), usd);
}

Result<MarketRules> market(const std::string& tick, const std::string& lot, const std::string& price_max = "",
                           const std::string& quantity_max = "") {
    return make(spec_of(tick, lot, price_max, quantity_max));
}

// What is said about a market with 0.01 ticks, 0.001 lots and at most 10 lots, after `change`; "" if it is
// fine.
std::string refusal(void (*change)(MarketSpec&)) {
    MarketSpec spec = spec_of("0.01", "0.001", "100", "0.01");
    change(spec);
    const Result<MarketRules> made = make(spec);
    return made.ok() ? "" : made.error().message;
}

TEST(Amounts, ParseExactlyAndPrintShortest) {
    EXPECT_EQ(*parse_amount("12", 8), Amount{1'200'000'000});
    EXPECT_EQ(*parse_amount("0.00000001", 8), 1);
    EXPECT_EQ(*parse_amount("1.50000000000000", 1), 15);
    EXPECT_EQ(*parse_amount("0", 0), 0);
    EXPECT_EQ(format_amount(1'200'000'000, 8), "12");
    EXPECT_EQ(format_amount(1, 8), "0.00000001");
    EXPECT_EQ(format_amount(-150, 2), "-1.5");
    EXPECT_EQ(format_amount(0, 8), "0");
    EXPECT_EQ(format_amount(100, 0), "100");
    EXPECT_EQ(format_i128(-(Amount{1} << 100)), "-1267650600228229401496703205376");
    EXPECT_EQ(*parse_amount(format_amount(Amount{1} << 120, 18), 18), Amount{1} << 120);
}

TEST(Amounts, RefuseWhatIsNoPlainDecimal) {
    for (const char* text : {"", ".", "1.", ".5", "-1", "+1", "1e5", " 1", "1 ", "1,5", "0x1", "1..2",
                             "1.2.3", "nan", "\xc3\xa9", "١"})
        EXPECT_FALSE(parse_amount(text, 8).ok()) << text;
    EXPECT_FALSE(parse_amount("0.123456789", 8).ok());
    EXPECT_FALSE(parse_amount(std::string(400, '9'), 8).ok());
    EXPECT_FALSE(parse_amount(std::string(80, '9'), 8).ok());
    EXPECT_NE(parse_amount("-1", 8).error().message.find("negative"), std::string::npos);
}

TEST(Prices, AreMultiplesOfTheTickWithinTheMaximum) {
    const MarketRules rules = *market("0.01", "0.000001", "100000", "10");
    EXPECT_EQ(*parse_price("60000.5", rules), Price(6'000'050));
    EXPECT_EQ(*parse_price("100000", rules), Price(10'000'000));
    EXPECT_EQ(format_price(Price(6'000'050), rules), "60000.5");
    EXPECT_EQ(*parse_quantity("0.5", rules), Quantity(500'000));
    EXPECT_EQ(format_quantity(Quantity(500'001), rules), "0.500001");
    for (const char* text : {"0.30000000000000004", "0.005", "0", "0.00", "100000.01", "1e4", "-5"})
        EXPECT_FALSE(parse_price(text, rules).ok()) << text;
    for (const std::string& text :
         {std::string("0.0000001"), std::string("10.000001"), std::string("0"), std::string(70, '9')})
        EXPECT_FALSE(parse_quantity(text, rules).ok()) << text;
}

TEST(MarketRules, HaveAnExactConstant) {
    const MarketRules rules = *market("0.01", "0.000001");
    EXPECT_EQ(rules.notional_constant, 1);
    EXPECT_EQ(rules.lot_units, 100);
    EXPECT_EQ(rules.price_max, Price(1'000'000'000));
    EXPECT_EQ(rules.quantity_max, Quantity(1'000'000'000'000));
    EXPECT_EQ(market("0.25", "5")->notional_constant, 125'000'000);
}

TEST(MarketRules, RefuseWhatCannotBeExactOrBounded) {
    EXPECT_FALSE(market("0.001", "0.000001").ok());  // 10^-9 of a quote asset with 8 decimals
    EXPECT_FALSE(market("1", "0.000000001").ok());   // below the base asset's units
    EXPECT_FALSE(market("0", "1").ok());
    EXPECT_FALSE(market("1", "0").ok());
    EXPECT_FALSE(market("x", "1").ok());
    EXPECT_FALSE(market("1", "1", "0.5").ok());  // no multiple of the tick
    EXPECT_FALSE(market("1", "1", "1000000000000000000", "1000000000000000000").ok());  // beyond 2^100
    EXPECT_FALSE(market("1", "1", "10000000000000000000").ok());                        // beyond 10^18 ticks
    EXPECT_FALSE(market(std::string(60, '9'), "1").ok());
    EXPECT_FALSE(make_market_rules(spec_of("1", "1"), AssetId(0), btc, AssetId(0), btc).ok());
    EXPECT_FALSE(make_market_rules(spec_of("1", "1"), AssetId(0), asset("A", 19), AssetId(1), usd).ok());
    EXPECT_NE(refusal([](MarketSpec& spec) { spec.maker_fee_ppm = 100'001; }), "");
}

TEST(MarketRules, DefaultMaximaKeepWithinTheBound) {
    const MarketRules rules = *market("1000000", "1000000");
    const Amount largest =
        static_cast<Amount>(rules.price_max.value()) * rules.quantity_max.value() * rules.notional_constant;
    EXPECT_GT(largest, 0);
    EXPECT_LE(largest, Amount{1} << notional_bits_max);
}

TEST(MarketRules, MayBoundAnOrderFromBelow) {
    MarketSpec spec = spec_of("0.01", "0.001", "100", "0.01");
    EXPECT_EQ(make(spec)->quantity_min, Quantity(1));
    EXPECT_EQ(make(spec)->notional_min, 0);
    spec.quantity_min = "0.002";
    spec.notional_min = "0.5";
    EXPECT_EQ(make(spec)->quantity_min, Quantity(2));
    EXPECT_EQ(make(spec)->notional_min, Amount{50'000'000});
    spec.quantity_min = "0.01";
    spec.notional_min = "1";
    EXPECT_TRUE(make(spec).ok()) << "the least may be the most";
}

TEST(MarketRules, CarryBandMatchingAndAuction) {
    MarketSpec spec = spec_of("0.01", "0.001");
    spec.band_ppm = 999'999;
    spec.matching = MatchingMode::batch;
    spec.auction = auction_max;
    const MarketRules rules = *make(spec);
    EXPECT_EQ(rules.band_ppm, 999'999u);
    EXPECT_EQ(rules.matching, MatchingMode::batch);
    EXPECT_EQ(rules.auction, auction_max);
}

TEST(MarketRules, ARefusalNamesTheField) {
    EXPECT_EQ(refusal([](MarketSpec&) {}), "");
    EXPECT_EQ(refusal([](MarketSpec& spec) { spec.quantity_min = "0.011"; }),
              "market BTC-USD: quantity_min 0.011 is above quantity_max 0.01");
    EXPECT_EQ(refusal([](MarketSpec& spec) { spec.quantity_min = "0.0001"; }),
              "market BTC-USD: quantity_min: '0.0001' is no multiple of its unit");
    EXPECT_EQ(refusal([](MarketSpec& spec) { spec.notional_min = "0.000000001"; }),
              "market BTC-USD: notional_min: '0.000000001' has more than 8 decimal places");
    EXPECT_EQ(refusal([](MarketSpec& spec) { spec.notional_min = "1.01"; }),
              "market BTC-USD: notional_min 1.01 is above what the largest order is worth, 1 USD");
    EXPECT_EQ(refusal([](MarketSpec& spec) { spec.band_ppm = 1'000'000; }),
              "market BTC-USD: band_ppm 1000000 is not below 1000000, the whole price");
    for (const Duration wrong : {Duration::microseconds(1'500), Duration::milliseconds(-1),
                                 auction_max + Duration::milliseconds(1)}) {
        MarketSpec spec = spec_of("1", "1");
        spec.auction = wrong;
        const Result<MarketRules> made = make(spec);
        ASSERT_FALSE(made.ok());
        EXPECT_EQ(made.error().message,
                  "market BTC-USD: auction must be whole milliseconds from 0 to 86400000");
    }
}

// A text of up to 19 characters is computed in 64 bits, a longer one is not. Zeros in front make any text
// long and mean nothing, so both ways must come to the same.
class ShortNumbers : public ::testing::Test {
  protected:
    static std::string drawn_text(Random& random) {
        static const std::string signs = "0123456789000.";
        const std::size_t size = 1 + static_cast<std::size_t>(random.below(21));
        std::string text;
        for (std::size_t i = 0; i < size; ++i)
            text += signs[static_cast<std::size_t>(random.below(random.chance(5'000) ? 14 : 13))];
        if (random.chance(800'000)) text.insert(text.size() - random.below(text.size()), 1, '.');
        if (random.chance(20'000)) text[static_cast<std::size_t>(random.below(text.size()))] = 'x';
        return text;
    }
    static std::string lengthened(const std::string& text) { return std::string(20, '0') + text; }

    template <typename T>
    static void expect_same(const std::string& text, const Result<T>& is, const Result<T>& should) {
        ASSERT_EQ(is.ok(), should.ok()) << text;
        EXPECT_TRUE(is.ok() ? *is == *should : is.error().code == should.error().code) << text;
    }
};

TEST_F(ShortNumbers, AmountsComeOutAsTheyDoFromLongOnes) {
    Random random(1);
    std::size_t good = 0;
    for (int i = 0; i < 30'000; ++i) {
        const std::string text = drawn_text(random);
        if (text.front() == '.') continue;  // zeros in front would make it right
        const auto decimals = static_cast<unsigned>(random.below(asset_decimals_max + 1));
        const Result<Amount> amount = parse_amount(text, decimals);
        expect_same(text, amount, parse_amount(lengthened(text), decimals));
        good += amount.ok();
        if (!amount.ok()) continue;
        EXPECT_TRUE(*parse_amount(format_amount(*amount, decimals), decimals) == *amount);
    }
    EXPECT_GT(good, 3'000u);
}

TEST_F(ShortNumbers, PricesAndQuantitiesComeOutAsTheyDoFromLongOnes) {
    Random random(2);
    const std::vector<std::string> units = {"1", "0.01",    "0.00000001", "0.25",
                                            "5", "1000000", "0.3",        "0.0125"};
    std::size_t good = 0;
    for (int i = 0; i < 30'000; ++i) {
        MarketRules rules;
        rules.tick_text = rules.lot_text = units[static_cast<std::size_t>(random.below(units.size()))];
        MarketRules long_rules = rules;
        long_rules.tick_text = long_rules.lot_text = lengthened(rules.tick_text);
        const auto most = static_cast<std::int64_t>(1 + random.below(std::uint64_t{1} << random.below(63)));
        rules.price_max = long_rules.price_max = Price(most);
        rules.quantity_max = long_rules.quantity_max = Quantity(most);
        std::string text = drawn_text(random);
        if (random.chance(500'000)) {
            const Price whole(static_cast<std::int64_t>(1 + random.below(static_cast<std::uint64_t>(most))));
            text = format_price(whole, rules);
            EXPECT_EQ(text, format_price(whole, long_rules));
        }
        if (text.front() == '.') continue;
        const Result<Price> price = parse_price(text, rules);
        expect_same(text, price, parse_price(lengthened(text), long_rules));
        expect_same(text, parse_quantity(text, rules), parse_quantity(text, long_rules));
        good += price.ok();
    }
    EXPECT_GT(good, 3'000u);
}

TEST_F(ShortNumbers, TheEdgesOf64BitsAreExact) {
    EXPECT_TRUE(*parse_amount("9999999999999999999", 0) == Amount{9'999'999'999'999'999'999u});
    EXPECT_TRUE(*parse_amount("1000000000000000000", 18) ==
                Amount{1'000'000'000'000'000'000} * 1'000'000'000'000'000'000);
    EXPECT_FALSE(parse_amount("9999999999999999999", 18).ok()) << "beyond 2^120";
    EXPECT_EQ(format_amount(INT64_MIN, 18), "-9.223372036854775808");
    EXPECT_EQ(format_amount(Amount{INT64_MAX} + 1, 18), "9.223372036854775808");
    EXPECT_EQ(format_i128(Amount{INT64_MIN} - 1), "-9223372036854775809");
    MarketRules rules;
    rules.tick_text = "1000000000";
    EXPECT_EQ(format_price(Price(INT64_MAX), rules), "9223372036854775807000000000");
    rules.price_max = Price(INT64_MAX);
    EXPECT_EQ(*parse_price("9223372036854775807000000000", rules), Price(INT64_MAX));
}

}  // namespace
}  // namespace peerbook::exchange

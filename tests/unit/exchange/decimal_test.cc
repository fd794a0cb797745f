#include "exchange/market/decimal.h"

#include <gtest/gtest.h>

namespace peerbook::exchange {
namespace {

const AssetRules usd{"USD", 8};
const AssetRules btc{"BTC", 8};

Result<MarketRules> market(const std::string& tick, const std::string& lot, const std::string& price_max = "",
                           const std::string& quantity_max = "") {
    return make_market_rules({"BTC-USD", tick, lot, price_max, quantity_max, 100, 200}, AssetId(0), btc,
                             AssetId(1), usd);
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
    EXPECT_FALSE(make_market_rules({"A-A", "1", "1", "", "", 0, 0}, AssetId(0), btc, AssetId(0), btc).ok());
    EXPECT_FALSE(
        make_market_rules({"A-B", "1", "1", "", "", 100'001, 0}, AssetId(0), btc, AssetId(1), usd).ok());
    EXPECT_FALSE(
        make_market_rules({"A-B", "1", "1", "", "", 0, 0}, AssetId(0), {"A", 19}, AssetId(1), usd).ok());
}

TEST(MarketRules, DefaultMaximaKeepWithinTheBound) {
    const MarketRules rules = *market("1000000", "1000000");
    const Amount largest =
        static_cast<Amount>(rules.price_max.value()) * rules.quantity_max.value() * rules.notional_constant;
    EXPECT_GT(largest, 0);
    EXPECT_LE(largest, Amount{1} << notional_bits_max);
}

}  // namespace
}  // namespace peerbook::exchange

#include "app/api/order_entry.h"

#include "app/api/protection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/api/fake_node.h"

namespace peerbook::app {
namespace {

using ::testing::HasSubstr;

class OrderEntryTest : public ::testing::Test {
  protected:
    static Draft market_order(exchange::MarketId market, exchange::Side side) {
        Draft draft;
        draft.intent.account = "alice";
        draft.intent.body = exchange::MarketOrder{market, side, {}, exchange::Quantity(1), {}};
        draft.needs_protection = true;
        return draft;
    }
    static BookAnswer last_price(exchange::MarketId market, std::int64_t ticks) {
        BookAnswer book;
        book.market = market;
        book.last = exchange::Price(ticks);
        return book;
    }
    void submit(std::vector<Draft> drafts) {
        submit_drafts(node_, markets_, std::move(drafts), Grade::provisional,
                      [this](ApiResult<SubmitAnswer> answer) {
                          ++answers_;
                          if (!answer.ok()) error_ = answer.error();
                      });
    }
    exchange::Price protection(std::size_t index) const {
        return std::get<exchange::MarketOrder>(node_.submitted.at(0).intents.at(index).body).protection;
    }

    testing::FakeNode node_;
    std::shared_ptr<const MarketTable> markets_ = std::make_shared<const MarketTable>(node_.rules());
    std::optional<ApiError> error_;
    int answers_ = 0;
};

TEST_F(OrderEntryTest, ProtectionLiesFivePercentBeyondTheLastPrice) {
    node_.will_tell(last_price(testing::btc_usd, 1'000));
    submit({market_order(testing::btc_usd, exchange::Side::buy),
            market_order(testing::btc_usd, exchange::Side::sell)});
    EXPECT_EQ(answers_, 1);
    EXPECT_EQ(node_.asked.size(), 1u);
    EXPECT_EQ(protection(0), exchange::Price(1'050));
    EXPECT_EQ(protection(1), exchange::Price(950));
}

TEST_F(OrderEntryTest, EachMarketIsAskedForOnce) {
    node_.will_tell(last_price(testing::btc_usd, 1'000));
    node_.will_tell(last_price(testing::eth_usd, 200));
    submit({market_order(testing::btc_usd, exchange::Side::buy),
            market_order(testing::eth_usd, exchange::Side::buy),
            market_order(testing::btc_usd, exchange::Side::buy)});
    EXPECT_EQ(node_.asked.size(), 2u);
    ASSERT_EQ(node_.submitted.size(), 1u);
    EXPECT_EQ(protection(1), exchange::Price(210));
    EXPECT_EQ(protection(2), exchange::Price(1'050));
}

TEST_F(OrderEntryTest, WithoutALastPriceAProtectionMustBeGiven) {
    node_.will_tell(BookAnswer{});
    submit({market_order(testing::btc_usd, exchange::Side::buy)});
    ASSERT_TRUE(error_);
    EXPECT_EQ(error_->field, "protection");
    EXPECT_THAT(error_->message, HasSubstr("give a protection price"));
    EXPECT_TRUE(node_.submitted.empty());
}

TEST_F(OrderEntryTest, ABusyNodeIsPassedOn) {
    node_.will_refuse({ErrorCode::unavailable, "queue full"});
    Draft draft = market_order(testing::btc_usd, exchange::Side::buy);
    draft.needs_protection = false;
    submit({draft});
    ASSERT_TRUE(error_);
    EXPECT_EQ(error_->code, ErrorCode::unavailable);
}

TEST_F(OrderEntryTest, ABudgetIsProtectedAsABuyIs) {
    node_.will_tell(last_price(testing::btc_usd, 1'000));
    Draft draft = market_order(testing::btc_usd, exchange::Side::buy);
    draft.intent.body = exchange::BudgetOrder{testing::btc_usd, {}, {}, 5};
    submit({draft});
    const auto& order = std::get<exchange::BudgetOrder>(node_.submitted.at(0).intents.at(0).body);
    EXPECT_EQ(order.protection, exchange::Price(1'050));
    EXPECT_TRUE(order.budget == 5);
}

TEST(ProtectionPrice, StaysInsideHalfTheBand) {
    auto market = testing::two_markets().markets[0];
    market.band_ppm = 20'000;
    EXPECT_EQ(protection_price(exchange::Price(10'000), exchange::Side::buy, market),
              exchange::Price(10'100));
    EXPECT_EQ(protection_price(exchange::Price(10'000), exchange::Side::sell, market),
              exchange::Price(9'900));
    market.band_ppm = 500'000;
    EXPECT_EQ(protection_price(exchange::Price(10'000), exchange::Side::buy, market),
              exchange::Price(10'500));
}

TEST(ProtectionPrice, RoundsTowardsTheLastPriceAndStaysInRange) {
    const auto rules = testing::two_markets();
    const auto& market = rules.markets[0];
    EXPECT_EQ(protection_price(exchange::Price(19), exchange::Side::buy, market), exchange::Price(19));
    EXPECT_EQ(protection_price(exchange::Price(39), exchange::Side::sell, market), exchange::Price(38));
    EXPECT_EQ(protection_price(exchange::Price(1), exchange::Side::sell, market), exchange::Price(1));
    EXPECT_EQ(protection_price(market.price_max, exchange::Side::buy, market), market.price_max);
}

}  // namespace
}  // namespace peerbook::app

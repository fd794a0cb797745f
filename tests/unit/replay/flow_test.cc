#include "app/replay/flow.h"

#include <initializer_list>

#include "app/replay/lobster.h"
#include "tests/unit/replay/naive_market.h"
#include "tests/unit/replay/temp_file.h"

namespace peerbook::app::replay {
namespace {

Recording lobster(std::initializer_list<const char*> lines) {
    Recording recording;
    recording.price_decimals = lobster_price_decimals;
    for (const char* line : lines)
        recording.events.push_back(*parse_lobster_message(line, recording.rows++));
    return recording;
}

Flow flow_of(const Recording& recording, const OfficialBook* official = nullptr) {
    return *build_flow(recording, *make_scale(recording, share_market()), official);
}

// "place buy 100@58533 #0" for each command, so that a failure can be read.
std::vector<std::string> text_of(const Flow& flow) {
    std::vector<std::string> out;
    for (const FlowCommand& command : flow.commands) {
        const std::string order = " #" + std::to_string(command.order);
        const std::string side = command.side == exchange::Side::buy ? "buy " : "sell ";
        const std::string amount = std::to_string(command.quantity);
        if (command.kind == FlowKind::cancel) {
            out.push_back("cancel" + order);
        } else if (command.kind == FlowKind::reduce) {
            out.push_back("reduce " + amount + order);
        } else {
            out.push_back((command.kind == FlowKind::place ? "place " : "take ") + side + amount + "@" +
                          std::to_string(command.price) + order);
        }
    }
    return out;
}

using Text = std::vector<std::string>;

TEST(Flow, EachMessageBecomesItsCommand) {
    const Flow flow = flow_of(lobster({
        "1,1,11,100,5853300,1",
        "2,2,11,30,5853300,1",
        "3,4,11,20,5853300,1",
        "4,3,11,50,5853300,1",
        "5,5,0,10,5853350,1",
        "6,7,0,0,-1,-1",
    }));
    EXPECT_EQ(text_of(flow),
              (Text{"place buy 100@58533 #0", "reduce 30 #0", "take sell 20@58533 #0", "cancel #0"}));
    EXPECT_EQ(flow.counts.hidden, 1u);
    EXPECT_EQ(flow.counts.halts, 1u);
    EXPECT_EQ(flow.counts.executions, 1u);
    EXPECT_EQ(flow.counts.executed_lots, 20);
    EXPECT_EQ(flow.counts.buy_notional_peak, 100 * 58'533);
    EXPECT_EQ(flow.counts.traded_notional, 20 * 58'533);
    ASSERT_EQ(flow.trades.size(), 1u);
    EXPECT_EQ(flow.trades[0].maker, 0u);
    EXPECT_EQ(flow.trades[0].taker, 2u);
    EXPECT_FALSE(flow.trades[0].taker_is_order);
}

TEST(Flow, AnUnknownOrderIsPlacedJustBeforeItsFirstEvent) {
    const Flow flow =
        flow_of(lobster({"1,4,11,20,5853300,-1", "2,2,12,30,5853400,-1", "3,3,12,70,5853400,-1"}));
    EXPECT_EQ(text_of(flow), (Text{"place sell 20@58533 #0", "take buy 20@58533 #0",  //
                                   "place sell 30@58534 #1", "cancel #1",             //
                                   "place sell 70@58534 #2", "cancel #2"}));
    EXPECT_EQ(flow.counts.seeded, 3u);
    EXPECT_TRUE(flow.commands[0].repair);
    EXPECT_FALSE(flow.commands[1].repair);
    EXPECT_TRUE(flow.orders[0].seeded);
}

TEST(Flow, AnEventAboveWhatIsLeftIsCut) {
    const Flow flow = flow_of(lobster({"1,1,11,100,5853300,1", "2,4,11,150,5853300,1"}));
    EXPECT_EQ(text_of(flow), (Text{"place buy 100@58533 #0", "take sell 100@58533 #0"}));
    EXPECT_EQ(flow.counts.above_leaves, 1u);
}

TEST(Flow, ASecondSubmissionOfALiveOrderIsSkipped) {
    const Flow flow = flow_of(lobster(
        {"1,1,11,100,5853300,1", "2,1,11,50,5853300,1", "3,3,11,100,5853300,1", "4,1,11,50,5853300,1"}));
    EXPECT_EQ(text_of(flow), (Text{"place buy 100@58533 #0", "cancel #0", "place buy 50@58533 #1"}));
    EXPECT_EQ(flow.counts.duplicates, 1u);
}

TEST(Flow, APriceOffTheTickIsSkippedWithItsEvents) {
    const Flow flow =
        flow_of(lobster({"1,1,11,100,5853350,1", "2,3,11,100,5853350,1", "3,1,12,10,5853300,1"}));
    EXPECT_EQ(text_of(flow), (Text{"place buy 10@58533 #0"}));
    EXPECT_EQ(flow.counts.off_tick, 2u);
}

TEST(Flow, StaleOrdersInsideTheOfficialBookAreCancelled) {
    OfficialBook official;
    official.levels = 1;
    official.rows.resize(3);
    official.rows[0].bids[official.rows[0].bid_count++] = {5'853'300, 100};
    official.rows[1].bids[official.rows[1].bid_count++] = {5'853'200, 50};  // 5853300 vanished silently
    official.rows[2].bids[official.rows[2].bid_count++] = {5'853'200, 50};
    const Recording recording =
        lobster({"1,1,11,100,5853300,1", "2,1,12,50,5853200,1", "3,1,13,5,5853100,1"});
    const Flow flow = flow_of(recording, &official);
    EXPECT_EQ(text_of(flow),
              (Text{"place buy 100@58533 #0", "cancel #0", "place buy 50@58532 #1", "place buy 5@58531 #2"}));
    EXPECT_TRUE(flow.commands[1].repair);
    EXPECT_EQ(flow.commands[1].row, 1u);
    EXPECT_EQ(flow.counts.stale, 1u);
}

TEST(Flow, LevelsComingIntoSightAreMadeOfficial) {
    // One level in sight a side; the asks are empty. #11 rests at 58533 and vanishes below sight, as 58534 is
    // better; then 58534 is cancelled, and 58533 comes back with 70 of which #9 (named later, before sight
    // ends) has 30.
    OfficialBook official;
    official.levels = 1;
    const auto row = [&](std::int64_t price, std::int64_t quantity) {
        OfficialRow out;
        out.bids[out.bid_count++] = {price, quantity};
        official.rows.push_back(out);
    };
    row(5'853'300, 100);
    row(5'853'400, 10);
    row(5'853'300, 70);
    row(5'853'300, 50);
    const Recording recording =
        lobster({"1,1,11,100,5853300,1", "2,1,12,10,5853400,1", "3,3,12,10,5853400,1", "4,2,9,20,5853300,1"});
    Result<Flow> flow =
        build_flow(recording, *make_scale(recording, share_market()), &official, Repair::levels);
    ASSERT_TRUE(flow.ok()) << flow.error().message;
    const RecordReport report = replay_naively(*flow, &official);
    EXPECT_EQ(report.rows_all, 4u);
    EXPECT_EQ(flow->counts.stale, 2u);  // a part of #11 each time
    EXPECT_EQ(report.rejected_unknown, 0u);
}

TEST(Flow, LevelsNeedAnOfficialBook) {
    const Recording recording = lobster({"1,1,11,100,5853300,1"});
    EXPECT_FALSE(build_flow(recording, *make_scale(recording, share_market()), nullptr, Repair::levels).ok());
}

TEST(Flow, TheOfficialBookMustCoverEachRow) {
    const Recording recording = lobster({"1,1,11,100,5853300,1"});
    const OfficialBook official;
    EXPECT_FALSE(build_flow(recording, *make_scale(recording, share_market()), &official).ok());
}

TEST(Flow, TradesBetweenTwoOrdersAreLeftToTheMarket) {
    Recording recording;
    recording.format = RecordingFormat::bitstamp;
    recording.price_decimals = 2;
    recording.rows = 4;
    RecordedEvent event;
    event.order = 7;
    event.side = exchange::Side::sell;
    event.price = 23'647;
    event.quantity = 50;
    recording.events.push_back(event);
    event.order = 8;
    event.row = 1;
    event.side = exchange::Side::buy;
    event.quantity = 80;
    recording.events.push_back(event);
    event.type = RecordedType::trade;
    event.row = 2;
    event.quantity = 50;
    recording.events.push_back(event);
    event.order = 7;
    event.row = 3;
    event.side = exchange::Side::sell;
    event.ends = true;
    event.counterparty = 8;
    recording.events.push_back(event);
    const Flow flow = flow_of(recording);
    EXPECT_EQ(text_of(flow), (Text{"place sell 50@23647 #0", "place buy 80@23647 #1"}));
    EXPECT_EQ(flow.counts.executions, 1u);
    ASSERT_EQ(flow.trades.size(), 1u);
    EXPECT_EQ(flow.trades[0].maker, 0u);
    EXPECT_EQ(flow.trades[0].taker, 1u);
    EXPECT_TRUE(flow.trades[0].taker_is_order);
}

TEST(Flow, AnExecutionOutOfTurnIsPutRight) {
    // #12 is executed although #11 stood in front of it: the market will hit #11.
    const Flow flow = flow_of(lobster(
        {"1,1,11,100,5853300,1", "2,1,12,40,5853300,1", "3,4,12,40,5853300,1", "4,4,11,100,5853300,1"}));
    EXPECT_EQ(text_of(flow), (Text{"place buy 100@58533 #0", "place buy 40@58533 #1", "take sell 40@58533 #1",
                                   "cancel #1",                            // outlived its recorded execution
                                   "cancel #0", "place buy 100@58533 #2",  // restored, as #11 still has 100
                                   "take sell 100@58533 #2"}));
    EXPECT_EQ(flow.counts.outlived, 1u);
    EXPECT_EQ(flow.counts.restored, 1u);
    EXPECT_EQ(flow.trades[1].maker, 2u);
}

TEST(Flow, ScalesAreExactOrRefused) {
    Recording recording;
    recording.price_decimals = 4;
    recording.quantity_decimals = 8;
    exchange::MarketRules market = share_market();
    market.lot_text = "0.000001";
    Result<FlowScale> scale = make_scale(recording, market);
    ASSERT_TRUE(scale.ok()) << scale.error().message;
    EXPECT_EQ(scale->price_divisor, 100);
    EXPECT_EQ(scale->quantity_divisor, 100);
    EXPECT_EQ(scale->lots(199), 1);
    EXPECT_EQ(scale->ticks(5'853'300), 58'533);
    EXPECT_EQ(scale->ticks(5'853'350), std::nullopt);
    market.tick_text = "0.00001";
    scale = make_scale(recording, market);
    ASSERT_TRUE(scale.ok());
    EXPECT_EQ(scale->ticks(7), 70);
    market.tick_text = "0.00003";
    EXPECT_FALSE(make_scale(recording, market).ok());
}

TEST(Flow, QuantitiesAreRoundedDownToLots) {
    Recording recording = lobster(
        {"1,1,11,150,5853300,1", "2,2,11,60,5853300,1", "3,1,12,99,5853300,1", "4,3,11,90,5853300,1"});
    exchange::MarketRules market = share_market();
    market.lot_text = "100";
    const Flow flow = *build_flow(recording, *make_scale(recording, market), nullptr);
    // 150 → 1 lot; 90 left → 0 lots, so the order ends there, and its deletion finds nothing of a lot.
    EXPECT_EQ(text_of(flow), (Text{"place buy 1@58533 #0", "cancel #0"}));
    EXPECT_EQ(flow.counts.rounded, 1u);
    EXPECT_EQ(flow.counts.below_lot, 2u);
}

}  // namespace
}  // namespace peerbook::app::replay

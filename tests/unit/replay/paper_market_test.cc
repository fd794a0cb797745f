#include "app/replay/paper_market.h"

#include <gtest/gtest.h>

#include "app/replay/generator.h"
#include "app/replay/lobster.h"
#include "tests/unit/replay/naive_market.h"
#include "tests/unit/replay/temp_file.h"

namespace peerbook::app::replay {
namespace {

using exchange::Side;

TEST(PaperMarket, PriceThenTimeDecides) {
    PaperMarket market;
    market.place(0, Side::sell, 11, 5);
    market.place(1, Side::sell, 10, 5);
    market.place(2, Side::sell, 10, 5);
    const std::vector<PaperFill> fills = market.take(Side::buy, 11, 12);
    ASSERT_EQ(fills.size(), 3u);
    EXPECT_EQ(fills[0].maker, 1u);
    EXPECT_EQ(fills[1].maker, 2u);
    EXPECT_EQ(fills[2].maker, 0u);
    EXPECT_EQ(fills[2].quantity, 2);
    EXPECT_EQ(market.leaves(0), 3);
    EXPECT_EQ(market.best(Side::sell), 11);
    EXPECT_EQ(market.best(Side::buy), std::nullopt);
}

TEST(PaperMarket, ALimitOrderTradesThenRests) {
    PaperMarket market;
    market.place(0, Side::buy, 10, 5);
    EXPECT_EQ(market.place(1, Side::sell, 9, 8).size(), 1u);
    EXPECT_EQ(market.leaves(1), 3);
    EXPECT_EQ(market.best(Side::sell), 9);
}

TEST(PaperMarket, OrdersThatAreGoneAreSkipped) {
    PaperMarket market;
    market.place(0, Side::buy, 10, 5);
    market.place(1, Side::buy, 10, 5);
    market.place(2, Side::buy, 9, 5);
    market.cancel(0);
    market.reduce(1, 2);
    EXPECT_EQ(market.better_than(Side::buy, 9), (std::vector<std::uint32_t>{1}));
    EXPECT_EQ(market.better_than(Side::buy, std::nullopt), (std::vector<std::uint32_t>{1, 2}));
    const std::vector<PaperFill> fills = market.take(Side::sell, 10, 9);
    ASSERT_EQ(fills.size(), 1u);
    EXPECT_EQ(fills[0].maker, 1u);
    EXPECT_EQ(fills[0].quantity, 3);
    EXPECT_EQ(market.best(Side::buy), 9);
}

TEST(PaperMarket, AgreesWithAnObviousBook) {
    const TempFile file(generate_lobster({21, 5'000, 60, 0}).messages);
    const Recording recording = *read_lobster(file.path(), 10'000);
    const Flow flow = *build_flow(recording, *make_scale(recording, share_market()), nullptr);
    PaperMarket paper;
    NaiveMarket naive;
    for (const FlowCommand& command : flow.commands) {
        const FlowOutcome outcome = naive.execute(command);
        std::vector<PaperFill> fills;
        if (command.kind == FlowKind::place) {
            fills = paper.place(command.order, command.side, command.price, command.quantity);
        } else if (command.kind == FlowKind::take) {
            fills = paper.take(command.side, command.price, command.quantity);
        } else if (command.kind == FlowKind::reduce) {
            paper.reduce(command.order, command.quantity);
        } else {
            paper.cancel(command.order);
        }
        ASSERT_EQ(fills.size(), outcome.fills.size());
        for (std::size_t i = 0; i < fills.size(); ++i) {
            EXPECT_EQ(fills[i].maker, outcome.fills[i].maker);
            EXPECT_EQ(fills[i].quantity, outcome.fills[i].quantity);
        }
    }
}

}  // namespace
}  // namespace peerbook::app::replay

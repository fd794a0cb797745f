// The recorded files themselves, where they are: PEERBOOK_DATA, or shared/data beside the project.
#include <algorithm>
#include <filesystem>

#include "app/replay/bitstamp.h"
#include "app/replay/lobster.h"
#include "tests/unit/replay/naive_market.h"
#include "tests/unit/replay/temp_file.h"

namespace peerbook::app::replay {
namespace {

std::string data_file(const std::string& name) {
    std::filesystem::path folder;
    if (const char* given = std::getenv("PEERBOOK_DATA")) {
        folder = given;
    } else {
        for (std::filesystem::path up = std::filesystem::current_path(); up.has_relative_path();
             up = up.parent_path())
            if (std::filesystem::exists(up / "shared/data" / name)) folder = up / "shared/data";
    }
    const std::filesystem::path path = folder / name;
    return std::filesystem::exists(path) ? path.string() : "";
}

#define NEEDS_DATA(path, name)                \
    const std::string path = data_file(name); \
    if (path.empty()) GTEST_SKIP() << "recorded data is not here (PEERBOOK_DATA): " << name

constexpr std::uint32_t all_rows = 1'000'000;

// part ≥ all × per_mille / 1000
void expect_share(std::uint64_t part, std::uint64_t all, std::uint64_t per_mille, const char* what) {
    EXPECT_GE(part * 1'000, all * per_mille) << what << ": " << part << " of " << all;
}

TEST(RecordedFiles, AaplHitsTheRecordedOrders) {
    NEEDS_DATA(path, "AAPL_2012-06-21_34200000_37800000_message_50.csv.gz");
    Result<Recording> recording = read_lobster(path, all_rows);
    ASSERT_TRUE(recording.ok()) << recording.error().message;
    EXPECT_EQ(recording->rows, 91'997u);
    const Flow flow = *build_flow(*recording, *make_scale(*recording, share_market()), nullptr);
    EXPECT_EQ(flow.counts.hidden, 2'201u);
    EXPECT_EQ(flow.counts.seeded, 84u);
    EXPECT_EQ(flow.counts.executions, 4'067u);
    const RecordReport report = replay_naively(flow, nullptr);
    EXPECT_EQ(report.lots_executed, report.lots_recorded);
    expect_share(report.executions_same, report.executions, 997, "executions of the recorded order");
    EXPECT_EQ(report.rejected_unknown + report.rejected_other, 0u);
}

TEST(RecordedFiles, AmznFollowsTheOfficialBestPrices) {
    NEEDS_DATA(path, "AMZN_2012-06-21_34200000_57600000_message_5.csv.gz");
    NEEDS_DATA(book_path, "AMZN_2012-06-21_34200000_57600000_orderbook_5.csv.gz");
    Result<Recording> recording = read_lobster(path, all_rows);
    ASSERT_TRUE(recording.ok()) << recording.error().message;
    Result<OfficialBook> official = read_lobster_book(book_path, all_rows, 5);
    ASSERT_TRUE(official.ok()) << official.error().message;
    EXPECT_EQ(official->rows.size(), recording->rows);
    const Flow flow = *build_flow(*recording, *make_scale(*recording, share_market()), &*official);
    const RecordReport report = replay_naively(flow, &*official);
    expect_share(report.rows_best_price, report.rows, 974, "rows with the official best prices");
    EXPECT_EQ(report.lots_executed, report.lots_recorded);
}

TEST(RecordedFiles, AmznWithRepairedLevelsIsTheOfficialBook) {
    NEEDS_DATA(path, "AMZN_2012-06-21_34200000_57600000_message_5.csv.gz");
    NEEDS_DATA(book_path, "AMZN_2012-06-21_34200000_57600000_orderbook_5.csv.gz");
    const Recording recording = *read_lobster(path, all_rows);
    const OfficialBook official = *read_lobster_book(book_path, all_rows, 5);
    const Flow flow =
        *build_flow(recording, *make_scale(recording, share_market()), &official, Repair::levels);
    const RecordReport report = replay_naively(flow, &official);
    EXPECT_EQ(report.rows_best, report.rows);
    expect_share(report.rows_all, report.rows, 999, "rows with all five official levels");
    expect_share(report.executions_same, report.executions, 985, "executions of the recorded order");
}

TEST(RecordedFiles, BitstampTradesBetweenTheRecordedOrders) {
    NEEDS_DATA(path, "bitstamp_btcusd_2015-05-01_orders.csv.gz");
    Result<Recording> recording = read_bitstamp(path, all_rows);
    ASSERT_TRUE(recording.ok()) << recording.error().message;
    EXPECT_EQ(recording->rows, 50'414u);
    exchange::MarketRules market = share_market();
    market.lot_text = "0.00000001";
    market.quantity_max = exchange::Quantity(1'000'000'000'000'000);
    const Flow flow = *build_flow(*recording, *make_scale(*recording, market), nullptr);
    const RecordReport report = replay_naively(flow, nullptr);
    EXPECT_GT(report.executions, 450u);
    expect_share(report.executions_same, report.executions, 970, "trades between the recorded orders");
    expect_share(static_cast<std::uint64_t>(report.lots_same),
                 static_cast<std::uint64_t>(report.lots_recorded), 975, "traded volume");
}

}  // namespace
}  // namespace peerbook::app::replay

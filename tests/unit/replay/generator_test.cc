#include "app/replay/generator.h"

#include <map>

#include "app/replay/lobster.h"
#include "tests/unit/replay/naive_market.h"
#include "tests/unit/replay/temp_file.h"

namespace peerbook::app::replay {
namespace {

TEST(Generator, EqualSeedsGiveEqualText) {
    const GeneratedFlow a = generate_lobster({7, 2'000, 20, 5});
    const GeneratedFlow b = generate_lobster({7, 2'000, 20, 5});
    EXPECT_EQ(a.messages, b.messages);
    EXPECT_EQ(a.book, b.book);
    EXPECT_NE(a.messages, generate_lobster({8, 2'000, 20, 5}).messages);
}

TEST(Generator, ItsFlowHasEveryTypeInARealisticMixture) {
    const TempFile file(generate_lobster({3, 20'000, 50, 0}).messages, true);
    Result<Recording> recording = read_lobster(file.path(), 100'000);
    ASSERT_TRUE(recording.ok()) << recording.error().message;
    EXPECT_EQ(recording->rows, 20'000u);
    std::map<RecordedType, int> counts;
    for (const RecordedEvent& event : recording->events)
        ++counts[event.type];
    EXPECT_GT(counts[RecordedType::submit], 8'000);
    EXPECT_GT(counts[RecordedType::remove], 6'000);
    EXPECT_GT(counts[RecordedType::reduce], 50);
    EXPECT_GT(counts[RecordedType::execute], 500);
    EXPECT_GT(counts[RecordedType::hidden], 200);
    const Flow flow = *build_flow(*recording, *make_scale(*recording, share_market()), nullptr);
    EXPECT_GT(flow.counts.seeded, 10u);
    EXPECT_EQ(flow.counts.off_tick, 0u);
    EXPECT_EQ(flow.counts.duplicates, 0u);
}

TEST(Generator, WithoutUnknownOrdersTheRecordIsReproducedExactly) {
    const GeneratedFlow generated = generate_lobster({11, 10'000, 0, 5});
    const TempFile messages(generated.messages), book(generated.book);
    Result<Recording> recording = read_lobster(messages.path(), 100'000);
    Result<OfficialBook> official = read_lobster_book(book.path(), 100'000, 5);
    ASSERT_TRUE(recording.ok() && official.ok());
    const Flow flow = *build_flow(*recording, *make_scale(*recording, share_market()), &*official);
    EXPECT_EQ(flow.counts.stale, 0u);
    const RecordReport report = replay_naively(flow, &*official);
    EXPECT_GT(report.executions, 200u);
    EXPECT_EQ(report.executions_same, report.executions);
    EXPECT_EQ(report.lots_same, report.lots_recorded);
    EXPECT_EQ(report.rows, 10'000u);
    EXPECT_EQ(report.rows_all, report.rows);
    EXPECT_EQ(report.rejected_unknown + report.rejected_other, 0u);
}

TEST(Generator, AFileThatIsSilentBelowItsLevelsIsRepairedByThem) {
    GeneratorOptions options{5, 20'000, 100, 3};
    options.silent_below = true;
    const GeneratedFlow generated = generate_lobster(options);
    const TempFile messages(generated.messages), book(generated.book);
    Result<Recording> recording = read_lobster(messages.path(), 100'000);
    Result<OfficialBook> official = read_lobster_book(book.path(), 100'000, 5);
    ASSERT_TRUE(recording.ok() && official.ok());
    ASSERT_EQ(recording->rows, 20'000u);
    ASSERT_EQ(official->rows.size(), 20'000u);
    const FlowScale scale = *make_scale(*recording, share_market());
    const Flow best = *build_flow(*recording, scale, &*official, Repair::best);
    const Flow levels = *build_flow(*recording, scale, &*official, Repair::levels);
    EXPECT_GT(best.counts.seeded, 30u);
    const RecordReport by_best = replay_naively(best, &*official);
    const RecordReport by_levels = replay_naively(levels, &*official);
    EXPECT_LT(by_best.rows_all, by_levels.rows_all);
    EXPECT_GE(by_levels.rows_all * 1'000, by_levels.rows * 995) << by_levels.rows_all;
    EXPECT_GE(by_levels.executions_same * 100, by_levels.executions * 95) << by_levels.executions_same;
    EXPECT_EQ(by_levels.lots_executed, by_levels.lots_recorded);
}

}  // namespace
}  // namespace peerbook::app::replay

// Recorded files become workloads; the files here are generated.
#include "app/bench/recorded_flows.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "app/replay/generator.h"
#include "tests/unit/bench/flow_outcome.h"

namespace peerbook::app {
namespace {

class RecordedFlows : public ::testing::Test {
  protected:
    void SetUp() override {
        directory_ =
            std::filesystem::temp_directory_path() / ("peerbook-bench-" + std::to_string(::getpid()));
        std::filesystem::create_directories(directory_);
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    void write(const std::string& name, const std::string& text) { std::ofstream(directory_ / name) << text; }
    std::vector<Workload> workloads() { return recorded_workloads(directory_.string(), {}, missing_); }

    std::filesystem::path directory_;
    std::vector<std::string> missing_;
};

TEST_F(RecordedFlows, SaysWhichFilesAreMissing) {
    EXPECT_TRUE(workloads().empty());
    ASSERT_EQ(missing_.size(), 4u);
    EXPECT_NE(missing_[0].find("aapl skipped: no file AAPL_"), std::string::npos);
}

TEST_F(RecordedFlows, MakesWorkloadsThatAreAccepted) {
    const replay::GeneratedFlow generated = replay::generate_lobster({5, 4'000, 20, 5});
    write("AAPL_2020-01-02_message_50.csv", generated.messages);
    write("AMZN_2020-01-02_message_5.csv", generated.messages);
    write("AMZN_2020-01-02_orderbook_5.csv", generated.book);
    const std::vector<Workload> all = workloads();
    ASSERT_EQ(all.size(), 3u);
    EXPECT_EQ(missing_.size(), 1u);
    for (const Workload& workload : all) {
        const Result<PreparedFlow> flow = workload.make();
        ASSERT_TRUE(flow.ok()) << flow.error().message;
        EXPECT_EQ(flow->name, workload.name);
        const FlowOutcome outcome = execute(*flow);
        EXPECT_GT(outcome.operations, workload.name == "aapl-64" ? 64 * 3'000u : 3'000u) << workload.name;
        EXPECT_GT(outcome.fills, 100u) << workload.name;
        EXPECT_LE(outcome.rejected * 100, outcome.operations) << workload.name;
    }
}

TEST_F(RecordedFlows, NameTheLineOfABadFile) {
    write("AAPL_x_message_1.csv", "nonsense\n");
    const std::vector<Workload> all = workloads();
    ASSERT_FALSE(all.empty());
    const Result<PreparedFlow> flow = all[0].make();
    ASSERT_FALSE(flow.ok());
    EXPECT_NE(flow.error().message.find("line 1"), std::string::npos);
}

}  // namespace
}  // namespace peerbook::app

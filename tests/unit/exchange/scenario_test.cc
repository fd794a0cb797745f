// Runs the examples of exchange/README.md and of scenarios/*.md, one gtest case a block, and tests the
// language itself. The folders come from CMake.
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "tests/unit/exchange/scenario.h"

namespace peerbook::exchange::scenario {
namespace {

namespace fs = std::filesystem;

struct Page {
    std::string name;  // "exchange/README.md", "limit.md"
    fs::path path;
};

std::vector<Page> pages() {
    std::vector<Page> found = {{"exchange/README.md", fs::path(PEERBOOK_SOURCE_DIR) / "exchange/README.md"}};
    const fs::path folder = "tests/unit/exchange/scenarios";
    for (const auto& entry : fs::directory_iterator(PEERBOOK_SOURCE_DIR / folder))
        if (entry.path().extension() == ".md")
            found.push_back({(folder / entry.path().filename()).string(), entry.path()});
    std::sort(found.begin(), found.end(), [](const Page& a, const Page& b) { return a.name < b.name; });
    return found;
}

Result<std::vector<Block>> blocks_of(const Page& page) {
    std::ifstream file(page.path);
    if (!file) return Error{ErrorCode::not_found, page.name + ": cannot be read"};
    std::stringstream text;
    text << file.rdbuf();
    return find_blocks(page.name, text.str());
}

// "A stop order" becomes "AStopOrder".
std::string camel(const std::string& words) {
    std::string name;
    bool starts = true;
    for (const char c : words) {
        if (std::isalnum(static_cast<unsigned char>(c)) == 0) {
            starts = c != '\'' && c != '`';
            continue;
        }
        name += starts ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
        starts = false;
    }
    return name;
}

// The page's own name, or its folder's for a README: exchange/README.md is Exchange.
std::string suite_of(const Block& block) {
    fs::path path = block.file;
    const std::string page =
        path.stem() == "README" ? path.parent_path().filename().string() : path.stem().string();
    return camel(page) + "Page_" + camel(block.heading);
}

std::string told(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines)
        text += line + "\n";
    return text;
}

class BlockTest : public testing::Test {
  public:
    explicit BlockTest(Block block) : block_(std::move(block)) {}
    void TestBody() override {
        const Result<Scenario> scenario = parse_scenario(block_);
        if (!scenario.ok()) {
            ADD_FAILURE() << scenario.error().message;
            return;
        }
        const Outcome outcome = run_scenario(*scenario);
        if (!outcome.failures.empty()) ADD_FAILURE() << block_.title << "\n" << told(outcome.failures);
    }

  private:
    Block block_;
};

class UnreadablePage : public testing::Test {
  public:
    explicit UnreadablePage(std::string message) : message_(std::move(message)) {}
    void TestBody() override { ADD_FAILURE() << message_; }

  private:
    std::string message_;
};

bool register_pages() {
    for (const Page& page : pages()) {
        const Result<std::vector<Block>> blocks = blocks_of(page);
        if (!blocks.ok()) {
            testing::RegisterTest("Pages", camel(page.name).c_str(), nullptr, nullptr, __FILE__, __LINE__,
                                  [message = blocks.error().message]() -> testing::Test* {
                                      return new UnreadablePage(message);
                                  });
            continue;
        }
        for (const Block& block : *blocks)
            testing::RegisterTest(suite_of(block).c_str(), camel(block.title).c_str(), nullptr, nullptr,
                                  __FILE__, __LINE__,
                                  [block]() -> testing::Test* { return new BlockTest(block); });
    }
    return true;
}

const bool registered = register_pages();

// --- what the pages cover together ---

const char* name_of(EventKind kind) {
    static const char* const names[] = {
        "accepted",        "rejected",           "rested",   "filled",         "reduced",
        "cancelled",       "account_opened",     "issued",   "transferred",    "expired",
        "triggered",       "replaced",           "waiting",  "redeemed",       "withdrawal_requested",
        "withdrawal_paid", "withdrawal_refused", "approved", "market_created", "market_changed",
    };
    static_assert(std::size(names) == static_cast<std::size_t>(last_event_kind) + 1);
    return names[static_cast<std::size_t>(kind)];
}

TEST(Scenarios, ShowEveryKindOfEventAndEveryReason) {
    ASSERT_TRUE(registered);
    std::set<EventKind> kinds;
    // Events that are neither refused nor the end of something have it; it is no reason.
    std::set<Reason> reasons = {Reason::none};
    for (const Page& page : pages()) {
        const Result<std::vector<Block>> blocks = blocks_of(page);
        if (!blocks.ok()) continue;
        for (const Block& block : *blocks) {
            const Result<Scenario> scenario = parse_scenario(block);
            if (!scenario.ok()) continue;
            Outcome outcome = run_scenario(*scenario);
            kinds.merge(outcome.kinds);
            reasons.merge(outcome.reasons);
        }
    }
    for (int i = 0; i <= static_cast<int>(last_event_kind); ++i)
        if (kinds.count(static_cast<EventKind>(i)) == 0)
            ADD_FAILURE() << "no scenario shows the event " << name_of(static_cast<EventKind>(i));
    for (int i = 0; i <= static_cast<int>(last_reason); ++i)
        if (reasons.count(static_cast<Reason>(i)) == 0)
            ADD_FAILURE() << "no scenario shows the reason " << to_string(static_cast<Reason>(i));
}

TEST(Scenarios, StandBesideATableThatNamesEveryReason) {
    std::ifstream file(fs::path(PEERBOOK_SOURCE_DIR) / "exchange/README.md");
    std::stringstream text;
    text << file.rdbuf();
    for (int i = 1; i <= static_cast<int>(last_reason); ++i) {
        const std::string name = to_string(static_cast<Reason>(i));
        EXPECT_NE(text.str().find("`" + name + "`"), std::string::npos)
            << "exchange/README.md does not say what to do about " << name;
    }
}

TEST(Scenarios, HaveNamesOfTheirOwn) {
    std::set<std::string> seen;
    for (const Page& page : pages()) {
        const Result<std::vector<Block>> blocks = blocks_of(page);
        if (!blocks.ok()) continue;
        for (const Block& block : *blocks)
            EXPECT_TRUE(seen.insert(suite_of(block) + "." + camel(block.title)).second)
                << block.place(block.line) << ": a block of this heading has this title already";
    }
}

// --- the language ---

Block block_of(const std::string& lines) {
    const auto blocks = find_blocks("page.md", "# Orders\n```book\n# Title\n" + lines + "```\n");
    return blocks.ok() ? blocks->front() : Block{};
}

std::string error_of(const std::string& lines) {
    const Result<Scenario> scenario = parse_scenario(block_of(lines));
    return scenario.ok() ? "" : scenario.error().message;
}

std::string failures_of(const std::string& lines) {
    const Result<Scenario> scenario = parse_scenario(block_of(lines));
    return scenario.ok() ? told(run_scenario(*scenario).failures) : scenario.error().message;
}

TEST(ScenarioLanguage, FindsBlocksWithTheirHeadingTitleAndLines) {
    const auto blocks = find_blocks("page.md",
                                    "# Page\n## Limit orders\ntext\n```sh\n```book\n```\n"
                                    "```book\n# One title\n\n# a comment\nalice buys 1 at 1\n```\n");
    ASSERT_TRUE(blocks.ok()) << blocks.error().message;
    ASSERT_EQ(blocks->size(), 1u);
    EXPECT_EQ(blocks->front().heading, "Limit orders");
    EXPECT_EQ(blocks->front().title, "One title");
    ASSERT_EQ(blocks->front().lines.size(), 1u);
    EXPECT_EQ(blocks->front().lines[0].number, 11);
}

TEST(ScenarioLanguage, RefusesPagesWithoutBlocksAndBlocksWithoutTitleOrEnd) {
    EXPECT_EQ(find_blocks("page.md", "# Page\n").error().message, "page.md:1: the page has no ```book block");
    EXPECT_EQ(find_blocks("page.md", "```book\n```\n").error().message, "page.md:2: the block has no title");
    EXPECT_EQ(find_blocks("page.md", "```book\nalice buys 1 at 1\n").error().message,
              "page.md:2: a block starts with '# its title'");
    EXPECT_EQ(find_blocks("page.md", "```book\n# Title\n").error().message,
              "page.md:2: the block is not closed");
}

TEST(ScenarioLanguage, NamesFileAndLineOfWhatItDoesNotKnow) {
    EXPECT_EQ(error_of("alice sings\n> nothing\n"), "page.md:4: unknown word 'sings'");
    EXPECT_EQ(error_of("alice buys 1 at 1 loudly\n> nothing\n"), "page.md:4: unknown word 'loudly'");
    EXPECT_EQ(error_of("alice buys 1 at 0.5\n> nothing\n"), "page.md:4: 0.5 is no multiple of 1");
    EXPECT_EQ(error_of("alice buys 1\n> nothing\n"), "page.md:4: expected 'at' instead of ''");
    EXPECT_EQ(error_of("alice cancels a1\n> nothing\n"), "page.md:4: unknown order 'a1'");
    EXPECT_EQ(error_of("alice buys 1 at 1 in XYZ-USD\n> nothing\n"), "page.md:4: unknown market 'XYZ-USD'");
    EXPECT_EQ(error_of("rules sleep 8\n"), "page.md:4: unknown rule 'sleep'");
    EXPECT_EQ(error_of("time noon\n> nothing\n"),
              "page.md:4: 'noon' is no time like 12:00:05 or 12:00:05.250");
    EXPECT_EQ(error_of("time 12:00:05\nbids | offers\n"), "page.md:5: unknown table 'bids | offers'");
    EXPECT_EQ(error_of("time 12:00:05\nbids | asks\na | b | c\n"),
              "page.md:6: a row of 3 cells instead of 2");
}

TEST(ScenarioLanguage, RefusesBlocksThatExpectNothing) {
    EXPECT_EQ(error_of("alice buys 1 at 1\n"), "page.md:3: the block expects nothing");
    EXPECT_EQ(error_of("> alice rests 1 at 1\n"), "page.md:4: expects something before anything happened");
}

TEST(ScenarioLanguage, ShowsWhatDiffersAndWhere) {
    EXPECT_EQ(failures_of("alice buys 5 at 100\n> alice rests 5 at 101\n"),
              "page.md:4: events of `alice buys 5 at 100`: - expected, + actual\n"
              "  - alice rests 5 at 101\n"
              "  + alice rests 5 at 100\n\n");
    EXPECT_EQ(failures_of("alice buys 5 at 100\nbob buys 5 at 99\nbids | asks\nalice 5 100 | -\n"),
              "page.md:6: state after `bob buys 5 at 99`: - expected, + actual\n"
              "           bids | asks\n"
              "    alice 5 100 | -\n"
              "  +    bob 5 99 |\n\n");
    EXPECT_EQ(failures_of("alice buys 5 at 100 ioc post-only\nbids | asks\n- | -\n"),
              "page.md:4: `alice buys 5 at 100 ioc post-only` expects no rejection, but: "
              "alice rejected: bad_order_terms\n\n");
    EXPECT_EQ(failures_of("alice buys 5 at 100\n> alice rests 5 at 100\nbids | asks\nalice 5 100 | -\n"), "");
}

TEST(ScenarioLanguage, ShowsTheShortestDifference) {
    EXPECT_EQ(difference({"a", "b", "c"}, {"a", "b", "c"}), "");
    EXPECT_EQ(difference({"a", "b", "c"}, {"a", "c", "d"}), "    a\n  - b\n    c\n  + d\n");
    EXPECT_EQ(difference({}, {"a"}), "  + a\n");
}

}  // namespace
}  // namespace peerbook::exchange::scenario

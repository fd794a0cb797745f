// Deliberate mistakes, each of which the simulator has to notice within 200 seeds: in the product (mutants,
// make_mutants.py) and in its runner (Break in plan.h). A mistake that nothing notices is a hole in the
// checkers. PEERBOOK_SIM_FROM_SEED_1=1 counts how many seeds each needs.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <ostream>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

#include "tests/sim/world.h"

int peerbook_mutant = 0;  // the mutants in the copies of the product's sources ask for it

namespace peerbook::sim {
namespace {

constexpr std::uint64_t seeds_max = 200;

struct Mutant {
    int number;
    const char* name;
    const char* what;
    bool applies;
    std::uint64_t first_seed;
};
void PrintTo(const Mutant& mutant, std::ostream* out) {
    *out << mutant.name << ": " << mutant.what;
}
constexpr Mutant mutants[] = {
#include "tests/sim/mutants.inc"
};

struct Caught {
    std::uint64_t seed = 0;  // 0: by none
    std::string how;
};

// In a process of its own, because a mistake may well trip a check of the product, which ends the process.
Caught search(int mutant, Break broken, std::uint64_t first_seed) {
    int ends[2];
    if (pipe(ends) != 0) return {};
    const pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        if (std::freopen("/dev/null", "w", stderr) == nullptr) _exit(2);
        peerbook_mutant = mutant;
        for (std::uint64_t i = 0; i < seeds_max; ++i) {
            const std::uint64_t seed = i == 0 ? first_seed : 1 + (first_seed - 1 + i) % seeds_max;
            dprintf(ends[1], "%llu ", static_cast<unsigned long long>(seed));
            Plan plan = Plan::draw(seed);
            plan.broken = broken;
            const std::string failure = World(plan).run();
            if (failure.empty()) continue;
            dprintf(ends[1], "!%s", failure.c_str());
            _exit(1);
        }
        _exit(0);
    }
    close(ends[1]);
    std::string text;
    char buffer[4096];
    for (ssize_t count = read(ends[0], buffer, sizeof buffer); count > 0;
         count = read(ends[0], buffer, sizeof buffer))
        text.append(buffer, static_cast<std::size_t>(count));
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
    Caught caught;
    const std::size_t told = text.find('!');
    const std::string seeds = text.substr(0, told);
    const std::size_t last = seeds.find_last_of(' ', seeds.size() - 2);
    caught.seed = std::stoull(last == std::string::npos ? seeds : seeds.substr(last + 1));
    caught.how =
        told != std::string::npos ? text.substr(told + 1) : "a check of the product stopped the process";
    return caught;
}

void expect_caught(const char* name, int mutant, Break broken, std::uint64_t first_seed) {
    const Caught caught = search(mutant, broken, std::getenv("PEERBOOK_SIM_FROM_SEED_1") ? 1 : first_seed);
    EXPECT_NE(caught.seed, 0u) << name << " is not noticed within " << seeds_max << " seeds";
    std::printf("%-28s seed %3llu: %s\n", name, static_cast<unsigned long long>(caught.seed),
                caught.how.substr(0, 160).c_str());
}

class MutantOfTheProduct : public ::testing::TestWithParam<Mutant> {};
TEST_P(MutantOfTheProduct, IsNoticed) {
    const Mutant& mutant = GetParam();
    ASSERT_TRUE(mutant.applies)
        << "the passage that " << mutant.name
        << " changes is not in the product any more; write it anew in make_mutants.py";
    expect_caught(mutant.name, mutant.number, Break::none, mutant.first_seed);
}
INSTANTIATE_TEST_SUITE_P(SimulatorBreaks, MutantOfTheProduct, ::testing::ValuesIn(mutants),
                         [](const auto& test) { return std::string(test.param.name); });

class BreakOfTheRunner : public ::testing::TestWithParam<int> {};
TEST_P(BreakOfTheRunner, IsNoticed) {
    const auto broken = static_cast<Break>(GetParam());
    expect_caught(name_of(broken), 0, broken, 1);
}
INSTANTIATE_TEST_SUITE_P(SimulatorBreaks, BreakOfTheRunner,
                         ::testing::Range(1, static_cast<int>(last_break) + 1), [](const auto& test) {
                             return std::string(name_of(static_cast<Break>(test.param)));
                         });

// The copies with all mistakes switched off are the product.
TEST(SimulatorBreaks, NothingIsNoticedWithoutAMistake) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed)
        EXPECT_EQ(World(Plan::draw(seed)).run(), "") << "seed " << seed;
}

}  // namespace
}  // namespace peerbook::sim

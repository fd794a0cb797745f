// sim_sweep: runs seeds of the simulator of nodes. scripts/sim_sweep builds and calls it.
//
//   sim_sweep [--first S] [--seeds N] [--jobs J] [--twice] [--timeline SEED] [--speed] [--commit ID]
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include "tests/sim/sweep.h"
#include "tests/sim/world.h"

namespace peerbook::sim {
namespace {

struct Arguments {
    std::uint64_t first = 1, seeds = 100, jobs = 1, twice_one_in = 10;
    std::uint64_t timeline = 0;
    bool speed = false;
    std::string commit = "unknown commit";
};

bool parse(int argc, char** argv, Arguments& arguments) {
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        if (name == "--speed") {
            arguments.speed = true;
            continue;
        }
        if (++i == argc) return false;
        if (name == "--commit") {
            arguments.commit = argv[i];
            continue;
        }
        char* end = nullptr;
        const std::uint64_t value = std::strtoull(argv[i], &end, 10);
        if (*end != '\0') return false;
        if (name == "--first")
            arguments.first = value;
        else if (name == "--seeds")
            arguments.seeds = value;
        else if (name == "--jobs")
            arguments.jobs = value;
        else if (name == "--twice-one-in")
            arguments.twice_one_in = value;
        else if (name == "--timeline")
            arguments.timeline = value;
        else
            return false;
    }
    return arguments.jobs > 0;
}

int run_speed() {
    World world(Plan::speed());
    const std::string failure = world.run();
    std::printf("5 nodes, 20 virtual seconds: %llu commands, %llu commits, %llu messages, %llu steps%s%s\n",
                static_cast<unsigned long long>(world.figures().commands),
                static_cast<unsigned long long>(world.figures().commits),
                static_cast<unsigned long long>(world.figures().messages),
                static_cast<unsigned long long>(world.figures().steps), failure.empty() ? "" : "\n",
                failure.c_str());
    return failure.empty() ? 0 : 1;
}

int run_timeline(std::uint64_t seed) {
    World world(Plan::draw(seed), true);
    const std::string failure = world.run();
    std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed),
                failure.empty() ? "nothing wrong" : failure.c_str());
    return failure.empty() ? 0 : 1;
}

// Each job in a process of its own.
int run_all(const Arguments& arguments) {
    std::vector<int> pipes;
    std::vector<pid_t> children;
    for (std::uint64_t job = 0; job < arguments.jobs; ++job) {
        int ends[2];
        if (pipe(ends) != 0) return 2;
        std::fflush(stdout);
        const pid_t child = fork();
        if (child == 0) {
            close(ends[0]);
            _exit(sweep_part(arguments.first + job, arguments.first + arguments.seeds, arguments.jobs,
                             arguments.twice_one_in, ends[1]));
        }
        close(ends[1]);
        pipes.push_back(ends[0]);
        children.push_back(child);
    }
    return finish_sweep(arguments.commit, arguments.first, arguments.seeds, pipes, children);
}

}  // namespace
}  // namespace peerbook::sim

int main(int argc, char** argv) {
    using namespace peerbook::sim;
    Arguments arguments;
    if (!parse(argc, argv, arguments)) {
        std::fprintf(
            stderr,
            "usage: sim_sweep [--first S] [--seeds N] [--jobs J] [--twice-one-in K] [--timeline SEED] "
            "[--speed] [--commit ID]\n");
        return 2;
    }
    if (arguments.speed) return run_speed();
    if (arguments.timeline != 0) return run_timeline(arguments.timeline);
    return run_all(arguments);
}

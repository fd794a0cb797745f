#include "tests/sim/sweep.h"

#include <cstdio>
#include <map>

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace peerbook::sim {

namespace {

constexpr std::uint64_t progress_every = 50;

// Reports are lines: "s SEED" begins a seed, "d" ends it, "f TEXT" says what was wrong with it, "r I COUNT"
// is a rare state and "t NAME COUNT" a figure, both at the end.
struct Part {
    std::string unread;
    std::uint64_t seed = 0;
    bool is_in_seed = false;
};

struct Sum {
    RareStates rare;
    std::map<std::string, std::uint64_t> figures;
    std::map<std::uint64_t, std::string> failures;
    std::uint64_t done = 0;
};

void take_line(Part& part, const std::string& line, Sum& sum, std::uint64_t seeds) {
    const std::string rest = line.size() > 2 ? line.substr(2) : "";
    switch (line.empty() ? ' ' : line[0]) {
        case 's':
            part.seed = std::stoull(rest);
            part.is_in_seed = true;
            break;
        case 'd':
            part.is_in_seed = false;
            if (++sum.done % progress_every == 0 || sum.done == seeds) {
                std::printf("%llu of %llu seeds, %zu failed\n", static_cast<unsigned long long>(sum.done),
                            static_cast<unsigned long long>(seeds), sum.failures.size());
                std::fflush(stdout);
            }
            break;
        case 'f':
            sum.failures[part.seed] = rest;
            std::printf("seed %llu: %s\n  replay: %s\n", static_cast<unsigned long long>(part.seed),
                        rest.c_str(), replay_line(part.seed).c_str());
            std::fflush(stdout);
            break;
        case 'r': {
            const std::size_t space = rest.find(' ');
            sum.rare.add(static_cast<Rare>(std::stoull(rest.substr(0, space))),
                         std::stoull(rest.substr(space + 1)));
            break;
        }
        case 't': {
            const std::size_t space = rest.find(' ');
            sum.figures[rest.substr(0, space)] += std::stoull(rest.substr(space + 1));
            break;
        }
        default:
            break;
    }
}

void read_reports(const std::vector<int>& reports, std::vector<Part>& parts, Sum& sum, std::uint64_t seeds) {
    std::vector<pollfd> open;
    for (const int report : reports)
        open.push_back({report, POLLIN, 0});
    std::size_t left = open.size();
    while (left > 0 && poll(open.data(), open.size(), -1) > 0)
        for (std::size_t i = 0; i < open.size(); ++i) {
            if (open[i].fd < 0 || open[i].revents == 0) continue;
            char buffer[4096];
            const ssize_t count = read(open[i].fd, buffer, sizeof buffer);
            if (count <= 0) {
                close(open[i].fd);
                open[i].fd = -1;
                --left;
                continue;
            }
            std::string& text = parts[i].unread;
            text.append(buffer, static_cast<std::size_t>(count));
            for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
                take_line(parts[i], text.substr(0, end), sum, seeds);
                text.erase(0, end + 1);
            }
        }
}

}  // namespace

std::string replay_line(std::uint64_t seed) {
    return "scripts/sim_sweep --timeline " + std::to_string(seed);
}

std::string run_seed(std::uint64_t seed, bool twice, RareStates& rare, Figures& figures) {
    World world(Plan::draw(seed));
    std::string failure = world.run();
    rare.add(world.rare());
    figures.add(world.figures());
    if (!failure.empty() || !twice) return failure;
    World again(Plan::draw(seed));
    failure = again.run();
    if (failure.empty() && again.trace_hash() != world.trace_hash())
        failure = "a second run of the seed went another way";
    return failure;
}

namespace {

// One seed; what it reached goes to the file descriptor.
int report_seed(std::uint64_t seed, bool twice, int report) {
    RareStates rare;
    Figures figures;
    const std::string failure = run_seed(seed, twice, rare, figures);
    if (!failure.empty()) dprintf(report, "f %s\n", failure.c_str());
    for (std::size_t i = 0; i < RareStates::size; ++i)
        if (const std::uint64_t count = rare.count(static_cast<Rare>(i)))
            dprintf(report, "r %zu %llu\n", i, static_cast<unsigned long long>(count));
    const std::pair<const char*, std::uint64_t> totals[] = {
        {"commits", figures.commits},
        {"commands", figures.commands},
        {"trades", figures.trades},
        {"answers", figures.told},
        {"messages", figures.messages},
        {"steps", figures.steps},
        {"executions", figures.commands_executed},
        {"replays", figures.commands_replayed},
        {"virtual-ms", static_cast<std::uint64_t>(figures.virtual_us / 1'000)}};
    for (const auto& [name, value] : totals)
        dprintf(report, "t %s %llu\n", name, static_cast<unsigned long long>(value));
    return failure.empty() ? 0 : 1;
}

}  // namespace

// Each seed in a process of its own: a check of the product that fails ends that seed, and the others go on.
int sweep_part(std::uint64_t first, std::uint64_t end, std::uint64_t step, std::uint64_t twice_one_in,
               int report) {
    bool failed = false;
    for (std::uint64_t seed = first; seed < end; seed += step) {
        dprintf(report, "s %llu\n", static_cast<unsigned long long>(seed));
        const pid_t child = fork();
        if (child == 0) _exit(report_seed(seed, twice_one_in != 0 && seed % twice_one_in == 0, report));
        int status = 0;
        waitpid(child, &status, 0);
        if (WIFSIGNALED(status))
            dprintf(report, "f the process was stopped by signal %d (a failed check of the product?)\n",
                    WTERMSIG(status));
        failed = failed || !WIFEXITED(status) || WEXITSTATUS(status) != 0;
        dprintf(report, "d\n");
    }
    return failed ? 1 : 0;
}

int finish_sweep(const std::string& commit, std::uint64_t first, std::uint64_t seeds,
                 const std::vector<int>& reports, const std::vector<pid_t>& children) {
    std::vector<Part> parts(reports.size());
    Sum sum;
    read_reports(reports, parts, sum, seeds);
    for (std::size_t i = 0; i < children.size(); ++i) {
        int status = 0;
        waitpid(children[i], &status, 0);
        if (!WIFSIGNALED(status)) continue;
        take_line(parts[i],
                  "f the job was stopped by signal " + std::to_string(WTERMSIG(status)) +
                      "; later seeds of it did not run",
                  sum, seeds);
    }
    std::printf("\ncommit %s, seeds %llu to %llu\n", commit.c_str(), static_cast<unsigned long long>(first),
                static_cast<unsigned long long>(first + seeds - 1));
    for (const auto& [name, value] : sum.figures)
        std::printf("  %-28s %12llu\n", name.c_str(), static_cast<unsigned long long>(value));
    std::printf("rare states\n");
    for (std::size_t i = 0; i < RareStates::size; ++i)
        std::printf("  %-28s %12llu\n", name_of(static_cast<Rare>(i)),
                    static_cast<unsigned long long>(sum.rare.count(static_cast<Rare>(i))));
    for (const auto& [seed, failure] : sum.failures)
        std::printf("FAILED seed %llu: %s\n  replay: %s\n", static_cast<unsigned long long>(seed),
                    failure.c_str(), replay_line(seed).c_str());
    if (sum.failures.empty())
        std::printf("%llu seeds, nothing wrong\n", static_cast<unsigned long long>(sum.done));
    return sum.failures.empty() && sum.done == seeds ? 0 : 1;
}

}  // namespace peerbook::sim

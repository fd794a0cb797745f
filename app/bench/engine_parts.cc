#include "app/bench/engine_parts.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "app/bench/book_part.h"
#include "app/bench/engine_run.h"
#include "app/bench/money_part.h"
#include "base/check.h"
#include "exchange/engine/restore.h"
#include "exchange/engine/snapshot.h"
#include "exchange/engine/state_root.h"
#include "exchange/engine/undo.h"

namespace peerbook::app {

namespace {

using namespace exchange;
using Commits = std::span<const CommandBatch>;

constexpr std::size_t commits_max = 4'096;  // of the flow that the parts are measured over
constexpr std::size_t undo_commits = 16;    // rolled back at once
constexpr std::size_t checkpoint_commits = 16;
constexpr std::size_t checkpoints_max = 8;
constexpr std::uint32_t root_rounds_max = 3;  // each begins with a root from scratch

// Hosted batches of the author carry no signature.
class NoSignatures final : public Verifier {
  public:
    bool verify(const PublicKey&, ByteView, const Signature&) const override { return false; }
};

// What the parts need to know of the flow, from one untimed run.
struct Outcome {
    std::uint64_t operations = 0;
    std::uint64_t undo_words = 0;             // that the engine records, an operation's times operations
    std::vector<std::uint32_t> event_counts;  // by commit
    EventBuffer some_events;                  // of the first commit
    std::vector<MoneyMove> moves;
};

// Calls run(stretches) for each of `rounds` rounds; returns the nanoseconds of the fastest stretches.
template <typename Run>
double fastest(std::uint32_t rounds, Run run) {
    FastestStretches stretches;
    for (std::uint32_t round = 0; round < std::max(rounds, 1u); ++round) {
        stretches.begin_round();
        run(stretches);
    }
    return stretches.total_ns();
}

// The nanoseconds of one call.
template <typename Work>
std::uint64_t time_of(Work work) {
    const Timer::time_point start = Timer::now();
    work();
    return ns_since(start);
}

// Calls visit(span) for each commit_commands of `all`.
template <typename T, typename Visit>
void for_each_stretch(std::span<const T> all, Visit visit) {
    for (std::size_t first = 0; first < all.size(); first += commit_commands)
        visit(all.subspan(first, std::min(commit_commands, all.size() - first)));
}

PartFigures per_operation(const char* name, double total_ns, std::uint64_t operations) {
    return {name, "ns/op", total_ns / static_cast<double>(operations), operations};
}

void execute_before(const PreparedFlow& flow, EngineRun& run) {
    run.commit_each(flow.opening);
    run.commit_each(flow.resting);
    run.settle();
}

Outcome outcome_of(const PreparedFlow& flow, Commits commits) {
    Outcome outcome;
    EngineRun run(flow, commits.size());
    execute_before(flow, run);
    for (const CommandBatch& commit : commits) {
        run.commit({&commit, 1});
        if (outcome.some_events.empty()) outcome.some_events = run.events();
        outcome.event_counts.push_back(static_cast<std::uint32_t>(run.events().size()));
        add_money_moves(run.events(), outcome.moves);
        for (const BatchCommand& command : commit.commands)
            outcome.operations += std::max<std::uint32_t>(index_count(command.body), 1);
    }
    outcome.undo_words = run.engine().stats().undo_bytes / sizeof(std::uint64_t);
    return outcome;
}

PartFigures measure_decode(const PreparedFlow& flow, Commits commits, const Outcome& outcome,
                           std::uint32_t rounds) {
    const PublicKey author = commits.front().signer;
    std::vector<Bytes> payloads;
    PayloadBuilder builder;
    for (const CommandBatch& commit : commits) {
        for (const BatchCommand& command : commit.commands)
            PB_CHECK(builder.add_hosted({commit.accounts[command.account], command.ref(), command.body}),
                     "a benchmark's commit fits a payload");
        payloads.push_back(builder.take());
    }
    const NoSignatures verifier;
    const double ns = fastest(rounds, [&](FastestStretches& stretches) {
        for (const Bytes& payload : payloads)
            stretches.add(time_of([&] {
                PB_CHECK(
                    decode_payload(payload, author, flow.rules.network, flow.rules.rules_version, verifier)
                        .ok(),
                    "a benchmark's payload decodes");
            }));
    });
    return per_operation("decode", ns, outcome.operations);
}

PartFigures measure_admission(const PreparedFlow& flow, Commits commits, const Outcome& outcome,
                              std::uint32_t rounds) {
    const double ns = fastest(rounds, [&](FastestStretches& stretches) {
        AdmissionAlone admission(flow);
        CommandBatch decoded;
        for (const CommandBatch& commit : commits) {
            decoded = commit;
            stretches.add(time_of([&] {
                PB_CHECK(admission.admit(decoded, 1) == decoded.commands.size(),
                         "a benchmark's commands pass admission");
            }));
        }
    });
    return per_operation("admission", ns, outcome.operations);
}

// Whether the book sees a commit's commands one by one or together.
enum class BookInput { single, commit };

std::optional<PartFigures> measure_book(const PreparedFlow& flow, Commits commits, const Outcome& outcome,
                                        std::uint32_t rounds, BookInput input) {
    const auto before = book_commands(flow, flow.resting);
    const auto commands = book_commands(flow, commits);
    if (!before || !commands) return std::nullopt;
    EventBuffer events;
    events.reserve(64 * commit_commands);
    const double ns = fastest(rounds, [&](FastestStretches& stretches) {
        BookAlone book(flow.rules.markets.size());
        const auto execute = [&](std::span<const BookCommand> stretch) {
            events.clear();
            if (input == BookInput::commit) return book.execute_all(stretch, events);
            for (const BookCommand& command : stretch)
                book.execute(command, events);
        };
        for_each_stretch<BookCommand>(*before, execute);
        std::vector<BookCommand> decoded;
        for_each_stretch<BookCommand>(*commands, [&](std::span<const BookCommand> stretch) {
            decoded.assign(stretch.begin(), stretch.end());
            stretches.add(time_of([&] { execute(decoded); }));
        });
    });
    return per_operation(input == BookInput::single ? "book" : "book ahead", ns, outcome.operations);
}

PartFigures measure_ledger(const PreparedFlow& flow, const Outcome& outcome, std::uint32_t rounds) {
    const double ns = fastest(rounds, [&](FastestStretches& stretches) {
        LedgerAlone ledger(flow.rules);
        for (const MoneyMove& move : outcome.moves)  // makes the balances
            ledger.apply(move);
        for_each_stretch<MoneyMove>(outcome.moves, [&](std::span<const MoneyMove> stretch) {
            stretches.add(time_of([&] {
                for (const MoneyMove& move : stretch)
                    ledger.apply(move);
            }));
        });
    });
    return per_operation("ledger", ns, outcome.operations);
}

PartFigures measure_undo_record(const Outcome& outcome, std::uint32_t rounds) {
    const std::uint64_t words_a_commit = outcome.undo_words / outcome.event_counts.size() + 1;
    const double ns = fastest(rounds, [&](FastestStretches& stretches) {
        UndoLog log;
        for (std::uint64_t i = 0; i < undo_commits * words_a_commit; ++i)
            log.push_word(i);
        for (std::size_t commit = 0; commit < outcome.event_counts.size(); ++commit)
            stretches.add(time_of([&] {
                for (std::uint64_t i = 0; i < words_a_commit; ++i)
                    log.push_word(i);
                log.prune(log.position() - undo_commits * words_a_commit);
            }));
    });
    return per_operation("undo record", ns, outcome.operations);
}

PartFigures measure_undo_back(const PreparedFlow& flow, Commits commits, std::uint32_t rounds) {
    std::uint64_t operations = 0;
    const double ns = fastest(rounds, [&](FastestStretches& stretches) {
        EngineRun run(flow, undo_commits);
        execute_before(flow, run);
        operations = 0;
        // Each stretch is executed, rolled back under the clock, and executed again to go on.
        for (std::size_t first = 0; first < commits.size(); first += undo_commits) {
            const Commits stretch = commits.subspan(first, std::min(undo_commits, commits.size() - first));
            const UndoMark mark = run.engine().mark();
            for (const CommandBatch& commit : stretch) {
                run.commit({&commit, 1});
                for (const BatchCommand& command : commit.commands)
                    operations += std::max<std::uint32_t>(index_count(command.body), 1);
            }
            stretches.add(time_of([&] { run.engine().undo_to(mark); }));
            run.forget_commits(stretch.size());
            for (const CommandBatch& commit : stretch)
                run.commit({&commit, 1});
            run.settle();
        }
    });
    return per_operation("undo back", ns, operations);
}

PartFigures measure_events(const Outcome& outcome, std::uint32_t rounds) {
    EventBuffer events;
    const double ns = fastest(rounds, [&](FastestStretches& stretches) {
        for (const std::uint32_t count : outcome.event_counts)
            stretches.add(time_of([&] {
                events.clear();
                for (std::uint32_t i = 0, from = 0; i < count; ++i) {
                    events.push_back(outcome.some_events[from]);
                    if (++from == outcome.some_events.size()) from = 0;
                }
            }));
    });
    return per_operation("events", ns, outcome.operations);
}

// Places whose entry differs.
std::uint64_t changed_entries(const FrozenState& before, const FrozenState& now) {
    std::uint64_t changed = 0;
    Bytes was, is;
    for (std::size_t i = 0; i < state_domain_count; ++i) {
        const auto domain = static_cast<StateDomain>(i);
        const std::size_t places_before = place_count(before, domain), places_now = place_count(now, domain);
        for (std::size_t place = 0; place < std::max(places_before, places_now); ++place) {
            was.clear();
            is.clear();
            if (place < places_before) encode_entry(before, domain, place, was);
            if (place < places_now) encode_entry(now, domain, place, is);
            changed += was != is;
        }
    }
    return changed;
}

PartFigures megabytes_per_second(const char* name, std::uint64_t bytes, double ns) {
    return {name, "MB/s", static_cast<double>(bytes) * 1'000 / ns, bytes};
}

void measure_snapshot(const PreparedFlow& flow, const FrozenState& state, std::uint32_t rounds,
                      std::vector<PartFigures>& parts) {
    SnapshotOrigin origin;
    origin.network = flow.rules.network;
    origin.state_root = state_root_of(state);
    std::vector<Bytes> chunks;
    Bytes manifest;
    const double write_ns = fastest(rounds, [&](FastestStretches& stretches) {
        chunks.clear();
        SnapshotWriter writer(state, origin);
        while (!writer.is_done())
            stretches.add(time_of([&] {
                Result<std::optional<Bytes>> chunk = writer.step();
                PB_CHECK(chunk.ok(), "a benchmark's state fits a snapshot");
                if (*chunk) chunks.push_back(std::move(**chunk));
            }));
        stretches.add(time_of([&] { manifest = writer.manifest().encode(); }));
    });
    std::uint64_t bytes = manifest.size();
    for (const Bytes& chunk : chunks)
        bytes += chunk.size();
    parts.push_back(megabytes_per_second("snap write", bytes, write_ns));
    const Timer::time_point start = Timer::now();
    Result<SnapshotReader> reader = SnapshotReader::open(manifest, flow.rules);
    PB_CHECK(reader.ok(), "the manifest of a benchmark's snapshot is good");
    for (std::size_t i = 0; i < chunks.size(); ++i)
        PB_CHECK(reader->add_chunk(i, std::move(chunks[i])).ok(),
                 "a chunk of a benchmark's snapshot is good");
    PB_CHECK(reader->finish().ok() && restore_engine(flow.rules, *reader).ok(),
             "a benchmark's snapshot is good");
    parts.push_back(megabytes_per_second("snap load", bytes, static_cast<double>(ns_since(start))));
}

// The root along the flow, and snapshots of its end.
void measure_state(const PreparedFlow& flow, Commits commits, std::uint32_t rounds,
                   std::vector<PartFigures>& parts) {
    commits = commits.first(std::min(commits.size(), checkpoint_commits * checkpoints_max));
    std::uint64_t changed = 0;
    bool is_counted = false;
    FrozenState before;
    const double ns = fastest(std::min(rounds, root_rounds_max), [&](FastestStretches& stretches) {
        EngineRun run(flow, 0);
        execute_before(flow, run);
        StateRoot root;
        before = run.engine().freeze();
        root.advance(before);
        for (std::size_t i = 0; i < commits.size(); ++i) {
            run.commit({&commits[i], 1});
            if ((i + 1) % checkpoint_commits != 0 && i + 1 != commits.size()) continue;
            FrozenState now;
            stretches.add(time_of([&] {
                now = run.engine().freeze();
                root.advance(now);
            }));
            if (!is_counted) changed += changed_entries(before, now);
            before = std::move(now);
        }
        is_counted = true;
    });
    if (changed > 0) parts.push_back({"state root", "ns/key", ns / static_cast<double>(changed), changed});
    measure_snapshot(flow, before, rounds, parts);
}

}  // namespace

std::vector<PartFigures> measure_parts(const PreparedFlow& flow, std::uint32_t rounds) {
    std::vector<PartFigures> parts;
    if (flow.flow.empty()) return parts;
    const Commits commits = Commits(flow.flow).first(std::min(flow.flow.size(), commits_max));
    const Outcome outcome = outcome_of(flow, commits);
    parts.push_back(measure_decode(flow, commits, outcome, rounds));
    parts.push_back(measure_admission(flow, commits, outcome, rounds));
    for (const BookInput input : {BookInput::single, BookInput::commit})
        if (const auto book = measure_book(flow, commits, outcome, rounds, input)) parts.push_back(*book);
    parts.push_back(measure_ledger(flow, outcome, rounds));
    parts.push_back(measure_undo_record(outcome, rounds));
    parts.push_back(measure_undo_back(flow, commits, rounds));
    parts.push_back(measure_events(outcome, rounds));
    measure_state(flow, commits, rounds, parts);
    return parts;
}

}  // namespace peerbook::app

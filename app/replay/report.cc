// What a replay prints, and the two entry points of the program.
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cerrno>
#include <cstring>

#include "app/replay/generator.h"
#include "app/replay/replay.h"
#include "app/terminal/progress_bar.h"

namespace peerbook::app::replay {

namespace {

std::uint64_t per_second(std::uint64_t count, Duration elapsed) {
    if (elapsed.ns <= 0) return 0;
    return static_cast<std::uint64_t>(static_cast<unsigned __int128>(count) * 1'000'000'000 /
                                      static_cast<std::uint64_t>(elapsed.ns));
}

std::uint64_t count_of(std::int64_t value) {
    return static_cast<std::uint64_t>(value);
}

// "99.73 %", rounded down.
std::string share(std::uint64_t part, std::uint64_t all) {
    if (all == 0) return "-";
    const std::uint64_t hundredths =
        static_cast<std::uint64_t>(static_cast<unsigned __int128>(part) * 10'000 / all);
    const std::string fraction = std::to_string(hundredths % 100);
    return std::to_string(hundredths / 100) + "." + (fraction.size() < 2 ? "0" : "") + fraction + " %";
}

// Milliseconds with three places.
std::string ms_text(std::uint64_t us) {
    std::string fraction = std::to_string(us % 1'000);
    fraction.insert(0, 3 - fraction.size(), '0');
    return grouped(us / 1'000) + "." + fraction + " ms";
}

class Lines {
  public:
    void add(const std::string& label, const std::string& value) {
        text_ += label + std::string(label.size() < 22 ? 22 - label.size() : 1, ' ') + value + "\n";
    }
    std::string text_;
};

std::string latency_text(const Histogram& histogram) {
    if (histogram.count() == 0) return "not measured";
    return "p50 " + ms_text(histogram.quantile(500)) + "   p99 " + ms_text(histogram.quantile(990)) +
           "   max " + ms_text(histogram.max()) + "   (" + grouped(histogram.count()) + " batches)";
}

std::string row_classes(const BookDifferences& d) {
    return "level missing " + grouped(d.missing_level) + ", level too many " + grouped(d.extra_level) +
           ", too little " + grouped(d.less_quantity) + ", too much " + grouped(d.more_quantity);
}

void record_text(Lines& lines, const ReplayOutcome& outcome) {
    const RecordReport& r = *outcome.load.record;
    lines.add("against the record", grouped(r.executions_same) + " of " + grouped(r.executions) +
                                        " executions hit the recorded order (" +
                                        share(r.executions_same, r.executions) + ")");
    lines.add("", share(count_of(r.lots_executed), count_of(r.lots_recorded)) +
                      " of the recorded volume executed, " +
                      share(count_of(r.lots_same), count_of(r.lots_recorded)) +
                      " against the recorded orders");
    const ExecutionDifferences& d = r.differences;
    lines.add("  other executions", "nothing there " + grouped(d.nothing) + ", better price " +
                                        grouped(d.better_price) + ", seeded order " +
                                        grouped(d.behind_seeded) + ", other order " + grouped(d.other_order) +
                                        ", for less " + grouped(d.partly));
    lines.add("  refused", grouped(r.rejected_unknown) + " for an order that had gone, " +
                               grouped(r.rejected_other) + " for another reason");
    if (outcome.has_official) {
        lines.add("official book", share(r.rows_best_price, r.rows) + " of " + grouped(r.rows) +
                                       " rows have its best prices, " + share(r.rows_best, r.rows) +
                                       " also their sizes, " + share(r.rows_all, r.rows) + " all levels");
        lines.add("  best level differs", row_classes(r.at_best));
        lines.add("  deeper one differs", row_classes(r.deeper));
    }
    lines.add("rebuilt book", grouped(outcome.load.book_samples - outcome.load.book_samples_different) +
                                  " of " + grouped(outcome.load.book_samples) +
                                  " samples equal the node's own");
}

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

void number(Writer& json, const char* name, std::uint64_t value) {
    json.Key(name);
    json.Uint64(value);
}

void text(Writer& json, const char* name, const std::string& value) {
    json.Key(name);
    json.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
}

void latency_json(Writer& json, const char* name, const Histogram& histogram) {
    json.Key(name);
    json.StartObject();
    number(json, "p50", histogram.quantile(500));
    number(json, "p99", histogram.quantile(990));
    number(json, "max", histogram.max());
    number(json, "samples", histogram.count());
    json.EndObject();
}

void rows_json(Writer& json, const char* name, const BookDifferences& d) {
    json.Key(name);
    json.StartObject();
    number(json, "missing_level", d.missing_level);
    number(json, "extra_level", d.extra_level);
    number(json, "less_quantity", d.less_quantity);
    number(json, "more_quantity", d.more_quantity);
    json.EndObject();
}

void record_json(Writer& json, const ReplayOutcome& outcome) {
    const RecordReport& r = *outcome.load.record;
    json.Key("record");
    json.StartObject();
    number(json, "executions", r.executions);
    number(json, "executions_same", r.executions_same);
    number(json, "lots_recorded", count_of(r.lots_recorded));
    number(json, "lots_executed", count_of(r.lots_executed));
    number(json, "lots_same", count_of(r.lots_same));
    json.Key("differences");
    json.StartObject();
    number(json, "nothing", r.differences.nothing);
    number(json, "better_price", r.differences.better_price);
    number(json, "seeded", r.differences.behind_seeded);
    number(json, "other_order", r.differences.other_order);
    number(json, "partly", r.differences.partly);
    json.EndObject();
    number(json, "rejected_unknown", r.rejected_unknown);
    number(json, "rejected_other", r.rejected_other);
    if (outcome.has_official) {
        number(json, "rows", r.rows);
        number(json, "rows_best_price", r.rows_best_price);
        number(json, "rows_best", r.rows_best);
        number(json, "rows_all", r.rows_all);
        rows_json(json, "best_differs", r.at_best);
        rows_json(json, "deeper_differs", r.deeper);
    }
    number(json, "book_samples", outcome.load.book_samples);
    number(json, "book_samples_different", outcome.load.book_samples_different);
    json.EndObject();
}

void counts_json(Writer& json, const FlowCounts& counts) {
    json.Key("repairs");
    json.StartObject();
    number(json, "seeded", counts.seeded);
    number(json, "stale", counts.stale);
    number(json, "fillers", counts.fillers);
    number(json, "requeued", counts.requeued);
    number(json, "outlived", counts.outlived);
    number(json, "restored", counts.restored);
    number(json, "duplicates", counts.duplicates);
    number(json, "above_leaves", counts.above_leaves);
    number(json, "off_tick", counts.off_tick);
    number(json, "rounded", counts.rounded);
    number(json, "below_lot", counts.below_lot);
    number(json, "hidden", counts.hidden);
    number(json, "halts", counts.halts);
    json.EndObject();
}

ReplayEnd end_of_error(const Error& error) {
    switch (error.code) {
        case ErrorCode::invalid_input:
        case ErrorCode::too_large:
            return ReplayEnd::usage;
        case ErrorCode::unavailable:
        case ErrorCode::timed_out:
            return ReplayEnd::unreachable;
        case ErrorCode::io:
        case ErrorCode::corrupt:
            return ReplayEnd::environment;
        case ErrorCode::not_found:
        case ErrorCode::conflict:
        case ErrorCode::unauthorized:
            return ReplayEnd::failed;
    }
    return ReplayEnd::failed;
}

ReplayEnd print_error(const Error& error, bool as_json) {
    if (as_json) {
        rapidjson::StringBuffer buffer;
        Writer json(buffer);
        json.StartObject();
        text(json, "code", to_string(error.code));
        text(json, "message", error.message);
        json.EndObject();
        std::printf("%s\n", buffer.GetString());
    } else {
        std::fprintf(stderr, "peerbook replay: %s\n", error.message.c_str());
    }
    return end_of_error(error);
}

Status write_text(const std::string& path, const std::string& content) {
    const bool is_stdout = path == "-";
    std::FILE* file = is_stdout ? stdout : std::fopen(path.c_str(), "wb");
    if (file == nullptr) return Error{ErrorCode::io, path + ": " + std::strerror(errno)};
    bool good = std::fwrite(content.data(), 1, content.size(), file) == content.size();
    good = (is_stdout ? std::fflush(file) : std::fclose(file)) == 0 && good;
    if (!good) return Error{ErrorCode::io, path + ": " + std::strerror(errno)};
    return {};
}

}  // namespace

std::string to_text(const ReplayOutcome& outcome) {
    const LoadReport& load = outcome.load;
    Lines lines;
    std::string markets = outcome.markets[0];
    if (outcome.markets.size() > 1)
        markets += " and " + grouped(outcome.markets.size() - 1) + " more markets";
    lines.add("recording", grouped(outcome.rows) + " rows (" + outcome.format + ") on " + markets);
    lines.add("commands", grouped(load.commands) + " acknowledged in " +
                              ms_text(static_cast<std::uint64_t>(load.elapsed.ns / 1'000)) + ": " +
                              grouped(per_second(load.commands, load.elapsed)) + " a second");
    lines.add("orders",
              grouped(load.orders) + " (" + grouped(per_second(load.orders, load.elapsed)) + " a second)");
    lines.add("trades",
              grouped(load.fills) + " (" + grouped(per_second(load.fills, load.elapsed)) + " a second)");
    lines.add("durable after", latency_text(load.durable_us));
    lines.add("settled after", latency_text(load.settled_us));
    std::string rejections;
    for (const auto& [reason, count] : load.rejections)
        rejections += (rejections.empty() ? "" : ", ") + reason + " " + grouped(count);
    lines.add("rejected", rejections.empty() ? "none" : rejections);
    const FlowCounts& counts = outcome.counts;
    lines.add("repairs a market", "unknown " + grouped(counts.seeded) + ", stale " + grouped(counts.stale) +
                                      ", outlived " + grouped(counts.outlived) + ", restored " +
                                      grouped(counts.restored) + ", fillers " + grouped(counts.fillers) +
                                      ", queued again " + grouped(counts.requeued));
    lines.add("skipped a market", "hidden " + grouped(counts.hidden) + ", halts " + grouped(counts.halts) +
                                      ", off the tick " + grouped(counts.off_tick) + ", below a lot " +
                                      grouped(counts.below_lot) + ", duplicates " +
                                      grouped(counts.duplicates));
    if (load.record) record_text(lines, outcome);
    if (!outcome.market_was_empty)
        lines.add("against the record", "not compared: the market had orders before");
    if (load.batches_sent_again > 0)
        lines.add("sent again", grouped(load.batches_sent_again) + " batches, of which " +
                                    grouped(load.executed_before) + " commands had been executed");
    if (load.probed > 0)
        lines.add("asked again", grouped(load.probed) + " acknowledged commands, " +
                                     grouped(load.probe_out_of_window) + " too old to tell");
    lines.add("acknowledged missing", grouped(load.acknowledged_missing));
    for (const ReplayOutcome::NodeEnd& node : outcome.nodes)
        lines.add(node.url, "book " + node.digests.book.substr(0, 16) + "  balances " +
                                node.digests.balances.substr(0, 16) + "  trades " +
                                node.digests.trades.substr(0, 16) + "  settled trades " +
                                grouped(node.digests.settled_trades) + "  replayed " +
                                grouped(node.status.commands_replayed));
    if (outcome.nodes.size() > 1)
        lines.add("nodes", outcome.equal
                               ? "equal " +
                                     ms_text(static_cast<std::uint64_t>(outcome.settled_after.ns / 1'000)) +
                                     " after the last answer"
                               : std::string("NOT EQUAL"));
    if (!outcome.quiet) lines.add("settling", "not finished in time");
    return lines.text_;
}

std::string to_json(const ReplayOutcome& outcome) {
    const LoadReport& load = outcome.load;
    rapidjson::StringBuffer buffer;
    Writer json(buffer);
    json.StartObject();
    text(json, "format", outcome.format);
    number(json, "rows", outcome.rows);
    json.Key("markets");
    json.StartArray();
    for (const std::string& market : outcome.markets)
        json.String(market.data(), static_cast<rapidjson::SizeType>(market.size()));
    json.EndArray();
    number(json, "commands", load.commands);
    number(json, "orders", load.orders);
    number(json, "fills", load.fills);
    number(json, "elapsed_us", static_cast<std::uint64_t>(load.elapsed.ns / 1'000));
    // Commands a second: placing, reducing and cancelling are all order messages.
    number(json, "orders_per_s", per_second(load.commands, load.elapsed));
    number(json, "trades_per_s", per_second(load.fills, load.elapsed));
    latency_json(json, "durable_us", load.durable_us);
    latency_json(json, "settled_us", load.settled_us);
    json.Key("rejections");
    json.StartObject();
    for (const auto& [reason, count] : load.rejections)
        number(json, reason.c_str(), count);
    json.EndObject();
    counts_json(json, outcome.counts);
    if (load.record) record_json(json, outcome);
    number(json, "batches", load.batches);
    number(json, "batches_sent_again", load.batches_sent_again);
    number(json, "executed_before", load.executed_before);
    number(json, "probed", load.probed);
    number(json, "probe_out_of_window", load.probe_out_of_window);
    number(json, "acknowledged_missing", load.acknowledged_missing);
    json.Key("digests");
    json.StartArray();
    for (const ReplayOutcome::NodeEnd& node : outcome.nodes) {
        json.StartObject();
        text(json, "node", node.url);
        text(json, "book", node.digests.book);
        text(json, "balances", node.digests.balances);
        text(json, "state", node.digests.state);
        text(json, "trades", node.digests.trades);
        number(json, "settled_trades", node.digests.settled_trades);
        number(json, "commits", node.digests.commits);
        number(json, "settled_commits", node.digests.settled_commits);
        number(json, "commands_executed", node.status.commands_executed);
        number(json, "commands_replayed", node.status.commands_replayed);
        number(json, "rollbacks", node.status.rollbacks);
        json.EndObject();
    }
    json.EndArray();
    json.Key("equal");
    json.Bool(outcome.equal);
    json.Key("settled");
    json.Bool(outcome.quiet);
    number(json, "settled_after_us", static_cast<std::uint64_t>(outcome.settled_after.ns / 1'000));
    json.EndObject();
    return buffer.GetString();
}

ReplayEnd run_replay(const ReplayOptions& options) {
    Result<ReplayOutcome> outcome = replay(options, stderr);
    if (!outcome.ok()) return print_error(outcome.error(), options.json);
    const std::string text = options.json ? to_json(*outcome) + "\n" : to_text(*outcome);
    if (Status written = write_text("-", text); !written.ok()) return print_error(written.error(), false);
    return end_of(*outcome);
}

ReplayEnd run_generate(const GenerateOptions& options) {
    if (options.rows > generated_rows_max)
        return print_error(
            {ErrorCode::invalid_input, "at most " + std::to_string(generated_rows_max) + " rows"}, false);
    GeneratorOptions generator;
    generator.seed = options.seed;
    generator.rows = options.rows;
    generator.unknown_orders = options.unknown_orders;
    generator.book_levels = options.book_path.empty() ? 0 : 5;
    const GeneratedFlow flow = generate_lobster(generator);
    if (Status written = write_text(options.messages_path, flow.messages); !written.ok())
        return print_error(written.error(), false);
    if (!options.book_path.empty())
        if (Status written = write_text(options.book_path, flow.book); !written.ok())
            return print_error(written.error(), false);
    return ReplayEnd::ok;
}

}  // namespace peerbook::app::replay

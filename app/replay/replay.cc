#include "app/replay/replay.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>

#include "app/replay/bitstamp.h"
#include "app/replay/generator.h"
#include "app/replay/lines.h"
#include "app/replay/lobster.h"
#include "app/terminal/progress_bar.h"
#include "base/system_clock.h"

namespace peerbook::app::replay {

namespace {

constexpr Duration request_timeout = Duration::seconds(60);
constexpr std::uint32_t default_batch = 1'024;
constexpr std::uint32_t connections_one_node = 4;
constexpr std::uint32_t connections_of_several = 2;
constexpr std::uint32_t connections_max = 64;
constexpr std::uint64_t rate_max = 100'000'000;
// Digests walk the whole state, so they are not asked for more often.
constexpr std::chrono::milliseconds quiet_interval(200);

Error usage(const std::string& message) {
    return {ErrorCode::invalid_input, message};
}

struct Market {
    exchange::MarketId id;
    FlowScale scale;
};

// The markets to feed: the named one, or the first `count` that the file's numbers fit.
Result<std::vector<Market>> choose_markets(const ReplayOptions& options, const Recording& recording,
                                           const exchange::NetworkRules& rules) {
    std::size_t count = 1;
    if (options.markets == "all") {
        count = rules.markets.size();
    } else if (!options.markets.empty()) {
        Result<std::int64_t> number = parse_integer(options.markets, 1, 100'000, "--markets");
        if (!number.ok()) return usage(number.error().message + "; or \"all\"");
        count = static_cast<std::size_t>(*number);
    }
    std::vector<Market> chosen;
    std::string reasons;
    const bool needs_fractions = recording.format == RecordingFormat::bitstamp;
    for (int round = 0; round < 2 && chosen.size() < count; ++round) {
        for (std::size_t i = 0; i < rules.markets.size() && chosen.size() < count; ++i) {
            const exchange::MarketRules& market = rules.markets[i];
            if (!options.market.empty() && options.markets.empty() && market.symbol != options.market)
                continue;
            Result<FlowScale> scale = make_scale(recording, market);
            if (!scale.ok()) {
                reasons = scale.error().message;
                continue;
            }
            // First those whose lot is like the file's: whole shares, or fractions of a coin.
            const bool alike = (market.lot_text == "1") != needs_fractions;
            const bool named = market.symbol == options.market;
            if ((round == 0) != (alike || named)) continue;
            chosen.push_back({exchange::MarketId(static_cast<std::uint32_t>(i)), *scale});
        }
    }
    if (!options.market.empty() && chosen.empty())
        return Error{ErrorCode::not_found,
                     reasons.empty() ? "the network has no market " + options.market : reasons};
    if (chosen.size() < count && options.markets != "all")
        return usage("the network has " + std::to_string(chosen.size()) + " markets that fit the file, not " +
                     std::to_string(count) + (reasons.empty() ? "" : " (" + reasons + ")"));
    if (chosen.empty()) return usage("no market of the network fits the file: " + reasons);
    return chosen;
}

// Waits until every node has settled everything, and twice in a row all say the same.
Status wait_quiet(const LoadPlan& plan, Duration patience, ReplayOutcome& outcome) {
    std::vector<NodeLink> links;
    for (const NodeAddress& node : plan.nodes)
        links.emplace_back(node, request_timeout, Patience{patience, nullptr});
    const MonoTime begin = mono_now();
    std::vector<std::string> last;
    for (;;) {
        std::vector<std::string> now;
        bool settled = true;
        outcome.nodes.clear();
        for (NodeLink& link : links) {
            Result<NodeDigests> digests = link.digests();
            if (!digests.ok()) return digests.error();
            Result<NodeStatus> status = link.status();
            if (!status.ok()) return status.error();
            settled = settled && status->unsettled_commands == 0;
            now.push_back(digests->book + digests->balances + digests->state + digests->trades +
                          std::to_string(digests->settled_trades));
            outcome.nodes.push_back({link.url(), *digests, *status});
        }
        outcome.equal =
            std::all_of(now.begin(), now.end(), [&](const std::string& one) { return one == now[0]; });
        outcome.quiet = settled && now == last;
        if (outcome.quiet && outcome.equal) {
            outcome.settled_after = mono_now() - begin;
            return {};
        }
        if (mono_now() - begin >= patience) return {};
        last = std::move(now);
        std::this_thread::sleep_for(quiet_interval);
    }
}

Result<LoadPlan> plan_of(const ReplayOptions& options) {
    LoadPlan plan;
    if (options.node.empty() == options.testnet.empty())
        return usage("give either --node URL or --testnet DIR");
    if (options.testnet.empty()) {
        plan.nodes = {{options.node, options.cookie_path}};
    } else {
        Result<std::vector<NodeAddress>> nodes = read_testnet(options.testnet);
        if (!nodes.ok()) return nodes.error();
        plan.nodes = std::move(*nodes);
    }
    Result<std::uint64_t> speed = parse_speed(options.speed);
    if (!speed.ok()) return speed.error();
    if (*speed > 0 && options.rate > 0) return usage("give either --speed or --rate");
    if (options.rate > rate_max) return usage("--rate is at most " + std::to_string(rate_max));
    plan.pace = {*speed, options.rate};
    if (options.batch > intents_per_request_max)
        return usage("--batch is at most " + std::to_string(intents_per_request_max));
    plan.batch = options.batch == 0 ? default_batch : options.batch;
    if (options.connections > connections_max)
        return usage("--connections is at most " + std::to_string(connections_max));
    plan.retry_for = Duration::seconds(options.retry_for_s);
    plan.probe_acknowledged = options.probe;
    return plan;
}

std::uint32_t chosen_connections(const ReplayOptions& options, std::size_t nodes, std::size_t markets) {
    if (options.connections > 0) return options.connections;
    if (nodes > 1) return connections_of_several;
    return static_cast<std::uint32_t>(std::min<std::size_t>(connections_one_node, markets));
}

}  // namespace

Result<std::uint64_t> parse_speed(const std::string& text) {
    if (text == "full") return std::uint64_t{0};
    if (text.size() > 1 && text.back() == 'x') {
        Result<std::int64_t> value =
            parse_fixed(text.substr(0, text.size() - 1), 3, 1'000'000'000'000, "--speed");
        if (value.ok() && *value > 0) return static_cast<std::uint64_t>(*value);
    }
    return usage("--speed must be \"full\" or a factor such as \"10x\", not \"" + text.substr(0, 40) + "\"");
}

Result<Recording> read_recording(const std::string& path, std::uint32_t rows_max) {
    bool is_bitstamp = false, is_empty = true;
    Status first = for_each_line(path, 1, [&](std::string_view line, std::uint32_t) -> Status {
        is_empty = false;
        is_bitstamp = line == bitstamp_header;
        if (!is_bitstamp && !parse_lobster_message(line, 0).ok())
            return Error{ErrorCode::invalid_input,
                         "is neither a LOBSTER message nor the header of Bitstamp's order file"};
        return {};
    });
    if (!first.ok()) return first.error();
    if (is_empty) return usage(path + ": is empty");
    return is_bitstamp ? read_bitstamp(path, rows_max) : read_lobster(path, rows_max);
}

Result<ReplayOutcome> replay(const ReplayOptions& options, std::FILE* progress) {
    Result<LoadPlan> made = plan_of(options);
    if (!made.ok()) return made.error();
    LoadPlan& plan = *made;
    const std::uint32_t rows_max = options.limit == 0 ? recording_lines_max : options.limit;
    Result<Recording> recording = read_recording(options.file, rows_max);
    if (!recording.ok()) return recording.error();
    OfficialBook official;
    if (!options.check_book.empty()) {
        if (recording->format != RecordingFormat::lobster) return usage("--check-book is for LOBSTER files");
        Result<OfficialBook> book = read_lobster_book(options.check_book, rows_max, official_levels_max);
        if (!book.ok()) return book.error();
        official = std::move(*book);
    }
    if (options.repair != "best" && options.repair != "levels")
        return usage("--repair must be \"best\" or \"levels\"");
    const Repair repair = options.repair == "levels" ? Repair::levels : Repair::best;
    const OfficialBook* official_or_null = options.check_book.empty() ? nullptr : &official;

    NodeLink first(plan.nodes[0], request_timeout, {plan.retry_for, nullptr});
    Result<exchange::NetworkRules> rules = first.network();
    if (!rules.ok()) return rules.error();
    Result<std::vector<Market>> markets = choose_markets(options, *recording, *rules);
    if (!markets.ok()) return markets.error();

    std::map<FlowScale, Flow> flows;
    ReplayOutcome outcome;
    for (const Market& market : *markets) {
        auto found = flows.find(market.scale);
        if (found == flows.end()) {
            Result<Flow> flow = build_flow(*recording, market.scale, official_or_null, repair);
            if (!flow.ok()) return flow.error();
            found = flows.emplace(market.scale, std::move(*flow)).first;
        }
        plan.feeds.push_back({market.id, &found->second});
        outcome.markets.push_back(rules->markets[market.id.value()].symbol);
    }
    plan.connections = chosen_connections(options, plan.nodes.size(), plan.feeds.size());
    if (plan.connections * plan.nodes.size() > lanes_max)
        return usage("nodes × connections is at most " + std::to_string(lanes_max));
    plan.official = official_or_null;
    plan.check_record = order_is_kept(plan);
    if ((options.verify || official_or_null != nullptr) && !plan.check_record)
        return usage("the record is only comparable on one node, with no more connections than markets");

    outcome.format = recording->format == RecordingFormat::lobster ? "lobster" : "bitstamp";
    outcome.rows = recording->rows;
    outcome.counts = plan.feeds[0].flow->counts;
    outcome.has_official = official_or_null != nullptr;
    recording->events.clear();
    recording->events.shrink_to_fit();

    if (plan.check_record) {
        // Orders that stand there already would take part.
        Result<BookTop> top = first.book(rules->markets[plan.feeds[0].market.value()], 1);
        if (!top.ok()) return top.error();
        plan.check_record = top->bids.empty() && top->asks.empty();
        outcome.market_was_empty = plan.check_record;
        if (!plan.check_record && (options.verify || official_or_null != nullptr))
            return Error{ErrorCode::conflict,
                         "market " + outcome.markets[0] +
                             " has orders already; the record is only comparable in an empty one"};
    }
    Load load(plan, *rules);
    if (Status status = load.prepare(); !status.ok()) return status.error();
    {
        ProgressBar bar("replay", load.total_commands(), progress);
        if (Status status = load.run([&](std::uint64_t done) { bar.update(done); }); !status.ok())
            return status.error();
    }
    const Duration patience = Duration::seconds(options.settle_for_s);
    if (Status status = wait_quiet(plan, patience, outcome); !status.ok()) return status.error();
    const Duration settled_after = outcome.settled_after;
    if (Status status = load.verify_acknowledged(); !status.ok()) return status.error();
    outcome.load = load.report();
    if (outcome.load.probed > 0) {
        if (Status status = wait_quiet(plan, patience, outcome); !status.ok()) return status.error();
        outcome.settled_after = settled_after;
    }
    return outcome;
}

ReplayEnd end_of(const ReplayOutcome& outcome) {
    const bool good = outcome.equal && outcome.quiet && outcome.load.acknowledged_missing == 0 &&
                      outcome.load.book_samples_different == 0;
    return good ? ReplayEnd::ok : ReplayEnd::failed;
}

}  // namespace peerbook::app::replay

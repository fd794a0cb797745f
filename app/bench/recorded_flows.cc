#include "app/bench/recorded_flows.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <utility>

#include "app/replay/bitstamp.h"
#include "app/replay/flow.h"
#include "app/replay/lines.h"
#include "app/replay/lobster.h"
#include "base/random.h"

namespace peerbook::app {

using namespace exchange;

namespace {

constexpr std::uint32_t accounts = 1'000;
constexpr std::uint32_t many_markets = 64;
constexpr std::int64_t start_spread_ns = 60'000'000'000;
constexpr std::int64_t price_spread = 10'000;  // ticks

struct RecordedFile {
    std::string messages;
    std::string book;  // empty: there is none
};

// The first by name.
std::string file_in(const std::string& directory, const std::string& prefix, std::string_view part) {
    std::vector<std::string> found;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
        const std::string name = entry.path().filename().string();
        if (name.starts_with(prefix) && name.find(part) != std::string::npos &&
            (name.ends_with(".csv") || name.ends_with(".csv.gz")))
            found.push_back(entry.path().string());
    }
    std::sort(found.begin(), found.end());
    return found.empty() ? "" : found.front();
}

Result<replay::Flow> read_lobster_flow(const RecordedFile& file) {
    Result<replay::Recording> recording = replay::read_lobster(file.messages, replay::recording_lines_max);
    if (!recording.ok()) return recording.error();
    replay::FlowScale scale;
    scale.price_divisor = 100;  // a tick is a cent
    scale.price_max = 900'000'000;
    scale.quantity_max = 1'000'000'000;
    if (file.book.empty()) return replay::build_flow(*recording, scale, nullptr);
    Result<replay::OfficialBook> book =
        replay::read_lobster_book(file.book, replay::recording_lines_max, replay::official_levels_max);
    if (!book.ok()) return book.error();
    return replay::build_flow(*recording, scale, &*book);
}

Result<replay::Flow> read_bitstamp_flow(const RecordedFile& file) {
    Result<replay::Recording> recording = replay::read_bitstamp(file.messages, replay::recording_lines_max);
    if (!recording.ok()) return recording.error();
    replay::FlowScale scale;
    scale.quantity_divisor = 10'000;  // a lot is a ten-thousandth of a bitcoin
    scale.price_max = 900'000'000;
    scale.quantity_max = 1'000'000'000;
    return replay::build_flow(*recording, scale, nullptr);
}

// Plays one recording into one market of a flow.
class Player {
  public:
    Player(const replay::Flow& flow, std::uint32_t market, std::uint64_t seed)
        : flow_(flow), market_(market), random_(seed + market), orders_(flow.orders.size()) {
        if (market == 0) return;
        price_shift_ = static_cast<std::int64_t>(random_.below(price_spread));
        time_shift_ns_ = static_cast<std::int64_t>(random_.below(start_spread_ns));
    }

    bool is_over() const { return next_ == flow_.commands.size(); }
    std::int64_t next_time_ns() const { return flow_.commands[next_].time_ns + time_shift_ns_; }
    void play_next(FlowWriter& writer) {
        const replay::FlowCommand& command = flow_.commands[next_++];
        Placed& order = orders_[command.order];
        switch (command.kind) {
            case replay::FlowKind::place:
                order.account = any_account();
                order.name = writer.add(order.account, limit_order(command));
                break;
            case replay::FlowKind::take: {
                LimitOrder take = limit_order(command);
                take.time_in_force = TimeInForce::ioc;
                // Not the account of the order it is meant for: self-trade prevention would stop it.
                const std::uint32_t account = any_account();
                writer.add(account == order.account ? (account + 1) % accounts : account, take);
                break;
            }
            case replay::FlowKind::reduce:
                writer.add(order.account, ReduceOrder{order.name, Quantity(command.quantity)});
                break;
            case replay::FlowKind::cancel:
                writer.add(order.account, CancelOrder{order.name});
                break;
        }
    }

  private:
    struct Placed {
        std::uint32_t account = 0;
        CommandRef name;
    };

    std::uint32_t any_account() { return static_cast<std::uint32_t>(random_.below(accounts)); }
    LimitOrder limit_order(const replay::FlowCommand& command) const {
        LimitOrder order;
        order.market = MarketId(market_);
        order.side = command.side;
        order.price = Price(command.price + price_shift_);
        order.quantity = Quantity(command.quantity);
        return order;
    }

    const replay::Flow& flow_;
    std::uint32_t market_;
    Random random_;
    std::vector<Placed> orders_;
    std::size_t next_ = 0;
    std::int64_t price_shift_ = 0;
    std::int64_t time_shift_ns_ = 0;
};

PreparedFlow play(const std::string& name, const replay::Flow& flow, std::uint32_t markets,
                  std::uint64_t seed) {
    FlowWriter writer(name, bench_rules(markets), accounts);
    std::vector<Player> players;
    for (std::uint32_t market = 0; market < markets; ++market)
        players.emplace_back(flow, market, seed);
    // The player whose command is next in time on top.
    const auto later = [&](std::uint32_t a, std::uint32_t b) {
        const std::int64_t at_a = players[a].next_time_ns(), at_b = players[b].next_time_ns();
        return at_a != at_b ? at_a > at_b : a > b;
    };
    std::vector<std::uint32_t> heap;
    for (std::uint32_t market = 0; market < markets; ++market)
        if (!players[market].is_over()) heap.push_back(market);
    std::make_heap(heap.begin(), heap.end(), later);
    writer.begin_flow();
    while (!heap.empty()) {
        std::pop_heap(heap.begin(), heap.end(), later);
        Player& player = players[heap.back()];
        player.play_next(writer);
        if (player.is_over())
            heap.pop_back();
        else
            std::push_heap(heap.begin(), heap.end(), later);
    }
    return writer.take();
}

using Reader = Result<replay::Flow> (*)(const RecordedFile&);

Workload recorded(const char* name, const char* what, const RecordedFile& file, Reader read,
                  std::uint32_t markets, std::uint64_t seed) {
    return {name, what, [=]() -> Result<PreparedFlow> {
                const Result<replay::Flow> flow = read(file);
                if (!flow.ok()) return flow.error();
                return play(name, *flow, markets, seed);
            }};
}

}  // namespace

std::vector<Workload> recorded_workloads(const std::string& directory, const WorkloadSize& size,
                                         std::vector<std::string>& missing) {
    struct Kind {
        const char* name;
        const char* what;
        const char* prefix;
        std::string_view part;
        Reader read;
        std::uint32_t markets;
    };
    constexpr std::string_view message_part = "_message_";
    const Kind kinds[] = {
        {"aapl", "recorded: an hour of a stock, 50 levels", "AAPL_", message_part, read_lobster_flow, 1},
        {"amzn", "recorded: a day of a stock, 5 levels", "AMZN_", message_part, read_lobster_flow, 1},
        {"bitstamp", "recorded: five hours of bitcoin", "bitstamp_", "_orders", read_bitstamp_flow, 1},
        {"aapl-64", "recorded: the hour of aapl in 64 markets at once", "AAPL_", message_part,
         read_lobster_flow, many_markets},
    };
    std::vector<Workload> all;
    for (const Kind& kind : kinds) {
        RecordedFile file{file_in(directory, kind.prefix, kind.part), ""};
        if (file.messages.empty()) {
            missing.push_back(std::string(kind.name) + " skipped: no file " + kind.prefix + "*" +
                              std::string(kind.part) + "*.csv or .csv.gz in " + directory);
            continue;
        }
        if (kind.part == message_part) file.book = file_in(directory, kind.prefix, "_orderbook_");
        all.push_back(recorded(kind.name, kind.what, file, kind.read, kind.markets, size.seed));
    }
    return all;
}

}  // namespace peerbook::app

#include "app/cli/views.h"

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <optional>
#include <utility>
#include <vector>

#include "app/cli/json_text.h"
#include "app/cli/view_parts.h"
#include "app/terminal/ladder.h"
#include "app/terminal/progress_bar.h"

namespace peerbook::app::cli {

namespace {

std::optional<std::int64_t> number_of(const std::string& text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

// One element of an array of an answer, as text.
std::string item(const Answer& array, rapidjson::SizeType index) {
    if (!array.IsArray() || index >= array.Size() || !array[index].IsString()) return {};
    return {array[index].GetString(), array[index].GetStringLength()};
}

// Enough of a key or digest to tell two apart at a glance.
std::string shortened(const std::string& hex) {
    return hex.size() > 16 ? hex.substr(0, 16) : hex;
}

Result<std::vector<LadderLevel>> levels_of(const Answer& answer, const char* side) {
    const Answer* levels = array_at(answer, side);
    if (levels == nullptr) return missing(side);
    std::vector<LadderLevel> result;
    for (const Answer& level : levels->GetArray())
        result.push_back({item(level, 0), item(level, 1), item(level, 2)});
    return result;
}

}  // namespace

std::string grouped_text(const std::string& text) {
    const auto number = number_of(text);
    return number && *number >= 0 ? grouped(static_cast<std::uint64_t>(*number)) : text;
}

std::string time_text(const std::string& epoch_ms) {
    const auto ms = number_of(epoch_ms);
    if (!ms || *ms < 0) return epoch_ms;
    const std::time_t seconds = static_cast<std::time_t>(*ms / 1000);
    std::tm utc{};
    if (::gmtime_r(&seconds, &utc) == nullptr) return epoch_ms;
    char day[32];
    if (std::strftime(day, sizeof day, "%Y-%m-%d %H:%M:%S", &utc) == 0) return epoch_ms;
    char milliseconds[8];
    std::snprintf(milliseconds, sizeof milliseconds, ".%03d", static_cast<int>(*ms % 1000));
    return std::string(day) + milliseconds;
}

std::string span_text(const std::string& ms) {
    const auto number = number_of(ms);
    if (!number || *number < 0) return ms;
    if (*number < 1'000) return ms + " ms";
    const std::int64_t seconds = *number / 1'000;
    const auto two = [](std::int64_t large, const char* unit, std::int64_t small, const char* small_unit) {
        return std::to_string(large) + " " + unit + " " + std::to_string(small) + " " + small_unit;
    };
    if (seconds < 60) return std::to_string(seconds) + " s";
    if (seconds < 3'600) return two(seconds / 60, "min", seconds % 60, "s");
    if (seconds < 86'400) return two(seconds / 3'600, "h", seconds / 60 % 60, "min");
    return two(seconds / 86'400, "d", seconds / 3'600 % 24, "h");
}

std::string size_text(const std::string& bytes) {
    const auto number = number_of(bytes);
    if (!number || *number < 0) return bytes;
    static constexpr const char* units[] = {"B", "kB", "MB", "GB", "TB"};
    std::int64_t unit_size = 1;
    std::size_t unit = 0;
    while (unit + 1 < std::size(units) && *number / unit_size >= 1'000) {
        unit_size *= 1'000;
        ++unit;
    }
    std::string text = std::to_string(*number / unit_size);
    if (unit > 0) text += "." + std::to_string(*number % unit_size * 10 / unit_size);
    return text + " " + units[unit];
}

Result<std::string> view_book(const Answer& answer, const TerminalStyle& style) {
    Ladder ladder;
    ladder.market = text_at(answer, "market");
    ladder.last = text_at(answer, "last");
    ladder.commit = text_at(answer, "commit");
    Result<std::vector<LadderLevel>> bids = levels_of(answer, "bids");
    if (!bids) return bids.error();
    Result<std::vector<LadderLevel>> asks = levels_of(answer, "asks");
    if (!asks) return asks.error();
    ladder.bids = std::move(*bids);
    ladder.asks = std::move(*asks);
    return draw_ladder(ladder, style);
}

Result<std::string> view_book_orders(const Answer& answer, const TerminalStyle& style) {
    Table table({{"side"}, {"price", Align::right}, {"leaves", Align::right}, {"order"}});
    for (const char* side : {"bids", "asks"}) {
        const Answer* orders = array_at(answer, side);
        if (orders == nullptr) return missing(side);
        const bool is_buy = side[0] == 'b';
        for (const Answer& order : orders->GetArray()) {
            table.add_row({is_buy ? "buy" : "sell", item(order, 0), item(order, 1), item(order, 2)},
                          is_buy ? Paint::green : Paint::red);
        }
    }
    if (table.empty()) return std::string("The book is empty.\n");
    return table.draw(style);
}

Result<std::string> view_trades(const Answer& answer, const TerminalStyle& style) {
    const Answer* trades = array_at(answer, "trades");
    if (trades == nullptr) return missing("trades");
    if (trades->Empty()) return std::string("No trades.\n");
    Table table({{"time (UTC)"},
                 {"market"},
                 {"side"},
                 {"price", Align::right},
                 {"quantity", Align::right},
                 {"grade"},
                 {"trade"}});
    for (const Answer& trade : trades->GetArray()) {
        const std::string side = text_at(trade, "taker_side");
        const std::string reason = text_at(trade, "reason");
        const std::string grade = text_at(trade, "grade") + (reason.empty() ? "" : ": " + reason);
        table.add_row(
            {time_text(text_at(trade, "time")), text_at(trade, "market"), side, text_at(trade, "price"),
             text_at(trade, "quantity"), grade, text_at(trade, "trade_id")},
            side_paint(side));
    }
    return table.draw(style);
}

Result<std::string> view_balances(const Answer& answer, const TerminalStyle& style) {
    const Answer* balances = array_at(answer, "balances");
    if (balances == nullptr) return missing("balances");
    std::string text = painted(terminal_text(text_at(answer, "account")), Paint::bold, style) + "  " +
                       painted(terminal_text(text_at(answer, "id")), Paint::dim, style) + "\n";
    if (balances->Empty()) return text + "No balances.\n";
    Table table(
        {{"asset"}, {"available", Align::right}, {"reserved", Align::right}, {"total", Align::right}});
    for (const Answer& balance : balances->GetArray()) {
        table.add_row({text_at(balance, "asset"), text_at(balance, "available"), text_at(balance, "reserved"),
                       text_at(balance, "total")});
    }
    return text + table.draw(style);
}

namespace {

// Every way to find peers that has something to tell.
std::string discovery_table(const Answer& ways, const TerminalStyle& style) {
    Table table({{"found by"},
                 {"state"},
                 {"found", Align::right},
                 {"connected", Align::right},
                 {"searches", Align::right},
                 {"last search"},
                 {"next in", Align::right},
                 {"last error"}});
    for (const Answer& way : ways.GetArray()) {
        const std::string state = text_at(way, "state");
        if (state.empty() && text_at(way, "found") == "0" && text_at(way, "connected") == "0") continue;
        const std::string last = text_at(way, "last_search"), next = text_at(way, "next_search_in_ms");
        table.add_row({text_at(way, "name"), state, text_at(way, "found"), text_at(way, "connected"),
                       text_at(way, "searches"), last.empty() ? "" : time_text(last),
                       next.empty() ? "" : span_text(next), text_at(way, "last_error")},
                      state == "failing" || state == "unusable" ? Paint::red : Paint::plain);
    }
    return table.draw(style);
}

}  // namespace

namespace {

// Whether nodes on the internet reach this one, and how.
std::string reach_text(const Answer& way) {
    const std::string reach = text_at(way, "reach"), port = text_at(way, "told_port");
    std::string seen = text_at(way, "seen_address");
    if (seen.empty()) seen = text_at(way, "external_address");
    const std::string here = (seen.empty() ? "port " : seen + ":") + port;
    if (reach == "reachable") return "reachable from the internet at " + here;
    if (reach == "unreachable")
        return "not reachable from the internet" + (seen.empty() ? "" : ", seen as " + seen) +
               ": it dials out only, is announced to nobody there, and hears and is heard through peers";
    if (text_at(way, "port_mapping") == "loopback") return "from this machine only";
    return port == "0" ? "silent: told to nobody" : "not known whether it is reachable from the internet";
}

std::string mapping_text(const Answer& way) {
    const std::string state = text_at(way, "port_mapping"), error = text_at(way, "last_error");
    std::string text = state == "not_needed" ? "not needed" : state;
    if (state == "mapped") {
        const std::string host = text_at(way, "external_address"), until = text_at(way, "lease_until");
        text = text_at(way, "method") + " at " + text_at(way, "gateway") + ": " +
               (host.empty() ? "port " : host + ":") + text_at(way, "external_port") + " leads here" +
               (until.empty() ? "" : ", until " + time_text(until));
    }
    return text + (error.empty() ? "" : ": " + error);
}

void add_way_in(const Answer& answer, Properties& properties) {
    const Answer* way = object_at(answer, "way_in");
    if (way == nullptr) return;
    properties.add("way in", terminal_text(reach_text(*way), 1'000));
    properties.add("port mapping", terminal_text(mapping_text(*way), 1'000));
}

}  // namespace

Result<std::string> view_services(const Answer& answer, const TerminalStyle& style) {
    const Answer* nodes = array_at(answer, "nodes");
    if (nodes == nullptr) return missing("nodes");
    if (nodes->Empty())
        return "No node is known to offer " + text_at(answer, "service") +
               ". The network is being asked: try again in a second.\n";
    Table table({{"node"}, {"address"}, {"connected"}, {"heard", Align::right}, {"told by"}});
    for (const Answer& node : nodes->GetArray()) {
        const auto connected = node.FindMember("connected");
        const std::string told_by = text_at(node, "told_by");
        table.add_row({shortened(text_at(node, "id")), text_at(node, "address"),
                       connected != node.MemberEnd() && connected->value.IsTrue() ? "yes" : "no",
                       span_text(text_at(node, "heard_ms_ago")) + " ago",
                       told_by.empty() ? "itself" : shortened(told_by)});
    }
    return table.draw(style);
}

Result<std::string> view_peers(const Answer& answer, const TerminalStyle& style) {
    const Answer* peers = array_at(answer, "peers");
    if (peers == nullptr) return missing("peers");
    std::string text;
    if (peers->Empty()) {
        text = "No peers.\n";
    } else {
        Table table({{"peer"},
                     {"address"},
                     {"direction"},
                     {"state"},
                     {"found by"},
                     {"health", Align::right},
                     {"available", Align::right},
                     {"performance", Align::right},
                     {"reputation", Align::right},
                     {"round trip", Align::right},
                     {"for", Align::right},
                     {"in", Align::right},
                     {"out", Align::right},
                     {"failures", Align::right},
                     {"breaker"},
                     {"last error"}});
        for (const Answer& peer : peers->GetArray()) {
            const std::string state = text_at(peer, "state"), breaker = text_at(peer, "breaker");
            const auto round_trip = number_of(text_at(peer, "round_trip_us"));
            const bool is_connected = state == "connected" || state == "stale";
            table.add_row(
                {shortened(text_at(peer, "id")), text_at(peer, "address"), text_at(peer, "direction"), state,
                 text_at(peer, "found_by"), text_at(peer, "health"), text_at(peer, "availability"),
                 text_at(peer, "performance"), text_at(peer, "reputation"),
                 round_trip && *round_trip > 0 ? grouped_text(text_at(peer, "round_trip_us")) + " us" : "",
                 is_connected ? span_text(text_at(peer, "connected_for_ms")) : "",
                 size_text(text_at(peer, "bytes_in")), size_text(text_at(peer, "bytes_out")),
                 text_at(peer, "failures_in_row"), breaker == "closed" ? "" : breaker,
                 text_at(peer, "last_error")},
                state == "connected" ? Paint::plain
                : state == "banned"  ? Paint::red
                                     : Paint::dim);
        }
        text = table.draw(style);
    }
    if (const Answer* ways = array_at(answer, "discovery")) text += "\n" + discovery_table(*ways, style);
    if (object_at(answer, "way_in") != nullptr) {
        Properties way_in;
        add_way_in(answer, way_in);
        text += "\n" + way_in.draw(style) + "\n";
    }
    const Answer* stats = object_at(answer, "stats");
    if (stats == nullptr) return text;
    return text + text_at(*stats, "connected") + " connected, " + text_at(*stats, "known_addresses") +
           " addresses known, " + text_at(*stats, "banned") + " banned\n";
}

Result<std::string> view_status(const Answer& answer, const TerminalStyle& style) {
    const std::string says = text_at(answer, "says");
    if (says.empty()) return missing("says");
    std::string text =
        painted(terminal_text(says, 1'000), is_true(answer, "ready") ? Paint::green : Paint::red, style) +
        "\n\n";
    const auto count = [&answer](const char* name) { return grouped_text(text_at(answer, name)); };
    Properties properties;
    properties.add("node", text_at(answer, "node"));
    properties.add("network", text_at(answer, "network_name") + "  " + shortened(text_at(answer, "network")));
    properties.add("ledger", shortened(text_at(answer, "ledger")) + "  view " + text_at(answer, "view"));
    properties.add("role", text_at(answer, "role") + (is_true(answer, "ready") ? ", ready" : ", not ready"));
    properties.add("members",
                   text_at(answer, "members_connected") + " of " + text_at(answer, "members") + " connected");
    if (const std::string peers = text_at(answer, "peers_connected"); !peers.empty())
        properties.add("peers", peers + " connected, " + text_at(answer, "peers_known") + " known, " +
                                    text_at(answer, "peers_banned") + " banned");
    add_way_in(answer, properties);
    if (const auto found = answer.FindMember("gossip");
        found != answer.MemberEnd() && found->value.IsObject()) {
        const Answer& gossip = found->value;
        properties.add("gossip", text_at(gossip, "policy") + ", " +
                                     grouped_text(text_at(gossip, "messages")) + " sent, " +
                                     grouped_text(text_at(gossip, "seen")) + " received, " +
                                     grouped_text(text_at(gossip, "duplicates")) + " more than once, " +
                                     grouped_text(text_at(gossip, "passed_on")) + " passed on");
    }
    properties.add("commits", count("commits") + ", settled " + count("settled_commits") + ", attested " +
                                  count("attested_commits"));
    if (const std::string alarm = text_at(answer, "alarm"); !alarm.empty())
        properties.add("alarm", painted(terminal_text(alarm, 4'000), Paint::red, style));
    properties.add("settled prefix", text_at(answer, "settled_prefix"));
    properties.add("commands", count("commands_executed") + " executed, " + count("unsettled_commands") +
                                   " unsettled, " + count("commands_replayed") + " replayed in " +
                                   count("rollbacks") + " rollbacks");
    properties.add("trades",
                   count("settled_trades") + " settled, " + count("retracted_trades") + " retracted");
    properties.add("blocks", count("blocks_accepted") + " accepted, " + count("blocks_suspended") +
                                 " waiting for others, own " + count("own_seq"));
    properties.add("orders", count("resting_orders") + " resting, of " + count("accounts") +
                                 (text_at(answer, "accounts") == "1" ? " account" : " accounts"));
    properties.add("memory", size_text(text_at(answer, "engine_memory_bytes")));
    properties.add("up for", span_text(text_at(answer, "uptime_ms")));
    text += properties.draw(style) + other_ledgers(answer, "other_ledgers", style);
    const Answer* members = array_at(answer, "member_list");
    if (members == nullptr || members->Empty()) return text;
    Table table({{"member"},
                 {"state"},
                 {"block", Align::right},
                 {"round", Align::right},
                 {"stable round", Align::right}});
    for (const Answer& member : members->GetArray()) {
        const bool self = is_true(member, "self");
        const bool connected = is_true(member, "connected");
        table.add_row({shortened(text_at(member, "node")),
                       self        ? "this node"
                       : connected ? "connected"
                                   : "not connected",
                       grouped_text(text_at(member, "tip_seq")), grouped_text(text_at(member, "tip_round")),
                       grouped_text(text_at(member, "stable_round"))},
                      self || connected ? Paint::plain : Paint::red);
    }
    return text + "\n" + table.draw(style);
}

Result<std::string> view_digests(const Answer& answer, const TerminalStyle& style) {
    if (text_at(answer, "state").empty()) return missing("state");
    Properties properties;
    for (const char* name : {"state", "book", "balances", "trades", "settled_trades", "commits",
                             "settled_commits", "settled_prefix"}) {
        properties.add(name, text_at(answer, name));
    }
    return properties.draw(style);
}

}  // namespace peerbook::app::cli

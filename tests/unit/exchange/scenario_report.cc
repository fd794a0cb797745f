#include <algorithm>

#include "exchange/market/decimal.h"
#include "tests/unit/exchange/scenario.h"

namespace peerbook::exchange::scenario {

namespace {

const std::string empty_cell = "-";

// Writes values in the units of their market and under the names of the scenario.
class Writer {
  public:
    Writer(const Engine& engine, const Names& names) : engine_(engine), names_(names) {}

    std::string who(const OrderKey& key) const {
        if (key.account == no_account) return "nobody";
        const AccountId& id = engine_.account_id(key.account);
        const auto label = names_.labels.find({id, key.ref()});
        return label != names_.labels.end() ? label->second : account(key.account);
    }
    std::string account(AccountIndex index) const {
        const auto name = names_.accounts.find(engine_.account_id(index));
        return name != names_.accounts.end() ? name->second : "account " + std::to_string(index.value());
    }
    std::string price(MarketId market, Price price) const { return format_price(price, rules(market)); }
    std::string quantity(MarketId market, Quantity quantity) const {
        return format_quantity(quantity, rules(market));
    }
    std::string shown_and_hidden(MarketId market, Quantity shown, Quantity whole) const {
        std::string text = quantity(market, shown);
        if (whole != shown) text += "+" + quantity(market, Quantity(whole.value() - shown.value()));
        return text;
    }
    std::string quote_amount(MarketId market, Amount amount) const {
        return format_amount(amount, engine_.rules().assets[rules(market).quote.value()].decimals);
    }
    std::string money(AssetId asset, Amount amount) const {
        const AssetRules& asset_rules = engine_.rules().assets[asset.value()];
        return format_amount(amount, asset_rules.decimals) + " " + asset_rules.name;
    }
    const MarketRules& rules(MarketId market) const { return engine_.rules().markets[market.value()]; }
    // Scenarios with one market need not say which.
    std::string of_market(MarketId market) const {
        return market == MarketId(0) ? "" : " in " + rules(market).symbol;
    }

  private:
    const Engine& engine_;
    const Names& names_;
};

const char* name_of(MarketPhase phase) {
    switch (phase) {
        case MarketPhase::trading:
            return "trading";
        case MarketPhase::auction:
            return "auction";
        case MarketPhase::halted:
            return "halted";
    }
    return "?";
}

// A command that was refused has no name of its own: another may have it. Quotes have, in their mass quote.
std::string refused_name(const Writer& writer, const Step& step, const Event& event) {
    const std::string sender = event.command < step.senders.size() ? step.senders[event.command] : "nobody";
    const std::string name = writer.who(event.order);
    return name.starts_with(sender + ".") ? name : sender;
}

std::string rejection(const std::string& who, const Event& event) {
    std::string line = who + " rejected: " + to_string(event.reason);
    if (event.quantity != Quantity(0)) line += ", limit " + std::to_string(event.quantity.value());
    if (event.amount != 0)
        line += ", again at " + format_time(WallTime{static_cast<std::int64_t>(event.amount)});
    return line;
}

std::string fill(const Writer& writer, const Event& event) {
    const std::string maker = writer.who(event.maker);
    const bool buys = event.side == Side::buy;
    std::string line = writer.who(event.order) + (buys ? " bought " : " sold ") +
                       writer.quantity(event.market, event.quantity) + " at " +
                       writer.price(event.market, event.price) + (buys ? " from " : " to ") + maker;
    if (event.taker_fee != 0 || event.maker_fee != 0)
        line += " for " + writer.quote_amount(event.market, event.amount) + ", fees " +
                writer.quote_amount(event.market, event.taker_fee) + " and " +
                writer.quote_amount(event.market, event.maker_fee);
    if (event.leaves != Quantity(0)) line += ", " + writer.quantity(event.market, event.leaves) + " left";
    if (event.maker_leaves != Quantity(0))
        line += ", " + maker + " " + writer.quantity(event.market, event.maker_leaves) + " left";
    if (event.ordinal != 0) line += ", round " + std::to_string(event.ordinal);
    return line + writer.of_market(event.market);
}

// The end of an order, or of a part of it.
std::string ending(const Writer& writer, const char* verb, const Event& event) {
    std::string line = writer.who(event.order) + " " + verb + " ";
    if (event.quantity == Quantity(0) && event.amount != 0)
        line += "budget " + writer.quote_amount(event.market, event.amount);
    else
        line += writer.quantity(event.market, event.quantity);
    if (event.reason != Reason::none && event.reason != Reason::requested)
        line += std::string(": ") + to_string(event.reason);
    return line + writer.of_market(event.market);
}

std::string market_line(const Writer& writer, const char* verb, const Event& event) {
    std::string line =
        "market " + writer.rules(event.market).symbol + " " + verb + ": " + name_of(event.phase);
    if (event.quantity != Quantity(0))
        line += ", traded " + writer.quantity(event.market, event.quantity) + " at " +
                writer.price(event.market, event.price);
    return line;
}

std::vector<Row> book_rows(const Engine& engine, const Writer& writer, MarketId market) {
    const auto bids = engine.orders(market, Side::buy, 1'000);
    const auto asks = engine.orders(market, Side::sell, 1'000);
    std::vector<Row> rows(std::max({bids.size(), asks.size(), std::size_t{1}}), Row(2));
    const auto lots = [&](const RestingOrderView& order) {
        return writer.shown_and_hidden(market, order.shown, order.leaves);
    };
    for (std::size_t i = 0; i < bids.size(); ++i)
        rows[i][0] =
            writer.who(bids[i].order) + " " + lots(bids[i]) + " " + writer.price(market, bids[i].price);
    for (std::size_t i = 0; i < asks.size(); ++i)
        rows[i][1] =
            writer.price(market, asks[i].price) + " " + lots(asks[i]) + " " + writer.who(asks[i].order);
    if (bids.empty()) rows[0][0] = empty_cell;
    if (asks.empty()) rows[0][1] = empty_cell;
    return rows;
}

// Those that wait for a rise first, each kind in the order in which they would be triggered.
std::vector<Row> waiting_rows(const Engine& engine, const Writer& writer, MarketId market) {
    auto orders = engine.waiting_orders(market, 1'000);
    std::sort(orders.begin(), orders.end(), [](const RestingOrderView& a, const RestingOrderView& b) {
        const auto place = [](const RestingOrderView& order) {
            const bool above = order.trigger->when == TriggerWhen::at_or_above;
            const std::int64_t price = order.trigger->price.value();
            return std::tuple(!above, above ? price : -price, order.sequence);
        };
        return place(a) < place(b);
    });
    std::vector<Row> rows;
    for (const RestingOrderView& order : orders) {
        const std::string what =
            order.budget ? writer.quote_amount(market, *order.budget) : writer.quantity(market, order.leaves);
        const char* verb = order.budget ? " spends " : order.side == Side::buy ? " buys " : " sells ";
        const bool above = order.trigger->when == TriggerWhen::at_or_above;
        rows.push_back(
            {writer.who(order.order) + verb + what,
             std::string(above ? "from " : "down to ") + writer.price(market, order.trigger->price),
             writer.price(market, order.price)});
    }
    return rows;
}

std::vector<Row> balance_rows(const Engine& engine, const Writer& writer, const std::vector<Row>& wanted) {
    std::vector<Row> rows;
    for (const Row& row : wanted) {
        for (std::uint32_t i = 0; i < engine.account_count(); ++i) {
            const AccountIndex account(i);
            if (!engine.is_open(account)) continue;
            for (const BalanceView& balance : engine.balances(account)) {
                const AssetRules& asset = engine.rules().assets[balance.asset.value()];
                const std::string name = writer.account(account) + " " + asset.name;
                if (name == row.front())
                    rows.push_back({name, format_amount(balance.total, asset.decimals),
                                    format_amount(balance.reserved, asset.decimals)});
            }
        }
    }
    return rows;
}

std::vector<Row> market_rows(const Engine& engine, const Writer& writer, const std::vector<Row>& wanted) {
    std::vector<Row> rows;
    for (const Row& row : wanted) {
        for (std::uint32_t i = 0; i < engine.rules().markets.size(); ++i) {
            const MarketId market(i);
            if (engine.rules().markets[i].symbol != row.front()) continue;
            const MarketView view = engine.market_view(market);
            std::string phase = name_of(view.phase);
            if (view.auction_ends_at) phase += " until " + format_time(*view.auction_ends_at);
            rows.push_back({row.front(), phase, view.last ? writer.price(market, *view.last) : empty_cell,
                            view.indicative_quantity == Quantity(0)
                                ? empty_cell
                                : writer.quantity(market, view.indicative_quantity) + " at " +
                                      writer.price(market, view.indicative_price)});
        }
    }
    return rows;
}

std::vector<Row> withdrawal_rows(const Engine& engine, const Writer& writer) {
    std::vector<Row> rows;
    for (std::uint32_t i = 0; i < engine.account_count(); ++i) {
        const AccountIndex account(i);
        if (!engine.is_open(account)) continue;
        for (const WithdrawalView& each : engine.withdrawals(account))
            rows.push_back({writer.who({account, each.request}), writer.money(each.asset, each.amount),
                            each.destination});
    }
    return rows;
}

Row header_of(TableKind kind) {
    switch (kind) {
        case TableKind::book:
            return {"bids", "asks"};
        case TableKind::waiting:
            return {"waiting", "trigger", "limit"};
        case TableKind::balances:
            return {"balance", "total", "reserved"};
        case TableKind::markets:
            return {"market", "phase", "last", "would trade"};
        case TableKind::withdrawals:
            return {"withdrawal", "amount", "destination"};
    }
    return {};
}

}  // namespace

std::string event_line(const Engine& engine, const Names& names, const Step& step, const Event& event) {
    const Writer writer(engine, names);
    const std::string who =
        event.kind == EventKind::rejected ? refused_name(writer, step, event) : writer.who(event.order);
    const auto of_market = [&] { return writer.of_market(event.market); };
    const auto price = [&] { return writer.price(event.market, event.price); };
    const auto asset_event = [&](const char* verb) {
        return who + " " + verb + " " + writer.money(event.asset, event.amount);
    };
    switch (event.kind) {
        case EventKind::accepted:
            return who + " accepted";
        case EventKind::rejected:
            return rejection(who, event);
        case EventKind::rested:
            return who + " rests " + writer.shown_and_hidden(event.market, event.quantity, event.leaves) +
                   " at " + price() + of_market();
        case EventKind::filled:
            return fill(writer, event);
        case EventKind::reduced:
            return who + " reduced by " + writer.quantity(event.market, event.quantity) + ", " +
                   writer.quantity(event.market, event.leaves) + " left" +
                   (event.reason == Reason::requested ? "" : std::string(": ") + to_string(event.reason)) +
                   of_market();
        case EventKind::cancelled:
            return ending(writer, "cancelled", event);
        case EventKind::expired:
            return ending(writer, "expired", event);
        case EventKind::triggered:
            return who + " triggered at " + price() + of_market();
        case EventKind::waiting:
            return who + " waits for " + price() + of_market();
        case EventKind::replaced:
            return who + " replaced by " + writer.who(event.maker) + ", " +
                   writer.quantity(event.market, event.quantity) + " at " + price() + " open" + of_market();
        case EventKind::account_opened:
            return who + " opened";
        case EventKind::issued:
            return asset_event("issued") + " to " + writer.account(event.maker.account);
        case EventKind::transferred:
            return asset_event("transferred") + " to " + writer.account(event.maker.account);
        case EventKind::redeemed:
            return asset_event("redeemed");
        case EventKind::withdrawal_requested:
            return asset_event("asks for");
        case EventKind::withdrawal_paid:
            return asset_event("paid out");
        case EventKind::withdrawal_refused:
            return asset_event("refused");
        case EventKind::approved:
            return who + " approved: " + std::to_string(event.quantity.value()) + " of " +
                   std::to_string(event.leaves.value());
        case EventKind::market_created:
            return market_line(writer, "created", event);
        case EventKind::market_changed:
            return market_line(writer, "changed", event);
    }
    return "?";
}

std::vector<Row> actual_rows(const Engine& engine, const Names& names, const Table& expected) {
    const Writer writer(engine, names);
    std::vector<Row> rows;
    switch (expected.kind) {
        case TableKind::book:
            return book_rows(engine, writer, expected.market);
        case TableKind::waiting:
            rows = waiting_rows(engine, writer, expected.market);
            break;
        case TableKind::balances:
            return balance_rows(engine, writer, expected.rows);
        case TableKind::markets:
            return market_rows(engine, writer, expected.rows);
        case TableKind::withdrawals:
            rows = withdrawal_rows(engine, writer);
            break;
    }
    if (rows.empty()) rows.push_back(Row(3, empty_cell));
    return rows;
}

std::vector<std::string> aligned(TableKind kind, const std::vector<Row>& rows) {
    std::vector<Row> all = {header_of(kind)};
    all.insert(all.end(), rows.begin(), rows.end());
    std::vector<std::size_t> widths;
    for (const Row& row : all)
        for (std::size_t i = 0; i < row.size(); ++i) {
            if (widths.size() <= i) widths.push_back(0);
            widths[i] = std::max(widths[i], row[i].size());
        }
    std::vector<std::string> lines;
    for (const Row& row : all) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            const std::string padding(widths[i] - row[i].size(), ' ');
            // Bids lean on the middle of the book.
            const bool leans_right = kind == TableKind::book && i == 0;
            line += (i == 0 ? "" : " | ") + (leans_right ? padding + row[i] : row[i] + padding);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        lines.push_back(std::move(line));
    }
    return lines;
}

std::string difference(const std::vector<std::string>& expected, const std::vector<std::string>& actual) {
    if (expected == actual) return "";
    // common[i][j]: how many lines the ends of both from i and j share, in order.
    std::vector<std::vector<std::size_t>> common(expected.size() + 1,
                                                 std::vector<std::size_t>(actual.size() + 1, 0));
    for (std::size_t i = expected.size(); i-- > 0;)
        for (std::size_t j = actual.size(); j-- > 0;)
            common[i][j] = expected[i] == actual[j] ? common[i + 1][j + 1] + 1
                                                    : std::max(common[i + 1][j], common[i][j + 1]);
    std::string text;
    std::size_t i = 0, j = 0;
    while (i < expected.size() || j < actual.size()) {
        if (i < expected.size() && j < actual.size() && expected[i] == actual[j]) {
            text += "    " + expected[i++] + "\n";
            ++j;
        } else if (j == actual.size() || (i < expected.size() && common[i + 1][j] >= common[i][j + 1])) {
            text += "  - " + expected[i++] + "\n";
        } else {
            text += "  + " + actual[j++] + "\n";
        }
    }
    return text;
}

std::string format_time(WallTime time) {
    const auto padded = [](std::int64_t value, std::size_t digits) {
        std::string text = std::to_string(value);
        return text.size() < digits ? std::string(digits - text.size(), '0') + text : text;
    };
    const std::int64_t day = 86'400'000;
    const std::int64_t ms = time.ms % day;
    std::string text = time.ms >= day ? "+" + std::to_string(time.ms / day) + " " : "";
    text += padded(ms / 3'600'000, 2) + ":" + padded(ms / 60'000 % 60, 2) + ":" + padded(ms / 1'000 % 60, 2);
    if (ms % 1'000 != 0) text += "." + padded(ms % 1'000, 3);
    return text;
}

}  // namespace peerbook::exchange::scenario

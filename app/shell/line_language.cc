#include "app/shell/line_language.h"

#include <algorithm>
#include <array>

#include "app/api/json_read.h"
#include "app/api/order_drafts.h"
#include "app/shell/line_forms.h"

namespace peerbook::app {

namespace {

constexpr std::size_t book_depth_max = 1'000;

constexpr std::array<std::string_view, 31> verbs = {
    "buy",        "sell",         "market",   "mass-quote", "cancel",      "reduce",  "replace",
    "cancel-all", "cancel-after", "faucet",   "open",       "as",          "book",    "transfer",
    "issue",      "redeem",       "withdraw", "settle",     "withdrawals", "trades",  "orders",
    "status",     "peers",        "connect",  "balances",   "help",        "markets", "create-market",
    "halt",       "show",         "resume"};

Parsed book_line(Words& words) {
    const Form form(words, "book BTC-USD 10");
    BookAction action;
    if (words.done()) return form.missing("a market");
    action.market = words.take_name();
    if (!words.done()) {
        const std::size_t at = words.position();
        auto depth = parse_u64(words.take(), "levels");
        if (!depth.ok()) return form.error(depth.error().message, at);
        if (depth.value() < 1 || depth.value() > book_depth_max)
            return form.error("levels: must be from 1 to " + std::to_string(book_depth_max), at);
        action.depth = static_cast<std::size_t>(depth.value());
    }
    return form.finish(action);
}

Parsed connect_line(Words& words) {
    const Form form(words, "connect 192.0.2.7:3000");
    if (words.done()) return form.missing("an address");
    const std::size_t at = words.position();
    const std::string_view address = words.take();
    if (!is_host_and_port(address)) return form.error("must be host:port, not " + quoted(address), at);
    return form.finish(ConnectAction{address});
}

Parsed as_line(Words& words) {
    const Form form(words, "as alice");
    if (words.done()) return form.missing("an account name");
    const std::size_t at = words.position();
    const std::string_view name = words.take_lower();
    if (!is_account_name(name))
        return form.error("an account name has 1 to 64 of a-z, 0-9, '.', '_' and '-', not " + quoted(name),
                          at);
    return form.finish(UseAccountAction{name});
}

Parsed plain_line(Words& words, PlainAction action, std::string_view example) {
    return Form(words, example).finish(action);
}

// What changes something; nothing if the line begins with another word.
std::optional<Parsed> command_line(Words& words) {
    if (words.take_if("buy")) return limit_line(words, true);
    if (words.take_if("sell")) return limit_line(words, false);
    if (words.take_if("market")) return market_line(words);
    if (words.take_if("mass-quote")) return mass_quote_line(words);
    if (words.take_if("cancel")) return cancel_line(words);
    if (words.take_if("reduce")) return reduce_line(words);
    if (words.take_if("replace")) return replace_line(words);
    if (words.take_if("cancel-all")) return cancel_all_line(words);
    if (words.take_if("cancel-after")) return cancel_after_line(words);
    if (words.take_if("faucet")) return faucet_line(words);
    if (words.take_if("transfer")) return payment_line(words, "transfer", "transfer 10 USD to bob");
    if (words.take_if("issue")) return payment_line(words, "issue", "issue 1000 USD to bob");
    if (words.take_if("redeem")) return redeem_line(words);
    if (words.take_if("withdraw")) return withdraw_line(words);
    if (words.take_if("settle")) return settle_line(words);
    if (words.take_if("create-market")) return create_market_line(words);
    if (words.take_if("halt")) return halt_line(words, "halt", "halt BTC-USD reference 1");
    if (words.take_if("resume")) return halt_line(words, "resume", "resume BTC-USD reference 2");
    if (words.take_if("open")) {
        CommandAction action;
        action.fields.set_text(OrderField::op, "open");
        return Form(words, "open").finish(std::move(action));
    }
    return std::nullopt;
}

Parsed word_line(std::string& line) {
    Words words(line);
    if (words.count() == 0 || words.at(0).front() == '#') return PlainAction::nothing;
    if (words.count() > words_max)
        return LineError{"too many words", words.column(words_max), std::string(order_example)};
    if (auto parsed = command_line(words)) return std::move(*parsed);
    if (words.take_if("book")) return book_line(words);
    if (words.take_if("connect")) return connect_line(words);
    if (words.take_if("as")) return as_line(words);
    if (words.take_if("trades")) {
        TradesAction action;
        if (!words.done()) action.market = words.take_name();
        return Form(words, "trades BTC-USD").finish(action);
    }
    if (words.take_if("show")) {
        const Form form(words, "show 0123456789abcdef0123456789abcdef");
        if (words.done()) return form.missing("an order id");
        return form.finish(ShowOrderAction{words.take()});
    }
    if (words.take_if("withdrawals")) {
        WithdrawalsAction action;
        if (!words.done()) action.asset = words.take_name();
        return Form(words, "withdrawals USD").finish(action);
    }
    if (words.take_if("orders")) return plain_line(words, PlainAction::orders, "orders");
    if (words.take_if("balances")) return plain_line(words, PlainAction::balances, "balances");
    if (words.take_if("markets")) return plain_line(words, PlainAction::markets, "markets");
    if (words.take_if("peers")) return plain_line(words, PlainAction::peers, "peers");
    if (words.take_if("status")) return plain_line(words, PlainAction::status, "status");
    if (words.take_if("help") || words.take_if("?")) return plain_line(words, PlainAction::help, "help");
    const std::string_view near = nearest_word(words.at(0), verbs.data(), verbs.size());
    return LineError{
        "unknown command " + quoted(words.at(0)) +
            (near.empty() ? "; \"help\" lists all" : "; did you mean \"" + std::string(near) + "\"?"),
        words.column(0), std::string(order_example)};
}

Parsed json_line(std::string& line) {
    auto list = read_orders(line);
    if (!list.ok()) {
        ApiError& error = list.error();
        std::optional<std::size_t> column;
        if (error.at) column = *error.at + 1;
        return LineError{
            std::move(error.message), column,
            R"({"op":"limit","market":"BTC-USD","side":"buy","price":"60000","quantity":"0.5"})"};
    }
    return CommandAction{list.value().orders.front()};
}

}  // namespace

std::variant<Action, LineError> parse_line(std::string& line) {
    if (line.size() > line_bytes_max)
        return LineError{"the line has " + std::to_string(line.size()) + " bytes; at most " +
                             std::to_string(line_bytes_max) + " are read",
                         line_bytes_max + 1, std::string(order_example)};
    const auto first = std::find_if_not(line.begin(), line.end(), is_blank);
    if (first != line.end() && *first == '{') return json_line(line);
    return word_line(line);
}

std::optional<std::size_t> column_of(const std::string& line, const OrderFields& fields,
                                     std::string_view field) {
    const FieldValue* value = fields.find(field);
    if (value == nullptr) return std::nullopt;
    const std::string_view text = value->text;
    const std::less_equal<const char*> not_after;
    if (text.data() == nullptr || !not_after(line.data(), text.data()) ||
        !not_after(text.data() + text.size(), line.data() + line.size()))
        return std::nullopt;
    return static_cast<std::size_t>(text.data() - line.data()) + 1;
}

std::string_view help_text() {
    return "orders    buy MARKET QUANTITY @ PRICE [TERM...]    sell ...\n"
           "            terms: gtc  ioc  fok  gtd TIME  post  display QUANTITY  self-trade MODE\n"
           "                   stop PRICE  take-profit PRICE   (waits until the market trades there)\n"
           "          market buy MARKET QUANTITY|budget AMOUNT [protect PRICE] [TERM...]    market sell ...\n"
           "          mass-quote MARKET [buy|sell QUANTITY @ PRICE]...\n"
           "changes   cancel ID|NONCE    reduce ID|NONCE by QUANTITY [in MARKET]\n"
           "          replace ID|NONCE QUANTITY @ PRICE [post] [trigger PRICE] [in MARKET]\n"
           "          cancel-all [MARKET] [buy|sell]    cancel-after TIME|off\n"
           "money     faucet ASSET AMOUNT    transfer AMOUNT ASSET to ACCOUNT\n"
           "          withdraw AMOUNT ASSET to DESTINATION    withdrawals [ASSET]\n"
           "          issuers: issue AMOUNT ASSET to ACCOUNT    redeem AMOUNT ASSET\n"
           "                   settle ACCOUNT NONCE paid|refused\n"
           "accounts  as ACCOUNT    open    balances    orders    show ID\n"
           "markets   markets    book MARKET [LEVELS]    trades [MARKET]\n"
           "          administrators: halt MARKET    resume MARKET    create-market MARKET tick T lot L "
           "[TERM "
           "VALUE]...\n"
           "node      status    peers    connect HOST:PORT    help\n"
           "TIME is 60s, 5m, 2h or 2026-11-20T12:00:00Z; MODE is cancel_newest, cancel_oldest, cancel_both "
           "or\n"
           "decrement. Or one JSON object a line, as POST /api/v1/orders takes it";
}

}  // namespace peerbook::app

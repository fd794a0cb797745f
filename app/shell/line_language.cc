#include "app/shell/line_language.h"

#include <algorithm>
#include <array>
#include <vector>

#include "app/api/json_read.h"

namespace peerbook::app {

namespace {

constexpr std::size_t words_max = 16;
constexpr std::size_t book_depth_max = 1'000;
constexpr std::size_t order_id_digits = 32;

constexpr std::string_view order_example = "buy BTC-USD 0.5 @ 60000";
constexpr std::string_view market_example = "market buy BTC-USD 0.1 protect 61000";

constexpr std::array<std::string_view, 18> verbs = {
    "buy",      "sell",   "market", "cancel", "reduce", "faucet",  "open",     "as",   "book",
    "transfer", "trades", "orders", "status", "peers",  "connect", "balances", "help", "markets"};

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

char lowered(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
char raised(char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

bool same_word(std::string_view a, std::string_view lower_case) {
    return std::equal(a.begin(), a.end(), lower_case.begin(), lower_case.end(),
                      [](char x, char y) { return lowered(x) == y; });
}

bool is_digits(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// The words of a line with their places. '@' is a word of its own wherever it stands.
class Words {
  public:
    explicit Words(std::string& line) : line_(line) {
        std::size_t i = 0;
        while (i < line.size()) {
            if (is_blank(line[i])) {
                ++i;
                continue;
            }
            std::size_t end = i + 1;
            if (line[i] != '@')
                while (end < line.size() && !is_blank(line[end]) && line[end] != '@')
                    ++end;
            // One above the most that any form has is enough to say that there are too many.
            if (words_.size() <= words_max) words_.push_back({i, end - i});
            i = end;
        }
    }

    std::size_t count() const { return words_.size(); }
    std::string_view at(std::size_t index) const {
        return std::string_view(line_).substr(words_[index].begin, words_[index].size);
    }
    std::size_t column(std::size_t index) const {
        return index < words_.size() ? words_[index].begin + 1 : line_.size() + 1;
    }

    bool done() const { return next_ == words_.size(); }
    std::size_t position() const { return next_; }
    std::string_view take() { return at(next_++); }
    bool take_if(std::string_view lower_case) {
        if (done() || !same_word(at(next_), lower_case)) return false;
        ++next_;
        return true;
    }
    // The next word, in upper case.
    std::string_view take_name() {
        const Word word = words_[next_++];
        for (std::size_t i = word.begin; i < word.begin + word.size; ++i)
            line_[i] = raised(line_[i]);
        return std::string_view(line_).substr(word.begin, word.size);
    }
    // The next word, in lower case.
    std::string_view take_lower() {
        const Word word = words_[next_++];
        for (std::size_t i = word.begin; i < word.begin + word.size; ++i)
            line_[i] = lowered(line_[i]);
        return std::string_view(line_).substr(word.begin, word.size);
    }

  private:
    struct Word {
        std::size_t begin, size;
    };
    std::string& line_;
    std::vector<Word> words_;
    std::size_t next_ = 0;
};

using Parsed = std::variant<Action, LineError>;

// One form of the language: what is missing or too much is said with its example.
class Form {
  public:
    Form(Words& words, std::string_view example) : words_(words), example_(example) {}

    LineError error(std::string message, std::size_t word) const {
        return {std::move(message), words_.column(word), std::string(example_)};
    }
    LineError missing(std::string_view what) const {
        if (words_.done())
            return error(std::string(what) + " is missing at the end of the line", words_.position());
        return error(std::string(what) + " is expected here, not " + quoted(words_.at(words_.position())),
                     words_.position());
    }
    // The action, if nothing is left over.
    Parsed finish(Action action) const {
        if (words_.done()) return action;
        return error("nothing more is expected, but " + quoted(words_.at(words_.position())) + " follows",
                     words_.position());
    }

  private:
    Words& words_;
    std::string_view example_;
};

Parsed limit_line(Words& words, bool buy) {
    const Form form(words, buy ? order_example : std::string_view("sell BTC-USD 0.5 @ 60000"));
    CommandAction action;
    auto& fields = action.fields;
    fields.set_text(OrderField::op, "limit");
    fields.set_text(OrderField::side, buy ? "buy" : "sell");
    if (words.done()) return form.missing("a market");
    fields.set_text(OrderField::market, words.take_name());
    if (words.done()) return form.missing("a quantity");
    fields.set_text(OrderField::quantity, words.take());
    if (!words.take_if("@")) return form.missing("\"@\" and a price");
    if (words.done()) return form.missing("a price");
    fields.set_text(OrderField::price, words.take());
    if (!words.done()) {
        if (words.take_if("post")) {
            fields[OrderField::post_only] = {FieldKind::boolean, "true"};
        } else {
            for (std::string_view known : {"gtc", "ioc", "fok"})
                if (words.take_if(known)) {
                    fields.set_text(OrderField::time_in_force, known);
                    break;
                }
            if (!fields.has(OrderField::time_in_force)) return form.missing("gtc, ioc, fok, post or nothing");
        }
    }
    return form.finish(std::move(action));
}

Parsed market_line(Words& words) {
    const Form form(words, market_example);
    CommandAction action;
    auto& fields = action.fields;
    fields.set_text(OrderField::op, "market");
    if (words.take_if("buy"))
        fields.set_text(OrderField::side, "buy");
    else if (words.take_if("sell"))
        fields.set_text(OrderField::side, "sell");
    else
        return form.missing("buy or sell");
    if (words.done()) return form.missing("a market");
    fields.set_text(OrderField::market, words.take_name());
    if (words.done()) return form.missing("a quantity");
    fields.set_text(OrderField::quantity, words.take());
    if (!words.done()) {
        if (!words.take_if("protect")) return form.missing("\"protect\" and a price, or nothing");
        if (words.done()) return form.missing("a protection price");
        fields.set_text(OrderField::protection, words.take());
    }
    return form.finish(std::move(action));
}

// An order's id, or the nonce of the account's own command.
bool take_target(Words& words, OrderFields& fields) {
    if (words.done()) return false;
    const std::string_view word = words.take();
    const bool nonce = word.size() < order_id_digits && is_digits(word);
    fields.set_text(nonce ? OrderField::target_nonce : OrderField::order_id, word);
    return true;
}

Parsed cancel_line(Words& words) {
    const Form form(words, "cancel 0123456789abcdef0123456789abcdef");
    CommandAction action;
    action.fields.set_text(OrderField::op, "cancel");
    if (!take_target(words, action.fields)) return form.missing("an order id");
    return form.finish(std::move(action));
}

Parsed reduce_line(Words& words) {
    const Form form(words, "reduce 0123456789abcdef0123456789abcdef by 0.1");
    CommandAction action;
    auto& fields = action.fields;
    fields.set_text(OrderField::op, "reduce");
    if (!take_target(words, fields)) return form.missing("an order id");
    if (!words.take_if("by")) return form.missing("\"by\" and a quantity");
    if (words.done()) return form.missing("a quantity");
    fields.set_text(OrderField::by, words.take());
    if (!words.done()) {
        if (!words.take_if("in")) return form.missing("\"in\" and a market, or nothing");
        if (words.done()) return form.missing("a market");
        fields.set_text(OrderField::market, words.take_name());
    } else if (fields.has(OrderField::target_nonce)) {
        return LineError{"with a nonce, say the market too: add \"in\" and a market",
                         words.column(words.count()), "reduce 7 by 0.1 in BTC-USD"};
    }
    return form.finish(std::move(action));
}

Parsed faucet_line(Words& words) {
    const Form form(words, "faucet USD 1000");
    CommandAction action;
    action.fields.set_text(OrderField::op, "faucet");
    if (words.done()) return form.missing("an asset");
    action.fields.set_text(OrderField::asset, words.take_name());
    if (words.done()) return form.missing("an amount");
    action.fields.set_text(OrderField::amount, words.take());
    return form.finish(std::move(action));
}

Parsed transfer_line(Words& words) {
    const Form form(words, "transfer 10 USD to bob");
    CommandAction action;
    action.fields.set_text(OrderField::op, "transfer");
    if (words.done()) return form.missing("an amount");
    action.fields.set_text(OrderField::amount, words.take());
    if (words.done()) return form.missing("an asset");
    action.fields.set_text(OrderField::asset, words.take_name());
    if (!words.take_if("to")) return form.missing("\"to\" and an account");
    if (words.done()) return form.missing("an account");
    action.fields.set_text(OrderField::to, words.take_lower());
    return form.finish(std::move(action));
}

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

Parsed word_line(std::string& line) {
    Words words(line);
    if (words.count() == 0 || words.at(0).front() == '#') return PlainAction::nothing;
    if (words.count() > words_max)
        return LineError{"too many words", words.column(words_max), std::string(order_example)};
    if (words.take_if("buy")) return limit_line(words, true);
    if (words.take_if("sell")) return limit_line(words, false);
    if (words.take_if("market")) return market_line(words);
    if (words.take_if("cancel")) return cancel_line(words);
    if (words.take_if("reduce")) return reduce_line(words);
    if (words.take_if("faucet")) return faucet_line(words);
    if (words.take_if("transfer")) return transfer_line(words);
    if (words.take_if("book")) return book_line(words);
    if (words.take_if("connect")) return connect_line(words);
    if (words.take_if("as")) return as_line(words);
    if (words.take_if("trades")) {
        TradesAction action;
        if (!words.done()) action.market = words.take_name();
        return Form(words, "trades BTC-USD").finish(action);
    }
    if (words.take_if("open")) {
        CommandAction action;
        action.fields.set_text(OrderField::op, "open");
        return Form(words, "open").finish(std::move(action));
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
    const std::size_t index = find_order_field(field);
    if (index == order_field_count) return std::nullopt;
    const std::string_view text = fields.values[index].text;
    const std::less_equal<const char*> not_after;
    if (text.data() == nullptr || !not_after(line.data(), text.data()) ||
        !not_after(text.data() + text.size(), line.data() + line.size()))
        return std::nullopt;
    return static_cast<std::size_t>(text.data() - line.data()) + 1;
}

std::string_view help_text() {
    return "buy MARKET QUANTITY @ PRICE [gtc|ioc|fok|post]    sell ...     a limit order\n"
           "market buy MARKET QUANTITY [protect PRICE]        market sell ...\n"
           "cancel ID|NONCE                                   reduce ID|NONCE by QUANTITY [in MARKET]\n"
           "faucet ASSET AMOUNT                               play money, on demo networks\n"
           "transfer AMOUNT ASSET to ACCOUNT                  open     makes the account known\n"
           "as ACCOUNT                                        whom the following lines speak for\n"
           "book MARKET [LEVELS]    trades [MARKET]    orders    balances    markets\n"
           "peers    connect HOST:PORT    status    help\n"
           "or one JSON object a line, as POST /api/v1/orders takes it";
}

}  // namespace peerbook::app

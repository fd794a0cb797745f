#include "app/api/order_fields.h"

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <vector>

#include "exchange/market/decimal.h"

namespace peerbook::app {

namespace {

constexpr std::array<std::string_view, order_field_count> field_names = {
    "op",        "account", "market",     "side",     "price",        "quantity",     "time_in_force",
    "post_only", "nonce",   "protection", "order_id", "target_nonce", "target_index", "by",
    "asset",     "amount",  "to"};

constexpr std::size_t quoted_length_max = 48;

enum class Op : std::uint8_t { limit, market, cancel, reduce, open, faucet, transfer };
constexpr std::array<std::string_view, 7> op_names = {"limit", "market", "cancel",  "reduce",
                                                      "open",  "faucet", "transfer"};

constexpr std::uint32_t bit(OrderField field) {
    return 1u << static_cast<unsigned>(field);
}
template <typename... Fields>
constexpr std::uint32_t bits(Fields... fields) {
    return (bit(fields) | ...);
}
using enum OrderField;
constexpr std::uint32_t common_fields = bits(op, account, nonce);
constexpr std::array<std::uint32_t, 7> allowed_fields = {
    common_fields | bits(market, side, price, quantity, time_in_force, post_only),
    common_fields | bits(market, side, quantity, protection),
    common_fields | bits(order_id, target_nonce, target_index),
    common_fields | bits(order_id, target_nonce, target_index, by, market),
    common_fields,
    common_fields | bits(asset, amount),
    common_fields | bits(to, asset, amount),
};

ApiError field_error(OrderField field, std::string message) {
    std::string name(to_string(field));
    return {name + ": " + message, name};
}

// Reads fields one after another; the first mistake is kept and later reads return nothing of use.
class Reader {
  public:
    Reader(const OrderFields& fields, const DraftContext& context) : fields_(fields), context_(context) {}

    bool failed() const { return failed_; }
    ApiError take_error() { return std::move(error_); }

    void fail(OrderField field, std::string message) {
        if (failed_) return;
        failed_ = true;
        error_ = field_error(field, std::move(message));
    }

    // The field's text; fails where it is absent or no text or number.
    std::string_view word(OrderField field, std::string_view example) {
        const auto& value = fields_[field];
        if (value.kind == FieldKind::absent) {
            fail(field, "is missing; give for example \"" + std::string(example) + "\"");
            return {};
        }
        if (value.kind == FieldKind::boolean) {
            fail(field,
                 "must be a text such as \"" + std::string(example) + "\", not " + std::string(value.text));
            return {};
        }
        return value.text;
    }

    exchange::MarketId market_id() {
        std::string_view text = word(market, example_market());
        if (failed_) return {};
        if (auto found = context_.markets.find_market(text)) return *found;
        fail(market, "no market " + quoted(text) + " in this network; GET /api/v1/markets lists them");
        return {};
    }

    exchange::AssetId asset_id() {
        std::string_view text = word(asset, "USD");
        if (failed_) return {};
        if (auto found = context_.markets.find_asset(text)) return *found;
        fail(asset, "no asset " + quoted(text) + " in this network; GET /api/v1/network lists them");
        return {};
    }

    exchange::Side side_of() {
        std::string_view text = word(side, "buy");
        if (text == "buy") return exchange::Side::buy;
        if (text == "sell") return exchange::Side::sell;
        if (!failed_) fail(side, "must be \"buy\" or \"sell\", not " + quoted(text));
        return {};
    }

    exchange::Price price_of(OrderField field, const exchange::MarketRules& rules) {
        std::string_view text = decimal_word(field, "60000");
        if (failed_) return {};
        return checked(field, exchange::parse_price(text, rules));
    }

    exchange::Quantity quantity_of(OrderField field, const exchange::MarketRules& rules) {
        std::string_view text = decimal_word(field, "0.5");
        if (failed_) return {};
        return checked(field, exchange::parse_quantity(text, rules));
    }

    exchange::Amount amount_of(exchange::AssetId id) {
        std::string_view text = decimal_word(amount, "1000");
        if (failed_) return {};
        exchange::Amount units =
            checked(amount, exchange::parse_amount(text, context_.markets.asset(id).decimals));
        if (!failed_ && units == 0) fail(amount, "must be above zero");
        return units;
    }

    std::uint64_t u64_of(OrderField field, std::uint64_t max) {
        std::string_view text = word(field, "7");
        if (failed_) return 0;
        auto parsed = parse_u64(text, to_string(field));
        if (!parsed.ok()) {
            failed_ = true;
            error_ = std::move(parsed.error());
            return 0;
        }
        if (parsed.value() > max) fail(field, "is too large; at most " + std::to_string(max));
        return parsed.value();
    }

    bool flag_of(OrderField field) {
        const auto& value = fields_[field];
        if (value.kind == FieldKind::absent) return false;
        if (value.kind != FieldKind::number) {
            if (value.text == "true") return true;
            if (value.text == "false") return false;
        }
        fail(field, "must be true or false, not " + quoted(value.text));
        return false;
    }

  private:
    std::string_view example_market() const {
        const auto& markets = context_.markets.rules().markets;
        return markets.empty() ? std::string_view("BTC-USD") : std::string_view(markets.front().symbol);
    }

    std::string_view decimal_word(OrderField field, std::string_view example) {
        std::string_view text = word(field, example);
        if (failed_) return {};
        if (text.size() > exchange::decimal_length_max) {
            fail(field, "the number has " + std::to_string(text.size()) + " characters; at most " +
                            std::to_string(exchange::decimal_length_max) + " are read");
        } else if (text.find_first_of("eE") != std::string_view::npos &&
                   text.find_first_of("0123456789") == 0) {
            fail(field, "exponents are not accepted: " + quoted(text) + "; write the number in full");
        }
        return text;
    }

    template <typename T>
    T checked(OrderField field, Result<T> parsed) {
        if (parsed.ok()) return *parsed;
        // The parsers say "price: " or "quantity: " themselves; the field's own name says more.
        std::string_view message = parsed.error().message;
        for (std::string_view prefix : {"price: ", "quantity: "})
            if (message.starts_with(prefix)) message.remove_prefix(prefix.size());
        fail(field, std::string(message));
        return T{};
    }

    const OrderFields& fields_;
    const DraftContext& context_;
    bool failed_ = false;
    ApiError error_;
};

exchange::TimeInForce time_in_force_of(Reader& reader, const OrderFields& fields) {
    if (!fields.has(time_in_force)) return exchange::TimeInForce::gtc;
    std::string_view text = reader.word(time_in_force, "gtc");
    if (text == "gtc") return exchange::TimeInForce::gtc;
    if (text == "ioc") return exchange::TimeInForce::ioc;
    if (text == "fok") return exchange::TimeInForce::fok;
    reader.fail(time_in_force, "must be \"gtc\", \"ioc\" or \"fok\", not " + quoted(text));
    return {};
}

exchange::CommandBody limit_order(Reader& reader, const OrderFields& fields, const MarketTable& markets) {
    exchange::LimitOrder order;
    order.market = reader.market_id();
    if (reader.failed()) return order;
    const auto& rules = markets.market(order.market);
    order.side = reader.side_of();
    order.price = reader.price_of(price, rules);
    order.quantity = reader.quantity_of(quantity, rules);
    order.time_in_force = time_in_force_of(reader, fields);
    order.post_only = reader.flag_of(post_only);
    if (order.post_only && order.time_in_force != exchange::TimeInForce::gtc)
        reader.fail(post_only, "goes only with time_in_force \"gtc\"");
    return order;
}

exchange::CommandBody market_order(Reader& reader, const OrderFields& fields, const MarketTable& markets,
                                   bool& needs_protection) {
    exchange::MarketOrder order;
    order.market = reader.market_id();
    if (reader.failed()) return order;
    const auto& rules = markets.market(order.market);
    order.side = reader.side_of();
    order.quantity = reader.quantity_of(quantity, rules);
    needs_protection = !fields.has(protection);
    if (!needs_protection) order.protection = reader.price_of(protection, rules);
    return order;
}

// The command that cancel and reduce mean: by id, or by the account's own nonce.
exchange::CommandRef target_of(Reader& reader, const OrderFields& fields,
                               std::optional<exchange::OrderId>& by_id) {
    exchange::CommandRef ref;
    if (fields.has(order_id)) {
        if (fields.has(target_nonce) || fields.has(target_index)) {
            reader.fail(order_id, "give either order_id or target_nonce, not both");
            return ref;
        }
        auto parsed = parse_order_id(reader.word(order_id, std::string(32, '0')), to_string(order_id));
        if (parsed.ok())
            by_id = parsed.value();
        else
            reader.fail(order_id, "must be 32 hexadecimal digits");
        return ref;
    }
    if (!fields.has(target_nonce)) {
        reader.fail(order_id, "is missing; give the order's id, or target_nonce");
        return ref;
    }
    ref.nonce = reader.u64_of(target_nonce, UINT64_MAX);
    if (fields.has(target_index))
        ref.index =
            static_cast<std::uint32_t>(reader.u64_of(target_index, exchange::signed_batch_commands_max - 1));
    return ref;
}

bool is_hex_id(std::string_view text) {
    return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
           });
}

exchange::CommandBody transfer(Reader& reader, const OrderFields&, const DraftContext& context) {
    exchange::Transfer body;
    std::string_view receiver = reader.word(to, "bob");
    if (reader.failed()) return body;
    if (!is_hex_id(receiver) && !is_account_name(receiver)) {
        reader.fail(to,
                    "must be an account name of [a-z0-9._-] or an account id of 64 hexadecimal digits, not " +
                        quoted(receiver));
        return body;
    }
    body.to = account_id_of(receiver, context.node);
    body.asset = reader.asset_id();
    if (!reader.failed()) body.amount = reader.amount_of(body.asset);
    return body;
}

// Op of the command; fails on an unknown one.
Op op_of(Reader& reader, const OrderFields& fields) {
    if (!fields.has(op)) return Op::limit;
    std::string_view text = reader.word(op, "limit");
    for (std::size_t i = 0; i < op_names.size(); ++i)
        if (text == op_names[i]) return static_cast<Op>(i);
    std::string message = "unknown op " + quoted(text);
    std::string_view near = nearest_word(text, op_names.data(), op_names.size());
    reader.fail(op,
                message + (near.empty() ? "; known are limit, market, cancel, reduce, open, faucet, transfer"
                                        : "; did you mean \"" + std::string(near) + "\"?"));
    return Op::limit;
}

}  // namespace

std::string printable(std::string_view text, std::size_t length_max) {
    std::string out;
    const bool cut = text.size() > length_max;
    for (char c : text.substr(0, length_max))
        out.push_back(c >= 0x20 && c < 0x7f ? c : '?');
    if (cut) out += "...";
    return out;
}

std::string quoted(std::string_view text) {
    return "\"" + printable(text, quoted_length_max) + "\"";
}

namespace {

// How many letters must be put in, left out, replaced or swapped with their neighbour.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before_previous(b.size() + 1), previous(b.size() + 1), row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j)
        row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        before_previous.swap(previous);
        previous.swap(row);
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const bool same = a[i - 1] == b[j - 1];
            row[j] = std::min({previous[j - 1] + (same ? 0 : 1), previous[j] + 1, row[j - 1] + 1});
            const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped) row[j] = std::min(row[j], before_previous[j - 2] + 1);
        }
    }
    return row.back();
}

}  // namespace

std::string_view nearest_word(std::string_view word, const std::string_view* candidates, std::size_t count) {
    constexpr std::size_t word_length_max = 32;
    if (word.empty() || word.size() > word_length_max) return {};
    std::string_view best;
    std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
    for (std::size_t c = 0; c < count; ++c) {
        const std::size_t distance = edit_distance(word, candidates[c]);
        if (distance >= best_distance) continue;
        best_distance = distance;
        best = candidates[c];
    }
    return best;
}

std::string_view to_string(OrderField field) {
    return field_names[static_cast<std::size_t>(field)];
}

std::size_t find_order_field(std::string_view name) {
    return static_cast<std::size_t>(std::find(field_names.begin(), field_names.end(), name) -
                                    field_names.begin());
}

std::string_view nearest_order_field(std::string_view name) {
    return nearest_word(name, field_names.data(), field_names.size());
}

bool is_account_name(std::string_view name) {
    return !name.empty() && name.size() <= exchange::account_name_length_max &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
           });
}

exchange::AccountId account_id_of(std::string_view name_or_id, const PublicKey& node) {
    if (is_hex_id(name_or_id)) {
        auto id = fixed_from_hex<exchange::AccountId>(name_or_id);
        if (id.ok()) return *id;
    }
    return exchange::hosted_account_id(node, name_or_id);
}

ApiResult<std::uint64_t> parse_u64(std::string_view text, std::string_view field) {
    std::uint64_t value = 0;
    auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure == std::errc{} && end == text.data() + text.size()) return value;
    const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
    return ApiError(
        std::string(field) + ": " +
            (digits ? "is above 64 bits: " : "must be a whole number without sign or exponent, not ") +
            quoted(text),
        std::string(field));
}

ApiResult<exchange::OrderId> parse_order_id(std::string_view text, std::string_view field) {
    auto id = fixed_from_hex<exchange::OrderId>(text);
    if (id.ok()) return *id;
    return ApiError(std::string(field) + ": an order id has 32 hexadecimal digits, not " + quoted(text),
                    std::string(field));
}

ApiResult<Draft> make_draft(const OrderFields& fields, const DraftContext& context) {
    Reader reader(fields, context);
    const Op which = op_of(reader, fields);
    if (reader.failed()) return reader.take_error();
    for (std::size_t i = 0; i < order_field_count; ++i) {
        const auto field = static_cast<OrderField>(i);
        if (fields.has(field) && (allowed_fields[static_cast<std::size_t>(which)] & bit(field)) == 0) {
            reader.fail(field, "does not belong to op \"" +
                                   std::string(op_names[static_cast<std::size_t>(which)]) + "\"");
            return reader.take_error();
        }
    }

    Draft draft;
    std::string_view name = context.default_account;
    if (fields.has(account) || name.empty()) name = reader.word(account, "alice");
    if (!reader.failed() && !is_account_name(name))
        reader.fail(account, "must be 1 to 64 of a-z, 0-9, '.', '_' and '-', not " + quoted(name));
    draft.intent.account = name;
    if (fields.has(nonce)) {
        draft.intent.nonce = reader.u64_of(nonce, UINT64_MAX);
        if (!reader.failed() && *draft.intent.nonce == 0) reader.fail(nonce, "must be above zero");
    }
    switch (which) {
        case Op::limit:
            draft.intent.body = limit_order(reader, fields, context.markets);
            break;
        case Op::market:
            draft.intent.body = market_order(reader, fields, context.markets, draft.needs_protection);
            break;
        case Op::cancel:
            draft.intent.body = exchange::CancelOrder{target_of(reader, fields, draft.intent.target_order)};
            break;
        case Op::reduce: {
            exchange::ReduceOrder body;
            body.target = target_of(reader, fields, draft.intent.target_order);
            const exchange::MarketId id = reader.market_id();
            if (!reader.failed()) body.by = reader.quantity_of(by, context.markets.market(id));
            draft.intent.body = body;
            break;
        }
        case Op::open:
            draft.intent.body = exchange::OpenAccount{std::string(name)};
            break;
        case Op::faucet: {
            exchange::Faucet body;
            body.asset = reader.asset_id();
            if (!reader.failed()) body.amount = reader.amount_of(body.asset);
            draft.intent.body = body;
            break;
        }
        case Op::transfer:
            draft.intent.body = transfer(reader, fields, context);
            break;
    }
    if (reader.failed()) return reader.take_error();
    return draft;
}

}  // namespace peerbook::app

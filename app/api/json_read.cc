#include "app/api/json_read.h"

#include <rapidjson/error/en.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <utility>

#include "app/api/order_drafts.h"

namespace peerbook::app {

namespace {

constexpr unsigned parse_flags = rapidjson::kParseInsituFlag | rapidjson::kParseNumbersAsStringsFlag |
                                 rapidjson::kParseValidateEncodingFlag;

std::string element_name(std::size_t index, std::string_view field) {
    return "[" + std::to_string(index) + "]" + (field.empty() ? "" : "." + std::string(field));
}

// What both readers share: the first mistake stops the parse. Values nested deeper than the quotes of an
// order in a list are such mistakes, so the parser's recursion never goes deeper than four.
template <typename Derived>
class FlatHandler : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Derived> {
  public:
    ApiError take_error() { return std::move(error_); }
    bool has_error() const { return !error_.message.empty(); }

  protected:
    bool stop(std::string message, std::string field) {
        error_ = ApiError(std::move(message), std::move(field));
        return false;
    }

  private:
    ApiError error_;
};

class OrderHandler : public FlatHandler<OrderHandler> {
  public:
    OrderList list;

    bool StartArray() {
        if (place_ == Place::order && named_ && field_ == OrderField::quotes) {
            list.orders.back()[field_] = {FieldKind::list, {}};
            place_ = Place::quotes;
            return true;
        }
        if (place_ != Place::outside) return nested("a list");
        if (depth_ > 0) return stop("an order must be an object", element_name(list.orders.size(), ""));
        list.is_array = true;
        depth_ = 1;
        return true;
    }
    bool EndArray(rapidjson::SizeType) {
        if (place_ == Place::quotes) place_ = Place::order;
        return true;
    }

    bool StartObject() {
        if (place_ == Place::quotes) {
            if (quotes_ == quotes_per_request_max)
                return stop("at most " + std::to_string(quotes_per_request_max) + " quotes a request",
                            path(to_string(OrderField::quotes)));
            ++quotes_;
            quotes().emplace_back();
            quote_value_ = nullptr;
            place_ = Place::quote;
            return true;
        }
        if (place_ != Place::outside) return nested("an object");
        if (list.orders.size() == orders_per_request_max)
            return stop("at most " + std::to_string(orders_per_request_max) + " orders a request", "");
        list.orders.emplace_back();
        place_ = Place::order;
        return true;
    }
    bool EndObject(rapidjson::SizeType) {
        place_ = place_ == Place::quote ? Place::quotes : Place::outside;
        return true;
    }

    bool Key(const char* text, rapidjson::SizeType length, bool) {
        const std::string_view name(text, length);
        return place_ == Place::quote ? quote_key(name) : order_key(name);
    }

    bool String(const char* text, rapidjson::SizeType length, bool) {
        return value(FieldKind::text, {text, length});
    }
    bool RawNumber(const char* text, rapidjson::SizeType length, bool) {
        return value(FieldKind::number, {text, length});
    }
    bool Bool(bool flag) { return value(FieldKind::boolean, flag ? "true" : "false"); }
    // null is the same as not given, except where the field is required: that is found later.
    bool Null() {
        if (place_ == Place::outside) return stop("an order must be an object, not null", "");
        if (place_ == Place::quotes) return no_quote("null");
        return true;
    }

    // The field being read when the parser itself gave up.
    std::string field_in_progress() const {
        if (place_ == Place::outside || !named_) return {};
        return place_ == Place::quote ? quote_field(quote_name_) : path(to_string(field_));
    }

  private:
    // Where the next value stands.
    enum class Place : unsigned char { outside, order, quotes, quote };

    bool order_key(std::string_view name) {
        const std::size_t found = find_order_field(name);
        if (found == order_field_count) {
            const std::string_view near = nearest_order_field(name);
            return stop("unknown field " + quoted(name) +
                            (near.empty() ? "" : "; did you mean \"" + std::string(near) + "\"?"),
                        path(printable(name, 48)));
        }
        field_ = static_cast<OrderField>(found);
        if (list.orders.back().has(field_))
            return stop("the field \"" + std::string(name) + "\" is given twice", path(name));
        named_ = true;
        return true;
    }
    bool quote_key(std::string_view name) {
        QuoteFields& quote = quotes().back();
        quote_value_ = name == "side"       ? &quote.side
                       : name == "price"    ? &quote.price
                       : name == "quantity" ? &quote.quantity
                                            : nullptr;
        if (quote_value_ == nullptr)
            return stop("unknown field " + quoted(name) + " in a quote; it has side, price and quantity",
                        quote_field(printable(name, 48)));
        quote_name_ = to_string(name == "side"    ? OrderField::side
                                : name == "price" ? OrderField::price
                                                  : OrderField::quantity);
        if (quote_value_->kind != FieldKind::absent)
            return stop("the field \"" + std::string(name) + "\" is given twice", quote_field(name));
        return true;
    }
    bool value(FieldKind kind, std::string_view text) {
        if (place_ == Place::outside) return stop("an order must be an object, not " + quoted(text), "");
        if (place_ == Place::quotes) return no_quote(quoted(text));
        if (place_ == Place::quote)
            *quote_value_ = {kind, text};
        else
            list.orders.back()[field_] = {kind, text};
        return true;
    }
    bool nested(const char* what) {
        if (place_ == Place::quotes) return no_quote(what);
        if (place_ == Place::quote)
            return stop(quote_field(quote_name_) + ": must be a plain value, not " + what,
                        quote_field(quote_name_));
        const std::string name(to_string(field_));
        return stop(name + ": must be " + (field_ == OrderField::quotes ? "a list" : "a plain value") +
                        ", not " + what,
                    path(name));
    }
    bool no_quote(const std::string& what) {
        const std::string name = path(quote_path(quotes().size(), ""));
        return stop(
            name + R"(: must be an object such as {"side":"buy","price":"59000","quantity":"0.5"}, not )" +
                what,
            name);
    }
    std::vector<QuoteFields>& quotes() { return list.orders.back().quotes; }
    std::string path(std::string_view name) const {
        return list.is_array ? element_name(list.orders.size() - 1, name) : std::string(name);
    }
    std::string quote_field(std::string_view name) const {
        return path(quote_path(list.orders.back().quotes.size() - 1, name));
    }

    unsigned depth_ = 0;
    Place place_ = Place::outside;
    bool named_ = false;
    OrderField field_ = OrderField::op;
    std::size_t quotes_ = 0;
    FieldValue* quote_value_ = nullptr;  // of the key that was read last, in a quote
    std::string_view quote_name_;
};

// An object of texts and numbers, each of a name that is known.
class FieldsHandler : public FlatHandler<FieldsHandler> {
  public:
    explicit FieldsHandler(std::initializer_list<std::string_view> known) : known_(known) {}

    FlatFields fields;

    bool StartObject() {
        if (in_object_) return nested();
        in_object_ = true;
        return true;
    }
    bool EndObject(rapidjson::SizeType) { return true; }
    bool StartArray() { return in_object_ ? nested() : no_object(); }
    bool Key(const char* text, rapidjson::SizeType length, bool) {
        const std::string_view name(text, length);
        if (std::find(known_.begin(), known_.end(), name) == known_.end())
            return stop("unknown field " + quoted(name) + "; there are " + names(), printable(name, 48));
        name_ = name;
        if (fields.contains(name_)) return stop("the field " + quoted(name) + " is given twice", name_);
        return true;
    }
    bool String(const char* text, rapidjson::SizeType length, bool) {
        if (!in_object_) return no_object();
        fields.emplace(name_, std::string(text, length));
        return true;
    }
    bool RawNumber(const char* text, rapidjson::SizeType length, bool) { return String(text, length, false); }
    bool Default() { return in_object_ ? nested() : no_object(); }
    std::string field_in_progress() const { return name_; }

  private:
    bool nested() { return stop(name_ + ": must be a text or a number", name_); }
    bool no_object() { return stop("the body must be an object with the fields " + names(), ""); }
    std::string names() const {
        std::string text;
        for (const std::string_view name : known_)
            text += (text.empty() ? "" : ", ") + std::string(name);
        return text;
    }

    std::vector<std::string_view> known_;
    bool in_object_ = false;
    std::string name_;
};

// Ids by name, of which one may be a list.
class LedgerHandler : public FlatHandler<LedgerHandler> {
  public:
    std::optional<std::string> ledger, accept;
    std::optional<std::vector<std::string>> members;

    explicit LedgerHandler(bool is_fork) : is_fork_(is_fork) {}

    bool StartObject() {
        if (in_object_) return stop(field_ + ": must not be an object", field_);
        in_object_ = true;
        return true;
    }
    bool EndObject(rapidjson::SizeType) { return true; }
    bool StartArray() {
        if (!in_object_) return stop("the body must be an object", "");
        if (in_list_ || field_ != "members") return stop(field_ + ": must be a text, not a list", field_);
        in_list_ = true;
        return true;
    }
    bool EndArray(rapidjson::SizeType) {
        in_list_ = false;
        return true;
    }
    bool Key(const char* text, rapidjson::SizeType length, bool) {
        const std::string_view name(text, length);
        const bool is_known = is_fork_ ? name == "members" || name == "accept" : name == "ledger";
        if (!is_known) return stop("unknown field " + quoted(name), printable(name, 48));
        field_ = name;
        const bool is_again = name == "members" ? members.has_value() : text_of_field().has_value();
        if (is_again) return stop("the field \"" + field_ + "\" is given twice", field_);
        if (name == "members") members.emplace();
        return true;
    }
    bool String(const char* text, rapidjson::SizeType length, bool) {
        if (!in_object_ || (field_ == "members" && !in_list_)) return Default();
        if (field_ != "members") {
            text_of_field() = std::string(text, length);
            return true;
        }
        if (members->size() == fork_members_max)
            return stop("members: at most " + std::to_string(fork_members_max), field_);
        members->emplace_back(text, length);
        return true;
    }
    bool RawNumber(const char*, rapidjson::SizeType, bool) { return Default(); }
    bool Default() {
        if (!in_object_) return stop("the body must be an object", "");
        return stop(field_ + (field_ == "members" ? ": must be a list of node ids as texts"
                                                  : ": must be a text of 64 hexadecimal digits"),
                    field_);
    }
    std::string field_in_progress() const { return field_; }

  private:
    std::optional<std::string>& text_of_field() { return field_ == "accept" ? accept : ledger; }

    const bool is_fork_;
    bool in_object_ = false, in_list_ = false;
    std::string field_;
};

ApiResult<Digest> ledger_id(const std::string& text, const char* field) {
    auto id = fixed_from_hex<Digest>(text);
    if (!id.ok())
        return ApiError(std::string(field) + ": a ledger's id has 64 hexadecimal digits, not " + quoted(text),
                        field);
    return *id;
}

// Runs `handler` over `body`; what went wrong, if anything.
template <typename Handler>
std::optional<ApiError> parse(std::string& body, Handler& handler) {
    const std::size_t zero = body.find('\0');
    if (zero != std::string::npos) {
        ApiError error("malformed JSON at byte " + std::to_string(zero) + ": a zero byte", "");
        error.at = zero;
        return error;
    }
    // A text that ends inside a UTF-8 character makes the reader's check of the encoding look for the rest of
    // the character behind the terminating zero: there must be bytes that are ours.
    constexpr std::size_t utf8_bytes_max = 4;
    body.append(utf8_bytes_max, '\0');
    rapidjson::InsituStringStream stream(body.data());
    rapidjson::Reader reader;
    const rapidjson::ParseResult result = reader.Parse<parse_flags>(stream, handler);
    body.resize(body.size() - utf8_bytes_max);
    const std::size_t offset = std::min<std::size_t>(result.Offset(), body.size());
    if (!result.IsError()) return std::nullopt;
    ApiError error;
    if (handler.has_error()) {
        error = handler.take_error();
    } else if (result.Code() == rapidjson::kParseErrorNumberTooBig) {
        const std::string field = handler.field_in_progress();
        error = ApiError(
            (field.empty() ? std::string("a number") : field) +
                ": the number is too large or too long to be read; write it in full, without exponent, "
                "in at most 80 characters",
            field);
    } else if (result.Code() == rapidjson::kParseErrorDocumentEmpty) {
        error = ApiError("the body is empty; a JSON object is expected", "");
    } else {
        error = ApiError("malformed JSON at byte " + std::to_string(offset) + ": " +
                             rapidjson::GetParseError_En(result.Code()),
                         "");
    }
    error.at = offset;
    return error;
}

}  // namespace

ApiResult<OrderList> read_orders(std::string& body) {
    OrderHandler handler;
    if (auto error = parse(body, handler)) return std::move(*error);
    if (handler.list.orders.empty()) return ApiError("the list of orders is empty", "");
    return std::move(handler.list);
}

ApiResult<FlatFields> read_flat_object(std::string& body, std::initializer_list<std::string_view> known) {
    FieldsHandler handler(known);
    if (auto error = parse(body, handler)) return std::move(*error);
    return std::move(handler.fields);
}

ApiResult<Digest> read_ledger_to_adopt(std::string& body) {
    LedgerHandler handler(false);
    if (auto error = parse(body, handler)) return std::move(*error);
    if (!handler.ledger)
        return ApiError("ledger: is missing; GET /api/v1/ledgers lists those that can be adopted", "ledger");
    return ledger_id(*handler.ledger, "ledger");
}

ApiResult<ForkLedger> read_fork(std::string& body) {
    LedgerHandler handler(true);
    if (auto error = parse(body, handler)) return std::move(*error);
    if (handler.accept && handler.members)
        return ApiError("members: a fork that is accepted has its members already", "members");
    ForkLedger fork;
    if (handler.accept) {
        auto id = ledger_id(*handler.accept, "accept");
        if (!id.ok()) return id.error();
        fork.accept = id.value();
    }
    for (const std::string& text : handler.members.value_or(std::vector<std::string>())) {
        auto key = fixed_from_hex<PublicKey>(text);
        if (!key.ok())
            return ApiError("members: a node's id has 64 hexadecimal digits, not " + quoted(text), "members");
        fork.members.push_back(*key);
    }
    return fork;
}

bool is_host_and_port(std::string_view address) {
    constexpr std::size_t host_length_max = 253;
    const std::size_t colon = address.rfind(':');
    if (colon == std::string_view::npos || colon == 0 || colon > host_length_max) return false;
    const std::string_view host = address.substr(0, colon);
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (!bracketed && host.find(':') != std::string_view::npos) return false;
    for (char c : host)
        if (c <= 0x20 || c >= 0x7f || c == '/' || c == '@') return false;
    auto port = parse_u64(address.substr(colon + 1), "port");
    return port.ok() && port.value() >= 1 && port.value() <= 65'535;
}

}  // namespace peerbook::app

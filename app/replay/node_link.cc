#include "app/replay/node_link.h"

#include <rapidjson/document.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <thread>

#include "app/replay/lines.h"
#include "base/system_clock.h"
#include "exchange/market/decimal.h"

namespace peerbook::app::replay {

namespace {

constexpr Duration retry_pause = Duration::milliseconds(100);
constexpr std::size_t testnet_file_bytes_max = 1024 * 1024;

std::string read_cookie(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::string cookie((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    while (!cookie.empty() && (cookie.back() == '\n' || cookie.back() == '\r'))
        cookie.pop_back();
    return cookie;
}

Error unexpected(const std::string& target, const std::string& what) {
    return {ErrorCode::invalid_input, "the answer to " + target + " is not as expected: " + what};
}

// Reads members of one JSON answer; the first thing that is not as expected is kept.
class Reader {
  public:
    Reader(const rapidjson::Value& value, std::string target) : value_(value), target_(std::move(target)) {}

    std::string text(const rapidjson::Value& object, const char* name) {
        if (!object.IsObject() || !object.HasMember(name) || !object[name].IsString()) {
            fail(name);
            return "";
        }
        return object[name].GetString();
    }
    std::string text(const char* name) { return text(value_, name); }

    std::uint64_t number(const char* name) {
        const std::string digits = text(name);
        Result<std::int64_t> value = parse_integer(digits, 0, INT64_MAX, name);
        if (!value.ok()) {
            fail(name);
            return 0;
        }
        return static_cast<std::uint64_t>(*value);
    }

    std::uint32_t small(const rapidjson::Value& object, const char* name) {
        if (!object.IsObject() || !object.HasMember(name) || !object[name].IsUint()) {
            fail(name);
            return 0;
        }
        return object[name].GetUint();
    }

    rapidjson::Value::ConstArray list(const char* name) {
        static const rapidjson::Value empty(rapidjson::kArrayType);
        if (!value_.IsObject() || !value_.HasMember(name) || !value_[name].IsArray()) {
            fail(name);
            return empty.GetArray();
        }
        return value_[name].GetArray();
    }

    void fail(const std::string& what) {
        if (failure_.empty()) failure_ = what;
    }
    Status status() const {
        if (failure_.empty()) return {};
        return unexpected(target_, failure_);
    }

  private:
    const rapidjson::Value& value_;
    std::string target_;
    std::string failure_;
};

Result<rapidjson::Document> parse_document(const HttpResponse& response, const std::string& target) {
    rapidjson::Document document;
    document.Parse(response.body.data(), response.body.size());
    if (document.HasParseError()) return unexpected(target, "no JSON");
    return document;
}

Error refused(const HttpResponse& response, const std::string& target) {
    rapidjson::Document document;
    document.Parse(response.body.data(), response.body.size());
    std::string message = "HTTP " + std::to_string(response.status);
    if (!document.HasParseError() && document.IsObject() && document.HasMember("message") &&
        document["message"].IsString())
        message += ": " + std::string(document["message"].GetString());
    const ErrorCode code = response.status == 404   ? ErrorCode::not_found
                           : response.status == 504 ? ErrorCode::timed_out
                           : response.status == 401 ? ErrorCode::unauthorized
                           : response.status >= 500 ? ErrorCode::unavailable
                                                    : ErrorCode::invalid_input;
    return Error{code, target + ": " + message};
}

std::optional<std::uint32_t> index_of(const std::vector<exchange::AssetRules>& assets,
                                      const std::string& name) {
    for (std::size_t i = 0; i < assets.size(); ++i)
        if (assets[i].name == name) return static_cast<std::uint32_t>(i);
    return std::nullopt;
}

}  // namespace

NodeLink::NodeLink(NodeAddress address, Duration timeout, Patience patience)
    : address_(std::move(address)), timeout_(timeout), patience_(patience) {}

Result<HttpResponse> NodeLink::request(std::string_view method, const std::string& target,
                                       std::string_view type, std::string_view body, bool& sent_again) {
    const MonoTime give_up = mono_now() + patience_.retry_for;
    bool was_sent = false;
    for (;;) {
        Error error{ErrorCode::unavailable, ""};
        if (!http_) {
            const std::string cookie = address_.cookie_path.empty() ? "" : read_cookie(address_.cookie_path);
            Result<std::unique_ptr<HttpClient>> connected =
                HttpClient::connect(address_.url, cookie, timeout_);
            if (connected.ok()) {
                http_ = std::move(*connected);
            } else if (connected.error().code == ErrorCode::invalid_input) {
                return connected.error();
            } else {
                error = connected.error();
            }
        }
        if (http_) {
            sent_again = was_sent;
            was_sent = true;
            Result<HttpResponse> response = http_->request(method, target, type, body);
            // 401: restarted with another cookie. 503: too busy, or not ready yet.
            if (response.ok() && response->status != 401 && response->status != 503) return response;
            error = response.ok() ? refused(*response, target) : response.error();
            if (!response.ok() && error.code != ErrorCode::unavailable && error.code != ErrorCode::timed_out)
                return error;
            if (!response.ok() || response->status == 401) http_.reset();
        }
        if (mono_now() >= give_up || (patience_.stop != nullptr && patience_.stop->load())) return error;
        std::this_thread::sleep_for(std::chrono::nanoseconds(retry_pause.ns));
    }
}

Result<HttpResponse> NodeLink::get(const std::string& target) {
    bool sent_again = false;
    Result<HttpResponse> response = request("GET", target, {}, {}, sent_again);
    if (!response.ok()) return response.error().within(address_.url);
    if (response->status != 200) return refused(*response, target).within(address_.url);
    return response;
}

Result<NodeLink::Submitted> NodeLink::submit(const Bytes& batch) {
    Submitted submitted;
    Result<HttpResponse> response =
        request("POST", "/api/v1/batch", "application/octet-stream", as_text(batch), submitted.sent_again);
    if (!response.ok()) return response.error().within(address_.url);
    if (response->status != 200) return refused(*response, "/api/v1/batch").within(address_.url);
    Result<BatchReply> reply = decode_batch_reply(as_bytes(response->body));
    if (!reply.ok()) return reply.error().within(address_.url + ": answer to a batch");
    submitted.reply = std::move(*reply);
    return submitted;
}

Result<exchange::NetworkRules> NodeLink::network() {
    const std::string target = "/api/v1/network";
    Result<HttpResponse> response = get(target);
    if (!response.ok()) return response.error();
    Result<rapidjson::Document> document = parse_document(*response, target);
    if (!document.ok()) return document.error();
    Reader reader(*document, target);
    exchange::NetworkRules rules;
    Result<Digest> id = fixed_from_hex<Digest>(reader.text("network"));
    if (!id.ok()) return unexpected(target, "network");
    rules.network = *id;
    for (const rapidjson::Value& asset : reader.list("assets")) {
        exchange::AssetRules one;
        one.name = reader.text(asset, "asset");
        one.decimals = reader.small(asset, "decimals");
        exchange::Amount faucet = 0;
        if (asset.HasMember("faucet_max") && one.decimals <= exchange::asset_decimals_max) {
            Result<exchange::Amount> amount =
                exchange::parse_amount(reader.text(asset, "faucet_max"), one.decimals);
            if (amount.ok()) faucet = *amount;
        }
        rules.assets.push_back(one);
        rules.faucet_max.push_back(faucet);
    }
    for (const rapidjson::Value& market : reader.list("markets")) {
        exchange::MarketSpec spec;
        spec.symbol = reader.text(market, "market");
        spec.tick = reader.text(market, "tick");
        spec.lot = reader.text(market, "lot");
        spec.price_max = reader.text(market, "price_max");
        spec.quantity_min = reader.text(market, "quantity_min");
        spec.quantity_max = reader.text(market, "quantity_max");
        spec.notional_min = reader.text(market, "notional_min");
        spec.maker_fee_ppm = reader.small(market, "maker_fee_ppm");
        spec.taker_fee_ppm = reader.small(market, "taker_fee_ppm");
        const auto base = index_of(rules.assets, reader.text(market, "base"));
        const auto quote = index_of(rules.assets, reader.text(market, "quote"));
        if (!base || !quote) return unexpected(target, "assets of " + spec.symbol);
        Result<exchange::MarketRules> made =
            exchange::make_market_rules(spec, exchange::AssetId(*base), rules.assets[*base],
                                        exchange::AssetId(*quote), rules.assets[*quote]);
        if (!made.ok()) return made.error().within(target + ": " + spec.symbol);
        rules.markets.push_back(std::move(*made));
    }
    if (Status status = reader.status(); !status.ok()) return status.error();
    return rules;
}

Result<NodeStatus> NodeLink::status() {
    const std::string target = "/api/v1/status";
    Result<HttpResponse> response = get(target);
    if (!response.ok()) return response.error();
    Result<rapidjson::Document> document = parse_document(*response, target);
    if (!document.ok()) return document.error();
    Reader reader(*document, target);
    NodeStatus status;
    Result<PublicKey> node = fixed_from_hex<PublicKey>(reader.text("node"));
    if (!node.ok()) return unexpected(target, "node");
    status.node = *node;
    status.commits = reader.number("commits");
    status.settled_commits = reader.number("settled_commits");
    status.unsettled_commands = reader.number("unsettled_commands");
    status.commands_executed = reader.number("commands_executed");
    status.commands_replayed = reader.number("commands_replayed");
    status.rollbacks = reader.number("rollbacks");
    if (Status ok = reader.status(); !ok.ok()) return ok.error();
    return status;
}

Result<NodeDigests> NodeLink::digests() {
    const std::string target = "/api/v1/digests";
    Result<HttpResponse> response = get(target);
    if (!response.ok()) return response.error();
    Result<rapidjson::Document> document = parse_document(*response, target);
    if (!document.ok()) return document.error();
    Reader reader(*document, target);
    NodeDigests digests;
    digests.commits = reader.number("commits");
    digests.settled_commits = reader.number("settled_commits");
    digests.settled_trades = reader.number("settled_trades");
    digests.settled_prefix = reader.text("settled_prefix");
    digests.book = reader.text("book");
    digests.balances = reader.text("balances");
    digests.state = reader.text("state");
    digests.trades = reader.text("trades");
    if (Status ok = reader.status(); !ok.ok()) return ok.error();
    return digests;
}

Result<std::optional<AccountState>> NodeLink::account(const std::string& account,
                                                      const exchange::NetworkRules& rules) {
    const std::string target = "/api/v1/accounts/" + url_escape(account);
    Result<HttpResponse> response = get(target);
    if (!response.ok() && response.error().code == ErrorCode::not_found) return std::optional<AccountState>();
    if (!response.ok()) return response.error();
    Result<rapidjson::Document> document = parse_document(*response, target);
    if (!document.ok()) return document.error();
    Reader reader(*document, target);
    AccountState state;
    state.next_nonce = reader.number("next_nonce");
    state.available.assign(rules.assets.size(), 0);
    for (const rapidjson::Value& balance : reader.list("balances")) {
        const auto asset = index_of(rules.assets, reader.text(balance, "asset"));
        if (!asset) return unexpected(target, "asset");
        Result<exchange::Amount> available =
            exchange::parse_amount(reader.text(balance, "available"), rules.assets[*asset].decimals);
        if (!available.ok()) return available.error().within(target);
        state.available[*asset] = *available;
    }
    if (Status ok = reader.status(); !ok.ok()) return ok.error();
    return std::optional<AccountState>(std::move(state));
}

Result<BookTop> NodeLink::book(const exchange::MarketRules& market, std::size_t depth) {
    const std::string target =
        "/api/v1/book/" + url_escape(market.symbol) + "?depth=" + std::to_string(depth);
    Result<HttpResponse> response = get(target);
    if (!response.ok()) return response.error();
    Result<rapidjson::Document> document = parse_document(*response, target);
    if (!document.ok()) return document.error();
    Reader reader(*document, target);
    BookTop top;
    for (const char* name : {"bids", "asks"}) {
        std::vector<MarketLevel>& side = *name == 'b' ? top.bids : top.asks;
        for (const rapidjson::Value& level : reader.list(name)) {
            if (!level.IsArray() || level.Size() < 2 || !level[0].IsString() || !level[1].IsString())
                return unexpected(target, name);
            Result<exchange::Price> price = exchange::parse_price(level[0].GetString(), market);
            if (!price.ok()) return price.error().within(target);
            // A level may hold more than one order may: read without the market's maximum for one order.
            exchange::MarketRules no_maximum = market;
            no_maximum.quantity_max = exchange::Quantity(INT64_MAX);
            Result<exchange::Quantity> quantity = exchange::parse_quantity(level[1].GetString(), no_maximum);
            if (!quantity.ok()) return quantity.error().within(target);
            side.push_back({price->value(), quantity->value()});
        }
    }
    if (Status ok = reader.status(); !ok.ok()) return ok.error();
    return top;
}

Status NodeLink::wait_settled(std::uint64_t seq) {
    Result<HttpResponse> response = get("/api/v1/blocks/" + std::to_string(seq) + "?wait=settled");
    if (!response.ok()) return response.error();
    return {};
}

Result<std::vector<NodeAddress>> read_testnet(const std::string& directory) {
    const std::string path = directory + "/testnet.json";
    std::ifstream in(path, std::ios::binary);
    if (!in) return Error{ErrorCode::not_found, path + ": cannot open it; scripts/testnet up makes it"};
    std::string text;
    char c = 0;
    while (text.size() <= testnet_file_bytes_max && in.get(c))
        text += c;
    rapidjson::Document document;
    document.Parse(text.data(), text.size());
    if (text.size() > testnet_file_bytes_max || document.HasParseError())
        return Error{ErrorCode::invalid_input, path + ": is not a testnet's description"};
    Reader reader(document, path);
    std::vector<NodeAddress> nodes;
    for (const rapidjson::Value& node : reader.list("nodes"))
        nodes.push_back({reader.text(node, "api"), reader.text(node, "data_dir") + "/cookie"});
    if (Status status = reader.status(); !status.ok()) return status.error();
    if (nodes.empty()) return Error{ErrorCode::invalid_input, path + ": names no nodes"};
    return nodes;
}

}  // namespace peerbook::app::replay

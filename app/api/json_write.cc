#include "app/api/json_write.h"

#include <rapidjson/writer.h>

#include <charconv>

#include "exchange/market/decimal.h"

namespace peerbook::app {

namespace {

// Lets RapidJSON's writer append to a std::string, so that the answer is not copied once more.
class StringSink {
  public:
    using Ch = char;
    explicit StringSink(std::string& out) : out_(out) {}
    void Put(char c) { out_.push_back(c); }
    void Flush() {}

  private:
    std::string& out_;
};

constexpr std::size_t foreign_text_max = 200;
constexpr std::size_t message_length_max = 1'000;

class Json {
  public:
    Json() : sink_(text_), writer_(sink_) { text_.reserve(512); }

    Json& begin() { return writer_.StartObject(), *this; }
    Json& end() { return writer_.EndObject(), *this; }
    Json& begin_list() { return writer_.StartArray(), *this; }
    Json& end_list() { return writer_.EndArray(), *this; }
    Json& key(std::string_view name) { return writer_.Key(name.data(), length(name)), *this; }
    Json& text(std::string_view value) { return writer_.String(value.data(), length(value)), *this; }
    // Words that a peer chose: only printable ASCII goes out.
    Json& foreign(std::string_view value, std::size_t length_max = foreign_text_max) {
        return text(printable(value, length_max));
    }
    Json& flag(bool value) { return writer_.Bool(value), *this; }
    Json& small(std::uint32_t value) { return writer_.Uint(value), *this; }
    Json& small_signed(int value) { return writer_.Int(value), *this; }
    Json& number(std::uint64_t value) { return digits(value); }
    Json& number_signed(std::int64_t value) { return digits(value); }
    template <typename Tag, std::size_t N>
    Json& hex(const FixedBytes<Tag, N>& bytes) {
        static constexpr char alphabet[] = "0123456789abcdef";
        char buffer[2 * N];
        for (std::size_t i = 0; i < N; ++i) {
            buffer[2 * i] = alphabet[bytes.data[i] >> 4];
            buffer[2 * i + 1] = alphabet[bytes.data[i] & 15];
        }
        return text({buffer, sizeof buffer});
    }

    std::string take() { return std::move(text_); }

  private:
    static rapidjson::SizeType length(std::string_view value) {
        return static_cast<rapidjson::SizeType>(value.size());
    }
    template <typename Int>
    Json& digits(Int value) {
        char buffer[24];
        auto [end, failure] = std::to_chars(buffer, buffer + sizeof buffer, value);
        return text({buffer, static_cast<std::size_t>(end - buffer)});
    }

    std::string text_;
    StringSink sink_;
    rapidjson::Writer<StringSink> writer_;
};

const char* text_of(exchange::Side side) {
    return side == exchange::Side::buy ? "buy" : "sell";
}

void write_fill(Json& json, const FillView& fill, const exchange::MarketRules& market,
                unsigned quote_decimals) {
    json.begin();
    json.key("trade_id").hex(fill.trade);
    json.key("maker_order_id").hex(fill.maker_order);
    json.key("price").text(exchange::format_price(fill.price, market));
    json.key("quantity").text(exchange::format_quantity(fill.quantity, market));
    json.key("fee").text(exchange::format_amount(fill.fee, quote_decimals));
    json.end();
}

// False for what the node itself refused, such as a cancel of an order that it does not know: nothing of that
// is on disk. In an answer with others it is told by having no nonce.
bool is_in_block(const CommandResult& result, const SubmitAnswer& answer) {
    const bool refused_by_node = result.status == CommandStatus::rejected &&
                                 result.reason == exchange::Reason::unknown_order && result.ref.nonce == 0;
    return answer.block != 0 && !refused_by_node;
}

void write_result(Json& json, const CommandResult& result, const SubmitAnswer& answer,
                  const MarketTable& markets, bool with_error_code) {
    const bool rejected = result.status == CommandStatus::rejected;
    json.begin();
    if (rejected && with_error_code) json.key("code").text("rejected");
    json.key("order_id").hex(result.order);
    json.key("nonce").number(result.ref.nonce);
    if (result.ref.index != 0) json.key("index").small(result.ref.index);
    json.key("status").text(to_string(result.status));
    json.key("reason").text(exchange::to_string(result.reason));
    json.key("message").text(result.reason == exchange::Reason::none ? ""
                                                                     : exchange::describe(result.reason));
    if (result.market) {
        const auto& market = markets.market(*result.market);
        const unsigned decimals = markets.quote_of(*result.market).decimals;
        json.key("filled").text(exchange::format_quantity(result.filled, market));
        json.key("leaves").text(exchange::format_quantity(result.leaves, market));
        json.key("fills").begin_list();
        for (const FillView& fill : result.fills)
            write_fill(json, fill, market, decimals);
        json.end_list();
    } else {
        json.key("filled").text("0").key("leaves").text("0").key("fills").begin_list().end_list();
    }
    const bool in_block = is_in_block(result, answer);
    json.key("durable").flag(in_block);
    if (in_block) {
        json.key("grade").text(to_string(answer.grade));
        json.key("block").number(answer.block);
    }
    json.end();
}

void write_order(Json& json, const OrderView& order, const MarketTable& markets) {
    const auto& market = markets.market(order.market);
    json.begin();
    json.key("order_id").hex(order.id);
    json.key("nonce").number(order.ref.nonce);
    json.key("index").small(order.ref.index);
    json.key("account").hex(order.account);
    json.key("market").text(market.symbol);
    json.key("side").text(text_of(order.side));
    json.key("price").text(exchange::format_price(order.price, market));
    json.key("quantity").text(exchange::format_quantity(order.quantity, market));
    json.key("leaves").text(exchange::format_quantity(order.leaves, market));
    json.end();
}

void write_levels(Json& json, const std::vector<exchange::LevelView>& levels,
                  const exchange::MarketRules& market) {
    json.begin_list();
    for (const auto& level : levels) {
        json.begin_list();
        json.text(exchange::format_price(level.price, market));
        json.text(exchange::format_quantity(level.quantity, market));
        json.small(level.orders);
        json.end_list();
    }
    json.end_list();
}

void write_book_orders(Json& json, const std::vector<BookAnswer::Order>& orders,
                       const exchange::MarketRules& market) {
    json.begin_list();
    for (const auto& order : orders) {
        json.begin_list();
        json.text(exchange::format_price(order.price, market));
        json.text(exchange::format_quantity(order.leaves, market));
        json.hex(order.id);
        json.end_list();
    }
    json.end_list();
}

void write_trade(Json& json, const TradeView& trade, const MarketTable& markets) {
    const auto& market = markets.market(trade.market);
    const unsigned decimals = markets.quote_of(trade.market).decimals;
    json.begin();
    json.key("trade_id").hex(trade.id);
    json.key("market").text(market.symbol);
    json.key("ordinal").number(trade.ordinal);
    json.key("grade").text(to_string(trade.grade));
    json.key("price").text(exchange::format_price(trade.price, market));
    json.key("quantity").text(exchange::format_quantity(trade.quantity, market));
    json.key("taker_side").text(text_of(trade.taker_side));
    json.key("maker_order_id").hex(trade.maker_order);
    json.key("taker_order_id").hex(trade.taker_order);
    json.key("maker_account").hex(trade.maker_account);
    json.key("taker_account").hex(trade.taker_account);
    json.key("maker_fee").text(exchange::format_amount(trade.maker_fee, decimals));
    json.key("taker_fee").text(exchange::format_amount(trade.taker_fee, decimals));
    json.key("time").number_signed(trade.time.ms);
    json.end();
}

void write_account_head(Json& json, const AccountView& account) {
    json.key("account").foreign(account.name);
    json.key("id").hex(account.id);
    json.key("next_nonce").number(account.next_nonce);
}

void write_market(Json& json, const exchange::MarketRules& market, const MarketTable& markets) {
    json.begin();
    json.key("market").text(market.symbol);
    json.key("base").text(markets.asset(market.base).name);
    json.key("quote").text(markets.asset(market.quote).name);
    json.key("tick").text(market.tick_text);
    json.key("lot").text(market.lot_text);
    json.key("price_max").text(exchange::format_price(market.price_max, market));
    json.key("quantity_max").text(exchange::format_quantity(market.quantity_max, market));
    json.key("maker_fee_ppm").small(market.maker_fee_ppm);
    json.key("taker_fee_ppm").small(market.taker_fee_ppm);
    json.end();
}

void write_markets(Json& json, const MarketTable& markets) {
    json.begin_list();
    for (const auto& market : markets.rules().markets)
        write_market(json, market, markets);
    json.end_list();
}

void write_peer(Json& json, const p2p::PeerInfo& peer) {
    json.begin();
    json.key("id").hex(peer.id);
    json.key("address").foreign(peer.address);
    json.key("state").foreign(peer.state);
    json.key("outbound").flag(peer.outbound);
    json.key("configured").flag(peer.configured);
    json.key("agent").foreign(peer.agent);
    json.key("round_trip_us").number_signed(peer.round_trip.ns / 1'000);
    json.key("connected_for_ms").number_signed(peer.connected_for.ms());
    json.key("bytes_in").number(peer.bytes_in).key("bytes_out").number(peer.bytes_out);
    json.key("messages_in").number(peer.messages_in).key("messages_out").number(peer.messages_out);
    json.key("queued_bytes").number(peer.queued_bytes);
    json.key("misbehaviour").small_signed(peer.misbehaviour);
    json.key("last_error").foreign(peer.last_error);
    json.end();
}

void write_peer_stats(Json& json, const p2p::PeerNetworkStats& stats) {
    json.begin();
    json.key("connected").number(stats.connected).key("known_addresses").number(stats.known_addresses);
    json.key("frames_in").number(stats.frames_in).key("frames_out").number(stats.frames_out);
    json.key("bytes_in").number(stats.bytes_in).key("bytes_out").number(stats.bytes_out);
    json.key("handshakes_refused").number(stats.handshakes_refused).key("bans").number(stats.bans);
    json.key("duplicates_dropped")
        .number(stats.duplicates_dropped)
        .key("undeliverable")
        .number(stats.undeliverable);
    json.key("retry_queue").number(stats.retry_queue);
    json.end();
}

void write_member(Json& json, const StatusAnswer::Member& member) {
    json.begin();
    json.key("node").hex(member.key);
    json.key("self").flag(member.self);
    json.key("connected").flag(member.connected);
    json.key("tip_seq").number(member.tip_seq);
    json.key("tip_round").number(member.tip_round);
    json.key("stable_round").number(member.stable_round);
    json.end();
}

}  // namespace

std::string error_json(const ApiError& error) {
    Json json;
    json.begin();
    json.key("code").text(to_string(error.code));
    json.key("message").foreign(error.message, message_length_max);
    if (!error.field.empty()) json.key("field").foreign(error.field);
    if (error.at) json.key("at").number(*error.at);
    json.end();
    return json.take();
}

std::string submit_json(const SubmitAnswer& answer, const MarketTable& markets, bool as_array) {
    Json json;
    if (!as_array && answer.results.size() == 1) {
        write_result(json, answer.results.front(), answer, markets, true);
        return json.take();
    }
    json.begin().key("results").begin_list();
    for (const CommandResult& result : answer.results)
        write_result(json, result, answer, markets, false);
    json.end_list().end();
    return json.take();
}

std::string status_json(const StatusAnswer& status, const std::string& network_name) {
    Json json;
    json.begin();
    json.key("node").hex(status.node);
    json.key("network_name").text(network_name);
    json.key("network").hex(status.network);
    json.key("ledger").hex(status.ledger);
    json.key("role").text(status.role);
    json.key("says").text(status.says);
    json.key("ready").flag(status.ready);
    json.key("members").number(status.members);
    json.key("members_connected").number(status.members_connected);
    json.key("commits").number(status.commits);
    json.key("settled_commits").number(status.settled_commits);
    json.key("settled_prefix").hex(status.settled_prefix);
    json.key("settled_trades").number(status.settled_trades);
    json.key("retracted_trades").number(status.retracted_trades);
    json.key("commands_executed").number(status.commands_executed);
    json.key("commands_replayed").number(status.commands_replayed);
    json.key("rollbacks").number(status.rollbacks);
    json.key("unsettled_commands").number(status.unsettled_commands);
    json.key("blocks_accepted").number(status.blocks_accepted);
    json.key("blocks_suspended").number(status.blocks_suspended);
    json.key("own_seq").number(status.own_seq);
    json.key("resting_orders").number(status.resting_orders);
    json.key("accounts").number(status.accounts);
    json.key("engine_memory_bytes").number(status.engine_memory_bytes);
    json.key("uptime_ms").number_signed(status.uptime_ms);
    json.key("member_list").begin_list();
    for (const auto& member : status.member_list)
        write_member(json, member);
    json.end_list().end();
    return json.take();
}

std::string digests_json(const DigestsAnswer& digests) {
    Json json;
    json.begin();
    json.key("commits").number(digests.commits);
    json.key("settled_commits").number(digests.settled_commits);
    json.key("settled_prefix").hex(digests.settled_prefix);
    json.key("book").hex(digests.book);
    json.key("balances").hex(digests.balances);
    json.key("state").hex(digests.state);
    json.key("settled_trades").number(digests.settled_trades);
    json.key("trades").hex(digests.trades);
    json.end();
    return json.take();
}

std::string book_json(const BookAnswer& book, const MarketTable& markets, bool with_orders) {
    const auto& market = markets.market(book.market);
    Json json;
    json.begin();
    json.key("market").text(market.symbol);
    json.key("commit").number(book.commit);
    if (book.last)
        json.key("last").text(exchange::format_price(*book.last, market));
    else
        json.key("last").text("");
    json.key("bids");
    with_orders ? write_book_orders(json, book.bid_orders, market) : write_levels(json, book.bids, market);
    json.key("asks");
    with_orders ? write_book_orders(json, book.ask_orders, market) : write_levels(json, book.asks, market);
    json.end();
    return json.take();
}

std::string trades_json(const TradesAnswer& trades, const MarketTable& markets) {
    Json json;
    json.begin().key("trades").begin_list();
    for (const TradeView& trade : trades.trades)
        write_trade(json, trade, markets);
    json.end_list().end();
    return json.take();
}

std::string orders_json(const OrdersAnswer& orders, const MarketTable& markets) {
    Json json;
    json.begin().key("orders").begin_list();
    for (const OrderView& order : orders.orders)
        write_order(json, order, markets);
    json.end_list().end();
    return json.take();
}

std::string order_json(const OrderView& order, const MarketTable& markets) {
    Json json;
    write_order(json, order, markets);
    return json.take();
}

std::string accounts_json(const AccountsAnswer& accounts) {
    Json json;
    json.begin().key("accounts").begin_list();
    for (const AccountView& account : accounts.accounts) {
        json.begin();
        write_account_head(json, account);
        json.end();
    }
    json.end_list().end();
    return json.take();
}

std::string account_json(const AccountView& account, const MarketTable& markets) {
    Json json;
    json.begin();
    write_account_head(json, account);
    json.key("balances").begin_list();
    for (const auto& balance : account.balances) {
        const auto& asset = markets.asset(balance.asset);
        json.begin();
        json.key("asset").text(asset.name);
        json.key("total").text(exchange::format_amount(balance.total, asset.decimals));
        json.key("reserved").text(exchange::format_amount(balance.reserved, asset.decimals));
        json.key("available").text(exchange::format_amount(balance.total - balance.reserved, asset.decimals));
        json.end();
    }
    json.end_list().end();
    return json.take();
}

std::string settled_json(const SettledAnswer& settled) {
    Json json;
    json.begin().key("block").number(settled.seq).key("grade").text(to_string(Grade::settled)).end();
    return json.take();
}

std::string markets_json(const MarketTable& markets) {
    Json json;
    json.begin().key("markets");
    write_markets(json, markets);
    json.end();
    return json.take();
}

std::string network_json(const MarketTable& markets, const std::string& network_name) {
    const auto& rules = markets.rules();
    Json json;
    json.begin();
    json.key("name").text(network_name);
    json.key("network").hex(rules.network);
    json.key("rules_version").small(rules.rules_version);
    json.key("open_orders_per_account_max").small(rules.open_orders_per_account_max);
    json.key("accounts_max").small(rules.accounts_max);
    json.key("fee_account").hex(rules.fee_account);
    json.key("assets").begin_list();
    for (std::size_t i = 0; i < rules.assets.size(); ++i) {
        const auto& asset = rules.assets[i];
        json.begin().key("asset").text(asset.name).key("decimals").small(asset.decimals);
        if (i < rules.faucet_max.size())
            json.key("faucet_max").text(exchange::format_amount(rules.faucet_max[i], asset.decimals));
        json.end();
    }
    json.end_list();
    json.key("markets");
    write_markets(json, markets);
    json.end();
    return json.take();
}

std::string peers_json(const p2p::PeerNetwork* network) {
    Json json;
    json.begin().key("enabled").flag(network != nullptr).key("peers").begin_list();
    if (network)
        for (const auto& peer : network->peers())
            write_peer(json, peer);
    json.end_list().key("stats");
    write_peer_stats(json, network ? network->stats() : p2p::PeerNetworkStats{});
    json.end();
    return json.take();
}

std::string single_json(const char* name, const std::string& text) {
    Json json;
    json.begin().key(name).foreign(text).end();
    return json.take();
}

}  // namespace peerbook::app

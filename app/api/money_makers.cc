// Accounts, money and administration.
#include "app/api/draft_parts.h"

namespace peerbook::app::drafts {

namespace {

using enum OrderField;
using exchange::CommandBody;

exchange::Amount amount_of(FieldReader& reader, exchange::AssetId asset) {
    return reader.failed() ? 0 : reader.amount(amount, asset);
}

// "BTC" and "USD" of "BTC-USD", where a new market's assets are not named.
exchange::AssetId asset_of_symbol(FieldReader& reader, OrderField field, std::string_view symbol) {
    if (reader.has(field)) return reader.asset_id(field);
    const std::size_t dash = symbol.find('-');
    const bool is_base = field == base;
    if (dash != std::string_view::npos && symbol.find('-', dash + 1) == std::string_view::npos) {
        const std::string_view name = is_base ? symbol.substr(0, dash) : symbol.substr(dash + 1);
        if (const auto found = reader.markets().find_asset(name)) return *found;
    }
    reader.fail(field, "is missing, and the market's name does not say it; give for example \"" +
                           std::string(is_base ? "BTC" : "USD") + "\"");
    return {};
}

exchange::MatchingMode matching_of(FieldReader& reader) {
    if (!reader.has(matching)) return exchange::MatchingMode::continuous;
    const std::string_view text = reader.word(matching, "continuous");
    if (text == "continuous") return exchange::MatchingMode::continuous;
    if (text == "batch") return exchange::MatchingMode::batch;
    reader.fail(matching, "must be \"continuous\" or \"batch\", not " + quoted(text));
    return {};
}

bool is_symbol(std::string_view text) {
    constexpr std::size_t symbol_length_max = 32;
    return !text.empty() && text.size() <= symbol_length_max &&
           text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == std::string_view::npos;
}

exchange::MarketSpec market_spec(FieldReader& reader, std::string_view symbol) {
    exchange::MarketSpec spec;
    spec.symbol = std::string(symbol);
    for (const OrderField field : {tick, lot})
        if (!reader.has(field)) reader.fail(field, "is missing; give for example \"0.01\"");
    spec.tick = reader.decimal_text(tick);
    spec.lot = reader.decimal_text(lot);
    spec.price_max = reader.decimal_text(price_max);
    spec.quantity_min = reader.decimal_text(quantity_min);
    spec.quantity_max = reader.decimal_text(quantity_max);
    spec.notional_min = reader.decimal_text(notional_min);
    spec.maker_fee_ppm = reader.u32_or(maker_fee_ppm, 0, exchange::fee_ppm_max);
    spec.taker_fee_ppm = reader.u32_or(taker_fee_ppm, 0, exchange::fee_ppm_max);
    spec.band_ppm = reader.u32_or(band_ppm, 0, 999'999);
    spec.matching = matching_of(reader);
    if (reader.has(auction)) {
        spec.auction = reader.span(auction, "30s");
        if (!reader.failed() && spec.auction > exchange::auction_max)
            reader.fail(auction,
                        "must be at most " + std::to_string(exchange::auction_max.ms() / 1'000) + "s");
    }
    return spec;
}

std::uint64_t reference_of(FieldReader& reader) {
    return reader.has(reference) ? reader.u64(reference, UINT64_MAX) : 0;
}

}  // namespace

CommandBody open(FieldReader&, Draft& draft) {
    return exchange::OpenAccount{draft.intent.account};
}

CommandBody faucet(FieldReader& reader, Draft&) {
    exchange::Faucet body;
    body.asset = reader.asset_id(asset);
    body.amount = amount_of(reader, body.asset);
    return body;
}

CommandBody transfer(FieldReader& reader, Draft&) {
    exchange::Transfer body;
    body.to = reader.account(to);
    body.asset = reader.asset_id(asset);
    body.amount = amount_of(reader, body.asset);
    return body;
}

CommandBody issue(FieldReader& reader, Draft&) {
    exchange::Issue body;
    body.to = reader.account(to);
    body.asset = reader.asset_id(asset);
    body.amount = amount_of(reader, body.asset);
    return body;
}

CommandBody redeem(FieldReader& reader, Draft&) {
    exchange::Redeem body;
    body.asset = reader.asset_id(asset);
    body.amount = amount_of(reader, body.asset);
    return body;
}

CommandBody withdraw(FieldReader& reader, Draft&) {
    exchange::RequestWithdrawal body;
    body.asset = reader.asset_id(asset);
    body.amount = amount_of(reader, body.asset);
    const std::string_view text = reader.word(destination, "bank account 12-345");
    if (reader.failed()) return body;
    if (text.empty() || text.size() > exchange::destination_length_max)
        reader.fail(destination, "must have from 1 to " + std::to_string(exchange::destination_length_max) +
                                     " bytes, not " + std::to_string(text.size()));
    body.destination = std::string(text);
    return body;
}

CommandBody settle(FieldReader& reader, Draft&) {
    exchange::SettleWithdrawal body;
    body.account = reader.account(from);
    body.request = target_by_nonce(reader);
    body.is_paid = reader.flag(paid, true);
    return body;
}

CommandBody create_market(FieldReader& reader, Draft&) {
    const std::string_view symbol = reader.word(OrderField::market, "ETH-USD");
    if (!reader.failed() && !is_symbol(symbol))
        reader.fail(OrderField::market, "must be 1 to 32 of A-Z, 0-9 and '-', not " + quoted(symbol));
    exchange::CreateMarket action;
    if (reader.failed()) return exchange::Administer{action};
    action.base = asset_of_symbol(reader, base, symbol);
    action.quote = asset_of_symbol(reader, quote, symbol);
    if (!reader.failed() && action.base == action.quote)
        reader.fail(quote, "must be another asset than base");
    action.spec = market_spec(reader, symbol);
    const std::uint64_t number = reference_of(reader);
    if (reader.failed()) return exchange::Administer{action};
    const MarketTable& markets = reader.markets();
    const auto rules = exchange::make_market_rules(action.spec, action.base, markets.asset(action.base),
                                                   action.quote, markets.asset(action.quote));
    if (!rules.ok()) reader.fail(OrderField::market, rules.error().message);
    return exchange::Administer{action, number};
}

CommandBody halt(FieldReader& reader, Draft&) {
    const exchange::MarketId id = reader.market_id();
    return exchange::Administer{exchange::HaltMarket{id}, reference_of(reader)};
}

CommandBody resume(FieldReader& reader, Draft&) {
    const exchange::MarketId id = reader.market_id();
    return exchange::Administer{exchange::ResumeMarket{id}, reference_of(reader)};
}

}  // namespace peerbook::app::drafts

// The smallest network worth trading on, for tests above the engine: BTC against USD, one tick × one lot is
// one cent.
#pragma once

#include <string>

#include "base/hash.h"
#include "exchange/engine/command.h"
#include "exchange/market/market.h"

namespace peerbook::testing {

inline constexpr exchange::AssetId toy_btc{0};
inline constexpr exchange::AssetId toy_usd{1};
inline constexpr exchange::MarketId toy_market{0};

inline exchange::NetworkRules toy_rules(const Digest& network) {
    exchange::NetworkRules rules;
    rules.network = network;
    rules.assets = {{"BTC", 8, {}}, {"USD", 2, {}}};
    exchange::MarketRules market;
    market.symbol = "BTC-USD";
    market.base = toy_btc;
    market.quote = toy_usd;
    market.notional_constant = 1;
    market.lot_units = 100'000;
    market.tick_text = "0.01";
    market.lot_text = "0.001";
    market.price_max = exchange::Price(1'000'000);
    market.quantity_max = exchange::Quantity(1'000'000);
    market.maker_fee_ppm = 100;
    market.taker_fee_ppm = 500;
    rules.markets = {market};
    rules.fee_account.data[0] = 0xfe;
    rules.faucet_max = {exchange::Amount(1'000'000'000'000), exchange::Amount(1'000'000'000'000)};
    return rules;
}

inline exchange::Command toy_command(const PublicKey& owner, const std::string& name, std::uint64_t nonce,
                                     exchange::CommandBody body) {
    exchange::Command command;
    command.account = exchange::hosted_account_id(owner, name);
    command.ref.nonce = nonce;
    command.body = std::move(body);
    return command;
}

inline exchange::LimitOrder toy_limit(exchange::Side side, std::int64_t price, std::int64_t quantity) {
    exchange::LimitOrder order;
    order.market = toy_market;
    order.side = side;
    order.price = exchange::Price(price);
    order.quantity = exchange::Quantity(quantity);
    return order;
}

}  // namespace peerbook::testing

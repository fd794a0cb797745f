// The exchange's vocabulary: integer prices, quantities and amounts, and the names of accounts, orders and
// trades. Price is in ticks of its market, Quantity in lots of its market, Amount in base units of its asset.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/keys.h"
#include "base/strong_id.h"

namespace peerbook::exchange {

using Price = StrongId<struct PriceTag, std::int64_t>;
using Quantity = StrongId<struct QuantityTag, std::int64_t>;

// Base units of an asset. Always within ±2^120, so that sums of two never overflow.
using Amount = __int128;

// Positions in the network's lists of assets and markets.
using AssetId = StrongId<struct AssetIdTag, std::uint32_t>;
using MarketId = StrongId<struct MarketIdTag, std::uint32_t>;

// What the world calls an account: a public key (self-custodied) or hosted_account_id().
using AccountId = FixedBytes<struct AccountIdTag, 32>;
// What the engine calls it: its position in order of opening in the log.
using AccountIndex = StrongId<struct AccountIndexTag, std::uint32_t>;

enum class Side : std::uint8_t { buy, sell };
constexpr Side opposite(Side side) {
    return side == Side::buy ? Side::sell : Side::buy;
}

enum class TimeInForce : std::uint8_t {
    gtc,  // rests until filled, cancelled or, if it has a time to expire at (GTD), that time
    ioc,  // fills what it can at once; the rest is cancelled
    fok,  // fills wholly at once, or not at all
};

// What happens where an incoming order meets a resting order of its own account.
enum class SelfTradePrevention : std::uint8_t {
    cancel_newest,  // the rest of the incoming order is cancelled
    cancel_oldest,  // the resting order is cancelled, the incoming one goes on
    cancel_both,
    decrement,  // both lose the smaller quantity without a trade
};

// What a market does with orders now.
enum class MarketPhase : std::uint8_t {
    trading,  // matches by its mode
    auction,  // collects orders for one price; nothing trades until its end
    halted,   // takes no orders; cancels and reductions only
};

// How a market matches while it trades.
enum class MatchingMode : std::uint8_t {
    continuous,  // each order at once, in price-time priority
    batch,       // at the end of each commit, all at one price
};

// The name of a command inside its account, and so of the order that it placed.
struct CommandRef {
    std::uint64_t nonce = 0;
    std::uint32_t index = 0;  // position in what shares the nonce (signed batch, mass quote); 0 elsewhere
    friend auto operator<=>(const CommandRef&, const CommandRef&) = default;
};

// The same, across accounts; what the engine's events name orders by. 16 bytes, because events hold two.
struct OrderKey {
    std::uint64_t nonce = 0;
    std::uint32_t index = 0;
    AccountIndex account;

    constexpr OrderKey() = default;
    constexpr OrderKey(AccountIndex owner, CommandRef ref)
        : nonce(ref.nonce), index(ref.index), account(owner) {}
    constexpr CommandRef ref() const { return {nonce, index}; }
    friend constexpr bool operator==(const OrderKey&, const OrderKey&) = default;
    friend constexpr auto operator<=>(const OrderKey& a, const OrderKey& b) {
        if (const auto order = a.account <=> b.account; order != 0) return order;
        return a.ref() <=> b.ref();
    }
};

// What people and clients call an order and a trade: the same on every node, whatever was replayed.
using OrderId = FixedBytes<struct OrderIdTag, 16>;
using TradeId = FixedBytes<struct TradeIdTag, 16>;

// H(network ‖ account ‖ nonce ‖ index), first 128 bits.
OrderId make_order_id(const Digest& network, const AccountId& account, CommandRef ref);
// H(maker order ‖ taker order ‖ ordinal), first 128 bits. The ordinal is Event::ordinal: how often the maker,
// an iceberg order, had shown a new part of itself before this trade; 0 for all others.
TradeId make_trade_id(const OrderId& maker, const OrderId& taker, std::uint32_t ordinal);
// The account that node `owner` keeps for `name`: H('hosted' ‖ node key ‖ name).
AccountId hosted_account_id(const PublicKey& owner, std::string_view name);

}  // namespace peerbook::exchange

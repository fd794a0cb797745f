// Events: what the engine says happened. One flat struct, written into a buffer that is reused, so that the
// hot path neither allocates nor dispatches.
#pragma once

#include <cstdint>
#include <vector>

#include "exchange/market/types.h"

namespace peerbook::exchange {

enum class EventKind : std::uint8_t {
    accepted,   // a command passed admission
    rejected,   // it did not; `reason` says why
    rested,     // an order went into the book; quantity = its leaves
    filled,     // one trade; order = taker, maker = resting order
    reduced,    // quantity = taken off, leaves = what remains
    cancelled,  // an order left the book or was not rested; quantity = what was cancelled; `reason` says why
    account_opened,  // account = the new one
    issued,          // faucet: amount of asset credited
    transferred,     // amount of asset from account to maker.account
};

// One sentence each for people in describe(). Reasons of rejected and of cancelled events share the enum.
enum class Reason : std::uint8_t {
    none,
    bad_signature,
    unknown_account,
    not_owner,
    account_exists,
    bad_account_name,
    account_limit,
    nonce_used,
    nonce_out_of_window,
    unknown_market,
    unknown_asset,
    price_out_of_range,
    quantity_out_of_range,
    amount_out_of_range,
    insufficient_balance,
    would_trade,    // post-only
    not_fillable,   // fill-or-kill
    unknown_order,  // cancel or reduce of nothing that lives
    open_order_limit,
    no_faucet,
    supply_limit,
    self_transfer,
    overflow,
    // reasons of cancelled only
    requested,            // by its owner
    immediate_or_cancel,  // the rest of an IOC or market order
    self_trade,           // self-trade prevention, cancel newest
    // Both kinds again: a reason keeps its number once it has one, because clients read numbers.
    bad_order_terms,     // rejected: terms that exclude each other
    too_deep,            // rejected: a fill-or-kill order needs too many resting orders
    target_comes_later,  // rejected: cancel of a later command of its own batch
    too_many_fills,      // cancelled: the rest of an order that had as many fills as a command may
};
inline constexpr Reason last_reason = Reason::too_many_fills;

// In place of an index, where there is no account: the command named one that is not open.
inline constexpr AccountIndex no_account{0xffff'ffff};

const char* to_string(Reason reason);  // the identifier, for machines
const char* describe(Reason reason);   // a sentence, for people

struct Event {
    EventKind kind = EventKind::accepted;
    Reason reason = Reason::none;
    Side side = Side::buy;  // of `order`
    MarketId market;
    std::uint32_t command = 0;  // position of the causing command in its commit, batches counted through
    // The command or order this is about; the taker of a fill. In a rejection of a command of an account that
    // is not open the account is no_account; Engine::account_id must not be asked for that one.
    OrderKey order;
    OrderKey maker;  // filled only (transferred: maker.account receives)
    Price price;
    Quantity quantity;
    Quantity leaves;        // of `order`, after this event
    Quantity maker_leaves;  // filled only
    AssetId asset;          // issued, transferred
    Amount amount = 0;      // issued, transferred; filled: notional in quote base units
    Amount taker_fee = 0;   // filled only, quote base units
    Amount maker_fee = 0;
};

using EventBuffer = std::vector<Event>;

}  // namespace peerbook::exchange

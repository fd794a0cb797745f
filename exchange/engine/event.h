// Events: what the engine says happened. One flat struct, written into a buffer that is reused, so that the
// hot path neither allocates nor dispatches.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "exchange/market/types.h"

namespace peerbook::exchange {

enum class EventKind : std::uint8_t {
    accepted,        // a command passed; its consequences follow
    rejected,        // it did not; `reason` says why
    rested,          // an order went into the book, or an iceberg shows its next part, at the end of its
                     // level; quantity = what is shown, leaves = all of it
    filled,          // one trade; order = taker, maker = resting order
    reduced,         // quantity = taken off, leaves = what remains; reason requested or self_trade
    cancelled,       // an order left the book or was not rested; quantity = what was cancelled
    account_opened,  // account = the new one
    issued,          // faucet or issuer: amount of asset credited to maker.account
    transferred,     // amount of asset from account to maker.account
    // A kind keeps its number once it has one.
    expired,               // a GTD order reached its time; quantity = what was cancelled
    triggered,             // a waiting order became active; price = the last price that did it
    replaced,              // order = the old one, maker = the new one's name; quantity = what was open
    waiting,               // an order waits for its trigger (price)
    redeemed,              // amount of asset destroyed in account
    withdrawal_requested,  // amount of asset reserved
    withdrawal_paid,       // order = the request; amount destroyed
    withdrawal_refused,    // order = the request; amount free again
    approved,              // an administrator's word counted; quantity = words so far, leaves = needed
    market_created,        // market = the new one, phase = its first
    market_changed,        // phase = the new one; after an auction price and quantity = what it traded
};
inline constexpr EventKind last_event_kind = EventKind::market_changed;

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
    market_halted,
    not_now,     // the market collects orders for one price: only orders that can wait
    price_band,  // too far from the last price (cancelled: found when it triggered)
    notional_too_small,
    would_trigger,  // a trigger that the last price meets already
    already_expired,
    not_issuer,
    ledger_off,
    not_administrator,
    already_approved,  // this administrator has, or the action was done lately
    proposal_limit,
    market_exists,
    market_limit,
    bad_market_rules,
    wrong_phase,  // halting a halted market, resuming one that is not
    unknown_withdrawal,
    withdrawal_limit,
    rate_limit,     // quantity = the limit, amount = the commit time in ms from which to try again
    byte_limit,     // as rate_limit, of a member
    cancel_after,   // cancelled: the account's dead-man switch
    requoted,       // cancelled: by a newer mass quote
    auction_ended,  // cancelled: the rest of an immediate order in a market that matches in batches
};
inline constexpr Reason last_reason = Reason::auction_ended;

// In place of an index, where there is no account: the command named one that is not open.
inline constexpr AccountIndex no_account{0xffff'ffff};

const char* to_string(EventKind kind);  // the identifier, for machines
const char* to_string(Reason reason);   // the identifier, for machines
const char* describe(Reason reason);    // a sentence, for people

// `command` of events that no command caused: what became due by time, and uncrossing.
inline constexpr std::uint32_t no_command = 0xffff'ffff;

// 128 bytes. What a kind does not mention is zero.
struct Event {
    EventKind kind = EventKind::accepted;
    Reason reason = Reason::none;
    Side side = Side::buy;  // of `order`
    MarketPhase phase = MarketPhase::trading;
    MarketId market;
    std::uint32_t command = 0;  // position of the causing command in its commit, batches counted through
    union {
        AssetId asset{};        // issued, transferred, redeemed, withdrawal_*
        std::uint32_t ordinal;  // filled: see make_trade_id
    };
    // The command or order this is about; the taker of a fill (in an auction the younger order). In a
    // rejection of a command of an account that is not open the account is no_account; Engine::account_id
    // must not be asked for that one.
    OrderKey order;
    OrderKey maker;
    Price price;
    Quantity quantity;
    Quantity leaves;        // of `order` after this event, hidden part included
    Quantity maker_leaves;  // filled only: of the maker, hidden part included
    Amount amount = 0;      // of asset; filled: notional in quote base units; waiting and cancelled: budget
    Amount taker_fee = 0;   // filled only, quote base units
    Amount maker_fee = 0;
};
static_assert(sizeof(Event) == 128);

// Every byte of an event is a field's.
inline bool operator==(const Event& a, const Event& b) {
    return std::memcmp(&a, &b, sizeof(Event)) == 0;
}

using EventBuffer = std::vector<Event>;

}  // namespace peerbook::exchange

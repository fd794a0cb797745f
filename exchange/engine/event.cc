#include "exchange/engine/event.h"

#include <array>
#include <cstddef>

namespace peerbook::exchange {

namespace {

struct KindText {
    EventKind kind;
    const char* name;
};

struct ReasonText {
    Reason reason;
    const char* name;
    const char* sentence;
};

constexpr std::array kinds{
    KindText{EventKind::accepted, "accepted"},
    KindText{EventKind::rejected, "rejected"},
    KindText{EventKind::rested, "rested"},
    KindText{EventKind::filled, "filled"},
    KindText{EventKind::reduced, "reduced"},
    KindText{EventKind::cancelled, "cancelled"},
    KindText{EventKind::account_opened, "account_opened"},
    KindText{EventKind::issued, "issued"},
    KindText{EventKind::transferred, "transferred"},
    KindText{EventKind::expired, "expired"},
    KindText{EventKind::triggered, "triggered"},
    KindText{EventKind::replaced, "replaced"},
    KindText{EventKind::waiting, "waiting"},
    KindText{EventKind::redeemed, "redeemed"},
    KindText{EventKind::withdrawal_requested, "withdrawal_requested"},
    KindText{EventKind::withdrawal_paid, "withdrawal_paid"},
    KindText{EventKind::withdrawal_refused, "withdrawal_refused"},
    KindText{EventKind::approved, "approved"},
    KindText{EventKind::market_created, "market_created"},
    KindText{EventKind::market_changed, "market_changed"},
};

constexpr std::array reasons{
    ReasonText{Reason::none, "none", "Nothing went wrong."},
    ReasonText{Reason::bad_signature, "bad_signature", "The signature over the command is wrong."},
    ReasonText{Reason::unknown_account, "unknown_account", "The account does not exist; open it first."},
    ReasonText{Reason::not_owner, "not_owner", "The signer is not the key that answers for this account."},
    ReasonText{Reason::account_exists, "account_exists", "The account is open already."},
    ReasonText{Reason::bad_account_name, "bad_account_name",
               "An account name has 1 to 64 characters out of a-z, 0-9, dot, underscore and hyphen, and "
               "belongs to a hosted account only."},
    ReasonText{Reason::account_limit, "account_limit",
               "The network, or the key that opens the account, has as many accounts as the rules allow."},
    ReasonText{Reason::nonce_used, "nonce_used", "A command with this nonce was executed before."},
    ReasonText{Reason::nonce_out_of_window, "nonce_out_of_window",
               "The nonce is zero, or further than 65,536 from the account's highest nonce."},
    ReasonText{Reason::unknown_market, "unknown_market", "There is no such market on this network."},
    ReasonText{Reason::unknown_asset, "unknown_asset", "There is no such asset on this network."},
    ReasonText{Reason::price_out_of_range, "price_out_of_range",
               "The price, or the trigger's, is below one tick or above the market's highest price."},
    ReasonText{Reason::quantity_out_of_range, "quantity_out_of_range",
               "The quantity is below the market's smallest or above its largest order, or the part to show "
               "is not within it."},
    ReasonText{Reason::amount_out_of_range, "amount_out_of_range",
               "The amount or time is zero, negative or above what one command may name."},
    ReasonText{Reason::insufficient_balance, "insufficient_balance",
               "The account has less available than this would take."},
    ReasonText{Reason::would_trade, "would_trade",
               "A post-only order must not trade at once, and this one would."},
    ReasonText{Reason::not_fillable, "not_fillable",
               "The book cannot fill the whole fill-or-kill order at its price."},
    ReasonText{Reason::unknown_order, "unknown_order", "The account has no open order of that name."},
    ReasonText{Reason::open_order_limit, "open_order_limit",
               "The account, or the whole network, has as many open orders as the rules allow; cancel some."},
    ReasonText{Reason::no_faucet, "no_faucet", "This asset has no faucet on this network."},
    ReasonText{Reason::supply_limit, "supply_limit",
               "Issuing this much would exceed the greatest supply of an asset."},
    ReasonText{Reason::self_transfer, "self_transfer",
               "The sender and the receiver of the transfer are the same account."},
    ReasonText{Reason::overflow, "overflow", "A sum would exceed what the exchange can count."},
    ReasonText{Reason::requested, "requested", "Its owner asked for it."},
    ReasonText{Reason::immediate_or_cancel, "immediate_or_cancel",
               "What could not be filled at once was cancelled, as the order asked."},
    ReasonText{Reason::self_trade, "self_trade",
               "It was taken off, because it would have traded with an order of its own account."},
    ReasonText{Reason::bad_order_terms, "bad_order_terms",
               "The terms of the order exclude each other, such as post-only and immediate-or-cancel."},
    ReasonText{Reason::too_deep, "too_deep",
               "The fill-or-kill order would need more resting orders than one such order may take."},
    ReasonText{Reason::target_comes_later, "target_comes_later",
               "The command to cancel comes later in the same batch; a cancel reaches earlier ones only."},
    ReasonText{Reason::too_many_fills, "too_many_fills",
               "The rest was cancelled, because the order had as many fills as one command may have."},
    ReasonText{Reason::market_halted, "market_halted",
               "The market is halted and takes no orders; cancelling and reducing is possible."},
    ReasonText{Reason::not_now, "not_now",
               "The market collects orders for one price and takes only orders that can wait for it."},
    ReasonText{Reason::price_band, "price_band",
               "The price is further from the market's last price than its price band allows."},
    ReasonText{Reason::notional_too_small, "notional_too_small",
               "The order is worth less than the market's smallest order."},
    ReasonText{Reason::would_trigger, "would_trigger",
               "The market's last price meets the trigger already, so the order would not wait."},
    ReasonText{Reason::already_expired, "already_expired",
               "The time at which the order is to expire is past."},
    ReasonText{Reason::not_issuer, "not_issuer", "Only the asset's issuer may do this."},
    ReasonText{Reason::ledger_off, "ledger_off",
               "This network keeps no balances, so there is no money to move."},
    ReasonText{Reason::not_administrator, "not_administrator",
               "The account is none of the network's administrators."},
    ReasonText{Reason::already_approved, "already_approved",
               "This administrator has asked for the action before, or it was done lately; use another "
               "reference to ask again."},
    ReasonText{Reason::proposal_limit, "proposal_limit",
               "As many actions of administrators are kept as the rules allow; try again when one of them is "
               "forgotten."},
    ReasonText{Reason::market_exists, "market_exists", "There is a market of this symbol already."},
    ReasonText{Reason::market_limit, "market_limit", "The network has as many markets as the rules allow."},
    ReasonText{Reason::bad_market_rules, "bad_market_rules",
               "The rules of the new market are not possible; check its symbol, tick, lot and bounds."},
    ReasonText{Reason::wrong_phase, "wrong_phase",
               "The market is halted already, or is not halted and cannot resume."},
    ReasonText{Reason::unknown_withdrawal, "unknown_withdrawal",
               "The account has no waiting withdrawal of that name."},
    ReasonText{Reason::withdrawal_limit, "withdrawal_limit",
               "The account has as many waiting withdrawals as the rules allow."},
    ReasonText{Reason::rate_limit, "rate_limit",
               "The account, or the key that opens accounts, sent as many commands in this time as the rules "
               "allow."},
    ReasonText{Reason::byte_limit, "byte_limit",
               "The key that signed the commands sent as many bytes in this second as the rules allow."},
    ReasonText{Reason::cancel_after, "cancel_after",
               "The account's dead-man switch was not set again in time and cancelled the order."},
    ReasonText{Reason::requoted, "requoted",
               "A newer mass quote of the account in the same market took the order's place."},
    ReasonText{Reason::auction_ended, "auction_ended",
               "The auction at the end of the commit left this much of an immediate order, which was "
               "cancelled."},
};

static_assert(kinds.size() == static_cast<std::size_t>(last_event_kind) + 1, "each kind has its row");
static_assert(reasons.size() == static_cast<std::size_t>(last_reason) + 1, "each reason has its row");
static_assert(
    [] {
        for (std::size_t i = 0; i < kinds.size(); ++i)
            if (kinds[i].kind != static_cast<EventKind>(i)) return false;
        for (std::size_t i = 0; i < reasons.size(); ++i)
            if (reasons[i].reason != static_cast<Reason>(i)) return false;
        return true;
    }(),
    "rows stand in the order of the enum");

}  // namespace

const char* to_string(EventKind kind) {
    const auto row = static_cast<std::size_t>(kind);
    return row < kinds.size() ? kinds[row].name : "unknown";
}

const char* to_string(Reason reason) {
    const auto row = static_cast<std::size_t>(reason);
    return row < reasons.size() ? reasons[row].name : "unknown";
}

const char* describe(Reason reason) {
    const auto row = static_cast<std::size_t>(reason);
    return row < reasons.size() ? reasons[row].sentence : "Unknown reason.";
}

}  // namespace peerbook::exchange

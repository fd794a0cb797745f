#include "exchange/engine/event.h"

namespace peerbook::exchange {

const char* to_string(Reason reason) {
    switch (reason) {
        case Reason::none:
            return "none";
        case Reason::bad_signature:
            return "bad_signature";
        case Reason::unknown_account:
            return "unknown_account";
        case Reason::not_owner:
            return "not_owner";
        case Reason::account_exists:
            return "account_exists";
        case Reason::bad_account_name:
            return "bad_account_name";
        case Reason::account_limit:
            return "account_limit";
        case Reason::nonce_used:
            return "nonce_used";
        case Reason::nonce_out_of_window:
            return "nonce_out_of_window";
        case Reason::unknown_market:
            return "unknown_market";
        case Reason::unknown_asset:
            return "unknown_asset";
        case Reason::price_out_of_range:
            return "price_out_of_range";
        case Reason::quantity_out_of_range:
            return "quantity_out_of_range";
        case Reason::amount_out_of_range:
            return "amount_out_of_range";
        case Reason::insufficient_balance:
            return "insufficient_balance";
        case Reason::would_trade:
            return "would_trade";
        case Reason::not_fillable:
            return "not_fillable";
        case Reason::unknown_order:
            return "unknown_order";
        case Reason::open_order_limit:
            return "open_order_limit";
        case Reason::no_faucet:
            return "no_faucet";
        case Reason::supply_limit:
            return "supply_limit";
        case Reason::self_transfer:
            return "self_transfer";
        case Reason::overflow:
            return "overflow";
        case Reason::requested:
            return "requested";
        case Reason::immediate_or_cancel:
            return "immediate_or_cancel";
        case Reason::self_trade:
            return "self_trade";
        case Reason::bad_order_terms:
            return "bad_order_terms";
        case Reason::too_deep:
            return "too_deep";
        case Reason::target_comes_later:
            return "target_comes_later";
        case Reason::too_many_fills:
            return "too_many_fills";
    }
    return "unknown";
}

const char* describe(Reason reason) {
    switch (reason) {
        case Reason::none:
            return "Nothing went wrong.";
        case Reason::bad_signature:
            return "The signature over the command is wrong.";
        case Reason::unknown_account:
            return "The account does not exist; open it first.";
        case Reason::not_owner:
            return "The signer is not the key that answers for this account.";
        case Reason::account_exists:
            return "The account is open already.";
        case Reason::bad_account_name:
            return "An account name has 1 to 64 characters out of a-z, 0-9, dot, underscore and hyphen, and "
                   "belongs to a "
                   "hosted account only.";
        case Reason::account_limit:
            return "The network, or the key that opens the account, has as many accounts as the rules allow.";
        case Reason::nonce_used:
            return "A command with this nonce was executed before.";
        case Reason::nonce_out_of_window:
            return "The nonce is zero, or further than 65,536 from the account's highest nonce.";
        case Reason::unknown_market:
            return "There is no such market on this network.";
        case Reason::unknown_asset:
            return "There is no such asset on this network.";
        case Reason::price_out_of_range:
            return "The price is below one tick or above the market's highest price.";
        case Reason::quantity_out_of_range:
            return "The quantity is below one lot or above the market's largest order.";
        case Reason::amount_out_of_range:
            return "The amount is zero, negative or above what one command may move.";
        case Reason::insufficient_balance:
            return "The account has less available than this would take.";
        case Reason::would_trade:
            return "A post-only order must not trade at once, and this one would.";
        case Reason::not_fillable:
            return "The book cannot fill the whole fill-or-kill order at its price.";
        case Reason::unknown_order:
            return "The account has no open order of that name.";
        case Reason::open_order_limit:
            return "The account, or the whole network, has as many open orders as the rules allow; cancel "
                   "some.";
        case Reason::no_faucet:
            return "This asset has no faucet on this network.";
        case Reason::supply_limit:
            return "Issuing this much would exceed the greatest supply of an asset.";
        case Reason::self_transfer:
            return "The sender and the receiver of the transfer are the same account.";
        case Reason::overflow:
            return "A sum would exceed what the exchange can count.";
        case Reason::requested:
            return "Its owner cancelled the order.";
        case Reason::immediate_or_cancel:
            return "What could not be filled at once was cancelled, as the order asked.";
        case Reason::self_trade:
            return "The rest was cancelled, because it would have traded with its own account.";
        case Reason::bad_order_terms:
            return "A post-only order cannot be immediate-or-cancel or fill-or-kill: it could never fill.";
        case Reason::too_deep:
            return "The fill-or-kill order would need more resting orders than one such order may take.";
        case Reason::target_comes_later:
            return "The command to cancel comes later in the same batch; a cancel reaches earlier ones only.";
        case Reason::too_many_fills:
            return "The rest was cancelled, because the order had as many fills as one command may have.";
    }
    return "Unknown reason.";
}

}  // namespace peerbook::exchange

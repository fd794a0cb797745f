// What an Engine holds, and the changes of it that are recorded for undo. Internal to exchange/engine.
// Every change of logical state goes through a function here that records its inverse first.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "exchange/book/order_book.h"
#include "exchange/engine/undo.h"
#include "exchange/ledger/accounts.h"
#include "exchange/ledger/balances.h"
#include "exchange/market/market.h"

namespace peerbook::exchange {

inline constexpr AccountIndex fee_account_index{0};

// The numbers of a market's rules that the path of an order needs, side by side.
struct MarketTerms {
    Amount notional_constant = 0;
    Amount lot_units = 0;
    std::int64_t price_max = 0;
    std::int64_t quantity_max = 0;
    AssetId base, quote;
    std::uint32_t maker_fee_ppm = 0;
    std::uint32_t taker_fee_ppm = 0;
    std::uint32_t highest_fee_ppm = 0;

    Amount notional(std::int64_t price, std::int64_t quantity) const {
        return static_cast<Amount>(price) * quantity * notional_constant;
    }
};

struct EngineState {
    explicit EngineState(NetworkRules network_rules);

    NetworkRules rules;
    std::vector<MarketTerms> terms;
    Accounts accounts;
    Balances balances;
    OrderBooks books;
    std::vector<Amount> issued;                     // by asset
    std::vector<std::optional<std::int64_t>> last;  // by market: price of the last trade, in ticks
    UndoLog undo;
    WaitingSlots removed_orders;

    void set_reserved(BalanceSlot slot, Amount reserved) {
        Balance& balance = balances[slot];
        undo.push_amount(balance.reserved);
        undo.push_record(UndoKind::reserved_changed, slot);
        balance.reserved = reserved;
    }
    void set_balance(BalanceSlot slot, Amount total, Amount reserved) {
        Balance& balance = balances[slot];
        undo.push_amount(balance.total);
        undo.push_amount(balance.reserved);
        undo.push_record(UndoKind::balance_changed, slot);
        balance.total = total;
        balance.reserved = reserved;
    }
    void add_to_balance(BalanceSlot slot, Amount change) {
        const Balance& balance = balances[slot];
        set_balance(slot, balance.total + change, balance.reserved);
    }
    // Precondition: the nonce is free.
    void burn_nonce(AccountIndex account, std::uint64_t nonce);
    AccountIndex open_account(const AccountId& id, const PublicKey& owner, std::string_view name);
    void insert_order(const NewOrder& order) {
        undo.push_record(UndoKind::order_inserted, books.insert(order));
    }
    void change_order(OrderSlot slot, std::int64_t leaves, std::uint32_t fee_carry) {
        const Order& order = books.order(slot);
        undo.push_word(static_cast<std::uint64_t>(order.leaves));
        undo.push_record(UndoKind::order_changed, slot, order.fee_carry);
        books.change(slot, leaves, fee_carry);
    }
    void remove_order(OrderSlot slot) {
        removed_orders.push_back({undo.position(), slot});
        undo.push_record(UndoKind::order_removed, slot);
        books.remove(slot);
    }
    void set_last_price(MarketId market, std::int64_t price);
    void set_issued(AssetId asset, Amount amount);

    void undo_to(std::uint64_t position);
    void prune_undo(std::uint64_t position);

    // What an open order holds in reserve: quote for a buy, base for a sell.
    Amount reserve_of(const Order& order) const;
    AssetId reserve_asset_of(const Order& order) const {
        const MarketTerms& market = terms[order.market()];
        return order.is_sell() ? market.base : market.quote;
    }

  private:
    void undo_one();
};

}  // namespace peerbook::exchange

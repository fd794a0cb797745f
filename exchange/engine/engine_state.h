// What an Engine holds, and the changes of it that are recorded for undo. Internal to exchange/engine.
// Every change of logical state goes through a function here that records its inverse first.
#pragma once

#include <array>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

#include "base/check.h"
#include "exchange/book/order_book.h"
#include "exchange/engine/frozen_state.h"
#include "exchange/engine/market_state.h"
#include "exchange/engine/undo.h"
#include "exchange/ledger/accounts.h"
#include "exchange/ledger/balances.h"
#include "exchange/ledger/fees.h"
#include "exchange/ledger/withdrawals.h"
#include "exchange/market/market.h"

namespace peerbook::exchange {

inline constexpr AccountIndex fee_account_index{0};

// What an order of one side reserves: lots × price (of a buy) × unit, and of a buy the fee. Both sides by the
// same instructions, because no processor can guess an order's side.
struct ReserveTerms {
    Amount unit = 0;  // of the asset, for a lot times a tick; of a sell for a lot; 0 without a ledger
    std::int64_t price_mask = 0;  // all bits for a buy; none for a sell, whose price does not count
    std::uint32_t fee_ppm = 0;    // the higher of the market's fees for a buy, none for a sell
    AssetId asset;

    Amount reserve(std::int64_t price, std::int64_t quantity, std::uint32_t fee_carry) const {
        const std::int64_t factor = (price & price_mask) | (~price_mask & 1);
        const Amount amount = static_cast<Amount>(factor) * quantity * unit;
        return amount + fee_beyond_carry(amount & price_mask, fee_ppm, fee_carry);
    }
};

// The numbers of a market's rules that the path of an order needs, side by side.
struct MarketTerms {
    Amount notional_constant = 0;
    // What a notional and a lot move on the ledger: as above and as the rules say; zero without a ledger.
    Amount money_constant = 0;
    Amount lot_units = 0;
    std::int64_t price_max = 0;
    std::int64_t quantity_min = 0;
    std::int64_t quantity_max = 0;
    AssetId base, quote;
    std::uint32_t maker_fee_ppm = 0;
    std::uint32_t taker_fee_ppm = 0;
    std::uint32_t band_ppm = 0;
    Amount notional_min = 0;
    MatchingMode matching = MatchingMode::continuous;
    MarketPhase phase = MarketPhase::trading;  // the state's, here for speed

    // For events and limits; money() for what is paid.
    Amount notional(std::int64_t price, std::int64_t quantity) const {
        return static_cast<Amount>(price) * quantity * notional_constant;
    }
    Amount money(std::int64_t price, std::int64_t quantity) const {
        return static_cast<Amount>(price) * quantity * money_constant;
    }
    Amount units(std::int64_t quantity) const { return quantity * lot_units; }
    ReserveTerms reserve_by_side[2];  // buy, sell
    const ReserveTerms& reserve(Side side) const { return reserve_by_side[static_cast<std::size_t>(side)]; }
};

struct EngineState {
    explicit EngineState(NetworkRules network_rules);
    EngineState(const EngineState&) = delete;
    EngineState& operator=(const EngineState&) = delete;

    NetworkRules rules;  // with the markets created so far
    std::vector<MarketTerms> terms;
    std::vector<MarketState> markets;
    Accounts accounts;
    Balances balances;
    Withdrawals withdrawals;
    OrderBooks books;
    std::vector<Amount> issued;       // by asset
    std::vector<Proposal> proposals;  // in order of their first word
    std::optional<WallTime> time;     // of the commit; none before the first
    // What becomes due by time, next first. Both follow from the rest of the state.
    std::pmr::unsynchronized_pool_resource due_memory;
    std::pmr::set<std::tuple<std::int64_t, AccountId, AccountIndex>> switches{&due_memory};
    std::pmr::set<std::pair<std::int64_t, std::uint32_t>> auctions{&due_memory};  // end, market
    UndoLog undo;
    WaitingSlots removed_orders;

    std::int64_t now_ms() const { return time ? time->ms : 0; }

    void set_reserved(BalanceSlot slot, Amount reserved) {
        Balance& balance = balances.edit(slot);
        undo.push_change(UndoKind::reserved_changed, slot, balance.reserved);
        balance.reserved = reserved;
        check(balance);
    }
    void set_balance(BalanceSlot slot, Amount total, Amount reserved) {
        Balance& balance = balances.edit(slot);
        undo.push_change(UndoKind::balance_changed, slot, balance.total, balance.reserved);
        moved(slot) += total - balance.total;
        balance.total = total;
        balance.reserved = reserved;
        check(balance);
    }
    void add_to_balance(BalanceSlot slot, Amount change) {
        Balance& balance = balances.edit(slot);
        undo.push_change(UndoKind::balance_changed, slot, balance.total, balance.reserved);
        moved(slot) += change;
        balance.total += change;
        check(balance);
    }
    void add_to_reserved(BalanceSlot slot, Amount change) {
        if (change == 0) return;
        Balance& balance = balances.edit(slot);
        undo.push_change(UndoKind::reserved_changed, slot, balance.reserved);
        balance.reserved += change;
        check(balance);
    }
    // burn_nonce() if it is the next one of an account of this owner; else false, and nothing changed.
    bool burn_if_next(AccountIndex account, std::uint64_t nonce, OwnerIndex owner) {
        Account& burning = accounts.edit(account);
        if (burning.owner != owner.value() || !burning.nonces.burn_if_next(nonce)) return false;
        undo.push_record(UndoKind::nonce_in_order, account.value());
        return true;
    }
    // Precondition: the nonce is free.
    void burn_nonce(AccountIndex account, std::uint64_t nonce);
    void count_command(AccountIndex account, std::uint32_t commands);  // in the second that is now
    void set_owner_windows(OwnerIndex owner, RateWindow openings, RateWindow seconds, std::uint64_t bytes);
    AccountIndex open_account(const AccountId& id, const PublicKey& owner, std::string_view name);
    // Commit time of the account's dead-man switch; 0: off.
    void set_switch(AccountIndex account, std::int64_t deadline_ms);

    OrderSlot insert_order(const NewOrder& order) {
        const OrderSlot slot = books.insert(order);
        undo.push_record(UndoKind::order_inserted, slot);
        return slot;
    }
    // `leaves`: what is shown of it.
    void change_order(OrderSlot slot, std::int64_t leaves, std::uint32_t fee_carry) {
        const Order& order = books.order(slot);
        undo.push_word(static_cast<std::uint64_t>(order.leaves));
        undo.push_record(UndoKind::order_changed, slot, order.fee_carry);
        books.change(slot, leaves, fee_carry);
    }
    void change_hidden(OrderSlot slot, std::int64_t hidden);
    void requeue_order(OrderSlot slot, std::int64_t shown);
    void remove_order(OrderSlot slot) {
        removed_orders.push_back({undo.position(), slot, books.order(slot).is_extended != 0});
        undo.push_record(UndoKind::order_removed, slot);
        books.remove(slot);
    }
    void set_last_price(MarketId market, std::int64_t price);
    void set_issued(AssetId asset, Amount amount);
    void set_time(WallTime now);
    // An end only for an auction.
    void set_phase(MarketId market, MarketPhase phase, std::optional<WallTime> auction_ends_at);
    // Precondition: make_market_rules accepted it. It is halted until set_phase.
    MarketId create_market(const CreateMarket& created, MarketRules market_rules);
    void add_withdrawal(Withdrawal withdrawal);
    void remove_withdrawal(const OrderKey& request);
    void set_proposals(std::vector<Proposal> proposals);

    void undo_to(std::uint64_t position);
    void prune_undo(std::uint64_t position);

    // --- what costs too little to leave it to tests; verify_invariants() walks everything ---
    // At the end of a commit: what left balances came to others, was issued or was redeemed.
    void check_conservation() const {
        for (const Amount sum : moved_)
            PB_CHECK(sum == 0, "a commit must neither make nor lose money");
    }
    // After matching, where the market trades.
    void check_not_crossed(MarketId market) const {
        const PriceLevels& bids = books.levels(market, Side::buy);
        PB_CHECK(bids.empty() || !books.levels(market, Side::sell).best_meets(bids.best_price()),
                 "what crosses must have traded");
    }

    // What an open order holds in reserve: quote for a buy, base for a sell.
    Amount reserve_of(const Order& order) const {
        const MarketTerms& market = terms[order.market_number];
        if (order.is_extended != 0) [[unlikely]]
            return reserve_of_extended(order, market);
        return market.reserve(order.side()).reserve(order.price, order.leaves, order.fee_carry);
    }
    AssetId reserve_asset_of(const Order& order) const {
        const MarketTerms& market = terms[order.market_number];
        return market.reserve(order.side()).asset;
    }
    BalanceSlot reserve_slot_of(const Order& order) {
        return balances.slot(AccountIndex(order.account), reserve_asset_of(order));
    }

    FrozenState freeze();
    std::size_t memory_bytes() const;

  private:
    friend class EngineRestorer;
    Amount reserve_of_extended(const Order& order, const MarketTerms& market) const;
    void put_phase(std::size_t market, MarketPhase phase, std::optional<WallTime> auction_ends_at);
    void put_switch(AccountIndex account, std::int64_t deadline_ms);
    void undo_one();
    void undo_nonce(const UndoLog::Record& record);
    void undo_order(const UndoLog::Record& record);
    void undo_rare(const UndoLog::Record& record);
    static void check(const Balance& balance) {
        PB_CHECK((balance.reserved | balance.available()) >= 0, "nobody has less than nothing");
    }
    // Assets in as many groups as a chunk has balances, because a slot tells no more of its asset.
    Amount& moved(std::uint32_t slot_or_asset) { return moved_[slot_or_asset % Balances::chunk_size]; }

    std::array<Amount, Balances::chunk_size>
        moved_{};  // into balances and not out of others; after a commit 0
    FormerValues<Withdrawal> removed_withdrawals_;
    FormerValues<std::vector<Proposal>> former_proposals_;
};

}  // namespace peerbook::exchange

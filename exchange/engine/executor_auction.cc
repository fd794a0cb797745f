// Many orders at one price: the end of call auctions, and of commits in markets that match in batches.
#include <algorithm>
#include <tuple>
#include <utility>

#include "exchange/engine/executor.h"
#include "exchange/ledger/fees.h"

namespace peerbook::exchange {

void Executor::end_auctions() {
    number_ = no_command;
    while (!state_.auctions.empty() && state_.auctions.begin()->first <= state_.now_ms()) {
        const MarketId market(state_.auctions.begin()->second);
        const Uncrossing done = uncross(market, MatchingMode::continuous);
        state_.set_phase(market, MarketPhase::trading, std::nullopt);
        Event& event = emit(EventKind::market_changed);
        event.order = {};
        event.market = market;
        event.price = Price(done.price);
        event.quantity = Quantity(done.quantity);
        notes_.traded.push_back(market);
        fire_triggers(no_command);
    }
}

// What the orders of a batch trigger takes part at once, but a long chain of triggers waits for the market's
// next batch: each round costs as much as the whole book that crosses.
void Executor::match_batches() {
    constexpr int rounds_max = 4;
    number_ = no_command;
    std::sort(notes_.batch_markets.begin(), notes_.batch_markets.end());
    for (std::size_t i = 0; i < notes_.batch_markets.size(); ++i) {
        const MarketId market = notes_.batch_markets[i];
        for (int round = 1;; ++round) {
            // Also if it was halted meanwhile: what was accepted before trades. An auction collects instead.
            if (state_.terms[market.value()].phase != MarketPhase::auction)
                uncross(market, MatchingMode::batch);
            cancel_immediate(market);
            if (round == rounds_max) break;
            const std::uint64_t sequence = state_.books.next_sequence();
            notes_.traded.assign(1, market);
            fire_triggers(no_command);
            if (state_.books.next_sequence() == sequence) break;  // they placed nothing
        }
    }
    notes_.batch_markets.clear();
}

void Executor::cancel_immediate(MarketId market) {
    std::erase_if(notes_.immediate, [&](const OrderKey& key) {
        const OrderSlot slot = state_.books.find(key);
        if (slot == no_order) return true;
        if (state_.books.order(slot).market() != market) return false;
        take_out(slot, EventKind::cancelled, Reason::auction_ended);
        return true;
    });
}

// Trades what crosses, at one price. Own orders that cross each other lose the quantity before, so that
// nobody moves the price with lots that cannot trade, and one pass is enough.
Executor::Uncrossing Executor::uncross(MarketId market, MatchingMode mode) {
    AuctionBook& book = notes_.crossing;
    list_crossing(state_.books, market, book);
    if (book.buys.empty()) return {};
    if (take_off_own_crossing(book)) list_crossing(state_.books, market, book);
    const std::optional<Clearing> clearing =
        find_clearing(book, state_.markets[market.value()].last, notes_.prices);
    if (!clearing) return {};
    allocate(book.buys, clearing->quantity, mode);
    allocate(book.sells, clearing->quantity, mode);
    Uncrossing done;
    for (std::size_t b = 0, s = 0; b < book.buys.size() && s < book.sells.size();) {
        AuctionOrder& buy = book.buys[b];
        AuctionOrder& sell = book.sells[s];
        const std::int64_t quantity = std::min(buy.allocated, sell.allocated);
        if (quantity > 0) {
            buy.allocated -= quantity;
            sell.allocated -= quantity;
            const bool buy_is_older = buy.sequence < sell.sequence;
            trade_at(buy_is_older ? buy.slot : sell.slot, buy_is_older ? sell.slot : buy.slot,
                     {clearing->price, quantity});
            done = {clearing->price, done.quantity + quantity};
        }
        if (buy.allocated == 0)
            ++b;
        else if (sell.allocated == 0)
            ++s;
    }
    if (done.quantity > 0) state_.set_last_price(market, done.price);
    state_.check_not_crossed(market);
    notes_.give_back();
    return done;
}

// In order of priority: each buy against the same account's sells. True if there were such.
bool Executor::take_off_own_crossing(const AuctionBook& book) {
    std::vector<OwnSell>& sells = notes_.own_sells;  // by account, each account's in order of priority
    sells.clear();
    for (const AuctionOrder& sell : book.sells)
        sells.push_back({state_.books.order(sell.slot).account, 0, sell});
    std::sort(sells.begin(), sells.end(), [](const OwnSell& a, const OwnSell& b) {
        return std::tie(a.account, a.order.price, a.order.sequence) <
               std::tie(b.account, b.order.price, b.order.sequence);
    });
    bool is_any = false;
    for (AuctionOrder buy : book.buys) {
        const std::uint32_t account = state_.books.order(buy.slot).account;
        const auto first =
            std::lower_bound(sells.begin(), sells.end(), account,
                             [](const OwnSell& sell, std::uint32_t sought) { return sell.account < sought; });
        if (first == sells.end() || first->account != account) continue;
        for (auto at = first + first->next; buy.leaves > 0 && at != sells.end() && at->account == account;) {
            AuctionOrder& sell = at->order;
            if (sell.price > buy.price) break;
            const std::int64_t quantity = std::min(buy.leaves, sell.leaves);
            buy.leaves -= quantity;
            sell.leaves -= quantity;
            const bool buy_is_older = buy.sequence < sell.sequence;
            take_off(buy_is_older ? buy.slot : sell.slot, quantity);
            take_off(buy_is_older ? sell.slot : buy.slot, quantity);
            is_any = true;
            if (sell.leaves != 0) continue;
            ++first->next;
            ++at;
        }
    }
    return is_any;
}

// Priority decides, except among this commit's orders at the last price of a batch that is served: they
// share, so that their order inside the commit gives nobody an edge.
void Executor::allocate(std::vector<AuctionOrder>& orders, std::int64_t quantity, MatchingMode mode) {
    allocate_in_order(orders, quantity);
    if (mode == MatchingMode::continuous) return;
    // The last price served, its orders of this commit, and what they got together.
    std::size_t last = orders.size();
    while (last > 0 && orders[last - 1].allocated == 0)
        --last;
    if (last == 0) return;
    const std::int64_t price = orders[last - 1].price;
    std::size_t first = last;
    while (first > 0 && orders[first - 1].price == price &&
           orders[first - 1].sequence >= notes_.first_sequence)
        --first;
    while (last < orders.size() && orders[last].price == price)
        ++last;
    if (first == last) return;
    std::int64_t shared = 0;
    for (std::size_t i = first; i < last; ++i)
        shared += orders[i].allocated;
    const std::int64_t left = allocate_pro_rata(orders, first, last, shared);
    if (left > 0) give_one_each(orders, first, last, left);
}

// Lots that rounding left over go by order id, which nobody can choose well.
void Executor::give_one_each(std::vector<AuctionOrder>& orders, std::size_t first, std::size_t last,
                             std::int64_t lots) {
    std::vector<std::pair<OrderId, std::size_t>>& by_id = notes_.by_id;
    by_id.clear();
    for (std::size_t i = first; i < last; ++i) {
        const OrderKey key = state_.books.order(orders[i].slot).key();
        by_id.emplace_back(make_order_id(state_.rules.network, state_.accounts.id(key.account), key.ref()),
                           i);
    }
    std::sort(by_id.begin(), by_id.end());
    for (std::size_t i = 0; lots > 0; ++i) {
        AuctionOrder& order = orders[by_id[i].second];
        if (order.allocated == order.leaves) continue;
        ++order.allocated;
        --lots;
    }
}

void Executor::trade_at(OrderSlot older, OrderSlot younger, Clearing trade) {
    const auto [price, quantity] = trade;
    const Order& taker = state_.books.owned(younger);
    const Order& maker = state_.books.owned(older);
    const MarketTerms& market = state_.terms[taker.market_number];
    Event& event = emit(EventKind::filled);
    event.order = taker.key();
    event.maker = maker.key();
    event.side = taker.side();
    event.market = taker.market();
    event.price = Price(price);
    event.quantity = Quantity(quantity);
    event.leaves = Quantity(state_.books.whole_leaves(taker) - quantity);
    event.maker_leaves = Quantity(state_.books.whole_leaves(maker) - quantity);
    event.amount = market.notional(price, quantity);
    event.taker_fee = settle_in_auction(younger, price, quantity);
    event.maker_fee = settle_in_auction(older, price, quantity);
    const Amount fees = event.taker_fee + event.maker_fee;
    if (fees != 0) state_.add_to_balance(state_.balances.slot(fee_account_index, market.quote), fees);
}

// Returns the fee. An iceberg trades what it hides like what it shows, and keeps its place.
Amount Executor::settle_in_auction(OrderSlot slot, std::int64_t price, std::int64_t quantity) {
    const Order& order = state_.books.owned(slot);
    const MarketTerms& market = state_.terms[order.market_number];
    const Amount money = market.money(price, quantity);
    const FeeCharge charge = charge_fee(money, market.maker_fee_ppm, order.fee_carry);
    const std::int64_t whole = state_.books.whole_leaves(order) - quantity;
    const BalanceSlot base = state_.balances.slot(AccountIndex(order.account), market.base);
    const BalanceSlot quote = state_.balances.slot(AccountIndex(order.account), market.quote);
    if (order.is_sell != 0) {
        const Balance sold = state_.balances[base];
        state_.set_balance(base, sold.total - market.units(quantity), sold.reserved - market.units(quantity));
        state_.add_to_balance(quote, money - charge.fee);
    } else {
        const Amount kept =
            whole == 0 ? 0 : market.reserve(Side::buy).reserve(order.price, whole, charge.carry);
        const Balance paid = state_.balances[quote];
        state_.set_balance(quote, paid.total - money - charge.fee,
                           paid.reserved - state_.reserve_of(order) + kept);
        state_.add_to_balance(base, market.units(quantity));
    }
    if (whole == 0) {
        state_.remove_order(slot);
        return charge.fee;
    }
    set_whole_leaves(slot, whole, charge.carry);
    return charge.fee;
}

void Executor::set_whole_leaves(OrderSlot slot, std::int64_t whole, std::uint32_t fee_carry) {
    const Order& order = state_.books.owned(slot);
    const std::int64_t display = order.is_extended != 0 ? state_.books.extension(order).display : 0;
    const std::int64_t shown = display != 0 ? std::min(display, whole) : whole;
    if (order.is_extended != 0) state_.change_hidden(slot, whole - shown);
    state_.change_order(slot, shown, fee_carry);
}

void Executor::take_off(OrderSlot slot, std::int64_t quantity) {
    const Order& order = state_.books.owned(slot);
    const std::int64_t whole = state_.books.whole_leaves(order) - quantity;
    if (whole == 0) return take_out(slot, EventKind::cancelled, Reason::self_trade);
    const Amount reserve_before = state_.reserve_of(order);
    set_whole_leaves(slot, whole, order.fee_carry);
    state_.add_to_reserved(state_.reserve_slot_of(order), state_.reserve_of(order) - reserve_before);
    Event& event = emit_order(EventKind::reduced, order);
    event.reason = Reason::self_trade;
    event.quantity = Quantity(quantity);
    event.leaves = Quantity(whole);
}

}  // namespace peerbook::exchange

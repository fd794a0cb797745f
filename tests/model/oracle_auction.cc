// Uncrossing: the end of a call auction, and of a commit in a market that matches in batches.
#include <algorithm>
#include <tuple>

#include "tests/model/oracle.h"

namespace peerbook::exchange::model {

namespace {
constexpr int batch_rounds_max = 4;  // of one market in one commit
}

void Oracle::open_market(Market& market) const {
    const bool has_auction = market.rules.auction.ns > 0;
    market.phase = has_auction ? MarketPhase::auction : MarketPhase::trading;
    market.auction_ends_at.reset();
    if (has_auction) market.auction_ends_at = time_ + market.rules.auction.ms();
}

void Oracle::end_auction(std::uint32_t number) {
    const Clearing done = uncross(number, false);
    Market& market = markets_[number];
    market.phase = MarketPhase::trading;
    market.auction_ends_at.reset();
    Event& event = emit(EventKind::market_changed);
    event.market = MarketId(number);
    event.phase = market.phase;
    event.price = Price(done.price);
    event.quantity = Quantity(done.volume);
    fire(number);
}

// An order that triggers here is placed in this commit like any other: it is uncrossed too, up to a limit.
void Oracle::end_batches() {
    for (std::uint32_t market = 0; market < markets_.size(); ++market) {
        if (markets_[market].rules.matching != MatchingMode::batch) continue;
        for (int round = 1; running_.placed.erase(market) > 0; ++round) {
            if (markets_[market].phase != MarketPhase::auction) uncross(market, true);
            cancel_immediate_orders(market);
            if (round < batch_rounds_max) fire(market);
        }
    }
}

void Oracle::cancel_immediate_orders(std::uint32_t market) {
    std::vector<Order> immediate;
    for (const auto& [name, order] : orders_)
        if (order.market == market && !order.trigger && order.time_in_force != TimeInForce::gtc)
            immediate.push_back(order);
    std::sort(immediate.begin(), immediate.end(),
              [](const Order& a, const Order& b) { return a.sequence < b.sequence; });
    for (const Order& order : immediate)
        cancel(order.name(), Reason::auction_ended);
}

std::optional<Clearing> Oracle::clearing(std::uint32_t market) const {
    const std::vector<Order> buys = side_orders(market, Side::buy), sells = side_orders(market, Side::sell);
    if (buys.empty() || sells.empty() || buys.front().price < sells.front().price) return std::nullopt;
    std::set<std::int64_t> prices;
    for (const auto& side : {buys, sells})
        for (const Order& order : side)
            if (order.price >= sells.front().price && order.price <= buys.front().price)
                prices.insert(order.price);

    using Rank = std::tuple<Big, Big, Big, std::int64_t>;  // the least is best
    std::optional<Rank> best;
    for (std::int64_t price : prices) {
        Big demand = 0, supply = 0;
        for (const Order& order : buys)
            if (order.price >= price) demand += order.leaves;
        for (const Order& order : sells)
            if (order.price <= price) supply += order.leaves;
        const std::optional<std::int64_t> last = markets_[market].last;
        const Big volume = std::min(demand, supply);
        const Rank rank{-volume, abs(Big(demand - supply)), last ? Big(abs(Big(price) - *last)) : Big(0),
                        price};
        if (!best || rank < *best) best = rank;
    }
    return Clearing{std::get<3>(*best), static_cast<std::int64_t>(Big(-std::get<0>(*best)))};
}

Clearing Oracle::uncross(std::uint32_t market, bool is_batch) {
    take_own_off(market);
    const std::optional<Clearing> at = clearing(market);
    if (!at) return {};
    std::map<OrderName, std::int64_t> lots = allocate(*at, market, Side::buy, is_batch);
    lots.merge(allocate(*at, market, Side::sell, is_batch));
    const std::int64_t traded = pair_off(*at, market, std::move(lots));
    return traded > 0 ? Clearing{at->price, traded} : Clearing();
}

// How many of the lots that trade each order of the side gets.
std::map<OrderName, std::int64_t> Oracle::allocate(const Clearing& at, std::uint32_t market, Side side,
                                                   bool is_batch) const {
    std::map<OrderName, std::int64_t> lots;
    std::int64_t rest = at.volume;
    const auto give = [&](const Order& order, std::int64_t count) {
        lots[order.name()] += count;
        rest -= count;
    };
    std::map<std::int64_t, std::vector<Order>> levels;
    for (const Order& order : side_orders(market, side))
        if (meets(side, order.price, at.price))
            levels[side == Side::buy ? -order.price : order.price].push_back(order);
    for (const auto& [rank, level] : levels) {
        std::vector<Order> of_commit;
        Big wanted = 0;
        for (const Order& order : level) {
            if (is_batch && order.sequence >= running_.first_sequence) {
                of_commit.push_back(order);
                wanted += order.leaves;
            } else {
                give(order, std::min(rest, order.leaves));
            }
        }
        if (wanted <= rest) {
            for (const Order& order : of_commit)
                give(order, order.leaves);
            continue;
        }
        const std::int64_t to_share = rest;
        for (const Order& order : of_commit)
            give(order, static_cast<std::int64_t>(Big(Big(to_share) * order.leaves / wanted)));
        std::sort(of_commit.begin(), of_commit.end(), [&](const Order& a, const Order& b) {
            return make_order_id(rules_.network, a.account, a.ref) <
                   make_order_id(rules_.network, b.account, b.ref);
        });
        for (const Order& order : of_commit)
            if (rest > 0) give(order, 1);
    }
    return lots;
}

// Walks both sides in order of priority.
std::int64_t Oracle::pair_off(const Clearing& at, std::uint32_t market,
                              std::map<OrderName, std::int64_t> lots) {
    const auto first_with_lots = [&](Side side) -> Order* {
        for (Order* order : book(market, side))
            if (const auto found = lots.find(order->name()); found != lots.end() && found->second > 0)
                return order;
        return nullptr;
    };
    std::int64_t traded = 0;
    for (;;) {
        Order* buy = first_with_lots(Side::buy);
        Order* sell = first_with_lots(Side::sell);
        if (buy == nullptr || sell == nullptr) return traded;
        Order& younger = buy->sequence > sell->sequence ? *buy : *sell;
        Order& older = &younger == buy ? *sell : *buy;
        const std::int64_t quantity = std::min(lots.at(buy->name()), lots.at(sell->name()));
        lots.at(buy->name()) -= quantity;
        lots.at(sell->name()) -= quantity;
        trade(younger, older, at.price, quantity, markets_[market].rules.maker_fee_ppm);
        traded += quantity;
        show_or_erase(*buy);
        show_or_erase(*sell);
    }
}

// What accounts would trade with themselves, before a price is sought.
void Oracle::take_own_off(std::uint32_t market) {
    for (const Order& as_it_was : side_orders(market, Side::buy)) {
        for (const Order& other : side_orders(market, Side::sell)) {
            const auto buy = orders_.find(as_it_was.name());
            if (buy == orders_.end()) break;
            if (other.account != as_it_was.account || other.price > as_it_was.price) continue;
            Order& sell = orders_.at(other.name());
            const bool is_buy_older = buy->second.sequence < sell.sequence;
            Order& older = is_buy_older ? buy->second : sell;
            Order& younger = is_buy_older ? sell : buy->second;
            const std::int64_t quantity = std::min(older.leaves, younger.leaves);
            lose(older, quantity);
            lose(younger, quantity);
            show_or_erase(older);
            show_or_erase(younger);
        }
    }
}

void Oracle::show_or_erase(Order& order) {
    order.shown = order.display ? std::min(*order.display, order.leaves) : order.leaves;
    if (order.leaves == 0) orders_.erase(OrderName(order.name()));
}

// To an order of its own account.
void Oracle::lose(Order& order, std::int64_t quantity) {
    order.leaves -= quantity;
    Event& event = emit(order.leaves == 0 ? EventKind::cancelled : EventKind::reduced, order);
    event.reason = Reason::self_trade;
    event.quantity = Quantity(quantity);
    event.leaves = Quantity(order.leaves);
}

}  // namespace peerbook::exchange::model

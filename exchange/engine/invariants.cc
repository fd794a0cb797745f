#include "exchange/engine/invariants.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace peerbook::exchange {

namespace {

Error broken(const std::string& what) {
    return {ErrorCode::corrupt, "invariant broken: " + what};
}

std::string name_of(std::uint32_t market, Side side) {
    return "market " + std::to_string(market) + (side == Side::buy ? " buy side" : " sell side");
}

struct Walk {
    const EngineState& state;
    std::vector<std::uint32_t> orders_of;                                   // by account
    std::map<std::pair<std::uint32_t, std::uint32_t>, Amount> reserved_of;  // by account and asset
    std::size_t orders = 0;

    Status order(OrderSlot slot, std::uint32_t market, Side side, std::int64_t price) {
        const Order& at = state.books.order(slot);
        if (at.market() != market || at.is_sell() != (side == Side::sell) || at.price != price)
            return broken("an order stands in another level than its own, " + name_of(market, side));
        if (at.leaves < 1 || at.leaves > at.quantity)
            return broken("an order's leaves are out of range, " + name_of(market, side));
        if (state.books.find({AccountIndex(at.account), {at.nonce, at.index}}) != slot)
            return broken("an order is not in the index, " + name_of(market, side));
        if (!state.accounts.is_open(AccountIndex(at.account)))
            return broken("an order belongs to an account that is not open, " + name_of(market, side));
        ++orders;
        ++orders_of[at.account];
        reserved_of[{at.account, state.reserve_asset_of(at).value()}] += state.reserve_of(at);
        return {};
    }

    Status level(const Level& level, std::uint32_t market, Side side, std::int64_t price) {
        std::int64_t quantity = 0;
        std::uint32_t count = 0;
        OrderSlot previous = no_order;
        for (OrderSlot slot = level.head; slot != no_order; slot = state.books.order(slot).next) {
            const Order& at = state.books.order(slot);
            if (at.previous != previous) return broken("a level's links disagree, " + name_of(market, side));
            if (Status status = order(slot, market, side, price); !status.ok()) return status;
            quantity += at.leaves;
            ++count;
            previous = slot;
        }
        if (level.tail != previous || count != level.orders || quantity != level.quantity || count == 0)
            return broken("a level's totals disagree with its orders, " + name_of(market, side));
        return {};
    }

    Status side(std::uint32_t market, Side side) {
        const PriceLevels& levels = state.books.levels(MarketId(market), side);
        if (!levels.is_consistent()) return broken("the price levels disagree, " + name_of(market, side));
        Status status;
        std::int64_t quantity = 0;
        std::int64_t previous = 0;
        levels.for_each([&](std::int64_t price, const Level& at) {
            if (previous != 0 && (side == Side::buy ? price >= previous : price <= previous)) {
                status = broken("levels are out of order, " + name_of(market, side));
                return false;
            }
            previous = price;
            quantity += at.quantity;
            status = level(at, market, side, price);
            return status.ok();
        });
        if (status.ok() && quantity != state.books.side_quantity(MarketId(market), side))
            return broken("a side's quantity disagrees with its levels, " + name_of(market, side));
        return status;
    }

    Status account_lists() const {
        for (std::uint32_t account = 0; account < orders_of.size(); ++account) {
            std::uint32_t count = 0;
            OrderSlot previous = no_order;
            for (OrderSlot slot = state.books.newest_order_of(AccountIndex(account)); slot != no_order;
                 slot = state.books.order(slot).account_next) {
                const Order& at = state.books.order(slot);
                if (at.account != account || at.account_previous != previous)
                    return broken("the open orders of account " + std::to_string(account) +
                                  " are linked wrongly");
                previous = slot;
                ++count;
            }
            if (count != orders_of[account] || count != state.books.open_order_count(AccountIndex(account)))
                return broken("the open orders of account " + std::to_string(account) +
                              " are counted wrongly");
        }
        return {};
    }

    Status money() const {
        for (std::uint32_t asset = 0; asset < state.issued.size(); ++asset) {
            Amount sum = 0;
            for (std::uint32_t account = 0; account < state.accounts.known_count(); ++account) {
                const Balance balance = state.balances.get(AccountIndex(account), AssetId(asset));
                const auto reserved = reserved_of.find({account, asset});
                const std::string where =
                    "account " + std::to_string(account) + ", asset " + std::to_string(asset);
                if (balance.reserved != (reserved == reserved_of.end() ? 0 : reserved->second))
                    return broken("the reserved amount is not what the open orders need, " + where);
                if (balance.reserved < 0 || balance.total < balance.reserved)
                    return broken("a balance is overdrawn, " + where);
                sum += balance.total;
            }
            if (sum != state.issued[asset])
                return broken("balances do not add up to what was issued, asset " + std::to_string(asset));
        }
        return {};
    }
};

}  // namespace

Status verify_invariants(const EngineState& state) {
    Walk walk{state, std::vector<std::uint32_t>(state.accounts.known_count()), {}, 0};
    for (std::uint32_t market = 0; market < state.terms.size(); ++market) {
        const PriceLevels& bids = state.books.levels(MarketId(market), Side::buy);
        const PriceLevels& asks = state.books.levels(MarketId(market), Side::sell);
        if (!bids.empty() && !asks.empty() && bids.best_price() >= asks.best_price())
            return broken("the book of market " + std::to_string(market) + " is crossed");
        for (Side side : {Side::buy, Side::sell})
            if (Status status = walk.side(market, side); !status.ok()) return status;
    }
    if (walk.orders != state.books.size()) return broken("the index holds other orders than the books");
    if (Status status = walk.account_lists(); !status.ok()) return status;
    return walk.money();
}

}  // namespace peerbook::exchange

#include "exchange/engine/invariants.h"

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace peerbook::exchange {

namespace {

Error broken(const std::string& what) {
    return {ErrorCode::corrupt, "invariant broken: " + what};
}

// One of the four books of a market.
struct BookName {
    std::uint32_t market;
    bool is_waiting;
    bool is_second;  // sells; triggers below

    std::string text() const {
        const char* side = is_waiting ? (is_second ? "triggers below" : "triggers above")
                                      : (is_second ? "sell side" : "buy side");
        return "market " + std::to_string(market) + " " + side;
    }
    bool falls() const { return is_waiting == is_second; }  // from its best price on
};

// Far above what accounts have, and low enough that one more order does not overflow the sum.
constexpr Amount reserved_max = Amount{1} << supply_bits_max;

struct Walk {
    const EngineState& state;
    std::vector<std::uint32_t> orders_of;                                   // by account
    std::map<std::pair<std::uint32_t, std::uint32_t>, Amount> reserved_of;  // by account and asset
    std::size_t orders = 0;
    std::size_t expiring = 0;

    Status reserve(std::uint32_t account, AssetId asset, Amount amount) {
        Amount& sum = reserved_of[{account, asset.value()}];
        if (amount < 0 || amount > reserved_max - sum)
            return broken("more is reserved than an asset can have, account " + std::to_string(account) +
                          ", asset " + std::to_string(asset.value()));
        sum += amount;
        return {};
    }

    Status order(OrderSlot slot, const BookName& book, std::int64_t price) {
        const Order& at = state.books.order(slot);
        const bool is_second = book.is_waiting ? at.waits_below != 0 : at.is_sell != 0;
        if (at.market().value() != book.market || (at.is_waiting != 0) != book.is_waiting ||
            is_second != book.is_second || at.price != price)
            return broken("an order stands in another level than its own, " + book.text());
        const bool has_budget = at.is_extended != 0 && state.books.extension(at).budget != 0;
        if (at.is_live == 0 || at.leaves < (has_budget ? 0 : 1) ||
            state.books.whole_leaves(at) > state.books.quantity(at))
            return broken("an order's leaves are out of range, " + book.text());
        if (state.books.find(at.key()) != slot) return broken("an order is not in the index, " + book.text());
        if (!state.accounts.is_open(AccountIndex(at.account)))
            return broken("an order belongs to an account that is not open, " + book.text());
        if (at.is_extended != 0 && state.books.extension(at).expires_at_ms != 0) {
            ++expiring;
            const OrderExtension& extension = state.books.extension(at);
            if (!state.books.expiries().contains({extension.expires_at_ms, at.sequence, slot}))
                return broken("an order's expiry is not kept, " + book.text());
            if (extension.expires_at_ms <= state.now_ms())
                return broken("an expired order rests, " + book.text());
        }
        ++orders;
        ++orders_of[at.account];
        return reserve(at.account, state.reserve_asset_of(at), state.reserve_of(at));
    }

    Status level(const Level& level, const BookName& book, std::int64_t price, std::int64_t& lots) {
        std::int64_t shown = 0;
        std::uint32_t count = 0, icebergs = 0;
        std::uint64_t sequence = 0;
        OrderSlot previous = no_order;
        for (OrderSlot slot = level.head; slot != no_order; slot = state.books.order(slot).next) {
            const Order& at = state.books.order(slot);
            if (at.previous != previous) return broken("a level's links disagree, " + book.text());
            if (at.sequence <= sequence) return broken("a level is not in order of time, " + book.text());
            if (Status status = order(slot, book, price); !status.ok()) return status;
            shown += at.leaves;
            lots += state.books.whole_leaves(at);
            icebergs += at.is_extended != 0 && state.books.extension(at).display != 0;
            ++count;
            previous = slot;
            sequence = at.sequence;
        }
        if (level.tail != previous || count != level.orders || shown != level.quantity || count == 0 ||
            icebergs != level.icebergs)
            return broken("a level's totals disagree with its orders, " + book.text());
        return {};
    }

    Status book(const BookName& book, const PriceLevels& levels, std::int64_t quantity) {
        if (!levels.is_consistent()) return broken("the price levels disagree, " + book.text());
        Status status;
        std::int64_t lots = 0;
        std::int64_t previous = 0;
        levels.for_each([&](std::int64_t price, const Level& at) {
            if (previous != 0 && (book.falls() ? price >= previous : price <= previous)) {
                status = broken("levels are out of order, " + book.text());
                return false;
            }
            previous = price;
            status = level(at, book, price, lots);
            return status.ok();
        });
        if (status.ok() && lots != quantity)
            return broken("a side's quantity disagrees with its levels, " + book.text());
        return status;
    }

    Status market(std::uint32_t number) {
        const MarketId market(number);
        const OrderBooks& books = state.books;
        const PriceLevels& bids = books.levels(market, Side::buy);
        const PriceLevels& asks = books.levels(market, Side::sell);
        const MarketState& at = state.markets[number];
        // A call auction may cross until its end, and a halt may come before that.
        const bool may_cross = at.phase != MarketPhase::trading && state.rules.markets[number].auction.ns > 0;
        if (!may_cross && !bids.empty() && !asks.empty() && bids.best_price() >= asks.best_price())
            return broken("the book of market " + std::to_string(number) + " is crossed");
        if ((at.phase == MarketPhase::auction) != at.auction_ends_at.has_value() ||
            at.phase != state.terms[number].phase)
            return broken("the phase of market " + std::to_string(number) + " disagrees with itself");
        for (bool second : {false, true}) {
            const Side side = second ? Side::sell : Side::buy;
            Status status =
                book({number, false, second}, books.levels(market, side), books.side_quantity(market, side));
            if (status.ok())
                status = book({number, true, second}, books.waiting(market, second),
                              books.waiting_quantity(market, second));
            if (!status.ok()) return status;
        }
        return {};
    }

    Status withdrawals() {
        Status status;
        state.withdrawals.for_each([&](const Withdrawal& waiting) {
            if (status.ok()) status = reserve(waiting.request.account.value(), waiting.asset, waiting.amount);
        });
        return status;
    }

    Status account_lists() const {
        for (std::uint32_t account = 0; account < orders_of.size(); ++account) {
            std::uint32_t count = 0;
            std::set<OrderSlot> seen;
            state.books.for_each_open_order(AccountIndex(account), [&](OrderSlot slot) {
                const Order& at = state.books.order(slot);
                count += at.account == account && at.is_live != 0 && seen.insert(slot).second;
                return true;
            });
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
                // Before it is added, because enough of them would overflow the sum.
                if (balance.total > state.issued[asset] - sum)
                    return broken("balances are more than what was issued, asset " + std::to_string(asset));
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
    Walk walk{state, std::vector<std::uint32_t>(state.accounts.known_count()), {}, 0, 0};
    for (std::uint32_t market = 0; market < state.terms.size(); ++market)
        if (Status status = walk.market(market); !status.ok()) return status;
    if (walk.orders != state.books.size()) return broken("the index holds other orders than the books");
    if (walk.expiring != state.books.expiries().size())
        return broken("expiries are kept of orders that are gone");
    if (Status status = walk.account_lists(); !status.ok()) return status;
    if (Status status = walk.withdrawals(); !status.ok()) return status;
    return walk.money();
}

}  // namespace peerbook::exchange

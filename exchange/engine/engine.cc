#include "exchange/engine/engine.h"

#include <algorithm>
#include <utility>

#include "exchange/engine/engine_state.h"
#include "exchange/engine/executor.h"
#include "exchange/engine/invariants.h"
#include "exchange/engine/state_digest.h"

namespace peerbook::exchange {

struct Engine::State : EngineState {
    using EngineState::EngineState;
};

namespace {

RestingOrderView view_of(const Order& order) {
    return {{AccountIndex(order.account), {order.nonce, order.index}},
            MarketId(order.market()),
            order.is_sell() ? Side::sell : Side::buy,
            Price(order.price),
            Quantity(order.quantity),
            Quantity(order.leaves)};
}

}  // namespace

Engine::Engine(NetworkRules rules) : state_(std::make_unique<State>(std::move(rules))) {}
Engine::~Engine() = default;

void Engine::apply(const CommandBatch& batch, std::uint32_t first_command, EventBuffer& events) {
    Executor executor(*state_, batch, events);
    for (const Command& command : batch.commands)
        executor.execute(command, first_command++);
}

UndoMark Engine::mark() const {
    return UndoMark(state_->undo.position());
}
void Engine::undo_to(UndoMark mark) {
    state_->undo_to(mark.value());
}
void Engine::prune_undo(UndoMark mark) {
    state_->prune_undo(mark.value());
}

const NetworkRules& Engine::rules() const {
    return state_->rules;
}
Digest Engine::state_digest() const {
    return digest_state(*state_);
}
Digest Engine::book_digest() const {
    return digest_books(*state_);
}
Digest Engine::balances_digest() const {
    return digest_balances(*state_);
}

std::vector<LevelView> Engine::levels(MarketId market, Side side, std::size_t depth) const {
    std::vector<LevelView> views;
    if (market.value() >= state_->terms.size() || depth == 0) return views;
    state_->books.levels(market, side).for_each([&](std::int64_t price, const Level& level) {
        views.push_back({Price(price), Quantity(level.quantity), level.orders});
        return views.size() < depth;
    });
    return views;
}

std::vector<RestingOrderView> Engine::orders(MarketId market, Side side, std::size_t count_max) const {
    std::vector<RestingOrderView> views;
    if (market.value() >= state_->terms.size() || count_max == 0) return views;
    state_->books.levels(market, side).for_each([&](std::int64_t, const Level& level) {
        for (OrderSlot slot = level.head; slot != no_order && views.size() < count_max;) {
            const Order& order = state_->books.order(slot);
            views.push_back(view_of(order));
            slot = order.next;
        }
        return views.size() < count_max;
    });
    return views;
}

std::vector<RestingOrderView> Engine::open_orders(AccountIndex account, std::size_t count_max) const {
    std::vector<RestingOrderView> views;
    views.reserve(state_->books.open_order_count(account));
    for (OrderSlot slot = state_->books.newest_order_of(account); slot != no_order;) {
        const Order& order = state_->books.order(slot);
        views.push_back(view_of(order));
        slot = order.account_next;
    }
    std::sort(views.begin(), views.end(),
              [](const RestingOrderView& a, const RestingOrderView& b) { return a.order.ref < b.order.ref; });
    if (views.size() > count_max) views.resize(count_max);
    return views;
}

std::optional<RestingOrderView> Engine::find_order(OrderKey key) const {
    const OrderSlot slot = state_->books.find(key);
    if (slot == no_order) return std::nullopt;
    return view_of(state_->books.order(slot));
}

std::optional<Price> Engine::last_price(MarketId market) const {
    if (market.value() >= state_->last.size() || !state_->last[market.value()]) return std::nullopt;
    return Price(*state_->last[market.value()]);
}

std::optional<Price> Engine::best(MarketId market, Side side) const {
    if (market.value() >= state_->terms.size()) return std::nullopt;
    const PriceLevels& side_levels = state_->books.levels(market, side);
    if (side_levels.empty()) return std::nullopt;
    return Price(side_levels.best_price());
}

std::optional<AccountIndex> Engine::find_account(const AccountId& id) const {
    return state_->accounts.find(id);
}
const AccountId& Engine::account_id(AccountIndex account) const {
    return state_->accounts.id(account);
}
const std::string& Engine::account_name(AccountIndex account) const {
    return state_->accounts.name(account);
}
std::uint32_t Engine::account_count() const {
    return state_->accounts.known_count();
}
bool Engine::is_open(AccountIndex account) const {
    return account.value() < state_->accounts.known_count() && state_->accounts.is_open(account);
}

std::vector<BalanceView> Engine::balances(AccountIndex account) const {
    std::vector<BalanceView> views;
    for (std::uint32_t i = 0; i < state_->rules.assets.size(); ++i) {
        const Balance balance = state_->balances.get(account, AssetId(i));
        views.push_back({AssetId(i), balance.total, balance.reserved});
    }
    return views;
}

bool Engine::nonce_is_free(AccountIndex account, std::uint64_t nonce) const {
    return state_->accounts.nonces(account).verdict(nonce) == NonceWindow::Verdict::free;
}

std::uint64_t Engine::next_nonce(AccountIndex account) const {
    return state_->accounts.nonces(account).highest() + 1;
}

Amount Engine::issued(AssetId asset) const {
    return asset.value() < state_->issued.size() ? state_->issued[asset.value()] : 0;
}

EngineStats Engine::stats() const {
    EngineStats stats;
    stats.resting_orders = state_->books.size();
    stats.accounts = state_->accounts.open_count();
    stats.undo_bytes = state_->undo.used_bytes() +
                       state_->removed_orders.size() * (sizeof(WaitingSlots::Entry) + sizeof(Order));
    stats.memory_bytes = state_->books.memory_bytes() + state_->accounts.memory_bytes() +
                         state_->balances.memory_bytes() + state_->undo.memory_bytes() +
                         state_->removed_orders.memory_bytes();
    return stats;
}

Status Engine::check_invariants() const {
    return verify_invariants(*state_);
}

}  // namespace peerbook::exchange

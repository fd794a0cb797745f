#include "exchange/engine/engine.h"

#include <algorithm>
#include <utility>

#include "exchange/engine/commit.h"
#include "exchange/engine/engine_state.h"
#include "exchange/engine/invariants.h"
#include "exchange/engine/state_digest.h"

namespace peerbook::exchange {

struct Engine::State : EngineState {
    explicit State(NetworkRules network_rules) : EngineState(std::move(network_rules)), runner(*this) {}

    CommitRunner runner;
};

namespace {

RestingOrderView view_of(const OrderBooks& books, const Order& order) {
    RestingOrderView view;
    view.order = order.key();
    view.market = order.market();
    view.side = order.side();
    view.price = Price(books.limit(order));
    view.quantity = Quantity(books.quantity(order));
    view.leaves = Quantity(books.whole_leaves(order));
    view.shown = Quantity(order.is_waiting != 0 ? 0 : order.leaves);
    view.sequence = order.sequence;
    if (order.is_extended == 0) return view;
    const OrderExtension& extension = books.extension(order);
    if (extension.display != 0) view.display = Quantity(extension.display);
    if (extension.expires_at_ms != 0) view.expires_at = WallTime{extension.expires_at_ms};
    if (extension.budget != 0) view.budget = extension.budget;
    if (order.is_waiting != 0) {
        view.trigger = Trigger{Price(order.price),
                               order.waits_below != 0 ? TriggerWhen::at_or_below : TriggerWhen::at_or_above};
        view.time_in_force = extension.time_in_force;
        view.post_only = extension.post_only;
    }
    return view;
}

std::vector<RestingOrderView> views_of(const OrderBooks& books, const PriceLevels& levels,
                                       std::size_t count_max) {
    std::vector<RestingOrderView> views;
    if (count_max == 0) return views;
    levels.for_each([&](std::int64_t, const Level& level) {
        for (OrderSlot slot = level.head; slot != no_order && views.size() < count_max;
             slot = books.order(slot).next)
            views.push_back(view_of(books, books.order(slot)));
        return views.size() < count_max;
    });
    return views;
}

}  // namespace

Engine::Engine(NetworkRules rules) : state_(std::make_unique<State>(std::move(rules))) {}
Engine::~Engine() = default;

EngineState& Engine::internals() {
    return *state_;
}

void Engine::apply(const CommitInput& commit, EventBuffer& events) {
    state_->runner.run(commit, events);
}

std::optional<WallTime> Engine::next_deadline() const {
    std::optional<std::int64_t> next;
    const auto consider = [&](std::int64_t at_ms) { next = next ? std::min(*next, at_ms) : at_ms; };
    if (!state_->books.expiries().empty()) consider(state_->books.expiries().begin()->at_ms);
    if (!state_->switches.empty()) consider(std::get<0>(*state_->switches.begin()));
    if (!state_->auctions.empty()) consider(state_->auctions.begin()->first);
    return next ? std::optional(WallTime{*next}) : std::nullopt;
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
    if (market.value() >= state_->terms.size()) return {};
    return views_of(state_->books, state_->books.levels(market, side), count_max);
}

std::vector<RestingOrderView> Engine::waiting_orders(MarketId market, std::size_t count_max) const {
    if (market.value() >= state_->terms.size()) return {};
    std::vector<RestingOrderView> views =
        views_of(state_->books, state_->books.waiting(market, false), count_max);
    const std::vector<RestingOrderView> below =
        views_of(state_->books, state_->books.waiting(market, true), count_max - views.size());
    views.insert(views.end(), below.begin(), below.end());
    return views;
}

MarketView Engine::market_view(MarketId market) const {
    MarketView view;
    if (market.value() >= state_->terms.size()) return view;
    const MarketState& state = state_->markets[market.value()];
    view.phase = state.phase;
    view.last = last_price(market);
    view.auction_ends_at = state.auction_ends_at;
    if (state.phase != MarketPhase::auction) return view;
    AuctionBook crossing;
    list_crossing(state_->books, market, crossing);
    std::vector<std::int64_t> prices;
    if (const auto clearing = find_clearing(crossing, state.last, prices)) {
        view.indicative_price = Price(clearing->price);
        view.indicative_quantity = Quantity(clearing->quantity);
    }
    return view;
}

std::vector<WithdrawalView> Engine::withdrawals(AccountIndex account) const {
    std::vector<WithdrawalView> views;
    for (const Withdrawal* waiting : state_->withdrawals.of(account))
        views.push_back({waiting->request.ref(), waiting->asset, waiting->amount, waiting->destination});
    return views;
}

std::vector<AccountIndex> Engine::accounts_with_withdrawals() const {
    std::vector<AccountIndex> accounts;
    state_->withdrawals.for_each([&](const Withdrawal& waiting) {
        if (accounts.empty() || accounts.back() != waiting.request.account)
            accounts.push_back(waiting.request.account);
    });
    std::sort(accounts.begin(), accounts.end());
    accounts.erase(std::unique(accounts.begin(), accounts.end()), accounts.end());
    return accounts;
}

std::vector<RestingOrderView> Engine::open_orders(AccountIndex account, std::size_t count_max) const {
    std::vector<RestingOrderView> views;
    views.reserve(state_->books.open_order_count(account));
    state_->books.for_each_open_order(account, [&](OrderSlot slot) {
        views.push_back(view_of(state_->books, state_->books.order(slot)));
        return true;
    });
    std::sort(views.begin(), views.end(), [](const RestingOrderView& a, const RestingOrderView& b) {
        return a.order.ref() < b.order.ref();
    });
    if (views.size() > count_max) views.resize(count_max);
    return views;
}

std::optional<RestingOrderView> Engine::find_order(OrderKey key) const {
    const OrderSlot slot = state_->books.find(key);
    if (slot == no_order) return std::nullopt;
    return view_of(state_->books, state_->books.order(slot));
}

std::optional<Price> Engine::last_price(MarketId market) const {
    if (market.value() >= state_->markets.size() || !state_->markets[market.value()].last)
        return std::nullopt;
    return Price(*state_->markets[market.value()].last);
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
    stats.memory_bytes = state_->memory_bytes();
    return stats;
}

FrozenState Engine::freeze() {
    return state_->freeze();
}

Status Engine::check_invariants() const {
    return verify_invariants(*state_);
}

}  // namespace peerbook::exchange

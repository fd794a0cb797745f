#include "exchange/engine/commit.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace peerbook::exchange {

namespace {

// Up to this many comparisons it is quicker to look for a target among the commands than to index them.
constexpr std::size_t comparisons_max = 8'192;
// Of a commit; far beyond any clock, and far enough from overflow for every sum with a time-out.
constexpr std::int64_t time_ms_max = std::int64_t{1} << 53;
// Commands ahead whose cache lines are fetched while one is executed.
constexpr std::size_t look_ahead = 4;

const CommandRef* target_of(const CommandBody& body) {
    if (const auto* cancel = std::get_if<CancelOrder>(&body)) return &cancel->target;
    if (const auto* reduce = std::get_if<ReduceOrder>(&body)) return &reduce->target;
    if (const auto* replace = std::get_if<Boxed<ReplaceOrder>>(&body)) return &(*replace)->target;
    return nullptr;
}

// Names of orders that the command may place, from its own on.
std::uint32_t placed_names(const CommandBody& body) {
    if (const auto* quotes = std::get_if<MassQuote>(&body))
        return static_cast<std::uint32_t>(quotes->quotes.size());
    const bool places =
        std::holds_alternative<LimitOrder>(body) || std::holds_alternative<MarketOrder>(body) ||
        std::holds_alternative<BudgetOrder>(body) || std::holds_alternative<Boxed<SpecialOrder>>(body) ||
        std::holds_alternative<Boxed<ReplaceOrder>>(body);
    return places ? 1 : 0;
}

void tell(Event& event, const Refusal& refused) {
    event.quantity = Quantity(static_cast<std::int64_t>(refused.limit));
    event.amount = refused.again_at_ms;
}

}  // namespace

CommitRunner::CommitRunner(EngineState& state) : state_(state), hash_(state.rules.index_seed) {}

void CommitRunner::run(const CommitInput& commit, EventBuffer& events) {
    PB_CHECK(commit.rules_version >= 1 && commit.rules_version <= rules_version_latest,
             "a commit names rules that this program knows");
    events_ = &events;
    notes_.first_sequence = state_.books.next_sequence();
    notes_.steps_left = state_.rules.fills_per_commit_max;
    if (!notes_.looked_through.empty()) notes_.looked_through.clear();
    Executor executor(state_, notes_, events);
    run_due(commit.time, executor);
    if (commit.rules_version == 1)
        run_in_order(commit, executor);
    else
        run_in_classes(commit, executor);
    if (!notes_.batch_markets.empty()) executor.match_batches();
}

void CommitRunner::run_due(WallTime time, Executor& executor) {
    time = {std::clamp<std::int64_t>(time.ms, 0, time_ms_max)};
    const bool is_first = !state_.time;
    state_.set_time(is_first ? time : std::max(*state_.time, time));
    if (is_first)
        for (std::uint32_t i = 0; i < state_.rules.markets.size(); ++i)
            if (const Duration auction = state_.rules.markets[i].auction; auction.ns > 0)
                state_.set_phase(MarketId(i), MarketPhase::auction, WallTime{state_.now_ms() + auction.ms()});
    executor.expire_orders();
    executor.fire_switches();
    executor.end_auctions();
}

// All at once, so that the processor waits for many tables' lines at the same time.
void CommitRunner::look_up_accounts(const CommandBatch& batch) {
    hashes_.clear();
    for (const AccountId& id : batch.accounts)
        hashes_.push_back(state_.accounts.prefetch(id));
    for (std::size_t i = 0; i < batch.accounts.size(); ++i)
        state_.accounts.prefetch_name(hashes_[i]);
    batch_accounts_.clear();
    for (std::size_t i = 0; i < batch.accounts.size(); ++i) {
        const AccountIndex account = state_.accounts.find(batch.accounts[i], hashes_[i]).value_or(no_account);
        batch_accounts_.push_back(account);
    }
}

bool CommitRunner::admit_quickly(const BatchContext& context, const BatchCommand& command,
                                 AccountIndex account) {
    if (account == no_account || context.batch.kind == BatchKind::self_custodied ||
        state_.rules.commands_per_second_max != 0)
        return false;
    return state_.accounts.is_owned_by(account, context.owner) && state_.burn_if_next(account, command.nonce);
}

bool CommitRunner::admit_one(BatchContext& context, const Refusal& refused_batch, const BatchCommand& command,
                             std::uint32_t number, Executor& executor, AdmittedCommand& admitted) {
    admitted.command = &command;
    admitted.nonce = command.nonce;
    admitted.account = batch_accounts_[command.account];
    admitted.number = number;
    const auto reject = [&](const Refusal& refused) {
        tell(executor.reject_unadmitted(admitted.account, command.ref(), number, refused.reason), refused);
        return false;
    };
    if (refused_batch) return reject(refused_batch);
    if (admitted.account == no_account) {
        const auto* open = std::get_if<OpenAccount>(&command.body);
        if (open == nullptr) return reject({Reason::unknown_account, 0, 0});
        if (const Refusal refused = admit_opening(state_, context, command, *open)) return reject(refused);
        const AccountIndex account = *state_.accounts.find(context.batch.accounts[command.account]);
        batch_accounts_[command.account] = account;
        for (const EventKind kind : {EventKind::accepted, EventKind::account_opened}) {
            Event& event = events_->emplace_back();
            event.kind = kind;
            event.command = number;
            event.order = OrderKey(account, command.ref());
        }
        return false;
    }
    if (!admit_quickly(context, command, admitted.account)) {
        if (const Refusal refused = admit(state_, context, command, admitted.account)) return reject(refused);
    }
    if (const auto* cancel = std::get_if<CancelOrder>(&command.body)) burn_target(*cancel, admitted);
    if (std::holds_alternative<CancelAll>(command.body) && is_one_cancel_all_too_many(admitted.account))
        return reject({Reason::rate_limit, state_.rules.cancel_alls_per_commit_max, 0});
    return true;
}

// A nonce that was never seen is burnt by a cancel, so that its order cannot appear later.
void CommitRunner::burn_target(const CancelOrder& cancel, AdmittedCommand& admitted) {
    const NonceWindow& nonces = state_.accounts.nonces(admitted.account);
    if (nonces.is_behind(cancel.target.nonce)) return;
    const NonceWindow::Verdict verdict = nonces.verdict(cancel.target.nonce);
    if (verdict == NonceWindow::Verdict::free) state_.burn_nonce(admitted.account, cancel.target.nonce);
    admitted.target_is_too_new =
        verdict == NonceWindow::Verdict::out_of_window && cancel.target.nonce > nonces.highest();
}

bool CommitRunner::is_one_cancel_all_too_many(AccountIndex account) {
    if (cancel_all_counts_[account.value()]++ >= state_.rules.cancel_alls_per_commit_max) return true;
    cancel_alls_.push_back({account, static_cast<Position>(admitted_.size()) - 1});  // it is the last of them
    return false;
}

void CommitRunner::run_in_order(const CommitInput& commit, Executor& executor) {
    cancel_alls_.clear();
    cancel_all_counts_.clear();
    std::uint32_t number = 0;
    for (const CommandBatch& batch : commit.batches) {
        BatchContext context{batch, state_.accounts.find_owner(batch.signer), {}};
        look_up_accounts(batch);
        const Refusal refused = admit_batch(state_, context);
        for (const BatchCommand& command : batch.commands) {
            AdmittedCommand admitted;
            if (admit_one(context, refused, command, number, executor, admitted)) {
                executor.execute(admitted);
                if (!notes_.traded.empty()) executor.fire_triggers(number);
            }
            ++number;
        }
    }
}

CommitRunner::Class CommitRunner::class_of(const CommandBody& body) {
    if (const auto* limit = std::get_if<LimitOrder>(&body))
        return limit->post_only ? Class::post_only : Class::rest;
    if (std::holds_alternative<CancelOrder>(body) || std::holds_alternative<ReduceOrder>(body))
        return Class::cancels;
    if (const auto* replace = std::get_if<Boxed<ReplaceOrder>>(&body))
        return (*replace)->post_only ? Class::post_only : Class::rest;
    if (std::holds_alternative<CancelAll>(body) || std::holds_alternative<CancelAfter>(body))
        return Class::cancels;
    if (std::holds_alternative<MassQuote>(body)) return Class::post_only;
    if (const auto* special = std::get_if<Boxed<SpecialOrder>>(&body))
        return (*special)->order.post_only && !(*special)->trigger ? Class::post_only : Class::rest;
    if (std::holds_alternative<Faucet>(body) || std::holds_alternative<Boxed<Issue>>(body) ||
        std::holds_alternative<Boxed<Administer>>(body) || std::holds_alternative<OpenAccount>(body))
        return Class::administration;
    return Class::rest;
}

void CommitRunner::add_to_class(Position position) {
    const AdmittedCommand& admitted = admitted_[position];
    const CommandBody& body = admitted.command->body;
    if (const auto* order = std::get_if<LimitOrder>(&body)) {
        prefetch_placing(*order, admitted);
    } else if (const CommandRef* target = target_of(body)) {
        naming_.push_back(position);
        state_.books.prefetch(OrderKey(admitted.account, *target));
    }
    classes_[static_cast<std::size_t>(class_of(body))].push_back(position);
}

void CommitRunner::admit_all(const CommitInput& commit, Executor& executor) {
    admitted_.clear();
    naming_.clear();
    cancel_alls_.clear();
    cancel_all_counts_.clear();
    for (std::vector<Position>& list : classes_)
        list.clear();
    std::uint32_t number = 0;
    for (const CommandBatch& batch : commit.batches) {
        BatchContext context{batch, state_.accounts.find_owner(batch.signer), {}};
        look_up_accounts(batch);
        const Refusal refused = admit_batch(state_, context);
        for (const BatchCommand& command : batch.commands) {
            AdmittedCommand& admitted = admitted_.emplace_back();
            if (admit_one(context, refused, command, number++, executor, admitted))
                add_to_class(static_cast<Position>(admitted_.size() - 1));
            else
                admitted_.pop_back();
        }
    }
}

void CommitRunner::prefetch_placing(const LimitOrder& order, const AdmittedCommand& admitted) const {
    if (order.market.value() >= state_.terms.size() || order.price.value() < 1) return;
    const MarketTerms& market = state_.terms[order.market.value()];
    state_.balances.prefetch(admitted.account, order.side == Side::buy ? market.quote : market.base);
    state_.books.levels(order.market, order.side).prefetch(order.price.value());
    state_.books.prefetch(OrderKey(admitted.account, admitted.command->ref()));
}

// The orders that an order will be linked behind, in its level and among its account's.
void CommitRunner::prefetch_neighbours(const AdmittedCommand& admitted) const {
    const auto* order = std::get_if<LimitOrder>(&admitted.command->body);
    if (order == nullptr || order->market.value() >= state_.terms.size() || order->price.value() < 1) return;
    state_.books.prefetch_behind(order->market, order->side, order->price.value(), admitted.account);
}

void CommitRunner::look_up_targets() {
    unresolved_.clear();
    for (Position position : naming_) {
        AdmittedCommand& admitted = admitted_[position];
        admitted.target = state_.books.find(OrderKey(admitted.account, *target_of(admitted.command->body)));
        if (admitted.target == no_order)
            unresolved_.push_back(position);
        else
            state_.books.prefetch_around(admitted.target);
    }
    for (Position position : naming_) {
        const AdmittedCommand& admitted = admitted_[position];
        if (admitted.target == no_order) continue;
        const Order& order = state_.books.order(admitted.target);
        state_.balances.prefetch(admitted.account, state_.reserve_asset_of(order));
    }
}

std::size_t CommitRunner::home_of(const OrderKey& key) const {
    return hash_(std::uint64_t{key.account.value()} << 32 | key.index, key.nonce) >> 32 &
           (placed_names_.size() - 1);
}

void CommitRunner::index_placed_names() {
    std::size_t names = 0;
    for (const AdmittedCommand& admitted : admitted_)
        names += placed_names(admitted.command->body);
    placed_names_.assign(std::bit_ceil(names * 2 + 1), {});
    for (Position position = 0; position < admitted_.size(); ++position) {
        const AdmittedCommand& admitted = admitted_[position];
        for (std::uint32_t i = 0; i < placed_names(admitted.command->body); ++i) {
            const OrderKey key(admitted.account, {admitted.nonce, admitted.command->index + i});
            std::size_t at = home_of(key);
            while (placed_names_[at].command != none)
                at = (at + 1) & (placed_names_.size() - 1);
            placed_names_[at] = {key, position};
        }
    }
}

CommitRunner::Position CommitRunner::find_placing(const OrderKey& key, bool is_indexed) const {
    if (is_indexed) {
        for (std::size_t at = home_of(key);; at = (at + 1) & (placed_names_.size() - 1)) {
            const PlacedName& name = placed_names_[at];
            if (name.command == none || name.key == key) return name.command;
        }
    }
    for (Position position = 0; position < admitted_.size(); ++position) {
        const AdmittedCommand& admitted = admitted_[position];
        if (admitted.nonce != key.nonce || admitted.account != key.account) continue;
        const BatchCommand& command = *admitted.command;
        if (key.index >= command.index && key.index - command.index < placed_names(command.body))
            return position;
    }
    return none;
}

void CommitRunner::attach_to_placing_commands() {
    const bool is_indexed = unresolved_.size() * admitted_.size() > comparisons_max;
    if (is_indexed) index_placed_names();
    for (Position position : unresolved_) {
        AdmittedCommand& admitted = admitted_[position];
        const Position placing =
            find_placing(OrderKey(admitted.account, *target_of(admitted.command->body)), is_indexed);
        if (placing == none || placing >= position) continue;
        // A replacement must not run in a class before its own, where it would take ahead of others.
        const Class class_there = admitted_[placing].is_attached ? attached_class_[placing]
                                                                 : class_of(admitted_[placing].command->body);
        if (std::holds_alternative<Boxed<ReplaceOrder>>(admitted.command->body) &&
            class_of(admitted.command->body) > class_there)
            continue;
        if (first_attached_.empty()) {
            first_attached_.assign(admitted_.size(), none);
            last_attached_.assign(admitted_.size(), none);
            next_attached_.assign(admitted_.size(), none);
            attached_class_.assign(admitted_.size(), Class::rest);
        }
        attached_class_[position] = class_there;
        Position& last = last_attached_[placing];
        (last == none ? first_attached_[placing] : next_attached_[last]) = position;
        last = position;
        admitted.is_attached = true;
    }
}

void CommitRunner::run_in_classes(const CommitInput& commit, Executor& executor) {
    admit_all(commit, executor);
    first_attached_.clear();
    look_up_targets();
    if (!unresolved_.empty()) attach_to_placing_commands();
    std::sort(cancel_alls_.begin(), cancel_alls_.end());
    for (std::size_t i = 0; i < class_count; ++i)
        execute_class(i, executor);
}

void CommitRunner::execute_class(std::size_t number, Executor& executor) {
    const bool has_attached = !first_attached_.empty();
    const std::vector<Position>& positions = classes_[number];
    for (std::size_t i = 0; i < positions.size(); ++i) {
        if (i + look_ahead < positions.size()) prefetch_neighbours(admitted_[positions[i + look_ahead]]);
        const Position position = positions[i];
        const AdmittedCommand& admitted = admitted_[position];
        if (admitted.is_attached) continue;
        const bool is_alone = cancel_alls_.empty() && (!has_attached || first_attached_[position] == none);
        if (is_alone) [[likely]]
            executor.execute(admitted);
        else
            execute_tree(position, executor);
        if (!notes_.traded.empty()) executor.fire_triggers(admitted.number);
    }
}

std::size_t CommitRunner::first_cancel_all_after(Position command) const {
    const CancelAllPlace sought{admitted_[command].account, command};
    return static_cast<std::size_t>(std::upper_bound(cancel_alls_.begin(), cancel_alls_.end(), sought) -
                                    cancel_alls_.begin());
}

// Depth first, with a stack of its own, because a chain of replacements may be as long as the commit.
void CommitRunner::execute_tree(Position root, Executor& executor) {
    const auto enter = [&](Position position) {
        executor.execute(admitted_[position]);
        if (placed_names(admitted_[position].command->body) == 0) return;
        const Position attached = first_attached_.empty() ? none : first_attached_[position];
        frames_.push_back({position, attached, first_cancel_all_after(position)});
    };
    enter(root);
    while (!frames_.empty()) {
        Frame& frame = frames_.back();
        const AdmittedCommand& placed = admitted_[frame.command];
        const bool has_cancel_all = frame.next_cancel_all < cancel_alls_.size() &&
                                    cancel_alls_[frame.next_cancel_all].account == placed.account;
        const Position cancel_all = has_cancel_all ? cancel_alls_[frame.next_cancel_all].command : none;
        const Position attached = frame.next_attached;
        if (cancel_all == none && attached == none) {
            frames_.pop_back();
        } else if (cancel_all < attached) {
            ++frame.next_cancel_all;
            executor.cancel_placed(admitted_[cancel_all], placed);
        } else {
            frame.next_attached = next_attached_[attached];
            enter(attached);
        }
    }
}

}  // namespace peerbook::exchange

#include "exchange/engine/commit.h"

#include <algorithm>
#include <array>
#include <bit>
#include <type_traits>
#include <utility>

#include "base/check.h"
#include "base/opaque.h"

namespace peerbook::exchange {

namespace {

// Of a commit; far beyond any clock, and far enough from overflow for every sum with a time-out.
constexpr std::int64_t time_ms_max = std::int64_t{1} << 53;
// Commands ahead whose cache lines are fetched while one is executed.
constexpr std::size_t look_ahead = 4;
// With as many orders and accounts the state is in a processor's cache, and asking for lines ahead only
// costs.
constexpr std::size_t cached_entries_max = 8'192;
constexpr std::size_t cached_accounts_max = 4'096;

// Which alternative of CommandBody a kind of commands is.
template <typename Kind, std::size_t number = 0>
constexpr std::size_t number_of() {
    if constexpr (std::is_same_v<Kind, std::variant_alternative_t<number, CommandBody>>)
        return number;
    else
        return number_of<Kind, number + 1>();
}

// Commands are larger than the nearest cache together, so the passes over all of them go by what is noted of
// each, and read a command only where they need its terms.
constexpr bool names_a_target(std::size_t kind) {
    return kind == number_of<CancelOrder>() || kind == number_of<ReduceOrder>() ||
           kind == number_of<Boxed<ReplaceOrder>>();
}

// Precondition: its kind does.
CommandRef target_of(const CommandBody& body) {
    if (const auto* cancel = std::get_if<CancelOrder>(&body)) return cancel->target;
    if (const auto* reduce = std::get_if<ReduceOrder>(&body)) return reduce->target;
    return (*std::get_if<Boxed<ReplaceOrder>>(&body))->target;
}

// 1 or 0, without a branch for each part.
unsigned is_same(const OrderKey& a, const OrderKey& b) {
    return static_cast<unsigned>(
        ((a.nonce ^ b.nonce) | (a.index ^ b.index) | (a.account.value() ^ b.account.value())) == 0);
}

// Names of orders that the command may place, from its own on.
std::uint32_t placed_names(const AdmittedCommand& admitted) {
    static constexpr auto names_of_kind = [] {
        std::array<std::uint8_t, std::variant_size_v<CommandBody>> names{};
        for (const std::size_t number :
             {number_of<LimitOrder>(), number_of<MarketOrder>(), number_of<BudgetOrder>(),
              number_of<Boxed<SpecialOrder>>(), number_of<Boxed<ReplaceOrder>>()})
            names[number] = 1;
        return names;
    }();
    if (admitted.kind == number_of<MassQuote>()) [[unlikely]]
        return static_cast<std::uint32_t>(std::get_if<MassQuote>(&admitted.command->body)->quotes.size());
    return names_of_kind[admitted.kind];
}

}  // namespace

CommitRunner::CommitRunner(EngineState& state)
    : state_(state),
      hash_(state.rules.index_seed),
      notes_(state.rules.index_seed),
      cancel_all_counts_(state.rules.index_seed) {}

void CommitRunner::run(const CommitInput& commit, EventBuffer& events) {
    PB_CHECK(commit.rules_version >= 1 && commit.rules_version <= rules_version_latest,
             "a commit names rules that this program knows");
    events_ = &events;
    notes_.first_sequence = state_.books.next_sequence();
    notes_.steps_left = state_.rules.fills_per_commit_max;
    notes_.looked_through.clear();
    Executor executor(state_, notes_, events);
    run_due(commit.time, executor);
    if (commit.rules_version == 1)
        run_in_order(commit, executor);
    else
        run_in_classes(commit, executor);
    if (!notes_.batch_markets.empty()) executor.match_batches();
    state_.check_conservation();
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
    const Accounts& accounts = state_.accounts;
    if (accounts.known_count() > cached_accounts_max) {
        hashes_.clear();
        for (const AccountId& id : batch.accounts)
            hashes_.push_back(accounts.prefetch(id));
        for (const std::uint32_t hashed : hashes_)
            accounts.prefetch_name(hashed);
    }
    batch_accounts_.resize(batch.accounts.size());
    for (std::size_t i = 0; i < batch.accounts.size(); ++i)
        batch_accounts_[i] = accounts.find(batch.accounts[i]).value_or(no_account);
}

bool CommitRunner::admit_one(BatchContext& context, const Refusal& refused_batch, Executor& executor,
                             const AdmittedCommand& admitted) {
    const BatchCommand& command = *admitted.command;
    const auto reject = [&](const Refusal& refused) {
        return reject_unadmitted(executor, admitted, refused);
    };
    if (refused_batch) return reject(refused_batch);
    if (admitted.account != no_account) {
        const Refusal refused = admit(state_, context, command, admitted.account);
        return !refused || reject(refused);
    }
    const auto* open = std::get_if<OpenAccount>(&command.body);
    if (open == nullptr) return reject({Reason::unknown_account, 0, 0});
    if (const Refusal refused = admit_opening(state_, context, command, *open)) return reject(refused);
    const AccountIndex account = *state_.accounts.find(context.batch.accounts[command.account]);
    batch_accounts_[command.account] = account;
    for (const EventKind kind : {EventKind::accepted, EventKind::account_opened}) {
        Event& event = events_->emplace_back();
        event.kind = kind;
        event.command = admitted.number;
        event.order = OrderKey(account, command.ref());
    }
    return false;
}

bool CommitRunner::reject_unadmitted(Executor& executor, const AdmittedCommand& admitted,
                                     const Refusal& refused) {
    Event& event = executor.reject_unadmitted(admitted.account, admitted.command->ref(), admitted.number,
                                              refused.reason);
    event.quantity = Quantity(static_cast<std::int64_t>(refused.limit));
    event.amount = refused.again_at_ms;
    return false;
}

[[gnu::always_inline]] inline bool CommitRunner::finish_admission(Executor& executor,
                                                                  AdmittedCommand& admitted) {
    const CommandBody& body = admitted.command->body;
    // Of other commands than cancels a nonce that is behind, chosen without a branch; see classify().
    static constexpr CancelOrder no_target;
    const std::uint64_t target = or_else(std::get_if<CancelOrder>(&body), &no_target)->target.nonce;
    if (!state_.accounts.nonces(admitted.account).is_behind(target)) [[unlikely]]
        burn_target(target, admitted);
    if (!std::holds_alternative<CancelAll>(body)) [[likely]]
        return true;
    if (!is_one_cancel_all_too_many(admitted.account)) return true;
    return reject_unadmitted(executor, admitted,
                             {Reason::rate_limit, state_.rules.cancel_alls_per_commit_max, 0});
}

// A nonce that was never seen is burnt by a cancel, so that its order cannot appear later.
void CommitRunner::burn_target(std::uint64_t nonce, AdmittedCommand& admitted) {
    const NonceWindow& nonces = state_.accounts.nonces(admitted.account);
    const NonceWindow::Verdict verdict = nonces.verdict(nonce);
    if (verdict == NonceWindow::Verdict::free) state_.burn_nonce(admitted.account, nonce);
    admitted.target_is_too_new = verdict == NonceWindow::Verdict::out_of_window && nonce > nonces.highest();
}

bool CommitRunner::is_one_cancel_all_too_many(AccountIndex account) {
    if (cancel_all_counts_[account]++ >= state_.rules.cancel_alls_per_commit_max) return true;
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
            admitted.command = &command;
            admitted.nonce = command.nonce;
            admitted.account = batch_accounts_[command.account];
            admitted.number = number++;
            admitted.kind = static_cast<std::uint8_t>(command.body.index());
            if (!admit_one(context, refused, executor, admitted) || !finish_admission(executor, admitted))
                continue;
            executor.execute(admitted);
            if (!notes_.traded.empty()) executor.fire_triggers(admitted.number);
        }
    }
}

CommitRunner::Class CommitRunner::class_by_terms(const CommandBody& body) {
    if (const auto* limit = std::get_if<LimitOrder>(&body))
        return limit->post_only ? Class::post_only : Class::rest;
    if (const auto* replace = std::get_if<Boxed<ReplaceOrder>>(&body))
        return (*replace)->post_only ? Class::post_only : Class::rest;
    const auto* special = std::get_if<Boxed<SpecialOrder>>(&body);
    PB_CHECK(special != nullptr, "the terms of orders that may be post-only tell their class");
    return (*special)->order.post_only && !(*special)->trigger ? Class::post_only : Class::rest;
}

CommitRunner::Class CommitRunner::class_by_kind(std::size_t kind) {
    static constexpr auto class_of_kind = [] {
        std::array<Class, std::variant_size_v<CommandBody>> classes{};
        classes.fill(Class::rest);
        for (const std::size_t number : {number_of<OpenAccount>(), number_of<Faucet>(),
                                         number_of<Boxed<Issue>>(), number_of<Boxed<Administer>>()})
            classes[number] = Class::administration;
        for (const std::size_t number : {number_of<CancelOrder>(), number_of<ReduceOrder>(),
                                         number_of<CancelAll>(), number_of<CancelAfter>()})
            classes[number] = Class::cancels;
        classes[number_of<MassQuote>()] = Class::post_only;
        for (const std::size_t number :
             {number_of<LimitOrder>(), number_of<Boxed<ReplaceOrder>>(), number_of<Boxed<SpecialOrder>>()})
            classes[number] = Class::by_terms;
        return classes;
    }();
    return class_of_kind[kind];
}

void CommitRunner::admit_all(const CommitInput& commit, Executor& executor) {
    admitted_.clear();
    cancel_alls_.clear();
    cancel_all_counts_.clear();
    std::uint32_t number = 0;
    for (const CommandBatch& batch : commit.batches) {
        BatchContext context{batch, state_.accounts.find_owner(batch.signer), {}};
        look_up_accounts(batch);
        const Refusal refused = admit_batch(state_, context);
        const bool is_plain = !refused && context.owner && batch.kind != BatchKind::self_custodied &&
                              state_.rules.commands_per_second_max == 0;
        admitted_.reserve(admitted_.size() + batch.commands.size());
        for (const BatchCommand& command : batch.commands) {
            AdmittedCommand& admitted = admitted_.emplace_back();
            admitted.command = &command;
            admitted.nonce = command.nonce;
            admitted.account = batch_accounts_[command.account];
            admitted.number = number++;
            admitted.kind = static_cast<std::uint8_t>(command.body.index());
            const bool is_next = is_plain && admitted.account != no_account &&
                                 state_.burn_if_next(admitted.account, command.nonce, *context.owner);
            if (!is_next && !admit_one(context, refused, executor, admitted)) [[unlikely]]
                admitted_.pop_back();
            else if (!finish_admission(executor, admitted)) [[unlikely]]
                admitted_.pop_back();
        }
    }
}

// Which kind comes next no processor can guess, so kinds are told apart by a table, and what needs a closer
// look is collected first.
void CommitRunner::classify() {
    class_of_.resize(admitted_.size());
    by_terms_.resize(admitted_.size() + 1);
    std::size_t count = 0;
    for (Position position = 0; position < admitted_.size(); ++position) {
        const Class its = class_by_kind(admitted_[position].kind);
        class_of_[position] = its;
        by_terms_[count] = position;
        count += its == Class::by_terms ? 1 : 0;
    }
    for (const Position position : std::span(by_terms_).first(count))
        class_of_[position] = class_by_terms(admitted_[position].command->body);
}

// A sort by counting, which keeps the order of the list inside a class.
void CommitRunner::sort_into_classes() {
    class_end_.fill(0);
    for (const Class its : class_of_)
        ++class_end_[static_cast<std::size_t>(its)];
    Position begin = 0;
    for (Position& end : class_end_)
        begin += std::exchange(end, begin);
    by_class_.resize(admitted_.size());
    for (Position position = 0; position < class_of_.size(); ++position)
        by_class_[class_end_[static_cast<std::size_t>(class_of_[position])]++] = position;
}

std::span<const CommitRunner::Position> CommitRunner::commands_of(Class its) const {
    const auto number = static_cast<std::size_t>(its);
    const Position begin = number == 0 ? 0 : class_end_[number - 1];
    return std::span(by_class_).subspan(begin, class_end_[number] - begin);
}

void CommitRunner::list_naming() {
    naming_.clear();
    named_.clear();
    named_hashes_.clear();
    for (const Class its : {Class::cancels, Class::post_only, Class::rest})
        for (const Position position : commands_of(its)) {
            const AdmittedCommand& admitted = admitted_[position];
            if (!names_a_target(admitted.kind)) continue;
            naming_.push_back(position);
            named_.push_back(OrderKey(admitted.account, target_of(admitted.command->body)));
            named_hashes_.push_back(state_.books.hash(named_.back()));
        }
}

// What the commands will read first, so that the processor waits for many of these lines at the same time.
void CommitRunner::prefetch_first_lines() {
    if (state_.accounts.known_count() > cached_accounts_max)
        for (const AdmittedCommand& admitted : admitted_)
            state_.books.prefetch_account(admitted.account);
    for (std::size_t i = 0; i < naming_.size(); ++i)
        state_.books.prefetch(admitted_[naming_[i]].account, named_hashes_[i]);
    for (const Class its : {Class::post_only, Class::rest})
        for (const Position position : commands_of(its)) {
            const AdmittedCommand& admitted = admitted_[position];
            const auto* order = std::get_if<LimitOrder>(&admitted.command->body);
            if (order == nullptr || !has_level(*order)) continue;
            state_.balances.prefetch(admitted.account,
                                     state_.terms[order->market.value()].reserve(order->side).asset);
            state_.books.levels(order->market, order->side).prefetch(order->price.value());
            state_.books.prefetch(admitted.account,
                                  state_.books.hash(OrderKey(admitted.account, admitted.command->ref())));
        }
    for (std::size_t i = 0; i < naming_.size(); ++i)
        state_.books.prefetch_order(admitted_[naming_[i]].account, named_hashes_[i]);
    state_.books.prefetch_places(commands_of(Class::post_only).size() + commands_of(Class::rest).size());
}

bool CommitRunner::has_level(const LimitOrder& order) const {
    return order.market.value() < state_.terms.size() && order.price.value() >= 1;
}

// What an order will be linked behind in its level.
void CommitRunner::prefetch_neighbour(const AdmittedCommand& admitted) const {
    const auto* order = std::get_if<LimitOrder>(&admitted.command->body);
    if (order != nullptr && has_level(*order))
        state_.books.prefetch_behind(order->market, order->side, order->price.value());
}

void CommitRunner::look_up_targets() {
    unresolved_.resize(naming_.size() + 2);
    wanted_keys_.resize(naming_.size() + 2);
    std::size_t count = 1;
    for (std::size_t i = 0; i < naming_.size(); ++i) {
        const Position position = naming_[i];
        AdmittedCommand& admitted = admitted_[position];
        admitted.target = state_.books.find(named_[i], named_hashes_[i]);
        unresolved_[count] = position;
        wanted_keys_[count] = named_[i];
        count += admitted.target == no_order ? 1 : 0;
        if (is_large_) state_.books.prefetch_around(admitted.target);
    }
    unresolved_.resize(count);
    if (!is_large_) return;
    for (const Position position : naming_) {
        const AdmittedCommand& admitted = admitted_[position];
        if (admitted.target == no_order) continue;
        const Order& order = state_.books.order(admitted.target);
        state_.balances.prefetch(admitted.account, state_.reserve_asset_of(order));
    }
}

// Where the table of wanted names has this name, or has room for it. Both by one branch, because no processor
// can guess which it is.
inline CommitRunner::Wanted& CommitRunner::wanted_place(const OrderKey& key) {
    const std::size_t mask = wanted_.size() - 1;
    const auto hashed = static_cast<std::uint32_t>(
        hash_(std::uint64_t{key.account.value()} << 32 | key.index, key.nonce) >> 32);
    for (std::size_t at = hashed & mask;; at = (at + 1) & mask) {
        Wanted& wanted = wanted_[at];
        const auto is_free = static_cast<unsigned>(wanted.last == 0);
        if (opaque(is_free | static_cast<unsigned>(wanted.hashed == hashed)) == 0) [[unlikely]]
            continue;
        if (opaque(is_free | is_same(wanted_keys_[wanted.last], key)) == 0) [[unlikely]]
            continue;
        wanted.hashed = hashed;
        return wanted;
    }
}

inline void CommitRunner::note_placed(const OrderKey& key, Position placing) {
    Position at = wanted_place(key).last;
    do
        placing_of_[at] = placing;
    while ((at = next_wanting_[at]) != 0);
}

void CommitRunner::find_placing_commands() {
    wanted_.assign(std::bit_ceil(unresolved_.size() * 8), Wanted());
    next_wanting_.assign(unresolved_.size(), 0);
    placing_of_.assign(unresolved_.size(), none);
    for (Position i = 1; i < unresolved_.size(); ++i)
        next_wanting_[i] = std::exchange(wanted_place(wanted_keys_[i]).last, i);
    for (const Class its : {Class::post_only, Class::rest})
        for (const Position position : commands_of(its)) {
            const AdmittedCommand& placing = admitted_[position];
            const std::uint32_t names = placed_names(placing);
            for (std::uint32_t i = 0; i < names; ++i)
                note_placed(OrderKey(placing.account, {placing.nonce, placing.command->index + i}), position);
        }
}

void CommitRunner::sort_unresolved() {
    std::sort(unresolved_.begin() + 1, unresolved_.end());
    for (std::size_t i = 1; i < unresolved_.size(); ++i) {
        const AdmittedCommand& admitted = admitted_[unresolved_[i]];
        wanted_keys_[i] = OrderKey(admitted.account, target_of(admitted.command->body));
    }
}

void CommitRunner::attach_to_placing_commands() {
    // They were found class by class, and mostly are of one class.
    if (!std::is_sorted(unresolved_.begin() + 1, unresolved_.end())) sort_unresolved();
    find_placing_commands();
    for (std::size_t i = 1; i < unresolved_.size(); ++i) {
        const Position position = unresolved_[i];
        const Position placing = placing_of_[i];
        if (placing == none || placing >= position) continue;
        AdmittedCommand& admitted = admitted_[position];
        // A replacement must not run in a class before its own, where it would take ahead of others.
        const Class class_there =
            admitted_[placing].is_attached ? attached_class_[placing] : class_of_[placing];
        if (admitted.kind == number_of<Boxed<ReplaceOrder>>() && class_of_[position] > class_there) continue;
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
    if (!first_attached_.empty()) take_out_attached();
}

// What is attached runs with what it is attached to, not in its class.
void CommitRunner::take_out_attached() {
    Position begin = 0, kept = 0;
    for (Position& end : class_end_) {
        for (Position i = begin; i < end; ++i) {
            const Position position = by_class_[i];
            by_class_[kept] = position;
            kept += admitted_[position].is_attached ? 0 : 1;
        }
        begin = std::exchange(end, kept);
    }
}

void CommitRunner::run_in_classes(const CommitInput& commit, Executor& executor) {
    admit_all(commit, executor);
    classify();
    sort_into_classes();
    list_naming();
    first_attached_.clear();
    is_large_ = state_.books.size() + state_.accounts.known_count() > cached_entries_max;
    if (is_large_) prefetch_first_lines();
    look_up_targets();
    if (unresolved_.size() > 1) attach_to_placing_commands();
    std::sort(cancel_alls_.begin(), cancel_alls_.end());
    for (const Class its : {Class::administration, Class::cancels, Class::post_only, Class::rest})
        execute_class(its, executor);
}

void CommitRunner::execute_class(Class its, Executor& executor) {
    const bool has_attached = !first_attached_.empty();
    const std::span<const Position> positions = commands_of(its);
    for (std::size_t i = 0; i < positions.size(); ++i) {
        if (is_large_ && i + look_ahead < positions.size())
            prefetch_neighbour(admitted_[positions[i + look_ahead]]);
        const Position position = positions[i];
        const AdmittedCommand& admitted = admitted_[position];
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
        if (placed_names(admitted_[position]) == 0) return;
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

// Node's way from a client's request to commands that wait for a block.
#include "app/node/node.h"

namespace peerbook::app {

namespace {

// A client's own nonce may be this far ahead of ours and still count; one further out will be refused.
constexpr std::uint64_t nonce_jump_max = 65'536;
constexpr std::size_t target_scan_max = 100'000;

// Of orders; other commands have no quantities to show, nor have those of a market that does not exist. A
// replacement's is known when it was executed.
std::optional<exchange::MarketId> market_of(const exchange::CommandBody& body,
                                            const exchange::NetworkRules& rules) {
    std::optional<exchange::MarketId> market;
    if (const auto* limit = std::get_if<exchange::LimitOrder>(&body)) market = limit->market;
    if (const auto* order = std::get_if<exchange::MarketOrder>(&body)) market = order->market;
    if (const auto* order = std::get_if<exchange::BudgetOrder>(&body)) market = order->market;
    if (const auto* special = std::get_if<Boxed<exchange::SpecialOrder>>(&body))
        market = (*special)->order.market;
    if (const auto* quotes = std::get_if<exchange::MassQuote>(&body)) market = quotes->market;
    if (market && market->value() >= rules.markets.size()) return std::nullopt;
    return market;
}

Error too_many_wait() {
    return {ErrorCode::unavailable,
            "too many commands wait to be executed; nothing of this request was taken, send it again in a "
            "second"};
}

}  // namespace

Status Node::admit(const SubmitRequest& request, std::uint64_t commands) const {
    if (!recovered_)
        return Error{ErrorCode::unavailable, "the node is still reading its journal; try again soon"};
    if (draining_) return Error{ErrorCode::unavailable, "the node is shutting down; use another node"};
    if (identity_lost_)
        return Error{
            ErrorCode::unavailable,
            "this node's key has signed blocks that its data directory lacks, so it must not sign more; "
            "see `peerbook status`"};
    if (!halted_.empty()) return Error{ErrorCode::unavailable, "this node stopped trading: " + halted_};
    if (waits_to_return())
        return Error{
            ErrorCode::unavailable,
            "this node is not among the members, and what its users sent before waits until it is let "
            "in; nothing of this request was taken, try again soon"};
    if (commands == 0) return Error{ErrorCode::invalid_input, "the request holds no command"};
    if (request.intents.size() > intents_per_request_max)
        return Error{ErrorCode::too_large,
                     "a request holds at most " + std::to_string(intents_per_request_max) +
                         " commands, this one " + std::to_string(request.intents.size())};
    if (ledger_.overloaded())
        return Error{
            ErrorCode::unavailable,
            "too many commands wait to be settled, and settling waits for members that are away (see "
            "`peerbook status`); nothing of this request was taken"};
    if (requests_.size() >= options_.open_requests_max ||
        batcher_.commands() + relayed_indexes_ + commands > options_.pending_commands_max)
        return too_many_wait();
    return {};
}

void Node::submit(Ticket ticket, SubmitRequest request, Now now, Effects& effects) {
    const bool is_signed = !request.signed_batch.empty();
    std::uint64_t commands = is_signed ? 1 : 0;  // of a signed one they are counted when it is decoded
    for (const Intent& intent : request.intents)
        commands += exchange::index_count(intent.body);
    Status taken = admit(request, commands);
    if (taken.ok())
        taken =
            is_signed ? submit_signed(ticket, request, now) : submit_intents(ticket, request, now, effects);
    if (!taken.ok()) effects.answers.push_back({ticket, Result<SubmitAnswer>(taken.error())});
}

CommandResult Node::blank_result(const exchange::AccountId& account, exchange::CommandRef ref,
                                 const exchange::CommandBody& body, bool with_ids) const {
    const exchange::NetworkRules& rules = ledger_.engine().rules();
    CommandResult result;
    result.ref = ref;
    if (with_ids) result.order = exchange::make_order_id(rules.network, account, ref);
    result.market = market_of(body, rules);
    if (const auto* quotes = std::get_if<exchange::MassQuote>(&body))
        for (std::uint32_t i = 0; i < quotes->quotes.size(); ++i) {
            CommandResult& quote = result.quotes.emplace_back();
            quote.ref = {ref.nonce, ref.index + i};
            if (with_ids) quote.order = exchange::make_order_id(rules.network, account, quote.ref);
            quote.market = result.market;
        }
    return result;
}

Status Node::submit_signed(Ticket ticket, SubmitRequest& request, Now now) {
    const exchange::NetworkRules& rules = ledger_.engine().rules();
    auto batch =
        exchange::decode_signed_batch(request.signed_batch, rules.network, rules.rules_version, verifier_);
    if (!batch.ok()) return batch.error();
    if (batch->kind != exchange::BatchKind::self_custodied)
        return Error{
            ErrorCode::invalid_input,
            "the batch is of kind 1, which nodes send to each other; an account that keeps its own key "
            "sends kind 2"};
    if (batch->commands.empty()) return Error{ErrorCode::invalid_input, "the batch holds no command"};
    const std::uint64_t indexes = index_count(*batch);
    if (batcher_.commands() + relayed_indexes_ + indexes > options_.pending_commands_max)
        return too_many_wait();
    if (!self_index_)
        for (const exchange::BatchCommand& command : batch->commands)
            if (relay_would_repeat(batch->accounts[command.account], command.ref()))
                return Error{ErrorCode::conflict,
                             "nonce " + std::to_string(command.nonce) + " was used before, or is on its way"};
    Request open;
    open.wait_for = request.wait_for;
    open.since = now.mono;
    open.open = batch->commands.size();
    for (const exchange::BatchCommand& command : batch->commands) {
        const exchange::AccountId& account = batch->accounts[command.account];
        open.results.push_back(blank_result(account, command.ref(), command.body, true));
        open.accounts.push_back(account);
        if (!self_index_)
            relayed_origins_.insert_or_assign(
                CommandKey{account, command.ref()},
                Origin{ticket, static_cast<std::uint32_t>(open.results.size() - 1)});
    }
    batcher_.add_signed(std::move(request.signed_batch), static_cast<std::uint32_t>(batch->commands.size()),
                        indexes, ticket);
    requests_.emplace(ticket, std::move(open));
    return {};
}

Status Node::submit_intents(Ticket ticket, SubmitRequest& request, Now now, Effects& effects) {
    if (Status checked = check_accounts(request); !checked.ok()) return checked;
    if (Status checked = check_target_markets(request); !checked.ok()) return checked;
    Request open;
    open.wait_for = request.wait_for;
    open.since = now.mono;
    open.by_nonce = request.by_nonce;
    open.results.resize(request.intents.size());
    open.accounts.resize(request.intents.size());
    for (std::size_t position = 0; position < request.intents.size(); ++position) {
        Intent& intent = request.intents[position];
        CommandResult& result = open.results[position];
        HostedAccounts::Entry& entry = hosted_.find(intent.account);
        open.accounts[position] = entry.id;
        if (auto* opening = std::get_if<exchange::OpenAccount>(&intent.body)) {
            opening->name = intent.account;
            entry.opened = true;
        } else if (!entry.opened) {
            batcher_.add({entry.id, {entry.next_nonce++, 0}, exchange::OpenAccount{intent.account}},
                         std::nullopt);
            unsettled_.queue(entry.id, 1);
            entry.opened = true;
        }
        if (intent.target_order) {
            const auto target = target_of(*intent.target_order, entry.id);
            if (!target) {
                result.status = CommandStatus::rejected;
                result.reason = exchange::Reason::unknown_order;
                result.order = *intent.target_order;
                continue;
            }
            if (auto* cancel = std::get_if<exchange::CancelOrder>(&intent.body)) cancel->target = target->ref;
            if (auto* reduce = std::get_if<exchange::ReduceOrder>(&intent.body)) reduce->target = target->ref;
            if (auto* replace = std::get_if<Boxed<exchange::ReplaceOrder>>(&intent.body))
                (*replace)->target = target->ref;
        }
        const std::uint64_t nonce = intent.nonce.value_or(entry.next_nonce);
        // A nonce far beyond the window will be refused; it must not drag our own count along.
        if (nonce >= entry.next_nonce && nonce - entry.next_nonce < nonce_jump_max)
            entry.next_nonce = nonce + 1;
        result = blank_result(entry.id, {nonce, 0}, intent.body, !request.by_nonce);
        if (!self_index_ && relay_would_repeat(entry.id, result.ref)) {
            result.status = CommandStatus::rejected;
            result.reason = exchange::Reason::nonce_used;
            continue;
        }
        const Origin origin{ticket, static_cast<std::uint32_t>(position)};
        if (!self_index_) relayed_origins_.emplace(CommandKey{entry.id, result.ref}, origin);
        unsettled_.queue(entry.id, exchange::index_count(intent.body));
        batcher_.add({entry.id, result.ref, std::move(intent.body)}, origin);
        ++open.open;
    }
    if (open.open == 0) {
        effects.answers.push_back(
            {ticket, Result<SubmitAnswer>(SubmitAnswer{0, Grade::provisional, open.results})});
        return {};
    }
    requests_.emplace(ticket, std::move(open));
    return {};
}

// A request is taken whole or not at all, and a refused one leaves no trace.
Status Node::check_accounts(const SubmitRequest& request) const {
    struct Wanted {
        exchange::AccountId id;
        std::uint64_t commands = 0;
    };
    std::map<std::string_view, Wanted> accounts;
    std::size_t new_names = 0;
    for (const Intent& intent : request.intents) {
        const auto [entry, is_new] = accounts.try_emplace(intent.account);
        Wanted& wanted = entry->second;
        if (is_new) {
            const auto id = hosted_.id_of(intent.account);
            if (!id.ok()) return id.error();
            wanted.id = *id;
            if (!hosted_.knows(intent.account) && ++new_names > hosted_.room())
                return Error{ErrorCode::unavailable, "account: this network allows no more accounts"};
        }
        wanted.commands += exchange::index_count(intent.body);
        const bool takes_away = std::holds_alternative<exchange::CancelOrder>(intent.body) ||
                                std::holds_alternative<exchange::ReduceOrder>(intent.body) ||
                                std::holds_alternative<exchange::CancelAll>(intent.body);
        const std::uint64_t max = options_.unsettled_commands_per_account_max * (takes_away ? 2 : 1);
        if (unsettled_.count(wanted.id) + wanted.commands > max)
            return Error{ErrorCode::unavailable,
                         "account '" + intent.account + "' may have at most " + std::to_string(max) +
                             " commands that are not settled; nothing of this request was taken, try again "
                             "when earlier commands have settled"};
    }
    return {};
}

// Nothing where the target is not known, as one that is placed by the same request.
std::optional<exchange::MarketId> Node::market_of_target(const Intent& intent) {
    const auto account = hosted_.id_of(intent.account);
    if (!account.ok()) return std::nullopt;
    if (intent.target_order) {
        const auto target = target_of(*intent.target_order, *account);
        return target ? std::optional(target->market) : std::nullopt;
    }
    const exchange::Engine& engine = ledger_.engine();
    const auto index = engine.find_account(*account);
    if (!index) return std::nullopt;
    exchange::CommandRef ref;
    if (const auto* reduce = std::get_if<exchange::ReduceOrder>(&intent.body)) ref = reduce->target;
    if (const auto* replace = std::get_if<Boxed<exchange::ReplaceOrder>>(&intent.body))
        ref = (*replace)->target;
    const auto order = engine.find_order({*index, ref});
    return order ? std::optional(order->market) : std::nullopt;
}

// A price and a quantity mean nothing in another market than the one whose ticks and lots they count.
Status Node::check_target_markets(const SubmitRequest& request) {
    const auto& markets = ledger_.engine().rules().markets;
    auto name = [&](exchange::MarketId market) {
        return market.value() < markets.size() ? markets[market.value()].symbol
                                               : std::string("no market of this network");
    };
    for (std::size_t i = 0; i < request.intents.size(); ++i) {
        const Intent& intent = request.intents[i];
        if (!intent.target_market) continue;
        const auto market = market_of_target(intent);
        if (!market || *market == *intent.target_market) continue;
        return Error{ErrorCode::invalid_input, "market: the order to change is in " + name(*market) +
                                                   ", not in " + name(*intent.target_market) + " (command " +
                                                   std::to_string(i + 1) +
                                                   "); nothing of this request was taken"};
    }
    return {};
}

std::optional<Node::Target> Node::target_of(const exchange::OrderId& order,
                                            const exchange::AccountId& account) {
    const exchange::Engine& engine = ledger_.engine();
    const auto index = engine.find_account(account);
    if (!index) return std::nullopt;
    if (const KnownOrder* known = known_orders_.find(order))
        return known->key.account == *index ? std::optional(Target{known->key.ref(), known->market})
                                            : std::nullopt;
    const std::uint64_t executed = ledger_.stats().commits_executed;
    if (!target_cache_ || target_cache_->account != account || target_cache_->commits_executed != executed) {
        target_cache_.emplace(TargetCache{account, executed, {}});
        for (const exchange::RestingOrderView& open : engine.open_orders(*index, target_scan_max))
            target_cache_->orders.emplace(
                exchange::make_order_id(engine.rules().network, account, open.order.ref()),
                Target{open.order.ref(), open.market});
    }
    const auto found = target_cache_->orders.find(order);
    return found == target_cache_->orders.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace peerbook::app

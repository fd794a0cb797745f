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

}  // namespace

Status Node::admit(const SubmitRequest& request, std::size_t commands) const {
    if (!recovered_)
        return Error{ErrorCode::unavailable, "the node is still reading its journal; try again soon"};
    if (draining_) return Error{ErrorCode::unavailable, "the node is shutting down; use another node"};
    if (identity_lost_)
        return Error{
            ErrorCode::unavailable,
            "this node's key has signed blocks that its data directory lacks, so it must not sign more; "
            "see `peerbook status`"};
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
        batcher_.commands() + relayed_origins_.size() + commands > options_.pending_commands_max)
        return Error{
            ErrorCode::unavailable,
            "too many commands wait to be executed; nothing of this request was taken, send it again in a "
            "second"};
    return {};
}

void Node::submit(Ticket ticket, SubmitRequest request, Now now, Effects& effects) {
    const bool is_signed = !request.signed_batch.empty();
    Status taken = admit(request, is_signed ? 1 : request.intents.size());
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
    if (batch->commands.empty()) return Error{ErrorCode::invalid_input, "the batch holds no command"};
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
                        ticket);
    requests_.emplace(ticket, std::move(open));
    return {};
}

Status Node::submit_intents(Ticket ticket, SubmitRequest& request, Now now, Effects& effects) {
    if (Status checked = check_unsettled(request); !checked.ok()) return checked;
    Request open;
    open.wait_for = request.wait_for;
    open.since = now.mono;
    open.by_nonce = request.by_nonce;
    open.results.resize(request.intents.size());
    open.accounts.resize(request.intents.size());
    for (std::size_t position = 0; position < request.intents.size(); ++position) {
        Intent& intent = request.intents[position];
        CommandResult& result = open.results[position];
        HostedAccounts::Entry& entry = **hosted_.find(intent.account);
        open.accounts[position] = entry.id;
        if (auto* opening = std::get_if<exchange::OpenAccount>(&intent.body)) {
            opening->name = intent.account;
            entry.opened = true;
        } else if (!entry.opened) {
            batcher_.add({entry.id, {entry.next_nonce++, 0}, exchange::OpenAccount{intent.account}},
                         std::nullopt);
            unsettled_.queue(entry.id);
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
            if (auto* cancel = std::get_if<exchange::CancelOrder>(&intent.body)) cancel->target = *target;
            if (auto* reduce = std::get_if<exchange::ReduceOrder>(&intent.body)) reduce->target = *target;
            if (auto* replace = std::get_if<Boxed<exchange::ReplaceOrder>>(&intent.body))
                (*replace)->target = *target;
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
        batcher_.add({entry.id, result.ref, std::move(intent.body)}, origin);
        unsettled_.queue(entry.id);
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

// A request is taken whole or not at all.
Status Node::check_unsettled(const SubmitRequest& request) {
    std::map<exchange::AccountId, std::uint64_t> wanted;
    for (const Intent& intent : request.intents) {
        const auto entry = hosted_.find(intent.account);
        if (!entry.ok()) return entry.error();
        const std::uint64_t count = ++wanted[(*entry)->id];
        const bool takes_away = std::holds_alternative<exchange::CancelOrder>(intent.body) ||
                                std::holds_alternative<exchange::ReduceOrder>(intent.body) ||
                                std::holds_alternative<exchange::CancelAll>(intent.body);
        const std::uint64_t max = options_.unsettled_commands_per_account_max * (takes_away ? 2 : 1);
        if (unsettled_.count((*entry)->id) + count > max)
            return Error{ErrorCode::unavailable,
                         "account '" + intent.account + "' may have at most " + std::to_string(max) +
                             " commands that are not settled; nothing of this request was taken, try again "
                             "when earlier commands have settled"};
    }
    return {};
}

std::optional<exchange::CommandRef> Node::target_of(const exchange::OrderId& order,
                                                    const exchange::AccountId& account) {
    const exchange::Engine& engine = ledger_.engine();
    const auto index = engine.find_account(account);
    if (!index) return std::nullopt;
    if (const KnownOrder* known = known_orders_.find(order))
        return known->key.account == *index ? std::optional(known->key.ref()) : std::nullopt;
    const std::uint64_t executed = ledger_.stats().commits_executed;
    if (!target_cache_ || target_cache_->account != account || target_cache_->commits_executed != executed) {
        target_cache_.emplace(TargetCache{account, executed, {}});
        for (const exchange::RestingOrderView& open : engine.open_orders(*index, target_scan_max))
            target_cache_->orders.emplace(
                exchange::make_order_id(engine.rules().network, account, open.order.ref()), open.order.ref());
    }
    const auto found = target_cache_->orders.find(order);
    return found == target_cache_->orders.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace peerbook::app

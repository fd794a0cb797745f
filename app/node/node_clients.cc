// Node's way from a client's request to commands that wait for a block.
#include "app/node/node.h"

namespace peerbook::app {

namespace {

// A client's own nonce may be this far ahead of ours and still count; one further out will be refused.
constexpr std::uint64_t nonce_jump_max = 65'536;
constexpr std::size_t target_scan_max = 100'000;

// Of orders; other commands have no quantities to show, nor have those of a market that does not exist.
std::optional<exchange::MarketId> market_of(const exchange::CommandBody& body,
                                            const exchange::NetworkRules& rules) {
    std::optional<exchange::MarketId> market;
    if (const auto* limit = std::get_if<exchange::LimitOrder>(&body)) market = limit->market;
    if (const auto* order = std::get_if<exchange::MarketOrder>(&body)) market = order->market;
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

Status Node::submit_signed(Ticket ticket, SubmitRequest& request, Now now) {
    const exchange::NetworkRules& rules = ledger_.engine().rules();
    auto batch =
        exchange::decode_signed_batch(request.signed_batch, rules.network, rules.rules_version, verifier_);
    if (!batch.ok()) return batch.error();
    if (batch->commands.empty()) return Error{ErrorCode::invalid_input, "the batch holds no command"};
    if (!self_index_)
        for (const exchange::Command& command : batch->commands)
            if (relay_would_repeat(command.account, command.ref))
                return Error{ErrorCode::conflict, "nonce " + std::to_string(command.ref.nonce) +
                                                      " was used before, or is on its way"};
    Request open;
    open.wait_for = request.wait_for;
    open.since = now.mono;
    open.open = batch->commands.size();
    for (const exchange::Command& command : batch->commands) {
        CommandResult result;
        result.ref = command.ref;
        result.order = exchange::make_order_id(rules.network, command.account, command.ref);
        result.market = market_of(command.body, rules);
        open.results.push_back(std::move(result));
        if (!self_index_)
            relayed_origins_.insert_or_assign(
                CommandKey{command.account, command.ref},
                Origin{ticket, static_cast<std::uint32_t>(open.results.size() - 1)});
    }
    batcher_.add_signed(std::move(request.signed_batch), static_cast<std::uint32_t>(batch->commands.size()),
                        ticket);
    requests_.emplace(ticket, std::move(open));
    return {};
}

Status Node::submit_intents(Ticket ticket, SubmitRequest& request, Now now, Effects& effects) {
    for (const Intent& intent : request.intents)
        if (auto entry = hosted_.find(intent.account); !entry.ok()) return entry.error();

    Request open;
    open.wait_for = request.wait_for;
    open.since = now.mono;
    open.by_nonce = request.by_nonce;
    open.results.resize(request.intents.size());
    for (std::size_t position = 0; position < request.intents.size(); ++position) {
        Intent& intent = request.intents[position];
        CommandResult& result = open.results[position];
        HostedAccounts::Entry& entry = **hosted_.find(intent.account);
        if (auto* opening = std::get_if<exchange::OpenAccount>(&intent.body)) {
            opening->name = intent.account;
            entry.opened = true;
        } else if (!entry.opened) {
            batcher_.add({entry.id, {entry.next_nonce++, 0}, exchange::OpenAccount{intent.account}},
                         std::nullopt);
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
        }
        const std::uint64_t nonce = intent.nonce.value_or(entry.next_nonce);
        // A nonce far beyond the window will be refused; it must not drag our own count along.
        if (nonce >= entry.next_nonce && nonce - entry.next_nonce < nonce_jump_max)
            entry.next_nonce = nonce + 1;
        result.ref = {nonce, 0};
        if (!request.by_nonce)
            result.order = exchange::make_order_id(ledger_.engine().rules().network, entry.id, result.ref);
        if (!self_index_ && relay_would_repeat(entry.id, result.ref)) {
            result.status = CommandStatus::rejected;
            result.reason = exchange::Reason::nonce_used;
            continue;
        }
        result.market = market_of(intent.body, ledger_.engine().rules());
        const Origin origin{ticket, static_cast<std::uint32_t>(position)};
        if (!self_index_) relayed_origins_.emplace(CommandKey{entry.id, result.ref}, origin);
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

std::optional<exchange::CommandRef> Node::target_of(const exchange::OrderId& order,
                                                    const exchange::AccountId& account) {
    const exchange::Engine& engine = ledger_.engine();
    const auto index = engine.find_account(account);
    if (!index) return std::nullopt;
    const auto known = known_orders_.find(order);
    if (known != known_orders_.end())
        return known->second.account == *index ? std::optional(known->second.ref) : std::nullopt;
    const std::uint64_t executed = ledger_.stats().commands_executed;
    if (!target_cache_ || target_cache_->account != account || target_cache_->commands_executed != executed) {
        target_cache_.emplace(TargetCache{account, executed, {}});
        for (const exchange::RestingOrderView& open : engine.open_orders(*index, target_scan_max))
            target_cache_->orders.emplace(
                exchange::make_order_id(engine.rules().network, account, open.order.ref), open.order.ref);
    }
    const auto found = target_cache_->orders.find(order);
    return found == target_cache_->orders.end() ? std::nullopt : std::optional(found->second);
}

void Node::remember_order(const exchange::OrderId& id, const exchange::OrderKey& key) {
    if (!known_orders_.try_emplace(id, key).second) return;
    known_orders_age_.push_back(id);
    if (known_orders_age_.size() > options_.known_orders_max) {
        known_orders_.erase(known_orders_age_.front());
        known_orders_age_.pop_front();
    }
}

}  // namespace peerbook::app

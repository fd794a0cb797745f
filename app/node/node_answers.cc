// Node's way from events to what its clients are told.
#include <algorithm>

#include "app/node/node.h"

namespace peerbook::app {

using exchange::Event;
using exchange::EventKind;

// A mass quote that was rejected as a whole has one rejection, in the name of its first quote.
static void finish_quotes(CommandResult& result) {
    if (result.quotes.empty() || result.quotes.front().status != CommandStatus::rejected) return;
    const CommandResult& first = result.quotes.front();
    const bool whole =
        std::all_of(result.quotes.begin() + 1, result.quotes.end(),
                    [](const CommandResult& quote) { return quote.status == CommandStatus::done; });
    if (!whole) return;
    result.status = CommandStatus::rejected;
    result.reason = first.reason;
    for (CommandResult& quote : result.quotes) {
        quote.status = CommandStatus::rejected;
        quote.reason = result.reason;
    }
}

void Node::answer_commit(const exchange::Commit& commit, Carried& carried, Grade grade, Effects& effects) {
    Origins& origins = carried.origins;
    // A batch that an observer sent twice is refused the second time for its nonces; the copy that ran is the
    // answer.
    std::vector<bool> other_copy(origins.size(), false);
    if (!carried.keys.empty())
        for (const Event& event : commit.events)
            if (event.reason == exchange::Reason::nonce_used && event.command < other_copy.size())
                other_copy[event.command] = true;
    auto request_of = [&](std::size_t command) {
        if (command >= origins.size() || !origins[command] || other_copy[command]) return requests_.end();
        // Copies of it may be in several blocks. One that burns no nonce is answered by the first all the
        // same.
        if (!carried.keys.empty() && !relayed_origins_.contains(carried.keys[command]))
            return requests_.end();
        const auto request = requests_.find(origins[command]->ticket);
        if (request == requests_.end()) return request;
        // What waits to be attested waits to be settled first.
        const Grade wait_for = std::min(request->second.wait_for, Grade::settled);
        return wait_for == grade ? request : requests_.end();
    };
    auto fold_into = [&](const Event& event, std::size_t command) {
        if (const auto request = request_of(command); request != requests_.end())
            fold(event, request->second, origins[command]->position);
    };
    // What a market does at the end of the commit names no command: it belongs to the orders of this commit.
    std::map<exchange::OrderKey, std::uint32_t> placed;
    const bool has_end = !commit.events.empty() && commit.events.back().command == exchange::no_command;
    for (const Event& event : commit.events) {
        fold_into(event, event.command);
        if (!has_end) continue;
        if (event.command != exchange::no_command) {
            if (event.kind == EventKind::accepted) placed.emplace(event.order, event.command);
            continue;
        }
        for (const exchange::OrderKey& key : {event.order, event.maker})
            if (const auto order = placed.find(key); order != placed.end()) fold_into(event, order->second);
    }
    const bool settled = grade == Grade::settled || ledger_.is_settled(commit.author, commit.seq);
    const bool is_own = self_index_ && commit.author == *self_index_;
    const std::uint64_t number = is_own ? own_blocks_.number_of(commit.seq) : commit.seq;
    for (std::size_t command = 0; command < origins.size(); ++command) {
        const auto request = request_of(command);
        if (request == requests_.end()) continue;
        Request& open = request->second;
        finish_quotes(open.results[origins[command]->position]);
        open.all_settled = open.all_settled && settled;
        open.block = number;
        open.last_commit = std::max(open.last_commit, commit.index);
        origins[command].reset();  // answered once, whatever replays follow
        if (!carried.keys.empty()) relayed_origins_.erase(carried.keys[command]);
        finish_one(request, open.all_settled ? Grade::settled : Grade::provisional, effects);
    }
}

void Node::finish_one(std::map<Ticket, Request>::iterator request, Grade grade, Effects& effects) {
    Request& open = request->second;
    if (--open.open > 0) return;
    if (open.wait_for == Grade::attested) {
        if (open.last_commit > attestation_.attested()) {
            unattested_.emplace(open.last_commit, request->first);
            return;
        }
        grade = Grade::attested;
    }
    SubmitAnswer answer{open.block, grade, std::move(open.results)};
    effects.answers.push_back({request->first, Result<SubmitAnswer>(std::move(answer))});
    requests_.erase(request);
}

void Node::answer_attested(Effects& effects) {
    while (!unattested_.empty() && unattested_.begin()->first <= attestation_.attested()) {
        const auto request = requests_.find(unattested_.begin()->second);
        unattested_.erase(unattested_.begin());
        Request& open = request->second;
        effects.answers.push_back(
            {request->first,
             Result<SubmitAnswer>(SubmitAnswer{open.block, Grade::attested, std::move(open.results)})});
        requests_.erase(request);
    }
}

// An event may be about this command's own order, one of its quotes, or an order that it took away.
void Node::fold(const Event& event, Request& request, std::size_t position) {
    CommandResult& result = request.results[position];
    const exchange::Engine& engine = ledger_.engine();
    auto is_of_this = [&](const exchange::OrderKey& key) {
        return key.account != exchange::no_account && key.nonce == result.ref.nonce &&
               engine.account_id(key.account) == request.accounts[position];
    };
    auto part_of = [&](const exchange::OrderKey& key) -> CommandResult* {
        if (!is_of_this(key) || key.index < result.ref.index) return nullptr;
        const std::size_t offset = key.index - result.ref.index;
        if (result.quotes.empty()) return offset == 0 ? &result : nullptr;
        return offset < result.quotes.size() ? &result.quotes[offset] : nullptr;
    };
    switch (event.kind) {
        case EventKind::rejected: {
            CommandResult* part = part_of(event.order);
            if (!part) part = &result;  // of an account that is not open
            part->status = CommandStatus::rejected;
            part->reason = event.reason;
            const bool is_quota =
                event.reason == exchange::Reason::rate_limit || event.reason == exchange::Reason::byte_limit;
            if (!is_quota) return;
            result.limit = static_cast<std::uint64_t>(event.quantity.value());
            if (event.amount > 0) result.try_again_at = WallTime{static_cast<std::int64_t>(event.amount)};
            return;
        }
        case EventKind::accepted:
            if (CommandResult* part = part_of(event.order); part && part != &result)
                part->status = CommandStatus::resting;
            return;
        case EventKind::approved:
            result.approvals = static_cast<std::uint32_t>(event.quantity.value());
            result.approvals_needed = static_cast<std::uint32_t>(event.leaves.value());
            return;
        case EventKind::replaced:
            ++result.orders_cancelled;
            return;
        case EventKind::filled:
            if (CommandResult* part = part_of(event.order)) fold_fill(event, false, request.by_nonce, *part);
            if (CommandResult* part = part_of(event.maker)) fold_fill(event, true, request.by_nonce, *part);
            return;
        case EventKind::cancelled:
            if (!part_of(event.order) &&
                (event.reason == exchange::Reason::requested || event.reason == exchange::Reason::requoted))
                ++result.orders_cancelled;
            break;
        default:
            break;
    }
    if (CommandResult* part = part_of(event.order)) fold_order(event, request.by_nonce, *part);
}

void Node::fold_order(const Event& event, bool by_nonce, CommandResult& result) {
    switch (event.kind) {
        case EventKind::rested:
            result.status = result.fills.empty() ? CommandStatus::resting : CommandStatus::partially_filled;
            break;
        case EventKind::waiting:
            result.status = CommandStatus::waiting;
            break;
        case EventKind::reduced:
            result.leaves = event.leaves;
            return;
        case EventKind::cancelled:
            result.status = CommandStatus::cancelled;
            result.reason = event.reason;
            result.leaves = exchange::Quantity(0);
            return;
        default:
            return;
    }
    result.leaves = event.leaves;
    result.market = event.market;
    if (!by_nonce) remember_order(event, result);
}

void Node::fold_fill(const Event& event, bool as_maker, bool by_nonce, CommandResult& result) {
    const exchange::Engine& engine = ledger_.engine();
    const Digest& network = engine.rules().network;
    FillView fill;
    fill.maker_order =
        exchange::make_order_id(network, engine.account_id(event.maker.account), event.maker.ref());
    if (!by_nonce) {
        const exchange::OrderId taker =
            as_maker
                ? exchange::make_order_id(network, engine.account_id(event.order.account), event.order.ref())
                : result.order;
        fill.trade = exchange::make_trade_id(fill.maker_order, taker, event.ordinal);
    }
    fill.price = event.price;
    fill.quantity = event.quantity;
    fill.fee = as_maker ? event.maker_fee : event.taker_fee;
    result.fills.push_back(fill);
    result.filled = exchange::Quantity(result.filled.value() + event.quantity.value());
    result.leaves = as_maker ? event.maker_leaves : event.leaves;
    result.market = event.market;
    if (result.leaves == exchange::Quantity(0))
        result.status = CommandStatus::filled;
    else if (result.status == CommandStatus::resting)
        result.status = CommandStatus::partially_filled;
}

void Node::remember_order(const Event& event, const CommandResult& result) {
    KnownOrder order;
    order.id = result.order;
    order.key = event.order;
    order.market = event.market;
    order.side = event.side;
    order.price = event.price;
    order.quantity = exchange::Quantity(result.filled.value() + event.leaves.value());
    known_orders_.remember(order);
}

void Node::publish_markets(const exchange::LedgerUpdate& update, Effects& effects) {
    auto creates = [](const std::vector<exchange::Commit>& commits) {
        for (const exchange::Commit& commit : commits)
            for (const Event& event : commit.events)
                if (event.kind == EventKind::market_created) return true;
        return false;
    };
    if (!creates(update.applied) && !creates(update.retracted)) return;
    auto next = std::make_shared<exchange::NetworkRules>(ledger_.engine().rules());
    // The list never gets shorter for those who read it.
    for (std::size_t i = next->markets.size(); i < rules_->markets.size(); ++i)
        next->markets.push_back(rules_->markets[i]);
    rules_ = std::move(next);
    effects.rules = rules_;
}

}  // namespace peerbook::app

#include "app/node/node.h"

#include <algorithm>

#include "base/check.h"

namespace peerbook::app {

namespace {

constexpr std::size_t early_block_commands =
    4'096;  // waiting commands above which a block is made without delay
constexpr std::uint64_t recover_batch_blocks = 64;  // blocks executed together while the journal is replayed
constexpr Duration held_back_retry = Duration::milliseconds(100);
constexpr std::uint64_t nonce_jump_max = 65'536;
constexpr std::size_t target_scan_max = 100'000;
constexpr Duration expiry_check_interval = Duration::seconds(1);
// After a replay, the next execution waits about as long as the replay took: this much for each command run
// again.
constexpr std::int64_t replay_pause_ns_per_command = 500;
constexpr Duration replay_pause_max = Duration::milliseconds(50);
// An observer's accounts start this far beyond what the engine has seen of them; see HostedAccounts.
constexpr std::uint64_t observer_nonce_skip = 4'096;

// For payloads of our own, whose batches were all checked when they came in.
class AlreadyVerified final : public Verifier {
  public:
    bool verify(const PublicKey&, ByteView, const Signature&) const override { return true; }
};

// Of orders; other commands have no quantities to show, nor have those of a market that does not exist.
std::optional<exchange::MarketId> market_of(const exchange::CommandBody& body,
                                            const exchange::NetworkRules& rules) {
    std::optional<exchange::MarketId> market;
    if (const auto* limit = std::get_if<exchange::LimitOrder>(&body)) market = limit->market;
    if (const auto* order = std::get_if<exchange::MarketOrder>(&body)) market = order->market;
    if (market && market->value() >= rules.markets.size()) return std::nullopt;
    return market;
}

void sooner(std::optional<MonoTime>& wake, MonoTime at) {
    if (!wake || at < *wake) wake = at;
}

}  // namespace

const char* to_string(Grade grade) {
    switch (grade) {
        case Grade::provisional:
            return "provisional";
        case Grade::settled:
            return "settled";
        case Grade::retracted:
            return "retracted";
    }
    return "unknown";
}

const char* to_string(CommandStatus status) {
    switch (status) {
        case CommandStatus::done:
            return "done";
        case CommandStatus::resting:
            return "resting";
        case CommandStatus::partially_filled:
            return "partially_filled";
        case CommandStatus::filled:
            return "filled";
        case CommandStatus::cancelled:
            return "cancelled";
        case CommandStatus::rejected:
            return "rejected";
    }
    return "unknown";
}

Node::Node(exchange::NetworkRules rules, exchange::View view, const Signer& signer, const Verifier& verifier,
           NodeOptions options)
    : signer_(signer),
      verifier_(verifier),
      options_(options),
      self_(signer.public_key()),
      ledger_(std::move(rules), std::move(view), self_, options_.ledger),
      self_index_(ledger_.view().index_of(self_)),
      hosted_(ledger_.engine(), self_, self_index_ ? 0 : observer_nonce_skip),
      sync_(ledger_, Random(options_.random_seed)),
      tape_(ledger_.engine()),
      heard_own_chain_(ledger_.view().members.size(), false) {
    if (self_index_) heard_own_chain_[self_index_->value()] = true;
}

Node::~Node() = default;

// --- start
// --------------------------------------------------------------------------------------------------------

Status Node::recover(exchange::VerifiedBlock block, Effects& effects) {
    // What was accepted before is accepted again, whatever the clock says now.
    const WallTime no_limit{INT64_MAX / 2};
    const std::uint64_t seq = block.header.seq;
    const exchange::AcceptOutcome outcome = ledger_.accept(std::move(block), no_limit);
    if (outcome.kind != exchange::AcceptKind::accepted && outcome.kind != exchange::AcceptKind::duplicate)
        return Error{ErrorCode::corrupt,
                     "the journal holds block " + std::to_string(seq) +
                         " of an author, which does not follow from what stands before it" +
                         (outcome.why.empty() ? "" : ": " + outcome.why)};
    const auto accepted = ledger_.take_accepted();
    for (const auto& one : accepted)
        sync_.remember(one.author, one.seq, one.encoded);
    if (ledger_.stats().blocks_accepted % recover_batch_blocks == 0) process(ledger_.execute(), effects);
    return {};
}

void Node::recovered(Now now, Effects& effects) {
    process(ledger_.execute(), effects);
    recovered_ = true;
    started_ = now.mono;
}

// --- clients
// ------------------------------------------------------------------------------------------------------

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

// --- peers
// --------------------------------------------------------------------------------------------------------

void Node::on_peer_connected(const PublicKey& peer, Effects& effects) {
    sync_.on_connected(peer, effects);
}

void Node::on_peer_disconnected(const PublicKey& peer) {
    sync_.on_disconnected(peer);
}

void Node::on_block(const PublicKey& from, exchange::VerifiedBlock block, Now now, Effects& effects) {
    if (identity_lost_) return;
    const std::uint64_t seq = block.header.seq;
    const bool own = self_index_ && block.header.author == self_;
    // Our own block may come back from a peer that read it from our journal before we heard that it is
    // durable.
    if (own && in_flight_ && in_flight_->block.digest == block.digest) return;
    if (own && seq > ledger_.version_vector()[self_index_->value()])
        return lose_identity("a peer holds block " + std::to_string(seq) +
                                 " signed by this node's key, which this data directory lacks",
                             effects);
    if (!relayed_origins_.empty()) find_relayed(block);
    const exchange::AcceptOutcome outcome = ledger_.accept(std::move(block), now.wall);
    switch (outcome.kind) {
        case exchange::AcceptKind::suspended:
            sync_.on_suspended(from, outcome.missing, now.mono, effects);
            break;
        case exchange::AcceptKind::invalid:
            effects.violations.push_back({from, 10, "block " + std::to_string(seq) + ": " + outcome.why});
            break;
        case exchange::AcceptKind::equivocation:
            if (own)
                return lose_identity("a peer holds another block " + std::to_string(seq) +
                                         " signed by this node's key: two processes use it",
                                     effects);
            effects.logs.push_back({true, "equivocation: two blocks of one author with seq " +
                                              std::to_string(seq) +
                                              (outcome.why.empty() ? "" : ": " + outcome.why)});
            break;
        default:
            break;
    }
}

void Node::lose_identity(std::string why, Effects& effects) {
    identity_lost_ = true;
    in_flight_.reset();
    batcher_.clear();
    for (const auto& [ticket, request] : requests_)
        effects.answers.push_back(
            {ticket,
             Result<SubmitAnswer>(Error{ErrorCode::unavailable,
                                        "the node stops, because its key is in use elsewhere or its data is "
                                        "an older copy; this may or may not have been executed"})});
    requests_.clear();
    effects.retire_key =
        why +
        ". The data directory was lost, restored from an older copy, or its key is used twice. "
        "Signing on could put two blocks into one place, so this key is retired: start with a new "
        "data directory and have its key named in the network file";
}

bool Node::own_chain_confirmed() const {
    return exchange::is_quorum(ledger_.view(), heard_own_chain_);
}

void Node::on_blocks_taken(const PublicKey& from, bool more) {
    sync_.on_blocks_taken(from, more);
}

void Node::on_version_vector(const PublicKey& from, const VersionVectorMessage& message, Effects& effects) {
    const auto member = ledger_.view().index_of(from);
    if (self_index_ && member && message.seqs.size() == heard_own_chain_.size() &&
        message.seqs[self_index_->value()] <= ledger_.version_vector()[self_index_->value()])
        heard_own_chain_[member->value()] = true;
    sync_.on_version_vector(from, message, effects);
}

void Node::on_want(const PublicKey& from, const std::vector<Digest>& digests, Effects& effects) {
    sync_.on_want(from, digests, effects);
}

void Node::on_blocks_read(const PublicKey& peer, bool more, const std::vector<SharedBytes>& blocks,
                          Effects& effects) {
    sync_.on_blocks_read(peer, more, blocks, effects);
}

void Node::on_signed_batch(const PublicKey& from, Bytes encoded, const exchange::CommandBatch& batch,
                           Effects& effects) {
    if (!self_index_) {
        effects.violations.push_back({from, 1, "a batch for a member was sent to an observer"});
        return;
    }
    if (draining_ || identity_lost_ || batch.commands.empty() || ledger_.overloaded() ||
        batcher_.commands() + batch.commands.size() > options_.pending_commands_max)
        return;  // the observer sends it again, to another member
    // A batch that was sent again and already ran would only be rejected: keep it out of the log.
    const exchange::Command& first = batch.commands.front();
    const auto account = ledger_.engine().find_account(first.account);
    if (account && !ledger_.engine().nonce_is_free(*account, first.ref.nonce)) return;
    batcher_.add_signed(std::move(encoded), static_cast<std::uint32_t>(batch.commands.size()), std::nullopt);
}

void Node::on_durable(std::uint64_t append_ticket, Now now, Effects& effects) {
    if (!in_flight_ || in_flight_->append_ticket > append_ticket) return;
    InFlight done = std::move(*in_flight_);
    in_flight_.reset();
    const SharedBytes encoded = done.block.encoded;
    const std::uint64_t seq = done.block.header.seq;
    const WallTime wall = std::max(now.wall, done.block.header.timestamp);
    const exchange::AcceptOutcome outcome = ledger_.accept(std::move(done.block), wall);
    PB_CHECK(outcome.kind == exchange::AcceptKind::accepted, "the own block was not accepted");
    effects.broadcasts.push_back({static_cast<std::uint8_t>(MessageKind::block), encoded});
    executing_.emplace(seq, Carried{std::move(done.origins), {}});
}

// --- the end of a batch of inputs
// ---------------------------------------------------------------------------------

void Node::append(exchange::MemberIndex author, std::uint64_t seq, std::uint64_t round, SharedBytes block,
                  Effects& effects) {
    effects.appends.push_back(
        {++append_ticket_, ledger_.view().members[author.value()], seq, round, std::move(block)});
}

void Node::flush(Now now, Effects& effects) {
    if (identity_lost_) return;
    ledger_.release_held_back(now.wall);
    for (auto& accepted : ledger_.take_accepted()) {
        unexecuted_ = true;
        sync_.remember(accepted.author, accepted.seq, accepted.encoded);
        if (self_index_ && accepted.author == *self_index_) continue;  // journaled before it was accepted
        append(accepted.author, accepted.seq, accepted.round, std::move(accepted.encoded), effects);
    }
    execute_if_due(now, effects);
    if (self_index_)
        emit(now, effects);
    else
        relay(now, effects);
    if (const auto due = sync_.flush(now.mono, effects)) sooner(effects.wake_at, *due);
    if (ledger_.stats().blocks_held_back > 0) sooner(effects.wake_at, now.mono + held_back_retry);
    watch_settling(now);
    expire_waits(now, effects);
}

void Node::execute_if_due(Now now, Effects& effects) {
    if (!unexecuted_) return;
    if (now.mono < next_execute_) return sooner(effects.wake_at, next_execute_);
    unexecuted_ = false;
    const std::uint64_t replayed_before = ledger_.stats().commands_replayed;
    process(ledger_.execute(), effects);
    const auto replayed = static_cast<std::int64_t>(ledger_.stats().commands_replayed - replayed_before);
    next_execute_ =
        now.mono + std::min(Duration::nanoseconds(replayed * replay_pause_ns_per_command), replay_pause_max);
}

void Node::watch_settling(Now now) {
    const std::uint64_t length = ledger_.settled_prefix().length;
    if (ledger_.stats().unsettled_commands == 0)
        unsettled_since_.reset();
    else if (!unsettled_since_ || length != settled_length_)
        unsettled_since_ = now.mono;
    settled_length_ = length;
}

void Node::expire_waits(Now now, Effects& effects) {
    if (settled_waiters_count_ == 0 && requests_.empty()) return;
    sooner(effects.wake_at, now.mono + expiry_check_interval);
    if (now.mono < next_expiry_check_) return;
    next_expiry_check_ = now.mono + expiry_check_interval;
    std::erase_if(requests_, [&](const auto& entry) {
        const auto& [ticket, request] = entry;
        if (request.wait_for != Grade::settled || now.mono - request.since < options_.settled_wait)
            return false;
        effects.answers.push_back(
            {ticket,
             Result<SubmitAnswer>(Error{ErrorCode::timed_out,
                                        "taken, but not settled yet; `peerbook status` says what settling "
                                        "waits for. Do not send it again: ask for the orders instead"})});
        return true;
    });
    for (auto entry = settled_waiters_.begin(); entry != settled_waiters_.end();) {
        settled_waiters_count_ -= std::erase_if(entry->second, [&](const SettledWaiter& waiter) {
            if (now.mono - waiter.since < options_.settled_wait) return false;
            effects.answers.push_back(
                {waiter.ticket,
                 Result<Answer>(Error{ErrorCode::timed_out, "block " + std::to_string(entry->first) +
                                                                " is durable, and not settled yet"})});
            return true;
        });
        entry = entry->second.empty() ? settled_waiters_.erase(entry) : std::next(entry);
    }
}

void Node::process(const exchange::LedgerUpdate& update, Effects& effects) {
    std::vector<TradeTape::SettledCommit> settled;
    tape_.update(update, settled);
    for (const exchange::Commit& commit : update.applied) {
        if (self_index_ && commit.author == *self_index_) {
            const auto waiting = executing_.find(commit.seq);
            if (waiting == executing_.end()) continue;
            answer_commit(commit, waiting->second, Grade::provisional, effects);
            settling_.insert(executing_.extract(waiting));
        } else if (const auto carried = relayed_in_.find(commit.block); carried != relayed_in_.end()) {
            answer_commit(commit, carried->second, Grade::provisional, effects);
        }
    }
    for (const exchange::Commit& commit : update.settled) {
        if (self_index_ && commit.author == *self_index_) {
            if (const auto waiting = settling_.find(commit.seq); waiting != settling_.end()) {
                answer_commit(commit, waiting->second, Grade::settled, effects);
                settling_.erase(waiting);
            }
            if (const auto waiting = settled_waiters_.find(commit.seq); waiting != settled_waiters_.end()) {
                for (const SettledWaiter& waiter : waiting->second)
                    effects.answers.push_back(
                        {waiter.ticket, Result<Answer>(Answer(SettledAnswer{commit.seq}))});
                settled_waiters_count_ -= waiting->second.size();
                settled_waiters_.erase(waiting);
            }
        } else if (const auto carried = relayed_in_.find(commit.block); carried != relayed_in_.end()) {
            answer_commit(commit, carried->second, Grade::settled, effects);
            relayed_in_.erase(carried);
        }
    }
    for (TradeTape::SettledCommit& commit : settled)
        effects.index_writes.push_back({commit.commit, std::move(commit.trades)});
}

void Node::answer_commit(const exchange::Commit& commit, Carried& carried, Grade grade, Effects& effects) {
    Origins& origins = carried.origins;
    // A batch that an observer sent twice is refused the second time for its nonces; the copy that ran is the
    // answer.
    std::vector<bool> other_copy(origins.size(), false);
    if (!self_index_)
        for (const exchange::Event& event : commit.events)
            if (event.reason == exchange::Reason::nonce_used && event.command < other_copy.size())
                other_copy[event.command] = true;
    auto request_of = [&](std::size_t command) {
        if (command >= origins.size() || !origins[command] || other_copy[command]) return requests_.end();
        const auto request = requests_.find(origins[command]->ticket);
        return request != requests_.end() && request->second.wait_for == grade ? request : requests_.end();
    };
    for (const exchange::Event& event : commit.events)
        if (const auto request = request_of(event.command); request != requests_.end())
            fold(event, request->second.results[origins[event.command]->position]);
    const bool settled = grade == Grade::settled || ledger_.is_settled(commit.author, commit.seq);
    for (std::size_t command = 0; command < origins.size(); ++command) {
        const auto request = request_of(command);
        if (request == requests_.end()) continue;
        Request& open = request->second;
        open.in_one_block = open.in_one_block && (open.block == 0 || open.block == commit.seq);
        open.block = commit.seq;
        const Ticket ticket = origins[command]->ticket;
        origins[command].reset();  // answered once, whatever replays follow
        if (!carried.keys.empty()) relayed_origins_.erase(carried.keys[command]);
        if (--open.open > 0) continue;
        const bool all_settled = grade == Grade::settled || (settled && open.in_one_block);
        SubmitAnswer answer{commit.seq, all_settled ? Grade::settled : Grade::provisional,
                            std::move(open.results)};
        effects.answers.push_back({ticket, Result<SubmitAnswer>(std::move(answer))});
        requests_.erase(request);
    }
}

void Node::fold(const exchange::Event& event, CommandResult& result) {
    using exchange::EventKind;
    const exchange::Engine& engine = ledger_.engine();
    switch (event.kind) {
        case EventKind::rejected:
            result.status = CommandStatus::rejected;
            result.reason = event.reason;
            break;
        case EventKind::rested:
            result.status = result.fills.empty() ? CommandStatus::resting : CommandStatus::partially_filled;
            result.leaves = event.quantity;
            remember_order(result.order, event.order);
            break;
        case EventKind::filled: {
            FillView fill;
            fill.maker_order = exchange::make_order_id(
                engine.rules().network, engine.account_id(event.maker.account), event.maker.ref);
            fill.trade = exchange::make_trade_id(fill.maker_order, result.order, 0);
            fill.price = event.price;
            fill.quantity = event.quantity;
            fill.fee = event.taker_fee;
            result.fills.push_back(fill);
            result.filled = exchange::Quantity(result.filled.value() + event.quantity.value());
            result.leaves = event.leaves;
            if (event.leaves == exchange::Quantity(0)) result.status = CommandStatus::filled;
            break;
        }
        case EventKind::cancelled:
            if (event.order.ref != result.ref) break;  // the order that a cancel took away
            result.status = CommandStatus::cancelled;
            result.reason = event.reason;
            result.leaves = exchange::Quantity(0);
            break;
        default:
            break;
    }
}

// --- members: own blocks
// ------------------------------------------------------------------------------------------

void Node::emit(Now now, Effects& effects) {
    if (!recovered_ || in_flight_ || identity_lost_ || !own_chain_confirmed()) return;
    if (!batcher_.empty()) {
        const MonoTime due = last_emit_ ? *last_emit_ + options_.batch_delay : now.mono;
        if (now.mono >= due || batcher_.commands() >= early_block_commands)
            emit_block(now, effects);
        else
            sooner(effects.wake_at, due);
        return;
    }
    if (!ledger_.acknowledgement_due()) {
        ack_due_since_.reset();
        return;
    }
    if (!ack_due_since_) ack_due_since_ = now.mono;
    const MonoTime due = *ack_due_since_ + options_.ack_delay;
    if (now.mono >= due)
        emit_block(now, effects);
    else
        sooner(effects.wake_at, due);
}

void Node::emit_block(Now now, Effects& effects) {
    Batcher::Built built = batcher_.take();
    exchange::Block block = ledger_.make_block(std::move(built.payload), now.wall);
    exchange::sign_block(block, signer_);
    InFlight own;
    own.origins = std::move(built.origins);
    own.block.header = block.header;
    own.block.digest = exchange::digest_of(block.header);
    own.block.encoded = SharedBytes(exchange::encode_block(block, ledger_.view()));
    const exchange::NetworkRules& rules = ledger_.engine().rules();
    auto batches =
        exchange::decode_payload(block.payload, self_, rules.network, rules.rules_version, AlreadyVerified());
    PB_CHECK(batches.ok(), "the own payload cannot be decoded");
    own.block.batches = std::move(*batches);
    for (const exchange::CommandBatch& batch : own.block.batches)
        own.block.command_count += static_cast<std::uint32_t>(batch.commands.size());
    PB_CHECK(own.block.command_count == own.origins.size(), "a command of the own payload has no place");
    append(*self_index_, block.header.seq, block.header.round, own.block.encoded, effects);
    own.append_ticket = append_ticket_;
    in_flight_ = std::move(own);
    last_emit_ = now.mono;
    ack_due_since_.reset();
}

bool Node::idle() const {
    return !in_flight_ && batcher_.empty() && requests_.empty();
}

// --- observers: batches for members
// -------------------------------------------------------------------------------

void Node::relay(Now now, Effects& effects) {
    const exchange::NetworkRules& rules = ledger_.engine().rules();
    while (!batcher_.empty()) {
        Relayed batch;
        batch.first_sent = now.mono;
        if (auto signed_batch = batcher_.take_signed()) {
            auto decoded = exchange::decode_signed_batch(signed_batch->encoded, rules.network,
                                                         rules.rules_version, AlreadyVerified());
            PB_CHECK(decoded.ok(), "an admitted batch cannot be decoded");
            for (const exchange::Command& command : decoded->commands)
                batch.keys.push_back({command.account, command.ref});
            batch.encoded = SharedBytes(std::move(signed_batch->encoded));
        } else {
            Batcher::Taken taken = batcher_.take_hosted(exchange::signed_batch_commands_max);
            for (std::size_t i = 0; i < taken.commands.size(); ++i)
                if (taken.origins[i])
                    batch.keys.push_back({taken.commands[i].account, taken.commands[i].ref});
            batch.encoded =
                SharedBytes(exchange::encode_signed_batch(exchange::BatchKind::hosted_by_other, rules.network,
                                                          rules.rules_version, signer_, taken.commands));
        }
        send_to_a_member(batch, now.mono, effects);
        relayed_.push_back(std::move(batch));
    }
    std::erase_if(relayed_, [&](Relayed& batch) {
        if (now.mono >= batch.last_sent + options_.relay_retry) {
            std::erase_if(batch.keys, [&](const CommandKey& key) { return !relayed_origins_.contains(key); });
            if (batch.keys.empty()) return true;
            const bool ran = std::none_of(batch.keys.begin(), batch.keys.end(), [&](const CommandKey& key) {
                const auto account = ledger_.engine().find_account(key.first);
                return !account || ledger_.engine().nonce_is_free(*account, key.second.nonce);
            });
            if (now.mono - batch.first_sent >= (ran ? options_.settled_wait : options_.relay_timeout)) {
                give_up(batch, effects);
                return true;
            }
            if (ran)
                batch.last_sent = now.mono;  // it only waits to be settled
            else
                send_to_a_member(batch, now.mono, effects);
        }
        sooner(effects.wake_at, batch.last_sent + options_.relay_retry);
        return false;
    });
    if (relayed_.empty()) relayed_in_.clear();
}

void Node::give_up(const Relayed& batch, Effects& effects) {
    for (const CommandKey& key : batch.keys) {
        const auto origin = relayed_origins_.find(key);
        const Ticket ticket = origin->second.ticket;
        relayed_origins_.erase(origin);
        hosted_.forget(key.first);  // its opening may have been lost with it
        if (requests_.erase(ticket) == 0) continue;
        effects.answers.push_back(
            {ticket,
             Result<SubmitAnswer>(Error{ErrorCode::timed_out,
                                        "no member is known to have executed this (from nonce " +
                                            std::to_string(key.second.nonce) +
                                            " on); it may still run. Ask for the orders before you send it "
                                            "again"})});
    }
}

void Node::send_to_a_member(Relayed& batch, MonoTime now, Effects& effects) {
    batch.last_sent = now;
    std::vector<PublicKey> members;
    for (const PublicKey& member : ledger_.view().members)
        if (sync_.connected().contains(member)) members.push_back(member);
    if (members.empty()) return;
    effects.sends.push_back({members[batch.attempts++ % members.size()],
                             static_cast<std::uint8_t>(MessageKind::signed_batch), batch.encoded});
}

bool Node::relay_would_repeat(const exchange::AccountId& account, exchange::CommandRef ref) const {
    if (relayed_origins_.contains({account, ref})) return true;
    const auto index = ledger_.engine().find_account(account);
    return index && !ledger_.engine().nonce_is_free(*index, ref.nonce);
}

void Node::find_relayed(const exchange::VerifiedBlock& block) {
    Carried carried;
    carried.origins.resize(block.command_count);
    carried.keys.resize(block.command_count);
    bool any = false;
    std::size_t position = 0;
    for (const exchange::CommandBatch& batch : block.batches) {
        // A stranger's batch that names our users' commands is refused by the engine, and must not answer for
        // them.
        const bool hosted_here = batch.kind == exchange::BatchKind::hosted_by_other && batch.signer == self_;
        const bool self_custodied = batch.kind == exchange::BatchKind::self_custodied;
        for (const exchange::Command& command : batch.commands) {
            const std::size_t here = position++;
            const bool ours = batch.authorized &&
                              (hosted_here || (self_custodied && command.account.data == batch.signer.data));
            if (!ours) continue;
            const auto known = relayed_origins_.find({command.account, command.ref});
            if (known == relayed_origins_.end()) continue;
            carried.origins[here] = known->second;
            carried.keys[here] = known->first;
            any = true;
        }
    }
    if (any) relayed_in_.emplace(block.digest, std::move(carried));
}

}  // namespace peerbook::app

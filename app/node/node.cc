#include "app/node/node.h"

#include <algorithm>

#include "app/node/node_parts.h"
#include "base/check.h"

namespace peerbook::app {

namespace {

constexpr std::uint64_t recover_batch_blocks = 64;  // blocks executed together while the journal is replayed
constexpr Duration held_back_retry = Duration::milliseconds(100);
constexpr Duration expiry_check_interval = Duration::seconds(1);
// After a replay, the next execution waits about as long as the replay took: this much for each command run
// again.
constexpr std::int64_t replay_pause_ns_per_command = 500;
constexpr Duration replay_pause_max = Duration::milliseconds(50);

}  // namespace

Node::Node(exchange::NetworkRules rules, exchange::View view, const Signer& signer, const Verifier& verifier,
           NodeOptions options)
    : signer_(signer),
      verifier_(verifier),
      options_(options),
      self_(signer.public_key()),
      ledger_(std::move(rules), std::move(view), self_, options_.ledger),
      self_index_(ledger_.view().index_of(self_)),
      hosted_(ledger_.engine(), self_),
      sync_(ledger_, Random(options_.random_seed)),
      views_(ledger_, signer_, options_.views, Random(options_.random_seed + 1)),
      founding_(self_, options_.founding),
      tape_(ledger_.engine()),
      known_orders_(options_.known_orders_max),
      unsettled_(self_),
      rules_(std::make_shared<const exchange::NetworkRules>(ledger_.engine().rules())),
      session_(Random(options_.random_seed + 2).next()),
      heard_own_chain_(ledger_.view().members.size(), false) {
    if (self_index_) heard_own_chain_[self_index_->value()] = true;
    if (ledger_.view().number > 0) {
        ledger_first_.emplace();
        ledger_first_->state = LedgerNews::State::established;
        ledger_first_->first = ledger_.view();
    }
    attestation_.begin(ledger_.view().members.size());
}

Node::~Node() = default;

Status Node::recover(exchange::VerifiedBlock block, Effects& effects) {
    // What was accepted before is accepted again, whatever the clock says now.
    const WallTime no_limit{INT64_MAX / 2};
    const std::uint64_t seq = block.header.seq;
    const bool own = block.header.author == self_;
    const SharedBytes encoded = block.encoded;
    const std::size_t payload_bytes = block.payload_bytes;
    find_relayed(block);
    const exchange::AcceptOutcome outcome = accept(std::move(block), no_limit, true);
    if (outcome.kind != exchange::AcceptKind::accepted && outcome.kind != exchange::AcceptKind::duplicate)
        return Error{ErrorCode::corrupt,
                     "the journal holds block " + std::to_string(seq) +
                         " of an author, which does not follow from what stands before it" +
                         (outcome.why.empty() ? "" : ": " + outcome.why)};
    const auto accepted = ledger_.take_accepted();
    for (const auto& one : accepted) {
        sync_.remember(one.digest, one.encoded);
        count_vote(one);
    }
    if (own) own_blocks_.made(seq, encoded, payload_bytes);
    if (ledger_.stats().blocks_accepted % recover_batch_blocks == 0) process(ledger_.execute(), effects);
    return {};
}

exchange::AcceptOutcome Node::accept(exchange::VerifiedBlock block, WallTime now, bool from_journal) {
    using enum exchange::AcceptKind;
    UnsettledCommands::Carried carried = unsettled_.commands_of(block);
    const Digest digest = block.digest;
    const exchange::AcceptOutcome outcome = ledger_.accept(std::move(block), now, from_journal);
    // Any other block was counted before, or never settles and would be counted for ever.
    if (outcome.kind == accepted || outcome.kind == suspended || outcome.kind == held_back)
        unsettled_.carry(digest, std::move(carried));
    return outcome;
}

void Node::recovered(Now now, Effects& effects) {
    process(ledger_.execute(), effects);
    recovered_ = true;
    was_dropped_ = !self_index_ && !own_blocks_.waiting().empty();
    recovered_relayed(now.mono);
    restarted_ = catching_up_ = ledger_.stats().blocks_accepted > 0 && ledger_.view().members.size() > 1;
    started_ = ledger_since_ = now.mono;
}

void Node::on_peer_connected(const PublicKey& peer, Now now, Effects& effects) {
    views_.heard(peer, now.mono);
    // A member that was reached through others is asked anew, now that one is connected; also if nobody was
    // in between.
    if (relay_to_ && !self_index_ && !sync_.connected().contains(*relay_to_) && ledger_.view().index_of(peer))
        relay_to_.reset();
    if (tells_of_its_ledger() && entered_ticket_ <= durable_ticket_)
        effects.sends.push_back({peer, static_cast<std::uint8_t>(MessageKind::ledger_news),
                                 SharedBytes(encode_ledger_news(news()))});
    sync_.on_connected(peer, effects);
    for (const auto& [member, evidence] : evidence_)
        effects.sends.push_back({peer, static_cast<std::uint8_t>(MessageKind::evidence), evidence.bytes});
}

void Node::on_peer_disconnected(const PublicKey& peer) {
    views_.disconnected(peer);
    if (ledger_.view().index_of(peer)) told_apart_.reset();  // it is to know soon
    founding_.on_disconnected(peer);
    sync_.on_disconnected(peer);
    // What it had taken may be gone when it is back, and what follows must not overtake that.
    if (relay_to_ == peer) relay_to_.reset();
}

void Node::on_block(const PublicKey& from, exchange::VerifiedBlock block, Now now, Effects& effects) {
    (void)take_block(from, std::move(block), now, effects);
}

std::optional<exchange::AcceptKind> Node::take_block(const PublicKey& from, exchange::VerifiedBlock block,
                                                     Now now, Effects& effects) {
    if (identity_lost_ || !has_blocks_of_our_ledger(from)) return std::nullopt;
    if (speaks_of_our_ledger(from)) views_.heard(from, now.mono);
    if (block.header.view != ledger_.view_digest()) {
        on_other_view(from, now, effects);
        return std::nullopt;
    }
    const std::uint64_t seq = block.header.seq;
    const bool own = self_index_ && block.header.author == self_;
    // Our own block may come back from a peer that read it from our journal before we heard that it is
    // durable.
    if (own && in_flight_ && in_flight_->block.digest == block.digest) return std::nullopt;
    if (own && seq > ledger_.version_vector()[self_index_->value()]) {
        lose_identity("a peer holds block " + std::to_string(seq) +
                          " signed by this node's key, which this data directory lacks",
                      effects);
        return std::nullopt;
    }
    const auto author = ledger_.view().index_of(block.header.author);
    if (author)
        if (const auto held = ledger_.digest_at(*author, seq); held && *held != block.digest)
            if (!note_twin(*author, *held, block, effects)) return std::nullopt;
    find_relayed(block);
    const exchange::AcceptOutcome outcome = accept(std::move(block), now.wall);
    switch (outcome.kind) {
        case exchange::AcceptKind::suspended:
        case exchange::AcceptKind::dropped: {
            const std::uint64_t here = ledger_.version_vector()[author->value()];
            sync_.on_suspended(from, outcome.missing, seq > here ? seq - here - 1 : 0, now.mono, effects);
            break;
        }
        case exchange::AcceptKind::invalid:
        case exchange::AcceptKind::other_view:  // this node stays in one view, and so do honest peers
            effects.violations.push_back({from, 10, "block " + std::to_string(seq) + ": " + outcome.why});
            break;
        case exchange::AcceptKind::equivocation:
            // Its other blocks tell that it signed two for one place, if not where.
            if (author) take_branches(*author, effects);
            break;
        default:
            break;
    }
    return outcome.kind;
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

void Node::on_version_vector(const PublicKey& from, const VersionVectorMessage& message, Now now,
                             Effects& effects) {
    if (!speaks_of_our_ledger(from)) return serve_forked_view(from, message, effects);
    views_.heard(from, now.mono);
    if (message.view != ledger_.view_digest()) return on_older_or_newer(from, message, now, effects);
    const auto member = ledger_.view().index_of(from);
    if (self_index_ && member && message.seqs.size() == heard_own_chain_.size() &&
        message.seqs[self_index_->value()] <= ledger_.version_vector()[self_index_->value()])
        heard_own_chain_[member->value()] = true;
    sync_.on_version_vector(from, message, effects);
    catching_up_ = catching_up_ || sync_.behind();
}

void Node::on_want(const PublicKey& from, const std::vector<Digest>& digests, Effects& effects) {
    if (speaks_of_our_ledger(from)) sync_.on_want(from, digests, effects);
}

void Node::on_blocks_read(const PublicKey& peer, bool more, const std::vector<SharedBytes>& blocks,
                          Effects& effects) {
    sync_.on_blocks_read(peer, more, blocks, effects);
}

void Node::on_signed_batch(const PublicKey& from, Bytes encoded, const exchange::CommandBatch& batch, Now now,
                           Effects& effects) {
    if (!speaks_of_our_ledger(from)) return;
    if (!self_index_) return on_other_view(from, now, effects);  // it was a member where the sender is
    (void)offer_batch(std::move(encoded), batch);                // only who is not connected needs an answer
}

FarAnswer::Verdict Node::offer_batch(Bytes encoded, const exchange::CommandBatch& batch) {
    using enum FarAnswer::Verdict;
    if (draining_ || identity_lost_ || batch.commands.empty() || ledger_.overloaded() ||
        batcher_.commands() + index_count(batch) > options_.pending_commands_max)
        return busy;  // the observer sends it again, to another member
    // A batch that was sent again and already ran would only be rejected: keep it out of the log. One nonce
    // says too little: a cancel that overtook the batch may have burnt it, and the other commands still wait.
    const exchange::Engine& engine = ledger_.engine();
    const bool has_run = std::none_of(batch.commands.begin(), batch.commands.end(), [&](const auto& command) {
        const auto account = engine.find_account(batch.accounts[command.account]);
        return !account || engine.nonce_is_free(*account, command.nonce);
    });
    if (has_run) return ran;
    batcher_.add_signed(std::move(encoded), static_cast<std::uint32_t>(batch.commands.size()),
                        index_count(batch), std::nullopt);
    return taken;
}

void Node::on_durable(std::uint64_t append_ticket, Now now, Effects& effects) {
    durable_ticket_ = std::max(durable_ticket_, append_ticket);
    last_durable_ = now.mono;
    views_.on_durable(append_ticket, effects);
    if (!in_flight_ || in_flight_->append_ticket > append_ticket) return;
    InFlight done = std::move(*in_flight_);
    in_flight_.reset();
    const SharedBytes encoded = done.block.encoded;
    const std::uint64_t seq = done.block.header.seq;
    const WallTime wall = std::max(now.wall, done.block.header.timestamp);
    const exchange::AcceptOutcome outcome = ledger_.accept(std::move(done.block), wall);
    PB_CHECK(outcome.kind == exchange::AcceptKind::accepted, "the own block was not accepted");
    if (ledger_.view().number > 0)
        effects.gossips.push_back({static_cast<std::uint8_t>(MessageKind::block), encoded});
    last_sign_of_life_ = now.mono;
    executing_.emplace(own_blocks_.number_of(seq), Carried{std::move(done.origins), {}, {}});
}

void Node::append(exchange::MemberIndex author, std::uint64_t seq, std::uint64_t round, SharedBytes block,
                  Effects& effects) {
    const exchange::View& view = ledger_.view();
    effects.appends.push_back({++append_ticket_,
                               chain_of(view, ledger_.view_digest(), view.members[author.value()],
                                        options_.ledger_source != NodeOptions::LedgerSource::peers),
                               seq, round, std::move(block), author == self_index_});
}

void Node::append_accepted(Effects& effects) {
    for (auto& accepted : ledger_.take_accepted()) {
        unexecuted_ = true;
        sync_.remember(accepted.digest, accepted.encoded);
        pass_on(accepted.digest, effects);
        count_vote(accepted);
        if (self_index_ && accepted.author == *self_index_) continue;  // journaled before it was accepted
        took_foreign_blocks_ = true;
        append(accepted.author, accepted.seq, accepted.round, std::move(accepted.encoded), effects);
    }
}

void Node::flush(Now now, Effects& effects) {
    if (identity_lost_ || is_given_up_) return;
    if (append_ticket_ == durable_ticket_) last_durable_ = now.mono;
    ledger_.release_held_back(now.wall);
    append_accepted(effects);
    execute_if_due(now, effects);
    step_votes(now, effects);
    watch_catching_up(now);
    step_leave(now, effects);
    step_founding(now, effects);
    step_fork(now, effects);
    step_view(now, effects);
    hand_over_void_blocks(now, effects);
    // What it wrote down in the ledger before must not be in the next one before it is sure that this node
    // is.
    const bool is_bound = is_established() && entered_ticket_ <= durable_ticket_;
    if (!waits_to_return() && is_bound) relay(now, effects);
    look_from_far(now, effects);
    if (self_index_) emit(now, effects);
    step_adopt(now, effects);
    if (const auto due = sync_.flush(now.mono, effects)) sooner(effects.wake_at, *due);
    if (ledger_.stats().blocks_held_back > 0) sooner(effects.wake_at, now.mono + held_back_retry);
    ask_for_state_root(effects);
    watch_settling(now);
    expire_waits(now, effects);
    gossip_view_messages(sync_.connected(), effects);
}

void Node::ask_for_state_root(Effects& effects) {
    if (!checkpoint_ || root_under_way_) return;
    asked_root_ = checkpoint_->commit;
    effects.state_root.emplace(StateRootEffect{checkpoint_->commit, std::move(checkpoint_->state)});
    checkpoint_.reset();
    root_under_way_ = true;
}

void Node::on_state_root(std::uint64_t commit, const Digest& root) {
    root_under_way_ = false;
    state_root_commit_ = commit;
    state_root_ = root;
    attestation_.made_root(commit, root);
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
        if (request.wait_for < Grade::settled || now.mono - request.since < options_.settled_wait)
            return false;
        const bool is_settled = unattested_.erase({request.last_commit, ticket}) > 0;
        effects.answers.push_back(
            {ticket,
             Result<SubmitAnswer>(Error{
                 ErrorCode::timed_out,
                 is_settled ? "settled, but not attested yet: too few members have signed the state with "
                              "it. Do not send it again: ask for the orders instead"
                            : "taken, but not settled yet; `peerbook status` says what settling "
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
    const bool is_forked = retraction_ == Retraction::late_block && ledger_.is_forked();
    tape_.update(update, is_forked ? Retraction::two_blocks : retraction_, settled);
    for (const exchange::Commit& commit : update.settled) {
        attestation_.settled(commit.index, commit.log);
        if (commit.commands > 0 || !commit.events.empty()) awaited_ = commit.index;
    }
    tape_.attest(attestation_.attested());
    publish_markets(update, effects);
    if (auto checkpoint = ledger_.take_checkpoint()) checkpoint_ = std::move(checkpoint);
    for (const exchange::Commit& commit : update.retracted)
        known_orders_.undo(commit.events);
    for (const exchange::Commit& commit : update.applied) {
        if (self_index_ && commit.author == *self_index_) {
            const std::uint64_t number = own_blocks_.number_of(commit.seq);
            if (const auto waiting = executing_.find(number); waiting != executing_.end()) {
                answer_commit(commit, waiting->second, Grade::provisional, effects);
                settling_.insert(executing_.extract(waiting));
            }
        }
        if (const auto carried = relayed_in_.find(commit.block); carried != relayed_in_.end()) {
            note_executed(carried->second.batches);
            answer_commit(commit, carried->second, Grade::provisional, effects);
        }
        known_orders_.note(commit.events, commit.index);
    }
    for (const exchange::Commit& commit : update.settled) {
        unsettled_.settle(commit.block);
        if (self_index_ && commit.author == *self_index_) {
            const std::uint64_t number = own_blocks_.number_of(commit.seq);
            own_blocks_.settled(commit.seq);
            if (const auto waiting = settling_.find(number); waiting != settling_.end()) {
                answer_commit(commit, waiting->second, Grade::settled, effects);
                settling_.erase(waiting);
            }
            if (const auto waiting = settled_waiters_.find(number); waiting != settled_waiters_.end())
                answer_settled(waiting, effects);
        }
        if (const auto carried = relayed_in_.find(commit.block); carried != relayed_in_.end()) {
            answer_commit(commit, carried->second, Grade::settled, effects);
            relayed_in_.erase(carried);
        }
        known_orders_.note(commit.events, commit.index);  // of orders that were answered only now
    }
    answer_attested(effects);
    for (TradeTape::SettledCommit& commit : settled)
        effects.index_writes.push_back({commit.commit, std::move(commit.trades)});
}

void Node::answer_settled(SettledWaiters::iterator waiting, Effects& effects) {
    for (const SettledWaiter& waiter : waiting->second)
        effects.answers.push_back({waiter.ticket, Result<Answer>(Answer(SettledAnswer{waiting->first}))});
    settled_waiters_count_ -= waiting->second.size();
    settled_waiters_.erase(waiting);
}

bool Node::idle() const {
    return !has_unfinished_work() && (!draining_ || leave_ == Leave::done || identity_lost_);
}

}  // namespace peerbook::app

// Node as an observer: its users' commands travel in signed batches to a member.
#include <algorithm>
#include <limits>

#include "app/node/node.h"
#include "app/node/node_parts.h"
#include "base/check.h"
#include "base/codec.h"

namespace peerbook::app {

// In the order in which the users sent them: a member that is asked first hears all that is not settled, and
// drops what ran there, so whichever blocks a view change leaves out, what an earlier command prepared is in
// the log before it.
void Node::relay(Now now, Effects& effects) {
    while (!self_index_ && !batcher_.empty()) {
        relayed_.push_back(next_to_relay(batcher_, now.mono));
        write_down(relayed_.back(), effects);
    }
    answer_handed_over(effects);
    if (relayed_.empty()) {
        if (relayed_origins_.empty()) relayed_in_.clear();
        return;
    }
    const bool is_far = is_far_from_members();
    bool next_member = !relay_to_ || !is_relay_target(*relay_to_);
    const Duration retry = is_far ? options_.far_retry : options_.relay_retry;
    std::erase_if(relayed_, [&](Relayed& batch) {
        const bool took_too_long =
            !batch.is_promised && now.mono - batch.first_sent >= options_.relay_timeout;
        // Its turn has not come, and is not the member's fault. It may have run by another way.
        const bool has_its_turn = !is_far || !relay_to_ || batch.last_sent;
        const bool is_due = now.mono >= batch.last_sent.value_or(batch.first_sent) + retry;
        if (has_its_turn && !took_too_long && !is_due) return false;
        std::erase_if(batch.keys, [&](const CommandKey& key) { return !relayed_origins_.contains(key); });
        if (is_done(batch)) {
            finish(batch, effects);
            return true;
        }
        if (!has_its_turn && !took_too_long) return false;
        const bool ran = has_run(batch) || batch.is_own;
        batch.is_promised = batch.is_promised || ran;
        if (!batch.is_promised && took_too_long) {
            give_up(batch, effects);
            return true;
        }
        if (batch.last_sent) batch.last_sent = now.mono;  // one that ran only waits to be settled
        next_member = next_member || (!ran && !self_index_);
        return false;
    });
    if (next_member) {
        const auto ends = far_pause_ends(now.mono);
        if (ends) {
            relay_to_.reset();
            sooner(effects.wake_at, *ends);
        } else {
            choose_relay_target();
        }
    }
    FarRoom room = next_member ? FarRoom() : far_room();
    bool is_full = false;
    if (relay_to_)
        for (Relayed& batch : relayed_) {
            if (batch.is_own) continue;
            if (!self_index_ && batch.append_ticket > durable_ticket_) continue;
            if (batch.last_sent && !next_member) continue;
            is_full = is_far && (is_full || !room.take(batch.encoded.size()));
            if (is_full) {  // later, in order
                batch.last_sent.reset();
                batch.awaits_answer = false;
                continue;
            }
            batch.last_sent = now.mono;
            if (self_index_ && has_run(batch)) continue;
            send_to_a_member(batch, effects);
            if (!self_index_) continue;
            forget_relayed(
                batch);  // from here on it is one of this node's own, and only kept to end with finish()
            batch.indexes = 0;
            batch.is_own = true;
            for (auto& [number, last] : handed_over_)
                if (last >= batch.id) last = std::numeric_limits<std::uint64_t>::max();
        }
    for (const Relayed& batch : relayed_) {
        sooner(effects.wake_at, batch.last_sent.value_or(now.mono) + retry);
        if (!batch.is_promised) sooner(effects.wake_at, batch.first_sent + options_.relay_timeout);
    }
}

Node::Relayed Node::make_relayed(SharedBytes encoded, const exchange::CommandBatch& batch) {
    std::vector<CommandKey> all;
    for (const exchange::BatchCommand& command : batch.commands)
        all.push_back({batch.accounts[command.account], command.ref()});
    return make_relayed(std::move(encoded), std::move(all), index_count(batch),
                        batch.kind == exchange::BatchKind::hosted_by_other && batch.signer == self_);
}

Node::Relayed Node::make_relayed(SharedBytes encoded, std::vector<CommandKey> all, std::uint64_t indexes,
                                 bool is_hosted) {
    Relayed relayed;
    relayed.id = ++relayed_last_id_;
    relayed.encoded = std::move(encoded);
    relayed.indexes = indexes;
    relayed.all = std::move(all);
    if (is_hosted)
        for (const auto& [account, ref] : relayed.all)
            hosted_.gave_away(account, ref.nonce);
    relayed_indexes_ += relayed.indexes;
    relayed_ids_.emplace(relayed.all.front(), relayed.id);
    return relayed;
}

void Node::forget_relayed(const Relayed& batch) {
    relayed_indexes_ -= batch.indexes;
    const auto id = relayed_ids_.find(batch.all.front());
    if (id != relayed_ids_.end() && id->second == batch.id) relayed_ids_.erase(id);
}

void Node::forget_done() {
    std::erase_if(relayed_, [&](Relayed& batch) {
        if (!is_done(batch)) return false;
        forget_relayed(batch);
        return true;
    });
}

Node::Relayed Node::next_to_relay(Batcher& from, MonoTime now) {
    const exchange::NetworkRules& rules = ledger_.engine().rules();
    Relayed batch;
    if (auto signed_batch = from.take_signed()) {
        const auto decoded = exchange::decode_signed_batch(signed_batch->encoded, rules.network,
                                                           rules.rules_version, AlreadyVerified());
        PB_CHECK(decoded.ok(), "an admitted batch cannot be decoded");
        batch = make_relayed(SharedBytes(std::move(signed_batch->encoded)), *decoded);
        batch.keys = batch.all;
        if (signed_batch->ticket)  // what came while this node could make blocks is not there yet
            for (std::size_t i = 0; i < batch.all.size(); ++i)
                relayed_origins_.emplace(batch.all[i],
                                         Origin{*signed_batch->ticket, static_cast<std::uint32_t>(i)});
    } else {
        Batcher::Taken taken = from.take_hosted();
        std::vector<CommandKey> all, awaited;
        std::uint64_t indexes = 0;
        for (std::size_t i = 0; i < taken.commands.size(); ++i) {
            const exchange::Command& command = taken.commands[i];
            all.push_back({command.account, command.ref});
            if (taken.origins[i]) {
                awaited.push_back(all.back());
                relayed_origins_.emplace(all.back(), *taken.origins[i]);
            }
            indexes += exchange::index_count(command.body);
        }
        Bytes encoded = exchange::encode_signed_batch(exchange::BatchKind::hosted_by_other, rules.network,
                                                      rules.rules_version, signer_, taken.commands);
        batch = make_relayed(SharedBytes(std::move(encoded)), std::move(all), indexes, true);
        batch.keys = std::move(awaited);
    }
    batch.first_sent = now;
    return batch;
}

void Node::hand_over_void_blocks(Now now, Effects& effects) {
    if (!waits_to_return() || in_flight_ || !recovered_ || !is_established() || ledger_.view().number == 0 ||
        views_.joining_needs(now.wall).empty())
        return;
    while (!own_blocks_.waiting().empty()) {
        relay_void_block(own_blocks_.hand_over(), now.mono, effects);
        append_record(RecordKind::handed_over, {}, effects);
    }
    was_dropped_ = false;
}

// The same commands with the same nonces, in front of all that this node's users sent since.
void Node::relay_void_block(OwnBlocks::Waiting block, MonoTime now, Effects& effects) {
    const exchange::NetworkRules& rules = ledger_.engine().rules();
    const auto batches =
        exchange::decode_payload(block.payload, self_, rules.network, rules.rules_version, AlreadyVerified());
    PB_CHECK(batches.ok(), "the own payload cannot be decoded");
    const std::vector<ByteView> encoded = exchange::signed_batches_of(block.payload);
    Batcher again;
    std::size_t position = 0;
    for (std::size_t i = 0; i < batches->size(); ++i) {
        const exchange::CommandBatch& batch = (*batches)[i];
        if (i < encoded.size())
            again.add_own_signed(Bytes(encoded[i].begin(), encoded[i].end()),
                                 static_cast<std::uint32_t>(batch.commands.size()), index_count(batch));
        for (const exchange::BatchCommand& command : batch.commands) {
            const exchange::AccountId& account = batch.accounts[command.account];
            const std::size_t here = position++;
            const auto origin = here < block.origins.size() ? block.origins[here] : std::nullopt;
            if (origin) relayed_origins_.insert_or_assign(CommandKey{account, command.ref()}, *origin);
            if (i >= encoded.size()) again.add({account, command.ref(), command.body}, origin);
        }
    }
    while (!again.empty()) {
        relayed_.push_back(next_to_relay(again, now));
        relayed_.back().is_promised = true;
        write_down(relayed_.back(), effects);
    }
    handed_over_[block.number] = relayed_last_id_;
}

// Their batches are settled once no earlier one is left.
void Node::answer_handed_over(Effects& effects) {
    std::erase_if(handed_over_, [&](const auto& entry) {
        const auto& [number, last] = entry;
        const bool is_done = last != std::numeric_limits<std::uint64_t>::max() &&
                             (relayed_.empty() || relayed_.front().id > last);
        if (!is_done) return false;
        if (const auto waiting = settled_waiters_.find(number); waiting != settled_waiters_.end())
            answer_settled(waiting, effects);
        return true;
    });
}

Status Node::recover_handed_over() {
    if (own_blocks_.waiting().empty())
        return Error{ErrorCode::corrupt, "no void block waits to be handed over"};
    handed_over_[own_blocks_.hand_over().number] = relayed_last_id_;
    return {};
}

void Node::write_down(Relayed& batch, Effects& effects) {
    append_record(RecordKind::relayed, batch.encoded.view(), effects);
    batch.append_ticket = append_ticket_;
}

Status Node::recover_relayed(ByteView record) {
    const exchange::NetworkRules& rules = ledger_.engine().rules();
    const auto decoded =
        exchange::decode_signed_batch(record, rules.network, rules.rules_version, AlreadyVerified());
    if (!decoded.ok()) return decoded.error();
    if (decoded->commands.empty()) return Error{ErrorCode::corrupt, "a batch of no commands"};
    if (relayed_.size() >= relayed_look_at_) {
        forget_done();
        relayed_look_at_ = std::max<std::size_t>(2 * relayed_.size(), 1'024);
    }
    relayed_.push_back(make_relayed(SharedBytes(Bytes(record.begin(), record.end())), *decoded));
    return {};
}

Status Node::recover_given_up(ByteView record) {
    Decoder in(record);
    CommandKey first;
    in.fixed(first.first);
    first.second.nonce = in.u64();
    first.second.index = in.u32();
    if (Status end = in.finish(); !end.ok()) return end;
    std::erase_if(relayed_, [&](const Relayed& batch) {
        if (batch.all.front() != first) return false;
        forget_relayed(batch);
        return true;
    });
    return {};
}

// Who sent them is gone, and may have been told anything.
void Node::recovered_relayed(MonoTime now) {
    forget_done();
    for (Relayed& batch : relayed_) {
        batch.first_sent = now;
        batch.is_promised = true;
        for (const auto& [account, ref] : batch.all)
            hosted_.reserve(account, ref.nonce);
    }
}

bool Node::has_run(const Relayed& batch) const {
    return batch.is_executed || std::none_of(batch.all.begin(), batch.all.end(), [&](const CommandKey& key) {
               const auto account = ledger_.engine().find_account(key.first);
               return !account || ledger_.engine().nonce_is_free(*account, key.second.nonce);
           });
}

bool Node::is_done(Relayed& batch) const {
    if (!has_run(batch)) return false;
    if (!batch.ran_by) {
        batch.ran_by = ledger_.view().base_round;
        for (const auto& member : ledger_.progress())
            batch.ran_by = std::max(*batch.ran_by, member.tip_round);
    }
    // Behind the last command nothing needs to settle.
    const exchange::LedgerStats stats = ledger_.stats();
    return stats.unsettled_commands == 0 || stats.settled_round >= *batch.ran_by;
}

void Node::note_executed(const std::vector<std::uint64_t>& batches) {
    for (const std::uint64_t id : batches) {
        const auto batch = std::ranges::lower_bound(relayed_, id, {}, &Relayed::id);
        if (batch == relayed_.end() || batch->id != id) continue;
        batch->is_executed = batch->is_promised = true;
        batch->awaits_answer = false;  // its block is the answer
    }
}

void Node::relay_again() {
    for (Relayed& batch : relayed_) {
        batch.is_executed = false;
        batch.ran_by.reset();
        batch.last_sent.reset();
    }
}

bool Node::is_relay_target(const PublicKey& key) const {
    if (self_index_) return key == self_;
    return ledger_.view().index_of(key) && (sync_.connected().contains(key) || is_far_from_members());
}

void Node::choose_relay_target() {
    relay_to_.reset();
    if (self_index_) {
        relay_to_ = self_;
        return;
    }
    std::vector<PublicKey> members;
    for (const PublicKey& member : ledger_.view().members)
        if (is_relay_target(member)) members.push_back(member);
    if (!members.empty()) relay_to_ = members[relay_attempts_++ % members.size()];
}

// Whoever still waits named a nonce that another command had used: no copy of this one ran.
void Node::finish(const Relayed& batch, Effects& effects) {
    forget_relayed(batch);
    for (const CommandKey& key : batch.keys) {
        const auto origin = relayed_origins_.extract(key);
        const auto request = requests_.find(origin.mapped().ticket);
        if (request == requests_.end()) continue;
        CommandResult& result = request->second.results[origin.mapped().position];
        result.status = CommandStatus::rejected;
        result.reason = exchange::Reason::nonce_used;
        finish_one(request, request->second.all_settled ? Grade::settled : Grade::provisional, effects);
    }
}

void Node::give_up(const Relayed& batch, Effects& effects) {
    forget_relayed(batch);
    Bytes record;
    Encoder out(record);
    out.raw(batch.all.front().first.view());
    out.u64(batch.all.front().second.nonce);
    out.u32(batch.all.front().second.index);
    append_record(RecordKind::given_up, record, effects);
    const exchange::NetworkRules& rules = ledger_.engine().rules();
    const auto decoded = exchange::decode_signed_batch(batch.encoded.view(), rules.network,
                                                       rules.rules_version, AlreadyVerified());
    PB_CHECK(decoded.ok(), "a relayed batch cannot be decoded");
    std::map<CommandKey, std::uint64_t> counts;
    for (const exchange::BatchCommand& command : decoded->commands)
        counts[{decoded->accounts[command.account], command.ref()}] = exchange::index_count(command.body);
    for (const CommandKey& key : batch.all) {
        hosted_.forget(key.first);  // its opening may have been lost with it
        unsettled_.drop(key.first, counts[key]);
    }
    for (const CommandKey& key : batch.keys) {
        const Ticket ticket = relayed_origins_.extract(key).mapped().ticket;
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

void Node::send_to_a_member(Relayed& batch, Effects& effects) {
    if (!self_index_ && !sync_.connected().contains(*relay_to_)) return send_far(batch, effects);
    if (!self_index_) {
        effects.sends.push_back(
            {*relay_to_, static_cast<std::uint8_t>(MessageKind::signed_batch), batch.encoded});
        return;
    }
    // It became a member meanwhile, and takes it into its own next block.
    const ByteView bytes = batch.encoded.view();
    const exchange::NetworkRules& rules = ledger_.engine().rules();
    const auto decoded =
        exchange::decode_signed_batch(bytes, rules.network, rules.rules_version, AlreadyVerified());
    PB_CHECK(decoded.ok(), "a relayed batch cannot be decoded");
    batcher_.add_own_signed(Bytes(bytes.begin(), bytes.end()),
                            static_cast<std::uint32_t>(decoded->commands.size()), index_count(*decoded));
}

bool Node::relay_would_repeat(const exchange::AccountId& account, exchange::CommandRef ref) const {
    if (relayed_origins_.contains({account, ref})) return true;
    const auto index = ledger_.engine().find_account(account);
    return index && !ledger_.engine().nonce_is_free(*index, ref.nonce);
}

void Node::find_relayed(const exchange::VerifiedBlock& block) {
    if (relayed_ids_.empty() && relayed_origins_.empty()) return;
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
        for (const exchange::BatchCommand& command : batch.commands) {
            const std::size_t here = position++;
            const exchange::AccountId& account = batch.accounts[command.account];
            const bool ours =
                batch.authorized && (hosted_here || (self_custodied && account.data == batch.signer.data));
            if (!ours) continue;
            const CommandKey key{account, command.ref()};
            if (&command == &batch.commands.front())
                if (const auto id = relayed_ids_.find(key); id != relayed_ids_.end())
                    carried.batches.push_back(id->second);
            const auto known = relayed_origins_.find(key);
            if (known == relayed_origins_.end()) continue;
            carried.origins[here] = known->second;
            carried.keys[here] = known->first;
            any = true;
        }
    }
    if (!any) carried.origins.clear(), carried.keys.clear();
    if (any || !carried.batches.empty()) relayed_in_.emplace(block.digest, std::move(carried));
}

}  // namespace peerbook::app

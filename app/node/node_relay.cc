// Node as an observer: its users' commands travel in signed batches to a member.
#include <algorithm>

#include "app/node/node.h"
#include "app/node/node_parts.h"
#include "base/check.h"
#include "base/codec.h"

namespace peerbook::app {

// In the order in which the users sent them: each member that is asked hears all that is not known to have
// run, so whichever block runs first, what an earlier command prepared is there. (Not where a view change
// leaves out a block that ran: what was in it runs behind what came later.)
void Node::relay(Now now, Effects& effects) {
    while (!self_index_ && !batcher_.empty()) {
        relayed_.push_back(next_to_relay(now.mono));
        note_nonces(relayed_.back(), effects);
    }
    if (relayed_.empty()) return relayed_in_.clear();
    bool next_member = !relay_to_ || !is_relay_target(*relay_to_);
    std::erase_if(relayed_, [&](Relayed& batch) {
        if (now.mono < batch.last_sent.value_or(batch.first_sent) + options_.relay_retry) return false;
        std::erase_if(batch.keys, [&](const CommandKey& key) { return !relayed_origins_.contains(key); });
        const bool ran = has_run(batch);
        if (ran && batch.keys.empty()) return true;
        if (now.mono - batch.first_sent >= (ran ? options_.settled_wait : options_.relay_timeout)) {
            give_up(batch, effects);
            return true;
        }
        if (batch.last_sent) batch.last_sent = now.mono;  // one that ran only waits to be settled
        next_member = next_member || (!ran && !self_index_);
        return false;
    });
    if (next_member) choose_relay_target();
    if (relay_to_)
        for (Relayed& batch : relayed_) {
            if (!self_index_ && batch.append_ticket > durable_ticket_) break;
            if (!batch.last_sent || (next_member && !has_run(batch)))
                send_to_a_member(batch, now.mono, effects);
        }
    for (const Relayed& batch : relayed_)
        sooner(effects.wake_at, batch.last_sent.value_or(now.mono) + options_.relay_retry);
}

Node::Relayed Node::next_to_relay(MonoTime now) {
    const exchange::NetworkRules& rules = ledger_.engine().rules();
    Relayed batch;
    batch.first_sent = now;
    if (auto signed_batch = batcher_.take_signed()) {
        auto decoded = exchange::decode_signed_batch(signed_batch->encoded, rules.network,
                                                     rules.rules_version, AlreadyVerified());
        PB_CHECK(decoded.ok(), "an admitted batch cannot be decoded");
        for (const exchange::BatchCommand& command : decoded->commands)
            batch.all.push_back({decoded->accounts[command.account], command.ref()});
        batch.keys = batch.all;
        batch.encoded = SharedBytes(std::move(signed_batch->encoded));
        return batch;
    }
    Batcher::Taken taken = batcher_.take_hosted();
    for (std::size_t i = 0; i < taken.commands.size(); ++i) {
        batch.all.push_back({taken.commands[i].account, taken.commands[i].ref});
        if (taken.origins[i]) batch.keys.push_back(batch.all.back());
    }
    batch.encoded = SharedBytes(exchange::encode_signed_batch(
        exchange::BatchKind::hosted_by_other, rules.network, rules.rules_version, signer_, taken.commands));
    return batch;
}

void Node::note_nonces(Relayed& batch, Effects& effects) {
    std::map<exchange::AccountId, std::uint64_t> highest;
    for (const auto& [account, ref] : batch.all)
        highest[account] = std::max(highest[account], ref.nonce);
    Bytes record;
    Encoder out(record);
    out.varint(highest.size());
    for (const auto& [account, nonce] : highest) {
        out.raw(account.view());
        out.u64(nonce);
    }
    append_record(RecordKind::nonces, record, effects);
    batch.append_ticket = append_ticket_;
}

Status Node::recover_nonces(ByteView record) {
    Decoder in(record);
    const std::uint64_t count = in.varint_max(exchange::signed_batch_commands_max, "accounts");
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
        exchange::AccountId account;
        in.fixed(account);
        hosted_.gave_away(account, in.u64());
    }
    return in.finish();
}

bool Node::has_run(const Relayed& batch) const {
    return std::none_of(batch.all.begin(), batch.all.end(), [&](const CommandKey& key) {
        const auto account = ledger_.engine().find_account(key.first);
        return !account || ledger_.engine().nonce_is_free(*account, key.second.nonce);
    });
}

bool Node::is_relay_target(const PublicKey& key) const {
    if (self_index_) return key == self_;
    return ledger_.view().index_of(key) && sync_.connected().contains(key);
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

void Node::give_up(const Relayed& batch, Effects& effects) {
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
        const auto origin = relayed_origins_.find(key);
        const Ticket ticket = origin->second.ticket;
        relayed_origins_.erase(origin);
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
            const auto known = relayed_origins_.find({account, command.ref()});
            if (known == relayed_origins_.end()) continue;
            carried.origins[here] = known->second;
            carried.keys[here] = known->first;
            any = true;
        }
    }
    if (any) relayed_in_.emplace(block.digest, std::move(carried));
}

}  // namespace peerbook::app

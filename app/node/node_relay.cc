// Node as an observer: its users' commands travel in signed batches to a member.
#include <algorithm>

#include "app/node/node.h"
#include "app/node/node_parts.h"
#include "base/check.h"

namespace peerbook::app {

void Node::relay(Now now, Effects& effects) {
    const exchange::NetworkRules& rules = ledger_.engine().rules();
    while (!self_index_ && !batcher_.empty()) {
        Relayed batch;
        batch.first_sent = now.mono;
        if (auto signed_batch = batcher_.take_signed()) {
            auto decoded = exchange::decode_signed_batch(signed_batch->encoded, rules.network,
                                                         rules.rules_version, AlreadyVerified());
            PB_CHECK(decoded.ok(), "an admitted batch cannot be decoded");
            for (const exchange::BatchCommand& command : decoded->commands)
                batch.all.push_back({decoded->accounts[command.account], command.ref()});
            batch.keys = batch.all;
            batch.encoded = SharedBytes(std::move(signed_batch->encoded));
        } else {
            Batcher::Taken taken = batcher_.take_hosted();
            for (std::size_t i = 0; i < taken.commands.size(); ++i) {
                batch.all.push_back({taken.commands[i].account, taken.commands[i].ref});
                if (taken.origins[i]) batch.keys.push_back(batch.all.back());
            }
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
            const bool ran = std::none_of(batch.all.begin(), batch.all.end(), [&](const CommandKey& key) {
                const auto account = ledger_.engine().find_account(key.first);
                return !account || ledger_.engine().nonce_is_free(*account, key.second.nonce);
            });
            if (ran && batch.keys.empty()) return true;
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
    if (self_index_) {
        // It became a member meanwhile, and takes it into its own next block.
        const ByteView bytes = batch.encoded.view();
        const exchange::NetworkRules& rules = ledger_.engine().rules();
        const auto decoded =
            exchange::decode_signed_batch(bytes, rules.network, rules.rules_version, AlreadyVerified());
        PB_CHECK(decoded.ok(), "a relayed batch cannot be decoded");
        batcher_.add_signed(Bytes(bytes.begin(), bytes.end()),
                            static_cast<std::uint32_t>(decoded->commands.size()), index_count(*decoded),
                            std::nullopt);
        return;
    }
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

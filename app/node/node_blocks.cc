// Node and its own blocks: when the next one is due, and what is in it.
#include <algorithm>
#include <utility>

#include "app/node/node.h"
#include "app/node/node_parts.h"
#include "base/check.h"

namespace peerbook::app {

namespace {

// Waiting commands above which a block is made without delay.
constexpr std::size_t early_block_commands = 4'096;
// A clock may be set, so a far deadline is looked at again.
constexpr Duration deadline_recheck = Duration::seconds(60);

}  // namespace

void Node::emit(Now now, Effects& effects) {
    if (!recovered_ || in_flight_ || identity_lost_ || !own_chain_confirmed() || views_.is_stopped() ||
        next_fork() || !halted_.empty() || ledger_.is_forked())
        return;
    // A restarted member's block stands before all that it missed, so it waits a moment for that.
    if (restarted_ && able_since_ && now.mono < *able_since_ + options_.deadline_grace && sync_.behind())
        return sooner(effects.wake_at, *able_since_ + options_.deadline_grace);
    if (!batcher_.empty() || !own_blocks_.waiting().empty()) {
        const MonoTime due = last_emit_ ? *last_emit_ + options_.batch_delay : now.mono;
        if (now.mono >= due || batcher_.commands() >= early_block_commands)
            emit_block(now, effects);
        else
            sooner(effects.wake_at, due);
        return;
    }
    if (deadline_met(now, effects)) return emit_block(now, effects);
    if (!ledger_.acknowledgement_due() && !first_block_due() && !vote_due()) {
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

// Rule 7: so that those who left the view before see that it goes on without them.
bool Node::first_block_due() const {
    const exchange::View& view = ledger_.view();
    if (view.number > 1) return own_seq() == 0;
    // And so that others see that there is a ledger, which both that found one have to.
    if (options_.ledger_source == NodeOptions::LedgerSource::operator_found)
        return own_seq() == 0 && !sync_.connected().empty();
    if (is_established() || view.number == 0) return false;
    return self_index_->value() > 0 ? own_seq() == 0 : ledger_.version_vector()[1] > 0;
}

void Node::watch_catching_up(Now now) {
    const bool took_foreign_blocks = std::exchange(took_foreign_blocks_, false);
    if (!self_index_ || !recovered_) return;
    if (!able_since_ && own_chain_confirmed()) {
        able_since_ = now.mono;
        if (restarted_) caught_up_to_ = now.mono;
    }
    if (took_foreign_blocks && catching_up_) caught_up_to_ = now.mono;
    const bool starts = restarted_ && (!able_since_ || now.mono < *able_since_ + options_.deadline_grace);
    catching_up_ = starts || sync_.behind();
}

bool Node::deadline_met(Now now, Effects& effects) {
    const std::optional<WallTime> deadline = ledger_.engine().next_deadline();
    if (!deadline || deadline == deadline_met_) return false;
    // Cut off, the block would stand before the others' trades once they meet again, and make them later than
    // it.
    if (!members_form_quorum(now.mono)) return false;
    const Duration stagger = options_.deadline_stagger * self_index_->value();
    if (*deadline > now.wall) {
        const std::int64_t ms = std::min(deadline->ms - now.wall.ms, deadline_recheck.ms());
        sooner(effects.wake_at, now.mono + Duration::milliseconds(ms));
        return false;
    }
    MonoTime due = now.mono;
    if (const std::int64_t late_ms = now.wall.ms - deadline->ms; late_ms < stagger.ms())
        due = due + Duration::milliseconds(stagger.ms() - late_ms);
    if (last_emit_) due = std::max(due, *last_emit_ + options_.deadline_spacing);
    if (caught_up_to_)
        due = std::max(
            due, *caught_up_to_ + (sync_.behind() ? options_.deadline_patience : options_.deadline_grace));
    if (now.mono < due) {
        sooner(effects.wake_at, due);
        return false;
    }
    deadline_met_ = deadline;
    return true;
}

void Node::emit_block(Now now, Effects& effects) {
    Batcher::Built built;
    if (own_blocks_.waiting().empty()) {
        built = batcher_.take();
    } else {
        // What a view change left out comes first, as it was.
        built.payload = own_blocks_.waiting().front().payload;
        built.origins = own_blocks_.waiting().front().origins;
    }
    for (const Ticket ticket : built.too_large)
        if (requests_.erase(ticket) > 0)
            effects.answers.push_back(
                {ticket, Result<SubmitAnswer>(Error{ErrorCode::too_large,
                                                    "the batch is larger than a block; nothing "
                                                    "of it was taken, divide its commands"})});
    const std::size_t payload_bytes = built.payload.size();
    exchange::Block block = ledger_.make_block(std::move(built.payload), now.wall, vote_to_cast());
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
    own.block.payload_bytes = payload_bytes;
    if (!own_blocks_.waiting().empty()) move_waiters(block.header.seq, own.block, own.origins);
    own_blocks_.made(block.header.seq, own.block.encoded, payload_bytes);
    PB_CHECK(own.block.command_count == own.origins.size(), "a command of the own payload has no place");
    unsettled_.carry(own.block.digest, unsettled_.commands_of(own.block));
    find_relayed(own.block);
    append(*self_index_, block.header.seq, block.header.round, own.block.encoded, effects);
    own.append_ticket = append_ticket_;
    in_flight_ = std::move(own);
    last_emit_ = now.mono;
    ack_due_since_.reset();
}

}  // namespace peerbook::app

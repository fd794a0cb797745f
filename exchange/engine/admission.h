// Who may command what, and once only: signature, bytes, account, owner, nonce, rate, in this order. A
// command that passes the nonce has burnt it, whatever becomes of it; one that does not has changed nothing.
// Internal to exchange/engine.
#pragma once

#include <optional>
#include <string_view>

#include "exchange/engine/command.h"
#include "exchange/engine/engine_state.h"
#include "exchange/engine/event.h"

namespace peerbook::exchange {

// What the commands of one batch have in common.
struct BatchContext {
    const CommandBatch& batch;
    std::optional<OwnerIndex> owner;  // the signer, if it owns any account
    // self_custodied: the nonce that an earlier command of this batch burnt for all of them.
    std::optional<std::uint64_t> burnt_nonce;
};

// Why a command is not executed, and for limits how much is allowed and from when again.
struct Refusal {
    Reason reason = Reason::none;
    std::uint64_t limit = 0;
    std::int64_t again_at_ms = 0;

    explicit operator bool() const { return reason != Reason::none; }
};

// Counts the batch's bytes against its signer's quota.
Refusal admit_batch(EngineState& state, const BatchContext& context);

// For commands of accounts that are open.
Refusal admit(EngineState& state, BatchContext& context, const BatchCommand& command, AccountIndex account);

// For OpenAccount of an account that is not open: opens it.
Refusal admit_opening(EngineState& state, BatchContext& context, const BatchCommand& command,
                      const OpenAccount& open);

// True for 1 to 64 characters out of [a-z0-9._-].
bool is_account_name(std::string_view name);
// True for 1 to 32 characters out of [A-Z0-9-].
bool is_market_symbol(std::string_view symbol);

}  // namespace peerbook::exchange

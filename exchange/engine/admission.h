// Who may command what, and once only: signature, account, owner, nonce, in this order. A command that passes
// has burnt its nonce, whatever becomes of it; one that does not has changed nothing. Internal to
// exchange/engine.
#pragma once

#include <optional>

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

// For commands of accounts that are open.
Reason admit(EngineState& state, BatchContext& context, const Command& command, AccountIndex account);

// For OpenAccount of an account that is not open: opens it.
Reason admit_opening(EngineState& state, BatchContext& context, const Command& command,
                     const OpenAccount& open);

// True for 1 to 64 characters out of [a-z0-9._-].
bool is_account_name(std::string_view name);

}  // namespace peerbook::exchange

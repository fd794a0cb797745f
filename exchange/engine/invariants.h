// What must hold between any two commands. Walks everything. Internal to exchange/engine.
#pragma once

#include "base/result.h"
#include "exchange/engine/engine_state.h"

namespace peerbook::exchange {

// Error: corrupt, with the invariant that broke and where.
Status verify_invariants(const EngineState& state);

}  // namespace peerbook::exchange

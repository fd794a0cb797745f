// Canonical digests of the state: the same on every node that executed the same log, whatever indexes, slots
// and windows it uses inside. Internal to exchange/engine.
#pragma once

#include "base/bytes.h"
#include "exchange/engine/engine_state.h"

namespace peerbook::exchange {

// Everything: accounts by id with nonces and balances, orders by market, side, price and time, last prices,
// issued.
Digest digest_state(const EngineState& state);
// Orders with price and leaves, by market, side, price and time.
Digest digest_books(const EngineState& state);
// Balances that are not zero, by account id and asset.
Digest digest_balances(const EngineState& state);

}  // namespace peerbook::exchange

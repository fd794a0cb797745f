// The engine's state at one moment, as pages that nobody changes any more. May be read and destroyed on any
// thread while the engine goes on. The input of state roots and snapshots.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"
#include "exchange/book/order_pool.h"
#include "exchange/engine/market_state.h"
#include "exchange/ledger/accounts.h"
#include "exchange/ledger/balances.h"
#include "exchange/ledger/withdrawals.h"

namespace peerbook::exchange {

struct FrozenState {
    std::optional<WallTime> time;     // of the last commit; none before the first
    std::uint64_t next_sequence = 1;  // priority of the next order
    Accounts::Frozen accounts;
    Balances::Frozen balances;
    Withdrawals::Frozen withdrawals;
    OrderPool::FrozenOrders orders;
    OrderPool::FrozenExtensions extensions;
    std::vector<MarketState> markets;  // by MarketId
    std::vector<Amount> issued;        // by AssetId
    std::vector<Proposal> proposals;   // in order of their first word
};

}  // namespace peerbook::exchange

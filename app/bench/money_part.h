// Admission and ledger alone, on the structures that the engine uses for them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "app/bench/prepared_flow.h"
#include "exchange/engine/event.h"
#include "exchange/ledger/accounts.h"
#include "exchange/ledger/balances.h"

namespace peerbook::app {

// Who may command what, and once only, as a commit's first pass asks.
class AdmissionAlone {
  public:
    // Opens the flow's accounts and burns the nonces of all that is not measured.
    explicit AdmissionAlone(const PreparedFlow& flow);
    // Returns how many commands passed; of a prepared flow that is all of them.
    std::uint64_t admit(const exchange::CommandBatch& commit, std::uint32_t second);

  private:
    exchange::Accounts accounts_;
    std::vector<exchange::AccountIndex> indexes_;  // of the batch's accounts
};

// What events stand for on the ledger.
struct MoneyMove {
    enum class Kind : std::uint8_t { reserve, release, fill };
    Kind kind = Kind::reserve;
    exchange::Side side = exchange::Side::buy;  // of `account`
    bool settles = false;                       // the last fill of its taker
    exchange::MarketId market;
    exchange::AccountIndex account;
    exchange::AccountIndex maker;  // fill
    std::int64_t price = 0;
    std::int64_t quantity = 0;
};

// Appends the moves of one commit's events.
void add_money_moves(const exchange::EventBuffer& events, std::vector<MoneyMove>& moves);

class LedgerAlone {
  public:
    explicit LedgerAlone(const exchange::NetworkRules& rules);
    // Reserves at limit prices with the highest fee; a fill pays the maker at once and its taker and the fee
    // account when its taker's last fill is done.
    void apply(const MoneyMove& move);
    const exchange::Balances& balances() const { return balances_; }

  private:
    void change_reserve(const MoneyMove& move, bool is_release);
    void fill(const MoneyMove& move);

    const exchange::NetworkRules& rules_;
    exchange::Balances balances_;
    exchange::Amount notional_ = 0, taker_fees_ = 0, fees_ = 0;  // of the taker being filled
    std::int64_t quantity_ = 0;
};

}  // namespace peerbook::app

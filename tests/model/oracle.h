// A slow and obvious exchange to compare the engine with: sorted vectors, std::map, big integers of
// Boost.Multiprecision, fees from their definition. Shares no code with the engine except the public value
// types. Copyable: a copy is a snapshot.
#pragma once

#include <boost/multiprecision/cpp_int.hpp>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "exchange/engine/command.h"
#include "exchange/engine/event.h"
#include "exchange/market/market.h"

namespace peerbook::exchange::model {

using Big = boost::multiprecision::cpp_int;

struct OracleOrder {
    AccountId account;
    CommandRef ref;
    std::uint32_t market = 0;
    Side side = Side::buy;
    std::int64_t price = 0, quantity = 0, leaves = 0;
    Big fee_parts;    // Σ notional × rate over its fills, in millionths of a base unit
    Big fee_charged;  // so far
};

struct OracleAccount {
    PublicKey owner;
    bool has_owner = true;
    std::set<std::uint64_t> nonces;
    std::map<std::uint32_t, Big> totals;  // by asset
};

class Oracle {
  public:
    explicit Oracle(NetworkRules rules);

    void apply(const CommandBatch& batch, std::uint32_t first_command, EventBuffer& events);

    // Resting orders of one side, best first.
    std::vector<OracleOrder> side_orders(std::uint32_t market, Side side) const;
    Big total(const AccountId& account, std::uint32_t asset) const;
    Big reserved(const AccountId& account, std::uint32_t asset) const;
    bool nonce_is_free(const AccountId& account, std::uint64_t nonce) const;
    std::uint64_t highest_nonce(const AccountId& account) const;
    const std::map<AccountId, OracleAccount>& accounts() const { return accounts_; }
    const std::vector<std::optional<std::int64_t>>& last() const { return last_; }
    const std::vector<Big>& issued() const { return issued_; }

  private:
    struct Running {
        const CommandBatch& batch;
        EventBuffer& events;
        std::optional<std::uint64_t> batch_nonce;
        std::uint32_t number = 0;
        const Command* command = nullptr;
    };

    Event& emit(Running& running, EventKind kind);
    void execute(Running& running);
    Reason admit(Running& running);
    Reason nonce_reason(const AccountId& account, std::uint64_t nonce) const;
    Reason open(Running& running, const OpenAccount& open);
    void place(Running& running, std::uint32_t market, Side side, std::int64_t price, std::int64_t quantity,
               TimeInForce time_in_force, bool post_only);
    Reason check_order(const OracleOrder& order, TimeInForce time_in_force, bool post_only) const;
    // What stopped the order before it was filled or nothing met it; none otherwise.
    Reason match(Running& running, OracleOrder& order);
    void cancel(Running& running, CommandRef target, std::optional<std::int64_t> reduce_by);
    void faucet(Running& running, const Faucet& faucet);
    void transfer(Running& running, const Transfer& transfer);

    bool crosses(const OracleOrder& taker, const OracleOrder& maker) const;
    std::vector<OracleOrder>& book(std::uint32_t market, Side side);
    Big notional(const OracleOrder& order, std::int64_t price, std::int64_t quantity) const;
    Big held_by(const OracleOrder& order) const;
    Big charge(OracleOrder& order, const Big& notional, std::uint32_t rate) const;
    AccountIndex index_of(const AccountId& account) const;

    NetworkRules rules_;
    std::map<AccountId, OracleAccount> accounts_;
    std::map<std::pair<std::uint32_t, Side>, std::vector<OracleOrder>>
        books_;  // best first, then oldest first
    std::vector<std::optional<std::int64_t>> last_;
    std::vector<Big> issued_;
    // Accounts in order of their first opening; shared by all copies, since indexes outlive undo.
    std::shared_ptr<std::vector<AccountId>> known_;
};

}  // namespace peerbook::exchange::model

// The canonical state: a set of entries, each with a domain, a key and a value in the canonical encoding.
// Nothing in them depends on internal indexes, slots or on how the state was reached, so that equal states
// have equal entries on every machine. State roots, digests and snapshots are all made of these bytes;
// PROTOCOL.md has them field by field. An entry's key has a fixed size, and keys order as bytes do.
//
// Pure functions over a FrozenState; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/codec.h"
#include "exchange/engine/frozen_state.h"

namespace peerbook::exchange {

// In the order in which they are hashed and stored. What an entry refers to comes in an earlier domain.
enum class StateDomain : std::uint8_t {
    meta,         // one entry: time of the last commit, next sequence
    issued,       // by asset; assets of which nothing was issued have none
    markets,      // by market
    proposals,    // by id
    accounts,     // open ones, by id
    owners,       // by key, with what their windows counted; those that counted nothing have none
    balances,     // by account and asset; zero totals have none
    orders,       // open ones, by account, nonce and index
    withdrawals,  // those that wait, by account, nonce and index
};
inline constexpr std::size_t state_domain_count = 9;
inline constexpr std::size_t state_key_size_max = 44;
inline constexpr std::size_t state_value_size_max = 128 * 1024;  // mostly gaps of a window of nonces

const char* to_string(StateDomain domain);
// The domain of its entries' hashes.
const char* hash_domain(StateDomain domain);
std::size_t state_key_size(StateDomain domain);

// Where entries may be: indexes, slots and the like, below this.
std::size_t place_count(const FrozenState& state, StateDomain domain);
// Appends key ‖ value of the entry at `place`. False, and nothing is appended, if there is none.
bool encode_entry(const FrozenState& state, StateDomain domain, std::size_t place, Bytes& out);

// Bits of the flag bytes of markets and orders.
namespace entry_flags {
inline constexpr std::uint8_t market_has_last = 1;
inline constexpr std::uint8_t market_has_auction = 2;
inline constexpr std::uint8_t market_is_created = 4;

inline constexpr std::uint8_t order_is_sell = 1;
inline constexpr std::uint8_t order_is_waiting = 2;
inline constexpr std::uint8_t order_waits_below = 4;
inline constexpr std::uint8_t order_is_quote = 8;
inline constexpr std::uint8_t order_is_extended = 16;
}  // namespace entry_flags

// --- reading ---
// canonical_decode.cc. Each decodes key ‖ value of one entry. What it returns encodes to the same bytes, or
// `in` failed. Values are within the bounds of their types; whether they make sense together is for the
// caller.

struct MetaEntry {
    std::optional<WallTime> time;
    std::uint64_t next_sequence = 1;
};
struct IssuedEntry {
    AssetId asset;
    Amount amount = 0;
};
struct MarketEntry {
    MarketId market;
    MarketState state;
};
struct AccountEntry {
    AccountId id;
    std::optional<PublicKey> owner;
    std::string name;
    std::int64_t cancel_after_ms = 0;
    RateWindow commands;
    std::uint64_t highest_nonce = 0;
    std::vector<NonceWindow::Gap> gaps;
};
struct OwnerEntry {
    PublicKey key;
    RateWindow openings;
    RateWindow seconds;  // its count is 0
    std::uint64_t bytes = 0;
};
struct BalanceEntry {
    AccountId account;
    AssetId asset;
    Balance balance;
};
struct OrderEntry {
    AccountId account;
    Order order;               // without account, links and place of the extension
    OrderExtension extension;  // if order.is_extended
};
struct WithdrawalEntry {
    AccountId account;
    Withdrawal withdrawal;  // without account
};

MetaEntry decode_meta(Decoder& in);
IssuedEntry decode_issued(Decoder& in);
MarketEntry decode_market(Decoder& in);
Proposal decode_proposal(Decoder& in);
AccountEntry decode_account(Decoder& in);
OwnerEntry decode_owner(Decoder& in);
BalanceEntry decode_balance(Decoder& in);
OrderEntry decode_order(Decoder& in);
WithdrawalEntry decode_withdrawal(Decoder& in);
// Decodes an entry of any domain and forgets it.
void check_entry(StateDomain domain, Decoder& in);

}  // namespace peerbook::exchange

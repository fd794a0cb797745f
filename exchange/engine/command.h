// Commands: what accounts ask of the exchange. A block's payload is a list of batches; a batch is what one
// key answers for. The canonical encoding is what is signed, hashed and stored; PROTOCOL.md has it byte by
// byte. How each command behaves is in exchange/README.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/boxed.h"
#include "base/codec.h"
#include "base/time.h"
#include "exchange/market/market.h"
#include "exchange/market/types.h"

namespace peerbook::exchange {

// --- orders ---

// The common order. Everything less common is a SpecialOrder, so that this one stays small.
struct LimitOrder {
    MarketId market;
    Side side = Side::buy;
    TimeInForce time_in_force = TimeInForce::gtc;
    bool post_only = false;  // rejected if it would trade at once
    SelfTradePrevention self_trade = SelfTradePrevention::cancel_newest;
    Price price;
    Quantity quantity;
    friend bool operator==(const LimitOrder&, const LimitOrder&) = default;
};

// Takes what the book offers up to the protection price, the rest is cancelled. The gateway chooses the
// protection from the last trade and the owner signs it, so that what is reserved is known at placement.
struct MarketOrder {
    MarketId market;
    Side side = Side::buy;
    SelfTradePrevention self_trade = SelfTradePrevention::cancel_newest;
    Quantity quantity;
    Price protection;
    friend bool operator==(const MarketOrder&, const MarketOrder&) = default;
};

// A market buy that spends up to `budget` quote base units, fees included, at prices up to the protection.
struct BudgetOrder {
    MarketId market;
    SelfTradePrevention self_trade = SelfTradePrevention::cancel_newest;  // not decrement
    Price protection;
    Amount budget = 0;
    friend bool operator==(const BudgetOrder&, const BudgetOrder&) = default;
};

// When a waiting order becomes active: the market's last price is at or beyond `price`. Stop orders wait for
// the price to get worse for them (buy: at_or_above), take-profit orders for better (buy: at_or_below).
enum class TriggerWhen : std::uint8_t { at_or_above, at_or_below };
struct Trigger {
    Price price;
    TriggerWhen when = TriggerWhen::at_or_above;
    friend bool operator==(const Trigger&, const Trigger&) = default;
};

// A limit order with what few orders have. With a trigger it waits, its money reserved. Stop, stop-limit,
// take-profit and its limit form are a trigger with IOC (the price is the protection) or GTC terms.
struct SpecialOrder {
    LimitOrder order;
    std::optional<Quantity> display;     // iceberg: the most that is shown at once; GTC only
    std::optional<WallTime> expires_at;  // GTD: leaves the book at this commit time; GTC only
    std::optional<Trigger> trigger;
    // With a trigger, a buy and IOC only: spends up to this instead of buying a quantity; `quantity` is 0.
    std::optional<Amount> budget;
    friend bool operator==(const SpecialOrder&, const SpecialOrder&) = default;
};

// --- changes of orders ---

// Cancels the account's own order placed by command `target`. A nonce never seen is burnt by it, so that an
// order that arrives late cannot appear afterwards.
struct CancelOrder {
    CommandRef target;
    friend bool operator==(const CancelOrder&, const CancelOrder&) = default;
};

// Takes `by` lots off the leaves quantity; keeps time priority. At or above what is left it cancels.
struct ReduceOrder {
    CommandRef target;
    Quantity by;
    friend bool operator==(const ReduceOrder&, const ReduceOrder&) = default;
};

// Cancels `target` and places an order under this command's own name, both or neither, and only if the target
// still lives. Market, side, display, expiry and direction of the trigger are the target's.
struct ReplaceOrder {
    CommandRef target;
    Price price;
    Quantity quantity;  // open afterwards, whatever was filled before
    bool post_only = false;
    SelfTradePrevention self_trade = SelfTradePrevention::cancel_newest;
    std::optional<Price> trigger;  // only if the target waits for one; without it, the target's
    friend bool operator==(const ReplaceOrder&, const ReplaceOrder&) = default;
};

// Cancels all open orders of the account, or those of one market, one side, or both.
struct CancelAll {
    std::optional<MarketId> market;
    std::optional<Side> side;
    friend bool operator==(const CancelAll&, const CancelAll&) = default;
};

// Dead-man switch: unless it is set again first, all open orders of the account are cancelled at the first
// commit whose time is this far after the one that executed it. Without a time: switched off.
struct CancelAfter {
    std::optional<Duration> timeout;  // whole milliseconds, 1 … cancel_after_max
    friend bool operator==(const CancelAfter&, const CancelAfter&) = default;
};

// Cancels what earlier mass quotes of the account left in the market and places post-only GTC orders instead.
// Quote i has the name {nonce, index of the command + i}; each passes or is rejected by itself.
struct Quote {
    Side side = Side::buy;
    Price price;
    Quantity quantity;
    friend bool operator==(const Quote&, const Quote&) = default;
};
struct MassQuote {
    MarketId market;
    std::vector<Quote> quotes;  // at most signed_batch_commands_max; none: only cancels
    friend bool operator==(const MassQuote&, const MassQuote&) = default;
};

// --- accounts and money ---

// Makes the account known. Hosted: the account is hosted_account_id(signer, name). Self-custodied (empty
// name): the account is the signer's key. Burns its nonce like any command.
struct OpenAccount {
    std::string name;  // ≤ account_name_length_max, [a-z0-9._-]
    friend bool operator==(const OpenAccount&, const OpenAccount&) = default;
};

// Demo networks: issues play money to the account.
struct Faucet {
    AssetId asset;
    Amount amount = 0;
    friend bool operator==(const Faucet&, const Faucet&) = default;
};

struct Transfer {
    AccountId to;
    AssetId asset;
    Amount amount = 0;
    friend bool operator==(const Transfer&, const Transfer&) = default;
};

// By the asset's issuer: creates units of it in account `to`.
struct Issue {
    AccountId to;
    AssetId asset;
    Amount amount = 0;
    friend bool operator==(const Issue&, const Issue&) = default;
};

// By the asset's issuer: destroys units of it in its own account.
struct Redeem {
    AssetId asset;
    Amount amount = 0;
    friend bool operator==(const Redeem&, const Redeem&) = default;
};

// Asks the asset's issuer to pay out. The amount stays reserved until the issuer settles the request, which
// is named by this command.
struct RequestWithdrawal {
    AssetId asset;
    Amount amount = 0;
    std::string destination;  // for the issuer's eyes; ≤ destination_length_max bytes
    friend bool operator==(const RequestWithdrawal&, const RequestWithdrawal&) = default;
};

// By the asset's issuer: paid out (the units are destroyed), or refused (they are free again).
struct SettleWithdrawal {
    AccountId account;
    CommandRef request;
    bool is_paid = false;
    friend bool operator==(const SettleWithdrawal&, const SettleWithdrawal&) = default;
};

// --- administration ---

struct CreateMarket {
    AssetId base, quote;
    MarketSpec spec;
    friend bool operator==(const CreateMarket&, const CreateMarket&) = default;
};
struct HaltMarket {
    MarketId market;
    friend bool operator==(const HaltMarket&, const HaltMarket&) = default;
};
// Trading again, through a call auction if the market has one.
struct ResumeMarket {
    MarketId market;
    friend bool operator==(const ResumeMarket&, const ResumeMarket&) = default;
};
using AdminAction = std::variant<CreateMarket, HaltMarket, ResumeMarket>;

// One administrator's word for an action. It happens when `administrators_needed` of them have asked for the
// same action with the same reference within approval_lifetime.
struct Administer {
    AdminAction action;
    std::uint64_t reference = 0;  // tells an action from an earlier equal one
    friend bool operator==(const Administer&, const Administer&) = default;
};

using CommandBody =
    std::variant<LimitOrder, MarketOrder, CancelOrder, ReduceOrder, Boxed<ReplaceOrder>, BudgetOrder,
                 Boxed<SpecialOrder>, CancelAll, CancelAfter, MassQuote, OpenAccount, Faucet, Boxed<Transfer>,
                 Boxed<Issue>, Redeem, Boxed<RequestWithdrawal>, Boxed<SettleWithdrawal>, Boxed<Administer>>;

inline constexpr std::size_t account_name_length_max = 64;
inline constexpr std::size_t destination_length_max = 256;
inline constexpr std::size_t market_text_length_max = 64;  // of each text in a MarketSpec
inline constexpr Duration cancel_after_max = Duration::seconds(86'400);
inline constexpr Duration approval_lifetime = Duration::seconds(3'600);
// Commands of a signed batch, and quotes of a mass quote; all indexes of one nonce together.
inline constexpr std::size_t signed_batch_commands_max = 1'000;
inline constexpr std::size_t payload_bytes_max = 480 * 1024;  // a block is at most 512 KiB, header included
// Of an encoded signed batch, so that one alone fits in a payload with its counts and length.
inline constexpr std::size_t signed_batch_bytes_max = payload_bytes_max - 8;

// How many indexes a command takes: 1, and a mass quote one for each quote, without quotes 1 too.
std::uint32_t index_count(const CommandBody& body);

// A command on its own, as gateways and clients hold it.
struct Command {
    AccountId account;
    CommandRef ref;
    CommandBody body;
};

// The same inside its batch. One cache line and a half.
struct BatchCommand {
    std::uint64_t nonce = 0;
    std::uint32_t index = 0;
    std::uint32_t account = 0;  // place in the batch's accounts
    CommandBody body;

    CommandRef ref() const { return {nonce, index}; }
};

// Who answers for a batch.
enum class BatchKind : std::uint8_t {
    hosted_by_author = 0,  // the block's author, for accounts it hosts; no signature beyond the block's
    hosted_by_other = 1,   // another node (an observer), for accounts it hosts; its node key signs
    // The account's own key signs. One nonce for all; the index counts up by index_count().
    self_custodied = 2,
};

struct CommandBatch {
    BatchKind kind = BatchKind::hosted_by_author;
    // Result of checking the signature; an unauthorized batch is skipped as bad_signature.
    bool authorized = true;
    // Of its own encoding: signature included, length in front of it not. 0 for one that was never encoded.
    std::uint32_t encoded_bytes = 0;
    PublicKey signer;                 // the block's author for hosted_by_author
    std::vector<AccountId> accounts;  // no two equal, in order of first use by `commands`
    std::vector<BatchCommand> commands;

    // For tests and tools: looks the account up one by one.
    void add(const AccountId& account, CommandRef ref, CommandBody body);
};

// --- encoding
// -------------------------------------------------------------------------------------------------

// Precondition: texts and quotes are within the maxima above, spans of time are whole milliseconds.
void encode_command_body(Encoder& out, const CommandBody& body);
CommandBody decode_command_body(Decoder& in);

// The bytes a batch of kind 1 or 2 carries in a payload, signature included. Precondition: 1 to
// signed_batch_commands_max commands; kind 1: indexes are 0; kind 2: all for the signer's own account, with
// one nonce, indexes counting up from 0 by index_count(), which may take signed_batch_commands_max together.
// A result above signed_batch_bytes_max is taken by nobody: the caller divides such commands.
Bytes encode_signed_batch(BatchKind kind, const Digest& network, std::uint16_t rules_version,
                          const Signer& signer, const std::vector<Command>& commands);

// Builds a payload within payload_bytes_max. Hosted commands of the author are grouped into one batch with an
// account table, so that an order costs a few dozen bytes.
class PayloadBuilder {
  public:
    // False if the payload would become too large; then nothing was added. Precondition: its index is 0.
    bool add_hosted(const Command& command);
    // `encoded` is one encoded signed batch, already checked by the caller.
    bool add_signed_batch(ByteView encoded);
    bool empty() const;
    std::size_t size() const;
    std::size_t command_count() const;
    // The canonical payload; the builder is empty afterwards. Signed batches first in order of arrival, then
    // the author's own batch.
    Bytes take();

  private:
    Bytes hosted_;
    Bytes signed_batches_;
    std::vector<AccountId> accounts_;  // of the hosted commands, in order of first use
    std::unordered_map<AccountId, std::size_t> account_places_;
    std::size_t hosted_count_ = 0;
    std::size_t signed_count_ = 0;
    std::size_t signed_commands_ = 0;
};

// Decodes a payload of a block by `author`; checks every signature. Signed batches whose signature is wrong
// come back with authorized = false: they are skipped, and do not spoil the block. Error: malformed bytes.
Result<std::vector<CommandBatch>> decode_payload(ByteView payload, const PublicKey& author,
                                                 const Digest& network, std::uint16_t rules_version,
                                                 const Verifier& verifier);
// The signed batches of a payload as they were encoded, in order; they point into it. Precondition:
// decode_payload() takes it.
std::vector<ByteView> signed_batches_of(ByteView payload);
// One signed batch as an observer or a client sends it. Error: above signed_batch_bytes_max, malformed or
// wrong signature.
Result<CommandBatch> decode_signed_batch(ByteView encoded, const Digest& network, std::uint16_t rules_version,
                                         const Verifier& verifier);

}  // namespace peerbook::exchange

// Commands: what accounts ask of the exchange. A block's payload is a list of batches; a batch is what one
// key answers for. The canonical encoding is what is signed, hashed and stored; PROTOCOL.md has it byte by
// byte.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/codec.h"
#include "exchange/market/types.h"

namespace peerbook::exchange {

struct LimitOrder {
    MarketId market;
    Side side = Side::buy;
    Price price;
    Quantity quantity;
    TimeInForce time_in_force = TimeInForce::gtc;
    bool post_only = false;  // rejected if it would trade at once
};

// Takes what the book offers up to the protection price, the rest is cancelled. The gateway chooses the
// protection from the last trade and the owner signs it, so that what is reserved is known at placement.
struct MarketOrder {
    MarketId market;
    Side side = Side::buy;
    Quantity quantity;
    Price protection;
};

// Cancels the account's own order placed by command `target`. A nonce never seen is burnt by it, so that an
// order that arrives late cannot appear afterwards.
struct CancelOrder {
    CommandRef target;
};

// Takes `by` lots off the leaves quantity; keeps time priority. At or above what is left it cancels.
struct ReduceOrder {
    CommandRef target;
    Quantity by;
};

// Makes the account known. Hosted: the account is hosted_account_id(signer, name). Self-custodied (empty
// name): the account is the signer's key. Burns its nonce like any command.
struct OpenAccount {
    std::string name;  // ≤ account_name_length_max, [a-z0-9._-]
};

// Demo networks: issues play money to the account.
struct Faucet {
    AssetId asset;
    Amount amount = 0;
};

struct Transfer {
    AccountId to;
    AssetId asset;
    Amount amount = 0;
};

using CommandBody =
    std::variant<LimitOrder, MarketOrder, CancelOrder, ReduceOrder, OpenAccount, Faucet, Transfer>;

inline constexpr std::size_t account_name_length_max = 64;
inline constexpr std::size_t signed_batch_commands_max = 1'000;
inline constexpr std::size_t payload_bytes_max = 480 * 1024;  // a block is at most 512 KiB, header included

struct Command {
    AccountId account;
    CommandRef ref;
    CommandBody body;
};

// Who answers for a batch.
enum class BatchKind : std::uint8_t {
    hosted_by_author = 0,  // the block's author, for accounts it hosts; no signature beyond the block's
    hosted_by_other = 1,   // another node (an observer), for accounts it hosts; its node key signs
    self_custodied = 2,    // the account's own key signs; one nonce for all, index = position
};

struct CommandBatch {
    BatchKind kind = BatchKind::hosted_by_author;
    PublicKey signer;  // the block's author for hosted_by_author
    bool authorized =
        true;  // result of checking the signature; an unauthorized batch is skipped as bad_signature
    std::vector<Command> commands;
};

// --- encoding
// -------------------------------------------------------------------------------------------------

void encode_command_body(Encoder& out, const CommandBody& body);
CommandBody decode_command_body(Decoder& in);

// The bytes a batch of kind 1 or 2 carries in a payload, signature included.
Bytes encode_signed_batch(BatchKind kind, const Digest& network, std::uint16_t rules_version,
                          const Signer& signer, const std::vector<Command>& commands);

// Builds a payload within payload_bytes_max. Hosted commands of the author are grouped into one batch with an
// account table, so that an order costs a few dozen bytes.
class PayloadBuilder {
  public:
    // False if the payload would become too large; then nothing was added.
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
// One signed batch as an observer or a client sends it. Error: malformed or wrong signature.
Result<CommandBatch> decode_signed_batch(ByteView encoded, const Digest& network, std::uint16_t rules_version,
                                         const Verifier& verifier);

}  // namespace peerbook::exchange

// Blocks: signed batches of commands, the vertices of the DAG. RULES.md, rule 4.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/keys.h"
#include "base/result.h"
#include "base/time.h"
#include "exchange/engine/command.h"
#include "exchange/ordering/view.h"

namespace peerbook::exchange {

inline constexpr std::size_t block_bytes_max = 512 * 1024;  // a network constant
inline constexpr std::uint16_t block_format_version = 1;
inline constexpr std::uint16_t block_format_with_vote = 2;

struct ParentRef {
    MemberIndex author;
    std::uint64_t round = 0;
    Digest digest;
    friend auto operator<=>(const ParentRef&, const ParentRef&) = default;
};

// Its author's word for a settled state, in one of its blocks. RULES.md, rule 17.
struct StateVote {
    std::uint64_t commit = 0;  // length of the settled log
    Digest prefix;             // hash chain over it
    Digest root;               // of the state right after it
    friend bool operator==(const StateVote&, const StateVote&) = default;
};

struct BlockHeader {
    std::uint16_t format_version = block_format_version;
    std::uint16_t rules_version = rules_version_latest;
    Digest network;
    Digest ledger;
    Digest view;              // digest of the view record
    PublicKey author;         // on the wire its member index; always the key where it is hashed
    std::uint64_t seq = 1;    // previous own block's + 1; 1 for the first
    std::uint64_t round = 1;  // 1 + max(parents' rounds, view's base round): Lamport time
    WallTime timestamp;       // ≥ its parents'
    std::vector<ParentRef>
        parents;          // own previous block first (absent for seq 1), then one an author, by author
    Digest payload_root;  // hash of the payload bytes
    std::optional<StateVote> vote = std::nullopt;  // exactly with block_format_with_vote
};

struct Block {
    BlockHeader header;
    Signature signature;  // over "peerbook block" domain ‖ digest
    Bytes payload;
};

// BLAKE2b-256 of the unsigned canonical header: signing a header twice is not equivocation.
Digest digest_of(const BlockHeader& header);
Digest payload_root_of(ByteView payload);
void sign_block(Block& block, const Signer& signer);

// Without its payload, but still its author's word.
struct SignedHeader {
    BlockHeader header;
    Signature signature;
};
// By itself, with the author's key, so that it can be read without the view.
Bytes encode_signed_header(const SignedHeader& header);
// Form only. Error: invalid_input.
Result<SignedHeader> decode_signed_header(ByteView bytes);
bool is_signed(const SignedHeader& header, const Verifier& verifier);

// A block whose encoding, signature and payload were checked, decoded for execution. Made off the logic
// thread.
struct VerifiedBlock {
    BlockHeader header;
    Digest digest;
    SharedBytes encoded;                // as received or sent; what is journaled and served
    std::vector<CommandBatch> batches;  // kept until the block is settled, for replays
    std::uint32_t command_count = 0;
    std::size_t payload_bytes = 0;  // the payload is the end of `encoded`
};

// Precondition: the author and all parents' authors are members of `view`.
Bytes encode_block(const Block& block, const View& view);

// The front of an encoded block that verify_block() took. Error: invalid_input.
Result<SignedHeader> signed_header_of(ByteView encoded, const View& view);

// The rules that a header must keep by itself: author and parents' authors are members, seq from 1, the own
// previous block first (and only above seq 1), the other parents strictly by author, round one above the
// highest parent's or the view's base. Null if it keeps them, else which one it breaks.
const char* structural_fault(const BlockHeader& header, const View& view);

// Everything about a block that needs no other block: canonical encoding, sizes, network, ledger and view,
// author is a member, structural_fault(), payload root, signature, payload well-formed. Pure, so thread-safe.
// Errors: invalid_input (malformed, rules that this program does not know), unauthorized (signature),
// conflict (other network or rules version), unavailable (of another view or ledger than `view`), too_large.
//
// A block read from the own journal was verified before it was stored, and the journal's checksum says that
// it is the same, so its author's signature is not checked again. The signatures of batches inside it are:
// what they decide (authorized or not) is not stored.
enum class BlockSource : std::uint8_t { peer, own_journal };
Result<VerifiedBlock> verify_block(SharedBytes encoded, const View& view, const Digest& network,
                                   std::uint16_t rules_version, const Verifier& verifier,
                                   BlockSource source = BlockSource::peer);

}  // namespace peerbook::exchange

// What nodes say to each other about the ledger, as payloads of the peer layer. PROTOCOL.md has the bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "exchange/ordering/open_ledger.h"

namespace peerbook::app {

enum class MessageKind : std::uint8_t {
    block = 0x80,           // one encoded block
    want = 0x81,            // digests of blocks to send
    version_vector = 0x82,  // what the sender has; asks for what it lacks
    blocks = 0x83,          // blocks in causal order, in answer to a version vector
    signed_batch = 0x84,    // commands for a member to put into its next block
    view_message = 0x85,    // exchange::ViewMessage: about the end of a view
    decision = 0x86,        // exchange::Decision: a view's successor, with its certificate
    ledger_news = 0x87,     // LedgerNews: which ledger the sender is in (app/node/founding.h)
    evidence = 0x88,        // exchange::Evidence: a member signed two blocks for one place
    sign_of_life = 0x89,    // SignOfLife: of a member to those that it is not connected to
    holdings = 0x8a,        // what the receiver has, asked by number, and the answer
    far_batch = 0x8b,       // FarBatch, sealed: signed_batch for a member that is not connected
    far_answer = 0x8c,      // FarAnswer, sealed: what became of it
};

inline constexpr std::size_t want_digests_max = 32;
inline constexpr std::size_t blocks_message_bytes_max = 900 * 1024;  // below the peer layer's frame of 1 MiB

Bytes encode_want(const std::vector<Digest>& digests);
Result<std::vector<Digest>> decode_want(ByteView bytes);

struct VersionVectorMessage {
    Digest view;
    std::uint64_t number = 0;      // of the view
    exchange::VersionVector seqs;  // in member order
};
Bytes encode_version_vector(const VersionVectorMessage& message);
Result<VersionVectorMessage> decode_version_vector(ByteView bytes);

// An answer tells of all that its sender had when it got the question, which a version vector that comes by
// itself does not.
struct HoldingsMessage {
    std::uint64_t question = 0;                  // a number of the one that asks
    std::optional<VersionVectorMessage> answer;  // none: it is the question
};
Bytes encode_holdings(const HoldingsMessage& message);
Result<HoldingsMessage> decode_holdings(ByteView bytes);

// Sealed to a member (p2p/relay/relay.h), so it says which ledger it is for: nothing else was said before.
struct FarBatch {
    Digest ledger;
    std::uint64_t number = 0;  // the sender's, given back in the answer
    ByteView batch;            // encoded and signed; within what it was decoded from
};
Bytes encode_far_batch(const FarBatch& message);
Result<FarBatch> decode_far_batch(ByteView bytes);

struct FarAnswer {
    enum class Verdict : std::uint8_t {
        taken,     // it goes into the member's next block
        ran,       // its commands were executed before
        not_here,  // the receiver is no member of that ledger
        busy,      // too much waits, or the member stops
    };
    std::uint64_t number = 0;
    Verdict verdict = Verdict::taken;
};
Bytes encode_far_answer(const FarAnswer& message);
Result<FarAnswer> decode_far_answer(ByteView bytes);

struct BlocksMessage {
    bool more = false;  // the sender had more than fits: ask again
    std::vector<Bytes> blocks;
};
Bytes encode_blocks(bool more, const std::vector<SharedBytes>& blocks);
Result<BlocksMessage> decode_blocks(ByteView bytes);

}  // namespace peerbook::app

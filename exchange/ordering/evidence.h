// Evidence that a member signed two blocks for one place: their two signed headers. RULES.md, rule 17;
// PROTOCOL.md, "Evidence", has the bytes. Whoever knows the author's key can check it, without the view.
// Values; no threads.
#pragma once

#include "base/bytes.h"
#include "base/keys.h"
#include "base/result.h"
#include "exchange/ordering/block.h"

namespace peerbook::exchange {

inline constexpr std::uint16_t evidence_version = 1;
inline constexpr std::size_t evidence_bytes_max = 16 * 1024;  // two headers of the largest views

// Two headers of one author, view and seq with two digests, the lower one first.
struct Evidence {
    SignedHeader first, second;

    const PublicKey& author() const { return first.header.author; }
    const Digest& view() const { return first.header.view; }
    std::uint64_t seq() const { return first.header.seq; }
};

// Of two encoded blocks that verify_block() took for `view`. Precondition: they are two of one author and
// seq.
Evidence make_evidence(ByteView one, ByteView other, const View& view);
Bytes encode_evidence(const Evidence& evidence);
// Form, that the two make evidence, and both signatures. Pure, so thread-safe. Errors: invalid_input,
// too_large, conflict (of another network or ledger), unauthorized (a signature is wrong).
Result<Evidence> verify_evidence(ByteView bytes, const Digest& network, const Digest& ledger,
                                 const Verifier& verifier);

}  // namespace peerbook::exchange

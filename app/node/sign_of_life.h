// What a member lets those members hear of it that it is not connected to: signed, and passed on by gossip.
// PROTOCOL.md, "Ledger messages", has the bytes. A value; no threads.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/keys.h"
#include "base/result.h"
#include "base/time.h"
#include "exchange/ordering/view.h"

namespace peerbook::app {

inline constexpr std::uint16_t sign_of_life_version = 1;

struct SignOfLife {
    PublicKey sender;
    Digest view;
    WallTime at;
    std::uint64_t session = 0;  // drawn anew by each process of the sender
    // Of members that it is not connected to and heard of late: the session that it heard of, and the last
    // block of the member that it holds. Who has just started knows by its session that this is not old.
    struct Heard {
        exchange::MemberIndex member;
        std::uint64_t session = 0;
        std::uint64_t seq = 0;
    };
    std::vector<Heard> heard;  // by member, strictly rising
};

// Precondition: the sender is the signer.
Bytes sign_sign_of_life(const SignOfLife& message, const Digest& network, const Digest& ledger,
                        const Signer& signer);
// Form, network, ledger, view, that the sender is a member, and its signature. Pure, so thread-safe. Errors:
// unavailable (it is about another view than `view`), conflict (another network or ledger), invalid_input,
// unauthorized (signature).
Result<SignOfLife> verify_sign_of_life(ByteView bytes, const exchange::View& view, const Digest& network,
                                       const Verifier& verifier);

}  // namespace peerbook::app

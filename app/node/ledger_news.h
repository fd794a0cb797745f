// What a node says of its ledger, when a peer connects and when it changes. PROTOCOL.md, kind 0x87.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "exchange/ordering/view.h"

namespace peerbook::app {

struct LedgerNews {
    enum class State : std::uint8_t {
        none = 0,         // it has no ledger
        founded = 1,      // its founder has not seen the second node's first block yet; or, of an operator's
                          // ledger, the sender has entered it and seen no block of it
        established = 2,  // it may be joined
        given_up = 3,     // the receiver's ledger, of which the sender was the founder
    };
    State state = State::none;
    std::uint64_t founding = 0;           // see make_founded_view(); 0: one that an operator founded
    std::optional<exchange::View> first;  // view 1; none in state none
    // Where the ledger is a fork: the records with which it and those between view 1 and it begin, oldest
    // first.
    std::vector<exchange::View> forks;
    std::uint64_t members = 0;  // of the present view
    std::uint64_t view = 0;     // its number

    // The ledger's id: that of the last fork. Zero for none.
    Digest ledger() const;
    // The sender's ledger is this one, or goes on from it.
    bool comes_from(const Digest& ledger) const;
};

// Of one another, by which a ledger goes back to its view 1.
inline constexpr std::size_t ledger_forks_max = 16;

Bytes encode_ledger_news(const LedgerNews& news);
// Errors: invalid_input, also where the ledger's id does not follow from network, members and founding, or
// from the forks.
Result<LedgerNews> decode_ledger_news(ByteView bytes, const Digest& network);

}  // namespace peerbook::app

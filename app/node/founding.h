// How a node that has no ledger gets one: rules 19 and 20 of exchange/ordering/RULES.md. Only where the
// network file names no members.
//
//   none ── the lower of two fresh nodes, or the other one at its offer ──► founded ──► established
//   none ── a peer has an established ledger ──► established, as an observer, once a block of it is here
//   founded ── its founder gives it up, or nobody shows a block ──► none
//
// Decides only; the node makes a decision durable before anybody hears of it. Logic thread only. Pure: time
// is an argument.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>

#include "base/bytes.h"
#include "base/keys.h"
#include "base/result.h"
#include "base/time.h"
#include "exchange/ordering/view.h"

namespace peerbook::app {

// What a node says of its ledger, when a peer connects and when it changes.
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
    std::uint64_t members = 0;            // of the present view
};

Bytes encode_ledger_news(const LedgerNews& news);
// Errors: invalid_input, also where the ledger's id does not follow from network, members and founding.
Result<LedgerNews> decode_ledger_news(ByteView bytes, const Digest& network);

struct FoundingOptions {
    Duration discovery_wait = Duration::seconds(1);  // since the first peer was heard of
    // Without the second node, and with one that does not answer, a founder gives up after this; one that
    // waits for another's founding does not wait longer.
    Duration patience = Duration::seconds(10);
};

class Founding {
  public:
    Founding(PublicKey self, FoundingOptions options) : self_(self), options_(options) {}

    void on_news(const PublicKey& peer, LedgerNews news, MonoTime now);
    void on_disconnected(const PublicKey& peer) {
        heard_.erase(peer);
        given_up_.erase(peer);
    }
    // This node was named in this ledger and left it: it never goes there again. Also while the journal is
    // replayed.
    void left(const Digest& ledger) { left_.insert(ledger); }
    // The ledger that a connected peer says it has; zero for none.
    Digest ledger_of(const PublicKey& peer) const;

    // Where this node stands. `since`: when it came to that, or started.
    struct Standing {
        LedgerNews::State state = LedgerNews::State::none;
        const exchange::View* first = nullptr;
        MonoTime since;
    };
    struct Decision {
        enum class Kind : std::uint8_t { found, enter, give_up, leave };
        Kind kind;
        PublicKey second;   // found
        LedgerNews ledger;  // enter
    };
    std::optional<Decision> decide(const Standing& standing, MonoTime now, std::optional<MonoTime>& wake_at);

  private:
    struct Heard {
        LedgerNews news;
        MonoTime since;
    };
    bool may_enter(const LedgerNews& news, MonoTime now) const;
    std::optional<Decision> choose(const Standing& standing, MonoTime now, std::optional<MonoTime>& wake_at);
    std::optional<Decision> watch_second(const Standing& standing, MonoTime now,
                                         std::optional<MonoTime>& wake_at);

    const PublicKey self_;
    const FoundingOptions options_;
    std::map<PublicKey, Heard> heard_;  // connected peers
    std::optional<MonoTime> first_heard_;
    std::optional<MonoTime> second_gone_since_;
    std::set<PublicKey> failed_;            // second nodes that a ledger was given up for
    std::map<PublicKey, Digest> given_up_;  // by connected founders: what they say they gave up
    std::set<Digest> left_;                 // as many as this node left, each after `patience`
    struct Avoided {
        MonoTime until;
        std::uint32_t doublings = 0;
    };
    std::map<Digest, Avoided> avoided_;  // ledgers in which nobody showed a block
    std::map<PublicKey, MonoTime> avoided_founders_;
};

}  // namespace peerbook::app

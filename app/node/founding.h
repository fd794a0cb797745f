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
#include <vector>

#include "app/node/ledger_news.h"
#include "base/bytes.h"
#include "base/keys.h"
#include "base/time.h"
#include "exchange/ordering/view.h"

namespace peerbook::app {

struct FoundingOptions {
    Duration discovery_wait = Duration::seconds(1);  // since the first peer was heard of
    // Without the second node, and with one that does not answer, a founder gives up after this; one that
    // waits for another's founding does not wait longer.
    Duration patience = Duration::seconds(10);
    // The operator adopted this ledger: no other is founded or entered.
    std::optional<Digest> only = std::nullopt;
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
    // Null where it said nothing.
    const LedgerNews* news_of(const PublicKey& peer) const;

    // Established ledgers that peers said they have; the latest that was heard of each.
    struct Met {
        LedgerNews news;
        std::size_t reachable = 0;  // connected peers that say so now
    };
    static constexpr std::size_t met_max = 32;
    std::vector<Met> met() const;
    // Of one that a connected peer has now; null for none.
    const LedgerNews* find(const Digest& ledger) const;
    const std::optional<Digest>& only() const { return options_.only; }

    // Where this node stands. `since`: when it came to that, or started.
    struct Standing {
        LedgerNews::State state = LedgerNews::State::none;
        const exchange::View* first = nullptr;
        Digest ledger;
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
    bool names_this_node(const LedgerNews& news) const;
    void note_met(const LedgerNews& news);
    std::size_t reachable(const Digest& ledger) const;
    std::optional<Decision> choose(const Standing& standing, MonoTime now, std::optional<MonoTime>& wake_at);
    std::optional<Decision> watch_second(const Standing& standing, MonoTime now,
                                         std::optional<MonoTime>& wake_at);

    const PublicKey self_;
    const FoundingOptions options_;
    std::map<PublicKey, Heard> heard_;  // connected peers
    std::map<Digest, LedgerNews> met_;
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

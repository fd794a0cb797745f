// The ledgers of a run, and what each is held to by all nodes together. Where the network file names view 1
// there is one; where nodes found ledgers by themselves there may be several, and the times when a node has
// none. Told by World.
#pragma once

#include <map>
#include <memory>

#include "tests/sim/checkers.h"
#include "tests/sim/node_checkers.h"
#include "tests/sim/shadow.h"
#include "tests/sim/view_checkers.h"

namespace peerbook::sim {

struct LedgerBook {
    LedgerBook(const exchange::View& first, const AdmissionBook& admission, RareStates& rare)
        : views(first, admission, rare) {}
    const Digest& id() const { return views.first().ledger; }

    ViewChecker views;
    SettledLog log, attested;
    SettledTrades trades;
    RootChecker roots;
    std::map<std::uint64_t, Digest> root_by_commit;
    // The ledger that this one goes on from, behind so many blocks of its log.
    LedgerBook* origin = nullptr;
    std::uint64_t inherited = 0;
    bool is_founded = false;  // by two nodes, not by an operator or the network file
    bool is_durable = false;  // at its founder
    bool is_established = false;
    bool is_given_up = false;  // by its founder, durably
};

class Ledgers {
  public:
    // Both outlive this.
    Ledgers(const AdmissionBook& admission, RareStates& rare) : admission_(admission), rare_(rare) {}

    // Known from here on; once.
    LedgerBook& add(const exchange::View& first);
    // A fork of `origin`, which begins with this record.
    LedgerBook& add_fork(LedgerBook& origin, const exchange::View& fork);
    // The fork of this ledger that is on its founder's disk; null for none.
    LedgerBook* fork_of(const LedgerBook& origin) const;
    // What a node is in while it has none.
    void add_no_ledger(const exchange::View& view) { none_.emplace(exchange::digest_of(view), view); }
    // Of any ledger that has such a view, or of a node without one. Null: nobody decided it.
    const exchange::View* find(const Digest& view) const;
    // Null where a node has no ledger, or nobody decided the view.
    LedgerBook* of_view(const Digest& view) const;
    // Null for one that nobody entered.
    LedgerBook* find_ledger(const Digest& ledger) const;
    const std::map<Digest, std::unique_ptr<LedgerBook>>& all() const { return books_; }
    // Its records are read again from the first on, or are lost.
    void starts_over(const PublicKey& member);

  private:
    const AdmissionBook& admission_;
    RareStates& rare_;
    std::map<Digest, std::unique_ptr<LedgerBook>> books_;
    std::map<Digest, exchange::View> none_;
};

}  // namespace peerbook::sim

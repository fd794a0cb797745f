// The views of a run, and what must hold for the way from one to the next: RULES.md, rules 10 to 13, a second
// time, from the records that reach disks and the messages that leave. Told by World; each answer is "" or
// what is wrong.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "exchange/ordering/view_messages.h"
#include "tests/sim/node_checkers.h"
#include "tests/sim/rare.h"

namespace peerbook::sim {

Digest digest_of_record(ByteView record);
bool is_quorum_of(const exchange::View& view, const std::set<std::size_t>& members);

// Who may be let in. What the network's policy says a second time, knowing who was really invited.
struct AdmissionBook {
    exchange::Joining joining = exchange::Joining::named;
    std::set<PublicKey> invited;  // by members, as often as is needed
};

class ViewChecker {
  public:
    // `admission` and `rare` outlive this.
    ViewChecker(const exchange::View& first, const AdmissionBook& admission, RareStates& rare);

    // --- views that were decided, and the first ---
    const exchange::View* find(const Digest& view) const;
    const exchange::View& first() const { return views_.at(first_); }
    // The last one that was decided, whether anybody knows it or not.
    const exchange::View& latest() const { return views_.at(latest_); }
    // In order of number.
    std::vector<const exchange::View*> all() const;
    // The view that came after this one.
    const exchange::View* successor(const Digest& view) const;
    // Somebody takes this view for decided, and nothing is claimed of that: where members lie, votes may be
    // counted that were never stored.
    void believe(const exchange::View& view) { views_.emplace(exchange::digest_of(view), view); }
    // The policy lets it in, some time.
    bool may_be_member(const PublicKey& key) const;

    // --- what members do ---
    // A record of this member reached its disk, or was read from it.
    std::string stored(const PublicKey& member, const exchange::BallotState& state);
    // Its records are read again from the first on, or are lost.
    void starts_over(const PublicKey& member) { durable_.erase(member); }
    // What the disk of this member says about the end of this view.
    const exchange::BallotState* durable(const PublicKey& member, const Digest& view) const;
    // A message leaves. `disk`: what its sender holds; `process`: of which it is.
    struct Leaving {
        const exchange::ViewMessage& message;
        const DurableChecker& disk;
        std::uint64_t process = 0;
        std::int64_t now_us = 0;
        exchange::ChainTips held;   // by its sender
        std::uint64_t own_seq = 0;  // of the last block of its own in this view on its disk
    };
    std::string leaves(const Leaving& leaving);
    // The proposer of its ballot got this promise.
    void promised(const exchange::ViewMessage& promise);
    // A node takes this as the end of a view, or tells of it.
    std::string decided(const exchange::Decision& decision);

  private:
    struct Promise {
        std::pair<exchange::Ballot, Digest> accepted;  // zero for none
        exchange::ChainTips tips;
    };
    struct Started {
        std::uint64_t process = 0;
        std::int64_t at_us = 0;
        exchange::ChainTips held;  // when it was prepared
        Digest value;              // proposed; zero for none yet
        std::map<std::size_t, Promise> promises;
    };
    // How one view ends.
    struct End {
        std::map<exchange::Ballot, std::map<Digest, std::set<std::size_t>>> accepted;  // durably, by whom
        std::map<exchange::Ballot, Started> ballots;
        std::optional<exchange::Ballot> chosen_in;  // the lowest ballot in which a quorum accepted
        Digest next;
    };

    std::string promise_leaves(const Leaving& leaving, const exchange::BallotState* state) const;
    std::string accepted_leaves(const Leaving& leaving, const exchange::BallotState* state) const;
    std::string prepare_leaves(const Leaving& leaving, const exchange::BallotState* state);
    std::string propose_leaves(const Leaving& leaving, const exchange::BallotState* state);
    static std::string check_value(const exchange::View& view, const Started& ballot,
                                   const exchange::View& next);
    std::string choose(const Digest& view, const exchange::View& next);

    std::string check_members(const exchange::View& old, const exchange::View& next);

    const AdmissionBook& admission_;
    RareStates& rare_;
    std::set<PublicKey> were_members_;
    Digest first_, latest_;
    std::map<Digest, exchange::View> views_;
    std::map<Digest, End> ends_;
    std::map<PublicKey, std::map<Digest, exchange::BallotState>> durable_;
};

}  // namespace peerbook::sim

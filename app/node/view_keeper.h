// Which view this node is in, and what it does about the next one: who is silent, whose turn it is, who asks
// to join, and what peers in older views need to know. The consensus itself is exchange::ViewChange.
//
//   suspected   a member of which nothing was heard for T_suspect
//   heard       connected, and heard of within half of it: with a quorum of those a ballot may begin
//   joiners     keys that view 1 names and that are not members now; they ask every second, and may come in
//               when they hold nearly all blocks and their hold-off is over, which doubles each time they are
//               dropped
//   closed      the decisions of past views, to be told to whoever is still in one of them
//
// Logic thread only. Pure: time is an argument. The caller appends blocks that it accepted before it calls
// step(), and calls it only while no own block is under way to the disk.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "app/node/effects.h"
#include "app/node/peer_messages.h"
#include "base/random.h"
#include "base/time.h"
#include "exchange/ordering/view_change.h"

namespace peerbook::app {

struct ViewKeeperOptions {
    // T_suspect; zero: nobody is ever suspected.
    Duration suspect_after;
    Duration join_interval = Duration::seconds(1);
    Duration hold_off = Duration::seconds(2);  // after the first drop
    Duration hold_off_max = Duration::seconds(300);
    Duration hold_off_forget = Duration::seconds(600);  // a member for so long starts at the first again
    exchange::ViewChangeTimes times;
};

class ViewKeeper {
  public:
    static constexpr std::size_t inbox_max = 256;           // messages that wait for a step(); then dropped
    static constexpr std::size_t closed_views_max = 1'024;  // known to peers that are behind; then forgotten
    static constexpr std::uint64_t joiner_lag_max = 64;     // blocks that one who joins may still lack
    static constexpr Duration other_view_interval = Duration::milliseconds(200);

    // The ledger is in its first view. `ledger` and `signer` outlive this.
    ViewKeeper(const exchange::OpenLedger& ledger, const Signer& signer, ViewKeeperOptions options,
               Random random);

    // --- start ---
    void restore(const exchange::BallotState& state) { change_->restore(state); }
    // The ledger has installed `decision`, which ended `closed`. `now`: none while the journal is replayed.
    void installed(const exchange::View& closed, const exchange::Decision& decision,
                   std::optional<MonoTime> now);

    // The ledger is another one, or none.
    void rebound();

    // --- inputs ---
    void heard(const PublicKey& peer, MonoTime now) { heard_[peer] = now; }
    void disconnected(const PublicKey& peer);
    void on_message(exchange::ViewMessage message, MonoTime now);
    void on_decision(exchange::Decision decision, const PublicKey& from);
    void appended(std::uint64_t record, std::uint64_t ticket) { tickets_.push_back({record, ticket}); }
    void on_durable(std::uint64_t ticket, Effects& effects);

    // What the node says of itself.
    struct Own {
        bool may_vote = false;  // member, and its store is known to be whole
        bool caught_up = false;
        const std::set<PublicKey>& connected;
    };
    struct Step {
        std::vector<exchange::ViewChangeOutput::Record> records;  // append, then appended()
        std::set<PublicKey> fetch_from;                           // tell them what blocks are here
        std::optional<exchange::Decision> install;
    };
    Step step(MonoTime now, const Own& own, Effects& effects);

    // --- reading ---
    // No block may be made: this member promised to end the view, or is about to be asked to.
    bool is_stopped() const;
    bool wedged() const { return change_->wedged(); }
    bool is_suspected(const PublicKey& member, MonoTime now) const;
    // How often each member lets the others hear of it.
    std::optional<Duration> alive_interval() const;
    // What one in this closed view needs; null if it is not known here.
    struct Closed {
        Digest digest;
        exchange::View view;
        exchange::ChainTips cut;
        SharedBytes decision;
    };
    const Closed* closed(const Digest& view) const;
    // A peer is in another view: true if it is to be told which one this node is in, not too often.
    bool other_view_due(const PublicKey& peer, MonoTime now);
    bool may_join(const PublicKey& key) const;

  private:
    struct Joiner {
        exchange::ChainTips tips;
        MonoTime asked;
    };
    struct Membership {
        std::uint32_t drops = 0;
        std::optional<MonoTime> dropped, joined;
    };

    void begin();
    void note_members(const exchange::View& closed, MonoTime now);
    Duration hold_off(const Membership& membership) const;
    bool may_come_in(const PublicKey& key, const Joiner& joiner, MonoTime now) const;
    exchange::Outlook outlook(MonoTime now, const Own& own) const;
    void ask_to_join(MonoTime now, const Own& own, Effects& effects);
    void take(exchange::ViewChangeOutput out, Step& step, Effects& effects) const;

    const exchange::OpenLedger& ledger_;
    const Signer& signer_;
    const ViewKeeperOptions options_;
    Random random_;
    std::vector<PublicKey> admissible_;
    std::unique_ptr<exchange::ViewChange> change_;
    std::deque<exchange::ViewMessage> inbox_;
    std::deque<std::pair<std::uint64_t, std::uint64_t>> tickets_;  // record, ticket of its append
    std::map<PublicKey, MonoTime> heard_;                          // members, and connected peers
    std::map<PublicKey, Joiner> joiners_;                          // of admissible_
    std::map<PublicKey, MonoTime> leaving_;
    std::map<PublicKey, Membership> memberships_;  // of admissible_
    std::map<PublicKey, MonoTime> told_;           // connected peers
    std::deque<Closed> closed_;
    std::optional<MonoTime> last_step_, next_join_;
};

}  // namespace peerbook::app

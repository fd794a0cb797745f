// Which view this node is in, and what it does about the next one: who is silent, whose turn it is, who asks
// to join, and what peers in older views need to know. The consensus itself is exchange::ViewChange.
//
//   suspected   a member of which nothing was heard for T_suspect; or that holds up settling for so long:
//               commands wait, others acknowledged them, and it made no block above what is settled; or that
//               is convicted: it signed two blocks for one place. That needs no proof where views are voted
//               on: acceptors take any reason to leave somebody out, since only progress depends on it
//   heard       connected, and heard of within half of it: with a quorum of those a ballot may begin
//   leaving     members that ask to be left out; not while all that are heard ask it, for then nobody stays
//   joiners     keys that exchange::Admission lets in and that are not members now; they ask every second,
//               with the invitations that they have, and may come in
//               when they hold nearly all blocks and their hold-off is over, which doubles each time they are
//               dropped; leaving is no drop, unless it follows on joining at once
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
    Duration leave_interval = Duration::milliseconds(500);  // a leaver asks again
    // A leaver is left out so long after it asked: where all stop together, they keep their view.
    Duration leave_grace = Duration::milliseconds(300);
    Duration hold_off = Duration::seconds(2);  // after the first drop
    Duration hold_off_max = Duration::seconds(300);
    Duration hold_off_forget = Duration::seconds(600);  // a member for so long starts at the first again
    // Decisions kept for peers that are behind; older ones are forgotten. Some 50,000 of a small view.
    std::size_t closed_bytes_max = 48u << 20;
    exchange::ViewChangeTimes times;
    exchange::AdmissionPolicy admission;  // the network's
};

class ViewKeeper {
  public:
    static constexpr std::size_t inbox_max = 256;        // messages that wait for a step(); then dropped
    static constexpr std::uint64_t joiner_lag_max = 64;  // blocks that one who joins may still lack
    // That ask to join now. Then one who stopped asking makes room, or a stranger for a former member.
    static constexpr std::size_t joiners_max = 128;
    static constexpr std::size_t memberships_max = 1'024;  // former members whose hold-off is remembered
    static constexpr std::size_t own_invitations_max = 256;
    static constexpr Duration apart_interval_default = Duration::milliseconds(2'500);
    static constexpr Duration other_view_interval = Duration::milliseconds(200);

    // The ledger is in its first view, whose members may always come back. `ledger` and `signer` outlive
    // this.
    ViewKeeper(const exchange::OpenLedger& ledger, const Signer& signer, ViewKeeperOptions options,
               Random random);

    // --- start ---
    // The ledger is another one, or none: forgets what was known of the one before.
    void began();
    void restore(const exchange::BallotState& state) { change_->restore(state); }
    // The ledger has installed `decision`, which ended `closed`. `now`: none while the journal is replayed.
    void installed(const exchange::View& closed, const exchange::Decision& decision,
                   std::optional<MonoTime> now);

    // The ledger in view `closed` was forked, and `fork` begins the new one. Its members are those who may
    // come back; peers in closed views still find here what they lack of them.
    void forked(const exchange::View& closed, const exchange::View& fork);

    // --- inputs ---
    void heard(const PublicKey& peer, MonoTime now) { heard_[peer] = now; }
    // Of a member that is not connected, by gossip. True: the first time of late.
    bool heard_by_relay(const PublicKey& member, MonoTime now);
    void disconnected(const PublicKey& peer);
    void on_message(exchange::ViewMessage message, Now now);
    // What this node presents when it asks to join; genuine. Replaces what was there.
    void set_invitations(std::vector<exchange::Invitation> invitations);
    // It signed two blocks for one place: it is left out by the next view, and never asked in again. False:
    // that was known, or it was never a member here.
    bool convict(const PublicKey& member);
    bool is_convicted(const PublicKey& key) const { return convicted_.contains(key); }
    void on_decision(exchange::Decision decision, const PublicKey& from);
    void appended(std::uint64_t record, std::uint64_t ticket) { tickets_.push_back({record, ticket}); }
    void on_durable(std::uint64_t ticket, Effects& effects);

    // What the node says of itself.
    struct Own {
        bool may_vote = false;  // member, and its store is known to be whole
        bool caught_up = false;
        const std::set<PublicKey>& connected;
        bool leaving = false;  // asks to be left out, and does not ask to join
    };
    struct Step {
        std::vector<exchange::ViewChangeOutput::Record> records;  // append, then appended()
        std::set<PublicKey> fetch_from;                           // tell them what blocks are here
        std::optional<exchange::Decision> install;
        std::set<exchange::MemberIndex> take_branches;  // before anything is fetched
        std::optional<std::string> conflict;            // as ViewChangeOutput has it
    };
    // In each batch of inputs, also when no step is made: time passes, and somebody may be silent.
    void note_running(MonoTime now, Effects& effects);
    Step step(MonoTime now, const Own& own, Effects& effects);

    // --- reading ---
    // No block may be made: this member promised to end the view, or is about to be asked to.
    bool is_stopped() const;
    bool wedged() const { return change_->wedged(); }
    bool is_suspected(const PublicKey& member, MonoTime now) const;
    bool holds_up_settling(const PublicKey& member) const { return holding_up_.contains(member); }
    // Another member is connected that stays, and this node with the connected ones is a quorum; then asking
    // to leave leads to something.
    bool can_leave(MonoTime now, const Own& own) const;
    // Alive, as far as is known, though not connected: heard of by relays within four intervals.
    bool is_apart(const PublicKey& member, const std::set<PublicKey>& connected, MonoTime now) const;
    // How often each member lets those hear of it that it is not connected to.
    Duration apart_interval() const { return alive_interval().value_or(apart_interval_default); }
    // How often each member lets the others hear of it.
    std::optional<Duration> alive_interval() const;
    // What one in this closed view needs; null if it is not known here.
    struct Closed {
        Digest digest;
        exchange::View view;
        exchange::ChainTips cut;
        SharedBytes decision;  // empty: a fork ended it
    };
    const Closed* closed(const Digest& view) const;
    // A peer is in another view: true if it is to be told which one this node is in, not too often.
    bool other_view_due(const PublicKey& peer, MonoTime now);
    // It asked to join lately, and is among those who may be let in.
    bool asks_to_join(const PublicKey& key, MonoTime now) const {
        const auto joiner = joiners_.find(key);
        return joiner != joiners_.end() && asks_to_join(joiner->second, now);
    }
    // This node asked to be a member, and the others may still let it in: until when.
    std::optional<MonoTime> may_be_let_in_until() const;
    // This node is no member and may not become one now: why, for people. Else empty.
    std::string joining_needs(WallTime now) const;

  private:
    struct Joiner {
        exchange::ChainTips tips;
        std::vector<exchange::Invitation> grounds;
        MonoTime asked;
    };
    struct Membership {
        std::uint32_t drops = 0;
        std::optional<MonoTime> dropped, joined;
    };
    struct Leaver {
        MonoTime first, last;  // asked
    };

    void begin();
    void note_members(const exchange::View& closed, MonoTime now);
    Duration hold_off(const Membership& membership) const;
    void note_join(exchange::ViewMessage message, Now now);
    bool make_room_for(const PublicKey& joiner, MonoTime now);
    bool asks_to_join(const Joiner& joiner, MonoTime now) const;
    Membership& membership_of(const PublicKey& key);
    std::vector<exchange::Invitation> own_invitations() const;
    bool may_come_in(const PublicKey& key, const Joiner& joiner, MonoTime now) const;
    void note_leave(const PublicKey& member, MonoTime now);
    bool asked_to_leave(const PublicKey& member, MonoTime now) const;
    bool is_heard(const PublicKey& member, MonoTime now, const Own& own) const;
    void watch_settling(MonoTime now, bool stood_still, Effects& effects);
    exchange::Outlook outlook(MonoTime now, const Own& own, Effects& effects) const;
    void ask_to_join(MonoTime now, const Own& own, Effects& effects);
    void ask_to_leave(MonoTime now, const Own& own, Effects& effects);
    void tell_members(exchange::ViewMessage message, Effects& effects) const;
    void take(exchange::ViewChangeOutput out, Step& step, Effects& effects) const;

    const exchange::OpenLedger& ledger_;
    const Signer& signer_;
    const ViewKeeperOptions options_;
    Random random_;
    exchange::Admission admission_;
    std::vector<exchange::Invitation> invitations_;  // of this node
    std::unique_ptr<exchange::ViewChange> change_;
    std::deque<exchange::ViewMessage> inbox_;
    std::deque<std::pair<std::uint64_t, std::uint64_t>> tickets_;  // record, ticket of its append
    std::map<PublicKey, MonoTime> heard_;                          // members, and connected peers
    std::map<PublicKey, MonoTime> by_relay_;                       // members that were not connected then
    std::set<PublicKey> convicted_;                                // at most as many as were members
    std::map<PublicKey, Joiner> joiners_;
    std::map<PublicKey, Leaver> leaving_;
    std::map<PublicKey, Membership> memberships_;
    std::map<PublicKey, MonoTime> told_;  // connected peers
    std::deque<Closed> closed_;
    std::size_t closed_bytes_ = 0;  // of their decisions
    std::optional<MonoTime> last_step_, next_join_, last_join_, next_leave_;
    std::optional<MonoTime> settling_waits_since_;  // it moved last, or commands began to wait
    std::uint64_t settled_round_ = 0;
    std::set<PublicKey> holding_up_;
};

}  // namespace peerbook::app

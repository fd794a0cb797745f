// One node's part in ending one view: single-decree Paxos among the members of the view, whose first phase
// also stops the view. RULES.md, rules 9 to 14; Lamport, "Paxos made simple", for the consensus.
//
//   proposer  PREPARE(b) ─→ all                 b is promised to itself first, durably
//   member    PROMISE(b, what I hold, what I accepted) ─→ proposer; it is wedged from then on: emits nothing
//             in this view any more
//   proposer  fetches what it lacks of the promised blocks, then PROPOSE(b, next view): the value that the
//             highest ballot accepted, else the union of what was promised, without those who are suspected
//   member    fetches what it lacks of the cut, stores the value, ACCEPTED(b, digest) ─→ proposer
//   proposer  a quorum of this view accepted: decided; the votes are the next view's certificate
//
// Everything that a message claims is durable before it leaves: promises and values go out as records first,
// and on_stored() releases the message. What the records' place in the journal then says of blocks holds as
// well if the caller appends accepted blocks before it calls in here, and has no own block under way.
//
// Safety uses no clock. Times and suspicions only decide who proposes when: members take turns by seniority,
// one that fails backs off at random, and nobody proposes without hearing a quorum, so that a minority does
// not wedge itself. Each ballot of a view has twice the time of the one before it, by its number, which all
// see: so disks and links that are slower than anybody thought end a view after some ballots. Logic thread
// only. Pure: time is an argument. Memory: one promise, vote and message a member.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "exchange/ordering/open_ledger.h"
#include "exchange/ordering/view_messages.h"

namespace peerbook::exchange {

struct ViewChangeTimes {
    Duration turn = Duration::milliseconds(300);  // how much longer each member waits than its senior
    Duration attempt = Duration::seconds(3);      // then ballot 1 is given up, and ballot n after 2^(n - 1)
    std::uint32_t attempt_doublings_max = 4;      // of that; so at most 48 s
    Duration resend = Duration::milliseconds(500);
    std::uint32_t backoff_doublings_max = 5;  // of `turn`, after ballots that failed
};

// What the node thinks of the others; by member of the view, itself included.
struct Outlook {
    std::vector<bool> suspected;  // silent for T_suspect, or signed two blocks for one place
    std::vector<bool> convicted;  // the latter
    std::vector<bool> heard;      // lately; the node itself is
    std::vector<bool> leaving;
    std::vector<PublicKey> joiners;  // caught up, asked lately, and may be let in now
    // Of all joiners that need some, each genuine; PROPOSE carries those of whom it lets in.
    std::vector<Invitation> invitations;
};

struct ViewChangeOutput {
    struct Send {
        PublicKey to;
        SharedBytes message;
    };
    struct Record {
        std::uint64_t id = 0;
        Bytes bytes;  // an encoded BallotState; the last one counts
    };
    std::vector<Send> sends;
    std::vector<Record> records;     // make them durable in this order, then on_stored()
    std::set<PublicKey> fetch_from;  // they hold blocks of this view that are lacking here
    // They signed two blocks for one place, and the one that is missing here is needed:
    // OpenLedger::take_branches(), before anything is fetched.
    std::set<MemberIndex> take_branches;
    // A view was decided behind a log that is not this node's, and never will be.
    std::optional<std::string> conflict;
    std::optional<Decision> install;
    std::vector<std::string> alarms;  // what no honest member's doing explains; for the operator
    std::optional<MonoTime> wake_at;
};

class ViewChange {
  public:
    // Of the view in which `ledger` is now; make another one after install(). `admission`: who may become a
    // member. `ledger` and `signer` outlive this.
    ViewChange(const OpenLedger& ledger, const Signer& signer, Admission admission, ViewChangeTimes times,
               Random random);
    // Only these keys may.
    ViewChange(const OpenLedger& ledger, const Signer& signer, const std::vector<PublicKey>& admissible,
               ViewChangeTimes times, Random random)
        : ViewChange(ledger, signer, Admission({}, admissible), times, random) {}

    // The last record that this node stored, if it is of this view. Before anything else.
    void restore(const BallotState& state);

    // True once it promised: it never emits in this view again.
    bool wedged() const { return promised_.has_value(); }
    // A ballot of this node is under way, or a decision waits for blocks of its cut.
    bool proposing() const { return attempt_.has_value(); }
    bool is_decided() const { return decided_.has_value(); }

    // A message that verify_view_message() took, for this view; join and leave are the caller's business.
    // Precondition: this node's store is known to hold all that it ever signed.
    void on_message(const ViewMessage& message, MonoTime now, ViewChangeOutput& out);
    // One that verify_decision() took. `from` has the blocks of its cut.
    void on_decision(Decision decision, const PublicKey& from);
    // This record, and all before it, are durable.
    void on_stored(std::uint64_t record, ViewChangeOutput& out);
    // After each batch of inputs, and at wake_at: whatever time, blocks that came and votes make due.
    void step(MonoTime now, const Outlook& outlook, ViewChangeOutput& out);

  private:
    // A view, and why it may have its new members.
    struct Value {
        View next;
        std::vector<Invitation> invitations;
    };
    struct Proposal {
        Ballot ballot;
        Value value;
    };
    enum class Answer : std::uint8_t { promise, accepted };
    struct Unstored {
        std::uint64_t record = 0;
        Answer answer;
        Ballot ballot;
    };
    struct Promised {
        std::uint64_t settled_round = 0;
        ChainTips tips;
        std::optional<AcceptedValue> accepted;
    };
    // A ballot of this node's own.
    struct Attempt {
        Ballot ballot;
        MonoTime started, resend_at;
        bool is_prepared = false;  // its own promise is durable
        std::vector<std::optional<Promised>> promises;
        std::optional<Value> value;
        Digest value_digest;
        std::vector<std::optional<Signature>> votes;
    };

    const View& view() const { return ledger_.view(); }
    PublicKey proposer_of(const Ballot& ballot) const { return view().members[ballot.proposer.value()]; }
    ViewMessage blank(ViewMessageKind kind, const Ballot& ballot) const;
    void send(const PublicKey& to, ViewMessage message, ViewChangeOutput& out) const;
    void send_to_others(ViewMessage message, ViewChangeOutput& out) const;
    void store(Answer answer, const Ballot& ballot, ViewChangeOutput& out);

    void take_prepare(const Ballot& ballot, ViewChangeOutput& out);
    void take_propose(const Ballot& ballot, const Value& value, ViewChangeOutput& out);
    std::size_t joiners_in(const View& next) const;
    const char* value_fault(const Value& value) const;
    void try_accept(MonoTime now, ViewChangeOutput& out);
    void answer_promise(const Ballot& ballot, ViewChangeOutput& out);
    void answer_accepted(const Ballot& ballot, ViewChangeOutput& out);
    void refuse(const Ballot& ballot, ViewChangeOutput& out) const;

    void begin(MonoTime now, ViewChangeOutput& out);
    void abandon(MonoTime now);
    Duration time_of(const Ballot& ballot) const;
    void advance(MonoTime now, const Outlook& outlook, ViewChangeOutput& out);
    std::vector<bool> held_promises(MonoTime now, ViewChangeOutput& out);
    void propose(Value value, ViewChangeOutput& out);
    Value make_value(const Outlook& outlook) const;
    ChainTips cut_of_promises(const Outlook& outlook) const;
    void let_in(const Outlook& outlook, Value& value) const;
    void want_branches(const ChainTips& tips, ViewChangeOutput& out);
    void decide_if_voted();
    void resend(ViewChangeOutput& out);
    void take_turn(MonoTime now, const Outlook& outlook, ViewChangeOutput& out);
    void try_install(MonoTime now, ViewChangeOutput& out);
    void fetch_cut(MonoTime now, ViewChangeOutput& out);
    void fetch(const PublicKey& from, MonoTime now, ViewChangeOutput& out);
    void alarm(std::string what, ViewChangeOutput& out);

    const OpenLedger& ledger_;
    const Signer& signer_;
    const Admission admission_;
    const ViewChangeTimes times_;
    Random random_;
    const std::optional<MemberIndex> self_;
    const Digest view_digest_;

    // Durable, once stored.
    std::optional<Ballot> promised_;
    std::optional<AcceptedValue> accepted_;

    std::optional<ChainTips> promised_tips_;  // what was durable in front of the promise's record
    std::uint64_t promised_settled_round_ = 0;
    std::deque<Unstored> unstored_;
    std::uint64_t last_record_ = 0;
    std::optional<Proposal> pending_;  // a value that waits for blocks of its cut
    std::optional<Attempt> attempt_;
    std::optional<Decision> decided_;
    PublicKey decided_by_;

    std::uint64_t highest_number_ = 0;  // of ballots seen
    std::optional<MonoTime> wanted_since_;
    MonoTime quiet_until_;  // another one's ballot, or the own back-off, is given time
    // As long as its proposer is heard, a later ballot is given more.
    struct Patience {
        MemberIndex proposer;
        MonoTime until;
    };
    std::optional<Patience> patience_;
    std::uint32_t failures_ = 0;
    std::map<PublicKey, MonoTime> fetch_due_;  // members, and who told of a decision
    std::set<std::string> alarmed_;
};

}  // namespace peerbook::exchange

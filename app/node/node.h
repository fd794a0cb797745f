// One node of an exchange, as a state machine: inputs in, effects out. No clock, thread, disk or socket; the
// effect runner or a simulator drives it.
//
// A command's way: submit() → Batcher → make_block → AppendEffect → on_durable() → accepted into the own DAG,
// pushed to all peers → executed → answered. So nothing is sent, executed or acknowledged before it is on
// disk.
//
// Inputs only change state; flush() after a batch of inputs executes, emits and asks for what is due.
//
// Its view ends when members agree on the next one (ViewKeeper, node_views.cc). What a view change leaves out
// of this node's blocks is issued again in a later view, with the same nonces; while the node is not let in,
// its users wait. Logic thread only.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "app/node/batcher.h"
#include "app/node/block_sync.h"
#include "app/node/chains.h"
#include "app/node/effects.h"
#include "app/node/founding.h"
#include "app/node/gossip_gate.h"
#include "app/node/known_orders.h"
#include "app/node/own_blocks.h"
#include "app/node/sign_of_life.h"
#include "app/node/trade_tape.h"
#include "app/node/unsettled.h"
#include "app/node/view_keeper.h"
#include "base/keys.h"
#include "exchange/ordering/attestation.h"
#include "exchange/ordering/evidence.h"
#include "exchange/ordering/open_ledger.h"

namespace peerbook::app {

struct NodeOptions {
    Duration batch_delay = Duration::milliseconds(1);  // the least time between two own blocks under load
    Duration ack_delay = Duration::milliseconds(5);    // T_ack of rule 7, exchange/ordering/RULES.md
    // Members vote for the settled state at checkpoints, and when nothing was settled for so long.
    Duration vote_quiet = Duration::milliseconds(250);
    Duration relay_retry = Duration::seconds(2);     // an observer sends a batch again to another member
    Duration relay_timeout = Duration::seconds(30);  // then it tells the client that it does not know
    // The same as relay_retry where no member is connected and others carry what it says to one. Also how
    // long they are tried.
    Duration far_retry = Duration::seconds(6);
    Duration settled_wait =
        Duration::seconds(55);                   // then a client that waits for settling is told to ask again
    std::size_t pending_commands_max = 500'000;  // waiting for a block; above, clients are told to come again
    std::size_t open_requests_max = 100'000;
    // When something is due by time: how much longer each member waits than the one before it.
    Duration deadline_stagger = Duration::milliseconds(50);
    // The least time since the last own block then, so that many expiries cannot make many blocks.
    Duration deadline_spacing = Duration::milliseconds(25);
    // A restarted member makes no block for a deadline until nothing new has come for this long: such a block
    // stands before all that it missed, and would make that happen at the block's time.
    Duration deadline_grace = Duration::seconds(2);
    // As long as others say that they have more than came so far, this long; so that a member that says so in
    // vain holds up nothing for ever.
    Duration deadline_patience = Duration::seconds(30);
    std::size_t known_orders_max = 400'000;  // orders whose ids and ends are remembered
    // Commands of one hosted account that wait to be settled; above, its client is told to come again.
    // Cancels and reductions may use twice as much, so that one can always get out.
    std::uint64_t unsettled_commands_per_account_max = 100'000;
    exchange::LedgerLimits ledger;
    ViewKeeperOptions views;
    // Who says which ledger this is: the network file by its members, the operator by --found (view 1 is this
    // node alone), or the peers (view 0; rule 19).
    enum class LedgerSource : std::uint8_t { network_file, operator_found, peers };
    LedgerSource ledger_source = LedgerSource::network_file;
    FoundingOptions founding;
    bool leave_on_stop = true;  // after drain() the other members are asked to go on without this node
    Duration leave_after = Duration::milliseconds(500);  // as long its own commands may take to settle first
    Duration leave_timeout = Duration::seconds(4);       // then it ends without having left
    std::uint64_t random_seed = 0;
    std::vector<GivenUpLedger> given_up;  // by this node's operator, latest last
};

class Node {
  public:
    // `signer` and `verifier` outlive the node.
    Node(exchange::NetworkRules rules, exchange::View view, const Signer& signer, const Verifier& verifier,
         NodeOptions options);
    ~Node();

    // --- start: the journal's blocks and records in order, then recovered() once. Each block is verified for
    // the view in which the ledger is then. ---
    Status recover(exchange::VerifiedBlock block, Effects& effects);
    Status recover_record(ByteView record, Effects& effects);
    void recovered(Now now, Effects& effects);

    // --- inputs ---
    void submit(Ticket ticket, SubmitRequest request, Now now, Effects& effects);
    void ask(Ticket ticket, Query query, Now now, Effects& effects);
    void on_peer_connected(const PublicKey& peer, Now now, Effects& effects);
    void on_peer_disconnected(const PublicKey& peer);
    void on_block(const PublicKey& from, exchange::VerifiedBlock block, Now now, Effects& effects);
    // --- what came by gossip, each answered by a GossipAnswerEffect (node_gossip.cc). `from` passed it on.
    // ---
    void on_gossiped_block(const PublicKey& from, const GossipId& id, exchange::VerifiedBlock block, Now now,
                           Effects& effects);
    void on_gossiped_view_message(const PublicKey& from, const GossipId& id, exchange::ViewMessage message,
                                  Now now, Effects& effects);
    // `id`: none if it came from a peer that does not gossip.
    void on_sign_of_life(const PublicKey& from, const std::optional<GossipId>& id, const SignOfLife& message,
                         Now now, Effects& effects);
    // After the last block of a blocks message.
    void on_blocks_taken(const PublicKey& from, bool more);
    void on_version_vector(const PublicKey& from, const VersionVectorMessage& message, Now now,
                           Effects& effects);
    // Verified for the view in which the ledger is, or was when it came.
    void on_view_message(const PublicKey& from, exchange::ViewMessage message, Now now, Effects& effects);
    void on_decision(const PublicKey& from, exchange::Decision decision, Now now);
    void on_ledger_news(const PublicKey& from, LedgerNews news, Now now, Effects& effects);
    // The peer sent something that only means something in another view than this node's.
    void on_other_view(const PublicKey& from, Now now, Effects& effects);
    // This node's own, genuine; presented when it asks to be a member.
    void set_invitations(std::vector<exchange::Invitation> invitations) {
        views_.set_invitations(std::move(invitations));
    }
    // That verify_evidence() took.
    void on_evidence(const PublicKey& from, const exchange::Evidence& evidence, Now now, Effects& effects);
    void on_holdings(const PublicKey& from, const HoldingsMessage& message, Now now, Effects& effects);
    void on_want(const PublicKey& from, const std::vector<Digest>& digests, Effects& effects);
    // A verified batch that an observer relays.
    void on_signed_batch(const PublicKey& from, Bytes encoded, const exchange::CommandBatch& batch, Now now,
                         Effects& effects);
    // --- sealed, from nodes that need not be connected (node_far.cc) ---
    // Its batch is verified; `encoded` is that batch.
    void on_far_batch(const PublicKey& from, const FarBatch& message, Bytes encoded,
                      const exchange::CommandBatch& batch, Effects& effects);
    void on_far_answer(const PublicKey& from, const FarAnswer& answer, Now now);
    // Something that this node had sealed to it was not acknowledged.
    void on_undeliverable(const PublicKey& node, Now now);
    void on_durable(std::uint64_t append_ticket, Now now, Effects& effects);
    void on_blocks_read(const PublicKey& peer, bool more, const std::vector<SharedBytes>& blocks,
                        Effects& effects);
    // The root that a StateRootEffect asked for.
    void on_state_root(std::uint64_t commit, const Digest& root);
    // Ends a batch of inputs.
    void flush(Now now, Effects& effects);
    // No more submissions; what is pending is still made durable and answered, and a member leaves its view
    // (rule 16), within leave_timeout. idle() tells when that is done.
    void drain() { draining_ = true; }
    bool idle() const;

    const exchange::OpenLedger& ledger() const { return ledger_; }
    // Zero where the node has none yet, or one that is not established.
    Digest established_ledger() const { return is_established() ? ledger_id() : Digest{}; }
    std::uint64_t attested_commits() const { return attestation_.attested(); }
    // Why it stopped trading for good; empty: it did not.
    const std::string& halted() const { return halted_; }
    const TradeTape& tape() const { return tape_; }
    // With the markets created so far, and those whose creation was undone lately; see NodeService::rules().
    std::shared_ptr<const exchange::NetworkRules> rules() const { return rules_; }

  private:
    using Origins = std::vector<std::optional<Origin>>;
    using CommandKey = std::pair<exchange::AccountId, exchange::CommandRef>;

    struct Request {
        std::vector<CommandResult> results;
        std::vector<exchange::AccountId> accounts;  // of each command
        std::size_t open = 0;                       // commands without a result
        std::uint64_t block = 0;
        bool all_settled = true;  // what was answered so far was settled then
        bool by_nonce = false;
        Grade wait_for = Grade::provisional;
        MonoTime since;
        std::uint64_t last_commit = 0;  // settled, with one of its commands; for one that waits for votes
    };
    // The commands of one block that somebody here waits for, by position.
    struct Carried {
        Origins origins;
        std::vector<CommandKey> keys;        // of relayed commands; empty for an own block
        std::vector<std::uint64_t> batches;  // that were relayed, by id
    };
    struct SettledWaiter {
        Ticket ticket;
        MonoTime since;
    };
    using SettledWaiters = std::map<std::uint64_t, std::vector<SettledWaiter>>;
    struct InFlight {
        std::uint64_t append_ticket = 0;
        exchange::VerifiedBlock block;
        Origins origins;
    };
    // An observer's batch, from when it is written down until it is settled.
    struct Relayed {
        std::uint64_t id = 0;  // rising
        SharedBytes encoded;
        MonoTime first_sent;
        std::optional<MonoTime> last_sent;
        std::uint64_t append_ticket = 0;
        std::uint64_t indexes = 0;
        std::vector<CommandKey> all;   // of its commands
        std::vector<CommandKey> keys;  // of commands that a client waits for
        bool is_executed = false;      // a block of this view with it was
        bool is_own = false;           // this node became a member and put it into a block of its own
        bool awaits_answer = false;    // sent to a member that is not connected, which did not answer yet
        // A client may have been told what became of it, so it is sent until it has run.
        bool is_promised = false;
        // It had run when the log ended with this round; so once that is settled, it is.
        std::optional<std::uint64_t> ran_by;
    };
    // `commands`: how many there are, a mass quote counted as its quotes.
    Status admit(const SubmitRequest& request, std::uint64_t commands) const;
    Status submit_signed(Ticket ticket, SubmitRequest& request, Now now);
    Status submit_intents(Ticket ticket, SubmitRequest& request, Now now, Effects& effects);
    Status check_accounts(const SubmitRequest& request) const;
    // What a client's command has before it is executed.
    CommandResult blank_result(const exchange::AccountId& account, exchange::CommandRef ref,
                               const exchange::CommandBody& body, bool with_ids) const;
    // Of what is to be changed: its own name, and its market.
    struct Target {
        exchange::CommandRef ref;
        exchange::MarketId market;
    };
    std::optional<Target> target_of(const exchange::OrderId& order, const exchange::AccountId& account);
    std::optional<exchange::MarketId> market_of_target(const Intent& intent);
    Status check_target_markets(const SubmitRequest& request);
    void process(const exchange::LedgerUpdate& update, Effects& effects);
    // Fills in the results of one commit's commands and answers requests that are complete with it.
    void answer_commit(const exchange::Commit& commit, Carried& carried, Grade grade, Effects& effects);
    void fold(const exchange::Event& event, Request& request, std::size_t position);
    void fold_order(const exchange::Event& event, bool by_nonce, CommandResult& result);
    void fold_fill(const exchange::Event& fill, bool as_maker, bool by_nonce, CommandResult& result);
    void answer_settled(SettledWaiters::iterator waiting, Effects& effects);
    void answer_attested(Effects& effects);
    void remember_order(const exchange::Event& event, const CommandResult& result);
    void publish_markets(const exchange::LedgerUpdate& update, Effects& effects);
    void ask_for_state_root(Effects& effects);
    // --- votes for settled states (node_votes.cc, rule 17) ---
    void count_vote(const exchange::OpenLedger::AcceptedBlock& block);
    void step_votes(Now now, Effects& effects);
    // An empty block is owed only because of a vote: nothing else is going on that could carry it.
    bool vote_due() const;
    std::optional<exchange::StateVote> vote_to_cast() const;
    // Trading stops for good in this process: this node's log or state is not that of the others.
    void halt(std::string why, Effects& effects);
    std::string alarm() const;
    // --- members that sign two blocks for one place (node_evidence.cc, rule 17) ---
    // Its author's other block of that seq is here. False: the author is this node itself.
    bool note_twin(exchange::MemberIndex author, const Digest& held, const exchange::VerifiedBlock& block,
                   Effects& effects);
    // `evidence`: none if only this node's own eyes tell.
    void convict(const PublicKey& member, const Digest& view, std::uint64_t seq, const Digest& one,
                 const Digest& other, const exchange::Evidence* evidence, Effects* effects);
    void take_branches(exchange::MemberIndex author, Effects& effects);
    Status recover_evidence(ByteView record);
    // What the end of a view takes back, and whether that is because a member cheated.
    Retraction why_void(const exchange::LedgerUpdate& update, const exchange::View& closed,
                        Effects& effects) const;
    // The command was executed before, or is on its way: sending it would only have it refused for its nonce.
    bool relay_would_repeat(const exchange::AccountId& account, exchange::CommandRef ref) const;
    // Which commands of a member's block are ones that this observer relayed.
    void find_relayed(const exchange::VerifiedBlock& block);
    void note_executed(const std::vector<std::uint64_t>& batches);
    // The view ended: what the new log does not hold is to be sent again.
    void relay_again();
    // The batch is settled, or another command took its nonces.
    bool is_done(Relayed& batch) const;
    void finish(const Relayed& batch, Effects& effects);
    void give_up(const Relayed& batch, Effects& effects);
    Relayed make_relayed(SharedBytes encoded, const exchange::CommandBatch& batch);
    Relayed make_relayed(SharedBytes encoded, std::vector<CommandKey> all, std::uint64_t indexes,
                         bool is_hosted);
    void forget_relayed(const Relayed& batch);
    void forget_done();  // while nobody waits yet
    // One command of the request has its result.
    void finish_one(std::map<Ticket, Request>::iterator request, Grade grade, Effects& effects);
    // Executes what is new, not more often than replays allow: a healed partition brings many late blocks,
    // and each replay runs the whole unsettled log again.
    void execute_if_due(Now now, Effects& effects);
    void expire_waits(Now now, Effects& effects);
    void watch_settling(Now now);
    void lose_identity(std::string why, Effects& effects);
    // Whether a quorum of members has said how much of this node's chain it holds, and none holds more than
    // we do.
    bool own_chain_confirmed() const;
    // Offers the block to the ledger, and counts its commands of this node's accounts if it is taken.
    exchange::AcceptOutcome accept(exchange::VerifiedBlock block, WallTime now, bool from_journal = false);
    // What the ledger accepted since the last call, in its order: on its way to the journal (own blocks are
    // there already), remembered for peers, passed on, votes counted. Whatever is appended behind it stands
    // behind those blocks when the journal is replayed. Not while that is done.
    void append_accepted(Effects& effects);
    void append(exchange::MemberIndex author, std::uint64_t seq, std::uint64_t round, SharedBytes block,
                Effects& effects);
    void append_record(RecordKind kind, ByteView record, Effects& effects);
    // What became of it; none if it was not offered to the ledger.
    std::optional<exchange::AcceptKind> take_block(const PublicKey& from, exchange::VerifiedBlock block,
                                                   Now now, Effects& effects);
    // --- members that this node is not connected to (node_gossip.cc) ---
    void note_apart(const PublicKey& member, MonoTime now);
    void pass_on(const Digest& accepted, Effects& effects);
    void tell_those_apart(Now now, Effects& effects);
    // View messages to members that are not connected go to all by gossip.
    static void gossip_view_messages(const std::set<PublicKey>& connected, Effects& effects);
    void step_view(Now now, Effects& effects);
    ViewKeeper::Own own_state(MonoTime now);
    // --- leaving (node_leave.cc) ---
    void step_leave(Now now, Effects& effects);
    void end_leave(const std::string& why, bool is_left, Effects& effects);
    bool next_view_began() const;  // a quorum of the present view has made blocks in it
    // What leaving waits for, for log and status.
    std::string leave_waits_for() const;
    bool has_unfinished_work() const;
    std::size_t members_with_blocks() const;  // in this view
    // A peer in another view says what it has there.
    void on_older_or_newer(const PublicKey& from, const VersionVectorMessage& message, Now now,
                           Effects& effects);
    // `now`: none while the journal is replayed.
    void install(const exchange::Decision& decision, std::optional<Now> now, Effects& effects);
    // What both a view change and entering or leaving a ledger do about this node's own commands and place.
    // `made`: own blocks in `closed`. `is_whole`: nobody can hold a block of this node in the new view that
    // is lacking here.
    void enter_view(const exchange::LedgerUpdate& update, std::uint64_t made, bool is_whole,
                    Effects& effects);
    // --- which ledgers there are, and adopting one (node_ledgers.cc) ---
    // The one that this node keeps, or is on its way into; zero for none.
    Digest ledger_id() const { return ledger_first_ ? ledger_first_->ledger() : Digest{}; }
    std::vector<StatusAnswer::OtherLedger> other_ledgers() const;
    LedgersAnswer ledgers() const;
    std::string those_met() const;  // for people
    void ask_to_adopt(Ticket ticket, const AdoptLedger& adopt, Now now, Effects& effects);
    Status check_adopt(const AdoptLedger& adopt, Now now);
    void step_adopt(Now now, Effects& effects);
    GivenUpLedger give_up_ledger(Now now, Effects& effects);
    void keep_ledger(Effects& effects);
    // --- forks (node_fork.cc) ---
    // The fork on the way to the ledger that this node keeps which comes next; null once it is there.
    const exchange::View* next_fork() const;
    void ask_to_fork(Ticket ticket, ForkLedger request, Effects& effects);
    void step_fork(Now now, Effects& effects);
    Result<LedgerNews> decide_fork(const ForkLedger& request, Now now, Effects& effects);
    Result<LedgerNews> new_fork(const ForkLedger& request);
    // Unavailable until each member of the fork that is in this ledger has said what it holds and all of that
    // is here. What members said in another view does not count.
    Status told_by_members(const exchange::View& fork, Now now);
    void ask_members(Now now, Effects& effects);
    Status check_accept(const LedgerNews& news) const;
    // `now`: none while the journal is replayed. Returns how many blocks are void.
    std::size_t install_fork(LedgerNews news, std::optional<Now> now, Effects& effects);
    Status recover_fork(ByteView record, Effects& effects);
    void watch_quorum(Now now);
    // To whoever is in a view that this ledger had before it was forked.
    void serve_forked_view(const PublicKey& peer, const VersionVectorMessage& message, Effects& effects);
    // --- founding (node_founding.cc) ---
    // False where the network file names the ledger, as long as it is that one.
    bool tells_of_its_ledger() const;
    bool speaks_of_our_ledger(const PublicKey& peer) const;
    // Its ledger is this one or goes on from it.
    bool has_blocks_of_our_ledger(const PublicKey& peer) const;
    bool is_established() const;
    LedgerNews news() const;
    void step_founding(Now now, Effects& effects);
    // `now`: none while the journal is replayed.
    void enter_ledger(LedgerNews ledger, std::optional<Now> now, Effects& effects);
    void leave_ledger(std::optional<Now> now, Effects& effects);
    void rebind(exchange::View first, std::optional<Now> now, Effects& effects);
    void tell_of_ledger(Now now, Effects& effects);
    Status recover_ledger(RecordKind kind, ByteView record, Effects& effects);
    void take_back_void_blocks(const exchange::LedgerUpdate& update);
    // The own block of this seq issues the void block again that waits first: those who wait for that one
    // wait for it.
    void move_waiters(std::uint64_t seq, const exchange::VerifiedBlock& block, Origins& origins);
    void keep_alive(Now now, Effects& effects);
    // A member that was left out and whose users' commands wait until it is let in again.
    bool waits_to_return() const;
    // --- own blocks (node_blocks.cc) ---
    // Makes the next one if it is due, else says when to look again. One at a time is on its way to the disk.
    void emit(Now now, Effects& effects);
    // When this member is to emit a block because something is due by time: at once for the first member, a
    // little later for each other one, and once for each such time.
    bool deadline_met(Now now, Effects& effects);
    // Notes whether this member still fetches what it missed. Once a flush.
    void watch_catching_up(Now now);
    bool first_block_due() const;
    void emit_block(Now now, Effects& effects);
    // --- relaying (node_relay.cc) ---
    void relay(Now now, Effects& effects);
    Relayed next_to_relay(Batcher& from, MonoTime now);
    // An observer that nobody lets in has members issue what it made before, and what its users sent since.
    void hand_over_void_blocks(Now now, Effects& effects);
    void relay_void_block(OwnBlocks::Waiting block, MonoTime now, Effects& effects);
    void answer_handed_over(Effects& effects);
    Status recover_handed_over();
    // A restart sends it again if need be, and gives none of its nonces to other commands: whoever executed
    // the earlier ones would answer for the later.
    void write_down(Relayed& batch, Effects& effects);
    Status recover_relayed(ByteView record);
    Status recover_given_up(ByteView record);
    void recovered_relayed(MonoTime now);
    // As far as is executed here, the batch needs no sending.
    bool has_run(const Relayed& batch) const;
    bool is_relay_target(const PublicKey& key) const;
    // --- members that are reached through others (node_far.cc) ---
    // This node observes, and no member is connected, but somebody is.
    bool is_far_from_members() const;
    // What of its batches may be on its way at a time: little enough that the relays' bounds refuse none,
    // which a later one would overtake then. One always may.
    struct FarRoom {
        std::size_t batches = 0, bytes = 0;  // on their way
        static constexpr std::size_t batches_max = 128, bytes_max = 256 * 1024;
        // False: it has to wait, and so do those behind it.
        bool take(std::size_t size) {
            if (batches > 0 && (batches >= batches_max || bytes + size > bytes_max)) return false;
            ++batches;
            bytes += size;
            return true;
        }
    };
    FarRoom far_room() const;
    void send_far(Relayed& batch, Effects& effects);
    // Blocks are pushed to the authors' peers only, so who is far from all of them asks for what is new.
    void look_from_far(Now now, Effects& effects);
    void leave_far_target(const PublicKey& member, MonoTime now);
    // Until when no other target is chosen; none if one may be.
    std::optional<MonoTime> far_pause_ends(MonoTime now) const;
    // An observer's batch, connected or far, for this member's next block.
    FarAnswer::Verdict offer_batch(Bytes encoded, const exchange::CommandBatch& batch);
    bool heard_from_far(MonoTime now) const;
    void choose_relay_target();
    void send_to_a_member(Relayed& batch, Effects& effects);
    std::optional<exchange::AccountId> account_named(const std::string& name_or_id) const;

    Result<Answer> answer(const Query& query, Now now) const;
    StatusAnswer status(Now now) const;
    DigestsAnswer digests() const;
    Result<Answer> book(const BookQuery& query) const;
    Result<Answer> orders(const OrdersQuery& query) const;
    Result<Answer> order(const OrderQuery& query) const;
    Result<Answer> accounts(const AccountQuery& query) const;
    MarketsAnswer markets() const;
    Result<Answer> withdrawals(const WithdrawalsQuery& query) const;
    void trades(Ticket ticket, const TradesQuery& query, Effects& effects) const;
    OrderView order_view(const exchange::RestingOrderView& order) const;
    OrderAnswer ended_order(const KnownOrder& known) const;
    Grade grade_of(const exchange::OrderKey& order) const;
    AccountView account_view(exchange::AccountIndex account, bool with_balances) const;
    bool members_form_quorum(MonoTime now) const;
    std::uint64_t own_seq() const;  // of the last own block in this view
    bool is_settled_block(std::uint64_t number) const;

    const Signer& signer_;
    const Verifier& verifier_;
    NodeOptions options_;
    PublicKey self_;
    exchange::OpenLedger ledger_;
    std::optional<exchange::MemberIndex> self_index_;
    HostedAccounts hosted_;
    Batcher batcher_;
    BlockSync sync_;
    ViewKeeper views_;
    Founding founding_;
    OwnBlocks own_blocks_;
    TradeTape tape_;

    std::map<Ticket, Request> requests_;
    std::optional<InFlight> in_flight_;
    // Origins of own blocks by number: until executed, and, where a client waits for it, until settled.
    std::map<std::uint64_t, Carried> executing_, settling_;
    SettledWaiters settled_waiters_;  // by the own block's number
    std::size_t settled_waiters_count_ = 0;
    // Requests that are settled and wait to be attested, by their last commit; of each the rest is in
    // requests_.
    std::set<std::pair<std::uint64_t, Ticket>> unattested_;
    // An observer's commands until they are answered, and the members' blocks that were seen to carry them.
    std::map<CommandKey, Origin> relayed_origins_;
    std::map<Digest, Carried> relayed_in_;
    std::vector<Relayed> relayed_;                     // in the order of the users, which is that of ids
    std::map<CommandKey, std::uint64_t> relayed_ids_;  // by a batch's first command
    std::uint64_t relayed_last_id_ = 0, relayed_indexes_ = 0;
    // Own blocks by number whose commands are in relayed batches: the last one's id.
    std::map<std::uint64_t, std::uint64_t> handed_over_;
    std::size_t relayed_look_at_ = 1'024;  // while the journal is replayed: so many, then some may be done
    std::optional<PublicKey> relay_to_;    // the member that gets them; this node once it is one
    std::size_t relay_attempts_ = 0;
    std::optional<MonoTime> far_left_at_;    // when a member that is not connected was given up last
    std::optional<MonoTime> far_heard_at_;   // when one answered last
    std::optional<MonoTime> far_looked_at_;  // when blocks were asked for last
    KnownOrders known_orders_;
    UnsettledCommands unsettled_;
    std::shared_ptr<const exchange::NetworkRules> rules_;
    // Open orders of one account by id, for cancels of orders placed before this process started.
    struct TargetCache {
        exchange::AccountId account;
        std::uint64_t commits_executed = 0;
        std::unordered_map<exchange::OrderId, Target> orders;
    };
    std::optional<TargetCache> target_cache_;
    mutable std::optional<std::pair<std::uint64_t, DigestsAnswer>> digests_cache_;  // by commits executed

    std::optional<exchange::Checkpoint> checkpoint_;  // whose root is to be asked for
    bool root_under_way_ = false;
    exchange::Attestation attestation_;
    std::uint64_t voted_ = 0;                         // commit of the last vote in an own block of this view
    std::uint64_t awaited_ = 0;                       // the last settled commit with commands or events
    std::uint64_t asked_root_ = 0;                    // commit of the last root that was asked for
    std::optional<MonoTime> quiet_since_;             // everything awaited is settled
    std::uint64_t quiet_length_ = 0;                  // of the settled log then
    std::vector<std::string> alarms_;                 // for status; bounded
    std::string halted_;                              // why trading stopped; empty: it did not
    Retraction retraction_ = Retraction::late_block;  // of what is undone now
    bool is_cut_loose_ = false;  // this node's log is not the ledger's: it hears nobody any more
    struct KeptEvidence {
        Digest view;
        SharedBytes bytes;
    };
    std::map<PublicKey, KeptEvidence> evidence_;  // the latest of a member, for peers that connect; bounded
    std::uint64_t state_root_commit_ = 0;
    Digest state_root_;

    std::uint64_t append_ticket_ = 0, durable_ticket_ = 0, records_ = 0;
    MonoTime last_durable_;  // something became so, or nothing waited for it
    std::optional<MonoTime> last_sign_of_life_;
    GossipGate gate_;
    std::uint64_t session_;               // of this process, in its signs of life
    std::optional<MonoTime> told_apart_;  // the last sign of life to members that are not connected
    WallTime told_apart_at_;              // its stamp
    std::map<PublicKey, std::uint64_t> apart_sessions_;  // of members, as they said last
    std::size_t nodes_apart_ = 0;
    // Which ledger this is, if a node can tell another: view 1 and the number of its founding.
    std::optional<LedgerNews> ledger_first_;
    std::uint64_t foundings_ = 0;       // by this node
    Digest no_ledger_;                  // the last view 0; zero for none
    std::uint64_t entered_ticket_ = 0;  // of the record that a ledger was entered or left
    bool news_due_ = false;             // peers are to be told, once that is on disk
    bool view_news_due_ = false;        // of another view of the same ledger
    LedgerNews::State told_ = LedgerNews::State::none;
    MonoTime ledger_since_;
    bool was_dropped_ = false;              // from the members, with commands of its users on their way
    std::optional<WallTime> deadline_met_;  // the last one that an own block was made for
    std::optional<MonoTime> last_emit_, ack_due_since_;
    bool unexecuted_ = false;
    bool took_foreign_blocks_ = false;  // since watch_catching_up() looked last
    MonoTime next_execute_, next_expiry_check_, started_;
    std::optional<MonoTime> unsettled_since_;  // when settling last moved, while commands wait for it
    std::uint64_t settled_length_ = 0;
    std::vector<bool> heard_own_chain_;  // by member: told us how much of our chain it holds
    // Emitting became possible; the last time since when a block came that had been missed.
    std::optional<MonoTime> able_since_, caught_up_to_;
    bool restarted_ = false, catching_up_ = false;
    bool recovered_ = false, draining_ = false, identity_lost_ = false;
    enum class Leave : std::uint8_t {
        none,
        finish,     // what was taken is settled first
        ask,        // to be left out of the next view
        hand_over,  // left out; serves until the next view goes on
        done,       // or given up, or there is nobody to leave it to
    };
    Leave leave_ = Leave::none;
    MonoTime leave_since_;
    struct Adoption {
        Ticket ticket;
        Digest ledger;
        MonoTime since;
        bool is_to_leave = false;  // there were other members when it was asked for
    };
    std::optional<Adoption> adoption_;  // asked for; this node leaves its ledger
    bool is_given_up_ = false;          // for another; nothing comes from this node any more
    struct Forking {
        Ticket ticket;
        ForkLedger request;
        std::optional<ForkAnswer> answer;  // given once append_ticket is durable
        std::uint64_t append_ticket = 0;
        std::uint64_t question = 0;  // names it in what members are asked
        // Before a fork is made its members say what they hold: see told_by_members().
        struct Asking {
            Digest view;
            MonoTime since, next;
            std::map<PublicKey, std::optional<exchange::VersionVector>> members;
        };
        std::optional<Asking> asking;
    };
    std::optional<Forking> forking_;
    std::uint64_t fork_questions_ = 0;
    std::optional<MonoTime> no_quorum_since_;
    MonoTime next_quorum_look_;
    bool fork_alarmed_ = false;
};

}  // namespace peerbook::app

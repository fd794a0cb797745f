// Whole nodes (app::Node) in virtual time, on one thread, from one seed: this is the runner that performs
// their effects, with a network, disks, clocks, clients and crashes that are drawn. Checkers run after each
// step of a node; the first complaint stops the run.
//
//   world.cc           what goes wrong and when, clients, the end of a run
//   world_process.cc   starting, stepping and stopping a node's process, its disk
//   world_messages.cc  what it sends and gets
//   world_gossip.cc    what spreads where not all are connected
//   world_sealed.cc    what others carry, sealed, to one that need not be connected
//   world_views.cc     what is particular to changes of views
//   world_ledgers.cc   ledgers that are adopted and forked, and their operators
//   world_founding.cc  nodes without a ledger, those that are let in, and those that are told to stop
//   world_checks.cc    what must hold after each step
//   world_end.cc       when all is quiet, and what must hold then
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/node/node.h"
#include "base/random.h"
#include "exchange/engine/state_root.h"
#include "p2p/gossip/gossip.h"
#include "storage/journal.h"
#include "storage/memory_store.h"
#include "tests/sim/block_book.h"
#include "tests/sim/checkers.h"
#include "tests/sim/clients.h"
#include "tests/sim/ledgers.h"
#include "tests/sim/links.h"
#include "tests/sim/mutator.h"
#include "tests/sim/node_checkers.h"
#include "tests/sim/plan.h"
#include "tests/sim/rare.h"
#include "tests/sim/scheduler.h"
#include "tests/sim/shadow.h"
#include "tests/sim/trace.h"
#include "tests/sim/view_checkers.h"

namespace peerbook::sim {

// Where in the performing of effects a process stops.
enum class CrashPoint : std::uint8_t { at_once, between_effects, before_write, torn_write, after_write };

// What a run saw besides rare states.
struct Figures {
    std::uint64_t commits = 0, commands = 0, trades = 0, told = 0, messages = 0, steps = 0;
    std::uint64_t commands_executed = 0, commands_replayed = 0;  // at all nodes
    std::int64_t virtual_us = 0;
    void add(const Figures& other);
};

class World final : public LinkUser {
  public:
    explicit World(Plan plan, bool prints_timeline = false);
    ~World() override;
    // "" or what went wrong, where and when.
    std::string run();

    const RareStates& rare() const { return rare_; }
    const Figures& figures() const { return figures_; }
    std::uint64_t trace_hash() const { return trace_.hash(); }

  private:
    using Input = std::function<void(app::Node&, Now, app::Effects&)>;
    enum class ProcessState : std::uint8_t { down, running, paused, gone };
    struct Machine;

    // --- LinkUser ---
    bool is_reachable(std::size_t node) const override;
    std::uint64_t process_of(std::size_t node) const override;
    void on_connected(std::size_t node, std::size_t peer) override;
    void on_disconnected(std::size_t node, std::size_t peer) override;
    void on_message(std::size_t from, std::size_t to, std::uint8_t kind, const SharedBytes& payload) override;
    void on_damaged(std::size_t from, std::size_t to, std::uint8_t kind, const SharedBytes& payload,
                    std::size_t byte) override;

    // --- world.cc ---
    Machine& add_machine(std::size_t identity);
    void schedule_faults();
    void at_some_time(std::uint32_t times, const std::function<void()>& fault);
    void crash_someone();
    void pause_someone();
    void jump_someone();
    void trouble();
    void lose_store(bool keeps_older);
    void start_second_process();
    void client_tick(std::size_t client);
    void submit(std::size_t machine, Clients::Sending sending);
    void heal();
    // Without a second process.
    std::size_t nodes() const { return plan_.members + plan_.observers + plan_.spares(); }

    // --- world_end.cc ---
    // What somebody held at some time.
    struct Held {
        std::int64_t at_us = 0;
        Digest view;
        exchange::VersionVector seqs;
    };
    std::optional<Held> held_now() const;
    bool all_hold(const Held& held) const;
    bool must_be_equal_soon() const;
    bool is_quiet() const;
    bool is_quiet(const Machine& machine, const Machine& first, bool full) const;
    bool has_its_ledger(const Machine& machine) const;
    std::string waiting_text() const;
    // Those of one ledger; or one node that has none.
    struct Group {
        LedgerBook* book = nullptr;
        std::vector<const Machine*> running;
        bool settles = false;  // the liveness phase could and did demand it
    };
    std::vector<Group> groups() const;
    void check_end();
    void check_equal(const Group& group);
    using CommandName = std::pair<exchange::AccountId, exchange::CommandRef>;
    struct Outcome {
        std::uint64_t accepted = 0;
        std::set<exchange::Reason> refusals;
        std::int64_t filled = 0;
    };
    using Outcomes = std::map<CommandName, Outcome>;
    void execute_once(exchange::Engine& engine, const exchange::VerifiedBlock& block, Outcomes& outcomes);
    // `everywhere`: commands that executed in any log.
    void check_log(const Group& group, std::set<CommandName>& everywhere);
    void check_answers(const Group& group, const Outcomes& settled, const Outcomes& all);
    void count_at_end();

    std::uint64_t draw(std::int64_t below) { return random_.below(static_cast<std::uint64_t>(below)); }
    std::int64_t draw_us(std::int64_t below) { return static_cast<std::int64_t>(draw(below)); }
    Machine* someone_running();
    void fail(const std::string& what);
    void fail_at(std::size_t machine, const std::string& what);

    // --- world_process.cc ---
    Now now_of(const Machine& machine) const;
    Bytes identity_of(const Machine& machine) const;
    void start(Machine& machine);
    bool replay(Machine& machine, app::Effects& effects);
    void kill(Machine& machine, bool comes_back, std::int64_t for_us = 0);
    void retire(Machine& machine, const std::string& why);
    void crash_later(Machine& machine, CrashPoint point);
    bool crashes_at(Machine& machine, CrashPoint point);
    void put(Machine& machine, Input input);
    void wake_at(Machine& machine, std::optional<MonoTime> time);
    void step(Machine& machine);
    void perform(Machine& machine, app::Effects& effects);
    void read_store(Machine& machine, app::Effects& effects);
    void start_write(Machine& machine);
    void finish_write(Machine& machine, const std::vector<app::AppendEffect>& batch);
    bool write_fails(Machine& machine, const std::vector<storage::JournalEntry>& entries);
    void keep(Machine& machine, const std::vector<app::AppendEffect>& batch);

    // --- world_messages.cc ---
    void broadcast(Machine& machine, const app::BroadcastEffect& message);
    void send(Machine& machine, const app::SendEffect& message);
    SharedBytes as_it_says(Machine& machine, const app::SendEffect& message);
    void post(Machine& from, std::size_t to, std::uint8_t kind, const SharedBytes& payload);
    void take_block(Machine& machine, std::size_t from, const SharedBytes& bytes);
    void accuse(Machine& machine, const PublicKey& peer, const std::string& why);
    bool is_strange(const PublicKey& key) const;
    void deliver_answer(Machine& machine, const app::AnswerEffect& answer);

    // --- world_gossip.cc ---
    void start_gossip(Machine& machine);
    void tick_gossip(Machine& machine, std::uint64_t process);
    void gossip_peer(Machine& machine, const PublicKey& peer, bool is_up);
    static void size_gossip(Machine& machine);
    void perform_gossip(Machine& machine, const p2p::gossip::Outputs& outputs);
    void receive_gossip(Machine& machine, std::size_t from, const SharedBytes& frame);
    void take_gossip(Machine& machine, const p2p::gossip::Deliver& message);
    void publish(Machine& machine, const app::GossipEffect& message);
    void answer_gossip(Machine& machine, const app::GossipAnswerEffect& answer);
    void forbid_links();
    void introduce_the_rest();

    // --- world_sealed.cc ---
    struct Parcel;
    std::optional<std::size_t> hops_between(std::size_t from, std::size_t to) const;
    void send_sealed(Machine& machine, const app::SealedEffect& message);
    void carry(const std::shared_ptr<Parcel>& parcel);
    void on_the_way(std::size_t from, std::size_t to, const std::function<void()>& arrive);
    void take_parcel(const std::shared_ptr<Parcel>& parcel, Machine& machine);

    // --- world_views.cc ---
    void schedule_view_faults();
    void leave_someone(bool for_good);
    std::int64_t some_silence_us();
    bool replay_record(Machine& machine, ByteView record, app::Effects& effects);
    void note_record(Machine& machine, ByteView record);
    void keep_ballot_state(const Machine& machine, ByteView record);
    void keep_record(Machine& machine, ByteView record);
    static void note_own_block(Machine& machine, const exchange::VerifiedBlock& block);
    void note_made(Machine& machine, const exchange::VerifiedBlock& block);
    void check_own_block(Machine& machine, const exchange::VerifiedBlock& block);
    void note_start(Machine& machine);
    void note_heard(Machine& machine, const PublicKey& from);
    void note_standing_still(Machine& machine, std::int64_t since_us);
    void check_heard(const Machine& machine);
    const Machine* find_witness(const Machine& carrier, const std::set<std::size_t>& others) const;
    void lose_carrier(Machine& observer, Machine& member);
    bool make_rival(Machine& proposer, ByteView message);
    void let_rivals_meet(const Digest& name, std::size_t one, std::size_t other, std::int64_t at_us);
    bool dies_with_decision(const app::BroadcastEffect& message);
    void trouble_ballot(Machine& from, Machine& to, ByteView message);
    void note_death(const Machine& machine);
    bool may_settle(const LedgerBook* book) const;
    bool has_quorum_left(const exchange::View& view) const;
    bool can_come_to(const LedgerBook& book, const exchange::View& view) const;
    bool all_in_last_view(const LedgerBook& book) const;
    bool cheat_is_left_out() const;
    void take_view_message(Machine& machine, std::size_t from, const SharedBytes& bytes);
    void take_decision(Machine& machine, std::size_t from, const SharedBytes& bytes);
    void check_view_message_leaves(Machine& machine, ByteView bytes);
    void check_view(const Machine& machine, const std::string& complaint);
    std::string view_message_text(ByteView bytes) const;

    // --- world_ledgers.cc ---
    std::vector<Machine*> those_in(const LedgerBook& book) const;
    void schedule_ledger_faults();
    void operate();
    void ask(Machine& machine, app::Query query);
    void operator_hears(Machine& machine, app::Ticket ticket, const Result<app::Answer>& answer);
    void kill_quorum();
    void cut_off_straggler(const LedgerBook& book);
    void fork_if_due(Machine& machine);
    void hear_of_fork(Machine& machine, const app::LedgerNews& news);
    void fork_hastily();
    bool sees_a_quorum(const Machine& machine) const;
    void note_forked(Machine& machine, ByteView record);
    void check_founds_fork(const Machine& machine, const exchange::View& fork);
    static void limit_settling(Machine& machine);
    void keep_forked(Machine& machine, ByteView record);
    void adopt_somewhere();
    void gave_up(Machine& machine, const app::Effects& effects);
    void check_given_up(const Machine& machine, const app::GivenUpLedger& given_up);

    // --- world_founding.cc ---
    exchange::View first_view_of(const Machine& machine) const;
    app::NodeOptions options_of(const Machine& machine);
    void note_rebind(Machine& machine, app::RecordKind kind, ByteView record);
    void note_entered(Machine& machine, const app::LedgerNews& news);
    void note_left(Machine& machine, const exchange::View& first);
    void keep_rebind(Machine& machine, app::RecordKind kind, ByteView record);
    void note_handed_over(Machine& machine);
    void note_void_blocks(Machine& machine, std::size_t void_before);
    bool knows_established(const Machine& machine) const;
    void check_news_leaves(Machine& machine, ByteView bytes);
    void check_batch_leaves(Machine& machine, ByteView batch);
    void silence_entry(const Machine& machine);
    void give_invitations(Machine& machine) const;
    void stop_some();
    void stop(Machine& machine, bool for_good);
    void end_if_written(Machine& machine);
    void note_leaving(Machine& machine, const std::string& log);
    void check_stays_left(const Machine& machine);

    // --- world_checks.cc ---
    void check(const Machine& machine, const std::string& complaint);
    void check_leaves(Machine& machine, const exchange::VerifiedBlock& block);
    void check_numbers(const Machine& machine, const exchange::CommandBatch& batch);
    void check_step(Machine& machine, const app::Effects& effects);
    bool attested_holds() const;
    void check_attested(Machine& machine);
    void check_tape(Machine& machine, const std::vector<app::IndexWriteEffect>& writes);
    void check_told(const Machine& machine, const Told& told);
    void note_stats(Machine& machine);

    Plan plan_;
    Trace trace_;
    RareStates rare_;
    Figures figures_;
    Random random_;
    Scheduler scheduler_;
    exchange::NetworkRules rules_;
    AdmissionBook admission_;
    Ledgers ledgers_;
    LedgerBook* named_ = nullptr;  // the one that the network file names, if it names one
    std::vector<std::unique_ptr<Machine>> machines_;
    std::optional<BlockBook> book_;
    std::optional<Links> links_;
    std::optional<Clients> clients_;
    PlaceChecker places_;
    NonceChecker nonces_;
    StateChecker states_;
    std::uint64_t next_ticket_ = 1;
    // Of the member that lost its store: up to which of its blocks a quorum of the others holds them.
    std::uint64_t protected_seq_ = 0;
    bool twins_noticed_ = false;  // by an honest node
    bool equivocation_ = false;   // two valid blocks for one place left their author
    bool member_gone_ = false;    // for good: nothing settles any more if views do not change
    bool healing_ = false;
    bool carrier_lost_ = false;
    bool has_straggler_ = false;
    // A proposer that is cut off with its value, which it alone accepted, and until when.
    struct Rival {
        Digest view;
        std::size_t proposer = 0;
        std::int64_t until_us = 0;
    };
    std::optional<Rival> rival_;
    std::uint32_t rivals_ = 0;
    std::string failure_;
};

}  // namespace peerbook::sim

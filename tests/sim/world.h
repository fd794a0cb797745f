// Whole nodes (app::Node) in virtual time, on one thread, from one seed: this is the runner that performs
// their effects, with a network, disks, clocks, clients and crashes that are drawn. Checkers run after each
// step of a node; the first complaint stops the run.
//
//   world.cc           what goes wrong and when, clients, the end of a run
//   world_process.cc   starting, stepping and stopping a node's process, its disk
//   world_messages.cc  what it sends and gets
//   world_views.cc     what is particular to changes of views
//   world_checks.cc    what must hold
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
#include "storage/journal.h"
#include "storage/memory_store.h"
#include "tests/sim/block_book.h"
#include "tests/sim/checkers.h"
#include "tests/sim/clients.h"
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
    bool settled_all = false;  // the liveness phase could and did demand that everything settles
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
    void post(Machine& from, std::size_t to, std::uint8_t kind, const SharedBytes& payload);
    void take_block(Machine& machine, std::size_t from, const SharedBytes& bytes);
    void accuse(Machine& machine, const PublicKey& peer, const std::string& why);
    bool is_strange(const PublicKey& key) const;
    void deliver_answer(Machine& machine, const app::AnswerEffect& answer);

    // --- world_views.cc ---
    void schedule_view_faults();
    void leave_someone(bool for_good);
    std::int64_t some_silence_us();
    bool replay_record(Machine& machine, ByteView record, app::Effects& effects);
    void note_record(Machine& machine, ByteView record);
    void keep_record(Machine& machine, ByteView record);
    static void note_own_block(Machine& machine, const exchange::VerifiedBlock& block);
    void note_made(Machine& machine, const exchange::VerifiedBlock& block);
    void check_own_block(Machine& machine, const exchange::VerifiedBlock& block);
    void note_start(Machine& machine);
    void note_heard(Machine& machine, const PublicKey& from);
    void note_standing_still(Machine& machine, std::int64_t since_us);
    void check_heard(const Machine& machine);
    bool dies_with_decision(const app::BroadcastEffect& message);
    void trouble_ballot(Machine& from, Machine& to, ByteView message);
    void note_death(const Machine& machine);
    bool may_settle() const;
    bool all_in_last_view() const;
    bool cheat_is_left_out() const;
    void take_view_message(Machine& machine, std::size_t from, const SharedBytes& bytes);
    void take_decision(Machine& machine, std::size_t from, const SharedBytes& bytes);
    void check_view_message_leaves(Machine& machine, ByteView bytes);
    void check_view(const Machine& machine, const std::string& complaint);
    std::string view_message_text(ByteView bytes) const;

    // --- world_checks.cc ---
    void check(const Machine& machine, const std::string& complaint);
    void check_leaves(Machine& machine, const exchange::VerifiedBlock& block);
    void check_step(Machine& machine, const app::Effects& effects);
    bool attested_holds() const;
    void check_attested(Machine& machine);
    void check_tape(Machine& machine, const std::vector<app::IndexWriteEffect>& writes);
    void check_told(const Machine& machine, const Told& told);
    void check_end();
    void check_log();
    void note_stats(Machine& machine);

    Plan plan_;
    Trace trace_;
    RareStates rare_;
    Figures figures_;
    Random random_;
    Scheduler scheduler_;
    exchange::NetworkRules rules_;
    std::optional<ViewChecker> views_;
    std::vector<std::unique_ptr<Machine>> machines_;
    std::optional<BlockBook> book_;
    std::optional<Links> links_;
    std::optional<Clients> clients_;
    SettledLog log_;
    SettledLog attested_;
    SettledTrades trades_;
    PlaceChecker places_;
    StateChecker states_;
    RootChecker roots_;
    std::map<std::uint64_t, Digest> root_by_commit_;
    std::uint64_t next_ticket_ = 1;
    // Of the member that lost its store: up to which of its blocks a quorum of the others holds them.
    std::uint64_t protected_seq_ = 0;
    bool twins_noticed_ = false;  // by an honest node
    bool equivocation_ = false;   // two valid blocks for one place left their author
    bool member_gone_ = false;    // for good: nothing settles any more if views do not change
    bool healing_ = false;
    std::string failure_;
};

}  // namespace peerbook::sim

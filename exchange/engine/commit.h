// Executes one commit: what became due by time, then its commands. Under rules version 1 they run in their
// order. Under version 2 a first pass admits all of them in their order, and a second one executes them in
// classes: administration, cancels and reductions, post-only orders, the rest; each class in order. So a
// maker's cancel is ahead of a sweep that came in the same commit. A command that names an order of the same
// commit runs right after the command that placed it. Internal to exchange/engine.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "exchange/engine/admission.h"
#include "exchange/engine/engine.h"
#include "exchange/engine/executor.h"

namespace peerbook::exchange {

// Lives as long as the engine, so that its lists are allocated once. Logic thread only.
class CommitRunner {
  public:
    // `state` outlives the runner.
    explicit CommitRunner(EngineState& state);

    void run(const CommitInput& commit, EventBuffer& events);

  private:
    // Position among the admitted commands.
    using Position = std::uint32_t;
    static constexpr Position none = 0xffff'ffff;

    // `by_terms` is no class: it says of a kind of commands that their terms tell it.
    enum class Class : std::uint8_t { administration, cancels, post_only, rest, by_terms };
    static constexpr std::size_t class_count = 4;

    // A tree of commands that is being executed: the command on top, then what is attached to it.
    struct Frame {
        Position command;
        Position next_attached;
        std::size_t next_cancel_all;
    };

    void run_in_order(const CommitInput& commit, Executor& executor);
    void run_in_classes(const CommitInput& commit, Executor& executor);
    void run_due(WallTime time, Executor& executor);

    // --- first pass ---
    void admit_all(const CommitInput& commit, Executor& executor);
    // Signature, account, owner, nonce, quotas. False: it was rejected, or opened an account.
    bool admit_one(BatchContext& context, const Refusal& refused_batch, Executor& executor,
                   const AdmittedCommand& admitted);
    // What follows the nonce: the nonce that a cancel burns, and how many cancel-alls there may be.
    bool finish_admission(Executor& executor, AdmittedCommand& admitted);
    // False, always.
    bool reject_unadmitted(Executor& executor, const AdmittedCommand& admitted, const Refusal& refused);
    void look_up_accounts(const CommandBatch& batch);
    bool is_one_cancel_all_too_many(AccountIndex account);
    void burn_target(std::uint64_t nonce, AdmittedCommand& admitted);
    static Class class_by_kind(std::size_t kind);
    static Class class_by_terms(const CommandBody& body);

    // --- between the passes ---
    void classify();
    void sort_into_classes();
    std::span<const Position> commands_of(Class its) const;
    void list_naming();
    void prefetch_first_lines();
    bool has_level(const LimitOrder& order) const;
    void prefetch_neighbour(const AdmittedCommand& admitted) const;
    void look_up_targets();
    void sort_unresolved();
    void attach_to_placing_commands();
    void take_out_attached();
    // Which command of this commit placed what each unresolved one names.
    void find_placing_commands();
    struct Wanted;
    Wanted& wanted_place(const OrderKey& key);
    void note_placed(const OrderKey& key, Position placing);

    // --- second pass ---
    void execute_class(Class its, Executor& executor);
    void execute_tree(Position root, Executor& executor);
    std::size_t first_cancel_all_after(Position command) const;

    EngineState& state_;
    IndexHash hash_;
    CommitNotes notes_;
    EventBuffer* events_ = nullptr;

    std::vector<AdmittedCommand> admitted_;
    std::vector<Class> class_of_;                    // of each
    std::vector<Position> by_terms_;                 // those whose terms tell their class
    std::vector<Position> by_class_;                 // class after class, without attached ones
    std::array<Position, class_count> class_end_{};  // of each class in by_class_
    bool is_large_ = false;                          // the state is larger than the processor's cache
    std::vector<Position> naming_;                   // cancels, reductions, replacements; class after class
    std::vector<OrderKey> named_;                    // what each of them names
    std::vector<std::uint32_t> named_hashes_;        // of what each of them names, for the index of orders
    std::vector<Position> unresolved_;  // those of them whose target is no open order, from place 1 on
    struct CancelAllPlace {
        AccountIndex account;
        Position command;
        friend auto operator<=>(const CancelAllPlace&, const CancelAllPlace&) = default;
    };
    std::vector<CancelAllPlace> cancel_alls_;  // by account, then position
    AccountCounts cancel_all_counts_;
    std::vector<std::uint32_t> hashes_;         // of the batch's accounts
    std::vector<AccountIndex> batch_accounts_;  // of the batch that is admitted; no_account: not open

    // Attached commands, as lists in order; empty if nothing is attached in this commit.
    std::vector<Position> first_attached_, last_attached_, next_attached_;
    std::vector<Class> attached_class_;  // in which an attached command runs
    // By the name of an order: the last of the unresolved commands that name it, by its place in their list,
    // each with the one before it that does; open addressing, at most an eighth full. Place 0 is no command:
    // what is found and written there nobody reads.
    struct Wanted {
        std::uint32_t hashed = 0;
        Position last = 0;
    };
    std::vector<Wanted> wanted_;
    std::vector<Position> next_wanting_;
    std::vector<OrderKey> wanted_keys_;  // what each of them names
    std::vector<Position> placing_of_;   // and what that was placed by; none: by no command here
    std::vector<Frame> frames_;
};

}  // namespace peerbook::exchange

// Executes one commit: what became due by time, then its commands. Under rules version 1 they run in their
// order. Under version 2 a first pass admits all of them in their order, and a second one executes them in
// classes: administration, cancels and reductions, post-only orders, the rest; each class in order. So a
// maker's cancel is ahead of a sweep that came in the same commit. A command that names an order of the same
// commit runs right after the command that placed it. Internal to exchange/engine.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <unordered_map>
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

    enum class Class : std::uint8_t { administration, cancels, post_only, rest };
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
    // True for what most commands are: of an open account of the signer, with its next nonce, without a
    // quota.
    bool admit_quickly(const BatchContext& context, const BatchCommand& command, AccountIndex account);
    // Admits one command. False: it was rejected, or opened an account.
    bool admit_one(BatchContext& context, const Refusal& refused_batch, const BatchCommand& command,
                   std::uint32_t number, Executor& executor, AdmittedCommand& admitted);
    void look_up_accounts(const CommandBatch& batch);
    void prefetch_placing(const LimitOrder& order, const AdmittedCommand& admitted) const;
    void prefetch_neighbours(const AdmittedCommand& admitted) const;
    bool is_one_cancel_all_too_many(AccountIndex account);
    void burn_target(const CancelOrder& cancel, AdmittedCommand& admitted);
    void add_to_class(Position position);
    static Class class_of(const CommandBody& body);

    // --- between the passes ---
    void look_up_targets();
    void attach_to_placing_commands();
    void index_placed_names();
    std::size_t home_of(const OrderKey& key) const;
    // The command of this commit that placed the order, by the index of names or by looking at all of them.
    Position find_placing(const OrderKey& key, bool is_indexed) const;

    // --- second pass ---
    void execute_class(std::size_t number, Executor& executor);
    void execute_tree(Position root, Executor& executor);
    std::size_t first_cancel_all_after(Position command) const;

    EngineState& state_;
    IndexHash hash_;
    CommitNotes notes_;
    EventBuffer* events_ = nullptr;

    std::vector<AdmittedCommand> admitted_;
    std::array<std::vector<Position>, class_count> classes_;
    std::vector<Position> naming_;      // cancels, reductions, replacements
    std::vector<Position> unresolved_;  // those of them whose target is no open order
    struct CancelAllPlace {
        AccountIndex account;
        Position command;
        friend auto operator<=>(const CancelAllPlace&, const CancelAllPlace&) = default;
    };
    std::vector<CancelAllPlace> cancel_alls_;                             // by account, then position
    std::unordered_map<std::uint32_t, std::uint32_t> cancel_all_counts_;  // by account
    std::vector<std::uint32_t> hashes_;                                   // of the batch's accounts
    std::vector<AccountIndex> batch_accounts_;  // of the batch that is admitted; no_account: not open

    // Attached commands, as lists in order; empty if nothing is attached in this commit.
    std::vector<Position> first_attached_, last_attached_, next_attached_;
    std::vector<Class> attached_class_;  // in which an attached command runs
    // From the name of an order to the command of this commit that placed it; open addressing.
    struct PlacedName {
        OrderKey key;
        Position command = none;
    };
    std::vector<PlacedName> placed_names_;
    std::vector<Frame> frames_;
};

}  // namespace peerbook::exchange

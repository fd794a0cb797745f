// The engine and the oracle side by side: the same commits, then events and all readable state compared.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "exchange/engine/engine.h"
#include "tests/model/oracle.h"
#include "tests/model/recipe.h"

namespace peerbook::exchange::model {

// What was reached, to see whether a generator reaches what it is for.
struct Reached {
    std::map<EventKind, std::uint64_t> kinds;
    std::map<Reason, std::uint64_t> rejected;
    std::map<Reason, std::uint64_t> others;  // reasons of cancelled and reduced orders
    // Rare states that no kind or reason tells.
    std::map<std::string, std::uint64_t> states;
    std::uint64_t commits = 0, commands = 0, undone = 0, encoded = 0;

    void note(const EventBuffer& events);
};
// The names of the states that are looked for.
const std::vector<std::string>& states_looked_for();

// Engine and oracle differ, or the engine breaks one of its promises. The message has the whole history.
class Difference : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

class Comparison {
  public:
    Comparison(const NetworkRules& rules, Reached& reached);
    ~Comparison();
    // Throws Difference.
    void apply(Millis time, std::uint16_t rules_version, std::vector<CommandBatch> batches);
    // Takes the last commits back, as far as there are so many that can be; then does them again if wanted.
    void undo(std::size_t count, bool redo);
    // Forgets how to undo all but the last ones.
    void keep(std::size_t count);
    // The state depends on what happened, not on what was undone on the way.
    void compare_with_straight_run();
    // The batches after a way through a block's payload.
    std::vector<CommandBatch> through_encoding(const std::vector<CommandBatch>& batches,
                                               std::uint16_t rules_version);

    const Oracle& oracle() const { return oracle_; }

  private:
    struct Step {
        Millis time = 0;
        std::uint16_t rules_version = 0;
        std::vector<CommandBatch> batches;
        UndoMark before;
        Digest digest_before;
        Oracle oracle_before;
        EventBuffer events;
    };

    void compare_events(const EventBuffer& events, const EventBuffer& expected);
    void compare_state();
    void compare_account(const AccountId& id, const Account& account);
    void compare_market(std::uint32_t number);
    void compare_side(std::uint32_t number, Side side);
    void compare_order(const RestingOrderView& view, const Order& expected);
    void check_conservation();
    void write_down(const Step& step);
    template <typename A, typename B>
    void expect_equal(const A& seen, const B& expected, const std::string& what);
    void expect(bool holds, const std::string& what);
    [[noreturn]] void fail(const std::string& what);

    NetworkRules rules_;
    Engine engine_;
    Oracle oracle_;
    Reached& reached_;
    std::vector<Step> steps_;
    std::size_t pruned_ = 0;  // steps that cannot be undone
    std::vector<std::string> history_;
};

// Throws Difference.
void run(const Script& script, Reached& reached);

}  // namespace peerbook::exchange::model

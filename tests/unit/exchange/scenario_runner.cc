#include <algorithm>

#include "tests/unit/exchange/scenario.h"

namespace peerbook::exchange::scenario {

namespace {

bool is_about_acceptance(const std::string& line) {
    return line.ends_with(" accepted");
}

class Runner {
  public:
    explicit Runner(const Scenario& scenario) : scenario_(scenario), engine_(scenario.rules) {}

    Outcome run() {
        for (const Step& step : scenario_.setup) {
            apply(step);
            refuse_rejections(step);
        }
        for (const Step& step : scenario_.steps) {
            apply(step);
            if (step.events)
                compare_events(step);
            else
                refuse_rejections(step);
            if (step.next_due) compare_deadline(step);
            for (const Table& table : step.tables)
                compare_table(table, step);
            const Status invariants = engine_.check_invariants();
            if (!invariants.ok()) fail(step.line, "after `" + step.text + "`: " + invariants.error().message);
        }
        return std::move(outcome_);
    }

  private:
    void fail(int line, const std::string& what) {
        outcome_.failures.push_back(scenario_.block.place(line) + ": " + what);
    }

    void apply(const Step& step) {
        const CommitInput input{step.time, scenario_.rules.rules_version, step.batches};
        const UndoMark mark = engine_.mark();
        const Digest before = engine_.state_digest();
        EventBuffer first;
        engine_.apply(input, first);
        const Digest after = engine_.state_digest();
        engine_.undo_to(mark);
        if (engine_.state_digest() != before)
            fail(step.line, "undo of `" + step.text + "` does not restore the state");
        events_.clear();
        engine_.apply(input, events_);
        if (events_ != first || engine_.state_digest() != after)
            fail(step.line, "`" + step.text + "` gives something else after undo");
    }

    std::string line_of(const Step& step, const Event& event) const {
        return event_line(engine_, scenario_.names, step, event);
    }

    void refuse_rejections(const Step& step) {
        for (const Event& event : events_)
            if (event.kind == EventKind::rejected)
                fail(step.line,
                     "`" + step.text + "` expects no rejection, but: " + line_of(step, event) + "\n");
    }

    // A scenario that never says "accepted" does not care about it.
    void compare_events(const Step& step) {
        const std::vector<std::string>& expected = *step.events;
        const bool with_accepted = std::any_of(expected.begin(), expected.end(), is_about_acceptance);
        std::vector<std::string> actual;
        for (const Event& event : events_)
            if (with_accepted || event.kind != EventKind::accepted) actual.push_back(line_of(step, event));
        const std::string differs = difference(expected, actual);
        if (!differs.empty())
            return fail(step.line, "events of `" + step.text + "`: - expected, + actual\n" + differs);
        for (const Event& event : events_) {
            if (!with_accepted && event.kind == EventKind::accepted) continue;
            outcome_.kinds.insert(event.kind);
            outcome_.reasons.insert(event.reason);
        }
    }

    void compare_deadline(const Step& step) {
        const std::optional<WallTime> due = engine_.next_deadline();
        const std::string actual = due ? format_time(*due) : "nothing";
        if (actual != *step.next_due)
            fail(step.line, "next due after `" + step.text + "`: expected " + *step.next_due + ", actual " +
                                actual + "\n");
    }

    void compare_table(const Table& table, const Step& step) {
        const std::vector<Row> rows = actual_rows(engine_, scenario_.names, table);
        if (rows == table.rows) return;
        fail(table.line, "state after `" + step.text + "`: - expected, + actual\n" +
                             difference(aligned(table.kind, table.rows), aligned(table.kind, rows)));
    }

    const Scenario& scenario_;
    Engine engine_;
    EventBuffer events_;
    Outcome outcome_;
};

}  // namespace

Outcome run_scenario(const Scenario& scenario) {
    return Runner(scenario).run();
}

}  // namespace peerbook::exchange::scenario

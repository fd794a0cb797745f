// What an engine makes of a prepared flow.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "app/bench/engine_run.h"
#include "app/bench/prepared_flow.h"

namespace peerbook::app {

struct FlowOutcome {
    std::uint64_t operations = 0;
    std::uint64_t rejected = 0;
    std::uint64_t triggered = 0;
    std::uint64_t fills = 0;
    std::size_t bid_levels_max = 0;  // in the first market, seen after any commit of the flow
    std::size_t ask_levels_max = 0;
    exchange::EventBuffer events;  // of the flow
    std::unique_ptr<EngineRun> run;
};

inline FlowOutcome execute(const PreparedFlow& flow) {
    using namespace exchange;
    constexpr std::size_t depth = 100'000;
    FlowOutcome outcome;
    outcome.run = std::make_unique<EngineRun>(flow, 0);
    EngineRun& run = *outcome.run;
    run.commit_each(flow.opening);
    run.commit_each(flow.resting);
    for (const CommandBatch& commit : flow.flow) {
        run.commit({&commit, 1});
        for (const Event& event : run.events()) {
            outcome.rejected += event.kind == EventKind::rejected;
            outcome.triggered += event.kind == EventKind::triggered;
            outcome.fills += event.kind == EventKind::filled;
            outcome.events.push_back(event);
        }
        outcome.bid_levels_max =
            std::max(outcome.bid_levels_max, run.engine().levels(MarketId(0), Side::buy, depth).size());
        outcome.ask_levels_max =
            std::max(outcome.ask_levels_max, run.engine().levels(MarketId(0), Side::sell, depth).size());
    }
    outcome.operations = operation_count(flow.flow);
    return outcome;
}

}  // namespace peerbook::app

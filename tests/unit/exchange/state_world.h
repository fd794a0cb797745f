// A small exchange with everything that state can hold, and a random flow of commits through it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "exchange/engine/engine.h"
#include "exchange/engine/snapshot.h"

namespace peerbook::exchange {

// Two assets with a faucet and one with an issuer; a continuous market, one that opens with an auction, one
// that matches in batches; two administrators of whom both are needed; quotas.
NetworkRules state_world_rules();

struct Commit {
    WallTime time;
    std::vector<CommandBatch> batches;
};

EventBuffer apply(Engine& engine, const Commit& commit);
// The events as `to` would tell them, which may have other numbers for the same accounts.
EventBuffer told_by(const Engine& to, const Engine& from, EventBuffer events);

class RandomFlow {
  public:
    explicit RandomFlow(std::uint64_t seed) : random_(seed) {}

    // Opens all accounts and gives them money; in an order of the seed's choice.
    Commit first();
    // A second later at most: up to `commands` commands that mostly make sense in the engine's state.
    Commit next(const Engine& engine, std::size_t commands);

  private:
    CommandBody draw(const Engine& engine, const AccountId& account);
    CommandBody draw_special();
    CommandBody draw_change(const Engine& engine, AccountIndex account);
    CommandBody draw_settlement(const Engine& engine);
    Administer draw_administer(const Engine& engine);
    CommandRef draw_target(const Engine& engine, AccountIndex account);
    std::uint64_t draw_nonce(const Engine& engine, const AccountId& account);
    MarketId market() { return MarketId(static_cast<std::uint32_t>(random_.below(4))); }
    Side side() { return random_.below(2) == 0 ? Side::buy : Side::sell; }
    std::int64_t price() { return 95 + static_cast<std::int64_t>(random_.below(11)); }
    std::int64_t quantity() { return 1 + static_cast<std::int64_t>(random_.below(20)); }

    Random random_;
    std::int64_t time_ms_ = 1'000'000;
    std::map<AccountId, std::uint64_t> used_;  // highest nonce drawn
};

// A world after some commits.
struct World {
    explicit World(std::uint64_t seed, int commits = 60) : flow(seed) {
        apply(engine, flow.first());
        for (int i = 0; i < commits; ++i)
            apply(engine, flow.next(engine, 20));
    }
    Engine engine{state_world_rules()};
    RandomFlow flow;
};

// Chunks and manifest of a whole snapshot.
struct WrittenSnapshot {
    SnapshotManifest manifest;
    std::vector<Bytes> chunks;
};
WrittenSnapshot write_snapshot(const FrozenState& state, std::uint64_t commit = 7);
// All chunks in, and finished.
Result<SnapshotReader> read_snapshot(const WrittenSnapshot& snapshot, const NetworkRules& rules);

}  // namespace peerbook::exchange

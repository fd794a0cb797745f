// Checkers of whole nodes. Each is told what a node did and says "" or what is wrong with it, so that tests
// can show that it does notice. RootChecker is in checkers.h, the order of the log in shadow.h.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "app/node/effects.h"
#include "exchange/ordering/block.h"

namespace peerbook::sim {

// Rule 5: what leaves a node is on its disk, with everything that it claims to hold.
class DurableChecker {
  public:
    // Also for views, and for records by their digest_of_record().
    void is_durable(const Digest& block) {
        durable_.insert(block);
        once_.insert(block);
    }
    void store_lost() { durable_.clear(); }
    bool holds(const Digest& block) const { return durable_.contains(block); }
    // Now, or before somebody took the store away.
    bool held(const Digest& block) const { return once_.contains(block); }
    // After a restart, these are there.
    std::string restarts_with(const std::set<Digest>& blocks) const;
    std::string leaves(const exchange::BlockHeader& header, const Digest& digest) const;

  private:
    std::unordered_set<Digest> durable_, once_;
};

// No two blocks of one place (view, author, seq) leave their author, nor stay on its disk.
class PlaceChecker {
  public:
    std::string signed_block(const exchange::BlockHeader& header, const Digest& digest);

  private:
    std::map<std::tuple<Digest, PublicKey, std::uint64_t>, Digest> places_;
};

// A nonce that a node gave to a command of its users stands for that command only, also where it gave the
// command up and told them that it does not know what became of it: it may still run.
class NonceChecker {
  public:
    // In a block or a batch of the node.
    std::string leaves(const exchange::AccountId& account, exchange::CommandRef ref,
                       const exchange::CommandBody& body);

  private:
    std::map<std::pair<exchange::AccountId, exchange::CommandRef>, exchange::CommandBody> commands_;
};

// Trades that all nodes settle at a commit are the same. One for the run.
class SettledTrades {
  public:
    // Those of a ledger that went on from this one when so many commits had settled.
    SettledTrades up_to(std::uint64_t commits) const;
    std::string settled(std::uint64_t commit, const std::vector<app::TradeView>& trades);
    std::uint64_t count() const { return count_; }
    const std::map<std::uint64_t, Digest>& commits() const { return commits_; }

  private:
    std::map<std::uint64_t, Digest> commits_;
    std::uint64_t count_ = 0;
};

// What one process of a node says about trades: each is provisional, then settled or retracted; a settled one
// is never anything else again; commits settle one after another. What settles without having been told
// before is fine: it was executed and settled at once.
class TapeChecker {
  public:
    std::string settled(const app::IndexWriteEffect& write, SettledTrades& all);
    // All trades that are not settled now, as the node lists them. `retracted_full`: the node may have
    // forgotten retracted ones.
    std::string listed(const std::vector<app::TradeView>& trades, bool retracted_full);
    std::uint64_t settled_commits() const { return last_commit_; }
    std::size_t settled_count() const { return settled_.size(); }
    std::size_t open_count() const { return provisional_.size(); }

  private:
    std::uint64_t last_commit_ = 0;
    std::map<exchange::MarketId, std::uint64_t> ordinals_;
    std::unordered_set<exchange::TradeId> provisional_, settled_;
};

// States of nodes that executed the same blocks are equal.
class StateChecker {
  public:
    // `version_vector` is of this view.
    std::string reached(const Digest& view, const std::vector<std::uint64_t>& version_vector,
                        const Digest& state);
    std::uint64_t compared() const { return compared_; }

  private:
    std::map<std::pair<Digest, std::vector<std::uint64_t>>, Digest> states_;
    std::uint64_t compared_ = 0;
};

}  // namespace peerbook::sim

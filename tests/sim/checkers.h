// What must hold after every step of a simulation. Each check returns "" or what is wrong, so that tests can
// show that a checker does notice.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "exchange/ordering/open_ledger.h"

namespace peerbook::sim {

// Events with accounts named by id instead of by a node's own index: equal on all nodes.
Digest digest_of_events(const exchange::EventBuffer& events, const exchange::Engine& engine);

// The settled logs of all nodes are prefixes of one log, which only grows.
class AgreementChecker {
  public:
    explicit AgreementChecker(std::size_t nodes) : lengths_(nodes, 0) {}
    // The node settled `block` at `index` with these events.
    std::string settled(std::size_t node, std::uint64_t index, const Digest& block, const Digest& events);
    // The node starts over from its journal; its log must come out the same.
    void restarted(std::size_t node) { lengths_[node] = 0; }
    struct Entry {
        Digest block;
        Digest events;
    };
    const std::vector<Entry>& log() const { return log_; }

  private:
    std::vector<Entry> log_;
    std::vector<std::uint64_t> lengths_;
};

// What one node tells its clients makes sense: nothing is told twice without being retracted, what is
// retracted was told, what settles is what was told last, and nothing settled is touched again.
class FeedChecker {
  public:
    std::string update(const exchange::LedgerUpdate& update, const exchange::Engine& engine);
    std::uint64_t retractions() const { return retractions_; }

  private:
    std::map<Digest, Digest> told_;  // block → events
    std::set<Digest> settled_;
    std::uint64_t retractions_ = 0;
};

// Every command of the settled log was answered once, and none is answered as if it had been executed before.
class OnceChecker {
  public:
    std::string settled(const exchange::Commit& commit);
    std::uint64_t commands() const { return commands_; }

  private:
    std::uint64_t commands_ = 0;
};

// State roots of the same commit are equal on all nodes.
class RootChecker {
  public:
    std::string made(std::uint64_t commit, const Digest& root);
    std::uint64_t compared() const { return compared_; }

  private:
    std::map<std::uint64_t, Digest> roots_;
    std::uint64_t compared_ = 0;
};

}  // namespace peerbook::sim

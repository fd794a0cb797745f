// Commands on their way into this node's next block, and who waits for them. Gives hosted accounts their
// nonces and opens them at their first use. Logic thread only.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "app/node/effects.h"
#include "exchange/engine/engine.h"

namespace peerbook::app {

// Which client's request a command belongs to, and its position there. Commands without one (an account's
// opening, a batch relayed for an observer) have no origin.
struct Origin {
    Ticket ticket;
    std::uint32_t position = 0;
};

// Hosted accounts of this node: names to ids and the next nonce that is free.
class HostedAccounts {
  public:
    // `engine` outlives this.
    // `nonce_skip`: how far beyond the engine's count an account starts in this process. An observer that
    // restarts may have commands on their way that nobody has executed yet; it must not give their nonces
    // away again.
    HostedAccounts(const exchange::Engine& engine, PublicKey node, std::uint64_t nonce_skip)
        : engine_(engine), node_(node), nonce_skip_(nonce_skip) {}

    struct Entry {
        exchange::AccountId id;
        std::uint64_t next_nonce = 1;
        bool opened = false;  // or its opening is in the queue
    };
    // Error: invalid_input for a bad name; unavailable at the network's limit of accounts.
    Result<Entry*> find(const std::string& name);
    // Its queued commands were lost: what is known of it is read from the engine again at its next use.
    void forget(const exchange::AccountId& account);

  private:
    const exchange::Engine& engine_;
    PublicKey node_;
    std::uint64_t nonce_skip_;
    std::map<std::string, Entry> entries_;
};

class Batcher {
  public:
    void add(exchange::Command command, std::optional<Origin> origin);
    // An encoded signed batch of `commands` commands, already verified.
    void add_signed(Bytes encoded, std::uint32_t commands, std::optional<Ticket> ticket);

    void clear();
    bool empty() const { return hosted_.empty() && signed_.empty(); }
    std::size_t commands() const { return hosted_.size() + signed_commands_; }

    struct Built {
        Bytes payload;
        std::vector<std::optional<Origin>> origins;  // by position of the command in the block
        std::vector<Ticket> too_large;  // of signed batches that no block can hold: they were dropped
    };
    // As much as one block holds; what remains waits for the next. Signed batches get at most half of a block
    // while hosted commands wait, so that strangers' batches do not starve this node's own users.
    Built take();
    // Hosted commands for one signed batch of an observer: what fits in half of a block.
    struct Taken {
        std::vector<exchange::Command> commands;
        std::vector<std::optional<Origin>> origins;
    };
    Taken take_hosted();
    // The same for a batch that came signed; nullopt if there is none.
    struct SignedBatch {
        Bytes encoded;
        std::uint32_t commands = 0;
        std::optional<Ticket> ticket;
    };
    std::optional<SignedBatch> take_signed();

  private:
    struct Hosted {
        exchange::Command command;
        std::optional<Origin> origin;
    };
    std::deque<Hosted> hosted_;
    std::deque<SignedBatch> signed_;
    std::size_t signed_commands_ = 0;
};

}  // namespace peerbook::app

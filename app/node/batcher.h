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
    HostedAccounts(const exchange::Engine& engine, PublicKey node) : engine_(engine), node_(node) {}

    struct Entry {
        exchange::AccountId id;
        std::uint64_t next_nonce = 1;
        bool opened = false;  // or its opening is in the queue
    };
    // Its id, whether it is known or not. Error: invalid_input for a name that no account can have.
    Result<exchange::AccountId> id_of(const std::string& name) const;
    bool knows(const std::string& name) const { return entries_.contains(name); }
    // How many more names may become known here.
    std::size_t room() const;
    // Makes it known. Precondition: it is known, or id_of() takes it and there is room.
    Entry& find(const std::string& name);
    // Commands of this account up to this nonce wait to be issued again, and the account is opened by then.
    void reserve(const exchange::AccountId& account, std::uint64_t nonce);
    // While the journal is replayed: nonces up to this one left the node, and are not given away again even
    // if nobody is known to have executed them.
    void gave_away(const exchange::AccountId& account, std::uint64_t nonce);
    // Its queued commands were lost: what is known of it is read from the engine again at its next use.
    void forget(const exchange::AccountId& account);

  private:
    const exchange::Engine& engine_;
    PublicKey node_;
    std::map<std::string, Entry> entries_;
    std::map<exchange::AccountId, std::uint64_t> reserved_;  // as many as void blocks name
    // See gave_away(). One an account: what ran may be undone as long as it is not settled.
    std::map<exchange::AccountId, std::uint64_t> given_away_;
};

// How many indexes the commands of a batch take.
std::uint64_t index_count(const exchange::CommandBatch& batch);

class Batcher {
  public:
    void add(exchange::Command command, std::optional<Origin> origin);
    // An encoded signed batch of `commands` commands, which take `indexes`; already verified.
    void add_signed(Bytes encoded, std::uint32_t commands, std::uint64_t indexes,
                    std::optional<Ticket> ticket);
    // One of this node's own users, from the time when it was an observer: before all hosted commands.
    void add_own_signed(Bytes encoded, std::uint32_t commands, std::uint64_t indexes);

    void clear();
    bool empty() const { return hosted_.empty() && signed_.empty(); }
    // That wait; a mass quote counts as its quotes.
    std::uint64_t commands() const { return indexes_; }

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
        std::uint64_t indexes = 0;
        std::optional<Ticket> ticket;
        bool is_own = false;
    };
    std::optional<SignedBatch> take_signed();

  private:
    struct Hosted {
        exchange::Command command;
        std::optional<Origin> origin;
    };
    std::deque<Hosted> hosted_;
    std::deque<SignedBatch> signed_;
    std::uint64_t indexes_ = 0;  // of all that wait
};

}  // namespace peerbook::app

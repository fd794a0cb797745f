// What a node may ask of the world. The node's logic only fills an Effects; the effect runner (or a
// simulator) performs it and feeds the outcomes back as inputs. Everything here is a value.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "app/node/requests.h"
#include "base/bytes.h"
#include "base/keys.h"
#include "base/time.h"
#include "exchange/ordering/view.h"

namespace peerbook::app {

// Names one request of a client until it is answered.
using Ticket = StrongId<struct TicketTag, std::uint64_t>;

struct SendEffect {
    PublicKey peer;
    std::uint8_t kind = 0;
    SharedBytes payload;
};

// To one node that need not be connected: sealed to it, and carried by others. Node::on_undeliverable() tells
// if it does not acknowledge it within its lifetime.
struct SealedEffect {
    PublicKey node;
    std::uint8_t kind = 0;
    SharedBytes payload;
    Duration lifetime;
};

// To all nodes of the network, by gossip; what comes so is answered once it is judged.
struct GossipEffect {
    std::uint8_t kind = 0;
    SharedBytes payload;
};
using GossipId = FixedBytes<struct GossipIdTag, 16>;
struct GossipAnswerEffect {
    GossipId id;
    bool accept = false;  // pass it on
};

struct BroadcastEffect {
    std::uint8_t kind = 0;
    SharedBytes payload;
};

// One block or record for the journal (app/node/chains.h). Appends are made durable in order;
// Node::on_durable(ticket) reports how far.
struct AppendEffect {
    std::uint64_t ticket = 0;
    PublicKey chain;
    std::uint64_t seq = 0;
    std::uint64_t round = 0;
    SharedBytes block;
    // Something waits until it is durable, as for an own block or a record. Others may wait: WriteQueue.
    bool is_urgent = true;
};

// Read from the journal what a peer lacks; Node::on_blocks_read() brings it.
struct ReadMissingEffect {
    PublicKey peer;
    std::vector<std::pair<PublicKey, std::uint64_t>> have;  // chain → highest seq the peer has
    std::size_t bytes_max = 0;
};

// Read one block; answered to the peer as a block message by the runner, without the node.
struct ReadBlockEffect {
    PublicKey peer;
    PublicKey chain;
    std::uint64_t seq = 0;
};

struct AnswerEffect {
    Ticket ticket;
    std::variant<Result<SubmitAnswer>, Result<Answer>> answer;
};

// Settled trades for the index, and a question that the index answers after all writes asked for before it.
struct IndexWriteEffect {
    std::uint64_t commit = 0;
    std::vector<TradeView> trades;
};
struct IndexReadEffect {
    Ticket ticket;
    TradesQuery query;
    std::optional<exchange::AccountId> account;
    std::uint64_t settled_in_market = 0;  // settled trades of query.market now, for "the latest"
    std::vector<TradeView> newer;         // provisional and retracted ones to put after what the index has
    Digest ledger;                        // whose trades these are
    // It was given up: they are in its archive. `account` is then to be made of the query's by its key.
    std::optional<GivenUpLedger> given_up = std::nullopt;
    // By market: settled trades up to this ordinal are attested. Markets behind its end have none.
    std::vector<std::uint64_t> attested;
};

// The state of which a root is to be made (exchange::StateRoot::advance); Node::on_state_root() brings it.
// One at a time is under way.
struct StateRootEffect {
    std::uint64_t commit = 0;
    exchange::FrozenState state;
};

struct ViolationEffect {
    PublicKey peer;
    int points = 0;
    std::string why;
};

struct LogEffect {
    bool warning = false;
    std::string text;
};

struct Effects {
    std::vector<AppendEffect> appends;
    std::vector<SendEffect> sends;
    std::vector<SealedEffect> sealed;
    std::vector<BroadcastEffect> broadcasts;
    std::vector<GossipAnswerEffect> gossip_answers;  // before `gossips`: parents before children
    std::vector<GossipEffect> gossips;
    // So many members are heard of by relays only, from now on.
    std::optional<std::size_t> nodes_apart;
    std::vector<ReadMissingEffect> read_missing;
    std::vector<ReadBlockEffect> read_block;
    std::vector<AnswerEffect> answers;
    std::vector<IndexWriteEffect> index_writes;
    std::vector<IndexReadEffect> index_reads;
    std::optional<StateRootEffect> state_root;
    std::vector<ViolationEffect> violations;
    std::vector<LogEffect> logs;
    // Markets were created: what NodeService::rules() gives from now on, before `answers` are given.
    std::shared_ptr<const exchange::NetworkRules> rules;
    // This node's key signed blocks that its store lacks. Make that known to every later start, and stop.
    std::optional<std::string> retire_key;
    // This node gave its ledger up: note so durably, answer `adopt_ticket`, and start anew. Nothing else
    // comes from this node any more.
    std::optional<GivenUpLedger> adopt;
    Ticket adopt_ticket;
    // The ledger is in this view now: what peers send is verified for it from here on.
    std::shared_ptr<const exchange::View> view;
    // The ledger that this node is in is established.
    std::optional<Digest> ledger;
    std::optional<MonoTime> wake_at;  // call Node::on_time() no later than this
};

}  // namespace peerbook::app

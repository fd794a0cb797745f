// A few whole nodes in one thread and virtual time: what a test says happens, in the order it says it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "app/node/node.h"
#include "app/node/write_queue.h"
#include "exchange/engine/state_root.h"

namespace peerbook::app::testing {

class NodeWorld {
  public:
    using ChangeRules = std::function<void(exchange::NetworkRules&)>;
    // The first `members` nodes are view 1; the rest observe. With 0 members nobody has a ledger, and all are
    // cut off from each other; options.ledger_source is to say so.
    NodeWorld(std::size_t nodes, std::size_t members, NodeOptions options = {},
              const ChangeRules& change = nullptr);

    // --- the world's knobs ---
    void cut(std::size_t a, std::size_t b);  // as two peers that lose their connection
    void heal(std::size_t a, std::size_t b);
    void hold_disk(std::size_t node) { disk_held_.insert(node); }  // nothing becomes durable
    void release_disk(std::size_t node) { disk_held_.erase(node); }
    // An older copy of the store is put back, as some operators do: it signs again what it signed since then,
    // if nobody who knows that can be heard.
    void keep_copy(std::size_t node) { machines_[node].copy = machines_[node].journal; }
    void restore_copy_alone(std::size_t node) {
        machines_[node].journal = machines_[node].copy;
        crash_and_restart_alone(node);
    }
    // Its state roots are wrong from here on; or it never gets one, and so never votes.
    void falsify_roots(std::size_t node) { machines_[node].roots = Roots::wrong; }
    void forget_roots(std::size_t node) { machines_[node].roots = Roots::none; }
    void set_link_delay(Duration delay) { link_delay_ = delay; }
    // kill -9: what is not durable is gone; comes back with its journal.
    void crash_and_restart(std::size_t node);
    // The same, and it stays away from the others until heal().
    void crash_and_restart_alone(std::size_t node);
    // As crash_and_restart, but the journal is gone.
    void lose_store(std::size_t node) {
        machines_[node].journal.clear();
        crash_and_restart(node);
    }

    // SIGTERM, as far as the node's logic goes; it runs on, also when it is idle.
    void drain(std::size_t node) {
        machines_[node].node->drain();
        machines_[node].touched = true;
    }

    // Runs until nothing is due for `quiet`, at most `limit` of virtual time.
    void run(Duration limit = Duration::seconds(5), Duration quiet = Duration::milliseconds(200));
    void run_for(Duration time) { run_until(now_.mono + time); }

    // --- clients ---
    Ticket submit(std::size_t node, std::vector<Intent> intents, Grade wait_for = Grade::provisional);
    Ticket submit(std::size_t node, SubmitRequest request);
    // For questions that are not answered at once; then taken().
    Ticket request(std::size_t node, Query query);
    Result<Answer> taken(Ticket ticket) const;
    bool answered(Ticket ticket) const { return answers_.contains(ticket); }
    Result<SubmitAnswer> submit_answer(Ticket ticket) const;
    Answer ask(std::size_t node, Query query);
    template <typename T>
    T ask_for(std::size_t node, Query query) {
        return std::get<T>(ask(node, std::move(query)));
    }
    DigestsAnswer digests(std::size_t node) { return ask_for<DigestsAnswer>(node, DigestsQuery{}); }
    void expect_equal_digests();

    // --- shorthand: market 0 is BTC-USD with tick 1 and lot 1, no fees ---
    static Intent faucet(const std::string& account, std::uint32_t asset, std::int64_t amount);
    static Intent limit(const std::string& account, exchange::Side side, std::int64_t price,
                        std::int64_t quantity);

    Node& node(std::size_t i) { return *machines_[i].node; }
    const PublicKey& key(std::size_t i) const { return machines_[i].signer->public_key(); }
    const Signer& signer(std::size_t i) const { return *machines_[i].signer; }
    Now now() const { return now_; }
    std::size_t journal_size(std::size_t i) const { return machines_[i].journal.size(); }
    const std::vector<ViolationEffect>& violations() const { return violations_; }
    const std::vector<SendEffect>& sent_by(std::size_t i) const { return machines_[i].sent; }
    const std::vector<std::string>& retired_keys() const { return retired_keys_; }
    const std::vector<std::string>& logs() const { return logs_; }
    // What a node gave up; it does nothing more until start_anew().
    const std::map<std::size_t, GivenUpLedger>& given_up() const { return given_up_; }
    // As the process does after that: another key, an empty journal, bound to the ledger that it adopted.
    // Nobody is connected to it yet.
    void start_anew(std::size_t node);
    // Roots by commit, where there is one ledger; that all nodes of a ledger have the same ones is checked
    // when they are made.
    const std::map<std::uint64_t, Digest>& state_roots() const { return state_roots_; }
    void deliver_block(std::size_t to, std::size_t from, const SharedBytes& block);
    void deliver_batch(std::size_t to, std::size_t from, Bytes batch);
    void deliver_evidence(std::size_t to, std::size_t from, const exchange::Evidence& evidence);
    // As if `from` passed it on, in a new envelope.
    void deliver_gossip(std::size_t to, std::size_t from, MessageKind kind, const SharedBytes& payload);
    // Whatever is sealed reaches its recipient where the nodes in between are connected to each other, and is
    // reported as undeliverable at once elsewhere. From now on, what this node has to carry or take is lost.
    void drop_sealed_at(std::size_t node) { drops_sealed_.insert(node); }
    void deliver_sealed(std::size_t to, std::size_t from, MessageKind kind, const SharedBytes& payload) {
        deliver({from, to, static_cast<std::uint8_t>(kind), payload, 0, std::nullopt, true});
    }
    // Of this kind, so far.
    std::size_t sealed_by(std::size_t i, MessageKind kind) const;
    std::size_t nodes_apart(std::size_t i) const { return machines_[i].nodes_apart; }
    std::uint64_t passed_on(std::size_t i) const { return machines_[i].passed_on; }
    // What the node published of this kind last.
    SharedBytes last_published(std::size_t i, MessageKind kind) const;

  private:
    enum class Roots : std::uint8_t { right, wrong, none };
    struct Machine {
        Roots roots = Roots::right;
        std::unique_ptr<Signer> signer;
        std::optional<Digest> adopted;
        std::unique_ptr<Node> node;
        std::vector<AppendEffect> journal;  // durable
        std::vector<AppendEffect> copy;
        WriteQueue write_queue;
        std::vector<AppendEffect> disk_queue;
        std::vector<SendEffect> sent;  // everything sent, for checks
        std::vector<SealedEffect> sealed;
        std::set<GossipId> gossip_seen;
        std::size_t nodes_apart = 0;
        std::uint64_t passed_on = 0;  // gossip of others
        exchange::StateRoot root;
        std::optional<MonoTime> wake;
        bool touched = true;
    };
    struct Message {
        std::size_t from = 0, to = 0;
        std::uint8_t kind = 0;
        SharedBytes payload;
        std::uint64_t epoch = 0;  // of the link; a cut loses what is on the way
        std::optional<GossipId> gossip = std::nullopt;
        bool is_sealed = false;
    };
    using Link = std::pair<std::size_t, std::size_t>;

    static Link link(std::size_t a, std::size_t b) { return {std::min(a, b), std::max(a, b)}; }
    bool connected(std::size_t a, std::size_t b) const { return a != b && !cut_.contains(link(a, b)); }
    std::unique_ptr<Node> make_node(std::size_t i) const;
    void run_until(MonoTime end);
    bool step_one_instant();
    void deliver(const Message& message);
    void perform(std::size_t i, Effects& effects);
    void post(std::size_t from, std::size_t to, std::uint8_t kind, const SharedBytes& payload,
              const std::optional<GossipId>& gossip = std::nullopt);
    void perform_gossip(std::size_t i, Effects& effects);
    void publish(std::size_t i, const GossipEffect& message);
    void deliver_gossip(const Message& message, const PublicKey& from, Effects& effects);
    // So many links away, over nodes that carry what is sealed.
    std::optional<std::size_t> distance(std::size_t from, std::size_t to) const;
    void post_sealed(std::size_t from, const SealedEffect& message);
    void deliver_sealed(const Message& message, Effects& effects);
    std::size_t index_of(const PublicKey& key) const;
    std::vector<SharedBytes> missing(std::size_t i, const ReadMissingEffect& read) const;

    NodeOptions options_;
    exchange::NetworkRules rules_;
    exchange::View view_;
    std::vector<Machine> machines_;
    Now now_{{1'000'000'000}, {1'700'000'000'000}};
    Duration link_delay_ = Duration::microseconds(200);
    std::multimap<MonoTime, Message> network_;
    std::set<Link> cut_;
    std::map<Link, std::uint64_t> epoch_;
    std::set<std::size_t> disk_held_, drops_sealed_;
    std::map<Ticket, std::variant<Result<SubmitAnswer>, Result<Answer>>> answers_;
    std::vector<ViolationEffect> violations_;
    std::vector<std::string> retired_keys_;
    std::map<std::size_t, GivenUpLedger> given_up_;
    std::uint8_t next_seed_ = 0;
    std::vector<std::string> logs_;  // of all nodes
    // Gossip that was published: by whom, and whether it is relayed. Where all are connected, blocks are not.
    struct Published {
        std::size_t by = 0;
        std::uint8_t kind = 0;
        SharedBytes payload;
        bool is_relayed = false;
    };
    std::map<GossipId, Published> published_;
    std::map<std::pair<std::size_t, GossipId>, std::size_t> gossip_from_;
    std::uint64_t last_gossip_ = 0;
    std::map<std::uint64_t, Digest> state_roots_;
    std::map<std::pair<Digest, std::uint64_t>, Digest> roots_of_ledgers_;
    std::uint64_t next_ticket_ = 1;
};

}  // namespace peerbook::app::testing

// Several PeerManagers on simulated wires with one clock: what an adapter does with sockets, done in memory.
// A frame arrives within settle(), in order; time passes only with advance().
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "p2p/peers/peer_manager.h"

namespace peerbook::p2p {

KeySeed seed_of(std::uint8_t number);
Digest named_digest(std::string_view name);
SharedBytes shared_text(std::string_view text);

class PeerWorld {
  public:
    struct Payload {
        PeerId from;
        std::uint8_t kind;
        std::string text;
    };
    struct Node {
        std::string host;
        std::unique_ptr<Signer> signer;
        std::unique_ptr<PeerManager> manager;
        std::map<ConnectionId, std::uint64_t> wires;
        std::vector<Payload> payloads, sealed;
        std::vector<std::string> notes, undeliverable;
        std::vector<Payload> gossip;  // answered at once as `answer` says
        enum class Answer { accept, reject, none } answer = Answer::accept;
        std::vector<PeerAddress> dials;
        int connected = 0, disconnected = 0;
        Duration clock_error;
        bool reachable = true;
        bool carries = true;  // takes connections that are carried, at any port
        const PeerId& id() const { return signer->public_key(); }
        PeerAddress address() const { return {host, 3000}; }
        bool noted(std::string_view part) const;
    };

    static PeerManagerOptions options();
    // Hosts differ, 10.0.0.<number>, unless given.
    Node& add(std::uint8_t number, PeerManagerOptions options = PeerWorld::options(), std::string host = {});
    // Ends all its wires, and it is gone.
    void remove(Node& node);
    void configure(Node& node, const Node& target) {
        node.manager->add_configured(now(node), target.address());
    }

    // The node with the first host is found at the second one, too.
    void alias(const std::string& host, const std::string& other) { other_hosts_[other] = host; }

    // Whoever dials there hears nothing, not even a refusal.
    void black_hole(const std::string& host) { black_holes_.insert(host); }

    // Moves frames until nothing is under way.
    void settle();
    // In steps of 200 ms, with a tick of every node and settle() each.
    void advance(Duration span);
    // All wires between the two lose everything from now on, silently.
    void cut(Node& a, Node& b);
    // Ends all wires of a node, as a killed process does.
    void sever(Node& node);
    // Gives a node frames that no honest node would send, as if the other had sent them.
    void inject(Node& from, Node& to, const Bytes& payload);
    void report(Node& node, const PeerId& peer, int points);
    void send_reliably(Node& node, const PeerId& peer, std::string_view text);
    void publish(Node& node, std::uint8_t kind, std::string_view text);
    void send_sealed(Node& node, const PeerId& to, std::string_view text, Duration lifetime);
    void set_nodes_apart(Node& node, std::size_t nodes) { node.manager->set_nodes_apart(now(node), nodes); }
    void disconnect(Node& node, const PeerId& peer);
    void ban(Node& node, const PeerId& peer, Duration time);
    void set_broadcast(Node& node, bool broadcast);
    // From now on nothing that begins so reaches a node from the other: their lines are there, but something
    // does not work.
    void lose(Node& from, Node& to, std::string part) { lost_.push_back({&from, &to, std::move(part)}); }
    // A connection to `node` of somebody who says nothing. None if it was refused.
    std::optional<ConnectionId> stranger(Node& node, const std::string& host);
    void bad_frame(Node& node, ConnectionId id);

    Now now(const Node& node) const;

  private:
    struct End {
        Node* node = nullptr;
        ConnectionId id;
    };
    struct Wire {
        End ends[2];
        bool is_cut = false;
    };
    struct InFlight {
        std::uint64_t wire;
        int to;
        Bytes payload;  // empty: the end
    };
    struct Lost {
        Node *from, *to;
        std::string part;
    };
    void perform(Node& node, PeerEffects&& effects);
    void dial(Node& node, const effect::Dial& dial);
    void send(Node& node, ConnectionId id, const OutgoingPayload& payload);
    void hang_up(Node& node, ConnectionId id);

    Duration elapsed_ = Duration::seconds(1000);
    std::uint64_t last_wire_ = 0, last_challenge_ = 0;
    std::map<std::string, std::unique_ptr<Node>> nodes_;
    std::map<std::string, std::string> other_hosts_;
    std::set<std::string> black_holes_;
    std::map<std::uint64_t, Wire> wires_;
    std::deque<InFlight> in_flight_;
    std::vector<Lost> lost_;
    Ed25519Verifier verifier_;
};

// --- shorthand ---
inline Duration s(std::int64_t seconds) {
    return Duration::seconds(seconds);
}
bool meet(const PeerWorld::Node& a, const PeerWorld::Node& b);
// Empty for a peer that the node does not know.
PeerInfo info_of(PeerWorld& world, PeerWorld::Node& node, const PeerId& peer);
std::string last_error_at(PeerWorld& world, PeerWorld::Node& node, const PeerAddress& address);
// Of a node whose address nobody learns, so that it alone dials.
PeerManagerOptions silent_options();
// Kinds of its gossip: as blocks are, critical, and one that is relayed where the policy is direct.
inline constexpr std::uint8_t block_like = 0x80, critical_kind = 0x85, relayed_kind = 0x89;
PeerManagerOptions gossip_options(GossipPolicy policy = GossipPolicy::automatic);

}  // namespace peerbook::p2p

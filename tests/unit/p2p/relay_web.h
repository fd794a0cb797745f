// Relays on simulated wires with one clock, and a hand on each wire: what a test wants to see of hostile
// relays it does to the frames that pass them. Time passes only with advance().
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "p2p/relay/relay.h"

namespace peerbook::p2p::testing {

class RelayWeb {
  public:
    struct Frame {
        std::size_t from = 0, to = 0;
        Bytes bytes;
        RelayType type() const { return static_cast<RelayType>(bytes[2]); }
    };
    struct Received {
        std::size_t from;
        std::string text;
        friend bool operator==(const Received&, const Received&) = default;
    };
    struct Node {
        std::unique_ptr<Signer> signer;
        std::unique_ptr<Relay> relay;
        std::set<std::size_t> links;
        std::vector<Received> received;
        std::vector<std::string> lost, violations;
        int processes = 0;
    };
    // False: the frame is lost. It may be changed.
    using Hand = std::function<bool(Frame&)>;

    explicit RelayWeb(std::size_t nodes, std::string_view network = "network");

    void link(std::size_t a, std::size_t b);
    // 0 – 1 – 2 …
    void link_all_in_a_line();
    void send(std::size_t from, std::size_t to, std::string_view text,
              Duration lifetime = Duration::seconds(30));
    // Its next process: same node key, all else new.
    void restart(std::size_t node);
    void settle();
    // In steps of 100 ms, with a tick of each node at every second one.
    void advance(Duration span);
    void set_hand(Hand hand) { hand_ = std::move(hand); }
    // As if `from` sent it.
    void inject(std::size_t from, std::size_t to, const Bytes& frame);
    std::vector<std::string> texts(std::size_t node) const;

    Node& operator[](std::size_t node) { return nodes_[node]; }
    const PeerId& id(std::size_t node) const { return nodes_[node].signer->public_key(); }
    Now now() const { return now_; }
    const Digest& network() const { return network_; }
    // All that ever passed a wire, lost or not.
    const std::vector<Frame>& passed() const { return passed_; }

  private:
    std::size_t index_of(const PeerId& id) const;
    void start(std::size_t node);
    void perform(std::size_t node, relay::Outputs&& outputs);

    Digest network_;
    Ed25519Verifier verifier_;
    std::vector<Node> nodes_;
    std::deque<Frame> in_flight_;
    std::vector<Frame> passed_;
    Hand hand_ = [](Frame&) { return true; };
    Now now_{MonoTime{Duration::seconds(1'000).ns}, WallTime{1'700'000'000'000}};
    int steps_ = 0;
};

}  // namespace peerbook::p2p::testing

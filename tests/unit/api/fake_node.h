// A NodeService and a PeerNetwork that record what they are asked and answer what the test laid out.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/node/requests.h"
#include "p2p/peer_network.h"

namespace peerbook::app::testing {

// BTC-USD with tick 0.01 and lot 0.0001, ETH-USD with tick 1 and lot 1.
exchange::NetworkRules two_markets();
inline constexpr exchange::MarketId btc_usd{0};
inline constexpr exchange::MarketId eth_usd{1};

exchange::OrderId order_id(std::uint8_t fill);
PublicKey node_key();

class FakeNode final : public NodeService {
  public:
    FakeNode() : rules_(std::make_shared<const exchange::NetworkRules>(two_markets())) {}

    void submit(SubmitRequest request, std::function<void(Result<SubmitAnswer>)> done) override;
    void ask(Query query, std::function<void(Result<Answer>)> done) override;
    std::shared_ptr<const exchange::NetworkRules> rules() const override { return rules_; }
    // As if administrators had created markets.
    void change_rules(exchange::NetworkRules rules) {
        rules_ = std::make_shared<const exchange::NetworkRules>(std::move(rules));
    }
    const std::string& network_name() const override { return name_; }

    // What submit() answers next; where none is laid out, every intent is done.
    void will_answer(SubmitAnswer answer) {
        submit_answers_.push_back(Result<SubmitAnswer>(std::move(answer)));
    }
    void will_refuse(Error error) { submit_answers_.push_back(Result<SubmitAnswer>(std::move(error))); }
    void will_tell(Answer answer) { answers_.push_back(Result<Answer>(std::move(answer))); }
    void will_not_tell(Error error) { answers_.push_back(Result<Answer>(std::move(error))); }
    // From now on answers wait until release() gives them, oldest first.
    void hold() { holding_ = true; }
    std::size_t held() const { return held_.size(); }
    void release();

    std::vector<SubmitRequest> submitted;
    std::vector<Query> asked;

  private:
    void give(std::function<void()> answer);

    std::shared_ptr<const exchange::NetworkRules> rules_;
    std::string name_ = "test";
    std::deque<Result<SubmitAnswer>> submit_answers_;
    std::deque<Result<Answer>> answers_;
    bool holding_ = false;
    std::deque<std::function<void()>> held_;
};

class FakePeers final : public p2p::PeerNetwork {
  public:
    bool send(const p2p::PeerId&, std::uint8_t, SharedBytes) override { return false; }
    std::size_t broadcast(std::uint8_t, SharedBytes) override { return 0; }
    void publish(std::uint8_t, SharedBytes) override {}
    void answer_gossip(const p2p::MessageId&, bool) override {}
    void set_nodes_apart(std::size_t) override {}
    void send_reliably(const p2p::PeerId&, std::uint8_t, SharedBytes) override {}
    void send_sealed(const p2p::PeerId&, std::uint8_t, SharedBytes, Duration) override {}
    void report_misbehaviour(const p2p::PeerId&, int, const std::string&) override {}
    Status connect(const std::string& address) override;
    Status disconnect(const p2p::PeerId& peer) override;
    Status forget(const std::string& address) override;
    Status ban(const p2p::PeerId& peer, Duration time) override;
    Status unban(const p2p::PeerId& peer) override;
    std::string export_peers() const override { return R"({"version":1,"peers":[],"bans":[]})"; }
    Status import_peers(const std::string& text) override;
    Result<Digest> rotate_transport_key() override {
        if (refusal) return *refusal;
        return Digest{};
    }
    Result<std::vector<p2p::ServiceInfo>> find_service(const std::string& service) override {
        if (refusal) return *refusal;
        asked_for.push_back(service);
        return offering;
    }
    void set_broadcast(bool on) override { broadcast_settings.push_back(on); }
    std::vector<p2p::PeerInfo> peers() const override { return known; }
    p2p::DiscoveryIdentity discovery_identity() const override { return {}; }
    Status add_strategy(std::unique_ptr<p2p::DiscoveryStrategy>, Duration) override { return {}; }
    void set_carrier(p2p::StreamCarrier&) override {}
    std::optional<int> accept_carried(const std::string&) override { return std::nullopt; }
    std::vector<p2p::DiscoveryInfo> discovery() const override { return ways; }
    p2p::NatInfo nat() const override { return way_in; }
    p2p::PeerNetworkStats stats() const override { return {}; }
    std::uint16_t port() const override { return 3000; }
    void stop() override {}

    std::vector<p2p::PeerInfo> known;
    std::vector<p2p::DiscoveryInfo> ways;
    p2p::NatInfo way_in;
    std::vector<std::string> connected_to, asked_for;
    std::vector<p2p::ServiceInfo> offering;
    std::vector<bool> broadcast_settings;
    std::vector<p2p::PeerId> disconnected_from, unbanned;
    std::vector<std::string> forgotten, imported;
    std::vector<std::pair<p2p::PeerId, Duration>> banned;
    std::optional<Error> refusal;
};

// One order that was filled in part by one trade, of BTC-USD.
SubmitAnswer partial_fill();
SubmitAnswer rejection(exchange::Reason reason);

}  // namespace peerbook::app::testing

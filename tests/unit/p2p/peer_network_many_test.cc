// Many peers of one node, over real loopback sockets with TLS.

#include <memory>
#include <vector>

#include "p2p/peer_network.h"
#include "tests/unit/p2p/peer_network_case.h"

namespace peerbook::p2p {
namespace {

constexpr std::size_t many = 200;
// Fewer than unauthenticated_inbound_max: whoever comes above that pushes somebody out, and is dialled again.
constexpr std::size_t at_once = 25;

TEST_F(PeerNetworkTest, TwoHundredPeersAreConnectedToOneNodeAndHearIt) {
    PeerNetworkOptions large = options();
    large.peers_max = many + 8;  // what is reserved for own dials
    Node hub(io_, 255, large);
    PeerNetworkOptions small = options({hub.address()});
    small.peers_max = 1;
    small.broadcast = false;  // or they would look for each other as well
    std::vector<std::unique_ptr<Node>> peers;
    while (peers.size() < many) {
        for (std::size_t i = 0; i < at_once; ++i)
            peers.push_back(std::make_unique<Node>(io_, static_cast<std::uint8_t>(peers.size()), small));
        ASSERT_TRUE(run_until([&] { return hub.network->stats().connected == peers.size(); },
                              std::chrono::seconds(60)))
            << hub.network->stats().connected;
    }
    EXPECT_EQ(hub.network->broadcast(block_kind, SharedBytes(Bytes(300, 7))), many);
    for (const auto& peer : peers)
        EXPECT_TRUE(run_until([&] { return peer->bytes == 300; }));
    EXPECT_EQ(hub.disconnected, 0);
    EXPECT_EQ(hub.network->stats().handshakes_refused, 0U);

    // There is room for nobody else, and who comes is told so.
    RawPeer late(io_, hub.network->port());
    ASSERT_TRUE(run_raw_until(late, [&] { return late.closed(); }));
    EXPECT_EQ(hub.network->stats().connected, many);
}

}  // namespace
}  // namespace peerbook::p2p

// Gossip over real connections; what it does in larger networks is in the tests of gossip/ and of
// PeerManager.

#include <string>
#include <utility>
#include <vector>

#include "p2p/peer_network.h"
#include "p2p/wire/frame.h"
#include "tests/unit/p2p/peer_network_case.h"

namespace peerbook::p2p {
namespace {

TEST_F(PeerNetworkTest, GossipReachesANodeThatIsNotConnectedOnceTheOneBetweenAccepts) {
    const auto gossiping = [](std::vector<std::string> bootstrap = {}) {
        PeerNetworkOptions made = options(std::move(bootstrap));
        made.broadcast = false;
        made.gossip.kinds[0x80] = {true, false, true, false, false};
        return made;
    };
    Node middle(io_, 1, gossiping());
    ASSERT_FALSE(middle.error) << middle.error->message;
    Node a(io_, 2, gossiping({middle.address()})), b(io_, 3, gossiping({middle.address()}));
    ASSERT_TRUE(run_until([&] { return middle.connected == 2 && a.connected == 1 && b.connected == 1; }));
    a.network->set_nodes_apart(1);
    middle.accepts = false;
    a.network->publish(0x80, text("refused"));
    ASSERT_TRUE(run_until([&] { return middle.gossip.size() == 1; }));
    middle.accepts = true;
    a.network->publish(0x80, text("passed on"));
    ASSERT_TRUE(run_until([&] { return b.gossip.size() == 1; }));
    EXPECT_EQ(b.gossip[0].text, "passed on");
    EXPECT_EQ(b.gossip[0].from, middle.id());
    EXPECT_EQ(middle.network->stats().gossip.passed_on, 1U);
    EXPECT_EQ(b.network->stats().gossip.amplification_milli(), 1000U);
    EXPECT_EQ(a.network->stats().gossip_policy, GossipPolicy::tree);
    EXPECT_EQ(middle.network->stats().gossip_policy, GossipPolicy::direct);
    // Too large for any frame: dropped, not the end of the process.
    a.network->publish(0x80, SharedBytes(Bytes(frame_bytes_max)));
}

TEST_F(PeerNetworkTest, GossipSettingsThatDoNotFitAreRefused) {
    PeerNetworkOptions made = options();
    made.gossip.dedup_window = Duration::seconds(30);
    Node node(io_, 1, std::move(made));
    ASSERT_TRUE(node.error);
    EXPECT_NE(node.error->message.find("dedup_window_ms"), std::string::npos) << node.error->message;
}

}  // namespace
}  // namespace peerbook::p2p

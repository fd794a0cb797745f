// Compression between nodes over real sockets: who gets compressed frames, and what a bad one costs.

#include <string>

#include "base/random.h"
#include "p2p/peer_network.h"
#include "p2p/wire/compression.h"
#include "tests/unit/p2p/peer_network_case.h"

namespace peerbook::p2p {
namespace {

constexpr std::uint8_t public_kind = 0x91, private_kind = 0x92;

PeerNetworkOptions compressing(PeerNetworkOptions made) {
    made.compressed_kinds = {public_kind};
    return made;
}

// Hexadecimal digits: half of it is redundant.
SharedBytes orders(std::size_t size) {
    Random random(size);
    Bytes bytes(size);
    for (std::uint8_t& byte : bytes)
        byte = static_cast<std::uint8_t>("0123456789abcdef"[random.below(16)]);
    return SharedBytes(std::move(bytes));
}

struct Compressing : PeerNetworkTest {
    // Sends both kinds from b to a; how many bytes that took.
    std::uint64_t sent(Node& a, Node& b, std::uint8_t kind) {
        const std::uint64_t before = b.network->stats().bytes_out;
        const std::size_t bytes_before = a.bytes;
        EXPECT_TRUE(b.network->send(a.id(), kind, orders(100'000)));
        EXPECT_TRUE(run_until([&] { return a.bytes > bytes_before; }));
        EXPECT_EQ(a.bytes - bytes_before, 100'000U);
        EXPECT_EQ(a.payloads.back().kind, kind);
        return b.network->stats().bytes_out - before;
    }
};

TEST_F(Compressing, ListedKindsAreCompressedBetweenNodesThatBothDo) {
    Node a(io_, 1, compressing(options()));
    Node b(io_, 2, compressing(options({a.address()})));
    ASSERT_TRUE(run_until([&] { return a.connected == 1 && b.connected == 1; }));
    EXPECT_LT(sent(a, b, public_kind), 70'000U);
    EXPECT_GE(sent(a, b, private_kind), 100'000U);
    const PeerNetworkStats at_a = a.network->stats(), at_b = b.network->stats();
    EXPECT_GT(at_b.saved_out, 30'000U);
    EXPECT_EQ(at_a.saved_in, at_b.saved_out);
    EXPECT_EQ(at_b.saved_in, 0U);
}

TEST_F(Compressing, ANodeWithoutItTalksAllTheSame) {
    Node a(io_, 1, options());
    Node b(io_, 2, compressing(options({a.address()})));
    ASSERT_TRUE(run_until([&] { return a.connected == 1 && b.connected == 1; }));
    EXPECT_GE(sent(a, b, public_kind), 100'000U);
    EXPECT_GE(sent(b, a, public_kind), 100'000U);
    EXPECT_EQ(b.network->stats().saved_out, 0U);
}

TEST_F(Compressing, WhoSendsWhatDoesNotExpandIsDroppedAndCharged) {
    Node a(io_, 1, compressing(options()));
    Node b(io_, 2, compressing(options({a.address()})));
    ASSERT_TRUE(run_until([&] { return a.connected == 1 && b.connected == 1; }));
    ASSERT_TRUE(b.network->send(a.id(), compressed_kind, SharedBytes(Bytes{0x91, 0, 0, 1, 0, 5})));
    ASSERT_TRUE(run_until([&] { return a.disconnected == 1; }));
    EXPECT_TRUE(a.payloads.empty());
    ASSERT_TRUE(run_until([&] { return a.connected == 2; }));
    EXPECT_EQ(a.network->peers().at(0).reputation, -5);
}

TEST_F(Compressing, WhoDoesNotExpandIgnoresCompressedFrames) {
    Node a(io_, 1, options());
    Node b(io_, 2, options({a.address()}));
    ASSERT_TRUE(run_until([&] { return a.connected == 1 && b.connected == 1; }));
    ASSERT_TRUE(b.network->send(a.id(), compressed_kind, SharedBytes(Bytes{0x91, 0, 0, 1, 0, 5})));
    ASSERT_TRUE(b.network->send(a.id(), private_kind, text("after it")));
    ASSERT_TRUE(run_until([&] { return a.payloads.size() == 1; }));
    EXPECT_EQ(a.payloads[0].text, "after it");
    EXPECT_EQ(a.disconnected, 0);
}

}  // namespace
}  // namespace peerbook::p2p

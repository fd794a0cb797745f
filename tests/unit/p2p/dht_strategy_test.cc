// The strategy against a DHT that the test plays.

#include "p2p/dht/dht_strategy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hash.h"
#include "p2p/dht/service_name.h"

namespace peerbook::p2p {
namespace {

using testing::ElementsAre;

struct PlayedDht final : Dht {
    void announce(const DhtKey& service, std::uint16_t port, Announced done) override {
        announced = {service, port};
        announce_done = std::move(done);
    }
    void lookup(const DhtKey& service, std::uint32_t, LookedUp done) override {
        looked_up = service;
        lookup_done = std::move(done);
    }
    void put(ByteView, Put) override {}
    void get(const DhtKey&, Got) override {}
    void put_signed(const PublicKey&, const std::string&, DhtSignedItem, PutSigned) override {}
    void get_signed(const PublicKey&, const std::string&, GotSigned) override {}
    void watch(const DhtKey& service, Found found) override {
        watched = service;
        watcher = std::move(found);
    }
    void set_read_only(bool on) override { read_only = on; }
    DhtKey node_id() const override { return {}; }
    std::uint16_t port() const override { return 0; }
    DhtStats stats() const override { return {}; }
    void stop() override {}

    std::optional<bool> read_only;
    std::pair<DhtKey, std::uint16_t> announced;
    DhtKey looked_up, watched;
    Announced announce_done;
    LookedUp lookup_done;
    Found watcher;
};

struct DhtSearch : testing::Test {
    DiscoveryIdentity identity(bool broadcast = true) const {
        DiscoveryIdentity made;
        made.network = network;
        made.port = 3000;
        made.broadcast = broadcast;
        return made;
    }
    void begin(DhtStrategy& strategy) {
        ASSERT_TRUE(
            strategy.start([this](const PeerAddress& address) { found.push_back(to_string(address)); }).ok());
        strategy.search(
            [this](const Status& status) { ends.push_back(status.ok() ? "" : status.error().message); });
    }

    Digest network = hash_of("test", as_bytes("network"));
    DhtKey key = service_key(service_name(network));
    PlayedDht dht;
    std::vector<std::string> found, ends;
};

TEST_F(DhtSearch, TheNameOfANetworksServiceIsTwentyDigits) {
    EXPECT_EQ(service_name(network).size(), DhtKey::size);
    EXPECT_EQ(service_name(network).find_first_not_of("0123456789abcdef"), std::string::npos);
    EXPECT_NE(service_name(network), service_name(hash_of("test", as_bytes("another network"))));
    EXPECT_EQ(as_text(key.view()), service_name(network));
    // PROTOCOL.md's example.
    EXPECT_EQ(service_name(Digest{}), "b3a16bcb89c768f80950");
    EXPECT_NE(service_key("short").data, service_key("shorter").data);
}

TEST_F(DhtSearch, AnnouncesAndLooksUpAndEndsWhenBothHaveEnded) {
    DhtStrategy strategy(dht, identity(), {true, false});
    begin(strategy);
    EXPECT_EQ(dht.announced, std::pair(key, std::uint16_t{3000}));
    EXPECT_EQ(dht.looked_up, key);
    dht.lookup_done(std::vector<PeerAddress>{{"10.0.0.1", 3000}, {"127.0.0.1", 3001}});
    EXPECT_TRUE(ends.empty());
    dht.announce_done(std::size_t{1});
    EXPECT_THAT(ends, ElementsAre(""));
    EXPECT_THAT(found, ElementsAre("10.0.0.1:3000", "127.0.0.1:3001"));
}

TEST_F(DhtSearch, ASilentNodeOnlyLooksUp) {
    DhtStrategy strategy(dht, identity(false), {true, false});
    begin(strategy);
    EXPECT_FALSE(dht.announce_done);
    dht.lookup_done(std::vector<PeerAddress>{});
    EXPECT_THAT(ends, ElementsAre(""));
}

TEST_F(DhtSearch, ThePortOfTheGatewayIsAnnouncedAndNothingWhereNobodyGetsIn) {
    DhtStrategy strategy(dht, identity(), {true, false});
    strategy.set_outside_port(4001);
    begin(strategy);
    EXPECT_EQ(dht.announced.second, 4001);
    dht.announce_done(std::size_t{1});
    dht.lookup_done(std::vector<PeerAddress>{});
    dht.announce_done = nullptr;
    strategy.set_outside_port(0);
    strategy.search([this](const Status& status) { ends.push_back(status.ok() ? "" : "failed"); });
    EXPECT_FALSE(dht.announce_done);
    dht.lookup_done(std::vector<PeerAddress>{});
    EXPECT_THAT(ends, ElementsAre("", ""));
}

TEST_F(DhtSearch, WhoDoesNotBroadcastAnyMoreIsReadOnlyAndAnnouncesNothing) {
    DhtStrategy strategy(dht, identity(), {true, false});
    begin(strategy);
    dht.announce_done(std::size_t{1});
    dht.lookup_done(std::vector<PeerAddress>{});
    dht.announce_done = nullptr;
    strategy.set_broadcast(false);
    EXPECT_EQ(dht.read_only, true);
    strategy.search([this](const Status& status) { ends.push_back(status.ok() ? "" : "failed"); });
    EXPECT_FALSE(dht.announce_done);
    dht.lookup_done(std::vector<PeerAddress>{});
    strategy.set_broadcast(true);
    EXPECT_EQ(dht.read_only, false);
    strategy.search([this](const Status& status) { ends.push_back(status.ok() ? "" : "failed"); });
    EXPECT_TRUE(dht.announce_done);
}

TEST_F(DhtSearch, AFailureIsReportedOnce) {
    DhtStrategy strategy(dht, identity(), {true, false});
    begin(strategy);
    dht.announce_done(Error{ErrorCode::unavailable, "nobody answers"});
    dht.lookup_done(Error{ErrorCode::unavailable, "nobody answers"});
    EXPECT_THAT(ends, ElementsAre("nobody answers"));
}

TEST_F(DhtSearch, WhoBeginsADhtHasNobodyToAsk) {
    DhtStrategy strategy(dht, identity(), {true, true});
    begin(strategy);
    dht.announce_done(Error{ErrorCode::unavailable, "nobody answers"});
    dht.lookup_done(Error{ErrorCode::unavailable, "nobody answers"});
    EXPECT_THAT(ends, ElementsAre(""));
}

TEST_F(DhtSearch, WhoIsAnnouncedToThisNodeIsFoundBetweenSearches) {
    DhtStrategy strategy(dht, identity(), {true, false});
    begin(strategy);
    EXPECT_EQ(dht.watched, key);
    dht.watcher({"10.0.0.2", 4000});
    EXPECT_THAT(found, ElementsAre("10.0.0.2:4000"));
}

TEST_F(DhtSearch, TheOwnAddressAndStrangersLoopbackAreLeftOut) {
    DhtStrategy strategy(dht, identity(), {true, false});
    begin(strategy);
    dht.watcher({"127.0.0.1", 3000});
    EXPECT_TRUE(found.empty());
    DhtStrategy elsewhere(dht, identity(), {false, false});
    begin(elsewhere);
    dht.watcher({"127.0.0.1", 4000});
    dht.watcher({"::1", 4000});
    EXPECT_TRUE(found.empty());
}

TEST_F(DhtSearch, NothingIsReportedAfterStop) {
    DhtStrategy strategy(dht, identity(), {true, false});
    begin(strategy);
    strategy.stop();
    EXPECT_FALSE(dht.watcher);
    dht.lookup_done(std::vector<PeerAddress>{{"10.0.0.1", 3000}});
    dht.announce_done(std::size_t{1});
    EXPECT_TRUE(found.empty() && ends.empty());
}

}  // namespace
}  // namespace peerbook::p2p

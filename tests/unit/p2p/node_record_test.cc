// Node records of the DHT: what is signed and believed, and when one is put and looked for.
#include "p2p/dht/node_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/hash.h"
#include "p2p/dht/node_record_strategy.h"

namespace peerbook::p2p {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr WallTime now{1'700'000'000'000};
const Digest network = hash_of("test", as_bytes("network"));

std::unique_ptr<Signer> key(std::uint8_t number) {
    KeySeed seed;
    seed.data.fill(number);
    return make_ed25519_signer(seed);
}

// The addresses, or the error.
std::string read(const PublicKey& node, const DhtSignedItem& item, WallTime at = now,
                 const Digest& of = network) {
    const auto addresses = read_node_record(node, of, at, item, Ed25519Verifier());
    if (!addresses) return addresses.error().message;
    std::string text;
    for (const PeerAddress& address : *addresses)
        text += (text.empty() ? "" : " ") + to_string(address);
    return text;
}

// Signed as it should be, whatever it is.
DhtSignedItem item_of(const Signer& signer, const Bytes& bencoded, std::int64_t seq = now.ms) {
    return {bencoded, seq, signer.sign(signed_part_of_item(node_record_salt(network), seq, bencoded))};
}

Bytes text(std::string_view content) {
    const std::string bencoded = std::to_string(content.size()) + ":" + std::string(content);
    const ByteView view = as_bytes(bencoded);
    return Bytes(view.begin(), view.end());
}

TEST(NodeRecord, WhatBep44SignsIsSigned) {
    EXPECT_EQ(as_text(signed_part_of_item("foobar", 4, as_bytes("12:Hello World!"))),
              "4:salt6:foobar3:seqi4e1:v12:Hello World!");  // the example in BEP 44
    EXPECT_EQ(as_text(signed_part_of_item("", 1, as_bytes("12:Hello World!"))), "3:seqi1e1:v12:Hello World!");
    EXPECT_EQ(node_record_salt(network).size(), 64u);
}

TEST(NodeRecord, ComesBackAsItWasMade) {
    const auto signer = key(1);
    const DhtSignedItem item =
        make_node_record(*signer, network, now, {{"192.0.2.7", 3000}, {"2001:db8::7", 65535}});
    EXPECT_EQ(as_text(ByteView(item.bencoded).first(3)), "28:");
    EXPECT_EQ(item.seq, now.ms);
    EXPECT_EQ(read(signer->public_key(), item), "192.0.2.7:3000 [2001:db8::7]:65535");
    EXPECT_LE(item.bencoded.size(), dht_value_bytes_max);
}

TEST(NodeRecord, OnlyTheNodeItselfAndOnlyForThatNetwork) {
    const auto signer = key(1), other = key(2);
    DhtSignedItem item = make_node_record(*signer, network, now, {{"192.0.2.7", 3000}});
    EXPECT_THAT(read(other->public_key(), item), HasSubstr("not signed"));
    EXPECT_THAT(read(signer->public_key(), item, now, hash_of("test", as_bytes("other"))),
                HasSubstr("not signed"));
    ++item.seq;  // a repetition cannot be made younger
    EXPECT_THAT(read(signer->public_key(), item), HasSubstr("not signed"));
    --item.seq;
    item.bencoded.back() ^= 1;
    EXPECT_THAT(read(signer->public_key(), item), HasSubstr("not signed"));
}

TEST(NodeRecord, IsBelievedForTwoHours) {
    const auto signer = key(1);
    const DhtSignedItem item = make_node_record(*signer, network, now, {{"192.0.2.7", 3000}});
    EXPECT_EQ(read(signer->public_key(), item, {now.ms + 7'200'000}), "192.0.2.7:3000");
    EXPECT_THAT(read(signer->public_key(), item, {now.ms + 7'200'001}), HasSubstr("too old"));
    EXPECT_EQ(read(signer->public_key(), item, {now.ms - 60'000}), "192.0.2.7:3000");
    EXPECT_THAT(read(signer->public_key(), item, {now.ms - 60'001}), HasSubstr("future"));
    for (const std::int64_t seq : {std::numeric_limits<std::int64_t>::min(), std::int64_t{0},
                                   std::numeric_limits<std::int64_t>::max()})
        EXPECT_NE(read(signer->public_key(), item_of(*signer, item.bencoded, seq)), "192.0.2.7:3000") << seq;
}

TEST(NodeRecord, AnythingElseThatIsSignedIsNoRecord) {
    const auto signer = key(1);
    const std::string address = std::string("\x04\xc0\x00\x02\x07\x0b\xb8", 7);
    EXPECT_EQ(read(signer->public_key(), item_of(*signer, text(std::string("\x01\x01", 2) + address))),
              "192.0.2.7:3000");
    for (const std::string& content :
         {std::string(), std::string("\x01", 1), std::string("\x01\x00", 2), std::string("\x01\x01", 2),
          std::string("\x02\x01", 2) + address, std::string("\x01\x02", 2) + address,
          std::string("\x01\x01", 2) + address + "x", std::string("\x01\x01", 2) + address.substr(1),
          std::string("\x01\x03", 2) + address + address + address,
          std::string("\x01\x01\x04\xc0\x00\x02\x07\x00\x00", 9),  // port 0
          std::string("\x01\x01\x04\xe0\x00\x00\x01\x0b\xb8", 9),  // multicast
          std::string("\x01\x01\x06", 3) + std::string(10, '\0') + "\xff\xff" +
              address.substr(1)})  // mapped IPv4
        EXPECT_THAT(read(signer->public_key(), item_of(*signer, text(content))), HasSubstr("no node record"))
            << to_hex(as_bytes(content));
    for (const char* bencoded : {"i5e", "le", "9:short", "-1:", ":", "2:abc", "x"}) {
        const ByteView view = as_bytes(bencoded);
        EXPECT_THAT(read(signer->public_key(), item_of(*signer, Bytes(view.begin(), view.end()))),
                    HasSubstr("bencoded text"))
            << bencoded;
    }
    EXPECT_THAT(read(signer->public_key(), item_of(*signer, text(std::string(1'000, 'a')))),
                HasSubstr("not signed"));
}

// --- the strategy, against a DHT that the test plays ---

struct PlayedDht final : Dht {
    void announce(const DhtKey&, std::uint16_t, Announced) override {}
    void lookup(const DhtKey&, std::uint32_t, LookedUp) override {}
    void put(ByteView, Put) override {}
    void get(const DhtKey&, Got) override {}
    void put_signed(const PublicKey& node, const std::string&, DhtSignedItem item, PutSigned done) override {
        put_items.emplace_back(node, std::move(item));
        ends.push_back([done, this] {
            done(put_fails ? Status(Error{ErrorCode::unavailable, "nobody"}) : Status());
        });
    }
    void get_signed(const PublicKey& node, const std::string& salt, GotSigned done) override {
        EXPECT_EQ(salt, node_record_salt(network));
        asked.push_back(node);
        ends.push_back([done, this, node] {
            done(items.contains(node) ? std::optional(items[node]) : std::optional<DhtSignedItem>());
        });
    }
    void watch(const DhtKey&, Found) override {}
    void set_read_only(bool) override {}
    DhtKey node_id() const override { return {}; }
    std::uint16_t port() const override { return 0; }
    DhtStats stats() const override { return {}; }
    void stop() override {}

    bool put_fails = false;
    std::vector<std::pair<PublicKey, DhtSignedItem>> put_items;
    std::vector<PublicKey> asked;
    std::map<PublicKey, DhtSignedItem> items;
    std::vector<std::function<void()>> ends;
};

struct SetClock final : Clock {
    Now now() const override { return time; }
    Now time{MonoTime{Duration::seconds(1'000).ns}, p2p::now};
};

struct NodeRecords : testing::Test {
    std::unique_ptr<NodeRecordStrategy> strategy(bool broadcast = true, bool takes_loopback = false) {
        DiscoveryIdentity identity;
        identity.network = network;
        identity.broadcast = broadcast;
        auto made = std::make_unique<NodeRecordStrategy>(
            identity,
            NodeRecordStrategy::Parts{
                dht, *self, verifier, clock, [this] { return own; }, [this] { return wanted; },
                [this](std::function<void()> call) { dht.ends.push_back(std::move(call)); }, takes_loopback});
        EXPECT_TRUE(
            made->start([this](const PeerAddress& address) { found.push_back(to_string(address)); }).ok());
        return made;
    }
    // How it ended; "nothing" if it did not.
    std::string search(NodeRecordStrategy& strategy) {
        std::string ended = "nothing";
        bool has_returned = false;
        strategy.search([&](const Status& status) {
            EXPECT_TRUE(has_returned);
            EXPECT_EQ(ended, "nothing");
            ended = status.ok() ? "" : status.error().message;
        });
        has_returned = true;
        for (const auto& end : std::exchange(dht.ends, {}))
            end();
        return ended;
    }

    std::unique_ptr<Signer> self = key(1);
    Ed25519Verifier verifier;
    SetClock clock;
    PlayedDht dht;
    std::vector<PeerAddress> own{{"192.0.2.1", 3000}};
    std::vector<PeerId> wanted;
    std::vector<std::string> found;
};

TEST_F(NodeRecords, TheOwnOneIsPutWhenItIsNewAndTwiceAnHour) {
    const auto records = strategy();
    EXPECT_EQ(search(*records), "");
    ASSERT_EQ(dht.put_items.size(), 1u);
    EXPECT_EQ(dht.put_items[0].first, self->public_key());
    EXPECT_EQ(read(self->public_key(), dht.put_items[0].second), "192.0.2.1:3000");
    clock.time.mono = clock.time.mono + Duration::seconds(1'799);
    EXPECT_EQ(search(*records), "");
    EXPECT_EQ(dht.put_items.size(), 1u);
    clock.time.mono = clock.time.mono + Duration::seconds(1);
    EXPECT_EQ(search(*records), "");
    EXPECT_EQ(dht.put_items.size(), 2u);
    own = {{"192.0.2.2", 3000}};
    dht.put_fails = true;
    EXPECT_EQ(search(*records), "nobody");
    EXPECT_EQ(dht.put_items.size(), 3u);
    dht.put_fails = false;
    EXPECT_EQ(search(*records), "");  // again at once
    EXPECT_EQ(dht.put_items.size(), 4u);
}

TEST_F(NodeRecords, WhoIsSilentOrDoesNotKnowItsAddressPutsNone) {
    EXPECT_EQ(search(*strategy(false)), "");
    own.clear();
    EXPECT_EQ(search(*strategy()), "");
    EXPECT_THAT(dht.put_items, IsEmpty());
}

TEST_F(NodeRecords, WhoIsWantedIsAskedForInTurn) {
    own.clear();
    const auto records = strategy();
    for (std::uint8_t i = 10; i < 20; ++i)
        wanted.push_back(key(i)->public_key());
    EXPECT_EQ(search(*records), "");
    EXPECT_EQ(dht.asked.size(), records_asked_max);
    EXPECT_EQ(search(*records), "");
    EXPECT_EQ(dht.asked.size(), 2 * records_asked_max);
    for (const PeerId& node : wanted)
        EXPECT_THAT(dht.asked, testing::Contains(node));
}

TEST_F(NodeRecords, OnlyWhatIsGenuineAndReachableFromAnywhereIsTaken) {
    const auto good = key(2), forger = key(3), local = key(4), lan = key(5);
    wanted = {good->public_key(), forger->public_key(), local->public_key(), lan->public_key(),
              key(6)->public_key()};
    dht.items[good->public_key()] =
        make_node_record(*good, network, now, {{"198.51.100.2", 3000}, {"192.168.1.1", 80}});
    dht.items[forger->public_key()] = make_node_record(*good, network, now, {{"198.51.100.3", 3000}});
    dht.items[local->public_key()] = make_node_record(*local, network, now, {{"127.0.0.1", 3000}});
    dht.items[lan->public_key()] = make_node_record(*lan, network, now, {{"10.0.0.1", 3000}});
    EXPECT_EQ(search(*strategy(false)), "");
    EXPECT_THAT(found, ElementsAre("198.51.100.2:3000"));
    found.clear();
    EXPECT_EQ(search(*strategy(false, true)), "");
    EXPECT_THAT(found, ElementsAre("198.51.100.2:3000", "127.0.0.1:3000"));
}

TEST_F(NodeRecords, NothingIsSaidAfterTheEnd) {
    const auto good = key(2);
    wanted = {good->public_key()};
    dht.items[good->public_key()] = make_node_record(*good, network, now, {{"198.51.100.2", 3000}});
    const auto records = strategy();
    bool has_ended = false;
    records->search([&](const Status&) { has_ended = true; });
    records->stop();
    for (const auto& end : std::exchange(dht.ends, {}))
        end();
    EXPECT_FALSE(has_ended);
    EXPECT_THAT(found, IsEmpty());
}

}  // namespace
}  // namespace peerbook::p2p

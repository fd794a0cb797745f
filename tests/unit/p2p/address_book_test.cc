#include "p2p/peers/address_book.h"

#include <gtest/gtest.h>

#include "tests/unit/p2p/peer_world.h"

namespace peerbook::p2p {
namespace {

constexpr MonoTime start{0};
constexpr WallTime wall{1'700'000'000'000};

PeerId peer(std::uint8_t number) {
    PeerId id;
    id.data.fill(number);
    return id;
}

PeerAddress numbered(int number) {
    return {"10.0." + std::to_string(number / 250) + "." + std::to_string(number % 250), 3000};
}

const auto skip_none = [](const PeerId&) { return false; };

TEST(AddressBook, OneSourceCannotFillIt) {
    AddressBook book(Duration::seconds(3600), 1);
    int taken = 0;
    for (int i = 0; i < 500; ++i)
        taken += book.add_exchanged(start, peer(1), false, numbered(i)) ? 1 : 0;
    EXPECT_EQ(taken, static_cast<int>(addresses_of_one_source_max));
    EXPECT_TRUE(book.add_exchanged(start, peer(2), false, numbered(600)));
}

TEST(AddressBook, ManySourcesCannotGrowItWithoutBoundNorPushOutWhoAnswered) {
    AddressBook book(Duration::seconds(3600), 1);
    book.observed({start, wall}, {"good.example", 3000}, peer(200), true);
    for (int i = 0; i < 3000; ++i)
        book.add_exchanged(start, peer(static_cast<std::uint8_t>(i / 60)), false, numbered(i));
    EXPECT_EQ(book.entries().size(), addresses_max);
    EXPECT_TRUE(book.find({"good.example", 3000}));
}

TEST(AddressBook, LoopbackAddressesStayOnTheirMachine) {
    AddressBook book(Duration::seconds(3600), 1);
    EXPECT_FALSE(book.add_exchanged(start, peer(1), false, {"127.0.0.1", 1}));
    EXPECT_TRUE(book.add_exchanged(start, peer(1), true, {"127.0.0.1", 1}));
    book.observed({start, wall}, {"127.0.0.1", 2}, peer(2), true);
    EXPECT_TRUE(book.sample(wall, 20, peer(9), false).empty());
    EXPECT_EQ(book.sample(wall, 20, peer(9), true).size(), 1U);
}

TEST(AddressBook, OnlyFreshShareableAddressesAreGivenAndNotToTheirOwner) {
    AddressBook book(Duration::seconds(3600), 1);
    book.observed({start, wall}, numbered(1), peer(1), true);
    book.observed({start, wall}, numbered(2), peer(2), false);
    book.add_exchanged(start, peer(1), false, numbered(3));
    EXPECT_EQ(book.sample(wall, 20, peer(9), false), std::vector{numbered(1)});
    EXPECT_TRUE(book.sample(wall, 20, peer(1), false).empty());
    EXPECT_TRUE(book.sample({wall.ms + shared_within.ms() + 1}, 20, peer(9), false).empty());
    for (int i = 10; i < 60; ++i)
        book.observed({start, wall}, numbered(i), peer(3), true);
    EXPECT_EQ(book.sample(wall, 20, peer(9), false).size(), 20U);
}

TEST(AddressBook, AnAddressThatFailsForThreeDaysIsForgottenUnlessConfigured) {
    AddressBook book(Duration::seconds(3600), 1);
    book.add_exchanged(start, peer(1), false, numbered(1));
    ASSERT_TRUE(book.add_configured(start, numbered(2)));
    for (MonoTime now = start; now - start <= give_up_time; now = now + Duration::seconds(3600))
        for (int i : {1, 2})
            book.attempt_failed(now, numbered(i), "no answer");
    EXPECT_FALSE(book.find(numbered(1)));
    ASSERT_TRUE(book.find(numbered(2)));
    EXPECT_EQ(book.find(numbered(2))->last_error, "no answer");
}

TEST(AddressBook, APeerThatDropsUsAtOnceIsNotDialledEverySecond) {
    AddressBook book(Duration::seconds(3600), 1);
    ASSERT_TRUE(book.add_configured(start, numbered(1)));
    MonoTime now = start;
    for (int i = 0; i < 6; ++i) {
        book.attempt_succeeded({now, wall}, numbered(1), peer(1), true);
        book.connection_lost(now, numbered(1), "goodbye");
        now = book.find(numbered(1))->next_attempt;
    }
    EXPECT_GE(now - start, Duration::seconds(40));
    book.connection_kept(numbered(1));
    book.connection_lost(now, numbered(1), "goodbye");
    EXPECT_LE(book.find(numbered(1))->next_attempt - now, Duration::seconds(1));
}

TEST(AddressBook, ConfiguredOnesAreBounded) {
    AddressBook book(Duration::seconds(3600), 1);
    for (std::size_t i = 0; i < configured_addresses_max; ++i)
        EXPECT_TRUE(book.add_configured(start, numbered(static_cast<int>(i))));
    EXPECT_FALSE(book.add_configured(start, numbered(5000)));
    EXPECT_TRUE(book.add_configured(start, numbered(1)));
}

TEST(AddressBook, TheFileBringsBackAddressesAndBans) {
    AddressBook book(Duration::seconds(3600), 1);
    book.observed({start, wall}, numbered(1), peer(1), true);
    book.add_exchanged(start, peer(1), false, numbered(2));  // a rumour: not worth keeping
    const std::string text = book.to_json({{peer(7), {wall.ms + 5}}});
    AddressBook again(Duration::seconds(3600), 1);
    const auto bans = again.load_json(start, text);
    ASSERT_TRUE(bans) << bans.error().message;
    ASSERT_EQ(bans->size(), 1U);
    EXPECT_EQ(bans->at(0).peer, peer(7));
    ASSERT_EQ(again.entries().size(), 1U);
    EXPECT_EQ(again.find(numbered(1))->id, peer(1));
    EXPECT_EQ(again.due(start, 9, false, skip_none), std::vector{numbered(1)});
    EXPECT_EQ(again.to_json(*bans), text);
}

TEST(AddressBook, ADamagedFileIsRefusedWhole) {
    AddressBook book(Duration::seconds(3600), 1);
    book.observed({start, wall}, numbered(1), peer(1), true);
    const std::string good = book.to_json({{peer(7), {5}}});
    AddressBook again(Duration::seconds(3600), 1);
    EXPECT_EQ(again.load_json(start, "").error().code, ErrorCode::corrupt);
    EXPECT_EQ(again.load_json(start, good.substr(0, good.size() / 2)).error().code, ErrorCode::corrupt);
    for (const char* part : {"\"version\": 1", "10.0.0.1:3000", "0707", "\"until\": 5", "\"seen\": 1"}) {
        std::string damaged = good;
        damaged.replace(damaged.find(part), std::string(part).size(), "\"x\": \"y\"");
        EXPECT_EQ(again.load_json(start, damaged).error().code, ErrorCode::corrupt) << part;
    }
    EXPECT_TRUE(again.entries().empty());
}

}  // namespace
}  // namespace peerbook::p2p

#include "p2p/peers/address_book.h"

#include <gtest/gtest.h>

#include <set>

#include "p2p/peers/ip_address.h"
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
    return {"20." + std::to_string(number / 100) + "." + std::to_string(number % 100) + ".1", 3000};
}

constexpr const char* far_away = "20.200.0.1";
constexpr const char* this_machine = "127.0.0.1";

// We dialled it and it answered.
void prove(AddressBook& book, const PeerAddress& address, const PeerId& id) {
    book.observed({start, wall}, address, id, true);
    book.attempt_succeeded({start, wall}, address, id, true);
}

const auto skip_none = [](const PeerId&) { return false; };

TEST(AddressBook, OneSourceCannotFillIt) {
    AddressBook book(Duration::seconds(3600), 1);
    int taken = 0;
    for (int i = 0; i < 500; ++i)
        taken += book.add_exchanged(start, peer(1), far_away, numbered(i)) ? 1 : 0;
    EXPECT_EQ(taken, static_cast<int>(addresses_of_one_source_max));
    EXPECT_TRUE(book.add_exchanged(start, peer(2), far_away, numbered(600)));
}

TEST(AddressBook, ManySourcesCannotGrowItWithoutBoundNorPushOutWhoAnswered) {
    AddressBook book(Duration::seconds(3600), 1);
    prove(book, {"good.example", 3000}, peer(200));
    // Sources in 200 networks tell of addresses in 200 others.
    for (int i = 0; i < 6'000; ++i) {
        const int source = i % 200;
        book.add_exchanged(
            start, peer(static_cast<std::uint8_t>(source)), "21." + std::to_string(source) + ".0.1",
            {"22." + std::to_string(i / 7 % 200) + "." + std::to_string(i % 250) + ".1", 3000});
    }
    EXPECT_LE(book.entries().size(), addresses_max);
    EXPECT_GE(book.entries().size(), addresses_max * 9 / 10);
    EXPECT_TRUE(book.find({"good.example", 3000}));
}

TEST(AddressBook, AHandfulFromOneSourceAllFindRoom) {
    for (int secret = 0; secret < 20; ++secret) {
        AddressBook book(Duration::seconds(3600), 1, named_digest("secret " + std::to_string(secret)));
        for (std::uint16_t port = 1; port <= addresses_of_one_host_max; ++port)
            EXPECT_EQ(book.add_discovered(start, "mdns", {"10.77.0.1", port}),
                      AddressBook::Discovered::fresh);
    }
}

TEST(AddressBook, SourcesOfOneNetworkFillOnlyTheirBuckets) {
    AddressBook book(Duration::seconds(3600), 1, named_digest("secret"));
    for (int i = 0; i < 8'000; ++i)
        book.add_exchanged(start, peer(static_cast<std::uint8_t>(i % 250)),
                           "20.200.0." + std::to_string(i % 250),
                           {"22." + std::to_string(i % 199) + "." + std::to_string(i % 241) + ".1", 3000});
    EXPECT_LE(book.entries().size(), buckets_of_source_group * bucket_slots);
    EXPECT_GE(book.entries().size(), buckets_of_source_group * bucket_slots / 2);
    // Others still find room.
    int taken = 0;
    for (int i = 0; i < 60; ++i)
        taken += book.add_exchanged(start, peer(251), "99.1.0.1", {"50." + std::to_string(i) + ".0.1", 3000})
                     ? 1
                     : 0;
    EXPECT_GE(taken, 40);
}

TEST(AddressBook, AnotherSecretGivesOtherPlaces) {
    const AddressBuckets a(named_digest("one")), b(named_digest("two"));
    int same = 0;
    for (int i = 0; i < 200; ++i) {
        const AddressPlace at_a = a.tried_place(numbered(i));
        EXPECT_EQ(at_a, a.tried_place(numbered(i)));
        same += at_a == b.tried_place(numbered(i)) ? 1 : 0;
    }
    EXPECT_LE(same, 3);
}

TEST(AddressBook, AddressesOfOneNetworkHaveFourBucketsOfTriedAndHostsOfThisMachineAll) {
    const AddressBuckets buckets(named_digest("secret"));
    std::set<std::uint16_t> of_network, of_machine;
    for (int i = 0; i < 250; ++i) {
        of_network.insert(buckets.tried_place({"20.1.7." + std::to_string(i), 1}).bucket);
        of_machine.insert(buckets.tried_place({"127.0.0.1", static_cast<std::uint16_t>(1000 + i)}).bucket);
    }
    EXPECT_LE(of_network.size(), buckets_of_address_group);
    EXPECT_GE(of_machine.size(), tried_buckets / 2);
}

// Two addresses that would stand in one place of *tried*.
std::pair<PeerAddress, PeerAddress> rivals(const Digest& secret) {
    const AddressBuckets buckets(secret);
    for (int i = 1; i < 500; ++i)
        if (buckets.tried_place(numbered(i)) == buckets.tried_place(numbered(0)))
            return {numbered(0), numbered(i)};
    ADD_FAILURE() << "no two addresses with one place";
    return {};
}

TEST(AddressBook, WhoAnsweredKeepsHisPlaceUntilItFailsAndIsLookedAtFirst) {
    const Digest secret = named_digest("secret");
    AddressBook book(Duration::seconds(3600), 1, secret);
    const auto [first, second] = rivals(secret);
    prove(book, first, peer(1));
    prove(book, second, peer(2));
    ASSERT_TRUE(book.find(first)->place->tried);
    EXPECT_FALSE(book.find(second)->place->tried);
    EXPECT_TRUE(book.find(first)->contested);
    EXPECT_EQ(book.feeler(start, skip_none), first);
    // It answers the feeler: it stays.
    book.attempt_succeeded({start, wall}, first, peer(1), true);
    EXPECT_FALSE(book.find(first)->contested);
    book.attempt_succeeded({start, wall}, second, peer(2), true);
    EXPECT_TRUE(book.find(first)->place->tried);
    for (int i = 0; i < 2; ++i)
        book.attempt_failed(start, first, "no answer");
    book.attempt_succeeded({start, wall}, second, peer(2), true);
    EXPECT_TRUE(book.find(second)->place->tried);
    ASSERT_TRUE(book.find(first));
    EXPECT_FALSE(book.find(first)->place->tried);
}

TEST(AddressBook, HalfOfWhatIsDialledAnsweredBeforeHoweverMuchWasTold) {
    AddressBook book(Duration::seconds(3600), 1, named_digest("secret"));
    for (int i = 0; i < 10; ++i)
        prove(book, {"30." + std::to_string(i) + ".0.1", 1}, peer(static_cast<std::uint8_t>(100 + i)));
    for (int i = 0; i < 2000; ++i)
        book.add_exchanged(start, peer(static_cast<std::uint8_t>(i % 90)),
                           "21." + std::to_string(i % 90) + ".0.1",
                           {"22." + std::to_string(i % 200) + "." + std::to_string(i % 240) + ".1", 3000});
    ASSERT_GE(book.entries().size(), 500U);
    int proven = 0;
    for (int round = 0; round < 100; ++round)
        for (const PeerAddress& address : book.due(start, 4, false, skip_none))
            proven += book.find(address)->seen ? 1 : 0;
    EXPECT_GE(proven, 150);
    EXPECT_LE(proven, 250);
}

TEST(AddressBook, AnchorsOfTheLastRunAreDialledFirst) {
    AddressBook book(Duration::seconds(3600), 1, named_digest("secret"));
    std::vector<PeersFile::Peer> peers;
    for (int i = 0; i < 40; ++i)
        peers.push_back({{"30." + std::to_string(i) + ".0.1", 1},
                         peer(static_cast<std::uint8_t>(1 + i)),
                         wall,
                         true,
                         i == 17 || i == 31});
    book.restore(start, peers);
    const auto due = book.due(start, 3, false, skip_none);
    ASSERT_EQ(due.size(), 3U);
    const std::set<PeerAddress> two(due.begin(), due.begin() + 2);
    EXPECT_EQ(two, (std::set<PeerAddress>{{"30.17.0.1", 1}, {"30.31.0.1", 1}}));
    // Once it was tried it is like the others.
    book.attempt_failed(start, {"30.17.0.1", 1}, "no answer");
    EXPECT_FALSE(book.find({"30.17.0.1", 1})->anchor);
}

TEST(AddressBook, LoopbackAddressesStayOnTheirMachine) {
    AddressBook book(Duration::seconds(3600), 1);
    EXPECT_FALSE(book.add_exchanged(start, peer(1), far_away, {"127.0.0.1", 1}));
    EXPECT_TRUE(book.add_exchanged(start, peer(1), this_machine, {"127.0.0.1", 1}));
    book.observed({start, wall}, {"127.0.0.1", 2}, peer(2), true);
    EXPECT_TRUE(book.sample(wall, 20, peer(9), far_away).empty());
    EXPECT_EQ(book.sample(wall, 20, peer(9), this_machine).size(), 1U);
}

TEST(AddressBook, OnlyFreshShareableAddressesAreGivenAndNotToTheirOwner) {
    AddressBook book(Duration::seconds(3600), 1);
    book.observed({start, wall}, numbered(1), peer(1), true);
    book.observed({start, wall}, numbered(2), peer(2), false);
    book.add_exchanged(start, peer(1), far_away, numbered(3));
    EXPECT_EQ(book.sample(wall, 20, peer(9), far_away), std::vector{numbered(1)});
    EXPECT_TRUE(book.sample(wall, 20, peer(1), far_away).empty());
    EXPECT_TRUE(book.sample({wall.ms + shared_within.ms() + 1}, 20, peer(9), far_away).empty());
    for (int i = 10; i < 200; ++i)
        book.observed({start, wall}, {"30." + std::to_string(i) + ".0.1", 3000}, peer(3), true);
    EXPECT_EQ(book.sample(wall, 20, peer(9), far_away).size(), 20U);
}

TEST(AddressBook, OfAllAQuarterIsGivenOrEightAndNeverMoreThanAskedFor) {
    AddressBook book(Duration::seconds(3600), 1);
    for (int i = 0; i < 200; ++i) {
        book.observed({start, wall}, {"30." + std::to_string(i) + ".0.1", 3000}, peer(3), true);
        const std::size_t known = book.entries().size();
        const std::size_t given = book.sample(wall, 1000, peer(9), far_away).size();
        EXPECT_EQ(given, std::min(known, std::max<std::size_t>(8, known * 23 / 100)));
        EXPECT_EQ(book.sample(wall, 3, peer(9), far_away).size(), std::min<std::size_t>(known, 3));
    }
    EXPECT_GT(book.entries().size(), 150U);
}

TEST(AddressBook, WhereAPeerIsReachedNowTakesThePlaceOfWhereItWasInItsHost) {
    AddressBook book(Duration::seconds(3600), 1);
    const PeerAddress before{"20.0.0.1", 3000}, now{"20.0.0.1", 4001}, other_host{"20.1.0.1", 3000},
        of_other{"20.0.0.1", 3001};
    for (const PeerAddress& address : {before, other_host})
        book.observed({start, wall}, address, peer(1), true);
    book.observed({start, wall}, of_other, peer(2), true);
    const auto shared = [&] {
        const auto given = book.sample(wall, 20, peer(9), far_away);
        return std::set<PeerAddress>(given.begin(), given.end());
    };
    EXPECT_EQ(shared(), (std::set<PeerAddress>{before, other_host, of_other}));
    book.reached_at({start, wall}, now, peer(1));
    EXPECT_EQ(shared(), (std::set<PeerAddress>{now, other_host, of_other}));
    book.reached_at({start, wall}, {"20.0.0.1", 0}, peer(1));
    EXPECT_EQ(shared(), (std::set<PeerAddress>{other_host, of_other}));
    book.reached_at({start, wall}, before, peer(1));
    EXPECT_EQ(shared(), (std::set<PeerAddress>{before, other_host, of_other}));
    // What answered when it was dialled is nobody else's to take away.
    prove(book, of_other, peer(2));
    book.reached_at({start, wall}, of_other, peer(3));
    EXPECT_EQ(book.find(of_other)->id, peer(2));
    EXPECT_TRUE(shared().contains(of_other));
}

TEST(AddressBook, WhoWantsToBeKeptSecretIs) {
    AddressBook book(Duration::seconds(3600), 1);
    book.observed({start, wall}, numbered(1), peer(1), true);
    book.observed({start, wall}, numbered(2), peer(2), true);
    book.keep_secret(peer(1));
    EXPECT_EQ(book.sample(wall, 20, peer(9), far_away), std::vector{numbered(2)});
}

TEST(AddressBook, AnAddressThatFailsForThreeDaysIsForgottenUnlessConfigured) {
    AddressBook book(Duration::seconds(3600), 1);
    book.add_exchanged(start, peer(1), far_away, numbered(1));
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
        book.connection_lost(now, numbered(1), "goodbye", Duration{});
        now = book.find(numbered(1))->next_attempt;
    }
    EXPECT_GE(now - start, Duration::seconds(40));
    book.connection_kept(numbered(1));
    book.connection_lost(now, numbered(1), "goodbye", Duration{});
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
    prove(book, numbered(1), peer(1));
    book.add_exchanged(start, peer(1), far_away, numbered(2));  // a rumour: not worth keeping
    PeersFile file{book.proven(), {{peer(7), {wall.ms + 5}}, {peer(8), {wall.ms + 9}, true}}, {}};
    file.peers.at(0).anchor = true;
    file.records.push_back({peer(1), {5}, 20, 3, -12, wall});
    const std::string text = write_peers_file(file);
    EXPECT_NE(text.find("No keys and no secrets"), std::string::npos);
    const auto read = parse_peers_file(text);
    ASSERT_TRUE(read) << read.error().message;
    ASSERT_EQ(read->bans.size(), 2U);
    EXPECT_EQ(read->bans.at(0).peer, peer(7));
    EXPECT_FALSE(read->bans.at(0).by_operator);
    EXPECT_TRUE(read->bans.at(1).by_operator);
    EXPECT_EQ(read->records.at(0).reputation, -12);
    AddressBook again(Duration::seconds(3600), 1);
    again.restore(start, read->peers);
    ASSERT_EQ(again.entries().size(), 1U);
    EXPECT_EQ(again.find(numbered(1))->id, peer(1));
    EXPECT_TRUE(again.find(numbered(1))->anchor);
    EXPECT_EQ(again.due(start, 9, false, skip_none), std::vector{numbered(1)});
    EXPECT_EQ(write_peers_file(*read), text);
}

TEST(AddressBook, AFileOfTheFirstReleasesIsRead) {
    const auto read = parse_peers_file(R"({"version":1,"peers":[],"bans":[]})");
    ASSERT_TRUE(read);
    EXPECT_TRUE(read->records.empty());
}

TEST(AddressBook, ADamagedFileIsRefusedWhole) {
    AddressBook book(Duration::seconds(3600), 1);
    prove(book, numbered(1), peer(1));
    const std::string good =
        write_peers_file({book.proven(), {{peer(7), {5}}}, {{peer(1), {6}, 20, 3, -12, wall}}});
    ASSERT_TRUE(parse_peers_file(good));
    EXPECT_EQ(parse_peers_file("").error().code, ErrorCode::corrupt);
    EXPECT_EQ(parse_peers_file(good.substr(0, good.size() / 2)).error().code, ErrorCode::corrupt);
    for (const char* part : {"\"version\": 1", "20.0.1.1:3000", "0707", "\"until\": 5", "\"seen\": 1",
                             "\"reputation\": -12", "\"since\": 6"}) {
        std::string damaged = good;
        damaged.replace(damaged.find(part), std::string(part).size(), "\"x\": \"y\"");
        EXPECT_EQ(parse_peers_file(damaged).error().code, ErrorCode::corrupt) << part;
    }
}

TEST(AddressBook, OneHostAndOneNetworkFillOnlyTheirPart) {
    AddressBook book(Duration::seconds(3600), 1);
    for (std::uint16_t port = 1; port <= 100; ++port) {
        book.observed({start, wall}, {"20.1.1.1", port}, peer(1), true);
        book.observed({start, wall}, {"2001:db8::" + std::to_string(port), 1}, peer(2), true);
    }
    EXPECT_EQ(book.entries().size(), 2 * addresses_of_one_host_max);
    EXPECT_TRUE(book.find({"20.1.1.1", 100}));  // the oldest made room
    EXPECT_FALSE(book.find({"20.1.1.1", 1}));
    for (int i = 0; i < 1000; ++i)
        book.observed({start, wall}, {"30.1." + std::to_string(i / 200) + "." + std::to_string(i % 200), 1},
                      peer(3), true);
    EXPECT_LE(book.entries().size(), 2 * addresses_of_one_host_max + addresses_of_one_network_max);
    EXPECT_GE(book.entries().size(), 2 * addresses_of_one_host_max + bucket_slots / 2);
    prove(book, {"40.1.1.1", 1}, peer(4));
    for (std::uint16_t port = 2; port <= 100; ++port)
        book.observed({start, wall}, {"40.1.1.1", port}, peer(5), true);
    EXPECT_TRUE(book.find({"40.1.1.1", 1}));
}

TEST(AddressBook, AClaimChangesNothingOfWhatWasProvenOrConfigured) {
    AddressBook book(Duration::seconds(3600), 1);
    prove(book, numbered(1), peer(1));
    ASSERT_TRUE(book.add_configured(start, numbered(2)));
    for (int i : {1, 2})
        book.observed({start, wall}, numbered(i), peer(9), true);
    EXPECT_EQ(book.find(numbered(1))->id, peer(1));
    EXPECT_FALSE(book.find(numbered(2))->id);
    EXPECT_FALSE(book.is_configured(peer(9)));
    // Claimed first and configured later is no proof either.
    book.observed({start, wall}, numbered(3), peer(9), true);
    ASSERT_TRUE(book.add_configured(start, numbered(3)));
    EXPECT_FALSE(book.is_configured(peer(9)));
    book.attempt_succeeded({start, wall}, numbered(3), peer(7), true);
    EXPECT_TRUE(book.is_configured(peer(7)));
    for (const PeersFile::Peer& kept : book.proven())
        EXPECT_NE(kept.id, peer(9));
}

TEST(AddressBook, PeersMayTellOnlyOfAddressesThatTheyCouldReach) {
    AddressBook book(Duration::seconds(3600), 1);
    const auto taken = [&](const char* source, const char* host) {
        return book.add_exchanged(start, peer(1), source, {host, 1});
    };
    for (const char* source : {"20.0.0.1", "10.0.0.1", "127.0.0.1", "peer.example"})
        for (const char* host : {"0.0.0.0", "224.0.0.1", "255.255.255.255", "169.254.1.1", "::", "ff02::1",
                                 "fe80::1", "name.example", "1.2.3"})
            EXPECT_FALSE(taken(source, host)) << source << " " << host;
    EXPECT_TRUE(taken("20.0.0.1", "21.0.0.1"));
    for (const char* host : {"10.1.1.1", "172.16.0.1", "192.168.0.1", "fd00::1"}) {
        EXPECT_FALSE(taken("20.0.0.1", host)) << host;
        EXPECT_FALSE(taken("peer.example", host)) << host;
        EXPECT_TRUE(taken("10.0.0.1", host)) << host;
    }
    EXPECT_FALSE(taken("10.0.0.1", "::1"));
    EXPECT_TRUE(taken("::1", "127.0.0.2"));
}

TEST(AddressBook, AnAddressCanBeForgotten) {
    AddressBook book(Duration::seconds(3600), 1);
    ASSERT_TRUE(book.add_configured(start, numbered(1)));
    EXPECT_TRUE(book.forget(numbered(1)));
    EXPECT_FALSE(book.forget(numbered(1)));
    EXPECT_TRUE(book.due(start, 9, true, skip_none).empty());
}

TEST(AddressBook, TheLargestFileItWritesIsReadAgain) {
    AddressBook book(Duration::seconds(3600), 1);
    const std::string name(240, 'x');
    for (std::size_t i = 0; i < configured_addresses_max; ++i) {
        const PeerAddress address{name + std::to_string(i), 65535};
        ASSERT_TRUE(book.add_configured(start, address));
        book.attempt_succeeded({start, wall}, address, peer(1), true);
    }
    const std::vector<PeerScores::Ban> bans(50'000, {peer(7), wall});
    const std::vector<PeersFile::Record> records(50'000, {peer(7), wall, 1, 1, -3, wall});
    const std::string text = write_peers_file({book.proven(), bans, records});
    EXPECT_LE(text.size(), peers_file_bytes_max);
    EXPECT_TRUE(parse_peers_file(text));
}

TEST(IpAddress, SpellingsOfOneAddressAreOne) {
    for (const auto& [written, canonical] : std::vector<std::pair<std::string, std::string>>{
             {"[::1]:5", "[::1]:5"},
             {"[0:0:0:0:0:0:0:1]:5", "[::1]:5"},
             {"[2001:DB8:0:0:1:0:0:0]:5", "[2001:db8:0:0:1::]:5"},
             {"[2001:db8::0:1:2]:5", "[2001:db8::1:2]:5"},
             {"[::ffff:10.0.0.1]:5", "10.0.0.1:5"},
             {"[1:0:3:4:5:6:7:8]:5", "[1:0:3:4:5:6:7:8]:5"},
             {"127.evil.example:5", "127.evil.example:5"}}) {
        const auto address = parse_peer_address(written);
        ASSERT_TRUE(address) << written;
        EXPECT_EQ(to_string(*address), canonical);
    }
    for (const char* wrong : {"[:]:5", "[1:2:3]:5", "[1::2::3]:5", "[1:2:3:4:5:6:7:8:9]:5", "[12345::]:5",
                              "[::1.2.3]:5", "[1:2:3:4:5:6:7:]:5"})
        EXPECT_FALSE(parse_peer_address(wrong)) << wrong;
    EXPECT_FALSE(is_loopback_host("127.evil.example"));
    EXPECT_TRUE(is_loopback_host("::ffff:127.0.0.1"));
    EXPECT_EQ(limit_key("2001:db8::1"), limit_key("2001:db8::ffff:1"));
    EXPECT_NE(limit_key("2001:db8::1"), limit_key("2001:db8:0:1::1"));
}

TEST(PeerScores, WhenAllAreBannedTheBanThatEndsFirstMakesRoom) {
    PeerScores scores;
    const auto id = [](std::size_t i) {
        PeerId made;
        made.data[0] = static_cast<std::uint8_t>(i >> 8);
        made.data[1] = static_cast<std::uint8_t>(i);
        return made;
    };
    // Later ids are banned earlier.
    for (std::size_t i = 0; i < scored_max; ++i)
        scores.penalise({start, {wall.ms - static_cast<std::int64_t>(i)}}, id(i), 50, false);
    scores.penalise({start, wall}, id(scored_max), 1, false);
    EXPECT_FALSE(scores.banned(wall, id(scored_max - 1)));
    EXPECT_TRUE(scores.banned(wall, id(scored_max - 2)));
    // The one with a point is more innocent than any ban that lasts, but a ban that is over is more so.
    const WallTime later{wall.ms + ban_time.ms() - static_cast<std::int64_t>(scored_max) + 2};
    scores.penalise({start, later}, id(scored_max + 1), 50, false);
    EXPECT_EQ(scores.score(start, id(scored_max)), -1);
}

}  // namespace
}  // namespace peerbook::p2p

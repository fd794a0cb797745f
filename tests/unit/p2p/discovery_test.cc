#include <gtest/gtest.h>

#include <functional>
#include <utility>

#include "p2p/discovery/peer_discovery.h"
#include "tests/unit/p2p/peer_world.h"

namespace peerbook::p2p {
namespace {

using Numbers = std::vector<std::size_t>;

constexpr DiscoverySchedule::Peers lonely{0, 50}, some{3, 50}, enough{50, 50};

MonoTime at(std::int64_t seconds) {
    return MonoTime{} + s(seconds);
}

// The pause after a search, in whole seconds; jitter takes an eighth at most.
void expect_pause(DiscoverySchedule& schedule, std::size_t strategy, MonoTime now, std::int64_t seconds) {
    const auto next = schedule.next_in(now, strategy);
    ASSERT_TRUE(next);
    EXPECT_LE(next->ns, s(seconds).ns);
    EXPECT_GE(next->ns, s(seconds).ns - s(seconds).ns / 8);
}

// --- DiscoverySchedule ---

TEST(DiscoverySchedule, TheFirstSearchesComeInOrder) {
    DiscoverySchedule schedule(true, 1);
    for (int i = 0; i < 3; ++i)
        schedule.add();
    EXPECT_EQ(schedule.due(at(0), lonely), Numbers{0});
    EXPECT_EQ(schedule.due(at(0), lonely), Numbers{});
    schedule.ended(at(0), 0, true, true);
    EXPECT_EQ(schedule.due(at(0), lonely), Numbers{1});  // the one before has ended its first search
    EXPECT_EQ(schedule.due(at(0), lonely), Numbers{});
    EXPECT_EQ(schedule.due(at(1), lonely), Numbers{2});  // or has had its time
}

TEST(DiscoverySchedule, WhoCannotBeUsedHoldsNobodyUp) {
    DiscoverySchedule schedule(true, 1);
    for (int i = 0; i < 2; ++i)
        schedule.add();
    schedule.remove(0);
    EXPECT_EQ(schedule.due(at(0), lonely), Numbers{1});
    EXPECT_FALSE(schedule.next_in(at(0), 0));
}

TEST(DiscoverySchedule, ABroadcastingNodeRenewsItsAnnouncementsHoweverManyPeersItHas) {
    DiscoverySchedule schedule(true, 1);
    schedule.add(s(120));
    MonoTime now = at(0);
    for (int i = 0; i < 5; ++i) {
        ASSERT_EQ(schedule.due(now, enough), Numbers{0});
        schedule.ended(now, 0, true, false);
        expect_pause(schedule, 0, now, 120);
        now = now + s(120);
    }
}

TEST(DiscoverySchedule, ASilentNodeSearchesLessWhenNothingNewComesOrPeersAreEnough) {
    DiscoverySchedule schedule(false, 1);
    schedule.add(s(120));
    MonoTime now = at(0);
    for (const std::int64_t pause : {240, 480, 600, 600}) {
        ASSERT_EQ(schedule.due(now, some), Numbers{0});
        schedule.ended(now, 0, true, false);
        expect_pause(schedule, 0, now, pause);
        now = now + s(pause);
    }
    ASSERT_EQ(schedule.due(now, some), Numbers{0});
    schedule.ended(now, 0, true, true);
    expect_pause(schedule, 0, now, 120);
    now = now + s(120);
    ASSERT_EQ(schedule.due(now, enough), Numbers{0});
    schedule.ended(now, 0, true, true);
    expect_pause(schedule, 0, now, 240);
}

TEST(DiscoverySchedule, AFailingOneBacksOffAndComesBack) {
    DiscoverySchedule schedule(true, 1);
    schedule.add(s(120));
    MonoTime now = at(0);
    for (const std::int64_t pause : {120, 240, 480, 960, 1800, 1800}) {
        ASSERT_EQ(schedule.due(now, lonely), Numbers{0});
        schedule.ended(now, 0, false, false);
        expect_pause(schedule, 0, now, pause);
        now = now + s(pause);
    }
    ASSERT_EQ(schedule.due(now, lonely), Numbers{0});
    schedule.ended(now, 0, true, false);
    expect_pause(schedule, 0, now, 30);
}

TEST(DiscoverySchedule, WhoHasNoPeerSearchesOften) {
    for (const bool broadcasts : {true, false}) {
        DiscoverySchedule schedule(broadcasts, 1);
        schedule.add(s(120));
        MonoTime now = at(0);
        for (int i = 0; i < 5; ++i) {
            ASSERT_EQ(schedule.due(now, lonely), Numbers{0});
            schedule.ended(now, 0, true, i == 2);
            expect_pause(schedule, 0, now, 30);
            now = now + s(30);
        }
        ASSERT_EQ(schedule.due(now, some), Numbers{0});
        schedule.ended(now, 0, true, true);
        expect_pause(schedule, 0, now, 120);
    }
}

TEST(DiscoverySchedule, WhoLosesTheLastPeerSearchesSoon) {
    DiscoverySchedule schedule(false, 1);
    schedule.add(s(120));
    ASSERT_EQ(schedule.due(at(0), some), Numbers{0});
    schedule.ended(at(0), 0, true, false);
    EXPECT_EQ(schedule.due(at(10), lonely), Numbers{});
    EXPECT_EQ(schedule.due(at(39), lonely), Numbers{});
    EXPECT_EQ(schedule.due(at(40), lonely), Numbers{0});
}

TEST(DiscoverySchedule, ASearchWithoutEndIsNamedOnceAndNotRepeated) {
    DiscoverySchedule schedule(true, 1);
    schedule.add();
    ASSERT_EQ(schedule.due(at(0), lonely), Numbers{0});
    EXPECT_EQ(schedule.overdue(at(59)), Numbers{});
    EXPECT_EQ(schedule.overdue(at(60)), Numbers{0});
    EXPECT_EQ(schedule.overdue(at(61)), Numbers{});
    EXPECT_EQ(schedule.due(at(10'000), lonely), Numbers{});
    schedule.ended(at(10'000), 0, true, false);
    EXPECT_EQ(schedule.due(at(10'120), lonely), Numbers{0});
    EXPECT_EQ(schedule.overdue(at(10'180)), Numbers{0});
}

TEST(DiscoverySchedule, NodesStartedTogetherPart) {
    DiscoverySchedule one(true, 1), other(true, 2);
    for (DiscoverySchedule* schedule : {&one, &other}) {
        schedule->add();
        (void)schedule->due(at(0), lonely);
        schedule->ended(at(0), 0, true, false);
    }
    EXPECT_NE(one.next_in(at(0), 0), other.next_in(at(0), 0));
}

// --- PeerDiscovery ---

// What a test tells it to do.
struct Script {
    explicit Script(const char* called = "") : name(called) {}
    std::string name;
    Status startable;
    int searches = 0;
    bool stopped = false;
    DiscoveryStrategy::Found found;
    DiscoveryStrategy::Done done;
    int outside_port = -1;
    std::optional<bool> broadcast;
};

class ScriptedStrategy final : public DiscoveryStrategy {
  public:
    explicit ScriptedStrategy(Script& script) : script_(script) {}
    std::string_view name() const override { return script_.name; }
    Status start(Found found) override {
        script_.found = std::move(found);
        return script_.startable;
    }
    void search(Done done) override {
        ++script_.searches;
        script_.done = std::move(done);
    }
    void set_outside_port(std::uint16_t port) override { script_.outside_port = port; }
    void set_broadcast(bool broadcast) override { script_.broadcast = broadcast; }
    void stop() override { script_.stopped = true; }

  private:
    Script& script_;
};

struct DiscoveryTest : testing::Test {
    DiscoveryTest()
        : discovery({[this](std::string_view strategy, const PeerAddress& address) {
                         given.emplace_back(strategy, to_string(address));
                         return known.insert({address, true}).second;
                     },
                     [this](bool is_warning, const std::string& text) {
                         said.push_back((is_warning ? "warning " : "") + text);
                     },
                     [this] { return now; }},
                    true, 1) {}

    void add(Script& script) {
        ASSERT_TRUE(discovery.add(std::make_unique<ScriptedStrategy>(script), s(120)).ok());
    }
    void tick(std::int64_t seconds = 0) {
        now.mono = now.mono + s(seconds);
        now.wall.ms += seconds * 1000;
        discovery.tick(now, 0, 50);
    }

    Now now{at(1000), WallTime{1'700'000'000'000}};
    std::map<PeerAddress, bool> known;
    std::vector<std::pair<std::string, std::string>> given;
    std::vector<std::string> said;
    Script near{"near"}, far{"far"};
    PeerDiscovery discovery;
};

TEST_F(DiscoveryTest, TellsWhichWayFoundWhom) {
    add(near);
    add(far);
    tick();
    tick(1);
    EXPECT_EQ(std::pair(near.searches, far.searches), std::pair(1, 1));
    near.found({"192.0.2.1", 3000});
    far.found({"192.0.2.1", 3000});
    far.found({"192.0.2.2", 3000});
    near.done({});
    const auto infos = discovery.infos(now);
    ASSERT_EQ(infos.size(), 2U);
    EXPECT_EQ(std::tuple(infos[0].name, infos[0].found, infos[0].state), std::tuple("near", 1U, "waiting"));
    EXPECT_EQ(std::tuple(infos[1].name, infos[1].found, infos[1].state), std::tuple("far", 1U, "searching"));
    EXPECT_EQ(infos[0].last_search->ms, 1'700'000'000'000);
    EXPECT_TRUE(infos[0].next_search_in);
    EXPECT_FALSE(infos[1].next_search_in);
    EXPECT_EQ(given.size(), 3U);
}

TEST_F(DiscoveryTest, AllHearByWhichPortThisNodeIsReached) {
    add(near);
    EXPECT_EQ(near.outside_port, -1);
    discovery.set_outside_port(4001);
    add(far);
    EXPECT_EQ(std::pair(near.outside_port, far.outside_port), std::pair(4001, 4001));
    discovery.set_outside_port(0);
    EXPECT_EQ(std::pair(near.outside_port, far.outside_port), std::pair(0, 0));
}

TEST_F(DiscoveryTest, OneFailsAloneAndSaysSoOnce) {
    add(near);
    add(far);
    tick();
    near.done(Error{ErrorCode::unavailable, "nobody answers at grape.example"});
    tick();
    for (int i = 0; i < 4; ++i) {
        tick(2000);
        near.done(Error{ErrorCode::unavailable, "nobody answers at grape.example"});
    }
    EXPECT_EQ(near.searches, 5);
    EXPECT_EQ(far.searches, 1);  // still under way
    ASSERT_EQ(said.size(), 2U);
    EXPECT_NE(said[0].find("warning strategy=near"), std::string::npos) << said[0];
    EXPECT_NE(said[0].find("nobody answers at grape.example"), std::string::npos) << said[0];
    EXPECT_NE(said[1].find("strategy=far"), std::string::npos) << said[1];  // its search did not end
    EXPECT_EQ(discovery.infos(now)[0].state, "failing");
    EXPECT_EQ(discovery.infos(now)[0].last_error, "nobody answers at grape.example");
    tick(2000);
    near.done({});
    EXPECT_EQ(said.back(), "strategy=near works again");
}

TEST_F(DiscoveryTest, AStrategyThatCannotStartIsShownAndNeverAsked) {
    near.startable = Error{ErrorCode::unavailable, "no network"};
    add(near);
    add(far);
    tick();
    EXPECT_EQ(near.searches, 0);
    EXPECT_EQ(far.searches, 1);
    EXPECT_EQ(discovery.infos(now)[0].state, "unusable");
    EXPECT_EQ(discovery.infos(now)[0].last_error, "no network");
    ASSERT_EQ(said.size(), 1U);
    EXPECT_NE(said[0].find("no network"), std::string::npos);
    discovery.stop();
    EXPECT_FALSE(near.stopped);
    EXPECT_TRUE(far.stopped);
}

TEST_F(DiscoveryTest, NamesAreUniqueAndWaysAreFew) {
    add(near);
    Script again("near");
    EXPECT_EQ(discovery.add(std::make_unique<ScriptedStrategy>(again)).error().code, ErrorCode::conflict);
    std::vector<Script> more(strategies_max);
    for (std::size_t i = 0; i < more.size(); ++i) {
        more[i].name = "way " + std::to_string(i);
        const Status added = discovery.add(std::make_unique<ScriptedStrategy>(more[i]));
        EXPECT_EQ(added.ok(), i + 1 < strategies_max);
        if (!added.ok()) {
            EXPECT_EQ(added.error().code, ErrorCode::too_large);
        }
    }
    discovery.stop();  // before the scripts go
}

TEST_F(DiscoveryTest, NothingIsTakenAfterTheStop) {
    add(near);
    tick();
    discovery.stop();
    near.found({"192.0.2.1", 3000});
    near.done({});
    tick(1000);
    EXPECT_TRUE(given.empty());
    EXPECT_TRUE(said.empty());
    EXPECT_EQ(near.searches, 1);
}

// --- what is found, in the address book and at the peers ---

TEST(Discovered, AnAddressIsDialledAndItsPeerShownAsFoundThatWay) {
    PeerWorld world;
    auto &a = world.add(1), &b = world.add(2);
    EXPECT_TRUE(a.manager->add_discovered(world.now(a), "mdns", b.address()));
    EXPECT_FALSE(a.manager->add_discovered(world.now(a), "dht", b.address()));
    world.advance(s(2));
    ASSERT_TRUE(meet(a, b));
    EXPECT_EQ(info_of(world, a, b.id()).found_by, "mdns");
    EXPECT_EQ(info_of(world, b, a.id()).found_by, "inbound");
    const auto ways = a.manager->found_by_way();
    EXPECT_EQ(ways.at("mdns").addresses, 1U);
    EXPECT_EQ(ways.at("mdns").connected, 1U);
    EXPECT_FALSE(ways.contains("dht"));
}

TEST(Discovered, WhoFoundEachOtherBothSaySo) {
    PeerWorld world;
    auto &a = world.add(1), &b = world.add(2);
    a.manager->add_discovered(world.now(a), "mdns", b.address());
    b.manager->add_discovered(world.now(b), "mdns", a.address());
    world.advance(s(2));
    ASSERT_TRUE(meet(a, b));
    EXPECT_EQ(info_of(world, a, b.id()).found_by, "mdns");
    EXPECT_EQ(info_of(world, b, a.id()).found_by, "mdns");
}

TEST(Discovered, AnotherNetworkIsRefusedByTheHandshake) {
    PeerWorld world;
    PeerManagerOptions others = PeerWorld::options();
    others.local.network = named_digest("another network");
    auto &a = world.add(1), &b = world.add(2, others);
    a.manager->add_discovered(world.now(a), "dht", b.address());
    world.advance(s(2));
    EXPECT_FALSE(meet(a, b));
    EXPECT_NE(last_error_at(world, a, b.address()), "");
}

AddressBook::Discovered discovered(AddressBook& book, const std::string& host, std::uint16_t port = 3000,
                                   std::string_view strategy = "mdns", MonoTime now = {}) {
    return book.add_discovered(now, strategy, {host, port});
}

TEST(Discovered, NobodyIsDialledWhereNobodyCanBe) {
    AddressBook book(s(3600), 1);
    for (const char* host : {"0.0.0.0", "::", "224.0.0.251", "255.255.255.255", "ff02::fb", "fe80::1"})
        EXPECT_EQ(discovered(book, host), AddressBook::Discovered::refused) << host;
    EXPECT_EQ(discovered(book, "192.0.2.1", 0), AddressBook::Discovered::refused);
    // A strategy that looks at this machine or network alone may say so.
    for (const char* host : {"127.0.0.1", "::1", "192.168.1.2", "169.254.1.2", "fd00::2", "192.0.2.1"})
        EXPECT_EQ(discovered(book, host), AddressBook::Discovered::fresh) << host;
    EXPECT_EQ(discovered(book, "192.0.2.1"), AddressBook::Discovered::known);
}

TEST(Discovered, OneStrategyCannotFillTheBook) {
    AddressBook book(s(3600), 1);
    for (int i = 0; i < 4000; ++i)
        discovered(book, "10." + std::to_string(i % 250) + ".0." + std::to_string(i / 250 + 1));
    EXPECT_LE(book.entries().size(), std::size_t{buckets_of_source_group} * bucket_slots);
    const std::size_t before = book.entries().size();
    for (int i = 0; i < 100; ++i)
        discovered(book, "11." + std::to_string(i) + ".0.1", 3000, "dht");
    EXPECT_GT(book.entries().size(), before + 30);
}

TEST(Discovered, WhatFailedAndIsFoundAgainIsTriedSoonButNotAtOnce) {
    AddressBook book(s(3600), 1);
    const PeerAddress address{"192.0.2.1", 3000};
    discovered(book, address.host);
    for (int i = 0; i < 10; ++i) {
        book.attempt_started(address);
        book.attempt_failed(at(0), address, "cannot connect");
    }
    EXPECT_GT(book.find(address)->next_attempt, at(300));
    EXPECT_EQ(discovered(book, address.host, 3000, "mdns", at(5)), AddressBook::Discovered::known);
    EXPECT_EQ(book.find(address)->next_attempt, at(5) + found_again_pause_max);
    discovered(book, address.host, 3000, "mdns", at(6));
    EXPECT_EQ(book.find(address)->next_attempt, at(5) + found_again_pause_max);
}

TEST(Discovered, ItsOwnAddressStaysIgnored) {
    AddressBook book(s(3600), 1);
    const PeerAddress address{"192.0.2.1", 3000};
    discovered(book, address.host);
    book.is_ourselves(at(0), address);
    EXPECT_EQ(discovered(book, address.host), AddressBook::Discovered::refused);
    EXPECT_EQ(book.find(address)->next_attempt, at(0) + ourselves_time);
}

TEST_F(DiscoveryTest, WhenBroadcastingChangesAllSearchAtOnceAndLaterOnesHearIt) {
    Script first("first"), second("second"), late("late");
    add(first);
    add(second);
    tick();
    first.done({});
    tick(1);
    second.done({});
    tick(130);
    ASSERT_EQ(first.searches, 2);  // under way when it changes
    second.done({});
    const int before = second.searches;
    discovery.set_broadcast(now, false);
    EXPECT_EQ(first.broadcast, false);
    EXPECT_EQ(second.broadcast, false);
    tick();
    EXPECT_EQ(first.searches, 2);
    EXPECT_EQ(second.searches, before + 1);
    first.done({});
    tick();
    EXPECT_EQ(first.searches, 3);
    add(late);
    EXPECT_EQ(late.broadcast, false);
    discovery.stop();  // before what it says of itself is gone
}

}  // namespace
}  // namespace peerbook::p2p

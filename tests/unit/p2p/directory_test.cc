// Who offers what: nodes in a line, or any shape, whose messages the test carries.
#include "p2p/directory/directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>

#include "base/keys.h"

namespace peerbook::p2p {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class DirectoryTest : public ::testing::Test {
  protected:
    struct Node {
        std::unique_ptr<Signer> signer;
        std::unique_ptr<Directory> directory;
        std::map<PeerId, PeerAddress> met;  // whom it would give to anybody
        std::vector<PeerAddress> found;
        std::vector<std::string> violations;
        std::set<std::size_t> neighbours;
        std::uint64_t ids = 0;
        PeerId id() const { return signer->public_key(); }
    };

    Node& add(bool broadcast = true) {
        const std::size_t number = nodes.size();
        auto node = std::make_unique<Node>();
        KeySeed seed;
        seed.data.fill(static_cast<std::uint8_t>(number + 1));
        node->signer = make_ed25519_signer(seed);
        Directory::Options options;
        options.network.data.fill(7);
        options.broadcast = broadcast;
        options.next_id = [number, raw = node.get()] {
            MessageId id;
            id.data[0] = static_cast<std::uint8_t>(number);
            id.data[14] = static_cast<std::uint8_t>(++raw->ids >> 8);
            id.data[15] = static_cast<std::uint8_t>(raw->ids);
            return id;
        };
        options.addresses = [raw = node.get()](const auto&) { return raw->met; };
        broadcasts.push_back(broadcast);
        node->directory = std::make_unique<Directory>(options, *node->signer, verifier);
        nodes.push_back(std::move(node));
        return *nodes.back();
    }
    void line(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i)
            add();
        for (std::size_t i = 0; i + 1 < count; ++i)
            join(i, i + 1);
    }
    void join(std::size_t a, std::size_t b) {
        nodes[a]->neighbours.insert(b);
        nodes[b]->neighbours.insert(a);
        Directory::Outputs of_a, of_b;
        nodes[a]->directory->neighbour_up(now, nodes[b]->id(), broadcasts[b], of_a);
        nodes[b]->directory->neighbour_up(now, nodes[a]->id(), broadcasts[a], of_b);
        carry(a, std::move(of_a));
        carry(b, std::move(of_b));
    }
    void offer(std::size_t at, std::vector<std::string> services) {
        Directory::Outputs out;
        nodes[at]->directory->set_services(now, std::move(services), out);
        carry(at, std::move(out));
    }
    bool ask(std::size_t at, const std::string& service) {
        Directory::Outputs out;
        const bool asked = nodes[at]->directory->ask(now, service, out);
        carry(at, std::move(out));
        return asked;
    }
    void pass(Duration time) {
        now = {now.mono + time, {now.wall.ms + time.ms()}};
        for (std::size_t i = 0; i < nodes.size(); ++i) {
            Directory::Outputs out;
            nodes[i]->directory->tick(now, out);
            carry(i, std::move(out));
        }
    }
    std::size_t number_of(const PeerId& id) const {
        for (std::size_t i = 0; i < nodes.size(); ++i)
            if (nodes[i]->id() == id) return i;
        ADD_FAILURE() << "nobody has this id";
        return 0;
    }
    // Brings everything to its receiver, and what that gives rise to, until nothing is under way.
    void carry(std::size_t from, Directory::Outputs out) {
        struct Piece {
            std::size_t from, to;
            Bytes body;
        };
        std::deque<Piece> under_way;
        const auto take = [&](std::size_t at, Directory::Outputs& outputs) {
            for (Directory::Output& output : outputs) {
                if (auto* send = std::get_if<Directory::Send>(&output))
                    under_way.push_back({at, number_of(send->neighbour), std::move(send->body)});
                else if (const auto* found = std::get_if<Directory::Found>(&output))
                    nodes[at]->found.push_back(found->address);
                else
                    nodes[at]->violations.push_back(std::get<Directory::Violation>(output).why);
            }
        };
        take(from, out);
        while (!under_way.empty()) {
            const Piece piece = std::move(under_way.front());
            under_way.pop_front();
            ++carried;
            if (!nodes[piece.to]->neighbours.contains(piece.from)) continue;
            last_body = piece.body;
            Directory::Outputs answers;
            nodes[piece.to]->directory->receive(now, nodes[piece.from]->id(), piece.body, answers);
            take(piece.to, answers);
        }
    }
    Directory::Outputs bring(std::size_t to, std::size_t from, const SignedControl& message) {
        Directory::Outputs out;
        nodes[to]->directory->receive(now, nodes[from]->id(), write_signed_control(message), out);
        return out;
    }
    SignedControl signed_by(std::size_t who, const DirectoryBody& body, std::int64_t ttl,
                            std::uint8_t number) {
        SignedControl message;
        message.id.data[1] = 0xee;
        message.id.data[15] = number;
        message.timestamp = now.wall;
        message.ttl = ttl;
        write_directory(body, message);
        Digest network;
        network.data.fill(7);
        sign_control(message, network, *nodes[who]->signer);
        return message;
    }
    std::vector<PeerId> who_offers(std::size_t at, const std::string& service) {
        std::vector<PeerId> ids;
        for (const ServiceProvider& one : nodes[at]->directory->find(now.mono, service))
            ids.push_back(one.node);
        return ids;
    }

    Ed25519Verifier verifier;
    Now now{MonoTime{1'000'000'000}, WallTime{1'700'000'000'000}};
    std::vector<std::unique_ptr<Node>> nodes;
    std::vector<bool> broadcasts;
    std::size_t carried = 0;
    Bytes last_body;
};

TEST_F(DirectoryTest, WhoConnectsIsTold) {
    add();
    add();
    offer(0, {"member", "market/BTC-USD"});
    join(0, 1);
    EXPECT_THAT(who_offers(1, "market/BTC-USD"), ElementsAre(nodes[0]->id()));
    EXPECT_THAT(who_offers(1, "market/ETH-USD"), IsEmpty());
    EXPECT_TRUE(nodes[1]->directory->find(now.mono, "member")[0].is_neighbour);
    offer(0, {"observer"});
    EXPECT_THAT(who_offers(1, "member"), IsEmpty());
    EXPECT_THAT(who_offers(1, "observer"), ElementsAre(nodes[0]->id()));
}

TEST_F(DirectoryTest, EverybodyHearsOfAnAnnouncementOnce) {
    line(6);
    join(0, 5);  // a ring: everything comes from two sides
    offer(2, {"member"});
    pass(Duration::milliseconds(200));
    for (std::size_t i = 0; i < 6; ++i)
        if (i != 2) {
            EXPECT_THAT(who_offers(i, "member"), ElementsAre(nodes[2]->id())) << "node " << i;
        }
    const std::size_t before = carried;
    pass(Duration::seconds(1));
    EXPECT_EQ(carried, before);
}

TEST_F(DirectoryTest, WhatChangedIsToldToAllButNotMoreOftenThanThePause) {
    line(4);
    offer(0, {"member"});
    pass(Duration::milliseconds(200));
    offer(0, {"observer"});
    EXPECT_THAT(who_offers(3, "observer"), IsEmpty());  // its neighbour alone knows yet
    pass(announce_pause_min);
    EXPECT_THAT(who_offers(3, "observer"), ElementsAre(nodes[0]->id()));
    EXPECT_THAT(who_offers(3, "member"), IsEmpty());
}

TEST_F(DirectoryTest, WhoLeavesIsForgotten) {
    line(4);
    offer(0, {"member"});
    pass(Duration::milliseconds(200));
    ASSERT_THAT(who_offers(3, "member"), ElementsAre(nodes[0]->id()));
    Directory::Outputs out;
    nodes[0]->directory->leave(now, out);
    carry(0, std::move(out));
    EXPECT_THAT(who_offers(3, "member"), IsEmpty());
}

TEST_F(DirectoryTest, WhoIsNotHeardOfForLongIsForgotten) {
    line(3);
    offer(0, {"member"});
    pass(Duration::milliseconds(200));
    nodes[1]->neighbours.erase(0);
    nodes[0]->neighbours.clear();
    pass(provider_time_max);
    EXPECT_THAT(who_offers(2, "member"), ElementsAre(nodes[0]->id()));
    pass(Duration::seconds(11));
    EXPECT_THAT(who_offers(2, "member"), IsEmpty());
}

TEST_F(DirectoryTest, ARequestIsAnsweredByTheFirstThatKnowsAnAddress) {
    line(5);
    offer(4, {"registry"});
    nodes[2]->met.emplace(nodes[4]->id(), PeerAddress{"11.0.0.5", 3000});
    pass(Duration::milliseconds(200));
    carried = 0;
    EXPECT_TRUE(ask(0, "registry"));
    EXPECT_THAT(nodes[0]->found, ElementsAre(PeerAddress{"11.0.0.5", 3000}));
    EXPECT_EQ(carried, 4u);  // there by 1 and 2, and back
    EXPECT_FALSE(ask(0, "registry"));
    pass(request_time_max + Duration::seconds(1));
    EXPECT_TRUE(ask(0, "registry"));
}

TEST_F(DirectoryTest, WhatNobodyAnnouncedIsFoundByAsking) {
    line(4);
    pass(Duration::milliseconds(200));
    offer(3, {"registry"});  // its neighbour hears, the others not before the next announcement
    nodes[3]->directory->find(now.mono, "registry");
    nodes[2]->met.emplace(nodes[3]->id(), PeerAddress{"11.0.0.4", 3000});
    EXPECT_THAT(who_offers(0, "registry"), IsEmpty());
    EXPECT_TRUE(ask(0, "registry"));
    EXPECT_THAT(who_offers(0, "registry"), ElementsAre(nodes[3]->id()));
    EXPECT_EQ(nodes[0]->directory->find(now.mono, "registry")[0].told_by, nodes[2]->id());
    EXPECT_THAT(nodes[0]->found, ElementsAre(PeerAddress{"11.0.0.4", 3000}));
    // Its own word is worth more.
    pass(announce_interval + Duration::seconds(1));
    EXPECT_EQ(nodes[0]->directory->find(now.mono, "registry")[0].told_by, std::nullopt);
}

TEST_F(DirectoryTest, NobodyHearsOfASilentNodeButItsNeighbours) {
    add();
    add();
    add(false);
    join(0, 1);
    join(1, 2);
    offer(2, {"member"});
    nodes[1]->met.emplace(nodes[2]->id(), PeerAddress{"11.0.0.3", 3000});
    pass(Duration::milliseconds(200));
    pass(announce_interval);
    EXPECT_THAT(who_offers(1, "member"), ElementsAre(nodes[2]->id()));
    EXPECT_THAT(who_offers(0, "member"), IsEmpty());
    ask(0, "member");
    EXPECT_THAT(who_offers(0, "member"), IsEmpty());
    EXPECT_THAT(nodes[0]->found, IsEmpty());
}

TEST_F(DirectoryTest, WhoIsAnnouncedNoMoreIsForgottenByAllButItsNeighbours) {
    line(4);
    offer(0, {"member"});
    pass(Duration::milliseconds(200));
    ASSERT_THAT(who_offers(3, "member"), ElementsAre(nodes[0]->id()));
    const auto set = [&](bool broadcast) {
        Directory::Outputs out;
        nodes[0]->directory->set_broadcast(now, broadcast, out);
        carry(0, std::move(out));
    };
    set(false);
    EXPECT_THAT(who_offers(3, "member"), IsEmpty());
    EXPECT_THAT(who_offers(1, "member"), ElementsAre(nodes[0]->id()));  // its neighbour
    pass(announce_interval * 2);
    EXPECT_THAT(who_offers(3, "member"), IsEmpty());
    set(true);
    pass(Duration::milliseconds(200));
    EXPECT_THAT(who_offers(3, "member"), ElementsAre(nodes[0]->id()));
}

TEST_F(DirectoryTest, WhatItsSenderDidNotSignCostsWhoPassedItOn) {
    line(3);
    SignedControl forged = signed_by(2, ServicesNews{ServicesOccasion::announcement, {"member"}}, 16, 1);
    forged.payload = R"({"services":["registry"]})";
    const auto out = bring(0, 1, forged);
    ASSERT_EQ(out.size(), 1u);
    EXPECT_THAT(std::get<Directory::Violation>(out[0]).why, HasSubstr("did not sign"));
    EXPECT_THAT(who_offers(0, "registry"), IsEmpty());
    // The genuine one of the same id is taken all the same.
    bring(0, 1, signed_by(2, ServicesNews{ServicesOccasion::announcement, {"member"}}, 16, 1));
    EXPECT_THAT(who_offers(0, "member"), ElementsAre(nodes[2]->id()));
}

TEST_F(DirectoryTest, OfAnotherNetworkNothingIsTaken) {
    line(3);
    SignedControl other = signed_by(2, ServicesNews{ServicesOccasion::announcement, {"member"}}, 16, 1);
    Digest network;
    network.data.fill(8);
    sign_control(other, network, *nodes[2]->signer);
    EXPECT_EQ(bring(0, 1, other).size(), 1u);
    EXPECT_THAT(who_offers(0, "member"), IsEmpty());
}

TEST_F(DirectoryTest, WhatIsOldOrOfTheFutureOrComesAgainIsDropped) {
    line(3);
    const ServicesNews news{ServicesOccasion::announcement, {"member"}};
    SignedControl message = signed_by(2, news, 16, 1);
    const Now sent = now;
    now = {now.mono + signed_control_age_max + Duration::seconds(1), {now.wall.ms + 61'000}};
    EXPECT_THAT(bring(0, 1, message), IsEmpty());
    EXPECT_THAT(who_offers(0, "member"), IsEmpty());
    now = {sent.mono, {sent.wall.ms - 31'000}};
    EXPECT_THAT(bring(0, 1, message), IsEmpty());
    EXPECT_THAT(who_offers(0, "member"), IsEmpty());
    now = sent;
    bring(0, 1, message);
    EXPECT_THAT(who_offers(0, "member"), ElementsAre(nodes[2]->id()));
    // A replay after it left brings it back to nobody.
    bring(0, 1, signed_by(2, ServicesNews{ServicesOccasion::update, {}}, 16, 2));
    bring(0, 1, message);
    EXPECT_THAT(who_offers(0, "member"), IsEmpty());
    EXPECT_EQ(nodes[0]->directory->dropped(), 3u);
}

TEST_F(DirectoryTest, TheTtlEndsTheWay) {
    line(4);
    carry(0, [&] {
        Directory::Outputs out;
        out.emplace_back(Directory::Send{
            nodes[1]->id(), write_signed_control(signed_by(
                                0, ServicesNews{ServicesOccasion::announcement, {"member"}}, 1, 1))});
        return out;
    }());
    EXPECT_THAT(who_offers(2, "member"), ElementsAre(nodes[0]->id()));
    EXPECT_THAT(who_offers(3, "member"), IsEmpty());
}

TEST_F(DirectoryTest, AHelloIsNotPassedOn) {
    line(3);
    SignedControl greeting = signed_by(2, ServicesNews{ServicesOccasion::hello, {"member"}}, 16, 1);
    const auto out = bring(0, 1, greeting);
    ASSERT_EQ(out.size(), 1u);
    EXPECT_THAT(std::get<Directory::Violation>(out[0]).why, HasSubstr("hello"));
}

TEST_F(DirectoryTest, WhatIsMalformedCostsAndUnknownTypesDoNot) {
    line(2);
    SignedControl message = signed_by(1, ServicesNews{ServicesOccasion::announcement, {"member"}}, 16, 1);
    Digest network;
    network.data.fill(7);
    std::uint8_t number = 2;
    for (const char* payload : {R"({"services":["two words"]})", R"({"services":[{}]})", R"({"services":""})",
                                R"([])", R"({})", R"({"services":[""]})", "{"}) {
        message.payload = payload;
        message.id.data[15] = number++;
        sign_control(message, network, *nodes[1]->signer);
        EXPECT_EQ(bring(0, 1, message).size(), 1u) << payload;
    }
    message.type = "peer_poem";
    message.id.data[15] = number;
    sign_control(message, network, *nodes[1]->signer);
    EXPECT_THAT(bring(0, 1, message), IsEmpty());
}

TEST_F(DirectoryTest, AnswersThatNobodyAskedForAreNotTaken) {
    line(3);
    ServiceList list;
    list.request.data[3] = 9;
    list.providers.push_back({nodes[2]->id(), PeerAddress{"11.0.0.9", 1}});
    SignedControl message = signed_by(1, list, 32, 1);
    message.to = nodes[0]->id();
    Digest network;
    network.data.fill(7);
    sign_control(message, network, *nodes[1]->signer);
    EXPECT_THAT(bring(0, 1, message), IsEmpty());
    message.to = nodes[2]->id();  // and not passed on either
    sign_control(message, network, *nodes[1]->signer);
    EXPECT_THAT(bring(0, 1, message), IsEmpty());
}

TEST_F(DirectoryTest, ManyAnswersByOneNeighbourLeaveOthersTheirs) {
    line(3);
    pass(Duration::milliseconds(200));
    ASSERT_TRUE(ask(1, "registry"));
    ServiceList list;
    list.request.data[0] = 1;
    list.request.data[15] = static_cast<std::uint8_t>(nodes[1]->ids);
    const auto answer = [&](std::size_t from, std::uint8_t number) {
        SignedControl message = signed_by(from, list, 32, number);
        message.to = nodes[1]->id();
        Digest network;
        network.data.fill(7);
        sign_control(message, network, *nodes[from]->signer);
        return bring(1, from, message);
    };
    for (std::uint8_t number = 1; number <= 2 * responses_of_one_request_max; ++number)
        EXPECT_THAT(answer(0, number), IsEmpty());
    list.providers.push_back({nodes[2]->id(), PeerAddress{"11.0.0.3", 3000}});
    EXPECT_THAT(answer(0, 100), IsEmpty()) << "this neighbour has said enough";
    EXPECT_EQ(answer(2, 101).size(), 1U);
}

TEST_F(DirectoryTest, AFloodIsPassedOnWithinTheRates) {
    line(3);
    std::size_t passed = 0;
    for (unsigned i = 0; i < 100; ++i)
        passed += bring(1, 0,
                        signed_by(0, ServiceRequest{"market/" + std::to_string(i)}, 16,
                                  static_cast<std::uint8_t>(i)))
                      .size();
    EXPECT_EQ(passed, static_cast<std::size_t>(directory_sender_rate.capacity));
    // Others of the same neighbour are heard until its own rate is used up.
    EXPECT_EQ(bring(1, 0, signed_by(2, ServiceRequest{"market/x"}, 16, 1)).size(), 1u);
    for (unsigned i = 0; i < 200; ++i)
        bring(1, 0, signed_by(0, ServiceRequest{"market/y"}, 16, static_cast<std::uint8_t>(i)));
    EXPECT_THAT(bring(1, 0, signed_by(2, ServiceRequest{"market/z"}, 16, 2)), IsEmpty());
}

TEST_F(DirectoryTest, WhoInventsNodesDisplacesItsOwn) {
    add();
    add();
    join(0, 1);
    offer(1, {"member"});
    KeySeed seed;
    for (std::size_t i = 0; i < providers_by_neighbour_max + 100; ++i) {
        now.mono = now.mono + Duration::milliseconds(100);  // within the rate of the neighbour
        for (std::size_t byte = 0; byte < 4; ++byte)
            seed.data[31 - byte] = static_cast<std::uint8_t>(i >> (8 * byte));
        seed.data[0] = 0xaa;
        const auto signer = make_ed25519_signer(seed);
        SignedControl message = signed_by(1, ServicesNews{ServicesOccasion::announcement, {"x"}}, 0, 1);
        Digest network;
        network.data.fill(7);
        sign_control(message, network, *signer);
        bring(0, 1, message);
    }
    EXPECT_EQ(nodes[0]->directory->providers(), providers_by_neighbour_max);
    EXPECT_THAT(who_offers(0, "member"), ElementsAre(nodes[1]->id()));  // the neighbour keeps its place
}

TEST(SignedControls, AreWrittenAndReadAlike) {
    SignedControl message;
    message.type = "peer_request";
    message.id.data.fill(3);
    message.from.data.fill(4);
    message.timestamp = {1'700'000'000'000};
    message.ttl = 32;
    message.payload = R"({"service":"a \" b"})";
    message.signature.data.fill(5);
    for (const bool to_one : {false, true}) {
        if (to_one) message.to = message.from;
        const auto read = parse_signed_control(write_signed_control(message));
        ASSERT_TRUE(read) << read.error().message;
        EXPECT_EQ(read->type, message.type);
        EXPECT_EQ(read->id, message.id);
        EXPECT_EQ(read->from, message.from);
        EXPECT_EQ(read->to, message.to);
        EXPECT_EQ(read->timestamp.ms, message.timestamp.ms);
        EXPECT_EQ(read->ttl, message.ttl);
        EXPECT_EQ(read->payload, message.payload);
        EXPECT_EQ(read->signature, message.signature);
    }
}

TEST(SignedControls, OutOfTheirBoundsAreRefused) {
    SignedControl message;
    message.ttl = 33;
    EXPECT_FALSE(parse_signed_control(write_signed_control(message)));
    message.ttl = 0;
    message.payload = std::string(signed_control_payload_bytes_max + 1, 'x');
    EXPECT_FALSE(parse_signed_control(write_signed_control(message)));
    message.payload = std::string(control_bytes_max, 'x');
    EXPECT_FALSE(parse_signed_control(write_signed_control(message)));
    message.payload.clear();
    message.to = PeerId{};  // nobody's, and as the sum of what is signed the same as all
    EXPECT_FALSE(parse_signed_control(write_signed_control(message)));
    EXPECT_FALSE(parse_signed_control({}));
}

}  // namespace
}  // namespace peerbook::p2p

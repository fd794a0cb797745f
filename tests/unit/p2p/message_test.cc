#include "p2p/wire/message.h"

#include <gtest/gtest.h>

#include "tests/unit/p2p/peer_world.h"

namespace peerbook::p2p {
namespace {

std::string replaced(std::string text, const std::string& part, const std::string& by) {
    const std::size_t at = text.find(part);
    EXPECT_NE(at, std::string::npos) << part;
    return text.replace(at, part.size(), by);
}

ControlMessage message_of(ControlBody body) {
    ControlMessage message;
    message.id.data.fill(7);
    message.from.data.fill(1);
    message.timestamp = {1'700'000'000'123};
    message.body = std::move(body);
    return message;
}

HandshakeMessage handshake() {
    HandshakeMessage body;
    body.node.data.fill(1);
    body.version = "1.0";
    body.agent = "peerbook/0.1";
    body.port = 3000;
    body.broadcast = true;
    body.capabilities = {"routed"};
    body.network = named_digest("network");
    body.ledger = named_digest("ledger");
    body.clock = {1'700'000'000'000};
    body.challenge.data.fill(9);
    return body;
}

std::string text_of(ControlBody body) {
    return std::string(as_text(write_control(message_of(std::move(body)))));
}

std::string error_of(const std::string& text) {
    const auto parsed = parse_control(as_bytes(text));
    return parsed ? "accepted" : parsed.error().message;
}

TEST(ControlMessage, EveryKindSurvivesWritingAndParsing) {
    const std::vector<ControlBody> bodies{
        handshake(),        HandshakeAck{},
        Heartbeat{5},       HeartbeatAck{6},
        Goodbye{"bye now"}, PeerExchange{{{"::1", 3000}, {"a.b", 1}}},
        DialBack{65535},    DialBackAnswer{1, DialBackAnswer::Result::refused},
        ReachedAt{0},       ReachedAt{3000}};
    for (const ControlBody& body : bodies) {
        const Bytes bytes = write_control(message_of(body));
        const auto parsed = parse_control(bytes);
        ASSERT_TRUE(parsed) << parsed.error().message;
        EXPECT_EQ(parsed->body.index(), body.index());
        EXPECT_EQ(write_control(*parsed), bytes);
    }
}

TEST(ControlMessage, TheHandshakeKeepsEveryClaim) {
    const auto parsed = parse_control(write_control(message_of(handshake())));
    ASSERT_TRUE(parsed);
    const auto& body = std::get<HandshakeMessage>(parsed->body);
    EXPECT_EQ(body.node, handshake().node);
    EXPECT_EQ(body.agent, "peerbook/0.1");
    EXPECT_EQ(body.port, 3000);
    EXPECT_TRUE(body.broadcast);
    EXPECT_EQ(body.network, handshake().network);
    EXPECT_EQ(body.ledger, handshake().ledger);
    EXPECT_EQ(body.clock, handshake().clock);
    EXPECT_EQ(body.challenge, handshake().challenge);
}

TEST(ControlMessage, WhereTheReceiverIsSeenAndThatItIsOnlyLookedAtAreOptional) {
    const std::string plain = text_of(handshake());
    EXPECT_EQ(plain.find("seen"), std::string::npos);
    EXPECT_EQ(plain.find("look"), std::string::npos);
    HandshakeMessage body = handshake();
    body.seen = PeerAddress{"2001:db8::1", 4000};
    body.look = true;
    const std::string text = text_of(body);
    const auto parsed = parse_control(as_bytes(text));
    ASSERT_TRUE(parsed) << parsed.error().message;
    const auto& back = std::get<HandshakeMessage>(parsed->body);
    EXPECT_EQ(back.seen, body.seen);
    EXPECT_TRUE(back.look);
    EXPECT_EQ(error_of(replaced(text, "[2001:db8::1]:4000", "some.name:4000")),
              "control message: handshake.seen is no address literal and port");
    EXPECT_EQ(error_of(replaced(text, "[2001:db8::1]:4000", "10.0.0.1")),
              "control message: handshake.seen is no address literal and port");
    EXPECT_EQ(error_of(replaced(text, "[2001:db8::1]:4000", std::string(300, '1'))),
              "control message: handshake.seen is too long");
    EXPECT_EQ(error_of(replaced(text, "\"look\":true", "\"look\":1")),
              "control message: handshake.look is not true or false");
}

TEST(ControlMessage, DialBacksHaveAPortAndOneOfThreeResults) {
    for (const auto result : {DialBackAnswer::Result::reachable, DialBackAnswer::Result::unreachable,
                              DialBackAnswer::Result::refused}) {
        const auto parsed = parse_control(write_control(message_of(DialBackAnswer{7, result})));
        ASSERT_TRUE(parsed);
        EXPECT_EQ(std::get<DialBackAnswer>(parsed->body).result, result);
        EXPECT_EQ(std::get<DialBackAnswer>(parsed->body).port, 7);
    }
    const std::string question = text_of(DialBack{7}), answer = text_of(DialBackAnswer{7, {}});
    for (const char* port : {"0", "-1", "65536", "1.5", "\"x\"", "true"}) {
        EXPECT_NE(error_of(replaced(question, "\"port\":7", std::string("\"port\":") + port)), "accepted")
            << port;
        EXPECT_NE(error_of(replaced(answer, "\"port\":7", std::string("\"port\":") + port)), "accepted")
            << port;
    }
    EXPECT_EQ(error_of(replaced(question, "\"port\"", "\"p\"")), "control message: dialback.port is missing");
    EXPECT_EQ(error_of(replaced(answer, "\"reachable\"", "\"perhaps\"")),
              "control message: dialback_answer.result is none of reachable, unreachable, refused");
    EXPECT_EQ(error_of(replaced(text_of(ReachedAt{7}), "\"port\":7", "\"port\":65536")),
              "control message: reached_at.port is not an integer in its range");
}

TEST(ControlMessage, NumbersMayBeTextAndUnknownMembersAndTypesAreLeftAlone) {
    std::string text =
        replaced(text_of(Heartbeat{5}), "\"sequence\":5", "\"sequence\":\"5\",\"new\":[1.5e40,{}]");
    auto parsed = parse_control(as_bytes(text));
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(std::get<Heartbeat>(parsed->body).sequence, 5U);
    text = replaced(text, "\"heartbeat\"", "\"hologram\"");
    parsed = parse_control(as_bytes(text));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(std::get<UnknownControl>(parsed->body).type, "hologram");
}

TEST(ControlMessage, MalformedOnesAreRefusedWithTheReason) {
    const std::string good = text_of(Heartbeat{5});
    EXPECT_EQ(error_of(good), "accepted");
    EXPECT_EQ(error_of("{"), "control message: not a JSON object, byte 1");
    EXPECT_EQ(error_of("{}"), "control message: type is missing");
    EXPECT_EQ(error_of(good + "{}").substr(0, 34), "control message: not a JSON object");
    EXPECT_EQ(error_of(replaced(good, "\"type\":\"heartbeat\"", "\"type\":true")),
              "control message: type is not text");
    EXPECT_EQ(error_of(replaced(good, "\"to\":\"*\"", "\"to\":\"x\"")),
              "control message: to is neither * nor a node id");
    EXPECT_EQ(error_of(replaced(good, "\"ttl\":0", "\"ttl\":33")),
              "control message: ttl is not an integer in its range");
    EXPECT_EQ(error_of(replaced(good, "\"ttl\":0", "\"ttl\":1e1")),
              "control message: ttl is not an integer in its range");
    EXPECT_EQ(error_of(replaced(good, "\"sequence\":5", "\"sequence\":-1")),
              "control message: heartbeat.sequence is not an integer in its range");
    EXPECT_EQ(error_of(replaced(good, "\"sequence\":5", "\"sequence\":" + std::string(30, '9'))),
              "control message: heartbeat.sequence is too long");
    EXPECT_EQ(
        error_of(replaced(good, "\"sequence\":5", "\"sequence\":" + std::string(400, '9'))).substr(0, 34),
        "control message: not a JSON object");
    EXPECT_EQ(error_of(replaced(good, "0101", "01")), "control message: from is not hex of its length");
    EXPECT_EQ(error_of(replaced(good, "\"payload\":{\"sequence\":5}", "\"payload\":5")),
              "control message: payload is not an object");
}

TEST(ControlMessage, DepthSizeAndCountsAreBounded) {
    const std::string deep = "{\"a\":" + std::string(8, '[') + std::string(8, ']') + "}";
    EXPECT_EQ(error_of(deep), "control message: nested too deeply");
    EXPECT_EQ(error_of("{\"a\":\"" + std::string(control_bytes_max, '[') + "\"}").substr(0, 23),
              "control message of 1639");
    const std::string exchange = text_of(PeerExchange{{{"a", 1}}});
    std::string many = "\"a:1\"";
    for (int i = 0; i < 20; ++i)
        many += ",\"a:1\"";
    EXPECT_EQ(error_of(replaced(exchange, "\"a:1\"", many)),
              "control message: peerexchange.addresses has too many elements");
    EXPECT_EQ(error_of(replaced(exchange, "\"a:1\"", "\"a b:1\"")),
              "control message: peerexchange.addresses has one that is not host:port");
}

TEST(ControlMessage, TextForPeopleLosesControlCharactersAndItsTail) {
    EXPECT_EQ(printable("a\nb\x1b[31m\xff"), "a?b?[31m?");
    EXPECT_EQ(printable("a\" reason=\\"), "a? reason=?");
    EXPECT_EQ(printable(std::string(1000, 'x')).size(), control_text_bytes_max);
}

TEST(PeerAddress, IsAHostAndAPortOrAnError) {
    EXPECT_EQ(*parse_peer_address("node-1.example:3000"), (PeerAddress{"node-1.example", 3000}));
    EXPECT_EQ(to_string(*parse_peer_address("[::1]:3000")), "[::1]:3000");
    for (const char* bad : {"", "host", "host:", ":3000", "host:0", "host:65536", "host:3x", "ho st:1",
                            "::1:3000", "[::1:3", "host:-1", "[g::]:1", "a/b:1"})
        EXPECT_FALSE(parse_peer_address(bad)) << bad;
    EXPECT_FALSE(parse_peer_address(std::string(254, 'a') + ":1"));
}

TEST(PeerAddress, LoopbackIsKnownInAllItsForms) {
    for (const char* host : {"localhost", "127.0.0.1", "127.1.2.3", "::1"})
        EXPECT_TRUE(is_loopback_host(host)) << host;
    for (const char* host : {"128.0.0.1", "10.0.0.1", "::2", "localhost.example"})
        EXPECT_FALSE(is_loopback_host(host)) << host;
}

}  // namespace
}  // namespace peerbook::p2p

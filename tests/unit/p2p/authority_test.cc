// Certificates of a network's own authority: the bytes, what a node remembers, and who is let in.
#include <gtest/gtest.h>

#include "base/codec.h"
#include "p2p/authority/address_bindings.h"
#include "p2p/peers/peer_score.h"
#include "tests/unit/p2p/peer_world.h"

namespace peerbook::p2p {
namespace {

using Node = PeerWorld::Node;

constexpr WallTime start{1'700'000'000'000};
constexpr std::int64_t day_ms = 86'400'000;

const Signer& authority() {
    static const std::unique_ptr<Signer> made = make_ed25519_signer(seed_of(200));
    return *made;
}

PeerId id_of(std::uint8_t number) {
    return make_ed25519_signer(seed_of(number))->public_key();
}

NodeCertificate certificate(std::uint8_t node, const std::string& email, std::int64_t days = 30,
                            const Signer& signer = authority()) {
    return make_certificate(named_digest("network"), id_of(node), email, {start.ms - day_ms},
                            {start.ms + days * day_ms}, signer);
}

Status check(const NodeCertificate& one, std::uint8_t node, WallTime now = start) {
    return check_certificate(one, authority().public_key(), named_digest("network"), id_of(node), now,
                             Ed25519Verifier());
}

TEST(NodeCertificate, WhatIsWrittenIsReadAndHolds) {
    const NodeCertificate one = certificate(1, "anna@example.org");
    const auto read = decode_certificate(encode_certificate(one));
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(*read, one);
    EXPECT_TRUE(check(*read, 1).ok());
}

TEST(NodeCertificate, NoBitCanBeChanged) {
    const Bytes bytes = encode_certificate(certificate(1, "anna@example.org"));
    for (std::size_t at = 0; at < bytes.size(); ++at)
        for (int bit = 0; bit < 8; ++bit) {
            Bytes changed = bytes;
            changed[at] ^= static_cast<std::uint8_t>(1 << bit);
            const auto read = decode_certificate(changed);
            EXPECT_FALSE(read.ok() && check(*read, 1).ok()) << at << " bit " << bit;
        }
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(decode_certificate(ByteView(bytes).first(size)).ok()) << size;
}

TEST(NodeCertificate, ItHoldsForOneNodeInOneNetworkUntilItExpires) {
    const NodeCertificate one = certificate(1, "anna@example.org", 30);
    EXPECT_EQ(check(one, 2).error().code, ErrorCode::conflict);
    EXPECT_EQ(check_certificate(one, authority().public_key(), named_digest("other"), id_of(1), start,
                                Ed25519Verifier())
                  .error()
                  .code,
              ErrorCode::conflict);
    EXPECT_TRUE(check(one, 1, {start.ms + 30 * day_ms - 1}).ok());
    EXPECT_EQ(check(one, 1, {start.ms + 30 * day_ms}).error().code, ErrorCode::timed_out);
    const auto impostor = make_ed25519_signer(seed_of(201));
    EXPECT_EQ(check(certificate(1, "anna@example.org", 30, *impostor), 1).error().code,
              ErrorCode::unauthorized);
}

TEST(NodeCertificate, AnAddressHasOneForm) {
    EXPECT_EQ(*email_address("  Anna.B+peer@Example.ORG\n"), "anna.b+peer@example.org");
    EXPECT_EQ(*email_address("x@a-b.co"), "x@a-b.co");
    for (const char* bad :
         {"", "anna", "@example.org", "anna@", "anna@example", "anna@@example.org", "an na@example.org",
          "anna@exam_ple.org", "anna@-example.org", "anna@example-.org", "anna@example..org",
          ".anna@example.org", "anna.@example.org", "an..na@example.org", "\"anna\"@example.org",
          "anna@[127.0.0.1]", "anna@example.org.", "\xc3\xa4@example.org"})
        EXPECT_FALSE(email_address(bad).ok()) << bad;
    EXPECT_FALSE(email_address(std::string(65, 'a') + "@example.org").ok());
    EXPECT_FALSE(email_address("a@" + std::string(64, 'b') + ".org").ok());
    // In a certificate it stands in that form, or the certificate is none.
    Bytes bytes = encode_certificate(certificate(1, "anna@example.org"));
    bytes[2 + 32 + 32 + 1] = 'A';
    EXPECT_FALSE(decode_certificate(bytes).ok());
}

TEST(AddressBindings, AnAddressHasOneIdUntilItsCertificateExpired) {
    AddressBindings bindings;
    EXPECT_TRUE(bindings.bind(certificate(1, "anna@example.org", 30), start).ok());
    EXPECT_TRUE(bindings.bind(certificate(2, "bert@example.org", 30), start).ok());
    EXPECT_EQ(bindings.bind(certificate(3, "anna@example.org", 90), start).error().code, ErrorCode::conflict);
    // A renewed one holds the address longer; an older one shown again does not shorten that.
    EXPECT_TRUE(bindings.bind(certificate(1, "anna@example.org", 60), start).ok());
    EXPECT_TRUE(bindings.bind(certificate(1, "anna@example.org", 30), start).ok());
    const WallTime later{start.ms + 45 * day_ms};
    EXPECT_FALSE(bindings.bind(certificate(3, "anna@example.org", 90), later).ok());
    EXPECT_TRUE(bindings.bind(certificate(3, "bert@example.org", 90), later).ok())
        << "its node was not seen again";
    const WallTime end{start.ms + 60 * day_ms};
    EXPECT_TRUE(bindings.bind(certificate(4, "anna@example.org", 90), end).ok());
    EXPECT_FALSE(bindings.bind(certificate(1, "anna@example.org", 90), end).ok());
}

TEST(AddressBindings, TheyOutliveTheProcess) {
    AddressBindings bindings;
    (void)bindings.bind(certificate(1, "anna@example.org", 30), start);
    (void)bindings.bind(certificate(2, "bert@example.org", 1), start);
    EXPECT_EQ(bindings.changes(), 2U);
    AddressBindings restarted;
    const WallTime later{start.ms + 2 * day_ms};
    ASSERT_TRUE(restarted.load_text(bindings.to_text(start), later).ok());
    EXPECT_EQ(restarted.size(), 1U) << "what has expired is forgotten";
    EXPECT_FALSE(restarted.bind(certificate(3, "anna@example.org", 30), later).ok());
    EXPECT_EQ(restarted.to_text(later),
              "anna@example.org " + to_hex(id_of(1)) + " " + std::to_string(start.ms + 30 * day_ms) + "\n");
}

TEST(AddressBindings, ADamagedTextIsRefusedAndChangesNothing) {
    AddressBindings bindings;
    (void)bindings.bind(certificate(1, "anna@example.org", 30), start);
    const std::string good = bindings.to_text(start);
    for (const std::string& bad : {std::string("anna@example.org\n"), "anna " + to_hex(id_of(1)) + " 5\n",
                                   "anna@example.org " + to_hex(id_of(1)).substr(1) + " 5\n",
                                   "anna@example.org " + to_hex(id_of(1)) + " x\n",
                                   "Anna@example.org " + to_hex(id_of(1)) + " 5\n", good + "\n"})
        EXPECT_EQ(bindings.load_text(bad, start).error().code, ErrorCode::corrupt) << bad;
    EXPECT_EQ(bindings.to_text(start), good);
    EXPECT_TRUE(bindings.load_text("", start).ok());
    EXPECT_EQ(bindings.size(), 0U);
}

TEST(AddressBindings, AreBounded) {
    AddressBindings bindings;
    std::string text;
    for (std::size_t i = 0; i < AddressBindings::bindings_max; ++i)
        text += std::to_string(i) + "@example.org " + to_hex(id_of(1)) + " " +
                std::to_string(start.ms + (i < 10 ? 1 : 100) * day_ms) + "\n";
    ASSERT_TRUE(bindings.load_text(text, start).ok());
    EXPECT_EQ(bindings.bind(certificate(2, "bert@example.org"), start).error().code, ErrorCode::unavailable);
    EXPECT_FALSE(bindings
                     .load_text(text + "one-more@example.org " + to_hex(id_of(1)) + " " +
                                    std::to_string(start.ms + day_ms) + "\n",
                                start)
                     .ok());
    EXPECT_TRUE(bindings.bind(certificate(2, "bert@example.org"), {start.ms + 2 * day_ms}).ok());
    EXPECT_EQ(bindings.size(), AddressBindings::bindings_max - 9);
}

// --- among peers ---

TEST(HandshakeCertificate, ItTravelsAsHexAndNothingElseIsTaken) {
    HandshakeMessage claim;
    claim.node = id_of(1);
    claim.version = protocol_version;
    claim.certificate = encode_certificate(certificate(1, "anna@example.org"));
    ControlMessage message;
    message.from = claim.node;
    message.body = claim;
    const std::string text(as_text(write_control(message)));
    const auto read = parse_control(as_bytes(text));
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_EQ(std::get<HandshakeMessage>(read->body).certificate, claim.certificate);
    const std::string hex = to_hex(ByteView(claim.certificate));
    for (const std::string& bad : {hex.substr(1), "zz" + hex.substr(2), std::string(2'000, 'a')}) {
        std::string changed = text;
        changed.replace(changed.find(hex), hex.size(), bad);
        EXPECT_FALSE(parse_control(as_bytes(changed)).ok()) << bad;
    }
}

PeerManagerOptions certified(const Bytes& shown) {
    PeerManagerOptions options = silent_options();
    options.local.authority = authority().public_key();
    options.local.certificate = shown;
    return options;
}

PeerManagerOptions certified(std::uint8_t node, const std::string& email, std::int64_t days = 30) {
    return certified(encode_certificate(certificate(node, email, days)));
}

struct Network {
    PeerWorld world;
    Node& join(std::uint8_t number, const PeerManagerOptions& options) {
        Node& node = world.add(number, options);
        if (!nodes.empty()) world.configure(node, *nodes.front());
        nodes.push_back(&node);
        world.advance(s(2));
        return node;
    }
    std::vector<Node*> nodes;
};

TEST(PeerAuthority, WhoHasACertificateIsLetInAndNobodyElse) {
    Network network;
    Node& first = network.join(1, certified(1, "anna@example.org"));
    Node& second = network.join(2, certified(2, "bert@example.org"));
    EXPECT_TRUE(meet(first, second));
    PeerManagerOptions without = silent_options();
    Node& third = network.join(3, without);
    EXPECT_FALSE(meet(first, third));
    EXPECT_TRUE(third.noted("certificate of its authority only"));
    Node& fourth = network.join(4, certified(encode_certificate(certificate(
                                       4, "dora@example.org", 30, *make_ed25519_signer(seed_of(9))))));
    EXPECT_FALSE(meet(first, fourth));
    Node& fifth = network.join(5, certified(2, "bert@example.org"));  // somebody else's
    EXPECT_FALSE(meet(first, fifth));
    Node& sixth = network.join(6, certified(6, "fred@example.org", 0));  // expired
    EXPECT_FALSE(meet(first, sixth));
    EXPECT_TRUE(sixth.noted("has expired"));
    Node& seventh = network.join(7, certified(Bytes{1, 2, 3}));
    EXPECT_FALSE(meet(first, seventh));
}

TEST(PeerAuthority, ASecondNodeForAnAddressIsRefused) {
    Network network;
    Node& first = network.join(1, certified(1, "anna@example.org"));
    Node& second = network.join(2, certified(2, "bert@example.org"));
    ASSERT_TRUE(meet(first, second));
    Node& again = network.join(3, certified(3, "bert@example.org"));
    EXPECT_FALSE(meet(first, again));
    EXPECT_TRUE(again.noted("belongs to node " + to_hex(id_of(2)).substr(0, 12)));
    Node& own = network.join(4, certified(4, "anna@example.org"));
    EXPECT_FALSE(meet(first, own));
    EXPECT_TRUE(own.noted("belongs to this node"));
    // The first one is not there any more, and still has it.
    network.world.remove(second);
    network.world.advance(s(30));
    EXPECT_FALSE(meet(first, again));
}

TEST(PeerAuthority, WhatWasSeenCountsAfterARestart) {
    Network network;
    Node& first = network.join(1, certified(1, "anna@example.org"));
    (void)network.join(2, certified(2, "bert@example.org"));
    const std::string kept = first.manager->bindings_text(network.world.now(first));
    EXPECT_EQ(first.manager->bindings_changes(), 1U);
    Network later;
    Node& restarted = later.join(1, certified(1, "anna@example.org"));
    ASSERT_TRUE(restarted.manager->load_bindings(later.world.now(restarted), kept).ok());
    Node& other = later.join(3, certified(3, "bert@example.org"));
    EXPECT_FALSE(meet(restarted, other));
    Node& same = later.join(2, certified(2, "bert@example.org"));
    EXPECT_TRUE(meet(restarted, same));
}

TEST(PeerAuthority, AConnectionEndsWithItsCertificate) {
    Network network;
    Node& first = network.join(1, certified(1, "anna@example.org"));
    const WallTime soon{network.world.now(first).wall.ms + 20'000};
    Node& second = network.join(
        2,
        certified(encode_certificate(make_certificate(named_digest("network"), id_of(2), "bert@example.org",
                                                      {start.ms - day_ms}, soon, authority()))));
    ASSERT_TRUE(meet(first, second));
    network.world.advance(s(40));
    EXPECT_FALSE(meet(first, second));
    EXPECT_TRUE(first.noted("its certificate has expired"));
}

TEST(PeerAuthority, WhereThereIsNoneCertificatesDoNotMatter) {
    Network network;
    Node& first = network.join(1, silent_options());
    Node& second = network.join(2, silent_options());
    EXPECT_TRUE(meet(first, second));
    EXPECT_EQ(first.manager->bindings_changes(), 0U);
}

}  // namespace
}  // namespace peerbook::p2p

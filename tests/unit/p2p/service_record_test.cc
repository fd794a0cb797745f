#include "p2p/discovery/service_record.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "tests/unit/p2p/peer_world.h"

namespace peerbook::p2p {
namespace {

DiscoveryIdentity identity(std::uint8_t number) {
    DiscoveryIdentity made;
    made.id = make_ed25519_signer(seed_of(number))->public_key();
    made.network = named_digest("network");
    made.port = 3000;
    return made;
}

ResolvedService service_of(const DiscoveryIdentity& self) {
    return {"192.168.1.7", self.port, false, write_service_txt(self)};
}

struct Judged {
    ServiceVerdict verdict;
    PeerAddress address;
};
Judged judged(const ResolvedService& service) {
    Judged result{};
    result.verdict = judge_service(service, identity(1), result.address);
    return result;
}

TEST(ServiceRecord, WhatIsWrittenIsRead) {
    const DiscoveryIdentity self = identity(1);
    const auto record = parse_service_txt(write_service_txt(self));
    ASSERT_TRUE(record.ok());
    EXPECT_EQ(*record, (ServiceRecord{self.id, self.network, "1.0"}));
}

TEST(ServiceRecord, OtherKeysOtherOrderAndCaseOfKeysAreNoMatter) {
    std::vector<std::string> txt = write_service_txt(identity(1));
    std::swap(txt[0], txt[2]);
    txt[1].replace(0, 7, "Network");
    txt.insert(txt.begin(), {"", "=", "flag", "org.freedesktop.Avahi.cookie=123"});
    EXPECT_TRUE(parse_service_txt(txt).ok());
}

TEST(ServiceRecord, OfARepeatedKeyTheFirstCounts) {
    std::vector<std::string> txt = write_service_txt(identity(1));
    txt.push_back("id=" + to_hex(identity(2).id));
    EXPECT_EQ(parse_service_txt(txt)->id, identity(1).id);
}

TEST(ServiceRecord, WhatIsMissingOrWrongIsRefused) {
    const std::vector<std::string> good = write_service_txt(identity(1));
    for (std::size_t i = 0; i < good.size(); ++i) {
        std::vector<std::string> less = good, cut = good, empty = good, odd = good;
        less.erase(less.begin() + static_cast<std::ptrdiff_t>(i));
        cut[i].pop_back();
        empty[i] = empty[i].substr(0, empty[i].find('=') + 1);
        odd[i].back() = '\x1b';
        EXPECT_EQ(parse_service_txt(less).error().code, ErrorCode::invalid_input);
        if (i < 2) {
            EXPECT_EQ(parse_service_txt(cut).error().code, ErrorCode::invalid_input);
        }
        EXPECT_EQ(parse_service_txt(empty).error().code, ErrorCode::invalid_input);
        EXPECT_EQ(parse_service_txt(odd).error().code, ErrorCode::invalid_input);
    }
}

TEST(ServiceRecord, MoreThanAPacketHoldsIsRefused) {
    std::vector<std::string> many = write_service_txt(identity(1)), large = many;
    many.resize(service_txt_strings_max + 1);
    EXPECT_EQ(parse_service_txt(many).error().code, ErrorCode::too_large);
    large.emplace_back(service_txt_bytes_max, 'x');
    EXPECT_EQ(parse_service_txt(large).error().code, ErrorCode::too_large);
}

TEST(ServiceRecord, BytesOfAStrangerDoNoHarm) {
    Random random(7);
    for (int i = 0; i < 2000; ++i) {
        std::vector<std::string> txt = write_service_txt(identity(2));
        for (int change = 0; change < 3; ++change) {
            std::string& text = txt[random.below(txt.size())];
            if (!text.empty()) text[random.below(text.size())] = static_cast<char>(random.below(256));
        }
        const auto record = parse_service_txt(txt);
        if (record.ok()) {
            EXPECT_LE(record->version.size(), 16U);
        }
    }
}

TEST(JudgeService, APeerOfTheSameNetworkIsWorthADial) {
    const Judged result = judged(service_of(identity(2)));
    EXPECT_EQ(result.verdict, ServiceVerdict::peer);
    EXPECT_EQ(result.address, (PeerAddress{"192.168.1.7", 3000}));
}

TEST(JudgeService, TheOwnAnnouncementIsIgnored) {
    EXPECT_EQ(judged(service_of(identity(1))).verdict, ServiceVerdict::ourselves);
}

TEST(JudgeService, AnotherNetworkIsIgnored) {
    DiscoveryIdentity other = identity(2);
    other.network = named_digest("another network");
    EXPECT_EQ(judged(service_of(other)).verdict, ServiceVerdict::other_network);
}

TEST(JudgeService, AnotherMajorVersionIsIgnoredAndAMinorOneIsNot) {
    ResolvedService service = service_of(identity(2));
    service.txt[2] = "version=2.0";
    EXPECT_EQ(judged(service).verdict, ServiceVerdict::other_version);
    service.txt[2] = "version=1.7";
    EXPECT_EQ(judged(service).verdict, ServiceVerdict::peer);
}

TEST(JudgeService, ARecordThatIsNoneIsIgnored) {
    ResolvedService service = service_of(identity(2));
    service.txt.clear();
    EXPECT_EQ(judged(service).verdict, ServiceVerdict::bad_record);
}

TEST(JudgeService, AnAddressWhereNobodyCanBeDialledIsIgnored) {
    ResolvedService service = service_of(identity(2));
    for (const char* host : {"0.0.0.0", "224.0.0.251", "fe80::1", "127.0.0.1", "::1", "peer.local", ""}) {
        service.host = host;
        EXPECT_EQ(judged(service).verdict, ServiceVerdict::bad_address) << host;
    }
    service.host = "169.254.7.7";  // two machines and a cable
    EXPECT_EQ(judged(service).verdict, ServiceVerdict::peer);
    service.port = 0;
    EXPECT_EQ(judged(service).verdict, ServiceVerdict::bad_address);
}

TEST(JudgeService, LoopbackIsBelievedWhereItWasHeard) {
    ResolvedService service = service_of(identity(2));
    service.host = "127.0.0.1";
    service.on_loopback = true;
    EXPECT_EQ(judged(service).verdict, ServiceVerdict::peer);
}

}  // namespace
}  // namespace peerbook::p2p

#include <gtest/gtest.h>

#include <set>

#include "base/bytes.h"
#include "base/codec.h"
#include "base/hash.h"
#include "base/keys.h"
#include "base/random.h"

namespace peerbook {
namespace {

TEST(Codec, EveryValueComesBack) {
    Bytes bytes;
    Encoder out(bytes);
    out.u8(7);
    out.u16(0x1234);
    out.u32(0xdeadbeef);
    out.u64(~std::uint64_t{0});
    out.i64(-2);
    out.i128(-(__int128{1} << 100));
    out.varint(0);
    out.varint(~std::uint64_t{0});
    out.svarint(-1);
    out.svarint(INT64_MIN);
    out.text("word");
    Decoder in(bytes);
    EXPECT_EQ(in.u8(), 7);
    EXPECT_EQ(in.u16(), 0x1234);
    EXPECT_EQ(in.u32(), 0xdeadbeef);
    EXPECT_EQ(in.u64(), ~std::uint64_t{0});
    EXPECT_EQ(in.i64(), -2);
    EXPECT_TRUE(in.i128() == -(__int128{1} << 100));
    EXPECT_EQ(in.varint(), 0u);
    EXPECT_EQ(in.varint(), ~std::uint64_t{0});
    EXPECT_EQ(in.svarint(), -1);
    EXPECT_EQ(in.svarint(), INT64_MIN);
    EXPECT_EQ(in.text(4, "too long"), "word");
    EXPECT_TRUE(in.finish().ok());
}

TEST(Codec, IntegersAreBigEndianAndVarintsShort) {
    Bytes bytes;
    Encoder out(bytes);
    out.u16(0x0102);
    out.varint(300);
    out.svarint(-3);
    EXPECT_EQ(bytes, (Bytes{1, 2, 0xac, 2, 5}));
}

TEST(Codec, RefusesOverlongVarintsLongLengthsAndLeftovers) {
    const auto fails = [](const Bytes& bytes) {
        Decoder in(bytes);
        in.varint();
        return !in.ok();
    };
    EXPECT_TRUE(fails({0x80, 0x00}));
    EXPECT_TRUE(fails({0x80}));
    EXPECT_TRUE(fails(Bytes(11, 0xff)));
    EXPECT_TRUE(fails({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02}));
    EXPECT_FALSE(fails({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}));
    const Bytes text{5, 'a', 'b', 'c', 'd', 'e'};
    Decoder too_long(text);
    too_long.text(4, "the name is too long");
    EXPECT_NE(too_long.status().error().message.find("the name is too long"), std::string::npos);
    Decoder leftover(text);
    leftover.u8();
    EXPECT_FALSE(leftover.finish().ok());
    const Bytes short_text{5, 'a'};
    Decoder ends_early(short_text);
    EXPECT_TRUE(ends_early.bytes(10, "").empty());
    EXPECT_FALSE(ends_early.ok());
}

TEST(Codec, KeepsTheFirstFailureAndReadsZerosAfterIt) {
    const Bytes bytes{1, 2};
    Decoder in(bytes);
    in.fail("first");
    in.fail("second");
    EXPECT_EQ(in.u8(), 0);
    EXPECT_EQ(in.u32(), 0u);
    EXPECT_NE(in.status().error().message.find("first"), std::string::npos);
}

TEST(Hex, RoundTripAndErrors) {
    const Digest digest{{0xab, 0x01}};
    EXPECT_EQ(fixed_from_hex<Digest>(to_hex(digest)).value(), digest);
    EXPECT_FALSE(fixed_from_hex<Digest>("ab").ok());
    EXPECT_FALSE(fixed_from_hex<Digest>(std::string(64, 'g')).ok());
}

TEST(Hash, IsBlake2bOfLengthDomainAndBytes) {
    // BLAKE2b-256 of 01 'a' 'b' 'c'.
    const Digest digest = hash_of("a", as_bytes("bc"));
    EXPECT_EQ(digest, Hasher("a").add(as_bytes("b")).add(as_bytes("c")).finish());
    EXPECT_NE(digest, hash_of("ab", as_bytes("c")));
    EXPECT_NE(digest, hash_of("", as_bytes("abc")));
    EXPECT_EQ(to_hex(digest), "dc4de427ae6bedec4d12128a638a811251ab883c1636e5e835dd7e4dc4f5f43d");
}

TEST(Keys, SignaturesVerifyForTheirMessageAndKeyOnly) {
    const auto signer = make_ed25519_signer(KeySeed{{1}});
    const auto other = make_ed25519_signer(KeySeed{{2}});
    const Ed25519Verifier verifier;
    Signature signature = signer->sign(as_bytes("message"));
    EXPECT_TRUE(verifier.verify(signer->public_key(), as_bytes("message"), signature));
    EXPECT_FALSE(verifier.verify(signer->public_key(), as_bytes("massage"), signature));
    EXPECT_FALSE(verifier.verify(other->public_key(), as_bytes("message"), signature));
    signature.data[10] ^= 1;
    EXPECT_FALSE(verifier.verify(signer->public_key(), as_bytes("message"), signature));
    EXPECT_TRUE(is_valid_public_key(signer->public_key()));
    EXPECT_FALSE(is_valid_public_key(PublicKey{}));
    EXPECT_TRUE(equal_in_constant_time(as_bytes("a"), as_bytes("a")));
    EXPECT_FALSE(equal_in_constant_time(as_bytes("a"), as_bytes("b")));
    EXPECT_FALSE(equal_in_constant_time(as_bytes("a"), as_bytes("aa")));
}

TEST(Random, IsAFunctionOfItsSeedAndStaysBelowTheBound) {
    Random a(1), b(1), c(2);
    EXPECT_EQ(a.next(), b.next());
    EXPECT_NE(a.next(), c.next());
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 1'000; ++i) {
        const std::uint64_t value = a.below(10);
        ASSERT_LT(value, 10u);
        seen.insert(value);
    }
    EXPECT_EQ(seen.size(), 10u);
}

TEST(Result, CarriesAValueOrAnErrorWithContext) {
    const Result<int> good = 5;
    EXPECT_EQ(*good, 5);
    const Result<int> bad = Error{ErrorCode::not_found, "no such thing"}.within("looking");
    EXPECT_FALSE(bad.ok());
    EXPECT_EQ(bad.error().message, "looking: no such thing");
    EXPECT_STREQ(to_string(bad.error().code), "not_found");
    EXPECT_DEATH(static_cast<void>(bad.value()), "failed Result");
}

}  // namespace
}  // namespace peerbook

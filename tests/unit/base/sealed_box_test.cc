#include "base/sealed_box.h"

#include <gtest/gtest.h>

namespace peerbook {
namespace {

KeySeed seed_of(std::uint8_t byte) {
    KeySeed seed;
    seed.data.fill(byte);
    return seed;
}

Bytes sealed(std::string_view plain, const SealKeyPair& to, std::uint8_t ephemeral = 9) {
    auto made = seal_to(as_bytes(plain), to.public_key(), seed_of(ephemeral));
    EXPECT_TRUE(made.ok());
    return made.ok() ? *made : Bytes();
}

// Opening is libsodium's own crypto_box_seal_open, so what opens has its form.
TEST(SealedBox, OnlyTheRecipientOpensIt) {
    const SealKeyPair anna(seed_of(1)), bert(seed_of(2));
    const Bytes box = sealed("buy 5 at 60000", anna);
    EXPECT_EQ(box.size(), 14 + sealed_box_overhead);
    EXPECT_EQ(as_text(box).find("60000"), std::string_view::npos);
    const auto opened = anna.open(box);
    ASSERT_TRUE(opened.ok());
    EXPECT_EQ(as_text(*opened), "buy 5 at 60000");
    EXPECT_EQ(bert.open(box).error().code, ErrorCode::unauthorized);
}

TEST(SealedBox, NothingAndMuchCanBeSealed) {
    const SealKeyPair anna(seed_of(1));
    EXPECT_EQ(*anna.open(sealed("", anna)), Bytes());
    const std::string much(1 << 20, 'x');
    EXPECT_EQ(as_text(*anna.open(sealed(much, anna))), much);
}

TEST(SealedBox, NoBitCanBeChangedAndNoByteCutOffOrAdded) {
    const SealKeyPair anna(seed_of(1));
    const Bytes box = sealed("secret", anna);
    for (std::size_t at = 0; at < box.size(); ++at)
        for (int bit = 0; bit < 8; ++bit) {
            Bytes changed = box;
            changed[at] ^= static_cast<std::uint8_t>(1 << bit);
            // X25519 ignores the highest bit of a point, but the nonce does not.
            EXPECT_FALSE(anna.open(changed).ok()) << at << " bit " << bit;
        }
    for (std::size_t size = 0; size < box.size(); ++size)
        EXPECT_FALSE(anna.open(ByteView(box).first(size)).ok()) << size;
    Bytes longer = box;
    longer.push_back(0);
    EXPECT_FALSE(anna.open(longer).ok());
}

TEST(SealedBox, AnotherEphemeralKeyGivesAnotherBox) {
    const SealKeyPair anna(seed_of(1));
    EXPECT_NE(sealed("same", anna, 3), sealed("same", anna, 4));
    EXPECT_EQ(sealed("same", anna, 3), sealed("same", anna, 3));
}

TEST(SealedBox, NothingIsSealedToAPointOfSmallOrder) {
    EXPECT_EQ(seal_to(as_bytes("x"), SealKey{}, seed_of(1)).error().code, ErrorCode::invalid_input);
}

}  // namespace
}  // namespace peerbook

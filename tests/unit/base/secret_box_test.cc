#include "base/secret_box.h"

#include <gtest/gtest.h>

namespace peerbook {
namespace {

// The least that libsodium takes, so that the tests are quick.
constexpr SealCost cheap{1, 8192};

SealSalt salt_of(std::uint8_t byte) {
    SealSalt salt;
    salt.data.fill(byte);
    return salt;
}
SealNonce nonce_of(std::uint8_t byte) {
    SealNonce nonce;
    nonce.data.fill(byte);
    return nonce;
}
Bytes sealed(std::string_view secret, std::string_view passphrase) {
    auto made = seal_secret(as_bytes(secret), passphrase, cheap, salt_of(1), nonce_of(2));
    EXPECT_TRUE(made.ok());
    return made.ok() ? *made : Bytes();
}

TEST(SecretBox, ThePassphraseOpensIt) {
    const Bytes box = sealed("thirty-two bytes of secret seed.", "correct horse");
    EXPECT_EQ(box.size(), 32 + sealed_secret_overhead);
    EXPECT_EQ(as_text(box).find("secret seed"), std::string_view::npos);
    const auto opened = open_secret(box, "correct horse");
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    EXPECT_EQ(as_text(*opened), "thirty-two bytes of secret seed.");
}

TEST(SecretBox, AnotherPassphraseDoesNot) {
    const Bytes box = sealed("secret", "correct horse");
    for (const char* wrong : {"", "correct horse ", "Correct horse"})
        EXPECT_EQ(open_secret(box, wrong).error().code, ErrorCode::unauthorized) << wrong;
}

TEST(SecretBox, NoByteOfSaltNonceAndBoxCanBeChanged) {
    const Bytes box = sealed("secret", "p");
    for (std::size_t at = 0; at < box.size(); ++at) {
        if (16 <= at && at < 32) continue;  // the cost, below
        Bytes changed = box;
        changed[at] ^= 1;
        EXPECT_EQ(open_secret(changed, "p").error().code, ErrorCode::unauthorized) << at;
    }
}

TEST(SecretBox, AFileCannotMakeUsSpendMoreThanTheLimit) {
    for (const std::size_t at : {std::size_t{16}, std::size_t{22}, std::size_t{24}, std::size_t{27}}) {
        Bytes costly = sealed("secret", "p");
        costly[at] = 0x40;
        EXPECT_EQ(open_secret(costly, "p").error().code, ErrorCode::corrupt) << at;
    }
    Bytes free = sealed("secret", "p");
    std::fill(free.begin() + 16, free.begin() + 32, std::uint8_t{0});
    EXPECT_EQ(open_secret(free, "p").error().code, ErrorCode::corrupt);
}

TEST(SecretBox, WhatIsTooShortIsDamaged) {
    const Bytes box = sealed("", "p");
    EXPECT_TRUE(open_secret(box, "p").ok());
    EXPECT_EQ(open_secret(ByteView(box).first(box.size() - 1), "p").error().code, ErrorCode::corrupt);
    EXPECT_EQ(open_secret({}, "p").error().code, ErrorCode::corrupt);
}

}  // namespace
}  // namespace peerbook

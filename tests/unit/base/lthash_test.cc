#include "base/lthash.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/random.h"

namespace peerbook {
namespace {

LtHash hash_of_set(const std::vector<std::string>& elements) {
    LtHash hash;
    for (const std::string& element : elements)
        hash.add("test", as_bytes(element));
    return hash;
}

TEST(LtHash, OrderOfAddingDoesNotMatter) {
    const LtHash forwards = hash_of_set({"a", "b", "c"});
    EXPECT_EQ(forwards, hash_of_set({"c", "a", "b"}));
    EXPECT_EQ(forwards.digest(), hash_of_set({"b", "c", "a"}).digest());
}

TEST(LtHash, HashOfAUnionIsTheSum) {
    LtHash sum = hash_of_set({"a", "b"});
    sum += hash_of_set({"c"});
    EXPECT_EQ(sum, hash_of_set({"a", "b", "c"}));
    sum -= hash_of_set({"a", "c"});
    EXPECT_EQ(sum, hash_of_set({"b"}));
}

TEST(LtHash, RemovalIsTheInverseOfAddition) {
    LtHash hash = hash_of_set({"a", "b"});
    const LtHash before = hash;
    hash.add("test", as_bytes("c"));
    EXPECT_NE(hash, before);
    hash.subtract("test", as_bytes("c"));
    EXPECT_EQ(hash, before);
    hash.subtract("test", as_bytes("b"));
    hash.subtract("test", as_bytes("a"));
    EXPECT_EQ(hash, LtHash());
    EXPECT_EQ(hash.digest(), LtHash().digest());
}

TEST(LtHash, AnElementMayBeTakenOutBeforeItIsAdded) {
    LtHash hash = hash_of_set({"a"});
    hash.subtract("test", as_bytes("b"));
    hash.add("test", as_bytes("b"));
    EXPECT_EQ(hash, hash_of_set({"a"}));
}

TEST(LtHash, EachBitAndTheDomainOfAnElementMatter) {
    Bytes element(100);
    const auto hash = [&](std::string_view domain) {
        LtHash one;
        one.add(domain, element);
        return one;
    };
    const LtHash before = hash("test");
    EXPECT_NE(hash("tess"), before);
    for (std::size_t bit = 0; bit < element.size() * 8; ++bit) {
        element[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
        EXPECT_NE(hash("test"), before) << bit;
        element[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    }
}

TEST(LtHash, LanesOfOneElementAreTheKeyStreamOfItsDigest) {
    // The bytes of PROTOCOL.md: they may never change.
    const LtHash hash = hash_of_set({"element"});
    EXPECT_EQ(to_hex(ByteView(hash.bytes()).first(16)), "66cb6925a1b29df81a441b8b7149138d");
    EXPECT_EQ(to_hex(hash.digest()), "4087121e505a4649b2f45ffbe846064e5304041dec3b09f614fa789194d6b60c");
}

TEST(LtHash, RandomSetsAgreeWithAddingThemAnew) {
    Random random(7);
    std::vector<std::string> set;
    LtHash hash;
    for (int i = 0; i < 400; ++i) {
        if (!set.empty() && random.below(3) == 0) {
            const std::size_t at = random.below(set.size());
            hash.subtract("test", as_bytes(set[at]));
            set.erase(set.begin() + static_cast<std::ptrdiff_t>(at));
        } else {
            set.push_back("element " + std::to_string(i));
            hash.add("test", as_bytes(set.back()));
        }
    }
    std::reverse(set.begin(), set.end());
    EXPECT_EQ(hash, hash_of_set(set));
}

}  // namespace
}  // namespace peerbook

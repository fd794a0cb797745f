#include "exchange/ordering/block.h"

#include <gtest/gtest.h>

#include "base/codec.h"
#include "tests/unit/ordering/drawn_dag.h"

namespace peerbook::exchange {
namespace {

const testing::CheapVerifier verifier;

class BlockCodec : public ::testing::Test {
  protected:
    BlockCodec() {
        drawn.draw(R"(
            A1 :
            B1 :
            C1 :
            A2 : A1 B1 C1 @17
        )");
        block.header = drawn.block("A2").header;
        PayloadBuilder payload;
        Command command;
        command.account = hosted_account_id(drawn.key(0), "alice");
        command.ref.nonce = 1;
        command.body = OpenAccount{"alice"};
        EXPECT_TRUE(payload.add_hosted(command));
        set_payload(payload.take());
    }

    void set_payload(Bytes payload) {
        block.header.payload_root = payload_root_of(payload);
        block.payload = std::move(payload);
    }
    Bytes encoded() {
        sign_block(block, drawn.signer(0));
        return encode_block(block, drawn.view());
    }
    Result<VerifiedBlock> verify(Bytes bytes) const {
        return verify_block(SharedBytes(std::move(bytes)), drawn.view(), DrawnDag::network(),
                            rules_version_latest, verifier);
    }
    // What verification says after `change`; "" if it accepts.
    std::string why(void (*change)(BlockHeader&)) {
        const BlockHeader good = block.header;
        change(block.header);
        Result<VerifiedBlock> result = verify(encoded());
        block.header = good;
        if (result.ok()) return "";
        EXPECT_EQ(result.error().code, ErrorCode::invalid_input);
        return result.error().message;
    }

    DrawnDag drawn{3};
    Block block;
};

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST_F(BlockCodec, ComesBackWithItsCommands) {
    const Bytes bytes = encoded();
    Result<VerifiedBlock> result = verify(bytes);
    ASSERT_TRUE(result.ok()) << result.error().message;
    EXPECT_EQ(result->digest, digest_of(block.header));
    EXPECT_EQ(result->header.author, drawn.key(0));
    EXPECT_EQ(result->header.parents, block.header.parents);
    EXPECT_EQ(result->header.timestamp, WallTime{17});
    EXPECT_EQ(result->command_count, 1u);
    ASSERT_EQ(result->batches.size(), 1u);
    EXPECT_EQ(result->batches[0].signer, drawn.key(0));
    EXPECT_EQ(result->batches[0].commands[0].nonce, 1u);
    EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), result->encoded.view().begin()));
}

TEST_F(BlockCodec, AnEmptyPayloadIsABlockWithoutCommands) {
    set_payload({});
    Result<VerifiedBlock> result = verify(encoded());
    ASSERT_TRUE(result.ok()) << result.error().message;
    EXPECT_EQ(result->command_count, 0u);
    EXPECT_TRUE(result->batches.empty());
}

TEST_F(BlockCodec, DigestCoversEveryFieldAndNotTheSignature) {
    const Digest digest = digest_of(block.header);
    encoded();
    EXPECT_EQ(digest_of(block.header), digest);
    auto differs = [&](void (*change)(BlockHeader&)) {
        BlockHeader header = block.header;
        change(header);
        return digest_of(header) != digest;
    };
    EXPECT_TRUE(differs([](BlockHeader& h) { ++h.format_version; }));
    EXPECT_TRUE(differs([](BlockHeader& h) { ++h.rules_version; }));
    EXPECT_TRUE(differs([](BlockHeader& h) { ++h.network.data[0]; }));
    EXPECT_TRUE(differs([](BlockHeader& h) { ++h.ledger.data[0]; }));
    EXPECT_TRUE(differs([](BlockHeader& h) { ++h.view.data[0]; }));
    EXPECT_TRUE(differs([](BlockHeader& h) { ++h.author.data[0]; }));
    EXPECT_TRUE(differs([](BlockHeader& h) { ++h.seq; }));
    EXPECT_TRUE(differs([](BlockHeader& h) { ++h.round; }));
    EXPECT_TRUE(differs([](BlockHeader& h) { ++h.timestamp.ms; }));
    EXPECT_TRUE(differs([](BlockHeader& h) { h.parents.pop_back(); }));
    EXPECT_TRUE(differs([](BlockHeader& h) { ++h.parents[0].digest.data[0]; }));
    EXPECT_TRUE(differs([](BlockHeader& h) { ++h.payload_root.data[0]; }));
}

TEST_F(BlockCodec, NoFlippedBitAndNoTruncationPasses) {
    const Bytes good = encoded();
    ASSERT_TRUE(verify(good).ok());
    for (std::size_t i = 0; i < good.size(); ++i) {
        Bytes flipped = good;
        flipped[i] ^= static_cast<std::uint8_t>(1u << i % 8);
        EXPECT_FALSE(verify(flipped).ok()) << "byte " << i;
        EXPECT_FALSE(verify(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(i))).ok())
            << "cut at " << i;
    }
    Bytes longer = good;
    longer.push_back(0);
    EXPECT_FALSE(verify(longer).ok());
}

TEST_F(BlockCodec, RefusesAnUnknownFormat) {
    EXPECT_SAYS(why([](BlockHeader& h) { h.format_version = 3; }), "unknown block format version");
}

TEST_F(BlockCodec, AVoteComesWithItsFormatAndIsCoveredByTheDigest) {
    block.header.format_version = block_format_with_vote;
    block.header.vote = StateVote{300, hash_of("prefix", {}), hash_of("root", {})};
    const Bytes bytes = encoded();
    Result<VerifiedBlock> result = verify(bytes);
    ASSERT_TRUE(result.ok()) << result.error().message;
    EXPECT_EQ(result->header.vote, block.header.vote);
    const Digest digest = digest_of(block.header);
    BlockHeader other = block.header;
    ++other.vote->commit;
    EXPECT_NE(digest_of(other), digest);
    other = block.header;
    ++other.vote->root.data[0];
    EXPECT_NE(digest_of(other), digest);
    EXPECT_SAYS(why([](BlockHeader& h) { h.vote->commit = 0; }), "before the first commit");
    EXPECT_FALSE(verify(Bytes(bytes.begin(), bytes.end() - 1)).ok());
}

TEST_F(BlockCodec, AVoteThatTheFormatDoesNotSayIsNotRead) {
    EXPECT_NE(why([](BlockHeader& h) { h.format_version = block_format_with_vote; }), "");
    EXPECT_NE(why([](BlockHeader& h) { h.vote = StateVote{1, {}, {}}; }), "");
}

TEST_F(BlockCodec, RefusesBlocksOfOtherNetworksRulesLedgersAndViews) {
    const Bytes bytes = encoded();
    auto code = [&](const View& view, const Digest& network, std::uint16_t rules) {
        Result<VerifiedBlock> result = verify_block(SharedBytes(bytes), view, network, rules, verifier);
        return result.ok() ? ErrorCode::io : result.error().code;
    };
    View other_ledger = drawn.view();
    ++other_ledger.ledger.data[0];
    View next_view = drawn.view();
    ++next_view.number;
    constexpr std::uint16_t latest = rules_version_latest;
    EXPECT_EQ(code(drawn.view(), DrawnDag::network(), latest), ErrorCode::io) << "it is well";
    EXPECT_EQ(code(drawn.view(), hash_of("other network", {}), latest), ErrorCode::conflict);
    EXPECT_EQ(code(drawn.view(), DrawnDag::network(), 1), ErrorCode::conflict);
    EXPECT_EQ(code(other_ledger, DrawnDag::network(), latest), ErrorCode::unavailable);
    EXPECT_EQ(code(next_view, DrawnDag::network(), latest), ErrorCode::unavailable);
}

TEST_F(BlockCodec, RefusesRulesThatThisProgramDoesNotKnowAndSaysSo) {
    EXPECT_SAYS(why([](BlockHeader& h) { h.rules_version = 0; }),
                "the block is of rules version 0, and this program knows 1 to 2");
    EXPECT_SAYS(why([](BlockHeader& h) { h.rules_version = rules_version_latest + 1; }),
                "the block is of rules version 3, and this program knows 1 to 2; a newer one may know more");
    block.header.rules_version = 1;
    Result<VerifiedBlock> other = verify(encoded());
    ASSERT_FALSE(other.ok());
    EXPECT_EQ(other.error().message, "the block is of rules version 1, the network of 2");
}

TEST_F(BlockCodec, ANetworkOfOldRulesTakesBlocksOfOldRules) {
    block.header.rules_version = 1;
    Result<VerifiedBlock> result =
        verify_block(SharedBytes(encoded()), drawn.view(), DrawnDag::network(), 1, verifier);
    ASSERT_TRUE(result.ok()) << result.error().message;
    EXPECT_EQ(result->header.rules_version, 1u);
}

TEST_F(BlockCodec, RefusesAWrongSignature) {
    encoded();
    block.signature = drawn.signer(1).sign(as_bytes("something else"));
    EXPECT_EQ(verify(encode_block(block, drawn.view())).error().code, ErrorCode::unauthorized);
}

TEST_F(BlockCodec, RefusesOversizedBlocksAndPayloads) {
    EXPECT_EQ(verify(Bytes(block_bytes_max + 1)).error().code, ErrorCode::too_large);
    set_payload(Bytes(payload_bytes_max + 1));
    EXPECT_EQ(verify(encoded()).error().code, ErrorCode::too_large);
}

TEST_F(BlockCodec, RefusesAPayloadThatIsNotTheOneNamedOrMalformed) {
    EXPECT_SAYS(why([](BlockHeader& h) { ++h.payload_root.data[3]; }), "not the one that its header names");
    set_payload({0xff, 0xff, 0xff});
    Result<VerifiedBlock> result = verify(encoded());
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code, ErrorCode::invalid_input);
    EXPECT_SAYS(result.error().message, "payload");
}

TEST_F(BlockCodec, RefusesAuthorsThatAreNoMembers) {
    Bytes bytes = encoded();
    const std::size_t author_at = 2 + 2 + 3 * 32;
    ASSERT_EQ(bytes[author_at], 0u);
    bytes[author_at] = 3;
    EXPECT_SAYS(verify(bytes).error().message, "the author is no member");
    EXPECT_SAYS(why([](BlockHeader& h) { h.parents[2].author = MemberIndex(3); }),
                "a parent's author is no member");
}

TEST_F(BlockCodec, RefusesHeadersThatBreakARuleByThemselves) {
    EXPECT_EQ(why([](BlockHeader&) {}), "");
    EXPECT_SAYS(why([](BlockHeader& h) { h.seq = 0; }), "start at 1");
    EXPECT_SAYS(why([](BlockHeader& h) { h.timestamp.ms = -1; }), "timestamp is out of range");
    EXPECT_SAYS(why([](BlockHeader& h) { h.parents.erase(h.parents.begin()); }),
                "not its author's previous block");
    EXPECT_SAYS(why([](BlockHeader& h) { h.seq = 1; }), "names an earlier one of its own");
    EXPECT_SAYS(why([](BlockHeader& h) { h.parents[1].author = MemberIndex(0); }),
                "two parents of its own author");
    EXPECT_SAYS(why([](BlockHeader& h) { std::swap(h.parents[1], h.parents[2]); }), "order of their authors");
    EXPECT_SAYS(why([](BlockHeader& h) { h.parents[2] = h.parents[1]; }), "order of their authors");
    EXPECT_SAYS(why([](BlockHeader& h) { h.parents[2].round = 0; }), "before the view");
    EXPECT_SAYS(why([](BlockHeader& h) { ++h.round; }), "one above its parents' highest");
    EXPECT_SAYS(why([](BlockHeader& h) { h.round = 0; }), "one above its parents' highest");
    EXPECT_SAYS(why([](BlockHeader& h) { h.parents[1].round = h.round = ~std::uint64_t{0}; }),
                "one above its parents' highest");
    EXPECT_SAYS(why([](BlockHeader& h) {
                    h.parents[1].round = ~std::uint64_t{0};
                    h.round = 0;
                }),
                "one above its parents' highest");
    EXPECT_SAYS(why([](BlockHeader& h) { h.parents.insert(h.parents.end(), 1, h.parents[0]); }),
                "at most one parent a member");
}

TEST(BlockRules, RoundsOfALaterViewStartAboveItsBase) {
    DrawnDag drawn(2, 500);
    drawn.draw("A1 :");
    EXPECT_EQ(drawn.block("A1").header.round, 501u);
    EXPECT_EQ(structural_fault(drawn.block("A1").header, drawn.view()), nullptr);
    EXPECT_NE(structural_fault(drawn.broken("A1", [](BlockHeader& h) { h.round = 1; }).header, drawn.view()),
              nullptr);
}

}  // namespace
}  // namespace peerbook::exchange

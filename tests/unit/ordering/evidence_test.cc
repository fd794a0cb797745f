#include "exchange/ordering/evidence.h"

#include <gtest/gtest.h>

#include "tests/unit/ordering/drawn_dag.h"

namespace peerbook::exchange {
namespace {

const testing::CheapVerifier verifier;

struct EvidenceTest : ::testing::Test {
    DrawnDag dag{3};

    Bytes block_of(std::size_t author, std::int64_t time, std::uint64_t seq = 1,
                   bool with_vote = false) const {
        Block block;
        BlockHeader& header = block.header;
        header.network = DrawnDag::network();
        header.ledger = dag.view().ledger;
        header.view = digest_of(dag.view());
        header.author = dag.key(author);
        header.seq = seq;
        header.timestamp.ms = time;
        header.payload_root = payload_root_of({});
        if (with_vote) {
            header.format_version = block_format_with_vote;
            header.vote = StateVote{7, hash_of("prefix", {}), hash_of("root", {})};
        }
        sign_block(block, dag.signer(author));
        return encode_block(block, dag.view());
    }
    Result<Evidence> verify(ByteView bytes) const {
        return verify_evidence(bytes, DrawnDag::network(), dag.view().ledger, verifier);
    }
    Bytes encoded(const Bytes& one, const Bytes& other) const {
        return encode_evidence({*signed_header_of(one, dag.view()), *signed_header_of(other, dag.view())});
    }
};

TEST_F(EvidenceTest, TwoSignedBlocksOfOnePlaceProveIt) {
    const Evidence made = make_evidence(block_of(1, 1), block_of(1, 2, 1, true), dag.view());
    EXPECT_TRUE(digest_of(made.first.header) < digest_of(made.second.header));
    const Bytes bytes = encode_evidence(made);
    const auto read = verify(bytes);
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_EQ(read->author(), dag.key(1));
    EXPECT_EQ(read->seq(), 1u);
    EXPECT_EQ(read->view(), digest_of(dag.view()));
    EXPECT_EQ(encode_evidence(*read), bytes);
    // Whichever was seen first.
    EXPECT_EQ(encode_evidence(make_evidence(block_of(1, 2, 1, true), block_of(1, 1), dag.view())), bytes);
}

TEST_F(EvidenceTest, AnythingElseDoesNot) {
    const Bytes bytes = encode_evidence(make_evidence(block_of(1, 1), block_of(1, 2), dag.view()));
    EXPECT_EQ(verify_evidence(bytes, hash_of("other", {}), dag.view().ledger, verifier).error().code,
              ErrorCode::conflict);
    EXPECT_EQ(verify_evidence(bytes, DrawnDag::network(), hash_of("other", {}), verifier).error().code,
              ErrorCode::conflict);
    EXPECT_EQ(verify(encoded(block_of(1, 1), block_of(1, 1))).error().code, ErrorCode::invalid_input);
    EXPECT_EQ(verify(encoded(block_of(1, 1), block_of(2, 2))).error().code, ErrorCode::invalid_input);
    EXPECT_EQ(verify(encoded(block_of(1, 1), block_of(1, 2, 2))).error().code, ErrorCode::invalid_input);
    // In the wrong order, so that there is one encoding.
    const auto read = *verify(bytes);
    EXPECT_EQ(verify(encode_evidence({read.second, read.first})).error().code, ErrorCode::invalid_input);
    Bytes forged = bytes;
    forged.back() ^= 1;  // of the second signature
    EXPECT_EQ(verify(forged).error().code, ErrorCode::unauthorized);
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(verify(ByteView(bytes).first(size)).ok()) << size;
    EXPECT_EQ(verify(Bytes(evidence_bytes_max + 1, 0)).error().code, ErrorCode::too_large);
}

}  // namespace
}  // namespace peerbook::exchange

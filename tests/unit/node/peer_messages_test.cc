#include "app/node/peer_messages.h"

#include <gtest/gtest.h>

#include "app/node/trade_record.h"

namespace peerbook::app {
namespace {

TEST(PeerMessages, RoundTrip) {
    const std::vector<Digest> digests = {hash_of("a", {}), hash_of("b", {})};
    EXPECT_EQ(*decode_want(encode_want(digests)), digests);
    const VersionVectorMessage vector{hash_of("view", {}), 9, {0, 5, 1'000'000}};
    const auto decoded = decode_version_vector(encode_version_vector(vector));
    ASSERT_TRUE(decoded.ok());
    EXPECT_EQ(decoded->view, vector.view);
    EXPECT_EQ(decoded->seqs, vector.seqs);
    const auto question = decode_holdings(encode_holdings({7, std::nullopt}));
    ASSERT_TRUE(question.ok());
    EXPECT_EQ(question->question, 7u);
    EXPECT_FALSE(question->answer);
    const auto answer = decode_holdings(encode_holdings({1ull << 63, vector}));
    ASSERT_TRUE(answer.ok());
    EXPECT_EQ(answer->question, 1ull << 63);
    EXPECT_EQ(answer->answer->number, vector.number);
    EXPECT_EQ(answer->answer->seqs, vector.seqs);
    const auto blocks = decode_blocks(encode_blocks(true, {SharedBytes({1, 2, 3}), SharedBytes({4})}));
    ASSERT_TRUE(blocks.ok());
    EXPECT_TRUE(blocks->more);
    EXPECT_EQ(blocks->blocks, (std::vector<Bytes>{{1, 2, 3}, {4}}));
}

TEST(PeerMessages, AWantForTooManyDigestsIsRefused) {
    EXPECT_FALSE(decode_want(encode_want(std::vector<Digest>(want_digests_max + 1))).ok());
}

TEST(PeerMessages, EveryCutAndEveryLeftOverIsRefused) {
    const Bytes vector = encode_version_vector({hash_of("view", {}), 2, {7, 300}});
    for (std::size_t size = 0; size < vector.size(); ++size)
        EXPECT_FALSE(decode_version_vector(ByteView(vector).first(size)).ok()) << size;
    Bytes longer = vector;
    longer.push_back(0);
    EXPECT_FALSE(decode_version_vector(longer).ok());
    const Bytes holdings = encode_holdings({7, VersionVectorMessage{hash_of("view", {}), 2, {7, 300}}});
    for (std::size_t size = 0; size < holdings.size(); ++size)
        EXPECT_EQ(decode_holdings(ByteView(holdings).first(size)).ok(), size == 8) << size;
    const Bytes blocks = encode_blocks(false, {SharedBytes({1, 2, 3})});
    for (std::size_t size = 0; size < blocks.size(); ++size)
        EXPECT_FALSE(decode_blocks(ByteView(blocks).first(size)).ok()) << size;
}

TEST(PeerMessages, TheMoreFlagHasTwoValues) {
    Bytes blocks = encode_blocks(false, {});
    blocks[0] = 2;
    EXPECT_FALSE(decode_blocks(blocks).ok());
}

TEST(TradeRecord, RoundTripsAndRefusesCuts) {
    TradeView trade;
    trade.id.data.fill(1);
    trade.market = exchange::MarketId(3);
    trade.ordinal = 99;
    trade.price = exchange::Price(585'33);
    trade.quantity = exchange::Quantity(18);
    trade.taker_side = exchange::Side::sell;
    trade.maker_fee = 5;
    trade.taker_fee = static_cast<exchange::Amount>(1) << 90;
    trade.time = WallTime{1'700'000'000'000};
    const Bytes record = encode_trade_record(trade);
    const auto decoded = decode_trade_record(record);
    ASSERT_TRUE(decoded.ok()) << decoded.error().message;
    EXPECT_EQ(decoded->id, trade.id);
    EXPECT_EQ(decoded->ordinal, 99u);
    EXPECT_EQ(decoded->taker_side, exchange::Side::sell);
    EXPECT_TRUE(decoded->taker_fee == trade.taker_fee);
    EXPECT_EQ(decoded->time, trade.time);
    for (std::size_t size = 0; size < record.size(); ++size)
        EXPECT_FALSE(decode_trade_record(ByteView(record).first(size)).ok()) << size;
}

}  // namespace
}  // namespace peerbook::app

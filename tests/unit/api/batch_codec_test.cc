#include "app/api/batch_codec.h"

#include <gtest/gtest.h>

#include "base/codec.h"
#include "tests/unit/api/fake_node.h"

namespace peerbook::app {
namespace {

BatchRequest two_commands() {
    BatchRequest request;
    request.names = {"alice", "bob"};
    exchange::LimitOrder order;
    order.market = testing::btc_usd;
    order.price = exchange::Price(6'000'000);
    order.quantity = exchange::Quantity(5);
    request.commands.push_back({1, 0, order});
    request.commands.push_back({0, 9, exchange::CancelOrder{{7, 0}}});
    return request;
}

Bytes encoded(const BatchRequest& request) {
    Bytes bytes;
    encode_batch_request(request, bytes);
    return bytes;
}

TEST(BatchRequest, ComesBackAsIntents) {
    auto decoded = decode_batch_request(encoded(two_commands()));
    ASSERT_TRUE(decoded.ok()) << decoded.error().message;
    ASSERT_EQ(decoded->intents.size(), 2u);
    EXPECT_EQ(decoded->intents[0].account, "bob");
    EXPECT_FALSE(decoded->intents[0].nonce);
    EXPECT_EQ(std::get<exchange::LimitOrder>(decoded->intents[0].body).price, exchange::Price(6'000'000));
    EXPECT_EQ(decoded->intents[1].account, "alice");
    EXPECT_EQ(decoded->intents[1].nonce, 9u);
    EXPECT_EQ(std::get<exchange::CancelOrder>(decoded->intents[1].body).target, (exchange::CommandRef{7, 0}));
}

TEST(BatchRequest, EveryShorterAndLongerInputIsRefused) {
    Bytes bytes = encoded(two_commands());
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(decode_batch_request(ByteView(bytes).first(size)).ok()) << size;
    bytes.push_back(0);
    EXPECT_FALSE(decode_batch_request(bytes).ok());
}

TEST(BatchRequest, NamesIndexesAndCountsAreChecked) {
    BatchRequest request = two_commands();
    request.names[0] = "Alice";
    EXPECT_FALSE(decode_batch_request(encoded(request)).ok());
    request = two_commands();
    request.commands[0].name = 2;
    EXPECT_FALSE(decode_batch_request(encoded(request)).ok());
    request.commands.clear();
    EXPECT_FALSE(decode_batch_request(encoded(request)).ok());
}

TEST(BatchRequest, TooManyCommandsAreRefused) {
    BatchRequest request = two_commands();
    request.commands.assign(intents_per_request_max, request.commands[1]);
    EXPECT_TRUE(decode_batch_request(encoded(request)).ok());
    request.commands.push_back(request.commands[0]);
    EXPECT_FALSE(decode_batch_request(encoded(request)).ok());
}

TEST(BatchReply, ComesBackAsWritten) {
    const SubmitAnswer answer = testing::partial_fill();
    auto reply = decode_batch_reply(as_bytes(encode_batch_reply(answer)));
    ASSERT_TRUE(reply.ok()) << reply.error().message;
    EXPECT_EQ(reply->block, 17u);
    ASSERT_EQ(reply->results.size(), 1u);
    const BatchResult& result = reply->results[0];
    EXPECT_EQ(result.status, CommandStatus::partially_filled);
    EXPECT_EQ(result.nonce, 7u);
    EXPECT_EQ(result.filled, exchange::Quantity(2'000));
    EXPECT_EQ(result.leaves, exchange::Quantity(3'000));
    ASSERT_EQ(result.fills.size(), 1u);
    EXPECT_EQ(result.fills[0].maker_order, testing::order_id(0xcc));
    EXPECT_EQ(result.fills[0].price, exchange::Price(6'000'000));
    EXPECT_EQ(result.fills[0].quantity, exchange::Quantity(2'000));
}

TEST(BatchReply, EveryShorterInputIsRefused) {
    const std::string bytes = encode_batch_reply(testing::partial_fill());
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(decode_batch_reply(as_bytes(bytes).first(size)).ok()) << size;
}

TEST(BatchReply, UnknownStatusAndReasonAreRefused) {
    std::string bytes = encode_batch_reply(testing::rejection(exchange::Reason::nonce_used));
    ASSERT_TRUE(decode_batch_reply(as_bytes(bytes)).ok());
    std::string odd = bytes;
    odd[9] = 0x7f;
    EXPECT_FALSE(decode_batch_reply(as_bytes(odd)).ok());
    odd = bytes;
    odd[10] = 0x7f;
    EXPECT_FALSE(decode_batch_reply(as_bytes(odd)).ok());
}

}  // namespace
}  // namespace peerbook::app

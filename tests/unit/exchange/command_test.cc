#include "exchange/engine/command.h"

#include <gtest/gtest.h>

namespace peerbook::exchange {
namespace {

KeySeed seed_of(std::uint8_t byte) {
    KeySeed seed;
    seed.data.fill(byte);
    return seed;
}

AccountId account_of(std::uint8_t byte) {
    AccountId account;
    account.data.fill(byte);
    return account;
}

std::vector<CommandBody> one_of_each() {
    return {LimitOrder{MarketId(3), Side::sell, Price(600'000), Quantity(12'345), TimeInForce::fok, true},
            LimitOrder{MarketId(0), Side::buy, Price(-1), Quantity(0), TimeInForce::gtc, false},
            MarketOrder{MarketId(1), Side::sell, Quantity(77), Price(42)},
            CancelOrder{{9, 4}},
            ReduceOrder{{10, 0}, Quantity(5)},
            OpenAccount{"alice"},
            Faucet{AssetId(2), Amount{1} << 100},
            Transfer{account_of(8), AssetId(1), -5}};
}

Bytes encoded(const CommandBody& body) {
    Bytes bytes;
    Encoder out(bytes);
    encode_command_body(out, body);
    return bytes;
}

class Payloads : public testing::Test {
  protected:
    Result<std::vector<CommandBatch>> decode(ByteView payload) const {
        return decode_payload(payload, author, network, 1, verifier);
    }
    std::string error_of(ByteView payload) const {
        const auto batches = decode(payload);
        return batches.ok() ? "" : batches.error().message;
    }

    const PublicKey author{{1, 2, 3}};
    const Digest network{{4, 5, 6}};
    const Ed25519Verifier verifier;
    const std::unique_ptr<Signer> signer = make_ed25519_signer(seed_of(1));
};

TEST(CommandBodies, ComeBackAsTheyWere) {
    for (const CommandBody& body : one_of_each()) {
        const Bytes bytes = encoded(body);
        Decoder in(bytes);
        const CommandBody back = decode_command_body(in);
        ASSERT_TRUE(in.finish().ok());
        EXPECT_EQ(encoded(back), bytes);
        EXPECT_EQ(back.index(), body.index());
    }
}

TEST(CommandBodies, EveryTruncationIsRefused) {
    for (const CommandBody& body : one_of_each()) {
        const Bytes bytes = encoded(body);
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            Decoder in(ByteView(bytes).first(size));
            decode_command_body(in);
            EXPECT_FALSE(in.finish().ok());
        }
    }
}

TEST(CommandBodies, UnknownTagsFlagsAndSidesAreRefused) {
    for (const Bytes& bytes :
         {Bytes{0}, Bytes{8}, Bytes{1, 0, 16, 2, 2}, Bytes{1, 0, 6, 2, 2}, Bytes{2, 0, 2, 2, 2}}) {
        Decoder in(bytes);
        decode_command_body(in);
        EXPECT_FALSE(in.ok());
    }
    Bytes name{5};
    Encoder(name).text(std::string(65, 'a'));
    Decoder in(name);
    decode_command_body(in);
    EXPECT_FALSE(in.ok());
}

TEST_F(Payloads, CarrySignedBatchesFirstThenTheAuthorsOwnCommands) {
    const std::vector<CommandBody> bodies = one_of_each();
    PayloadBuilder builder;
    EXPECT_TRUE(builder.empty());
    std::vector<Command> hosted;
    for (std::size_t i = 0; i < bodies.size(); ++i)
        hosted.push_back({account_of(static_cast<std::uint8_t>(i % 3)), {i + 1, 0}, bodies[i]});
    for (const Command& command : hosted)
        ASSERT_TRUE(builder.add_hosted(command));
    AccountId own;
    own.data = signer->public_key().data;
    const Bytes batch = encode_signed_batch(BatchKind::self_custodied, network, 1, *signer,
                                            {{own, {7, 0}, bodies[0]}, {own, {7, 1}, bodies[3]}});
    ASSERT_TRUE(builder.add_signed_batch(batch));
    EXPECT_EQ(builder.command_count(), hosted.size() + 2);
    const std::size_t size = builder.size();
    const Bytes payload = builder.take();
    EXPECT_EQ(payload.size(), size);
    EXPECT_TRUE(builder.empty());
    EXPECT_EQ(builder.size(), 0u);

    const auto batches = decode(payload);
    ASSERT_TRUE(batches.ok()) << batches.error().message;
    ASSERT_EQ(batches->size(), 2u);
    EXPECT_EQ((*batches)[0].kind, BatchKind::self_custodied);
    EXPECT_TRUE((*batches)[0].authorized);
    EXPECT_EQ((*batches)[0].commands[1].ref, (CommandRef{7, 1}));
    EXPECT_EQ((*batches)[0].commands[1].account, own);
    const CommandBatch& last = (*batches)[1];
    EXPECT_EQ(last.kind, BatchKind::hosted_by_author);
    EXPECT_EQ(last.signer, author);
    ASSERT_EQ(last.commands.size(), hosted.size());
    for (std::size_t i = 0; i < hosted.size(); ++i) {
        EXPECT_EQ(last.commands[i].account, hosted[i].account);
        EXPECT_EQ(last.commands[i].ref, hosted[i].ref);
        EXPECT_EQ(encoded(last.commands[i].body), encoded(hosted[i].body));
    }
}

TEST_F(Payloads, CarryTheShortestCommandsInEveryKind) {
    AccountId own;
    own.data = signer->public_key().data;
    for (std::size_t count : {std::size_t{2}, std::size_t{1'000}}) {
        std::vector<Command> commands, same_nonce;
        PayloadBuilder hosted, signed_by_other, self_custodied;
        for (std::size_t i = 0; i < count; ++i) {
            commands.push_back({own, {1 + i % 100, 0}, OpenAccount{}});
            same_nonce.push_back({own, {1, static_cast<std::uint32_t>(i)}, OpenAccount{}});
            ASSERT_TRUE(hosted.add_hosted(commands.back()));
        }
        ASSERT_TRUE(signed_by_other.add_signed_batch(
            encode_signed_batch(BatchKind::hosted_by_other, network, 1, *signer, commands)));
        ASSERT_TRUE(self_custodied.add_signed_batch(
            encode_signed_batch(BatchKind::self_custodied, network, 1, *signer, same_nonce)));
        for (PayloadBuilder* builder : {&hosted, &signed_by_other, &self_custodied}) {
            const auto batches = decode(builder->take());
            ASSERT_TRUE(batches.ok()) << batches.error().message;
            EXPECT_EQ(batches->front().commands.size(), count);
        }
    }
}

TEST_F(Payloads, WithoutCommandsHaveNoBytes) {
    PayloadBuilder builder;
    EXPECT_TRUE(builder.take().empty());
    EXPECT_TRUE(decode({})->empty());
    EXPECT_NE(error_of(Bytes{0, 0}), "");
}

TEST_F(Payloads, RefuseEveryTruncationAndTrailingBytes) {
    PayloadBuilder builder;
    builder.add_hosted({account_of(1), {1, 0}, CancelOrder{{1, 0}}});
    builder.add_hosted({account_of(2), {1, 0}, CancelOrder{{2, 0}}});
    Bytes payload = builder.take();
    ASSERT_EQ(error_of(payload), "");
    for (std::size_t size = 1; size < payload.size(); ++size)
        EXPECT_NE(error_of(ByteView(payload).first(size)), "");
    payload.push_back(0);
    EXPECT_NE(error_of(payload), "");
}

TEST_F(Payloads, RefuseAccountTablesThatAreNotCanonical) {
    const auto payload = [&](std::vector<std::uint8_t> accounts, std::vector<std::uint8_t> uses) {
        Bytes bytes{0, 1};
        Encoder out(bytes);
        out.varint(accounts.size());
        for (std::uint8_t account : accounts)
            out.raw(account_of(account).view());
        out.varint(uses.size());
        for (std::uint8_t use : uses) {
            out.varint(use);
            out.varint(1);
            encode_command_body(out, CancelOrder{{1, 0}});
        }
        return bytes;
    };
    EXPECT_EQ(error_of(payload({1, 2}, {0, 1, 0})), "");
    EXPECT_NE(error_of(payload({1, 1}, {0, 1})), "");
    EXPECT_NE(error_of(payload({1, 2}, {1, 0})), "");
    EXPECT_NE(error_of(payload({1, 2}, {0, 0})), "");
    EXPECT_NE(error_of(payload({1}, {0, 1})), "");
    EXPECT_NE(error_of(payload({}, {})), "");
}

TEST_F(Payloads, StopAtTheLimitAndStayDecodable) {
    PayloadBuilder builder;
    std::size_t added = 0;
    for (std::uint64_t nonce = 1;; ++nonce) {
        Command command{account_of(static_cast<std::uint8_t>(nonce % 200)),
                        {nonce, 0},
                        OpenAccount{std::string(60, 'x')}};
        if (!builder.add_hosted(command)) break;
        ++added;
    }
    EXPECT_EQ(builder.command_count(), added);
    const Bytes payload = builder.take();
    EXPECT_LE(payload.size(), payload_bytes_max);
    EXPECT_GT(payload.size(), payload_bytes_max - 200);
    const auto batches = decode(payload);
    ASSERT_TRUE(batches.ok()) << batches.error().message;
    EXPECT_EQ(batches->front().commands.size(), added);
    EXPECT_NE(error_of(Bytes(payload_bytes_max + 1)), "");
}

TEST_F(Payloads, AWrongSignatureMakesTheBatchUnauthorizedAndNothingElse) {
    Bytes batch = encode_signed_batch(BatchKind::hosted_by_other, network, 1, *signer,
                                      {{account_of(3), {1, 0}, CancelOrder{{5, 0}}}});
    EXPECT_TRUE(decode_signed_batch(batch, network, 1, verifier).ok());
    EXPECT_EQ(decode_signed_batch(batch, Digest{}, 1, verifier).error().code, ErrorCode::unauthorized);
    EXPECT_EQ(decode_signed_batch(batch, network, 2, verifier).error().code, ErrorCode::unauthorized);
    batch.back() ^= 1;
    EXPECT_EQ(decode_signed_batch(batch, network, 1, verifier).error().code, ErrorCode::unauthorized);
    PayloadBuilder builder;
    ASSERT_TRUE(builder.add_signed_batch(batch));
    ASSERT_TRUE(builder.add_hosted({account_of(1), {1, 0}, CancelOrder{{1, 0}}}));
    const auto batches = decode(builder.take());
    ASSERT_TRUE(batches.ok());
    EXPECT_FALSE((*batches)[0].authorized);
    EXPECT_TRUE((*batches)[1].authorized);
    for (std::size_t size = 0; size < batch.size(); ++size)
        EXPECT_EQ(decode_signed_batch(ByteView(batch).first(size), network, 1, verifier).error().code,
                  ErrorCode::invalid_input);
}

TEST(Names, OfOrdersAndTradesDependOnEverythingInThem) {
    const Digest network{{1}};
    const OrderId order = make_order_id(network, account_of(1), {1, 0});
    EXPECT_EQ(order, make_order_id(network, account_of(1), {1, 0}));
    EXPECT_NE(order, make_order_id(Digest{}, account_of(1), {1, 0}));
    EXPECT_NE(order, make_order_id(network, account_of(2), {1, 0}));
    EXPECT_NE(order, make_order_id(network, account_of(1), {2, 0}));
    const OrderId other = make_order_id(network, account_of(1), {1, 1});
    EXPECT_NE(order, other);
    EXPECT_NE(make_trade_id(order, other, 0), make_trade_id(other, order, 0));
    EXPECT_NE(make_trade_id(order, other, 0), make_trade_id(order, other, 1));
    EXPECT_NE(hosted_account_id(PublicKey{{1}}, "a"), hosted_account_id(PublicKey{{1}}, "b"));
    EXPECT_NE(hosted_account_id(PublicKey{{1}}, "a"), hosted_account_id(PublicKey{{2}}, "a"));
}

}  // namespace
}  // namespace peerbook::exchange

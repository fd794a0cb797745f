// Batches and payloads: bodies with who answers for them.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "exchange/engine/command.h"
#include "tests/unit/exchange/command_samples.h"

namespace peerbook::exchange {
namespace {

KeySeed seed_of(std::uint8_t byte) {
    KeySeed seed;
    seed.data.fill(byte);
    return seed;
}

class Payloads : public testing::Test {
  protected:
    Payloads() { own.data = signer->public_key().data; }

    Result<std::vector<CommandBatch>> decode(ByteView payload) const {
        return decode_payload(payload, author, network, 1, verifier);
    }
    std::string error_of(ByteView payload) const {
        const auto batches = decode(payload);
        return batches.ok() ? "" : batches.error().message;
    }
    Bytes signed_batch(BatchKind kind, const std::vector<Command>& commands) const {
        return encode_signed_batch(kind, network, 1, *signer, commands);
    }
    // A batch of kind 2 around what `write` puts behind its nonce; its signature is of zeros.
    template <typename Write>
    Bytes self_custodied(const Write& write) const {
        Bytes bytes{2};
        Encoder out(bytes);
        out.raw(own.view());
        out.varint(7);
        write(out);
        out.raw(Signature().view());
        return bytes;
    }
    std::string signed_error_of(ByteView encoded) const {
        const auto batch = decode_signed_batch(encoded, network, 1, verifier);
        return batch.ok() ? "" : batch.error().message;
    }

    const PublicKey author{{1, 2, 3}};
    const Digest network{{4, 5, 6}};
    const Ed25519Verifier verifier;
    const std::unique_ptr<Signer> signer = make_ed25519_signer(seed_of(1));
    AccountId own;
};

void expect_equal(const CommandBatch& batch, const std::vector<Command>& commands) {
    ASSERT_EQ(batch.commands.size(), commands.size());
    for (std::size_t i = 0; i < commands.size(); ++i) {
        ASSERT_LT(batch.commands[i].account, batch.accounts.size());
        EXPECT_EQ(batch.accounts[batch.commands[i].account], commands[i].account);
        EXPECT_EQ(batch.commands[i].ref(), commands[i].ref);
        EXPECT_TRUE(batch.commands[i].body == commands[i].body);
    }
}

TEST_F(Payloads, CarrySignedBatchesFirstThenTheAuthorsOwnCommands) {
    const std::vector<CommandBody> bodies = one_of_each();
    PayloadBuilder builder;
    EXPECT_TRUE(builder.empty());
    std::vector<Command> hosted, self;
    std::uint32_t index = 0;
    for (std::size_t i = 0; i < bodies.size(); ++i) {
        hosted.push_back({account_of(static_cast<std::uint8_t>(i % 3)), {i + 1, 0}, bodies[i]});
        self.push_back({own, {7, index}, bodies[i]});
        index += index_count(bodies[i]);
    }
    for (const Command& command : hosted)
        ASSERT_TRUE(builder.add_hosted(command));
    const Bytes first = signed_batch(BatchKind::self_custodied, self);
    const Bytes second = signed_batch(BatchKind::hosted_by_other, hosted);
    ASSERT_TRUE(builder.add_signed_batch(first));
    ASSERT_TRUE(builder.add_signed_batch(second));
    EXPECT_EQ(builder.command_count(), 2 * hosted.size() + self.size());
    const std::size_t size = builder.size();
    const Bytes payload = builder.take();
    EXPECT_EQ(payload.size(), size);
    EXPECT_TRUE(builder.empty());
    EXPECT_EQ(builder.size(), 0u);

    const auto batches = decode(payload);
    ASSERT_TRUE(batches.ok()) << batches.error().message;
    ASSERT_EQ(batches->size(), 3u);
    EXPECT_EQ((*batches)[0].kind, BatchKind::self_custodied);
    EXPECT_EQ((*batches)[0].signer, signer->public_key());
    EXPECT_EQ((*batches)[0].accounts, std::vector<AccountId>{own});
    expect_equal((*batches)[0], self);
    EXPECT_EQ((*batches)[1].kind, BatchKind::hosted_by_other);
    EXPECT_EQ((*batches)[1].signer, signer->public_key());
    expect_equal((*batches)[1], hosted);
    EXPECT_EQ((*batches)[2].kind, BatchKind::hosted_by_author);
    EXPECT_EQ((*batches)[2].signer, author);
    EXPECT_EQ((*batches)[2].accounts, (std::vector<AccountId>{account_of(0), account_of(1), account_of(2)}));
    expect_equal((*batches)[2], hosted);
    for (const CommandBatch& batch : *batches)
        EXPECT_TRUE(batch.authorized);
}

TEST_F(Payloads, TakeNoSignedBatchThatAPayloadCannotHold) {
    CreateMarket create;
    create.spec.symbol = std::string(market_text_length_max, 'A');
    create.spec.tick = create.spec.lot = create.spec.price_max = std::string(market_text_length_max, '1');
    create.spec.quantity_min = create.spec.quantity_max = create.spec.notional_min =
        std::string(market_text_length_max, '1');
    create.spec.maker_fee_ppm = create.spec.taker_fee_ppm = create.spec.band_ppm = UINT32_MAX;
    create.base = create.quote = AssetId(UINT32_MAX);
    create.spec.auction = auction_max;
    std::vector<Command> commands;
    for (std::uint32_t i = 0; i < signed_batch_commands_max; ++i)
        commands.push_back({own, {7, i}, Boxed<Administer>(Administer{create, UINT64_MAX - i})});
    Bytes batch = signed_batch(BatchKind::self_custodied, commands);
    ASSERT_GT(batch.size(), payload_bytes_max);
    EXPECT_FALSE(PayloadBuilder().add_signed_batch(batch));
    EXPECT_EQ(decode_signed_batch(batch, network, 1, verifier).error().code, ErrorCode::too_large);
    while (batch.size() > signed_batch_bytes_max) {
        commands.pop_back();
        batch = signed_batch(BatchKind::self_custodied, commands);
    }
    EXPECT_TRUE(decode_signed_batch(batch, network, 1, verifier).ok());
    EXPECT_TRUE(PayloadBuilder().add_signed_batch(batch));
}

TEST_F(Payloads, SayHowManyBytesEachBatchHas) {
    const std::vector<Command> one{{own, {1, 0}, CancelOrder{{2, 0}}}};
    const Bytes first = signed_batch(BatchKind::self_custodied, one);
    const Bytes second = signed_batch(BatchKind::hosted_by_other, one);
    PayloadBuilder builder;
    ASSERT_TRUE(builder.add_signed_batch(first));
    ASSERT_TRUE(builder.add_signed_batch(second));
    ASSERT_TRUE(builder.add_hosted(one[0]));
    const auto batches = decode(builder.take());
    ASSERT_TRUE(batches.ok());
    EXPECT_EQ((*batches)[0].encoded_bytes, first.size());
    EXPECT_EQ((*batches)[1].encoded_bytes, second.size());
    EXPECT_EQ((*batches)[2].encoded_bytes, 1u + 32 + 1 + 5) << "accounts, then commands";
    EXPECT_EQ(decode_signed_batch(first, network, 1, verifier)->encoded_bytes, first.size());
    EXPECT_EQ(CommandBatch().encoded_bytes, 0u);
}

TEST_F(Payloads, OfRandomBatchesComeBackAsTheyWere) {
    RandomBodies random(3);
    for (int round = 0; round < 100; ++round) {
        PayloadBuilder builder;
        std::vector<Command> hosted;
        for (std::uint64_t left = 1 + random.below(50); left > 0; --left) {
            Command command{account_of(static_cast<std::uint8_t>(random.below(6))),
                            {random.below(400), 0},
                            random.next()};
            if (!builder.add_hosted(command)) break;
            hosted.push_back(std::move(command));
        }
        std::vector<Command> self;
        std::uint32_t index = 0;
        for (CommandBody body = random.next(); index + index_count(body) <= 50; body = random.next()) {
            self.push_back({own, {9, index}, body});
            index += index_count(body);
        }
        const bool has_self =
            !self.empty() && builder.add_signed_batch(signed_batch(BatchKind::self_custodied, self));
        const auto batches = decode(builder.take());
        ASSERT_TRUE(batches.ok()) << batches.error().message;
        ASSERT_EQ(batches->size(), has_self ? 2u : 1u);
        if (has_self) expect_equal(batches->front(), self);
        expect_equal(batches->back(), hosted);
    }
}

TEST_F(Payloads, CarryTheShortestCommandsInEveryKind) {
    for (std::size_t count : {std::size_t{1}, std::size_t{2}, signed_batch_commands_max}) {
        std::vector<Command> commands, same_nonce;
        PayloadBuilder hosted, signed_by_other, self;
        for (std::size_t i = 0; i < count; ++i) {
            commands.push_back({own, {1 + i % 100, 0}, OpenAccount{}});
            same_nonce.push_back({own, {1, static_cast<std::uint32_t>(i)}, OpenAccount{}});
            ASSERT_TRUE(hosted.add_hosted(commands.back()));
        }
        ASSERT_TRUE(signed_by_other.add_signed_batch(signed_batch(BatchKind::hosted_by_other, commands)));
        ASSERT_TRUE(self.add_signed_batch(signed_batch(BatchKind::self_custodied, same_nonce)));
        for (PayloadBuilder* builder : {&hosted, &signed_by_other, &self}) {
            const auto batches = decode(builder->take());
            ASSERT_TRUE(batches.ok()) << batches.error().message;
            EXPECT_EQ(batches->front().commands.size(), count);
        }
    }
}

TEST_F(Payloads, WithManySignedBatchesOfTheShortestKindAreRead) {
    PayloadBuilder builder;
    for (std::uint64_t nonce = 1; nonce <= 100; ++nonce)
        ASSERT_TRUE(builder.add_signed_batch(
            signed_batch(BatchKind::self_custodied, {{own, {nonce, 0}, OpenAccount{}}})));
    const auto batches = decode(builder.take());
    ASSERT_TRUE(batches.ok()) << batches.error().message;
    EXPECT_EQ(batches->size(), 100u);
}

TEST_F(Payloads, CountIndexesOfSelfCustodiedBatchesUpByMassQuotes) {
    const MassQuote three{MarketId(0), std::vector<Quote>(3)};
    const Bytes batch = signed_batch(BatchKind::self_custodied, {{own, {7, 0}, CancelAll{}},
                                                                 {own, {7, 1}, three},
                                                                 {own, {7, 4}, MassQuote{}},
                                                                 {own, {7, 5}, CancelAll{}}});
    const auto decoded = decode_signed_batch(batch, network, 1, verifier);
    ASSERT_TRUE(decoded.ok()) << decoded.error().message;
    EXPECT_EQ(decoded->commands[2].ref(), (CommandRef{7, 4}));
    EXPECT_EQ(decoded->commands[3].ref(), (CommandRef{7, 5}));
    EXPECT_DEATH(signed_batch(BatchKind::self_custodied, {{own, {7, 0}, three}, {own, {7, 1}, CancelAll{}}}),
                 "count up by index_count");
}

TEST_F(Payloads, GiveHostedMassQuotesTheIndexesOfTheirOwnNonces) {
    const MassQuote all{MarketId(0), std::vector<Quote>(signed_batch_commands_max)};
    const std::vector<Command> commands{{own, {1, 0}, all}, {own, {2, 0}, all}};
    const Bytes batch = signed_batch(BatchKind::hosted_by_other, commands);
    const auto decoded = decode_signed_batch(batch, network, 1, verifier);
    ASSERT_TRUE(decoded.ok()) << decoded.error().message;
    expect_equal(*decoded, commands);
    EXPECT_DEATH(signed_batch(BatchKind::hosted_by_other, {{own, {1, 1}, all}}), "has index 0");
    PayloadBuilder builder;
    EXPECT_DEATH(builder.add_hosted({own, {1, 1}, all}), "has index 0");
}

TEST_F(Payloads, RefuseSelfCustodiedBatchesThatTakeMoreIndexesThanANonceHas) {
    const auto with_commands = [&](std::size_t cancels, std::size_t quotes) {
        return self_custodied([&](Encoder& out) {
            out.varint(cancels + 1);
            for (std::size_t i = 0; i < cancels; ++i)
                encode_command_body(out, CancelAll{});
            encode_command_body(out, MassQuote{MarketId(0), std::vector<Quote>(quotes)});
        });
    };
    EXPECT_NE(signed_error_of(with_commands(0, 1'000)).find("signature"), std::string::npos) << "only that";
    EXPECT_NE(signed_error_of(with_commands(1, 999)).find("signature"), std::string::npos) << "only that";
    EXPECT_NE(signed_error_of(with_commands(1, 1'000)).find("more indexes"), std::string::npos);
    EXPECT_NE(signed_error_of(with_commands(999, 2)).find("more indexes"), std::string::npos);
    EXPECT_NE(signed_error_of(with_commands(1'000, 1)).find("too many commands"), std::string::npos);
    EXPECT_DEATH(signed_batch(BatchKind::self_custodied,
                              {{own, {7, 0}, MassQuote{MarketId(0), std::vector<Quote>(1'000)}},
                               {own, {7, 1'000}, CancelAll{}}}),
                 "at most 1,000 indexes");
}

TEST_F(Payloads, RefuseSignedBatchesOfUnknownKindsAndFalseCounts) {
    Bytes batch = signed_batch(BatchKind::self_custodied, {{own, {7, 0}, CancelAll{}}});
    for (std::uint8_t kind : {0, 3, 255}) {
        batch[0] = kind;
        EXPECT_NE(signed_error_of(batch).find("unknown kind"), std::string::npos);
    }
    const auto counted = [&](std::uint64_t count) {
        return signed_error_of(self_custodied([&](Encoder& out) { out.varint(count); }));
    };
    EXPECT_NE(counted(0).find("empty"), std::string::npos);
    EXPECT_NE(counted(1'000).find("too many commands"), std::string::npos) << "more than it has bytes for";
    EXPECT_NE(counted(~std::uint64_t{0}).find("too many commands"), std::string::npos);

    std::vector<Command> commands(signed_batch_commands_max + 1, {own, {1, 0}, OpenAccount{}});
    EXPECT_DEATH(signed_batch(BatchKind::hosted_by_other, commands), "1 to 1,000 commands");
    EXPECT_DEATH(signed_batch(BatchKind::hosted_by_other, {}), "1 to 1,000 commands");
    Bytes many{1};
    Encoder out(many);
    out.raw(own.view());
    PayloadBuilder hosted;
    for (const Command& command : commands)
        ASSERT_TRUE(hosted.add_hosted(command));
    const Bytes payload = hosted.take();
    out.raw(ByteView(payload).subspan(2));
    out.raw(Signature().view());
    EXPECT_NE(signed_error_of(many).find("too many commands"), std::string::npos);
}

TEST_F(Payloads, WithoutCommandsHaveNoBytes) {
    PayloadBuilder builder;
    EXPECT_TRUE(builder.take().empty());
    EXPECT_TRUE(decode({})->empty());
    EXPECT_NE(error_of(Bytes{0, 0}).find("must have no bytes"), std::string::npos);
}

TEST_F(Payloads, RefuseEveryTruncationAndTrailingBytes) {
    PayloadBuilder builder;
    builder.add_signed_batch(signed_batch(BatchKind::hosted_by_other, {{own, {1, 0}, CancelAll{}}}));
    builder.add_hosted({account_of(1), {1, 0}, CancelOrder{{1, 0}}});
    builder.add_hosted({account_of(2), {1, 0}, MassQuote{MarketId(0), std::vector<Quote>(3)}});
    Bytes payload = builder.take();
    ASSERT_EQ(error_of(payload), "");
    for (std::size_t size = 1; size < payload.size(); ++size)
        EXPECT_NE(error_of(ByteView(payload).first(size)), "");
    payload.push_back(0);
    EXPECT_NE(error_of(payload).find("left over"), std::string::npos);
}

TEST_F(Payloads, RefuseFlagsAndCountsThatAreNotTrue) {
    EXPECT_NE(error_of(Bytes{0, 2}).find("neither 0 nor 1"), std::string::npos);
    EXPECT_NE(error_of(Bytes{1, 0}).find("more signed batches than it has room for"), std::string::npos);
    Bytes longer{1, 200, 1};
    longer.resize(150);
    EXPECT_NE(error_of(longer).find("longer than its payload"), std::string::npos);
    Bytes spoilt{1, 101};
    spoilt.resize(103);
    EXPECT_NE(error_of(spoilt).find("signed batch 0: "), std::string::npos);
    EXPECT_NE(error_of(Bytes{0, 1, 2, 0}).find("more accounts than it has room for"), std::string::npos);
    EXPECT_NE(error_of(Bytes{0, 1, 0, 200, 1}).find("too many commands"), std::string::npos);
}

TEST_F(Payloads, RefuseAccountTablesThatAreNotCanonical) {
    const auto error = [&](std::vector<std::uint8_t> accounts, std::vector<std::uint64_t> uses) {
        Bytes bytes{0, 1};
        Encoder out(bytes);
        out.varint(accounts.size());
        for (std::uint8_t account : accounts)
            out.raw(account_of(account).view());
        out.varint(uses.size());
        for (std::uint64_t use : uses) {
            out.varint(use);
            out.varint(1);
            encode_command_body(out, CancelOrder{{1, 0}});
        }
        return error_of(bytes);
    };
    EXPECT_EQ(error({1, 2}, {0, 1, 0}), "");
    EXPECT_NE(error({1, 1}, {0, 1}).find("names an account twice"), std::string::npos);
    EXPECT_NE(error({1, 2}, {1, 0}).find("out of order"), std::string::npos);
    EXPECT_NE(error({1, 2}, {0, 0}).find("does not use"), std::string::npos);
    EXPECT_NE(error({1}, {0, 1}).find("out of order"), std::string::npos);
    EXPECT_NE(error({1}, {0, std::uint64_t{1} << 32}).find("out of order"), std::string::npos);
    EXPECT_NE(error({}, {}).find("empty"), std::string::npos);
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
    EXPECT_FALSE(builder.add_signed_batch(
        signed_batch(BatchKind::hosted_by_other, {{own, {1, 0}, OpenAccount{std::string(64, 'x')}}})));
    EXPECT_EQ(builder.command_count(), added);
    const Bytes payload = builder.take();
    EXPECT_LE(payload.size(), payload_bytes_max);
    EXPECT_GT(payload.size(), payload_bytes_max - 200);
    const auto batches = decode(payload);
    ASSERT_TRUE(batches.ok()) << batches.error().message;
    EXPECT_EQ(batches->front().commands.size(), added);
    EXPECT_EQ(decode(Bytes(payload_bytes_max + 1)).error().code, ErrorCode::too_large);
}

TEST_F(Payloads, AWrongSignatureMakesTheBatchUnauthorizedAndNothingElse) {
    Bytes batch = signed_batch(BatchKind::hosted_by_other, {{account_of(3), {1, 0}, CancelOrder{{5, 0}}}});
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

TEST(CommandBatches, BuiltByHandKnowEachAccountOnce) {
    CommandBatch batch;
    batch.add(account_of(2), {1, 0}, CancelAll{});
    batch.add(account_of(1), {1, 0}, CancelAfter{});
    batch.add(account_of(2), {2, 3}, OpenAccount{"bob"});
    EXPECT_EQ(batch.accounts, (std::vector<AccountId>{account_of(2), account_of(1)}));
    expect_equal(batch, {{account_of(2), {1, 0}, CancelAll{}},
                         {account_of(1), {1, 0}, CancelAfter{}},
                         {account_of(2), {2, 3}, OpenAccount{"bob"}}});
}

}  // namespace
}  // namespace peerbook::exchange

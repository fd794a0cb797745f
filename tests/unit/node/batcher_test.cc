// What waits for a block: what fits goes in, what never fits is dropped, and what is counted.
#include "app/node/batcher.h"

#include <gtest/gtest.h>

namespace peerbook::app {
namespace {

// Commands of about 500 bytes each, under one signature.
Bytes signed_commands(const Signer& signer, std::uint32_t count) {
    const std::string text(exchange::market_text_length_max, '1');
    exchange::CreateMarket create;
    create.spec.symbol = create.spec.tick = create.spec.lot = text;
    create.spec.price_max = create.spec.quantity_min = create.spec.quantity_max = text;
    create.spec.notional_min = text;
    create.spec.maker_fee_ppm = create.spec.taker_fee_ppm = create.spec.band_ppm = UINT32_MAX;
    create.base = create.quote = exchange::AssetId(UINT32_MAX);
    create.spec.auction = exchange::auction_max;
    exchange::AccountId own;
    own.data = signer.public_key().data;
    std::vector<exchange::Command> commands;
    for (std::uint32_t i = 0; i < count; ++i)
        commands.push_back(
            {own, {7, i}, Boxed<exchange::Administer>(exchange::Administer{create, UINT64_MAX - i})});
    return exchange::encode_signed_batch(exchange::BatchKind::self_custodied, Digest(), 1, signer, commands);
}

TEST(Batcher, DropsASignedBatchThatNoBlockCanHoldAndGoesOnWithTheNext) {
    const auto signer = make_ed25519_signer(KeySeed{});
    Batcher batcher;
    batcher.add_signed(signed_commands(*signer, 1'000), 1'000, 1'000, Ticket(5));
    batcher.add_signed(signed_commands(*signer, 600), 600, 600, Ticket(6));
    batcher.add_signed(signed_commands(*signer, 600), 600, 600, Ticket(7));
    const Batcher::Built first = batcher.take();
    EXPECT_EQ(first.too_large, std::vector<Ticket>{Ticket(5)});
    ASSERT_EQ(first.origins.size(), 600u);
    EXPECT_EQ(first.origins[0]->ticket, Ticket(6));
    EXPECT_FALSE(first.payload.empty());
    EXPECT_EQ(batcher.commands(), 600u);
    const Batcher::Built second = batcher.take();
    EXPECT_TRUE(second.too_large.empty());
    EXPECT_EQ(second.origins[0]->ticket, Ticket(7));
    EXPECT_TRUE(batcher.empty());
    EXPECT_EQ(batcher.commands(), 0u);
}

TEST(Batcher, CountsAMassQuoteAsItsQuotes) {
    Batcher batcher;
    exchange::MassQuote quotes;
    quotes.quotes.resize(1'000, {exchange::Side::buy, exchange::Price(1), exchange::Quantity(1)});
    for (std::uint64_t nonce = 1; nonce <= 3; ++nonce)
        batcher.add({exchange::AccountId(), {nonce, 0}, quotes}, std::nullopt);
    batcher.add({exchange::AccountId(), {4, 0}, exchange::CancelAll{}}, std::nullopt);
    EXPECT_EQ(batcher.commands(), 3'001u);
    EXPECT_EQ(batcher.take_hosted().commands.size(), 4u);
    EXPECT_EQ(batcher.commands(), 0u);
    batcher.add({exchange::AccountId(), {5, 0}, quotes}, std::nullopt);
    EXPECT_EQ(batcher.take().origins.size(), 1u);
    EXPECT_EQ(batcher.commands(), 0u);
}

}  // namespace
}  // namespace peerbook::app

#include "exchange/engine/command.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>

#include "exchange/engine/event.h"
#include "tests/unit/exchange/command_samples.h"

namespace peerbook::exchange {
namespace {

Bytes encoded(const CommandBody& body) {
    Bytes bytes;
    Encoder out(bytes);
    encode_command_body(out, body);
    return bytes;
}

// What decoding the bytes says, empty if they are a body.
std::string error_of(ByteView bytes) {
    Decoder in(bytes);
    decode_command_body(in);
    const Status status = in.finish();
    return status.ok() ? "" : status.error().message;
}

void expect_round_trip(const CommandBody& body) {
    const Bytes bytes = encoded(body);
    Decoder in(bytes);
    const CommandBody back = decode_command_body(in);
    const Status status = in.finish();
    ASSERT_TRUE(status.ok()) << status.error().message;
    EXPECT_TRUE(back == body) << "kind " << body.index();
    EXPECT_EQ(encoded(back), bytes);
}

TEST(CommandBodies, ComeBackAsTheyWereInEveryCombinationOfTheirParts) {
    std::set<std::size_t> kinds;
    std::set<Bytes> encodings;
    for (const CommandBody& body : one_of_each()) {
        expect_round_trip(body);
        kinds.insert(body.index());
        EXPECT_TRUE(encodings.insert(encoded(body)).second) << "two bodies have one encoding";
    }
    EXPECT_EQ(kinds.size(), std::variant_size_v<CommandBody>);
}

TEST(CommandBodies, ComeBackAsTheyWereWhateverTheirNumbersAre) {
    RandomBodies random(1);
    for (int i = 0; i < 20'000; ++i)
        expect_round_trip(random.next());
}

TEST(CommandBodies, ChangedBytesAreRefusedOrAreTheEncodingOfSomethingElse) {
    RandomBodies random(2);
    std::size_t accepted = 0;
    for (int i = 0; i < 20'000; ++i) {
        Bytes bytes = encoded(random.next());
        for (std::uint64_t changes = random.below(3); changes <= 2; ++changes)
            bytes[random.below(bytes.size())] = static_cast<std::uint8_t>(random.below(256));
        Decoder in(bytes);
        const CommandBody body = decode_command_body(in);
        if (!in.ok()) continue;
        ++accepted;
        const ByteView read = in.consumed(0);
        ASSERT_EQ(encoded(body), Bytes(read.begin(), read.end()));
    }
    EXPECT_GT(accepted, 1'000u);
}

TEST(CommandBodies, EveryTruncationIsRefused) {
    for (const CommandBody& body : one_of_each()) {
        const Bytes bytes = encoded(body);
        for (std::size_t size = 0; size < bytes.size(); ++size)
            EXPECT_NE(error_of(ByteView(bytes).first(size)), "");
    }
}

TEST(CommandBodies, OfTheFirstVersionKeepTheirBytes) {
    const LimitOrder limit{
        MarketId(3), Side::sell, TimeInForce::fok, true, SelfTradePrevention::cancel_newest,
        Price(-1),   Quantity(2)};
    EXPECT_EQ(encoded(limit), (Bytes{1, 3, 13, 1, 4}));
    EXPECT_EQ(encoded(MarketOrder{MarketId(1), Side::sell, {}, Quantity(5), Price(4)}),
              (Bytes{2, 1, 1, 8, 10}));
    EXPECT_EQ(encoded(CancelOrder{{9, 4}}), (Bytes{3, 9, 4}));
    EXPECT_EQ(encoded(ReduceOrder{{200, 0}, Quantity(5)}), (Bytes{4, 200, 1, 0, 10}));
    EXPECT_EQ(encoded(OpenAccount{"al"}), (Bytes{5, 2, 'a', 'l'}));
    Bytes faucet{6, 2};
    faucet.resize(17);
    faucet.push_back(7);
    EXPECT_EQ(encoded(Faucet{AssetId(2), 7}), faucet);
    Bytes transfer(1 + 32, 8);
    transfer[0] = 7;
    transfer.push_back(1);
    transfer.resize(transfer.size() + 16, 0xff);
    EXPECT_EQ(encoded(Transfer{account_of(8), AssetId(1), -1}), transfer);
}

TEST(CommandBodies, OfTheSecondVersionHaveTheBytesOfTheProtocol) {
    LimitOrder limit{MarketId(3), Side::buy,  TimeInForce::ioc, false, SelfTradePrevention::decrement,
                     Price(5),    Quantity(6)};
    EXPECT_EQ(encoded(limit), (Bytes{1, 3, 50, 10, 12}));
    SpecialOrder special{limit, Quantity(1), WallTime{2}, Trigger{Price(3), TriggerWhen::at_or_below}, {}};
    EXPECT_EQ(encoded(special), (Bytes{8, 3, 50, 10, 12, 15, 2, 4, 6}));
    EXPECT_EQ(encoded(ReplaceOrder{
                  {1, 2}, Price(3), Quantity(4), true, SelfTradePrevention::cancel_both, Price(5)}),
              (Bytes{9, 1, 2, 13, 6, 8, 10}));
    EXPECT_EQ(encoded(CancelAll{MarketId(4), Side::sell}), (Bytes{11, 7, 4}));
    EXPECT_EQ(encoded(CancelAfter{Duration::milliseconds(100)}), (Bytes{12, 1, 200, 1}));
    EXPECT_EQ(encoded(MassQuote{MarketId(4), {{Side::sell, Price(1), Quantity(2)}}}),
              (Bytes{13, 4, 1, 1, 2, 4}));
    EXPECT_EQ(encoded(Administer{ResumeMarket{MarketId(4)}, 9}), (Bytes{18, 9, 3, 4}));
}

struct Malformed {
    const char* name;
    std::function<void(Encoder&)> write;
    const char* why;
};

// A body's first bytes, the rest of which does not come to be read.
std::function<void(Encoder&)> bytes_of(Bytes bytes) {
    return [bytes](Encoder& out) { out.raw(bytes); };
}

std::function<void(Encoder&)> text_of(Bytes before, std::size_t size) {
    return [before, size](Encoder& out) {
        out.raw(before);
        out.text(std::string(size, 'a'));
    };
}

// A body with a varint of 2^32 behind `before`.
std::function<void(Encoder&)> big_of(Bytes before) {
    return [before](Encoder& out) {
        out.raw(before);
        out.varint(std::uint64_t{1} << 32);
    };
}

Bytes joined(Bytes bytes, const Bytes& more) {
    bytes.insert(bytes.end(), more.begin(), more.end());
    return bytes;
}

void expect_refused(const std::vector<Malformed>& cases) {
    for (const Malformed& malformed : cases) {
        Bytes bytes;
        Encoder out(bytes);
        malformed.write(out);
        EXPECT_NE(error_of(bytes).find(malformed.why), std::string::npos)
            << malformed.name << ": " << error_of(bytes);
    }
}

TEST(CommandBodies, UnknownTagsFlagsAndChoicesAreRefused) {
    const Bytes account(32);
    expect_refused({
        {"tag 0", bytes_of({0}), "unknown kind"},
        {"the tag behind the last", bytes_of({19}), "unknown kind"},
        {"a limit order's flag 6", bytes_of({1, 0, 64, 2, 2}), "an order has unknown flags"},
        {"a limit order's time in force 3", bytes_of({1, 0, 6, 2, 2}), "unknown time in force"},
        {"a market order's flag 3", bytes_of({2, 0, 8, 2, 2}), "market order has unknown flags"},
        {"a special order's flag 6", bytes_of({8, 0, 64, 2, 2, 0}), "an order has unknown flags"},
        {"a special order's time in force 3", bytes_of({8, 0, 6, 2, 2, 0}), "unknown time in force"},
        {"a special order's part 5", bytes_of({8, 0, 0, 2, 2, 32}), "special order has unknown flags"},
        {"a direction without a trigger", bytes_of({8, 0, 0, 2, 2, 8}), "but no trigger"},
        {"a replacement's flag 4", bytes_of({9, 1, 0, 16, 2, 2}), "replacement has unknown flags"},
        {"a budget order's self-trade mode 4", bytes_of({10, 0, 4, 2}), "budget order has unknown flags"},
        {"a cancel of all with flag 3", bytes_of({11, 8}), "cancel of all has unknown flags"},
        {"a cancel of sells without a side", bytes_of({11, 4}), "but no side"},
        {"a switch that is neither on nor off", bytes_of({12, 2}), "neither on nor off"},
        {"a quote of side 2", bytes_of({13, 0, 1, 2, 2, 2}), "neither buy nor sell"},
        {"a withdrawal settled as 2", bytes_of(joined(joined({17}, account), {1, 0, 2})),
         "neither paid nor refused"},
        {"action 0", bytes_of({18, 0, 0}), "unknown action"},
        {"action 4", bytes_of({18, 0, 4}), "unknown action"},
        {"matching 2", bytes_of({18, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}), "unknown way"},
    });
}

TEST(CommandBodies, NumbersAboveTheirBoundsAreRefused) {
    const Bytes account(32);
    const Bytes create{18, 0, 1};
    const Bytes texts{0, 1, 0, 0, 0, 0, 0, 0, 0};
    expect_refused({
        {"a market", big_of({1}), "market number is above 32 bits"},
        {"a market to halt", big_of({18, 0, 2}), "market number is above 32 bits"},
        {"a market to cancel in", big_of({11, 1}), "market number is above 32 bits"},
        {"a faucet's asset", big_of({6}), "asset number is above 32 bits"},
        {"a transfer's asset", big_of(joined({7}, account)), "asset number is above 32 bits"},
        {"a new market's base", big_of(create), "asset number is above 32 bits"},
        {"a target's index", big_of({3, 1}), "index is above 32 bits"},
        {"a request's index", big_of(joined(joined({17}, account), {1})), "index is above 32 bits"},
        {"a maker's fee", big_of(joined(create, texts)), "fee is above 32 bits"},
        {"a taker's fee", big_of(joined(joined(create, texts), {0})), "fee is above 32 bits"},
        {"a band", big_of(joined(joined(create, texts), {0, 0})), "band is above 32 bits"},
        {"a varint in a longer form", bytes_of({3, 0x81, 0, 0}), "shortest form"},
        {"a varint above 64 bits", bytes_of({3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0}),
         "above 64 bits"},
    });
}

TEST(CommandBodies, TextsListsAndSpansBeyondTheirBoundsAreRefused) {
    const auto span = [](Bytes before, std::int64_t ms) {
        return [before, ms](Encoder& out) {
            out.raw(before);
            out.svarint(ms);
        };
    };
    const auto quotes = [](std::size_t promised, std::size_t written) {
        return [promised, written](Encoder& out) {
            out.raw(Bytes{13, 0});
            out.varint(promised);
            for (std::size_t i = 0; i < written; ++i)
                out.raw(Bytes{0, 2, 2});
        };
    };
    Bytes withdrawal{16, 0};
    withdrawal.resize(2 + 16);
    std::vector<Malformed> cases{
        {"a name", text_of({5}, account_name_length_max + 1), "account name is too long"},
        {"a destination", text_of(withdrawal, destination_length_max + 1), "destination is too long"},
        {"more quotes than a command may have", quotes(1'001, 1'001), "more quotes than it may"},
        {"more quotes than there are bytes", quotes(4, 3), "more quotes than it has room for"},
        {"a time-out above 2^63 ns", span({12, 1}, 9'223'372'036'855), "time span is out of range"},
        {"a time-out below −2^63 ns", span({12, 1}, -9'223'372'036'855), "time span is out of range"},
        {"the least number as a time-out", span({12, 1}, std::numeric_limits<std::int64_t>::min()),
         "time span is out of range"},
        {"an auction above 2^63 ns",
         span({18, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 9'223'372'036'855),
         "time span is out of range"},
    };
    Bytes before{18, 0, 1, 0, 1};
    for (int text = 0; text < 7; ++text, before.push_back(0))
        cases.push_back({"a market's text", text_of(before, market_text_length_max + 1), "text of a new"});
    expect_refused(cases);
}

TEST(CommandBodies, AtTheirBoundsHaveAnEncoding) {
    MarketSpec spec;
    for (std::string* text : {&spec.symbol, &spec.tick, &spec.lot, &spec.price_max, &spec.quantity_max,
                              &spec.quantity_min, &spec.notional_min})
        *text = std::string(market_text_length_max, '1');
    spec.auction = Duration::milliseconds(9'223'372'036'854);
    expect_round_trip(Administer{CreateMarket{AssetId(0), AssetId(1), spec}, ~std::uint64_t{0}});
    expect_round_trip(OpenAccount{std::string(account_name_length_max, 'a')});
    expect_round_trip(RequestWithdrawal{AssetId(~0u), 1, std::string(destination_length_max, '\0')});
    expect_round_trip(MassQuote{MarketId(~0u), std::vector<Quote>(signed_batch_commands_max)});
    expect_round_trip(CancelAfter{Duration::milliseconds(-9'223'372'036'854)});
}

TEST(CommandBodies, WithoutAnEncodingAreMistakesOfTheCaller) {
    EXPECT_DEATH(encoded(CancelAfter{Duration::nanoseconds(1'000'001)}), "whole milliseconds");
    EXPECT_DEATH(encoded(OpenAccount{std::string(account_name_length_max + 1, 'a')}), "longer than");
    EXPECT_DEATH(encoded(MassQuote{MarketId(0), std::vector<Quote>(signed_batch_commands_max + 1)}),
                 "at most 1,000 quotes");
}

TEST(CommandBodies, TakeOneIndexAndMassQuotesOneForEachQuote) {
    for (const CommandBody& body : one_of_each())
        EXPECT_TRUE(std::holds_alternative<MassQuote>(body) || index_count(body) == 1);
    EXPECT_EQ(index_count(MassQuote{}), 1u) << "its own name is used up";
    EXPECT_EQ(index_count(MassQuote{MarketId(0), std::vector<Quote>(1)}), 1u);
    EXPECT_EQ(index_count(MassQuote{MarketId(0), std::vector<Quote>(1'000)}), 1'000u);
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

TEST(Names, OfKindsAndReasonsAreTheirsAlone) {
    std::set<std::string> kinds, reasons, sentences;
    for (int i = 0; i <= static_cast<int>(last_event_kind); ++i)
        kinds.insert(to_string(static_cast<EventKind>(i)));
    EXPECT_EQ(kinds.size(), static_cast<std::size_t>(last_event_kind) + 1);
    for (int i = 0; i <= static_cast<int>(last_reason); ++i) {
        const auto reason = static_cast<Reason>(i);
        reasons.insert(to_string(reason));
        sentences.insert(describe(reason));
        EXPECT_EQ(std::string(describe(reason)).back(), '.') << to_string(reason);
    }
    EXPECT_EQ(reasons.size(), static_cast<std::size_t>(last_reason) + 1);
    EXPECT_EQ(sentences.size(), reasons.size());
    EXPECT_STREQ(to_string(EventKind::market_changed), "market_changed");
    EXPECT_STREQ(to_string(Reason::target_comes_later), "target_comes_later");
    EXPECT_STREQ(to_string(static_cast<Reason>(255)), "unknown");
    EXPECT_STREQ(to_string(static_cast<EventKind>(255)), "unknown");
}

}  // namespace
}  // namespace peerbook::exchange

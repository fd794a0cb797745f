// Trades are written "7 M2 A>B": ordinal 7 of market 2, maker A, taker B; that text is the record, too.
#include "storage/index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/codec.h"
#include "tests/unit/storage/houses.h"

namespace peerbook::storage {
namespace {

using testing::HasSubstr;

std::array<std::uint8_t, 32> account(char letter) {
    std::array<std::uint8_t, 32> id;
    id.fill(static_cast<std::uint8_t>(letter));
    return id;
}

std::array<std::uint8_t, 16> id_of(std::uint32_t market, std::uint64_t ordinal) {
    std::array<std::uint8_t, 16> id{};
    id[0] = static_cast<std::uint8_t>(market);
    id[15] = static_cast<std::uint8_t>(ordinal);
    return id;
}

IndexedTrade trade(std::uint64_t ordinal, std::uint32_t market, char maker, char taker) {
    return {market,
            ordinal,
            id_of(market, ordinal),
            account(maker),
            account(taker),
            bytes_of(std::to_string(ordinal) + " M" + std::to_string(market) + " " + maker + ">" + taker)};
}

std::string words_of(const Result<std::vector<Bytes>>& records) {
    if (!records.ok()) return "error " + records.error().message;
    std::string words;
    for (const Bytes& record : *records)
        words += (words.empty() ? "" : ", ") + std::string(as_text(record));
    return words;
}

class IndexFixture {
  public:
    explicit IndexFixture(House& house) : house_(house) { open(); }
    void open(std::string_view identity = "ledger 1") {
        index_.reset();
        Result<std::unique_ptr<Index>> opened = Index::open(house_.open(), as_bytes(identity));
        error_ = opened.ok() ? std::optional<Error>() : opened.error();
        if (opened.ok()) index_ = std::move(opened.value());
    }
    const std::optional<Error>& open_error() const { return error_; }
    Index& index() { return *index_; }
    std::string after(std::uint32_t market, std::uint64_t ordinal, std::size_t count_max = 100) {
        return words_of(index_->trades_after(market, ordinal, count_max));
    }
    std::string of(char letter, std::size_t count_max = 100) {
        return words_of(index_->account_trades(account(letter), count_max));
    }
    std::string by_id(std::uint32_t market, std::uint64_t ordinal) {
        const Result<std::optional<Bytes>> found = index_->trade(id_of(market, ordinal));
        if (!found.ok()) return "error " + found.error().message;
        return *found ? std::string(as_text(**found)) : "absent";
    }

  private:
    House& house_;
    std::unique_ptr<Index> index_;
    std::optional<Error> error_;
};

class IndexOn : public testing::TestWithParam<std::string> {
  protected:
    std::unique_ptr<House> house = make_house(GetParam());
    IndexFixture on{*house};
};

TEST_P(IndexOn, ANewIndexIsEmpty) {
    EXPECT_EQ(on.index().last_commit(), 0u);
    EXPECT_EQ(on.after(0, 0), "");
    EXPECT_EQ(on.of('A'), "");
    EXPECT_EQ(on.by_id(0, 1), "absent");
}

TEST_P(IndexOn, FindsTradesByMarketAccountAndId) {
    ASSERT_TRUE(on.index()
                    .add({{3, {trade(1, 0, 'A', 'B'), trade(1, 1, 'C', 'B')}}, {5, {trade(2, 0, 'B', 'C')}}})
                    .ok());
    EXPECT_EQ(on.index().last_commit(), 5u);
    EXPECT_EQ(on.after(0, 0), "1 M0 A>B, 2 M0 B>C");
    EXPECT_EQ(on.after(0, 1), "2 M0 B>C");
    EXPECT_EQ(on.after(1, 0), "1 M1 C>B");
    EXPECT_EQ(on.of('B'), "2 M0 B>C, 1 M1 C>B, 1 M0 A>B");
    EXPECT_EQ(on.of('A'), "1 M0 A>B");
    EXPECT_EQ(on.by_id(1, 1), "1 M1 C>B");
    EXPECT_EQ(on.by_id(1, 2), "absent");
}

TEST_P(IndexOn, AnswersNoMoreThanAskedFor) {
    ASSERT_TRUE(
        on.index().add({{1, {trade(1, 0, 'A', 'B'), trade(2, 0, 'A', 'B'), trade(3, 0, 'A', 'B')}}}).ok());
    EXPECT_EQ(on.after(0, 0, 2), "1 M0 A>B, 2 M0 A>B");
    EXPECT_EQ(on.of('A', 1), "3 M0 A>B");
    EXPECT_EQ(on.after(0, 0, 0), "");
    EXPECT_EQ(on.of('A', 0), "");
    EXPECT_EQ(on.after(0, UINT64_MAX), "");
}

TEST_P(IndexOn, IgnoresCommitsThatAreIn) {
    ASSERT_TRUE(on.index().add({{4, {trade(1, 0, 'A', 'B')}}}).ok());
    ASSERT_TRUE(on.index().add({{4, {trade(9, 0, 'X', 'Y')}}, {5, {trade(2, 0, 'A', 'B')}}}).ok());
    EXPECT_EQ(on.after(0, 0), "1 M0 A>B, 2 M0 A>B");
    EXPECT_EQ(on.index().last_commit(), 5u);
}

TEST_P(IndexOn, ACommitWithoutTradesCounts) {
    ASSERT_TRUE(on.index().add({{8, {}}}).ok());
    on.open();
    EXPECT_EQ(on.index().last_commit(), 8u);
}

TEST_P(IndexOn, AnAccountOnBothSidesHasTheTradeOnce) {
    ASSERT_TRUE(on.index().add({{1, {trade(1, 0, 'A', 'A')}}}).ok());
    EXPECT_EQ(on.of('A'), "1 M0 A>A");
}

TEST_P(IndexOn, ComesBackAfterReopening) {
    ASSERT_TRUE(on.index().add({{1, {trade(1, 0, 'A', 'B')}}}).ok());
    on.open();
    ASSERT_FALSE(on.open_error());
    EXPECT_EQ(on.index().last_commit(), 1u);
    EXPECT_EQ(on.of('B'), "1 M0 A>B");
}

TEST_P(IndexOn, AnotherIdentityIsAConflict) {
    on.open("ledger 2");
    ASSERT_TRUE(on.open_error());
    EXPECT_EQ(on.open_error()->code, ErrorCode::conflict);
}

INSTANTIATE_TEST_SUITE_P(Store, IndexOn, testing::Values("Memory", "LevelDb"), house_name);

class IndexInMemory : public testing::Test {
  protected:
    MemoryHouse house;
    IndexFixture on{house};
};

TEST_F(IndexInMemory, ACrashLosesTradesAndTheirCommitTogether) {
    ASSERT_TRUE(on.index().add({{1, {trade(1, 0, 'A', 'B')}}}).ok());
    house.disk.crash();
    on.open();
    ASSERT_FALSE(on.open_error());
    EXPECT_EQ(on.index().last_commit(), 0u);
    EXPECT_EQ(on.after(0, 0), "");
}

TEST_F(IndexInMemory, AFailedWriteMayBeOfferedAgain) {
    house.disk.fail_write(1, {ErrorCode::io, "worn out"});
    const Status failed = on.index().add({{1, {trade(1, 0, 'A', 'B')}}});
    ASSERT_FALSE(failed.ok());
    EXPECT_THAT(failed.error().message, HasSubstr("up to commit 1: worn out"));
    EXPECT_EQ(on.index().last_commit(), 0u);
    ASSERT_TRUE(on.index().add({{1, {trade(1, 0, 'A', 'B')}}}).ok());
    EXPECT_EQ(on.after(0, 0), "1 M0 A>B");
}

TEST_F(IndexInMemory, AnyFlippedBitOfAnyRecordIsTold) {
    ASSERT_TRUE(on.index().add({{1, {trade(1, 0, 'A', 'B')}}}).ok());
    for (const Bytes& key : house.disk.keys()) {
        for (std::size_t byte = 0; house.disk.flip_bit(key, byte, 5); ++byte) {
            on.open();
            const bool told =
                on.open_error() ? on.open_error()->code == ErrorCode::corrupt
                                : (on.after(0, 0) + on.of('A') + on.of('B') + on.by_id(0, 1)).find("error") !=
                                      std::string::npos;
            EXPECT_TRUE(told) << "key " << to_hex(key) << " byte " << byte;
            ASSERT_TRUE(house.disk.flip_bit(key, byte, 5));
        }
    }
}

TEST_F(IndexInMemory, DamageSaysThatItCanBeRebuilt) {
    ASSERT_TRUE(on.index().add({{1, {trade(1, 0, 'A', 'B')}}}).ok());
    Bytes key{0x01};
    Encoder(key).u32(0);
    Encoder(key).u64(1);
    ASSERT_TRUE(house.disk.flip_bit(key, 0, 0));
    EXPECT_THAT(on.after(0, 0), HasSubstr("writes it again from its journal"));
    ASSERT_TRUE(house.disk.erase(key));
    EXPECT_THAT(on.of('A'), HasSubstr("trade 1 of market 0: the record is missing"));
    EXPECT_THAT(on.by_id(0, 1), HasSubstr("the record is missing"));
}

}  // namespace
}  // namespace peerbook::storage

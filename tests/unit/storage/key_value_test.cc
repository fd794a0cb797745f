// What every KeyValueStore does, on each of them, and what MemoryDisk's faults do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "tests/unit/storage/houses.h"

namespace peerbook::storage {
namespace {

using testing::HasSubstr;

KeyValueWrite put(std::string_view key, std::string_view value) {
    return {bytes_of(key), bytes_of(value)};
}
KeyValueWrite remove(std::string_view key) {
    return {bytes_of(key), std::nullopt};
}

std::string get(const KeyValueStore& store, std::string_view key) {
    const Result<std::optional<Bytes>> value = store.get(as_bytes(key));
    if (!value.ok()) return "error " + value.error().message;
    return *value ? std::string(as_text(**value)) : "absent";
}

// "a=1 b=2"; stops after count_max rows.
std::string scan(const KeyValueStore& store, std::string_view begin, std::string_view end,
                 bool reverse = false, int count_max = 1000) {
    std::string rows;
    const Status status =
        store.scan(as_bytes(begin), as_bytes(end), reverse, [&](ByteView key, ByteView value) {
            rows += (rows.empty() ? "" : " ") + std::string(as_text(key)) + "=" + std::string(as_text(value));
            return --count_max > 0;
        });
    return status.ok() ? rows : "error " + status.error().message;
}

class KeyValueStores : public testing::TestWithParam<std::string> {
  protected:
    std::unique_ptr<House> house = make_house(GetParam());
    std::unique_ptr<KeyValueStore> store = house->open();
};

TEST_P(KeyValueStores, ABatchPutsReplacesAndRemoves) {
    ASSERT_TRUE(store->write({put("a", "1"), put("b", "2")}, Sync::no).ok());
    ASSERT_TRUE(store->write({put("b", "3"), remove("a"), put("c", "")}, Sync::yes).ok());
    EXPECT_EQ(get(*store, "a"), "absent");
    EXPECT_EQ(get(*store, "b"), "3");
    EXPECT_EQ(get(*store, "c"), "");
}

TEST_P(KeyValueStores, TheLastWriteOfAKeyInABatchWins) {
    ASSERT_TRUE(store->write({put("a", "1"), remove("a"), put("a", "2")}, Sync::no).ok());
    EXPECT_EQ(get(*store, "a"), "2");
}

TEST_P(KeyValueStores, ScansInOrderWithinBounds) {
    ASSERT_TRUE(store->write({put("d", "4"), put("b", "2"), put("a", "1"), put("c", "3")}, Sync::no).ok());
    EXPECT_EQ(scan(*store, "", ""), "a=1 b=2 c=3 d=4");
    EXPECT_EQ(scan(*store, "b", "d"), "b=2 c=3");
    EXPECT_EQ(scan(*store, "bb", ""), "c=3 d=4");
    EXPECT_EQ(scan(*store, "e", ""), "");
    EXPECT_EQ(scan(*store, "", "", false, 2), "a=1 b=2");
}

TEST_P(KeyValueStores, ScansBackwardsWithinBounds) {
    ASSERT_TRUE(store->write({put("d", "4"), put("b", "2"), put("a", "1"), put("c", "3")}, Sync::no).ok());
    EXPECT_EQ(scan(*store, "", "", true), "d=4 c=3 b=2 a=1");
    EXPECT_EQ(scan(*store, "b", "d", true), "c=3 b=2");
    EXPECT_EQ(scan(*store, "b", "z", true), "d=4 c=3 b=2");
    EXPECT_EQ(scan(*store, "b", "cc", true, 1), "c=3");
    EXPECT_EQ(scan(*store, "e", "", true), "");
}

TEST_P(KeyValueStores, AVisitorMayReadTheStore) {
    ASSERT_TRUE(store->write({put("a", "b"), put("b", "c")}, Sync::no).ok());
    std::string read;
    ASSERT_TRUE(store
                    ->scan({}, {}, false,
                           [&](ByteView, ByteView value) {
                               read += get(*store, as_text(value)) + " ";
                               return true;
                           })
                    .ok());
    EXPECT_EQ(read, "c absent ");
}

TEST_P(KeyValueStores, SyncedWritesOutliveTheStore) {
    ASSERT_TRUE(store->write({put("a", "1")}, Sync::yes).ok());
    store.reset();
    store = house->open();
    EXPECT_EQ(get(*store, "a"), "1");
}

INSTANTIATE_TEST_SUITE_P(On, KeyValueStores, testing::Values("Memory", "LevelDb"), house_name);

TEST(KeyValueStore, MemoryAndLevelDbAnswerAlikeToRandomWritesAndReopening) {
    MemoryHouse memory_house;
    LevelDbHouse level_house;
    level_house.options.write_buffer_bytes = 64 * 1024;  // so that tables are read too, not only memory
    std::unique_ptr<KeyValueStore> memory = memory_house.open();
    std::unique_ptr<KeyValueStore> level = level_house.open();
    Random random(20260101);
    const auto key = [&] { return "k" + std::to_string(random.below(200)); };
    for (int round = 0; round < 300; ++round) {
        std::vector<KeyValueWrite> batch;
        for (std::uint64_t n = random.below(8); n > 0; --n)
            batch.push_back(random.chance(250'000) ? remove(key())
                                                   : put(key(), std::string(random.below(900), 'x')));
        ASSERT_TRUE(memory->write(batch, Sync::no).ok());
        ASSERT_TRUE(level->write(batch, Sync::no).ok());
        std::string begin = key();
        std::string end = key();
        const bool reverse = random.chance(500'000);
        ASSERT_EQ(scan(*memory, begin, end, reverse), scan(*level, begin, end, reverse))
            << begin << " to " << end;
        if (random.chance(30'000)) {
            level.reset();
            level = level_house.open();
        }
    }
    EXPECT_EQ(scan(*memory, "", ""), scan(*level, "", ""));
}

TEST(MemoryDisk, FailsTheNthWriteAndChangesNothing) {
    MemoryDisk disk;
    MemoryStore store(disk);
    disk.fail_write(2, {ErrorCode::io, "worn out"});
    ASSERT_TRUE(store.write({put("a", "1")}, Sync::no).ok());
    const Status failed = store.write({put("a", "2")}, Sync::no);
    ASSERT_FALSE(failed.ok());
    EXPECT_EQ(failed.error().message, "worn out");
    EXPECT_EQ(get(store, "a"), "1");
    EXPECT_TRUE(store.write({put("a", "3")}, Sync::no).ok());
}

TEST(MemoryDisk, ATornWriteKeepsItsFirstEntries) {
    MemoryDisk disk;
    MemoryStore store(disk);
    disk.tear_write(1, 1);
    ASSERT_FALSE(store.write({put("a", "1"), put("b", "2")}, Sync::yes).ok());
    EXPECT_EQ(scan(store, "", ""), "a=1");
}

TEST(MemoryDisk, AFullDiskRefusesTheWholeBatch) {
    MemoryDisk disk;
    MemoryStore store(disk);
    disk.limit_bytes(5);
    ASSERT_TRUE(store.write({put("a", "1")}, Sync::no).ok());
    const Status full = store.write({put("b", "1"), put("c", "1")}, Sync::no);
    ASSERT_FALSE(full.ok());
    EXPECT_EQ(full.error().code, ErrorCode::io);
    EXPECT_THAT(full.error().message, HasSubstr("disk is full"));
    EXPECT_EQ(scan(store, "", ""), "a=1");
    EXPECT_EQ(disk.bytes(), 2u);
}

TEST(MemoryDisk, ACrashLosesWhatWasNotSynced) {
    MemoryDisk disk;
    MemoryStore store(disk);
    ASSERT_TRUE(store.write({put("a", "1"), put("b", "1")}, Sync::no).ok());
    ASSERT_TRUE(store.write({put("a", "2")}, Sync::yes).ok());
    ASSERT_TRUE(store.write({put("a", "3"), remove("b"), put("c", "3")}, Sync::no).ok());
    ASSERT_TRUE(store.write({put("a", "4")}, Sync::no).ok());
    disk.crash();
    EXPECT_EQ(scan(store, "", ""), "a=2 b=1");
    EXPECT_EQ(disk.bytes(), 4u);
}

TEST(MemoryDisk, FailsReadsUntilToldOtherwise) {
    MemoryDisk disk;
    MemoryStore store(disk);
    ASSERT_TRUE(store.write({put("a", "1")}, Sync::no).ok());
    disk.fail_reads(Error{ErrorCode::io, "no answer"});
    EXPECT_EQ(get(store, "a"), "error no answer");
    EXPECT_EQ(scan(store, "", ""), "error no answer");
    disk.fail_reads(std::nullopt);
    EXPECT_EQ(get(store, "a"), "1");
}

}  // namespace
}  // namespace peerbook::storage

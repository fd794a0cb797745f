// What only LevelDB can do wrong: locks, damaged files, paths.
#include "storage/leveldb_store.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/storage/houses.h"

namespace peerbook::storage {
namespace {

using testing::HasSubstr;

KeyValueWrite row(int number) {
    return {bytes_of("key" + std::to_string(1000 + number)), Bytes(300, 'v')};
}

TEST(LevelDbStore, ASecondOpenInOneProcessIsAConflict) {
    LevelDbHouse house;
    const std::unique_ptr<KeyValueStore> first = house.open();
    const auto second = open_leveldb(house.path());
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().code, ErrorCode::conflict);
    EXPECT_THAT(second.error().message,
                HasSubstr(house.path() + ": data directory in use by another process"));
}

TEST(LevelDbStore, ADatabaseHeldByAnotherProcessIsAConflict) {
    LevelDbHouse house;
    house.open().reset();
    // The other process holds the lock as LevelDB takes it, tells so through a pipe, and waits to be killed.
    int ready[2];
    ASSERT_EQ(pipe(ready), 0);
    const pid_t other = fork();
    ASSERT_GE(other, 0);
    if (other == 0) {
        const int descriptor = open((house.path() + "/LOCK").c_str(), O_RDWR);
        struct flock whole {};
        whole.l_type = F_WRLCK;
        whole.l_whence = SEEK_SET;
        const char held = fcntl(descriptor, F_SETLK, &whole) == 0 ? 'y' : 'n';
        if (write(ready[1], &held, 1) != 1) _exit(1);
        while (true)
            pause();
    }
    char held = 'n';
    ASSERT_EQ(read(ready[0], &held, 1), 1);
    EXPECT_EQ(held, 'y');
    const auto opened = open_leveldb(house.path());
    kill(other, SIGKILL);
    waitpid(other, nullptr, 0);
    close(ready[0]);
    close(ready[1]);
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().code, ErrorCode::conflict);
    EXPECT_THAT(opened.error().message, HasSubstr("in use by another process"));
    EXPECT_TRUE(open_leveldb(house.path()).ok()) << "the lock goes with its process";
}

TEST(LevelDbStore, APathThatCannotBeADirectoryIsAnIoErrorWithThePath) {
    TemporaryDirectory directory;
    const std::string file = directory.path() + "/file";
    std::ofstream(file) << "x";
    const auto opened = open_leveldb(file + "/db");
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().code, ErrorCode::io);
    EXPECT_THAT(opened.error().message, HasSubstr(file + "/db"));
}

TEST(LevelDbStore, WithoutCreateIfMissingAnAbsentDatabaseIsAnError) {
    TemporaryDirectory directory;
    LevelDbOptions options;
    options.create_if_missing = false;
    EXPECT_FALSE(open_leveldb(directory.path() + "/db", options).ok());
    EXPECT_FALSE(std::filesystem::exists(directory.path() + "/db/CURRENT"));
}

TEST(LevelDbStore, AFlippedByteInTheLogIsCorruptAndSaysWhatToDo) {
    LevelDbHouse house;
    std::unique_ptr<KeyValueStore> store = house.open();
    for (int i = 0; i < 20; ++i)
        ASSERT_TRUE(store->write({row(i)}, Sync::yes).ok());
    store.reset();
    LevelDbHouse::flip_byte(house.files(".log").at(0), 200);
    const auto opened = open_leveldb(house.path());
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().code, ErrorCode::corrupt);
    EXPECT_THAT(opened.error().message, HasSubstr(house.path()));
    EXPECT_THAT(opened.error().message, HasSubstr("under a new node key"));
    const auto as_index = open_leveldb(house.path(), index_leveldb_options());
    ASSERT_FALSE(as_index.ok());
    EXPECT_THAT(as_index.error().message, HasSubstr("writes it again from its journal"));
}

TEST(LevelDbStore, AFlippedByteInATableIsCorruptWhenItIsRead) {
    LevelDbHouse house;
    house.options.write_buffer_bytes = 64 * 1024;  // the least there is: 300 rows make tables
    std::unique_ptr<KeyValueStore> store = house.open();
    for (int i = 0; i < 300; ++i)
        ASSERT_TRUE(store->write({row(i)}, Sync::no).ok());
    store.reset();
    house.open().reset();  // what was in the log is in a table now
    ASSERT_FALSE(house.files(".ldb").empty());
    for (const auto& file : house.files(".ldb"))
        LevelDbHouse::flip_byte(file, 1000);
    const auto opened = open_leveldb(house.path(), house.options);
    const Status scanned = opened.ok()
                               ? (*opened)->scan({}, {}, false, [](ByteView, ByteView) { return true; })
                               : opened.error();
    ASSERT_FALSE(scanned.ok());
    EXPECT_EQ(scanned.error().code, ErrorCode::corrupt);
    EXPECT_THAT(scanned.error().message, HasSubstr(house.path()));
}

TEST(LevelDbStore, ALogCutInsideItsLastRecordLosesThatRecordOnly) {
    LevelDbHouse house;
    std::unique_ptr<KeyValueStore> store = house.open();
    for (int i = 0; i < 3; ++i)
        ASSERT_TRUE(store->write({row(i)}, Sync::yes).ok());
    store.reset();
    LevelDbHouse::cut(house.files(".log").at(0), 10);
    store = house.open();
    EXPECT_TRUE(store->get(row(1).key)->has_value());
    EXPECT_FALSE(store->get(row(2).key)->has_value());
}

TEST(LevelDbStore, ARemovedDatabaseIsEmptyWhenOpenedAgain) {
    LevelDbHouse house;
    std::unique_ptr<KeyValueStore> store = house.open();
    ASSERT_TRUE(store->write({row(0)}, Sync::yes).ok());
    EXPECT_EQ(remove_leveldb(house.path()).error().code, ErrorCode::conflict);
    store.reset();
    ASSERT_TRUE(remove_leveldb(house.path()).ok());
    ASSERT_TRUE(remove_leveldb(house.path()).ok()) << "nothing there is fine";
    store = house.open();
    EXPECT_FALSE(store->get(row(0).key)->has_value());
}

TEST(LevelDbStore, TakesValuesOfABlocksSize) {
    LevelDbHouse house;
    std::unique_ptr<KeyValueStore> store = house.open();
    const Bytes block(512 * 1024, 0xa5);
    for (std::uint8_t i = 0; i < 80; ++i)
        ASSERT_TRUE(store->write({{Bytes{i}, block}}, Sync::no).ok());
    store.reset();
    store = house.open();
    for (std::uint8_t i = 0; i < 80; ++i) {
        const Result<std::optional<Bytes>> value = store->get(Bytes{i});
        ASSERT_TRUE(value.ok());
        ASSERT_EQ(**value, block);
    }
}

}  // namespace
}  // namespace peerbook::storage

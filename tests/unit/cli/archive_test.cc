#include "app/node/archive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "base/hash.h"
#include "storage/leveldb_store.h"

namespace peerbook::app {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class ArchiveTest : public ::testing::Test {
  protected:
    ArchiveTest() {
        std::string name = (fs::temp_directory_path() / "peerbook-archive-XXXXXX").string();
        dir = ::mkdtemp(name.data());
        given_up.ledger = hash_of("old", {});
        given_up.node.data.fill(3);
        given_up.adopted = hash_of("new", {});
        given_up.view = 4;
        given_up.settled_commits = 12;
        given_up.settled_trades = 2;
        given_up.settled_prefix = hash_of("prefix", {});
        given_up.time = WallTime{1'700'000'000'123};
        archive = archive_of(dir, given_up);
    }
    ~ArchiveTest() override { fs::remove_all(dir); }
    void write(const std::string& name, const std::string& text) const { std::ofstream(dir + name) << text; }
    static std::string read(const std::string& path) {
        std::ifstream file(path);
        return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    }
    void fill() const {
        fs::create_directory(dir + "/journal");
        write("/journal/1", "blocks");
        write("/node.key", "secret");
        write("/peers.json", "{}");
        write("/ledger.toml", "old");
        make_index();
    }
    // An index with one trade in market 0.
    void make_index() const {
        auto store = storage::open_leveldb(dir + "/index", storage::index_leveldb_options());
        ASSERT_TRUE(store.ok());
        auto index = storage::Index::open(std::move(*store), journal_identity(network, {}, given_up.node));
        ASSERT_TRUE(index.ok());
        storage::IndexBatch batch;
        batch.commit = 1;
        batch.trades.push_back({0, 1, {}, {}, {}, Bytes{7}});
        ASSERT_TRUE((*index)->add({batch}).ok());
    }
    void note() const { ASSERT_TRUE(note_given_up(dir, given_up, network, {}).ok()); }

    const Digest network = hash_of("network", {});
    std::string dir, archive;
    GivenUpLedger given_up;
};

TEST_F(ArchiveTest, WithoutANoteNothingHappens) {
    fill();
    const auto done = archive_given_up(dir);
    ASSERT_TRUE(done.ok());
    EXPECT_FALSE(done->has_value());
    EXPECT_EQ(read(dir + "/node.key"), "secret");
    EXPECT_FALSE(load_adopted(dir)->has_value());
    EXPECT_TRUE((*Archives::find(dir))->ledgers().empty());
}

TEST_F(ArchiveTest, WhatBelongsToTheLedgerMovesAwayAndTheRestStays) {
    fill();
    note();
    const auto done = archive_given_up(dir);
    ASSERT_TRUE(done.ok()) << done.error().message;
    EXPECT_EQ((*done)->ledger, given_up.ledger);
    EXPECT_EQ((*done)->archive, archive);
    EXPECT_EQ(read(archive + "/journal/1"), "blocks");
    EXPECT_EQ(read(archive + "/node.key"), "secret");
    EXPECT_THAT(read(archive + "/node.key.retired"), HasSubstr("never signs again"));
    for (const char* gone : {"/journal", "/index", "/node.key", "/ledger.toml", "/ledger.given-up"})
        EXPECT_FALSE(fs::exists(dir + gone)) << gone;
    EXPECT_EQ(read(dir + "/peers.json"), "{}");
    EXPECT_EQ(*load_adopted(dir), given_up.adopted);
    EXPECT_EQ(fs::status(archive).permissions() & fs::perms::others_all, fs::perms::none);

    auto archives = Archives::find(dir);
    ASSERT_TRUE(archives.ok()) << archives.error().message;
    const std::vector<GivenUpLedger>& known = (*archives)->ledgers();
    ASSERT_EQ(known.size(), 1u);
    EXPECT_EQ(known[0].node, given_up.node);
    EXPECT_EQ(known[0].settled_commits, 12u);
    EXPECT_EQ(known[0].settled_trades, 2u);
    EXPECT_EQ(known[0].settled_prefix, given_up.settled_prefix);
    EXPECT_EQ(known[0].view, 4u);
    EXPECT_EQ(known[0].time, given_up.time);
    for (int twice = 0; twice < 2; ++twice) {
        const auto index = (*archives)->index_of(known[0]);
        ASSERT_TRUE(index.ok()) << index.error().message;
        EXPECT_EQ((*index)->trades_after(0, 0, 10)->size(), 1u);
    }
    EXPECT_FALSE(archive_given_up(dir)->has_value());  // once
}

TEST_F(ArchiveTest, AMoveThatWasCutShortIsFinishedFromWhereItStopped) {
    const std::vector<std::string> order = {"journal", "index", "ledger.toml", "node.key"};
    for (std::size_t moved = 0; moved <= order.size(); ++moved) {
        SCOPED_TRACE(moved);
        fs::remove_all(archive);
        fs::remove(dir + "/adopted.toml");
        fill();
        note();
        fs::create_directory(archive);
        for (std::size_t i = 0; i < moved; ++i)
            fs::rename(dir + "/" + order[i], archive + "/" + order[i]);
        const auto done = archive_given_up(dir);
        ASSERT_TRUE(done.ok()) << done.error().message;
        for (const std::string& name : order) {
            EXPECT_TRUE(fs::exists(archive + "/" + name)) << name;
            EXPECT_FALSE(fs::exists(dir + "/" + name)) << name;
        }
        EXPECT_EQ(*load_adopted(dir), given_up.adopted);
    }
}

TEST_F(ArchiveTest, NothingIsWrittenOverAndDamageIsNamed) {
    fill();
    note();
    fs::create_directory(archive);
    std::ofstream(archive + "/node.key") << "another";
    EXPECT_EQ(archive_given_up(dir).error().code, ErrorCode::conflict);
    EXPECT_EQ(read(archive + "/node.key"), "another");
    write("/ledger.given-up", "ledger = \"12\"\n");
    const auto damaged = archive_given_up(dir);
    ASSERT_FALSE(damaged.ok());
    EXPECT_EQ(damaged.error().code, ErrorCode::corrupt);
    EXPECT_THAT(damaged.error().message, HasSubstr("ledger.given-up"));
    EXPECT_EQ(read(dir + "/node.key"), "secret");
    write("/adopted.toml", "ledger = \"zz\"\n");
    EXPECT_EQ(load_adopted(dir).error().code, ErrorCode::corrupt);
}

TEST_F(ArchiveTest, ANodeThatHadNoLedgerKeepsWhatItHadToo) {
    given_up.ledger = {};
    archive = archive_of(dir, given_up);
    EXPECT_THAT(archive, HasSubstr("/given-up-none-030303030303"));
    fill();
    note();
    ASSERT_TRUE(archive_given_up(dir)->has_value());
    EXPECT_TRUE(fs::exists(archive + "/node.key"));
}

}  // namespace
}  // namespace peerbook::app

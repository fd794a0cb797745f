#include "base/whole_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/unit/temporary_directory.h"

namespace peerbook {
namespace {

namespace fs = std::filesystem;

class WholeFile : public testing::Test {
  protected:
    std::string text() const {
        std::ostringstream out;
        out << std::ifstream(path).rdbuf();
        return out.str();
    }
    unsigned mode() const {
        struct stat info {};
        EXPECT_EQ(::stat(path.c_str(), &info), 0);
        return info.st_mode & 0777;
    }
    std::size_t files() const {
        return static_cast<std::size_t>(
            std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
    }

    TemporaryDirectory own_;
    const fs::path directory = own_.path(), path = directory / "file";
};

TEST_F(WholeFile, IsReplacedAndNothingStaysBesideIt) {
    for (const std::string& wanted : {std::string("first\n"), std::string(300'000, 'x'), std::string()}) {
        for (const Durability durability : {Durability::synced, Durability::renamed}) {
            ASSERT_TRUE(replace_file(path, wanted, durability).ok());
            EXPECT_EQ(text(), wanted);
            EXPECT_EQ(files(), 1u);
        }
    }
}

TEST_F(WholeFile, IsItsOwnersUnlessEverybodyMayReadIt) {
    std::ofstream(path) << "open to all";
    fs::permissions(path, fs::perms::all);
    ASSERT_TRUE(replace_file(path, "secret").ok());
    EXPECT_EQ(mode(), 0600u);
    const mode_t before = ::umask(0022);
    EXPECT_TRUE(replace_file(path, "address", Durability::renamed, Readers::everybody).ok());
    ::umask(before);
    EXPECT_EQ(mode(), 0644u);
}

TEST_F(WholeFile, ALinkInItsPlaceIsReplacedAndNotFollowed) {
    std::ofstream(directory / "victim") << "untouched";
    fs::create_symlink(directory / "victim", path);
    ASSERT_TRUE(replace_file(path, "new").ok());
    EXPECT_FALSE(fs::is_symlink(path));
    EXPECT_EQ(text(), "new");
    EXPECT_EQ(fs::file_size(directory / "victim"), 9u);
}

TEST_F(WholeFile, WhatCannotBeWrittenLeavesTheOldTextAndIsSaid) {
    const Status nowhere = replace_file((directory / "missing" / "file").string(), "x");
    ASSERT_FALSE(nowhere.ok());
    EXPECT_EQ(nowhere.error().code, ErrorCode::io);
    EXPECT_NE(nowhere.error().message.find("No such file"), std::string::npos) << nowhere.error().message;
    fs::create_directory(path);  // a file does not take the place of a directory
    EXPECT_FALSE(replace_file(path, "x").ok());
    EXPECT_TRUE(fs::is_directory(path));
    EXPECT_EQ(files(), 1u);
}

}  // namespace
}  // namespace peerbook

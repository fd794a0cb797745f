#include "app/api/access.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace peerbook::app {
namespace {

class AccessTest : public ::testing::Test {
  protected:
    AccessTest() {
        std::string pattern = ::testing::TempDir() + "access-XXXXXX";
        directory_ = ::mkdtemp(pattern.data());
    }
    ~AccessTest() override { std::filesystem::remove_all(directory_); }
    std::string directory_;
};

TEST_F(AccessTest, CookieIsPrivateAndReadBack) {
    auto access = Access::create(directory_);
    ASSERT_TRUE(access.ok()) << access.error().message;
    auto cookie = read_cookie(directory_);
    ASSERT_TRUE(cookie.ok()) << cookie.error().message;
    EXPECT_EQ(*cookie, access->cookie());
    EXPECT_EQ(cookie->size(), 64u);
    struct stat info {};
    ASSERT_EQ(::stat((directory_ + "/cookie").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777u, 0600u);
}

TEST_F(AccessTest, EachStartMakesANewOne) {
    auto first = Access::create(directory_);
    auto second = Access::create(directory_);
    ASSERT_TRUE(first.ok() && second.ok());
    EXPECT_NE(first->cookie(), second->cookie());
    EXPECT_EQ(*read_cookie(directory_), second->cookie());
}

TEST_F(AccessTest, OnlyTheWholeCookieIsAllowed) {
    const Access access("00ff");
    EXPECT_TRUE(access.allows("Bearer 00ff"));
    EXPECT_TRUE(access.allows("bearer 00ff"));
    for (const char* header :
         {"", "00ff", "Bearer", "Bearer ", "Bearer 00fe", "Bearer 00ff0", "Bearer 00f", "Basic 00ff"})
        EXPECT_FALSE(access.allows(header)) << header;
}

TEST_F(AccessTest, AnEmptyCookieAllowsNobody) {
    EXPECT_FALSE(Access("").allows("Bearer "));
}

TEST_F(AccessTest, MissingAndDamagedFilesAreSaid) {
    auto missing = read_cookie(directory_);
    ASSERT_FALSE(missing.ok());
    EXPECT_EQ(missing.error().code, ErrorCode::not_found);
    EXPECT_NE(missing.error().message.find(directory_), std::string::npos);
    std::ofstream(directory_ + "/cookie") << "garbage\n";
    EXPECT_EQ(read_cookie(directory_).error().code, ErrorCode::corrupt);
}

TEST_F(AccessTest, AnUnwritableDirectoryIsAnError) {
    auto access = Access::create(directory_ + "/absent");
    ASSERT_FALSE(access.ok());
    EXPECT_EQ(access.error().code, ErrorCode::io);
}

TEST(LocalHost, NamesThisMachine) {
    for (const char* host :
         {"127.0.0.1", "127.0.0.1:8080", "localhost", "LocalHost:80", "[::1]", "[::1]:8080"})
        EXPECT_TRUE(is_local_host(host, "127.0.0.1")) << host;
    EXPECT_TRUE(is_local_host("127.0.0.9:80", "127.0.0.9"));
    for (const char* host :
         {"", ":80", "evil.example", "evil.example:8080", "127.0.0.1.example", "localhost.evil", "[::1",
          "[::1]evil", "[::2]", "127.0.0.1:80@evil", "127.0.0.2", "localhost:x"})
        EXPECT_FALSE(is_local_host(host, "127.0.0.1")) << host;
    EXPECT_FALSE(is_local_host("", ""));
}

}  // namespace
}  // namespace peerbook::app

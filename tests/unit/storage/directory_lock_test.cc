#include "storage/directory_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/storage/houses.h"

namespace peerbook::storage {
namespace {

using testing::HasSubstr;

TEST(DirectoryLock, ASecondLockIsAConflictThatNamesProcessAndDirectory) {
    TemporaryDirectory directory;
    const Result<DirectoryLock> first = lock_data_directory(directory.path());
    ASSERT_TRUE(first.ok());
    const Result<DirectoryLock> second = lock_data_directory(directory.path());
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().code, ErrorCode::conflict);
    EXPECT_THAT(second.error().message, HasSubstr(directory.path()));
    EXPECT_THAT(second.error().message,
                HasSubstr("in use by another process (pid " + std::to_string(getpid()) + ")"));
}

TEST(DirectoryLock, LetsGoWhenItEnds) {
    TemporaryDirectory directory;
    lock_data_directory(directory.path()).ok();
    EXPECT_TRUE(lock_data_directory(directory.path()).ok());
}

TEST(DirectoryLock, AMovedLockHoldsOn) {
    TemporaryDirectory directory;
    Result<DirectoryLock> first = lock_data_directory(directory.path());
    ASSERT_TRUE(first.ok());
    {
        const DirectoryLock moved = std::move(first.value());
        EXPECT_FALSE(lock_data_directory(directory.path()).ok());
    }
    EXPECT_TRUE(lock_data_directory(directory.path()).ok());
}

TEST(DirectoryLock, AKilledProcessLeavesNoLock) {
    TemporaryDirectory directory;
    int ready[2];
    ASSERT_EQ(pipe(ready), 0);
    const pid_t other = fork();
    ASSERT_GE(other, 0);
    if (other == 0) {
        const Result<DirectoryLock> lock = lock_data_directory(directory.path());
        const char held = lock.ok() ? 'y' : 'n';
        if (write(ready[1], &held, 1) != 1) _exit(1);
        while (true)
            pause();
    }
    char held = 'n';
    ASSERT_EQ(read(ready[0], &held, 1), 1);
    const Result<DirectoryLock> during = lock_data_directory(directory.path());
    kill(other, SIGKILL);
    waitpid(other, nullptr, 0);
    close(ready[0]);
    close(ready[1]);
    EXPECT_EQ(held, 'y');
    ASSERT_FALSE(during.ok());
    EXPECT_THAT(during.error().message, HasSubstr("(pid " + std::to_string(other) + ")"));
    EXPECT_TRUE(lock_data_directory(directory.path()).ok());
}

TEST(DirectoryLock, MakesTheDirectoryForItsOwnerOnly) {
    TemporaryDirectory directory;
    const std::string path = directory.path() + "/a/b";
    ASSERT_TRUE(lock_data_directory(path).ok());
    EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms::owner_all);
}

TEST(DirectoryLock, DoesNotRepeatWhatIsNoProcessId) {
    TemporaryDirectory directory;
    const Result<DirectoryLock> first = lock_data_directory(directory.path());
    ASSERT_TRUE(first.ok());
    std::ofstream(directory.path() + "/LOCK") << "\x1b[2J";
    const Result<DirectoryLock> second = lock_data_directory(directory.path());
    ASSERT_FALSE(second.ok());
    EXPECT_THAT(second.error().message, Not(HasSubstr("\x1b")));
}

TEST(DirectoryLock, APathThatCannotBeADirectoryIsAnIoErrorWithThePath) {
    TemporaryDirectory directory;
    const std::string file = directory.path() + "/file";
    std::ofstream(file) << "x";
    const Result<DirectoryLock> lock = lock_data_directory(file);
    ASSERT_FALSE(lock.ok());
    EXPECT_EQ(lock.error().code, ErrorCode::io);
    EXPECT_THAT(lock.error().message, HasSubstr(file));
}

}  // namespace
}  // namespace peerbook::storage

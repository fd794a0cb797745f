#include "storage/directory_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

namespace peerbook::storage {

namespace {

Error failed(const std::string& what, const std::string& path, int number) {
    return {ErrorCode::io, path + ": " + what + ": " + std::generic_category().message(number)};
}

// What the owner wrote: digits and a line end. Anything else is not repeated to the user.
std::string read_owner(int descriptor) {
    char text[32];
    const ssize_t size = pread(descriptor, text, sizeof text, 0);
    std::string owner;
    for (ssize_t i = 0; i < size && text[i] >= '0' && text[i] <= '9'; ++i)
        owner += text[i];
    return owner;
}

}  // namespace

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

DirectoryLock& DirectoryLock::operator=(DirectoryLock&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
}

DirectoryLock::~DirectoryLock() {
    if (descriptor_ >= 0) close(descriptor_);
}

Result<DirectoryLock> lock_data_directory(const std::string& path) {
    std::error_code failure;
    const bool made = std::filesystem::create_directories(path, failure);
    if (failure) return failed("cannot make this directory", path, failure.value());
    if (made && chmod(path.c_str(), 0700) != 0)
        return failed("cannot set the mode of this directory", path, errno);

    const std::string file = path + "/LOCK";
    const int descriptor = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) return failed("cannot open", file, errno);
    DirectoryLock lock(descriptor);
    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return failed("cannot lock", file, errno);
        const std::string owner = read_owner(descriptor);
        return Error{ErrorCode::conflict, path + ": data directory in use by another process" +
                                              (owner.empty() ? "" : " (pid " + owner + ")") +
                                              ": stop it, or choose another one with --data-dir"};
    }
    const std::string owner = std::to_string(getpid()) + "\n";
    if (ftruncate(descriptor, 0) != 0 ||
        pwrite(descriptor, owner.data(), owner.size(), 0) != static_cast<ssize_t>(owner.size()))
        return failed("cannot write", file, errno);
    return lock;
}

}  // namespace peerbook::storage

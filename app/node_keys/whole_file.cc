#include "app/node_keys/whole_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace peerbook::app {

namespace {

Error io_error(const std::string& path) {
    return {ErrorCode::io, "cannot write " + path + ": " + std::strerror(errno)};
}

}  // namespace

Status replace_file(const std::string& path, const std::string& text) {
    const std::string unfinished = path + "." + std::to_string(::getpid()) + ".new";
    ::unlink(unfinished.c_str());
    const int descriptor = ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    std::FILE* file = descriptor < 0 ? nullptr : ::fdopen(descriptor, "w");
    if (!file) {
        const Error failure = io_error(unfinished);
        if (descriptor >= 0) ::close(descriptor);
        return failure;
    }
    const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size() &&
                         std::fflush(file) == 0 && ::fsync(::fileno(file)) == 0;
    const Error failure = io_error(unfinished);
    if (std::fclose(file) != 0 || !written) {
        std::remove(unfinished.c_str());
        return failure;
    }
    if (std::rename(unfinished.c_str(), path.c_str()) != 0) return io_error(path);
    return {};
}

FileLock::FileLock(const std::string& path)
    : descriptor_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    int taken = descriptor_ < 0 ? -1 : 1;
    while (taken == 1) {
        taken = ::flock(descriptor_, LOCK_EX);
        if (taken != 0 && errno == EINTR) taken = 1;
    }
    is_held_ = taken == 0;
    if (!is_held_) why_not_ = io_error(path).message;
}

FileLock::~FileLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace peerbook::app

#include "app/node_keys/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace peerbook::app {

FileLock::FileLock(const std::string& path)
    : descriptor_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    int taken = descriptor_ < 0 ? -1 : 1;
    while (taken == 1) {
        taken = ::flock(descriptor_, LOCK_EX);
        if (taken != 0 && errno == EINTR) taken = 1;
    }
    is_held_ = taken == 0;
    if (!is_held_) why_not_ = "cannot lock " + path + ": " + std::strerror(errno);
}

FileLock::~FileLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace peerbook::app

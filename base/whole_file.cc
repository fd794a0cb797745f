#include "base/whole_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace peerbook {

namespace {

Error failure(const std::string& what, const std::string& path) {
    return {ErrorCode::io, what + " " + path + ": " + std::strerror(errno)};
}

bool write_all(int file, std::string_view text) {
    while (!text.empty()) {
        const ssize_t size = ::write(file, text.data(), text.size());
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(size));
    }
    return true;
}

}  // namespace

Status sync_directory(const std::string& directory) {
    const int opened = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (opened < 0) return failure("cannot open", directory);
    const bool synced = ::fsync(opened) == 0;
    Error error = failure("cannot sync", directory);
    ::close(opened);
    return synced ? Status() : Status(std::move(error));
}

Status replace_file(const std::string& path, std::string_view text, Durability durability, Readers readers) {
    const std::string beside = path + "." + std::to_string(::getpid()) + ".new";
    ::unlink(beside.c_str());
    const int file = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                            readers == Readers::owner ? 0600 : 0644);
    if (file < 0) return failure("cannot create", beside);
    bool written = write_all(file, text) && (durability == Durability::renamed || ::fsync(file) == 0);
    Error error = failure("cannot write", beside);
    if (::close(file) != 0 && written) {
        error = failure("cannot write", beside);
        written = false;
    }
    if (written && std::rename(beside.c_str(), path.c_str()) != 0) {
        error = failure("cannot rename to", path);
        written = false;
    }
    if (!written) {
        ::unlink(beside.c_str());
        return error;
    }
    if (durability == Durability::renamed) return {};
    const std::size_t slash = path.rfind('/');
    return sync_directory(slash == std::string::npos ? "." : path.substr(0, slash + 1));
}

}  // namespace peerbook

#include "p2p/peer_network_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace peerbook::p2p {

Status write_peers_text(const std::string& path, const std::string& text) {
    const std::string beside = path + ".new";
    ::unlink(beside.c_str());
    const int file = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0) return Error{ErrorCode::io, "cannot create " + beside + ": " + std::strerror(errno)};
    std::size_t done = 0;
    while (done < text.size()) {
        const ssize_t size = ::write(file, text.data() + done, text.size() - done);
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) break;
        done += static_cast<std::size_t>(size);
    }
    const int reason = errno;
    if (::close(file) != 0 || done < text.size())
        return Error{ErrorCode::io, "cannot write " + beside + ": " + std::strerror(reason)};
    if (std::rename(beside.c_str(), path.c_str()) != 0)
        return Error{ErrorCode::io, "cannot rename to " + path + ": " + std::strerror(errno)};
    return {};
}

}  // namespace peerbook::p2p

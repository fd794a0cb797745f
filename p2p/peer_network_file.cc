#include "p2p/peer_network_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "p2p/authority/address_bindings.h"

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

Result<std::string> read_bindings_text(const std::string& path) {
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    if (!file && errno == ENOENT) return std::string();
    if (!file) return Error{ErrorCode::io, std::string("cannot be read: ") + std::strerror(errno)};
    std::string text(AddressBindings::text_bytes_max + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (file.bad()) return Error{ErrorCode::io, "cannot be read"};
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (text.size() > AddressBindings::text_bytes_max) return Error{ErrorCode::corrupt, "is too large"};
    return text;
}

}  // namespace peerbook::p2p

#include "p2p/peer_network_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <utility>

#include "base/log.h"
#include "base/whole_file.h"
#include "p2p/authority/address_bindings.h"

namespace peerbook::p2p {

namespace {

constexpr const char* subsystem = "p2p";
constexpr Duration bindings_retry_pause = Duration::seconds(1);

// Up to one byte more than `bytes_max`, so that a larger file is seen to be. Errors: not_found, io.
Result<std::string> read_file(const std::string& path, std::size_t bytes_max) {
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    if (!file && errno == ENOENT) return Error{ErrorCode::not_found, "is not there"};
    if (!file) return Error{ErrorCode::io, std::string("cannot be read: ") + std::strerror(errno)};
    std::string text(bytes_max + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (file.bad()) return Error{ErrorCode::io, "cannot be read"};
    text.resize(static_cast<std::size_t>(file.gcount()));
    return text;
}

}  // namespace

Status PeerFiles::load(Now now, PeerManager& manager) {
    load_peers(now, manager);
    if (Status loaded = load_bindings(now, manager); !loaded.ok())
        return loaded.error().within(bindings_path_);
    return {};
}

void PeerFiles::load_peers(Now now, PeerManager& manager) {
    if (peers_path_.empty()) return;
    Result<std::string> text = read_file(peers_path_, peers_file_bytes_max);
    if (!text.ok() && text.error().code == ErrorCode::not_found) return;  // the first start
    if (text.ok() && manager.load_peers_json(now, *text).ok()) {
        kept_ = std::move(*text);
        return;
    }
    // Kept for people to look at: the next one written would take its place.
    const std::string bad = peers_path_ + ".bad";
    if (std::rename(peers_path_.c_str(), bad.c_str()) == 0) {
        log_warn(subsystem, "unreadable file=" + peers_path_ + " kept as=" + bad);
    } else {
        log_warn(subsystem, "unreadable file=" + peers_path_ + ", peers are not kept");
        peers_path_.clear();
    }
}

Status PeerFiles::load_bindings(Now now, PeerManager& manager) const {
    if (bindings_path_.empty()) return {};
    const Result<std::string> text = read_file(bindings_path_, AddressBindings::text_bytes_max);
    if (!text.ok()) return text.error().code == ErrorCode::not_found ? Status() : Status(text.error());
    if (text->size() > AddressBindings::text_bytes_max) return Error{ErrorCode::corrupt, "is too large"};
    return manager.load_bindings(now, *text);
}

void PeerFiles::keep_peers(Now now, const PeerManager& manager) {
    if (peers_path_.empty()) return;
    std::string text = manager.peers_to_json(now);
    if (text == kept_) return;
    if (Status status = replace_file(peers_path_, text, Durability::renamed); !status.ok())
        return log_warn(subsystem, status.error().message);
    kept_ = std::move(text);
}

void PeerFiles::keep_bindings(Now now, const PeerManager& manager) {
    const std::uint64_t changes = manager.bindings_changes();
    if (bindings_path_.empty() || changes == bindings_kept_) return;
    if (bindings_failed_at_ && now.mono - *bindings_failed_at_ < bindings_retry_pause) return;
    if (Status status = replace_file(bindings_path_, manager.bindings_text(now)); !status.ok()) {
        if (!std::exchange(bindings_failed_at_, now.mono)) log_warn(subsystem, status.error().message);
        return;
    }
    bindings_failed_at_.reset();
    bindings_kept_ = changes;
}

}  // namespace peerbook::p2p

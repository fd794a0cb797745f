// Certificates of a network's own authority (p2p/authority/node_certificate.h) as files: a node's own in its
// data directory, and what an authority issued in its directory, which is made like a node's: its key is
// `node.key`.
//
// An authority's directory also has `issued`, one certificate a line, of those that have not expired: that
// list is how it keeps its promise that an address has one node id. Whoever loses it, or issues from a copy,
// breaks it.
//
// Functions without state.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "p2p/authority/node_certificate.h"

namespace peerbook::app {

// As people paste it: hexadecimal digits.
std::string certificate_text(const p2p::NodeCertificate& certificate);
// Blanks around it are ignored. Error: invalid_input.
Result<p2p::NodeCertificate> parse_certificate(std::string_view text);

std::string certificate_path(const std::string& data_dir);
// Errors: not_found, corrupt (both name the file), io.
Result<p2p::NodeCertificate> load_certificate(const std::string& path);
Status write_certificate(const std::string& path, const p2p::NodeCertificate& certificate);

inline constexpr std::size_t issued_max = 65'536;

// Adds it to what the authority of this directory issued, unless another node has its address by a
// certificate for the same network that has not expired: conflict, which names that node. Several processes
// wait for each other. Other errors: corrupt (the list, with its line), too_large (issued_max), io.
Status note_issued(const std::string& authority_dir, const p2p::NodeCertificate& certificate, WallTime now);

}  // namespace peerbook::app

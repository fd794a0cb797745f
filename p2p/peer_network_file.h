// The peers file, and that of who has which e-mail address, on disk.
#pragma once

#include <string>

#include "base/result.h"

namespace peerbook::p2p {

// Written beside and renamed, so that a crash leaves the old file or the new one. The file beside is always a
// new one, so that nobody can lay a link in its place. Error: io.
Status write_peers_text(const std::string& path, const std::string& text);

// Empty where there is no file. Errors: io; corrupt, it is larger than AddressBindings::text_bytes_max.
Result<std::string> read_bindings_text(const std::string& path);

}  // namespace peerbook::p2p

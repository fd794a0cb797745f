// From the tree of a network file to a NetworkFile, with every check that the file allows by itself.
#pragma once

#include <string>

#include "config/network_file.h"
#include "config/sources.h"

namespace peerbook::config {

// `file` names the file in errors: "file:line: key: what is wrong and what is allowed".
Result<NetworkFile> read_network(const DocumentValue& document, const std::string& file);

}  // namespace peerbook::config

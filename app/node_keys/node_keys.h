// The node's signing key on disk: <data_dir>/node.key holds the Ed25519 seed as 64 hex digits and a line
// break.
//
// The file appears whole or not at all, is never overwritten, and is refused where other users could read it.
// Functions without state; two processes may call them at once: one of two creators wins and both use its
// key.
#pragma once

#include <string>

#include "base/keys.h"
#include "base/result.h"

namespace peerbook::app {

std::string node_key_path(const std::string& data_dir);

// Makes the directory and its parents where they are missing, for this user only (0700). Error: io.
Status make_data_directory(const std::string& data_dir);

// Errors: not_found (no key yet), unauthorized (others may read it), corrupt (not 64 hex digits), io.
Result<KeySeed> load_node_key(const std::string& data_dir);

// As load_node_key, but makes the directory and a key of system randomness where there is none.
Result<KeySeed> load_or_create_node_key(const std::string& data_dir);

// Errors: conflict (there is a key), io.
Status write_new_node_key(const std::string& data_dir, const KeySeed& seed);

// 64 hex digits, blanks around them ignored. Error: invalid_input, which never repeats the text.
Result<KeySeed> parse_key_seed(std::string_view text);

// The public key that names the node.
PublicKey node_id_of(const KeySeed& seed);

}  // namespace peerbook::app

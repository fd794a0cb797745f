// The node's signing key on disk: <data_dir>/node.key holds the Ed25519 seed as 64 hex digits and a line
// break; or, encrypted, the line "peerbook encrypted node key 1" and the sealed seed (base/secret_box.h) in
// hex.
//
// The file appears whole or not at all, is never overwritten by another key, and is refused where other users
// could read it.
// Functions without state; two processes may call them at once: one of two creators wins and both use its
// key.
#pragma once

#include <string>

#include "app/node_keys/passphrase.h"
#include "base/keys.h"
#include "base/result.h"
#include "base/secret_box.h"

namespace peerbook::app {

std::string node_key_path(const std::string& data_dir);

// Makes the directory and its parents where they are missing, for this user only (0700). Error: io.
Status make_data_directory(const std::string& data_dir);

// An encrypted one is opened with the passphrase of `source`. Errors: not_found (no key yet), unauthorized
// (others may read the file; no or a wrong passphrase), corrupt (not 64 hex digits), io.
Result<KeySeed> load_node_key(const std::string& data_dir, const PassphraseSource& source = {});

// As load_node_key, but makes the directory and a key of system randomness where there is none.
Result<KeySeed> load_or_create_node_key(const std::string& data_dir, const PassphraseSource& source = {});

// Error: as of load_node_key() before the file is opened.
Result<bool> is_node_key_encrypted(const std::string& data_dir);

// Puts the same key under a passphrase, or takes it off: the new file is read back before it takes the place
// of the old one. The caller holds the data directory's lock, or knows that nobody else does this. Errors:
// conflict (it is so already), and those of load_node_key().
Status encrypt_node_key(const std::string& data_dir, std::string_view passphrase, const SealCost& cost = {});
Status decrypt_node_key(const std::string& data_dir, const PassphraseSource& source = {});

// Errors: conflict (there is a key), io.
Status write_new_node_key(const std::string& data_dir, const KeySeed& seed);

// 64 hex digits, blanks around them ignored. Error: invalid_input, which never repeats the text.
Result<KeySeed> parse_key_seed(std::string_view text);

// The public key that names the node.
PublicKey node_id_of(const KeySeed& seed);

}  // namespace peerbook::app

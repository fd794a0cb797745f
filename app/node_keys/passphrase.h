// Where the passphrase of the node's key comes from: a file that was named, else the variable
// PEERBOOK_PASSPHRASE, else the file that PEERBOOK_PASSPHRASE_FILE names, else the terminal, without echo.
//
// Adapter: reads files, the environment and the terminal. Errors never repeat what was read.
#pragma once

#include <string>

#include "base/result.h"

namespace peerbook::app {

inline constexpr std::size_t passphrase_bytes_max = 1024;

struct PassphraseSource {
    std::string file;        // a file whose first line it is; "-": standard input
    bool may_prompt = true;  // ask at the terminal if nothing else has it
    bool confirm = false;    // ask twice there
};

// Errors: unauthorized (none was given, or other users can read the file; says how to give one),
// invalid_input (empty, too long, or the two differ), io.
Result<std::string> read_passphrase(const PassphraseSource& source);

}  // namespace peerbook::app

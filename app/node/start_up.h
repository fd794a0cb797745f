// From settings to a recovered node: network, view, key, lock, stores, replay of the journal.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/node/effect_runner.h"
#include "config/settings.h"
#include "storage/directory_lock.h"

namespace peerbook::app {

// What holds still for the life of the process.
struct Opened {
    storage::DirectoryLock lock;
    std::unique_ptr<Signer> signer;
    EffectRunner::Parts parts;
    std::vector<PublicKey> members;  // that the network file names
    std::uint64_t recovered_blocks = 0;
    std::uint64_t recovered_commands = 0;
    Duration recovery_time;
    // Where the network has one: its authority, and this node's certificate by it, encoded.
    std::optional<PublicKey> authority = {};
    Bytes certificate = {};
};

// `verifier` and `clock` outlive the result. Errors: invalid_input (network file, no members and no --found,
// no certificate that holds where the network has an authority), conflict (directory in use, or it belongs to
// another network, ledger or key), corrupt, io.
Result<Opened> open_node(const config::Settings& settings, const Verifier& verifier, const Clock& clock);

}  // namespace peerbook::app

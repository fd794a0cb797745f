// A whole node as a process: opens the data directory, replays the journal, starts threads, peers, API and
// standard input, and runs until SIGTERM or SIGINT.
#pragma once

#include "config/settings.h"

namespace peerbook::app {

// Returns the process's exit code: 0 after a clean shutdown, 2 for a network file or settings that make no
// sense, 4 when the environment says no (port or directory in use, corrupt journal, full disk). Says why on
// standard error.
int run_node(const config::LoadedSettings& loaded);

}  // namespace peerbook::app

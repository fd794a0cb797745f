// The peerbook program: reads the command line and runs one command.
#pragma once

namespace peerbook::app::cli {

// Returns the exit code of the process (outcome.h).
int run_program(int argc, const char* const* argv);

}  // namespace peerbook::app::cli

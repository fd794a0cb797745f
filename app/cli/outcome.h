// How a command of the program ends.
#pragma once

#include <string>

#include "base/result.h"

namespace peerbook::app::cli {

// Exit codes; scripts rely on them. Described in --help and README.md.
enum class Exit : int {
    ok = 0,
    refused = 1,      // the node, or a check, said no: a rejected order, an unknown market, a wrong cookie
    usage = 2,        // the command line is wrong; nothing was sent
    unreachable = 3,  // no node answers
    environment = 4,  // files, permissions, disk, this machine
};

// What is printed as {"code","message"} with --json, and as one line on standard error without.
struct Failure {
    Exit exit = Exit::environment;
    std::string code;     // a word for machines
    std::string message;  // what happened, where, what to do
};

// An error of this machine: files, keys, settings.
Failure failure_of(const Error& error);

// Prints to standard output (as_json) or standard error, and returns the exit code.
Exit report(const Failure& failure, bool as_json);

// Writes to standard output. Errors of writing (a full disk) are found by finish_output().
void print(const std::string& text);
// `exit`, or Exit::environment with a message if what was printed could not be written.
Exit finish_output(Exit exit);

}  // namespace peerbook::app::cli

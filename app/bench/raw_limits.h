// What the machine allows, measured beside the transport: loopback TCP without anything of ours, and the
// cipher alone.
#pragma once

#include <vector>

#include "app/bench/figures.h"
#include "base/result.h"

namespace peerbook::app {

// Messages of 256 bytes between two threads by blocking sockets, in writes of 4 KiB and 64 KiB, and
// AES-GCM on records of 16 KiB by the CPU time of one thread; `seconds` each. Error: io.
Result<std::vector<Figure>> measure_raw_limits(double seconds);

}  // namespace peerbook::app

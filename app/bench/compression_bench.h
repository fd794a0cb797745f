// What compression between peers spares and costs, on real blocks: recorded or generated commands by a
// thousand accounts, in blocks of one size after the other as a member of three would sign them, through the
// product's Compressor and Expander. Each block by itself, as members push them, and many together, as a peer
// that was away gets them (messages of up to 900 KiB). What does not get smaller enough counts as it is, and
// so does what trying costs.
#pragma once

#include <vector>

#include "app/bench/figures.h"
#include "app/bench/workloads.h"
#include "base/result.h"

namespace peerbook::app {

// Time is that of the fastest of `rounds`. Error: a workload cannot be made.
Result<std::vector<Figure>> measure_compression(const std::vector<Workload>& workloads, std::uint32_t rounds);

}  // namespace peerbook::app

// What the parts of the engine's work cost, each measured on its own over the same workload. Parts are not
// slices of the whole: each runs alone with warm caches, so their sum is not the engine's time. Commands are
// copied just before they are timed, as if they had just been decoded.
//
//   decode      payload bytes of the flow's hosted batches to commands (decode_payload). Excludes signatures:
//               hosted batches have none of their own
//   admission   for each batch its accounts by id and its owner; for each command owner, nonce verdict and
//               burning, and a rate window. Excludes signatures, undo and events
//   book        commands with resolved accounts in, events out: index, levels, queues, matching, one command
//               after the other. No accounts, money, nonces or undo: what bare matching engines measure.
//               Flows of limit orders, icebergs, cancels, reductions and replacements on continuous markets
//               only
//   book ahead  the same, but a commit's commands come together, so that it can ask for what they will touch;
//               pays where the book is larger than the caches
//   ledger      the balance moves that the flow's events stand for: reserving, releasing, and a fill's four
//               balances and fees. Excludes the book and undo
//   undo        record: as many words as the engine records for the flow; roll back: undo_to() over the last
//               undoable commits
//   events      writing the flow's events into a cleared buffer
//   state root  bringing the root up to date, an entry of state that changed since the last time
//   snap write  writing the state after the flow as a snapshot (SnapshotWriter), hashes of chunks included
//   snap load   taking its chunks in, checking them and the state root, and making an engine of them
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/bench/prepared_flow.h"

namespace peerbook::app {

struct PartFigures {
    std::string name;
    std::string unit;         // "ns/op", "ns/key", "MB/s"
    double value = 0;         // of the fastest round
    std::uint64_t count = 0;  // operations, keys or bytes that it was measured over
};

// Parts that cannot run this flow are left out. `rounds` ≥ 1.
std::vector<PartFigures> measure_parts(const PreparedFlow& flow, std::uint32_t rounds);

}  // namespace peerbook::app

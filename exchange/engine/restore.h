// An engine from a snapshot.
#pragma once

#include <memory>

#include "base/result.h"
#include "exchange/engine/engine.h"
#include "exchange/engine/snapshot.h"

namespace peerbook::exchange {

// An engine that goes on exactly as the one whose state was written: equal digests, roots and events, but for
// the numbers that accounts have inside (AccountIndex). It cannot undo what came before. Everything is
// checked, so that no content makes it misbehave later: whatever breaks a rule or an invariant, or gives
// another state root than the manifest's, is refused with a sentence about it. `rules`: as of the network's
// start, without the markets created since. Precondition: snapshot.finish() is ok. Uses the thread for
// seconds: about 3 µs an entry.
Result<std::unique_ptr<Engine>> restore_engine(NetworkRules rules, const SnapshotReader& snapshot);

}  // namespace peerbook::exchange

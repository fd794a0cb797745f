// Flows that go by a script: what hurts a book that is fast only on friendly flow, and what the common orders
// do not reach.
#pragma once

#include <cstdint>

#include "app/bench/prepared_flow.h"
#include "app/bench/workloads.h"

namespace peerbook::app {

// All orders are bids at one price; each command places one at the end or cancels one anywhere in the queue.
PreparedFlow make_one_level(const WorkloadSize& size);

// Forty levels of some hundred orders; each cancel takes one out of the middle half of its queue.
PreparedFlow make_cancel_middle(const WorkloadSize& size);

// The best price of a side flips with each command between the touch and a lonely order far behind it, up to
// 200,000 ticks away: an order is placed in front, and the next command cancels or takes it.
PreparedFlow make_alternate_best(const WorkloadSize& size);

// Ladders of stops: a level of the book for each, and each stop takes the level that triggers the next. Down,
// then up again, until all operations are used; one aggressor starts each.
PreparedFlow make_stops_cascade(const WorkloadSize& size);

// Twenty makers keep ten quotes a side in each of four markets and replace all of them at once; an aggressor
// comes after every second mass quote.
PreparedFlow make_mass_quotes(const WorkloadSize& size);

}  // namespace peerbook::app

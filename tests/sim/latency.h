// How long commands take to settle: the production app::Node objects under a steady load, in virtual time,
// where nothing goes wrong. World is for what may go wrong; here the only checks are that everything settles,
// to one log and one state.
//
// What is modelled: links that keep order, the disk's sync, and the moment until a node takes what came in.
// What is not: work costs no virtual time, and bandwidth has no limit. So the figures are the protocol's.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/time.h"

namespace peerbook::sim {

struct LatencyPlan {
    std::uint64_t seed = 1;
    std::size_t nodes = 3;                  // all are members
    std::uint64_t orders_per_second = 200;  // of all nodes together
    std::int64_t warm_up_us = 2'000'000, measured_us = 10'000'000;
    std::size_t markets = 8;
    std::size_t accounts_per_node = 16;

    // One way. Two nodes draw the fixed part once, for both directions; each message draws its jitter.
    std::int64_t delay_us_min = 0, delay_us_max = 0, jitter_us_max = 0;
    std::uint32_t late_ppm = 0;  // of messages, so many times as late; those behind it wait, as in TCP
    std::int64_t late_factor = 3;
    std::int64_t sync_us = 1'000;    // one write to disk, whatever its size; one at a time
    std::int64_t hand_over_us = 30;  // from an input to the step that takes it: a thread has to wake
    Duration ack_delay, batch_delay = Duration::milliseconds(1);  // the nodes' options

    static LatencyPlan lan();
    static LatencyPlan wan();
};

struct LatencyResult {
    // Of commands that were submitted after the warm-up, sorted. Half of them wait for each grade.
    std::vector<std::int64_t> provisional_us, settled_us;
    std::uint64_t submitted = 0, refused = 0;  // after the warm-up; refused: sent away by an overloaded node
    // While measured. Commands: at all nodes together.
    std::uint64_t executed_first = 0, replayed = 0;
    std::uint64_t blocks = 0, empty_blocks = 0;
    std::uint64_t messages = 0, bytes = 0;                              // with kind and frame, without TLS
    std::uint64_t wants = 0, blocks_again = 0, blocks_again_bytes = 0;  // asked for, and sent in answer
    // Of commands with an answer that were submitted after the warm-up. Only cancels are rejected.
    std::uint64_t orders = 0, orders_traded = 0, rejected = 0;
    std::int64_t virtual_us = 0;
    std::uint64_t trace_hash = 0;  // two runs of one plan share it
    std::string failure;           // "" or what went wrong

    friend bool operator==(const LatencyResult&, const LatencyResult&) = default;
};

// `each_second` hears the virtual second that was reached.
LatencyResult measure_latency(const LatencyPlan& plan,
                              const std::function<void(std::int64_t)>& each_second = {});

// Of sorted values; 0 if there are none.
std::int64_t percentile(const std::vector<std::int64_t>& sorted, std::uint32_t percent);

}  // namespace peerbook::sim

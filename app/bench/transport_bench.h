// How fast peers are heard: two endpoints of the product's transport (transport_endpoint.h) on loopback, a
// thread each.
//
//   messages    one side sends messages of 256 bytes as quickly as its queue takes them, the other counts.
//               Messages a second are those of the wall clock; "a core" divides by the thread's own CPU time,
//               which other programs on the machine change less. Of the rounds the best
//   blocks      the same with payloads of 64 KiB and 1 MiB, in MB/s
//   round trip  one message of 256 bytes to and fro at a time; all rounds together
//   handshakes  TCP, TLS with certificates on both sides, and the handshake of peers; 16 under way at once
//   memory      what connections add to the heap in use and to the resident memory of this process, which
//               holds both of their ends: halved. "After traffic": each carried a block of 512 KiB both ways
//               before and then nothing for two seconds. The kernel's part is not in it
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "app/bench/figures.h"
#include "base/result.h"

namespace peerbook::app {

struct TransportBenchOptions {
    double seconds = 1.0;  // of each round
    std::uint32_t rounds = 3;
    std::uint32_t peers = 200;  // idle ones
    bool plain_tcp = false;     // also without TLS
    // Told what is measured as it begins.
    std::function<void(const std::string&)> on_begin;
};

// Errors: io, unavailable (a connection broke).
Result<std::vector<Figure>> run_transport_bench(const TransportBenchOptions& options);

}  // namespace peerbook::app

// Grape's HTTP API (Grenache's door to a DHT) on this node's DHT: POST /announce, /lookup, /put and /get, so
// that Grenache's own clients find services, and each other, through any node. One request in, one response
// out, as a Grape answers it: most errors are status 200 with a JSON string. PROTOCOL.md, "Finding peers",
// says what differs from Grape.
//
// I/O thread only. No socket, no clock of its own.
#pragma once

#include <cstddef>
#include <cstdint>

#include "app/api/native_api.h"
#include "base/time.h"
#include "p2p/dht/dht.h"
#include "p2p/peers/rate_limiter.h"

namespace peerbook::app {

inline constexpr std::size_t grape_request_bytes_max = 8'192;     // of a body
inline constexpr std::size_t grape_lookup_addresses_max = 100;    // in one answer, as a Grape's
inline constexpr std::uint32_t grape_lookup_time_ms = 2'000;      // below the clients' 2.5 s
inline constexpr p2p::TokenBucket::Rate grape_rate{200, 50'000};  // of all clients together

class GrapeService {
  public:
    // `dht` and `clock` outlive the service and all completions.
    GrapeService(p2p::Dht& dht, const Clock& clock);

    // `done` is called once, at once or later. Beyond grape_rate: 503 "ERR_GRAPE_BUSY".
    void handle(ApiRequest& request, ApiCompletion done);

  private:
    p2p::Dht& dht_;
    const Clock& clock_;
    p2p::TokenBucket bucket_;
};

}  // namespace peerbook::app

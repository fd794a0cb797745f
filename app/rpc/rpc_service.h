// Grenache's RPC: a POST of [rid, key, payload], answered by [rid, error, result]. Whoever can connect may
// ask, so that there is nothing in it that needs to know who asks: what everybody in the network knows anyway
// (status, markets, books, trades, digests), batches that their own signatures vouch for, and streams that
// carry connections, which are TLS and a handshake inside. PROTOCOL.md, "Grenache's RPC", has every byte.
//
// I/O thread only. No socket, no clock of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "app/api/native_api.h"
#include "base/time.h"
#include "p2p/grenache/rpc_wire.h"
#include "p2p/peers/rate_limiter.h"
#include "p2p/registry/source_limiter.h"
#include "p2p/transport/rpc_streams.h"

namespace peerbook::app {

// Questions of one host (loopback exempt) and of all: more than carried connections need, each of which asks
// 100 times a second at most.
inline constexpr p2p::TokenBucket::Rate rpc_source_rate{800, 400'000};
inline constexpr p2p::TokenBucket::Rate rpc_rate{8'000, 4'000'000};
inline constexpr std::size_t rpc_sources_max = 1'024;
// Those of them that the node has to work for: of one host, and of all.
inline constexpr p2p::TokenBucket::Rate rpc_call_source_rate{30, 10'000};
inline constexpr p2p::TokenBucket::Rate rpc_call_rate{200, 50'000};
// Batches whose sender waits until they are settled or attested, which may never be; more are refused.
inline constexpr std::size_t rpc_waiting_max = 64;
inline constexpr p2p::TokenBucket::Rate rpc_open_rate{20, 4'000};  // of streams, of all hosts together

class RpcService {
  public:
    struct Parts {
        NodeService& node;
        PublicKey key;                       // of the node
        std::string service;                 // p2p::rpc_service_name(); other keys are refused
        std::string secret;                  // random; the native API's cookie, for this service alone
        p2p::RpcStreams* streams = nullptr;  // null: nothing is carried here
        const Clock& clock;
    };
    // What `parts` refers to outlives the service and all completions.
    explicit RpcService(Parts parts);

    // `done` is called once, at once or later.
    void handle(ApiRequest& request, ApiCompletion done);

  private:
    struct Call;
    void call(Call call);
    void stream(Call call);
    void status(const Call& call);
    void ask_api(const Call& call, ApiRequest request, const std::string& path, const std::string& query);

    const Parts parts_;
    const std::string authorization_;
    std::shared_ptr<std::size_t> waiting_;  // completions that outlive the service count it down
    NativeApi api_;
    p2p::SourceLimiter sources_, call_sources_;
    p2p::TokenBucket bucket_, call_bucket_, open_bucket_;
};

}  // namespace peerbook::app

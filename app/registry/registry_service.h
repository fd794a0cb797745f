// The bootstrap registry's HTTP API: POST /api/bootstrap/register and /unregister, GET
// /api/bootstrap/discover. One request in, one response out. PROTOCOL.md, "Bootstrap registry", has every
// byte.
//
// Whoever can connect can use it, for any network. Only the address that a request comes from can be
// registered. A POST needs `Content-Type: application/json`, so that no page of a browser can make its
// visitor register.
//
// I/O thread only. No socket, no clock of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "app/api/native_api.h"
#include "base/keys.h"
#include "base/time.h"
#include "p2p/discovery/discovery_strategy.h"
#include "p2p/peers/rate_limiter.h"
#include "p2p/registry/registry_table.h"
#include "p2p/registry/source_limiter.h"

namespace peerbook::app {

inline constexpr p2p::TokenBucket::Rate registry_rate{400, 100'000};    // of all clients together
inline constexpr p2p::TokenBucket::Rate registry_source_rate{30, 500};  // of one host; loopback exempt
inline constexpr std::size_t registry_sources_max = 1'024;

// The node that serves, which is found as well by whoever asks: it takes connections where they reached it.
struct RegistryHost {
    std::function<p2p::DiscoveryIdentity()> identity;  // as it is now
    std::string listen_host;  // where it takes connections of peers, as in the settings
};

class RegistryService {
  public:
    // `signer` (the node's key), `verifier` and `clock` outlive the service. Without a host, only those are
    // told of that registered.
    RegistryService(std::optional<RegistryHost> host, const Signer& signer, const Verifier& verifier,
                    const Clock& clock, std::uint64_t seed);

    // Beyond registry_rate: 503; beyond registry_source_rate: 429.
    ApiResponse answer(const ApiRequest& request);

  private:
    ApiResponse enter(WallTime now, const ApiRequest& request);
    ApiResponse leave(WallTime now, const ApiRequest& request);
    ApiResponse discover(WallTime now, const ApiRequest& request);
    ApiResponse others(WallTime now, const ApiRequest& request, const Digest& network,
                       const std::optional<PublicKey>& asker);
    std::optional<p2p::RegistryEntry> own_entry(WallTime now, const ApiRequest& request,
                                                const Digest& network) const;

    std::optional<RegistryHost> host_;
    const Signer& signer_;
    const Clock& clock_;
    p2p::RegistryTable table_;
    p2p::TokenBucket bucket_;
    p2p::SourceLimiter sources_;
};

}  // namespace peerbook::app

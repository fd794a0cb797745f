// Which peers lead to which nodes beyond them. Nothing is believed of what peers say about others: a way is
// learnt only from a message that the far node itself signed and that came by the peer. So a peer can be the
// best way to a node and lose everything, but it cannot be thought to lead where it was never heard from.
//
// Bounded by peers × far_per_peer_max: each peer has a table of its own, whose oldest entry makes room, so
// that one peer full of invented nodes displaces nothing that others brought. Pure; not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "base/time.h"
#include "p2p/peers/peer_id.h"

namespace peerbook::p2p {

class RelayRoutes {
  public:
    static constexpr std::size_t far_per_peer_max = 256;
    static constexpr std::size_t hops_max = 3;                    // that hops_to() names
    static constexpr Duration lifetime = Duration::seconds(120);  // of a way on which nothing comes

    void peer_up(const PeerId& peer) { by_peer_.try_emplace(peer); }
    void peer_down(const PeerId& peer) { by_peer_.erase(peer); }
    // An authentic message of `far` came by `peer`; `is_first`: before any copy of it by others.
    // Precondition: peer_up(peer).
    void heard(MonoTime now, const PeerId& peer, const PeerId& far, bool is_first);
    // Best first: those by which the newest messages came first. Without `except`, unless it is null.
    std::vector<PeerId> hops_to(MonoTime now, const PeerId& far, const PeerId* except) const;
    void forget_old(MonoTime now);
    std::size_t size() const;

  private:
    struct Way {
        MonoTime heard_at;
        std::uint64_t first = 0;  // rises with each message that came by it first; 0: none did
    };
    std::map<PeerId, std::map<PeerId, Way>> by_peer_;  // peer → far node
    std::uint64_t last_first_ = 0;
};

}  // namespace peerbook::p2p

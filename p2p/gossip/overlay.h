// The stable overlay on which the tree grows: of the connected peers, six to twelve that are neighbours,
// which both sides agreed on (after HyParView, Leitão et al. 2007; the connected peers that are no
// neighbours, and the address book behind them, are its passive view).
//
// A node asks for neighbours until it has `degree`; half of them are near (lowest round-trip time), half are
// drawn at random: near ones keep traffic local, random ones keep the overlay in one piece. Who is asked
// agrees below `degree_max`; for one that has fewer than `degree_min` it makes room, at the cost of its
// neighbour that was linked last but has the longest way. Links are kept as long as the connection lives.
//
// Pure: time and randomness are arguments. Not thread-safe.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/random.h"
#include "p2p/gossip/gossip_wire.h"
#include "p2p/peers/peer_id.h"

namespace peerbook::p2p {

struct OverlayLimits {
    std::size_t degree_min, degree, degree_max;
};

class Overlay {
  public:
    static constexpr Duration answer_time_max = Duration::seconds(3);
    static constexpr Duration refused_pause = Duration::seconds(30);
    static constexpr Duration look_interval = Duration::seconds(1);

    struct Output {
        struct Message {
            PeerId peer;
            LinkStep step;
        };
        std::vector<Message> send;
        std::vector<PeerId> linked, unlinked;
    };

    Overlay(OverlayLimits limits, std::uint64_t seed) : limits_(limits), random_(seed) {}

    // Call tick() soon.
    void peer_up(MonoTime now, const PeerId& peer, Duration round_trip);
    void peer_down(const PeerId& peer, Output& out);
    void round_trip(const PeerId& peer, Duration round_trip);
    void receive(MonoTime now, const PeerId& peer, LinkStep step, Output& out);
    void tick(MonoTime now, Output& out);
    // When tick() may find something to do. None: not before something else happens.
    std::optional<MonoTime> next_due() const { return look_at_; }

    const std::set<PeerId>& neighbours() const { return neighbours_; }
    bool linked(const PeerId& peer) const { return neighbours_.contains(peer); }

  private:
    struct Peer {
        Duration round_trip;
        std::optional<MonoTime> asked_at;  // waits for an answer
        MonoTime not_before;               // asked again
    };
    void link(const PeerId& peer, Output& out);
    void unlink(const PeerId& peer, Output& out);
    bool make_room(Output& out);
    std::optional<PeerId> candidate(MonoTime now, bool near);

    OverlayLimits limits_;
    Random random_;
    std::map<PeerId, Peer> peers_;  // connected
    std::set<PeerId> neighbours_;
    std::optional<MonoTime> look_at_;
    bool near_next_ = false;
};

}  // namespace peerbook::p2p

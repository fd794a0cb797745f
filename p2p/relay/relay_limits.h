// What a node carries for others, and does for what comes to be carried: the reason for which relays amplify
// nothing without bound.
//
//   in        of one peer, before anything is computed: messages, bytes and seeks
//   verify    signatures in all (45 µs each)
//   source    of one sender, once its signature is checked, so that nobody can use up another's share. Keys
//             are free, so this keeps order among the honest; what bounds the others is `in`
//   out       to one peer, of what is carried: less than `in`, so that an honest relay stays within the
//             bounds of its peer beside its own messages; and bytes in all
//   answers   of this node's own, to what one peer brings, and in all: acknowledgements and `found`. So who
//             sends much, which is what Relay::own_messages lets it, gets all of it acknowledged and leaves
//             others a quarter of the answers, and this node room for what it says unasked; several such
//             peers share them
//
// A seek goes to everybody, so seeks have bounds of their own: whatever anybody does, a link carries at most
// out_seeks of them, about 1.5 KB a second. Everything else goes to one peer, or to three. What is above a
// bound is dropped and costs nobody points: a relay cannot help what others give it.
//
// Pure; not thread-safe. Bounded by peers and sources_max.
#pragma once

#include <map>

#include "base/time.h"
#include "p2p/peers/peer_id.h"
#include "p2p/peers/rate_limiter.h"

namespace peerbook::p2p {

class RelayLimits {
  public:
    using Rate = TokenBucket::Rate;
    static constexpr Rate in_messages{256, 128'000}, in_seeks{64, 8'000};
    static constexpr Rate in_bytes{2 << 20, 256 * 1024 * 1'000};
    static constexpr Rate verifications{1'024, 512'000};
    static constexpr Rate source_messages{160, 64'000}, source_seeks{16, 1'000};
    static constexpr Rate source_bytes{1 << 20, 128 * 1024 * 1'000};
    static constexpr Rate out_messages{192, 96'000}, out_seeks{48, 6'000};
    static constexpr Rate out_bytes{1 << 20, 128 * 1024 * 1'000};
    static constexpr Rate carried_bytes{4 << 20, 1024 * 1024 * 1'000};
    static constexpr Rate answers{96, 32'000}, answers_to_peer{64, 24'000};
    static constexpr std::size_t sources_max = 1'024;  // the one unheard for longest makes room

    struct Cost {
        bool is_seek = false;
        std::size_t bytes = 0;
    };

    explicit RelayLimits(MonoTime now);

    void peer_up(MonoTime now, const PeerId& peer);
    void peer_down(const PeerId& peer) { peers_.erase(peer); }
    // Each: whether there is room; it is taken then. Precondition: peer_up(peer).
    bool comes_in(MonoTime now, const PeerId& peer, Cost cost);
    bool verifies(MonoTime now) { return verifications_.take(now); }
    bool from_source(MonoTime now, const PeerId& source, Cost cost);
    bool goes_out(MonoTime now, const PeerId& peer, Cost cost);
    // What came by this peer.
    bool may_answer(MonoTime now, const PeerId& peer);

    std::size_t sources() const { return sources_.size(); }

  private:
    struct Share {
        TokenBucket messages, seeks, bytes;
        bool take(MonoTime now, Cost cost);
    };
    struct Peer {
        Share in, out;
        TokenBucket answers;
    };
    struct Source {
        Share share;
        MonoTime heard_at;
    };
    std::map<PeerId, Peer> peers_;
    std::map<PeerId, Source> sources_;
    TokenBucket verifications_, carried_bytes_, answers_;
};

}  // namespace peerbook::p2p

// What this node passes on of what comes by gossip. Everything that gets here is genuine: signed by a member,
// or by one who asks to join. But genuine messages can be sent again, in new envelopes, and nobody's network
// is to multiply what somebody repeats:
//
//   blocks          once accepted into the DAG, so behind their parents; each once (BlockSync::pass_on)
//   signs of life   newer than the last one of their sender, and stamped about now
//   view messages   the same bytes again after a pause, since members repeat what may have been lost
//   joins           of strangers, who may be many, so many a second
//
// Logic thread only. Pure: time is an argument. Memory: the constants below.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>

#include "app/node/effects.h"
#include "exchange/ordering/view_messages.h"

namespace peerbook::app {

class GossipGate {
  public:
    static constexpr std::size_t waiting_max = 4'096;  // blocks that wait for their parents
    static constexpr std::size_t view_messages_max = 4'096;
    static constexpr Duration repeat_pause = Duration::milliseconds(250);  // less than a ballot's resend
    static constexpr std::uint32_t joins_per_second = 64;
    static constexpr Duration sign_age_max = Duration::seconds(60);
    static constexpr Duration sign_ahead_max = Duration::seconds(30);

    // The block came by gossip, and is or will be in the DAG; take() when it is. Above the bound the one that
    // waits longest is not passed on.
    void wait(const Digest& block, const GossipId& id, Effects& effects);
    std::optional<GossipId> take(const Digest& block);

    bool passes(const exchange::ViewMessage& message, MonoTime now);
    // `at`: as its sender stamped it.
    bool is_news(const PublicKey& sender, WallTime at, Now now);
    // Another view is there: nothing of the one before counts.
    void begin(Effects& effects);

  private:
    std::map<Digest, GossipId> waiting_;
    std::deque<Digest> waiting_order_;  // oldest first; may name what was taken
    std::map<Signature, MonoTime> view_messages_;
    std::deque<Signature> view_messages_order_;
    std::map<PublicKey, WallTime> last_sign_;  // members
    MonoTime joins_since_;
    std::uint32_t joins_ = 0;
};

}  // namespace peerbook::app

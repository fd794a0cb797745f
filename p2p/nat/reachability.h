// Whether this node can be dialled from the internet, found out by asking peers to dial back.
//
// The only proof that it can is a connection that came from there: an answer "reachable" without one is a lie
// and counts for nothing. That it cannot is believed when peers of two networks tried in vain since the last
// proof, or of the one network there is to ask. One question at a time, each peer at most once in ask_pause,
// only peers of networks that did not answer yet.
//
// While it is reachable it asks again check_interval after the last proof; while it is not, after a pause
// that doubles from ask_pause to check_interval. A port that changed starts it all over.
//
// Pure: time is an argument. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "p2p/nat/nat_info.h"
#include "p2p/peers/peer_id.h"

namespace peerbook::p2p {

inline constexpr Duration first_check_after = Duration::seconds(5);  // the gateway may map a port meanwhile
inline constexpr Duration ask_pause = Duration::seconds(120);
inline constexpr Duration ask_gap = Duration::seconds(1);  // between two peers of one round
inline constexpr Duration check_interval = Duration::seconds(1800);
inline constexpr Duration dial_back_answer_max = Duration::seconds(20);
inline constexpr std::size_t failing_networks_min = 2;

class Reachability {
  public:
    // A connected peer that sees this node from outside and can dial back.
    struct Candidate {
        PeerId peer;
        std::string network;  // group_key() of its address
    };
    enum class Answer : unsigned char { reachable, unreachable, refused };

    explicit Reachability(MonoTime now) : next_(now + first_check_after) {}

    // Whether somebody is to be asked.
    bool due(Now now) const;
    // Whom to ask now; none if it is not due. The caller asks, and reports what comes.
    std::optional<PeerId> ask(Now now, const std::vector<Candidate>& candidates);
    void answered(Now now, const PeerId& peer, Answer answer);
    // A connection from outside was accepted and its peer is authenticated.
    void proven(Now now);
    // The port at which it should be reached is another one, or the gateway's address is.
    void changed(MonoTime now);

    Reach reach() const { return reach_; }
    std::optional<WallTime> since() const { return since_; }
    std::optional<WallTime> last_proof() const { return last_proof_; }
    std::uint64_t asked() const { return asked_; }

  private:
    void set(Now now, Reach reach);
    void conclude(Now now);

    struct Question {
        PeerId peer;
        std::string network;
        MonoTime at;
    };
    Reach reach_ = Reach::unknown;
    std::optional<WallTime> since_, last_proof_;
    MonoTime next_;
    Duration pause_ = ask_pause;
    std::optional<Question> question_;
    std::map<PeerId, MonoTime> asked_at_;  // of the last ask_pause
    std::set<std::string> tried_in_vain_;  // networks, since the last proof; ≤ failing_networks_min
    std::size_t networks_ = 0;             // of the candidates
    std::uint64_t asked_ = 0;
};

}  // namespace peerbook::p2p

// How well a peer serves, as this node saw it: figures for people and for choosing, and the circuit breaker,
// which keeps a peer that fails again and again from being tried all the time.
//
// Counted as success: an answered heartbeat, and a connection that lasted. As failure: a dial that came to no
// handshake, a connection that broke, a heartbeat unanswered for 25 s, a broken rule (floods apart). Counts
// are halved when they reach counted_max, so old ones fade.
//
// Figures, in thousandths:
//   availability  share of the time since the peer is known in which it was connected; days fade
//   performance   7/10 round-trip time, 200 ms being one half; 3/10 throughput, 1 MB/s being one half
//   health        5/10 share of successes, 2/10 age (full after a day), 3/10 round-trip time as above; less
//                 1/10 for each failure in a row
// What is not measured yet counts as one half.
//
// Circuit breaker: closed → open after failures_in_row_max failures in a row → half open when its time is
// over, which allows one attempt → closed with the first success, or open for twice as long. The first time
// is 30 s, the longest 1 h; neither is above the operator's own limit on pauses.
//
// Pure: time is an argument. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "base/random.h"
#include "base/time.h"
#include "p2p/peers/peer_id.h"

namespace peerbook::p2p {

inline constexpr unsigned failures_in_row_max = 5;  // then disconnected, and the breaker opens
inline constexpr Duration breaker_pause_min = Duration::seconds(30);
inline constexpr Duration breaker_pause_max = Duration::seconds(3600);
inline constexpr Duration unheard_max = Duration::seconds(2 * 3600);  // then the record is dropped
inline constexpr std::size_t peer_records_max = 1024;
// At most that many addresses are told to one peer in that time, however often it connects.
inline constexpr std::size_t addresses_told_max = 20;
inline constexpr Duration addresses_told_within = Duration::seconds(300);
inline constexpr std::uint32_t counted_max = 1000;
inline constexpr int figure_max = 1000;  // of availability, performance and health

enum class BreakerState : unsigned char { closed, open, half_open };
const char* to_string(BreakerState state);

class PeerHealth {
  public:
    explicit PeerHealth(Now now) : since_(now.wall), updated_(now.mono), heard_(now.mono) {}

    void connected(MonoTime now);
    void disconnected(MonoTime now);
    void answered(MonoTime now, Duration round_trip);  // a heartbeat
    void succeeded(MonoTime now);
    // `pause_max` is the operator's limit; `quarter` in [0, 256) shortens the pause by up to a quarter.
    void failed(MonoTime now, Duration pause_max, std::uint32_t quarter);
    void received(MonoTime now, std::size_t bytes);
    void tick(MonoTime now);  // about every 10 s: ends a window of throughput on an idle line, too

    // How many more addresses it may be told.
    std::size_t addresses_left(MonoTime now) const;
    void told_addresses(MonoTime now, std::size_t count);

    // Whether the breaker lets a dial through. The caller that dials says so with attempt_started().
    bool allows_attempt(MonoTime now) const;
    void attempt_started(MonoTime now);
    // The operator asked for it: no more waiting.
    void close_breaker();

    BreakerState breaker(MonoTime now) const;
    MonoTime retry_at() const { return open_until_; }  // while open
    unsigned failures_in_row() const { return failures_in_row_; }
    std::uint32_t successes() const { return successes_; }
    std::uint32_t failures() const { return failures_; }
    WallTime since() const { return since_; }
    MonoTime heard_at() const { return heard_; }
    bool is_connected() const { return is_connected_; }
    Duration round_trip() const { return round_trip_.value_or(Duration{}); }  // smoothed
    std::uint64_t bytes_per_second() const { return rate_; }

    int availability(MonoTime now) const;
    int performance() const;
    int health(WallTime now) const;

    // From the peers file.
    void restore(WallTime since, std::uint32_t successes, std::uint32_t failures);

  private:
    void account(MonoTime now);  // adds the time since the last call
    void count(std::uint32_t& counter);
    int round_trip_figure() const;

    WallTime since_;
    MonoTime updated_, heard_;
    std::int64_t known_ms_ = 0, connected_ms_ = 0;
    bool is_connected_ = false;
    std::uint32_t successes_ = 0, failures_ = 0;
    unsigned failures_in_row_ = 0;
    std::optional<Duration> round_trip_;
    std::uint64_t rate_ = 0, window_bytes_ = 0;
    bool is_measured_ = false;
    std::optional<MonoTime> window_from_;
    bool is_open_ = false, is_probing_ = false;
    MonoTime open_until_;
    Duration pause_;
    std::optional<MonoTime> told_from_;  // when the time began that told_ counts in
    std::size_t told_ = 0;
};

// The records of all peers that this node met, at most peer_records_max; the one unheard for longest makes
// room, connected ones last.
class PeerRecords {
  public:
    PeerHealth& of(Now now, const PeerId& peer);
    const PeerHealth* find(const PeerId& peer) const;
    PeerHealth* find(const PeerId& peer);
    // Drops those unheard for unheard_max.
    void maintain(MonoTime now);
    const std::map<PeerId, PeerHealth>& all() const { return records_; }

  private:
    std::map<PeerId, PeerHealth> records_;
};

}  // namespace peerbook::p2p

// When to ask the gateway for the port again. A lease is renewed when half of it is over, and at least every
// 30 min, so that a gateway that forgot it in a restart is told soon. A failure doubles the pause from 30 s
// to 1 h; while a lease still holds the pause is at most a quarter of what is left of it, but 15 s at least.
//
// Pure: time is an argument. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>

#include "base/random.h"
#include "base/time.h"

namespace peerbook::p2p {

inline constexpr Duration lease_wanted = Duration::seconds(1800);
// A gateway that grants less would be asked all the time: that counts as a failure.
inline constexpr Duration lease_min = Duration::seconds(60);
inline constexpr Duration renew_pause_max = Duration::seconds(1800);  // also of a mapping for good
inline constexpr Duration map_retry_min = Duration::seconds(30);
inline constexpr Duration map_retry_max = Duration::seconds(3600);
inline constexpr Duration map_retry_while_held_min = Duration::seconds(15);

class LeaseSchedule {
  public:
    // The first attempt is due at once.
    explicit LeaseSchedule(MonoTime now) : next_(now) {}

    bool due(MonoTime now) const { return now >= next_; }
    MonoTime next() const { return next_; }
    // `lease`: none for a mapping that does not end. Precondition: ≥ lease_min.
    void mapped(MonoTime now, std::optional<Duration> lease);
    void failed(MonoTime now);
    // There is nothing to ask for; it may change.
    void not_needed(MonoTime now);
    // Whether a lease was granted that is not over.
    bool held(MonoTime now) const { return granted_ && (!ends_ || now < *ends_); }

  private:
    MonoTime next_;
    bool granted_ = false;
    std::optional<MonoTime> ends_;
    unsigned failures_ = 0;  // in a row
};

// The gateway's port to ask for: first the own one, then others at random from 1,024 up, since somebody else
// may have the first.
inline constexpr unsigned external_ports_tried = 8;
std::uint16_t external_port_to_try(std::uint16_t own_port, unsigned attempt, Random& random);

}  // namespace peerbook::p2p

#include "p2p/nat/lease_schedule.h"

#include <algorithm>

#include "base/check.h"

namespace peerbook::p2p {

void LeaseSchedule::mapped(MonoTime now, std::optional<Duration> lease) {
    PB_CHECK(!lease || *lease >= lease_min, "a lease too short to renew");
    granted_ = true;
    failures_ = 0;
    ends_.reset();
    if (lease) ends_ = now + *lease;
    next_ = now + (lease ? std::min(Duration{lease->ns / 2}, renew_pause_max) : renew_pause_max);
}

void LeaseSchedule::failed(MonoTime now) {
    Duration pause = map_retry_min;
    for (unsigned i = 0; i < failures_ && pause < map_retry_max; ++i)
        pause = pause * 2;
    pause = std::min(pause, map_retry_max);
    if (failures_ < 63) ++failures_;
    if (held(now) && ends_)
        pause = std::min(pause, std::max(Duration{(*ends_ - now).ns / 4}, map_retry_while_held_min));
    next_ = now + pause;
}

void LeaseSchedule::not_needed(MonoTime now) {
    granted_ = false;
    ends_.reset();
    failures_ = 0;
    next_ = now + renew_pause_max;
}

std::uint16_t external_port_to_try(std::uint16_t own_port, unsigned attempt, Random& random) {
    if (attempt == 0) return own_port;
    return static_cast<std::uint16_t>(1024 + random.below(65'536 - 1024));
}

}  // namespace peerbook::p2p

#include "p2p/peers/peer_health.h"

#include <algorithm>

namespace peerbook::p2p {

namespace {

constexpr int unknown_figure = figure_max / 2;
constexpr Duration full_age = Duration::seconds(24 * 3600);
constexpr std::int64_t fading_ms = 2 * 24 * 3600 * std::int64_t{1000};
constexpr Duration window = Duration::seconds(10);  // of throughput
constexpr std::int64_t half_round_trip_ms = 200;
constexpr std::uint64_t half_rate = 1'000'000;  // bytes a second

}  // namespace

const char* to_string(BreakerState state) {
    switch (state) {
        case BreakerState::closed:
            return "closed";
        case BreakerState::open:
            return "open";
        case BreakerState::half_open:
            return "half_open";
    }
    return "closed";
}

void PeerHealth::account(MonoTime now) {
    if (now <= updated_) return;
    const std::int64_t ms = (now - updated_).ms();
    if (ms == 0) return;
    updated_ = updated_ + Duration::milliseconds(ms);
    known_ms_ += ms;
    if (is_connected_) connected_ms_ += ms;
    while (known_ms_ > fading_ms) {
        known_ms_ /= 2;
        connected_ms_ /= 2;
    }
}

void PeerHealth::count(std::uint32_t& counter) {
    ++counter;
    if (successes_ + failures_ < counted_max) return;
    successes_ /= 2;
    failures_ /= 2;
}

void PeerHealth::connected(MonoTime now) {
    account(now);
    is_connected_ = true;
    heard_ = now;
    window_from_ = now;
    window_bytes_ = 0;
}

void PeerHealth::disconnected(MonoTime now) {
    account(now);
    is_connected_ = false;
    window_from_.reset();
}

void PeerHealth::answered(MonoTime now, Duration round_trip) {
    round_trip_ = round_trip_ ? *round_trip_ + Duration{(round_trip.ns - round_trip_->ns) / 8} : round_trip;
    succeeded(now);
}

void PeerHealth::succeeded(MonoTime now) {
    heard_ = std::max(heard_, now);
    count(successes_);
    close_breaker();
}

void PeerHealth::close_breaker() {
    failures_in_row_ = 0;
    is_open_ = is_probing_ = false;
    pause_ = Duration{};
}

void PeerHealth::failed(MonoTime now, Duration pause_max, std::uint32_t quarter) {
    count(failures_);
    if (failures_in_row_ < figure_max) ++failures_in_row_;
    if (!is_probing_ && (is_open_ || failures_in_row_ < failures_in_row_max)) return;
    pause_ = std::min({std::max(pause_ * 2, breaker_pause_min), breaker_pause_max, pause_max});
    is_open_ = true;
    is_probing_ = false;
    open_until_ = now + pause_ - Duration{pause_.ns / 4 * std::int64_t{quarter % 256} / 256};
}

void PeerHealth::received(MonoTime now, std::size_t bytes) {
    heard_ = std::max(heard_, now);
    window_bytes_ += bytes;
    tick(now);
}

void PeerHealth::tick(MonoTime now) {
    if (!window_from_ || now - *window_from_ < window) return;
    const std::uint64_t ms = static_cast<std::uint64_t>((now - *window_from_).ms());
    // What a peer could do lately: an idle line is not a slow one, so the rate falls by an eighth a window.
    rate_ = std::max(rate_ - rate_ / 8, window_bytes_ * 1000 / std::max<std::uint64_t>(ms, 1));
    is_measured_ = true;
    window_from_ = now;
    window_bytes_ = 0;
}

bool PeerHealth::allows_attempt(MonoTime now) const {
    return !is_open_ || open_until_ <= now;
}

void PeerHealth::attempt_started(MonoTime now) {
    if (!is_open_ || now < open_until_) return;
    is_probing_ = true;
    open_until_ = now + pause_;  // a probe without a result does not hold it for ever
}

BreakerState PeerHealth::breaker(MonoTime now) const {
    if (!is_open_) return BreakerState::closed;
    return is_probing_ || open_until_ <= now ? BreakerState::half_open : BreakerState::open;
}

int PeerHealth::availability(MonoTime now) const {
    const std::int64_t more = now > updated_ ? (now - updated_).ms() : 0;
    const std::int64_t known = known_ms_ + more, up = connected_ms_ + (is_connected_ ? more : 0);
    if (known == 0) return is_connected_ ? figure_max : unknown_figure;
    return static_cast<int>(up * figure_max / known);
}

int PeerHealth::round_trip_figure() const {
    if (!round_trip_) return unknown_figure;
    return static_cast<int>(half_round_trip_ms * figure_max / (half_round_trip_ms + round_trip_->ms()));
}

int PeerHealth::performance() const {
    const std::uint64_t rate = std::min<std::uint64_t>(rate_, 1'000'000'000'000);
    const int throughput =
        is_measured_ ? static_cast<int>(rate * figure_max / (rate + half_rate)) : unknown_figure;
    return (round_trip_figure() * 7 + throughput * 3) / 10;
}

int PeerHealth::health(WallTime now) const {
    const std::uint32_t all = successes_ + failures_;
    const int ratio =
        all == 0 ? unknown_figure : static_cast<int>(std::uint64_t{successes_} * figure_max / all);
    const std::int64_t age_ms = std::clamp<std::int64_t>(now.ms - since_.ms, 0, full_age.ms());
    const int age = static_cast<int>(age_ms * figure_max / full_age.ms());
    const int sum = (ratio * 5 + age * 2 + round_trip_figure() * 3) / 10;
    return std::max(sum - static_cast<int>(failures_in_row_) * figure_max / 10, 0);
}

void PeerHealth::restore(WallTime since, std::uint32_t successes, std::uint32_t failures) {
    if (since < since_) since_ = since;
    successes_ = std::min(successes, counted_max / 2 - 1);
    failures_ = std::min(failures, counted_max / 2 - 1);
}

std::size_t PeerHealth::addresses_left(MonoTime now) const {
    if (!told_from_ || now - *told_from_ >= addresses_told_within) return addresses_told_max;
    return addresses_told_max - std::min(told_, addresses_told_max);
}

void PeerHealth::told_addresses(MonoTime now, std::size_t count) {
    if (count == 0) return;
    if (!told_from_ || now - *told_from_ >= addresses_told_within) {
        told_from_ = now;
        told_ = 0;
    }
    told_ += count;
}

PeerHealth& PeerRecords::of(Now now, const PeerId& peer) {
    if (const auto found = records_.find(peer); found != records_.end()) return found->second;
    if (records_.size() >= peer_records_max)
        records_.erase(std::min_element(records_.begin(), records_.end(), [](const auto& a, const auto& b) {
            if (a.second.is_connected() != b.second.is_connected()) return b.second.is_connected();
            return a.second.heard_at() < b.second.heard_at();
        }));
    return records_.emplace(peer, PeerHealth(now)).first->second;
}

const PeerHealth* PeerRecords::find(const PeerId& peer) const {
    const auto found = records_.find(peer);
    return found == records_.end() ? nullptr : &found->second;
}

PeerHealth* PeerRecords::find(const PeerId& peer) {
    const auto found = records_.find(peer);
    return found == records_.end() ? nullptr : &found->second;
}

void PeerRecords::maintain(MonoTime now) {
    for (auto it = records_.begin(); it != records_.end();) {
        const auto record = it++;
        if (record->second.is_connected())
            record->second.tick(now);
        else if (now - record->second.heard_at() >= unheard_max)
            records_.erase(record);
    }
}

}  // namespace peerbook::p2p

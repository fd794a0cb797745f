#include "tests/sim/links.h"

#include <algorithm>
#include <utility>

namespace peerbook::sim {

namespace {

constexpr std::int64_t ms = 1'000;
constexpr std::int64_t notice_us_max = 40 * ms;  // until a side hears that its session broke
constexpr std::int64_t redial_us = 100 * ms;
constexpr std::int64_t silence_us = 1'500 * ms;  // a side that hears nothing for so long gives the session up
// Of what was on the way when a session broke: what the receiver had taken in already is still worked on,
// late, and some of it twice, because it comes over the next session as well.
constexpr std::uint32_t taken_in_ppm = 200'000;
constexpr std::uint32_t twice_ppm = 50'000;

}  // namespace

Links::Links(std::size_t nodes, const Plan& plan, Random random, Scheduler& scheduler, RareStates& rare,
             LinkUser& user)
    : nodes_(nodes),
      plan_(plan),
      random_(random),
      scheduler_(scheduler),
      rare_(rare),
      user_(user),
      sessions_(nodes * nodes) {
    for (std::size_t a = 0; a < nodes; ++a)
        for (std::size_t b = 0; b < nodes; ++b) {
            if (a == b) continue;
            Direction& way = direction(a, b);
            const auto spread = static_cast<std::uint64_t>(plan.delay_us_max - plan.delay_us_min + 1);
            way.delay_us_min = plan.delay_us_min + static_cast<std::int64_t>(random_.below(spread));
            way.delay_us_max = way.delay_us_min + static_cast<std::int64_t>(random_.below(spread)) / 2;
        }
}

Links::Session& Links::at(std::size_t a, std::size_t b) {
    return sessions_[std::min(a, b) * nodes_ + std::max(a, b)];
}
const Links::Session& Links::at(std::size_t a, std::size_t b) const {
    return sessions_[std::min(a, b) * nodes_ + std::max(a, b)];
}
Links::Direction& Links::direction(std::size_t from, std::size_t to) {
    Session& session = at(from, to);
    return from < to ? session.there : session.back;
}

const Links::Direction& Links::direction(std::size_t from, std::size_t to) const {
    const Session& session = at(from, to);
    return from < to ? session.there : session.back;
}

void Links::start() {
    for (std::size_t a = 0; a < nodes_; ++a)
        for (std::size_t b = a + 1; b < nodes_; ++b)
            dial(a, b, 1 + static_cast<std::int64_t>(random_.below(20 * ms)));
}

void Links::dial(std::size_t a, std::size_t b, std::int64_t after_us) {
    if (std::exchange(at(a, b).dialing, true)) return;
    scheduler_.after(after_us, [this, a, b] {
        at(a, b).dialing = false;
        try_connect(a, b);
    });
}

void Links::try_connect(std::size_t a, std::size_t b) {
    Session& session = at(a, b);
    if (session.up) return;
    const bool open = !session.forbidden && session.there.blocked == 0 && session.back.blocked == 0 &&
                      user_.is_reachable(a) && user_.is_reachable(b) &&
                      scheduler_.now_us() > session.quiet_until_us;
    if (!open) return dial(a, b, redial_us + static_cast<std::int64_t>(random_.below(redial_us)));
    session.up = true;
    session.since_us = scheduler_.now_us();
    ++session.epoch;
    user_.on_connected(a, b);
    user_.on_connected(b, a);
}

void Links::break_session(std::size_t a, std::size_t b) {
    Session& session = at(a, b);
    if (!std::exchange(session.up, false)) return;
    ++session.epoch;
    rare_.add(Rare::broken_session);
    session.there.stalled.clear();
    session.back.stalled.clear();
    session.quiet_until_us = scheduler_.now_us() + notice_us_max + 1;
    for (const auto& [one, other] : {std::pair(a, b), std::pair(b, a)})
        scheduler_.after(1 + static_cast<std::int64_t>(random_.below(notice_us_max)),
                         [this, node = one, peer = other, process = user_.process_of(one)] {
                             if (user_.process_of(node) == process) user_.on_disconnected(node, peer);
                         });
    dial(a, b, notice_us_max + 2 + static_cast<std::int64_t>(random_.below(redial_us)));
}

void Links::drop_node(std::size_t node) {
    for (std::size_t other = 0; other < nodes_; ++other)
        if (other != node) break_session(node, other);
}

void Links::forbid(std::size_t a, std::size_t b, bool forbidden) {
    at(a, b).forbidden = forbidden;
    if (forbidden) break_session(a, b);
}

void Links::send(std::size_t from, std::size_t to, std::uint8_t kind, const SharedBytes& payload) {
    if (from == to || !at(from, to).up) return;
    Direction& way = direction(from, to);
    if (way.blocked > 0)
        way.stalled.push_back({kind, payload});
    else
        transmit(from, to, {kind, payload});
}

void Links::transmit(std::size_t from, std::size_t to, Message message) {
    Direction& way = direction(from, to);
    const auto spread = static_cast<std::uint64_t>(way.delay_us_max - way.delay_us_min + 1);
    std::int64_t delay = way.delay_us_min + static_cast<std::int64_t>(random_.below(spread));
    if (!healed_ && random_.chance(plan_.late_ppm)) delay *= 10;
    way.last_arrival_us = std::max(way.last_arrival_us + 1, scheduler_.now_us() + delay);
    const bool taken_in = random_.chance(taken_in_ppm), twice = random_.chance(twice_ppm);
    const bool breaks = !healed_ && random_.chance(plan_.break_ppm);
    const bool damaged = !healed_ && random_.chance(plan_.damage_ppm);
    const std::uint64_t place = random_.next();
    scheduler_.after(way.last_arrival_us - scheduler_.now_us(),
                     [this, from, to, message = std::move(message), epoch = at(from, to).epoch,
                      process = user_.process_of(to), taken_in, twice, breaks, damaged, place] {
                         if (user_.process_of(to) != process) return;
                         if (at(from, to).epoch != epoch) {
                             if (!taken_in) return;
                             rare_.add(Rare::late_after_break);
                             if (twice) {
                                 rare_.add(Rare::twice_after_break);
                                 arrive(from, to, message);
                             }
                             return arrive(from, to, message);
                         }
                         if (breaks) return break_session(from, to);
                         if (damaged && message.payload.size() > 0) {
                             user_.on_damaged(from, to, message.kind, message.payload,
                                              static_cast<std::size_t>(place % message.payload.size()));
                             return break_session(from, to);
                         }
                         arrive(from, to, message);
                     });
}

void Links::arrive(std::size_t from, std::size_t to, const Message& message) {
    if (direction(from, to).blocked > 0 && at(from, to).up)
        direction(from, to).stalled.push_back(message);
    else
        user_.on_message(from, to, message.kind, message.payload);
}

// --- faults
// -----------------------------------------------------------------------------------------------------

void Links::block(std::size_t from, std::size_t to, std::int64_t for_us, bool breaks) {
    if (from == to || healed_) return;
    ++direction(from, to).blocked;
    scheduler_.after(for_us, [this, from, to] { unblock(from, to); });
    if (!breaks) return;
    scheduler_.after(silence_us, [this, from, to, epoch = at(from, to).epoch] {
        if (direction(from, to).blocked > 0 && at(from, to).epoch == epoch) break_session(from, to);
    });
}

std::int64_t Links::hears_for_us(std::size_t node, std::size_t peer) const {
    const Session& session = at(node, peer);
    const Direction& way = direction(peer, node);
    if (!session.up || way.blocked > 0) return 0;
    return scheduler_.now_us() - std::max(session.since_us, way.free_since_us);
}

void Links::unblock(std::size_t from, std::size_t to) {
    Direction& way = direction(from, to);
    if (way.blocked == 0 || --way.blocked > 0) return;
    way.free_since_us = scheduler_.now_us();
    for (Message& message : std::exchange(way.stalled, {}))
        transmit(from, to, std::move(message));
}

void Links::split(std::int64_t for_us) {
    if (healed_ || nodes_ < 2) return;
    rare_.add(Rare::split);
    const std::uint64_t side = 1 + random_.below((1ull << nodes_) - 2);
    part(side, for_us);
}

void Links::part(std::uint64_t side, std::int64_t for_us) {
    const bool at_once = random_.below(2) == 0;
    for (std::size_t a = 0; a < nodes_; ++a)
        for (std::size_t b = a + 1; b < nodes_; ++b) {
            if ((side >> a & 1) == (side >> b & 1)) continue;
            block(a, b, for_us, true);
            block(b, a, for_us, true);
            if (at_once) break_session(a, b);
        }
}

void Links::isolate(std::size_t node, std::int64_t for_us) {
    if (healed_ || nodes_ < 2) return;
    rare_.add(Rare::isolated);
    const bool at_once = random_.below(2) == 0;
    for (std::size_t other = 0; other < nodes_; ++other) {
        if (other == node) continue;
        block(node, other, for_us, true);
        block(other, node, for_us, true);
        if (at_once) break_session(node, other);
    }
}

// Two halves that meet only in one node.
void Links::bridge(std::int64_t for_us) {
    if (healed_ || nodes_ < 3) return;
    rare_.add(Rare::bridge);
    const std::size_t middle = any_node();
    const std::uint64_t side = random_.next();
    for (std::size_t a = 0; a < nodes_; ++a)
        for (std::size_t b = a + 1; b < nodes_; ++b) {
            if (a == middle || b == middle || (side >> a & 1) == (side >> b & 1)) continue;
            block(a, b, for_us, true);
            block(b, a, for_us, true);
            break_session(a, b);
        }
}

void Links::one_way(std::int64_t for_us) {
    if (healed_ || nodes_ < 2) return;
    rare_.add(Rare::one_way);
    const std::size_t from = any_node();
    const bool to_all = random_.below(2) == 0;
    const std::size_t only = any_node();
    for (std::size_t to = 0; to < nodes_; ++to)
        if (to != from && (to_all || to == only)) block(from, to, for_us, true);
}

void Links::clog(std::int64_t for_us) {
    if (healed_ || nodes_ < 2) return;
    rare_.add(Rare::clogged);
    const std::size_t from = any_node(), to = any_node();
    block(from, to, for_us, false);
}

void Links::flap(std::int64_t for_us) {
    if (healed_ || nodes_ < 2 || for_us <= 0) return;
    rare_.add(Rare::flapping);
    const std::size_t a = any_node(), b = any_node();
    if (a == b) return;
    for (std::int64_t at_us = 0; at_us < for_us; at_us += redial_us + 150 * ms)
        scheduler_.after(at_us, [this, a, b] {
            if (!healed_) break_session(a, b);
        });
}

void Links::heal() {
    healed_ = true;
    for (std::size_t a = 0; a < nodes_; ++a)
        for (std::size_t b = 0; b < nodes_; ++b)
            if (a != b && direction(a, b).blocked > 0) {
                direction(a, b).blocked = 1;
                unblock(a, b);
            }
}

}  // namespace peerbook::sim

#include "tests/sim/plan.h"

#include <algorithm>

#include "base/random.h"

namespace peerbook::sim {

const char* name_of(Trouble trouble) {
    switch (trouble) {
        case Trouble::none:
            return "none";
        case Trouble::strange_peer:
            return "strange peer";
        case Trouble::equivocator:
            return "equivocator";
        case Trouble::lost_store:
            return "lost store";
        case Trouble::older_store:
            return "older store";
        case Trouble::two_processes:
            return "two processes";
        case Trouble::damaged_store:
            return "damaged store";
        case Trouble::liar:
            return "liar";
    }
    return "unknown";
}

const char* name_of(Break broken) {
    switch (broken) {
        case Break::none:
            return "none";
        case Break::sent_before_durable:
            return "sent_before_durable";
        case Break::sync_lies:
            return "sync_lies";
        case Break::last_record_lost:
            return "last_record_lost";
        case Break::replayed_by_author:
            return "replayed_by_author";
        case Break::foreign_not_kept:
            return "foreign_not_kept";
        case Break::damage_let_through:
            return "damage_let_through";
        case Break::answered_twice:
            return "answered_twice";
        case Break::acknowledged_at_once:
            return "acknowledged_at_once";
        case Break::root_of_wrong_commit:
            return "root_of_wrong_commit";
    }
    return "unknown";
}

namespace {

std::uint32_t times(Random& random, std::uint64_t one_in, std::uint64_t most) {
    return random.below(one_in) == 0 ? static_cast<std::uint32_t>(1 + random.below(most)) : 0;
}

std::int64_t between(Random& random, std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(high - low + 1)));
}

void draw_trouble(Plan& plan, Random& random) {
    const std::uint64_t dice = random.below(100);
    if (plan.members < 3) return;  // someone else must be there, and hear of it from another
    if (dice < 18) {
        plan.trouble = Trouble::strange_peer;
        plan.tricks = 1 + static_cast<std::uint32_t>(random.below(harmless_tricks));
        if (random.below(2) == 0)
            plan.tricks =
                (plan.tricks & ~static_cast<std::uint32_t>(trick_withhold)) | trick_selective | trick_deaf;
    } else if (dice < 24) {
        plan.trouble = Trouble::equivocator;
        plan.tricks = trick_equivocate | static_cast<std::uint32_t>(random.below(harmless_tricks + 1));
    } else if (dice < 29) {
        plan.trouble = Trouble::lost_store;
    } else if (dice < 35) {
        plan.trouble = Trouble::older_store;
    } else if (dice < 39) {
        plan.trouble = Trouble::two_processes;
    } else if (dice < 43) {
        plan.trouble = Trouble::damaged_store;
    }
}

void draw_views(Plan& plan, Random& random) {
    const auto ms_between = [&](std::int64_t low, std::int64_t high) {
        return Duration::milliseconds(between(random, low, high));
    };
    plan.members = std::max<std::size_t>(plan.members, 2 + random.below(4));
    app::ViewKeeperOptions& views = plan.node.views;
    views.suspect_after = ms_between(500, random.below(5) == 0 ? 3'000 : 900);
    views.join_interval = ms_between(200, 1'000);
    views.hold_off = ms_between(50, random.below(4) == 0 ? 1'500 : 400);
    views.hold_off_max = ms_between(1'500, 4'000);
    views.hold_off_forget = ms_between(2'000, 20'000);
    views.times.turn = ms_between(20, 300);
    views.times.attempt = ms_between(400, 2'500);
    views.times.resend = ms_between(100, 500);
    views.times.backoff_doublings_max = static_cast<std::uint32_t>(random.below(5));
    const std::int64_t suspect_us = views.suspect_after.ns / 1'000;
    plan.active_us = 1'500'000 + suspect_us * between(random, 2, 6);
    plan.request_us_max = between(random, 30'000, 250'000);
    plan.isolations = times(random, 2, 3);
    plan.long_splits = times(random, 2, 3);
    plan.long_one_ways = times(random, 4, 2);
    plan.absences = times(random, 2, 3);
    plan.held_disks = times(random, 3, 3);
    plan.ballot_crashes = times(random, 2, 5);
    if (random.below(2) == 0)
        plan.ballot_trouble_ppm = 20'000 + static_cast<std::uint32_t>(random.below(400'000));
    plan.leaves_for_good = plan.members >= 3 && random.below(6) == 0;
}

// All nodes are fresh. Which trouble there may be then is not worked out.
void draw_founding(Plan& plan, Random& random) {
    plan.founds = true;
    plan.trouble = Trouble::none;
    plan.tricks = 0;
    plan.members = 2 + random.below(4);
    plan.observers = 0;
    plan.operator_founds = random.below(6) == 0;
    plan.node.views.admission.joining =
        random.below(6) == 0 ? exchange::Joining::invited : exchange::Joining::anyone;
    plan.node.founding.discovery_wait = Duration::milliseconds(between(random, 20, 500));
    plan.node.founding.patience =
        Duration::milliseconds(between(random, 150, random.below(3) == 0 ? 1'500 : 500));
    plan.active_us += plan.node.founding.patience.ns / 1'000 * between(random, 1, 4);
    plan.late_start_us_max = random.below(2) == 0 ? plan.active_us * 3 / 4 : 100'000;
    plan.crashes = times(random, 2, 6);
    // So that what is on its way while a ledger is founded is lost as often as other things are.
    if (random.below(2) == 0) plan.break_ppm = 5'000 + static_cast<std::uint32_t>(random.below(40'000));
}

void draw_strangers(Plan& plan, Random& random) {
    using exchange::Joining;
    plan.observers = 1 + random.below(3);
    exchange::AdmissionPolicy& policy = plan.node.views.admission;
    policy.joining = random.below(2) == 0 ? Joining::anyone : Joining::invited;
    policy.invitations_needed = 1 + static_cast<std::uint32_t>(random.below(2));
    if (policy.joining == Joining::invited)
        plan.uninvited = static_cast<std::uint32_t>(random.below(plan.observers + 1));
    if (random.below(2) == 0) plan.late_start_us_max = plan.active_us * 3 / 4;
}

// Drawn after all the rest, from numbers of its own.
void draw_membership(Plan& plan, Random random) {
    const std::uint64_t dice = random.below(100);
    if (dice < 24 && !plan.views_change()) draw_views(plan, random);
    if (dice < 14)
        draw_founding(plan, random);
    else if (dice < 24)
        draw_strangers(plan, random);
    if (!plan.views_change()) return;
    if (plan.trouble == Trouble::none && !plan.founds && plan.members >= 3 && random.below(5) == 0) {
        plan.trouble = Trouble::liar;
        plan.tricks = trick_lie;
    }
    if (random.below(5) < 3) return;
    plan.stops = 1 + static_cast<std::uint32_t>(random.below(4));
    plan.stops_for_good = plan.members >= 3 && random.below(3) == 0;
    plan.node.leave_after = Duration::milliseconds(between(random, 0, 500));
    plan.node.leave_timeout = Duration::milliseconds(between(random, 500, 4'000));
    plan.node.views.leave_grace = Duration::milliseconds(between(random, 0, 300));
    plan.node.views.leave_interval = Duration::milliseconds(between(random, 100, 500));
}

// No trouble but what the run is for.
void draw_calm(Plan& plan, Random& random) {
    if (!plan.views_change()) draw_views(plan, random);
    plan.trouble = Trouble::none;
    plan.tricks = 0;
    plan.leaves_for_good = plan.stops_for_good = false;
    plan.stops = plan.uninvited = 0;
    plan.active_us += 3 * plan.node.views.suspect_after.ns / 1'000;
}

void draw_fork(Plan& plan, Random& random) {
    draw_calm(plan, random);
    plan.quorum_dies = true;
    plan.hasty_forks = times(random, 2, 6);
    plan.members = std::max<std::size_t>(plan.members, 2 + random.below(4));
    exchange::AdmissionPolicy& policy = plan.node.views.admission;
    if (policy.joining == exchange::Joining::invited) policy.joining = exchange::Joining::anyone;
    plan.active_us += 2'000'000;
}

void draw_adoptions(Plan& plan, Random& random) {
    draw_calm(plan, random);
    draw_founding(plan, random);
    plan.node.views.admission.joining = exchange::Joining::anyone;
    plan.members = 4 + random.below(2);
    plan.adoptions = 1 + static_cast<std::uint32_t>(random.below(3));
    plan.apart_us = 4 * (plan.node.founding.discovery_wait.ns + plan.node.founding.patience.ns) / 1'000;
    plan.late_start_us_max = 100'000;
    plan.active_us += 2 * plan.apart_us;
}

void draw_lost_carrier(Plan& plan, Random& random) {
    draw_calm(plan, random);
    plan.carrier_dies = true;
    plan.members = std::max<std::size_t>(plan.members, 3 + random.below(3));
    plan.observers = 1 + random.below(2);
    plan.node.views.admission.joining = exchange::Joining::named;
}

void draw_late_elder(Plan& plan, Random& random) {
    draw_calm(plan, random);
    plan.members = 2;
    plan.observers = 3;
    plan.node.views.admission.joining = exchange::Joining::anyone;
    plan.elder_late_us = between(random, 300'000, 1'000'000);
    plan.late_start_us_max = 0;
}

// Disks that need longer than a ballot has at first, and nobody is suspected for it.
void draw_slow_disks(Plan& plan, Random& random) {
    draw_calm(plan, random);
    plan.node.views.times.attempt = Duration::milliseconds(between(random, 200, 400));
    plan.sync_us_min = plan.node.views.times.attempt.ns / 2'000;
    plan.sync_us_max = plan.node.views.times.attempt.ns / 1'000;
    plan.node.views.suspect_after = Duration::milliseconds(3'000);
    plan.active_us += 6'000'000;
    plan.absences = std::max<std::uint32_t>(plan.absences, 1);
}

// Drawn after all the rest, from numbers of its own.
void draw_aims(Plan& plan, Random random) {
    if (plan.founds && random.below(3) == 0) plan.entry_is_silent = true;
    const std::uint64_t dice = random.below(100);
    if (dice < 8) return draw_fork(plan, random);
    if (dice < 14) return draw_adoptions(plan, random);
    if (plan.founds || plan.trouble != Trouble::none) return;
    if (dice < 22) return draw_lost_carrier(plan, random);
    if (dice < 27) return draw_late_elder(plan, random);
    if (dice < 31) return draw_slow_disks(plan, random);
    if (plan.views_change() && plan.members >= 3 && random.below(2) == 0)
        plan.rival_values = 2 + static_cast<std::uint32_t>(random.below(3));
    plan.dead_links = plan.members >= 3 && plan.rival_values == 0 && random.below(3) == 0;
}

// Drawn after all the rest, from numbers of its own.
void draw_far(Plan& plan, Random random) {
    const bool has_another_aim = plan.quorum_dies || plan.adoptions > 0 || plan.carrier_dies ||
                                 plan.elder_late_us > 0 || plan.dead_links;
    if (random.below(8) > 0 || plan.founds || has_another_aim) return;
    plan.far_observers = true;
    plan.observers = 2 + random.below(2);
    plan.uninvited = 0;
    plan.node.views.admission.joining = exchange::Joining::named;
    plan.node.far_retry = Duration::milliseconds(between(random, 200, random.below(2) == 0 ? 600 : 6'000));
    if (random.below(3) == 0)
        plan.node.relay_timeout = plan.node.far_retry + Duration::milliseconds(between(random, 0, 3'000));
    // Long enough for a batch to be written, sent and executed.
    const Duration least =
        plan.node.far_retry + Duration::milliseconds(500) + Duration::microseconds(2 * plan.sync_us_max);
    plan.node.relay_timeout = std::max(plan.node.relay_timeout, least);
    plan.active_us += 2'000'000;
}

// Drawn after all the rest, from numbers of its own.
void draw_details(Plan& plan, Random random) {
    plan.names_few = plan.quorum_dies && random.below(plan.founds ? 4 : 2) == 0;
    // An observer gives up so soon that what it gave up may still run.
    if (random.below(3) > 0 || (plan.observers == 0 && !plan.views_change())) return;
    plan.node.relay_retry = Duration::milliseconds(between(random, 20, 400));
    plan.node.relay_timeout = plan.node.relay_retry + Duration::milliseconds(between(random, 0, 600));
}

}  // namespace

Plan Plan::draw(std::uint64_t seed) {
    Random random(seed * 0x9e3779b97f4a7c15 + 7);
    Plan plan;
    plan.seed = seed;
    plan.members = 1 + random.below(5);
    plan.observers = times(random, 3, 1);
    plan.active_us = between(random, 600'000, 2'500'000);
    plan.delay_us_min = between(random, 50, 3'000);
    plan.delay_us_max = plan.delay_us_min + between(random, 0, random.below(4) == 0 ? 60'000 : 5'000);
    plan.late_ppm = random.below(2) == 0 ? 0 : 20'000;
    plan.break_ppm = random.below(3) == 0 ? 0 : static_cast<std::uint32_t>(random.below(8'000));
    plan.damage_ppm = random.below(3) == 0 ? 2'000 : 0;
    plan.splits = times(random, 3, 3);
    plan.one_ways = times(random, 4, 2);
    plan.bridges = times(random, 4, 2);
    plan.flappings = times(random, 4, 2);
    plan.clogs = times(random, 3, 3);
    plan.crashes = times(random, 2, 6);
    plan.pauses = times(random, 4, 3);
    plan.clock_jumps = times(random, 4, 3);
    plan.failed_syncs = times(random, 6, 2);
    plan.full_disks = times(random, 8, 1);
    plan.skew_ms_max = random.below(4) == 0 ? 1'600 : 20;
    plan.sync_us_min = between(random, 20, 500);
    plan.sync_us_max = plan.sync_us_min + between(random, 0, random.below(4) == 0 ? 60'000 : 3'000);
    plan.request_us_max = between(random, 5'000, 80'000);
    plan.commands_max = 1 + random.below(12);
    plan.roaming_clients = static_cast<std::uint32_t>(random.below(3));
    if (random.below(4) == 0) {
        plan.node.ledger.suspended_per_author_max = 1 + random.below(6);
        plan.node.ledger.unsettled_commands_max = 20 + random.below(60);
    }
    if (random.below(4) == 0) plan.node.pending_commands_max = 20 + random.below(100);
    if (random.below(4) == 0) plan.node.known_orders_max = 1 + random.below(30);
    plan.node.ack_delay = Duration::milliseconds(random.below(2) == 0 ? 5 : 30);
    draw_trouble(plan, random);
    if (random.below(5) < 2) draw_views(plan, random);
    draw_membership(plan, Random(seed * 0xd1342543de82ef95 + 3));
    draw_aims(plan, Random(seed * 0xaef17502108ef2d9 + 11));
    draw_details(plan, Random(seed * 0x94d049bb133111eb + 13));
    draw_far(plan, Random(seed * 0xbf58476d1ce4e5b9 + 17));
    return plan;
}

Plan Plan::speed() {
    Plan plan;
    plan.members = 5;
    plan.active_us = 20'000'000;
    plan.request_us_max = 1'000'000;
    plan.node.ack_delay = Duration::milliseconds(20);
    return plan;
}

std::string Plan::text() const {
    auto part = [](const char* name, std::int64_t value) {
        return value == 0 ? std::string() : std::string(", ") + name + " " + std::to_string(value);
    };
    return std::to_string(members) + " members, " + std::to_string(observers) + " observers, " +
           std::to_string(active_us / 1'000) + " ms, delay " + std::to_string(delay_us_min) + " to " +
           std::to_string(delay_us_max) + " us, sync to " + std::to_string(sync_us_max) + " us" +
           part("late ppm", late_ppm) + part("break ppm", break_ppm) + part("damage ppm", damage_ppm) +
           part("splits", splits) + part("one way", one_ways) + part("bridges", bridges) +
           part("flapping", flappings) + part("clogs", clogs) + part("crashes", crashes) +
           part("pauses", pauses) + part("clock jumps", clock_jumps) + part("failed syncs", failed_syncs) +
           part("full disks", full_disks) + part("skew ms", skew_ms_max) +
           part("suspect ms", node.views.suspect_after.ms()) + part("isolations", isolations) +
           part("long splits", long_splits) + part("long one way", long_one_ways) +
           part("absences", absences) + part("held disks", held_disks) +
           part("ballot crashes", ballot_crashes) + part("ballot trouble ppm", ballot_trouble_ppm) +
           part("leaves for good", leaves_for_good) + part("founds", founds) +
           part("operator founds", operator_founds) + part("late start us", late_start_us_max) +
           part("dead links", dead_links) + part("far observers", far_observers) +
           part("joining", static_cast<std::int64_t>(node.views.admission.joining)) +
           part("uninvited", uninvited) + part("stops", stops) + part("one for good", stops_for_good) +
           part("a quorum dies", quorum_dies) + part("names few", names_few) + part("adoptions", adoptions) +
           part("hasty forks", hasty_forks) + part("carrier dies", carrier_dies) +
           part("elder late us", elder_late_us) + part("rival values", rival_values) +
           part("entry is silent", entry_is_silent) + part("relay retry ms", node.relay_retry.ms()) +
           part("relay timeout ms", node.relay_timeout.ms()) + ", trouble: " + name_of(trouble) +
           part("tricks", tricks);
}

}  // namespace peerbook::sim

#include "app/node/view_keeper.h"

#include <algorithm>

#include "app/node/node_parts.h"

namespace peerbook::app {

using exchange::ViewMessageKind;

namespace {

// A joiner or leaver is one that asked within so many of its intervals.
constexpr std::int64_t asked_lately = 3;
constexpr std::uint32_t hold_off_doublings_max = 16;

}  // namespace

ViewKeeper::ViewKeeper(const exchange::OpenLedger& ledger, const Signer& signer, ViewKeeperOptions options,
                       Random random)
    : ledger_(ledger),
      signer_(signer),
      options_(options),
      random_(random),
      admission_(options.admission, ledger.view().members) {
    begin();
}

void ViewKeeper::began() {
    admission_ = exchange::Admission(options_.admission, ledger_.view().members);
    closed_.clear();
    closed_bytes_ = 0;
    memberships_.clear();
    convicted_.clear();
    begin();
}

bool ViewKeeper::convict(const PublicKey& member) {
    if (!ledger_.view().index_of(member) && !admission_.is_known(member)) return false;
    joiners_.erase(member);
    return convicted_.insert(member).second;
}

void ViewKeeper::begin() {
    std::erase_if(by_relay_, [&](const auto& one) { return !ledger_.view().index_of(one.first); });
    change_ = std::make_unique<exchange::ViewChange>(ledger_, signer_, admission_, options_.times,
                                                     Random(random_.next()));
    inbox_.clear();
    tickets_.clear();
    joiners_.clear();
    leaving_.clear();
    next_leave_.reset();
    settling_waits_since_.reset();
    holding_up_.clear();
}

void ViewKeeper::installed(const exchange::View& closed, const exchange::Decision& decision,
                           std::optional<MonoTime> now) {
    SharedBytes bytes(exchange::encode_decision(decision));
    closed_bytes_ += bytes.size();
    closed_.push_back({decision.next.previous, closed, exchange::cut_tips(decision.next), std::move(bytes)});
    while (closed_bytes_ > options_.closed_bytes_max) {
        closed_bytes_ -= closed_.front().decision.size();
        closed_.pop_front();
    }
    if (now) note_members(closed, *now);
    if (ledger_.view().index_of(signer_.public_key())) last_join_.reset();
    admission_.were_members(ledger_.view().members);
    begin();
}

void ViewKeeper::forked(const exchange::View& closed, const exchange::View& fork) {
    closed_.push_back({fork.previous, closed, exchange::cut_tips(fork), {}});
    admission_ = exchange::Admission(options_.admission, fork.members);
    memberships_.clear();
    begin();
}

void ViewKeeper::note_members(const exchange::View& closed, MonoTime now) {
    for (const PublicKey& member : closed.members) {
        if (ledger_.view().index_of(member)) continue;
        heard_.erase(member);  // it is no peer for sure; if it is, it will be heard
        Membership& membership = membership_of(member);
        // One that comes and goes all the time would have the others change views all the time.
        const bool stayed = !membership.joined || now - *membership.joined >= options_.hold_off_forget;
        if (stayed && asked_to_leave(member, now)) continue;
        if (membership.joined && now - *membership.joined >= options_.hold_off_forget) membership.drops = 0;
        ++membership.drops;
        membership.dropped = now;
    }
    for (const PublicKey& member : ledger_.view().members) {
        if (closed.index_of(member)) continue;
        membership_of(member).joined = now;
        heard_[member] = now;  // it was alive when it was let in
    }
}

bool ViewKeeper::heard_by_relay(const PublicKey& member, MonoTime now) {
    heard_[member] = now;
    const auto [last, is_first] = by_relay_.try_emplace(member, now);
    const bool is_new = is_first || now - last->second > apart_interval() * 4;
    last->second = now;
    return is_new;
}

bool ViewKeeper::is_apart(const PublicKey& member, const std::set<PublicKey>& connected, MonoTime now) const {
    if (connected.contains(member)) return false;
    const auto heard = by_relay_.find(member);
    return heard != by_relay_.end() && now - heard->second <= apart_interval() * 4;
}

void ViewKeeper::disconnected(const PublicKey& peer) {
    told_.erase(peer);
    by_relay_.erase(peer);
    if (!ledger_.view().index_of(peer)) heard_.erase(peer);
}

ViewKeeper::Membership& ViewKeeper::membership_of(const PublicKey& key) {
    if (memberships_.size() >= memberships_max && !memberships_.contains(key)) {
        const auto older = [](const auto& a, const auto& b) {
            return std::max(a.second.dropped, a.second.joined) < std::max(b.second.dropped, b.second.joined);
        };
        memberships_.erase(std::min_element(memberships_.begin(), memberships_.end(), older));
    }
    return memberships_[key];
}

void ViewKeeper::on_message(exchange::ViewMessage message, Now now) {
    if (message.view != ledger_.view_digest()) return;  // it was verified for the one before
    if (message.kind == ViewMessageKind::join) return note_join(std::move(message), now);
    if (message.kind == ViewMessageKind::leave) return note_leave(message.sender, now.mono);
    // Its ballots would keep it in, and only take the others' turns.
    if (message.kind == ViewMessageKind::prepare || message.kind == ViewMessageKind::propose)
        if (is_convicted(message.sender)) return;
    if (inbox_.size() < inbox_max) inbox_.push_back(std::move(message));  // else it comes again
}

void ViewKeeper::note_join(exchange::ViewMessage message, Now now) {
    std::erase_if(message.invitations, [&](const auto& one) { return one.expires <= now.wall; });
    auto grounds = admission_.grounds(ledger_.view(), message.sender, message.invitations);
    if (!grounds || is_convicted(message.sender) || !make_room_for(message.sender, now.mono)) return;
    joiners_[message.sender] = Joiner{std::move(message.tips), std::move(*grounds), now.mono};
}

bool ViewKeeper::make_room_for(const PublicKey& joiner, MonoTime now) {
    if (joiners_.size() < joiners_max || joiners_.contains(joiner)) return true;
    if (std::erase_if(joiners_, [&](const auto& one) { return !asks_to_join(one.second, now); }) > 0)
        return true;
    const auto was_member = [&](const PublicKey& key) {
        return admission_.is_known(key) || memberships_.contains(key);
    };
    if (!was_member(joiner)) return false;
    const auto stranger =
        std::ranges::find_if(joiners_, [&](const auto& one) { return !was_member(one.first); });
    if (stranger == joiners_.end()) return false;
    joiners_.erase(stranger);
    return true;
}

void ViewKeeper::set_invitations(std::vector<exchange::Invitation> invitations) {
    if (invitations.size() > own_invitations_max) invitations.resize(own_invitations_max);
    invitations_ = std::move(invitations);
    next_join_.reset();
}

std::vector<exchange::Invitation> ViewKeeper::own_invitations() const {
    auto counted = exchange::by_members(ledger_.view(), signer_.public_key(), invitations_);
    // Those that last longest are the most likely to be taken; on the wire they are in order again.
    if (counted.size() > exchange::invitations_needed_max) {
        std::ranges::sort(counted, [](const auto& a, const auto& b) { return a.expires > b.expires; });
        counted.resize(exchange::invitations_needed_max);
        std::ranges::sort(counted, exchange::comes_before);
    }
    return counted;
}

std::string ViewKeeper::joining_needs(WallTime now) const {
    const PublicKey& self = signer_.public_key();
    if (ledger_.view().index_of(self)) return {};
    const auto invitations = own_invitations();
    const auto expired = static_cast<std::size_t>(
        std::ranges::count_if(invitations, [&](const auto& one) { return one.expires <= now; }));
    const exchange::AdmissionPolicy& policy = admission_.policy();
    const std::size_t needed = admission_.invitations_needed(ledger_.view());
    const bool may_ask = admission_.grounds(ledger_.view(), self, invitations).has_value();
    if (may_ask && (admission_.is_known(self) || policy.joining != exchange::Joining::invited ||
                    invitations.size() - expired >= needed))
        return {};
    if (policy.joining == exchange::Joining::named)
        return "it cannot become a member: the network names its members, and this node is none of them";
    std::string text = "to become a member it needs invitations by " + std::to_string(needed) +
                       " of the present members and has " + std::to_string(invitations.size() - expired);
    if (expired > 0) text += " (" + std::to_string(expired) + " more expired)";
    return text + ": a member makes one with `peerbook invite " + to_hex(self) +
           "`, and `peerbook join` takes it here";
}

void ViewKeeper::on_decision(exchange::Decision decision, const PublicKey& from) {
    change_->on_decision(std::move(decision), from);
}

void ViewKeeper::on_durable(std::uint64_t ticket, Effects& effects) {
    exchange::ViewChangeOutput out;
    for (; !tickets_.empty() && tickets_.front().second <= ticket; tickets_.pop_front())
        change_->on_stored(tickets_.front().first, out);
    Step nothing;
    take(std::move(out), nothing, effects);
}

// --- what is known of others
// ----------------------------------------------------------------------------------------

bool ViewKeeper::asks_to_join(const Joiner& joiner, MonoTime now) const {
    return now - joiner.asked <= options_.join_interval * asked_lately;
}

Duration ViewKeeper::hold_off(const Membership& membership) const {
    if (membership.drops == 0) return {};
    const std::uint32_t doublings = std::min(membership.drops - 1, hold_off_doublings_max);
    return std::min(options_.hold_off * (std::int64_t{1} << doublings), options_.hold_off_max);
}

bool ViewKeeper::may_come_in(const PublicKey& key, const Joiner& joiner, MonoTime now) const {
    if (!asks_to_join(joiner, now)) return false;
    const auto membership = memberships_.find(key);
    if (membership != memberships_.end() && membership->second.dropped &&
        now - *membership->second.dropped < hold_off(membership->second))
        return false;
    const exchange::VersionVector& mine = ledger_.version_vector();
    std::uint64_t lacks = 0;
    for (std::size_t i = 0; i < mine.size(); ++i)
        if (joiner.tips[i].seq < mine[i]) lacks += std::min(mine[i] - joiner.tips[i].seq, joiner_lag_max + 1);
    return lacks <= joiner_lag_max;
}

bool ViewKeeper::is_suspected(const PublicKey& member, MonoTime now) const {
    if (options_.suspect_after == Duration{} || member == signer_.public_key()) return false;
    if (holds_up_settling(member)) return true;
    const auto heard = heard_.find(member);
    return heard != heard_.end() && now - heard->second >= options_.suspect_after;
}

void ViewKeeper::note_leave(const PublicKey& member, MonoTime now) {
    leaving_.try_emplace(member, Leaver{now, now}).first->second.last = now;
}

bool ViewKeeper::asked_to_leave(const PublicKey& member, MonoTime now) const {
    const auto leaver = leaving_.find(member);
    return leaver != leaving_.end() && now - leaver->second.last <= options_.join_interval * asked_lately;
}

bool ViewKeeper::is_heard(const PublicKey& member, MonoTime now, const Own& own) const {
    if (member == signer_.public_key()) return true;
    if (!own.connected.contains(member) && !is_apart(member, own.connected, now)) return false;
    if (options_.suspect_after == Duration{}) return true;
    const auto heard = heard_.find(member);
    return heard != heard_.end() &&
           now - heard->second < Duration::nanoseconds(options_.suspect_after.ns / 2);
}

bool ViewKeeper::can_leave(MonoTime now, const Own& own) const {
    std::vector<bool> heard;
    bool one_stays = false;
    for (const PublicKey& member : ledger_.view().members) {
        heard.push_back(is_heard(member, now, own));
        one_stays =
            one_stays || (heard.back() && member != signer_.public_key() && !asked_to_leave(member, now));
    }
    return one_stays && exchange::is_quorum(ledger_.view(), heard);
}

std::optional<Duration> ViewKeeper::alive_interval() const {
    if (options_.suspect_after == Duration{}) return std::nullopt;
    return Duration::nanoseconds(options_.suspect_after.ns / 4);
}

exchange::Outlook ViewKeeper::outlook(MonoTime now, const Own& own, Effects& effects) const {
    exchange::Outlook outlook;
    bool one_stays = false;
    for (const PublicKey& member : ledger_.view().members) {
        outlook.convicted.push_back(is_convicted(member));
        outlook.suspected.push_back(is_suspected(member, now) || is_convicted(member));
        outlook.heard.push_back(is_heard(member, now, own));
        outlook.leaving.push_back(asked_to_leave(member, now));
        one_stays =
            one_stays || (outlook.heard.back() && !outlook.leaving.back() && !outlook.convicted.back());
    }
    // The first one's moment counts for all that ask by then.
    std::optional<MonoTime> due;
    for (std::size_t i = 0; i < outlook.leaving.size(); ++i)
        if (outlook.leaving[i])
            sooner(due, leaving_.at(ledger_.view().members[i]).first + options_.leave_grace);
    if (due && now < *due) sooner(effects.wake_at, *due);
    if (!one_stays || (due && now < *due)) outlook.leaving.assign(outlook.leaving.size(), false);
    std::size_t stay = 0;
    for (std::size_t i = 0; i < outlook.suspected.size(); ++i)
        stay += !outlook.suspected[i] && !outlook.leaving[i];
    for (const auto& [key, joiner] : joiners_) {
        if (stay >= exchange::view_members_max || !may_come_in(key, joiner, now)) continue;
        outlook.joiners.push_back(key);
        outlook.invitations.insert(outlook.invitations.end(), joiner.grounds.begin(), joiner.grounds.end());
    }
    return outlook;
}

// --- steps
// ----------------------------------------------------------------------------------------------------------

void ViewKeeper::take(exchange::ViewChangeOutput out, Step& step, Effects& effects) const {
    for (auto& send : out.sends)
        effects.sends.push_back(
            {send.to, static_cast<std::uint8_t>(MessageKind::view_message), std::move(send.message)});
    for (auto& record : out.records)
        step.records.push_back(std::move(record));
    step.fetch_from.merge(out.fetch_from);
    if (out.install) step.install = std::move(out.install);
    step.take_branches.merge(out.take_branches);
    if (out.conflict) step.conflict = std::move(out.conflict);
    for (std::string& alarm : out.alarms)
        effects.logs.push_back({true, "view " + std::to_string(ledger_.view().number) + ": " + alarm});
    if (out.wake_at) sooner(effects.wake_at, *out.wake_at);
}

ViewKeeper::Step ViewKeeper::step(MonoTime now, const Own& own, Effects& effects) {
    note_running(now, effects);

    Step step;
    exchange::ViewChangeOutput out;
    for (const exchange::ViewMessage& message : std::exchange(inbox_, {}))
        if (own.may_vote) change_->on_message(message, now, out);
    ask_to_leave(now, own, effects);
    exchange::Outlook view_of_others = outlook(now, own, effects);
    // One that may not vote only waits for decisions.
    if (!own.may_vote) view_of_others.heard.assign(view_of_others.heard.size(), false);
    change_->step(now, view_of_others, out);
    take(std::move(out), step, effects);
    ask_to_join(now, own, effects);
    return step;
}

void ViewKeeper::note_running(MonoTime now, Effects& effects) {
    // While this process did not run it heard nobody; that is no sign of them.
    const bool stood_still = last_step_ && options_.suspect_after > Duration{} &&
                             now - *last_step_ >= Duration::nanoseconds(options_.suspect_after.ns / 2);
    for (const PublicKey& member : ledger_.view().members) {
        MonoTime& heard = heard_.try_emplace(member, now).first->second;
        if (stood_still) heard = now;
        if (options_.suspect_after > Duration{} && heard + options_.suspect_after > now)
            sooner(effects.wake_at, heard + options_.suspect_after);
    }
    last_step_ = now;
    watch_settling(now, stood_still, effects);
}

// L* stops at the round of the last block of whoever makes none, and at no other: a quorum that names each
// other's blocks settles up to the least of their last ones. One that promised to end the view makes none
// either, so nothing counts while a ballot is known of.
void ViewKeeper::watch_settling(MonoTime now, bool stood_still, Effects& effects) {
    if (options_.suspect_after == Duration{}) return;
    const exchange::LedgerStats stats = ledger_.stats();
    const auto self = ledger_.view().index_of(signer_.public_key());
    const bool has_moved = stats.settled_round != settled_round_;
    settled_round_ = stats.settled_round;
    // In a forked view nobody makes blocks any more.
    const bool nothing_waits = !self || stats.unsettled_commands == 0 || ledger_.is_forked();
    if (nothing_waits || has_moved || stood_still) {
        settling_waits_since_.reset();
        holding_up_.clear();
        if (nothing_waits) return;
    }
    if (is_stopped()) return settling_waits_since_.reset();  // what was found so far stays
    if (!settling_waits_since_) settling_waits_since_ = now;
    const MonoTime due = *settling_waits_since_ + options_.suspect_after;
    if (now < due) return sooner(effects.wake_at, due);
    if (!holding_up_.empty()) return;
    const auto progress = ledger_.progress();
    if (progress[self->value()].tip_round <= settled_round_) return;  // this node does not, either
    for (std::size_t i = 0; i < progress.size(); ++i)
        if (progress[i].tip_round <= settled_round_) holding_up_.insert(ledger_.view().members[i]);
    if (holding_up_.empty()) settling_waits_since_ = now;
}

void ViewKeeper::ask_to_join(MonoTime now, const Own& own, Effects& effects) {
    const PublicKey& self = signer_.public_key();
    if (own.leaving || ledger_.view().index_of(self)) return next_join_.reset();
    std::vector<exchange::Invitation> invitations = own_invitations();
    if (!admission_.grounds(ledger_.view(), self, invitations)) return next_join_.reset();
    if (!next_join_) next_join_ = now;
    if (now < *next_join_) return sooner(effects.wake_at, *next_join_);
    next_join_ = now + options_.join_interval;
    sooner(effects.wake_at, *next_join_);
    if (!own.caught_up) return;
    last_join_ = now;
    exchange::ViewMessage join;
    join.kind = ViewMessageKind::join;
    join.sender = self;
    join.view = ledger_.view_digest();
    join.tips = ledger_.tips();
    join.invitations = std::move(invitations);
    tell_members(std::move(join), effects);
}

std::optional<MonoTime> ViewKeeper::may_be_let_in_until() const {
    if (!last_join_ || ledger_.view().index_of(signer_.public_key())) return std::nullopt;
    return *last_join_ + options_.join_interval * asked_lately;
}

void ViewKeeper::ask_to_leave(MonoTime now, const Own& own, Effects& effects) {
    if (!own.leaving || !ledger_.view().index_of(signer_.public_key())) return next_leave_.reset();
    note_leave(signer_.public_key(), now);
    if (next_leave_ && now < *next_leave_) return sooner(effects.wake_at, *next_leave_);
    next_leave_ = now + options_.leave_interval;
    sooner(effects.wake_at, *next_leave_);
    exchange::ViewMessage leave;
    leave.kind = ViewMessageKind::leave;
    leave.sender = signer_.public_key();
    leave.view = ledger_.view_digest();
    tell_members(std::move(leave), effects);
}

void ViewKeeper::tell_members(exchange::ViewMessage message, Effects& effects) const {
    const SharedBytes bytes(exchange::sign_view_message(message, ledger_.engine().rules().network,
                                                        ledger_.view().ledger, signer_));
    // Those that are not connected get it by gossip.
    for (const PublicKey& member : ledger_.view().members)
        if (member != signer_.public_key())
            effects.sends.push_back({member, static_cast<std::uint8_t>(MessageKind::view_message), bytes});
}

bool ViewKeeper::is_stopped() const {
    return change_->wedged() || change_->is_decided() || !inbox_.empty();
}

const ViewKeeper::Closed* ViewKeeper::closed(const Digest& view) const {
    for (auto it = closed_.rbegin(); it != closed_.rend(); ++it)
        if (it->digest == view) return &*it;
    return nullptr;
}

bool ViewKeeper::other_view_due(const PublicKey& peer, MonoTime now) {
    const auto [told, is_new] = told_.try_emplace(peer, now);
    if (!is_new && now - told->second < other_view_interval) return false;
    told->second = now;
    return true;
}

}  // namespace peerbook::app

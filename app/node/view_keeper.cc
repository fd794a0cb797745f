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
      admissible_(ledger.view().members) {
    begin();
}

void ViewKeeper::begin() {
    change_ = std::make_unique<exchange::ViewChange>(ledger_, signer_, admissible_, options_.times,
                                                     Random(random_.next()));
    inbox_.clear();
    tickets_.clear();
    joiners_.clear();
    leaving_.clear();
}

void ViewKeeper::rebound() {
    admissible_ = ledger_.view().members;
    begin();
}

void ViewKeeper::installed(const exchange::View& closed, const exchange::Decision& decision,
                           std::optional<MonoTime> now) {
    closed_.push_back({decision.next.previous, closed, exchange::cut_tips(decision.next),
                       SharedBytes(exchange::encode_decision(decision))});
    if (closed_.size() > closed_views_max) closed_.pop_front();
    if (now) note_members(closed, *now);
    begin();
}

void ViewKeeper::note_members(const exchange::View& closed, MonoTime now) {
    for (const PublicKey& member : closed.members) {
        if (ledger_.view().index_of(member)) continue;
        Membership& membership = memberships_[member];
        if (membership.joined && now - *membership.joined >= options_.hold_off_forget) membership.drops = 0;
        ++membership.drops;
        membership.dropped = now;
    }
    for (const PublicKey& member : ledger_.view().members) {
        if (closed.index_of(member)) continue;
        memberships_[member].joined = now;
        heard_[member] = now;  // it was alive when it was let in
    }
}

void ViewKeeper::disconnected(const PublicKey& peer) {
    told_.erase(peer);
    if (!ledger_.view().index_of(peer)) heard_.erase(peer);
}

void ViewKeeper::on_message(exchange::ViewMessage message, MonoTime now) {
    if (message.view != exchange::digest_of(ledger_.view())) return;  // it was verified for the one before
    if (message.kind == ViewMessageKind::join) {
        if (may_join(message.sender)) joiners_[message.sender] = Joiner{std::move(message.tips), now};
        return;
    }
    if (message.kind == ViewMessageKind::leave) {
        leaving_[message.sender] = now;
        return;
    }
    if (inbox_.size() < inbox_max) inbox_.push_back(std::move(message));  // else it comes again
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

bool ViewKeeper::may_join(const PublicKey& key) const {
    return !ledger_.view().index_of(key) &&
           std::find(admissible_.begin(), admissible_.end(), key) != admissible_.end();
}

Duration ViewKeeper::hold_off(const Membership& membership) const {
    if (membership.drops == 0) return {};
    const std::uint32_t doublings = std::min(membership.drops - 1, hold_off_doublings_max);
    return std::min(options_.hold_off * (std::int64_t{1} << doublings), options_.hold_off_max);
}

bool ViewKeeper::may_come_in(const PublicKey& key, const Joiner& joiner, MonoTime now) const {
    if (now - joiner.asked > options_.join_interval * asked_lately) return false;
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
    const auto heard = heard_.find(member);
    return heard != heard_.end() && now - heard->second >= options_.suspect_after;
}

std::optional<Duration> ViewKeeper::alive_interval() const {
    if (options_.suspect_after == Duration{}) return std::nullopt;
    return Duration::nanoseconds(options_.suspect_after.ns / 4);
}

exchange::Outlook ViewKeeper::outlook(MonoTime now, const Own& own) const {
    const Duration heard_within = Duration::nanoseconds(options_.suspect_after.ns / 2);
    exchange::Outlook outlook;
    for (const PublicKey& member : ledger_.view().members) {
        const bool is_self = member == signer_.public_key();
        outlook.suspected.push_back(is_suspected(member, now));
        const auto heard = heard_.find(member);
        const bool is_fresh = options_.suspect_after == Duration{} ||
                              (heard != heard_.end() && now - heard->second < heard_within);
        outlook.heard.push_back(is_self || (own.connected.contains(member) && is_fresh));
        const auto leaves = leaving_.find(member);
        outlook.leaving.push_back(leaves != leaving_.end() &&
                                  now - leaves->second <= options_.join_interval * asked_lately);
    }
    for (const auto& [key, joiner] : joiners_)
        if (may_come_in(key, joiner, now)) outlook.joiners.push_back(key);
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
    for (std::string& alarm : out.alarms)
        effects.logs.push_back({true, "view " + std::to_string(ledger_.view().number) + ": " + alarm});
    if (out.wake_at) sooner(effects.wake_at, *out.wake_at);
}

ViewKeeper::Step ViewKeeper::step(MonoTime now, const Own& own, Effects& effects) {
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

    Step step;
    exchange::ViewChangeOutput out;
    for (const exchange::ViewMessage& message : std::exchange(inbox_, {}))
        if (own.may_vote) change_->on_message(message, now, out);
    exchange::Outlook view_of_others = outlook(now, own);
    // One that may not vote only waits for decisions.
    if (!own.may_vote) view_of_others.heard.assign(view_of_others.heard.size(), false);
    change_->step(now, view_of_others, out);
    take(std::move(out), step, effects);
    ask_to_join(now, own, effects);
    return step;
}

void ViewKeeper::ask_to_join(MonoTime now, const Own& own, Effects& effects) {
    if (!may_join(signer_.public_key())) return next_join_.reset();
    if (!next_join_) next_join_ = now;
    if (now < *next_join_) return sooner(effects.wake_at, *next_join_);
    next_join_ = now + options_.join_interval;
    sooner(effects.wake_at, *next_join_);
    if (!own.caught_up) return;
    exchange::ViewMessage join;
    join.kind = ViewMessageKind::join;
    join.sender = signer_.public_key();
    join.view = exchange::digest_of(ledger_.view());
    join.tips = ledger_.tips();
    const SharedBytes bytes(
        exchange::sign_view_message(join, ledger_.engine().rules().network, ledger_.view().ledger, signer_));
    for (const PublicKey& member : ledger_.view().members)
        if (own.connected.contains(member))
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

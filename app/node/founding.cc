#include "app/node/founding.h"

#include <algorithm>

#include "app/node/node_parts.h"

namespace peerbook::app {

using State = LedgerNews::State;

namespace {

constexpr std::uint32_t avoid_doublings_max = 5;  // of the patience
constexpr std::size_t remembered_max = 256;       // of what is remembered about peers that may be gone

}  // namespace

void Founding::on_news(const PublicKey& peer, LedgerNews news, MonoTime now) {
    if (!first_heard_) first_heard_ = now;
    if (news.state == State::given_up) {
        if (news.first->members.front() != peer) return;
        given_up_[peer] = news.first->ledger;
        if (ledger_of(peer) == news.first->ledger) heard_.erase(peer);
        return;
    }
    const auto known = heard_.find(peer);
    const bool is_same = known != heard_.end() && known->second.news.state == news.state &&
                         known->second.news.ledger() == news.ledger();
    if (news.state == State::established) note_met(news);
    if (is_same)
        known->second.news = std::move(news);
    else
        heard_[peer] = {std::move(news), now};
}

Digest Founding::ledger_of(const PublicKey& peer) const {
    const auto known = heard_.find(peer);
    return known == heard_.end() ? Digest{} : known->second.news.ledger();
}

const LedgerNews* Founding::news_of(const PublicKey& peer) const {
    const auto known = heard_.find(peer);
    return known == heard_.end() ? nullptr : &known->second.news;
}

std::size_t Founding::reachable(const Digest& ledger) const {
    return static_cast<std::size_t>(std::ranges::count_if(heard_, [&](const auto& one) {
        const LedgerNews& news = one.second.news;
        return news.state == State::established && news.ledger() == ledger;
    }));
}

void Founding::note_met(const LedgerNews& news) {
    const Digest ledger = news.ledger();
    const auto known = met_.find(ledger);
    if (known != met_.end()) {
        if (news.view >= known->second.view) known->second = news;
        return;
    }
    if (met_.size() >= met_max) {
        const auto gone =
            std::ranges::find_if(met_, [&](const auto& one) { return reachable(one.first) == 0; });
        if (gone == met_.end()) return;
        met_.erase(gone);
    }
    met_.emplace(ledger, news);
}

std::vector<Founding::Met> Founding::met() const {
    std::vector<Met> all;
    for (const auto& [ledger, news] : met_)
        all.push_back({news, reachable(ledger)});
    return all;
}

const LedgerNews* Founding::find(const Digest& ledger) const {
    const LedgerNews* best = nullptr;
    for (const auto& [peer, heard] : heard_)
        if (heard.news.state == State::established && heard.news.ledger() == ledger &&
            (!best || heard.news.view > best->view))
            best = &heard.news;
    return best;
}

std::optional<Founding::Decision> Founding::decide(const Standing& standing, MonoTime now,
                                                   std::optional<MonoTime>& wake_at) {
    if (standing.state == State::none) {
        second_gone_since_.reset();
        return choose(standing, now, wake_at);
    }
    if (standing.state != State::founded) return std::nullopt;
    const PublicKey& founder = standing.first->members.front();
    const Digest& ledger = standing.ledger;
    if (founder == self_) return watch_second(standing, now, wake_at);
    if (!standing.first->index_of(self_)) {
        // Nobody there has shown a block, and nothing of this node went there.
        if (now < standing.since + options_.patience) {
            sooner(wake_at, standing.since + options_.patience);
            return std::nullopt;
        }
        // Its members may be out of reach for a moment; or there are none, and a peer only says so.
        if (avoided_.size() >= remembered_max) avoided_.clear();
        Avoided& avoided = avoided_[ledger];
        avoided.until = now + options_.patience * (std::int64_t{1} << avoided.doublings);
        avoided.doublings = std::min(avoided.doublings + 1, avoid_doublings_max);
        return Decision{Decision::Kind::leave, {}, {}};
    }
    // The founder tells of what it does only when that is on its disk; so it is gone from here.
    const auto given_up = given_up_.find(founder);
    const auto heard = heard_.find(founder);
    const bool is_given_up = (given_up != given_up_.end() && given_up->second == ledger) ||
                             (heard != heard_.end() && ledger_of(founder) != ledger);
    if (!is_given_up) return std::nullopt;
    if (avoided_founders_.size() >= remembered_max) avoided_founders_.clear();
    avoided_founders_[founder] = now + options_.patience;
    return Decision{Decision::Kind::leave, {}, {}};
}

bool Founding::may_enter(const LedgerNews& news, MonoTime now) const {
    const Digest ledger = news.ledger();
    if (options_.only) return ledger == *options_.only && !left_.contains(ledger);
    const auto avoided = avoided_.find(ledger);
    return !left_.contains(ledger) && (avoided == avoided_.end() || now >= avoided->second.until);
}

// One that this store does not know any more.
bool Founding::names_this_node(const LedgerNews& news) const {
    return news.first->index_of(self_) || std::ranges::any_of(news.forks, [&](const exchange::View& fork) {
               return fork.index_of(self_).has_value();
           });
}

// Of a node without a ledger.
std::optional<Founding::Decision> Founding::choose(const Standing& standing, MonoTime now,
                                                   std::optional<MonoTime>& wake_at) {
    if (heard_.empty()) return std::nullopt;
    const MonoTime due = *first_heard_ + options_.discovery_wait;
    if (now < due) {
        sooner(wake_at, due);
        return std::nullopt;
    }
    const LedgerNews* best = nullptr;
    for (const auto& [peer, heard] : heard_) {
        if (heard.news.state != State::established || names_this_node(heard.news) ||
            !may_enter(heard.news, now))
            continue;
        if (!best || heard.news.members > best->members ||
            (heard.news.members == best->members && heard.news.ledger() < best->ledger()))
            best = &heard.news;
    }
    if (best) return Decision{Decision::Kind::enter, {}, *best};
    if (options_.only) return std::nullopt;
    for (const auto& [ledger, avoided] : avoided_)
        if (now < avoided.until) sooner(wake_at, avoided.until);

    for (const auto& [peer, heard] : heard_) {
        const auto avoided = avoided_founders_.find(peer);
        if (heard.news.state == State::founded && heard.news.founding > 0 && heard.news.forks.empty() &&
            peer < self_ && heard.news.first->members == std::vector<PublicKey>{peer, self_} &&
            may_enter(heard.news, now)) {
            if (avoided == avoided_founders_.end() || now >= avoided->second)
                return Decision{Decision::Kind::enter, {}, heard.news};
            sooner(wake_at, avoided->second);
        }
    }

    // Others may be founding one that can be joined soon, or one with a lower id may be about to.
    const bool is_patient = now < standing.since + options_.patience * 3;
    const PublicKey* second = nullptr;
    for (int round = 0; round < 2 && !second; ++round) {
        for (const auto& [peer, heard] : heard_) {
            const bool is_fresh = heard.news.state == State::none;
            const MonoTime until = heard.since + options_.patience;
            if (is_patient && now < until &&
                (heard.news.state == State::founded || (is_fresh && peer < self_))) {
                sooner(wake_at, until);
                return std::nullopt;
            }
            if (is_fresh && self_ < peer && !second && !failed_.contains(peer)) second = &peer;
        }
        if (!second) failed_.clear();
    }
    if (!second) return std::nullopt;
    return Decision{Decision::Kind::found, *second, {}};
}

std::optional<Founding::Decision> Founding::watch_second(const Standing& standing, MonoTime now,
                                                         std::optional<MonoTime>& wake_at) {
    const PublicKey& second = standing.first->members.back();
    const auto heard = heard_.find(second);
    const Digest its = ledger_of(second);
    const MonoTime latest = standing.since + options_.patience * 3;
    if (heard != heard_.end() && its == standing.ledger && now < latest) {
        second_gone_since_.reset();  // its first block is on its way
        sooner(wake_at, latest);
        return std::nullopt;
    }
    const bool is_elsewhere = heard != heard_.end() && heard->second.news.state == State::established;
    if (!second_gone_since_) second_gone_since_ = std::max(now, standing.since);
    const MonoTime due = *second_gone_since_ + options_.patience;
    if (!is_elsewhere && now < due && now < latest) {
        sooner(wake_at, due);
        return std::nullopt;
    }
    if (failed_.size() >= remembered_max) failed_.clear();
    failed_.insert(second);
    second_gone_since_.reset();
    return Decision{Decision::Kind::give_up, {}, {}};
}

}  // namespace peerbook::app

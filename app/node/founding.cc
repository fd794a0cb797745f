#include "app/node/founding.h"

#include <algorithm>

#include "app/node/node_parts.h"
#include "base/codec.h"

namespace peerbook::app {

using State = LedgerNews::State;

namespace {

constexpr std::uint64_t foundings_max = std::uint64_t{1} << 62;
constexpr std::uint32_t avoid_doublings_max = 5;  // of the patience
constexpr std::size_t remembered_max = 256;       // of what is remembered about peers that may be gone

}  // namespace

Bytes encode_ledger_news(const LedgerNews& news) {
    Bytes bytes;
    Encoder out(bytes);
    out.u8(static_cast<std::uint8_t>(news.state));
    if (news.state == State::none) return bytes;
    out.varint(news.founding);
    out.varint(news.members);
    out.bytes(exchange::encode_view(*news.first));
    return bytes;
}

Result<LedgerNews> decode_ledger_news(ByteView bytes, const Digest& network) {
    Decoder in(bytes);
    LedgerNews news;
    const std::uint8_t state = in.u8();
    if (state > static_cast<std::uint8_t>(State::given_up)) in.fail("no such state of a ledger");
    news.state = static_cast<State>(state);
    if (in.ok() && news.state != State::none) {
        news.founding = in.varint();
        news.members = in.varint_max(exchange::view_members_max, "more members than a view has");
        auto first = exchange::decode_view(in.bytes(exchange::view_bytes_max, "a view record is too long"));
        if (in.ok() && !first.ok()) return first.error().within("ledger news");
        if (in.ok()) news.first = std::move(*first);
    }
    if (Status status = in.finish(); !status.ok()) return status.error().within("ledger news");
    if (news.state == State::none) return news;
    const exchange::View& first = *news.first;
    if (first.number != 1)
        return Error{ErrorCode::invalid_input, "ledger news: the record is not that of view 1"};
    if (news.founding > foundings_max || (news.founding > 0 && first.members.size() != 2) ||
        (news.founding == 0 && news.state == State::given_up))
        return Error{ErrorCode::invalid_input, "ledger news: two nodes found a ledger, or one operator"};
    const auto expected = news.founding == 0
                              ? exchange::make_first_view(network, first.members)
                              : exchange::make_founded_view(network, first.members, news.founding);
    if (!expected.ok()) return expected.error().within("ledger news");
    if (expected->ledger != first.ledger)
        return Error{ErrorCode::invalid_input,
                     "ledger news: the ledger's id does not follow from its founding"};
    return news;
}

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
                         (!news.first || known->second.news.first->ledger == news.first->ledger);
    if (is_same)
        known->second.news = std::move(news);
    else
        heard_[peer] = {std::move(news), now};
}

Digest Founding::ledger_of(const PublicKey& peer) const {
    const auto known = heard_.find(peer);
    if (known == heard_.end() || !known->second.news.first) return {};
    return known->second.news.first->ledger;
}

std::optional<Founding::Decision> Founding::decide(const Standing& standing, MonoTime now,
                                                   std::optional<MonoTime>& wake_at) {
    if (standing.state == State::none) {
        second_gone_since_.reset();
        return choose(standing, now, wake_at);
    }
    if (standing.state != State::founded) return std::nullopt;
    const PublicKey& founder = standing.first->members.front();
    const Digest& ledger = standing.first->ledger;
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
    const Digest& ledger = news.first->ledger;
    const auto avoided = avoided_.find(ledger);
    return !left_.contains(ledger) && (avoided == avoided_.end() || now >= avoided->second.until);
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
        // One that names this node is one that this store does not know any more.
        if (heard.news.state != State::established || heard.news.first->index_of(self_) ||
            !may_enter(heard.news, now))
            continue;
        if (!best || heard.news.members > best->members ||
            (heard.news.members == best->members && heard.news.first->ledger < best->first->ledger))
            best = &heard.news;
    }
    if (best) return Decision{Decision::Kind::enter, {}, *best};
    for (const auto& [ledger, avoided] : avoided_)
        if (now < avoided.until) sooner(wake_at, avoided.until);

    for (const auto& [peer, heard] : heard_) {
        const auto avoided = avoided_founders_.find(peer);
        if (heard.news.state == State::founded && heard.news.founding > 0 && peer < self_ &&
            heard.news.first->members == std::vector<PublicKey>{peer, self_} && may_enter(heard.news, now)) {
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
    if (heard != heard_.end() && its == standing.first->ledger && now < latest) {
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

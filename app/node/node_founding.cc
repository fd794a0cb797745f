// Node's way into a ledger, where its peers have or found one: rules 19 and 20.
#include <algorithm>

#include "app/node/node.h"
#include "app/node/node_parts.h"
#include "base/check.h"

namespace peerbook::app {

using State = LedgerNews::State;

bool Node::tells_of_its_ledger() const {
    return options_.ledger_source != NodeOptions::LedgerSource::network_file ||
           (ledger_first_ && !ledger_first_->forks.empty());
}

bool Node::speaks_of_our_ledger(const PublicKey& peer) const {
    if (!sync_.connected().contains(peer)) return false;  // it went meanwhile
    if (is_cut_loose_) return false;
    const Digest said = founding_.ledger_of(peer);
    if (!tells_of_its_ledger() && said.is_zero()) return true;  // it has what the network file names
    return ledger_.view().number > 0 && said == ledger_id();
}

bool Node::has_blocks_of_our_ledger(const PublicKey& peer) const {
    if (speaks_of_our_ledger(peer)) return true;
    const LedgerNews* news = founding_.news_of(peer);
    return news && ledger_.view().number > 0 && news->comes_from(ledger_id());
}

// Rule 20: a block of the founder has the second's in its past.
bool Node::is_established() const {
    const exchange::View& view = ledger_.view();
    if (view.number != 1) return view.number > 1;
    if (!ledger_first_ || options_.ledger_source != NodeOptions::LedgerSource::peers) return true;
    if (ledger_first_->founding > 0) return ledger_.progress()[0].stable_round > view.base_round;
    // What a stranger says of an operator's ledger counts once a member's block is here.
    return std::ranges::any_of(ledger_.version_vector(), [](std::uint64_t seq) { return seq > 0; });
}

LedgerNews Node::news() const {
    if (!ledger_first_) return {};
    LedgerNews news = *ledger_first_;
    news.state = is_established() ? State::established : State::founded;
    news.members = ledger_.view().members.size();
    news.view = ledger_.view().number;
    return news;
}

void Node::on_ledger_news(const PublicKey& from, LedgerNews news, Now now, Effects& effects) {
    const bool is_given_up = news.state == State::founded && news.founding > 0 && news.forks.empty() &&
                             news.first->members.front() == self_ && tells_of_its_ledger() &&
                             (!ledger_first_ || !ledger_first_->comes_from(news.first->ledger));
    if (is_given_up && entered_ticket_ <= durable_ticket_) {
        // An offer leaves only when it is on disk, so this node knows all that it made.
        LedgerNews answer = news;
        answer.state = State::given_up;
        effects.sends.push_back({from, static_cast<std::uint8_t>(MessageKind::ledger_news),
                                 SharedBytes(encode_ledger_news(answer))});
    }
    const bool is_first = !founding_.news_of(from);
    founding_.on_news(from, std::move(news), now.mono);
    if (speaks_of_our_ledger(from)) views_.heard(from, now.mono);
    if (has_blocks_of_our_ledger(from)) sync_.send_version_vector(from, effects);
    // It is in another ledger than the network file's, and may not know that this one is met.
    if (is_first && !tells_of_its_ledger() && !speaks_of_our_ledger(from))
        effects.sends.push_back({from, static_cast<std::uint8_t>(MessageKind::ledger_news),
                                 SharedBytes(encode_ledger_news(this->news()))});
}

void Node::step_founding(Now now, Effects& effects) {
    if (!recovered_ || !tells_of_its_ledger()) return;
    // An own block on its way to the disk belongs in front of what is decided here.
    if (options_.ledger_source == NodeOptions::LedgerSource::peers && !in_flight_ && !draining_ &&
        entered_ticket_ <= durable_ticket_) {
        const Founding::Standing standing{news().state, ledger_first_ ? &*ledger_first_->first : nullptr,
                                          ledger_id(), ledger_since_};
        if (auto decision = founding_.decide(standing, now.mono, effects.wake_at)) {
            using Kind = Founding::Decision::Kind;
            if (decision->kind == Kind::found) {
                LedgerNews founded;
                founded.founding = foundings_ + 1;
                auto first = exchange::make_founded_view(ledger_.engine().rules().network,
                                                         {self_, decision->second}, founded.founding);
                PB_CHECK(first.ok(), "two different keys found a ledger");
                founded.first = std::move(*first);
                enter_ledger(std::move(founded), now, effects);
            } else if (decision->kind == Kind::enter) {
                enter_ledger(std::move(decision->ledger), now, effects);
            } else {
                leave_ledger(now, effects);
            }
        }
    }
    tell_of_ledger(now, effects);
}

void Node::tell_of_ledger(Now now, Effects& effects) {
    if (entered_ticket_ > durable_ticket_) return;
    const LedgerNews present = news();
    if (present.state != told_) {
        told_ = present.state;
        news_due_ = true;
        if (told_ == State::established) {
            effects.ledger = ledger_id();
            effects.logs.push_back({false, "ledger=" + short_id(ledger_id()) + " is established"});
        }
    }
    const bool is_new_view = std::exchange(view_news_due_, false) && present.state == State::established;
    if (!news_due_ && is_new_view)
        effects.broadcasts.push_back(
            {static_cast<std::uint8_t>(MessageKind::ledger_news), SharedBytes(encode_ledger_news(present))});
    if (!std::exchange(news_due_, false)) return;
    effects.broadcasts.push_back(
        {static_cast<std::uint8_t>(MessageKind::ledger_news), SharedBytes(encode_ledger_news(present))});
    if (present.state == State::none) return;
    sync_.unmute();
    sync_.on_view_installed(effects);
    sooner(effects.wake_at, now.mono);
}

void Node::enter_ledger(LedgerNews ledger, std::optional<Now> now, Effects& effects) {
    exchange::View first = *ledger.first;
    const bool is_founder = ledger.founding > 0 && first.members.front() == self_ && ledger.forks.empty();
    if (is_founder) foundings_ = std::max(foundings_, ledger.founding);
    ledger.state = State::founded;
    ledger.members = first.members.size();
    ledger.view = 1;
    if (now) {
        append_record(RecordKind::entered, encode_ledger_news(ledger), effects);
        effects.logs.push_back(
            {false,
             (is_founder ? "founds ledger=" : "enters ledger=") + short_id(ledger.ledger()) +
                 (is_founder ? " with=" + short_id(first.members.back())
                             : std::string(first.index_of(self_) ? " role=member" : " role=observer"))});
    }
    ledger_first_ = std::move(ledger);
    no_ledger_ = ledger_.view_digest();
    rebind(std::move(first), now, effects);
}

void Node::leave_ledger(std::optional<Now> now, Effects& effects) {
    PB_CHECK(ledger_first_.has_value() && !is_established(), "an established ledger is not left");
    if (now) {
        append_record(RecordKind::left, {}, effects);
        effects.logs.push_back({false, "leaves ledger=" + short_id(ledger_id()) +
                                           ", which nobody else took part in; nothing of it had settled"});
    }
    const Digest left = ledger_.view_digest();
    if (ledger_.view().index_of(self_)) founding_.left(ledger_id());
    ledger_first_.reset();
    rebind(exchange::make_no_ledger_again(self_, no_ledger_, left), now, effects);
}

void Node::rebind(exchange::View first, std::optional<Now> now, Effects& effects) {
    const std::uint64_t made = own_seq();
    const exchange::LedgerUpdate update = ledger_.rebind(std::move(first));
    attestation_ = {};
    awaited_ = asked_root_ = 0;
    retraction_ = Retraction::view_end;
    enter_view(update, made, now.has_value(), effects);
    retraction_ = Retraction::late_block;
    views_.began();
    evidence_.clear();
    alarms_.clear();
    if (!now) return;
    entered_ticket_ = append_ticket_;
    ledger_since_ = now->mono;
    told_ = State::given_up;  // whatever it is now, peers were not told
    effects.view = std::make_shared<const exchange::View>(ledger_.view());
    sync_.mute();
    sync_.on_view_installed(effects);
    sooner(effects.wake_at, now->mono);
}

Status Node::recover_ledger(RecordKind kind, ByteView record, Effects& effects) {
    const auto corrupt = [](const std::string& why) {
        return Error{ErrorCode::corrupt, "the journal holds a record of a ledger that " + why};
    };
    const bool is_fresh = ledger_.view().number == 0;
    if (kind == RecordKind::left) {
        if (is_fresh || !ledger_first_ || is_established()) return corrupt("cannot be left here");
        leave_ledger(std::nullopt, effects);
        return {};
    }
    auto ledger = decode_ledger_news(record, ledger_.engine().rules().network);
    if (!ledger.ok()) return corrupt("cannot be read: " + ledger.error().message);
    if (!is_fresh || !ledger->first) return corrupt("cannot be entered here");
    enter_ledger(std::move(*ledger), std::nullopt, effects);
    return {};
}

}  // namespace peerbook::app

#include "p2p/nat/reachability.h"

#include <algorithm>

namespace peerbook::p2p {

void Reachability::set(Now now, Reach reach) {
    if (reach_ == reach) return;
    reach_ = reach;
    since_ = now.wall;
}

// Where enough networks tried in vain.
void Reachability::conclude(Now now) {
    if (tried_in_vain_.empty() || tried_in_vain_.size() < std::min(failing_networks_min, networks_)) return;
    set(now, Reach::unreachable);
    next_ = now.mono + pause_;
    pause_ = std::min(pause_ * 2, check_interval);
    tried_in_vain_.clear();
}

bool Reachability::due(Now now) const {
    return now.mono >= next_ && (!question_ || now.mono - question_->at >= dial_back_answer_max);
}

std::optional<PeerId> Reachability::ask(Now now, const std::vector<Candidate>& candidates) {
    if (!due(now)) return std::nullopt;
    question_.reset();
    std::erase_if(asked_at_, [now](const auto& entry) { return now.mono - entry.second >= ask_pause; });
    std::set<std::string> networks;
    const Candidate* chosen = nullptr;
    for (const Candidate& candidate : candidates) {
        networks.insert(candidate.network);
        if (asked_at_.contains(candidate.peer) || tried_in_vain_.contains(candidate.network)) continue;
        if (!chosen) chosen = &candidate;
    }
    networks_ = networks.size();
    if (!chosen) {
        next_ = now.mono + ask_gap;
        conclude(now);  // those that were left to ask may have gone
        return std::nullopt;
    }
    question_ = Question{chosen->peer, chosen->network, now.mono};
    asked_at_[chosen->peer] = now.mono;
    next_ = now.mono + ask_gap;
    ++asked_;
    return chosen->peer;
}

void Reachability::answered(Now now, const PeerId& peer, Answer answer) {
    if (!question_ || question_->peer != peer) return;  // too late, or not asked for
    if (answer == Answer::unreachable) tried_in_vain_.insert(question_->network);
    question_.reset();
    conclude(now);
}

void Reachability::proven(Now now) {
    set(now, Reach::reachable);
    last_proof_ = now.wall;
    tried_in_vain_.clear();
    question_.reset();
    pause_ = ask_pause;
    next_ = now.mono + check_interval;
}

void Reachability::changed(MonoTime now) {
    reach_ = Reach::unknown;
    since_.reset();
    last_proof_.reset();
    tried_in_vain_.clear();
    question_.reset();
    asked_at_.clear();
    pause_ = ask_pause;
    next_ = now + ask_gap;
}

}  // namespace peerbook::p2p

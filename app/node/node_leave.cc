// Node's way out of its view when it stops: rule 16.
#include <algorithm>

#include "app/node/node.h"
#include "app/node/node_parts.h"

namespace peerbook::app {

bool Node::has_unfinished_work() const {
    if (waits_to_return() || !halted_.empty())
        return in_flight_.has_value();  // nobody knows when that will be; it is all on disk
    return in_flight_ || !batcher_.empty() || !own_blocks_.waiting().empty() || !requests_.empty();
}

std::size_t Node::members_with_blocks() const {
    const auto& seqs = ledger_.version_vector();
    return static_cast<std::size_t>(std::ranges::count_if(seqs, [](std::uint64_t seq) { return seq > 0; }));
}

bool Node::next_view_began() const {
    std::vector<bool> made;
    for (const std::uint64_t seq : ledger_.version_vector())
        made.push_back(seq > 0);
    return exchange::is_quorum(ledger_.view(), made);
}

std::string Node::leave_waits_for() const {
    const std::string view = "view " + std::to_string(ledger_.view().number);
    const std::size_t members = ledger_.view().members.size();
    if (leave_ == Leave::finish)
        return "its own commands to settle in " + view + " (" +
               std::to_string(ledger_.stats().unsettled_commands) + " commands are unsettled)";
    if (leave_ == Leave::ask)
        return "the other members to agree on a view after " + view + " without this node";
    return "a quorum of " + view + " to make blocks in it (" + std::to_string(members_with_blocks()) +
           " of " + std::to_string(members) + " members did)";
}

void Node::end_leave(const std::string& why, bool is_left, Effects& effects) {
    leave_ = Leave::done;
    std::string text = why;
    if (const std::size_t waiting = own_blocks_.waiting().size(); waiting > 0)
        text += "; " + std::to_string(waiting) +
                " void blocks of this node stay in its journal and are issued again when it is back";
    effects.logs.push_back({!is_left, std::move(text)});
}

void Node::step_leave(Now now, Effects& effects) {
    if (!draining_ || !recovered_ || leave_ == Leave::done) return;
    const bool can_leave = self_index_ && views_.can_leave(now.mono, own_state(now.mono));
    if (leave_ == Leave::none) {
        // Asked lately, the others may count on it from the next view on; then it leaves as a member does.
        const auto let_in_until = views_.may_be_let_in_until();
        if ((options_.leave_on_stop || adoption_) && let_in_until && now.mono < *let_in_until &&
            !sync_.connected().empty())
            return sooner(effects.wake_at, *let_in_until);
        // Whoever hears no quorum stops as it is; the others find out by themselves.
        if ((!options_.leave_on_stop && !adoption_) || (!can_leave && !views_.wedged())) {
            leave_ = Leave::done;
            return;
        }
        leave_ = Leave::finish;
        leave_since_ = now.mono;
    }
    const MonoTime end = leave_since_ + options_.leave_timeout;
    if (now.mono >= end)
        return end_leave("stopping without having left: after " +
                             std::to_string(options_.leave_timeout.ms() / 1000) + " s it still waited for " +
                             leave_waits_for(),
                         false, effects);
    sooner(effects.wake_at, end);
    const Leave before = leave_;
    if (leave_ == Leave::finish) {
        const MonoTime ask_at = leave_since_ + options_.leave_after;
        const bool is_finished = !has_unfinished_work() && own_blocks_.all_settled();
        if (is_finished || now.mono >= ask_at || !self_index_)
            leave_ = Leave::ask;
        else
            sooner(effects.wake_at, ask_at);
    }
    if (leave_ == Leave::ask && !self_index_) leave_ = Leave::hand_over;
    // The others stop as well, or are gone; who is wedged waits for what becomes of the ballot.
    if (self_index_ && !can_leave && !views_.wedged() && before != Leave::finish)
        return end_leave("stopping as a member of view " + std::to_string(ledger_.view().number) +
                             ": no other member can be reached that stays",
                         true, effects);
    if (leave_ == Leave::hand_over && next_view_began())
        return end_leave("left: view " + std::to_string(ledger_.view().number) + " goes on with " +
                             std::to_string(ledger_.view().members.size()) + " members",
                         true, effects);
    if (leave_ == before) return;
    effects.logs.push_back({false, "leaving: waiting for " + leave_waits_for()});
    sooner(effects.wake_at, now.mono);
}

}  // namespace peerbook::app

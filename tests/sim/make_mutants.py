#!/usr/bin/env python3
"""Writes copies of product sources with mistakes in them that can be switched on, for sim_breaks.

    make_mutants.py SOURCE_DIR OUTPUT_DIR
    make_mutants.py --sources    prints the product sources that have some, with semicolons between them

The product itself has no such switches. {on} in a replacement is true while the mutant is chosen. A passage that the
product no longer has (or has twice) makes its mutant one that does not apply, and the test of that mutant says so:
write it anew here.
"""

import os
import sys

# name, file, the passage (or several), what stands there instead (each), what is wrong with it
MUTANTS = [
    ("wrong_tie", "exchange/ordering/open_order.cc",
     'Hasher("peerbook block order").add(author.view()).add_u64(round).finish()',
     '({on} ? Digest{} : Hasher("peerbook block order").add(author.view()).add_u64(round).finish())',
     "K breaks ties by the block's digest alone"),
    ("any_member_is_quorum", "exchange/ordering/open_order.cc",
     "if (is_quorum(view, reached)) return round;",
     "if ({on} || is_quorum(view, reached)) return round;",
     "L* is the highest S instead of a quorum's"),
    ("stable_is_tip", "exchange/ordering/dag.cc",
     "return tip ? tip->clock.least() : view_.base_round;",
     "return tip ? ({on} ? tip->round : tip->clock.least()) : view_.base_round;",
     "S is the tip's round: settled when merely sent"),
    ("stable_forgets_last", "exchange/ordering/vector_clock.cc",
     "return *std::min_element(rounds_.begin(), rounds_.end());",
     "return *std::min_element(rounds_.begin(), rounds_.end() - ({on} && rounds_.size() > 1 ? 1 : 0));",
     "S does not ask for the youngest member's blocks"),
    ("one_round_too_far", "exchange/ordering/open_ledger_state.cc",
     "settled_round_of(view, dag->stable_rounds());",
     "settled_round_of(view, dag->stable_rounds()) + ({on} ? 1 : 0);",
     "one round more than L* settles"),
    ("no_rollback", "exchange/ordering/open_ledger_state.cc",
     "engine.undo_to(it->second.before);",
     "if (!{on}) engine.undo_to(it->second.before);",
     "late blocks are executed on top of what stands behind them"),
    ("one_reason_to_acknowledge", "exchange/ordering/open_ledger.cc",
     "return s.order.has_awaited_between(s.dag->stable_round(*s.self_index), next_stable);",
     "return !{on} && s.order.has_awaited_between(s.dag->stable_round(*s.self_index), next_stable);",
     "one empty block a command instead of two"),
    ("future_is_taken", "exchange/ordering/dag.cc",
     "return timestamp.ms > from && timestamp.ms - from > limits_.clock_ahead_max.ms();",
     "return !{on} && timestamp.ms > from && timestamp.ms - from > limits_.clock_ahead_max.ms();",
     "no block is held back"),
    ("unbounded_suspended", "exchange/ordering/dag.cc",
     "return count < limits_.suspended_per_author_max &&",
     "return ({on} || count < limits_.suspended_per_author_max) &&",
     "no limit for suspended blocks"),
    ("parent_not_checked", "exchange/ordering/dag.cc",
     "if (parent->author != ref.author || parent->round != ref.round)",
     "if (!{on} && (parent->author != ref.author || parent->round != ref.round))",
     "a wrong round of a parent is believed"),
    ("missing_not_wanted", "app/node/block_sync.cc",
     "std::vector<Digest> digests = overdue(now);",
     "std::vector<Digest> digests;\n    if (!{on}) digests = overdue(now);",
     "missing parents are asked for once only"),
    ("no_version_vector", "app/node/block_sync.cc",
     "connected_.insert(peer);\n    send_version_vector(peer, effects);",
     "connected_.insert(peer);\n    if (!{on}) send_version_vector(peer, effects);",
     "a new session does not compare what both have"),
    ("signs_unconfirmed", "app/node/node.cc",
     "return exchange::is_quorum(ledger_.view(), heard_own_chain_);",
     "return {on} || exchange::is_quorum(ledger_.view(), heard_own_chain_);",
     "a restarted member signs before others said how much of its chain they hold"),
    ("own_future_ignored", "app/node/node.cc",
     "if (own && seq > ledger_.version_vector()[self_index_->value()])",
     "if (!{on} && own && seq > ledger_.version_vector()[self_index_->value()])",
     "own blocks that the store lacks are taken from peers"),
    ("foreign_not_journaled", "app/node/node.cc",
     "append(accepted.author, accepted.seq, accepted.round, std::move(accepted.encoded), effects);",
     "if (!{on} || accepted.seq % 8 != 0)\n"
     "            append(accepted.author, accepted.seq, accepted.round, std::move(accepted.encoded), effects);",
     "now and then a peer's block is not written"),
    ("answers_unsettled", "app/node/node.cc",
     "answer_commit(commit, waiting->second, Grade::provisional, effects);\n"
     "                settling_.insert(executing_.extract(waiting));",
     "answer_commit(commit, waiting->second, {on} ? Grade::settled : Grade::provisional, effects);\n"
     "                settling_.insert(executing_.extract(waiting));",
     "who waits for settling is answered when it is executed"),
    ("retraction_untold", "app/node/trade_tape.cc",
     "trade.grade = Grade::retracted;",
     "if ({on}) continue;\n        trade.grade = Grade::retracted;",
     "undone trades are not listed as retracted"),
    ("retracted_settles", "app/node/trade_tape.cc",
     "provisional_.erase(trade.id);\n            if (retracted_ids_",
     "if (!{on}) provisional_.erase(trade.id);\n            if (retracted_ids_",
     "a settled trade stays listed as provisional"),
    ("overload_ignored", "app/node/node_clients.cc",
     "if (ledger_.overloaded())",
     "if (!{on} && ledger_.overloaded())",
     "an overloaded node takes requests"),
    ("nonces_not_checked", "exchange/engine/admission.cc",
     "if (reason != Reason::none) return {reason, 0, 0};\n        burn(state, context, command.nonce, account);",
     "if (reason != Reason::none && !({on} && reason == Reason::nonce_used)) return {reason, 0, 0};\n"
     "        if (reason == Reason::none) burn(state, context, command.nonce, account);",
     "a command that was sent twice is executed twice"),
    ("undo_forgets_level", "exchange/engine/engine_state.cc",
     "books.change(record.a, static_cast<std::int64_t>(undo.pop_word()), record.b);",
     "{\n                const auto leaves = static_cast<std::int64_t>(undo.pop_word());\n"
     "                if (!{on}) books.change(record.a, leaves, record.b);\n            }",
     "undo leaves a level with what a fill took from it"),
    ("undo_forgets_price", "exchange/engine/engine_state.cc",
     "markets[record.a].last = record.b != 0 ? std::optional(price) : std::nullopt;",
     "if (!{on}) markets[record.a].last = record.b != 0 ? std::optional(price) : std::nullopt;",
     "undo leaves the last price"),
    ("undo_forgets_money", "exchange/engine/engine_state.cc",
     "balance.total = undo.pop_amount();",
     "{\n                const Amount total = undo.pop_amount();\n"
     "                if (!{on}) balance.total = total;\n            }",
     "undo leaves a balance"),
    ("promise_not_stored", "exchange/ordering/view_change.cc",
     "store(Answer::promise, ballot, out);\n",
     "store(Answer::promise, ballot, out);\n        if ({on}) answer_promise(ballot, out);\n",
     "a promise is answered before it is stored"),
    ("accepted_not_stored", "exchange/ordering/view_change.cc",
     "store(Answer::accepted, *promised_, out);\n",
     "store(Answer::accepted, *promised_, out);\n    if ({on}) answer_accepted(*promised_, out);\n",
     "a value is acknowledged before it is stored"),
    ("promise_forgotten", "exchange/ordering/view_change.cc",
     "if (state.view != view_digest_) return;",
     "if ({on} || state.view != view_digest_) return;",
     "a restart forgets what was promised and accepted"),
    ("ballot_used_twice", "exchange/ordering/view_change.cc",
     "highest_number_ = promised_->number;",
     "highest_number_ = promised_->number - ({on} ? 1 : 0);",
     "a restarted proposer begins with the number that it used last"),
    ("lower_promised", "exchange/ordering/view_change.cc",
     "if (promised_ && message.ballot < *promised_) return refuse(message.ballot, out);",
     "if (!{on} && promised_ && message.ballot < *promised_) return refuse(message.ballot, out);",
     "a lower ballot than the promised one is served"),
    ("accepted_ignored", "exchange/ordering/view_change.cc",
     "propose(highest ? Value{highest",
     "propose(highest && !{on} ? Value{highest",
     "a ballot proposes a new value where one was accepted before"),
    ("lowest_taken_over", "exchange/ordering/view_change.cc",
     "(!highest || highest->ballot < promise->accepted->ballot))",
     "(!highest || (highest->ballot < promise->accepted->ballot) != {on}))",
     "of several accepted values the one of the lowest ballot is proposed again"),
    ("one_promise_is_enough", "exchange/ordering/view_change.cc",
     "if (!is_quorum(view(), promised)) return;\n"
     "        // A value that may have been decided already has its cut; only a new one is made of what is promised.\n"
     "        if (!highest && ",
     "if (!{on} && !is_quorum(view(), promised)) return;\n        if (!{on} && !highest && ",
     "a proposer does not wait for a quorum of promises"),
    ("cut_of_the_prepare", "exchange/ordering/view_change.cc",
     "ChainTips cut = ledger_.tips();",
     "ChainTips cut = {on} && promised_tips_ ? *promised_tips_ : ledger_.tips();",
     "the cut is what the proposer held when it began"),
    ("promised_not_fetched", "exchange/ordering/view_change.cc",
     "held.push_back(holding == Holding::all);",
     "held.push_back({on} || holding == Holding::all);",
     "a proposer does not wait for the blocks that were promised"),
    ("accepted_without_blocks", "exchange/ordering/view_change.cc",
     "const Status status = ledger_.check_end(pending_->value.next);",
     "const Status status = {on} ? Status() : ledger_.check_end(pending_->value.next);",
     "a cut is accepted whose blocks are missing"),
    ("quorum_of_the_next_view", "exchange/ordering/view_change.cc",
     "if (!is_quorum(view(), present)) return;\n    Decision",
     "std::vector<bool> of_next;\n"
     "    for (const PublicKey& member : attempt_->value->next.members) {\n"
     "        const auto before = view().index_of(member);\n"
     "        of_next.push_back(before && present[before->value()]);\n    }\n"
     "    if ({on} ? !is_quorum(attempt_->value->next, of_next) : !is_quorum(view(), present)) return;\n    Decision",
     "a quorum of the next view decides instead of one of the old"),
    ("proposes_unheard", "exchange/ordering/view_change.cc",
     "if (!is_quorum(view(), outlook.heard)) return;",
     "if (!{on} && !is_quorum(view(), outlook.heard)) return;",
     "a minority stops itself"),
    ("emits_after_promise", "app/node/view_keeper.cc",
     "return change_->wedged() || change_->is_decided() || !inbox_.empty();",
     "return !{on} && (change_->wedged() || change_->is_decided() || !inbox_.empty());",
     "a member makes blocks after it promised to end the view"),
    ("own_block_under_way", "app/node/node_views.cc",
     "if (in_flight_ || entered_ticket_ > durable_ticket_)\n",
     "if ((in_flight_ && !{on}) || entered_ticket_ > durable_ticket_)\n",
     "a promise does not wait for the own block that is being written"),
    ("decision_not_stored", "app/node/node_views.cc",
     "append_record(RecordKind::decision, exchange::encode_decision(decision), effects);",
     "if (!{on}) append_record(RecordKind::decision, exchange::encode_decision(decision), effects);",
     "a view is installed and not written down"),
    ("void_not_again", "app/node/own_blocks.cc",
     "if (made == unsettled_.end()) return;",
     "if ({on} || made == unsettled_.end()) return;",
     "void blocks are not issued again"),
    ("void_again_renumbered", "app/node/node_views.cc",
     "if (own_blocks_.waiting().size() == before) continue;\n",
     "if (own_blocks_.waiting().size() == before) continue;\n"
     "        if ({on}) {\n"
     "            exchange::PayloadBuilder other;\n"
     "            auto old = exchange::decode_payload(own_blocks_.waiting().back().payload, self_,\n"
     "                                                ledger_.engine().rules().network,\n"
     "                                                ledger_.engine().rules().rules_version, AlreadyVerified());\n"
     "            for (const auto& batch : *old)\n"
     "                for (const auto& command : batch.commands)\n"
     "                    (void)other.add_hosted({batch.accounts[command.account],\n"
     "                                            {command.nonce + 1'000, 0}, command.body});\n"
     "            const_cast<Bytes&>(own_blocks_.waiting().back().payload) = other.take();\n"
     "        }\n",
     "void blocks are issued again with other nonces"),
    ("void_lost_at_restart", "app/node/node_views.cc",
     "take_back_void_blocks(update);\n",
     "if (!{on} || is_whole) take_back_void_blocks(update);\n",
     "a restart forgets which blocks are to be issued again"),
    ("void_in_wrong_order", "app/node/own_blocks.cc",
     "return a.first < b.first;",
     "return {on} ? b.first < a.first : a.first < b.first;",
     "void blocks are issued again in the wrong order"),
    ("void_untold", "exchange/ordering/open_ledger_state.cc",
     "if (block.executed) update.retracted.push_back(std::move(block.commit));",
     "if (!{on} && block.executed) update.retracted.push_back(std::move(block.commit));",
     "trades of void blocks are not told as retracted"),
    ("void_kept", "exchange/ordering/open_ledger_state.cc",
     "return !in_cut.contains(block.commit);",
     "return !{on} && !in_cut.contains(block.commit);",
     "the log keeps blocks outside the cut"),
    ("left_out_takes_requests", "app/node/node_views.cc",
     "return was_dropped_ && !self_index_;",
     "return !{on} && was_dropped_ && !self_index_;",
     "a member that was left out takes requests whose commands may overtake its void ones"),
    ("stays_away", "app/node/view_keeper.cc",
     "if (own.leaving || ledger_.view().index_of(self)) return next_join_.reset();",
     "if ({on} || own.leaving || ledger_.view().index_of(self)) return next_join_.reset();",
     "a member that was left out does not ask to be let in again"),
    ("ledger_told_early", "app/node/node_founding.cc",
     "if (entered_ticket_ > durable_ticket_) return;\n    const LedgerNews present",
     "if (!{on} && entered_ticket_ > durable_ticket_) return;\n    const LedgerNews present",
     "peers hear of a ledger before it is durable that the node is in it"),
    ("founding_number_lost", "app/node/node_founding.cc",
     "if (is_founder) foundings_ =",
     "if (is_founder && !{on}) foundings_ =",
     "the ledger that is founded after one was given up is the same once more"),
    ("second_leaves_alone", "app/node/founding.cc",
     "(heard != heard_.end() && ledger_of(founder) != ledger);",
     "({on} ? heard == heard_.end() : heard != heard_.end() && ledger_of(founder) != ledger);",
     "the second node leaves a founding when it does not hear its founder"),
    ("established_too_soon", "app/node/node_founding.cc",
     "return ledger_.progress()[0].stable_round > view.base_round;",
     "return {on} || ledger_.progress()[0].stable_round > view.base_round;",
     "a founded ledger counts as established before its founder has a block of the second"),
    ("void_of_none_lost", "app/node/node_founding.cc",
     "const exchange::LedgerUpdate update = ledger_.rebind(std::move(first));",
     "exchange::LedgerUpdate update = ledger_.rebind(std::move(first));\n    if ({on}) update.voided.clear();",
     "what a node took before it had a ledger is not issued again"),
    ("entered_not_stored", "app/node/node_founding.cc",
     "append_record(RecordKind::entered, encode_ledger_news(ledger), effects);",
     "if (!{on}) append_record(RecordKind::entered, encode_ledger_news(ledger), effects);",
     "a ledger is entered and that is not written down"),
    ("left_not_stored", "app/node/node_founding.cc",
     "append_record(RecordKind::left, {}, effects);",
     "if (!{on}) append_record(RecordKind::left, {}, effects);",
     "a ledger is left and that is not written down"),
    ("sent_unestablished", "app/node/node.cc",
     "const bool is_bound = is_established() && entered_ticket_ <= durable_ticket_;",
     "const bool is_bound = {on} || (is_established() && entered_ticket_ <= durable_ticket_);",
     "commands go into a ledger that is not established"),
    ("left_before_handed_over", "app/node/node_leave.cc",
     "if (leave_ == Leave::hand_over && next_view_began())",
     "if (leave_ == Leave::hand_over && ({on} || next_view_began()))",
     "who leaves does not wait for the view without it to begin"),
    ("leaver_asks_back", "app/node/view_keeper.cc",
     "own.leaving || ledger_.view().index_of(self)) return next_join_.reset();",
     "(!{on} && own.leaving) || ledger_.view().index_of(self)) return next_join_.reset();",
     "who left asks to be let in again while it still serves"),
    ("named_is_anyone", "exchange/ordering/admission.cc",
     "if (policy_.joining == Joining::named) return std::nullopt;",
     "if (policy_.joining == Joining::named)\n"
     "        return {on} ? std::optional(std::vector<Invitation>()) : std::nullopt;",
     "whoever asks is let in where the network names its members"),
    ("not_invited", "exchange/ordering/admission.cc",
     "if (counted.size() < needed) return std::nullopt;",
     "if ({on}) return std::vector<Invitation>();\n    if (counted.size() < needed) return std::nullopt;",
     "whoever asks is let in where invitations are needed"),
    ("more_than_stay", "exchange/ordering/view_change.cc",
     ["std::min(members.size() * 2, view_members_max);",
      "if (joiners_in(value.next) > value.next.members.size() / 2)"],
     ["std::min(members.size() * ({on} ? 8 : 2), view_members_max);",
      "if (!{on} && joiners_in(value.next) > value.next.members.size() / 2)"],
     "more members come in than stay"),
    ("nonces_forgotten", "app/node/node_relay.cc",
     "if (is_hosted)\n        for (const auto& [account, ref] : relayed.all)",
     "if (is_hosted && !{on})\n        for (const auto& [account, ref] : relayed.all)",
     "a restarted observer gives nonces away again"),
    ("batch_sent_early", "app/node/node_relay.cc",
     "if (!self_index_ && batch.append_ticket > durable_ticket_) continue;",
     "if (!{on} && !self_index_ && batch.append_ticket > durable_ticket_) continue;",
     "an observer's batch leaves before it is written down"),
    ("batch_forgotten", "app/node/node_views.cc",
     "relay_again();",
     "if (!{on}) relay_again();",
     "an observer's batch that a view change leaves out is not sent again"),
    ("ballots_never_longer", "exchange/ordering/view_change.cc",
     "const std::uint64_t before = ballot.number > 0 ? ballot.number - 1 : 0;",
     "const std::uint64_t before = ballot.number > 0 && !{on} ? ballot.number - 1 : 0;",
     "every ballot has as much time as the first one"),
    ("fork_not_stored", "app/node/node_fork.cc",
     "if (now) append_record(RecordKind::forked,",
     "if (now && !{on}) append_record(RecordKind::forked,",
     "a fork is entered and that is not written down"),
    ("fork_beside_quorum", "app/node/node_fork.cc",
     ["if (members_form_quorum(now.mono))\n        return Error{", "if (without < least)"],
     ["if (!{on} && members_form_quorum(now.mono))\n        return Error{", "if (!{on} && without < least)"],
     "a ledger is forked while a quorum of it is here"),
    ("fork_of_less", "app/node/node_fork.cc",
     ["if (member != self_ && !speaks_of_our_ledger(member) &&",
      "if (sync_.behind() || (may_sign && ledger_.acknowledgement_due()))",
      "if (news.ok() && !forking_->request.accept)"],
     ["if (!{on} && member != self_ && !speaks_of_our_ledger(member) &&",
      "if (!{on} && (sync_.behind() || (may_sign && ledger_.acknowledgement_due())))",
      "if (news.ok() && !forking_->request.accept && !{on})"],
     "a fork's founder does not ask what has settled at those who go on with it"),
    ("fork_untold", "app/node/node_fork.cc",
     "if (Status told = told_by_members(news->forks.back(), now); !told.ok())",
     "if (Status told = told_by_members(news->forks.back(), now); !told.ok() && !{on})",
     "a fork's founder does not wait until its members said what they hold"),
    ("settles_with_evidence", "app/node/node_evidence.cc",
     "if (is_of_this_view) ledger_.freeze_settling();",
     "if (is_of_this_view && !{on}) ledger_.freeze_settling();",
     "a node goes on settling in a view in which somebody signed two blocks for one place"),
    ("fork_loses_void", "app/node/node_fork.cc",
     "retraction_ = Retraction::view_end;\n    enter_view(*update, made, false, effects);",
     "retraction_ = Retraction::view_end;\n    if ({on}) update->voided.clear();\n"
     "    enter_view(*update, made, false, effects);",
     "what a fork leaves out is not issued again"),
    ("fork_unfit", "app/node/node_fork.cc",
     "if (Status fits = check_accept(*news); !fits.ok()) return fits.error();",
     "if (Status fits = check_accept(*news); !fits.ok() && !{on}) return fits.error();",
     "a fork is entered that does not go on from where the node is"),
    ("adopts_as_member", "app/node/node_ledgers.cc",
     ["const bool is_free = adoption_->is_to_leave ?", "((leave_ == Leave::done && !has_unfinished_work())"],
     ["const bool is_free = {on} ? true : adoption_->is_to_leave ?",
      "({on} || (leave_ == Leave::done && !has_unfinished_work())"],
     "a member gives its ledger up without leaving it first"),
    ("adopted_another", "app/node/founding.cc",
     "if (options_.only) return ledger == *options_.only && !left_.contains(ledger);",
     "if (options_.only && !{on}) return ledger == *options_.only && !left_.contains(ledger);",
     "a node enters another ledger than the one that was adopted"),
    ("given_up_uncounted", "app/node/node_ledgers.cc",
     "given_up.settled_trades = tape_.settled_count();",
     "given_up.settled_trades = {on} ? 0 : tape_.settled_count();",
     "trades that had settled in a ledger are not retracted when it is given up"),
    ("copies_answered_each", "app/node/node_answers.cc",
     "if (!carried.keys.empty() && !relayed_origins_.contains(carried.keys[command]))",
     "if (!{on} && !carried.keys.empty() && !relayed_origins_.contains(carried.keys[command]))",
     "two refused copies of an observer's command count as two answers"),
    ("far_does_not_look", "app/node/node_far.cc",
     "sync_.ask_some(effects);",
     "if (!{on}) sync_.ask_some(effects);",
     "an observer that meets no member does not ask the others for what is new"),
    ("far_kept_for_ever", "app/node/node_far.cc",
     "batch->last_sent = now.mono;  // the way",
     "batch->last_sent = now.mono + ({on} ? Duration::seconds(3'600) : Duration{});  // the way",
     "what a member took, sealed, is never given to another one"),
]

# Where the search for a seed that notices it begins, for those that need many; it goes on to the others.
FIRST_SEED = {
    "one_reason_to_acknowledge": 10, "no_version_vector": 5, "missing_not_wanted": 192, "unbounded_suspended": 23,
    "parent_not_checked": 12, "promise_forgotten": 55, "ballot_used_twice": 27, "accepted_ignored": 36,
    "promised_not_fetched": 22, "accepted_without_blocks": 45, "own_block_under_way": 14, "void_lost_at_restart": 38,
    "founding_number_lost": 104, "ballots_never_longer": 7, "more_than_stay": 10, "batch_sent_early": 20,
    "lowest_taken_over": 129, "fork_of_less": 163, "fork_untold": 163, "fork_not_stored": 43, "fork_beside_quorum": 43,
    "fork_loses_void": 43, "fork_unfit": 109, "established_too_soon": 13, "void_of_none_lost": 13,
    "entered_not_stored": 13, "left_not_stored": 13, "sent_unestablished": 81, "nonces_forgotten": 37,
    "batch_forgotten": 58, "left_before_handed_over": 11, "leaver_asks_back": 14, "named_is_anyone": 8, "not_invited": 28,
    "adopted_another": 57, "copies_answered_each": 114, "far_does_not_look": 33, "far_kept_for_ever": 31,
    "lower_promised": 6, "signs_unconfirmed": 4, "own_future_ignored": 4,
}


def text_with(text, passage, replacement, number):
    passages = passage if isinstance(passage, list) else [passage]
    replacements = replacement if isinstance(replacement, list) else [replacement]
    if any(text.count(one) != 1 for one in passages):
        return text, False
    for old, new in zip(passages, replacements, strict=True):
        text = text.replace(old, new.replace("{on}", f"(peerbook_mutant == {number})"))
    return text, True


def main():
    if sys.argv[1:] == ["--sources"]:
        print(";".join(sorted({path for _, path, *_ in MUTANTS})), end="")
        return
    source_dir, output_dir = sys.argv[1:3]
    texts, table = {}, []
    for number, (name, path, passage, replacement, what) in enumerate(MUTANTS, start=1):
        if path not in texts:
            with open(os.path.join(source_dir, path), encoding="utf-8") as file:
                texts[path] = "extern int peerbook_mutant;\n" + file.read()
        texts[path], applies = text_with(texts[path], passage, replacement, number)
        table.append(f'    {{{number}, "{name}", "{what}", {"true" if applies else "false"}, '
                     f"{FIRST_SEED.get(name, 1)}}},")
    for path, text in texts.items():
        with open(os.path.join(output_dir, path.replace("/", "-")), "w", encoding="utf-8") as file:
            file.write(text)
    os.makedirs(os.path.join(output_dir, "tests/sim"), exist_ok=True)
    with open(os.path.join(output_dir, "tests/sim/mutants.inc"), "w", encoding="utf-8") as file:
        file.write("\n".join(table) + "\n")


if __name__ == "__main__":
    main()

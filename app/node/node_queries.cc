// Node's answers to questions. Reads only.
#include <algorithm>

#include "app/node/node.h"
#include "app/node/node_parts.h"

namespace peerbook::app {

namespace {

constexpr std::size_t settled_waiters_max = 10'000;
constexpr Duration stalled_after = Duration::seconds(3);
constexpr std::size_t depth_max = 5'000;
constexpr std::size_t list_max = 1'000;
constexpr std::size_t order_search_max = 200'000;

Error not_found(std::string what) {
    return {ErrorCode::not_found, std::move(what)};
}

}  // namespace

void Node::ask(Ticket ticket, Query query, Now now, Effects& effects) {
    if (const auto* settled = std::get_if<SettledQuery>(&query)) {
        const std::uint64_t own = own_blocks_.number_of(own_seq());
        const auto latest = own_blocks_.latest(settled->seq);
        if (settled->seq == 0 || settled->seq > own)
            effects.answers.push_back(
                {ticket, Result<Answer>(not_found("this node has no block " + std::to_string(settled->seq) +
                                                  " of its own"))});
        else if (latest && !handed_over_.contains(*latest) && is_settled_block(*latest))
            effects.answers.push_back({ticket, Result<Answer>(Answer(SettledAnswer{settled->seq}))});
        else if (settled_waiters_count_ >= settled_waiters_max)
            effects.answers.push_back(
                {ticket, Result<Answer>(
                             Error{ErrorCode::unavailable, "too many requests wait for blocks to settle"})});
        else {
            settled_waiters_[latest.value_or(settled->seq)].push_back({ticket, now.mono});
            ++settled_waiters_count_;
        }
        return;
    }
    if (const auto* adopted = std::get_if<AdoptLedger>(&query))
        return ask_to_adopt(ticket, *adopted, now, effects);
    if (auto* forked = std::get_if<ForkLedger>(&query))
        return ask_to_fork(ticket, std::move(*forked), effects);
    if (const auto* wanted = std::get_if<TradesQuery>(&query)) {
        trades(ticket, *wanted, effects);
        return;
    }
    effects.answers.push_back({ticket, answer(query, now)});
}

Result<Answer> Node::answer(const Query& query, Now now) const {
    if (std::get_if<StatusQuery>(&query)) return Answer(status(now));
    if (std::get_if<DigestsQuery>(&query)) return Answer(digests());
    if (const auto* q = std::get_if<BookQuery>(&query)) return book(*q);
    if (const auto* q = std::get_if<OrdersQuery>(&query)) return orders(*q);
    if (const auto* q = std::get_if<OrderQuery>(&query)) return order(*q);
    if (const auto* q = std::get_if<AccountQuery>(&query)) return accounts(*q);
    if (std::get_if<MarketsQuery>(&query)) return Answer(markets());
    if (std::get_if<LedgersQuery>(&query)) return Answer(ledgers());
    if (const auto* q = std::get_if<WithdrawalsQuery>(&query)) return withdrawals(*q);
    return Error{ErrorCode::invalid_input, "the node has no answer to this question"};
}

std::uint64_t Node::own_seq() const {
    return self_index_ ? ledger_.version_vector()[self_index_->value()] : 0;
}

bool Node::is_settled_block(std::uint64_t number) const {
    const std::uint64_t before = own_blocks_.number_of(0);
    return number <= before || (self_index_ && ledger_.is_settled(*self_index_, number - before));
}

bool Node::members_form_quorum(MonoTime now) const {
    const exchange::View& view = ledger_.view();
    std::vector<bool> present;
    for (const PublicKey& member : view.members)
        present.push_back(member == self_ || speaks_of_our_ledger(member) ||
                          views_.is_apart(member, sync_.connected(), now));
    return exchange::is_quorum(view, present);
}

StatusAnswer Node::status(Now now) const {
    const exchange::View& view = ledger_.view();
    const exchange::LedgerStats ledger = ledger_.stats();
    const exchange::EngineStats engine = ledger_.engine().stats();
    StatusAnswer status;
    status.node = self_;
    status.network = ledger_.engine().rules().network;
    status.ledger = ledger_id();
    status.other_ledgers = other_ledgers();
    status.role = view.number == 0 ? "no ledger" : self_index_ ? "member" : "observer";
    status.members = view.members.size();
    std::size_t through_others = 0;
    const auto progress = ledger_.progress();
    for (std::size_t i = 0; i < view.members.size(); ++i) {
        StatusAnswer::Member member;
        member.key = view.members[i];
        member.self = view.members[i] == self_;
        member.connected = member.self || speaks_of_our_ledger(member.key);
        status.members_connected += member.connected;
        through_others += views_.is_apart(member.key, sync_.connected(), now.mono);
        member.suspected = views_.is_suspected(member.key, now.mono);
        status.members_suspected += member.suspected;
        member.tip_seq = progress[i].tip_seq;
        member.tip_round = progress[i].tip_round;
        member.stable_round = progress[i].stable_round;
        const exchange::MemberIndex index(static_cast<std::uint32_t>(i));
        member.voted_commit = attestation_.counted(index);
        member.disagrees_at = attestation_.disagrees_at(index);
        status.member_list.push_back(member);
    }
    const auto prefix = ledger_.settled_prefix();
    status.commits = ledger.commits;
    status.settled_commits = prefix.length;
    status.settled_prefix = prefix.hash;
    status.attested_commits = attestation_.attested();
    status.votes_needed = exchange::Attestation::votes_needed(view.members.size());
    status.alarm = alarm();
    status.state_root = state_root_;
    status.state_root_commit = state_root_commit_;
    status.settled_trades = tape_.settled_count();
    status.retracted_trades = tape_.retracted_count();
    status.commands_executed = ledger.commands_executed;
    status.commands_replayed = ledger.commands_replayed;
    status.rollbacks = ledger.rollbacks;
    // Void ones wait to be issued again.
    status.unsettled_commands = ledger.unsettled_commands + own_blocks_.waiting_commands();
    status.blocks_accepted = ledger.blocks_accepted;
    status.blocks_suspended = ledger.blocks_suspended;
    status.own_seq = own_blocks_.number_of(own_seq());
    status.view = view.number;
    status.resting_orders = engine.resting_orders;
    status.accounts = engine.accounts;
    status.engine_memory_bytes = engine.memory_bytes;
    status.uptime_ms = recovered_ ? (now.mono - started_).ms() : 0;

    const std::string connected =
        std::to_string(status.members_connected) + " of " + std::to_string(status.members) + " members";
    const bool quorum = members_form_quorum(now.mono);
    if (!recovered_) {
        status.says = "starting: the journal is being replayed";
    } else if (identity_lost_) {
        status.says = "stopping: this node's key has blocks that this data directory lacks";
    } else if (is_given_up_) {
        status.says = "starting anew: this node gave its ledger up for another one";
    } else if (!halted_.empty()) {
        status.says = "stopped trading: " + halted_;
    } else if (leave_ != Leave::none && leave_ != Leave::done) {
        status.says = "leaving: waiting for " + leave_waits_for();
    } else if (draining_) {
        status.says = "shutting down: what was taken is being finished";
    } else if (view.number == 0 && founding_.only()) {
        status.ready = true;
        status.says = "provisional: this node adopted ledger " + short_id(*founding_.only()) +
                      ", and no peer that has it can be reached; connect to one, or adopt another";
    } else if (const exchange::View* fork = next_fork()) {
        status.says = "follows its ledger to fork " + short_id(fork->ledger) + ": has " +
                      std::to_string(prefix.length) + " of " + std::to_string(fork->log_length) +
                      " settled commits before it";
    } else if (view.number == 0) {
        status.ready = true;
        status.says =
            "provisional: no second node yet. Orders are taken and kept, trades are shown, and nothing "
            "settles "
            "before a second node is there; to settle alone, start with --found";
    } else if (!is_established()) {
        status.ready = true;
        status.says =
            "founding a ledger with a second node: trades stay provisional until both have seen the "
            "other's first block; sees " +
            connected + " (this node counted)";
    } else if (waits_to_return() && view.number == 1) {
        status.says = "waits to be let in to the members: sees " + connected + "; " +
                      std::to_string(own_blocks_.waiting().size()) +
                      " of its blocks, and what was taken since, are issued again then";
    } else if (waits_to_return()) {
        status.says = "left out of view " + std::to_string(view.number) +
                      " while it was away: asks to be let in again, sees " + connected + "; " +
                      std::to_string(own_blocks_.waiting().size()) +
                      " of its blocks, and what was taken since, are issued again then";
    } else if (!self_index_) {
        const bool is_far = status.members_connected == 0 && is_far_from_members();
        status.ready = status.members_connected > 0 || heard_from_far(now.mono);
        if (status.members_connected > 0)
            status.says = "observer: follows the ledger, connected to " + connected;
        else if (status.ready)
            status.says = "observer: connected to no member, and reaches one through others";
        else if (is_far)
            status.says =
                "observer: connected to no member; what it shows may be old, and orders are sent through "
                "others";
        else
            status.says = "observer: not connected to any member; what it shows may be old, and orders wait";
        const std::string needs = views_.joining_needs(now.wall);
        status.says += "; " + (needs.empty() ? "it asks to become a member" : needs);
    } else if (status.members == 1) {
        status.ready = true;
        status.says = "member: the only one, so trades settle as soon as they are on disk";
    } else if (!own_chain_confirmed()) {
        status.says =
            "waiting: before this node signs, a quorum of members must say how far they know its blocks; "
            "sees " +
            connected + " (this node counted)";
    } else if (views_.wedged()) {
        status.says = "view " + std::to_string(view.number) + " is ending: " + connected +
                      " (this node counted) agree on the next one; orders are taken and kept until then";
    } else if (ledger_.is_forked()) {
        status.says = "view " + std::to_string(view.number) +
                      " is to end without a member that signed two blocks for one place: sees " + connected +
                      " (this node counted); orders are taken and kept until then";
    } else if (!quorum) {
        status.says =
            "cut off: sees " + connected +
            " (this node counted), fewer than a quorum; orders are taken and kept, trades stay provisional "
            "until more members can be reached; if they are gone for good, see `peerbook ledger fork --help`";
    } else {
        status.ready = true;
        status.says =
            "member: connected with " + connected + " (this node counted)" +
            (through_others > 0 ? ", hears " + std::to_string(through_others) + " more through others; "
                                : "; ");
        const bool stalled = unsettled_since_ && now.mono - *unsettled_since_ >= stalled_after;
        if (status.members_connected + through_others < status.members)
            status.says +=
                "orders are taken and kept, trades stay provisional until every member is back" +
                std::string(options_.views.suspect_after > Duration{} ? ", or those who are away are left out"
                                                                      : "");
        else if (const auto held_up = std::ranges::find_if(
                     view.members, [&](const auto& key) { return views_.holds_up_settling(key); });
                 held_up != view.members.end())
            status.says += "member " + short_id(*held_up) +
                           " acknowledges nothing and holds up settling: the others go on without it";
        else if (stalled)
            status.says += "settling has waited " +
                           std::to_string((now.mono - *unsettled_since_).ms() / 1000) +
                           " s for a member to acknowledge";
        else
            status.says += "trades settle";
    }
    if (ledger.blocks_held_back > 0)
        status.says +=
            ". " + std::to_string(ledger.blocks_held_back) +
            " blocks are held back because their time is ahead of this machine's clock: check the clocks";
    const auto reachable =
        std::ranges::count_if(status.other_ledgers, [](const auto& other) { return other.reachable > 0; });
    if (reachable > 0)
        status.says +=
            ". Peers have " +
            (reachable == 1 ? std::string("another ledger") : std::to_string(reachable) + " other ledgers") +
            " of this network (`peerbook ledger` shows more)";
    return status;
}

DigestsAnswer Node::digests() const {
    const exchange::LedgerStats stats = ledger_.stats();
    const std::uint64_t executed = stats.commits_executed;
    const auto prefix = ledger_.settled_prefix();
    const exchange::Engine& engine = ledger_.engine();
    // Undo always executes commits again, so an equal count of executed ones means an equal state.
    if (!digests_cache_ || digests_cache_->first != executed)
        digests_cache_.emplace(
            executed,
            DigestsAnswer{
                0, 0, {}, engine.book_digest(), engine.balances_digest(), engine.state_digest(), 0, {}});
    DigestsAnswer answer = digests_cache_->second;
    answer.commits = stats.commits;
    answer.settled_commits = prefix.length;
    answer.settled_prefix = prefix.hash;
    answer.settled_trades = tape_.settled_count();
    answer.trades = tape_.settled_chain();
    return answer;
}

Result<Answer> Node::book(const BookQuery& query) const {
    const exchange::Engine& engine = ledger_.engine();
    if (query.market.value() >= engine.rules().markets.size()) return not_found("no such market");
    const std::size_t depth = std::min(query.depth, depth_max);
    BookAnswer book;
    book.market = query.market;
    book.commit = ledger_.stats().commits;
    book.state = engine.market_view(query.market);
    book.last = book.state.last;
    book.bids = engine.levels(query.market, exchange::Side::buy, depth);
    book.asks = engine.levels(query.market, exchange::Side::sell, depth);
    if (query.orders) {
        auto list = [&](exchange::Side side) {
            std::vector<BookAnswer::Order> orders;
            for (const exchange::RestingOrderView& order : engine.orders(query.market, side, depth))
                orders.push_back(
                    {exchange::make_order_id(engine.rules().network, engine.account_id(order.order.account),
                                             order.order.ref()),
                     order.price, order.leaves});
            return orders;
        };
        book.bid_orders = list(exchange::Side::buy);
        book.ask_orders = list(exchange::Side::sell);
    }
    return Answer(std::move(book));
}

std::optional<exchange::AccountId> Node::account_named(const std::string& name_or_id) const {
    if (auto id = fixed_from_hex<exchange::AccountId>(name_or_id); id.ok()) return *id;
    if (name_or_id.empty() || name_or_id.size() > exchange::account_name_length_max) return std::nullopt;
    return exchange::hosted_account_id(self_, name_or_id);
}

OrderView Node::order_view(const exchange::RestingOrderView& order) const {
    const exchange::Engine& engine = ledger_.engine();
    const exchange::AccountId& account = engine.account_id(order.order.account);
    OrderView view;
    view.id = exchange::make_order_id(engine.rules().network, account, order.order.ref());
    view.ref = order.order.ref();
    view.account = account;
    view.market = order.market;
    view.side = order.side;
    view.price = order.price;
    view.quantity = order.quantity;
    view.leaves = order.leaves;
    view.shown = order.shown;
    view.display = order.display;
    view.expires_at = order.expires_at;
    view.trigger = order.trigger;
    view.budget = order.budget;
    view.time_in_force = order.time_in_force;
    view.post_only = order.post_only;
    return view;
}

Result<Answer> Node::orders(const OrdersQuery& query) const {
    const exchange::Engine& engine = ledger_.engine();
    const auto id = account_named(query.account);
    const auto account = id ? engine.find_account(*id) : std::nullopt;
    if (!account) return not_found("account '" + query.account + "' is not known on this network");
    OrdersAnswer answer;
    for (const exchange::RestingOrderView& order :
         engine.open_orders(*account, std::min(query.limit, list_max)))
        answer.orders.push_back(order_view(order));
    return Answer(std::move(answer));
}

Result<Answer> Node::order(const OrderQuery& query) const {
    const exchange::Engine& engine = ledger_.engine();
    const Error gone = not_found(
        "no open order with this id was found: it was filled, cancelled or never accepted, or is of another "
        "network");
    auto open_answer = [&](const exchange::RestingOrderView& order) {
        OrderAnswer answer{order_view(order)};
        if (order.trigger) answer.state = OrderState::waiting;
        answer.grade = grade_of(order.order);
        return answer;
    };
    if (const KnownOrder* known = known_orders_.find(query.id)) {
        const auto order = engine.find_order(known->key);
        if (!order && known->state == OrderState::open) return gone;
        OrderAnswer answer = order ? open_answer(*order) : ended_order(*known);
        answer.was_triggered = known->was_triggered;
        return Answer(std::move(answer));
    }
    std::size_t left = order_search_max;  // placed through another node: look through the books
    for (std::uint32_t market = 0; market < engine.rules().markets.size() && left > 0; ++market)
        for (const exchange::Side side : {exchange::Side::buy, exchange::Side::sell}) {
            const auto orders = engine.orders(exchange::MarketId(market), side, left);
            left -= std::min(left, orders.size());
            for (const exchange::RestingOrderView& order : orders)
                if (order_view(order).id == query.id) return Answer(open_answer(order));
        }
    for (std::uint32_t market = 0; market < engine.rules().markets.size() && left > 0; ++market) {
        const auto orders = engine.waiting_orders(exchange::MarketId(market), left);
        left -= std::min(left, orders.size());
        for (const exchange::RestingOrderView& order : orders)
            if (order_view(order).id == query.id) return Answer(open_answer(order));
    }
    return gone;
}

// Of an order that was placed elsewhere it is not known which settled commit changed it last.
Grade Node::grade_of(const exchange::OrderKey& order) const {
    if (ledger_.is_changed_unsettled(order)) return Grade::provisional;
    const KnownOrder* known = known_orders_.find(order);
    const std::uint64_t commit = known && known->commit > 0 ? std::min(known->commit, awaited_) : awaited_;
    return commit <= attestation_.attested() ? Grade::attested : Grade::settled;
}

OrderAnswer Node::ended_order(const KnownOrder& known) const {
    const exchange::Engine& engine = ledger_.engine();
    OrderAnswer answer;
    answer.order.id = known.id;
    answer.order.ref = known.key.ref();
    answer.order.account = engine.account_id(known.key.account);
    answer.order.market = known.market;
    answer.order.side = known.side;
    answer.order.price = known.price;
    answer.order.quantity = known.quantity;
    answer.order.leaves = known.leaves;
    answer.state = known.state;
    answer.grade = grade_of(known.key);
    answer.reason = known.reason;
    if (known.state == OrderState::replaced)
        answer.replaced_by = exchange::make_order_id(
            engine.rules().network, engine.account_id(known.replaced_by.account), known.replaced_by.ref());
    return answer;
}

MarketsAnswer Node::markets() const {
    const exchange::Engine& engine = ledger_.engine();
    MarketsAnswer answer;
    for (std::uint32_t i = 0; i < engine.rules().markets.size(); ++i)
        answer.markets.push_back(engine.market_view(exchange::MarketId(i)));
    return answer;
}

Result<Answer> Node::withdrawals(const WithdrawalsQuery& query) const {
    const exchange::Engine& engine = ledger_.engine();
    const std::size_t limit = std::min(query.limit, list_max);
    WithdrawalsAnswer answer;
    auto list = [&](exchange::AccountIndex account) {
        for (exchange::WithdrawalView& withdrawal : engine.withdrawals(account))
            if (answer.withdrawals.size() < limit && (!query.asset || withdrawal.asset == *query.asset))
                answer.withdrawals.push_back(
                    {engine.account_id(account), engine.account_name(account), std::move(withdrawal)});
    };
    if (query.account.empty()) {
        std::vector<exchange::AccountIndex> waiting = engine.accounts_with_withdrawals();
        std::sort(waiting.begin(), waiting.end(), [&](exchange::AccountIndex a, exchange::AccountIndex b) {
            return engine.account_id(a) < engine.account_id(b);
        });
        for (auto account = waiting.begin(); account != waiting.end() && answer.withdrawals.size() < limit;
             ++account)
            list(*account);
        return Answer(std::move(answer));
    }
    const auto id = account_named(query.account);
    const auto account = id ? engine.find_account(*id) : std::nullopt;
    if (!account) return not_found("account '" + query.account + "' is not known on this network");
    list(*account);
    return Answer(std::move(answer));
}

AccountView Node::account_view(exchange::AccountIndex account, bool with_balances) const {
    const exchange::Engine& engine = ledger_.engine();
    AccountView view;
    view.id = engine.account_id(account);
    view.name = engine.account_name(account);
    view.next_nonce = engine.next_nonce(account);
    if (with_balances) view.balances = engine.balances(account);
    return view;
}

Result<Answer> Node::accounts(const AccountQuery& query) const {
    const exchange::Engine& engine = ledger_.engine();
    AccountsAnswer answer;
    if (query.account.empty()) {
        for (std::uint32_t i = 0; i < engine.account_count() && answer.accounts.size() < list_max; ++i)
            if (engine.is_open(exchange::AccountIndex(i)))
                answer.accounts.push_back(account_view(exchange::AccountIndex(i), false));
        return Answer(std::move(answer));
    }
    const auto id = account_named(query.account);
    const auto account = id ? engine.find_account(*id) : std::nullopt;
    if (!account)
        return not_found("account '" + query.account +
                         "' is not known on this network; an account opens with its first command");
    answer.accounts.push_back(account_view(*account, true));
    return Answer(std::move(answer));
}

void Node::trades(Ticket ticket, const TradesQuery& query, Effects& effects) const {
    const exchange::Engine& engine = ledger_.engine();
    auto refuse = [&](Error error) { effects.answers.push_back({ticket, Result<Answer>(std::move(error))}); };
    if (query.market && query.market->value() >= engine.rules().markets.size())
        return refuse(not_found("no such market"));
    if (query.after && !query.market)
        return refuse({ErrorCode::invalid_input, "after: needs a market, whose trades it counts"});
    IndexReadEffect read;
    read.ledger = query.ledger.value_or(ledger_id());
    if (read.ledger != ledger_id()) {
        for (const GivenUpLedger& one : options_.given_up)
            if (one.ledger == read.ledger) read.given_up = one;
        if (!read.given_up)
            return refuse(not_found("ledger: this node neither keeps nor gave up ledger " +
                                    to_hex(read.ledger) + "; `peerbook ledger` lists them"));
        if (!query.market && query.account.empty())
            return refuse({ErrorCode::invalid_input,
                           "ledger: of one that was given up, name a market or an account too"});
        read.ticket = ticket;
        read.query = query;
        read.query.limit = std::min(query.limit, list_max);
        if (!read.query.after && query.market && query.account.empty()) read.query.after = 0;
        effects.index_reads.push_back(std::move(read));
        return;
    }
    read.ticket = ticket;
    read.query = query;
    read.query.limit = std::min(query.limit, list_max);
    if (!query.account.empty()) {
        read.account = account_named(query.account);
        if (!read.account)
            return refuse(not_found("account '" + query.account + "' is not known on this network"));
    }
    if (!query.after) read.newer = tape_.unsettled(query.market, read.account, read.query.limit);
    if (!query.market && !read.account) {  // everyone's latest are in memory
        TradesAnswer answer{tape_.latest_settled(read.query.limit), ledger_id()};
        answer.trades.insert(answer.trades.end(), read.newer.begin(), read.newer.end());
        effects.answers.push_back({ticket, Result<Answer>(Answer(std::move(answer)))});
        return;
    }
    if (query.market) read.settled_in_market = tape_.settled_in(*query.market);
    read.attested = tape_.attested_ordinals();
    effects.index_reads.push_back(std::move(read));
}

}  // namespace peerbook::app

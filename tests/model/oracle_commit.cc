// One commit: what is due by time, admission, and the order in which commands run.
#include <algorithm>
#include <limits>

#include "tests/model/oracle.h"

namespace peerbook::exchange::model {

namespace {

constexpr std::uint64_t window = 65'536;
constexpr Millis time_max = Millis{1} << 53;

enum class Class { administration, cancels, post_only, rest };

Class class_of(const CommandBody& body) {
    if (body_as<Faucet>(body) != nullptr || body_as<Issue>(body) != nullptr ||
        body_as<Administer>(body) != nullptr || body_as<OpenAccount>(body) != nullptr)
        return Class::administration;
    if (body_as<CancelOrder>(body) != nullptr || body_as<ReduceOrder>(body) != nullptr ||
        body_as<CancelAll>(body) != nullptr || body_as<CancelAfter>(body) != nullptr)
        return Class::cancels;
    const auto* limit = body_as<LimitOrder>(body);
    const auto* special = body_as<SpecialOrder>(body);
    const auto* replace = body_as<ReplaceOrder>(body);
    if ((limit != nullptr && limit->post_only) || (replace != nullptr && replace->post_only) ||
        (special != nullptr && special->order.post_only && !special->trigger) ||
        body_as<MassQuote>(body) != nullptr)
        return Class::post_only;
    return Class::rest;
}

std::uint32_t indexes_of(const CommandBody& body) {
    const auto* quotes = body_as<MassQuote>(body);
    return quotes == nullptr || quotes->quotes.empty() ? 1
                                                       : static_cast<std::uint32_t>(quotes->quotes.size());
}

// The names of the orders that the command may place.
std::vector<CommandRef> names_of(const BatchCommand& command) {
    const CommandBody& body = command.body;
    if (const auto* quotes = body_as<MassQuote>(body)) {
        std::vector<CommandRef> names;
        for (std::uint32_t i = 0; i < quotes->quotes.size(); ++i)
            names.push_back({command.nonce, command.index + i});
        return names;
    }
    if (body_as<LimitOrder>(body) != nullptr || body_as<MarketOrder>(body) != nullptr ||
        body_as<BudgetOrder>(body) != nullptr || body_as<SpecialOrder>(body) != nullptr ||
        body_as<ReplaceOrder>(body) != nullptr)
        return {command.ref()};
    return {};
}

std::optional<CommandRef> target_of(const CommandBody& body) {
    if (const auto* cancel = body_as<CancelOrder>(body)) return cancel->target;
    if (const auto* reduce = body_as<ReduceOrder>(body)) return reduce->target;
    if (const auto* replace = body_as<ReplaceOrder>(body)) return replace->target;
    return std::nullopt;
}

bool is_account_name(const std::string& name) {
    return !name.empty() && name.size() <= 64 &&
           name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._-") == std::string::npos;
}

}  // namespace

void Oracle::apply(const CommitInput& commit, const IndexOf& index_of, EventBuffer& events) {
    running_ = Running();
    running_.events = &events;
    running_.index_of = &index_of;
    running_.first_sequence = next_sequence_;
    time_ = std::max(time_, std::min(commit.time.ms, time_max));
    start_auctions_at_open();
    do_what_is_due();
    if (commit.rules_version == 1)
        run_in_order(commit);
    else
        run_in_passes(commit);
    end_batches();
    running_ = Running();
}

void Oracle::start_auctions_at_open() {
    if (has_started_) return;
    has_started_ = true;
    for (Market& market : markets_)
        open_market(market);
}

void Oracle::do_what_is_due() {
    std::vector<std::tuple<Millis, std::uint64_t, OrderName>> expiries;
    for (const auto& [name, order] : orders_)
        if (order.expires_at && *order.expires_at <= time_)
            expiries.emplace_back(*order.expires_at, order.sequence, name);
    std::sort(expiries.begin(), expiries.end());
    for (const auto& [at, sequence, name] : expiries) {
        const Order order = orders_.at(name);
        orders_.erase(name);
        Event& event = emit(EventKind::expired, order);
        event.quantity = Quantity(order.leaves);
        event.amount = to_amount(order.budget.value_or(0));
    }

    std::vector<std::pair<Millis, AccountId>> switches;
    for (const auto& [id, account] : accounts_)
        if (account.cancels_at && *account.cancels_at <= time_)
            switches.emplace_back(*account.cancels_at, id);
    std::sort(switches.begin(), switches.end());
    for (const auto& [at, id] : switches) {
        accounts_.at(id).cancels_at.reset();
        for (const OrderName& name : open_names(id))
            cancel(name, Reason::cancel_after);
    }

    std::vector<std::pair<Millis, std::uint32_t>> auctions;
    for (std::uint32_t market = 0; market < markets_.size(); ++market)
        if (markets_[market].auction_ends_at && *markets_[market].auction_ends_at <= time_)
            auctions.emplace_back(*markets_[market].auction_ends_at, market);
    std::sort(auctions.begin(), auctions.end());
    for (const auto& [at, market] : auctions)
        end_auction(market);
}

// --- rules 1 ---

void Oracle::run_in_order(const CommitInput& commit) {
    std::uint32_t number = 0;
    for (const CommandBatch& batch : commit.batches) {
        BatchState state = enter(batch);
        for (const BatchCommand& command : batch.commands) {
            Entry entry{&batch, &command, batch.accounts[command.account], number++};
            if (!admit(entry, state, false)) continue;
            if (const auto* cancel_order = entry.as<CancelOrder>()) burn_target(entry, *cancel_order);
            execute(entry);
            fire_where_it_traded(entry);
        }
    }
}

// --- rules 2 ---

void Oracle::run_in_passes(const CommitInput& commit) {
    std::vector<Entry> admitted;
    std::uint32_t number = 0;
    for (const CommandBatch& batch : commit.batches) {
        BatchState state = enter(batch);
        for (const BatchCommand& command : batch.commands) {
            Entry entry{&batch, &command, batch.accounts[command.account], number++};
            if (admit(entry, state, true)) admitted.push_back(entry);
        }
    }

    // Commands that wait for another one of this commit, by its number.
    std::map<std::uint32_t, std::vector<const Entry*>> attached;
    std::set<std::uint32_t> leave_their_class;
    std::map<std::uint32_t, Class> class_of_run;  // an attached one runs when what it is attached to does
    std::map<OrderName, std::uint32_t> taken;
    for (const Entry& entry : admitted) {
        const Class own_class = class_of(entry.command->body);
        class_of_run[entry.number] = own_class;
        if (const auto target = target_of(entry.command->body)) {
            const OrderName name{entry.account, *target};
            const auto placing = taken.find(name);
            if (orders_.count(name) == 0 && placing != taken.end()) {
                const Class then = class_of_run.at(placing->second);
                if (entry.as<ReplaceOrder>() == nullptr || own_class <= then) {
                    attached[placing->second].push_back(&entry);
                    leave_their_class.insert(entry.number);
                    class_of_run[entry.number] = then;
                }
            }
        }
        if (entry.as<CancelAll>() != nullptr) {
            // Behind all: once the first that matches an order has run, the later ones do not find it.
            for (const Entry& earlier : admitted)
                if (earlier.number < entry.number && earlier.account == entry.account &&
                    !names_of(*earlier.command).empty())
                    attached[earlier.number].push_back(&entry);
        }
        for (const CommandRef& name : names_of(*entry.command))
            taken[{entry.account, name}] = entry.number;
    }

    for (Class now : {Class::administration, Class::cancels, Class::post_only, Class::rest}) {
        for (const Entry& entry : admitted) {
            if (class_of(entry.command->body) != now || leave_their_class.count(entry.number) > 0) continue;
            run_with_attached(entry, attached);
            fire_where_it_traded(entry);
        }
    }
}

void Oracle::run_with_attached(const Entry& entry,
                               const std::map<std::uint32_t, std::vector<const Entry*>>& attached) {
    execute(entry);
    const auto found = attached.find(entry.number);
    if (found == attached.end()) return;
    for (const Entry* follower : found->second) {
        if (const auto* cancel_all = follower->as<CancelAll>()) {
            running_.entry = follower;
            cancel_left_by(entry, *cancel_all);
            running_.entry = nullptr;
        } else {
            run_with_attached(*follower, attached);
        }
    }
}

void Oracle::fire_where_it_traded(const Entry& entry) {
    running_.entry = &entry;
    const std::vector<std::uint32_t> traded = running_.traded;
    for (std::uint32_t market : traded)
        fire(market);
    running_.traded.clear();
    running_.entry = nullptr;
}

// --- admission ---

Oracle::BatchState Oracle::enter(const CommandBatch& batch) {
    BatchState state;
    const bool owns = std::any_of(accounts_.begin(), accounts_.end(),
                                  [&](const auto& entry) { return entry.second.owner == batch.signer; });
    if (!batch.authorized || !owns || rules_.member_bytes_per_second_max == 0) return state;
    Owner& owner = owners_[batch.signer];
    if (owner.second != time_ / 1'000) {
        owner.second = time_ / 1'000;
        owner.bytes = 0;
    }
    state.is_over_bytes = owner.bytes + batch.encoded_bytes > rules_.member_bytes_per_second_max;
    if (!state.is_over_bytes) owner.bytes += batch.encoded_bytes;
    return state;
}

bool Oracle::admit(Entry& entry, BatchState& batch, bool in_passes) {
    running_.entry = &entry;
    const auto refuse = [&](Reason reason) {
        reject(reason);
        running_.entry = nullptr;
        return false;
    };
    const auto refuse_until = [&](Reason reason, std::uint64_t limit, Millis again) {
        refuse(reason);
        running_.events->back().quantity = Quantity(static_cast<std::int64_t>(limit));
        running_.events->back().amount = again;
        return false;
    };
    const Millis next_second = (time_ / 1'000 + 1) * 1'000;
    if (!entry.batch->authorized) return refuse(Reason::bad_signature);
    if (batch.is_over_bytes)
        return refuse_until(Reason::byte_limit, rules_.member_bytes_per_second_max, next_second);
    if (accounts_.count(entry.account) == 0) {
        const auto* opening = entry.as<OpenAccount>();
        if (opening == nullptr) return refuse(Reason::unknown_account);
        const Reason reason = open(entry, *opening, batch);
        if (reason == Reason::rate_limit)
            return refuse_until(reason, rules_.accounts_opened_per_minute_max, (time_ / 60'000 + 1) * 60'000);
        if (reason != Reason::none) return refuse(reason);
        emit(EventKind::accepted);
        emit(EventKind::account_opened);
        running_.entry = nullptr;
        return false;
    }
    Account& account = accounts_.at(entry.account);
    if (account.owner != entry.batch->signer) return refuse(Reason::not_owner);
    if (batch.burnt != entry.command->nonce) {
        const Reason reason = nonce_reason(entry.account, entry.command->nonce);
        if (reason != Reason::none) return refuse(reason);
        account.nonces.insert(entry.command->nonce);
        if (entry.batch->kind == BatchKind::self_custodied) batch.burnt = entry.command->nonce;
    }
    if (is_over_rate(entry))
        return refuse_until(Reason::rate_limit, rules_.commands_per_second_max, next_second);
    if (entry.as<CancelAll>() != nullptr &&
        ++running_.cancel_alls[entry.account] > rules_.cancel_alls_per_commit_max)
        return refuse_until(Reason::rate_limit, rules_.cancel_alls_per_commit_max, 0);
    if (const auto* cancel_order = entry.as<CancelOrder>(); cancel_order != nullptr && in_passes)
        burn_target(entry, *cancel_order);
    running_.entry = nullptr;
    return true;
}

Reason Oracle::open(const Entry& entry, const OpenAccount& opening, BatchState& batch) {
    const PublicKey& signer = entry.batch->signer;
    const bool is_own = entry.batch->kind == BatchKind::self_custodied;
    if (is_own) {
        if (entry.account.data != signer.data) return Reason::not_owner;
        if (!opening.name.empty()) return Reason::bad_account_name;
    } else {
        if (!is_account_name(opening.name)) return Reason::bad_account_name;
        if (entry.account != hosted_account_id(signer, opening.name)) return Reason::not_owner;
    }
    const auto of_signer = std::count_if(accounts_.begin(), accounts_.end(),
                                         [&](const auto& other) { return other.second.owner == signer; });
    if (accounts_.size() - 1 >= rules_.accounts_max || of_signer >= rules_.accounts_per_owner_max)
        return Reason::account_limit;
    const auto owner = owners_.find(signer);
    const std::uint32_t opened =
        owner != owners_.end() && owner->second.minute == time_ / 60'000 ? owner->second.opened : 0;
    if (rules_.accounts_opened_per_minute_max != 0 && opened >= rules_.accounts_opened_per_minute_max)
        return Reason::rate_limit;
    const std::uint64_t nonce = entry.command->nonce;
    if (nonce == 0 || nonce > window) return Reason::nonce_out_of_window;
    Account& account = accounts_[entry.account];
    account.owner = signer;
    account.name = opening.name;
    account.nonces.insert(nonce);
    owners_[signer].minute = time_ / 60'000;
    owners_[signer].opened = opened + 1;
    if (is_own) batch.burnt = nonce;
    return Reason::none;
}

bool Oracle::is_over_rate(const Entry& entry) {
    if (rules_.commands_per_second_max == 0) return false;
    Account& account = accounts_.at(entry.account);
    if (account.second != time_ / 1'000) {
        account.second = time_ / 1'000;
        account.commands = 0;
    }
    const bool is_cancel = entry.as<CancelOrder>() != nullptr || entry.as<ReduceOrder>() != nullptr;
    const std::uint64_t allowed = std::uint64_t{rules_.commands_per_second_max} * (is_cancel ? 2 : 1);
    const std::uint32_t count = indexes_of(entry.command->body);
    if (account.commands + count > allowed) return true;
    account.commands += count;
    return false;
}

std::uint64_t Oracle::highest_nonce(const AccountId& account) const {
    const std::set<std::uint64_t>& nonces = accounts_.at(account).nonces;
    return nonces.empty() ? 0 : *nonces.rbegin();
}

Reason Oracle::nonce_reason(const AccountId& account, std::uint64_t nonce) const {
    const Big highest = highest_nonce(account);
    if (nonce == 0 || nonce > highest + window || nonce + Big(window) <= highest)
        return Reason::nonce_out_of_window;
    return accounts_.at(account).nonces.count(nonce) > 0 ? Reason::nonce_used : Reason::none;
}

bool Oracle::nonce_is_free(const AccountId& account, std::uint64_t nonce) const {
    return nonce_reason(account, nonce) == Reason::none;
}

// An order that comes after its cancel stays out.
void Oracle::burn_target(Entry& entry, const CancelOrder& cancel) {
    const std::uint64_t nonce = cancel.target.nonce;
    entry.target_is_too_new = nonce > Big(highest_nonce(entry.account)) + window;
    if (nonce_is_free(entry.account, nonce)) accounts_.at(entry.account).nonces.insert(nonce);
}

void Oracle::execute(const Entry& entry) {
    running_.entry = &entry;
    std::visit(
        [this](const auto& body) {
            if constexpr (requires { *body; })
                run(*body);
            else
                run(body);
        },
        entry.command->body);
    running_.entry = nullptr;
}

}  // namespace peerbook::exchange::model

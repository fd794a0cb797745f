#include "exchange/engine/restore.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "exchange/engine/admission.h"
#include "exchange/engine/engine_state.h"
#include "exchange/ledger/fees.h"

namespace peerbook::exchange {

namespace {

Error refused(const std::string& what) {
    return {ErrorCode::invalid_input, "snapshot: " + what};
}

// What is refused when an order with a trigger is placed.
bool may_wait(const OrderExtension& extension, MatchingMode matching) {
    const bool stays = extension.time_in_force == TimeInForce::gtc;
    if (!stays && (extension.post_only || extension.display != 0 || extension.expires_at_ms != 0))
        return false;
    const bool has_budget = extension.budget != 0;
    if (has_budget && (extension.time_in_force != TimeInForce::ioc ||
                       extension.self_trade == SelfTradePrevention::decrement))
        return false;
    return matching == MatchingMode::continuous ||
           !(extension.time_in_force == TimeInForce::fok || extension.post_only || has_budget);
}

// Far beyond any clock, and far from where times overflow.
constexpr std::int64_t time_ms_max = std::int64_t{1} << 53;

bool is_within(std::int64_t value, std::int64_t least, std::int64_t most) {
    return value >= least && value <= most;
}

// An account's id is made of its owner and its name.
bool is_named_right(const AccountEntry& account) {
    if (!account.name.empty())
        return is_account_name(account.name) && account.id == hosted_account_id(*account.owner, account.name);
    return std::equal(account.id.data.begin(), account.id.data.end(), account.owner->data.begin());
}

}  // namespace

class EngineRestorer {
  public:
    explicit EngineRestorer(Engine& engine)
        : state_(engine.internals()), markets_of_network_(state_.markets.size()) {}

    Status restore(const SnapshotReader& snapshot);

  private:
    Status restore_entry(StateDomain domain, ByteView bytes);
    Status take(const MetaEntry& meta);
    Status take(const IssuedEntry& issued);
    Status take(MarketEntry entry);
    Status take_created(const MarketEntry& entry);
    Status take(const Proposal& proposal);
    Status take(const AccountEntry& entry);
    Status take(const OwnerEntry& entry);
    Status take(const BalanceEntry& entry);
    Status take(WithdrawalEntry entry);
    Status insert_orders();
    Status insert(const OrderEntry& entry);
    Status check(const OrderEntry& entry, AccountIndex account) const;
    Status check_quantity(const OrderEntry& entry, const MarketTerms& market) const;
    Status count_lots(const Order& order, std::int64_t lots);
    bool was_burnt(AccountIndex account, std::uint64_t nonce, std::uint32_t index) const;
    Status open(const AccountEntry& entry);
    Status finish();

    bool has_asset(AssetId asset) const { return asset.value() < state_.rules.assets.size(); }

    // Orders enter the books by sequence, not by key.
    struct WaitingOrder {
        std::uint64_t sequence;
        ByteView bytes;
    };

    EngineState& state_;
    std::size_t markets_of_network_;
    std::size_t markets_taken_ = 0;
    std::uint64_t next_sequence_ = 1;
    bool has_fee_account_ = false;
    // By market: of buys and of sells, those that wait included, and of all that wait.
    std::vector<std::array<std::int64_t, 3>> lots_;
    std::vector<WaitingOrder> orders_;
};

Status EngineRestorer::restore(const SnapshotReader& snapshot) {
    Status status;
    snapshot.for_each([&](StateDomain domain, ByteView bytes) {
        status = restore_entry(domain, bytes);
        return status.ok();
    });
    if (!status.ok()) return status;
    if (status = insert_orders(); !status.ok()) return status;
    return finish();
}

Status EngineRestorer::restore_entry(StateDomain domain, ByteView bytes) {
    Decoder in(bytes);
    switch (domain) {
        case StateDomain::meta:
            return take(decode_meta(in));
        case StateDomain::issued:
            return take(decode_issued(in));
        case StateDomain::markets:
            return take(decode_market(in));
        case StateDomain::proposals:
            return take(decode_proposal(in));
        case StateDomain::accounts:
            return take(decode_account(in));
        case StateDomain::owners:
            return take(decode_owner(in));
        case StateDomain::balances:
            return take(decode_balance(in));
        case StateDomain::orders:
            orders_.push_back({decode_order(in).order.sequence, bytes});
            return {};
        case StateDomain::withdrawals:
            return take(decode_withdrawal(in));
    }
    return {};
}

Status EngineRestorer::take(const MetaEntry& meta) {
    if (meta.next_sequence == 0 || meta.next_sequence >= std::uint64_t{1} << 48)
        return refused("its next sequence is out of range");
    if (meta.time && !is_within(meta.time->ms, 0, time_ms_max)) return refused("its time is out of range");
    state_.time = meta.time;
    next_sequence_ = meta.next_sequence;
    return {};
}

Status EngineRestorer::take(const IssuedEntry& issued) {
    if (!has_asset(issued.asset)) return refused("more was issued than the network has assets");
    state_.issued[issued.asset.value()] = issued.amount;
    return {};
}

Status EngineRestorer::take(MarketEntry entry) {
    const std::string name = "market " + std::to_string(entry.market.value());
    if (entry.market.value() != markets_taken_++) return refused(name + " has a gap in front of it");
    const bool is_created = entry.state.created_from.has_value();
    if (is_created != (entry.market.value() >= markets_of_network_))
        return refused(name + (is_created ? " is one of the network file's" : " was created from nothing"));
    if (is_created)
        if (Status status = take_created(entry); !status.ok()) return status;
    const MarketTerms& terms = state_.terms[entry.market.value()];
    if (entry.state.last && !is_within(*entry.state.last, 1, terms.price_max))
        return refused(name + " has a last price out of range");
    if (entry.state.auction_ends_at.has_value() != (entry.state.phase == MarketPhase::auction))
        return refused(name + " has an auction's end without an auction, or an auction without an end");
    if (entry.state.auction_ends_at && !is_within(entry.state.auction_ends_at->ms, 0, time_ms_max))
        return refused(name + " has an auction's end out of range");
    state_.markets[entry.market.value()].last = entry.state.last;
    state_.put_phase(entry.market.value(), entry.state.phase, entry.state.auction_ends_at);
    return {};
}

Status EngineRestorer::take_created(const MarketEntry& entry) {
    const CreateMarket& create = *entry.state.created_from;
    const std::string name = "market " + std::to_string(entry.market.value());
    const NetworkRules& rules = state_.rules;
    if (entry.market.value() >= rules.markets_max) return refused(name + " is one too many");
    if (!has_asset(create.base) || !has_asset(create.quote) || create.base == create.quote)
        return refused(name + " trades assets that the network does not have");
    if (!is_market_symbol(create.spec.symbol)) return refused(name + " has a symbol that is none");
    for (const MarketRules& market : rules.markets)
        if (market.symbol == create.spec.symbol) return refused(name + " has another market's symbol");
    Result<MarketRules> made = make_market_rules(create.spec, create.base, rules.assets[create.base.value()],
                                                 create.quote, rules.assets[create.quote.value()]);
    if (!made.ok()) return made.error().within("snapshot: " + name);
    state_.create_market(create, std::move(made).value());
    return {};
}

Status EngineRestorer::take(const Proposal& proposal) {
    const std::size_t administrators = state_.rules.administrators.size();
    if (administrators < 64 && proposal.words >> administrators != 0)
        return refused("a proposal has the word of an administrator whom the network does not have");
    if (proposal.words == 0) return refused("a proposal has nobody's word");
    if (!is_within(proposal.since.ms, 0, state_.now_ms())) return refused("a proposal is of the future");
    if (state_.proposals.size() >= state_.rules.proposals_max)
        return refused("it has more proposals than the network allows");
    state_.proposals.push_back(proposal);
    return {};
}

Status EngineRestorer::take(const AccountEntry& entry) {
    if (entry.id == state_.rules.fee_account) {
        if (entry.owner || !entry.name.empty()) return refused("the fee account has an owner or a name");
        if (entry.highest_nonce != 0 || entry.cancel_after_ms != 0 || entry.commands != RateWindow())
            return refused("the fee account was commanded");
        has_fee_account_ = true;
        return {};
    }
    if (!entry.owner || !is_named_right(entry))
        return refused("account " + to_hex(entry.id) + " is not what its owner and name make");
    return open(entry);
}

Status EngineRestorer::open(const AccountEntry& entry) {
    Accounts& accounts = state_.accounts;
    if (accounts.open_count() > state_.rules.accounts_max)
        return refused("it has more accounts than the network allows");
    const std::optional<OwnerIndex> owner = accounts.find_owner(*entry.owner);
    if (owner && accounts.open_count_of(*owner) >= state_.rules.accounts_per_owner_max)
        return refused("key " + to_hex(*entry.owner) + " has more accounts than the network allows");
    if (!is_within(entry.cancel_after_ms, 0, time_ms_max))
        return refused("a dead-man switch is out of range");
    const AccountIndex account = accounts.open(entry.id, *entry.owner, entry.name);
    state_.put_switch(account, entry.cancel_after_ms);
    Account& own = accounts.edit(account);
    own.commands = entry.commands;
    own.nonces = NonceWindow::restored(entry.highest_nonce, entry.gaps);
    return {};
}

Status EngineRestorer::take(const OwnerEntry& entry) {
    const std::optional<OwnerIndex> index = state_.accounts.find_owner(entry.key);
    if (!index) return refused("key " + to_hex(entry.key) + " has windows but no account");
    Owner& owner = state_.accounts.edit_owner(*index);
    owner.openings = entry.openings;
    owner.seconds = entry.seconds;
    owner.bytes = entry.bytes;
    return {};
}

Status EngineRestorer::take(const BalanceEntry& entry) {
    const std::optional<AccountIndex> account = state_.accounts.find(entry.account);
    if (!account || !has_asset(entry.asset)) return refused("a balance is of no account or asset");
    state_.balances.edit(state_.balances.slot(*account, entry.asset)) = entry.balance;
    return {};
}

Status EngineRestorer::take(WithdrawalEntry entry) {
    const std::optional<AccountIndex> account = state_.accounts.find(entry.account);
    if (!account || !has_asset(entry.withdrawal.asset))
        return refused("a withdrawal is of no account or asset");
    const OrderKey& request = entry.withdrawal.request;
    if (!was_burnt(*account, request.nonce, request.index))
        return refused("a withdrawal was requested under a nonce that was not burnt");
    if (state_.withdrawals.count_of(*account) >= state_.rules.withdrawals_per_account_max)
        return refused("account " + to_hex(entry.account) + " has more withdrawals than the network allows");
    entry.withdrawal.request.account = *account;
    state_.withdrawals.add(std::move(entry.withdrawal));
    return {};
}

// Whether a command may have had this name, so that none can have it again.
bool EngineRestorer::was_burnt(AccountIndex account, std::uint64_t nonce, std::uint32_t index) const {
    const NonceWindow& nonces = state_.accounts.nonces(account);
    return nonce >= 1 && nonce <= nonces.highest() && nonces.verdict(nonce) != NonceWindow::Verdict::free &&
           index < signed_batch_commands_max;
}

Status EngineRestorer::insert_orders() {
    if (markets_taken_ < markets_of_network_) return refused("it lacks markets of the network file");
    if (orders_.size() > state_.rules.open_orders_max)
        return refused("it has more orders than the network allows");
    lots_.resize(state_.terms.size());
    std::sort(orders_.begin(), orders_.end(),
              [](const WaitingOrder& x, const WaitingOrder& y) { return x.sequence < y.sequence; });
    std::uint64_t before = 0;
    for (const WaitingOrder& order : orders_) {
        if (order.sequence <= before || order.sequence >= next_sequence_)
            return refused("an order's sequence is another's, or not below the next one");
        before = order.sequence;
        Decoder in(order.bytes);
        if (Status status = insert(decode_order(in)); !status.ok()) return status;
    }
    state_.books.set_next_sequence(next_sequence_);
    return {};
}

Status EngineRestorer::insert(const OrderEntry& entry) {
    const std::optional<AccountIndex> account = state_.accounts.find(entry.account);
    if (!account) return refused("an order is of no account");
    Status status = check(entry, *account);
    if (status.ok()) status = count_lots(entry.order, entry.order.leaves + entry.extension.hidden);
    if (!status.ok()) {
        const std::string name = to_hex(entry.account) + "/" + std::to_string(entry.order.nonce) + "/" +
                                 std::to_string(entry.order.index);
        return status.error().within("snapshot: order " + name);
    }
    const Order& order = entry.order;
    NewOrder placed;
    placed.key = OrderKey(*account, {order.nonce, order.index});
    placed.market = order.market();
    placed.side = order.side();
    placed.is_quote = order.is_quote != 0;
    placed.is_waiting = order.is_waiting != 0;
    placed.waits_below = order.waits_below != 0;
    placed.price = order.price;
    placed.quantity = order.quantity_or_extension;
    placed.leaves = order.leaves;
    placed.fee_carry = order.fee_carry;
    if (order.is_extended != 0) placed.extension = &entry.extension;
    state_.books.restore(placed, order.sequence);
    return {};
}

Status EngineRestorer::check(const OrderEntry& entry, AccountIndex account) const {
    const auto wrong = [](const char* what) { return Error{ErrorCode::invalid_input, what}; };
    const Order& order = entry.order;
    const OrderExtension& extension = entry.extension;  // as empty if there is none
    if (order.market_number >= state_.terms.size()) return wrong("there is no such market");
    const MarketTerms& market = state_.terms[order.market_number];
    if (!was_burnt(account, order.nonce, order.index)) return wrong("its nonce was not burnt");
    if (state_.books.open_order_count(account) >= state_.rules.open_orders_per_account_max)
        return wrong("its account has more open orders than the network allows");
    if (!is_within(order.price, 1, market.price_max)) return wrong("its price is out of range");
    if (order.fee_carry >= ppm) return wrong("its fee carry is above one unit");
    const bool is_waiting = order.is_waiting != 0;
    if (is_waiting && order.is_extended == 0) return wrong("it waits and has no limit");
    if (is_waiting && !is_within(extension.limit, 1, market.price_max))
        return wrong("its limit is out of range");
    if (is_waiting && !may_wait(extension, market.matching)) return wrong("its terms do not fit together");
    if (extension.expires_at_ms < 0) return wrong("it expires before 1970");
    return check_quantity(entry, market);
}

Status EngineRestorer::check_quantity(const OrderEntry& entry, const MarketTerms& market) const {
    const auto wrong = [](const char* what) { return Error{ErrorCode::invalid_input, what}; };
    const Order& order = entry.order;
    const OrderExtension& extension = entry.extension;
    const bool is_waiting = order.is_waiting != 0;
    const bool is_budget = extension.budget != 0;
    if (is_budget) {
        if (!is_waiting || order.is_sell != 0 || order.leaves != 0 || extension.quantity != 0 ||
            extension.hidden != 0 || extension.budget < 0 ||
            extension.budget > Amount{1} << notional_bits_max)
            return wrong("its budget does not fit it");
        return {};
    }
    const std::int64_t quantity = order.is_extended != 0 ? extension.quantity : order.quantity_or_extension;
    if (!is_within(quantity, 1, market.quantity_max) || !is_within(order.leaves, 1, quantity) ||
        !is_within(extension.hidden, 0, quantity - order.leaves) ||
        !is_within(extension.display, 0, quantity))
        return wrong("its quantity is out of range");
    if (extension.hidden != 0 && (extension.display == 0 || is_waiting))
        return wrong("a part of it is hidden, and it is no iceberg in the book");
    return {};
}

// Orders that wait count for their side too, so that each has room there when it becomes active.
Status EngineRestorer::count_lots(const Order& order, std::int64_t lots) {
    std::array<std::int64_t, 3>& there = lots_[order.market_number];
    for (const std::size_t place : {order.is_sell != 0 ? std::size_t{1} : std::size_t{0}, std::size_t{2}}) {
        if (place == 2 && order.is_waiting == 0) continue;
        if (there[place] > std::numeric_limits<std::int64_t>::max() - lots)
            return Error{ErrorCode::invalid_input,
                         "its side of the market has more lots than can be counted"};
        there[place] += lots;
    }
    return {};
}

Status EngineRestorer::finish() {
    if (!has_fee_account_) return refused("it lacks the fee account");
    // In order of their first word, as far as times tell.
    std::stable_sort(state_.proposals.begin(), state_.proposals.end(),
                     [](const Proposal& x, const Proposal& y) { return x.since < y.since; });
    state_.prune_undo(state_.undo.position());
    return {};
}

Result<std::unique_ptr<Engine>> restore_engine(NetworkRules rules, const SnapshotReader& snapshot) {
    auto engine = std::make_unique<Engine>(std::move(rules));
    if (Status status = EngineRestorer(*engine).restore(snapshot); !status.ok()) return status.error();
    if (Status status = engine->check_invariants(); !status.ok())
        return status.error().within("snapshot: what it holds does not fit together");
    if (state_root_of(engine->freeze()) != snapshot.manifest().origin.state_root)
        return refused("what was restored has another state root");
    return engine;
}

}  // namespace peerbook::exchange

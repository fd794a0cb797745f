#include "tests/model/comparison.h"

#include <algorithm>
#include <sstream>

#include "tests/model/text.h"

namespace peerbook::exchange::model {

namespace {

constexpr std::size_t everything = 1'000'000;

// Keys whose signatures are good when the generator says so.
class SignerInName final : public Signer {
  public:
    explicit SignerInName(const PublicKey& key) : key_(key) {}
    const PublicKey& public_key() const override { return key_; }
    Signature sign(ByteView) const override { return {}; }

  private:
    PublicKey key_;
};
class VerifierThatSays final : public Verifier {
  public:
    explicit VerifierThatSays(bool answer) : answer_(answer) {}
    bool verify(const PublicKey&, ByteView, const Signature&) const override { return answer_; }

  private:
    bool answer_;
};

std::vector<Command> commands_of(const CommandBatch& batch) {
    std::vector<Command> commands;
    for (const BatchCommand& command : batch.commands)
        commands.push_back({batch.accounts[command.account], command.ref(), command.body});
    return commands;
}

template <typename T>
std::string shown(const T& value) {
    std::ostringstream out;
    if constexpr (requires { value.value(); })
        out << value.value();
    else
        out << value;
    return out.str();
}
template <typename T>
std::string shown(const std::optional<T>& value) {
    return value ? shown(*value) : "none";
}
std::string shown(const std::string& value) {
    return value;
}

std::optional<std::int64_t> raw(const std::optional<Price>& price) {
    return price ? std::optional(price->value()) : std::nullopt;
}
std::optional<std::int64_t> raw(const std::optional<Quantity>& quantity) {
    return quantity ? std::optional(quantity->value()) : std::nullopt;
}
std::optional<std::int64_t> raw(const std::optional<WallTime>& time) {
    return time ? std::optional(time->ms) : std::nullopt;
}

}  // namespace

Comparison::Comparison(const NetworkRules& rules, Reached& reached)
    : rules_(rules), engine_(rules), oracle_(rules), reached_(reached) {}
Comparison::~Comparison() = default;

void Comparison::fail(const std::string& what) {
    std::string text = what + "\n\nhistory:\n";
    for (const std::string& line : history_)
        text += line + '\n';
    throw Difference(text);
}

void Comparison::expect(bool holds, const std::string& what) {
    if (!holds) fail(what);
}

template <typename A, typename B>
void Comparison::expect_equal(const A& seen, const B& expected, const std::string& what) {
    if (!(seen == expected)) fail(what + ": engine has " + shown(seen) + ", expected " + shown(expected));
}

void Comparison::write_down(const Step& step) {
    history_.push_back("commit at " + std::to_string(step.time - first_time) + ", rules " +
                       std::to_string(step.rules_version));
    std::uint32_t number = 0;
    for (const CommandBatch& batch : step.batches) {
        history_.push_back("  batch kind " + std::to_string(static_cast<int>(batch.kind)) + " signer " +
                           std::to_string(batch.signer.data[0]) + (batch.authorized ? "" : " UNAUTHORIZED") +
                           ", bytes " + std::to_string(batch.encoded_bytes));
        for (const BatchCommand& command : batch.commands)
            history_.push_back("    #" + std::to_string(number++) + " " +
                               to_hex(batch.accounts[command.account]).substr(0, 6) + "/" +
                               std::to_string(command.nonce) + "." + std::to_string(command.index) + " " +
                               text_of(command.body));
    }
}

void Comparison::apply(Millis time, std::uint16_t rules_version, std::vector<CommandBatch> batches) {
    Step step{time, rules_version, std::move(batches), engine_.mark(), engine_.state_digest(), oracle_, {}};
    write_down(step);
    EventBuffer expected;
    const CommitInput input{WallTime{time}, rules_version, step.batches};
    engine_.apply(input, step.events);
    oracle_.apply(
        input, [this](const AccountId& id) { return engine_.find_account(id).value_or(no_account); },
        expected);
    compare_events(step.events, expected);
    const Status status = engine_.check_invariants();
    expect(status.ok(), status.ok() ? "" : "an invariant broke: " + status.error().message);
    compare_state();
    check_conservation();
    for (const Event& event : step.events)
        history_.push_back("    -> " + text_of(event));
    reached_.note(step.events);
    ++reached_.commits;
    for (const CommandBatch& batch : step.batches)
        reached_.commands += batch.commands.size();
    steps_.push_back(std::move(step));
}

void Comparison::compare_events(const EventBuffer& events, const EventBuffer& expected) {
    if (events == expected) return;
    std::string text = "the events differ (! marks the first difference)\n";
    bool same = true;
    for (std::size_t i = 0; i < std::max(events.size(), expected.size()); ++i) {
        const bool equal = i < events.size() && i < expected.size() && events[i] == expected[i];
        const char* mark = same && !equal ? "! " : "  ";
        same = same && equal;
        if (equal) {
            text += "  both     " + text_of(events[i]) + '\n';
            continue;
        }
        if (i < events.size()) text += mark + ("engine   " + text_of(events[i])) + '\n';
        if (i < expected.size()) text += mark + ("expected " + text_of(expected[i])) + '\n';
    }
    fail(text);
}

void Comparison::undo(std::size_t count, bool redo) {
    count = std::min(count, steps_.size() - pruned_);
    if (count == 0) return;
    reached_.undone += count;
    const Digest after = engine_.state_digest();
    std::vector<Step> undone(std::make_move_iterator(steps_.end() - static_cast<std::ptrdiff_t>(count)),
                             std::make_move_iterator(steps_.end()));
    steps_.erase(steps_.end() - static_cast<std::ptrdiff_t>(count), steps_.end());
    history_.push_back("undo " + std::to_string(count));
    engine_.undo_to(undone.front().before);
    oracle_ = undone.front().oracle_before;
    const Status status = engine_.check_invariants();
    expect(status.ok(), status.ok() ? "" : "after undo an invariant broke: " + status.error().message);
    compare_state();
    expect(engine_.state_digest() == undone.front().digest_before, "undo does not restore the digest");
    if (!redo) return;
    for (Step& step : undone) {
        apply(step.time, step.rules_version, std::move(step.batches));
        expect(steps_.back().events == step.events, "doing it again gives other events");
    }
    expect(engine_.state_digest() == after, "doing it again gives another digest");
}

void Comparison::keep(std::size_t count) {
    if (steps_.size() - pruned_ <= count) return;
    pruned_ = steps_.size() - count;
    history_.push_back("prune all but " + std::to_string(count));
    engine_.prune_undo(count == 0 ? engine_.mark() : steps_[pruned_].before);
}

void Comparison::compare_with_straight_run() {
    Engine straight(rules_);
    EventBuffer events;
    for (const Step& step : steps_) {
        events.clear();
        straight.apply({WallTime{step.time}, step.rules_version, step.batches}, events);
    }
    expect(straight.state_digest() == engine_.state_digest(), "the digest depends on what was undone");
    expect(straight.book_digest() == engine_.book_digest(), "the book digest depends on what was undone");
    expect(straight.balances_digest() == engine_.balances_digest(),
           "the balances digest depends on what was undone");
}

std::vector<CommandBatch> Comparison::through_encoding(const std::vector<CommandBatch>& batches,
                                                       std::uint16_t rules_version) {
    std::vector<CommandBatch> decoded;
    for (const CommandBatch& batch : batches) {
        // The author's own batch has no signature that could be wrong.
        if (!batch.authorized && batch.kind == BatchKind::hosted_by_author) {
            decoded.push_back(batch);
            continue;
        }
        PayloadBuilder builder;
        if (batch.kind == BatchKind::hosted_by_author) {
            for (const Command& command : commands_of(batch))
                expect(builder.add_hosted(command), "a small batch has no room in a payload");
        } else {
            expect(
                builder.add_signed_batch(encode_signed_batch(batch.kind, rules_.network, rules_version,
                                                             SignerInName(batch.signer), commands_of(batch))),
                "a small signed batch has no room in a payload");
        }
        auto arrived = decode_payload(builder.take(), batch.signer, rules_.network, rules_version,
                                      VerifierThatSays(batch.authorized));
        expect(arrived.ok() && arrived->size() == 1, "a batch does not come through its encoding");
        const CommandBatch& copy = decoded.emplace_back(std::move(arrived->front()));
        expect(copy.kind == batch.kind && copy.signer == batch.signer && copy.authorized == batch.authorized,
               "a batch changes in its encoding");
        const std::vector<Command> before = commands_of(batch), after = commands_of(copy);
        expect(before.size() == after.size(), "encoding loses commands");
        for (std::size_t i = 0; i < before.size(); ++i)
            expect(before[i].account == after[i].account && before[i].ref == after[i].ref &&
                       before[i].body == after[i].body,
                   "encoding changes " + text_of(before[i].body) + " to " + text_of(after[i].body));
        ++reached_.encoded;
    }
    return decoded;
}

// --- state ---

void Comparison::compare_state() {
    std::size_t open = 0;
    for (std::uint32_t i = 0; i < engine_.account_count(); ++i)
        open += engine_.is_open(AccountIndex(i));
    expect_equal(open, oracle_.accounts().size(), "open accounts");
    for (const auto& [id, account] : oracle_.accounts())
        compare_account(id, account);
    expect_equal(engine_.rules().markets.size(), oracle_.markets().size(), "markets");
    for (std::uint32_t market = 0; market < oracle_.markets().size(); ++market)
        compare_market(market);
    for (std::uint32_t asset = 0; asset < rules_.assets.size(); ++asset)
        expect_equal(Big(engine_.issued(AssetId(asset))), oracle_.issued()[asset], "issued");
    expect_equal(raw(engine_.next_deadline()), oracle_.next_deadline(), "next deadline");
}

void Comparison::compare_account(const AccountId& id, const Account& account) {
    const std::string who = "account " + to_hex(id).substr(0, 6) + ": ";
    const std::optional<AccountIndex> index = engine_.find_account(id);
    expect(index.has_value() && engine_.is_open(*index), who + "not open");
    expect(engine_.account_id(*index) == id, who + "another id");
    expect_equal(engine_.account_name(*index), account.name, who + "name");
    const std::vector<BalanceView> balances = engine_.balances(*index);
    expect_equal(balances.size(), rules_.assets.size(), who + "balances");
    for (std::uint32_t asset = 0; asset < balances.size(); ++asset) {
        expect_equal(balances[asset].asset.value(), asset, who + "asset");
        expect_equal(Big(balances[asset].total), oracle_.total(id, asset), who + "total");
        expect_equal(Big(balances[asset].reserved), oracle_.reserved(id, asset), who + "reserved");
    }

    const std::uint64_t highest = oracle_.highest_nonce(id);
    expect_equal(engine_.next_nonce(*index), highest + 1, who + "next nonce");
    const auto compare_nonce = [&](std::uint64_t nonce) {
        expect_equal(engine_.nonce_is_free(*index, nonce), oracle_.nonce_is_free(id, nonce),
                     who + "nonce " + std::to_string(nonce) + " is free");
    };
    for (std::uint64_t nonce = highest > 10 ? highest - 10 : 0; nonce < highest + 3; ++nonce)
        compare_nonce(nonce);
    for (std::uint64_t edge : {highest + 65'536, highest > 65'536 ? highest - 65'536 : 0, highest / 2})
        for (std::uint64_t nonce : {edge, edge + 1})
            compare_nonce(nonce);

    const std::vector<WithdrawalView> withdrawals = engine_.withdrawals(*index);
    expect_equal(withdrawals.size(), account.withdrawals.size(), who + "withdrawals");
    auto expected = account.withdrawals.begin();
    for (const WithdrawalView& view : withdrawals) {
        expect(view.request == expected->first, who + "another withdrawal");
        expect_equal(view.asset.value(), expected->second.asset, who + "withdrawal's asset");
        expect_equal(Big(view.amount), expected->second.amount, who + "withdrawal's amount");
        expect_equal(view.destination, expected->second.destination, who + "withdrawal's destination");
        ++expected;
    }

    std::vector<Order> orders;
    for (const auto& [name, order] : oracle_.orders())
        if (name.first == id) orders.push_back(order);
    const std::vector<RestingOrderView> views = engine_.open_orders(*index, everything);
    expect_equal(views.size(), orders.size(), who + "open orders");
    for (std::size_t i = 0; i < views.size(); ++i) {
        compare_order(views[i], orders[i]);
        const std::optional<RestingOrderView> found = engine_.find_order(views[i].order);
        expect(found.has_value(), who + "an open order is not found");
        compare_order(*found, orders[i]);
    }
}

void Comparison::compare_order(const RestingOrderView& view, const Order& expected) {
    const std::string what = "order " + to_hex(expected.account).substr(0, 6) + "/" +
                             std::to_string(expected.ref.nonce) + "." + std::to_string(expected.ref.index) +
                             ": ";
    expect(engine_.account_id(view.order.account) == expected.account && view.order.ref() == expected.ref,
           what + "another order");
    expect_equal(view.market.value(), expected.market, what + "market");
    expect(view.side == expected.side, what + "side");
    expect_equal(view.price.value(), expected.price, what + "price");
    expect_equal(view.quantity.value(), expected.quantity, what + "quantity");
    expect_equal(view.leaves.value(), expected.leaves, what + "leaves");
    expect_equal(view.shown.value(), expected.trigger ? 0 : expected.shown, what + "shown");
    expect_equal(view.sequence, expected.sequence, what + "sequence");
    expect_equal(raw(view.display), expected.display, what + "display");
    expect_equal(raw(view.expires_at), expected.expires_at, what + "expires_at");
    expect(view.trigger == expected.trigger, what + "trigger");
    const Big budget = view.budget ? Big(*view.budget) : Big(-1);
    expect_equal(budget, expected.budget.value_or(-1), what + "budget");
}

void Comparison::compare_market(std::uint32_t number) {
    const std::string what = "market " + std::to_string(number) + ": ";
    const Market& market = oracle_.markets()[number];
    expect_equal(engine_.rules().markets[number].symbol, market.rules.symbol, what + "symbol");
    const MarketView view = engine_.market_view(MarketId(number));
    expect_equal(static_cast<int>(view.phase), static_cast<int>(market.phase), what + "phase");
    expect_equal(raw(view.last), market.last, what + "last price");
    expect_equal(raw(engine_.last_price(MarketId(number))), market.last, what + "last price");
    expect_equal(raw(view.auction_ends_at), market.auction_ends_at, what + "end of the auction");
    Clearing indicative;
    if (market.phase == MarketPhase::auction) indicative = oracle_.clearing(number).value_or(Clearing());
    expect_equal(view.indicative_price.value(), indicative.price, what + "indicative price");
    expect_equal(view.indicative_quantity.value(), indicative.volume, what + "indicative quantity");
    for (Side side : {Side::buy, Side::sell})
        compare_side(number, side);

    std::vector<Order> waiting;
    for (const auto& [name, order] : oracle_.orders())
        if (order.market == number && order.trigger) waiting.push_back(order);
    std::vector<RestingOrderView> views = engine_.waiting_orders(MarketId(number), everything);
    expect_equal(views.size(), waiting.size(), what + "waiting orders");
    const auto by_sequence = [](const auto& a, const auto& b) { return a.sequence < b.sequence; };
    std::sort(waiting.begin(), waiting.end(), by_sequence);
    std::sort(views.begin(), views.end(), by_sequence);
    for (std::size_t i = 0; i < views.size(); ++i)
        compare_order(views[i], waiting[i]);
}

void Comparison::compare_side(std::uint32_t number, Side side) {
    const std::string what = "market " + std::to_string(number) + (side == Side::buy ? " bids: " : " asks: ");
    const std::vector<RestingOrderView> views = engine_.orders(MarketId(number), side, everything);
    const std::vector<Order> orders = oracle_.side_orders(number, side);
    expect_equal(views.size(), orders.size(), what + "orders");
    std::vector<LevelView> expected;
    for (std::size_t i = 0; i < orders.size(); ++i) {
        compare_order(views[i], orders[i]);
        const Price price(orders[i].price);
        if (expected.empty() || expected.back().price != price) expected.push_back({price, Quantity(0), 0});
        expected.back().quantity = Quantity(expected.back().quantity.value() + orders[i].shown);
        ++expected.back().orders;
    }
    const std::vector<LevelView> levels = engine_.levels(MarketId(number), side, everything);
    expect_equal(levels.size(), expected.size(), what + "levels");
    for (std::size_t i = 0; i < levels.size(); ++i) {
        expect_equal(levels[i].price.value(), expected[i].price.value(), what + "level price");
        expect_equal(levels[i].quantity.value(), expected[i].quantity.value(), what + "level quantity");
        expect_equal(levels[i].orders, expected[i].orders, what + "level orders");
    }
    std::optional<std::int64_t> best;
    if (!orders.empty()) best = orders.front().price;
    expect_equal(raw(engine_.best(MarketId(number), side)), best, what + "best price");
}

// What was issued is what accounts have, and nobody has promised more than that.
void Comparison::check_conservation() {
    for (std::uint32_t asset = 0; asset < rules_.assets.size(); ++asset) {
        Big sum = 0;
        for (std::uint32_t i = 0; i < engine_.account_count(); ++i) {
            if (!engine_.is_open(AccountIndex(i))) continue;
            const BalanceView balance = engine_.balances(AccountIndex(i))[asset];
            expect(balance.reserved >= 0 && balance.reserved <= balance.total,
                   "more is reserved than there is");
            sum += balance.total;
        }
        expect_equal(sum, oracle_.sum_of_balances(asset), "sum of balances");
        expect_equal(sum, oracle_.issued()[asset], "sum of balances and what was issued");
    }
}

}  // namespace peerbook::exchange::model

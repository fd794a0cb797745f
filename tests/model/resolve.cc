// Commands from their recipes and the state that they meet.
#include <algorithm>

#include "tests/model/kind.h"
#include "tests/model/recipe.h"

namespace peerbook::exchange::model {

namespace {

class Resolver {
  public:
    explicit Resolver(const Oracle& now) : now_(now) {}

    void add(const CommandRecipe& recipe) {
        r_ = &recipe;
        kind_ = kind_of(r(0));
        user_ = &users()[choose_user()];
        choose_batch();
        const bool is_own = batches_.back().kind == BatchKind::self_custodied;
        ref_ = is_own ? CommandRef{own_nonce_, own_index_} : CommandRef{choose_nonce(), 0};
        CommandBody body = choose_body();
        std::uint32_t indexes = 1;
        if (const auto* quotes = body_as<MassQuote>(body))
            indexes = std::max<std::uint32_t>(1, static_cast<std::uint32_t>(quotes->quotes.size()));
        own_index_ += indexes;
        for (std::uint32_t i = 0; i < indexes; ++i)
            names_[user_->account].push_back({ref_.nonce, ref_.index + i});
        batches_.back().encoded_bytes += 60;
        batches_.back().add(user_->account, ref_, std::move(body));
    }
    std::vector<CommandBatch> take() { return std::move(batches_); }

  private:
    std::uint8_t r(std::size_t place) const { return (*r_)[place]; }
    std::size_t choose_user() const {
        if (r(1) >= 240) return 6 + r(1) % 2;
        const bool is_issuers =
            kind_ == Kind::issue || kind_ == Kind::redeem || kind_ == Kind::settle_withdrawal;
        if (is_issuers && r(1) < 220) return r(1) % 2 * 2;
        if (kind_ == Kind::administer && r(1) < 220) return r(1) % 3;
        return r(1) % 6;
    }
    bool is_known() const { return now_.accounts().count(user_->account) > 0; }

    void choose_batch() {
        const bool is_own = user_->name.empty();
        const bool fits = !batches_.empty() && batches_.back().signer == user_->key;
        const bool intrudes = !batches_.empty() && !is_own && r(3) >= 244 && r(3) < 248 &&
                              batches_.back().kind != BatchKind::self_custodied;
        if ((fits && r(3) % 4 != 3) || intrudes) return;
        CommandBatch& batch = batches_.emplace_back();
        batch.signer = user_->key;
        batch.authorized = r(3) < 250;
        batch.encoded_bytes = 100;
        if (is_own) {
            batch.kind = BatchKind::self_custodied;
            own_nonce_ = choose_nonce();
            own_index_ = 0;
        } else if (r(3) / 4 % 8 == 7) {
            batch.kind = BatchKind::hosted_by_other;
        }
    }

    std::uint64_t& next_nonce() {
        const auto [found, is_new] = next_nonces_.try_emplace(user_->account, 1);
        if (is_new && is_known()) found->second = now_.highest_nonce(user_->account) + 1;
        return found->second;
    }
    std::uint64_t choose_nonce() {
        std::uint64_t& next = next_nonce();
        const std::uint8_t mode = r(2);
        if (mode >= 254) return next + 65'536 + r(15);
        if (mode >= 252) return 0;
        if (mode >= 248) return 1 + r(15) % next;
        if (mode >= 246) return next + 3 * r(15);
        if (mode >= 244) next += 40 * std::uint64_t{r(15)};
        if (mode == 243) next += 60'000;
        if (mode >= 236) next += r(15) % 4;
        return next++;
    }

    // --- targets ---
    bool has_target() {
        return !names_[user_->account].empty() ||
               std::any_of(now_.orders().begin(), now_.orders().end(),
                           [&](const auto& entry) { return entry.first.first == user_->account; });
    }
    CommandRef choose_target(std::uint8_t mode, std::uint8_t which) {
        std::vector<CommandRef> open;
        for (const auto& [name, order] : now_.orders())
            if (name.first == user_->account) open.push_back(name.second);
        const std::vector<CommandRef>& placed = names_[user_->account];
        if (mode >= 252) return {next_nonce() + 66'000, 0};
        if (mode >= 246) return {which % next_nonce(), 0};
        if (mode >= 240) return {ref_.nonce, ref_.index + which % 3};
        if (mode >= 230) return {next_nonce() + which % 3, 0};
        if ((mode % 2 == 1 || open.empty()) && !placed.empty())
            return placed[placed.size() - 1 - which % placed.size()];
        if (!open.empty()) return open[which % open.size()];
        return {next_nonce() + which % 2, 0};
    }
    CommandRef choose_target() { return choose_target(r(4), r(5)); }

    // --- orders ---
    MarketId choose_market(std::uint8_t byte) const {
        if (byte == 255) return MarketId(1'000);
        return MarketId(byte % static_cast<std::uint32_t>(now_.markets().size()));
    }
    Price choose_price(MarketId market, std::uint8_t byte, std::uint8_t how) const {
        constexpr std::array<std::int64_t, 4> widths{3, 2, 6, 60};
        const std::int64_t width = widths[how % 4];
        std::int64_t center = 100;
        if (market.value() < now_.markets().size() && how % 16 >= 12)
            center = now_.markets()[market.value()].last.value_or(100);
        if (how == 255) return Price(0);
        if (how == 254) return Price(std::numeric_limits<std::int64_t>::max());
        if (how == 253) return Price(center * 1'000);
        return Price(std::max<std::int64_t>(1, center - width + byte % (2 * width + 1)));
    }
    Quantity choose_quantity(MarketId market, std::uint8_t byte) const {
        if (byte == 255) return Quantity(0);
        if (byte == 254) return Quantity(std::numeric_limits<std::int64_t>::max());
        if (byte == 253) return Quantity(-2);
        std::int64_t most = 1'000'000;
        if (market.value() < now_.markets().size())
            most = now_.markets()[market.value()].rules.quantity_max.value();
        if (byte >= 225 && most > 1'000'000) return Quantity(most - byte % 2 * 7);
        if (byte >= 240) return Quantity(30 * (byte - 238));
        return Quantity(1 + byte % 15);
    }
    SelfTradePrevention choose_prevention(std::uint8_t byte) const {
        return static_cast<SelfTradePrevention>(byte % 4);
    }
    LimitOrder choose_limit() const {
        LimitOrder order;
        order.market = choose_market(r(4));
        order.side = static_cast<Side>(r(5) % 2);
        order.price = choose_price(order.market, r(6), r(7));
        order.quantity = choose_quantity(order.market, r(8));
        if (r(9) >= 180) order.time_in_force = r(9) >= 220 ? TimeInForce::fok : TimeInForce::ioc;
        if (order.time_in_force == TimeInForce::ioc && r(8) % 4 == 3 && r(8) < 225)
            order.quantity = Quantity(order.quantity.value() * 4);
        order.self_trade = choose_prevention(r(10));
        order.post_only = r(10) >= 235;
        return order;
    }
    SpecialOrder choose_triggered() const {
        SpecialOrder special;
        special.order = choose_limit();
        LimitOrder& order = special.order;
        Trigger trigger;
        trigger.price = choose_price(order.market, r(11), r(12) < 250 ? 12 : r(12));
        trigger.when = static_cast<TriggerWhen>(r(12) % 2);
        if (r(12) < 160 && order.market.value() < now_.markets().size())  // of the two, what is not met
            if (const auto last = now_.markets()[order.market.value()].last; last && is_met(trigger, *last))
                trigger.when = static_cast<TriggerWhen>(1 - r(12) % 2);
        special.trigger = trigger;
        if (r(13) >= 200) {
            special.budget = r(13) * Amount{16} + r(14);
            order.quantity = Quantity(0);
            order.side = r(14) < 240 ? Side::buy : Side::sell;
            order.time_in_force = r(14) < 250 ? TimeInForce::ioc : TimeInForce::gtc;
        } else if (r(13) >= 150 && order.time_in_force == TimeInForce::gtc) {
            special.display = Quantity(1 + r(14) % 4);
        } else if (r(13) >= 130 && order.time_in_force == TimeInForce::gtc) {
            special.expires_at = choose_expiry();
        }
        if (r(13) == 255) special.trigger.reset();
        return special;
    }
    WallTime choose_expiry() const {
        constexpr std::array<Millis, 8> steps{1'000, 1, 300, 5'000, 80'000, 0, 2, 50};
        return {now_.time() + steps[r(14) % 8]};
    }
    SpecialOrder choose_iceberg() const {
        SpecialOrder special;
        special.order = choose_limit();
        if (r(12) < 240) special.order.time_in_force = TimeInForce::gtc;
        if (const std::int64_t lots = special.order.quantity.value(); r(11) < 240 && lots < 1'000'000'000)
            special.order.quantity = Quantity(lots + 5);
        special.display = Quantity(r(13) < 245 ? 1 + r(13) % 5 : 10'000'000 * (r(13) % 2));
        if (r(12) % 8 == 7) special.expires_at = choose_expiry();
        return special;
    }
    BudgetOrder choose_budget() const {
        BudgetOrder order;
        order.market = choose_market(r(4));
        order.protection = choose_price(order.market, r(6), r(7));
        order.self_trade = choose_prevention(r(10) < 240 ? r(10) % 3 : r(10));
        order.budget = r(8) * Amount{20} + r(9);
        if (order.market.value() < now_.markets().size())
            order.budget *= now_.markets()[order.market.value()].rules.notional_constant;
        if (r(11) >= 250) order.budget = r(11) % 2 == 0 ? 0 : (Amount{1} << 100) + 1;
        return order;
    }
    MassQuote choose_quotes() const {
        MassQuote mass;
        mass.market = choose_market(r(4));
        for (std::size_t i = 0; i < r(5) % 5u; ++i) {
            const Side side = static_cast<Side>((r(6) >> i) % 2);
            const std::int64_t away = 1 + (r(7) + i * r(8)) % 6;
            mass.quotes.push_back({side, Price(side == Side::buy ? 101 - away : 99 + away),
                                   choose_quantity(mass.market, static_cast<std::uint8_t>(r(9) / (1 + i)))});
        }
        return mass;
    }
    ReplaceOrder choose_replace() {
        ReplaceOrder replace;
        replace.target = choose_target();
        const auto target = now_.orders().find({user_->account, replace.target});
        const bool waits = target != now_.orders().end() && target->second.trigger;
        const MarketId market(target == now_.orders().end() ? 0 : target->second.market);
        replace.price = choose_price(market, r(6), r(7));
        replace.quantity = choose_quantity(market, r(8));
        replace.self_trade = choose_prevention(r(10));
        replace.post_only = r(10) >= 180;
        if (waits ? r(11) >= 128 : r(11) >= 245) replace.trigger = choose_price(market, r(12), 0);
        return replace;
    }

    // --- money ---
    AssetId choose_asset(std::uint8_t byte) const {
        const auto rare = static_cast<std::uint32_t>(now_.rules().assets.size()) - 1;
        if (byte < 160 && (kind_ == Kind::issue || kind_ == Kind::redeem))
            return AssetId(r(1) % 2 == 0 ? 1 : rare);
        if (byte < 160 && kind_ == Kind::request_withdrawal) return AssetId(byte % 4 == 3 ? rare : 1);
        return AssetId(byte % static_cast<std::uint32_t>(now_.rules().assets.size() + (byte >= 240 ? 1 : 0)));
    }
    Amount choose_amount(std::uint8_t byte, std::uint8_t size) const {
        if (size >= 252) return Amount{1} << 120;
        if (size >= 249) return (Amount{1} << 120) + 1;
        if (size >= 246) return 0;
        if (size >= 243) return -1;
        return Amount{byte} << (size % 24);
    }
    AccountId choose_account(std::uint8_t byte) const {
        if (byte == 255) return now_.rules().fee_account;
        return users()[byte < 220 ? byte % 5 : byte % users().size()].account;
    }
    CommandBody choose_settlement() const {
        SettleWithdrawal settle;
        settle.account = choose_account(r(4));
        settle.is_paid = r(6) % 2 == 0;
        settle.request = {r(5), 0};
        std::vector<std::pair<AccountId, CommandRef>> requests;
        for (const auto& [id, account] : now_.accounts())
            for (const auto& [request, withdrawal] : account.withdrawals)
                requests.emplace_back(id, request);
        if (!requests.empty() && r(4) < 230)
            std::tie(settle.account, settle.request) = requests[r(5) % requests.size()];
        return settle;
    }
    CommandBody choose_administration() const {
        Administer administer;
        administer.reference = r(5) % 3;
        const MarketId market = choose_market(r(6));
        const bool is_halted = market.value() < now_.markets().size() &&
                               now_.markets()[market.value()].phase == MarketPhase::halted;
        if (r(4) < 90) {
            CreateMarket create;
            create.base = AssetId(r(6) < 235 ? 1 + r(6) % 2 : r(6));
            create.quote = AssetId(r(6) < 235 ? 0 : 1);
            create.spec.symbol =
                std::array{"NEW-1", "NEW-2", "NEW-3", "M0-USD", "bad", "", "NEW-4"}[r(7) % 7];
            create.spec.tick = r(8) < 245 ? "0.01" : "0";
            create.spec.lot = "0.000001";
            create.spec.price_max = "200";
            create.spec.quantity_max = "1";
            create.spec.maker_fee_ppm = 100;
            create.spec.taker_fee_ppm = 3'000;
            if (r(9) % 3 == 2) create.spec.matching = MatchingMode::batch;
            if (r(10) % 3 == 2) create.spec.auction = Duration::milliseconds(700);
            administer.action = create;
        } else if (is_halted ? r(4) < 100 : r(4) < 180) {
            administer.action = HaltMarket{market};
        } else {
            administer.action = ResumeMarket{market};
        }
        return administer;
    }

    CommandBody choose_body() {
        if (!is_known() && r(14) < 230 && names_[user_->account].empty())
            return OpenAccount{r(15) < 230 ? user_->name : "Bad Name"};
        const bool needs_target = kind_ == Kind::cancel || kind_ == Kind::reduce || kind_ == Kind::replace;
        if (needs_target && r(4) < 200 && !has_target()) return choose_limit();
        switch (kind_) {
            case Kind::limit:
                return choose_limit();
            case Kind::market: {
                const LimitOrder like = choose_limit();
                return MarketOrder{like.market, like.side, like.self_trade, like.quantity, like.price};
            }
            case Kind::cancel:
                return CancelOrder{choose_target()};
            case Kind::iceberg:
                return choose_iceberg();
            case Kind::good_till: {
                SpecialOrder special;
                special.order = choose_limit();
                if (r(12) < 240) special.order.time_in_force = TimeInForce::gtc;
                special.expires_at = choose_expiry();
                return special;
            }
            case Kind::triggered:
                return choose_triggered();
            case Kind::budget:
                return choose_budget();
            case Kind::reduce:
                return ReduceOrder{choose_target(), Quantity(r(6) % 9)};
            case Kind::replace:
                return choose_replace();
            case Kind::cancel_all: {
                CancelAll all;
                if (r(4) >= 128) all.market = choose_market(r(4));
                if (r(5) >= 128) all.side = static_cast<Side>(r(5) % 2);
                return all;
            }
            case Kind::cancel_after: {
                constexpr std::array<std::int64_t, 8> times{500'000'000, 1'000'000,         0,
                                                            20'000'000,  60'000'000'000,    2'000'000,
                                                            300'000'000, 86'400'001'000'000};
                if (r(4) < 60) return CancelAfter{};
                return CancelAfter{Duration::nanoseconds(times[r(4) % 8])};
            }
            case Kind::mass_quote:
                return choose_quotes();
            default:
                return choose_money();
        }
    }
    CommandBody choose_money() {
        const AssetId asset = choose_asset(r(4));
        const Amount amount = choose_amount(r(5), r(6));
        switch (kind_) {
            case Kind::faucet:
                return Faucet{asset, amount};
            case Kind::transfer:
                return Transfer{choose_account(r(7)), asset, amount};
            case Kind::issue:
                return Issue{choose_account(r(7)), asset, amount};
            case Kind::redeem:
                return Redeem{asset, amount};
            case Kind::request_withdrawal:
                return RequestWithdrawal{asset, amount, std::string(r(7) % 4, 'x')};
            case Kind::settle_withdrawal:
                return choose_settlement();
            case Kind::administer:
                return choose_administration();
            default:
                return OpenAccount{r(4) < 200 ? user_->name : "Bad Name"};
        }
    }

    const Oracle& now_;
    const CommandRecipe* r_ = nullptr;
    Kind kind_ = Kind::limit;
    const User* user_ = nullptr;
    CommandRef ref_;
    std::uint64_t own_nonce_ = 0;
    std::uint32_t own_index_ = 0;
    std::map<AccountId, std::uint64_t> next_nonces_;
    std::map<AccountId, std::vector<CommandRef>> names_;  // of this commit
    std::vector<CommandBatch> batches_;
};

}  // namespace

std::vector<CommandBatch> resolve(const CommitRecipe& recipe, const Oracle& now) {
    Resolver resolver(now);
    for (const CommandRecipe& command : recipe.commands)
        resolver.add(command);
    return resolver.take();
}

}  // namespace peerbook::exchange::model

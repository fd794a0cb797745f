#include "tests/unit/exchange/state_world.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace peerbook::exchange {

namespace {

const AssetId usd{0}, btc{1}, gem{2};
const std::vector<std::string> hosted_names = {"alice", "bob", "carol", "dave", "issuer", "admin0", "admin1"};

PublicKey node_key() {
    PublicKey key;
    key.data.fill(7);
    return key;
}
// A self-custodied account, which is its own owner.
PublicKey own_key() {
    PublicKey key;
    key.data.fill(8);
    return key;
}
AccountId own_account() {
    AccountId id;
    id.data = own_key().data;
    return id;
}
AccountId hosted(const std::string& name) {
    return hosted_account_id(node_key(), name);
}

MarketSpec spec(const std::string& symbol) {
    MarketSpec spec;
    spec.symbol = symbol;
    spec.tick = "1";
    spec.lot = "1";
    spec.maker_fee_ppm = 1'000;
    spec.taker_fee_ppm = 2'500;
    return spec;
}

}  // namespace

NetworkRules state_world_rules() {
    NetworkRules rules;
    rules.network.data.fill(9);
    rules.fee_account.data.fill(0xfe);
    rules.assets = {{"USD", 2, {}}, {"BTC", 0, {}}, {"GEM", 1, hosted("issuer")}};
    rules.faucet_max = {1'000'000'000, 1'000'000'000, 0};
    const auto add = [&](const MarketSpec& market, AssetId base) {
        Result<MarketRules> made =
            make_market_rules(market, base, rules.assets[base.value()], usd, rules.assets[usd.value()]);
        PB_CHECK(made.ok(), "the test's market is sound");
        rules.markets.push_back(*made);
    };
    add(spec("BTC-USD"), btc);
    MarketSpec auction = spec("GEM-USD");
    auction.auction = Duration::seconds(3);
    add(auction, gem);
    MarketSpec batch = spec("BTC-USD-B");
    batch.matching = MatchingMode::batch;
    add(batch, btc);
    rules.administrators = {hosted("admin0"), hosted("admin1")};
    rules.administrators_needed = 2;
    rules.commands_per_second_max = 200;
    rules.accounts_opened_per_minute_max = 100;
    rules.member_bytes_per_second_max = 1'000'000;
    return rules;
}

EventBuffer apply(Engine& engine, const Commit& commit) {
    EventBuffer events;
    engine.apply({commit.time, rules_version_latest, commit.batches}, events);
    return events;
}

EventBuffer told_by(const Engine& to, const Engine& from, EventBuffer events) {
    const auto translate = [&](OrderKey& key) {
        if (key.account == no_account) return;
        const std::optional<AccountIndex> account = to.find_account(from.account_id(key.account));
        PB_CHECK(account.has_value(), "both engines know the account");
        key.account = *account;
    };
    for (Event& event : events) {
        translate(event.order);
        if (event.maker != OrderKey()) translate(event.maker);
    }
    return events;
}

Commit RandomFlow::first() {
    std::vector<std::string> names = hosted_names;
    for (std::size_t i = names.size(); i > 1; --i)
        std::swap(names[i - 1], names[random_.below(i)]);
    CommandBatch batch;
    batch.signer = node_key();
    batch.encoded_bytes = 100;
    for (const std::string& name : names) {
        const AccountId id = hosted(name);
        batch.add(id, {1, 0}, OpenAccount{name});
        batch.add(id, {2, 0}, Faucet{usd, 100'000'000});
        batch.add(id, {3, 0}, Faucet{btc, 100'000});
        used_[id] = 3;
    }
    for (const char* name : {"alice", "bob", "carol"})
        batch.add(hosted("issuer"), {++used_[hosted("issuer")], 0},
                  Boxed<Issue>({hosted(name), gem, 50'000}));
    CommandBatch own;
    own.kind = BatchKind::self_custodied;
    own.signer = own_key();
    own.encoded_bytes = 100;
    own.add(own_account(), {1, 0}, OpenAccount{});
    own.add(own_account(), {1, 1}, Faucet{usd, 100'000'000});
    own.add(own_account(), {1, 2}, Faucet{btc, 100'000});
    used_[own_account()] = 1;
    if (random_.below(2) == 0) return {{time_ms_}, {own, batch}};
    return {{time_ms_}, {batch, own}};
}

std::uint64_t RandomFlow::draw_nonce(const Engine& engine, const AccountId& account) {
    std::uint64_t& used = used_[account];
    const std::uint64_t choice = random_.below(10);
    if (choice == 0) {  // an older one, if it was skipped
        const std::uint64_t older = used - std::min(used - 1, random_.below(20));
        const std::optional<AccountIndex> index = engine.find_account(account);
        if (index && engine.nonce_is_free(*index, older)) return older;
    }
    used += choice == 1 ? 1 + random_.below(600) : 1;
    return used;
}

CommandRef RandomFlow::draw_target(const Engine& engine, AccountIndex account) {
    const std::vector<RestingOrderView> open = engine.open_orders(account, 100);
    if (open.empty() || random_.below(20) == 0)
        return {used_[engine.account_id(account)] + random_.below(5), 0};
    return open[random_.below(open.size())].order.ref();
}

CommandBody RandomFlow::draw_special() {
    SpecialOrder special;
    special.order = {market(),
                     side(),
                     TimeInForce::gtc,
                     false,
                     SelfTradePrevention::cancel_oldest,
                     Price(price()),
                     Quantity(quantity() + 10)};
    const std::uint64_t kind = random_.below(5);
    if (kind <= 1) special.display = Quantity(1 + static_cast<std::int64_t>(random_.below(5)));
    if (kind == 1 || kind == 2)
        special.expires_at = WallTime{time_ms_ + static_cast<std::int64_t>(random_.below(20'000))};
    if (kind >= 3)
        special.trigger = Trigger{
            Price(price()), random_.below(2) == 0 ? TriggerWhen::at_or_above : TriggerWhen::at_or_below};
    if (kind == 4 && special.order.side == Side::buy) {
        special.order.time_in_force = TimeInForce::ioc;
        special.order.quantity = Quantity(0);
        special.budget = 100'000 + static_cast<Amount>(random_.below(1'000));
    }
    return Boxed<SpecialOrder>(special);
}

CommandBody RandomFlow::draw_change(const Engine& engine, AccountIndex account) {
    const CommandRef target = draw_target(engine, account);
    switch (random_.below(8)) {
        case 0:
        case 1:
            return CancelOrder{target};
        case 2:
        case 3:
        case 4:
            return ReduceOrder{target, Quantity(1 + static_cast<std::int64_t>(random_.below(4)))};
        case 5:
            return CancelAfter{
                Duration::milliseconds(5'000 + static_cast<std::int64_t>(random_.below(60'000)))};
        case 6: {
            ReplaceOrder replace;
            replace.target = target;
            replace.price = Price(price());
            replace.quantity = Quantity(quantity());
            return replace;
        }
        default:
            if (random_.below(8) == 0) return CancelAll{market(), std::nullopt};
            return MassQuote{market(),
                             {{Side::buy, Price(90), Quantity(3)}, {Side::sell, Price(110), Quantity(4)}}};
    }
}

CommandBody RandomFlow::draw_settlement(const Engine& engine) {
    for (const char* name : {"alice", "bob", "carol"}) {
        const std::vector<WithdrawalView> waiting =
            engine.withdrawals(engine.find_account(hosted(name)).value());
        if (!waiting.empty())
            return Boxed<SettleWithdrawal>({hosted(name), waiting.front().request, random_.below(2) == 0});
    }
    return Boxed<Issue>({hosted("alice"), gem, 5});
}

Administer RandomFlow::draw_administer(const Engine& engine) {
    const std::uint64_t reference = static_cast<std::uint64_t>(time_ms_ / 4'000) + random_.below(2);
    switch (random_.below(8)) {
        case 0:
        case 1: {
            const auto number = static_cast<int>(random_.below(3));
            return {CreateMarket{gem, usd, spec("NEW-" + std::string(1, static_cast<char>('A' + number)))},
                    reference};
        }
        case 2:
            return {HaltMarket{market()}, reference};
        default:
            for (std::uint32_t i = 0; i < engine.rules().markets.size(); ++i)
                if (engine.market_view(MarketId(i)).phase == MarketPhase::halted)
                    return {ResumeMarket{MarketId(i)}, reference};
            return {ResumeMarket{market()}, reference};
    }
}

CommandBody RandomFlow::draw(const Engine& engine, const AccountId& account) {
    const AccountIndex index = engine.find_account(account).value();
    if (account == hosted("issuer") && random_.below(2) == 0) return draw_settlement(engine);
    if (account == hosted("admin0") || account == hosted("admin1"))
        return Boxed<Administer>(draw_administer(engine));
    switch (random_.below(10)) {
        case 0:
        case 1:
            return draw_special();
        case 2:
        case 3:
        case 4:
            return draw_change(engine, index);
        case 5:
            if (random_.below(3) == 0)
                return Boxed<RequestWithdrawal>({gem, 1 + static_cast<Amount>(random_.below(50)), "vault"});
            return Boxed<Transfer>({hosted("bob"), usd, 17});
        default: {
            const auto force = random_.below(6) == 0 ? TimeInForce::ioc : TimeInForce::gtc;
            return LimitOrder{market(),
                              side(),
                              force,
                              false,
                              SelfTradePrevention::decrement,
                              Price(price()),
                              Quantity(quantity())};
        }
    }
}

Commit RandomFlow::next(const Engine& engine, std::size_t commands) {
    time_ms_ += static_cast<std::int64_t>(random_.below(1'000));
    CommandBatch batch;
    batch.signer = node_key();
    batch.encoded_bytes = static_cast<std::uint32_t>(commands * 20);
    for (std::size_t i = 0; i < commands; ++i) {
        // Traders mostly, the issuer and the administrators at times.
        const std::size_t among = random_.below(10) == 0 ? hosted_names.size() : 4;
        const AccountId account = hosted(hosted_names[random_.below(among)]);
        CommandBody body = draw(engine, account);  // before the nonce, whatever compiler orders arguments
        batch.add(account, {draw_nonce(engine, account), 0}, std::move(body));
    }
    CommandBatch own;
    own.kind = BatchKind::self_custodied;
    own.signer = own_key();
    own.encoded_bytes = 120;
    const std::uint64_t nonce = draw_nonce(engine, own_account());
    std::uint32_t index = 0;
    for (int i = 0; i < 3; ++i) {
        CommandBody body = draw(engine, own_account());
        const std::uint32_t count = index_count(body);
        own.add(own_account(), {nonce, index}, std::move(body));
        index += count;
    }
    return {{time_ms_}, {batch, own}};
}

WrittenSnapshot write_snapshot(const FrozenState& state, std::uint64_t commit) {
    SnapshotOrigin origin;
    origin.network = state_world_rules().network;
    origin.commit = commit;
    origin.log_prefix.data.fill(0x11);
    origin.state_root = state_root_of(state);
    SnapshotWriter writer(state, origin);
    WrittenSnapshot snapshot;
    while (!writer.is_done()) {
        Result<std::optional<Bytes>> chunk = writer.step();
        PB_CHECK(chunk.ok(), "a small state fits a snapshot");
        if (*chunk) snapshot.chunks.push_back(std::move(**chunk));
    }
    snapshot.manifest = writer.manifest();
    return snapshot;
}

Result<SnapshotReader> read_snapshot(const WrittenSnapshot& snapshot, const NetworkRules& rules) {
    Result<SnapshotReader> reader = SnapshotReader::open(snapshot.manifest.encode(), rules);
    if (!reader.ok()) return reader;
    for (std::size_t i = 0; i < snapshot.chunks.size(); ++i)
        if (Status status = reader->add_chunk(i, snapshot.chunks[i]); !status.ok()) return status.error();
    if (Status status = reader->finish(); !status.ok()) return status.error();
    return reader;
}

}  // namespace peerbook::exchange

#include "tests/model/generator.h"

#include <algorithm>

namespace peerbook::exchange::model {

namespace {

PublicKey key_of(std::uint8_t byte) {
    PublicKey key;
    key.data.fill(byte);
    return key;
}

}  // namespace

NetworkRules make_rules(const GeneratorConfig& config) {
    NetworkRules rules;
    rules.network.data.fill(7);
    rules.fee_account.data.fill(0xfe);
    for (std::uint32_t i = 0; i <= config.markets; ++i) {
        rules.assets.push_back({"ASSET" + std::to_string(i), 8});
        rules.faucet_max.push_back(config.faucet_max);
    }
    rules.assets.push_back({"RARE", 8});
    rules.faucet_max.push_back(0);
    for (std::uint32_t i = 0; i < config.markets; ++i) {
        MarketRules market;
        market.base = AssetId(i + 1);
        market.quote = AssetId(0);
        market.notional_constant = config.notional_constant * (1 + i);
        market.lot_units = 3;
        market.price_max = Price(2'000'000'000);
        market.quantity_max = Quantity(1'000'000);
        market.maker_fee_ppm = config.maker_fee_ppm;
        market.taker_fee_ppm = config.taker_fee_ppm;
        if (i + config.free_markets >= config.markets) market.maker_fee_ppm = market.taker_fee_ppm = 0;
        rules.markets.push_back(market);
    }
    rules.open_orders_per_account_max = config.open_orders_max;
    rules.open_orders_max = config.open_orders_of_all_max;
    rules.accounts_per_owner_max = config.accounts_per_owner_max;
    rules.fills_per_command_max = config.fills_max;
    rules.fok_orders_max = config.fok_orders_max;
    rules.accounts_max = config.accounts + config.accounts / 2 - 1;  // one too few: the last one is refused
    return rules;
}

Generator::Generator(GeneratorConfig config, std::uint64_t seed) : config_(std::move(config)), random_(seed) {
    for (std::uint32_t i = 0; i < config_.accounts; ++i) {
        User user;
        user.name = "user" + std::to_string(i);
        user.key = key_of(i % 2 == 0 ? 1 : 2);
        user.account = hosted_account_id(user.key, user.name);
        users_.push_back(user);
    }
    for (std::uint32_t i = 0; i < config_.accounts / 2; ++i) {
        User user;
        user.key = key_of(static_cast<std::uint8_t>(100 + i));
        user.account.data = user.key.data;
        users_.push_back(user);
    }
}

std::uint64_t Generator::choose_nonce(User& user) {
    if (random_.chance(config_.out_of_order_ppm)) {
        switch (random_.below(6)) {
            case 0:
                return 0;
            case 1:
                return user.next_nonce > 1 ? 1 + random_.below(user.next_nonce - 1) : 1;
            case 2:
                return user.next_nonce + 65'536 + random_.below(10);
            case 3:
                user.next_nonce += random_.below(5);
                break;
            case 4:
                user.next_nonce += random_.below(3'000);
                break;
            case 5:
                return user.next_nonce + random_.below(600);
        }
    }
    return user.next_nonce++;
}

CommandRef Generator::choose_target(User& user) {
    const std::uint64_t back = std::min<std::uint64_t>(user.next_nonce, 60);
    std::uint64_t nonce = user.next_nonce - random_.below(back + 1);
    if (random_.chance(config_.out_of_order_ppm)) nonce = user.next_nonce + random_.below(20);
    if (random_.chance(config_.bad_ppm)) nonce = user.next_nonce + 200'000;
    const bool in_batch = user.name.empty() && random_.chance(500'000);
    return {nonce, in_batch ? static_cast<std::uint32_t>(random_.below(config_.batch_commands_max)) : 0};
}

std::int64_t Generator::choose_price() {
    if (random_.chance(config_.bad_ppm)) return random_.chance(500'000) ? 0 : 2'000'000'001;
    std::int64_t price =
        config_.price_low + static_cast<std::int64_t>(random_.below(
                                static_cast<std::uint64_t>(config_.price_high - config_.price_low + 1)));
    if (random_.chance(config_.jump_ppm)) price += static_cast<std::int64_t>(random_.below(40) * 3'001);
    return price;
}

LimitOrder Generator::choose_limit() {
    LimitOrder order;
    order.market = MarketId(static_cast<std::uint32_t>(random_.below(config_.markets)));
    if (random_.chance(config_.bad_ppm)) order.market = MarketId(config_.markets + 5);
    order.side = random_.chance(500'000) ? Side::buy : Side::sell;
    order.price = Price(choose_price());
    order.quantity = Quantity(
        1 + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(config_.quantity_max))));
    if (random_.chance(config_.bad_ppm)) order.quantity = Quantity(random_.chance(500'000) ? -3 : 1'000'001);
    const std::uint64_t kind = random_.below(20);
    if (kind < 2) order.time_in_force = TimeInForce::ioc;
    if (kind >= 2 && kind < 5) order.time_in_force = TimeInForce::fok;
    order.post_only = random_.chance(100'000);
    return order;
}

CommandBody Generator::choose_body(User& user) {
    const std::uint64_t kind = random_.below(100);
    if (kind < 48) return choose_limit();
    if (kind < 55) {
        const LimitOrder like = choose_limit();
        return MarketOrder{like.market, like.side, like.quantity, like.price};
    }
    if (kind < 75) return CancelOrder{choose_target(user)};
    if (kind < 83) {
        const auto by =
            static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(config_.quantity_max)));
        return ReduceOrder{choose_target(user), Quantity(by)};
    }
    const AssetId asset(static_cast<std::uint32_t>(random_.below(config_.markets + 3)));
    if (kind < 92) {
        const bool small = random_.chance(500'000);
        return Faucet{asset, static_cast<Amount>(random_.below(small ? 1'000 : 1'100'000)) *
                                 (config_.faucet_max / 1'000'000)};
    }
    if (kind < 97) {
        Transfer transfer{any_user().account, asset, static_cast<Amount>(random_.below(2'000))};
        if (random_.chance(config_.bad_ppm)) transfer.to.data.fill(0xee);
        if (random_.chance(config_.bad_ppm)) transfer.amount = -1;
        return transfer;
    }
    return OpenAccount{random_.chance(config_.bad_ppm) ? "Bad Name" : user.name};
}

CommandBatch Generator::next() {
    CommandBatch batch;
    User& first = any_user();
    batch.signer = first.key;
    batch.authorized = !random_.chance(config_.bad_ppm);
    const auto count = static_cast<std::uint32_t>(1 + random_.below(config_.batch_commands_max));
    if (first.name.empty()) {
        batch.kind = BatchKind::self_custodied;
        const bool is_new = first.next_nonce == 1;
        const std::uint64_t nonce = choose_nonce(first);
        for (std::uint32_t i = 0; i < count; ++i)
            batch.commands.push_back({first.account, {nonce, i}, choose_body(first)});
        if (is_new) batch.commands.front().body = OpenAccount{};
        return batch;
    }
    batch.kind = random_.chance(300'000) ? BatchKind::hosted_by_other : BatchKind::hosted_by_author;
    for (std::uint32_t i = 0; i < count; ++i) {
        User& user = any_user();
        if (user.key != batch.signer && !random_.chance(config_.bad_ppm)) continue;
        if (user.next_nonce == 1 && !random_.chance(config_.bad_ppm)) {
            batch.commands.push_back({user.account, {user.next_nonce++, 0}, OpenAccount{user.name}});
            continue;
        }
        if (user.next_nonce <= config_.markets + 2) {  // money first, so that much of the rest can trade
            const AssetId asset(static_cast<std::uint32_t>(user.next_nonce - 2));
            batch.commands.push_back(
                {user.account, {user.next_nonce++, 0}, Faucet{asset, config_.faucet_max / 2}});
            continue;
        }
        const std::uint64_t nonce = choose_nonce(user);
        batch.commands.push_back({user.account, {nonce, 0}, choose_body(user)});
    }
    if (random_.chance(config_.bad_ppm)) {
        Command command{AccountId{}, {1, 0}, choose_body(first)};
        command.account.data.fill(0xfe);  // the fee account
        batch.commands.push_back(command);
    }
    return batch;
}

}  // namespace peerbook::exchange::model

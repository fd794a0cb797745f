#include "app/bench/money_part.h"

#include <algorithm>

#include "exchange/ledger/fees.h"

namespace peerbook::app {

using namespace exchange;

namespace {

constexpr std::uint32_t commands_per_second_max = 1'000'000;
constexpr AccountIndex fee_account{0};

void burn_all(Accounts& accounts, std::span<const CommandBatch> commits) {
    for (const CommandBatch& commit : commits)
        for (const BatchCommand& command : commit.commands)
            accounts.edit(*accounts.find(commit.accounts[command.account])).nonces.burn(command.nonce);
}

}  // namespace

AdmissionAlone::AdmissionAlone(const PreparedFlow& flow) : accounts_(flow.rules.fee_account, 0) {
    for (const CommandBatch& commit : flow.opening)
        for (const BatchCommand& command : commit.commands)
            if (const auto* open = std::get_if<OpenAccount>(&command.body))
                accounts_.open(commit.accounts[command.account], commit.signer, open->name);
    burn_all(accounts_, flow.opening);
    burn_all(accounts_, flow.resting);
}

std::uint64_t AdmissionAlone::admit(const CommandBatch& commit, std::uint32_t second) {
    const std::optional<OwnerIndex> owner = accounts_.find_owner(commit.signer);
    indexes_.clear();
    for (const AccountId& id : commit.accounts)
        indexes_.push_back(accounts_.find(id).value_or(no_account));
    std::uint64_t admitted = 0;
    for (const BatchCommand& command : commit.commands) {
        const AccountIndex index = indexes_[command.account];
        if (index == no_account || !accounts_.is_owned_by(index, owner)) continue;
        Account& account = accounts_.edit(index);
        if (account.nonces.verdict(command.nonce) != NonceWindow::Verdict::free) continue;
        account.nonces.burn(command.nonce);
        const std::uint32_t count = account.commands.count_in(second);
        if (count >= commands_per_second_max) continue;
        account.commands = {second, count + 1};
        ++admitted;
    }
    return admitted;
}

void add_money_moves(const EventBuffer& events, std::vector<MoneyMove>& moves) {
    for (std::size_t i = 0; i < events.size(); ++i) {
        const Event& event = events[i];
        MoneyMove move;
        move.side = event.side;
        move.market = event.market;
        move.account = event.order.account;
        move.price = event.price.value();
        move.quantity = event.quantity.value();
        switch (event.kind) {
            case EventKind::accepted:
                move.kind = MoneyMove::Kind::reserve;
                break;
            case EventKind::cancelled:
            case EventKind::reduced:
            case EventKind::expired:
                move.kind = MoneyMove::Kind::release;
                break;
            case EventKind::filled:
                move.kind = MoneyMove::Kind::fill;
                move.maker = event.maker.account;
                move.settles = i + 1 == events.size() || events[i + 1].kind != EventKind::filled ||
                               events[i + 1].order != event.order;
                break;
            default:
                continue;
        }
        // An accepted command that places nothing moves nothing.
        if (move.quantity > 0 && move.price > 0) moves.push_back(move);
    }
}

LedgerAlone::LedgerAlone(const NetworkRules& rules) : rules_(rules), balances_(rules.assets.size()) {}

void LedgerAlone::apply(const MoneyMove& move) {
    if (move.kind == MoneyMove::Kind::fill)
        fill(move);
    else
        change_reserve(move, move.kind == MoneyMove::Kind::release);
}

void LedgerAlone::change_reserve(const MoneyMove& move, bool is_release) {
    const MarketRules& market = rules_.markets[move.market.value()];
    Amount amount = move.quantity * market.lot_units;
    if (move.side == Side::buy) {
        const Amount notional = static_cast<Amount>(move.price) * move.quantity * market.notional_constant;
        amount = buy_reserve(notional, std::max(market.maker_fee_ppm, market.taker_fee_ppm), 0);
    }
    const AssetId asset = move.side == Side::buy ? market.quote : market.base;
    Balance& balance = balances_.edit(balances_.slot(move.account, asset));
    balance.reserved += is_release ? -amount : amount;
}

void LedgerAlone::fill(const MoneyMove& move) {
    const MarketRules& market = rules_.markets[move.market.value()];
    const Amount notional = static_cast<Amount>(move.price) * move.quantity * market.notional_constant;
    const Amount taker_fee = charge_fee(notional, market.taker_fee_ppm, 0).fee;
    const Amount maker_fee = charge_fee(notional, market.maker_fee_ppm, 0).fee;
    const bool maker_buys = move.side == Side::sell;
    const Amount units = move.quantity * market.lot_units;
    Balance& maker_base = balances_.edit(balances_.slot(move.maker, market.base));
    maker_base.total += maker_buys ? units : -units;
    if (!maker_buys) maker_base.reserved -= units;
    Balance& maker_quote = balances_.edit(balances_.slot(move.maker, market.quote));
    maker_quote.total += (maker_buys ? -notional : notional) - maker_fee;
    if (maker_buys) maker_quote.reserved -= notional + maker_fee;
    notional_ += notional;
    taker_fees_ += taker_fee;
    fees_ += taker_fee + maker_fee;
    quantity_ += move.quantity;
    if (!move.settles) return;
    Balance& taker_base = balances_.edit(balances_.slot(move.account, market.base));
    taker_base.total += (maker_buys ? -quantity_ : quantity_) * market.lot_units;
    Balance& taker_quote = balances_.edit(balances_.slot(move.account, market.quote));
    taker_quote.total += (maker_buys ? notional_ : -notional_) - taker_fees_;
    balances_.edit(balances_.slot(fee_account, market.quote)).total += fees_;
    notional_ = taker_fees_ = fees_ = 0;
    quantity_ = 0;
}

}  // namespace peerbook::app

// Accounts, money, withdrawals and administration.
#include <algorithm>

#include "tests/model/oracle.h"

namespace peerbook::exchange::model {

namespace {

const Big supply_max = Big(1) << 120;

bool is_amount(Amount amount) {
    return amount >= 1 && Big(amount) <= supply_max;
}

bool is_symbol(const std::string& symbol) {
    return !symbol.empty() && symbol.size() <= 32 &&
           symbol.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == std::string::npos;
}

}  // namespace

void Oracle::run(const OpenAccount&) {
    reject(Reason::account_exists);
}

void Oracle::run(const Faucet& command) {
    if (!rules_.has_ledger) return reject(Reason::ledger_off);
    const std::uint32_t asset = command.asset.value();
    if (asset >= rules_.assets.size()) return reject(Reason::unknown_asset);
    if (rules_.faucet_max[asset] == 0) return reject(Reason::no_faucet);
    if (command.amount < 1 || command.amount > rules_.faucet_max[asset])
        return reject(Reason::amount_out_of_range);
    if (issued_[asset] + Big(command.amount) > supply_max) return reject(Reason::supply_limit);
    issued_[asset] += Big(command.amount);
    sending().totals[asset] += Big(command.amount);
    emit(EventKind::accepted);
    Event& event = emit(EventKind::issued);
    event.maker = key_of(sender(), {});
    event.asset = command.asset;
    event.amount = command.amount;
}

void Oracle::run(const Transfer& command) {
    if (!rules_.has_ledger) return reject(Reason::ledger_off);
    const std::uint32_t asset = command.asset.value();
    if (asset >= rules_.assets.size()) return reject(Reason::unknown_asset);
    if (!is_amount(command.amount)) return reject(Reason::amount_out_of_range);
    if (accounts_.count(command.to) == 0) return reject(Reason::unknown_account);
    if (command.to == sender()) return reject(Reason::self_transfer);
    if (Big(command.amount) > available(sender(), asset)) return reject(Reason::insufficient_balance);
    sending().totals[asset] -= Big(command.amount);
    accounts_.at(command.to).totals[asset] += Big(command.amount);
    emit(EventKind::accepted);
    Event& event = emit(EventKind::transferred);
    event.maker = key_of(command.to, {});
    event.asset = command.asset;
    event.amount = command.amount;
}

Reason Oracle::check_issuer(AssetId asset) const {
    if (!rules_.has_ledger) return Reason::ledger_off;
    if (asset.value() >= rules_.assets.size()) return Reason::unknown_asset;
    if (rules_.assets[asset.value()].issuer != sender()) return Reason::not_issuer;
    return Reason::none;
}

void Oracle::run(const Issue& command) {
    if (const Reason reason = check_issuer(command.asset); reason != Reason::none) return reject(reason);
    if (!is_amount(command.amount)) return reject(Reason::amount_out_of_range);
    if (accounts_.count(command.to) == 0) return reject(Reason::unknown_account);
    const std::uint32_t asset = command.asset.value();
    if (issued_[asset] + Big(command.amount) > supply_max) return reject(Reason::supply_limit);
    issued_[asset] += Big(command.amount);
    accounts_.at(command.to).totals[asset] += Big(command.amount);
    emit(EventKind::accepted);
    Event& event = emit(EventKind::issued);
    event.maker = key_of(command.to, {});
    event.asset = command.asset;
    event.amount = command.amount;
}

void Oracle::run(const Redeem& command) {
    if (const Reason reason = check_issuer(command.asset); reason != Reason::none) return reject(reason);
    if (!is_amount(command.amount)) return reject(Reason::amount_out_of_range);
    const std::uint32_t asset = command.asset.value();
    if (Big(command.amount) > available(sender(), asset)) return reject(Reason::insufficient_balance);
    issued_[asset] -= Big(command.amount);
    sending().totals[asset] -= Big(command.amount);
    emit(EventKind::accepted);
    Event& event = emit(EventKind::redeemed);
    event.asset = command.asset;
    event.amount = command.amount;
}

void Oracle::run(const RequestWithdrawal& command) {
    if (!rules_.has_ledger) return reject(Reason::ledger_off);
    const std::uint32_t asset = command.asset.value();
    if (asset >= rules_.assets.size()) return reject(Reason::unknown_asset);
    if (!rules_.assets[asset].issuer) return reject(Reason::not_issuer);
    if (!is_amount(command.amount)) return reject(Reason::amount_out_of_range);
    if (sending().withdrawals.size() >= rules_.withdrawals_per_account_max)
        return reject(Reason::withdrawal_limit);
    if (Big(command.amount) > available(sender(), asset)) return reject(Reason::insufficient_balance);
    sending().withdrawals[running_.entry->ref()] = {asset, Big(command.amount), command.destination};
    emit(EventKind::accepted);
    Event& event = emit(EventKind::withdrawal_requested);
    event.asset = command.asset;
    event.amount = command.amount;
}

void Oracle::run(const SettleWithdrawal& command) {
    if (!rules_.has_ledger) return reject(Reason::ledger_off);
    if (accounts_.count(command.account) == 0) return reject(Reason::unknown_account);
    Account& account = accounts_.at(command.account);
    const auto found = account.withdrawals.find(command.request);
    if (found == account.withdrawals.end()) return reject(Reason::unknown_withdrawal);
    const Withdrawal withdrawal = found->second;
    if (rules_.assets[withdrawal.asset].issuer != sender()) return reject(Reason::not_issuer);
    account.withdrawals.erase(found);
    if (command.is_paid) {
        account.totals[withdrawal.asset] -= withdrawal.amount;
        issued_[withdrawal.asset] -= withdrawal.amount;
    }
    emit(EventKind::accepted);
    Event& event = emit(command.is_paid ? EventKind::withdrawal_paid : EventKind::withdrawal_refused);
    event.order = key_of(command.account, command.request);
    event.asset = AssetId(withdrawal.asset);
    event.amount = to_amount(withdrawal.amount);
}

// --- administration ---

Reason Oracle::check_action(const AdminAction& action) const {
    if (const auto* create = std::get_if<CreateMarket>(&action)) {
        const std::size_t assets = rules_.assets.size();
        if (create->base.value() >= assets || create->quote.value() >= assets) return Reason::unknown_asset;
        for (const Market& market : markets_)
            if (market.rules.symbol == create->spec.symbol) return Reason::market_exists;
        if (markets_.size() >= std::min<std::size_t>(rules_.markets_max, 4'096)) return Reason::market_limit;
        if (!is_symbol(create->spec.symbol) || create->base == create->quote) return Reason::bad_market_rules;
        const bool is_sound =
            make_market_rules(create->spec, create->base, rules_.assets[create->base.value()], create->quote,
                              rules_.assets[create->quote.value()])
                .ok();
        return is_sound ? Reason::none : Reason::bad_market_rules;
    }
    const auto* halt = std::get_if<HaltMarket>(&action);
    const MarketId market = halt != nullptr ? halt->market : std::get<ResumeMarket>(action).market;
    if (market.value() >= markets_.size()) return Reason::unknown_market;
    const bool is_halted = markets_[market.value()].phase == MarketPhase::halted;
    return is_halted == (halt != nullptr) ? Reason::wrong_phase : Reason::none;
}

void Oracle::forget_proposals() {
    std::erase_if(proposals_,
                  [&](const Proposal& proposal) { return time_ >= proposal.since + approval_lifetime.ms(); });
}

void Oracle::run(const Administer& command) {
    const auto& administrators = rules_.administrators;
    if (std::count(administrators.begin(), administrators.end(), sender()) == 0)
        return reject(Reason::not_administrator);
    if (const Reason reason = check_action(command.action); reason != Reason::none) return reject(reason);
    forget_proposals();
    auto proposal = std::find_if(proposals_.begin(), proposals_.end(), [&](const Proposal& other) {
        return other.action == command.action && other.reference == command.reference;
    });
    if (proposal == proposals_.end()) {
        if (proposals_.size() >= rules_.proposals_max) return reject(Reason::proposal_limit);
        proposals_.push_back({command.action, command.reference, {}, time_, false});
        proposal = proposals_.end() - 1;
    } else if (proposal->is_done || proposal->words.count(sender()) > 0) {
        return reject(Reason::already_approved);
    }
    proposal->words.insert(sender());
    emit(EventKind::accepted);
    Event& event = emit(EventKind::approved);
    event.quantity = Quantity(static_cast<std::int64_t>(proposal->words.size()));
    event.leaves = Quantity(rules_.administrators_needed);
    if (proposal->words.size() < rules_.administrators_needed) return;
    proposal->is_done = true;
    proposal->since = time_;
    do_action(command.action);
}

void Oracle::do_action(const AdminAction& action) {
    EventKind kind = EventKind::market_changed;
    std::uint32_t number = 0;
    if (const auto* create = std::get_if<CreateMarket>(&action)) {
        kind = EventKind::market_created;
        number = static_cast<std::uint32_t>(markets_.size());
        markets_.emplace_back();
        markets_[number].rules =
            *make_market_rules(create->spec, create->base, rules_.assets[create->base.value()], create->quote,
                               rules_.assets[create->quote.value()]);
        open_market(markets_[number]);
    } else if (const auto* halt = std::get_if<HaltMarket>(&action)) {
        number = halt->market.value();
        markets_[number].phase = MarketPhase::halted;
        markets_[number].auction_ends_at.reset();
    } else {
        number = std::get<ResumeMarket>(action).market.value();
        open_market(markets_[number]);
        if (markets_[number].phase == MarketPhase::trading) note_traded(number);
    }
    Event& event = emit(kind);
    event.market = MarketId(number);
    event.phase = markets_[number].phase;
}

}  // namespace peerbook::exchange::model

// Money that moves without a trade.
#include "exchange/engine/executor.h"

namespace peerbook::exchange {

namespace {

constexpr Amount supply_max = Amount{1} << supply_bits_max;

void tell(Event& event, AssetId asset, Amount amount) {
    event.asset = asset;
    event.amount = amount;
}

bool is_amount(Amount amount) {
    return amount >= 1 && amount <= supply_max;
}

}  // namespace

// Opening an account that is open: its owner hears so, and the nonce is burnt.
void Executor::run(const OpenAccount&) {
    reject(Reason::account_exists);
}

void Executor::run(const Faucet& faucet) {
    const auto refuse = [this](Reason reason) { reject(reason); };
    if (!state_.rules.has_ledger) return refuse(Reason::ledger_off);
    if (faucet.asset.value() >= state_.issued.size()) return refuse(Reason::unknown_asset);
    const Amount max = state_.rules.faucet_max[faucet.asset.value()];
    if (max == 0) return refuse(Reason::no_faucet);
    if (faucet.amount < 1 || faucet.amount > max) return refuse(Reason::amount_out_of_range);
    const Amount issued = state_.issued[faucet.asset.value()];
    if (faucet.amount > supply_max - issued) return refuse(Reason::supply_limit);
    accept();
    state_.set_issued(faucet.asset, issued + faucet.amount);
    state_.add_to_balance(state_.balances.slot(key_.account, faucet.asset), faucet.amount);
    Event& event = emit(EventKind::issued);
    event.maker.account = key_.account;
    tell(event, faucet.asset, faucet.amount);
}

void Executor::run(const Transfer& transfer) {
    const auto refuse = [this](Reason reason) { reject(reason); };
    if (!state_.rules.has_ledger) return refuse(Reason::ledger_off);
    if (transfer.asset.value() >= state_.issued.size()) return refuse(Reason::unknown_asset);
    if (!is_amount(transfer.amount)) return refuse(Reason::amount_out_of_range);
    const std::optional<AccountIndex> to = state_.accounts.find(transfer.to);
    if (!to) return refuse(Reason::unknown_account);
    if (*to == key_.account) return refuse(Reason::self_transfer);
    const BalanceSlot from_slot = state_.balances.slot(key_.account, transfer.asset);
    const BalanceSlot to_slot = state_.balances.slot(*to, transfer.asset);
    if (transfer.amount > state_.balances[from_slot].available()) return refuse(Reason::insufficient_balance);
    accept();
    state_.add_to_balance(from_slot, -transfer.amount);
    state_.add_to_balance(to_slot, transfer.amount);
    Event& event = emit(EventKind::transferred);
    event.maker.account = *to;
    tell(event, transfer.asset, transfer.amount);
}

// Whether this account is the asset's issuer.
Reason Executor::check_issuer(AssetId asset) const {
    if (!state_.rules.has_ledger) return Reason::ledger_off;
    if (asset.value() >= state_.issued.size()) return Reason::unknown_asset;
    const std::optional<AccountId>& issuer = state_.rules.assets[asset.value()].issuer;
    return issuer && *issuer == state_.accounts.id(key_.account) ? Reason::none : Reason::not_issuer;
}

void Executor::run(const Issue& issue) {
    const auto refuse = [this](Reason reason) { reject(reason); };
    if (const Reason reason = check_issuer(issue.asset); reason != Reason::none) return refuse(reason);
    if (!is_amount(issue.amount)) return refuse(Reason::amount_out_of_range);
    const std::optional<AccountIndex> to = state_.accounts.find(issue.to);
    if (!to) return refuse(Reason::unknown_account);
    const Amount issued = state_.issued[issue.asset.value()];
    if (issue.amount > supply_max - issued) return refuse(Reason::supply_limit);
    accept();
    state_.set_issued(issue.asset, issued + issue.amount);
    state_.add_to_balance(state_.balances.slot(*to, issue.asset), issue.amount);
    Event& event = emit(EventKind::issued);
    event.maker.account = *to;
    tell(event, issue.asset, issue.amount);
}

void Executor::run(const Redeem& redeem) {
    const auto refuse = [this](Reason reason) { reject(reason); };
    if (const Reason reason = check_issuer(redeem.asset); reason != Reason::none) return refuse(reason);
    if (!is_amount(redeem.amount)) return refuse(Reason::amount_out_of_range);
    const BalanceSlot slot = state_.balances.slot(key_.account, redeem.asset);
    if (redeem.amount > state_.balances[slot].available()) return refuse(Reason::insufficient_balance);
    accept();
    state_.set_issued(redeem.asset, state_.issued[redeem.asset.value()] - redeem.amount);
    state_.add_to_balance(slot, -redeem.amount);
    tell(emit(EventKind::redeemed), redeem.asset, redeem.amount);
}

void Executor::run(const RequestWithdrawal& request) {
    const auto refuse = [this](Reason reason) { reject(reason); };
    if (!state_.rules.has_ledger) return refuse(Reason::ledger_off);
    if (request.asset.value() >= state_.issued.size()) return refuse(Reason::unknown_asset);
    if (!state_.rules.assets[request.asset.value()].issuer) return refuse(Reason::not_issuer);
    if (!is_amount(request.amount)) return refuse(Reason::amount_out_of_range);
    if (state_.withdrawals.count_of(key_.account) >= state_.rules.withdrawals_per_account_max)
        return refuse(Reason::withdrawal_limit);
    const BalanceSlot slot = state_.balances.slot(key_.account, request.asset);
    if (request.amount > state_.balances[slot].available()) return refuse(Reason::insufficient_balance);
    accept();
    state_.add_to_reserved(slot, request.amount);
    state_.add_withdrawal({key_, request.asset, request.amount, request.destination, true});
    tell(emit(EventKind::withdrawal_requested), request.asset, request.amount);
}

void Executor::run(const SettleWithdrawal& settle) {
    const auto refuse = [this](Reason reason) { reject(reason); };
    if (!state_.rules.has_ledger) return refuse(Reason::ledger_off);
    const std::optional<AccountIndex> account = state_.accounts.find(settle.account);
    if (!account) return refuse(Reason::unknown_account);
    const OrderKey key(*account, settle.request);
    const Withdrawal* found = state_.withdrawals.find(key);
    if (found == nullptr) return refuse(Reason::unknown_withdrawal);
    const AssetId asset = found->asset;
    const Amount amount = found->amount;
    if (const Reason reason = check_issuer(asset); reason != Reason::none) return refuse(reason);
    accept();
    state_.remove_withdrawal(key);
    const BalanceSlot slot = state_.balances.slot(*account, asset);
    const Balance before = state_.balances[slot];
    if (settle.is_paid) {
        state_.set_balance(slot, before.total - amount, before.reserved - amount);
        state_.set_issued(asset, state_.issued[asset.value()] - amount);
    } else {
        state_.set_reserved(slot, before.reserved - amount);
    }
    Event& event = emit(settle.is_paid ? EventKind::withdrawal_paid : EventKind::withdrawal_refused);
    event.order = key;
    tell(event, asset, amount);
}

}  // namespace peerbook::exchange

#include "exchange/engine/admission.h"

#include <algorithm>

namespace peerbook::exchange {

namespace {

Reason reason_of(NonceWindow::Verdict verdict) {
    switch (verdict) {
        case NonceWindow::Verdict::free:
            return Reason::none;
        case NonceWindow::Verdict::used:
            return Reason::nonce_used;
        case NonceWindow::Verdict::out_of_window:
            return Reason::nonce_out_of_window;
    }
    return Reason::nonce_out_of_window;
}

}  // namespace

bool is_account_name(std::string_view name) {
    return !name.empty() && name.size() <= account_name_length_max &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
           });
}

Reason admit(EngineState& state, BatchContext& context, const Command& command, AccountIndex account) {
    if (!state.accounts.is_owned_by(account, context.owner)) return Reason::not_owner;
    if (context.burnt_nonce && *context.burnt_nonce == command.ref.nonce) return Reason::none;
    const Reason reason = reason_of(state.accounts.nonces(account).verdict(command.ref.nonce));
    if (reason != Reason::none) return reason;
    state.burn_nonce(account, command.ref.nonce);
    if (context.batch.kind == BatchKind::self_custodied) context.burnt_nonce = command.ref.nonce;
    return Reason::none;
}

Reason admit_opening(EngineState& state, BatchContext& context, const Command& command,
                     const OpenAccount& open) {
    const PublicKey& signer = context.batch.signer;
    if (context.batch.kind == BatchKind::self_custodied) {
        if (command.account.data != signer.data) return Reason::not_owner;
        if (!open.name.empty()) return Reason::bad_account_name;
    } else {
        if (!is_account_name(open.name)) return Reason::bad_account_name;
        if (command.account != hosted_account_id(signer, open.name)) return Reason::not_owner;
    }
    if (state.accounts.open_count() > state.rules.accounts_max) return Reason::account_limit;
    if (context.owner && state.accounts.open_count_of(*context.owner) >= state.rules.accounts_per_owner_max)
        return Reason::account_limit;
    const Reason reason = reason_of(NonceWindow().verdict(command.ref.nonce));
    if (reason != Reason::none) return reason;
    const AccountIndex account = state.open_account(command.account, signer, open.name);
    context.owner = state.accounts.find_owner(signer);
    state.burn_nonce(account, command.ref.nonce);
    if (context.batch.kind == BatchKind::self_custodied) context.burnt_nonce = command.ref.nonce;
    return Reason::none;
}

}  // namespace peerbook::exchange

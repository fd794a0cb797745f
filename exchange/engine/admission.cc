#include "exchange/engine/admission.h"

#include <algorithm>
#include <limits>

namespace peerbook::exchange {

namespace {

constexpr std::int64_t second_ms = 1'000;
constexpr std::int64_t minute_ms = 60'000;
constexpr std::size_t symbol_length_max = 32;

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

std::uint32_t window_of(const EngineState& state, std::int64_t length_ms) {
    return static_cast<std::uint32_t>(state.now_ms() / length_ms);
}
std::int64_t next_window_ms(const EngineState& state, std::int64_t length_ms) {
    return (state.now_ms() / length_ms + 1) * length_ms;
}

// Cancels and reductions may use twice as much, so that nobody is kept from taking risk away.
Refusal count_against_rate(EngineState& state, AccountIndex account, const BatchCommand& command) {
    const bool takes_away = std::holds_alternative<CancelOrder>(command.body) ||
                            std::holds_alternative<ReduceOrder>(command.body);
    const std::uint64_t limit = state.rules.commands_per_second_max;
    const std::uint32_t before = state.accounts[account].commands.count_in(window_of(state, second_ms));
    const std::uint32_t counts = index_count(command.body);
    if (before + std::uint64_t{counts} > limit * (takes_away ? 2 : 1))
        return {Reason::rate_limit, limit, next_window_ms(state, second_ms)};
    state.count_command(account, counts);
    return {};
}

Refusal check_opening_rate(const EngineState& state, OwnerIndex owner) {
    const std::uint32_t limit = state.rules.accounts_opened_per_minute_max;
    if (limit == 0 || state.accounts.owner(owner).openings.count_in(window_of(state, minute_ms)) < limit)
        return {};
    return {Reason::rate_limit, limit, next_window_ms(state, minute_ms)};
}

void count_opening(EngineState& state, OwnerIndex index) {
    if (state.rules.accounts_opened_per_minute_max == 0) return;
    const Owner& owner = state.accounts.owner(index);
    const std::uint32_t minute = window_of(state, minute_ms);
    state.set_owner_windows(index, {minute, owner.openings.count_in(minute) + 1}, owner.seconds, owner.bytes);
}

void burn(EngineState& state, BatchContext& context, std::uint64_t nonce, AccountIndex account) {
    state.burn_nonce(account, nonce);
    if (context.batch.kind == BatchKind::self_custodied) context.burnt_nonce = nonce;
}

}  // namespace

bool is_account_name(std::string_view name) {
    return !name.empty() && name.size() <= account_name_length_max &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
           });
}

bool is_market_symbol(std::string_view symbol) {
    return !symbol.empty() && symbol.size() <= symbol_length_max &&
           std::all_of(symbol.begin(), symbol.end(),
                       [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-'; });
}

Refusal admit_batch(EngineState& state, const BatchContext& context) {
    if (!context.batch.authorized) return {Reason::bad_signature, 0, 0};
    const std::uint64_t limit = state.rules.member_bytes_per_second_max;
    if (limit == 0 || !context.owner) return {};
    const Owner& owner = state.accounts.owner(*context.owner);
    const std::uint32_t second = window_of(state, second_ms);
    const std::uint64_t before = owner.seconds.number == second ? owner.bytes : 0;
    const std::uint64_t after = before + context.batch.encoded_bytes;
    if (after > limit) return {Reason::byte_limit, limit, next_window_ms(state, second_ms)};
    state.set_owner_windows(*context.owner, owner.openings, {second, 0}, after);
    return {};
}

Refusal admit(EngineState& state, BatchContext& context, const BatchCommand& command, AccountIndex account) {
    if (!state.accounts.is_owned_by(account, context.owner)) return {Reason::not_owner, 0, 0};
    if (!context.burnt_nonce || *context.burnt_nonce != command.nonce) [[likely]] {
        const Reason reason = reason_of(state.accounts.nonces(account).verdict(command.nonce));
        if (reason != Reason::none) return {reason, 0, 0};
        burn(state, context, command.nonce, account);
    }
    if (state.rules.commands_per_second_max != 0) return count_against_rate(state, account, command);
    return {};
}

Refusal admit_opening(EngineState& state, BatchContext& context, const BatchCommand& command,
                      const OpenAccount& open) {
    const PublicKey& signer = context.batch.signer;
    const AccountId& id = context.batch.accounts[command.account];
    if (context.batch.kind == BatchKind::self_custodied) {
        if (id.data != signer.data) return {Reason::not_owner, 0, 0};
        if (!open.name.empty()) return {Reason::bad_account_name, 0, 0};
    } else {
        if (!is_account_name(open.name)) return {Reason::bad_account_name, 0, 0};
        if (id != hosted_account_id(signer, open.name)) return {Reason::not_owner, 0, 0};
    }
    if (state.accounts.open_count() > state.rules.accounts_max) return {Reason::account_limit, 0, 0};
    if (context.owner) {
        if (state.accounts.open_count_of(*context.owner) >= state.rules.accounts_per_owner_max)
            return {Reason::account_limit, 0, 0};
        if (const Refusal refused = check_opening_rate(state, *context.owner)) return refused;
    }
    const Reason reason = reason_of(NonceWindow().verdict(command.nonce));
    if (reason != Reason::none) return {reason, 0, 0};
    const AccountIndex account = state.open_account(id, signer, open.name);
    context.owner = state.accounts.find_owner(signer);
    count_opening(state, *context.owner);
    burn(state, context, command.nonce, account);
    return {};
}

}  // namespace peerbook::exchange

#include "exchange/engine/canonical.h"

#include <array>

namespace peerbook::exchange {

namespace {

using namespace entry_flags;

struct DomainInfo {
    const char* name;
    const char* hash_domain;
    std::size_t key_size;
};
constexpr std::array<DomainInfo, state_domain_count> domains{{
    {"meta", "peerbook state meta", 0},
    {"issued", "peerbook state issued", 4},
    {"markets", "peerbook state markets", 4},
    {"proposals", "peerbook state proposals", 32},
    {"accounts", "peerbook state accounts", 32},
    {"owners", "peerbook state owners", 32},
    {"balances", "peerbook state balances", 36},
    {"orders", "peerbook state orders", 44},
    {"withdrawals", "peerbook state withdrawals", 44},
}};

const DomainInfo& info(StateDomain domain) {
    return domains[static_cast<std::size_t>(domain)];
}

std::uint8_t flag(bool is_set, std::uint8_t bit) {
    return is_set ? bit : std::uint8_t{0};
}

const AccountId& id_of(const FrozenState& state, std::uint32_t account) {
    return state.accounts.names[account].id;
}

void encode_window(Encoder& out, const RateWindow& window) {
    out.varint(window.number);
    out.varint(window.count);
}

void encode_nonces(Encoder& out, const NonceWindow& nonces) {
    out.varint(nonces.highest());
    std::uint64_t gaps = 0;
    nonces.for_each_gap([&](std::uint64_t, std::uint64_t) { ++gaps; });
    out.varint(gaps);
    std::uint64_t end = 0;  // of the gap before
    nonces.for_each_gap([&](std::uint64_t first, std::uint64_t last) {
        out.varint(first - end);
        out.varint(last - first + 1);
        end = last + 1;
    });
}

void encode_meta(const FrozenState& state, Encoder& out) {
    out.u8(state.time ? 1 : 0);
    if (state.time) out.svarint(state.time->ms);
    out.varint(state.next_sequence);
}

bool encode_issued(const FrozenState& state, std::size_t asset, Encoder& out) {
    if (state.issued[asset] == 0) return false;
    out.u32(static_cast<std::uint32_t>(asset));
    out.i128(state.issued[asset]);
    return true;
}

void encode_market(const FrozenState& state, std::size_t number, Encoder& out) {
    const MarketState& market = state.markets[number];
    out.u32(static_cast<std::uint32_t>(number));
    out.u8(static_cast<std::uint8_t>(market.phase));
    out.u8(static_cast<std::uint8_t>(flag(market.last.has_value(), market_has_last) |
                                     flag(market.auction_ends_at.has_value(), market_has_auction) |
                                     flag(market.created_from.has_value(), market_is_created)));
    if (market.last) out.svarint(*market.last);
    if (market.auction_ends_at) out.svarint(market.auction_ends_at->ms);
    if (market.created_from) encode_command_body(out, Boxed<Administer>({*market.created_from, 0}));
}

void encode_proposal(const FrozenState& state, std::size_t place, Encoder& out) {
    const Proposal& proposal = state.proposals[place];
    out.raw(proposal.id.view());
    out.svarint(proposal.since.ms);
    out.u64(proposal.words);
    out.u8(proposal.is_done ? 1 : 0);
}

bool encode_account(const FrozenState& state, std::size_t index, Encoder& out) {
    const Account& account = state.accounts.accounts[index];
    if (!account.is_open) return false;
    const AccountName& name = state.accounts.names[index];
    out.raw(name.id.view());
    const bool has_owner = account.owner < state.accounts.owners.size();
    out.u8(has_owner ? 1 : 0);
    if (has_owner) out.raw(state.accounts.owners[account.owner].key.view());
    out.text(name.name);
    out.svarint(account.cancel_after_ms);
    encode_window(out, account.commands);
    encode_nonces(out, account.nonces);
    return true;
}

bool encode_owner(const FrozenState& state, std::size_t index, Encoder& out) {
    const Owner& owner = state.accounts.owners[index];
    if (owner.openings == RateWindow() && owner.seconds.number == 0 && owner.bytes == 0) return false;
    out.raw(owner.key.view());
    encode_window(out, owner.openings);
    out.varint(owner.seconds.number);
    out.varint(owner.bytes);
    return true;
}

bool encode_balance(const FrozenState& state, std::size_t place, Encoder& out) {
    const Balances::Chunk& chunk = state.balances[place / Balances::chunk_size];
    const Balance& balance = chunk.balances[place % Balances::chunk_size];
    if (balance.total == 0) return false;
    out.raw(id_of(state, chunk.account).view());
    out.u32(static_cast<std::uint32_t>(chunk.group * Balances::chunk_size + place % Balances::chunk_size));
    out.i128(balance.total);
    out.i128(balance.reserved);
    return true;
}

void encode_extension(const OrderExtension& extension, Encoder& out) {
    out.svarint(extension.quantity);
    out.svarint(extension.hidden);
    out.svarint(extension.display);
    out.svarint(extension.expires_at_ms);
    out.svarint(extension.limit);
    out.i128(extension.budget);
    out.varint(extension.refreshes);
    out.u8(static_cast<std::uint8_t>(extension.time_in_force));
    out.u8(static_cast<std::uint8_t>(extension.self_trade));
    out.u8(extension.post_only ? 1 : 0);
}

bool encode_order(const FrozenState& state, std::size_t slot, Encoder& out) {
    const Order& order = state.orders[slot];
    if (order.is_live == 0) return false;
    out.raw(id_of(state, order.account).view());
    out.u64(order.nonce);
    out.u32(order.index);
    out.varint(order.market_number);
    out.u8(static_cast<std::uint8_t>(
        flag(order.is_sell != 0, order_is_sell) | flag(order.is_waiting != 0, order_is_waiting) |
        flag(order.waits_below != 0, order_waits_below) | flag(order.is_quote != 0, order_is_quote) |
        flag(order.is_extended != 0, order_is_extended)));
    out.svarint(order.price);
    out.svarint(order.leaves);
    out.varint(order.sequence);
    out.varint(order.fee_carry);
    if (order.is_extended != 0)
        encode_extension(state.extensions[static_cast<std::size_t>(order.quantity_or_extension)], out);
    else
        out.svarint(order.quantity_or_extension);
    return true;
}

bool encode_withdrawal(const FrozenState& state, std::size_t place, Encoder& out) {
    const Withdrawal& withdrawal = state.withdrawals[place];
    if (!withdrawal.is_waiting) return false;
    out.raw(id_of(state, withdrawal.request.account.value()).view());
    out.u64(withdrawal.request.nonce);
    out.u32(withdrawal.request.index);
    out.varint(withdrawal.asset.value());
    out.i128(withdrawal.amount);
    out.text(withdrawal.destination);
    return true;
}

}  // namespace

const char* to_string(StateDomain domain) {
    return info(domain).name;
}
const char* hash_domain(StateDomain domain) {
    return info(domain).hash_domain;
}
std::size_t state_key_size(StateDomain domain) {
    return info(domain).key_size;
}

std::size_t place_count(const FrozenState& state, StateDomain domain) {
    switch (domain) {
        case StateDomain::meta:
            return 1;
        case StateDomain::issued:
            return state.issued.size();
        case StateDomain::markets:
            return state.markets.size();
        case StateDomain::proposals:
            return state.proposals.size();
        case StateDomain::accounts:
            return state.accounts.accounts.size();
        case StateDomain::owners:
            return state.accounts.owners.size();
        case StateDomain::balances:
            return state.balances.size() * Balances::chunk_size;
        case StateDomain::orders:
            return state.orders.size();
        case StateDomain::withdrawals:
            return state.withdrawals.size();
    }
    return 0;
}

bool encode_entry(const FrozenState& state, StateDomain domain, std::size_t place, Bytes& bytes) {
    Encoder out(bytes);
    switch (domain) {
        case StateDomain::meta:
            encode_meta(state, out);
            return true;
        case StateDomain::issued:
            return encode_issued(state, place, out);
        case StateDomain::markets:
            encode_market(state, place, out);
            return true;
        case StateDomain::proposals:
            encode_proposal(state, place, out);
            return true;
        case StateDomain::accounts:
            return encode_account(state, place, out);
        case StateDomain::owners:
            return encode_owner(state, place, out);
        case StateDomain::balances:
            return encode_balance(state, place, out);
        case StateDomain::orders:
            return encode_order(state, place, out);
        case StateDomain::withdrawals:
            return encode_withdrawal(state, place, out);
    }
    return false;
}

}  // namespace peerbook::exchange

#include "exchange/engine/canonical.h"

namespace peerbook::exchange {

namespace {

using namespace entry_flags;

bool decode_bool(Decoder& in, const char* what) {
    const std::uint8_t value = in.u8();
    if (value > 1) in.fail(what);
    return value == 1;
}

template <typename Enum>
Enum decode_enum(Decoder& in, Enum last, const char* what) {
    const std::uint8_t value = in.u8();
    if (value > static_cast<std::uint8_t>(last)) in.fail(what);
    return in.ok() ? static_cast<Enum>(value) : Enum{};
}

std::uint32_t decode_u32(Decoder& in, const char* what) {
    return static_cast<std::uint32_t>(in.varint_max(0xffff'ffff, what));
}

RateWindow decode_window(Decoder& in) {
    RateWindow window;
    window.number = decode_u32(in, "a window's number is above 32 bits");
    window.count = decode_u32(in, "a window's count is above 32 bits");
    return window;
}

std::vector<NonceWindow::Gap> decode_gaps(Decoder& in, std::uint64_t highest) {
    const std::uint64_t edge = highest > nonce_window ? highest - nonce_window : 0;
    const std::uint64_t count = in.varint_max(nonce_window / 2, "an account has more gaps than its window");
    std::vector<NonceWindow::Gap> gaps;
    std::uint64_t end = 0;
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
        const std::uint64_t distance = in.varint();
        const std::uint64_t length = in.varint();
        // Between two gaps there is a nonce that was burnt, and the highest one is burnt as well.
        if (distance == 0 || length == 0 || distance >= highest - end ||
            length >= highest - end - distance + 1 || end + distance <= edge) {
            in.fail("a gap of an account's nonces is not inside its window");
            break;
        }
        gaps.push_back({end + distance, end + distance + length - 1});
        end += distance + length;
    }
    return gaps;
}

Amount decode_amount(Decoder& in) {
    const Amount amount = in.i128();
    const Amount bound = Amount{1} << supply_bits_max;
    if (amount < -bound || amount > bound) in.fail("an amount is beyond 2^120");
    return amount;
}

OrderExtension decode_extension(Decoder& in) {
    OrderExtension extension;
    extension.quantity = in.svarint();
    extension.hidden = in.svarint();
    extension.display = in.svarint();
    extension.expires_at_ms = in.svarint();
    extension.limit = in.svarint();
    extension.budget = decode_amount(in);
    extension.refreshes = decode_u32(in, "an order's refreshes are above 32 bits");
    extension.time_in_force = decode_enum(in, TimeInForce::fok, "an unknown time in force");
    extension.self_trade =
        decode_enum(in, SelfTradePrevention::decrement, "an unknown self-trade prevention");
    extension.post_only = decode_bool(in, "post-only is neither yes nor no");
    return extension;
}

}  // namespace

MetaEntry decode_meta(Decoder& in) {
    MetaEntry meta;
    if (decode_bool(in, "there is neither a time nor none")) meta.time = WallTime{in.svarint()};
    meta.next_sequence = in.varint();
    return meta;
}

IssuedEntry decode_issued(Decoder& in) {
    IssuedEntry issued;
    issued.asset = AssetId(in.u32());
    issued.amount = decode_amount(in);
    if (issued.amount <= 0) in.fail("what was issued is not above zero");
    return issued;
}

MarketEntry decode_market(Decoder& in) {
    MarketEntry entry;
    entry.market = MarketId(in.u32());
    entry.state.phase = decode_enum(in, MarketPhase::halted, "a market is in an unknown phase");
    const std::uint8_t flags = in.u8();
    if (flags >= 2 * entry_flags::market_is_created) in.fail("a market has unknown flags");
    if ((flags & market_has_last) != 0) entry.state.last = in.svarint();
    if ((flags & market_has_auction) != 0) entry.state.auction_ends_at = WallTime{in.svarint()};
    if ((flags & market_is_created) != 0) {
        const CommandBody body = decode_command_body(in);
        const auto* administer = std::get_if<Boxed<Administer>>(&body);
        const auto* create = administer ? std::get_if<CreateMarket>(&(*administer)->action) : nullptr;
        if (create && (*administer)->reference == 0)
            entry.state.created_from = *create;
        else
            in.fail("a market was created by another command");
    }
    return entry;
}

Proposal decode_proposal(Decoder& in) {
    Proposal proposal;
    in.fixed(proposal.id);
    proposal.since.ms = in.svarint();
    proposal.words = in.u64();
    proposal.is_done = decode_bool(in, "a proposal is neither done nor not");
    return proposal;
}

AccountEntry decode_account(Decoder& in) {
    AccountEntry entry;
    in.fixed(entry.id);
    if (decode_bool(in, "an account has neither an owner nor none")) in.fixed(entry.owner.emplace());
    entry.name = in.text(account_name_length_max, "an account's name is too long");
    entry.cancel_after_ms = in.svarint();
    entry.commands = decode_window(in);
    entry.highest_nonce = in.varint_max(nonce_limit - 1, "an account's highest nonce is above 63 bits");
    entry.gaps = decode_gaps(in, entry.highest_nonce);
    return entry;
}

OwnerEntry decode_owner(Decoder& in) {
    OwnerEntry owner;
    in.fixed(owner.key);
    owner.openings = decode_window(in);
    owner.seconds.number = decode_u32(in, "a window's number is above 32 bits");
    owner.bytes = in.varint();
    if (owner.openings == RateWindow() && owner.seconds.number == 0 && owner.bytes == 0)
        in.fail("an owner counted nothing");
    return owner;
}

BalanceEntry decode_balance(Decoder& in) {
    BalanceEntry entry;
    in.fixed(entry.account);
    entry.asset = AssetId(in.u32());
    entry.balance.total = decode_amount(in);
    entry.balance.reserved = decode_amount(in);
    if (entry.balance.total <= 0 || entry.balance.reserved < 0 ||
        entry.balance.reserved > entry.balance.total)
        in.fail("a balance is not above zero, or more of it is reserved than there is");
    return entry;
}

OrderEntry decode_order(Decoder& in) {
    OrderEntry entry;
    Order& order = entry.order;
    in.fixed(entry.account);
    order.nonce = in.u64();
    const std::uint32_t index = in.u32();
    if (index >= 1 << 10) in.fail("an order's index is above 10 bits");
    order.index = index & 0x3ff;
    order.market_number = in.varint_max(markets_limit - 1, "a market's number is too high") & 0xfff;
    const std::uint8_t flags = in.u8();
    if (flags >= 2 * order_is_extended) in.fail("an order has unknown flags");
    order.is_sell = (flags & order_is_sell) != 0;
    order.is_waiting = (flags & order_is_waiting) != 0;
    order.waits_below = (flags & order_waits_below) != 0;
    order.is_quote = (flags & order_is_quote) != 0;
    order.is_extended = (flags & order_is_extended) != 0;
    order.price = in.svarint();
    order.leaves = in.svarint();
    order.sequence = in.varint_max((std::uint64_t{1} << 48) - 1, "an order's sequence is above 48 bits") &
                     0xffff'ffff'ffff;
    order.fee_carry = in.varint_max((1U << 20) - 1, "an order's fee carry is above 20 bits") & 0xf'ffff;
    if (order.is_extended != 0)
        entry.extension = decode_extension(in);
    else
        order.quantity_or_extension = in.svarint();
    order.is_live = 1;
    return entry;
}

WithdrawalEntry decode_withdrawal(Decoder& in) {
    WithdrawalEntry entry;
    in.fixed(entry.account);
    entry.withdrawal.request.nonce = in.u64();
    entry.withdrawal.request.index = in.u32();
    entry.withdrawal.asset = AssetId(decode_u32(in, "an asset's number is above 32 bits"));
    entry.withdrawal.amount = decode_amount(in);
    entry.withdrawal.destination = in.text(destination_length_max, "a withdrawal's destination is too long");
    entry.withdrawal.is_waiting = true;
    if (entry.withdrawal.amount <= 0) in.fail("a withdrawal is of nothing");
    return entry;
}

void check_entry(StateDomain domain, Decoder& in) {
    switch (domain) {
        case StateDomain::meta:
            decode_meta(in);
            return;
        case StateDomain::issued:
            decode_issued(in);
            return;
        case StateDomain::markets:
            decode_market(in);
            return;
        case StateDomain::proposals:
            decode_proposal(in);
            return;
        case StateDomain::accounts:
            decode_account(in);
            return;
        case StateDomain::owners:
            decode_owner(in);
            return;
        case StateDomain::balances:
            decode_balance(in);
            return;
        case StateDomain::orders:
            decode_order(in);
            return;
        case StateDomain::withdrawals:
            decode_withdrawal(in);
            return;
    }
}

}  // namespace peerbook::exchange

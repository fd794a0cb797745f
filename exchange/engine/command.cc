#include "exchange/engine/command.h"

#include <algorithm>
#include <limits>
#include <string_view>

#include "base/check.h"

namespace peerbook::exchange {

static_assert(sizeof(BatchCommand) == 64, "a command in a batch is one cache line");

namespace {

enum class Tag : std::uint8_t {
    limit = 1,
    market = 2,
    cancel = 3,
    reduce = 4,
    open_account = 5,
    faucet = 6,
    transfer = 7,
    special = 8,
    replace = 9,
    budget = 10,
    cancel_all = 11,
    cancel_after = 12,
    mass_quote = 13,
    issue = 14,
    redeem = 15,
    request_withdrawal = 16,
    settle_withdrawal = 17,
    administer = 18,
};

enum class ActionTag : std::uint8_t { create_market = 1, halt_market = 2, resume_market = 3 };

// The optional fields of a special order that are there, and what does not deserve a byte of its own.
constexpr unsigned special_display = 1;
constexpr unsigned special_expires = 2;
constexpr unsigned special_trigger = 4;
constexpr unsigned special_at_or_below = 8;  // with special_trigger only
constexpr unsigned special_budget = 16;

constexpr unsigned replace_post_only = 1;
constexpr unsigned replace_trigger = 8;

constexpr unsigned all_of_market = 1;
constexpr unsigned all_of_side = 2;
constexpr unsigned all_sells = 4;  // with all_of_side only

constexpr std::uint64_t u32_max = std::numeric_limits<std::uint32_t>::max();
constexpr std::int64_t span_ms_max = std::numeric_limits<std::int64_t>::max() / 1'000'000;
constexpr std::size_t quote_bytes_min = 3;  // side, price, quantity

template <typename Enum>
constexpr unsigned bits(Enum value) {
    return static_cast<unsigned>(value);
}

// --- encoding ---

void encode_ref(Encoder& out, CommandRef ref) {
    out.varint(ref.nonce);
    out.varint(ref.index);
}

void encode_span(Encoder& out, Duration span) {
    PB_CHECK(span == Duration::milliseconds(span.ms()), "a command's time spans are whole milliseconds");
    out.svarint(span.ms());
}

void encode_text(Encoder& out, std::string_view text, std::size_t size_max) {
    PB_CHECK(text.size() <= size_max, "a command's text is longer than its encoding allows");
    out.text(text);
}

void encode_limit(Encoder& out, const LimitOrder& order) {
    out.varint(order.market.value());
    out.u8(static_cast<std::uint8_t>(bits(order.side) | bits(order.time_in_force) << 1 |
                                     bits(order.post_only) << 3 | bits(order.self_trade) << 4));
    out.svarint(order.price.value());
    out.svarint(order.quantity.value());
}

void encode_special(Encoder& out, const SpecialOrder& special) {
    encode_limit(out, special.order);
    unsigned flags = 0;
    if (special.display) flags |= special_display;
    if (special.expires_at) flags |= special_expires;
    if (special.trigger) flags |= special_trigger;
    if (special.trigger && special.trigger->when == TriggerWhen::at_or_below) flags |= special_at_or_below;
    if (special.budget) flags |= special_budget;
    out.u8(static_cast<std::uint8_t>(flags));
    if (special.display) out.svarint(special.display->value());
    if (special.expires_at) out.svarint(special.expires_at->ms);
    if (special.trigger) out.svarint(special.trigger->price.value());
    if (special.budget) out.i128(*special.budget);
}

struct ActionEncoder {
    Encoder& out;

    void operator()(const CreateMarket& create) const {
        const MarketSpec& spec = create.spec;
        out.u8(static_cast<std::uint8_t>(ActionTag::create_market));
        out.varint(create.base.value());
        out.varint(create.quote.value());
        for (const std::string* text : {&spec.symbol, &spec.tick, &spec.lot, &spec.price_max,
                                        &spec.quantity_max, &spec.quantity_min, &spec.notional_min})
            encode_text(out, *text, market_text_length_max);
        out.varint(spec.maker_fee_ppm);
        out.varint(spec.taker_fee_ppm);
        out.varint(spec.band_ppm);
        out.u8(static_cast<std::uint8_t>(spec.matching));
        encode_span(out, spec.auction);
    }
    void operator()(const HaltMarket& halt) const {
        out.u8(static_cast<std::uint8_t>(ActionTag::halt_market));
        out.varint(halt.market.value());
    }
    void operator()(const ResumeMarket& resume) const {
        out.u8(static_cast<std::uint8_t>(ActionTag::resume_market));
        out.varint(resume.market.value());
    }
};

struct BodyEncoder {
    Encoder& out;

    void tag(Tag tag) const { out.u8(static_cast<std::uint8_t>(tag)); }

    template <typename T>
    void operator()(const Boxed<T>& box) const {
        (*this)(*box);
    }
    void operator()(const LimitOrder& order) const {
        tag(Tag::limit);
        encode_limit(out, order);
    }
    void operator()(const MarketOrder& order) const {
        tag(Tag::market);
        out.varint(order.market.value());
        out.u8(static_cast<std::uint8_t>(bits(order.side) | bits(order.self_trade) << 1));
        out.svarint(order.protection.value());
        out.svarint(order.quantity.value());
    }
    void operator()(const BudgetOrder& order) const {
        tag(Tag::budget);
        out.varint(order.market.value());
        out.u8(static_cast<std::uint8_t>(order.self_trade));
        out.svarint(order.protection.value());
        out.i128(order.budget);
    }
    void operator()(const SpecialOrder& special) const {
        tag(Tag::special);
        encode_special(out, special);
    }
    void operator()(const CancelOrder& cancel) const {
        tag(Tag::cancel);
        encode_ref(out, cancel.target);
    }
    void operator()(const ReduceOrder& reduce) const {
        tag(Tag::reduce);
        encode_ref(out, reduce.target);
        out.svarint(reduce.by.value());
    }
    void operator()(const ReplaceOrder& replace) const {
        tag(Tag::replace);
        encode_ref(out, replace.target);
        out.u8(static_cast<std::uint8_t>((replace.post_only ? replace_post_only : 0) |
                                         bits(replace.self_trade) << 1 |
                                         (replace.trigger ? replace_trigger : 0)));
        out.svarint(replace.price.value());
        out.svarint(replace.quantity.value());
        if (replace.trigger) out.svarint(replace.trigger->value());
    }
    void operator()(const CancelAll& all) const {
        tag(Tag::cancel_all);
        out.u8(static_cast<std::uint8_t>((all.market ? all_of_market : 0) | (all.side ? all_of_side : 0) |
                                         (all.side == Side::sell ? all_sells : 0)));
        if (all.market) out.varint(all.market->value());
    }
    void operator()(const CancelAfter& after) const {
        tag(Tag::cancel_after);
        out.u8(after.timeout ? 1 : 0);
        if (after.timeout) encode_span(out, *after.timeout);
    }
    void operator()(const MassQuote& mass) const {
        PB_CHECK(mass.quotes.size() <= signed_batch_commands_max, "a mass quote has at most 1,000 quotes");
        tag(Tag::mass_quote);
        out.varint(mass.market.value());
        out.varint(mass.quotes.size());
        for (const Quote& quote : mass.quotes) {
            out.u8(static_cast<std::uint8_t>(quote.side));
            out.svarint(quote.price.value());
            out.svarint(quote.quantity.value());
        }
    }
    void operator()(const OpenAccount& open) const {
        tag(Tag::open_account);
        encode_text(out, open.name, account_name_length_max);
    }
    void operator()(const Faucet& faucet) const {
        tag(Tag::faucet);
        out.varint(faucet.asset.value());
        out.i128(faucet.amount);
    }
    void operator()(const Transfer& transfer) const {
        tag(Tag::transfer);
        out.raw(transfer.to.view());
        out.varint(transfer.asset.value());
        out.i128(transfer.amount);
    }
    void operator()(const Issue& issue) const {
        tag(Tag::issue);
        out.raw(issue.to.view());
        out.varint(issue.asset.value());
        out.i128(issue.amount);
    }
    void operator()(const Redeem& redeem) const {
        tag(Tag::redeem);
        out.varint(redeem.asset.value());
        out.i128(redeem.amount);
    }
    void operator()(const RequestWithdrawal& request) const {
        tag(Tag::request_withdrawal);
        out.varint(request.asset.value());
        out.i128(request.amount);
        encode_text(out, request.destination, destination_length_max);
    }
    void operator()(const SettleWithdrawal& settle) const {
        tag(Tag::settle_withdrawal);
        out.raw(settle.account.view());
        encode_ref(out, settle.request);
        out.u8(settle.is_paid ? 1 : 0);
    }
    void operator()(const Administer& administer) const {
        tag(Tag::administer);
        out.varint(administer.reference);
        std::visit(ActionEncoder{out}, administer.action);
    }
};

// --- decoding ---
// After a failed read the values are zero and the result is dropped, so that each function reads on.

std::uint32_t decode_u32(Decoder& in, const char* what) {
    return static_cast<std::uint32_t>(in.varint_max(u32_max, what));
}

MarketId decode_market(Decoder& in) {
    return MarketId(decode_u32(in, "a market number is above 32 bits"));
}

AssetId decode_asset(Decoder& in) {
    return AssetId(decode_u32(in, "an asset number is above 32 bits"));
}

CommandRef decode_ref(Decoder& in) {
    CommandRef ref;
    ref.nonce = in.varint();
    ref.index = decode_u32(in, "a command index is above 32 bits");
    return ref;
}

// One byte that is at most `max`: flags of which the higher ones must be unset, or one of a few choices.
unsigned decode_bits(Decoder& in, unsigned max, const char* what) {
    const unsigned value = in.u8();
    if (value <= max) return value;
    in.fail(what);
    return 0;
}

Side decode_side(Decoder& in) {
    return static_cast<Side>(decode_bits(in, 1, "a side is neither buy nor sell"));
}

SelfTradePrevention self_trade_of(unsigned flags) {
    return static_cast<SelfTradePrevention>(flags & 3);
}

Duration decode_span(Decoder& in) {
    const std::int64_t ms = in.svarint();
    if (ms >= -span_ms_max && ms <= span_ms_max) return Duration::milliseconds(ms);
    in.fail("a time span is out of range");
    return {};
}

LimitOrder decode_limit(Decoder& in) {
    LimitOrder order;
    order.market = decode_market(in);
    unsigned flags = decode_bits(in, 63, "an order has unknown flags");
    if ((flags >> 1 & 3) > bits(TimeInForce::fok)) {
        in.fail("an order has an unknown time in force");
        flags = 0;
    }
    order.side = static_cast<Side>(flags & 1);
    order.time_in_force = static_cast<TimeInForce>(flags >> 1 & 3);
    order.post_only = (flags >> 3 & 1) != 0;
    order.self_trade = self_trade_of(flags >> 4);
    order.price = Price(in.svarint());
    order.quantity = Quantity(in.svarint());
    return order;
}

MarketOrder decode_market_order(Decoder& in) {
    MarketOrder order;
    order.market = decode_market(in);
    const unsigned flags = decode_bits(in, 7, "a market order has unknown flags");
    order.side = static_cast<Side>(flags & 1);
    order.self_trade = self_trade_of(flags >> 1);
    order.protection = Price(in.svarint());
    order.quantity = Quantity(in.svarint());
    return order;
}

BudgetOrder decode_budget(Decoder& in) {
    BudgetOrder order;
    order.market = decode_market(in);
    order.self_trade = self_trade_of(decode_bits(in, 3, "a budget order has unknown flags"));
    order.protection = Price(in.svarint());
    order.budget = in.i128();
    return order;
}

Boxed<SpecialOrder> decode_special(Decoder& in) {
    Boxed<SpecialOrder> special;
    special->order = decode_limit(in);
    const unsigned flags = decode_bits(in, 31, "a special order has unknown flags");
    const bool is_below = (flags & special_at_or_below) != 0;
    if (is_below && (flags & special_trigger) == 0)
        in.fail("a special order has the direction of a trigger, but no trigger");
    if ((flags & special_display) != 0) special->display = Quantity(in.svarint());
    if ((flags & special_expires) != 0) special->expires_at = WallTime{in.svarint()};
    if ((flags & special_trigger) != 0)
        special->trigger =
            Trigger{Price(in.svarint()), is_below ? TriggerWhen::at_or_below : TriggerWhen::at_or_above};
    if ((flags & special_budget) != 0) special->budget = in.i128();
    return special;
}

ReduceOrder decode_reduce(Decoder& in) {
    ReduceOrder reduce;
    reduce.target = decode_ref(in);
    reduce.by = Quantity(in.svarint());
    return reduce;
}

ReplaceOrder decode_replace(Decoder& in) {
    ReplaceOrder replace;
    replace.target = decode_ref(in);
    const unsigned flags = decode_bits(in, 15, "a replacement has unknown flags");
    replace.post_only = (flags & replace_post_only) != 0;
    replace.self_trade = self_trade_of(flags >> 1);
    replace.price = Price(in.svarint());
    replace.quantity = Quantity(in.svarint());
    if ((flags & replace_trigger) != 0) replace.trigger = Price(in.svarint());
    return replace;
}

CancelAll decode_cancel_all(Decoder& in) {
    CancelAll all;
    const unsigned flags = decode_bits(in, 7, "a cancel of all has unknown flags");
    const bool is_sell = (flags & all_sells) != 0;
    if ((flags & all_of_side) != 0)
        all.side = is_sell ? Side::sell : Side::buy;
    else if (is_sell)
        in.fail("a cancel of all names sells, but no side");
    if ((flags & all_of_market) != 0) all.market = decode_market(in);
    return all;
}

CancelAfter decode_cancel_after(Decoder& in) {
    CancelAfter after;
    if (decode_bits(in, 1, "a dead-man switch is neither on nor off") == 1) after.timeout = decode_span(in);
    return after;
}

MassQuote decode_mass_quote(Decoder& in) {
    MassQuote mass;
    mass.market = decode_market(in);
    const auto count = static_cast<std::size_t>(
        in.varint_max(signed_batch_commands_max, "a mass quote has more quotes than it may"));
    if (count > in.remaining() / quote_bytes_min) {
        in.fail("a mass quote promises more quotes than it has room for");
        return mass;
    }
    mass.quotes.reserve(count);
    for (std::size_t i = 0; i < count && in.ok(); ++i) {
        Quote& quote = mass.quotes.emplace_back();
        quote.side = decode_side(in);
        quote.price = Price(in.svarint());
        quote.quantity = Quantity(in.svarint());
    }
    return mass;
}

// Transfers and issues; faucets and redemptions without the account.
template <typename T>
Boxed<T> decode_payment(Decoder& in) {
    Boxed<T> payment;
    in.fixed(payment->to);
    payment->asset = decode_asset(in);
    payment->amount = in.i128();
    return payment;
}

template <typename T>
T decode_own_payment(Decoder& in) {
    T payment;
    payment.asset = decode_asset(in);
    payment.amount = in.i128();
    return payment;
}

Boxed<RequestWithdrawal> decode_request(Decoder& in) {
    Boxed<RequestWithdrawal> request;
    request->asset = decode_asset(in);
    request->amount = in.i128();
    request->destination = in.text(destination_length_max, "a withdrawal's destination is too long");
    return request;
}

Boxed<SettleWithdrawal> decode_settle(Decoder& in) {
    Boxed<SettleWithdrawal> settle;
    in.fixed(settle->account);
    settle->request = decode_ref(in);
    settle->is_paid = decode_bits(in, 1, "a withdrawal is settled as neither paid nor refused") == 1;
    return settle;
}

CreateMarket decode_create_market(Decoder& in) {
    CreateMarket create;
    MarketSpec& spec = create.spec;
    create.base = decode_asset(in);
    create.quote = decode_asset(in);
    for (std::string* text : {&spec.symbol, &spec.tick, &spec.lot, &spec.price_max, &spec.quantity_max,
                              &spec.quantity_min, &spec.notional_min})
        *text = in.text(market_text_length_max, "a text of a new market is too long");
    spec.maker_fee_ppm = decode_u32(in, "a fee is above 32 bits");
    spec.taker_fee_ppm = decode_u32(in, "a fee is above 32 bits");
    spec.band_ppm = decode_u32(in, "a price band is above 32 bits");
    spec.matching = static_cast<MatchingMode>(decode_bits(in, 1, "a market matches in an unknown way"));
    spec.auction = decode_span(in);
    return create;
}

Boxed<Administer> decode_administer(Decoder& in) {
    Boxed<Administer> administer;
    administer->reference = in.varint();
    switch (static_cast<ActionTag>(in.u8())) {
        case ActionTag::create_market:
            administer->action = decode_create_market(in);
            return administer;
        case ActionTag::halt_market:
            administer->action = HaltMarket{decode_market(in)};
            return administer;
        case ActionTag::resume_market:
            administer->action = ResumeMarket{decode_market(in)};
            return administer;
    }
    in.fail("an administrator asks for an unknown action");
    return administer;
}

}  // namespace

std::uint32_t index_count(const CommandBody& body) {
    const auto* mass = std::get_if<MassQuote>(&body);
    return mass ? std::max(std::uint32_t{1}, static_cast<std::uint32_t>(mass->quotes.size())) : 1;
}

void CommandBatch::add(const AccountId& account, CommandRef ref, CommandBody body) {
    const auto found = std::find(accounts.begin(), accounts.end(), account);
    const auto place = static_cast<std::uint32_t>(found - accounts.begin());
    if (found == accounts.end()) accounts.push_back(account);
    commands.push_back({ref.nonce, ref.index, place, std::move(body)});
}

void encode_command_body(Encoder& out, const CommandBody& body) {
    std::visit(BodyEncoder{out}, body);
}

CommandBody decode_command_body(Decoder& in) {
    switch (static_cast<Tag>(in.u8())) {
        case Tag::limit:
            return decode_limit(in);
        case Tag::market:
            return decode_market_order(in);
        case Tag::cancel:
            return CancelOrder{decode_ref(in)};
        case Tag::reduce:
            return decode_reduce(in);
        case Tag::open_account:
            return OpenAccount{in.text(account_name_length_max, "an account name is too long")};
        case Tag::faucet:
            return decode_own_payment<Faucet>(in);
        case Tag::transfer:
            return decode_payment<Transfer>(in);
        case Tag::special:
            return decode_special(in);
        case Tag::replace:
            return decode_replace(in);
        case Tag::budget:
            return decode_budget(in);
        case Tag::cancel_all:
            return decode_cancel_all(in);
        case Tag::cancel_after:
            return decode_cancel_after(in);
        case Tag::mass_quote:
            return decode_mass_quote(in);
        case Tag::issue:
            return decode_payment<Issue>(in);
        case Tag::redeem:
            return decode_own_payment<Redeem>(in);
        case Tag::request_withdrawal:
            return decode_request(in);
        case Tag::settle_withdrawal:
            return decode_settle(in);
        case Tag::administer:
            return decode_administer(in);
    }
    in.fail("a command is of an unknown kind");
    return CancelOrder{};
}

}  // namespace peerbook::exchange

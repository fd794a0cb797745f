#include "app/api/order_drafts.h"

#include <array>
#include <utility>

#include "app/api/draft_parts.h"

namespace peerbook::app {

namespace {

constexpr std::uint64_t bit(OrderField field) {
    return std::uint64_t{1} << static_cast<unsigned>(field);
}
template <typename... Fields>
constexpr std::uint64_t bits(Fields... fields) {
    return (bit(fields) | ...);
}
static_assert(order_field_count <= 64);

using enum OrderField;
constexpr std::uint64_t target_fields = bits(order_id, target_nonce, target_index);
constexpr std::uint64_t limit_fields =
    bits(market, side, price, quantity, time_in_force, expires_at, post_only, self_trade, display);
constexpr std::uint64_t market_fields = bits(market, side, quantity, budget, protection, self_trade);

struct OpRow {
    std::string_view name;
    std::uint64_t fields;  // beside op, account and nonce
    drafts::Maker make;
};
constexpr std::array<OpRow, 22> ops = {{
    {"limit", limit_fields, drafts::limit},
    {"market", market_fields, drafts::market},
    {"stop", market_fields | bit(trigger), drafts::stop},
    {"stop_limit", limit_fields | bit(trigger), drafts::stop_limit},
    {"take_profit", market_fields | bit(trigger), drafts::take_profit},
    {"take_profit_limit", limit_fields | bit(trigger), drafts::take_profit_limit},
    {"mass_quote", bits(market, quotes), drafts::mass_quote},
    {"cancel", target_fields, drafts::cancel},
    {"reduce", target_fields | bits(market, by), drafts::reduce},
    {"replace", target_fields | bits(market, price, quantity, post_only, self_trade, trigger),
     drafts::replace},
    {"cancel_all", bits(market, side), drafts::cancel_all},
    {"cancel_after", bit(timeout), drafts::cancel_after},
    {"open", 0, drafts::open},
    {"faucet", bits(asset, amount), drafts::faucet},
    {"transfer", bits(to, asset, amount), drafts::transfer},
    {"issue", bits(to, asset, amount), drafts::issue},
    {"redeem", bits(asset, amount), drafts::redeem},
    {"withdraw", bits(asset, amount, destination), drafts::withdraw},
    {"settle", bits(from, target_nonce, target_index, paid), drafts::settle},
    {"create_market",
     bits(market, reference, base, quote, tick, lot, price_max, quantity_min, quantity_max, notional_min,
          maker_fee_ppm, taker_fee_ppm, band_ppm, matching, auction),
     drafts::create_market},
    {"halt", bits(market, reference), drafts::halt},
    {"resume", bits(market, reference), drafts::resume},
}};

constexpr std::array<std::string_view, ops.size()> op_names = [] {
    std::array<std::string_view, ops.size()> names;
    for (std::size_t i = 0; i < ops.size(); ++i)
        names[i] = ops[i].name;
    return names;
}();

std::string list_of_ops() {
    std::string list;
    for (const std::string_view name : op_names)
        list += (list.empty() ? "" : ", ") + std::string(name);
    return list;
}

// Limit where the field is absent; null, and the reader failed, for an unknown one.
const OpRow* op_of(FieldReader& reader) {
    if (!reader.has(op)) return &ops.front();
    const std::string_view text = reader.word(op, "limit");
    if (reader.failed()) return nullptr;
    for (const OpRow& row : ops)
        if (text == row.name) return &row;
    const std::string_view near = nearest_word(text, op_names.data(), op_names.size());
    reader.fail(op, "unknown op " + quoted(text) +
                        (near.empty() ? "; known are " + list_of_ops()
                                      : "; did you mean \"" + std::string(near) + "\"?"));
    return nullptr;
}

}  // namespace

ApiResult<Draft> make_draft(const OrderFields& fields, const DraftContext& context) {
    FieldReader reader(fields, context);
    const OpRow* row = op_of(reader);
    if (row == nullptr) return reader.take_error();
    const std::uint64_t allowed = row->fields | bits(op, account, nonce);
    for (std::size_t i = 0; i < order_field_count; ++i) {
        const auto field = static_cast<OrderField>(i);
        if (fields.has(field) && (allowed & bit(field)) == 0) {
            reader.fail(field, "does not belong to op \"" + std::string(row->name) + "\"");
            return reader.take_error();
        }
    }

    Draft draft;
    std::string_view name = context.default_account;
    if (fields.has(account) || name.empty()) name = reader.word(account, "alice");
    if (!reader.failed() && !is_account_name(name))
        reader.fail(account, "must be 1 to 64 of a-z, 0-9, '.', '_' and '-', not " + quoted(name));
    draft.intent.account = name;
    if (fields.has(nonce)) {
        draft.intent.nonce = reader.u64(nonce, UINT64_MAX);
        if (!reader.failed() && *draft.intent.nonce == 0) reader.fail(nonce, "must be above zero");
    }
    if (!reader.failed()) draft.intent.body = row->make(reader, draft);
    if (reader.failed()) return reader.take_error();
    return draft;
}

}  // namespace peerbook::app

// One command as a client wrote it, field by field. JSON bodies, query strings and stdin lines all end here,
// and order_drafts.h makes commands of them, so that each rule and each error message exists once.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace peerbook::app {

enum class OrderField : std::uint8_t {
    op,
    account,
    nonce,
    // orders
    market,
    side,
    price,
    quantity,
    time_in_force,
    expires_at,
    post_only,
    self_trade,
    display,
    trigger,
    budget,
    protection,
    quotes,
    // changes of orders
    order_id,
    target_nonce,
    target_index,
    by,
    timeout,
    // money
    asset,
    amount,
    to,
    destination,
    from,
    paid,
    // administration
    reference,
    base,
    quote,
    tick,
    lot,
    price_max,
    quantity_min,
    quantity_max,
    notional_min,
    maker_fee_ppm,
    taker_fee_ppm,
    band_ppm,
    matching,
    auction,
};
inline constexpr std::size_t order_field_count = 41;

std::string_view to_string(OrderField field);
// Error-free lookup: order_field_count if the name is no field.
std::size_t find_order_field(std::string_view name);
// The known field nearest to a mistyped one; empty if none is near.
std::string_view nearest_order_field(std::string_view name);

enum class FieldKind : std::uint8_t { absent, text, number, boolean, list };

struct FieldValue {
    FieldKind kind = FieldKind::absent;
    std::string_view text;
};

// One element of the field `quotes`.
struct QuoteFields {
    FieldValue side, price, quantity;
};

// Views into the text of the request, which must live until make_draft() has returned.
struct OrderFields {
    std::array<FieldValue, order_field_count> values;
    std::vector<QuoteFields> quotes;  // of the field `quotes`, whose kind is then list

    FieldValue& operator[](OrderField field) { return values[static_cast<std::size_t>(field)]; }
    const FieldValue& operator[](OrderField field) const { return values[static_cast<std::size_t>(field)]; }
    bool has(OrderField field) const { return (*this)[field].kind != FieldKind::absent; }
    void set_text(OrderField field, std::string_view text) { (*this)[field] = {FieldKind::text, text}; }
    // The value that an error names: "price", or "quotes[3].price". Null if there is none.
    const FieldValue* find(std::string_view path) const;
};

// "quotes[3].price".
std::string quote_path(std::size_t index, std::string_view field);

}  // namespace peerbook::app

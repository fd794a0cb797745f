// One command as a client wrote it, field by field, and its translation into an Intent. JSON bodies, query
// strings and stdin lines all end here, so that each rule and each error message exists once.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "app/api/api_error.h"
#include "app/api/market_table.h"
#include "app/node/requests.h"

namespace peerbook::app {

enum class OrderField : std::uint8_t {
    op,
    account,
    market,
    side,
    price,
    quantity,
    time_in_force,
    post_only,
    nonce,
    protection,
    order_id,
    target_nonce,
    target_index,
    by,
    asset,
    amount,
    to,
};
inline constexpr std::size_t order_field_count = 17;

std::string_view to_string(OrderField field);
// Error-free lookup: order_field_count if the name is no field.
std::size_t find_order_field(std::string_view name);
// The known field nearest to a mistyped one; empty if none is near.
std::string_view nearest_order_field(std::string_view name);

enum class FieldKind : std::uint8_t { absent, text, number, boolean };

// Views into the text of the request, which must live until make_draft() has returned.
struct OrderFields {
    struct Value {
        FieldKind kind = FieldKind::absent;
        std::string_view text;
    };
    std::array<Value, order_field_count> values;

    Value& operator[](OrderField field) { return values[static_cast<std::size_t>(field)]; }
    const Value& operator[](OrderField field) const { return values[static_cast<std::size_t>(field)]; }
    bool has(OrderField field) const { return (*this)[field].kind != FieldKind::absent; }
    void set_text(OrderField field, std::string_view text) { (*this)[field] = {FieldKind::text, text}; }
};

// A command that is complete but for the protection price of a market order, where `needs_protection`.
struct Draft {
    Intent intent;
    bool needs_protection = false;
};

struct DraftContext {
    const MarketTable& markets;
    PublicKey node;                    // whose hosted accounts names mean
    std::string_view default_account;  // used when the field is absent; empty: the field is required
};

// Error: names the field and what is wrong with it.
ApiResult<Draft> make_draft(const OrderFields& fields, const DraftContext& context);

// True for the names that hosted accounts may have: 1 to 64 of [a-z0-9._-].
bool is_account_name(std::string_view name);
// A name or an id of 64 hex digits, as the field `to` takes it.
exchange::AccountId account_id_of(std::string_view name_or_id, const PublicKey& node);

// Digits only, no sign, at most 64 bits.
ApiResult<std::uint64_t> parse_u64(std::string_view text, std::string_view field);
ApiResult<exchange::OrderId> parse_order_id(std::string_view text, std::string_view field);

}  // namespace peerbook::app

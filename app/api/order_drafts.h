// From the fields of a command to what a node takes: every rule that a gateway checks by itself, with its
// message. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "app/api/api_error.h"
#include "app/api/market_table.h"
#include "app/api/order_fields.h"
#include "app/node/requests.h"

namespace peerbook::app {

// A command that is complete but for the protection price of a market order, where `needs_protection`.
struct Draft {
    Intent intent;
    bool needs_protection = false;
};

struct DraftContext {
    const MarketTable& markets;
    PublicKey node;                    // whose hosted accounts names mean
    std::string_view default_account;  // used when the field is absent; empty: the field is required
    std::optional<WallTime> now =
        std::nullopt;  // what spans of time are counted from; absent: they are refused
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

// Reads the fields of one command, for order_drafts.cc and its parts. The first mistake is kept, and later
// reads return nothing of use, so that a command is read straight through and checked once.
#pragma once

#include <string>
#include <string_view>

#include "app/api/order_drafts.h"

namespace peerbook::app {

class FieldReader {
  public:
    // Both outlive the reader.
    FieldReader(const OrderFields& fields, const DraftContext& context)
        : fields_(fields), context_(context) {}

    bool failed() const { return failed_; }
    ApiError take_error() { return std::move(error_); }
    bool has(OrderField field) const { return fields_.has(field); }
    const OrderFields& fields() const { return fields_; }
    const DraftContext& context() const { return context_; }
    const MarketTable& markets() const { return context_.markets; }

    void fail(OrderField field, const std::string& message) {
        fail_at(std::string(to_string(field)), message);
    }
    // As the engine says it, with what it is about.
    void fail_excluded(OrderField field, const std::string& message);

    // The field's text; fails where it is absent or no text or number.
    std::string_view word(OrderField field, std::string_view example);
    exchange::MarketId market_id();
    exchange::AssetId asset_id(OrderField field);
    exchange::Side side();
    exchange::Price price(OrderField field, const exchange::MarketRules& rules);
    exchange::Quantity quantity(OrderField field, const exchange::MarketRules& rules);
    // Above zero, in base units of the asset.
    exchange::Amount amount(OrderField field, exchange::AssetId asset);
    std::uint64_t u64(OrderField field, std::uint64_t max);
    // `fallback` where the field is absent.
    std::uint32_t u32_or(OrderField field, std::uint32_t fallback, std::uint32_t max);
    bool flag(OrderField field, bool is_required = false);
    exchange::SelfTradePrevention self_trade();
    exchange::AccountId account(OrderField field);
    WallTime time(OrderField field);
    Duration span(OrderField field, std::string_view example);
    // A decimal as text, for rules that are parsed elsewhere; empty where the field is absent.
    std::string decimal_text(OrderField field);
    // One of `quotes`.
    exchange::Quote quote(std::size_t index, const exchange::MarketRules& rules);

  private:
    void fail_at(std::string path, const std::string& message);
    std::string_view word_at(const FieldValue& value, const std::string& path, std::string_view example);
    std::string_view decimal_at(const FieldValue& value, const std::string& path, std::string_view example);
    exchange::Side side_at(const FieldValue& value, const std::string& path);
    exchange::Price price_at(const FieldValue& value, const std::string& path,
                             const exchange::MarketRules& rules);
    exchange::Quantity quantity_at(const FieldValue& value, const std::string& path,
                                   const exchange::MarketRules& rules);
    template <typename T>
    T checked(const std::string& path, Result<T> parsed);

    const OrderFields& fields_;
    const DraftContext& context_;
    bool failed_ = false;
    ApiError error_;
};

}  // namespace peerbook::app

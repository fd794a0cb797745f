// Any text as the body of POST /api/v1/orders: refused with a message that is short and printable, or every
// order in it is within the market's bounds.
#include <cstddef>
#include <cstdint>
#include <string>

#include "app/api/json_read.h"
#include "app/api/json_write.h"
#include "app/api/order_drafts.h"
#include "tests/fuzz/fuzz_market.h"

namespace {

using namespace peerbook;

void check_error(const app::ApiError& error) {
    PB_CHECK(!error.message.empty() && error.message.size() < 1'000, "an error says something, briefly");
    for (char c : app::error_json(error))
        PB_CHECK(c >= 0x20 && c < 0x7f, "an error is printable");
}

void check_order(const exchange::LimitOrder& order, bool has_quantity) {
    const auto& market = fuzz::rules()->markets.at(order.market.value());
    PB_CHECK(order.price.value() >= 1 && order.price <= market.price_max, "a price is within its bounds");
    PB_CHECK(!order.post_only || order.time_in_force == exchange::TimeInForce::gtc, "terms go together");
    if (!has_quantity) return;
    PB_CHECK(order.quantity.value() >= 1 && order.quantity <= market.quantity_max,
             "a quantity is within its bounds");
}

void check_draft(const app::Draft& draft) {
    PB_CHECK(app::is_account_name(draft.intent.account), "an accepted name is one");
    if (const auto* order = std::get_if<exchange::LimitOrder>(&draft.intent.body)) check_order(*order, true);
    if (const auto* boxed = std::get_if<Boxed<exchange::SpecialOrder>>(&draft.intent.body)) {
        const exchange::SpecialOrder& special = **boxed;
        check_order(special.order, !special.budget);
        PB_CHECK(
            !special.display || (special.display->value() >= 1 && *special.display <= special.order.quantity),
            "what is shown is part of the order");
        PB_CHECK(!special.budget || (special.trigger && *special.budget > 0), "a budget waits for a trigger");
    }
    if (const auto* quotes = std::get_if<exchange::MassQuote>(&draft.intent.body))
        for (const exchange::Quote& quote : quotes->quotes)
            check_order({quotes->market, quote.side, {}, true, {}, quote.price, quote.quantity}, true);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const app::MarketTable markets(fuzz::rules());
    std::string body(data, data + size);
    auto list = app::read_orders(body);
    if (!list.ok()) {
        check_error(list.error());
        return 0;
    }
    PB_CHECK(list.value().orders.size() <= app::orders_per_request_max, "the list is bounded");
    for (const app::OrderFields& fields : list.value().orders) {
        auto draft = app::make_draft(fields, {markets, PublicKey{}, {}});
        if (draft.ok())
            check_draft(draft.value());
        else
            check_error(draft.error());
    }
    return 0;
}

#include "app/terminal/ladder.h"

#include <algorithm>
#include <utility>

#include "exchange/market/decimal.h"

namespace peerbook::app {

namespace {

// More places than any price or quantity has: assets have at most 18 decimals.
constexpr unsigned places = exchange::asset_decimals_max;

struct DrawnLevel {
    std::string price, quantity, orders, cumulative_text;
    exchange::Amount cumulative = 0;
};

Result<std::vector<DrawnLevel>> accumulate(const std::vector<LadderLevel>& levels) {
    std::vector<DrawnLevel> drawn;
    exchange::Amount sum = 0;
    for (const LadderLevel& level : levels) {
        const Result<exchange::Amount> quantity = exchange::parse_amount(level.quantity, places);
        if (!quantity) return quantity.error().within("quantity '" + terminal_text(level.quantity, 80) + "'");
        sum += *quantity;
        drawn.push_back({terminal_text(level.price), terminal_text(level.quantity),
                         terminal_text(level.orders), exchange::format_amount(sum, places), sum});
    }
    return drawn;
}

// Best ask minus best bid. Empty where a side is.
Result<std::string> spread_of(const Ladder& ladder) {
    if (ladder.bids.empty() || ladder.asks.empty()) return std::string();
    const Result<exchange::Amount> bid = exchange::parse_amount(ladder.bids.front().price, places);
    if (!bid) return bid.error().within("bid");
    const Result<exchange::Amount> ask = exchange::parse_amount(ladder.asks.front().price, places);
    if (!ask) return ask.error().within("ask");
    if (*ask < *bid) return std::string("crossed");
    return exchange::format_amount(*ask - *bid, places);
}

// `value` of `most` in a bar of `width` columns; at least one mark, in eighths of a column where unicode can
// be shown.
std::string bar(exchange::Amount value, exchange::Amount most, std::size_t width, bool unicode) {
    static constexpr const char* eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    if (most <= 0 || width == 0) return {};
    // Scaled down first, so that the product below fits whatever the quantities are.
    while (most > (exchange::Amount{1} << 100)) {
        most >>= 1;
        value >>= 1;
    }
    if (!unicode) {
        const auto marks = static_cast<std::size_t>(value * static_cast<exchange::Amount>(width) / most);
        return std::string(std::max<std::size_t>(marks, 1), '#');
    }
    auto parts = static_cast<std::size_t>(value * static_cast<exchange::Amount>(width * 8) / most);
    parts = std::max<std::size_t>(parts, 1);
    std::string text;
    for (std::size_t i = 0; i < parts / 8; ++i)
        text += "█";
    return text + eighths[parts % 8];
}

std::string right(const std::string& text, std::size_t width) {
    const std::size_t length = shown_length(text);
    return std::string(width > length ? width - length : 0, ' ') + text;
}

}  // namespace

Result<std::string> draw_ladder(const Ladder& ladder, const TerminalStyle& style) {
    Result<std::vector<DrawnLevel>> asks = accumulate(ladder.asks);
    if (!asks) return asks.error().within("ask");
    Result<std::vector<DrawnLevel>> bids = accumulate(ladder.bids);
    if (!bids) return bids.error().within("bid");
    const Result<std::string> spread = spread_of(ladder);
    if (!spread) return spread.error();

    std::string text = painted(terminal_text(ladder.market), Paint::bold, style);
    text += "  last " + (ladder.last.empty() ? "none" : terminal_text(ladder.last));
    if (!spread->empty()) text += "  spread " + *spread;
    if (!ladder.commit.empty()) text += "  commit " + terminal_text(ladder.commit);
    text += "\n";
    if (asks->empty() && bids->empty()) return text + "The book is empty.\n";

    std::size_t orders_width = 6, quantity_width = 8, price_width = 5, sum_width = 5;
    exchange::Amount most = 0;
    for (const auto* side : {&*asks, &*bids}) {
        for (const DrawnLevel& level : *side) {
            orders_width = std::max(orders_width, level.orders.size());
            quantity_width = std::max(quantity_width, level.quantity.size());
            price_width = std::max(price_width, level.price.size());
            sum_width = std::max(sum_width, level.cumulative_text.size());
            most = std::max(most, level.cumulative);
        }
    }
    const std::size_t used = orders_width + quantity_width + price_width + sum_width + 8;
    const std::size_t bar_width = std::clamp<std::size_t>(style.width > used ? style.width - used : 0, 8, 40);

    const auto line = [&](const DrawnLevel& level, Paint paint) {
        return right(level.orders, orders_width) + "  " + right(level.quantity, quantity_width) + "  " +
               painted(right(level.price, price_width), paint, style) + "  " +
               right(level.cumulative_text, sum_width) + "  " +
               painted(bar(level.cumulative, most, bar_width, style.unicode), paint, style) + "\n";
    };
    text += painted(right("orders", orders_width) + "  " + right("quantity", quantity_width) + "  " +
                        right("price", price_width) + "  " + right("depth", sum_width),
                    Paint::bold, style) +
            "\n";
    for (auto level = asks->rbegin(); level != asks->rend(); ++level)
        text += line(*level, Paint::red);
    std::string rule;
    for (std::size_t i = 0; i < used - 2; ++i)
        rule += style.unicode ? "─" : "-";
    text += painted(rule, Paint::dim, style) + "\n";
    for (const DrawnLevel& level : *bids)
        text += line(level, Paint::green);
    return text;
}

}  // namespace peerbook::app

#include "app/api/order_entry.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace peerbook::app {

namespace {

void submit_complete(NodeService& node, std::vector<Draft> drafts, Grade wait_for, SubmitDone done) {
    SubmitRequest request;
    request.wait_for = wait_for;
    request.intents.reserve(drafts.size());
    for (Draft& draft : drafts)
        request.intents.push_back(std::move(draft.intent));
    node.submit(std::move(request), [done = std::move(done)](Result<SubmitAnswer> answer) {
        if (answer.ok())
            done(std::move(answer).value());
        else
            done(ApiError(answer.error()));
    });
}

std::optional<exchange::MarketId> first_unprotected(const std::vector<Draft>& drafts) {
    for (const Draft& draft : drafts)
        if (draft.needs_protection) return std::get<exchange::MarketOrder>(draft.intent.body).market;
    return std::nullopt;
}

void protect(std::vector<Draft>& drafts, exchange::MarketId market, exchange::Price last,
             const exchange::MarketRules& rules) {
    for (Draft& draft : drafts) {
        if (!draft.needs_protection) continue;
        auto& order = std::get<exchange::MarketOrder>(draft.intent.body);
        if (order.market != market) continue;
        order.protection = protection_price(last, order.side, rules);
        draft.needs_protection = false;
    }
}

}  // namespace

exchange::Price protection_price(exchange::Price last, exchange::Side side,
                                 const exchange::MarketRules& market) {
    // Integer division of positive numbers rounds the distance down, which is towards the last price.
    const __int128 distance = static_cast<__int128>(last.value()) * protection_percent / 100;
    const __int128 price = side == exchange::Side::buy ? last.value() + distance : last.value() - distance;
    const __int128 bounded = std::clamp<__int128>(price, 1, market.price_max.value());
    return exchange::Price(static_cast<std::int64_t>(bounded));
}

// Asks for one market after another; nearly always there is one.
void submit_drafts(NodeService& node, std::shared_ptr<const MarketTable> markets, std::vector<Draft> drafts,
                   Grade wait_for, SubmitDone done) {
    const auto market = first_unprotected(drafts);
    if (!market) return submit_complete(node, std::move(drafts), wait_for, std::move(done));
    auto waiting = std::make_shared<std::vector<Draft>>(std::move(drafts));
    node.ask(BookQuery{*market, 1, false}, [&node, markets = std::move(markets), waiting, market = *market,
                                            wait_for, done = std::move(done)](Result<Answer> answer) {
        if (!answer.ok()) return done(ApiError(answer.error()));
        const auto* book = std::get_if<BookAnswer>(&*answer);
        PB_CHECK(book, "a book query is answered with a book");
        const auto& rules = markets->market(market);
        if (!book->last) {
            return done(ApiError("protection: " + rules.symbol +
                                     " has no last price yet to derive it from; give a protection price",
                                 "protection"));
        }
        protect(*waiting, market, *book->last, rules);
        submit_drafts(node, markets, std::move(*waiting), wait_for, done);
    });
}

}  // namespace peerbook::app

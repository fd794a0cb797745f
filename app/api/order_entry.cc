#include "app/api/order_entry.h"

#include <optional>
#include <utility>

#include "app/api/protection.h"

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

// Precondition: draft.needs_protection, so its body is one of these two.
exchange::MarketId market_of(const Draft& draft) {
    if (const auto* order = std::get_if<exchange::BudgetOrder>(&draft.intent.body)) return order->market;
    return std::get<exchange::MarketOrder>(draft.intent.body).market;
}

std::optional<exchange::MarketId> first_unprotected(const std::vector<Draft>& drafts) {
    for (const Draft& draft : drafts)
        if (draft.needs_protection) return market_of(draft);
    return std::nullopt;
}

void protect(std::vector<Draft>& drafts, exchange::MarketId market, exchange::Price last,
             const exchange::MarketRules& rules) {
    for (Draft& draft : drafts) {
        if (!draft.needs_protection || market_of(draft) != market) continue;
        if (auto* order = std::get_if<exchange::BudgetOrder>(&draft.intent.body))
            order->protection = protection_price(last, exchange::Side::buy, rules);
        else if (auto* by_quantity = std::get_if<exchange::MarketOrder>(&draft.intent.body))
            by_quantity->protection = protection_price(last, by_quantity->side, rules);
        draft.needs_protection = false;
    }
}

}  // namespace

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

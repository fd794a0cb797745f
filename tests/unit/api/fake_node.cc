#include "tests/unit/api/fake_node.h"

#include <utility>

namespace peerbook::app::testing {

namespace {

exchange::MarketRules market(const exchange::NetworkRules& rules, const char* symbol, std::uint32_t base,
                             const char* tick, const char* lot) {
    exchange::MarketSpec spec;
    spec.symbol = symbol;
    spec.tick = tick;
    spec.lot = lot;
    spec.price_max = "1000000";
    spec.quantity_max = "100000";
    auto made = exchange::make_market_rules(spec, exchange::AssetId(base), rules.assets[base],
                                            exchange::AssetId(2), rules.assets[2]);
    PB_CHECK(made.ok(), "the test's markets are sound");
    return *made;
}

}  // namespace

exchange::NetworkRules two_markets() {
    exchange::NetworkRules rules;
    rules.network.data.fill(0x11);
    rules.assets = {{"BTC", 8, {}}, {"ETH", 8, {}}, {"USD", 6, {}}};
    rules.faucet_max = {0, 0, 1'000'000'000'000};
    rules.markets.push_back(market(rules, "BTC-USD", 0, "0.01", "0.0001"));
    rules.markets.push_back(market(rules, "ETH-USD", 1, "1", "1"));
    rules.fee_account.data.fill(7);
    return rules;
}

exchange::OrderId order_id(std::uint8_t fill) {
    exchange::OrderId id;
    id.data.fill(fill);
    return id;
}

PublicKey node_key() {
    PublicKey key;
    key.data.fill(0x42);
    return key;
}

void FakeNode::give(std::function<void()> answer) {
    if (holding_)
        held_.push_back(std::move(answer));
    else
        answer();
}

void FakeNode::release() {
    auto answer = std::move(held_.front());
    held_.pop_front();
    answer();
}

void FakeNode::submit(SubmitRequest request, std::function<void(Result<SubmitAnswer>)> done) {
    SubmitAnswer all_done;
    all_done.block = 1;
    for (std::size_t i = 0; i < request.intents.size(); ++i) {
        CommandResult result;
        result.ref.nonce = request.intents[i].nonce.value_or(i + 1);
        result.order = order_id(static_cast<std::uint8_t>(i + 1));
        all_done.results.push_back(result);
    }
    submitted.push_back(std::move(request));
    Result<SubmitAnswer> answer = std::move(all_done);
    if (!submit_answers_.empty()) {
        answer = std::move(submit_answers_.front());
        submit_answers_.pop_front();
    }
    give([done = std::move(done), answer = std::move(answer)] { done(answer); });
}

void FakeNode::ask(Query query, std::function<void(Result<Answer>)> done) {
    asked.push_back(std::move(query));
    Result<Answer> answer = Error{ErrorCode::not_found, "the test laid out no answer"};
    if (!answers_.empty()) {
        answer = std::move(answers_.front());
        answers_.pop_front();
    }
    give([done = std::move(done), answer = std::move(answer)] { done(answer); });
}

Status FakePeers::connect(const std::string& address) {
    if (refusal) return *refusal;
    connected_to.push_back(address);
    return {};
}

Status FakePeers::disconnect(const p2p::PeerId& peer) {
    if (refusal) return *refusal;
    disconnected_from.push_back(peer);
    return {};
}

Status FakePeers::forget(const std::string& address) {
    if (refusal) return *refusal;
    forgotten.push_back(address);
    return {};
}

Status FakePeers::ban(const p2p::PeerId& peer, Duration time) {
    if (refusal) return *refusal;
    banned.emplace_back(peer, time);
    return {};
}

Status FakePeers::unban(const p2p::PeerId& peer) {
    if (refusal) return *refusal;
    unbanned.push_back(peer);
    return {};
}

Status FakePeers::import_peers(const std::string& text) {
    if (refusal) return *refusal;
    imported.push_back(text);
    return {};
}

SubmitAnswer partial_fill() {
    CommandResult result;
    result.ref.nonce = 7;
    result.order = order_id(0xaa);
    result.market = btc_usd;
    result.status = CommandStatus::partially_filled;
    result.filled = exchange::Quantity(2'000);
    result.leaves = exchange::Quantity(3'000);
    FillView fill;
    fill.trade.data.fill(0xbb);
    fill.maker_order = order_id(0xcc);
    fill.price = exchange::Price(6'000'000);
    fill.quantity = exchange::Quantity(2'000);
    fill.fee = 1'500'000;
    result.fills.push_back(fill);
    SubmitAnswer answer;
    answer.block = 17;
    answer.results.push_back(result);
    return answer;
}

SubmitAnswer rejection(exchange::Reason reason) {
    CommandResult result;
    result.ref.nonce = 3;
    result.order = order_id(0xdd);
    result.status = CommandStatus::rejected;
    result.reason = reason;
    SubmitAnswer answer;
    answer.block = 2;
    answer.results.push_back(result);
    return answer;
}

}  // namespace peerbook::app::testing

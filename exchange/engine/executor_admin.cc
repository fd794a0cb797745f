// What administrators decide together, k of n.
#include <algorithm>
#include <bit>

#include "base/codec.h"
#include "exchange/engine/admission.h"
#include "exchange/engine/executor.h"

namespace peerbook::exchange {

namespace {

Digest proposal_id(const Administer& administer) {
    Bytes bytes;
    Encoder out(bytes);
    encode_command_body(out, Boxed<Administer>(administer));
    return Hasher("peerbook proposal").add(bytes).finish();
}

Result<MarketRules> rules_of(const CreateMarket& create, const NetworkRules& network) {
    return make_market_rules(create.spec, create.base, network.assets[create.base.value()], create.quote,
                             network.assets[create.quote.value()]);
}

}  // namespace

Reason Executor::check_action(const AdminAction& action) const {
    if (const auto* create = std::get_if<CreateMarket>(&action)) {
        const NetworkRules& rules = state_.rules;
        if (create->base.value() >= rules.assets.size() || create->quote.value() >= rules.assets.size())
            return Reason::unknown_asset;
        for (const MarketRules& market : rules.markets)
            if (market.symbol == create->spec.symbol) return Reason::market_exists;
        if (rules.markets.size() >= rules.markets_max) return Reason::market_limit;
        const bool is_good = is_market_symbol(create->spec.symbol) && create->base != create->quote &&
                             rules_of(*create, rules).ok();
        return is_good ? Reason::none : Reason::bad_market_rules;
    }
    const auto* halt = std::get_if<HaltMarket>(&action);
    const MarketId market = halt != nullptr ? halt->market : std::get_if<ResumeMarket>(&action)->market;
    if (market.value() >= state_.markets.size()) return Reason::unknown_market;
    const bool is_halted = state_.markets[market.value()].phase == MarketPhase::halted;
    return is_halted == (halt != nullptr) ? Reason::wrong_phase : Reason::none;
}

void Executor::run(const Administer& administer) {
    const auto refuse = [this](Reason reason) { reject(reason); };
    const std::vector<AccountId>& administrators = state_.rules.administrators;
    const auto own =
        std::find(administrators.begin(), administrators.end(), state_.accounts.id(key_.account));
    if (own == administrators.end()) return refuse(Reason::not_administrator);
    if (const Reason reason = check_action(administer.action); reason != Reason::none) return refuse(reason);
    const std::uint64_t word = std::uint64_t{1} << (own - administrators.begin());

    std::vector<Proposal> proposals = state_.proposals;
    std::erase_if(proposals, [&](const Proposal& kept) {
        return kept.since.ms + approval_lifetime.ms() <= state_.now_ms();
    });
    const Digest id = proposal_id(administer);
    auto proposal =
        std::find_if(proposals.begin(), proposals.end(), [&](const Proposal& kept) { return kept.id == id; });
    if (proposal == proposals.end()) {
        if (proposals.size() >= state_.rules.proposals_max) return refuse(Reason::proposal_limit);
        proposal = proposals.insert(proposals.end(), {id, {state_.now_ms()}, 0, false});
    }
    if (proposal->is_done || (proposal->words & word) != 0) return refuse(Reason::already_approved);
    proposal->words |= word;
    const auto words = static_cast<std::uint32_t>(std::popcount(proposal->words));
    proposal->is_done = words >= state_.rules.administrators_needed;
    if (proposal->is_done) proposal->since = {state_.now_ms()};
    const bool is_done = proposal->is_done;
    state_.set_proposals(std::move(proposals));

    accept();
    Event& event = emit(EventKind::approved);
    event.quantity = Quantity(words);
    event.leaves = Quantity(state_.rules.administrators_needed);
    if (is_done) perform(administer.action);
}

void Executor::perform(const AdminAction& action) {
    if (const auto* create = std::get_if<CreateMarket>(&action)) {
        Result<MarketRules> rules = rules_of(*create, state_.rules);
        PB_CHECK(rules.ok(), "a market's rules were checked");
        open_market(state_.create_market(*create, std::move(*rules)), EventKind::market_created);
    } else if (const auto* halt = std::get_if<HaltMarket>(&action)) {
        state_.set_phase(halt->market, MarketPhase::halted, std::nullopt);
        Event& event = emit(EventKind::market_changed);
        event.market = halt->market;
        event.phase = MarketPhase::halted;
    } else {
        open_market(std::get_if<ResumeMarket>(&action)->market, EventKind::market_changed);
    }
}

// Through a call auction, if the market has one.
void Executor::open_market(MarketId market, EventKind kind) {
    const Duration auction = state_.rules.markets[market.value()].auction;
    const bool has_auction = auction.ns > 0;
    const MarketPhase phase = has_auction ? MarketPhase::auction : MarketPhase::trading;
    state_.set_phase(market, phase,
                     has_auction ? std::optional(WallTime{state_.now_ms() + auction.ms()}) : std::nullopt);
    Event& event = emit(kind);
    event.market = market;
    event.phase = phase;
    // Waiting orders that the last price met while the market was halted.
    if (phase == MarketPhase::trading) notes_.traded.push_back(market);
}

}  // namespace peerbook::exchange

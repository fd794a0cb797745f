#include "app/node/trade_tape.h"

#include <algorithm>

#include "base/codec.h"

namespace peerbook::app {

namespace {

constexpr std::size_t retracted_kept_max = 1'000;
constexpr std::size_t recent_kept_max = 1'000;  // what one answer may hold

void push_bounded(std::deque<TradeView>& ring, TradeView trade, std::size_t size_max) {
    ring.push_back(std::move(trade));
    if (ring.size() > size_max) ring.pop_front();
}

}  // namespace

bool is_attested(const TradeView& trade, const std::vector<std::uint64_t>& ordinals) {
    return trade.ordinal > 0 && trade.market.value() < ordinals.size() &&
           trade.ordinal <= ordinals[trade.market.value()];
}

TradeTape::TradeTape(const exchange::Engine& engine) : engine_(engine) {}

TradeView TradeTape::view_of(const exchange::Event& fill, const exchange::Commit& commit) const {
    TradeView trade;
    const Digest& network = engine_.rules().network;
    trade.market = fill.market;
    trade.maker_account = engine_.account_id(fill.maker.account);
    trade.taker_account = engine_.account_id(fill.order.account);
    trade.maker_order = exchange::make_order_id(network, trade.maker_account, fill.maker.ref());
    trade.taker_order = exchange::make_order_id(network, trade.taker_account, fill.order.ref());
    trade.id = exchange::make_trade_id(trade.maker_order, trade.taker_order, fill.ordinal);
    trade.price = fill.price;
    trade.quantity = fill.quantity;
    trade.taker_side = fill.side;
    trade.maker_fee = fill.maker_fee;
    trade.taker_fee = fill.taker_fee;
    trade.time = commit.time;
    return trade;
}

void TradeTape::update(const exchange::LedgerUpdate& update, Retraction why,
                       std::vector<SettledCommit>& settled) {
    std::map<exchange::TradeId, TradeView> undone;
    for (const exchange::Commit& commit : update.retracted)
        for (const exchange::Event& event : commit.events)
            if (event.kind == exchange::EventKind::filled) {
                TradeView trade = view_of(event, commit);
                provisional_.erase(trade.id);
                undone.emplace(trade.id, std::move(trade));
            }
    for (const exchange::Commit& commit : update.applied)
        for (const exchange::Event& event : commit.events)
            if (event.kind == exchange::EventKind::filled) {
                TradeView trade = view_of(event, commit);
                const auto former = undone.find(trade.id);
                if (former != undone.end() && former->second.price == trade.price &&
                    former->second.quantity == trade.quantity)
                    undone.erase(former);
                provisional_.insert_or_assign(trade.id, std::move(trade));
            }
    for (auto& [id, trade] : undone) {
        trade.grade = Grade::retracted;
        trade.why = why;
        ++retracted_count_;
        if (!retracted_ids_.insert(trade.id).second) continue;  // listed from an earlier time
        if (retracted_.size() == retracted_kept_max) retracted_ids_.erase(retracted_.front().id);
        push_bounded(retracted_, std::move(trade), retracted_kept_max);
    }
    for (const exchange::Commit& commit : update.settled) {
        SettledCommit done{commit.index, {}};
        for (const exchange::Event& event : commit.events) {
            if (event.kind != exchange::EventKind::filled) continue;
            TradeView trade = view_of(event, commit);
            provisional_.erase(trade.id);
            if (retracted_ids_.erase(trade.id) > 0)
                std::erase_if(retracted_, [&](const TradeView& old) { return old.id == trade.id; });
            trade.grade = Grade::settled;
            if (trade.market.value() >= ordinals_.size()) ordinals_.resize(trade.market.value() + 1);
            trade.ordinal = ++ordinals_[trade.market.value()];
            ++settled_count_;
            chain_ = Hasher("peerbook settled trades")
                         .add(chain_.view())
                         .add(trade.id.view())
                         .add_u64(static_cast<std::uint64_t>(trade.price.value()))
                         .add_u64(static_cast<std::uint64_t>(trade.quantity.value()))
                         .finish();
            mark(trade, commit.index);
            push_bounded(recent_, trade, recent_kept_max);
            done.trades.push_back(std::move(trade));
        }
        settled.push_back(std::move(done));
    }
}

std::vector<TradeView> TradeTape::unsettled(const std::optional<exchange::MarketId>& market,
                                            const std::optional<exchange::AccountId>& account,
                                            std::size_t limit) const {
    auto wanted = [&](const TradeView& trade) {
        return (!market || trade.market == *market) &&
               (!account || trade.maker_account == *account || trade.taker_account == *account);
    };
    std::vector<TradeView> trades;
    for (const TradeView& trade : retracted_)
        if (wanted(trade) && !provisional_.contains(trade.id)) trades.push_back(trade);
    for (const auto& [id, trade] : provisional_)
        if (wanted(trade)) trades.push_back(trade);
    std::stable_sort(trades.begin(), trades.end(),
                     [](const TradeView& a, const TradeView& b) { return a.time < b.time; });
    if (trades.size() > limit)
        trades.erase(trades.begin(), trades.end() - static_cast<std::ptrdiff_t>(limit));
    return trades;
}

std::vector<TradeView> TradeTape::latest_settled(std::size_t limit) const {
    const std::size_t count = std::min(limit, recent_.size());
    std::vector<TradeView> trades(recent_.end() - static_cast<std::ptrdiff_t>(count), recent_.end());
    for (TradeView& trade : trades)
        if (is_attested(trade, attested_)) trade.grade = Grade::attested;
    return trades;
}

void TradeTape::mark(const TradeView& trade, std::uint64_t commit) {
    if (!marks_.empty() && marks_.back().commit == commit && marks_.back().market == trade.market) {
        marks_.back().ordinal = trade.ordinal;
        return;
    }
    marks_.push_back({commit, trade.market, trade.ordinal});
    if (marks_.size() <= marks_max) return;
    // Of the older half only each market's last one stays.
    const auto middle = marks_.begin() + static_cast<std::ptrdiff_t>(marks_.size() / 2);
    std::set<exchange::MarketId> seen;
    std::deque<Mark> kept(middle, marks_.end());
    for (auto mark = middle; mark != marks_.begin();)
        if (--mark; seen.insert(mark->market).second) kept.push_front(*mark);
    marks_ = std::move(kept);
}

void TradeTape::attest(std::uint64_t commits) {
    for (; !marks_.empty() && marks_.front().commit <= commits; marks_.pop_front()) {
        const Mark& mark = marks_.front();
        if (mark.market.value() >= attested_.size()) attested_.resize(mark.market.value() + 1);
        attested_[mark.market.value()] = mark.ordinal;
    }
}

}  // namespace peerbook::app

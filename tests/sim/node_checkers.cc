#include "tests/sim/node_checkers.h"

#include "base/hash.h"
#include "tests/sim/trace.h"

namespace peerbook::sim {

std::string DurableChecker::restarts_with(const std::set<Digest>& blocks) const {
    for (const Digest& block : durable_)
        if (!blocks.contains(block))
            return "a restart lost block " + short_name(block) + ", which was durable";
    return "";
}

std::string DurableChecker::leaves(const exchange::BlockHeader& header, const Digest& digest) const {
    if (!holds(digest)) return "block " + short_name(digest) + " leaves before it is durable";
    for (const exchange::ParentRef& parent : header.parents)
        if (!holds(parent.digest))
            return "block " + short_name(digest) + " leaves before its parent " + short_name(parent.digest) +
                   " is durable";
    return "";
}

std::string PlaceChecker::signed_block(const exchange::BlockHeader& header, const Digest& digest) {
    const auto [known, is_new] = places_.emplace(std::tuple(header.view, header.author, header.seq), digest);
    if (is_new || known->second == digest) return "";
    return "two blocks of one author with seq " + std::to_string(header.seq) + ": " +
           short_name(known->second) + " and " + short_name(digest);
}

std::string NonceChecker::leaves(const exchange::AccountId& account, exchange::CommandRef ref,
                                 const exchange::CommandBody& body) {
    const auto [known, is_new] = commands_.emplace(std::pair(account, ref), body);
    if (is_new || known->second == body) return "";
    return "two commands with nonce " + std::to_string(ref.nonce) + " of one account, which their node gave";
}

std::string SettledTrades::settled(std::uint64_t commit, const std::vector<app::TradeView>& trades) {
    Hasher hasher("settled trades of a commit");
    for (const app::TradeView& trade : trades)
        hasher.add(trade.id.view())
            .add(trade.maker_order.view())
            .add(trade.taker_order.view())
            .add_u64(trade.ordinal)
            .add_u64(static_cast<std::uint64_t>(trade.price.value()))
            .add_u64(static_cast<std::uint64_t>(trade.quantity.value()))
            .add_u64(static_cast<std::uint64_t>(trade.maker_fee))
            .add_u64(static_cast<std::uint64_t>(trade.taker_fee))
            .add_u64(static_cast<std::uint64_t>(trade.time.ms));
    const Digest digest = hasher.finish();
    const auto [known, is_new] = commits_.emplace(commit, digest);
    if (is_new) count_ += trades.size();
    if (known->second == digest) return "";
    return "commit " + std::to_string(commit) + " settled with other trades than before or elsewhere";
}

SettledTrades SettledTrades::up_to(std::uint64_t commits) const {
    SettledTrades prefix;
    prefix.commits_.insert(commits_.begin(), commits_.upper_bound(commits));
    return prefix;
}

std::string TapeChecker::settled(const app::IndexWriteEffect& write, SettledTrades& all) {
    if (write.commit != last_commit_ + 1)
        return "trades of commit " + std::to_string(write.commit) + " were given after those of " +
               std::to_string(last_commit_);
    last_commit_ = write.commit;
    for (const app::TradeView& trade : write.trades) {
        if (trade.grade != app::Grade::settled) return "a settled trade is given with another grade";
        if (trade.ordinal != ++ordinals_[trade.market]) return "the ordinals of settled trades have a gap";
        if (!settled_.insert(trade.id).second) return "a trade settled twice";
        provisional_.erase(trade.id);
    }
    return all.settled(write.commit, write.trades);
}

std::string TapeChecker::listed(const std::vector<app::TradeView>& trades, bool retracted_full) {
    std::unordered_set<exchange::TradeId> now, retracted;
    for (const app::TradeView& trade : trades) {
        if (settled_.contains(trade.id)) return "a settled trade is listed as unsettled";
        if (trade.grade == app::Grade::settled) return "an unsettled trade has the grade settled";
        (trade.grade == app::Grade::retracted ? retracted : now).insert(trade.id);
    }
    for (const exchange::TradeId& id : provisional_)
        if (!now.contains(id) && !retracted.contains(id) && !retracted_full)
            return "a provisional trade disappeared without being settled or retracted";
    provisional_ = std::move(now);
    return "";
}

std::string StateChecker::reached(const Digest& view, const std::vector<std::uint64_t>& version_vector,
                                  const Digest& state) {
    const auto [known, is_new] = states_.emplace(std::pair(view, version_vector), state);
    compared_ += !is_new;
    if (known->second == state) return "";
    return "the state differs from that of another node that executed the same blocks";
}

}  // namespace peerbook::sim

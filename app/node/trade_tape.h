// The trades of one node with their grades: provisional when executed, settled when their commit is, attested
// when that is, retracted when a late block undid them. Logic thread only.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <vector>

#include "app/node/requests.h"
#include "exchange/ordering/open_ledger.h"

namespace peerbook::app {

// Whether a settled trade is attested: `ordinals` has by market how many trades are.
bool is_attested(const TradeView& trade, const std::vector<std::uint64_t>& ordinals);

class TradeTape {
  public:
    // Settled trades whose commits are told apart until they are attested; of more, some of the older ones
    // become attested only with later ones of their market.
    static constexpr std::size_t marks_max = 65'536;

    explicit TradeTape(const exchange::Engine& engine);  // outlives the tape

    // Takes in what an execute() of the ledger changed. Appends the trades of each settled commit to
    // `settled`.
    struct SettledCommit {
        std::uint64_t commit = 0;
        std::vector<TradeView> trades;
    };
    void update(const exchange::LedgerUpdate& update, Retraction why, std::vector<SettledCommit>& settled);

    // The log is attested up to this commit.
    void attest(std::uint64_t commits);
    const std::vector<std::uint64_t>& attested_ordinals() const { return attested_; }

    std::uint64_t settled_count() const { return settled_count_; }
    std::uint64_t settled_in(exchange::MarketId market) const {
        return market.value() < ordinals_.size() ? ordinals_[market.value()] : 0;
    }
    std::uint64_t retracted_count() const { return retracted_count_; }
    // Hash chain over settled trades in log order: H(previous ‖ id ‖ price ‖ quantity).
    const Digest& settled_chain() const { return chain_; }

    // Trades that are not settled, in order of execution, retracted ones among them; filtered, the newest
    // `limit`.
    std::vector<TradeView> unsettled(const std::optional<exchange::MarketId>& market,
                                     const std::optional<exchange::AccountId>& account,
                                     std::size_t limit) const;
    // The latest settled trades over all markets, oldest first.
    std::vector<TradeView> latest_settled(std::size_t limit) const;

  private:
    struct Mark {
        std::uint64_t commit = 0;
        exchange::MarketId market;
        std::uint64_t ordinal = 0;
    };

    TradeView view_of(const exchange::Event& fill, const exchange::Commit& commit) const;
    void mark(const TradeView& trade, std::uint64_t commit);

    const exchange::Engine& engine_;
    std::map<exchange::TradeId, TradeView> provisional_;
    std::deque<TradeView> retracted_;  // the latest, for people; bounded
    std::set<exchange::TradeId> retracted_ids_;
    std::deque<TradeView> recent_;         // the latest settled ones; bounded
    std::vector<std::uint64_t> ordinals_;  // by market, as far as any has settled trades
    std::vector<std::uint64_t> attested_;  // the same for attested ones
    std::deque<Mark> marks_;               // of settled trades that are not attested, by commit
    std::uint64_t settled_count_ = 0;
    std::uint64_t retracted_count_ = 0;
    Digest chain_;
};

}  // namespace peerbook::app

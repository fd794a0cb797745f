// EffectRunner's journal thread and store thread.
#include <algorithm>
#include <set>
#include <utility>

#include "app/node/effect_runner.h"
#include "app/node/trade_record.h"
#include "base/check.h"
#include "base/log.h"

namespace peerbook::app {

namespace {

template <typename... Handlers>
struct Overloaded : Handlers... {
    using Handlers::operator()...;
};
template <typename... Handlers>
Overloaded(Handlers...) -> Overloaded<Handlers...>;

}  // namespace

void EffectRunner::run_journal() {
    std::vector<AppendEffect> batch;
    std::vector<storage::JournalEntry> entries;
    while (appends_.take_all(batch)) {
        entries.clear();
        for (AppendEffect& append : batch)
            entries.push_back({append.chain, append.seq, append.round, std::move(append.block)});
        if (Status written = journal_->append(entries, storage::Sync::yes); !written.ok()) {
            fatal(written.error().within("the journal cannot be written, so this node stops"));
            return;
        }
        inputs_.put([ticket = batch.back().ticket](Node& node, Now now, Effects& effects) {
            node.on_durable(ticket, now, effects);
        });
    }
}

void EffectRunner::run_store() {
    std::vector<StoreTask> batch;
    while (store_tasks_.take_all(batch)) {
        std::vector<IndexWriteEffect> writes;
        for (StoreTask& task : batch) {
            if (auto* write = std::get_if<IndexWriteEffect>(&task)) {
                writes.push_back(std::move(*write));
                continue;
            }
            add_to_index(writes);
            std::visit(
                Overloaded{[](IndexWriteEffect&) {}, [this](ReadMissingEffect& read) { read_missing(read); },
                           [this](ReadBlockEffect& read) { read_block(read); },
                           [this](StateRootEffect& checkpoint) { make_state_root(checkpoint); },
                           [this](IndexReadEffect& read) {
                               Effects effects;
                               effects.answers.push_back({read.ticket, read_index(read)});
                               perform(std::move(effects));
                           }},
                task);
        }
        add_to_index(writes);
    }
}

storage::IndexBatch index_batch_of(const IndexWriteEffect& write) {
    storage::IndexBatch batch;
    batch.commit = write.commit;
    for (const TradeView& trade : write.trades)
        batch.trades.push_back({trade.market.value(), trade.ordinal, trade.id.data, trade.maker_account.data,
                                trade.taker_account.data, encode_trade_record(trade)});
    return batch;
}

void EffectRunner::add_to_index(std::vector<IndexWriteEffect>& writes) {
    if (writes.empty()) return;
    std::vector<storage::IndexBatch> batches;
    for (const IndexWriteEffect& write : writes)
        batches.push_back(index_batch_of(write));
    writes.clear();
    if (Status added = index_->add(batches); !added.ok())
        fatal(added.error().within("the index cannot be written, so this node stops"));
}

Result<Answer> EffectRunner::read_index(const IndexReadEffect& read) const {
    if (!read.given_up) return read_index(read, *index_);
    PB_CHECK(archives_, "a ledger that was given up has an archive");
    auto index = archives_->index_of(*read.given_up);
    if (!index.ok()) return index.error();
    IndexReadEffect archived = read;
    if (!read.query.account.empty()) {
        // A name means an account of the key under which the node kept that ledger.
        const auto id = fixed_from_hex<exchange::AccountId>(read.query.account);
        if (!id.ok() && read.query.account.size() > exchange::account_name_length_max)
            return Error{ErrorCode::not_found, "account: no account has such a name"};
        archived.account =
            id.ok() ? *id : exchange::hosted_account_id(read.given_up->node, read.query.account);
    }
    auto answer = read_index(archived, **index);
    if (answer.ok())
        for (TradeView& trade : std::get<TradesAnswer>(*answer).trades) {
            trade.grade = Grade::retracted;
            trade.why = Retraction::ledger_adopted;
        }
    return answer;
}

Result<Answer> EffectRunner::read_index(const IndexReadEffect& read, const storage::Index& index) const {
    const TradesQuery& query = read.query;
    TradesAnswer answer;
    answer.ledger = read.ledger;
    auto take = [&](Result<std::vector<Bytes>> records, bool newest_first) -> Status {
        if (!records.ok()) return records.error();
        for (const Bytes& record : *records) {
            auto trade = decode_trade_record(record);
            if (!trade.ok()) return trade.error().within("index");
            if (query.market && trade->market != *query.market) continue;
            if (is_attested(*trade, read.attested)) trade->grade = Grade::attested;
            answer.trades.push_back(std::move(*trade));
        }
        if (newest_first) std::reverse(answer.trades.begin(), answer.trades.end());
        return {};
    };
    Status status;
    if (read.account && !query.after) {
        status = take(index.account_trades(read.account->data, query.limit), true);
    } else {
        const std::uint64_t latest =
            read.settled_in_market > query.limit ? read.settled_in_market - query.limit : 0;
        status =
            take(index.trades_after(query.market->value(), query.after.value_or(latest), query.limit), false);
        if (read.account)
            std::erase_if(answer.trades, [&](const TradeView& trade) {
                return trade.maker_account != *read.account && trade.taker_account != *read.account;
            });
    }
    if (!status.ok()) return status.error();
    std::set<exchange::TradeId> listed;  // one may have settled since `newer` was made
    for (const TradeView& trade : answer.trades)
        listed.insert(trade.id);
    for (const TradeView& trade : read.newer)
        if (!listed.contains(trade.id)) answer.trades.push_back(trade);
    return Answer(std::move(answer));
}

void EffectRunner::read_missing(const ReadMissingEffect& read) {
    auto entries = journal_->missing(read.have, read.bytes_max);
    std::vector<SharedBytes> blocks;
    if (entries.ok()) {
        std::size_t bytes = 0;
        for (storage::JournalEntry& entry : *entries) {
            bytes += entry.block.size() + 10;
            if (!blocks.empty() && bytes > blocks_message_bytes_max) break;
            blocks.push_back(std::move(entry.block));
        }
    } else {
        log_error("node", "blocks for a peer cannot be read: " + entries.error().message);
    }
    inputs_.put([peer = read.peer, blocks = std::move(blocks)](Node& node, Now, Effects& effects) {
        node.on_blocks_read(peer, !blocks.empty(), blocks, effects);
    });
}

void EffectRunner::read_block(const ReadBlockEffect& read) {
    auto entries = journal_->place(read.chain, read.seq);
    if (!entries.ok())
        return log_error("node", "a block for a peer cannot be read: " + entries.error().message);
    Effects effects;
    // Several, where a member signed several: which one was asked for, the peer knows.
    for (storage::JournalEntry& entry : *entries)
        effects.sends.push_back(
            {read.peer, static_cast<std::uint8_t>(MessageKind::block), std::move(entry.block)});
    perform(std::move(effects));
}

void EffectRunner::make_state_root(const StateRootEffect& checkpoint) {
    const Digest root = state_root_.advance(checkpoint.state);
    inputs_.put(
        [commit = checkpoint.commit, root](Node& node, Now, Effects&) { node.on_state_root(commit, root); });
}

}  // namespace peerbook::app

#include "app/node/effect_runner.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "app/node/trade_record.h"
#include "base/check.h"
#include "base/log.h"

namespace peerbook::app {

namespace {

constexpr std::uint64_t dropped_log_every = 1'000;

std::string short_id(const PublicKey& key) {
    return to_hex(key).substr(0, 12);
}

template <typename... Handlers>
struct Overloaded : Handlers... {
    using Handlers::operator()...;
};
template <typename... Handlers>
Overloaded(Handlers...) -> Overloaded<Handlers...>;

}  // namespace

EffectRunner::EffectRunner(boost::asio::io_context& io, Parts parts, std::function<void(Error)> on_fatal)
    : io_(io),
      node_(std::move(parts.node)),
      journal_(std::move(parts.journal)),
      index_(std::move(parts.index)),
      verifier_(parts.verifier),
      clock_(parts.clock),
      network_name_(std::move(parts.network_name)),
      retired_key_file_(std::move(parts.retired_key_file)),
      network_id_(node_->rules()->network),
      rules_version_(node_->rules()->rules_version),
      rules_(node_->rules()),
      view_(std::make_shared<const exchange::View>(node_->ledger().view())),
      on_fatal_(std::move(on_fatal)),
      on_ledger_(std::move(parts.on_ledger)),
      note_given_up_(std::move(parts.note_given_up)),
      on_given_up_(std::move(parts.on_given_up)),
      archives_(std::move(parts.archives)) {}

EffectRunner::~EffectRunner() {
    stop();
}

void EffectRunner::start(p2p::PeerNetwork* network) {
    network_ = network;
    journal_thread_ = std::thread([this] { run_journal(); });
    store_thread_ = std::thread([this] { run_store(); });
    verify_thread_ = std::thread([this] { run_verify(); });
    logic_ = std::thread([this] { run_logic(); });
}

void EffectRunner::stop() {
    if (std::exchange(stopped_, true)) return;
    unverified_.close();
    if (verify_thread_.joinable()) verify_thread_.join();
    inputs_.close();
    if (logic_.joinable()) logic_.join();
    appends_.close();
    if (journal_thread_.joinable()) journal_thread_.join();
    store_tasks_.close();
    if (store_thread_.joinable()) store_thread_.join();
}

void EffectRunner::drain(std::function<void()> done) {
    inputs_.put([this, done = std::move(done)](Node& node, Now, Effects&) {
        node.drain();
        drained_ = done;
    });
}

void EffectRunner::set_invitations(std::vector<exchange::Invitation> invitations) {
    inputs_.put([invitations = std::move(invitations)](Node& node, Now, Effects&) {
        node.set_invitations(invitations);
    });
}

// --- I/O thread
// ---------------------------------------------------------------------------------------------------

void EffectRunner::submit(SubmitRequest request, std::function<void(Result<SubmitAnswer>)> done) {
    const Ticket ticket(next_ticket_++);
    waiting_.emplace(ticket.value(), std::move(done));
    inputs_.put([ticket, request = std::move(request)](Node& node, Now now, Effects& effects) mutable {
        node.submit(ticket, std::move(request), now, effects);
    });
}

void EffectRunner::ask(Query query, std::function<void(Result<Answer>)> done) {
    const Ticket ticket(next_ticket_++);
    waiting_.emplace(ticket.value(), std::move(done));
    inputs_.put([ticket, query = std::move(query)](Node& node, Now now, Effects& effects) mutable {
        node.ask(ticket, std::move(query), now, effects);
    });
}

void EffectRunner::on_peer_connected(const p2p::PeerId& peer) {
    inputs_.put(
        [peer](Node& node, Now now, Effects& effects) { node.on_peer_connected(peer, now, effects); });
}

void EffectRunner::on_peer_disconnected(const p2p::PeerId& peer) {
    questions_.erase(peer);
    news_.erase(peer);
    inputs_.put([peer](Node& node, Now, Effects&) { node.on_peer_disconnected(peer); });
}

void EffectRunner::ask_node(const PublicKey& peer, Input question) {
    auto& waiting = questions_[peer];
    if (!waiting) waiting = std::make_shared<std::atomic<std::size_t>>(0);
    if (waiting->load() >= questions_per_peer_max) return;
    ++*waiting;
    inputs_.put([waiting, question = std::move(question)](Node& node, Now now, Effects& effects) {
        --*waiting;
        question(node, now, effects);
    });
}

void EffectRunner::on_payload(const p2p::PeerId& peer, std::uint8_t kind, ByteView payload) {
    switch (static_cast<MessageKind>(kind)) {
        case MessageKind::version_vector: {
            auto message = decode_version_vector(payload);
            if (!message.ok()) return violation(peer, 10, message.error().message);
            ask_node(peer, [peer, message = std::move(*message)](Node& node, Now now, Effects& effects) {
                node.on_version_vector(peer, message, now, effects);
            });
            return;
        }
        case MessageKind::holdings: {
            auto message = decode_holdings(payload);
            if (!message.ok()) return violation(peer, 10, message.error().message);
            ask_node(peer, [peer, message = std::move(*message)](Node& node, Now now, Effects& effects) {
                node.on_holdings(peer, message, now, effects);
            });
            return;
        }
        case MessageKind::ledger_news: {
            auto news = decode_ledger_news(payload, network_id_);
            if (!news.ok()) return violation(peer, 10, news.error().message);
            // Not among the questions, whose number is limited: it comes once, when something changed.
            auto& waiting = news_[peer];
            if (!waiting) waiting = std::make_shared<std::atomic<std::size_t>>(0);
            if (waiting->load() >= questions_per_peer_max)
                return violation(peer, 10, "more news of ledgers than any node has");
            ++*waiting;
            inputs_.put(
                [peer, waiting, news = std::move(*news)](Node& node, Now now, Effects& effects) mutable {
                    --*waiting;
                    node.on_ledger_news(peer, std::move(news), now, effects);
                });
            return;
        }
        case MessageKind::want: {
            auto digests = decode_want(payload);
            if (!digests.ok()) return violation(peer, 10, digests.error().message);
            ask_node(peer, [peer, digests = std::move(*digests)](Node& node, Now, Effects& effects) {
                node.on_want(peer, digests, effects);
            });
            return;
        }
        case MessageKind::block:
        case MessageKind::blocks:
        case MessageKind::view_message:
        case MessageKind::decision:
        case MessageKind::evidence:
        case MessageKind::sign_of_life:
        case MessageKind::signed_batch:
            (void)queue_for_verification(
                {peer, kind, SharedBytes(Bytes(payload.begin(), payload.end())), std::nullopt});
            return;
    }
    // A kind of a newer minor version: ignored.
}

void EffectRunner::on_gossip(const p2p::PeerId& from, const p2p::MessageId& id, std::uint8_t kind,
                             SharedBytes payload) {
    // The network's settings name the kinds that come here: those that have rules for being passed on.
    if (!queue_for_verification({from, kind, std::move(payload), GossipId{id.data}}))
        network_->answer_gossip(id, false);
}

// What is dropped here is fetched again by wants and anti-entropy, or sent again by its sender.
bool EffectRunner::queue_for_verification(PeerPayload payload) {
    const bool is_batch = static_cast<MessageKind>(payload.kind) == MessageKind::signed_batch;
    std::atomic<std::size_t>& waiting = is_batch ? waiting_batch_bytes_ : waiting_bytes_;
    if (waiting.load() + payload.bytes.size() > (is_batch ? batch_queue_bytes_max : verify_queue_bytes_max)) {
        if (dropped_payloads_++ % dropped_log_every == 0)
            log_warn("node", "payloads of peers dropped=" + std::to_string(dropped_payloads_) +
                                 " because too many bytes wait to be verified; they come again");
        return false;
    }
    waiting += payload.bytes.size();
    unverified_.put(std::move(payload));
    return true;
}

void EffectRunner::on_undeliverable(const p2p::PeerId& peer, std::uint8_t kind, const std::string& why) {
    log_debug("node",
              "undeliverable peer=" + short_id(peer) + " kind=" + std::to_string(kind) + " why=" + why);
}

void EffectRunner::violation(const PublicKey& peer, int points, std::string why) {
    if (network_) network_->report_misbehaviour(peer, points, why);
}

void EffectRunner::fatal(Error error) {
    boost::asio::post(io_, [this, error = std::move(error)] {
        if (on_fatal_) std::exchange(on_fatal_, nullptr)(error);
    });
}

// --- verify thread
// ------------------------------------------------------------------------------------------------

void EffectRunner::run_verify() {
    std::vector<PeerPayload> batch;
    while (unverified_.take_all(batch))
        for (PeerPayload& payload : batch) {
            const std::size_t size = payload.bytes.size();
            const bool is_batch = static_cast<MessageKind>(payload.kind) == MessageKind::signed_batch;
            verify(payload);
            (is_batch ? waiting_batch_bytes_ : waiting_bytes_) -= size;
        }
}

void EffectRunner::verify(PeerPayload& payload) {
    const PublicKey peer = payload.peer;
    auto broken = [this, peer](std::string why) {
        inputs_.put([peer, why = std::move(why)](Node&, Now, Effects& effects) {
            effects.violations.push_back({peer, 10, why});
        });
    };
    switch (static_cast<MessageKind>(payload.kind)) {
        case MessageKind::block:
            verify_one_block(peer, std::move(payload.bytes), payload.gossip);
            break;
        case MessageKind::blocks: {
            auto message = decode_blocks(payload.bytes.view());
            if (!message.ok()) return broken(message.error().message);
            for (Bytes& block : message->blocks)
                verify_one_block(peer, SharedBytes(std::move(block)), std::nullopt);
            inputs_.put([peer, more = message->more](Node& node, Now, Effects&) {
                node.on_blocks_taken(peer, more);
            });
            break;
        }
        case MessageKind::view_message:
        case MessageKind::decision:
        case MessageKind::evidence:
            verify_view_payload(payload);
            break;
        case MessageKind::sign_of_life:
            verify_sign_of_life_of(payload);
            break;
        default: {
            const ByteView bytes = payload.bytes.view();
            auto batch = exchange::decode_signed_batch(bytes, network_id_, rules_version_, verifier_);
            if (!batch.ok()) return broken("signed batch: " + batch.error().message);
            inputs_.put([peer, encoded = Bytes(bytes.begin(), bytes.end()), batch = std::move(*batch)](
                            Node& node, Now now, Effects& effects) mutable {
                node.on_signed_batch(peer, std::move(encoded), batch, now, effects);
            });
        }
    }
}

void EffectRunner::answer_gossip(const std::optional<GossipId>& id, bool accept) {
    if (!id) return;
    inputs_.put([id = *id, accept](Node&, Now, Effects& effects) {
        effects.gossip_answers.push_back({id, accept});
    });
}

std::shared_ptr<const exchange::View> EffectRunner::view() const {
    std::lock_guard lock(view_mutex_);
    return view_;
}

void EffectRunner::not_verified(const PublicKey& peer, const Error& error, const char* what,
                                const std::optional<GossipId>& gossip) {
    answer_gossip(gossip, false);
    if (error.code == ErrorCode::unavailable) {
        inputs_.put(
            [peer](Node& node, Now now, Effects& effects) { node.on_other_view(peer, now, effects); });
        return;
    }
    const int points = error.code == ErrorCode::unauthorized ? 20 : 10;
    inputs_.put([peer, points, why = std::string(what) + ": " + error.message](Node&, Now, Effects& effects) {
        effects.violations.push_back({peer, points, why});
    });
}

void EffectRunner::verify_view_payload(const PeerPayload& payload) {
    const PublicKey peer = payload.peer;
    if (static_cast<MessageKind>(payload.kind) == MessageKind::evidence) {
        auto evidence =
            exchange::verify_evidence(payload.bytes.view(), network_id_, view()->ledger, verifier_);
        // One of another ledger may simply come late.
        if (!evidence.ok() && evidence.error().code == ErrorCode::conflict) return;
        if (!evidence.ok()) return not_verified(peer, evidence.error(), "evidence");
        inputs_.put([peer, evidence = std::move(*evidence)](Node& node, Now now, Effects& effects) {
            node.on_evidence(peer, evidence, now, effects);
        });
        return;
    }
    if (static_cast<MessageKind>(payload.kind) == MessageKind::decision) {
        auto decision = exchange::verify_decision(payload.bytes.view(), *view(), network_id_, verifier_);
        // One of another view may simply come late.
        if (!decision.ok() && decision.error().code == ErrorCode::unavailable) return;
        if (!decision.ok()) return not_verified(peer, decision.error(), "decision");
        inputs_.put([peer, decision = std::move(*decision)](Node& node, Now now, Effects&) {
            node.on_decision(peer, decision, now);
        });
        return;
    }
    auto message = exchange::verify_view_message(payload.bytes.view(), *view(), network_id_, verifier_);
    if (!message.ok()) return not_verified(peer, message.error(), "view message", payload.gossip);
    inputs_.put([peer, gossip = payload.gossip, message = std::move(*message)](Node& node, Now now,
                                                                               Effects& effects) {
        if (gossip)
            node.on_gossiped_view_message(peer, *gossip, message, now, effects);
        else
            node.on_view_message(peer, message, now, effects);
    });
}

void EffectRunner::verify_sign_of_life_of(const PeerPayload& payload) {
    const PublicKey peer = payload.peer;
    auto message = verify_sign_of_life(payload.bytes.view(), *view(), network_id_, verifier_);
    // One of another ledger may simply come late.
    if (!message.ok() && message.error().code == ErrorCode::conflict)
        return answer_gossip(payload.gossip, false);
    if (!message.ok()) return not_verified(peer, message.error(), "sign of life", payload.gossip);
    inputs_.put([peer, gossip = payload.gossip, message = std::move(*message)](Node& node, Now now,
                                                                               Effects& effects) {
        node.on_sign_of_life(peer, gossip, message, now, effects);
    });
}

void EffectRunner::verify_one_block(const PublicKey& peer, SharedBytes bytes,
                                    const std::optional<GossipId>& gossip) {
    auto block = exchange::verify_block(std::move(bytes), *view(), network_id_, rules_version_, verifier_);
    if (!block.ok()) return not_verified(peer, block.error(), "block", gossip);
    inputs_.put([peer, gossip, block = std::make_shared<exchange::VerifiedBlock>(std::move(*block))](
                    Node& node, Now now, Effects& effects) {
        if (gossip)
            node.on_gossiped_block(peer, *gossip, std::move(*block), now, effects);
        else
            node.on_block(peer, std::move(*block), now, effects);
    });
}

// --- logic thread
// -------------------------------------------------------------------------------------------------

void EffectRunner::run_logic() {
    std::vector<Input> batch;
    std::optional<MonoTime> wake = clock_.now().mono;
    while (inputs_.take_all(batch, wake)) {
        Effects effects;
        const Now now = clock_.now();
        for (Input& input : batch)
            input(*node_, now, effects);
        node_->flush(now, effects);
        write_queue_.pass(effects, now.mono);
        wake = effects.wake_at;
        const bool done = drained_ && node_->idle();
        perform(std::move(effects));
        if (done) boost::asio::post(io_, std::exchange(drained_, nullptr));
    }
    appends_.put_all(write_queue_.take());
}

void EffectRunner::retire_key(const std::string& why) {
    std::FILE* file = std::fopen(retired_key_file_.c_str(), "w");
    const bool written =
        file && std::fputs(why.c_str(), file) >= 0 && std::fflush(file) == 0 && ::fsync(::fileno(file)) == 0;
    if (file) std::fclose(file);
    fatal({ErrorCode::conflict,
           why + (written ? "" : " (and " + retired_key_file_ + " could not be written)")});
}

// What was accepted so far may still be on its way to the journal, which is archived after this process's
// threads have ended.
void EffectRunner::give_up_ledger(Effects& effects) {
    PB_CHECK(note_given_up_ && on_given_up_, "a ledger is given up where it can be archived");
    auto archive = note_given_up_(*effects.adopt);
    if (!archive.ok()) return fatal(archive.error().within("the ledger is not given up"));
    effects.adopt->archive = *archive;
    effects.answers.push_back({effects.adopt_ticket, Result<Answer>(Answer(*effects.adopt))});
    boost::asio::post(io_, [this] { on_given_up_(); });
}

void EffectRunner::perform(Effects effects) {
    if (effects.retire_key) retire_key(*effects.retire_key);
    if (effects.adopt) give_up_ledger(effects);
    if (effects.view) {
        std::lock_guard lock(view_mutex_);
        view_ = std::move(effects.view);
    }
    appends_.put_all(std::move(effects.appends));
    std::vector<StoreTask> tasks;
    for (auto& write : effects.index_writes)
        tasks.emplace_back(std::move(write));
    for (auto& read : effects.index_reads)
        tasks.emplace_back(std::move(read));
    for (auto& read : effects.read_missing)
        tasks.emplace_back(std::move(read));
    for (auto& read : effects.read_block)
        tasks.emplace_back(std::move(read));
    if (effects.state_root) tasks.emplace_back(std::move(*effects.state_root));
    store_tasks_.put_all(std::move(tasks));
    for (const LogEffect& log : effects.logs)
        log_message(log.warning ? LogLevel::warn : LogLevel::info, "node", log.text);
    if (effects.sends.empty() && effects.broadcasts.empty() && effects.answers.empty() &&
        effects.violations.empty() && effects.gossips.empty() && effects.gossip_answers.empty() &&
        !effects.nodes_apart && !effects.rules && !effects.ledger)
        return;
    boost::asio::post(
        io_, [this, effects = std::make_shared<Effects>(std::move(effects))] { perform_on_io(*effects); });
}

void EffectRunner::perform_on_io(Effects& effects) {
    if (effects.ledger && on_ledger_) on_ledger_(*effects.ledger);
    if (network_) {
        if (effects.nodes_apart) network_->set_nodes_apart(*effects.nodes_apart);
        for (const GossipAnswerEffect& answer : effects.gossip_answers)
            network_->answer_gossip(p2p::MessageId{answer.id.data}, answer.accept);
        for (GossipEffect& gossip : effects.gossips)
            network_->publish(gossip.kind, std::move(gossip.payload));
        for (BroadcastEffect& broadcast : effects.broadcasts)
            network_->broadcast(broadcast.kind, broadcast.payload);
        for (SendEffect& send : effects.sends)
            network_->send(send.peer, send.kind, send.payload);
        for (ViolationEffect& one : effects.violations)
            network_->report_misbehaviour(one.peer, one.points, one.why);
    }
    if (effects.rules) rules_ = std::move(effects.rules);
    for (AnswerEffect& answer : effects.answers) {
        const auto found = waiting_.find(answer.ticket.value());
        if (found == waiting_.end()) continue;
        Done done = std::move(found->second);
        waiting_.erase(found);
        if (auto* submitted = std::get_if<Result<SubmitAnswer>>(&answer.answer))
            std::get<0>(done)(std::move(*submitted));
        else
            std::get<1>(done)(std::move(std::get<Result<Answer>>(answer.answer)));
    }
}

// --- journal thread
// -----------------------------------------------------------------------------------------------

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

// --- store thread
// -------------------------------------------------------------------------------------------------

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

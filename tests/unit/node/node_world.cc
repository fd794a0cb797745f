#include "tests/unit/node/node_world.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "app/node/chains.h"

namespace peerbook::app::testing {

namespace {

const Ed25519Verifier verifier;

exchange::NetworkRules test_rules() {
    exchange::NetworkRules rules;
    rules.network = hash_of("test network", {});
    rules.assets = {{"BTC", 0, {}}, {"USD", 0, {}}};
    rules.faucet_max = {1'000'000'000, 1'000'000'000};
    rules.fee_account.data.fill(7);
    exchange::MarketSpec spec;
    spec.symbol = "BTC-USD";
    spec.tick = "1";
    spec.lot = "1";
    spec.price_max = "1000000";
    spec.quantity_max = "1000000";
    auto market = exchange::make_market_rules(spec, exchange::AssetId(0), rules.assets[0],
                                              exchange::AssetId(1), rules.assets[1]);
    EXPECT_TRUE(market.ok()) << market.error().message;
    rules.markets.push_back(*market);
    return rules;
}

}  // namespace

NodeWorld::NodeWorld(std::size_t nodes, std::size_t members, NodeOptions options, const ChangeRules& change)
    : options_(options), rules_(test_rules()), machines_(nodes) {
    if (change) change(rules_);
    std::vector<PublicKey> member_keys;
    for (std::size_t i = 0; i < nodes; ++i) {
        KeySeed seed;
        seed.data.fill(++next_seed_);
        machines_[i].signer = make_ed25519_signer(seed);
        if (i < members) member_keys.push_back(key(i));
    }
    if (members > 0) view_ = *exchange::make_first_view(rules_.network, member_keys);
    for (std::size_t i = 0; i < nodes; ++i) {
        machines_[i].node = make_node(i);
        Effects effects;
        machines_[i].node->recovered(now_, effects);
    }
    for (std::size_t a = 0; a < nodes; ++a)
        for (std::size_t b = a + 1; b < nodes; ++b) {
            cut_.insert(link(a, b));
            if (members > 0) heal(a, b);
        }
}

std::unique_ptr<Node> NodeWorld::make_node(std::size_t i) const {
    NodeOptions options = options_;
    options.random_seed = i;
    exchange::View view = view_.members.empty() ? exchange::make_no_ledger(key(i)) : view_;
    if (options.ledger_source == NodeOptions::LedgerSource::operator_found)
        view = *exchange::make_first_view(rules_.network, {key(i)});
    if (machines_[i].adopted) {
        view = exchange::make_no_ledger(key(i));
        options.ledger_source = NodeOptions::LedgerSource::peers;
        options.founding.only = machines_[i].adopted;
    }
    return std::make_unique<Node>(rules_, view, *machines_[i].signer, verifier, options);
}

std::size_t NodeWorld::index_of(const PublicKey& wanted) const {
    for (std::size_t i = 0; i < machines_.size(); ++i)
        if (key(i) == wanted) return i;
    ADD_FAILURE() << "no such node";
    return 0;
}

void NodeWorld::cut(std::size_t a, std::size_t b) {
    if (!cut_.insert(link(a, b)).second) return;
    ++epoch_[link(a, b)];
    machines_[a].node->on_peer_disconnected(key(b));
    machines_[b].node->on_peer_disconnected(key(a));
}

void NodeWorld::heal(std::size_t a, std::size_t b) {
    if (cut_.erase(link(a, b)) == 0) return;
    for (const auto& [here, there] : {Link{a, b}, Link{b, a}}) {
        Effects effects;
        machines_[here].node->on_peer_connected(key(there), now_, effects);
        machines_[here].touched = true;
        perform(here, effects);
    }
}

void NodeWorld::crash_and_restart(std::size_t i) {
    std::vector<std::size_t> peers;
    for (std::size_t other = 0; other < machines_.size(); ++other)
        if (connected(i, other)) peers.push_back(other);
    crash_and_restart_alone(i);
    for (std::size_t other : peers)
        heal(i, other);
}

void NodeWorld::crash_and_restart_alone(std::size_t i) {
    for (std::size_t other = 0; other < machines_.size(); ++other)
        if (connected(i, other)) cut(i, other);
    machines_[i].write_queue = {};
    machines_[i].disk_queue.clear();
    machines_[i].gossip_seen.clear();
    machines_[i].nodes_apart = 0;
    std::erase_if(gossip_from_, [&](const auto& entry) { return entry.first.first == i; });
    machines_[i].node = make_node(i);
    machines_[i].root = {};
    for (const AppendEffect& entry : machines_[i].journal) {
        Effects effects;
        if (entry.chain == record_chain) {
            const Status status = machines_[i].node->recover_record(entry.block.view(), effects);
            ASSERT_TRUE(status.ok()) << status.error().message;
            continue;
        }
        auto block = exchange::verify_block(entry.block, machines_[i].node->ledger().view(), rules_.network,
                                            rules_.rules_version, verifier);
        ASSERT_TRUE(block.ok()) << block.error().message;
        const Status status = machines_[i].node->recover(std::move(*block), effects);
        ASSERT_TRUE(status.ok()) << status.error().message;
    }
    Effects effects;
    machines_[i].node->recovered(now_, effects);
    machines_[i].touched = true;
}

void NodeWorld::start_anew(std::size_t i) {
    Machine& machine = machines_[i];
    for (std::size_t other = 0; other < machines_.size(); ++other)
        cut(i, other);
    machine.adopted = given_up_.at(i).adopted;
    given_up_.erase(i);
    machine.node.reset();
    KeySeed seed;
    seed.data.fill(++next_seed_);
    machine.signer = make_ed25519_signer(seed);
    machine.journal.clear();
    machine.sent.clear();
    crash_and_restart_alone(i);
}

void NodeWorld::run(Duration limit, Duration quiet) {
    const MonoTime end = now_.mono + limit;
    while (now_.mono < end) {
        const bool busy_now = step_one_instant();
        if (busy_now) continue;
        std::optional<MonoTime> next;
        if (!network_.empty()) next = network_.begin()->first;
        for (const Machine& machine : machines_)
            if (machine.wake && (!next || *machine.wake < *next)) next = machine.wake;
        if (!next || *next - now_.mono > quiet) return;
        const MonoTime to = std::min(std::max(*next, now_.mono + Duration::nanoseconds(1)), end);
        now_.wall.ms += to.ns / 1'000'000 - now_.mono.ns / 1'000'000;
        now_.mono = to;
    }
}

void NodeWorld::run_until(MonoTime end) {
    while (now_.mono < end) {
        run(end - now_.mono, end - now_.mono);
        if (now_.mono < end) {
            now_.wall.ms += end.ns / 1'000'000 - now_.mono.ns / 1'000'000;
            now_.mono = end;
        }
    }
}

bool NodeWorld::step_one_instant() {
    bool busy = false;
    while (!network_.empty() && network_.begin()->first <= now_.mono) {
        const Message message = network_.begin()->second;
        network_.erase(network_.begin());
        if (epoch_[link(message.from, message.to)] == message.epoch) deliver(message);
        busy = true;
    }
    for (std::size_t i = 0; i < machines_.size(); ++i) {
        Machine& machine = machines_[i];
        if (!machine.disk_queue.empty() && !disk_held_.contains(i)) {
            const std::uint64_t ticket = machine.disk_queue.back().ticket;
            for (AppendEffect& entry : machine.disk_queue)
                machine.journal.push_back(std::move(entry));
            machine.disk_queue.clear();
            Effects effects;
            machine.node->on_durable(ticket, now_, effects);
            machine.touched = true;
            perform(i, effects);
        }
        if (!machine.touched && !(machine.wake && *machine.wake <= now_.mono)) continue;
        machine.touched = false;
        Effects effects;
        machine.node->flush(now_, effects);
        machine.write_queue.pass(effects, now_.mono);
        machine.wake = effects.wake_at;
        perform(i, effects);
        busy = true;
    }
    return busy;
}

void NodeWorld::post(std::size_t from, std::size_t to, std::uint8_t kind, const SharedBytes& payload,
                     const std::optional<GossipId>& gossip) {
    machines_[from].sent.push_back({key(to), kind, payload});
    if (!connected(from, to)) return;
    network_.emplace(now_.mono + link_delay_,
                     Message{from, to, kind, payload, epoch_[link(from, to)], gossip});
}

// --- gossip: flooded, which the policies of p2p/gossip only do with fewer copies
// ------------------------------------------------------------------------------------------------------------

void NodeWorld::publish(std::size_t i, const GossipEffect& message) {
    GossipId id;
    const std::uint64_t number = ++last_gossip_;
    for (std::size_t byte = 0; byte < 8; ++byte)
        id.data[byte] = static_cast<std::uint8_t>(number >> (56 - 8 * byte));
    const bool is_block = static_cast<MessageKind>(message.kind) == MessageKind::block;
    published_[id] = {i, message.kind, message.payload, !is_block || machines_[i].nodes_apart > 0};
    machines_[i].gossip_seen.insert(id);
    for (std::size_t to = 0; to < machines_.size(); ++to)
        if (connected(i, to)) post(i, to, message.kind, message.payload, id);
}

void NodeWorld::perform_gossip(std::size_t i, Effects& effects) {
    Machine& machine = machines_[i];
    if (effects.nodes_apart) machine.nodes_apart = *effects.nodes_apart;
    for (const GossipAnswerEffect& answer : effects.gossip_answers) {
        const auto from = gossip_from_.extract({i, answer.id});
        EXPECT_TRUE(from) << "gossip is answered once";
        const Published& message = published_.at(answer.id);
        if (!from || !answer.accept || !message.is_relayed) continue;
        ++machine.passed_on;
        for (std::size_t to = 0; to < machines_.size(); ++to)
            if (connected(i, to) && to != from.mapped())
                post(i, to, message.kind, message.payload, answer.id);
    }
    for (const GossipEffect& message : effects.gossips)
        publish(i, message);
}

SharedBytes NodeWorld::last_published(std::size_t i, MessageKind kind) const {
    for (auto it = published_.rbegin(); it != published_.rend(); ++it)
        if (it->second.by == i && static_cast<MessageKind>(it->second.kind) == kind)
            return it->second.payload;
    return {};
}

void NodeWorld::deliver_gossip(std::size_t to, std::size_t from, MessageKind kind,
                               const SharedBytes& payload) {
    GossipId id;
    const std::uint64_t number = ++last_gossip_;
    for (std::size_t byte = 0; byte < 8; ++byte)
        id.data[byte] = static_cast<std::uint8_t>(number >> (56 - 8 * byte));
    published_[id] = {from, static_cast<std::uint8_t>(kind), payload, true};
    deliver({from, to, static_cast<std::uint8_t>(kind), payload, 0, id});
}

void NodeWorld::deliver_gossip(const Message& message, const PublicKey& from, Effects& effects) {
    Machine& machine = machines_[message.to];
    const GossipId& id = *message.gossip;
    if (!machine.gossip_seen.insert(id).second) return;
    gossip_from_[{message.to, id}] = message.from;
    const exchange::View& view = machine.node->ledger().view();
    const auto refuse = [&](const Error& error) {
        effects.gossip_answers.push_back({id, false});
        if (error.code == ErrorCode::unavailable)
            machine.node->on_other_view(from, now_, effects);
        else
            ADD_FAILURE() << error.message;
    };
    switch (static_cast<MessageKind>(message.kind)) {
        case MessageKind::block: {
            auto block =
                exchange::verify_block(message.payload, view, rules_.network, rules_.rules_version, verifier);
            if (!block.ok()) return refuse(block.error());
            return machine.node->on_gossiped_block(from, id, std::move(*block), now_, effects);
        }
        case MessageKind::view_message: {
            auto about =
                exchange::verify_view_message(message.payload.view(), view, rules_.network, verifier);
            if (!about.ok()) return refuse(about.error());
            return machine.node->on_gossiped_view_message(from, id, std::move(*about), now_, effects);
        }
        default: {
            auto sign = verify_sign_of_life(message.payload.view(), view, rules_.network, verifier);
            // One of another ledger may simply come late.
            if (!sign.ok() && sign.error().code == ErrorCode::conflict)
                return effects.gossip_answers.push_back({id, false});
            if (!sign.ok()) return refuse(sign.error());
            return machine.node->on_sign_of_life(from, id, *sign, now_, effects);
        }
    }
}

void NodeWorld::deliver_block(std::size_t to, std::size_t from, const SharedBytes& bytes) {
    deliver({from, to, static_cast<std::uint8_t>(MessageKind::block), bytes, 0});
}

void NodeWorld::deliver_batch(std::size_t to, std::size_t from, Bytes batch) {
    deliver(
        {from, to, static_cast<std::uint8_t>(MessageKind::signed_batch), SharedBytes(std::move(batch)), 0});
}

void NodeWorld::deliver_evidence(std::size_t to, std::size_t from, const exchange::Evidence& evidence) {
    deliver({from, to, static_cast<std::uint8_t>(MessageKind::evidence),
             SharedBytes(exchange::encode_evidence(evidence)), 0});
}

void NodeWorld::deliver(const Message& message) {
    Machine& machine = machines_[message.to];
    machine.touched = true;
    const PublicKey& from = key(message.from);
    Effects effects;
    auto take_block = [&](const SharedBytes& bytes) {
        auto block = exchange::verify_block(bytes, machine.node->ledger().view(), rules_.network,
                                            rules_.rules_version, verifier);
        if (!block.ok() && block.error().code == ErrorCode::unavailable)
            return machine.node->on_other_view(from, now_, effects);
        ASSERT_TRUE(block.ok()) << block.error().message;
        machine.node->on_block(from, std::move(*block), now_, effects);
    };
    if (message.gossip) {
        deliver_gossip(message, from, effects);
        return perform(message.to, effects);
    }
    if (message.is_sealed) {
        deliver_sealed(message, effects);
        return perform(message.to, effects);
    }
    switch (static_cast<MessageKind>(message.kind)) {
        case MessageKind::far_batch:
        case MessageKind::far_answer:    // come sealed only
        case MessageKind::sign_of_life:  // comes by gossip only
            break;
        case MessageKind::block:
            take_block(message.payload);
            break;
        case MessageKind::blocks: {
            auto blocks = decode_blocks(message.payload.view());
            ASSERT_TRUE(blocks.ok());
            for (Bytes& block : blocks->blocks)
                take_block(SharedBytes(std::move(block)));
            machine.node->on_blocks_taken(from, blocks->more);
            break;
        }
        case MessageKind::holdings: {
            auto holdings = decode_holdings(message.payload.view());
            ASSERT_TRUE(holdings.ok());
            machine.node->on_holdings(from, *holdings, now_, effects);
            break;
        }
        case MessageKind::version_vector: {
            auto vector = decode_version_vector(message.payload.view());
            ASSERT_TRUE(vector.ok());
            machine.node->on_version_vector(from, *vector, now_, effects);
            break;
        }
        case MessageKind::view_message: {
            auto view_message = exchange::verify_view_message(
                message.payload.view(), machine.node->ledger().view(), rules_.network, verifier);
            if (view_message.ok())
                machine.node->on_view_message(from, std::move(*view_message), now_, effects);
            else if (view_message.error().code == ErrorCode::unavailable)
                machine.node->on_other_view(from, now_, effects);
            else
                ADD_FAILURE() << view_message.error().message;
            break;
        }
        case MessageKind::decision: {
            auto decision = exchange::verify_decision(message.payload.view(), machine.node->ledger().view(),
                                                      rules_.network, verifier);
            if (decision.ok())
                machine.node->on_decision(from, std::move(*decision), now_);
            else if (decision.error().code != ErrorCode::unavailable)
                ADD_FAILURE() << decision.error().message;
            break;
        }
        case MessageKind::evidence: {
            auto evidence = exchange::verify_evidence(message.payload.view(), rules_.network,
                                                      machine.node->ledger().view().ledger, verifier);
            ASSERT_TRUE(evidence.ok()) << evidence.error().message;
            machine.node->on_evidence(from, *evidence, now_, effects);
            break;
        }
        case MessageKind::ledger_news: {
            auto news = decode_ledger_news(message.payload.view(), rules_.network);
            ASSERT_TRUE(news.ok()) << news.error().message;
            machine.node->on_ledger_news(from, std::move(*news), now_, effects);
            break;
        }
        case MessageKind::want: {
            auto digests = decode_want(message.payload.view());
            ASSERT_TRUE(digests.ok());
            machine.node->on_want(from, *digests, effects);
            break;
        }
        case MessageKind::signed_batch: {
            auto batch = exchange::decode_signed_batch(message.payload.view(), rules_.network,
                                                       rules_.rules_version, verifier);
            ASSERT_TRUE(batch.ok()) << batch.error().message;
            const ByteView bytes = message.payload.view();
            machine.node->on_signed_batch(from, Bytes(bytes.begin(), bytes.end()), *batch, now_, effects);
            break;
        }
    }
    perform(message.to, effects);
}

std::size_t NodeWorld::sealed_by(std::size_t i, MessageKind kind) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        machines_[i].sealed,
        [kind](const SealedEffect& sealed) { return static_cast<MessageKind>(sealed.kind) == kind; }));
}

std::optional<std::size_t> NodeWorld::distance(std::size_t from, std::size_t to) const {
    std::vector<std::size_t> at(machines_.size(), machines_.size());
    std::vector<std::size_t> next{from};
    at[from] = 0;
    for (std::size_t i = 0; i < next.size(); ++i)
        for (std::size_t other = 0; other < machines_.size(); ++other) {
            if (!connected(next[i], other) || at[other] < machines_.size() || drops_sealed_.contains(other))
                continue;
            at[other] = at[next[i]] + 1;
            next.push_back(other);
        }
    return at[to] < machines_.size() ? std::optional(at[to]) : std::nullopt;
}

void NodeWorld::post_sealed(std::size_t from, const SealedEffect& message) {
    machines_[from].sealed.push_back(message);
    const std::size_t to = index_of(message.node);
    const auto links = distance(from, to);
    if (!links) {
        machines_[from].node->on_undeliverable(message.node, now_);
        machines_[from].touched = true;
        return;
    }
    network_.emplace(now_.mono + link_delay_ * static_cast<std::int64_t>(*links),
                     Message{from, to, message.kind, message.payload, epoch_[link(from, to)], {}, true});
}

void NodeWorld::deliver_sealed(const Message& message, Effects& effects) {
    Node& node = *machines_[message.to].node;
    if (static_cast<MessageKind>(message.kind) == MessageKind::far_answer) {
        const auto answer = decode_far_answer(message.payload.view());
        ASSERT_TRUE(answer.ok());
        return node.on_far_answer(key(message.from), *answer, now_);
    }
    const auto far = decode_far_batch(message.payload.view());
    ASSERT_TRUE(far.ok());
    const auto batch =
        exchange::decode_signed_batch(far->batch, rules_.network, rules_.rules_version, verifier);
    ASSERT_TRUE(batch.ok()) << batch.error().message;
    node.on_far_batch(key(message.from), *far, Bytes(far->batch.begin(), far->batch.end()), *batch, effects);
}

std::vector<SharedBytes> NodeWorld::missing(std::size_t i, const ReadMissingEffect& read) const {
    std::vector<const AppendEffect*> lacking;
    for (const AppendEffect& entry : machines_[i].journal)
        for (const auto& [chain, seq] : read.have)
            if (entry.chain == chain && entry.seq > seq) lacking.push_back(&entry);
    std::stable_sort(lacking.begin(), lacking.end(),
                     [](const AppendEffect* a, const AppendEffect* b) { return a->round < b->round; });
    std::vector<SharedBytes> blocks;
    for (const AppendEffect* entry : lacking)
        blocks.push_back(entry->block);
    return blocks;
}

void NodeWorld::perform(std::size_t i, Effects& effects) {
    Machine& machine = machines_[i];
    for (AppendEffect& append : effects.appends)
        machine.disk_queue.push_back(std::move(append));
    perform_gossip(i, effects);
    for (const BroadcastEffect& broadcast : effects.broadcasts)
        for (std::size_t to = 0; to < machines_.size(); ++to)
            if (connected(i, to)) post(i, to, broadcast.kind, broadcast.payload);
    for (const SendEffect& send : effects.sends)
        for (std::size_t to = 0; to < machines_.size(); ++to)  // none has it that goes by another key since
            if (key(to) == send.peer) post(i, to, send.kind, send.payload);
    for (const SealedEffect& message : effects.sealed)
        post_sealed(i, message);
    for (const ReadMissingEffect& read : effects.read_missing) {
        Effects more;
        const auto blocks = missing(i, read);
        machine.node->on_blocks_read(read.peer, !blocks.empty(), blocks, more);
        machine.touched = true;
        perform(i, more);
    }
    for (const ReadBlockEffect& read : effects.read_block)
        for (const AppendEffect& entry : machine.journal)
            if (entry.chain == read.chain && entry.seq == read.seq)
                post(i, index_of(read.peer), static_cast<std::uint8_t>(MessageKind::block), entry.block);
    for (AnswerEffect& answer : effects.answers) {
        EXPECT_FALSE(answers_.contains(answer.ticket)) << "a request was answered twice";
        answers_.emplace(answer.ticket, std::move(answer.answer));
    }
    for (ViolationEffect& violation : effects.violations)
        violations_.push_back(std::move(violation));
    if (effects.state_root) {
        const std::uint64_t commit = effects.state_root->commit;
        Digest root = machine.root.advance(effects.state_root->state);
        const Digest& ledger = machine.node->ledger().view().ledger;
        const auto [known, is_new] = roots_of_ledgers_.emplace(std::pair(ledger, commit), root);
        EXPECT_EQ(to_hex(known->second), to_hex(root)) << "node " << i << " after commit " << commit;
        state_roots_.emplace(commit, root);
        if (machine.roots == Roots::wrong) root.data[0] ^= 1;
        if (machine.roots != Roots::none) machine.node->on_state_root(commit, root);
        machine.touched = true;
    }
    for (LogEffect& log : effects.logs)
        logs_.push_back(std::to_string(i) + ": " + std::move(log.text));
    if (effects.retire_key) retired_keys_.push_back(*effects.retire_key);
    if (effects.adopt) {
        EXPECT_FALSE(given_up_.contains(i)) << "a node gave up twice";
        given_up_[i] = *effects.adopt;
        answers_.emplace(effects.adopt_ticket, Result<Answer>(Answer(*effects.adopt)));
    }
}

Ticket NodeWorld::submit(std::size_t i, std::vector<Intent> intents, Grade wait_for) {
    return submit(i, SubmitRequest{std::move(intents), {}, wait_for});
}

Ticket NodeWorld::submit(std::size_t i, SubmitRequest request) {
    const Ticket ticket(next_ticket_++);
    Effects effects;
    machines_[i].node->submit(ticket, std::move(request), now_, effects);
    machines_[i].touched = true;
    perform(i, effects);
    return ticket;
}

Result<SubmitAnswer> NodeWorld::submit_answer(Ticket ticket) const {
    const auto found = answers_.find(ticket);
    if (found == answers_.end()) return Error{ErrorCode::timed_out, "not answered"};
    return std::get<0>(found->second);
}

Ticket NodeWorld::request(std::size_t i, Query query) {
    const Ticket ticket(next_ticket_++);
    Effects effects;
    machines_[i].node->ask(ticket, std::move(query), now_, effects);
    machines_[i].touched = true;
    perform(i, effects);
    return ticket;
}

Result<Answer> NodeWorld::taken(Ticket ticket) const {
    const auto found = answers_.find(ticket);
    if (found == answers_.end()) return Error{ErrorCode::corrupt, "not answered"};
    return std::get<1>(found->second);
}

Answer NodeWorld::ask(std::size_t i, Query query) {
    const Ticket ticket(next_ticket_++);
    Effects effects;
    machines_[i].node->ask(ticket, std::move(query), now_, effects);
    perform(i, effects);
    const auto found = answers_.find(ticket);
    if (found == answers_.end()) {
        ADD_FAILURE() << "the question was not answered at once";
        return StatusAnswer{};
    }
    const auto& answer = std::get<1>(found->second);
    EXPECT_TRUE(answer.ok()) << answer.error().message;
    return answer.ok() ? *answer : Answer(StatusAnswer{});
}

void NodeWorld::expect_equal_digests() {
    const DigestsAnswer first = digests(0);
    for (std::size_t i = 0; i < machines_.size(); ++i) {
        const DigestsAnswer other = digests(i);
        EXPECT_EQ(to_hex(first.state), to_hex(other.state)) << "node " << i;
        EXPECT_EQ(to_hex(first.trades), to_hex(other.trades)) << "node " << i;
        EXPECT_EQ(to_hex(first.settled_prefix), to_hex(other.settled_prefix)) << "node " << i;
        // The last empty block acknowledges and needs no acknowledgement itself.
        EXPECT_EQ(ask_for<StatusAnswer>(i, StatusQuery{}).unsettled_commands, 0u) << "node " << i;
        const Status sound = machines_[i].node->ledger().engine().check_invariants();
        EXPECT_TRUE(sound.ok()) << sound.error().message;
    }
}

Intent NodeWorld::faucet(const std::string& account, std::uint32_t asset, std::int64_t amount) {
    return {account, std::nullopt, exchange::Faucet{exchange::AssetId(asset), amount}, std::nullopt};
}

Intent NodeWorld::limit(const std::string& account, exchange::Side side, std::int64_t price,
                        std::int64_t quantity) {
    exchange::LimitOrder order;
    order.side = side;
    order.price = exchange::Price(price);
    order.quantity = exchange::Quantity(quantity);
    return {account, std::nullopt, order, std::nullopt};
}

}  // namespace peerbook::app::testing

#include "tests/sim/cluster.h"

#include <algorithm>
#include <sstream>

#include "base/check.h"
#include "exchange/engine/state_root.h"
#include "tests/support/toy_market.h"

namespace peerbook::sim {

using namespace exchange;

namespace {

constexpr std::int64_t ms = 1'000;
constexpr std::int64_t flow_interval_us_max = 40 * ms;
constexpr std::int64_t acknowledge_us = 20 * ms;
constexpr std::int64_t deadline_us = 30 * ms;
constexpr std::int64_t gossip_us = 100 * ms;
constexpr std::int64_t settle_us_max = 30'000 * ms;  // after healing, everything has to be settled by then
constexpr std::size_t blocks_per_gossip_max = 64;

Digest network() {
    return hash_of("simulated network", {});
}

}  // namespace

struct Cluster::Node {
    explicit Node(std::uint64_t number) : signer(number) {}

    testing::CheapSigner signer;
    std::int64_t skew_ms = 0;
    std::unique_ptr<OpenLedger> ledger;
    std::unique_ptr<OrderFlow> flow;   // members only
    std::vector<SharedBlock> journal;  // accepted, in that order
    FeedChecker feed;
    OnceChecker once;
    std::unique_ptr<NaiveSettling> naive;
    std::uint64_t naive_length = 0;
    bool execute_scheduled = false;
    std::uint64_t empty_blocks = 0;
    StateRoot root;
    std::optional<WallTime> deadline_met;  // the last one that an own block was made for
};

Options Options::draw(std::uint64_t seed) {
    Random random(seed * 0x9e3779b97f4a7c15 + 1);
    Options options;
    options.seed = seed;
    options.members = 1 + random.below(5);
    options.observers = random.below(3) == 0 ? 1 : 0;
    options.delay_us_min = 100 + static_cast<std::int64_t>(random.below(2'000));
    options.delay_us_max = options.delay_us_min + static_cast<std::int64_t>(random.below(30'000));
    options.late_ppm = random.below(2) == 0 ? 0 : 20'000;
    options.loss_ppm = static_cast<std::uint32_t>(random.below(3) * 60'000);
    options.duplicate_ppm = static_cast<std::uint32_t>(random.below(3) * 50'000);
    options.partitions = random.below(3);
    options.restarts = random.below(3);
    options.skew_ms_max = random.below(4) == 0 ? 1'600 : 20;
    options.active_us = (300 + static_cast<std::int64_t>(random.below(500))) * ms;
    return options;
}

Cluster::Cluster(Options options)
    : options_(options), random_(options.seed), agreement_(options.members + options.observers) {
    const std::size_t count = options_.members + options_.observers;
    std::vector<PublicKey> members;
    for (std::size_t i = 0; i < count; ++i) {
        nodes_.push_back(std::make_unique<Node>(i));
        if (i < options_.members) members.push_back(nodes_[i]->signer.public_key());
    }
    view_ = make_first_view(network(), members).value();
    chains_.resize(options_.members);
    sides_.assign(count, 0);
    for (std::size_t i = 0; i < count; ++i) {
        const auto range = static_cast<std::uint64_t>(2 * options_.skew_ms_max + 1);
        nodes_[i]->skew_ms = static_cast<std::int64_t>(random_.below(range)) - options_.skew_ms_max;
        if (i < options_.members) nodes_[i]->flow = std::make_unique<OrderFlow>(members, i);
        if (options_.naive) nodes_[i]->naive = std::make_unique<NaiveSettling>(view_, *options_.naive);
        start(i);
    }
}

Cluster::~Cluster() = default;

NetworkRules Cluster::rules() const {
    return testing::toy_rules(network());
}

WallTime Cluster::wall(const Node& node) const {
    return {1'700'000'000'000 + scheduler_.now_us() / 1'000 + node.skew_ms};
}

void Cluster::fail(const std::string& what) {
    if (failure_.empty()) failure_ = "at " + std::to_string(scheduler_.now_us()) + " us: " + what;
}

void Cluster::start(std::size_t index) {
    Node& node = *nodes_[index];
    node.ledger = std::make_unique<OpenLedger>(rules(), view_, node.signer.public_key(), LedgerLimits{});
    node.root = {};
}

// Loses everything but the journal, which must bring the node back to where it was.
void Cluster::restart(std::size_t index) {
    Node& node = *nodes_[index];
    execute(index);
    if (!failure_.empty()) return;
    const OpenLedger::Prefix before = node.ledger->settled_prefix();
    const Digest state = node.ledger->engine().state_digest();
    start(index);
    agreement_.restarted(index);
    node.feed = {};
    node.once = {};
    for (std::size_t i = 0; i < node.journal.size(); ++i) {
        const VerifiedBlock& block = *node.journal[i];
        const WallTime now = std::max(wall(node), block.header.timestamp);
        if (node.ledger->accept(block, now).kind != AcceptKind::accepted)
            return fail("node " + std::to_string(index) + " refuses a block of its own journal");
        node.ledger->take_accepted();
        if (i % 7 == 6 || i + 1 == node.journal.size()) execute(index);
    }
    const OpenLedger::Prefix after = node.ledger->settled_prefix();
    if (after.length != before.length || after.hash != before.hash)
        fail("node " + std::to_string(index) + " restarted to another settled log");
    if (node.ledger->engine().state_digest() != state)
        fail("node " + std::to_string(index) + " restarted to another state");
}

void Cluster::flow_tick(std::size_t index) {
    if (scheduler_.now_us() >= options_.active_us) return;
    Node& node = *nodes_[index];
    emit(index, node.flow->next(random_, 1 + random_.below(6), wall(node)));
    ++command_blocks_;
    scheduler_.after(1 + static_cast<std::int64_t>(random_.below(flow_interval_us_max)),
                     [this, index] { flow_tick(index); });
}

void Cluster::acknowledge_tick(std::size_t index) {
    Node& node = *nodes_[index];
    execute(index);
    if (node.ledger->acknowledgement_due()) {
        emit(index, {});
        if (++node.empty_blocks > 2 * (command_blocks_ + deadline_blocks_))
            fail("node " + std::to_string(index) + " emitted more than two empty blocks a command");
    }
    scheduler_.after(acknowledge_us, [this, index] { acknowledge_tick(index); });
}

// A member whose clock passes the time of something due emits a block, so that the log gets there.
void Cluster::deadline_tick(std::size_t index) {
    Node& node = *nodes_[index];
    const auto due = node.ledger->engine().next_deadline();
    if (due && *due <= wall(node) && node.deadline_met != due) {
        node.deadline_met = due;
        ++deadline_blocks_;
        emit(index, {});
    }
    scheduler_.after(deadline_us, [this, index] { deadline_tick(index); });
}

void Cluster::gossip_tick(std::size_t index) {
    Node& node = *nodes_[index];
    node.ledger->release_held_back(wall(node));
    note_accepted(index);
    if (options_.fetches && nodes_.size() > 1) {
        std::size_t peer = static_cast<std::size_t>(random_.below(nodes_.size() - 1));
        if (peer >= index) ++peer;
        offer_versions(index, peer);
        ask(index, peer, node.ledger->missing(32));
    }
    scheduler_.after(gossip_us, [this, index] { gossip_tick(index); });
}

void Cluster::partition() {
    for (std::uint64_t& side : sides_)
        side = random_.below(2);
    scheduler_.after((50 + static_cast<std::int64_t>(random_.below(250))) * ms,
                     [this] { std::fill(sides_.begin(), sides_.end(), 0); });
}

// --- messages
// --------------------------------------------------------------------------------------------------

void Cluster::emit(std::size_t index, std::vector<Command> commands) {
    Node& node = *nodes_[index];
    PayloadBuilder payload;
    for (const Command& command : commands)
        PB_CHECK(payload.add_hosted(command), "simulated blocks are small");
    Block block = node.ledger->make_block(payload.empty() ? Bytes{} : payload.take(), wall(node));
    sign_block(block, node.signer);
    Result<VerifiedBlock> verified = verify_block(SharedBytes(encode_block(block, view_)), view_, network(),
                                                  rules_version_latest, testing::CheapVerifier{});
    if (!verified.ok()) return fail("an own block does not verify: " + verified.error().message);
    auto shared = std::make_shared<const VerifiedBlock>(std::move(verified).value());
    if (shared->header.seq != chains_[index].size() + 1)
        return fail("node " + std::to_string(index) + " is about to sign a seq twice");
    chains_[index].push_back(shared);
    const AcceptOutcome outcome = node.ledger->accept(*shared, wall(node));
    if (outcome.kind != AcceptKind::accepted) return fail("a node refuses its own block: " + outcome.why);
    note_accepted(index);
    if (commands.empty()) ++tally_.empty_blocks;
    for (std::size_t other = 0; other < nodes_.size(); ++other)
        if (other != index) send_block(index, other, shared);
}

void Cluster::send(std::size_t from, std::size_t to, std::function<void()> deliver) {
    if (sides_[from] != sides_[to]) return;
    const int copies = random_.chance(options_.duplicate_ppm) ? 2 : 1;
    for (int copy = 0; copy < copies; ++copy) {
        if (random_.chance(options_.loss_ppm)) continue;
        const auto spread = static_cast<std::uint64_t>(options_.delay_us_max - options_.delay_us_min + 1);
        std::int64_t delay = options_.delay_us_min + static_cast<std::int64_t>(random_.below(spread));
        if (random_.chance(options_.late_ppm)) delay *= 10;
        scheduler_.after(delay, [this, from, to, deliver] {
            if (sides_[from] == sides_[to]) deliver();
        });
    }
}

void Cluster::send_block(std::size_t from, std::size_t to, SharedBlock block) {
    send(from, to, [this, from, to, block] { receive(to, from, block); });
}

void Cluster::receive(std::size_t index, std::size_t from, SharedBlock block) {
    Node& node = *nodes_[index];
    AcceptOutcome outcome = node.ledger->accept(*block, wall(node));
    switch (outcome.kind) {
        case AcceptKind::suspended:
            ++tally_.suspended;
            if (options_.fetches) ask(index, from, outcome.missing);
            break;
        case AcceptKind::held_back:
            ++tally_.held_back;
            break;
        case AcceptKind::duplicate:
            ++tally_.duplicates;
            break;
        case AcceptKind::invalid:
        case AcceptKind::equivocation:
        case AcceptKind::other_view:
            fail("an honest block was refused: " + outcome.why);
            break;
        case AcceptKind::accepted:
        case AcceptKind::dropped:
            break;
    }
    note_accepted(index);
}

void Cluster::ask(std::size_t from, std::size_t to, const std::vector<ParentRef>& refs) {
    if (refs.empty()) return;
    ++tally_.fetches;
    send(from, to, [this, from, to, refs] {
        for (const ParentRef& ref : refs)
            if (auto place = nodes_[to]->ledger->find_block(ref.digest))
                send_block(to, from, chains_[place->author.value()][place->seq - 1]);
    });
}

// Anti-entropy: the peer sends what the asker lacks, parents first.
void Cluster::offer_versions(std::size_t from, std::size_t to) {
    const VersionVector have = nodes_[from]->ledger->version_vector();
    send(from, to, [this, from, to, have] {
        const VersionVector mine = nodes_[to]->ledger->version_vector();
        std::vector<SharedBlock> lacking;
        for (std::size_t author = 0; author < mine.size(); ++author)
            for (std::uint64_t seq = have[author] + 1; seq <= mine[author]; ++seq)
                lacking.push_back(chains_[author][seq - 1]);
        std::stable_sort(lacking.begin(), lacking.end(), [](const SharedBlock& a, const SharedBlock& b) {
            return a->header.round < b->header.round;
        });
        if (lacking.size() > blocks_per_gossip_max) lacking.resize(blocks_per_gossip_max);
        for (SharedBlock& block : lacking)
            send_block(to, from, std::move(block));
    });
}

void Cluster::note_accepted(std::size_t index) {
    Node& node = *nodes_[index];
    const auto accepted = node.ledger->take_accepted();
    for (const OpenLedger::AcceptedBlock& item : accepted) {
        const SharedBlock& block = chains_[item.author.value()][item.seq - 1];
        node.journal.push_back(block);
        if (node.naive) node.naive->accept(block->header, block->digest);
    }
    if (!accepted.empty()) schedule_execute(index, 1 * ms + static_cast<std::int64_t>(random_.below(4 * ms)));
}

void Cluster::schedule_execute(std::size_t index, std::int64_t delay_us) {
    if (std::exchange(nodes_[index]->execute_scheduled, true)) return;
    scheduler_.after(delay_us, [this, index] {
        nodes_[index]->execute_scheduled = false;
        execute(index);
    });
}

// --- checking
// --------------------------------------------------------------------------------------------------

void Cluster::execute(std::size_t index) {
    Node& node = *nodes_[index];
    const OpenLedger::Prefix before = node.ledger->settled_prefix();
    const LedgerUpdate update = node.ledger->execute();
    const Engine& engine = node.ledger->engine();
    auto check = [&](const std::string& complaint) {
        if (!complaint.empty()) fail("node " + std::to_string(index) + ": " + complaint);
    };
    check(node.feed.update(update, engine));
    for (const Commit& commit : update.settled) {
        if (!options_.naive_decides)
            check(agreement_.settled(index, commit.index, commit.block,
                                     digest_of_events(commit.events, engine)));
        check(node.once.settled(commit));
    }
    if (const auto checkpoint = node.ledger->take_checkpoint(); checkpoint && !options_.naive_decides)
        check(roots_.made(checkpoint->commit, node.root.advance(checkpoint->state)));
    const OpenLedger::Prefix after = node.ledger->settled_prefix();
    if (after.length != before.length + update.settled.size()) check("the settled prefix has another length");
    if (node.naive) check_naive(index);
}

void Cluster::check_naive(std::size_t index) {
    Node& node = *nodes_[index];
    std::string broken;
    const std::vector<Digest> settled = node.naive->settle(broken);
    if (!options_.naive_decides) {
        // In the middle of a restart the ledger has only a part of what the node knew.
        if (node.ledger->stats().blocks_accepted < node.naive->block_count()) return;
        if (node.naive->settled_round() != node.ledger->stats().settled_round)
            fail("node " + std::to_string(index) + " settles up to another round than the naive rule");
        return;
    }
    for (const Digest& block : settled)
        if (broken.empty()) broken = agreement_.settled(index, ++node.naive_length, block, {});
    if (!broken.empty()) fail("node " + std::to_string(index) + ": " + broken);
}

bool Cluster::quiet() const {
    const Node& first = *nodes_[0];
    for (const auto& node : nodes_) {
        const LedgerStats stats = node->ledger->stats();
        if (stats.unsettled_commands > 0 || stats.blocks_suspended > 0 || stats.blocks_held_back > 0)
            return false;
        if (node->execute_scheduled || node->ledger->acknowledgement_due()) return false;
        if (node->ledger->engine().next_deadline()) return false;
        if (node->ledger->version_vector() != first.ledger->version_vector()) return false;
    }
    return true;
}

// Everything that was submitted is settled everywhere, once, in one order, with one result.
void Cluster::check_end() {
    std::uint64_t submitted = 0;
    for (const auto& node : nodes_)
        if (node->flow) submitted += node->flow->commands_made();
    const Node& first = *nodes_[0];
    const Digest state = first.ledger->engine().state_digest();
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        const Node& node = *nodes_[i];
        const std::string name = "node " + std::to_string(i);
        if (node.once.commands() != submitted)
            fail(name + " settled " + std::to_string(node.once.commands()) + " of " +
                 std::to_string(submitted) + " commands");
        if (node.ledger->engine().state_digest() != state) fail(name + " ended in another state");
        if (node.ledger->settled_prefix().hash != first.ledger->settled_prefix().hash)
            fail(name + " ended with another settled log");
        if (Status status = node.ledger->engine().check_invariants(); !status.ok())
            fail(name + ": " + status.error().message);
        tally_.retractions += node.feed.retractions();
        tally_.rollbacks += node.ledger->stats().rollbacks;
        tally_.commits_executed += node.ledger->stats().commits_executed;
        tally_.checkpoint_replays += node.ledger->stats().checkpoint_replays;
    }
    // The log executed once, without ever going back, gives the same.
    Engine straight(rules());
    EventBuffer events;
    std::map<Digest, SharedBlock> blocks;
    for (const auto& chain : chains_)
        for (const SharedBlock& block : chain)
            blocks[block->digest] = block;
    for (const AgreementChecker::Entry& entry : agreement_.log()) {
        const VerifiedBlock& block = *blocks.at(entry.block);
        straight.apply({block.header.timestamp, block.header.rules_version, block.batches}, events);
    }
    // The last blocks without commands are executed everywhere, and nobody waits for them to settle.
    std::map<LogKey, SharedBlock> unsettled;
    for (const auto& [digest, block] : blocks)
        unsettled[make_log_key(block->header.author, block->header.round, digest)] = block;
    for (const AgreementChecker::Entry& entry : agreement_.log()) {
        const BlockHeader& header = blocks.at(entry.block)->header;
        unsettled.erase(make_log_key(header.author, header.round, entry.block));
    }
    for (const auto& [key, block] : unsettled)
        straight.apply({block->header.timestamp, block->header.rules_version, block->batches}, events);
    if (!options_.naive_decides && straight.state_digest() != state)
        fail("executing the settled log without rollbacks gives another state");
    for (const Event& event : events) {
        tally_.fills += event.kind == EventKind::filled;
        tally_.due += event.command == no_command;
    }
    tally_.roots = roots_.compared();
    tally_.commands = submitted;
    tally_.commits = agreement_.log().size();
    tally_.log = first.ledger->settled_prefix().hash;
}

std::string Cluster::run() {
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        const auto offset = static_cast<std::int64_t>(random_.below(10 * ms));
        if (i < options_.members) {
            scheduler_.after(offset, [this, i] { flow_tick(i); });
            scheduler_.after(offset + acknowledge_us, [this, i] { acknowledge_tick(i); });
            scheduler_.after(offset + deadline_us, [this, i] { deadline_tick(i); });
        }
        scheduler_.after(offset + gossip_us, [this, i] { gossip_tick(i); });
    }
    const auto active = static_cast<std::uint64_t>(options_.active_us);
    for (std::size_t i = 0; i < options_.partitions; ++i)
        scheduler_.after(static_cast<std::int64_t>(random_.below(active)), [this] { partition(); });
    for (std::size_t i = 0; i < options_.restarts; ++i)
        scheduler_.after(static_cast<std::int64_t>(random_.below(active)),
                         [this] { restart(static_cast<std::size_t>(random_.below(nodes_.size()))); });
    auto failed = [this] { return !failure_.empty(); };
    scheduler_.run_until(options_.active_us + 300 * ms, failed);
    const std::int64_t deadline = scheduler_.now_us() + settle_us_max;
    while (!failed() && !quiet() && scheduler_.now_us() < deadline)
        scheduler_.run_until(scheduler_.now_us() + 50 * ms, failed);
    if (!failed() && !quiet()) fail("not everything was settled everywhere in time");
    const std::uint64_t empty_blocks = tally_.empty_blocks;
    scheduler_.run_until(scheduler_.now_us() + 500 * ms, failed);
    if (tally_.empty_blocks != empty_blocks) fail("acknowledgements went on after everything was settled");
    if (!failed()) check_end();
    return failure_;
}

}  // namespace peerbook::sim

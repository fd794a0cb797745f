#include "tests/sim/latency.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "app/node/node.h"
#include "app/node/peer_messages.h"
#include "app/node/write_queue.h"
#include "base/check.h"
#include "base/hash.h"
#include "base/random.h"
#include "exchange/engine/state_root.h"
#include "p2p/wire/frame.h"
#include "tests/sim/block_book.h"
#include "tests/sim/latency_flow.h"
#include "tests/sim/ledgers.h"
#include "tests/sim/scheduler.h"
#include "tests/sim/trace.h"

namespace peerbook::sim {

using app::Effects;
using app::MessageKind;

namespace {

constexpr std::int64_t ms = 1'000;
constexpr std::int64_t second = 1'000 * ms;
constexpr std::int64_t wall_start_ms = 1'700'000'000'000;
constexpr std::int64_t load_begins_us = 500 * ms;  // sessions are up and accounts have money by then
constexpr std::int64_t drain_us_max = 30 * second;
constexpr std::int64_t look_us = 10 * ms;
constexpr std::int64_t read_us = 100;  // the journal is asked
constexpr std::uint64_t kind_bytes = 1;

const testing::CheapVerifier verifier;

class LoadedNetwork {
  public:
    explicit LoadedNetwork(const LatencyPlan& plan);
    LatencyResult run(const std::function<void(std::int64_t)>& each_second);

  private:
    using Input = std::function<void(app::Node&, Now, Effects&)>;
    struct Machine {
        Machine(std::size_t index, const LatencyPlan& plan, Random own_random)
            : number(index), signer(index), random(own_random), flow(plan.accounts_per_node, plan.markets) {}
        std::size_t number;
        testing::CheapSigner signer;
        Random random;
        LatencyFlow flow;
        std::unique_ptr<app::Node> node;
        exchange::StateRoot root;
        std::vector<Input> inbox;
        bool step_scheduled = false;
        std::optional<MonoTime> wake;
        std::optional<std::int64_t> alarm_us;  // a look at `wake` is scheduled for then
        app::WriteQueue write_queue;
        std::vector<app::AppendEffect> appends;  // wait for the disk
        bool is_writing = false;
        std::int64_t next_order_ns = 0;
        exchange::LedgerStats before;  // the measured time
    };
    struct Direction {
        std::int64_t delay_us = 0, last_arrival_us = 0;
    };
    struct Request {
        std::int64_t since_us = 0;
        app::Grade wait_for = app::Grade::provisional;
        bool is_measured = false, is_order = false;
    };

    Now now() const { return {{scheduler_.now_us() * 1'000}, {wall_start_ms + scheduler_.now_us() / ms}}; }
    bool is_measured() const {
        return scheduler_.now_us() >= plan_.warm_up_us &&
               scheduler_.now_us() < plan_.warm_up_us + plan_.measured_us;
    }
    std::int64_t draw(std::int64_t most) {
        return static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(most + 1)));
    }
    void fail(const std::string& what) {
        if (result_.failure.empty()) result_.failure = what;
    }

    void connect();
    void put(Machine& machine, Input input);
    void step(Machine& machine);
    void set_alarm(Machine& machine);
    void perform(Machine& machine, Effects& effects);
    void start_write(Machine& machine);
    void broadcast(Machine& machine, const app::BroadcastEffect& message);
    void send(Machine& machine, const app::SendEffect& message);
    void post(std::size_t from, std::size_t to, std::uint8_t kind, const SharedBytes& payload);
    void arrive(std::size_t from, std::size_t to, std::uint8_t kind, const SharedBytes& payload);
    void take_block(std::size_t from, Machine& to, const SharedBytes& bytes);
    void read_missing(Machine& machine, const app::ReadMissingEffect& read);
    void make_root(Machine& machine, const app::StateRootEffect& wanted);
    void next_order(Machine& machine);
    void submit(Machine& machine, app::SubmitRequest request, bool is_order);
    void answered(const app::AnswerEffect& answer);
    void note_before();
    void note_after();
    bool is_settled() const;
    void check_end();

    const LatencyPlan plan_;
    LatencyResult result_;
    Trace trace_{false};
    Random random_;
    Scheduler scheduler_;
    exchange::NetworkRules rules_;
    exchange::View view_;
    std::vector<std::unique_ptr<Machine>> machines_;
    std::map<PublicKey, std::size_t> number_of_;
    std::vector<Direction> directions_;
    RareStates rare_;  // none; the views want it
    AdmissionBook admission_;
    Ledgers ledgers_{admission_, rare_};
    std::unique_ptr<BlockBook> book_;
    std::vector<std::vector<SharedBytes>> chains_;  // of each author, from seq 1: what journals hold
    std::map<app::Ticket, Request> requests_;
    std::uint64_t next_ticket_ = 1;
    std::map<std::uint64_t, Digest> roots_;  // by commit
};

LoadedNetwork::LoadedNetwork(const LatencyPlan& plan)
    : plan_(plan),
      random_(plan.seed * 0x9e3779b97f4a7c15 + 11),
      rules_(latency_rules(hash_of("simulated network under load", {}), plan.markets)),
      directions_(plan.nodes * plan.nodes),
      chains_(plan.nodes) {
    std::vector<PublicKey> keys;
    for (std::size_t i = 0; i < plan_.nodes; ++i) {
        machines_.push_back(std::make_unique<Machine>(i, plan_, Random(random_.next())));
        keys.push_back(machines_.back()->signer.public_key());
        number_of_.emplace(keys.back(), i);
    }
    view_ = exchange::make_first_view(rules_.network, keys).value();
    ledgers_.add(view_);
    book_ = std::make_unique<BlockBook>(ledgers_, rules_.network);
    for (const auto& machine : machines_) {
        app::NodeOptions options;
        options.ack_delay = plan_.ack_delay;
        options.batch_delay = plan_.batch_delay;
        options.random_seed = random_.next();
        exchange::NetworkRules rules = rules_;
        rules.index_seed = random_.next();
        machine->node =
            std::make_unique<app::Node>(std::move(rules), view_, machine->signer, verifier, options);
    }
    for (std::size_t a = 0; a < plan_.nodes; ++a)
        for (std::size_t b = a + 1; b < plan_.nodes; ++b)
            directions_[a * plan_.nodes + b].delay_us = directions_[b * plan_.nodes + a].delay_us =
                plan_.delay_us_min + draw(plan_.delay_us_max - plan_.delay_us_min);
}

void LoadedNetwork::connect() {
    for (const auto& machine : machines_) {
        Effects effects;
        machine->node->recovered(now(), effects);
        perform(*machine, effects);
        put(*machine, [this, self = machine->number](app::Node& node, Now at, Effects& more) {
            for (const auto& peer : machines_)
                if (peer->number != self) node.on_peer_connected(peer->signer.public_key(), at, more);
        });
    }
}

// --- a node
// -----------------------------------------------------------------------------------------------------

void LoadedNetwork::put(Machine& machine, Input input) {
    machine.inbox.push_back(std::move(input));
    if (std::exchange(machine.step_scheduled, true)) return;
    scheduler_.after(plan_.hand_over_us, [this, &machine] {
        machine.step_scheduled = false;
        step(machine);
    });
}

void LoadedNetwork::step(Machine& machine) {
    Effects effects;
    for (Input& input : std::exchange(machine.inbox, {}))
        input(*machine.node, now(), effects);
    machine.node->flush(now(), effects);
    machine.write_queue.pass(effects, now().mono);
    machine.wake = effects.wake_at;
    set_alarm(machine);
    perform(machine, effects);
}

// Nodes name another time with almost every step, so only the next look is scheduled.
void LoadedNetwork::set_alarm(Machine& machine) {
    if (!machine.wake) return;
    const std::int64_t at_us = std::max(scheduler_.now_us() + 1, (machine.wake->ns + 999) / 1'000);
    if (machine.alarm_us && *machine.alarm_us <= at_us) return;
    machine.alarm_us = at_us;
    scheduler_.after(at_us - scheduler_.now_us(), [this, &machine, at_us] {
        if (machine.alarm_us != at_us) return;
        machine.alarm_us.reset();
        if (machine.wake && machine.wake->ns <= now().mono.ns)
            step(machine);
        else
            set_alarm(machine);
    });
}

void LoadedNetwork::perform(Machine& machine, Effects& effects) {
    if (effects.retire_key) return fail("a node retires its key: " + *effects.retire_key);
    for (const app::ViolationEffect& violation : effects.violations)
        fail("an honest peer is accused: " + violation.why);
    std::move(effects.appends.begin(), effects.appends.end(), std::back_inserter(machine.appends));
    start_write(machine);
    // All are connected, so nobody relays.
    for (const app::GossipEffect& message : effects.gossips)
        broadcast(machine, {message.kind, message.payload});
    for (const app::SendEffect& message : effects.sends)
        send(machine, message);
    for (const app::ReadMissingEffect& read : effects.read_missing)
        scheduler_.after(read_us, [this, &machine, read] { read_missing(machine, read); });
    for (const app::ReadBlockEffect& read : effects.read_block)
        scheduler_.after(read_us, [this, &machine, read] {
            send(machine, {read.peer, static_cast<std::uint8_t>(MessageKind::block),
                           chains_[number_of_.at(read.chain)][read.seq - 1]});
        });
    if (effects.state_root) make_root(machine, *effects.state_root);
    for (const app::AnswerEffect& answer : effects.answers)
        answered(answer);
}

void LoadedNetwork::start_write(Machine& machine) {
    if (machine.appends.empty() || std::exchange(machine.is_writing, true)) return;
    const std::uint64_t ticket = machine.appends.back().ticket;
    machine.appends.clear();
    scheduler_.after(plan_.sync_us, [this, &machine, ticket] {
        machine.is_writing = false;
        put(machine, [ticket](app::Node& node, Now at, Effects& more) { node.on_durable(ticket, at, more); });
        start_write(machine);
    });
}

// What the peer lacks of what this node has, oldest rounds first.
void LoadedNetwork::read_missing(Machine& machine, const app::ReadMissingEffect& read) {
    std::vector<std::pair<std::uint64_t, SharedBytes>> found;
    const exchange::VersionVector& have = machine.node->ledger().version_vector();
    for (const auto& [chain, seq] : read.have) {
        const std::size_t number = number_of_.at(chain);
        for (std::uint64_t next = seq; next < have[view_.index_of(chain)->value()]; ++next) {
            const SharedBytes& bytes = chains_[number][next];
            found.emplace_back(book_->verify(bytes).value()->header.round, bytes);
        }
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<SharedBytes> blocks;
    std::size_t bytes = 0;
    for (const auto& [round, block] : found)
        if ((bytes += block.size()) <= read.bytes_max) blocks.push_back(block);
    put(machine, [peer = read.peer, blocks](app::Node& node, Now, Effects& more) {
        node.on_blocks_read(peer, !blocks.empty(), blocks, more);
    });
}

void LoadedNetwork::make_root(Machine& machine, const app::StateRootEffect& wanted) {
    const Digest root = machine.root.advance(wanted.state);
    const auto [known, is_new] = roots_.emplace(wanted.commit, root);
    if (!is_new && known->second != root)
        fail("two nodes have different states after commit " + std::to_string(wanted.commit));
    put(machine,
        [commit = wanted.commit, root](app::Node& node, Now, Effects&) { node.on_state_root(commit, root); });
}

// --- messages
// ---------------------------------------------------------------------------------------------------

void LoadedNetwork::broadcast(Machine& machine, const app::BroadcastEffect& message) {
    const SharedBlock block = book_->verify(message.payload).value();
    chains_[machine.number].push_back(message.payload);
    PB_CHECK(chains_[machine.number].size() == block->header.seq, "each own block is pushed once");
    if (is_measured()) {
        ++result_.blocks;
        result_.empty_blocks += block->command_count == 0;
    }
    for (std::size_t peer = 0; peer < machines_.size(); ++peer)
        if (peer != machine.number) post(machine.number, peer, message.kind, message.payload);
}

void LoadedNetwork::send(Machine& machine, const app::SendEffect& message) {
    if (is_measured()) {
        const auto kind = static_cast<MessageKind>(message.kind);
        result_.wants += kind == MessageKind::want;
        if (kind == MessageKind::block) {
            ++result_.blocks_again;
            result_.blocks_again_bytes += message.payload.size();
        }
    }
    post(machine.number, number_of_.at(message.peer), message.kind, message.payload);
}

void LoadedNetwork::post(std::size_t from, std::size_t to, std::uint8_t kind, const SharedBytes& payload) {
    if (is_measured()) {
        ++result_.messages;
        result_.bytes += payload.size() + kind_bytes + p2p::frame_header_bytes;
    }
    Direction& way = directions_[from * plan_.nodes + to];
    std::int64_t delay_us = way.delay_us + draw(plan_.jitter_us_max);
    if (random_.chance(plan_.late_ppm)) delay_us *= plan_.late_factor;
    way.last_arrival_us = std::max(way.last_arrival_us, scheduler_.now_us() + delay_us);
    scheduler_.after(way.last_arrival_us - scheduler_.now_us(),
                     [this, from, to, kind, payload] { arrive(from, to, kind, payload); });
}

void LoadedNetwork::take_block(std::size_t from, Machine& to, const SharedBytes& bytes) {
    const auto block = book_->verify(bytes);
    if (!block.ok()) return fail("a block cannot be read: " + block.error().message);
    put(to, [key = machines_[from]->signer.public_key(), block = *block](
                app::Node& node, Now at, Effects& effects) { node.on_block(key, *block, at, effects); });
}

void LoadedNetwork::arrive(std::size_t from, std::size_t to, std::uint8_t kind, const SharedBytes& payload) {
    Machine& machine = *machines_[to];
    const PublicKey key = machines_[from]->signer.public_key();
    trace_.mix(static_cast<std::uint64_t>(scheduler_.now_us()) << 16 | from << 8 | to);
    trace_.mix(payload.size() << 8 | kind);
    switch (static_cast<MessageKind>(kind)) {
        case MessageKind::block:
            return take_block(from, machine, payload);
        case MessageKind::blocks: {
            auto message = app::decode_blocks(payload.view());
            PB_CHECK(message.ok(), "nodes send what they can read");
            for (Bytes& block : message->blocks)
                take_block(from, machine, SharedBytes(std::move(block)));
            return put(machine, [key, more = message->more](app::Node& node, Now, Effects&) {
                node.on_blocks_taken(key, more);
            });
        }
        case MessageKind::version_vector:
            return put(machine, [key, message = app::decode_version_vector(payload.view()).value()](
                                    app::Node& node, Now at, Effects& effects) {
                node.on_version_vector(key, message, at, effects);
            });
        case MessageKind::want:
            return put(machine,
                       [key, digests = app::decode_want(payload.view()).value()](
                           app::Node& node, Now, Effects& effects) { node.on_want(key, digests, effects); });
        default:
            fail("a message of kind " + std::to_string(kind) + " is not of this network");
    }
}

// --- load
// -------------------------------------------------------------------------------------------------------

// Gaps between two orders of a node are drawn evenly from 0 to twice their mean.
void LoadedNetwork::next_order(Machine& machine) {
    const auto mean_ns = static_cast<std::int64_t>(1'000'000'000 * plan_.nodes / plan_.orders_per_second);
    machine.next_order_ns +=
        static_cast<std::int64_t>(machine.random.below(static_cast<std::uint64_t>(2 * mean_ns + 1)));
    const std::int64_t at_us = machine.next_order_ns / 1'000;
    if (at_us >= plan_.warm_up_us + plan_.measured_us) return;
    scheduler_.after(at_us - scheduler_.now_us(), [this, &machine] {
        app::SubmitRequest request;
        request.by_nonce = true;
        request.wait_for = machine.random.below(2) == 0 ? app::Grade::provisional : app::Grade::settled;
        request.intents.push_back(machine.flow.next(machine.random));
        const bool is_order = std::holds_alternative<exchange::LimitOrder>(request.intents.front().body);
        submit(machine, std::move(request), is_order);
        next_order(machine);
    });
}

void LoadedNetwork::submit(Machine& machine, app::SubmitRequest request, bool is_order) {
    const app::Ticket ticket(next_ticket_++);
    requests_.emplace(ticket, Request{scheduler_.now_us(), request.wait_for, is_measured(), is_order});
    result_.submitted += is_measured();
    put(machine, [ticket, request = std::move(request)](app::Node& node, Now at, Effects& effects) mutable {
        node.submit(ticket, std::move(request), at, effects);
    });
}

void LoadedNetwork::answered(const app::AnswerEffect& answer) {
    const auto& submitted = std::get<Result<app::SubmitAnswer>>(answer.answer);
    const auto found = requests_.find(answer.ticket);
    if (found == requests_.end()) return fail("a request was answered twice");
    const Request request = found->second;
    requests_.erase(found);
    trace_.mix(answer.ticket.value() << 1 | submitted.ok());
    if (!submitted.ok()) {
        if (submitted.error().code != ErrorCode::unavailable)
            fail("a request was refused: " + submitted.error().message);
        result_.refused += request.is_measured;
        return;
    }
    for (const app::CommandResult& one : submitted->results)
        if (one.status == app::CommandStatus::rejected && one.reason != exchange::Reason::unknown_order)
            fail("a command was rejected, and not as a cancel after the fill");
    if (!request.is_measured) return;
    using enum app::CommandStatus;
    const app::CommandStatus status = submitted->results.front().status;
    result_.orders += request.is_order;
    result_.orders_traded += request.is_order && (status == filled || status == partially_filled);
    result_.rejected += status == rejected;
    auto& times = request.wait_for == app::Grade::settled ? result_.settled_us : result_.provisional_us;
    times.push_back(scheduler_.now_us() - request.since_us);
}

// --- the run
// ----------------------------------------------------------------------------------------------------

void LoadedNetwork::note_before() {
    for (const auto& machine : machines_)
        machine->before = machine->node->ledger().stats();
}

void LoadedNetwork::note_after() {
    for (const auto& machine : machines_) {
        const exchange::LedgerStats after = machine->node->ledger().stats();
        const std::uint64_t replayed = after.commands_replayed - machine->before.commands_replayed;
        result_.replayed += replayed;
        result_.executed_first += after.commands_executed - machine->before.commands_executed - replayed;
    }
}

bool LoadedNetwork::is_settled() const {
    return requests_.empty() && std::all_of(machines_.begin(), machines_.end(), [&](const auto& machine) {
               const exchange::OpenLedger& ledger = machine->node->ledger();
               return ledger.stats().unsettled_commands == 0 &&
                      ledger.version_vector() == machines_.front()->node->ledger().version_vector();
           });
}

void LoadedNetwork::check_end() {
    if (!is_settled())
        return fail(std::to_string(requests_.size()) +
                    " requests are not answered, or something is not settled, 30 s after the last one");
    const Digest state = machines_.front()->node->ledger().engine().state_digest();
    for (const auto& machine : machines_)
        if (machine->node->ledger().engine().state_digest() != state)
            fail("node " + std::to_string(machine->number) + " has another state at the end");
}

LatencyResult LoadedNetwork::run(const std::function<void(std::int64_t)>& each_second) {
    connect();
    for (const auto& machine : machines_) {
        for (app::SubmitRequest& request : machine->flow.funding())
            submit(*machine, std::move(request), false);
        machine->next_order_ns = load_begins_us * 1'000;
        next_order(*machine);
    }
    const std::int64_t load_ends_us = plan_.warm_up_us + plan_.measured_us;
    scheduler_.after(plan_.warm_up_us, [this] { note_before(); });
    scheduler_.after(load_ends_us, [this] { note_after(); });
    const auto failed = [this] { return !result_.failure.empty(); };
    for (std::int64_t at_us = second; at_us < load_ends_us + second && !failed(); at_us += second) {
        scheduler_.run_until(std::min(at_us, load_ends_us), failed);
        if (each_second) each_second(at_us / second);
    }
    while (!failed() && !is_settled() && scheduler_.now_us() < load_ends_us + drain_us_max)
        scheduler_.run_until(scheduler_.now_us() + look_us, failed);
    if (!failed()) check_end();
    std::sort(result_.provisional_us.begin(), result_.provisional_us.end());
    std::sort(result_.settled_us.begin(), result_.settled_us.end());
    result_.virtual_us = scheduler_.now_us();
    result_.trace_hash = trace_.hash();
    return result_;
}

}  // namespace

LatencyPlan LatencyPlan::lan() {
    LatencyPlan plan;
    plan.delay_us_min = 100;
    plan.delay_us_max = 250;
    plan.jitter_us_max = 50;
    plan.ack_delay = Duration::milliseconds(5);
    return plan;
}

LatencyPlan LatencyPlan::wan() {
    LatencyPlan plan;
    plan.delay_us_min = 20 * ms;
    plan.delay_us_max = 80 * ms;
    plan.jitter_us_max = 2 * ms;
    plan.late_ppm = 10'000;
    plan.ack_delay = Duration::milliseconds(20);
    return plan;
}

LatencyResult measure_latency(const LatencyPlan& plan, const std::function<void(std::int64_t)>& each_second) {
    return LoadedNetwork(plan).run(each_second);
}

std::int64_t percentile(const std::vector<std::int64_t>& sorted, std::uint32_t percent) {
    if (sorted.empty()) return 0;
    const std::size_t rank = (sorted.size() * percent + 99) / 100;
    return sorted[std::max<std::size_t>(rank, 1) - 1];
}

}  // namespace peerbook::sim

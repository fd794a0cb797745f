#include "tests/sim/peers/peer_sim.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <optional>

namespace peerbook::p2p::sim {

namespace {

constexpr std::uint8_t message_kind = 0x90;
constexpr std::int64_t wall_start_ms = 1'700'000'000'000;
constexpr Duration verify_time = Duration::microseconds(300);
constexpr Duration silence_max = Duration::seconds(45);
constexpr Duration redial_after = Duration::seconds(2);
constexpr Duration settle_time = Duration::seconds(12);  // links and neighbours, before the first message
constexpr Duration round_time = Duration::seconds(35);   // of anti-entropy, after the last message
constexpr Duration joined_for = Duration::seconds(5);    // before a message is expected at a node
constexpr std::int64_t uplink_bytes_a_s = 50'000'000 / 8;
constexpr std::size_t frame_overhead_bytes = 30;  // length, TLS record
constexpr std::int64_t plane_ms = 80;             // one way, along an edge

struct Link {
    std::uint64_t epoch = 0;
    Duration one_way;
    bool outbound = false;
    MonoTime last_arrival;  // of what we send
};

struct Delivery {
    std::uint32_t message;
    MonoTime at;
    std::uint8_t hops;
    bool repaired;
};

struct Node {
    bool up = false, silent = false, mute = false;
    std::uint32_t life = 0;
    MonoTime up_since;
    std::int64_t x = 0, y = 0;
    std::optional<Gossip> gossip;
    std::map<std::uint32_t, Link> links;
    MonoTime urgent_free, other_free;  // the uplink
    std::optional<MonoTime> tick_at;
    bool dial_planned = false;
    std::vector<Delivery> deliveries;  // of this life
};

struct Event {
    enum class What : unsigned char { frame, link_down, tick, dial, accept, leave, come, broadcast };
    MonoTime at;
    std::uint64_t sequence;
    What what;
    std::uint32_t node, other = 0;
    std::uint64_t epoch = 0;  // of the link; or the life of the node
    MessageId id;
    OutgoingPayload payload;
};

struct Later {
    bool operator()(const Event& a, const Event& b) const {
        return a.at != b.at ? a.at > b.at : a.sequence > b.sequence;
    }
};

PeerId peer_of(std::uint32_t index) {
    PeerId id;
    for (std::size_t i = 0; i < 4; ++i)
        id.data[i] = static_cast<std::uint8_t>(index >> (24 - 8 * i));
    return id;
}

std::uint32_t index_of(const PeerId& id) {
    std::uint32_t index = 0;
    for (std::size_t i = 0; i < 4; ++i)
        index = index << 8 | id.data[i];
    return index;
}

class PeerSim {
  public:
    explicit PeerSim(const PeerSimPlan& plan) : plan_(plan), random_(plan.seed), nodes_(plan.nodes) {
        plan_.gossip.kinds = {{message_kind, GossipKind{true, false, false, true}}};
        plan_.payload_bytes = std::max<std::size_t>(plan_.payload_bytes, 4);
    }

    PeerSimResult run() {
        set_up();
        const MonoTime begin = now_ + settle_time;
        const std::size_t count = plan_.warm_up_messages + plan_.messages;
        sent_at_.resize(count);
        origins_.resize(count);
        copies_.resize(count);
        firsts_.resize(count);
        for (std::size_t i = 0; i < count; ++i)
            schedule(begin + plan_.spacing * static_cast<std::int64_t>(i), Event::What::broadcast,
                     static_cast<std::uint32_t>(i));
        const MonoTime measured = begin + plan_.spacing * static_cast<std::int64_t>(plan_.warm_up_messages);
        const MonoTime last = begin + plan_.spacing * static_cast<std::int64_t>(count - 1);
        plan_churn(begin, last + round_time);
        run_until(measured);
        bytes_ = 0;
        run_until(last + Duration::seconds(5));
        result_.bytes = bytes_;
        run_until(last + round_time);
        measure();
        return result_;
    }

  private:
    void schedule(MonoTime at, Event::What what, std::uint32_t node, std::uint32_t other = 0,
                  std::uint64_t epoch = 0) {
        events_.push({std::max(at, now_), ++sequence_, what, node, other, epoch, {}, {}});
    }
    Now now() const { return {now_, {wall_start_ms + now_.ns / 1'000'000}}; }
    Duration below(Duration span) {
        return {static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(span.ns) + 1))};
    }

    void set_up() {
        for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
            Node& node = nodes_[i];
            node.x = static_cast<std::int64_t>(random_.below(1'000));
            node.y = static_cast<std::int64_t>(random_.below(1'000));
            node.silent = random_.chance(plan_.silent_ppm);
            node.mute = random_.chance(plan_.mute_ppm);
            if (!node.silent) reachable_.push_back(i);
            start(i);
        }
        for (const auto& [from, to] : plan_.links)
            connect(from, to);
    }

    void start(std::uint32_t index) {
        Node& node = nodes_[index];
        node.up = true;
        ++node.life;
        node.up_since = now_;
        node.deliveries.clear();
        node.links.clear();
        node.urgent_free = node.other_free = now_;
        node.tick_at.reset();
        node.gossip.emplace(plan_.gossip, random_.next(), now_);
        node.gossip->set_network_size(nodes_.size());
        plan_dial(index, below(Duration::milliseconds(500)));
    }

    void plan_churn(MonoTime begin, MonoTime end) {
        const std::uint64_t a_minute = plan_.nodes * plan_.churn_ppm_a_minute / 1'000'000;
        if (a_minute == 0) return;
        const Duration pause{60'000'000'000 / static_cast<std::int64_t>(a_minute)};
        for (MonoTime at = begin; at < end; at = at + pause)
            schedule(at, Event::What::leave, static_cast<std::uint32_t>(random_.below(nodes_.size())));
    }

    void run_until(MonoTime end) {
        while (!events_.empty() && events_.top().at <= end) {
            Event event = events_.top();
            events_.pop();
            now_ = event.at;
            ++result_.events;
            handle(event);
        }
        now_ = end;
    }

    void handle(Event& event) {
        switch (event.what) {
            case Event::What::frame:
                return take_frame(event);
            case Event::What::link_down:
                return link_down(event.node, event.other, event.epoch);
            case Event::What::tick:
                return tick(event);
            case Event::What::dial:
                return dial(event.node);
            case Event::What::accept:
                return accept(event);
            case Event::What::leave:
                return leave(event.node);
            case Event::What::come:
                if (!nodes_[event.node].up) start(event.node);
                return;
            case Event::What::broadcast:
                return broadcast(event.node);
        }
    }

    // Connections.

    void plan_dial(std::uint32_t index, Duration wait) {
        if (nodes_[index].dial_planned || !plan_.links.empty()) return;
        nodes_[index].dial_planned = true;
        schedule(now_ + wait, Event::What::dial, index);
    }

    Duration one_way(const Node& a, const Node& b) const {
        const auto dx = static_cast<double>(a.x - b.x), dy = static_cast<double>(a.y - b.y);
        const auto ms = std::sqrt(dx * dx + dy * dy) / 1'000.0 * static_cast<double>(plane_ms);
        return Duration::microseconds(2'000 + static_cast<std::int64_t>(ms * 1'000.0));
    }

    void dial(std::uint32_t index) {
        Node& node = nodes_[index];
        node.dial_planned = false;
        if (!node.up) return;
        auto outbound = static_cast<std::size_t>(std::count_if(
            node.links.begin(), node.links.end(), [](const auto& link) { return link.second.outbound; }));
        // In a small network everybody gets to know everybody.
        const std::size_t goal = plan_.nodes <= 2 * plan_.dials + 1 ? plan_.nodes - 1 : plan_.dials;
        for (std::size_t tries = 0; outbound < goal && tries < 4 * goal; ++tries) {
            const std::uint32_t other = reachable_[random_.below(reachable_.size())];
            if (other == index || node.links.contains(other) || !nodes_[other].up ||
                nodes_[other].links.size() >= plan_.connections_max)
                continue;
            connect(index, other);
            ++outbound;
        }
        if (outbound < goal && node.links.size() + 1 < plan_.nodes) plan_dial(index, redial_after);
    }

    void connect(std::uint32_t from, std::uint32_t to) {
        const Duration way = one_way(nodes_[from], nodes_[to]);
        const std::uint64_t epoch = ++epochs_;
        nodes_[from].links[to] = Link{epoch, way, true, now_};
        nodes_[to].links[from] = Link{epoch, way, false, now_};
        for (const auto& [self, peer] : {std::pair{from, to}, std::pair{to, from}}) {
            gossip::Outputs out;
            nodes_[self].gossip->peer_up(now(), peer_of(peer), true, way * 2, out);
            perform(self, std::move(out));
        }
    }

    void link_down(std::uint32_t index, std::uint32_t peer, std::uint64_t epoch) {
        Node& node = nodes_[index];
        const auto link = node.links.find(peer);
        if (!node.up || link == node.links.end() || link->second.epoch != epoch) return;
        node.links.erase(link);
        gossip::Outputs out;
        node.gossip->peer_down(now(), peer_of(peer), out);
        perform(index, std::move(out));
        plan_dial(index, below(redial_after));
    }

    void leave(std::uint32_t index) {
        Node& node = nodes_[index];
        if (!node.up) return;
        const bool says_so = random_.below(2) == 0;
        for (const auto& [peer, link] : node.links)
            schedule(now_ + (says_so ? link.one_way : silence_max), Event::What::link_down, peer, index,
                     link.epoch);
        node.up = false;
        node.links.clear();
        node.gossip.reset();
        schedule(now_ + Duration::seconds(5) + below(Duration::seconds(25)), Event::What::come, index);
    }

    // Frames.

    bool withheld(const Node& node, const OutgoingPayload& frame) const {
        return node.mute && frame.head[0] != gossip_link_kind && frame.head[0] != gossip_prune_kind;
    }

    void perform(std::uint32_t index, gossip::Outputs&& out) {
        Node& node = nodes_[index];
        for (gossip::Output& output : out) {
            if (auto* send = std::get_if<gossip::Send>(&output)) {
                if (!withheld(node, send->frame)) transmit(index, *send);
            } else if (const auto* deliver = std::get_if<gossip::Deliver>(&output)) {
                delivered(index, *deliver);
            } else if (const auto* violation = std::get_if<gossip::Violation>(&output)) {
                throw std::logic_error("an honest node broke a rule: " + violation->why);
            }
        }
        plan_tick(index);
    }

    void transmit(std::uint32_t index, gossip::Send& send) {
        Node& node = nodes_[index];
        const std::uint32_t to = index_of(send.peer);
        const auto link = node.links.find(to);
        if (link == node.links.end()) return;
        const std::size_t size = send.frame.size() + frame_overhead_bytes;
        bytes_ += size;
        if (random_.chance(plan_.loss_ppm)) return;
        const Duration writing{static_cast<std::int64_t>(size) * 1'000'000'000 / uplink_bytes_a_s};
        MonoTime free = std::max(now_, node.urgent_free);
        if (!send.urgent) free = std::max(free, node.other_free);
        free = free + writing;
        (send.urgent ? node.urgent_free : node.other_free) = free;
        const Duration jitter = below(Duration{link->second.one_way.ns / 5});
        const MonoTime arrival = std::max(free + link->second.one_way + jitter, link->second.last_arrival);
        if (send.urgent) link->second.last_arrival = arrival;
        events_.push({arrival,
                      ++sequence_,
                      Event::What::frame,
                      to,
                      index,
                      link->second.epoch,
                      {},
                      std::move(send.frame)});
    }

    void take_frame(Event& event) {
        Node& node = nodes_[event.node];
        const auto link = node.links.find(event.other);
        if (!node.up || link == node.links.end() || link->second.epoch != event.epoch) return;
        frame_.assign(event.payload.head.begin(), event.payload.head.begin() + event.payload.head_size);
        const ByteView body = event.payload.body.view();
        frame_.insert(frame_.end(), body.begin(), body.end());
        if (frame_.front() == gossip_push_kind) ++copies_[message_in(body)];
        gossip::Outputs out;
        node.gossip->receive(now(), peer_of(event.other), frame_, out);
        perform(event.node, std::move(out));
    }

    static std::uint32_t message_in(ByteView payload) {
        std::uint32_t message = 0;
        for (std::size_t i = 0; i < 4; ++i)
            message = message << 8 | payload[i];
        return message;
    }

    void delivered(std::uint32_t index, const gossip::Deliver& deliver) {
        const std::uint32_t message = message_in(deliver.payload.view());
        nodes_[index].deliveries.push_back({message, now_, deliver.hops, deliver.repaired});
        ++firsts_[message];
        result_.trace =
            (result_.trace ^ (std::uint64_t{index} << 32 | message) ^ static_cast<std::uint64_t>(now_.ns)) *
            0x9e3779b97f4a7c15U;
        Event event{now_ + verify_time, ++sequence_, Event::What::accept, index, 0, nodes_[index].life,
                    deliver.id,         {}};
        events_.push(std::move(event));
    }

    void accept(const Event& event) {
        Node& node = nodes_[event.node];
        if (!node.up || node.life != event.epoch) return;
        gossip::Outputs out;
        node.gossip->accept(now(), event.id, out);
        perform(event.node, std::move(out));
    }

    void broadcast(std::uint32_t message) {
        std::uint32_t origin = 0;
        do
            origin = static_cast<std::uint32_t>(random_.below(nodes_.size()));
        while (!nodes_[origin].up || nodes_[origin].mute);
        Bytes payload(plan_.payload_bytes);
        for (std::size_t i = 0; i < 4; ++i)
            payload[i] = static_cast<std::uint8_t>(message >> (24 - 8 * i));
        sent_at_[message] = now_;
        origins_[message] = origin;
        gossip::Outputs out;
        nodes_[origin].gossip->broadcast(now(), message_kind, SharedBytes(std::move(payload)), out);
        perform(origin, std::move(out));
    }

    void plan_tick(std::uint32_t index) {
        Node& node = nodes_[index];
        if (!node.up) return;
        const MonoTime due = std::max(node.gossip->next_due(), now_);
        if (node.tick_at && *node.tick_at <= due) return;
        node.tick_at = due;
        schedule(due, Event::What::tick, index, 0, node.life);
    }

    void tick(const Event& event) {
        Node& node = nodes_[event.node];
        if (!node.up || node.life != event.epoch || node.tick_at != event.at) return;
        node.tick_at.reset();
        gossip::Outputs out;
        node.gossip->tick(now(), out);
        perform(event.node, std::move(out));
    }

    void measure() {
        std::vector<Duration> times;
        const std::size_t first = plan_.warm_up_messages;
        result_.neighbours_min = nodes_.size();
        for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
            const Node& node = nodes_[i];
            if (!node.up || node.mute) continue;
            result_.links += node.links.size();
            result_.neighbours_min =
                std::min<std::uint64_t>(result_.neighbours_min, node.gossip->stats().neighbours);
            for (std::size_t m = first; m < sent_at_.size(); ++m)
                if (node.up_since + joined_for <= sent_at_[m] && origins_[m] != i) ++result_.expected;
            for (const Delivery& delivery : node.deliveries) {
                if (delivery.message < first || node.up_since + joined_for > sent_at_[delivery.message])
                    continue;
                if (delivery.repaired) {
                    ++result_.repaired;
                    continue;
                }
                ++result_.pushed;
                result_.hops_sum += delivery.hops;
                result_.hops_max = std::max<std::uint64_t>(result_.hops_max, delivery.hops);
                times.push_back(delivery.at - sent_at_[delivery.message]);
            }
        }
        for (std::size_t m = first; m < sent_at_.size(); ++m) {
            result_.copies += copies_[m];
            result_.delivered += firsts_[m];
        }
        if (!firsts_.empty() && firsts_[0] > 0)
            result_.first_message_copies_milli = copies_[0] * 1'000 / firsts_[0];
        result_.node_messages = nodes_.size() * plan_.messages;
        if (times.empty()) return;
        std::sort(times.begin(), times.end());
        result_.time_median = times[times.size() / 2];
        result_.time_99 = times[times.size() * 99 / 100];
        result_.time_max = times.back();
    }

    PeerSimPlan plan_;
    Random random_;
    MonoTime now_{1'000'000'000};
    std::uint64_t sequence_ = 0, epochs_ = 0, bytes_ = 0;
    std::vector<Node> nodes_;
    std::vector<std::uint32_t> reachable_;
    std::priority_queue<Event, std::vector<Event>, Later> events_;
    std::vector<MonoTime> sent_at_;
    std::vector<std::uint32_t> origins_;
    std::vector<std::uint64_t> copies_, firsts_;
    Bytes frame_;
    PeerSimResult result_;
};

}  // namespace

PeerSimResult run_peers(const PeerSimPlan& plan) {
    return PeerSim(plan).run();
}

}  // namespace peerbook::p2p::sim

#include "tests/unit/p2p/relay_web.h"

#include <algorithm>

#include "base/hash.h"

namespace peerbook::p2p::testing {

namespace {

constexpr std::uint8_t kind = 0x90;

KeySeed seed_of(std::string_view domain, std::uint64_t number) {
    KeySeed seed;
    seed.data = Hasher(domain).add_u64(number).finish().data;
    return seed;
}

}  // namespace

RelayWeb::RelayWeb(std::size_t nodes, std::string_view network)
    : network_(hash_of("test", as_bytes(network))), nodes_(nodes) {
    for (std::size_t i = 0; i < nodes; ++i) {
        nodes_[i].signer = make_ed25519_signer(seed_of("node", i));
        start(i);
    }
}

void RelayWeb::start(std::size_t node) {
    const auto process = static_cast<std::uint64_t>(++nodes_[node].processes);
    nodes_[node].relay = std::make_unique<Relay>(network_, *nodes_[node].signer, verifier_,
                                                 seed_of("process", node * 1'000 + process), now_.mono);
}

void RelayWeb::link(std::size_t a, std::size_t b) {
    for (const auto& [here, there] : {std::pair(a, b), std::pair(b, a)}) {
        relay::Outputs out;
        nodes_[here].links.insert(there);
        nodes_[here].relay->peer_up(now_, id(there), out);
        perform(here, std::move(out));
    }
    settle();
}

void RelayWeb::link_all_in_a_line() {
    for (std::size_t i = 0; i + 1 < nodes_.size(); ++i)
        link(i, i + 1);
}

void RelayWeb::send(std::size_t from, std::size_t to, std::string_view text, Duration lifetime) {
    const ByteView bytes = as_bytes(text);
    relay::Outputs out;
    nodes_[from].relay->send(now_, id(to), kind, SharedBytes(Bytes(bytes.begin(), bytes.end())), lifetime,
                             out);
    perform(from, std::move(out));
    settle();
}

void RelayWeb::restart(std::size_t node) {
    const std::set<std::size_t> links = nodes_[node].links;
    for (const std::size_t other : links)
        nodes_[other].relay->peer_down(id(node));
    std::erase_if(in_flight_, [node](const Frame& frame) { return frame.from == node || frame.to == node; });
    start(node);
    for (const std::size_t other : links)
        link(node, other);
}

void RelayWeb::settle() {
    while (!in_flight_.empty()) {
        Frame frame = std::move(in_flight_.front());
        in_flight_.pop_front();
        passed_.push_back(frame);
        if (!hand_(frame)) continue;
        relay::Outputs out;
        nodes_[frame.to].relay->receive(now_, id(frame.from), frame.bytes, out);
        perform(frame.to, std::move(out));
    }
}

void RelayWeb::advance(Duration span) {
    const MonoTime end = now_.mono + span;
    while (now_.mono < end) {
        now_ = {now_.mono + Duration::milliseconds(100), {now_.wall.ms + 100}};
        if (++steps_ % 2 == 0) {
            for (std::size_t i = 0; i < nodes_.size(); ++i) {
                relay::Outputs out;
                nodes_[i].relay->tick(now_, out);
                perform(i, std::move(out));
            }
        }
        settle();
    }
}

void RelayWeb::inject(std::size_t from, std::size_t to, const Bytes& frame) {
    relay::Outputs out;
    nodes_[to].relay->receive(now_, id(from), frame, out);
    perform(to, std::move(out));
    settle();
}

std::vector<std::string> RelayWeb::texts(std::size_t node) const {
    std::vector<std::string> all;
    for (const Received& one : nodes_[node].received)
        all.push_back(one.text);
    return all;
}

std::size_t RelayWeb::index_of(const PeerId& id) const {
    for (std::size_t i = 0; i < nodes_.size(); ++i)
        if (this->id(i) == id) return i;
    return nodes_.size();
}

void RelayWeb::perform(std::size_t node, relay::Outputs&& outputs) {
    for (relay::Output& output : outputs) {
        if (auto* send = std::get_if<relay::Send>(&output)) {
            Bytes bytes(send->frame.head.begin(), send->frame.head.begin() + send->frame.head_size);
            const ByteView body = send->frame.body.view();
            bytes.insert(bytes.end(), body.begin(), body.end());
            in_flight_.push_back({node, index_of(send->peer), std::move(bytes)});
        } else if (auto* deliver = std::get_if<relay::Deliver>(&output)) {
            nodes_[node].received.push_back(
                {index_of(deliver->from), std::string(as_text(deliver->payload.view()))});
        } else if (auto* lost = std::get_if<relay::Undeliverable>(&output)) {
            nodes_[node].lost.push_back(lost->why);
        } else if (auto* violation = std::get_if<relay::Violation>(&output)) {
            nodes_[node].violations.push_back(std::to_string(index_of(violation->peer)) + " " +
                                              std::to_string(violation->points) + " " + violation->why);
        }
    }
}

}  // namespace peerbook::p2p::testing

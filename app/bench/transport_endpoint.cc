#include "app/bench/transport_endpoint.h"

#include <pthread.h>

#include <ctime>

#include "base/random.h"
#include "base/system_clock.h"

namespace peerbook::app {

namespace {

// Above what any machine delivers, and low enough for the bucket's arithmetic.
constexpr p2p::TokenBucket::Rate unlimited{std::int64_t{1} << 40, std::int64_t{1} << 50};

KeySeed random_seed() {
    KeySeed seed;
    fill_with_system_random(seed.data);
    return seed;
}

}  // namespace

TransportEndpoint::TransportEndpoint(const Options& options)
    : options_(options),
      work_(boost::asio::make_work_guard(io_)),
      signer_(make_ed25519_signer(random_seed())),
      router_(system_random_word()) {
    local_.agent = "bench";
}

Result<std::unique_ptr<TransportEndpoint>> TransportEndpoint::open(const Options& options) {
    std::unique_ptr<TransportEndpoint> made(new TransportEndpoint(options));
    Result<p2p::TransportIdentity> identity = p2p::make_transport_identity("");
    if (!identity) return identity.error();
    made->identity_ = std::move(*identity);
    p2p::DirectConnections::Options listen;
    listen.listen_host = "127.0.0.1";
    listen.plain_tcp = options.plain_tcp;
    listen.received_rate = unlimited;
    auto connections = p2p::DirectConnections::listen(made->io_, listen, made->identity_, *made);
    if (!connections) return connections.error();
    made->connections_ = std::move(*connections);
    made->thread_ = std::thread([io = &made->io_] { io->run(); });
    return made;
}

TransportEndpoint::~TransportEndpoint() {
    if (!thread_.joinable()) return;
    run([this] { connections_->stop(); });
    io_.stop();
    thread_.join();
}

double TransportEndpoint::cpu_seconds() const {
    clockid_t clock;
    timespec time{};
    auto& thread = const_cast<std::thread&>(thread_);
    if (pthread_getcpuclockid(thread.native_handle(), &clock) != 0 || clock_gettime(clock, &time) != 0)
        return 0;
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

p2p::ConnectionId TransportEndpoint::dial(std::uint16_t port) {
    const p2p::ConnectionId id(++last_id_);
    peers_.emplace(id, Peer{p2p::Direction::outbound});
    connections_->dial(id, {"127.0.0.1", port});
    return id;
}

void TransportEndpoint::send(p2p::ConnectionId id, std::uint8_t kind, const SharedBytes& body) {
    (void)connections_->send_data(id, mono_now(), p2p::plain_payload(kind, body));
}

void TransportEndpoint::close(p2p::ConnectionId id) {
    peers_.erase(id);
    connections_->close(id);
}

void TransportEndpoint::close_all() {
    while (!peers_.empty())
        close(peers_.begin()->first);
}

std::optional<p2p::ConnectionId> TransportEndpoint::on_accepted(const p2p::PeerAddress&) {
    const p2p::ConnectionId id(++last_id_);
    peers_.emplace(id, Peer{p2p::Direction::inbound});
    return id;
}

void TransportEndpoint::on_ready(p2p::ConnectionId id, const p2p::PeerAddress&,
                                 const p2p::ChannelBinding& binding) {
    const auto found = peers_.find(id);
    if (found == peers_.end()) return;
    if (options_.depth == EndpointDepth::transport) {
        connections_->authenticated(id, false);
        if (hooks.ready) hooks.ready(id);
        return;
    }
    const Now now = SystemClock().now();
    p2p::Challenge challenge;
    fill_with_system_random(challenge.data);
    found->second.session.emplace(
        p2p::PeerSession::Setup{local_, *signer_, verifier_, router_, found->second.direction, binding,
                                challenge, now.mono},
        now);
    perform(id, found->second.session->start(now));
}

void TransportEndpoint::perform(p2p::ConnectionId id, p2p::SessionOutput&& output) {
    for (p2p::OutgoingPayload& payload : output.send)
        (void)connections_->send_control(id, std::move(payload));
    if (output.close) return on_broken(id, *output.close, false);
    if (!output.authenticated) return;
    connections_->authenticated(id, false);
    if (hooks.ready) hooks.ready(id);
}

void TransportEndpoint::on_frame(p2p::ConnectionId id, ByteView payload) {
    if (options_.depth == EndpointDepth::peers && payload.front() == '{') {
        const auto found = peers_.find(id);
        if (found == peers_.end() || !found->second.session) return;
        return perform(id, found->second.session->receive(SystemClock().now(), payload));
    }
    if (hooks.frame) hooks.frame(id, payload);
}

void TransportEndpoint::on_broken(p2p::ConnectionId id, const std::string&, bool) {
    close(id);
    if (hooks.broken) hooks.broken(id);
}

}  // namespace peerbook::app

#include "p2p/transport/direct_connections.h"

#include <unistd.h>

#include <chrono>
#include <vector>

#include "p2p/transport/connection.h"

namespace peerbook::p2p {

namespace asio = boost::asio;
using boost::system::error_code;
using tcp = asio::ip::tcp;

namespace {

constexpr auto accept_pause =
    std::chrono::milliseconds(200);                       // after an error such as no file descriptors left
constexpr auto sweep_interval = std::chrono::seconds(1);  // of connections that may be idle

class AsioConnections final : public DirectConnections {
  public:
    AsioConnections(asio::io_context& io, const Options& options, const TransportIdentity& identity,
                    DirectConnectionsEvents& events)
        : io_(io),
          acceptor_(io),
          accept_timer_(io),
          sweep_timer_(io),
          options_(options),
          compressor_(options.compressed_kinds),
          identity_(&identity),
          events_(events),
          alive_(std::make_shared<bool>(true)) {}

    ~AsioConnections() override { stop(); }

    Status open() {
        if (!options_.listens) return {};
        error_code code;
        const std::string host = options_.listen_host == "localhost" ? "127.0.0.1" : options_.listen_host;
        const asio::ip::address address = asio::ip::make_address(host, code);
        if (code)
            return Error{ErrorCode::invalid_input, "listen host '" + options_.listen_host +
                                                       "' is not an address literal such as 0.0.0.0"};
        const tcp::endpoint endpoint(address, options_.listen_port);
        acceptor_.open(endpoint.protocol(), code);
        if (!code) acceptor_.set_option(tcp::acceptor::reuse_address(true), code);
        if (!code) acceptor_.bind(endpoint, code);
        if (!code) acceptor_.listen(asio::socket_base::max_listen_connections, code);
        const std::string where = host + " port " + std::to_string(options_.listen_port);
        if (code == asio::error::address_in_use)
            return Error{ErrorCode::conflict, "peer port in use: another process listens on " + where +
                                                  "; choose another with --p2p-port"};
        if (code) return Error{ErrorCode::io, "cannot listen for peers on " + where + ": " + code.message()};
        port_ = acceptor_.local_endpoint(code).port();
        accept();
        return {};
    }

    std::uint16_t port() const override { return port_; }

    void dial(ConnectionId id, const PeerAddress& address) override {
        make(id, Direction::outbound)->dial(address);
    }

    Status attach(ConnectionId id, Direction direction, const PeerAddress& remote, int socket) override {
        tcp::socket owned(io_);
        error_code code;
        // Not a TCP socket, and used like one: for reading, writing and closing alone.
        owned.assign(tcp::v4(), socket, code);
        if (code) {
            ::close(socket);
            return Error{ErrorCode::io, "cannot use a carried connection's socket: " + code.message()};
        }
        add(id, make_tls_channel(*identity_, direction))->attach(std::move(owned), remote);
        return {};
    }

    void authenticated(ConnectionId id, bool expands) override {
        if (const auto connection = find(id))
            connection->authenticated(expands, options_.compressed_kinds.empty() ? nullptr : &expander_);
    }

    SendQueue::Outcome send_control(ConnectionId id, OutgoingPayload payload) override {
        const auto connection = find(id);
        return connection ? connection->send_control(std::move(payload)) : SendQueue::Outcome::refused;
    }

    SendQueue::Outcome send_data(ConnectionId id, MonoTime now, OutgoingPayload payload) override {
        const auto connection = find(id);
        if (!connection) return SendQueue::Outcome::refused;
        if (!connection->peer_expands()) return connection->send_data(now, std::move(payload));
        const std::size_t bytes = payload.size();
        OutgoingPayload made = compressor_.compressed(std::move(payload));
        const std::size_t saved = bytes - made.size();
        const SendQueue::Outcome outcome = connection->send_data(now, std::move(made));
        if (outcome == SendQueue::Outcome::queued) connection->count_saved(saved);
        return outcome;
    }

    void close(ConnectionId id) override {
        const auto connection = remove(id);
        if (!connection) return;
        std::erase_if(lingering_, [](const auto& ended) { return ended.expired(); });
        if (lingering_.size() >= lingering_max) return connection->close_now();
        lingering_.push_back(connection);
        connection->close();
    }

    ConnectionCounters counters(ConnectionId id) const override {
        const auto connection = find(id);
        return connection ? connection->counters() : ConnectionCounters{};
    }

    std::size_t queued_bytes(ConnectionId id) const override {
        const auto connection = find(id);
        return connection ? connection->queued_bytes() : 0;
    }

    ConnectionCounters total() const override {
        ConnectionCounters sum = ended_;
        for (const auto& [id, connection] : connections_)
            add(sum, connection->counters());
        return sum;
    }

    void set_identity(const TransportIdentity& identity) override { identity_ = &identity; }

    void stop() override {
        *alive_ = false;
        error_code code;
        acceptor_.close(code);
        accept_timer_.cancel();
        sweep_timer_.cancel();
        for (const auto& [id, connection] : connections_) {
            connection->close_now();
            add(ended_, connection->counters());
        }
        connections_.clear();
    }

  private:
    static void add(ConnectionCounters& sum, const ConnectionCounters& counters) {
        sum.frames_in += counters.frames_in;
        sum.frames_out += counters.frames_out;
        sum.bytes_in += counters.bytes_in;
        sum.bytes_out += counters.bytes_out;
        sum.saved_in += counters.saved_in;
        sum.saved_out += counters.saved_out;
    }

    std::shared_ptr<Connection> find(ConnectionId id) const {
        const auto found = connections_.find(id);
        return found == connections_.end() ? nullptr : found->second;
    }

    std::shared_ptr<Connection> remove(ConnectionId id) {
        const auto found = connections_.find(id);
        if (found == connections_.end()) return nullptr;
        auto connection = std::move(found->second);
        connections_.erase(found);
        add(ended_, connection->counters());
        return connection;
    }

    std::shared_ptr<Connection> make(ConnectionId id, Direction direction) {
        return add(id, options_.plain_tcp ? make_plain_channel() : make_tls_channel(*identity_, direction));
    }

    std::shared_ptr<Connection> add(ConnectionId id, std::unique_ptr<Channel> channel) {
        auto connection =
            std::make_shared<Connection>(io_, id, std::move(channel), options_.received_rate, events_);
        connections_.emplace(id, connection);
        if (!std::exchange(is_sweeping_, true)) sweep_later();
        return connection;
    }

    // Goes on while there are connections.
    void sweep_later() {
        sweep_timer_.expires_after(sweep_interval);
        sweep_timer_.async_wait([this, alive = alive_](error_code) {
            if (!*alive) return;
            bool all_idle = true;
            for (const auto& [id, connection] : connections_)
                all_idle = connection->sweep() && all_idle;
            if (all_idle) {
                compressor_.release();
                expander_.release();
            }
            is_sweeping_ = !connections_.empty();
            if (is_sweeping_) sweep_later();
        });
    }

    void accept() {
        acceptor_.async_accept([this, alive = alive_](error_code error, tcp::socket socket) {
            if (!*alive) return;
            if (error == asio::error::operation_aborted) return;
            if (error && error != asio::error::connection_aborted) {
                events_.on_listen_error(error.message());
                accept_timer_.expires_after(accept_pause);
                accept_timer_.async_wait([this, alive](error_code) {
                    if (*alive) accept();
                });
                return;
            }
            if (!error) accepted(std::move(socket));
            if (*alive) accept();
        });
    }

    void accepted(tcp::socket socket) {
        error_code code;
        const tcp::endpoint endpoint = socket.remote_endpoint(code);
        if (code) return;
        asio::ip::address address = endpoint.address();
        if (address.is_v6() && address.to_v6().is_v4_mapped())
            address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
        const auto id = events_.on_accepted({address.to_string(), endpoint.port()});
        if (id) make(*id, Direction::inbound)->accept(std::move(socket));
    }

    asio::io_context& io_;
    tcp::acceptor acceptor_;
    asio::steady_timer accept_timer_, sweep_timer_;
    Options options_;
    Compressor compressor_;
    Expander expander_;  // for all: what it gives is used up before the next frame
    const TransportIdentity* identity_;
    DirectConnectionsEvents& events_;
    std::shared_ptr<bool> alive_;
    std::uint16_t port_ = 0;
    bool is_sweeping_ = false;
    std::map<ConnectionId, std::shared_ptr<Connection>> connections_;
    std::vector<std::weak_ptr<Connection>> lingering_;  // closed, but not gone yet
    ConnectionCounters ended_;
};

}  // namespace

Result<std::unique_ptr<DirectConnections>> DirectConnections::listen(asio::io_context& io,
                                                                     const Options& options,
                                                                     const TransportIdentity& identity,
                                                                     DirectConnectionsEvents& events) {
    auto made = std::make_unique<AsioConnections>(io, options, identity, events);
    if (Status status = made->open(); !status.ok()) return status.error();
    return std::unique_ptr<DirectConnections>(std::move(made));
}

}  // namespace peerbook::p2p

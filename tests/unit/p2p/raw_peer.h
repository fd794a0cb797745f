// What stands at the other end of a connection in tests of the network, or between the ends, and is no node.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include "p2p/transport/certificates.h"
#include "p2p/transport/connection.h"
#include "p2p/transport/tls_channel.h"
#include "p2p/wire/frame.h"
#include "p2p/wire/handshake.h"
#include "p2p/wire/message.h"

namespace peerbook::p2p {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

// Somebody who speaks TLS, and above it whatever the test says. Never blocks: pump() does what can be done
// now.
class RawPeer {
  public:
    RawPeer(asio::io_context& io, std::uint16_t port, bool tls = true)
        : socket_(io),
          identity_(make_transport_identity("").value()),
          channel_(tls ? make_tls_channel(identity_, Direction::outbound) : make_plain_channel()) {
        socket_.connect({asio::ip::make_address("127.0.0.1"), port});
        socket_.non_blocking(true);
    }

    void pump() {
        boost::system::error_code code;
        if (!ready_) {
            const auto done = channel_->handshake();
            if (!done) closed_ = true;
            if (done && *done) ready_ = true;
        }
        while (ready_ && !unsent_.empty()) {
            const auto written = channel_->write(unsent_);
            if (!written || *written == 0) break;
            unsent_.erase(unsent_.begin(), unsent_.begin() + static_cast<std::ptrdiff_t>(*written));
        }
        for (ByteView out = channel_->output(); !out.empty(); out = channel_->output()) {
            const std::size_t size = socket_.write_some(asio::buffer(out.data(), out.size()), code);
            if (code) break;
            channel_->output_consume(size);
        }
        if (!reads_) return;
        const auto space = channel_->input_space();
        const std::size_t size = socket_.read_some(asio::buffer(space.data(), space.size()), code);
        if (code && code != asio::error::would_block) closed_ = true;
        if (!code) channel_->input_commit(size);
        while (ready_) {
            const auto room = reader_.space(16 * 1024);
            const auto read = channel_->read(room);
            if (!read) closed_ = true;
            if (!read || *read == 0) break;
            reader_.commit(*read);
            while (const auto payload = reader_.next())
                received_.emplace_back(payload->begin(), payload->end());
        }
    }

    void send_raw(ByteView bytes) { unsent_.insert(unsent_.end(), bytes.begin(), bytes.end()); }
    void send_frame(ByteView payload) {
        send_raw(frame_header(payload.size()));
        send_raw(payload);
    }
    void stop_reading() { reads_ = false; }
    void read_again() { reads_ = true; }
    bool ready() const { return ready_; }
    bool closed() const { return closed_; }
    Channel& channel() { return *channel_; }
    const std::vector<Bytes>& received() const { return received_; }
    // The reason of the goodbye, if there was one.
    std::string goodbye() const {
        for (const Bytes& payload : received_) {
            const auto message = parse_control(payload);
            if (!message) continue;
            if (const auto* goodbye = std::get_if<Goodbye>(&message->body)) return goodbye->reason;
        }
        return {};
    }

  private:
    tcp::socket socket_;
    TransportIdentity identity_;
    std::unique_ptr<Channel> channel_;
    FrameReader reader_{frame_bytes_max};
    Bytes unsent_;
    std::vector<Bytes> received_;
    bool ready_ = false, closed_ = false, reads_ = true;
};

// Takes nothing in and gives nothing out, from the first input until some output is consumed.
class StallingChannel final : public Channel {
  public:
    std::span<std::uint8_t> input_space() override {
        return stalls_ ? std::span<std::uint8_t>() : plain_->input_space();
    }
    void input_commit(std::size_t bytes) override {
        stalls_ = !has_stalled_;
        has_stalled_ = true;
        plain_->input_commit(bytes);
    }
    ByteView output() override { return plain_->output(); }
    void output_consume(std::size_t bytes) override {
        stalls_ = false;
        plain_->output_consume(bytes);
    }
    Result<bool> handshake() override { return true; }
    Result<std::size_t> read(std::span<std::uint8_t> out) override {
        waits_ = stalls_;
        return stalls_ ? Result<std::size_t>(std::size_t{0}) : plain_->read(out);
    }
    bool waits_for_output() const override { return waits_; }
    Result<std::size_t> write(ByteView bytes) override { return plain_->write(bytes); }
    Result<ChannelBinding> binding() const override { return ChannelBinding{}; }
    void release() override { plain_->release(); }

  private:
    std::unique_ptr<Channel> plain_ = make_plain_channel();
    bool stalls_ = false, has_stalled_ = false, waits_ = false;
};

// Carries bytes between those who connect to it and a port, and damages them when told to.
class PortRelay {
  public:
    PortRelay(asio::io_context& io, std::uint16_t target)
        : io_(io), acceptor_(io, {asio::ip::make_address("127.0.0.1"), 0}), target_(target) {
        accept();
    }
    std::string address() const { return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }
    // Flips a bit of the next bytes that go to the target.
    void damage_next() { damages_next_ = true; }

  private:
    struct Pair {
        explicit Pair(asio::io_context& io) : sockets{tcp::socket(io), tcp::socket(io)} {}
        tcp::socket sockets[2];
        std::array<char, 65536> buffers[2];
    };
    void accept() {
        auto pair = std::make_shared<Pair>(io_);
        acceptor_.async_accept(pair->sockets[0], [this, pair](boost::system::error_code error) {
            if (error) return;
            pair->sockets[1].connect({asio::ip::make_address("127.0.0.1"), target_});
            carry(pair, 0);
            carry(pair, 1);
            accept();
        });
    }
    void carry(const std::shared_ptr<Pair>& pair, int from) {
        auto& buffer = pair->buffers[from];
        pair->sockets[from].async_read_some(
            asio::buffer(buffer),
            [this, pair, from, &buffer](boost::system::error_code error, std::size_t bytes) {
                boost::system::error_code code;
                if (error) {
                    pair->sockets[1 - from].close(code);
                    return;
                }
                if (from == 0 && std::exchange(damages_next_, false)) buffer[bytes - 1] ^= 1;
                asio::write(pair->sockets[1 - from], asio::buffer(buffer, bytes), code);
                if (!code) carry(pair, from);
            });
    }

    asio::io_context& io_;
    tcp::acceptor acceptor_;
    std::uint16_t target_;
    bool damages_next_ = false;
};

}  // namespace peerbook::p2p

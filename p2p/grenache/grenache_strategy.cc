#include "p2p/grenache/grenache_strategy.h"

#include <utility>

#include <boost/asio/io_context.hpp>

#include "base/random.h"
#include "p2p/dht/service_name.h"
#include "p2p/grenache/grape_wire.h"
#include "p2p/grenache/rpc_wire.h"
#include "p2p/peers/address_book.h"
#include "p2p/peers/ip_address.h"
#include "p2p/transport/http_call.h"

namespace peerbook::p2p {

namespace asio = boost::asio;

namespace {

class GrenacheStrategy final : public DiscoveryStrategy {
  public:
    // `is_rpc`: it is not connections that are offered at identity.port.
    GrenacheStrategy(asio::io_context& io, DiscoveryIdentity identity, std::string url, bool is_rpc)
        : io_(io),
          identity_(std::move(identity)),
          outside_port_(identity_.port),
          url_(std::move(url)),
          service_(is_rpc ? rpc_service_name(identity_.network) : service_name(identity_.network)),
          is_rpc_(is_rpc) {}

    ~GrenacheStrategy() override { stop(); }

    std::string_view name() const override { return is_rpc_ ? found_by::carried : "grenache"; }

    Status start(Found found) override {
        Result<PeerAddress> grape = parse_grape_url(url_);
        if (!grape) return grape.error();
        grape_ = std::move(*grape);
        found_ = std::move(found);
        return {};
    }

    void search(Done done) override {
        done_ = std::move(done);
        if (identity_.broadcast && outside_port_ != 0)
            announce();
        else
            lookup();
    }

    // The gateway maps the port for connections alone.
    void set_outside_port(std::uint16_t port) override {
        if (!is_rpc_) outside_port_ = port;
    }
    void set_broadcast(bool broadcast) override { identity_.broadcast = broadcast; }

    // What was announced is forgotten by the Grape within minutes; it has no call to take it back.
    void stop() override {
        if (call_) call_->cancel();
        call_.reset();
        done_ = nullptr;
        found_ = nullptr;
    }

  private:
    // Looked up is in any case: a Grape that knows no other node cannot announce, and may know somebody.
    void announce() {
        ask(grape_announce_path, grape_announce_body(question_id(), service_, outside_port_),
            [this](const Result<HttpAnswer>& answer) {
                failure_ = answer ? read_grape_announce(answer->status, answer->body) : answer.error();
                if (!answer) return end();
                lookup();
            });
    }

    void lookup() {
        ask(grape_lookup_path, grape_lookup_body(question_id(), service_),
            [this](const Result<HttpAnswer>& answer) {
                if (!answer) {
                    failure_ = answer.error();
                    return end();
                }
                const auto found = read_grape_lookup(answer->status, answer->body);
                if (!found) {
                    failure_ = found.error();
                    return end();
                }
                for (const PeerAddress& address : *found)
                    if (found_ && is_of_interest(address, answer->remote)) found_(address);
                end();
            });
    }

    // The loopback interface of another host is not ours. `teller`: where the Grape was reached, a literal.
    bool is_of_interest(const PeerAddress& address, const std::string& teller) const {
        if (is_rpc_ && !may_pass(address.host, teller)) return false;
        if (!is_loopback_host(address.host)) return true;
        return is_loopback_host(grape_.host) && address.port != identity_.port;
    }

    void ask(std::string_view path, std::string body, HttpCall::Done done) {
        HttpQuestion question;
        question.server = grape_;
        question.target = path;
        question.body = std::move(body);
        question.answer_bytes_max = grape_body_bytes_max;
        question.time_max = grape_call_time_max;
        call_ = begin_http_call(
            io_, std::move(question),
            [where = "Grape " + to_string(grape_), done = std::move(done)](Result<HttpAnswer> answer) {
                done(answer ? std::move(answer) : answer.error().within(where));
            });
    }

    void end() {
        const Status status = std::exchange(failure_, Status());
        if (!done_) return;
        const Done done = std::exchange(done_, nullptr);
        done(status);
    }

    // A random UUID (version 4).
    static std::string question_id() {
        std::array<std::uint8_t, 16> bytes{};
        fill_with_system_random(std::span(bytes));
        bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | 0x40);
        bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);
        const std::string digits = to_hex(bytes);
        return digits.substr(0, 8) + "-" + digits.substr(8, 4) + "-" + digits.substr(12, 4) + "-" +
               digits.substr(16, 4) + "-" + digits.substr(20);
    }

    asio::io_context& io_;
    DiscoveryIdentity identity_;
    std::uint16_t outside_port_;  // announced; 0: nothing is
    std::string url_;
    std::string service_;
    bool is_rpc_;
    PeerAddress grape_;
    Found found_;
    Done done_;
    Status failure_;
    std::shared_ptr<HttpCall> call_;
};

}  // namespace

std::unique_ptr<DiscoveryStrategy> make_grenache_strategy(asio::io_context& io, DiscoveryIdentity identity,
                                                          std::string url) {
    return std::make_unique<GrenacheStrategy>(io, std::move(identity), std::move(url), false);
}

std::unique_ptr<DiscoveryStrategy> make_grenache_rpc_strategy(asio::io_context& io,
                                                              DiscoveryIdentity identity, std::string url,
                                                              std::uint16_t port) {
    identity.port = port;
    return std::make_unique<GrenacheStrategy>(io, std::move(identity), std::move(url), true);
}

}  // namespace peerbook::p2p

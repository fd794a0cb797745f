#include "p2p/registry/registry_strategy.h"

#include <utility>

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/log.h"
#include "p2p/registry/registry_wire.h"
#include "p2p/transport/http_call.h"

namespace peerbook::p2p {

namespace asio = boost::asio;

namespace {

constexpr const char* subsystem = "p2p";

class RegistryStrategy final : public DiscoveryStrategy {
  public:
    RegistryStrategy(asio::io_context& io, DiscoveryIdentity identity, const Signer& signer,
                     const Clock& clock, RegistryClientOptions options)
        : io_(io),
          identity_(std::move(identity)),
          outside_port_(identity_.port),
          signer_(signer),
          clock_(clock),
          options_(std::move(options)) {
        Result<PeerAddress> server = parse_registry_url(options_.url);
        if (server) server_ = *server;
        name_ = "registry@" + (server ? to_string(server_) : options_.url);
    }

    ~RegistryStrategy() override { stop(); }

    std::string_view name() const override { return name_; }

    Status start(Found found) override {
        if (Result<PeerAddress> server = parse_registry_url(options_.url); !server) return server.error();
        found_ = std::move(found);
        return {};
    }

    void set_outside_port(std::uint16_t port) override { outside_port_ = port; }

    void set_broadcast(bool broadcast) override { identity_.broadcast = broadcast; }

    void search(Done done) override {
        done_ = std::move(done);
        failure_ = Status();
        has_corrected_ = false;
        if (is_registered_ && (!identity_.broadcast || port_seen_at(seen_) == 0))
            withdraw();
        else if (identity_.broadcast && !seen_.empty() && port_seen_at(seen_) != 0)
            enter();
        else
            discover();
    }

    void stop() override {
        if (call_) call_->cancel();
        call_.reset();
        done_ = nullptr;
        found_ = nullptr;
        if (std::exchange(is_registered_, false)) say_farewell();
    }

  private:
    // Who may announce itself asks first: the answer says how this node is seen.
    void discover() {
        ask(std::string(registry_discover_path) + "?network=" + to_hex(identity_.network), "",
            [this](const HttpAnswer& answer) {
                const auto reply = read_registry_reply(answer.status, answer.body, identity_.network);
                if (!reply) return end(reply.error());
                take(*reply, answer);
                if (!failure_.ok() || !may_enter(answer, reply->you)) return end(failure_);
                enter();
            });
    }

    // Nobody on the internet reaches this node any more.
    void withdraw() {
        ask(std::string(registry_unregister_path), write_withdrawal(withdrawal()), [this](const HttpAnswer&) {
            is_registered_ = false;
            discover();
        });
    }

    RegistryWithdrawal withdrawal() {
        RegistryWithdrawal made{identity_.network, identity_.id, next_time(), {}};
        made.signature = signer_.sign(signed_part(made));
        return made;
    }

    void enter() {
        RegistryEntry entry;
        entry.network = identity_.network;
        entry.node = identity_.id;
        entry.address = {seen_, port_seen_at(seen_)};
        entry.time = next_time();
        entry.expires = {entry.time.ms + registry_entry_time_max.ms()};
        entry.signature = signer_.sign(signed_part(entry));
        ask(std::string(registry_register_path), write_registration(entry), [this](const HttpAnswer& answer) {
            if (const auto you = read_wrong_address(answer.status, answer.body)) {
                const bool is_again = std::exchange(has_corrected_, true);
                seen_.clear();
                if (!is_again && may_enter(answer, *you)) return enter();
            }
            const auto reply = read_registry_reply(answer.status, answer.body, identity_.network);
            if (!reply) return refused(reply.error());
            is_registered_ = true;
            registered_at_ = answer.remote;
            take(*reply, answer);
            end({});
        });
    }

    // Others are asked for in any case.
    void refused(const Error& why) {
        failure_ = why;
        seen_.clear();
        discover();
    }

    // Whether to register as seen, and then where.
    bool may_enter(const HttpAnswer& answer, const std::string& you) {
        if (!identity_.broadcast || port_seen_at(you) == 0) return false;
        if (!listens_at(options_.listen_host, answer.local)) {
            if (!std::exchange(has_said_, true))
                log_info(subsystem, "strategy=" + name_ + " is asked only: it is reached from " +
                                        answer.local + ", where this node does not listen");
            return false;
        }
        if (!may_be_seen_at(answer.local, you)) {
            failure_ = Error{ErrorCode::corrupt, "says that this node is at " + you +
                                                     ", which cannot be seen from " + answer.local};
            return false;
        }
        seen_ = you;
        return true;
    }

    std::uint16_t port_seen_at(const std::string& host) const {
        return port_reached_at(host, identity_.port, outside_port_);
    }

    void take(const RegistryReply& reply, const HttpAnswer& answer) {
        const WallTime now = clock_.now().wall;
        for (const RegistryEntry& entry : reply.nodes) {
            if (!found_) return;
            if (entry.node == identity_.id || entry.expires <= now) continue;
            if (may_pass(entry.address.host, answer.remote) && is_genuine(entry, verifier_))
                found_(entry.address);
        }
    }

    // Later than the last one, whatever the clock does.
    WallTime next_time() {
        last_time_.ms = std::max(last_time_.ms + 1, clock_.now().wall.ms);
        return last_time_;
    }

    template <typename Then>
    void ask(std::string target, std::string body, Then then) {
        HttpQuestion question;
        question.server = server_;
        question.target = std::move(target);
        question.body = std::move(body);
        question.answer_bytes_max = registry_reply_bytes_max;
        call_ = begin_http_call(io_, std::move(question),
                                [this, then = std::move(then)](const Result<HttpAnswer>& answer) {
                                    if (!answer) return end(answer.error());
                                    then(*answer);
                                });
    }

    void end(const Status& status) {
        if (!done_) return;
        const Done done = std::exchange(done_, nullptr);
        done(status.ok() ? status : status.error().within("registry " + to_string(server_)));
    }

    // To the address that took the registration, so that no name has to be resolved. Whoever was not reached
    // in time forgets this node after an hour.
    void say_farewell() {
        HttpQuestion question;
        question.server = {registered_at_, server_.port};
        question.host_header = to_string(server_);
        question.target = registry_unregister_path;
        question.body = write_withdrawal(withdrawal());
        question.time_max = registry_farewell_time_max;
        farewell_ = std::jthread([question = std::move(question), name = name_] {
            asio::io_context io{1};
            const auto call = begin_http_call(io, question, [&name](const Result<HttpAnswer>& answer) {
                const std::string why = !answer                 ? answer.error().message
                                        : answer->status != 200 ? "status " + std::to_string(answer->status)
                                                                : "";
                if (!why.empty())
                    log_info(subsystem, "strategy=" + name +
                                            " still lists this node, for an hour at most reason=\"" + why +
                                            "\"");
            });
            io.run_for(std::chrono::nanoseconds(2 * registry_farewell_time_max.ns));
        });
    }

    asio::io_context& io_;
    DiscoveryIdentity identity_;
    std::uint16_t outside_port_;
    const Signer& signer_;
    const Clock& clock_;
    const RegistryClientOptions options_;
    const Ed25519Verifier verifier_;
    PeerAddress server_;
    std::string name_;
    Found found_;
    Done done_;
    Status failure_;    // of the search under way
    std::string seen_;  // the literal to register; empty: to be asked for
    bool has_corrected_ = false, has_said_ = false;
    bool is_registered_ = false;
    std::string registered_at_;  // the registry's address literal
    WallTime last_time_;
    std::shared_ptr<HttpCall> call_;
    std::jthread farewell_;
};

}  // namespace

std::unique_ptr<DiscoveryStrategy> make_registry_strategy(asio::io_context& io, DiscoveryIdentity identity,
                                                          const Signer& signer, const Clock& clock,
                                                          RegistryClientOptions options) {
    return std::make_unique<RegistryStrategy>(io, std::move(identity), signer, clock, std::move(options));
}

}  // namespace peerbook::p2p

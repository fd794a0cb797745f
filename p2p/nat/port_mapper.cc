#include "p2p/nat/port_mapper.h"

#include <pthread.h>
#include <signal.h>

#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "base/log.h"
#include "base/random.h"
#include "base/system_clock.h"
#include "p2p/nat/lease_schedule.h"
#include "p2p/nat/port_gateway.h"
#include "p2p/peers/ip_address.h"
#include "p2p/wire/message.h"

namespace peerbook::p2p {

namespace asio = boost::asio;

namespace {

constexpr const char* subsystem = "nat";
constexpr std::chrono::milliseconds stop_wait(2000);

// Lives as long as the longer of the mapper and the thread. What both touch is under the mutex; the rest is
// the thread's.
class Worker {
  public:
    using Changed = std::function<void(const PortMapper::State&)>;  // on the io_context's thread

    Worker(asio::io_context& io, PortMapper::Options options, Changed changed)
        : options_(std::move(options)),
          schedule_(mono_now()),
          random_(system_random_word()),
          io_(&io),
          changed_(std::move(changed)) {
        const auto stops = [this] {
            const std::lock_guard lock(mutex_);
            return stop_requested_ || !wanted_;
        };
        if (options_.gateways) {
            gateways_ = options_.gateways(stops);
            return;
        }
        if (options_.way != NatWay::upnp) gateways_.push_back(make_natpmp_gateway(stops));
        if (options_.way != NatWay::nat_pmp) gateways_.push_back(make_upnp_gateway(stops));
    }

    // --- on the io_context's thread ---

    void set_wanted(bool wanted) {
        const std::lock_guard lock(mutex_);
        wanted_ = wanted;
        wake_.notify_all();
    }

    // True if the thread has ended.
    bool request_stop() {
        std::unique_lock lock(mutex_);
        stop_requested_ = true;
        io_ = nullptr;
        wake_.notify_all();
        const bool has_ended = wake_.wait_for(lock, stop_wait, [this] { return has_ended_; });
        is_left_alone_ = !has_ended;
        return has_ended;
    }

    // --- the thread ---

    void run() {
        while (!wait_until_due())
            is_wanted_ ? attempt() : give_up();
        give_back();
        const std::lock_guard lock(mutex_);
        has_ended_ = true;
        wake_.notify_all();
    }

  private:
    // True if it is to end.
    bool wait_until_due() {
        std::unique_lock lock(mutex_);
        while (!stop_requested_) {
            const Now now = SystemClock().now();
            if (wanted_ != is_wanted_) {
                is_wanted_ = wanted_;
                schedule_ = LeaseSchedule(now.mono);
                return false;
            }
            if (!is_wanted_) {
                wake_.wait(lock);
                continue;
            }
            if (schedule_.due(now.mono)) return false;
            wake_.wait_for(lock, std::chrono::nanoseconds((schedule_.next() - now.mono).ns));
        }
        return true;
    }

    // The others may have mapped it too, where only the answer was lost; they may keep silent once more.
    void give_back() {
        PortGateway* const mapped_by = std::exchange(mapped_by_, nullptr);
        if (mapped_by) {
            mapped_by->unmap();
            say("the port is given back to the gateway");
        }
        for (const auto& gateway : gateways_)
            if (gateway.get() != mapped_by) gateway->unmap();
    }

    void give_up() {
        give_back();
        is_failing_ = false;
        set({"silent", std::nullopt, {}});
    }

    // Nothing once the process goes on without this thread: its log may be gone.
    void say(const std::string& text) {
        const std::lock_guard lock(mutex_);
        if (!is_left_alone_) log_info(subsystem, text);
    }

    bool stops() {
        const std::lock_guard lock(mutex_);
        return stop_requested_ || !wanted_;
    }

    void attempt() {
        const auto own = options_.own_address ? options_.own_address() : own_address_to_internet();
        if (!own) return failed("there is no route to the internet");
        if (const auto ip = parse_ip(*own); ip && scope_of(*ip) == IpScope::global) return not_needed(*own);
        std::string why;
        for (const auto& gateway : gateways_) {
            if (stops()) return;
            const auto granted = ask(*gateway);
            if (granted) return mapped(*gateway, *granted);
            why += (why.empty() ? "" : "; ") + granted.error().message;
        }
        if (!stops()) failed(printable(why));
    }

    Result<GrantedMapping> ask(PortGateway& gateway) {
        MappingWish wish{options_.listen_host, options_.port, options_.port, lease_wanted};
        if (&gateway == mapped_by_ && state_.mapping) wish.wanted_port = state_.mapping->external_port;
        for (unsigned tried = 0;; ++tried) {
            Result<GrantedMapping> granted = gateway.map(wish);
            if (granted && granted->lease && *granted->lease < lease_min) {
                gateway.unmap();
                return Error{ErrorCode::unavailable,
                             std::string(gateway.name()) + ": the gateway maps the port for " +
                                 std::to_string(granted->lease->ms() / 1000) + " s only"};
            }
            if (granted || granted.error().code != ErrorCode::conflict || tried + 1 >= external_ports_tried ||
                stops())
                return granted;
            wish.wanted_port = external_port_to_try(options_.port, tried + 1, random_);
        }
    }

    void mapped(PortGateway& gateway, const GrantedMapping& granted) {
        if (mapped_by_ && mapped_by_ != &gateway) mapped_by_->unmap();
        mapped_by_ = &gateway;
        const Now now = SystemClock().now();
        schedule_.mapped(now.mono, granted.lease);
        PortMapping mapping{gateway.method(),      granted.gateway,       granted.internal_host,
                            granted.external_host, granted.external_port, std::nullopt};
        if (granted.lease) mapping.until = WallTime{now.wall.ms + granted.lease->ms()};
        const bool is_news =
            state_.name != "mapped" || !state_.mapping || !leads_alike(*state_.mapping, mapping);
        if (is_news)
            say("port mapped method=" + mapping.method + " gateway=" + mapping.gateway +
                " external=" + (mapping.external_host.empty() ? "unknown" : mapping.external_host) + ":" +
                std::to_string(mapping.external_port) + " internal=" + mapping.internal_host + ":" +
                std::to_string(options_.port));
        is_failing_ = false;
        set({"mapped", std::move(mapping), {}});
    }

    // A lease that still holds goes on meanwhile.
    void failed(const std::string& why) {
        const Now now = SystemClock().now();
        const bool held = schedule_.held(now.mono);
        schedule_.failed(now.mono);
        if (!std::exchange(is_failing_, true))
            say("no port mapped reason=\"" + why +
                "\": nodes on the internet reach this one only if its port is forwarded by "
                "hand; tried again in silence");
        if (held) return set({"mapped", state_.mapping, why});
        mapped_by_ = nullptr;
        set({"failing", std::nullopt, why});
    }

    void not_needed(const std::string& own) {
        if (state_.name != "not_needed")
            say("no port needs to be mapped: this host has the internet address " + own);
        schedule_.not_needed(mono_now());
        mapped_by_ = nullptr;
        is_failing_ = false;
        set({"not_needed", std::nullopt, {}});
    }

    void set(PortMapper::State state) {
        state_ = std::move(state);
        const std::lock_guard lock(mutex_);
        if (io_) asio::post(*io_, [changed = changed_, state = state_] { changed(state); });
    }

    const PortMapper::Options options_;
    std::vector<std::unique_ptr<PortGateway>> gateways_;  // in the order in which they are tried
    PortGateway* mapped_by_ = nullptr;
    LeaseSchedule schedule_;
    Random random_;
    PortMapper::State state_;
    bool is_failing_ = false;
    bool is_wanted_ = true;  // as far as it has acted on it

    std::mutex mutex_;
    std::condition_variable wake_;
    asio::io_context* io_;  // null: stopped
    const Changed changed_;
    bool wanted_ = true;
    bool stop_requested_ = false, has_ended_ = false, is_left_alone_ = false;
};

class ThreadedPortMapper final : public PortMapper {
  public:
    ThreadedPortMapper(asio::io_context& io, Options options, std::function<void(const State&)> changed)
        : alive_(std::make_shared<bool>(true)),
          worker_(std::make_shared<Worker>(
              io, std::move(options), [changed = std::move(changed), alive = alive_](const State& state) {
                  if (*alive) changed(state);
              })) {
        // Signals are for the threads that were there before.
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        thread_ = std::thread([worker = worker_] {
            pthread_setname_np(pthread_self(), "nat");
            worker->run();
        });
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
    ~ThreadedPortMapper() override { stop(); }

    void set_wanted(bool wanted) override { worker_->set_wanted(wanted); }

    void stop() override {
        *alive_ = false;
        if (!thread_.joinable()) return;
        if (worker_->request_stop())
            thread_.join();
        else
            thread_.detach();  // it waits for a gateway, and ends when that gives up
    }

  private:
    std::shared_ptr<bool> alive_;
    std::shared_ptr<Worker> worker_;
    std::thread thread_;
};

}  // namespace

std::unique_ptr<PortMapper> PortMapper::start(asio::io_context& io, Options options,
                                              std::function<void(const State&)> changed) {
    return std::make_unique<ThreadedPortMapper>(io, std::move(options), std::move(changed));
}

}  // namespace peerbook::p2p

#include "p2p/discovery/mdns_strategy.h"

#include <avahi-common/simple-watch.h>
#include <pthread.h>
#include <signal.h>

#include <array>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/log.h"
#include "base/random.h"
#include "base/system_clock.h"
#include "p2p/discovery/mdns_backend.h"
#include "p2p/peers/rate_limiter.h"

namespace peerbook::p2p {

namespace asio = boost::asio;

namespace {

constexpr const char* subsystem = "mdns";
constexpr Duration search_takes_max = Duration::seconds(3);
constexpr Duration reopen_pause = Duration::seconds(10);  // between two tries after something ended by itself
constexpr Duration goodbye_time = Duration::milliseconds(300);
constexpr std::chrono::milliseconds stop_wait(1000);
constexpr TokenBucket::Rate found_rate{256, 20'000};

// Lives as long as the longer of the strategy and the thread. What both touch is under the mutex; the rest is
// the thread's.
class Worker {
  public:
    struct Hooks {  // called on the io_context's thread
        std::function<void(const PeerAddress&)> found;
        std::function<void(const Status&)> searched;
    };

    Worker(asio::io_context& io, MdnsSettings settings, Hooks hooks)
        : settings_(std::move(settings)),
          poll_(avahi_simple_poll_new()),
          found_rate_(found_rate, mono_now()),
          io_(&io),
          hooks_(std::move(hooks)) {}
    ~Worker() {
        if (poll_) avahi_simple_poll_free(poll_);
    }

    bool usable() const { return poll_ != nullptr; }

    // --- on the io_context's thread ---

    void request_search() { request(search_requested_); }
    void request_broadcast(bool broadcast) {
        {
            const std::lock_guard lock(mutex_);
            wanted_broadcast_ = broadcast;
        }
        avahi_simple_poll_wakeup(poll_);
    }

    // Waits a little for the thread to say goodbye. True if it has ended.
    bool request_stop() {
        request(stop_requested_);
        std::unique_lock lock(mutex_);
        io_ = nullptr;
        return ended_.wait_for(lock, stop_wait, [this] { return has_ended_; });
    }

    // --- the thread ---

    void run() {
        while (!take(stop_requested_)) {
            if (const auto broadcast = take_wanted_broadcast()) change_broadcast(*broadcast);
            if (take(search_requested_)) begin_search();
            if (reopen_at_ && mono_now() >= *reopen_at_) reopen();
            if (!wait()) {
                lose(Error{ErrorCode::io, "mDNS: its poll failed"});
                std::this_thread::sleep_for(std::chrono::seconds(1));  // or it would fail without end
            }
            if (!backend_) continue;
            backend_->after_iteration();
            if (const auto failure = backend_->failure()) {
                lose(*failure);
            } else if (search_ends_ && (backend_->all_for_now() || mono_now() >= *search_ends_)) {
                end_search({});
            }
        }
        say_goodbye();
        const std::lock_guard lock(mutex_);
        has_ended_ = true;
        ended_.notify_all();
    }

  private:
    void request(bool& what) {
        {
            const std::lock_guard lock(mutex_);
            what = true;
        }
        avahi_simple_poll_wakeup(poll_);
    }
    bool take(bool& what) {
        const std::lock_guard lock(mutex_);
        return std::exchange(what, false);
    }
    std::optional<bool> take_wanted_broadcast() {
        const std::lock_guard lock(mutex_);
        return std::exchange(wanted_broadcast_, std::nullopt);
    }
    bool is_requested() {
        const std::lock_guard lock(mutex_);
        return search_requested_ || stop_requested_ || wanted_broadcast_;
    }
    // Until something is due. Preparing forgets what woke the poll up before, so a request that came in
    // between is looked for after it.
    bool wait() {
        if (avahi_simple_poll_prepare(poll_, sleep_time_ms()) != 0) return false;
        if (is_requested()) avahi_simple_poll_wakeup(poll_);
        return avahi_simple_poll_run(poll_) == 0 && avahi_simple_poll_dispatch(poll_) == 0;
    }
    template <typename Call>
    void post(Call&& call) {
        const std::lock_guard lock(mutex_);
        if (io_) asio::post(*io_, std::forward<Call>(call));
    }

    int sleep_time_ms() const {
        std::optional<MonoTime> until = search_ends_;
        if (reopen_at_ && (!until || *reopen_at_ < *until)) until = reopen_at_;
        if (!until) return -1;
        return static_cast<int>(std::max<std::int64_t>((*until - mono_now()).ms(), 0) + 1);
    }

    void say_goodbye() {
        if (!backend_) return;
        backend_->withdraw();
        for (const MonoTime until = mono_now() + goodbye_time; mono_now() < until;)
            if (avahi_simple_poll_iterate(poll_, 20) != 0) break;
        backend_.reset();
    }

    // What is open was opened with what is announced.
    void change_broadcast(bool broadcast) {
        if (settings_.self.broadcast == broadcast) return;
        say_goodbye();
        settings_.self.broadcast = broadcast;
        said_.clear();
        if (search_ends_) end_search({});  // the next one comes soon
        reopen();
    }

    void begin_search() {
        if (Status opened = open(); !opened.ok()) return end_search(opened);
        search_ends_ = mono_now() + search_takes_max;
        if (Status begun = backend_->search(); !begun.ok()) lose(begun.error());
    }

    Status open() {
        if (backend_) return {};
        reopen_at_.reset();
        const auto resolved = [this](const ResolvedService& service) { judge(service); };
        const AvahiPoll* poll = avahi_simple_poll_get(poll_);
        std::string why = "this node listens on loopback only";
        if (!is_loopback_host(settings_.listen_host)) {
            auto daemon = open_mdns_daemon(poll, settings_, resolved);
            if (daemon.ok()) {
                say("by avahi-daemon");
                backend_ = std::move(*daemon);
                return {};
            }
            why = daemon.error().message;
        }
        auto responder = open_mdns_responder(poll, settings_, resolved);
        if (!responder.ok()) return Error{ErrorCode::unavailable, why + "; " + responder.error().message};
        say("by the responder of this process: " + why);
        backend_ = std::move(*responder);
        return {};
    }

    void say(const std::string& way) {
        if (std::exchange(said_, way) == way) return;
        log_info(subsystem,
                 (settings_.self.broadcast ? "announces and looks for nodes " : "looks for nodes ") + way);
    }

    void lose(const Error& why) {
        backend_.reset();
        log_debug(subsystem, why.message);
        if (search_ends_) return end_search(why);
        reopen_at_ = mono_now() + reopen_pause;
    }

    void reopen() {
        reopen_at_.reset();
        if (open().ok())
            if (Status begun = backend_->search(); !begun.ok()) backend_.reset();
    }

    void end_search(Status status) {
        search_ends_.reset();
        post([hooks = hooks_, status = std::move(status)] { hooks.searched(status); });
    }

    void judge(const ResolvedService& service) {
        PeerAddress address;
        if (judge_service(service, settings_.self, address) != ServiceVerdict::peer) return;
        if (!found_rate_.take(mono_now())) return;
        post([hooks = hooks_, address = std::move(address)] { hooks.found(address); });
    }

    MdnsSettings settings_;
    AvahiSimplePoll* const poll_;
    std::unique_ptr<MdnsBackend> backend_;
    std::string said_;
    TokenBucket found_rate_;
    std::optional<MonoTime> search_ends_, reopen_at_;

    std::mutex mutex_;
    std::condition_variable ended_;
    asio::io_context* io_;  // null: stopped
    const Hooks hooks_;
    std::optional<bool> wanted_broadcast_;
    bool search_requested_ = false, stop_requested_ = false, has_ended_ = false;
};

class MdnsStrategy final : public DiscoveryStrategy {
  public:
    MdnsStrategy(asio::io_context& io, DiscoveryIdentity self, std::string listen_host)
        : io_(io),
          self_(std::move(self)),
          listen_host_(std::move(listen_host)),
          alive_(std::make_shared<bool>(true)) {}
    ~MdnsStrategy() override { stop(); }

    std::string_view name() const override { return "mdns"; }

    Status start(Found found) override {
        // A name of this start alone: one that comes back on another port is no rival of its former self,
        // which others remember for two minutes.
        std::array<std::uint8_t, 3> bytes{};
        fill_with_system_random(bytes);
        MdnsSettings settings{self_, listen_host_,
                              "peerbook-" + to_hex(self_.id).substr(0, 16) + "-" + to_hex(ByteView(bytes))};
        Worker::Hooks hooks{[found = std::move(found), alive = alive_](const PeerAddress& address) {
                                if (*alive) found(address);
                            },
                            [this, alive = alive_](const Status& status) {
                                if (!*alive || !done_) return;
                                const Done done = std::exchange(done_, nullptr);
                                done(status);
                            }};
        worker_ = std::make_shared<Worker>(io_, std::move(settings), std::move(hooks));
        if (!worker_->usable()) return Error{ErrorCode::unavailable, "out of file descriptors for mDNS"};
        // Signals are for the threads that were there before.
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        thread_ = std::thread([worker = worker_] {
            pthread_setname_np(pthread_self(), "mdns");
            worker->run();
        });
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
        return {};
    }

    void set_broadcast(bool broadcast) override {
        self_.broadcast = broadcast;
        worker_->request_broadcast(broadcast);
    }

    void search(Done done) override {
        done_ = std::move(done);
        worker_->request_search();
    }

    void stop() override {
        *alive_ = false;
        if (!thread_.joinable()) return;
        if (worker_->request_stop())
            thread_.join();
        else
            thread_.detach();  // it waits for D-Bus, and ends when that gives up
    }

  private:
    asio::io_context& io_;
    DiscoveryIdentity self_;
    std::string listen_host_;
    Done done_;
    std::shared_ptr<bool> alive_;
    std::shared_ptr<Worker> worker_;
    std::thread thread_;
};

}  // namespace

std::unique_ptr<DiscoveryStrategy> make_mdns_strategy(asio::io_context& io, DiscoveryIdentity self,
                                                      std::string listen_host) {
    return std::make_unique<MdnsStrategy>(io, std::move(self), std::move(listen_host));
}

}  // namespace peerbook::p2p

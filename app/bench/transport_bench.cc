#include "app/bench/transport_bench.h"

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <optional>

#include "app/bench/raw_limits.h"
#include "app/bench/transport_endpoint.h"

namespace peerbook::app {

namespace {

using SteadyClock = std::chrono::steady_clock;
using p2p::ConnectionId;

constexpr std::uint8_t data_kind = 0x90;
constexpr std::size_t small_bytes = 256;
constexpr std::size_t queue_bytes_max = 2 * 1024 * 1024;  // what the sender keeps waiting
constexpr std::size_t sends_between_looks = 64;           // at the queue, for small messages
constexpr auto queue_pause = std::chrono::microseconds(500);
constexpr std::size_t dials_under_way = 16;
constexpr std::size_t traffic_bytes = 512 * 1024;
constexpr auto idle_time = std::chrono::seconds(2);
constexpr auto patience = std::chrono::seconds(30);

struct Target {
    double messages_m = 2.0;
    double block_mb = 700;
    double idle_kib = 64;
};
constexpr Target target;

double seconds_since(SteadyClock::time_point start) {
    return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

// Two endpoints with one connection that is ready.
class Pair {
  public:
    static Result<std::unique_ptr<Pair>> open(const TransportEndpoint::Options& options) {
        auto made = std::make_unique<Pair>();
        for (auto* end : {&made->client, &made->server}) {
            auto opened = TransportEndpoint::open(options);
            if (!opened) return opened.error();
            *end = std::move(*opened);
        }
        return made;
    }

    // Dials once and waits. Error: unavailable.
    Status connect() {
        std::promise<void> both;
        std::atomic<int> missing{2};
        const auto ready = [&](ConnectionId& id, ConnectionId now_ready) {
            id = now_ready;
            if (--missing == 0) both.set_value();
        };
        server->run([&] { server->hooks.ready = [&](ConnectionId id) { ready(at_server, id); }; });
        client->run([&] {
            client->hooks.ready = [&](ConnectionId id) { ready(at_client, id); };
            client->dial(server->port());
        });
        const bool is_ready = both.get_future().wait_for(patience) == std::future_status::ready;
        for (auto* end : {&client, &server})
            (*end)->run([&] { (*end)->hooks = {}; });
        if (!is_ready) return Error{ErrorCode::unavailable, "no connection on loopback"};
        return {};
    }

    std::unique_ptr<TransportEndpoint> client, server;
    ConnectionId at_client{0}, at_server{0};
};

// Hooks refer to what a measurement holds: they go before that does, however it ends.
struct Quiet {
    explicit Quiet(Pair& both) : pair(both) {}
    Quiet(const Quiet&) = delete;
    Quiet& operator=(const Quiet&) = delete;
    ~Quiet() {
        pair.client->run([this] { pair.client->hooks = {}; });
        pair.server->run([this] { pair.server->hooks = {}; });
    }
    Pair& pair;
};

struct Flow {
    double per_second = 0;  // payloads
    double sender_cpu_s = 0, receiver_cpu_s = 0;
};

// Sends payloads of one size for some time. The endpoints' threads alone touch what it holds.
class Stream {
  public:
    Stream(Pair& pair, std::size_t bytes, double seconds)
        : pair_(pair), body_(Bytes(bytes - 1, 0x5a)), seconds_(seconds), timer_(pair.client->io()) {}

    Result<Flow> run() {
        const Quiet quiet(pair_);
        auto finished = done_.get_future();
        pair_.server->run([&] {
            pair_.server->hooks.frame = [&](ConnectionId, ByteView payload) { take(payload); };
            pair_.server->hooks.broken = [&](ConnectionId) { end(false); };
        });
        const double sender_before = pair_.client->cpu_seconds();
        const double receiver_before = pair_.server->cpu_seconds();
        const auto start = SteadyClock::now();
        pair_.client->run([&] { pump(start); });
        const bool whole = finished.wait_for(patience) == std::future_status::ready && finished.get();
        const double took = seconds_since(start);
        Flow flow;
        pair_.client->run([&] { timer_.cancel(); });
        if (!whole) return Error{ErrorCode::unavailable, "the connection broke while it was measured"};
        flow.per_second = static_cast<double>(received_) / took;
        flow.sender_cpu_s = (pair_.client->cpu_seconds() - sender_before) / static_cast<double>(received_);
        flow.receiver_cpu_s =
            (pair_.server->cpu_seconds() - receiver_before) / static_cast<double>(received_);
        return flow;
    }

  private:
    void pump(SteadyClock::time_point start) {
        const SharedBytes& body = body_;
        const std::size_t at_once = body.size() < 4096 ? sends_between_looks : 1;
        while (pair_.client->queued_bytes(pair_.at_client) < queue_bytes_max)
            for (std::size_t i = 0; i < at_once; ++i)
                pair_.client->send(pair_.at_client, data_kind, body);
        if (seconds_since(start) >= seconds_)
            return pair_.client->send(pair_.at_client, data_kind + 1, SharedBytes(Bytes(1, 0)));
        timer_.expires_after(queue_pause);
        timer_.async_wait([this, start](boost::system::error_code error) {
            if (!error) pump(start);
        });
    }

    void take(ByteView payload) {
        if (payload.front() != data_kind) return end(true);
        ++received_;
    }

    void end(bool whole) {
        if (!std::exchange(ended_, true)) done_.set_value(whole);
    }

    Pair& pair_;
    SharedBytes body_;
    double seconds_;
    boost::asio::steady_timer timer_;
    std::promise<bool> done_;
    std::uint64_t received_ = 0;
    bool ended_ = false;
};

struct Best {
    double per_second = 0, per_sender_cpu = 0, per_receiver_cpu = 0;
    void take(const Flow& flow) {
        per_second = std::max(per_second, flow.per_second);
        per_sender_cpu = std::max(per_sender_cpu, 1 / flow.sender_cpu_s);
        per_receiver_cpu = std::max(per_receiver_cpu, 1 / flow.receiver_cpu_s);
    }
};

class TransportBench {
  public:
    TransportBench(const TransportBenchOptions& options, bool plain, std::vector<Figure>& figures)
        : options_(options),
          how_(plain ? "plain TCP" : "TLS"),
          key_(plain ? "tcp." : "tls."),
          figures_(figures) {
        endpoint_.plain_tcp = plain;
    }

    Status run() {
        for (const std::size_t bytes : {small_bytes, std::size_t{64 * 1024}, p2p::frame_bytes_max})
            if (Status status = stream(bytes); !status.ok()) return status;
        if (Status status = round_trips(); !status.ok()) return status;
        for (const EndpointDepth depth : {EndpointDepth::transport, EndpointDepth::peers})
            if (Status status = handshakes(depth); !status.ok()) return status;
        return idle_peers();
    }

  private:
    void begin(const std::string& what) {
        if (options_.on_begin) options_.on_begin(how_ + ": " + what);
    }

    void add(const std::string& name, const std::string& what, double value, const std::string& unit,
             std::optional<double> wanted = {}, bool smaller_is_better = false) {
        figures_.push_back({key_ + name, how_ + ", " + what, value, unit, wanted, smaller_is_better});
    }

    Result<std::unique_ptr<Pair>> connected() {
        auto pair = Pair::open(endpoint_);
        if (!pair) return pair.error();
        if (Status status = (*pair)->connect(); !status.ok()) return status.error();
        return pair;
    }

    Status stream(std::size_t bytes) {
        const bool small = bytes == small_bytes;
        const std::string size = small ? "256 B" : std::to_string(bytes / 1024) + " KiB";
        begin("payloads of " + size);
        auto pair = connected();
        if (!pair) return pair.error();
        Best best;
        for (std::uint32_t round = 0; round <= options_.rounds; ++round) {  // the first one warms up
            Result<Flow> flow = Stream(**pair, bytes, options_.seconds).run();
            if (!flow) return flow.error();
            if (round > 0) best.take(*flow);
        }
        const double scale = small ? 1e6 : 1e6 / static_cast<double>(bytes);
        const std::string unit = small ? "M messages/s" : "MB/s";
        const std::string name = small ? "256" : std::to_string(bytes / 1024) + "k";
        const double wanted = small ? target.messages_m : target.block_mb;
        add(name + ".wall", size + " payloads, both ends at once", best.per_second / scale, unit,
            small ? std::optional<double>() : wanted);
        add(name + ".sender", size + " payloads, a core that sends", best.per_sender_cpu / scale, unit,
            wanted);
        add(name + ".receiver", size + " payloads, a core that receives", best.per_receiver_cpu / scale, unit,
            wanted);
        return {};
    }

    Status round_trips() {
        begin("round trips");
        auto opened = connected();
        if (!opened) return opened.error();
        Pair& pair = **opened;
        const SharedBytes body(Bytes(small_bytes - 1, 0x5a));
        std::vector<double> trips;
        std::promise<void> done;
        bool over = false;
        const double seconds = options_.seconds * options_.rounds;
        const auto start = SteadyClock::now();
        auto sent = start;
        const Quiet quiet(pair);
        pair.server->run([&] {
            pair.server->hooks.frame = [&](ConnectionId id, ByteView) {
                pair.server->send(id, data_kind, body);
            };
        });
        pair.client->run([&] {
            pair.client->hooks.frame = [&](ConnectionId id, ByteView) {
                const auto now = SteadyClock::now();
                trips.push_back(std::chrono::duration<double, std::micro>(now - sent).count());
                if (std::exchange(over, seconds_since(start) >= seconds)) return;
                if (over) return done.set_value();
                sent = SteadyClock::now();
                pair.client->send(id, data_kind, body);
            };
            pair.client->send(pair.at_client, data_kind, body);
        });
        if (done.get_future().wait_for(patience) != std::future_status::ready)
            return Error{ErrorCode::unavailable, "no answer on loopback"};
        std::sort(trips.begin(), trips.end());
        add("trip.p50", "round trip of 256 B, p50", trips[trips.size() / 2], "us");
        add("trip.p99", "round trip of 256 B, p99", trips[trips.size() * 99 / 100], "us");
        return {};
    }

    Status handshakes(EndpointDepth depth) {
        const bool peers = depth == EndpointDepth::peers;
        if (!peers && endpoint_.plain_tcp) return {};
        begin(peers ? "handshakes of peers" : "TLS handshakes");
        TransportEndpoint::Options options = endpoint_;
        options.depth = depth;
        auto opened = Pair::open(options);
        if (!opened) return opened.error();
        Pair& pair = **opened;
        std::promise<void> done;
        std::uint64_t count = 0;
        bool over = false;
        const double seconds = options_.seconds * options_.rounds;
        const double client_before = pair.client->cpu_seconds(), server_before = pair.server->cpu_seconds();
        const auto start = SteadyClock::now();
        const Quiet quiet(pair);
        pair.client->run([&] {
            pair.client->hooks.ready = [&](ConnectionId id) {
                ++count;
                pair.client->close(id);
                if (seconds_since(start) < seconds) return (void)pair.client->dial(pair.server->port());
                if (!std::exchange(over, true)) done.set_value();
            };
            for (std::size_t i = 0; i < dials_under_way; ++i)
                pair.client->dial(pair.server->port());
        });
        if (done.get_future().wait_for(patience) != std::future_status::ready)
            return Error{ErrorCode::unavailable, "handshakes on loopback stopped"};
        const double took = seconds_since(start);
        std::uint64_t made = 0;
        pair.client->run([&] { made = count; });
        const auto cost = [&](double before, double after) {
            return (after - before) / static_cast<double>(made) * 1e6;
        };
        const std::string name = peers ? "handshake.peer" : "handshake.tls";
        const std::string what = peers ? "TCP to proven peer" : "TLS handshakes";
        add(name, what + ", both ends at once", static_cast<double>(made) / took, "/s");
        add(name + ".dialler", what + ", CPU of who dials", cost(client_before, pair.client->cpu_seconds()),
            "us");
        add(name + ".listener", what + ", CPU of who listens",
            cost(server_before, pair.server->cpu_seconds()), "us");
        return {};
    }

    struct Memory {
        double heap = 0, resident = 0;  // bytes

        static Memory now() {
            malloc_trim(0);
            Memory memory;
            const auto info = mallinfo2();
            memory.heap = static_cast<double>(info.uordblks + info.hblkhd);
            std::ifstream file("/proc/self/statm");
            double size = 0, pages = 0;
            file >> size >> pages;
            memory.resident = pages * 4096;
            return memory;
        }
    };

    // Waits until `count` things have happened.
    struct Countdown {
        explicit Countdown(std::uint32_t count) : missing(count) {}
        void one() {
            if (--missing == 0) done.set_value();
        }
        bool wait() { return done.get_future().wait_for(patience) == std::future_status::ready; }
        std::atomic<std::uint32_t> missing;
        std::promise<void> done;
    };

    Status idle_peers() {
        begin(std::to_string(options_.peers) + " idle peers");
        auto opened = Pair::open(endpoint_);
        if (!opened) return opened.error();
        Pair& pair = **opened;
        if (Status status = pair.connect(); !status.ok())
            return status;  // what the first one needs only once
        const Memory before = Memory::now();
        std::vector<ConnectionId> ids;
        Countdown ready(2 * options_.peers), echoed(options_.peers);
        const SharedBytes block(Bytes(traffic_bytes - 1, 0x5a));
        const Quiet quiet(pair);
        pair.server->run([&] { pair.server->hooks.ready = [&](ConnectionId) { ready.one(); }; });
        pair.client->run([&] {
            pair.client->hooks.ready = [&](ConnectionId id) {
                ids.push_back(id);
                ready.one();
            };
            for (std::uint32_t i = 0; i < options_.peers; ++i)
                pair.client->dial(pair.server->port());
        });
        if (!ready.wait()) return Error{ErrorCode::unavailable, "idle peers could not connect"};
        add_memory("idle", "an idle peer", before, true);

        pair.server->run([&] {
            pair.server->hooks.frame = [&](ConnectionId id, ByteView) {
                pair.server->send(id, data_kind, block);
            };
        });
        pair.client->run([&] {
            pair.client->hooks.frame = [&](ConnectionId, ByteView) { echoed.one(); };
            for (const ConnectionId id : ids)
                pair.client->send(id, data_kind, block);
        });
        if (!echoed.wait()) return Error{ErrorCode::unavailable, "idle peers did not answer"};
        add_memory("idle.after", "an idle peer after traffic", before, true);
        return {};
    }

    void add_memory(const std::string& name, const std::string& what, const Memory& before, bool wanted) {
        std::this_thread::sleep_for(idle_time);
        const Memory now = Memory::now();
        const double ends = 2.0 * options_.peers * 1024;
        add(name + ".heap", what + ", heap in use", (now.heap - before.heap) / ends, "KiB");
        add(name + ".resident", what + ", resident", (now.resident - before.resident) / ends, "KiB",
            wanted ? std::optional<double>(target.idle_kib) : std::nullopt, true);
    }

    const TransportBenchOptions& options_;
    TransportEndpoint::Options endpoint_;
    std::string how_, key_;
    std::vector<Figure>& figures_;
};

}  // namespace

Result<std::vector<Figure>> run_transport_bench(const TransportBenchOptions& options) {
    std::vector<Figure> figures;
    for (const bool plain : {false, true}) {
        if (plain && !options.plain_tcp) continue;
        if (Status status = TransportBench(options, plain, figures).run(); !status.ok())
            return status.error();
    }
    if (options.on_begin) options.on_begin("what the machine allows");
    Result<std::vector<Figure>> limits = measure_raw_limits(options.seconds);
    if (!limits) return limits.error();
    figures.insert(figures.end(), limits->begin(), limits->end());
    return figures;
}

}  // namespace peerbook::app

#include "app/replay/load.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "app/replay/lane.h"
#include "app/replay/settle_sampler.h"
#include "base/system_clock.h"

namespace peerbook::app::replay {

namespace {

constexpr Duration request_timeout = Duration::seconds(60);
constexpr std::chrono::milliseconds progress_interval(100);

}  // namespace

bool order_is_kept(const LoadPlan& plan) {
    return plan.nodes.size() == 1 && (plan.connections == 1 || plan.feeds.size() >= plan.connections);
}

Load::Load(const LoadPlan& plan, const exchange::NetworkRules& rules) : plan_(plan), rules_(rules) {
    PB_CHECK(!plan.check_record || order_is_kept(plan), "the record is only comparable in its own order");
    for (const NodeAddress& node : plan.nodes)
        samplers_.push_back(std::make_unique<SettleSampler>(node, stop_));
    for (std::size_t i = 0; i < plan.nodes.size() * plan.connections; ++i)
        lanes_.push_back(std::make_unique<Lane>(Lane::Shared{plan_, rules_, stop_, acknowledged_}, i,
                                                *samplers_[i / plan.connections]));
}

Load::~Load() {
    stop_.store(true);
}

std::uint64_t Load::total_commands() const {
    std::uint64_t total = 0;
    for (const auto& lane : lanes_)
        total += lane->command_count();
    return total;
}

std::size_t Load::lane_count() const {
    return lanes_.size();
}

Status Load::prepare() {
    for (const auto& lane : lanes_)
        if (Status status = lane->prepare(); !status.ok()) return status;
    return {};
}

Status Load::run(const std::function<void(std::uint64_t)>& progress) {
    std::mutex mutex;  // guards running and failure
    std::condition_variable ended;
    std::size_t running = lanes_.size();
    std::optional<Error> failure;
    const MonoTime start = mono_now();
    std::vector<std::thread> threads;
    threads.reserve(lanes_.size());
    for (const auto& lane : lanes_) {
        threads.emplace_back([&, lane = lane.get()] {
            Status status = lane->run(start);
            const std::lock_guard<std::mutex> lock(mutex);
            --running;
            if (!status.ok() && !failure) {
                failure = status.error();
                stop_.store(true);
            }
            ended.notify_one();
        });
    }
    {
        std::unique_lock<std::mutex> lock(mutex);
        while (running > 0) {
            ended.wait_for(lock, progress_interval);
            lock.unlock();
            progress(acknowledged_.load());
            lock.lock();
        }
    }
    for (std::thread& thread : threads)
        thread.join();
    elapsed_ = mono_now() - start;
    for (const auto& sampler : samplers_)
        sampler->finish();
    if (failure) return *failure;
    return {};
}

Status Load::verify_acknowledged() {
    std::vector<NodeLink> links;
    for (const NodeAddress& node : plan_.nodes)
        links.emplace_back(node, request_timeout, Patience{plan_.retry_for, &stop_});
    for (const auto& lane : lanes_)
        if (Status status = lane->verify(links, missing_); !status.ok()) return status;
    return {};
}

LoadReport Load::report() const {
    LoadReport report;
    for (const auto& lane : lanes_)
        lane->add_to(report);
    for (const auto& sampler : samplers_)
        report.settled_us.merge(sampler->settled_us());
    report.elapsed = elapsed_;
    report.acknowledged_missing = missing_;
    return report;
}

}  // namespace peerbook::app::replay

#include "app/replay/settle_sampler.h"

#include "base/system_clock.h"

namespace peerbook::app::replay {

namespace {

// A node answers a long poll within 60 s.
constexpr Duration poll_timeout = Duration::seconds(65);

}  // namespace

SettleSampler::SettleSampler(NodeAddress address, const std::atomic<bool>& stop)
    : link_(std::move(address), poll_timeout, {Duration{}, &stop}), thread_([this] { run(); }) {}

SettleSampler::~SettleSampler() {
    finish();
}

void SettleSampler::offer(std::uint64_t block, MonoTime begin) {
    const std::unique_lock<std::mutex> lock(mutex_, std::try_to_lock);
    if (!lock.owns_lock() || waiting_ || ending_) return;
    waiting_ = Sample{block, begin};
    changed_.notify_one();
}

void SettleSampler::finish() {
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        ending_ = true;
    }
    changed_.notify_one();
    if (thread_.joinable()) thread_.join();
}

void SettleSampler::run() {
    for (;;) {
        Sample sample;
        {
            std::unique_lock<std::mutex> lock(mutex_);
            changed_.wait(lock, [this] { return waiting_ || ending_; });
            if (!waiting_) return;
            sample = *waiting_;
        }
        // A node that was killed meanwhile loses the sample, not the replay.
        if (link_.wait_settled(sample.block).ok())
            settled_us_.add(static_cast<std::uint64_t>((mono_now() - sample.begin).ns / 1'000));
        const std::lock_guard<std::mutex> lock(mutex_);
        waiting_.reset();
    }
}

}  // namespace peerbook::app::replay

#include "app/bench/perf_counters.h"

#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace peerbook::app {

namespace {

struct Kind {
    std::uint32_t type;
    std::uint64_t config;
};

constexpr std::uint64_t read_misses(std::uint64_t cache) {
    return cache | PERF_COUNT_HW_CACHE_OP_READ << 8 | PERF_COUNT_HW_CACHE_RESULT_MISS << 16;
}

constexpr Kind kinds[] = {
    {PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES},
    {PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS},
    {PERF_TYPE_HW_CACHE, read_misses(PERF_COUNT_HW_CACHE_L1D)},
    {PERF_TYPE_HW_CACHE, read_misses(PERF_COUNT_HW_CACHE_LL)},
};

int open_counter(const Kind& kind) {
    perf_event_attr attributes;
    std::memset(&attributes, 0, sizeof attributes);
    attributes.size = sizeof attributes;
    attributes.type = kind.type;
    attributes.config = kind.config;
    attributes.disabled = 1;
    attributes.exclude_kernel = 1;
    attributes.exclude_hv = 1;
    attributes.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
    return static_cast<int>(::syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0));
}

std::optional<double> read_counter(int file) {
    struct {
        std::uint64_t value, ns_enabled, ns_running;
    } reading{};
    if (file < 0 || ::read(file, &reading, sizeof reading) != sizeof reading || reading.ns_running == 0)
        return std::nullopt;
    return static_cast<double>(reading.value) * static_cast<double>(reading.ns_enabled) /
           static_cast<double>(reading.ns_running);
}

std::string reason_of(int error) {
    if (error == ENOENT || error == EOPNOTSUPP || error == ENODEV)
        return "this machine shows no hardware counters (virtual machines often do not)";
    if (error == EACCES || error == EPERM)
        return "the kernel does not permit it (see kernel.perf_event_paranoid)";
    return std::strerror(error);
}

}  // namespace

PerfCounters::PerfCounters() {
    int error = 0;
    for (std::size_t i = 0; i < counter_count; ++i) {
        files_[i] = open_counter(kinds[i]);
        if (files_[i] < 0 && error == 0) error = errno;
    }
    if (!any()) why_not_ = reason_of(error);
}

PerfCounters::~PerfCounters() {
    for (const int file : files_)
        if (file >= 0) ::close(file);
}

bool PerfCounters::any() const {
    for (const int file : files_)
        if (file >= 0) return true;
    return false;
}

void PerfCounters::start() {
    for (const int file : files_) {
        if (file < 0) continue;
        ::ioctl(file, PERF_EVENT_IOC_RESET, 0);
        ::ioctl(file, PERF_EVENT_IOC_ENABLE, 0);
    }
}

CounterReading PerfCounters::stop() {
    for (const int file : files_)
        if (file >= 0) ::ioctl(file, PERF_EVENT_IOC_DISABLE, 0);
    return {read_counter(files_[0]), read_counter(files_[1]), read_counter(files_[2]),
            read_counter(files_[3])};
}

}  // namespace peerbook::app

// The ways to find peers, run side by side: starts each, lets it search when discovery_schedule.h says so,
// hands what it finds to its owner, and keeps figures that tell which way found whom.
//
// A strategy fails alone. Its first failure is one line in the log, and so is its recovery; searches between
// say nothing. One that cannot start is said once and never asked again.
//
// Belongs to one io_context's thread, on which the strategies call back; without clock or socket itself, so
// that it is tested with strategies of its test. Not thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "p2p/discovery/discovery_info.h"
#include "p2p/discovery/discovery_schedule.h"
#include "p2p/discovery/discovery_strategy.h"

namespace peerbook::p2p {

inline constexpr std::size_t strategies_max = 16;

class PeerDiscovery {
  public:
    struct Hooks {
        // An address that a strategy found; whether it was not known before.
        std::function<bool(std::string_view strategy, const PeerAddress&)> found;
        std::function<void(bool is_warning, const std::string& text)> say;
        std::function<Now()> clock;  // for what strategies report between two ticks
    };
    // `broadcasts`: searches renew announcements, and go on though there are enough peers.
    PeerDiscovery(Hooks hooks, bool broadcasts, std::uint64_t seed);
    ~PeerDiscovery();

    // After those that are there. Starts it at once. Errors: conflict (its name is taken), too_large (more
    // than strategies_max); a strategy that cannot start is no error but is shown as unusable.
    Status add(std::unique_ptr<DiscoveryStrategy> strategy, Duration interval = search_interval);
    // Call it some times a second.
    void tick(Now now, std::size_t connected, std::size_t wanted);
    // In the order of add(). `connected` is left for the owner to fill in.
    std::vector<DiscoveryInfo> infos(Now now) const;
    // See DiscoveryStrategy; those that are added later hear it, too.
    void set_outside_port(std::uint16_t port);
    void set_broadcast(Now now, bool broadcast);
    // Stops all. No callbacks afterwards.
    void stop();

  private:
    struct Row {
        std::unique_ptr<DiscoveryStrategy> strategy;  // null: unusable
        std::string name;
        std::uint64_t found = 0, searches = 0;
        std::uint64_t found_before = 0;  // when the search under way began
        std::optional<WallTime> last_search;
        std::string last_error;
        bool failing = false;
    };
    void search(Now now, std::size_t index);
    void ended(Now now, std::size_t index, const Status& status);
    void judge(std::size_t index, const Status& status);

    Hooks hooks_;
    DiscoverySchedule schedule_;
    std::vector<Row> rows_;
    std::optional<std::uint16_t> outside_port_;
    std::optional<bool> broadcast_;
    bool stopped_ = false;
    std::shared_ptr<bool> alive_;  // callbacks that outlive us find false
};

}  // namespace peerbook::p2p

// What people may know of a way to find peers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"

namespace peerbook::p2p {

struct DiscoveryInfo {
    std::string name;           // a strategy's, or one of found_by (peers/address_book.h)
    std::string state;          // of a strategy: starting, searching, waiting, failing, unusable; else empty
    std::uint64_t found = 0;    // addresses that were not known before, since the start
    std::size_t connected = 0;  // peers connected now whose address came this way first
    std::uint64_t searches = 0;
    std::optional<WallTime> last_search;
    std::optional<Duration> next_search_in;
    std::string last_error;
};

}  // namespace peerbook::p2p

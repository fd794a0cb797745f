// What happened in a run: as a hash that two runs of one seed must share, and, on demand, as lines for
// people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"

namespace peerbook::sim {

class Trace {
  public:
    explicit Trace(bool prints) : prints_(prints) {}

    bool prints() const { return prints_; }
    void mix(std::uint64_t value) { hash_ = (hash_ ^ value) * 0x9e3779b97f4a7c15 ^ (hash_ >> 29); }
    void mix(ByteView bytes);
    // `line` is only made if somebody reads it.
    template <typename MakeLine>
    void say(std::int64_t now_us, MakeLine&& line) {
        if (prints_) print(now_us, std::forward<MakeLine>(line)());
    }
    std::uint64_t hash() const { return hash_; }

  private:
    static void print(std::int64_t now_us, const std::string& line);

    bool prints_;
    std::uint64_t hash_ = 1;
};

std::string short_name(const Digest& digest);

}  // namespace peerbook::sim

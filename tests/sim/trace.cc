#include "tests/sim/trace.h"

#include <cstdio>
#include <cstring>

namespace peerbook::sim {

void Trace::mix(ByteView bytes) {
    mix(bytes.size());
    // The end of a message depends on all of it: a signature or a root stands there or before a payload.
    std::size_t at = bytes.size() > 256 ? bytes.size() - 256 : 0;
    for (; at + 8 <= bytes.size(); at += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data() + at, 8);
        mix(word);
    }
}

void Trace::print(std::int64_t now_us, const std::string& line) {
    std::printf("%10.3f ms  %s\n", static_cast<double>(now_us) / 1'000, line.c_str());
}

std::string short_name(const Digest& digest) {
    return to_hex(digest).substr(0, 8);
}

}  // namespace peerbook::sim

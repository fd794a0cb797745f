// FrameReader against a naive model that has the whole stream before it: however the bytes are split, the
// frames are the same, and so is the place where the stream breaks.

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "p2p/wire/frame.h"

using namespace peerbook;

namespace {

constexpr std::size_t limit = 1000;

struct Outcome {
    std::vector<Bytes> frames;
    bool broken = false;
    friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome model(ByteView stream) {
    Outcome outcome;
    while (stream.size() >= 4) {
        const std::size_t length = std::size_t{stream[0]} << 24 | std::size_t{stream[1]} << 16 |
                                   std::size_t{stream[2]} << 8 | std::size_t{stream[3]};
        if (length == 0 || length > limit) {
            outcome.broken = true;
            break;
        }
        if (stream.size() < 4 + length) break;
        outcome.frames.emplace_back(stream.begin() + 4,
                                    stream.begin() + 4 + static_cast<std::ptrdiff_t>(length));
        stream = stream.subspan(4 + length);
    }
    return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::size_t step = std::size_t{data[0]} + 1;
    const ByteView stream(data + 1, size - 1);
    p2p::FrameReader reader(limit);
    Outcome outcome;
    for (std::size_t at = 0; at < stream.size(); at += step) {
        const ByteView part = stream.subspan(at, std::min(step, stream.size() - at));
        const auto space = reader.space(part.size());
        std::copy(part.begin(), part.end(), space.begin());
        reader.commit(part.size());
        while (const auto payload = reader.next())
            outcome.frames.emplace_back(payload->begin(), payload->end());
    }
    outcome.broken = reader.error().has_value();
    if (!(outcome == model(stream))) std::abort();
    return 0;
}

// Any bytes behind the kind of compressed frames: refused, or a payload within its bounds. Any bytes as a
// payload: what is compressed of it expands to the same, and with one byte changed, too, nothing gets out of
// its bounds.
#include <algorithm>

#include "base/check.h"
#include "base/random.h"
#include "p2p/gossip/gossip_wire.h"
#include "p2p/wire/compression.h"

namespace {

using namespace peerbook;

constexpr std::uint8_t kind = 0x80;

Bytes bytes_of(const p2p::OutgoingPayload& payload) {
    Bytes bytes(payload.head.begin(), payload.head.begin() + payload.head_size);
    const ByteView body = payload.body.view();
    bytes.insert(bytes.end(), body.begin(), body.end());
    return bytes;
}

// Empty if it was refused.
ByteView expanded(p2p::Expander& expander, const Bytes& frame) {
    const auto payload = expander.expand(frame);
    if (!payload) return {};
    const std::uint8_t first = payload->front();
    PB_CHECK(first >= p2p::application_kind_min || first == p2p::gossip_push_kind, "only what may be inside");
    PB_CHECK(payload->size() <= p2p::frame_bytes_max, "it fits a frame");
    PB_CHECK(payload->size() > frame.size() - 5, "it grew");
    PB_CHECK(payload->size() <= frame.size() * p2p::expansion_max, "and not more than it may");
    return *payload;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static p2p::Compressor compressor({kind});
    static p2p::Expander expander;
    if (size < 4) return 0;
    Bytes frame(data, data + size);
    frame[0] = p2p::compressed_kind;
    (void)expanded(expander, frame);

    // The rest again and again, and noise behind it: large enough, worth compressing, and not too much so.
    Bytes body;
    while (body.size() < p2p::compressed_body_bytes_min)
        body.insert(body.end(), data + 3, data + size);
    Random random(data[1]);
    for (std::size_t noise = 512 + std::size_t{data[2]} * 32; noise > 0; --noise)
        body.push_back(static_cast<std::uint8_t>(random.next()));
    p2p::GossipHeader header;
    header.kind = kind;
    const SharedBytes shared(std::move(body));
    const p2p::OutgoingPayload payload =
        data[0] & 1 ? p2p::push_frame(header, shared) : p2p::plain_payload(kind, shared);
    const Bytes before = bytes_of(payload);
    Bytes sent = bytes_of(compressor.compressed(payload));
    if (sent.front() != p2p::compressed_kind) {
        PB_CHECK(sent == before, "what is not compressed is as it was");
        return 0;
    }
    PB_CHECK(sent.size() < before.size(), "only what gets smaller is compressed");
    const ByteView again = expanded(expander, sent);
    PB_CHECK(std::equal(again.begin(), again.end(), before.begin(), before.end()), "it comes back as it was");
    sent[1 + data[2] % (sent.size() - 1)] ^= static_cast<std::uint8_t>(1 + data[1]);
    (void)expanded(expander, sent);
    return 0;
}

// Three peers that send a Gossip whatever they like: nothing may crash, no bound may be passed, and time
// cannot stand still in next_due(). The first byte of each piece says what happens, the second how long the
// rest is.

#include <algorithm>
#include <cstdlib>

#include "p2p/gossip/gossip.h"

using namespace peerbook;
using namespace peerbook::p2p;

namespace {

GossipSettings settings_for(std::uint8_t byte) {
    GossipSettings settings;
    settings.policy = static_cast<GossipPolicy>(byte % 5);
    settings.kinds = {{0x90, {true, false, true, true}}, {0x91, {}}, {0x92, {true, true, false, false}}};
    settings.kept_messages_max = 16;
    settings.degree_min = settings.degree = 1;
    settings.degree_max = 2;
    return settings;
}

void check(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    Now now{MonoTime{1'000'000'000}, WallTime{1'700'000'000'000}};
    Gossip gossip(settings_for(data[0]), 1, now.mono);
    ByteView rest(data + 1, size - 1);
    while (rest.size() >= 2) {
        const std::uint8_t what = rest[0];
        const std::size_t length = std::min<std::size_t>(rest[1], rest.size() - 2);
        const ByteView bytes = rest.subspan(2, length);
        rest = rest.subspan(2 + length);
        PeerId peer;
        peer.data[0] = what % 3;
        gossip::Outputs out;
        switch (what / 3 % 6) {
            case 0:
                gossip.peer_up(now, peer, what < 128, Duration::milliseconds(what), out);
                break;
            case 1:
                gossip.peer_down(now, peer, out);
                break;
            case 2: {
                const Duration step = Duration::milliseconds(1 + what * 37);
                now = {now.mono + step, {now.wall.ms + step.ms()}};
                gossip.tick(now, out);
                check(gossip.next_due() > now.mono);
                break;
            }
            case 3:
                gossip.broadcast(now, 0x90, SharedBytes(Bytes(bytes.begin(), bytes.end())), out);
                break;
            default:
                gossip.receive(now, peer, bytes, out);
                break;
        }
        gossip::Outputs more;
        for (const gossip::Output& output : out) {
            if (const auto* deliver = std::get_if<gossip::Deliver>(&output))
                what % 2 == 0 ? gossip.accept(now, deliver->id, more) : gossip.reject(deliver->id);
            if (const auto* send = std::get_if<gossip::Send>(&output))
                check(send->frame.size() <= frame_bytes_max);
        }
        const GossipStats stats = gossip.stats();
        check(stats.peers <= 3 && stats.neighbours <= 2 && stats.kept_messages <= 16);
        check(stats.wanted <= PullQueue::messages_max);
    }
    return 0;
}

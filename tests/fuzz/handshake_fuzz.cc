// Whatever a stranger sends, as a sequence of frames, a session neither crashes nor believes it: without the
// key nobody is authenticated. What parses as a control message is also written again, and must then mean the
// same.

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "p2p/peers/peer_session.h"

using namespace peerbook;

namespace {

class NoVerifier final : public Verifier {
  public:
    bool verify(const PublicKey&, ByteView, const Signature&) const override { return false; }
};

void check_round_trip(ByteView payload) {
    const auto message = p2p::parse_control(payload);
    if (!message || std::holds_alternative<p2p::UnknownControl>(message->body)) return;
    const Bytes written = p2p::write_control(*message);
    // Writing can make a message longer than its input; what is still small enough must parse to the same.
    if (written.size() > p2p::control_bytes_max) return;
    const auto again = p2p::parse_control(written);
    if (!again || p2p::write_control(*again) != written) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::unique_ptr<Signer> signer = make_ed25519_signer(KeySeed{});
    const NoVerifier verifier;
    const p2p::LocalNode local;
    const Now now{MonoTime{1}, WallTime{1'700'000'000'000}};
    p2p::MessageRouter router(1);
    p2p::PeerSession session({local, *signer, verifier, router, p2p::Direction::inbound, {}, {}, now.mono},
                             now);
    session.start(now);
    ByteView rest(data, size);
    bool open = true;
    while (rest.size() > 2) {
        const std::size_t wanted = std::size_t{rest[0]} << 8 | std::size_t{rest[1]};
        const ByteView payload = rest.subspan(2, std::min(wanted, rest.size() - 2));
        rest = rest.subspan(2 + payload.size());
        if (payload.empty()) continue;
        check_round_trip(payload);
        if (!open) continue;
        const p2p::SessionOutput output = session.receive(now, payload);
        if (output.authenticated || session.authenticated() || output.delivery) std::abort();
        open = !output.close;
    }
    return 0;
}

// A peer that is who it says it is, from an address on the internet, says whatever it likes: a node may crash
// of none of it, dials nobody but that very address because of it, and seldom. The first byte of each piece
// says what happens, the second how long the rest is.

#include <cstdlib>
#include <memory>
#include <string>

#include "p2p/peers/peer_manager.h"

using namespace peerbook;
using namespace peerbook::p2p;

namespace {

constexpr const char* hostile_host = "11.9.0.1";

class TrustingVerifier final : public Verifier {
  public:
    bool verify(const PublicKey&, ByteView, const Signature&) const override { return true; }
};

void check(bool holds) {
    if (!holds) std::abort();
}

Bytes bytes_of(const std::string& text) {
    const ByteView view = as_bytes(text);
    return Bytes(view.begin(), view.end());
}

// What the peer says.
class Voice {
  public:
    explicit Voice(const PeerId& from) : from_(from) {}

    Bytes say(ControlBody body) { return write_control(envelope(std::move(body))); }
    // The bytes as the payload of a message of this type.
    Bytes say_raw(const std::string& type, ByteView payload) {
        const std::string whole(as_text(say(Heartbeat{})));
        const std::size_t type_at = whole.find("heartbeat"), payload_at = whole.find("{\"sequence\":0}");
        return bytes_of(whole.substr(0, type_at) + type +
                        whole.substr(type_at + 9, payload_at - type_at - 9) + std::string(as_text(payload)) +
                        "}");
    }

  private:
    ControlMessage envelope(ControlBody body) {
        ControlMessage message;
        message.id.data[15] = static_cast<std::uint8_t>(++count_);
        message.id.data[14] = static_cast<std::uint8_t>(count_ >> 8);
        message.from = from_;
        message.timestamp = {1'700'000'000'000};
        message.body = std::move(body);
        return message;
    }

    PeerId from_;
    unsigned count_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::unique_ptr<Signer> own = make_ed25519_signer(KeySeed{});
    static const std::unique_ptr<Signer> theirs = [] {
        KeySeed seed;
        seed.data.fill(1);
        return make_ed25519_signer(seed);
    }();
    const TrustingVerifier verifier;
    PeerManagerOptions options;
    options.local.dials_back = true;
    options.local.listen_port = 3000;
    options.checks_reach = true;
    PeerManager manager(options, *own, verifier);
    Now now{MonoTime{1'000'000'000}, WallTime{1'700'000'000'000}};
    const MonoTime began = now.mono;
    PeerEffects effects;
    const auto id = manager.admit(now, {hostile_host, 40000}, effects);
    manager.channel_ready(now, *id, {hostile_host, 40000}, {}, {}, effects);
    Voice voice(theirs->public_key());
    HandshakeMessage claim;
    claim.node = theirs->public_key();
    claim.version = protocol_version;
    claim.port = 3000;
    claim.broadcast = true;
    claim.capabilities = {reach_capability};
    claim.clock = now.wall;
    claim.seen = PeerAddress{"11.1.0.1", 3000};
    manager.frame(now, *id, voice.say(claim), effects);
    manager.frame(now, *id, voice.say(HandshakeAck{}), effects);
    check(manager.connected_count() == 1);

    ByteView rest(data, size);
    while (rest.size() >= 2) {
        const std::uint8_t what = rest[0];
        const std::size_t length = std::min<std::size_t>(rest[1], rest.size() - 2);
        const ByteView bytes = rest.subspan(2, length);
        rest = rest.subspan(2 + length);
        const auto port = static_cast<std::uint16_t>(1 + what * 251U + length);
        switch (what % 7) {
            case 0:
                manager.frame(now, *id, voice.say(DialBack{port}), effects);
                break;
            case 1:
                manager.frame(now, *id,
                              voice.say(DialBackAnswer{what < 128 ? std::uint16_t{3000} : port,
                                                       DialBackAnswer::Result(length % 3)}),
                              effects);
                break;
            case 2:
                manager.frame(now, *id, voice.say(ReachedAt{what < 128 ? std::uint16_t{0} : port}), effects);
                break;
            case 3: {
                static constexpr const char* types[] = {"dialback", "dialback_answer", "reached_at"};
                manager.frame(now, *id, voice.say_raw(types[what / 7 % 3], bytes), effects);
                break;
            }
            case 4: {
                const Duration step = Duration::milliseconds(1 + what * 37);
                now = {now.mono + step, {now.wall.ms + step.ms()}};
                manager.tick(now, effects);
                break;
            }
            case 5: {
                PortMapping mapping;
                mapping.external_port = port;
                manager.set_mapping(now, what < 128 ? std::optional(mapping) : std::nullopt);
                break;
            }
            default:
                if (!bytes.empty()) manager.frame(now, *id, bytes, effects);
                break;
        }
        for (const PeerEffect& effect : effects)
            if (const auto* dial = std::get_if<effect::Dial>(&effect))
                check(dial->address.host == hostile_host);
        effects.clear();
        const auto minutes = static_cast<std::uint64_t>((now.mono - began).ms() / 58'000);
        check(manager.nat_info().dialled_back <= 2 + minutes);
        check(manager.nat_info().reach != Reach::reachable);
        check(manager.known_addresses() <= addresses_max);
    }
    return 0;
}

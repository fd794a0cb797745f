// A Relay among three peers that send it whatever they like, signed as they like: nothing may crash, no bound
// may be passed, and what is parsed is the one encoding of what it means. The first byte of each piece says
// what happens, the second how long the rest is.

#include <algorithm>
#include <optional>

#include "base/check.h"
#include "p2p/relay/relay.h"
#include "tests/fuzz/kept_signer.h"

using namespace peerbook;
using namespace peerbook::p2p;

namespace {

class EveryVerifier final : public Verifier {
  public:
    bool verify(const PublicKey&, ByteView, const Signature&) const override { return true; }
};

PeerId peer(std::uint8_t number) {
    PeerId id;
    id.data.fill(number);
    return id;
}

bool equal(ByteView a, ByteView b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

void check_encodings(ByteView bytes) {
    if (const auto relay = parse_relay(bytes); relay.ok()) {
        const fuzz::KeptSigner signer(relay->envelope.sender, relay->signature);
        PB_CHECK(equal(write_relay(relay->envelope, Digest{}, signer), bytes.subspan(2)),
                 "an envelope has one encoding");
    }
    if (const auto parcel = parse_parcel(bytes); parcel.ok())
        PB_CHECK(equal(write_parcel(*parcel), bytes), "a parcel has one encoding");
}

class Machine {
  public:
    Machine() : relay_({}, self_, verifier_, KeySeed{}, now_.mono) {}

    void step(std::uint8_t what, ByteView bytes) {
        const PeerId from = peer(static_cast<std::uint8_t>(1 + what % 3));
        out_.clear();
        switch (what / 3 % 8) {
            case 0:
                relay_.peer_up(now_, from, out_);
                break;
            case 1:
                relay_.peer_down(from);
                break;
            case 2: {
                const Duration step = Duration::milliseconds(1 + what * 37);
                now_ = {now_.mono + step, {now_.wall.ms + step.ms()}};
                relay_.tick(now_, out_);
                break;
            }
            case 3:
                relay_.send(now_, peer(bytes.empty() ? 9 : bytes[0]), 0x90,
                            SharedBytes(Bytes(bytes.begin(), bytes.end())), Duration::seconds(5), out_);
                break;
            case 4: {
                Bytes frame{relay_kind};
                frame.insert(frame.end(), bytes.begin(), bytes.end());
                relay_.receive(now_, from, frame, out_);
                break;
            }
            case 5:
                receive_envelope(from, bytes);
                break;
            case 6:
                receive_sealed(from, Bytes(bytes.begin(), bytes.end()));
                break;
            default: {
                // Behind the two fields that must be right.
                Bytes parcel(from.data.begin(), from.data.end());
                parcel.insert(parcel.end(), 32, 5);
                parcel.insert(parcel.end(), bytes.begin(), bytes.end());
                receive_sealed(from, parcel);
            }
        }
        learn_key();
        const RelayStats stats = relay_.stats();
        PB_CHECK(stats.peers <= 3 && stats.ways <= 3 * RelayRoutes::far_per_peer_max, "ways are bounded");
        PB_CHECK(stats.waiting <= Relay::outbound_max * Relay::waiting_max, "what waits is bounded");
    }

  private:
    void receive(const PeerId& from, const RelayEnvelope& envelope, std::uint8_t ttl) {
        Signature signature;
        signature.data[0] = ttl;
        Bytes frame{relay_kind, static_cast<std::uint8_t>(ttl % (relay_ttl_max + 1))};
        const Bytes rest = write_relay(envelope, {}, fuzz::KeptSigner(envelope.sender, signature));
        frame.insert(frame.end(), rest.begin(), rest.end());
        relay_.receive(now_, from, frame, out_);
    }

    RelayEnvelope envelope(const PeerId& from, ByteView bytes) const {
        RelayEnvelope made;
        made.sender = bytes.empty() ? from : peer(bytes[0]);
        made.recipient = bytes.size() < 2 || bytes[1] % 2 == 0 ? self_.public_key() : peer(bytes[1]);
        if (made.sender == made.recipient) made.sender = peer(77);
        made.created = {now_.wall.ms + (bytes.size() < 3 ? 0 : bytes[2] * 700 - 90'000)};
        return made;
    }

    void receive_envelope(const PeerId& from, ByteView bytes) {
        RelayEnvelope made = envelope(from, bytes);
        made.type = bytes.size() > 3 && bytes[3] % 2 == 0 ? RelayType::found : RelayType::seek;
        made.key.data.fill(bytes.size() > 4 ? bytes[4] : 9);
        if (made.type == RelayType::found && last_seek_) made.seek = *last_seek_;
        receive(from, made, bytes.size() > 5 ? bytes[5] : 3);
    }

    void receive_sealed(const PeerId& from, const Bytes& parcel) {
        if (!key_) return;
        KeySeed seed;
        seed.data[0] = ++boxes_;
        const auto box = seal_to(parcel, *key_, seed);
        PB_CHECK(box.ok(), "a Relay's own key can be sealed to");
        RelayEnvelope made = envelope(from, {});
        made.type = boxes_ % 2 == 0 ? RelayType::narrow : RelayType::wide;
        made.created = {now_.wall.ms + boxes_};
        made.box = *box;
        receive(from, made, 3);
    }

    // From what it sends: the key to which it is written, and what its answers must name.
    void learn_key() {
        for (const relay::Output& output : out_) {
            const auto* send = std::get_if<relay::Send>(&output);
            if (!send) continue;
            PB_CHECK(send->frame.size() <= frame_bytes_max, "a frame is one");
            Bytes frame(send->frame.head.begin(), send->frame.head.begin() + send->frame.head_size);
            const ByteView body = send->frame.body.view();
            frame.insert(frame.end(), body.begin(), body.end());
            const auto parsed = parse_relay(frame);
            PB_CHECK(parsed.ok(), "what it sends can be read");
            if (parsed->envelope.sender != self_.public_key()) continue;
            if (parsed->envelope.type == RelayType::seek) last_seek_ = relay_digest({}, parsed->signed_part);
            if (parsed->envelope.type == RelayType::seek || parsed->envelope.type == RelayType::found)
                key_ = parsed->envelope.key;
        }
    }

    Now now_{MonoTime{1'000'000'000}, WallTime{1'700'000'000'000}};
    fuzz::KeptSigner self_{peer(200), Signature{}};
    EveryVerifier verifier_;
    Relay relay_;
    relay::Outputs out_;
    std::optional<SealKey> key_;
    std::optional<Digest> last_seek_;
    std::uint8_t boxes_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ByteView rest(data, size);
    check_encodings(rest);
    Machine machine;
    while (rest.size() >= 2) {
        const std::uint8_t what = rest[0];
        const std::size_t length = std::min<std::size_t>(rest[1], rest.size() - 2);
        machine.step(what, rest.subspan(2, length));
        rest = rest.subspan(2 + length);
    }
    return 0;
}

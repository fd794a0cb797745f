// A neighbour that is who it says it is passes on whatever it likes: a node may crash of none of it, keeps no
// more than its bounds, and sends no more than its rates. The first byte of each piece says what happens, the
// second how long the rest is.

#include <cstdlib>
#include <memory>
#include <string>

#include "p2p/directory/directory.h"

using namespace peerbook;
using namespace peerbook::p2p;

namespace {

// Signatures are not what is looked for here.
class TrustingVerifier final : public Verifier {
  public:
    bool verify(const PublicKey&, ByteView, const Signature&) const override { return true; }
};

void check(bool holds) {
    if (!holds) std::abort();
}

std::string text_of(ByteView bytes) {
    return std::string(as_text(bytes));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::unique_ptr<Signer> own = make_ed25519_signer(KeySeed{});
    const TrustingVerifier verifier;
    std::uint64_t ids = 0;
    Directory::Options options;
    options.next_id = [&ids] {
        MessageId id;
        id.data[15] = static_cast<std::uint8_t>(++ids);
        return id;
    };
    options.addresses = [](const auto&) {
        std::map<PeerId, PeerAddress> addresses;
        for (std::uint8_t number = 1; number < 9; number += 2) {
            PeerId node;
            node.data[31] = number;
            addresses.emplace(node, PeerAddress{"11.0.0.1", 3000});
        }
        return addresses;
    };
    Directory directory(options, *own, verifier);
    Now now{MonoTime{1'000'000'000}, WallTime{1'700'000'000'000}};
    PeerId first, second;
    first.data[31] = 1;
    second.data[31] = 2;
    Directory::Outputs out;
    directory.neighbour_up(now, first, true, out);
    directory.neighbour_up(now, second, false, out);
    directory.set_services(now, {"member"}, out);

    std::size_t sent = 0;
    const MonoTime began = now.mono;
    ByteView rest(data, size);
    while (rest.size() >= 2) {
        const std::uint8_t what = rest[0];
        const std::size_t length = std::min<std::size_t>(rest[1], rest.size() - 2);
        const ByteView bytes = rest.subspan(2, length);
        rest = rest.subspan(2 + length);
        static constexpr const char* types[] = {"hello", "peer_announcement", "peer_update", "peer_request",
                                                "peer_list_response"};
        switch (what % 4) {
            case 0: {
                SignedControl message;
                message.type = types[what / 4 % 5];
                message.id.data[15] = static_cast<std::uint8_t>(length);
                message.from.data[31] = static_cast<std::uint8_t>(1 + what / 32);
                if (what % 3 == 0) message.to = own->public_key();
                message.timestamp = now.wall;
                message.ttl = what % 33;
                message.payload = text_of(bytes);
                directory.receive(now, first, write_signed_control(message), out);
                break;
            }
            case 1:
                directory.receive(now, what < 128 ? first : second, bytes, out);
                break;
            case 2: {
                const Duration step = Duration::milliseconds(1 + what * 37);
                now = {now.mono + step, {now.wall.ms + step.ms()}};
                directory.tick(now, out);
                break;
            }
            default:
                if (is_service_name(text_of(bytes))) {
                    directory.ask(now, text_of(bytes), out);
                    directory.find(now.mono, text_of(bytes));
                }
                break;
        }
        for (const Directory::Output& output : out)
            sent += std::holds_alternative<Directory::Send>(output) ? 1u : 0u;
        out.clear();
        check(directory.providers() <= providers_max);
        const auto seconds = static_cast<std::size_t>((now.mono - began).ms() / 1'000);
        check(sent <= 2 * (static_cast<std::size_t>(directory_out_rate.capacity) + 1 +
                           (seconds + 1) * static_cast<std::size_t>(directory_out_rate.per_1000_s / 1'000)));
    }
    return 0;
}

// Any text as a request to a registry and as its answer: refused with an error, or what comes back the same
// from being written and read.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "p2p/registry/registry_wire.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace peerbook;
    using namespace peerbook::p2p;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto entry = read_registration(text)) {
        const std::string written = write_registration(*entry);
        PB_CHECK(written.size() <= registry_request_bytes_max, "what is written is within the bound");
        const auto again = read_registration(written);
        PB_CHECK(again.ok() && *again == *entry, "a registration comes back the same");
        PB_CHECK(signed_part(*again) == signed_part(*entry), "and so does what is signed");
    } else {
        PB_CHECK(!entry.error().message.empty(), "an error says what is wrong");
    }
    if (const auto withdrawal = read_withdrawal(text)) {
        const auto again = read_withdrawal(write_withdrawal(*withdrawal));
        PB_CHECK(again.ok() && *again == *withdrawal, "a withdrawal comes back the same");
    }
    const Digest network{};
    for (const unsigned status : {200U, 409U, 503U}) {
        const auto reply = read_registry_reply(status, text, network);
        if (reply) {
            PB_CHECK(status == 200 && reply->nodes.size() <= registry_reply_nodes_max, "a reply is bounded");
            const std::string written = write_registry_reply(*reply);
            PB_CHECK(written.size() <= registry_reply_bytes_max, "what is written is within the bound");
            const auto again = read_registry_reply(200, written, network);
            PB_CHECK(again.ok() && again->you == reply->you && again->nodes == reply->nodes,
                     "a reply comes back the same");
        }
        const auto you = read_wrong_address(status, text);
        if (you)
            PB_CHECK(read_wrong_address(409, write_wrong_address("no", *you)) == you,
                     "an address comes back the same");
    }
    (void)parse_registry_url(text);
    (void)may_be_seen_at(text, "10.0.0.1");
    (void)may_be_seen_at("10.0.0.1", text);
    (void)listens_at(text, "10.0.0.1");
    return 0;
}

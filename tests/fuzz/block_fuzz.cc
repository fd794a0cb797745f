// Any bytes as a block: refused, or the one encoding of what they mean. And blocks that are made of the
// input, so that the payload root fits and what stands behind it is reached, with one byte changed.
#include "base/check.h"
#include "base/codec.h"
#include "exchange/ordering/block.h"
#include "tests/fuzz/kept_signer.h"
#include "tests/fuzz/three_members.h"

namespace {

using namespace peerbook;
using namespace peerbook::exchange;
using namespace peerbook::fuzz;

void check(const Bytes& bytes) {
    const auto verified =
        verify_block(SharedBytes(bytes), view(), network, rules_version_latest, EveryVerifier());
    if (!verified.ok()) return;
    const auto front = signed_header_of(bytes, view());
    PB_CHECK(front.ok() && digest_of(front->header) == verified->digest, "the front says the same");
    PB_CHECK(verified->payload_bytes <= bytes.size(), "the payload is the end of the block");
    const Block block{verified->header, front->signature,
                      Bytes(bytes.end() - static_cast<std::ptrdiff_t>(verified->payload_bytes), bytes.end())};
    PB_CHECK(encode_block(block, view()) == bytes, "a block has one encoding");
    std::size_t commands = 0;
    for (const CommandBatch& batch : verified->batches)
        commands += batch.commands.size();
    PB_CHECK(commands == verified->command_count, "commands are those of the batches");
}

// Bytes of the input, zeros at its end.
struct Input {
    ByteView rest;
    std::uint8_t byte() {
        if (rest.empty()) return 0;
        const std::uint8_t value = rest.front();
        rest = rest.subspan(1);
        return value;
    }
};

void check_made(ByteView data) {
    Input input{data};
    Block block;
    const std::uint8_t shape = input.byte();
    block.header.format_version = shape & 1 ? block_format_with_vote : block_format_version;
    if (shape & 1) block.header.vote = StateVote{input.byte(), {}, {}};
    block.header.network = network;
    block.header.ledger = view().ledger;
    block.header.view = digest_of(view());
    block.header.author = member(static_cast<std::uint8_t>(1 + input.byte() % 3));
    block.header.seq = input.byte();
    block.header.round = input.byte();
    block.header.timestamp.ms = input.byte();
    for (int parents = shape >> 1 & 3; parents > 0; --parents)
        block.header.parents.push_back({static_cast<MemberIndex>(input.byte() % 3), input.byte(), {}});
    const std::size_t at = std::size_t{input.byte()} << 8 | input.byte();
    const std::uint8_t flipped = input.byte();
    block.payload.assign(input.rest.begin(), input.rest.end());
    block.header.payload_root = payload_root_of(block.payload);
    Bytes encoded = encode_block(block, view());
    check(encoded);
    encoded[at % encoded.size()] ^= flipped;
    check(encoded);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    check(Bytes(data, data + size));
    check_made({data, size});
    return 0;
}

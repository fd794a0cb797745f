#include "app/bench/compression_bench.h"

#include <algorithm>
#include <chrono>
#include <string>

#include "base/check.h"
#include "base/codec.h"
#include "base/keys.h"
#include "base/random.h"
#include "exchange/engine/command.h"
#include "exchange/ordering/block.h"
#include "p2p/wire/compression.h"

namespace peerbook::app {

namespace {

using namespace exchange;
using SteadyClock = std::chrono::steady_clock;

constexpr std::uint8_t block_kind = 0x80, blocks_kind = 0x83;
constexpr std::size_t together_bytes_max = 900 * 1024;
constexpr std::size_t block_sizes[] = {16, 256, 1024, 4096, 16384};  // commands
constexpr std::size_t blocks_max = 2'000;                            // of each size

KeySeed seed_of(std::uint8_t number) {
    KeySeed seed;
    seed.data.fill(number);
    return seed;
}

// Signs one block after the other, each on top of the last ones of all three members.
class Author {
  public:
    Author() {
        std::vector<PublicKey> keys;
        for (std::uint8_t i = 1; i <= 3; ++i)
            keys.push_back(make_ed25519_signer(seed_of(i))->public_key());
        view_ = make_first_view(network_, keys).value();
        header_.network = network_;
        header_.ledger = view_.ledger;
        header_.view = digest_of(view_);
        header_.author = keys[0];
        header_.timestamp = {1'700'000'000'000};
    }

    SharedBytes block(Bytes payload) {
        Block block{header_, {}, std::move(payload)};
        block.header.payload_root = payload_root_of(block.payload);
        sign_block(block, *signer_);
        ++header_.seq;
        header_.round += 2;
        header_.timestamp.ms += 2;
        header_.parents.clear();
        for (std::uint32_t member = 0; member < 3; ++member) {
            Digest digest;
            for (std::uint8_t& byte : digest.data)
                byte = static_cast<std::uint8_t>(random_.next());
            header_.parents.push_back({static_cast<MemberIndex>(member), header_.round - 1, digest});
        }
        return SharedBytes(encode_block(block, view_));
    }

  private:
    Digest network_;
    View view_;
    BlockHeader header_;
    std::unique_ptr<Signer> signer_ = make_ed25519_signer(seed_of(1));
    Random random_{1};
};

struct Blocks {
    std::vector<SharedBytes> blocks;
    std::size_t commands = 0;
};

Blocks blocks_of(const PreparedFlow& flow, std::size_t commands) {
    Author author;
    Blocks made;
    PayloadBuilder builder;
    const auto finish = [&] {
        made.commands += builder.command_count();
        made.blocks.push_back(author.block(builder.take()));
    };
    for (const CommandBatch& batch : flow.flow)
        for (const BatchCommand& command : batch.commands) {
            const Command whole{batch.accounts[command.account], command.ref(), command.body};
            if (builder.command_count() == commands || !builder.add_hosted(whole)) {
                finish();
                if (made.blocks.size() == blocks_max) return made;
                PB_CHECK(builder.add_hosted(whole), "a command fits a block");
            }
        }
    return made;
}

double seconds_since(SteadyClock::time_point start) {
    return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

Bytes frame_of(const p2p::OutgoingPayload& payload) {
    Bytes bytes(payload.head.begin(), payload.head.begin() + payload.head_size);
    const ByteView body = payload.body.view();
    bytes.insert(bytes.end(), body.begin(), body.end());
    return bytes;
}

// As in answer to a version vector (kind 0x83).
std::vector<SharedBytes> together(const std::vector<SharedBytes>& blocks) {
    std::vector<SharedBytes> messages;
    for (std::size_t next = 0; next < blocks.size();) {
        std::size_t end = next, bytes = 16;
        while (end < blocks.size() && bytes + blocks[end].size() + 4 <= together_bytes_max)
            bytes += blocks[end++].size() + 4;
        Bytes message;
        Encoder out(message);
        out.u8(end < blocks.size() ? 1 : 0);
        out.varint(end - next);
        for (; next < end; ++next)
            out.bytes(blocks[next].view());
        messages.emplace_back(std::move(message));
    }
    return messages;
}

struct Cost {
    double before = 0, after = 0;  // bytes
    double compress_s = 1e9, expand_s = 1e9;
};

Cost cost_of(const std::vector<SharedBytes>& bodies, std::uint8_t kind, std::uint32_t rounds) {
    Cost cost;
    for (std::uint32_t round = 0; round < rounds; ++round) {
        p2p::Compressor compressor({kind});
        p2p::Expander expander;
        double out_s = 0, in_s = 0;
        cost.before = cost.after = 0;
        for (const SharedBytes& body : bodies) {
            auto start = SteadyClock::now();
            const p2p::OutgoingPayload sent = compressor.compressed(p2p::plain_payload(kind, body));
            out_s += seconds_since(start);
            cost.before += static_cast<double>(body.size() + 1);
            cost.after += static_cast<double>(sent.size());
            if (sent.head[0] != p2p::compressed_kind) continue;
            const Bytes frame = frame_of(sent);
            start = SteadyClock::now();
            const auto expanded = expander.expand(frame);
            in_s += seconds_since(start);
            PB_CHECK(expanded.ok() && expanded->size() == body.size() + 1, "it comes back");
        }
        cost.compress_s = std::min(cost.compress_s, out_s);
        cost.expand_s = std::min(cost.expand_s, in_s);
    }
    return cost;
}

void measure(const std::string& flow, const Blocks& made, std::size_t commands, std::uint32_t rounds,
             std::vector<Figure>& figures) {
    const std::string size = std::to_string(commands);
    const auto all = static_cast<double>(made.commands);
    figures.push_back({"zstd." + flow + "." + size + ".bytes", flow + ", " + size + " commands a block",
                       cost_of(made.blocks, 0, 1).before / static_cast<double>(made.blocks.size()), "B"});
    for (const bool many : {false, true}) {
        const Cost cost = many ? cost_of(together(made.blocks), blocks_kind, rounds)
                               : cost_of(made.blocks, block_kind, rounds);
        const std::string name = "zstd." + flow + "." + size + (many ? ".together" : ".each");
        const std::string what = many ? "  together: " : "  each: ";
        figures.push_back({name, what + "bytes on the wire", 100 * cost.after / cost.before, "%"});
        figures.push_back({name + ".out", what + "compressing", cost.compress_s / all * 1e9, "ns/command"});
        figures.push_back({name + ".in", what + "expanding", cost.expand_s / all * 1e9, "ns/command"});
        figures.push_back(
            {name + ".rate", what + "compressing", cost.before / cost.compress_s / 1e6, "MB/s"});
    }
}

}  // namespace

Result<std::vector<Figure>> measure_compression(const std::vector<Workload>& workloads,
                                                std::uint32_t rounds) {
    std::vector<Figure> figures;
    for (const Workload& workload : workloads) {
        const Result<PreparedFlow> flow = workload.make();
        if (!flow) return flow.error();
        for (const std::size_t commands : block_sizes)
            if (const Blocks made = blocks_of(*flow, commands); !made.blocks.empty())
                measure(workload.name, made, commands, rounds, figures);
    }
    return figures;
}

}  // namespace peerbook::app

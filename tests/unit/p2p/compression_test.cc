#include "p2p/wire/compression.h"

#include <gtest/gtest.h>
#include <zstd.h>

#include <algorithm>

#include "base/random.h"
#include "p2p/gossip/gossip_wire.h"

namespace peerbook::p2p {
namespace {

constexpr std::uint8_t block = 0x80, other = 0x90;

// Of four letters: three quarters of it are redundant.
SharedBytes text_of(std::size_t size) {
    Random random(size);
    Bytes bytes(size);
    for (std::uint8_t& byte : bytes)
        byte = static_cast<std::uint8_t>("buys"[random.below(4)]);
    return SharedBytes(std::move(bytes));
}

SharedBytes noise(std::size_t size, std::uint64_t seed = 1) {
    Random random(seed);
    Bytes bytes(size);
    for (std::uint8_t& byte : bytes)
        byte = static_cast<std::uint8_t>(random.next());
    return SharedBytes(std::move(bytes));
}

Bytes bytes_of(const OutgoingPayload& payload) {
    Bytes bytes(payload.head.begin(), payload.head.begin() + payload.head_size);
    const ByteView body = payload.body.view();
    bytes.insert(bytes.end(), body.begin(), body.end());
    return bytes;
}

Bytes packed(ByteView body) {
    Bytes out(ZSTD_compressBound(body.size()));
    out.resize(ZSTD_compress(out.data(), out.size(), body.data(), body.size(), 1));
    return out;
}

// 0x10 ‖ head ‖ size ‖ content.
Bytes frame_of(const Bytes& head, std::uint32_t size, const Bytes& content) {
    Bytes frame{0x10};
    frame.insert(frame.end(), head.begin(), head.end());
    for (int shift = 24; shift >= 0; shift -= 8)
        frame.push_back(static_cast<std::uint8_t>(size >> shift));
    frame.insert(frame.end(), content.begin(), content.end());
    return frame;
}

struct Compression : testing::Test {
    // What is wrong with the frame; "" if it is taken.
    std::string why(const Bytes& frame) {
        const auto result = expander.expand(frame);
        if (result.ok()) return "";
        EXPECT_EQ(result.error().code, ErrorCode::invalid_input);
        return result.error().message.substr(sizeof "compressed frame: " - 1);
    }
    Bytes expanded(const Bytes& frame) {
        const auto result = expander.expand(frame);
        EXPECT_TRUE(result.ok()) << result.error().message;
        return result.ok() ? Bytes(result->begin(), result->end()) : Bytes();
    }

    Compressor compressor{{block}};
    Expander expander;
};

TEST_F(Compression, APayloadComesBackAsItWas) {
    for (const std::size_t size : {compressed_body_bytes_min, std::size_t{20'000}, std::size_t{200'000},
                                   frame_bytes_max - gossip_head_bytes}) {
        GossipHeader header;
        header.hops = 3;
        header.created = {1'700'000'000'123};
        header.kind = block;
        for (const OutgoingPayload& payload :
             {plain_payload(block, text_of(size)), push_frame(header, text_of(size))}) {
            const Bytes sent = bytes_of(compressor.compressed(payload));
            EXPECT_EQ(sent.front(), compressed_kind);
            EXPECT_LT(sent.size(), payload.size() * 15 / 16);
            EXPECT_EQ(expanded(sent), bytes_of(payload)) << size;
        }
    }
}

TEST_F(Compression, TheFormIsHeadSizeAndOneZstdFrame) {
    const SharedBytes body = text_of(30'000);
    const Bytes sent = bytes_of(compressor.compressed(plain_payload(block, body)));
    EXPECT_EQ(Bytes(sent.begin(), sent.begin() + 6), (Bytes{0x10, 0x80, 0, 0, 30'000 >> 8, 30'000 & 0xff}));
    Bytes out(30'000);
    EXPECT_EQ(ZSTD_decompress(out.data(), out.size(), sent.data() + 6, sent.size() - 6), 30'000U);
    EXPECT_TRUE(std::equal(out.begin(), out.end(), body.view().begin()));
}

TEST_F(Compression, WhatIsNotListedSmallOrDoesNotShrinkIsLeftAsItIs) {
    const MessageId id;
    for (const OutgoingPayload& payload :
         {plain_payload(other, text_of(50'000)), plain_payload(block, text_of(compressed_body_bytes_min - 1)),
          plain_payload(block, noise(50'000)), routed_payload(id, block, text_of(50'000)),
          control_payload(Bytes(50'000, ' ')), routed_ack_payload(id)})
        EXPECT_EQ(bytes_of(compressor.compressed(payload)), bytes_of(payload));
}

// Others would refuse it.
TEST_F(Compression, WhatShrinksMoreThanTheBoundIsLeftAsItIs) {
    const OutgoingPayload zeros = plain_payload(block, SharedBytes(Bytes(100'000, 0)));
    EXPECT_EQ(compressor.compressed(zeros).head[0], block);
}

TEST_F(Compression, OneBodyForManyPeersIsCompressedOnce) {
    const SharedBytes body = text_of(50'000), copy = text_of(50'000);
    GossipHeader header;
    header.kind = block;
    const OutgoingPayload first = compressor.compressed(plain_payload(block, body));
    const OutgoingPayload second = compressor.compressed(push_frame(header, body));
    EXPECT_EQ(first.body.view().data(), second.body.view().data());
    EXPECT_NE(compressor.compressed(plain_payload(block, copy)).body.view().data(), first.body.view().data());
    // Also the outcome that it does not pay, and never that of another body.
    const SharedBytes odd = noise(50'000);
    EXPECT_EQ(compressor.compressed(plain_payload(block, odd)).head[0], block);
    EXPECT_EQ(compressor.compressed(plain_payload(block, odd)).head[0], block);
    EXPECT_EQ(compressor.compressed(plain_payload(block, body)).head[0], compressed_kind);
    compressor.release();
    EXPECT_EQ(bytes_of(compressor.compressed(plain_payload(block, body))), bytes_of(first));
}

TEST_F(Compression, ABombIsRefusedBeforeAnythingIsAllocated) {
    const Bytes zeros(frame_bytes_max - 1, 0);
    const Bytes bomb = packed(zeros);
    ASSERT_LT(bomb.size(), 200U);
    EXPECT_EQ(why(frame_of({block}, static_cast<std::uint32_t>(zeros.size()), bomb)),
              std::to_string(bomb.size()) + " bytes for 1048575");
    // Beyond a frame, with a claim that is true and with one that is not.
    const Bytes large = packed(Bytes(3 * frame_bytes_max, 0));
    EXPECT_EQ(why(frame_of({block}, 3 * frame_bytes_max, large)), "3145728 bytes do not fit a frame");
    EXPECT_EQ(why(frame_of({block}, 0xffff'ffff, large)), "4294967295 bytes do not fit a frame");
    EXPECT_EQ(why(frame_of({block}, static_cast<std::uint32_t>(large.size() + 1), large)),
              "not one zstd frame of the size it claims");
}

TEST_F(Compression, TheLargestPayloadPassesAndOneByteMoreDoesNot) {
    const SharedBytes body = text_of(frame_bytes_max);
    const ByteView largest = body.view().subspan(1);
    EXPECT_EQ(why(frame_of({block}, frame_bytes_max - 1, packed(largest))), "");
    EXPECT_EQ(why(frame_of({block}, frame_bytes_max, packed(body.view()))),
              "1048576 bytes do not fit a frame");
}

TEST_F(Compression, TheRatioHasABound) {
    // Noise and zeros in such shares that the whole is right at the bound, and then above it.
    const auto made = [](std::size_t size) {
        Bytes body(size, 0);
        const SharedBytes random = noise(1000);
        std::copy(random.view().begin(), random.view().end(), body.begin());
        return body;
    };
    const std::size_t content = packed(made(64'000)).size();
    const Bytes within = made(content * expansion_max - 8 * expansion_max);
    const Bytes above = made(content * expansion_max + 8 * expansion_max);
    EXPECT_EQ(why(frame_of({block}, static_cast<std::uint32_t>(within.size()), packed(within))), "");
    EXPECT_NE(why(frame_of({block}, static_cast<std::uint32_t>(above.size()), packed(above))), "");
}

TEST_F(Compression, AWrongSizeIsRefused) {
    const SharedBytes body = text_of(5000);
    const Bytes content = packed(body.view());
    EXPECT_EQ(why(frame_of({block}, 5000, content)), "");
    for (const std::uint32_t size : {4999U, 5001U, 2000U})
        EXPECT_EQ(why(frame_of({block}, size, content)), "not one zstd frame of the size it claims");
    EXPECT_NE(why(frame_of({block}, 0, content)), "");
}

TEST_F(Compression, WhatDidNotShrinkIsRefused) {
    const SharedBytes body = noise(2000);
    const Bytes content = packed(body.view());
    ASSERT_GE(content.size(), 2000U);
    EXPECT_NE(why(frame_of({block}, 2000, content)), "");
}

TEST_F(Compression, WhateverIsCutOffIsRefused) {
    const Bytes whole = bytes_of(compressor.compressed(plain_payload(block, text_of(20'000))));
    for (std::size_t size = 0; size < whole.size(); ++size)
        EXPECT_NE(why(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))), "") << size;
    EXPECT_EQ(why(whole), "");
}

TEST_F(Compression, SomethingBehindIsRefused) {
    const SharedBytes body = text_of(5000);
    Bytes content = packed(body.view());
    const Bytes once = content;
    content.push_back(0);
    EXPECT_EQ(why(frame_of({block}, 5000, content)), "not one zstd frame of the size it claims");
    content = once;
    content.insert(content.end(), once.begin(), once.end());  // two frames
    EXPECT_EQ(why(frame_of({block}, 5000, content)), "not one zstd frame of the size it claims");
    EXPECT_EQ(why(frame_of({block}, 10'000, content)), "not one zstd frame of the size it claims");
    Bytes skippable{0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0};
    skippable.insert(skippable.end(), once.begin(), once.end());
    EXPECT_EQ(why(frame_of({block}, 5000, skippable)), "not one zstd frame of the size it claims");
}

TEST_F(Compression, AFrameThatDoesNotSayItsSizeIsRefused) {
    const SharedBytes body = text_of(5000);
    ZSTD_CCtx* context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
    Bytes content(6000);
    content.resize(ZSTD_compress2(context, content.data(), content.size(), body.view().data(), body.size()));
    ZSTD_freeCCtx(context);
    EXPECT_EQ(why(frame_of({block}, 5000, content)), "not one zstd frame of the size it claims");
}

TEST_F(Compression, OnlyApplicationKindsAndPushesAreInside) {
    const SharedBytes body = text_of(5000);
    const Bytes content = packed(body.view());
    for (const std::uint8_t first : {std::uint8_t{'{'}, std::uint8_t{0}, routed_kind, routed_ack_kind,
                                     gossip_announce_kind, compressed_kind, std::uint8_t{0x7f}})
        EXPECT_EQ(why(frame_of({first}, 5000, content)), "a kind that is never compressed") << int{first};
    EXPECT_EQ(why(frame_of({0xff}, 5000, content)), "");
    EXPECT_EQ(why(frame_of(Bytes(gossip_head_bytes, gossip_push_kind), 5000, content)), "");
    EXPECT_EQ(why({0x10}), "a kind that is never compressed");
}

TEST_F(Compression, DamageIsRefusedOrStaysWithinItsBounds) {
    const Bytes whole = bytes_of(compressor.compressed(plain_payload(block, text_of(20'000))));
    Random random(7);
    int refused = 0;
    for (int i = 0; i < 3000; ++i) {
        Bytes frame = whole;
        frame[6 + random.below(frame.size() - 6)] ^= static_cast<std::uint8_t>(1 + random.below(255));
        const auto result = expander.expand(frame);
        if (!result.ok())
            ++refused;
        else
            EXPECT_EQ(result->size(), 20'001U);
    }
    EXPECT_GT(refused, 0);      // zstd itself sees little of it: integrity is TLS's, and the digest's
    EXPECT_EQ(why(whole), "");  // nothing of it stays
}

TEST_F(Compression, RandomBytesAreRefused) {
    for (std::uint64_t seed = 1; seed <= 500; ++seed) {
        const SharedBytes content = noise(20 + seed, seed);
        EXPECT_NE(why(frame_of({block}, 2000, Bytes(content.view().begin(), content.view().end()))), "");
    }
}

}  // namespace
}  // namespace peerbook::p2p

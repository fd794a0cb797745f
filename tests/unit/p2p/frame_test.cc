#include "p2p/wire/frame.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace peerbook::p2p {
namespace {

void feed(FrameReader& reader, ByteView bytes) {
    const auto space = reader.space(bytes.size());
    std::copy(bytes.begin(), bytes.end(), space.begin());
    reader.commit(bytes.size());
}

Bytes framed(std::initializer_list<Bytes> payloads) {
    Bytes stream;
    for (const Bytes& payload : payloads) {
        const auto header = frame_header(payload.size());
        stream.insert(stream.end(), header.begin(), header.end());
        stream.insert(stream.end(), payload.begin(), payload.end());
    }
    return stream;
}

TEST(FrameReader, CutsAStreamIntoItsFramesHoweverItIsSplit) {
    const Bytes first{0x90, 1, 2, 3}, second{0x91}, third(3000, 0x92);
    const Bytes stream = framed({first, second, third});
    for (std::size_t step = 1; step <= stream.size(); step = step * 3 + 1) {
        FrameReader reader(4096);
        std::vector<Bytes> frames;
        for (std::size_t at = 0; at < stream.size(); at += step) {
            feed(reader, ByteView(stream).subspan(at, std::min(step, stream.size() - at)));
            while (const auto payload = reader.next())
                frames.emplace_back(payload->begin(), payload->end());
        }
        EXPECT_EQ(frames, (std::vector<Bytes>{first, second, third})) << "step " << step;
        EXPECT_EQ(reader.pending(), 0U);
    }
}

TEST(FrameReader, TheLengthIsBigEndian) {
    EXPECT_EQ(frame_header(0x01'02'03), (std::array<std::uint8_t, 4>{0, 1, 2, 3}));
}

TEST(FrameReader, HalfAFrameIsNoFrame) {
    FrameReader reader(100);
    feed(reader, Bytes{0, 0, 0, 5, 1, 2});
    EXPECT_FALSE(reader.next());
    EXPECT_FALSE(reader.error());
    EXPECT_EQ(reader.pending(), 6U);
}

TEST(FrameReader, AFrameOfTheLimitPassesAndOneByteMoreBreaksTheStream) {
    FrameReader reader(10);
    feed(reader, framed({Bytes(10, 1)}));
    EXPECT_TRUE(reader.next());
    feed(reader, framed({Bytes(11, 1)}));
    EXPECT_FALSE(reader.next());
    EXPECT_EQ(reader.error(), "frame of 11 bytes, above the limit of 10");
    feed(reader, framed({Bytes(1, 1)}));
    EXPECT_FALSE(reader.next());
}

TEST(FrameReader, AnEmptyFrameBreaksTheStream) {
    FrameReader reader(10);
    feed(reader, Bytes{0, 0, 0, 0});
    EXPECT_FALSE(reader.next());
    EXPECT_EQ(reader.error(), "frame of length 0");
}

TEST(FrameReader, PlainHttpIsAnOversizedFrame) {
    FrameReader reader(frame_bytes_max);
    const std::string_view request = "GET / HTTP/1.1\r\n\r\n";
    feed(reader, as_bytes(request));
    EXPECT_FALSE(reader.next());
    EXPECT_EQ(reader.error(), "frame of 1195725856 bytes, above the limit of 1048576");
}

TEST(FrameReader, GivesItsMemoryBackOnlyWhileNothingIsPending) {
    FrameReader reader(100);
    feed(reader, Bytes{0, 0, 0, 2, 1});
    reader.release();
    EXPECT_EQ(reader.pending(), 5U);
    feed(reader, Bytes{2});
    const auto whole = reader.next();
    ASSERT_TRUE(whole);
    EXPECT_EQ(Bytes(whole->begin(), whole->end()), (Bytes{1, 2}));
    reader.release();
    feed(reader, framed({Bytes{7}}));
    EXPECT_TRUE(reader.next());
}

}  // namespace
}  // namespace peerbook::p2p

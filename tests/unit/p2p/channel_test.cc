// What a connection holds between two ends: rings, and channels with and without TLS.

#include "p2p/transport/tls_channel.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <deque>

#include "base/random.h"
#include "p2p/transport/byte_ring.h"

namespace peerbook::p2p {
namespace {

constexpr std::size_t capacity = 64 * 1024;

std::size_t resident_pages(const std::uint8_t* from, std::size_t bytes) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    std::vector<unsigned char> states((bytes + page - 1) / page);
    EXPECT_EQ(mincore(const_cast<std::uint8_t*>(from), bytes, states.data()), 0);
    return static_cast<std::size_t>(
        std::count_if(states.begin(), states.end(), [](unsigned char state) { return state & 1; }));
}

TEST(ByteRing, IsAQueueOfBytes) {
    ByteRing ring(capacity);
    std::deque<std::uint8_t> model;
    Random random(3);
    std::uint8_t next = 0;
    for (int i = 0; i < 20'000; ++i) {
        Bytes bytes(random.below(9000));
        if (random.below(2) == 0) {
            for (std::uint8_t& byte : bytes)
                byte = next++;
            const std::size_t written = ring.write(bytes);
            EXPECT_EQ(written, std::min(bytes.size(), capacity - model.size()));
            model.insert(model.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(written));
            next = static_cast<std::uint8_t>(next - (bytes.size() - written));
        } else {
            const std::size_t taken = ring.read(bytes);
            ASSERT_EQ(taken, std::min(bytes.size(), model.size()));
            ASSERT_TRUE(
                std::equal(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(taken), model.begin()));
            model.erase(model.begin(), model.begin() + static_cast<std::ptrdiff_t>(taken));
        }
        ASSERT_EQ(ring.size(), model.size());
    }
}

TEST(ByteRing, SpaceStaysWhereItIsWhileTheRestIsRead) {
    ByteRing ring(capacity);
    ring.write(Bytes{1, 2, 3});
    const std::span<std::uint8_t> space = ring.space();
    Bytes taken(3);
    EXPECT_EQ(ring.read(taken), 3U);
    space[0] = 4;
    ring.commit(1);
    EXPECT_EQ(ring.read(taken), 1U);
    EXPECT_EQ(taken[0], 4);
}

TEST(ByteRing, GivesItsMemoryBackOnlyWhenItIsEmpty) {
    ByteRing ring(capacity);
    const std::uint8_t* memory = ring.space().data();
    EXPECT_EQ(resident_pages(memory, capacity), 0U);
    ring.write(Bytes(capacity, 7));
    ring.release();
    EXPECT_GT(resident_pages(memory, capacity), 0U);
    Bytes all(capacity);
    EXPECT_EQ(ring.read(all), capacity);
    EXPECT_EQ(all, Bytes(capacity, 7));
    const std::span<std::uint8_t> space = ring.space();
    ring.release();
    EXPECT_EQ(resident_pages(memory, capacity), 0U);
    space[0] = 9;
    ring.commit(1);
    EXPECT_EQ(ring.data()[0], 9);
}

// Moves bytes between two ends until neither has any; the plain bytes that each end got.
class Wire {
  public:
    Wire(Channel& a, Channel& b) : ends_{&a, &b} {}

    bool shake_hands() {
        for (int i = 0; i < 10; ++i) {
            bool both = true;
            for (Channel* end : ends_) {
                const Result<bool> done = end->handshake();
                if (!done) return false;
                both = both && *done;
            }
            carry(0);
            carry(1);
            if (both) return true;
        }
        return false;
    }

    Bytes send(int from, const Bytes& bytes) {
        Bytes got;
        std::size_t sent = 0;
        while (got.size() < bytes.size()) {
            const auto rest = ByteView(bytes).subspan(sent);
            const Result<std::size_t> written = rest.empty() ? std::size_t{0} : ends_[from]->write(rest);
            if (!written) break;
            sent += *written;
            carry(from);
            Bytes part(50'000);
            while (true) {
                const Result<std::size_t> read = ends_[1 - from]->read(part);
                if (!read || *read == 0) break;
                got.insert(got.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(*read));
            }
        }
        return got;
    }

  private:
    void carry(int from) {
        for (;;) {
            const ByteView output = ends_[from]->output();
            const std::span<std::uint8_t> space = ends_[1 - from]->input_space();
            const std::size_t bytes = std::min(output.size(), space.size());
            if (bytes == 0) return;
            std::memcpy(space.data(), output.data(), bytes);
            ends_[1 - from]->input_commit(bytes);
            ends_[from]->output_consume(bytes);
        }
    }

    Channel* ends_[2];
};

Bytes random_bytes(std::size_t size) {
    Random random(size);
    Bytes bytes(size);
    for (std::uint8_t& byte : bytes)
        byte = static_cast<std::uint8_t>(random.next());
    return bytes;
}

void expect_the_same_after_release(Channel& a, Channel& b) {
    Wire wire(a, b);
    ASSERT_TRUE(wire.shake_hands());
    for (const std::size_t size : {std::size_t{1}, std::size_t{1'000'000}, std::size_t{300}}) {
        const Bytes bytes = random_bytes(size);
        for (const int from : {0, 1})
            EXPECT_EQ(wire.send(from, bytes), bytes) << size;
        a.release();
        b.release();
    }
}

TEST(Channel, GoesOnAfterItGaveItsMemoryBack) {
    const Result<TransportIdentity> identity = make_transport_identity("");
    ASSERT_TRUE(identity);
    const auto client = make_tls_channel(*identity, Direction::outbound);
    const auto server = make_tls_channel(*identity, Direction::inbound);
    expect_the_same_after_release(*client, *server);
    const auto one = make_plain_channel(), other = make_plain_channel();
    expect_the_same_after_release(*one, *other);
}

}  // namespace
}  // namespace peerbook::p2p

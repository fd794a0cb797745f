#include "p2p/transport/byte_ring.h"

#include <sys/mman.h>

#include "base/check.h"

namespace peerbook::p2p {

ByteRing::ByteRing(std::size_t capacity) : capacity_(capacity) {
    void* memory = mmap(nullptr, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    PB_CHECK(memory != MAP_FAILED, "out of memory");
    data_ = static_cast<std::uint8_t*>(memory);
}

ByteRing::~ByteRing() {
    munmap(data_, capacity_);
}

std::size_t ByteRing::write(ByteView bytes) {
    std::size_t written = 0;
    while (written < bytes.size() && size_ < capacity_) {
        const std::span<std::uint8_t> room = space();
        const std::size_t step = std::min(room.size(), bytes.size() - written);
        std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(written), step, room.begin());
        commit(step);
        written += step;
    }
    return written;
}

std::size_t ByteRing::read(std::span<std::uint8_t> out) {
    std::size_t taken = 0;
    while (taken < out.size() && size_ > 0) {
        const ByteView there = data();
        const std::size_t step = std::min(there.size(), out.size() - taken);
        std::copy_n(there.begin(), step, out.begin() + static_cast<std::ptrdiff_t>(taken));
        consume(step);
        taken += step;
    }
    return taken;
}

void ByteRing::release() {
    if (size_ == 0) (void)madvise(data_, capacity_, MADV_DONTNEED);
}

}  // namespace peerbook::p2p

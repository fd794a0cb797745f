// A ring of bytes of one fixed size between somebody who writes and somebody who reads. Its memory comes
// straight from the system, takes up nothing before it is written to, and goes back with release(): so that a
// connection that is idle again costs as little as one that never said anything. Not thread-safe.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"

namespace peerbook::p2p {

class ByteRing {
  public:
    // `capacity` in bytes, a multiple of the page size.
    explicit ByteRing(std::size_t capacity);
    ~ByteRing();
    ByteRing(const ByteRing&) = delete;
    ByteRing& operator=(const ByteRing&) = delete;

    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }

    // Room to write into, in one piece: there may be more after commit(). It stays where it is, whatever is
    // read meanwhile, until the next space().
    std::span<std::uint8_t> space() {
        if (size_ == 0) begin_ = 0;
        const std::size_t end = begin_ + size_;
        return end < capacity_ ? std::span(data_ + end, capacity_ - end)
                               : std::span(data_ + (end - capacity_), capacity_ - size_);
    }
    // Precondition: no more than space() had.
    void commit(std::size_t bytes) { size_ += bytes; }

    // What is there, in one piece: there may be more after consume(). It stays valid until consumed, whatever
    // is written meanwhile.
    ByteView data() const { return {data_ + begin_, std::min(size_, capacity_ - begin_)}; }
    // Precondition: no more than data() had.
    void consume(std::size_t bytes) {
        begin_ += bytes;
        if (begin_ == capacity_) begin_ = 0;
        size_ -= bytes;
    }

    // As many as there is room for; returns how many. The same of what is there.
    std::size_t write(ByteView bytes);
    std::size_t read(std::span<std::uint8_t> out);

    // Gives the memory back if nothing is in it. Space that was handed out can still be written to.
    void release();

  private:
    std::uint8_t* data_;
    std::size_t capacity_;
    std::size_t begin_ = 0;
    std::size_t size_ = 0;
};

}  // namespace peerbook::p2p

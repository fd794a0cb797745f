#include "p2p/wire/frame.h"

#include <algorithm>
#include <cstring>

namespace peerbook::p2p {

std::array<std::uint8_t, frame_header_bytes> frame_header(std::size_t payload_bytes) {
    PB_CHECK(payload_bytes >= 1 && payload_bytes <= frame_bytes_max, "a frame outside its bounds");
    const auto length = static_cast<std::uint32_t>(payload_bytes);
    return {static_cast<std::uint8_t>(length >> 24), static_cast<std::uint8_t>(length >> 16),
            static_cast<std::uint8_t>(length >> 8), static_cast<std::uint8_t>(length)};
}

std::size_t frame_payload_bytes(ByteView header) {
    return std::size_t{header[0]} << 24 | std::size_t{header[1]} << 16 | std::size_t{header[2]} << 8 |
           std::size_t{header[3]};
}

std::span<std::uint8_t> FrameReader::space(std::size_t bytes) {
    if (begin_ == end_) begin_ = end_ = 0;
    if (buffer_.size() - end_ < bytes) {
        // Moving what is pending to the front first; the buffer grows only if that is not enough.
        if (begin_ > 0) {
            std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
            end_ -= begin_;
            begin_ = 0;
        }
        if (buffer_.size() - end_ < bytes) buffer_.resize(end_ + bytes);
    }
    return std::span(buffer_).subspan(end_);
}

void FrameReader::commit(std::size_t bytes) {
    PB_CHECK(bytes <= buffer_.size() - end_, "more bytes committed than there was room for");
    end_ += bytes;
}

void FrameReader::release() {
    if (begin_ != end_) return;
    begin_ = end_ = 0;
    Bytes().swap(buffer_);
}

std::optional<ByteView> FrameReader::next() {
    if (error_ || end_ - begin_ < frame_header_bytes) return std::nullopt;
    const std::size_t length = frame_payload_bytes(ByteView(buffer_).subspan(begin_));
    if (length == 0) {
        error_ = "frame of length 0";
        return std::nullopt;
    }
    if (length > payload_bytes_max_) {
        error_ = "frame of " + std::to_string(length) + " bytes, above the limit of " +
                 std::to_string(payload_bytes_max_);
        return std::nullopt;
    }
    if (end_ - begin_ - frame_header_bytes < length) return std::nullopt;
    const ByteView payload = ByteView(buffer_).subspan(begin_ + frame_header_bytes, length);
    begin_ += frame_header_bytes + length;
    return payload;
}

}  // namespace peerbook::p2p

// Frames: a 4-byte big-endian length, then that many bytes of payload, 1 ≤ length ≤ a limit. The limit is
// small until the peer is authenticated, so that strangers cannot make us hold memory.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>

#include "base/bytes.h"
#include "p2p/peers/peer_id.h"

namespace peerbook::p2p {

inline constexpr std::size_t frame_header_bytes = 4;
// What an unauthenticated peer may send in one frame: a handshake is below 2 KiB.
inline constexpr std::size_t unauthenticated_frame_bytes_max = 16 * 1024;

// Precondition: 1 ≤ payload_bytes ≤ frame_bytes_max.
std::array<std::uint8_t, frame_header_bytes> frame_header(std::size_t payload_bytes);

// The length that a header says. Precondition: at least frame_header_bytes.
std::size_t frame_payload_bytes(ByteView header);

// Cuts a byte stream into frames. The caller writes into space() and says how much with commit(), then takes
// frames until there are none. Memory: at most one frame of the limit plus what was asked of space(). Not
// thread-safe.
class FrameReader {
  public:
    explicit FrameReader(std::size_t payload_bytes_max) : payload_bytes_max_(payload_bytes_max) {}

    void set_payload_bytes_max(std::size_t bytes) { payload_bytes_max_ = bytes; }

    // At least `bytes` of room to write into. Ends the life of views that next() returned.
    std::span<std::uint8_t> space(std::size_t bytes);
    void commit(std::size_t bytes);

    // The payload of the next whole frame, valid until space() is called; none if more bytes are needed or
    // the stream is broken. A broken stream stays broken: there is no way to find the next frame.
    std::optional<ByteView> next();
    // Why the stream is broken: a length of 0 or above the limit.
    const std::optional<std::string>& error() const { return error_; }
    // Gives its memory back if nothing is pending. Ends the life of views that next() returned.
    void release();
    // Bytes received that belong to no frame yet.
    std::size_t pending() const { return end_ - begin_; }

  private:
    std::size_t payload_bytes_max_;
    Bytes buffer_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::optional<std::string> error_;
};

}  // namespace peerbook::p2p

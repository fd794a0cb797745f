// What waits to be written to one peer: control frames first, then data, each in order. Bounded in bytes,
// because the slowest reader decides how long things wait.
//
//   control full  → the peer is dropped: it does not even read heartbeats
//   data full     → the frame is refused; if the queue has not fallen below half within stalled_time of the
//   first refusal,
//                   the next refusal drops the peer as too slow
//
// Frames are gathered into one buffer for one write, since many small writes cost a system call and a TLS
// record each. Pure, not thread-safe.
#pragma once

#include <array>
#include <deque>
#include <optional>

#include "base/bytes.h"
#include "base/time.h"
#include "p2p/wire/frame.h"
#include "p2p/wire/message.h"

namespace peerbook::p2p {

inline constexpr std::size_t data_queue_bytes_max = 16 * 1024 * 1024;  // 32 blocks of the largest size
inline constexpr std::size_t control_queue_bytes_max = 256 * 1024;
inline constexpr std::size_t gathered_bytes_min = 128 * 1024;  // stop adding frames to a write above this
inline constexpr Duration stalled_time = Duration::seconds(5);

// One payload to send: a few bytes of this layer, then a buffer that peers share.
struct OutgoingPayload {
    std::array<std::uint8_t, 18> head{};  // kind; or routed kind, message id, application kind
    std::uint8_t head_size = 0;
    SharedBytes body;

    std::size_t size() const { return head_size + body.size(); }
};

OutgoingPayload plain_payload(std::uint8_t kind, SharedBytes body);
OutgoingPayload routed_payload(const MessageId& id, std::uint8_t kind, SharedBytes body);
OutgoingPayload routed_ack_payload(const MessageId& id);
OutgoingPayload control_payload(Bytes json);

class SendQueue {
  public:
    enum class Outcome : unsigned char { queued, refused, drop_peer };

    // Precondition: 1 ≤ payload.size() ≤ frame_bytes_max.
    Outcome push_control(OutgoingPayload payload);
    Outcome push_data(MonoTime now, OutgoingPayload payload);

    // Appends whole frames to `out` until it holds gathered_bytes_min or the queue is empty. Returns their
    // count.
    std::size_t gather(Bytes& out);

    // Leaves only control frames.
    void drop_data() {
        data_.clear();
        data_bytes_ = 0;
    }

    // Gives back what a queue that was long still holds.
    void release() {
        control_.shrink_to_fit();
        data_.shrink_to_fit();
    }

    bool empty() const { return control_.empty() && data_.empty(); }
    std::size_t bytes() const { return control_bytes_ + data_bytes_; }

  private:
    std::deque<OutgoingPayload> control_;
    std::deque<OutgoingPayload> data_;
    std::size_t control_bytes_ = 0;  // with frame headers, like data_bytes_
    std::size_t data_bytes_ = 0;
    std::optional<MonoTime> full_since_;
};

}  // namespace peerbook::p2p

#include "p2p/peers/send_queue.h"

#include <algorithm>

namespace peerbook::p2p {

OutgoingPayload plain_payload(std::uint8_t kind, SharedBytes body) {
    OutgoingPayload payload;
    payload.head[0] = kind;
    payload.head_size = 1;
    payload.body = std::move(body);
    return payload;
}

OutgoingPayload routed_payload(const MessageId& id, std::uint8_t kind, SharedBytes body) {
    OutgoingPayload payload = routed_ack_payload(id);
    payload.head[0] = routed_kind;
    payload.head[1 + MessageId::size] = kind;
    payload.head_size = 2 + MessageId::size;
    payload.body = std::move(body);
    return payload;
}

OutgoingPayload routed_ack_payload(const MessageId& id) {
    OutgoingPayload payload;
    payload.head[0] = routed_ack_kind;
    std::copy(id.data.begin(), id.data.end(), payload.head.begin() + 1);
    payload.head_size = 1 + MessageId::size;
    return payload;
}

OutgoingPayload control_payload(Bytes json) {
    OutgoingPayload payload;
    payload.body = SharedBytes(std::move(json));
    return payload;
}

SendQueue::Outcome SendQueue::push_control(OutgoingPayload payload) {
    const std::size_t bytes = payload.size() + frame_header_bytes;
    if (control_bytes_ + bytes > control_queue_bytes_max) return Outcome::drop_peer;
    control_bytes_ += bytes;
    control_.push_back(std::move(payload));
    return Outcome::queued;
}

SendQueue::Outcome SendQueue::push_data(MonoTime now, OutgoingPayload payload) {
    const std::size_t bytes = payload.size() + frame_header_bytes;
    if (data_bytes_ + bytes > data_queue_bytes_max) {
        if (!full_since_) full_since_ = now;
        return now - *full_since_ >= stalled_time ? Outcome::drop_peer : Outcome::refused;
    }
    data_bytes_ += bytes;
    data_.push_back(std::move(payload));
    return Outcome::queued;
}

std::size_t SendQueue::gather(Bytes& out) {
    std::size_t frames = 0;
    const auto move_from = [&](std::deque<OutgoingPayload>& queue, std::size_t& bytes) {
        while (!queue.empty() && out.size() < gathered_bytes_min) {
            const OutgoingPayload& payload = queue.front();
            const auto header = frame_header(payload.size());
            out.insert(out.end(), header.begin(), header.end());
            out.insert(out.end(), payload.head.begin(), payload.head.begin() + payload.head_size);
            const ByteView body = payload.body.view();
            out.insert(out.end(), body.begin(), body.end());
            bytes -= payload.size() + frame_header_bytes;
            queue.pop_front();
            ++frames;
        }
    };
    move_from(control_, control_bytes_);
    move_from(data_, data_bytes_);
    if (data_bytes_ < data_queue_bytes_max / 2) full_since_.reset();
    return frames;
}

}  // namespace peerbook::p2p

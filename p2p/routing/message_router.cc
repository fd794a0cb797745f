#include "p2p/routing/message_router.h"

#include <algorithm>

#include "base/codec.h"
#include "base/hash.h"

namespace peerbook::p2p {

namespace {

constexpr std::size_t seen_max = 65'536;  // about 8 MB at the worst
constexpr Duration seen_time = Duration::seconds(300);

}  // namespace

MessageRouter::MessageRouter(std::uint64_t sender_start, RetryLimits limits)
    : sender_start_(sender_start), retries_(limits), seen_(seen_max, seen_time) {}

MessageId MessageRouter::next_id() {
    Bytes bytes;
    Encoder out(bytes);
    out.u64(sender_start_);
    out.u64(++last_id_);
    MessageId id;
    std::copy(bytes.begin(), bytes.end(), id.data.begin());
    return id;
}

MessageRouter::Output MessageRouter::send(MonoTime now, const PeerId& peer, std::uint8_t kind,
                                          SharedBytes payload) {
    Output output;
    std::optional<std::string> no_room;
    if (kind < application_kind_min || payload.size() + 2 + MessageId::size > frame_bytes_max)
        no_room = "payload does not fit a frame: " + std::to_string(payload.size()) + " bytes";
    else
        no_room = retries_.push(now, peer, next_id(), kind, std::move(payload));
    if (!no_room) return tick(now);
    ++undeliverable_;
    output.undeliverable.push_back({peer, kind, *no_room});
    return output;
}

void MessageRouter::peer_connected(MonoTime now, const PeerId& peer) {
    connected_.insert(peer);
    retries_.peer_connected(now, peer);
}

void MessageRouter::peer_disconnected(const PeerId& peer) {
    connected_.erase(peer);
}

Result<MessageRouter::Received> MessageRouter::receive(MonoTime now, const PeerId& from, ByteView frame) {
    Decoder in(frame);
    in.u8();
    MessageId id;
    in.fixed(id);
    Received received;
    received.kind = in.u8();
    received.payload = in.raw(in.remaining());
    if (!in.ok() || received.kind < application_kind_min)
        return Error{ErrorCode::invalid_input, "malformed routed message"};
    received.acknowledgement = routed_ack_payload(id);
    received.is_new = first_sight(now, from, id);
    return received;
}

Status MessageRouter::receive_ack(const PeerId& from, ByteView frame) {
    Decoder in(frame);
    in.u8();
    MessageId id;
    in.fixed(id);
    if (Status status = in.finish(); !status.ok()) return status.error().within("routed acknowledgement");
    retries_.acknowledge(from, id);
    return {};
}

bool MessageRouter::first_sight(MonoTime now, const PeerId& from, const MessageId& id) {
    const Digest key = Hasher("peerbook/p2p/seen/1").add(from.view()).add(id.view()).finish();
    const bool is_new = seen_.insert(now, key);
    if (!is_new) ++duplicates_dropped_;
    return is_new;
}

MessageRouter::Output MessageRouter::tick(MonoTime now) {
    Output output;
    RetryQueue::Due due =
        retries_.collect(now, [this](const PeerId& peer) { return connected_.contains(peer); });
    for (RetryQueue::Entry& entry : due.send)
        output.transmissions.push_back(
            {entry.peer, routed_payload(entry.id, entry.kind, std::move(entry.payload))});
    for (RetryQueue::Entry& entry : due.expired) {
        ++undeliverable_;
        const char* why = connected_.contains(entry.peer) ? "expired without an acknowledgement"
                                                          : "expired while the peer was not connected";
        output.undeliverable.push_back({entry.peer, entry.kind, why});
    }
    return output;
}

}  // namespace peerbook::p2p

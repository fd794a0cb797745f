#include "p2p/gossip/gossip_wire.h"

#include <algorithm>

#include "base/codec.h"
#include "base/hash.h"

namespace peerbook::p2p {

namespace {

template <typename Write>
OutgoingPayload frame_of(std::uint8_t kind, Write&& write) {
    Bytes bytes;
    Encoder out(bytes);
    write(out);
    return plain_payload(kind, SharedBytes(std::move(bytes)));
}

GossipMode read_mode(Decoder& in) {
    const std::uint8_t mode = in.u8();
    if (mode > static_cast<std::uint8_t>(GossipMode::repair)) in.fail("unknown gossip mode");
    return static_cast<GossipMode>(mode);
}

PullReason read_reason(Decoder& in) {
    const std::uint8_t reason = in.u8();
    if (reason > static_cast<std::uint8_t>(PullReason::repair)) in.fail("unknown reason to pull");
    return static_cast<PullReason>(reason);
}

std::vector<MessageId> read_ids(Decoder& in, std::size_t ids_max) {
    std::vector<MessageId> ids;
    if (in.remaining() % MessageId::size != 0 || in.remaining() / MessageId::size > ids_max)
        in.fail("ids do not fill the frame, or are too many");
    if (!in.ok()) return ids;
    ids.resize(in.remaining() / MessageId::size);
    for (MessageId& id : ids)
        in.fixed(id);
    return ids;
}

template <typename T>
Result<T> finished(Decoder& in, T value) {
    if (Status status = in.finish(); !status.ok()) return status.error().within("gossip");
    return value;
}

}  // namespace

MessageId gossip_id(std::uint8_t kind, WallTime created, ByteView payload) {
    const Digest digest = Hasher("peerbook/p2p/gossip/1")
                              .add({&kind, 1})
                              .add_u64(static_cast<std::uint64_t>(created.ms))
                              .add(payload)
                              .finish();
    MessageId id;
    std::copy_n(digest.data.begin(), MessageId::size, id.data.begin());
    return id;
}

OutgoingPayload push_frame(const GossipHeader& header, SharedBytes payload) {
    OutgoingPayload frame;
    frame.head[0] = gossip_push_kind;
    frame.head[1] = static_cast<std::uint8_t>(header.mode);
    frame.head[2] = header.ttl;
    frame.head[3] = header.hops;
    const auto created = static_cast<std::uint64_t>(header.created.ms);
    for (std::size_t i = 0; i < 8; ++i)
        frame.head[4 + i] = static_cast<std::uint8_t>(created >> (56 - 8 * i));
    frame.head[12] = header.kind;
    frame.head_size = gossip_head_bytes;
    frame.body = std::move(payload);
    return frame;
}

OutgoingPayload announce_frame(const gossip::Announce& announce) {
    return frame_of(gossip_announce_kind, [&](Encoder& out) {
        out.u8(static_cast<std::uint8_t>(announce.reason));
        out.u8(announce.is_lazy ? 1 : 0);
        for (const Announcement& entry : announce.entries) {
            out.raw(entry.id.view());
            out.u8(entry.hops);
        }
    });
}

OutgoingPayload want_frame(const gossip::Want& want) {
    return frame_of(gossip_want_kind, [&](Encoder& out) {
        out.u8(static_cast<std::uint8_t>(want.reason));
        for (const MessageId& id : want.ids)
            out.raw(id.view());
    });
}

OutgoingPayload prune_frame() {
    return plain_payload(gossip_prune_kind, {});
}

OutgoingPayload link_frame(LinkStep step) {
    return frame_of(gossip_link_kind, [&](Encoder& out) { out.u8(static_cast<std::uint8_t>(step)); });
}

OutgoingPayload digest_frame(const gossip::Digest& digest) {
    return frame_of(gossip_digest_kind, [&](Encoder& out) {
        out.u32(static_cast<std::uint32_t>(digest.span.ms()));
        for (const MessageId& id : digest.ids)
            out.raw(id.view());
    });
}

Result<gossip::Push> parse_push(ByteView frame) {
    Decoder in(frame);
    in.u8();
    gossip::Push push;
    push.header.mode = read_mode(in);
    push.header.ttl = in.u8();
    push.header.hops = in.u8();
    push.header.created = WallTime{in.i64()};
    push.header.kind = in.u8();
    if (push.header.ttl > ttl_max || push.header.hops > ttl_max + 1) in.fail("ttl or hops above 32");
    if (push.header.kind < application_kind_min) in.fail("not a kind of the application");
    push.payload = in.raw(in.remaining());
    return finished(in, push);
}

Result<gossip::Announce> parse_announce(ByteView frame) {
    Decoder in(frame);
    in.u8();
    gossip::Announce announce{read_reason(in), false, {}};
    const std::uint8_t is_lazy = in.u8();
    if (is_lazy > 1) in.fail("lazy is 0 or 1");
    announce.is_lazy = is_lazy == 1;
    constexpr std::size_t entry_bytes = MessageId::size + 1;
    if (in.remaining() % entry_bytes != 0 || in.remaining() / entry_bytes > announced_ids_max)
        in.fail("announcements do not fill the frame, or are too many");
    if (in.ok()) announce.entries.resize(in.remaining() / entry_bytes);
    for (Announcement& entry : announce.entries) {
        in.fixed(entry.id);
        entry.hops = in.u8();
    }
    return finished(in, std::move(announce));
}

Result<gossip::Want> parse_want(ByteView frame) {
    Decoder in(frame);
    in.u8();
    gossip::Want want{read_reason(in), {}};
    want.ids = read_ids(in, wanted_ids_max);
    return finished(in, std::move(want));
}

Status parse_prune(ByteView frame) {
    Decoder in(frame);
    in.u8();
    return in.finish();
}

Result<LinkStep> parse_link(ByteView frame) {
    Decoder in(frame);
    in.u8();
    const std::uint8_t step = in.u8();
    if (step > static_cast<std::uint8_t>(LinkStep::leave)) in.fail("unknown link step");
    return finished(in, static_cast<LinkStep>(step));
}

Result<gossip::Digest> parse_digest(ByteView frame) {
    Decoder in(frame);
    in.u8();
    gossip::Digest digest;
    digest.span = Duration::milliseconds(in.u32());
    digest.ids = read_ids(in, digest_ids_max);
    return finished(in, std::move(digest));
}

}  // namespace peerbook::p2p

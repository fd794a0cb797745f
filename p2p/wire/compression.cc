#include "p2p/wire/compression.h"

#include <zstd.h>

#include <algorithm>
#include <string>

#include "base/check.h"
#include "p2p/gossip/gossip_wire.h"

namespace peerbook::p2p {

namespace {

constexpr int level = 1;
constexpr std::size_t share_spared_min = 16;  // one part in so many, or the receiver's work is not worth it
constexpr std::size_t size_bytes = 4;

Error refused(std::string why) {
    return {ErrorCode::invalid_input, "compressed frame: " + std::move(why)};
}

// How many bytes of a payload stay as they are: 0 if it is none that may be compressed.
std::size_t head_bytes_of(std::uint8_t first) {
    if (first >= application_kind_min) return 1;
    return first == gossip_push_kind ? gossip_head_bytes : 0;
}

}  // namespace

struct Compressor::Context {
    Context() : zstd(ZSTD_createCCtx()) { PB_CHECK(zstd != nullptr, "out of memory"); }
    ~Context() { ZSTD_freeCCtx(zstd); }
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;
    ZSTD_CCtx* zstd;
};

Compressor::Compressor(std::vector<std::uint8_t> kinds) : kinds_(std::move(kinds)) {}
Compressor::~Compressor() = default;

OutgoingPayload Compressor::compressed(OutgoingPayload payload) {
    if (payload.head_size == 0 || payload.body.size() < compressed_body_bytes_min) return payload;
    const bool is_listed = std::find(kinds_.begin(), kinds_.end(), payload.head[payload.head_size - 1u]) !=
                           kinds_.end();  // the application's kind stands last
    if (!is_listed || head_bytes_of(payload.head[0]) != payload.head_size) return payload;
    const SharedBytes* body = smaller(payload.body);
    if (!body) return payload;
    OutgoingPayload made;
    made.head[0] = compressed_kind;
    std::copy_n(payload.head.begin(), payload.head_size, made.head.begin() + 1);
    made.head_size = static_cast<std::uint8_t>(payload.head_size + 1);
    made.body = *body;
    return made;
}

// Null if it does not pay.
const SharedBytes* Compressor::smaller(const SharedBytes& body) {
    const ByteView in = body.view();
    const auto outcome = [&] { return last_smaller_.size() > 0 ? &last_smaller_ : nullptr; };
    if (in.data() == last_.view().data() && in.size() == last_.size()) return outcome();
    if (!context_) context_ = std::make_unique<Context>();
    last_ = body;
    last_smaller_ = {};
    Bytes out(size_bytes + in.size() - in.size() / share_spared_min);
    const std::size_t written = ZSTD_compressCCtx(context_->zstd, out.data() + size_bytes,
                                                  out.size() - size_bytes, in.data(), in.size(), level);
    if (ZSTD_isError(written) || written * expansion_max < in.size()) return nullptr;
    const auto header = frame_header(in.size());
    std::copy(header.begin(), header.end(), out.begin());
    out.resize(size_bytes + written);
    out.shrink_to_fit();
    last_smaller_ = SharedBytes(std::move(out));
    return outcome();
}

void Compressor::release() {
    context_.reset();
    last_ = last_smaller_ = {};
}

struct Expander::Context {
    Context() : zstd(ZSTD_createDCtx()) { PB_CHECK(zstd != nullptr, "out of memory"); }
    ~Context() { ZSTD_freeDCtx(zstd); }
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;
    ZSTD_DCtx* zstd;
};

Expander::Expander() = default;
Expander::~Expander() = default;

Result<ByteView> Expander::expand(ByteView frame) {
    const std::size_t head_bytes = frame.size() > 1 ? head_bytes_of(frame[1]) : 0;
    if (head_bytes == 0) return refused("a kind that is never compressed");
    if (frame.size() <= 1 + head_bytes + size_bytes) return refused("too short");
    const ByteView head = frame.subspan(1, head_bytes);
    const std::size_t size = frame_payload_bytes(frame.subspan(1 + head_bytes));
    const ByteView packed = frame.subspan(1 + head_bytes + size_bytes);
    if (size > frame_bytes_max - head_bytes)
        return refused(std::to_string(size) + " bytes do not fit a frame");
    if (packed.size() >= size || packed.size() * expansion_max < size)
        return refused(std::to_string(packed.size()) + " bytes for " + std::to_string(size));
    // Before anything is allocated: one whole zstd frame, nothing behind it, of the size that was said.
    if (ZSTD_getFrameContentSize(packed.data(), packed.size()) != size ||
        ZSTD_findFrameCompressedSize(packed.data(), packed.size()) != packed.size())
        return refused("not one zstd frame of the size it claims");
    if (!context_) context_ = std::make_unique<Context>();
    if (capacity_ < head_bytes + size) {
        capacity_ = head_bytes + size;
        buffer_ = std::make_unique_for_overwrite<std::uint8_t[]>(capacity_);
    }
    std::copy(head.begin(), head.end(), buffer_.get());
    const std::size_t written =
        ZSTD_decompressDCtx(context_->zstd, buffer_.get() + head_bytes, size, packed.data(), packed.size());
    if (ZSTD_isError(written) || written != size) return refused("damaged");
    return ByteView(buffer_.get(), head_bytes + size);
}

void Expander::release() {
    context_.reset();
    buffer_.reset();
    capacity_ = 0;
}

}  // namespace peerbook::p2p

#include "base/codec.h"

namespace peerbook {

namespace {

template <typename Int>
void put_big_endian(Bytes& out, Int value) {
    for (int shift = static_cast<int>(sizeof(Int)) * 8 - 8; shift >= 0; shift -= 8)
        out.push_back(static_cast<std::uint8_t>(value >> shift));
}

template <typename Int>
Int get_big_endian(ByteView bytes) {
    Int value = 0;
    for (std::uint8_t byte : bytes)
        value = static_cast<Int>(value << 8 | byte);
    return value;
}

}  // namespace

void Encoder::u16(std::uint16_t value) {
    put_big_endian(out_, value);
}
void Encoder::u32(std::uint32_t value) {
    put_big_endian(out_, value);
}
void Encoder::u64(std::uint64_t value) {
    put_big_endian(out_, value);
}
void Encoder::i128(__int128 value) {
    put_big_endian(out_, static_cast<unsigned __int128>(value));
}

void Encoder::varint(std::uint64_t value) {
    while (value >= 0x80) {
        out_.push_back(static_cast<std::uint8_t>(value | 0x80));
        value >>= 7;
    }
    out_.push_back(static_cast<std::uint8_t>(value));
}

void Encoder::svarint(std::int64_t value) {
    varint(static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63));
}

void Encoder::raw(ByteView bytes) {
    out_.insert(out_.end(), bytes.begin(), bytes.end());
}

void Encoder::bytes(ByteView bytes) {
    varint(bytes.size());
    raw(bytes);
}

void Decoder::fail(const char* what) {
    if (failure_) return;
    failure_ = what;
    failed_at_ = position_;
}

ByteView Decoder::raw(std::size_t size) {
    if (!ok()) return {};
    if (size > remaining()) {
        fail("the input ends too early");
        return {};
    }
    ByteView view = in_.subspan(position_, size);
    position_ += size;
    return view;
}

std::uint8_t Decoder::u8() {
    ByteView view = raw(1);
    return view.empty() ? std::uint8_t{0} : view[0];
}
std::uint16_t Decoder::u16() {
    return get_big_endian<std::uint16_t>(raw(2));
}
std::uint32_t Decoder::u32() {
    return get_big_endian<std::uint32_t>(raw(4));
}
std::uint64_t Decoder::u64() {
    return get_big_endian<std::uint64_t>(raw(8));
}
__int128 Decoder::i128() {
    return static_cast<__int128>(get_big_endian<unsigned __int128>(raw(16)));
}

std::uint64_t Decoder::varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        std::uint8_t byte = u8();
        if (!ok()) return 0;
        if (shift == 63 && byte > 1) {
            fail("a varint is above 64 bits");
            return 0;
        }
        value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
        if (byte < 0x80) {
            if (byte == 0 && shift > 0) {
                fail("a varint is not in its shortest form");
                return 0;
            }
            return value;
        }
    }
    fail("a varint is above 64 bits");
    return 0;
}

std::uint64_t Decoder::varint_max(std::uint64_t max, const char* what) {
    std::uint64_t value = varint();
    if (ok() && value > max) fail(what);
    return ok() ? value : 0;
}

std::int64_t Decoder::svarint() {
    std::uint64_t value = varint();
    return static_cast<std::int64_t>(value >> 1 ^ (~(value & 1) + 1));
}

ByteView Decoder::bytes(std::size_t size_max, const char* what) {
    return raw(static_cast<std::size_t>(varint_max(size_max, what)));
}

std::string Decoder::text(std::size_t size_max, const char* what) {
    return std::string(as_text(bytes(size_max, what)));
}

Status Decoder::status() const {
    if (ok()) return {};
    return Error{ErrorCode::invalid_input,
                 std::string("malformed at byte ") + std::to_string(failed_at_) + ": " + failure_};
}

Status Decoder::finish() {
    if (ok() && remaining() != 0) fail("bytes are left over at the end");
    return status();
}

}  // namespace peerbook

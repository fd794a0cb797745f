// The canonical binary encoding of everything that is hashed, signed, stored or sent: one encoding per value.
//
//   fixed integers  big-endian                      varint  unsigned LEB128, shortest form only
//   signed varint   zigzag, then varint             bytes   varint length, then the bytes
//   amount          16 bytes, big-endian two's complement
//
// Encoder appends to a buffer of the caller. Decoder reads a view; the first malformed field makes it fail,
// and from then on every read returns zero values, so that a decoding function checks once, at its end, with
// finish(). Overlong varints, lengths above the stated bound and trailing bytes are errors. Neither allocates
// beyond what the input holds. Not thread-safe; cheap to make.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace peerbook {

class Encoder {
  public:
    explicit Encoder(Bytes& out) : out_(out) {}

    void u8(std::uint8_t value) { out_.push_back(value); }
    void u16(std::uint16_t value);
    void u32(std::uint32_t value);
    void u64(std::uint64_t value);
    void i64(std::int64_t value) { u64(static_cast<std::uint64_t>(value)); }
    void i128(__int128 value);
    void varint(std::uint64_t value);
    void svarint(std::int64_t value);
    void raw(ByteView bytes);
    void bytes(ByteView bytes);
    void text(std::string_view text) { bytes(as_bytes(text)); }

    std::size_t size() const { return out_.size(); }

  private:
    Bytes& out_;
};

class Decoder {
  public:
    explicit Decoder(ByteView in) : in_(in) {}

    std::uint8_t u8();
    std::uint16_t u16();
    std::uint32_t u32();
    std::uint64_t u64();
    std::int64_t i64() { return static_cast<std::int64_t>(u64()); }
    __int128 i128();
    std::uint64_t varint();
    // A varint that must be ≤ max; for counts and lengths.
    std::uint64_t varint_max(std::uint64_t max, const char* what);
    std::int64_t svarint();
    ByteView raw(std::size_t size);
    ByteView bytes(std::size_t size_max, const char* what);
    std::string text(std::size_t size_max, const char* what);
    template <typename Tag, std::size_t N>
    void fixed(FixedBytes<Tag, N>& out) {
        ByteView view = raw(N);
        if (view.size() == N) std::copy(view.begin(), view.end(), out.data.begin());
    }

    // Marks the input as malformed; only the first call's reason is kept.
    void fail(const char* what);
    bool ok() const { return failure_ == nullptr; }
    std::size_t position() const { return position_; }
    std::size_t remaining() const { return in_.size() - position_; }
    // The bytes from `begin` up to the current position.
    ByteView consumed(std::size_t begin) const { return in_.subspan(begin, position_ - begin); }
    // Ok if nothing failed; otherwise invalid_input with what and where.
    Status status() const;
    // As status(), and nothing may be left over.
    Status finish();

  private:
    ByteView in_;
    std::size_t position_ = 0;
    const char* failure_ = nullptr;
    std::size_t failed_at_ = 0;
};

}  // namespace peerbook

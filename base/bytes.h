// Byte buffers, fixed-size digests and their text forms.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace peerbook {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

// An immutable buffer that several owners read: a block goes to the journal and to every peer without a copy.
// Copying a SharedBytes shares the buffer. Thread-safe because the content never changes.
class SharedBytes {
  public:
    SharedBytes() = default;
    explicit SharedBytes(Bytes bytes) : data_(std::make_shared<const Bytes>(std::move(bytes))) {}
    ByteView view() const { return data_ ? ByteView(*data_) : ByteView(); }
    std::size_t size() const { return data_ ? data_->size() : 0; }

  private:
    std::shared_ptr<const Bytes> data_;
};

// N opaque bytes with a meaning given by Tag. Ordered bytewise.
template <typename Tag, std::size_t N>
struct FixedBytes {
    std::array<std::uint8_t, N> data{};

    static constexpr std::size_t size = N;
    ByteView view() const { return data; }
    bool is_zero() const { return data == std::array<std::uint8_t, N>{}; }
    friend auto operator<=>(const FixedBytes&, const FixedBytes&) = default;
};

// 256-bit BLAKE2b digest.
using Digest = FixedBytes<struct DigestTag, 32>;

ByteView as_bytes(std::string_view text);
std::string_view as_text(ByteView bytes);

// Lower-case hexadecimal.
std::string to_hex(ByteView bytes);
// Exactly `out.size()` bytes from exactly twice as many hex digits, either case. Error: invalid_input.
Status from_hex(std::string_view text, std::span<std::uint8_t> out);

template <typename Tag, std::size_t N>
std::string to_hex(const FixedBytes<Tag, N>& bytes) {
    return to_hex(bytes.view());
}

template <typename Fixed>
Result<Fixed> fixed_from_hex(std::string_view text) {
    Fixed fixed;
    if (Status status = from_hex(text, fixed.data); !status.ok()) return status.error();
    return fixed;
}

}  // namespace peerbook

// The content is a digest or a key already: its first eight bytes are a good enough hash where the peer
// cannot choose them; containers filled by peers are bounded as well.
template <typename Tag, std::size_t N>
struct std::hash<peerbook::FixedBytes<Tag, N>> {
    std::size_t operator()(const peerbook::FixedBytes<Tag, N>& bytes) const noexcept {
        static_assert(N >= 8);
        std::uint64_t word = 0;
        for (std::size_t i = 0; i < 8; ++i)
            word = (word << 8) | bytes.data[i];
        return static_cast<std::size_t>(word);
    }
};

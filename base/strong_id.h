// StrongId<Tag, Rep>: an integer that is only itself. No arithmetic, no implicit conversion; ordered and
// hashable.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>

namespace peerbook {

template <typename Tag, typename Rep>
class StrongId {
  public:
    using rep = Rep;
    constexpr StrongId() = default;
    constexpr explicit StrongId(Rep value) : value_(value) {}
    constexpr Rep value() const { return value_; }
    friend constexpr auto operator<=>(StrongId, StrongId) = default;

  private:
    Rep value_{};
};

}  // namespace peerbook

template <typename Tag, typename Rep>
struct std::hash<peerbook::StrongId<Tag, Rep>> {
    std::size_t operator()(peerbook::StrongId<Tag, Rep> id) const noexcept {
        return std::hash<Rep>{}(id.value());
    }
};

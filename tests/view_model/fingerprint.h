// A 64-bit hash of a state, by which the exhaustive search knows the states it has seen. A struct takes part
// by a member `fields()` that ties what counts.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "tests/view_model/sorted_set.h"

namespace peerbook::view_model {

class Fingerprint {
  public:
    std::uint64_t value() const { return value_; }

    template <class T>
    void add(const T& item) {
        if constexpr (std::is_integral_v<T> || std::is_enum_v<T>)
            mix(static_cast<std::uint64_t>(item));
        else
            std::apply([this](const auto&... field) { (this->add(field), ...); }, item.fields());
    }
    template <class T>
    void add(const SortedSet<T>& items) {
        add_all(items);
    }
    template <class T>
    void add(const std::vector<T>& items) {
        add_all(items);
    }
    template <class T, std::size_t N>
    void add(const std::array<T, N>& items) {
        add_all(items);
    }
    template <class K, class V>
    void add(const std::map<K, V>& items) {
        add_all(items);
    }
    template <class A, class B>
    void add(const std::pair<A, B>& item) {
        add(item.first);
        add(item.second);
    }
    template <class T>
    void add(const std::optional<T>& item) {
        mix(item.has_value());
        if (item) add(*item);
    }

  private:
    template <class Items>
    void add_all(const Items& items) {
        mix(static_cast<std::uint64_t>(items.size()));
        for (const auto& item : items)
            add(item);
    }
    // The finalizer of splitmix64, over the running value.
    void mix(std::uint64_t word) {
        std::uint64_t z = (value_ ^ word) + 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        value_ = z ^ (z >> 31);
    }
    std::uint64_t value_ = 0;
};

}  // namespace peerbook::view_model

// A set kept as a sorted vector: small, quick to copy and to compare, iterated in order.
#pragma once

#include <algorithm>
#include <compare>
#include <initializer_list>
#include <vector>

namespace peerbook::view_model {

template <class T>
class SortedSet {
  public:
    SortedSet() = default;
    SortedSet(std::initializer_list<T> items) {
        for (const T& item : items)
            insert(item);
    }

    bool contains(const T& item) const { return std::binary_search(items_.begin(), items_.end(), item); }
    bool includes(const SortedSet& other) const {
        return std::includes(items_.begin(), items_.end(), other.begin(), other.end());
    }
    bool insert(const T& item) {
        auto place = std::lower_bound(items_.begin(), items_.end(), item);
        if (place != items_.end() && *place == item) return false;
        items_.insert(place, item);
        return true;
    }
    void insert_all(const SortedSet& other) {
        for (const T& item : other)
            insert(item);
    }
    bool erase(const T& item) {
        auto place = std::lower_bound(items_.begin(), items_.end(), item);
        if (place == items_.end() || *place != item) return false;
        items_.erase(place);
        return true;
    }
    void clear() { items_.clear(); }
    bool empty() const { return items_.empty(); }
    int size() const { return static_cast<int>(items_.size()); }
    const T& at(int position) const { return items_.at(static_cast<std::size_t>(position)); }
    auto begin() const { return items_.begin(); }
    auto end() const { return items_.end(); }
    auto operator<=>(const SortedSet&) const = default;

  private:
    std::vector<T> items_;
};

}  // namespace peerbook::view_model

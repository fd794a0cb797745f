#include "exchange/book/order_pool.h"

#include "base/check.h"

namespace peerbook::exchange {

OrderPool::OrderPool() {
    PB_CHECK(allocate() == no_order, "the first slot is the one that is nobody's");
}

void OrderPool::make_room() {
    std::uint32_t number = static_cast<std::uint32_t>(rooms_.size());
    if (released_.empty()) {
        PB_CHECK(orders_.size() < order_slots_max, "there are as many orders as 31 bits can name");
        orders_.grow_page();
        rooms_.emplace_back();
    } else {
        number = released_.back();
        released_.pop_back();
    }
    rooms_[number].free = all_free;
    ++empty_pages_;
    link_first(number);
}

void OrderPool::count_empty(std::uint32_t number) {
    if (empty_pages_ < empty_pages_max) {
        ++empty_pages_;
        return;
    }
    unlink(number);
    orders_.release_page(number);
    released_.push_back(number);
}

std::int64_t OrderPool::allocate_extension(const OrderExtension& extension) {
    if (free_extension_ == OrderExtension::no_extension)
        return static_cast<std::int64_t>(extensions_.push_back(extension));
    const std::uint32_t place = free_extension_;
    OrderExtension& reused = extensions_.edit(place);
    free_extension_ = reused.next_free;
    reused = extension;
    return place;
}

void OrderPool::release_extension(OrderSlot slot) {
    Order& order = orders_.edit(slot);
    const auto place = static_cast<std::uint32_t>(order.quantity_or_extension);
    OrderExtension& extension = extensions_.edit(place);
    extension = OrderExtension();
    extension.next_free = free_extension_;
    free_extension_ = place;
    order.is_extended = 0;
}

}  // namespace peerbook::exchange

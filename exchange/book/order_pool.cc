#include "exchange/book/order_pool.h"

#include "base/check.h"

namespace peerbook::exchange {

void OrderPool::grow() {
    const std::size_t first = orders_.size();
    PB_CHECK(first + PagedArray<Order>::page_size < no_order, "there are as many orders as 32 bits can name");
    orders_.grow_page();
    for (std::size_t i = orders_.size(); i-- > first;) {
        orders_.edit(i).next = free_;
        free_ = static_cast<OrderSlot>(i);
    }
}

std::int64_t OrderPool::allocate_extension(const OrderExtension& extension) {
    if (free_extension_ == no_order) return static_cast<std::int64_t>(extensions_.push_back(extension));
    const std::uint32_t place = free_extension_;
    OrderExtension& reused = extensions_.edit(place);
    free_extension_ = reused.next_free;
    reused = extension;
    return place;
}

void OrderPool::release(OrderSlot slot) {
    Order& order = orders_.edit(slot);
    if (order.is_extended != 0) {
        const auto place = static_cast<std::uint32_t>(order.quantity_or_extension);
        OrderExtension& extension = extensions_.edit(place);
        extension = OrderExtension();
        extension.next_free = free_extension_;
        free_extension_ = place;
        order.is_extended = 0;
    }
    order.next = free_;
    free_ = slot;
}

}  // namespace peerbook::exchange

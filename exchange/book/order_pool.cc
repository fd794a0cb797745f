#include "exchange/book/order_pool.h"

#include "base/check.h"

namespace peerbook::exchange {

void OrderPool::grow() {
    const std::size_t first = slabs_.size() << slab_bits;
    PB_CHECK(first + slab_size < no_order, "there are as many orders as 32 bits can name");
    slabs_.push_back({std::make_unique<Line[]>(slab_size)});
    for (std::size_t i = slab_size; i-- > 0;)
        release(static_cast<OrderSlot>(first + i));
}

}  // namespace peerbook::exchange

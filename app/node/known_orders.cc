#include "app/node/known_orders.h"

namespace peerbook::app {

using exchange::Event;
using exchange::EventKind;

void KnownOrders::remember(const KnownOrder& order) {
    if (!keys_.try_emplace(order.id, order.key).second) return;
    orders_.emplace(order.key, order);
    age_.push_back(order.id);
    if (age_.size() <= size_max_) return;
    const auto oldest = keys_.find(age_.front());
    orders_.erase(oldest->second);
    keys_.erase(oldest);
    age_.pop_front();
}

const KnownOrder* KnownOrders::find(const exchange::OrderKey& key) const {
    const auto found = orders_.find(key);
    return found == orders_.end() ? nullptr : &found->second;
}

const KnownOrder* KnownOrders::find(const exchange::OrderId& id) const {
    const auto key = keys_.find(id);
    return key == keys_.end() ? nullptr : &orders_.at(key->second);
}

KnownOrder* KnownOrders::order_at(const exchange::OrderKey& key) {
    const auto found = orders_.find(key);
    return found == orders_.end() ? nullptr : &found->second;
}

void KnownOrders::note(const exchange::EventBuffer& events, std::uint64_t commit) {
    if (orders_.empty()) return;
    auto end = [](KnownOrder* order, OrderState state, exchange::Quantity leaves) {
        if (!order) return;
        order->state = state;
        order->leaves = leaves;
    };
    for (const Event& event : events) {
        for (const exchange::OrderKey& key : {event.order, event.maker})
            if (KnownOrder* order = order_at(key)) order->commit = commit;
        switch (event.kind) {
            case EventKind::filled:
                if (event.leaves.value() == 0) end(order_at(event.order), OrderState::filled, {});
                if (event.maker_leaves.value() == 0) end(order_at(event.maker), OrderState::filled, {});
                break;
            case EventKind::cancelled:
                if (KnownOrder* order = order_at(event.order)) {
                    end(order, OrderState::cancelled, event.quantity);
                    order->reason = event.reason;
                }
                break;
            case EventKind::expired:
                end(order_at(event.order), OrderState::expired, event.quantity);
                break;
            case EventKind::triggered:
                if (KnownOrder* order = order_at(event.order)) order->was_triggered = true;
                break;
            case EventKind::replaced:
                if (KnownOrder* order = order_at(event.order)) {
                    end(order, OrderState::replaced, event.quantity);
                    order->replaced_by = event.maker;
                }
                break;
            default:
                break;
        }
    }
}

void KnownOrders::undo(const exchange::EventBuffer& events) {
    if (orders_.empty()) return;
    auto reopen = [this](const exchange::OrderKey& key) {
        KnownOrder* order = order_at(key);
        if (!order) return;
        order->state = OrderState::open;
        order->reason = exchange::Reason::none;
    };
    for (const Event& event : events)
        switch (event.kind) {
            case EventKind::triggered:
                if (KnownOrder* order = order_at(event.order)) order->was_triggered = false;
                break;
            case EventKind::filled:
                reopen(event.order);
                reopen(event.maker);
                break;
            case EventKind::cancelled:
            case EventKind::expired:
            case EventKind::replaced:
                reopen(event.order);
                break;
            default:
                break;
        }
}

}  // namespace peerbook::app

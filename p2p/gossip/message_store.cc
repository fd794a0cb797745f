#include "p2p/gossip/message_store.h"

#include <algorithm>

namespace peerbook::p2p {

bool KeptMessage::serves(const PeerId& to) const {
    return from != to && std::find(holders.begin(), holders.end(), to) == holders.end();
}

KeptMessage* MessageStore::insert(const MessageId& id, KeptMessage message) {
    const std::size_t bytes = message.payload.size();
    if (bytes > bytes_max_) return nullptr;
    while (messages_.size() >= messages_max_ || bytes_ + bytes > bytes_max_)
        if (!drop_oldest(chatter_) && !(message.rules.urgent && drop_oldest(urgent_))) return nullptr;
    (message.rules.urgent ? urgent_ : chatter_).push_back({message.at, id});
    bytes_ += bytes;
    return &messages_.insert_or_assign(id, std::move(message)).first->second;
}

KeptMessage* MessageStore::find(const MessageId& id) {
    const auto found = messages_.find(id);
    return found == messages_.end() ? nullptr : &found->second;
}

void MessageStore::erase(const MessageId& id) {
    const auto found = messages_.find(id);
    if (found == messages_.end()) return;
    bytes_ -= found->second.payload.size();
    messages_.erase(found);
}

bool MessageStore::drop_oldest(Order& order) {
    while (!order.empty()) {
        const MessageId id = order.front().id;
        order.pop_front();
        if (!messages_.contains(id)) continue;
        erase(id);
        return true;
    }
    return false;
}

void MessageStore::drop_older_than(MonoTime limit) {
    for (Order* order : {&urgent_, &chatter_})
        while (!order->empty() && order->front().at < limit) {
            erase(order->front().id);
            order->pop_front();
        }
}

std::vector<MessageId> MessageStore::recent(MonoTime now, Duration span, std::size_t count_max) const {
    std::vector<MessageId> ids;
    for (const Order* order : {&urgent_, &chatter_})
        for (auto place = order->rbegin(); place != order->rend() && now - place->at <= span; ++place) {
            if (ids.size() >= count_max) return ids;
            const auto found = messages_.find(place->id);
            if (found != messages_.end() && found->second.accepted && found->second.rules.digested)
                ids.push_back(place->id);
        }
    return ids;
}

}  // namespace peerbook::p2p

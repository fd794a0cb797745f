#include "exchange/market/types.h"

#include <algorithm>

namespace peerbook::exchange {

namespace {

template <typename Id>
Id first_bytes(const Digest& digest) {
    Id id;
    std::copy_n(digest.data.begin(), Id::size, id.data.begin());
    return id;
}

}  // namespace

OrderId make_order_id(const Digest& network, const AccountId& account, CommandRef ref) {
    return first_bytes<OrderId>(Hasher("peerbook order")
                                    .add(network.view())
                                    .add(account.view())
                                    .add_u64(ref.nonce)
                                    .add_u64(ref.index)
                                    .finish());
}

TradeId make_trade_id(const OrderId& maker, const OrderId& taker, std::uint32_t ordinal) {
    return first_bytes<TradeId>(
        Hasher("peerbook trade").add(maker.view()).add(taker.view()).add_u64(ordinal).finish());
}

AccountId hosted_account_id(const PublicKey& owner, std::string_view name) {
    AccountId id;
    id.data = Hasher("peerbook hosted account").add(owner.view()).add(as_bytes(name)).finish().data;
    return id;
}

}  // namespace peerbook::exchange

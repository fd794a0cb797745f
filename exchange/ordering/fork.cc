#include "exchange/ordering/fork.h"

#include <algorithm>

#include "base/hash.h"

namespace peerbook::exchange {

Digest forked_ledger_id(const Digest& network, const Digest& old_ledger, const View& record) {
    View unnamed = record;
    unnamed.ledger = {};
    return Hasher("peerbook forked ledger")
        .add(network.view())
        .add(old_ledger.view())
        .add(encode_view(unnamed))
        .finish();
}

Status check_fork(const Digest& network, const View& view, const View& record) {
    if (record.ledger != forked_ledger_id(network, view.ledger, record))
        return Error{ErrorCode::invalid_input, "the fork's id does not follow from this ledger"};
    return check_continuation(view, record);
}

std::vector<PublicKey> in_fork_order(const View& view, std::vector<PublicKey> members) {
    const auto place = [&](const PublicKey& key) {
        const auto index = view.index_of(key);
        return index ? index->value() : static_cast<std::uint32_t>(view.members.size());
    };
    std::ranges::sort(members, [&](const PublicKey& a, const PublicKey& b) {
        const std::uint32_t in_a = place(a), in_b = place(b);
        return in_a != in_b ? in_a < in_b : a < b;
    });
    return members;
}

}  // namespace peerbook::exchange

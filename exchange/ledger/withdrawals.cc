#include "exchange/ledger/withdrawals.h"

#include <utility>

#include "base/check.h"

namespace peerbook::exchange {

void Withdrawals::add(Withdrawal withdrawal) {
    std::size_t place = entries_.size();
    const OrderKey request = withdrawal.request;
    withdrawal.is_waiting = true;
    if (free_.empty()) {
        entries_.push_back(std::move(withdrawal));
    } else {
        place = free_.back();
        free_.pop_back();
        entries_.edit(place) = std::move(withdrawal);
    }
    const bool is_new = places_.emplace(request, place).second;
    PB_CHECK(is_new, "a withdrawal is requested once");
}

Withdrawal Withdrawals::remove(const OrderKey& request) {
    const auto found = places_.find(request);
    PB_CHECK(found != places_.end(), "a withdrawal that is settled waits");
    const std::size_t place = found->second;
    places_.erase(found);
    free_.push_back(place);
    return std::exchange(entries_.edit(place), Withdrawal());
}

const Withdrawal* Withdrawals::find(const OrderKey& request) const {
    const auto found = places_.find(request);
    return found == places_.end() ? nullptr : &entries_[found->second];
}

std::uint32_t Withdrawals::count_of(AccountIndex account) const {
    return static_cast<std::uint32_t>(of(account).size());
}

std::vector<const Withdrawal*> Withdrawals::of(AccountIndex account) const {
    std::vector<const Withdrawal*> found;
    for (auto at = places_.lower_bound({account, {0, 0}});
         at != places_.end() && at->first.account == account; ++at)
        found.push_back(&entries_[at->second]);
    return found;
}

}  // namespace peerbook::exchange

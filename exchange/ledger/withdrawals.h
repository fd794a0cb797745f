// Requests to an issuer to pay out, which wait for its answer. Logic thread only; frozen views anywhere.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/paged_array.h"
#include "exchange/market/types.h"

namespace peerbook::exchange {

struct Withdrawal {
    OrderKey request;
    AssetId asset;
    Amount amount = 0;
    std::string destination;
    bool is_waiting = false;  // else the entry is free
    friend bool operator==(const Withdrawal&, const Withdrawal&) = default;
};

class Withdrawals {
  public:
    using Frozen = PagedArray<Withdrawal>::Frozen;

    // Precondition: no request of this name waits.
    void add(Withdrawal withdrawal);
    // Precondition: it waits. Returns it, for undo.
    Withdrawal remove(const OrderKey& request);
    const Withdrawal* find(const OrderKey& request) const;
    std::uint32_t count_of(AccountIndex account) const;
    std::vector<const Withdrawal*> of(AccountIndex account) const;  // by request
    std::size_t size() const { return places_.size(); }
    Frozen freeze() { return entries_.freeze(); }
    // Calls visit(withdrawal) for all that wait, in no order that means anything.
    template <typename Visit>
    void for_each(Visit visit) const {
        for (const auto& [request, place] : places_)
            visit(entries_[place]);
    }

  private:
    PagedArray<Withdrawal> entries_;
    std::vector<std::size_t> free_;
    std::map<OrderKey, std::size_t> places_;
};

}  // namespace peerbook::exchange

#include "exchange/engine/state_root.h"

#include <algorithm>

#include "base/hash.h"
#include "base/prefetch.h"

namespace peerbook::exchange {

namespace {

constexpr std::size_t index_of(StateDomain domain) {
    return static_cast<std::size_t>(domain);
}

// Calls visit(place) for all items of pages that the views do not share. Asks for each item of the next such
// page meanwhile: pages are far from each other, and few of a page's items have changed.
template <typename Array, typename Frozen, typename Visit>
void for_each_unshared(const Frozen* before, const Frozen& now, Visit visit) {
    const std::size_t pages = std::max(before ? before->page_count() : 0, now.page_count());
    const std::size_t size = std::max(before ? before->size() : 0, now.size());
    const auto unshared_from = [&](std::size_t page) {
        while (before && page < pages && before->shares_page(now, page))
            ++page;
        return page;
    };
    for (std::size_t page = unshared_from(0), next = 0; page < pages; page = next) {
        next = unshared_from(page + 1);
        const std::size_t end = std::min((page + 1) * Array::page_size, size);
        std::size_t ahead = next * Array::page_size;
        for (std::size_t place = page * Array::page_size; place < end; ++place, ++ahead) {
            if (ahead < now.size()) prefetch_line(&now[ahead]);
            if (before && ahead < before->size()) prefetch_line(&(*before)[ahead]);
            visit(place);
        }
    }
}

bool is_extended(const Order& order) {
    return order.is_live != 0 && order.is_extended != 0;
}

std::size_t extension_place(const Order& order) {
    return static_cast<std::size_t>(order.quantity_or_extension);
}

// Everything but the links.
bool same_order(const Order& a, const Order& b) {
    if (a.is_live != b.is_live) return false;
    if (a.is_live == 0) return true;
    return a.nonce == b.nonce && a.price == b.price && a.leaves == b.leaves &&
           a.quantity_or_extension == b.quantity_or_extension && a.sequence == b.sequence &&
           a.market_number == b.market_number && a.is_sell == b.is_sell && a.is_waiting == b.is_waiting &&
           a.waits_below == b.waits_below && a.is_quote == b.is_quote && a.account == b.account &&
           a.fee_carry == b.fee_carry && a.index == b.index && a.is_extended == b.is_extended;
}

bool same_account(const Account& a, const Account& b) {
    return a.is_open == b.is_open && a.owner == b.owner && a.cancel_after_ms == b.cancel_after_ms &&
           a.commands == b.commands && a.nonces == b.nonces;
}

bool same_owner(const Owner& a, const Owner& b) {
    return a.openings == b.openings && a.seconds.number == b.seconds.number && a.bytes == b.bytes;
}

}  // namespace

Digest root_of(const DomainSums& sums) {
    Hasher hasher("peerbook state root");
    for (const LtHash& sum : sums)
        hasher.add(sum.bytes());
    return hasher.finish();
}

LtHash sum_of(const FrozenState& state, StateDomain domain) {
    LtHash sum;
    Bytes entry;
    const std::size_t places = place_count(state, domain);
    for (std::size_t place = 0; place < places; ++place) {
        entry.clear();
        if (encode_entry(state, domain, place, entry)) sum.add(hash_domain(domain), entry);
    }
    return sum;
}

Digest state_root_of(const FrozenState& state) {
    DomainSums sums;
    for (std::size_t i = 0; i < state_domain_count; ++i)
        sums[i] = sum_of(state, static_cast<StateDomain>(i));
    return root_of(sums);
}

Digest StateRoot::advance(const FrozenState& now) {
    compare_lists(now);
    compare_accounts(now);
    compare_owners(now);
    compare_balances(now);
    compare_orders(now);
    compare_extensions(now);
    compare_withdrawals(now);
    before_ = now;
    return root_of(sums_);
}

void StateRoot::replace(const FrozenState& now, StateDomain domain, std::size_t place) {
    old_entry_.clear();
    new_entry_.clear();
    const bool was =
        before_ && place < place_count(*before_, domain) && encode_entry(*before_, domain, place, old_entry_);
    const bool is = place < place_count(now, domain) && encode_entry(now, domain, place, new_entry_);
    if (was && is && old_entry_ == new_entry_) return;
    LtHash& sum = sums_[index_of(domain)];
    if (was) sum.subtract(hash_domain(domain), old_entry_);
    if (is) sum.add(hash_domain(domain), new_entry_);
    hashed_count_ += (was ? 1u : 0u) + (is ? 1u : 0u);
}

// Few and not in pages.
void StateRoot::compare_lists(const FrozenState& now) {
    for (const StateDomain domain :
         {StateDomain::meta, StateDomain::issued, StateDomain::markets, StateDomain::proposals}) {
        const std::size_t places =
            std::max(place_count(now, domain), before_ ? place_count(*before_, domain) : 0);
        for (std::size_t place = 0; place < places; ++place)
            replace(now, domain, place);
    }
}

void StateRoot::compare_accounts(const FrozenState& now) {
    const auto* before = before_ ? &before_->accounts.accounts : nullptr;
    for_each_unshared<PagedArray<Account>>(before, now.accounts.accounts, [&](std::size_t place) {
        if (before && place < before->size() && place < now.accounts.accounts.size() &&
            same_account((*before)[place], now.accounts.accounts[place]))
            return;
        replace(now, StateDomain::accounts, place);
    });
}

void StateRoot::compare_owners(const FrozenState& now) {
    const auto* before = before_ ? &before_->accounts.owners : nullptr;
    for_each_unshared<PagedArray<Owner>>(before, now.accounts.owners, [&](std::size_t place) {
        if (before && place < before->size() && place < now.accounts.owners.size() &&
            same_owner((*before)[place], now.accounts.owners[place]))
            return;
        replace(now, StateDomain::owners, place);
    });
}

void StateRoot::compare_balances(const FrozenState& now) {
    const auto* before = before_ ? &before_->balances : nullptr;
    for_each_unshared<PagedArray<Balances::Chunk, 4>>(before, now.balances, [&](std::size_t place) {
        for (std::size_t i = 0; i < Balances::chunk_size; ++i) {
            if (before && place < before->size() && place < now.balances.size()) {
                const Balance& was = (*before)[place].balances[i];
                const Balance& is = now.balances[place].balances[i];
                if (was.total == is.total && was.reserved == is.reserved) continue;
            }
            replace(now, StateDomain::balances, place * Balances::chunk_size + i);
        }
    });
}

void StateRoot::compare_orders(const FrozenState& now) {
    const auto* before = before_ ? &before_->orders : nullptr;
    order_of_extension_.resize(std::max(order_of_extension_.size(), now.extensions.size()), no_order);
    for_each_unshared<OrderPool::Orders::Items>(before, now.orders, [&](std::size_t slot) {
        const bool is_here = slot < now.orders.size();
        if (is_here && is_extended(now.orders[slot]))
            order_of_extension_[extension_place(now.orders[slot])] = static_cast<OrderSlot>(slot);
        if (before && slot < before->size() && is_here) {
            const Order& was = (*before)[slot];
            const Order& is = now.orders[slot];
            // An extension's content may differ where its order does not.
            if (same_order(was, is) && !is_extended(is)) return;
        }
        replace(now, StateDomain::orders, slot);
    });
}

// Extensions that changed while their orders' pages did not.
void StateRoot::compare_extensions(const FrozenState& now) {
    if (!before_) return;
    for_each_unshared<OrderPool::Extensions::Items>(
        &before_->extensions, now.extensions, [&](std::size_t place) {
            if (place >= now.extensions.size()) return;
            const OrderSlot slot = order_of_extension_[place];
            if (slot == no_order || slot >= now.orders.size()) return;
            const std::size_t page = slot / OrderPool::Orders::Items::page_size;
            if (!before_->orders.shares_page(now.orders, page)) return;  // compared already
            const Order& order = now.orders[slot];
            if (is_extended(order) && extension_place(order) == place)
                replace(now, StateDomain::orders, slot);
        });
}

void StateRoot::compare_withdrawals(const FrozenState& now) {
    const auto* before = before_ ? &before_->withdrawals : nullptr;
    for_each_unshared<PagedArray<Withdrawal>>(before, now.withdrawals, [&](std::size_t place) {
        if (before && place < before->size() && place < now.withdrawals.size() &&
            (*before)[place] == now.withdrawals[place])
            return;
        replace(now, StateDomain::withdrawals, place);
    });
}

}  // namespace peerbook::exchange

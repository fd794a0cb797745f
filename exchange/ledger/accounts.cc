#include "exchange/ledger/accounts.h"

#include <utility>

#include "base/check.h"

namespace peerbook::exchange {

Accounts::Accounts(const AccountId& first, std::uint64_t index_seed)
    : hash_(index_seed), owner_indexes_(16, OwnerHash{hash_}) {
    grow();
    accounts_.edit(add(first, no_owner, "")).is_open = true;
    open_count_ = 1;
}

std::optional<OwnerIndex> Accounts::find_owner(const PublicKey& key) const {
    const auto found = owner_indexes_.find(key);
    // A key whose accounts were all undone is as unknown as it was before them.
    if (found == owner_indexes_.end() || owners_[found->second.value()].open_accounts == 0)
        return std::nullopt;
    return found->second;
}

AccountIndex Accounts::open(const AccountId& id, const PublicKey& owner, std::string_view name) {
    std::uint32_t index = find_known(id);
    if (index == unknown) {
        const OwnerIndex next(static_cast<std::uint32_t>(owners_.size()));
        const auto [place, is_new] = owner_indexes_.try_emplace(owner, next);
        if (is_new) owners_.push_back({owner, 0, {}, {}, 0});
        index = add(id, place->second.value(), name);
    }
    PB_CHECK(!accounts_[index].is_open, "an account is opened once");
    Account& account = accounts_.edit(index);
    account.is_open = true;
    ++owners_.edit(account.owner).open_accounts;
    ++open_count_;
    return AccountIndex(index);
}

void Accounts::undo_open(AccountIndex account) {
    Account& closed = accounts_.edit(account.value());
    closed.is_open = false;
    --owners_.edit(closed.owner).open_accounts;
    --open_count_;
}

std::uint32_t Accounts::add(const AccountId& id, std::uint32_t owner, std::string_view name) {
    if ((accounts_.size() + 1) * 4 > table_.size()) grow();
    const auto index = static_cast<std::uint32_t>(accounts_.size());
    Account account;
    account.owner = owner;
    accounts_.push_back(std::move(account));
    names_.push_back({id, std::string(name)});
    const std::uint32_t hashed = hash(id);
    std::size_t at = hashed & mask_;
    while (table_[at].account != unknown)
        at = (at + 1) & mask_;
    table_[at] = {hashed, index};
    return index;
}

void Accounts::grow() {
    std::vector<Entry> old =
        std::exchange(table_, std::vector<Entry>(table_.empty() ? 64 : table_.size() * 2));
    mask_ = table_.size() - 1;
    for (const Entry& entry : old) {
        if (entry.account == unknown) continue;
        std::size_t at = entry.hash & mask_;
        while (table_[at].account != unknown)
            at = (at + 1) & mask_;
        table_[at] = entry;
    }
}

std::size_t Accounts::memory_bytes() const {
    std::size_t bytes = accounts_.memory_bytes() + names_.memory_bytes() + owners_.memory_bytes() +
                        table_.capacity() * sizeof(Entry);
    for (std::size_t i = 0; i < accounts_.size(); ++i)
        bytes += accounts_[i].nonces.memory_bytes();
    return bytes;
}

}  // namespace peerbook::exchange

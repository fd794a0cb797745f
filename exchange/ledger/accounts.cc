#include "exchange/ledger/accounts.h"

#include <utility>

#include "base/check.h"

namespace peerbook::exchange {

Accounts::Accounts(const AccountId& first, std::uint64_t index_seed)
    : hash_(index_seed), owners_(16, OwnerHash{hash_}) {
    grow();
    accounts_[add(first, no_owner, "")].is_open = true;
    open_count_ = 1;
}

std::optional<OwnerIndex> Accounts::find_owner(const PublicKey& key) const {
    const auto found = owners_.find(key);
    if (found == owners_.end()) return std::nullopt;
    return found->second;
}

AccountIndex Accounts::open(const AccountId& id, const PublicKey& owner, std::string_view name) {
    std::uint32_t index = find_known(id);
    if (index == unknown) {
        const OwnerIndex next(static_cast<std::uint32_t>(owners_.size()));
        const auto [place, is_new] = owners_.try_emplace(owner, next);
        if (is_new) open_of_owner_.push_back(0);
        index = add(id, place->second.value(), name);
    }
    PB_CHECK(!accounts_[index].is_open, "an account is opened once");
    accounts_[index].is_open = true;
    ++open_of_owner_[accounts_[index].owner];
    ++open_count_;
    return AccountIndex(index);
}

void Accounts::undo_open(AccountIndex account) {
    accounts_[account.value()].is_open = false;
    --open_of_owner_[accounts_[account.value()].owner];
    --open_count_;
}

std::uint32_t Accounts::add(const AccountId& id, std::uint32_t owner, std::string_view name) {
    if ((accounts_.size() + 1) * 2 > table_.size()) grow();
    const auto index = static_cast<std::uint32_t>(accounts_.size());
    accounts_.emplace_back().owner = owner;
    ids_.push_back(id);
    names_.emplace_back(name);
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
    std::size_t bytes = accounts_.capacity() * sizeof(Account) + ids_.capacity() * sizeof(AccountId) +
                        names_.capacity() * sizeof(std::string) + table_.capacity() * sizeof(Entry);
    for (const Account& account : accounts_)
        bytes += account.nonces.memory_bytes();
    return bytes;
}

}  // namespace peerbook::exchange

// Accounts: their names, owners and nonces. An AccountId that was opened once keeps its index for the life of
// the process, even when its opening is undone, so that events of different histories can be compared;
// `is_open` is what undo changes. Logic thread only.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/keys.h"
#include "exchange/ledger/nonces.h"
#include "exchange/market/index_hash.h"
#include "exchange/market/types.h"

namespace peerbook::exchange {

// Position of a key among those that ever owned an account here.
using OwnerIndex = StrongId<struct OwnerIndexTag, std::uint32_t>;

class Accounts {
  public:
    // The account at index 0 is `first`, open from the start and without an owner. `index_seed`:
    // market/index_hash.h.
    Accounts(const AccountId& first, std::uint64_t index_seed);

    // The index of an open account.
    std::optional<AccountIndex> find(const AccountId& id) const {
        const std::uint32_t index = find_known(id);
        if (index == unknown || !accounts_[index].is_open) return std::nullopt;
        return AccountIndex(index);
    }
    std::optional<OwnerIndex> find_owner(const PublicKey& key) const;
    bool is_owned_by(AccountIndex account, std::optional<OwnerIndex> owner) const {
        const std::uint32_t own = accounts_[account.value()].owner;
        return owner && own == owner->value();
    }
    // How many accounts of this owner are open.
    std::uint32_t open_count_of(OwnerIndex owner) const { return open_of_owner_[owner.value()]; }
    // Opens an account that is not open; owner and name of an id never change, because the id is made of
    // them.
    AccountIndex open(const AccountId& id, const PublicKey& owner, std::string_view name);
    void undo_open(AccountIndex account);

    NonceWindow& nonces(AccountIndex account) { return accounts_[account.value()].nonces; }
    const NonceWindow& nonces(AccountIndex account) const { return accounts_[account.value()].nonces; }
    const AccountId& id(AccountIndex account) const { return ids_[account.value()]; }
    const std::string& name(AccountIndex account) const { return names_[account.value()]; }
    bool is_open(AccountIndex account) const { return accounts_[account.value()].is_open; }
    // Every index below it was given to an account, open or not.
    std::uint32_t known_count() const { return static_cast<std::uint32_t>(accounts_.size()); }
    std::uint32_t open_count() const { return open_count_; }
    std::size_t memory_bytes() const;

  private:
    static constexpr std::uint32_t unknown = 0xffff'ffff;
    static constexpr std::uint32_t no_owner = 0xffff'ffff;

    struct alignas(64) Account {
        NonceWindow nonces;
        std::uint32_t owner = no_owner;
        bool is_open = false;
    };
    struct Entry {
        std::uint32_t hash = 0;
        std::uint32_t account = unknown;
    };
    // Ids are hashes and keys: half of one tells it from all others.
    template <typename Id>
    static std::uint64_t hash_of(const IndexHash& hash, const Id& id) {
        std::uint64_t a = 0, b = 0;
        std::memcpy(&a, id.data.data(), sizeof a);
        std::memcpy(&b, id.data.data() + sizeof a, sizeof b);
        return hash(a, b);
    }
    std::uint32_t hash(const AccountId& id) const {
        return static_cast<std::uint32_t>(hash_of(hash_, id) >> 32);
    }
    struct OwnerHash {
        IndexHash hash;
        std::size_t operator()(const PublicKey& key) const {
            return static_cast<std::size_t>(hash_of(hash, key) >> 32);
        }
    };
    static bool equal(const AccountId& a, const AccountId& b) {
        std::array<std::uint64_t, 4> x, y;  // a call of memcmp costs more than the comparison
        std::memcpy(x.data(), a.data.data(), sizeof x);
        std::memcpy(y.data(), b.data.data(), sizeof y);
        return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3])) == 0;
    }
    std::uint32_t find_known(const AccountId& id) const {
        const std::uint32_t wanted = hash(id);
        for (std::size_t at = wanted & mask_;; at = (at + 1) & mask_) {
            const Entry& entry = table_[at];
            if (entry.account == unknown) return unknown;
            if (entry.hash == wanted && equal(ids_[entry.account], id)) return entry.account;
        }
    }
    std::uint32_t add(const AccountId& id, std::uint32_t owner, std::string_view name);
    void grow();

    IndexHash hash_;
    std::vector<Account> accounts_;
    std::vector<AccountId> ids_;
    std::vector<std::string> names_;
    std::vector<Entry> table_;  // open addressing, at most half full; accounts are never taken out
    std::size_t mask_ = 0;
    std::unordered_map<PublicKey, OwnerIndex, OwnerHash> owners_;
    std::vector<std::uint32_t> open_of_owner_;  // by OwnerIndex
    std::uint32_t open_count_ = 0;
};

}  // namespace peerbook::exchange

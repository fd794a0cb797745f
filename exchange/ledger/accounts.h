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
#include "base/paged_array.h"
#include "base/prefetch.h"
#include "exchange/ledger/nonces.h"
#include "exchange/market/index_hash.h"
#include "exchange/market/types.h"

namespace peerbook::exchange {

// Position of a key among those that ever owned an account here.
using OwnerIndex = StrongId<struct OwnerIndexTag, std::uint32_t>;

// Counts what passes within fixed windows of commit time.
struct RateWindow {
    std::uint32_t number = 0;  // commit time / length of the window
    std::uint32_t count = 0;

    // What was counted in window `now` before.
    std::uint32_t count_in(std::uint32_t now) const { return number == now ? count : 0; }
    friend bool operator==(const RateWindow&, const RateWindow&) = default;
};

struct alignas(64) Account {
    NonceWindow nonces;
    std::int64_t cancel_after_ms = 0;  // commit time of its dead-man switch; 0: off
    RateWindow commands;               // a second each
    std::uint32_t owner = 0xffff'ffff;
    bool is_open = false;
};
static_assert(sizeof(Account) == 64);

struct AccountName {
    AccountId id;
    std::string name;  // of hosted accounts
};

struct Owner {
    PublicKey key;
    std::uint32_t open_accounts = 0;
    RateWindow openings;  // a minute each
    RateWindow seconds;   // only its number counts: the second that `bytes` is of
    std::uint64_t bytes = 0;
};

class Accounts {
  public:
    struct Frozen {
        PagedArray<Account>::Frozen accounts;
        PagedArray<AccountName>::Frozen names;
        PagedArray<Owner>::Frozen owners;
    };

    // The account at index 0 is `first`, open from the start and without an owner. `index_seed`:
    // market/index_hash.h.
    Accounts(const AccountId& first, std::uint64_t index_seed);

    // The index of an open account.
    std::optional<AccountIndex> find(const AccountId& id) const {
        const std::uint32_t index = find_known(id);
        if (index == unknown || !accounts_[index].is_open) return std::nullopt;
        return AccountIndex(index);
    }
    // Asks for the line where the search for the id begins, and tells which one for prefetch_name().
    std::uint32_t prefetch(const AccountId& id) const {
        const std::uint32_t hashed = hash(id);
        prefetch_line(&table_[hashed & mask_]);
        return hashed;
    }
    void prefetch_name(std::uint32_t hashed) const {
        const Entry& entry = table_[hashed & mask_];
        if (entry.account != unknown) prefetch_line(&names_[entry.account]);
    }
    // A key that owns an open account.
    std::optional<OwnerIndex> find_owner(const PublicKey& key) const;
    bool is_owned_by(AccountIndex account, std::optional<OwnerIndex> owner) const {
        const std::uint32_t own = accounts_[account.value()].owner;
        return owner && own == owner->value();
    }
    // How many accounts of this owner are open.
    std::uint32_t open_count_of(OwnerIndex owner) const { return owners_[owner.value()].open_accounts; }
    std::uint32_t owner_count() const { return static_cast<std::uint32_t>(owners_.size()); }
    const Owner& owner(OwnerIndex owner) const { return owners_[owner.value()]; }
    Owner& edit_owner(OwnerIndex owner) { return owners_.edit(owner.value()); }
    const Account& operator[](AccountIndex account) const { return accounts_[account.value()]; }
    Account& edit(AccountIndex account) { return accounts_.edit(account.value()); }
    // Opens an account that is not open; owner and name of an id never change, because the id is made of
    // them.
    AccountIndex open(const AccountId& id, const PublicKey& owner, std::string_view name);
    void undo_open(AccountIndex account);

    const NonceWindow& nonces(AccountIndex account) const { return accounts_[account.value()].nonces; }
    const AccountId& id(AccountIndex account) const { return names_[account.value()].id; }
    const std::string& name(AccountIndex account) const { return names_[account.value()].name; }
    bool is_open(AccountIndex account) const { return accounts_[account.value()].is_open; }
    // Every index below it was given to an account, open or not.
    std::uint32_t known_count() const { return static_cast<std::uint32_t>(accounts_.size()); }
    std::uint32_t open_count() const { return open_count_; }
    Frozen freeze() { return {accounts_.freeze(), names_.freeze(), owners_.freeze()}; }
    std::size_t memory_bytes() const;

  private:
    static constexpr std::uint32_t unknown = 0xffff'ffff;
    static constexpr std::uint32_t no_owner = 0xffff'ffff;

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
    std::uint32_t find_known(const AccountId& id) const { return find_known(id, hash(id)); }
    std::uint32_t find_known(const AccountId& id, std::uint32_t wanted) const {
        for (std::size_t at = wanted & mask_;; at = (at + 1) & mask_) {
            const Entry& entry = table_[at];
            if (entry.account == unknown) return unknown;
            if (entry.hash == wanted && equal(names_[entry.account].id, id)) return entry.account;
        }
    }
    std::uint32_t add(const AccountId& id, std::uint32_t owner, std::string_view name);
    void grow();

    IndexHash hash_;
    PagedArray<Account> accounts_;
    PagedArray<AccountName> names_;
    PagedArray<Owner> owners_;
    std::vector<Entry> table_;  // open addressing, at most a quarter full; accounts are never taken out
    std::size_t mask_ = 0;
    std::unordered_map<PublicKey, OwnerIndex, OwnerHash> owner_indexes_;
    std::uint32_t open_count_ = 0;
};

}  // namespace peerbook::exchange

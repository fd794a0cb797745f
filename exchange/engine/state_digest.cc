#include "exchange/engine/state_digest.h"

#include <algorithm>

#include "base/codec.h"
#include "base/hash.h"

namespace peerbook::exchange {

namespace {

// Encodes into a buffer that is hashed whenever it is large enough.
class HashingEncoder {
  public:
    explicit HashingEncoder(std::string_view domain) : hasher_(domain) {}

    Encoder& out() {
        if (buffer_.size() >= flush_bytes) flush();
        return encoder_;
    }
    Digest finish() {
        flush();
        return hasher_.finish();
    }

  private:
    static constexpr std::size_t flush_bytes = 16 * 1024;
    void flush() {
        hasher_.add(buffer_);
        buffer_.clear();
    }

    Hasher hasher_;
    Bytes buffer_;
    Encoder encoder_{buffer_};
};

std::vector<AccountIndex> open_accounts_by_id(const EngineState& state) {
    std::vector<AccountIndex> accounts;
    for (std::uint32_t i = 0; i < state.accounts.known_count(); ++i)
        if (state.accounts.is_open(AccountIndex(i))) accounts.emplace_back(i);
    std::sort(accounts.begin(), accounts.end(),
              [&](AccountIndex a, AccountIndex b) { return state.accounts.id(a) < state.accounts.id(b); });
    return accounts;
}

void add_balances(const EngineState& state, AccountIndex account, HashingEncoder& hash) {
    for (std::uint32_t i = 0; i < state.rules.assets.size(); ++i) {
        const Balance balance = state.balances.get(account, AssetId(i));
        if (balance.total == 0) continue;
        hash.out().raw(state.accounts.id(account).view());
        hash.out().u32(i);
        hash.out().i128(balance.total);
        hash.out().i128(balance.reserved);
    }
}

// Calls visit(order) for all orders by market, side, price and time.
template <typename Visit>
void for_each_order(const EngineState& state, Visit visit) {
    for (std::uint32_t market = 0; market < state.terms.size(); ++market)
        for (Side side : {Side::buy, Side::sell})
            state.books.levels(MarketId(market), side).for_each([&](std::int64_t, const Level& level) {
                for (OrderSlot slot = level.head; slot != no_order; slot = state.books.order(slot).next)
                    visit(state.books.order(slot));
                return true;
            });
}

void add_order(const EngineState& state, const Order& order, HashingEncoder& hash) {
    hash.out().u32(order.market_and_side);
    hash.out().i64(order.price);
    hash.out().raw(state.accounts.id(AccountIndex(order.account)).view());
    hash.out().u64(order.nonce);
    hash.out().u32(order.index);
    hash.out().i64(order.leaves);
}

}  // namespace

Digest digest_balances(const EngineState& state) {
    HashingEncoder hash("peerbook balances");
    for (AccountIndex account : open_accounts_by_id(state))
        add_balances(state, account, hash);
    return hash.finish();
}

Digest digest_books(const EngineState& state) {
    HashingEncoder hash("peerbook books");
    for_each_order(state, [&](const Order& order) { add_order(state, order, hash); });
    return hash.finish();
}

Digest digest_state(const EngineState& state) {
    HashingEncoder hash("peerbook state");
    const std::vector<AccountIndex> accounts = open_accounts_by_id(state);
    hash.out().u64(accounts.size());
    for (AccountIndex account : accounts) {
        const NonceWindow& nonces = state.accounts.nonces(account);
        hash.out().raw(state.accounts.id(account).view());
        hash.out().u64(nonces.highest());
        nonces.for_each_gap([&](std::uint64_t first, std::uint64_t last) {
            hash.out().u64(first);
            hash.out().u64(last);
        });
        hash.out().u64(0);  // no nonce: ends the gaps
        add_balances(state, account, hash);
    }
    hash.out().u64(state.books.size());
    for_each_order(state, [&](const Order& order) {
        add_order(state, order, hash);
        hash.out().i64(order.quantity);
        hash.out().u32(order.fee_carry);
    });
    for (const std::optional<std::int64_t>& last : state.last)
        hash.out().i64(last.value_or(0));  // prices are above 0
    for (Amount issued : state.issued)
        hash.out().i128(issued);
    return hash.finish();
}

}  // namespace peerbook::exchange

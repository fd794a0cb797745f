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
    hash.out().u32(order.market().value());
    hash.out().u8(static_cast<std::uint8_t>(order.side()));
    hash.out().i64(order.price);
    hash.out().raw(state.accounts.id(AccountIndex(order.account)).view());
    hash.out().u64(order.nonce);
    hash.out().u32(order.index);
    hash.out().i64(order.leaves);
    hash.out().u64(order.sequence);
}

void add_rest_of_order(const EngineState& state, const Order& order, HashingEncoder& hash) {
    hash.out().i64(state.books.quantity(order));
    hash.out().u32(order.fee_carry);
    hash.out().u8(order.is_quote != 0 ? 1 : 0);
    if (order.is_extended == 0) return;
    const OrderExtension& extension = state.books.extension(order);
    hash.out().i64(extension.hidden);
    hash.out().i64(extension.display);
    hash.out().i64(extension.expires_at_ms);
    hash.out().i64(extension.limit);
    hash.out().i128(extension.budget);
    hash.out().u32(extension.refreshes);
    hash.out().u8(static_cast<std::uint8_t>(extension.time_in_force));
    hash.out().u8(static_cast<std::uint8_t>(extension.self_trade));
    hash.out().u8(extension.post_only ? 1 : 0);
}

template <typename Visit>
void for_each_waiting(const EngineState& state, Visit visit) {
    for (std::uint32_t market = 0; market < state.terms.size(); ++market)
        for (bool below : {false, true})
            state.books.waiting(MarketId(market), below).for_each([&](std::int64_t, const Level& level) {
                for (OrderSlot slot = level.head; slot != no_order; slot = state.books.order(slot).next)
                    visit(state.books.order(slot));
                return true;
            });
}

void add_account(const EngineState& state, AccountIndex account, HashingEncoder& hash) {
    const Account& at = state.accounts[account];
    hash.out().raw(state.accounts.id(account).view());
    hash.out().i64(at.cancel_after_ms);
    hash.out().u32(at.commands.number);
    hash.out().u32(at.commands.count);
    hash.out().u64(at.nonces.highest());
    at.nonces.for_each_gap([&](std::uint64_t first, std::uint64_t last) {
        hash.out().u64(first);
        hash.out().u64(last);
    });
    hash.out().u64(0);  // no nonce: ends the gaps
    add_balances(state, account, hash);
    for (const Withdrawal* waiting : state.withdrawals.of(account)) {
        hash.out().u64(waiting->request.nonce);
        hash.out().u32(waiting->request.index);
        hash.out().u32(waiting->asset.value());
        hash.out().i128(waiting->amount);
        hash.out().text(waiting->destination);
    }
}

void add_owners(const EngineState& state, HashingEncoder& hash) {
    std::vector<Owner> owners;
    for (std::uint32_t i = 0; i < state.accounts.owner_count(); ++i)
        if (state.accounts.owner(OwnerIndex(i)).open_accounts > 0)
            owners.push_back(state.accounts.owner(OwnerIndex(i)));
    std::sort(owners.begin(), owners.end(), [](const Owner& a, const Owner& b) { return a.key < b.key; });
    for (const Owner& owner : owners) {
        hash.out().raw(owner.key.view());
        hash.out().u32(owner.openings.number);
        hash.out().u32(owner.openings.count);
        hash.out().u32(owner.seconds.number);
        hash.out().u64(owner.bytes);
    }
}

void add_markets(const EngineState& state, HashingEncoder& hash) {
    for (const MarketState& market : state.markets) {
        hash.out().u8(static_cast<std::uint8_t>(market.phase));
        hash.out().i64(market.last.value_or(0));  // prices are above 0
        hash.out().i64(market.auction_ends_at.value_or(WallTime{-1}).ms);
    }
    for (const MarketRules& market : state.rules.markets)
        hash.out().text(market.symbol);
    std::vector<Proposal> proposals = state.proposals;  // their order follows from no rule
    std::sort(proposals.begin(), proposals.end(),
              [](const Proposal& a, const Proposal& b) { return a.id < b.id; });
    for (const Proposal& proposal : proposals) {
        hash.out().raw(proposal.id.view());
        hash.out().i64(proposal.since.ms);
        hash.out().u64(proposal.words);
        hash.out().u8(proposal.is_done ? 1 : 0);
    }
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
    hash.out().i64(state.time.value_or(WallTime{-1}).ms);
    hash.out().u64(state.books.next_sequence());
    hash.out().u64(accounts.size());
    for (AccountIndex account : accounts)
        add_account(state, account, hash);
    add_owners(state, hash);
    hash.out().u64(state.books.size());
    const auto add = [&](const Order& order) {
        add_order(state, order, hash);
        add_rest_of_order(state, order, hash);
    };
    for_each_order(state, add);
    for_each_waiting(state, add);
    add_markets(state, hash);
    for (Amount issued : state.issued)
        hash.out().i128(issued);
    return hash.finish();
}

}  // namespace peerbook::exchange

// Random commands of the accounts that one node hosts. Prices are close together and money is short, so that
// the order of blocks decides who trades and who is refused.
#pragma once

#include <string>
#include <vector>

#include "base/random.h"
#include "exchange/engine/command.h"

namespace peerbook::sim {

class OrderFlow {
  public:
    // `owners` are all members' keys; the flow is that of `owners[self]`.
    OrderFlow(std::vector<PublicKey> owners, std::size_t self);
    // The same before it has an owner: of which account, with which nonce.
    struct Order {
        std::string account;
        std::uint64_t nonce = 0;
        exchange::CommandBody body;
    };
    // `now` is this node's clock: some orders expire soon after it.
    Order next(Random& random, WallTime now);
    std::vector<exchange::Command> next(Random& random, std::size_t count, WallTime now);
    std::uint64_t commands_made() const { return commands_made_; }

  private:
    struct Account {
        std::string name;
        std::uint64_t nonce = 0;  // last used
    };
    exchange::CommandBody next_body(Random& random, Account& account, WallTime now);

    std::vector<PublicKey> owners_;
    std::size_t self_;
    std::vector<Account> accounts_;
    std::uint64_t commands_made_ = 0;
};

}  // namespace peerbook::sim

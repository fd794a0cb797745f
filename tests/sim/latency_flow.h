// Orders of the users of one node, for measuring: about half place an order, half cancel one, spread over
// several markets and accounts, a fifth of the orders at a price that crosses. Money never runs short, so
// what is refused is a cancel that came after the fill.
#pragma once

#include <string>
#include <vector>

#include "app/node/requests.h"
#include "base/random.h"
#include "exchange/market/market.h"

namespace peerbook::sim {

// A network of so many markets, all against one currency.
exchange::NetworkRules latency_rules(const Digest& network, std::size_t markets);

class LatencyFlow {
  public:
    LatencyFlow(std::size_t accounts, std::size_t markets);
    // One request an account, which gives it money of everything.
    std::vector<app::SubmitRequest> funding();
    app::Intent next(Random& random);

  private:
    struct Account {
        std::string name;
        std::uint64_t nonce = 1;            // last used; the node opens the account with the first
        std::vector<std::uint64_t> placed;  // nonces of orders that it has not cancelled
    };
    std::size_t markets_;
    std::vector<Account> accounts_;
};

}  // namespace peerbook::sim

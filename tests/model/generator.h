// Random command streams for the model test: a function of a seed and a configuration.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"
#include "exchange/engine/command.h"
#include "exchange/market/market.h"

namespace peerbook::exchange::model {

struct GeneratorConfig {
    std::string name;
    std::uint32_t accounts = 6;  // hosted ones; half as many self-custodied come with them
    std::uint32_t markets = 1;
    std::int64_t price_low = 95, price_high = 105;
    std::int64_t quantity_max = 20;
    std::uint32_t jump_ppm = 0;               // chance of a price far away
    std::uint32_t bad_ppm = 20'000;           // chance of each kind of bad input
    std::uint32_t out_of_order_ppm = 50'000;  // chance of a nonce that is not the next
    std::uint32_t maker_fee_ppm = 333, taker_fee_ppm = 1'777;
    std::uint32_t open_orders_max = 40;
    Amount faucet_max = 1'000'000;
    Amount notional_constant = 1;    // of the first market; the others have small multiples of it
    std::uint32_t free_markets = 0;  // so many, from the last one backwards, charge no fees
    std::uint32_t fills_max = 10'000, fok_orders_max = 1'000;
    std::uint32_t open_orders_of_all_max = 1'000'000;
    std::uint32_t accounts_per_owner_max = 1'000;
    std::uint32_t batches = 600;
    std::uint32_t batch_commands_max = 6;
};

NetworkRules make_rules(const GeneratorConfig& config);

class Generator {
  public:
    Generator(GeneratorConfig config, std::uint64_t seed);
    CommandBatch next();
    std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }

  private:
    struct User {
        std::string name;  // empty: self-custodied
        PublicKey key;     // host or own
        AccountId account;
        std::uint64_t next_nonce = 1;
    };
    User& any_user() { return users_[random_.below(users_.size())]; }
    std::uint64_t choose_nonce(User& user);
    CommandRef choose_target(User& user);
    CommandBody choose_body(User& user);
    std::int64_t choose_price();
    LimitOrder choose_limit();

    GeneratorConfig config_;
    Random random_;
    std::vector<User> users_;
};

}  // namespace peerbook::exchange::model

// What kind of command a recipe asks for, each as often as its weight out of 256.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace peerbook::exchange::model {

enum class Kind {
    limit,
    market,
    cancel,
    iceberg,
    good_till,
    triggered,
    budget,
    reduce,
    replace,
    cancel_all,
    cancel_after,
    mass_quote,
    faucet,
    transfer,
    issue,
    redeem,
    request_withdrawal,
    settle_withdrawal,
    administer,
    open
};

inline Kind kind_of(std::uint8_t byte) {
    constexpr std::array<int, 20> weights{50, 12, 22, 14, 10, 24, 10, 14, 22, 12,
                                          6,  14, 6,  6,  4,  4,  6,  6,  10, 4};
    int rest = byte;
    for (std::size_t kind = 0; kind < weights.size(); ++kind)
        if ((rest -= weights[kind]) < 0) return static_cast<Kind>(kind);
    return Kind::limit;
}

}  // namespace peerbook::exchange::model

// Fees in parts per million of the notional, in quote base units.
//
// An order's total fee is ⌈Σ notional × rate / 10^6⌉ over its fills, whatever their number: each fill pays
// what is missing to the rounded-up sum so far, and the order carries what it overpaid by rounding (its
// carry, in millionths of a base unit, below 10^6) to the next. The reservation for what is left uses the
// same carry and the higher of the two rates; since ⌈a⌉ + ⌈b − (⌈a⌉ − a)⌉ = ⌈a + b⌉, a fill never takes more
// than it releases.
#pragma once

#include <cstdint>

#include "exchange/market/types.h"

namespace peerbook::exchange {

inline constexpr std::uint32_t ppm = 1'000'000;

struct FeeCharge {
    Amount fee = 0;
    std::uint32_t carry = 0;  // the order's new carry
};

// ⌈(notional × rate − carry) / 10^6⌉. Preconditions: 0 ≤ notional ≤ 2^100, rate ≤ fee_ppm_max, carry < 10^6;
// then nothing overflows and the result is not negative.
inline Amount fee_beyond_carry(Amount notional, std::uint32_t rate, std::uint32_t carry) {
    const auto wide = static_cast<unsigned __int128>(notional);
    if (wide < std::uint64_t{1} << 44) [[likely]]  // the product fits 64 bits: a division by multiplication
        return (static_cast<std::uint64_t>(notional) * rate + (ppm - 1) - carry) / ppm;
    return static_cast<Amount>((wide * rate + (ppm - 1) - carry) / ppm);
}

inline FeeCharge charge_fee(Amount notional, std::uint32_t rate, std::uint32_t carry) {
    const Amount fee = fee_beyond_carry(notional, rate, carry);
    return {fee, static_cast<std::uint32_t>(fee * ppm - (notional * rate - carry))};
}

// What a buy must hold for `notional` more at its limit price: the notional and the highest fee on it.
inline Amount buy_reserve(Amount notional, std::uint32_t rate_max, std::uint32_t carry) {
    return notional + fee_beyond_carry(notional, rate_max, carry);
}

}  // namespace peerbook::exchange

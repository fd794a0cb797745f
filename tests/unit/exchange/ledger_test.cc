#include <gtest/gtest.h>

#include <set>

#include "base/random.h"
#include "exchange/ledger/fees.h"
#include "exchange/ledger/nonces.h"

namespace peerbook::exchange {
namespace {

TEST(Fees, TotalIsTheCeilingOfTheSumWhateverTheFills) {
    Random random(5);
    for (int round = 0; round < 200; ++round) {
        const auto rate = static_cast<std::uint32_t>(random.below(100'001));
        const unsigned bits = 1 + static_cast<unsigned>(random.below(93));
        std::uint32_t carry = 0;
        Amount fees = 0, notionals = 0;
        for (int fill = 0; fill < 20; ++fill) {
            const Amount wide =
                static_cast<Amount>(random.next() >> 1) << 30 | static_cast<Amount>(random.below(1u << 30));
            const Amount notional = wide & ((Amount{1} << bits) - 1);
            const FeeCharge charge = charge_fee(notional, rate, carry);
            ASSERT_GE(charge.fee, 0);
            ASSERT_LT(charge.carry, ppm);
            carry = charge.carry;
            fees += charge.fee;
            notionals += notional;
            ASSERT_EQ(fees, (notionals * rate + ppm - 1) / ppm);
        }
    }
}

TEST(NonceWindow, CountingUpNeedsNoMemory) {
    NonceWindow window;
    for (std::uint64_t nonce = 1; nonce <= 200'000; ++nonce) {
        ASSERT_EQ(window.verdict(nonce), NonceWindow::Verdict::free);
        window.burn(nonce);
    }
    EXPECT_EQ(window.highest(), 200'000u);
    EXPECT_EQ(window.memory_bytes(), 0u);
    EXPECT_EQ(window.verdict(200'000), NonceWindow::Verdict::used);
    EXPECT_EQ(window.verdict(200'000 - 65'535), NonceWindow::Verdict::used);
    EXPECT_EQ(window.verdict(200'000 - 65'536), NonceWindow::Verdict::out_of_window);
}

TEST(NonceWindow, AgreesWithASetOverJumpsGapsAndUndo) {
    NonceWindow window;
    std::set<std::uint64_t> burnt;
    std::vector<NonceWindow::Burn> burns;
    std::vector<std::uint64_t> order;
    Random random(11);
    const auto expected = [&](std::uint64_t nonce) {
        const std::uint64_t highest = burnt.empty() ? 0 : *burnt.rbegin();
        if (nonce == 0 || nonce > highest + 65'536 || nonce + 65'536 <= highest)
            return NonceWindow::Verdict::out_of_window;
        return burnt.count(nonce) > 0 ? NonceWindow::Verdict::used : NonceWindow::Verdict::free;
    };
    for (int i = 0; i < 60'000; ++i) {
        const std::uint64_t highest = window.highest();
        std::uint64_t nonce = highest + 1 + random.below(4);
        if (random.below(3) == 0) nonce = highest - std::min(highest, random.below(2'000));
        if (random.below(50) == 0) nonce = highest - std::min(highest, random.below(70'000));
        if (random.below(500) == 0) nonce = highest + random.below(66'000);
        ASSERT_EQ(window.verdict(nonce), expected(nonce)) << nonce;
        if (expected(nonce) == NonceWindow::Verdict::free) {
            burns.push_back(window.burn(nonce));
            order.push_back(nonce);
            burnt.insert(nonce);
        }
        if (random.below(300) == 0) {
            for (std::uint64_t back = random.below(2'000); back > 0 && !burns.empty(); --back) {
                window.undo(burns.back());
                burnt.erase(order.back());
                burns.pop_back();
                order.pop_back();
            }
            ASSERT_EQ(window.highest(), burnt.empty() ? 0 : *burnt.rbegin());
        }
    }
    EXPECT_LE(window.memory_bytes(), 130 * sizeof(NonceWindow::Chunk));
    std::vector<std::uint64_t> free_by_gaps, free_by_set;
    window.for_each_gap([&](std::uint64_t first, std::uint64_t last) {
        ASSERT_TRUE(free_by_gaps.empty() || first > free_by_gaps.back() + 1);
        for (std::uint64_t nonce = first; nonce <= last; ++nonce)
            free_by_gaps.push_back(nonce);
    });
    const std::uint64_t highest = window.highest();
    for (std::uint64_t nonce = highest > 65'536 ? highest - 65'535 : 1; nonce < highest; ++nonce)
        if (burnt.count(nonce) == 0) free_by_set.push_back(nonce);
    EXPECT_EQ(free_by_gaps, free_by_set);
    for (; !burns.empty(); burns.pop_back())
        window.undo(burns.back());
    EXPECT_EQ(window.highest(), 0u);
    EXPECT_EQ(window.burn(1).in_order, true);
}

TEST(NonceWindow, FarApartNoncesCostWhatTheyTouchAndClosedGapsCostNothing) {
    NonceWindow window;
    window.burn(1);
    const NonceWindow::Burn far = window.burn(60'000);
    const NonceWindow::Burn middle = window.burn(30'000);
    EXPECT_LE(window.memory_bytes(), 3 * sizeof(NonceWindow::Chunk));
    int gaps = 0;
    window.for_each_gap([&](std::uint64_t, std::uint64_t) { ++gaps; });
    EXPECT_EQ(gaps, 2);
    window.undo(middle);
    window.undo(far);
    EXPECT_EQ(window.highest(), 1u);
    window.burn(3);
    EXPECT_GT(window.memory_bytes(), 0u);
    window.burn(2);
    EXPECT_EQ(window.memory_bytes(), 0u);
    EXPECT_TRUE(window.burn(4).in_order);
}

}  // namespace
}  // namespace peerbook::exchange

#include "app/node/write_queue.h"

#include <gtest/gtest.h>

namespace peerbook::app {
namespace {

constexpr MonoTime begin{1'000'000'000};
constexpr Duration ms = Duration::milliseconds(1);
using Tickets = std::vector<std::uint64_t>;

class WriteQueueTest : public ::testing::Test {
  protected:
    // What is written when this append comes.
    Tickets add(std::uint64_t ticket, bool is_urgent, MonoTime now) {
        Effects effects;
        effects.appends.push_back({ticket, {}, 0, 0, {}, is_urgent});
        return pass(effects, now);
    }
    Tickets look(MonoTime now) {
        Effects effects;
        return pass(effects, now);
    }
    Tickets pass(Effects& effects, MonoTime now) {
        queue.pass(effects, now);
        wake = effects.wake_at;
        return tickets(effects.appends);
    }
    static Tickets tickets(const std::vector<AppendEffect>& appends) {
        Tickets all;
        for (const AppendEffect& one : appends)
            all.push_back(one.ticket);
        return all;
    }

    WriteQueue queue;
    std::optional<MonoTime> wake;  // of the last call
};

TEST_F(WriteQueueTest, AnUrgentAppendIsWrittenAtOnce) {
    EXPECT_EQ(add(1, true, begin), Tickets{1});
    EXPECT_FALSE(wake);
    EXPECT_TRUE(queue.empty());
}

TEST_F(WriteQueueTest, WhatNobodyWaitsForIsWrittenInFrontOfTheNextUrgentAppend) {
    EXPECT_EQ(add(1, false, begin), Tickets{});
    EXPECT_EQ(add(2, false, begin + ms), Tickets{});
    EXPECT_EQ(add(3, true, begin + ms * 2), (Tickets{1, 2, 3}));
    EXPECT_TRUE(queue.empty());
}

TEST_F(WriteQueueTest, WhatComesBehindAnUrgentAppendInOneStepIsWrittenWithIt) {
    Effects effects;
    effects.appends.push_back({1, {}, 0, 0, {}, true});
    effects.appends.push_back({2, {}, 0, 0, {}, false});
    EXPECT_EQ(pass(effects, begin), (Tickets{1, 2}));
}

TEST_F(WriteQueueTest, TheOldestWaitsNoLongerThanPatience) {
    const MonoTime due = begin + WriteQueue::patience;
    EXPECT_EQ(add(1, false, begin), Tickets{});
    EXPECT_EQ(wake, due);
    EXPECT_EQ(add(2, false, begin + ms), Tickets{});
    EXPECT_EQ(wake, due);
    EXPECT_EQ(look(due - Duration::nanoseconds(1)), Tickets{});
    EXPECT_EQ(look(due), (Tickets{1, 2}));
    EXPECT_FALSE(wake);
    EXPECT_EQ(add(3, false, due), Tickets{});
    EXPECT_EQ(wake, due + WriteQueue::patience);
}

TEST_F(WriteQueueTest, TheNodeIsStillCalledWhenItAskedToBe) {
    Effects effects;
    effects.appends.push_back({1, {}, 0, 0, {}, false});
    effects.wake_at = begin + ms;
    EXPECT_EQ(pass(effects, begin), Tickets{});
    EXPECT_EQ(wake, begin + ms);
}

TEST_F(WriteQueueTest, AtTheEndAllThatWaitsIsTaken) {
    add(1, false, begin);
    add(2, false, begin + ms);
    EXPECT_EQ(tickets(queue.take()), (Tickets{1, 2}));
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(look(begin + ms * 100), Tickets{});
}

}  // namespace
}  // namespace peerbook::app

// The worker thread against gateways that the test plays.
#include "p2p/nat/port_mapper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <deque>
#include <mutex>

#include "p2p/nat/lease_schedule.h"

namespace peerbook::p2p {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// What a gateway is to answer, and what it was asked. Thread-safe because of its lock.
class Script {
  public:
    void will(Result<GrantedMapping> answer) {
        const std::lock_guard lock(mutex_);
        answers_.push_back(std::move(answer));
    }
    Result<GrantedMapping> take(const std::string& who, const MappingWish& wish) {
        const std::lock_guard lock(mutex_);
        calls_.push_back(who + " " + std::to_string(wish.port));
        wished_.push_back(wish.wanted_port);
        if (answers_.empty()) return Error{ErrorCode::unavailable, who + ": nobody answers"};
        auto answer = std::move(answers_.front());
        answers_.pop_front();
        return answer;
    }
    void note(std::string call) {
        const std::lock_guard lock(mutex_);
        calls_.push_back(std::move(call));
    }
    std::vector<std::string> calls() const {
        const std::lock_guard lock(mutex_);
        return calls_;
    }
    std::vector<std::uint16_t> wished() const {
        const std::lock_guard lock(mutex_);
        return wished_;
    }

  private:
    mutable std::mutex mutex_;
    std::deque<Result<GrantedMapping>> answers_;
    std::vector<std::string> calls_;
    std::vector<std::uint16_t> wished_;
};

class PlayedGateway final : public PortGateway {
  public:
    // `taken_back`: read after the thread's end.
    PlayedGateway(std::string name, Script& script, std::vector<std::string>& taken_back)
        : name_(std::move(name)), script_(script), taken_back_(taken_back) {}
    const char* method() const override { return name_.c_str(); }
    const char* name() const override { return name_.c_str(); }
    Result<GrantedMapping> map(const MappingWish& wish) override { return script_.take(name_, wish); }
    void unmap() override {
        script_.note(name_ + " unmapped");
        taken_back_.push_back(name_);
    }

  private:
    std::string name_;
    Script& script_;
    std::vector<std::string>& taken_back_;
};

class PortMapperTest : public ::testing::Test {
  protected:
    ~PortMapperTest() override {
        if (mapper) mapper->stop();
    }

    void begin(std::optional<std::string> own_address = "192.168.1.2") {
        PortMapper::Options options{NatWay::automatic, "0.0.0.0", 3000, {}, {}};
        options.gateways = [this](const std::function<bool()>&) {
            std::vector<std::unique_ptr<PortGateway>> made;
            made.push_back(std::make_unique<PlayedGateway>("first", first, taken_back));
            made.push_back(std::make_unique<PlayedGateway>("second", second, taken_back));
            return made;
        };
        options.own_address = [own_address] { return own_address; };
        mapper = PortMapper::start(io, std::move(options),
                                   [this](const PortMapper::State& state) { states.push_back(state); });
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (states.empty() && std::chrono::steady_clock::now() < until) {
            io.restart();
            io.run_one_for(std::chrono::milliseconds(50));
        }
        ASSERT_FALSE(states.empty());
    }
    static GrantedMapping granted(std::uint16_t port, std::optional<Duration> lease = lease_wanted) {
        return {"192.168.1.1", "192.168.1.2", "11.9.0.1", port, lease};
    }

    boost::asio::io_context io;
    Script first, second;
    std::vector<std::string> taken_back;
    std::unique_ptr<PortMapper> mapper;
    std::vector<PortMapper::State> states;
};

TEST_F(PortMapperTest, WhatWasMappedIsGivenBackAtTheStop) {
    first.will(granted(3000));
    begin();
    EXPECT_EQ(states[0].name, "mapped");
    ASSERT_TRUE(states[0].mapping);
    EXPECT_EQ(states[0].mapping->method, "first");
    EXPECT_EQ(states[0].mapping->external_host, "11.9.0.1");
    EXPECT_EQ(states[0].mapping->external_port, 3000);
    EXPECT_TRUE(states[0].mapping->until);
    EXPECT_EQ(states[0].last_error, "");
    EXPECT_THAT(first.calls(), ElementsAre("first 3000"));
    mapper->stop();
    EXPECT_THAT(first.calls(), ElementsAre("first 3000", "first unmapped"));
    EXPECT_EQ(second.wished().size(), 0U);
}

TEST_F(PortMapperTest, WhereTheFirstWayFailsTheSecondIsTried) {
    second.will(granted(3000, std::nullopt));
    begin();
    EXPECT_EQ(states[0].name, "mapped");
    EXPECT_EQ(states[0].mapping->method, "second");
    EXPECT_FALSE(states[0].mapping->until);  // for good
}

// The other may keep silent for as long as the stop waits.
TEST_F(PortMapperTest, TheGatewayThatMappedThePortIsAskedFirstToTakeItBack) {
    second.will(granted(3000));
    begin();
    mapper->stop();
    EXPECT_THAT(taken_back, ElementsAre("second", "first"));
}

TEST_F(PortMapperTest, WhatIsNotWantedAnyMoreIsGivenBackAndMappedAgainWhenItIs) {
    first.will(granted(3000));
    first.will(granted(3001));
    begin();
    const auto wait_for_states = [this](std::size_t count) {
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (states.size() < count && std::chrono::steady_clock::now() < until) {
            io.restart();
            io.run_one_for(std::chrono::milliseconds(50));
        }
        return states.size() == count;
    };
    mapper->set_wanted(false);
    ASSERT_TRUE(wait_for_states(2));
    EXPECT_EQ(states[1].name, "silent");
    EXPECT_FALSE(states[1].mapping);
    EXPECT_THAT(first.calls(), ElementsAre("first 3000", "first unmapped"));
    mapper->set_wanted(true);
    ASSERT_TRUE(wait_for_states(3));
    EXPECT_EQ(states[2].name, "mapped");
    EXPECT_EQ(states[2].mapping->external_port, 3001);
}

TEST_F(PortMapperTest, WhenAllFailTheReasonsAreSaid) {
    begin();
    EXPECT_EQ(states[0].name, "failing");
    EXPECT_FALSE(states[0].mapping);
    EXPECT_EQ(states[0].last_error, "first: nobody answers; second: nobody answers");
}

TEST_F(PortMapperTest, APortOfSomebodyElseMakesItTryOthers) {
    first.will(Error{ErrorCode::conflict, "taken"});
    first.will(Error{ErrorCode::conflict, "taken"});
    first.will(granted(40'000));
    begin();
    EXPECT_EQ(states[0].mapping->external_port, 40'000);
    const auto wished = first.wished();
    ASSERT_EQ(wished.size(), 3U);
    EXPECT_EQ(wished[0], 3000);
    EXPECT_NE(wished[1], wished[2]);
    EXPECT_GE(std::min(wished[1], wished[2]), 1024);
}

TEST_F(PortMapperTest, PortsOfOthersAreTriedAFewTimesOnly) {
    for (unsigned i = 0; i < 100; ++i)
        first.will(Error{ErrorCode::conflict, "taken"});
    begin();
    EXPECT_EQ(states[0].name, "failing");
    EXPECT_EQ(first.wished().size(), external_ports_tried);
}

TEST_F(PortMapperTest, ALeaseThatIsTooShortIsNone) {
    first.will(granted(3000, Duration::seconds(59)));
    begin();
    EXPECT_EQ(states[0].name, "failing");
    EXPECT_THAT(states[0].last_error, HasSubstr("first: the gateway maps the port for 59 s only"));
    EXPECT_THAT(first.calls(), ElementsAre("first 3000", "first unmapped"));
}

TEST_F(PortMapperTest, AHostWithAnAddressOfTheInternetAsksNobody) {
    begin("11.1.0.1");
    EXPECT_EQ(states[0].name, "not_needed");
    EXPECT_TRUE(first.calls().empty());
}

TEST_F(PortMapperTest, WithoutARouteNobodyIsAsked) {
    begin(std::nullopt);
    EXPECT_EQ(states[0].name, "failing");
    EXPECT_EQ(states[0].last_error, "there is no route to the internet");
    EXPECT_TRUE(first.calls().empty());
}

TEST_F(PortMapperTest, NothingIsCalledBackAfterTheStop) {
    first.will(granted(3000));
    PortMapper::Options options{NatWay::automatic, "0.0.0.0", 3000, {}, {}};
    options.gateways = [this](const std::function<bool()>&) {
        std::vector<std::unique_ptr<PortGateway>> made;
        made.push_back(std::make_unique<PlayedGateway>("first", first, taken_back));
        return made;
    };
    options.own_address = [] { return std::optional<std::string>("192.168.1.2"); };
    mapper = PortMapper::start(io, std::move(options),
                               [this](const PortMapper::State& state) { states.push_back(state); });
    mapper->stop();
    io.run();
    EXPECT_TRUE(states.empty());
}

}  // namespace
}  // namespace peerbook::p2p

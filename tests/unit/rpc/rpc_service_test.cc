// Grenache's RPC in front of a node and of streams that say what the test wants.
#include "app/rpc/rpc_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "tests/unit/api/fake_node.h"

namespace peerbook::app {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

struct FakeStreams final : p2p::RpcStreams {
    Result<p2p::RpcStreamId> open(const std::string& host) override {
        hosts.push_back(host);
        if (refuses) return Error{ErrorCode::unavailable, "too many streams"};
        p2p::RpcStreamId id;
        id.data.fill(0xab);
        return id;
    }
    void send(const p2p::RpcStreamId&, std::uint64_t at, Bytes data, Sent done) override {
        got += as_text(data);
        done(at + data.size());
    }
    void receive(const p2p::RpcStreamId&, std::uint64_t at, Received done) override {
        at == 7 ? done(p2p::RpcReceived{7, {1, 2}, true})
                : done(Error{ErrorCode::conflict, "the stream is at 7"});
    }
    bool close(const p2p::RpcStreamId&) override { return ++closed == 1; }
    std::size_t count() const override { return 0; }
    void stop() override {}

    bool refuses = false;
    int closed = 0;
    std::string got;
    std::vector<std::string> hosts;
};

struct SetClock final : Clock {
    Now now() const override { return time; }
    Now time;
};

constexpr const char* service_name = "0123456789abcdef0123";

struct RpcServiceTest : ::testing::Test {
    ApiResponse answer(std::string body, const char* path = "/", const char* method = "POST",
                       const char* query = "") {
        ApiRequest request;
        request.method = method;
        request.path = path;
        request.query = query;
        request.remote = remote;
        request.body = std::move(body);
        std::optional<ApiResponse> response;
        service.handle(request, [&](ApiResponse given) {
            EXPECT_FALSE(response) << "answered twice";
            response = std::move(given);
        });
        EXPECT_TRUE(response.has_value());
        return response.value_or(ApiResponse{});
    }
    std::string said(const std::string& payload, const std::string& key = service_name) {
        const ApiResponse response = answer(R"(["r",")" + key + "\"," + payload + "]");
        EXPECT_EQ(response.status, 200u);
        return response.body;
    }

    std::string remote = "192.0.2.7";
    testing::FakeNode node;
    FakeStreams streams;
    SetClock clock;
    RpcService service{{node, testing::node_key(), service_name, "secret", &streams, clock}};
};

TEST_F(RpcServiceTest, WhatIsNoQuestionIsAMistakeOfHttp) {
    EXPECT_EQ(answer("").status, 400u);
    EXPECT_THAT(answer("{").body, StartsWith("ERR_RPC_REQUEST"));
    EXPECT_EQ(answer("[]", "/api/v1/status").status, 404u);
    EXPECT_EQ(answer("[]", "/", "POST", "a=b").status, 404u);
    EXPECT_EQ(answer("", "/", "GET").status, 405u);
    EXPECT_EQ(answer(std::string(200'000, '[')).status, 400u);
    EXPECT_TRUE(node.asked.empty());
}

TEST_F(RpcServiceTest, MistakesInAQuestionAreAnsweredAsGrenacheDoes) {
    EXPECT_THAT(said("5"), StartsWith(R"(["r","ERR_RPC_PAYLOAD: )"));
    EXPECT_THAT(said(R"("status")", "rest:util"),
                HasSubstr("ERR_RPC_KEY: this node serves 0123456789abcdef0123"));
    EXPECT_THAT(said(R"("sell")"), HasSubstr("ERR_RPC_METHOD: the methods are status, "));
    EXPECT_THAT(said(R"({"method":"book","market":"BTC-USD","orders":1})"), HasSubstr("book has no field"));
    EXPECT_THAT(said(R"({"method":"book"})"), HasSubstr("book needs a market"));
    EXPECT_THAT(said(R"({"method":"book","market":"../accounts/alice"})"), HasSubstr("book needs a market"));
    EXPECT_THAT(said(R"({"method":"trades","market":"BTC-USD&account=alice"})"),
                HasSubstr("market is no such thing"));
    EXPECT_THAT(said(R"({"method":"submit","batch":"xyz"})"), HasSubstr("signed batch in hexadecimal"));
    EXPECT_THAT(said(R"({"method":"submit"})"), HasSubstr("signed batch in hexadecimal"));
    EXPECT_TRUE(node.asked.empty());
    EXPECT_TRUE(node.submitted.empty());
}

TEST_F(RpcServiceTest, StatusSaysNothingOfPeers) {
    StatusAnswer status;
    status.role = "member";
    status.says = "trades settle";
    status.commits = 17;
    status.member_list.resize(2);
    node.will_tell(status);
    const std::string text = said(R"("status")");
    EXPECT_THAT(text, StartsWith(R"(["r",null,{"node":")"));
    EXPECT_THAT(
        text,
        HasSubstr(R"("role":"member","says":"trades settle","ready":false,"members":"0","commits":"17")"));
    for (const char* part : {"member_list", "peers", "memory", "way_in"})
        EXPECT_THAT(text, ::testing::Not(HasSubstr(part)));
    node.will_not_tell({ErrorCode::unavailable, "stopping"});
    EXPECT_EQ(said(R"("status")"), R"(["r","unavailable: stopping",null])");
}

TEST_F(RpcServiceTest, ABookIsThatOfTheNativeApi) {
    node.will_tell(BookAnswer{});
    EXPECT_THAT(said(R"({"method":"book","market":"BTC-USD","depth":3})"), StartsWith(R"(["r",null,{)"));
    EXPECT_EQ(std::get<BookQuery>(node.asked.back()).market, testing::btc_usd);
    EXPECT_THAT(said(R"({"method":"book","market":"NONE-USD"})"), StartsWith(R"(["r","not_found: )"));
    EXPECT_THAT(said(R"({"method":"book","market":"BTC-USD","depth":"0"})"),
                StartsWith(R"(["r","invalid_input: )"));
    EXPECT_THAT(said(R"("network")"), HasSubstr("BTC-USD"));
}

TEST_F(RpcServiceTest, ASignedBatchIsHandedOver) {
    EXPECT_THAT(said(R"({"method":"submit","batch":"0102FF","wait":"settled"})"),
                StartsWith(R"(["r",null,{)"));
    ASSERT_EQ(node.submitted.size(), 1u);
    EXPECT_EQ(node.submitted[0].signed_batch, (Bytes{1, 2, 255}));
    EXPECT_EQ(node.submitted[0].wait_for, Grade::settled);
    EXPECT_TRUE(node.submitted[0].intents.empty());
    node.will_refuse({ErrorCode::invalid_input, "the batch is malformed"});
    EXPECT_EQ(said(R"({"method":"submit","batch":"00"})"),
              R"(["r","invalid_input: the batch is malformed",null])");
    EXPECT_THAT(said(R"({"method":"submit","batch":"00","wait":"never"})"), HasSubstr("invalid_input: wait"));
}

TEST_F(RpcServiceTest, FewMayWaitForWhatMayNeverBe) {
    node.hold();
    const auto submit = [&](const std::string& wait) {
        ApiRequest request;
        request.method = "POST";
        request.path = "/";
        request.remote = "127.0.0.1";
        request.body = R"(["r","0123456789abcdef0123",{"method":"submit","batch":"00")" + wait + "}]";
        auto body = std::make_shared<std::string>();
        service.handle(request, [body](const ApiResponse& response) { *body = response.body; });
        return body;
    };
    for (std::size_t i = 0; i < rpc_waiting_max; ++i)
        EXPECT_EQ(*submit(R"(,"wait":"settled")"), "");
    EXPECT_EQ(*submit(R"(,"wait":"attested")"), R"(["r","ERR_RPC_BUSY",null])");
    EXPECT_EQ(*submit(R"(,"wait":"provisional")"), "");  // is answered in any case
    EXPECT_EQ(*submit(""), "");
    node.release();
    EXPECT_EQ(*submit(R"(,"wait":"settled")"), "");
    EXPECT_EQ(node.submitted.size(), rpc_waiting_max + 3);
}

TEST_F(RpcServiceTest, NothingOfHostedAccountsCanBeReached) {
    for (const char* method : {"orders", "batch", "accounts", "peers", "ledgers", "withdrawals", "blocks",
                               "signed", "status/../accounts", "", "stream"})
        EXPECT_THAT(said(R"({"method":")" + std::string(method) + "\"}"), HasSubstr("ERR_RPC_METHOD"))
            << method;
    EXPECT_TRUE(node.asked.empty());
}

TEST_F(RpcServiceTest, StreamsAreOpenedForWhereTheQuestionComesFrom) {
    const std::string id(32, 'x');
    EXPECT_EQ(said(R"("stream.open")"), R"(["r",null,{"stream":"abababababababababababababababab"}])");
    EXPECT_THAT(streams.hosts, ::testing::ElementsAre("192.0.2.7"));
    const std::string stream = R"("stream":"abababababababababababababababab")";
    EXPECT_EQ(said(R"({"method":"stream.send",)" + stream + R"(,"at":"3","data":"6869"})"),
              R"(["r",null,{"at":"5"}])");
    EXPECT_EQ(streams.got, "hi");
    EXPECT_EQ(said(R"({"method":"stream.receive",)" + stream + R"(,"at":7})"),
              R"(["r",null,{"at":"7","data":"0102","end":true}])");
    EXPECT_THAT(said(R"({"method":"stream.receive",)" + stream + R"(,"at":8})"),
                HasSubstr("ERR_RPC_STREAM: the stream is at 7"));
    EXPECT_EQ(said(R"({"method":"stream.close",)" + stream + "}"), R"(["r",null,{}])");
    EXPECT_THAT(said(R"({"method":"stream.close",)" + stream + "}"), HasSubstr("no such stream"));
    EXPECT_THAT(said(R"({"method":"stream.send","stream":"xx","at":"3","data":"68"})"),
                HasSubstr("32 hexadecimal"));
    EXPECT_THAT(said(R"({"method":"stream.send",)" + stream + R"(,"data":"68"})"), HasSubstr("at must be"));
    EXPECT_THAT(said(R"({"method":"stream.send",)" + stream + R"(,"at":"3","data":"6"})"),
                HasSubstr("131,072"));
    EXPECT_THAT(said(R"("stream.shout")"), HasSubstr("ERR_RPC_METHOD"));
    streams.refuses = true;
    EXPECT_THAT(said(R"("stream.open")"), HasSubstr("ERR_RPC_STREAM: too many streams"));
}

TEST_F(RpcServiceTest, WithoutAGrapeNothingIsCarried) {
    RpcService bare{{node, testing::node_key(), service_name, "secret", nullptr, clock}};
    ApiRequest request;
    request.method = "POST";
    request.path = "/";
    request.body = R"(["r","0123456789abcdef0123","stream.open"])";
    std::string body;
    bare.handle(request, [&](const ApiResponse& response) { body = response.body; });
    EXPECT_THAT(body, HasSubstr("ERR_RPC_METHOD: this node has no connections carried"));
}

TEST_F(RpcServiceTest, RatesAreBoundedForEachHostAndForAll) {
    const auto asks = [&](const std::string& host, const char* payload, int count) {
        remote = host;
        int taken = 0;
        for (int i = 0; i < count; ++i)
            if (answer(std::string(R"(["r","0123456789abcdef0123",)") + payload + "]").body.find("BUSY") ==
                std::string::npos)
                ++taken;
        return taken;
    };
    // What the node has to work for.
    EXPECT_EQ(asks("192.0.2.7", R"("network")", 100), rpc_call_source_rate.capacity);
    int all = 0;
    for (int host = 0; host < 20; ++host)
        all += asks("198.51.100." + std::to_string(host), R"("network")", 30);
    EXPECT_EQ(all, rpc_call_rate.capacity - rpc_call_source_rate.capacity);
    EXPECT_EQ(asks("192.0.2.9", R"("stream.open")", 100), rpc_open_rate.capacity);
    // Anything.
    EXPECT_EQ(asks("192.0.2.10", R"("stream.close")", 2'000), rpc_source_rate.capacity);
    clock.time.mono = MonoTime{} + Duration::seconds(10);
    EXPECT_EQ(asks("192.0.2.7", R"("network")", 100), rpc_call_source_rate.capacity);
}

}  // namespace
}  // namespace peerbook::app

// What is said by Grenache's RPC, and what is believed of it.
#include "p2p/grenache/rpc_wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hash.h"

namespace peerbook::p2p {
namespace {

using testing::HasSubstr;

RpcStreamId stream_of(std::uint8_t number) {
    RpcStreamId id;
    id.data.fill(number);
    return id;
}

// "mistake" of a payload, or what was understood.
std::string understood(const std::string& payload) {
    std::string body = R"(["r","k",)" + payload + "]";
    const auto question = read_rpc_question(body);
    if (!question) return "no question";
    if (!question->mistake.empty()) return question->mistake;
    std::string text = question->method;
    for (const auto& [name, value] : question->fields)
        text += " " + name + "=" + value;
    return text;
}

TEST(RpcWire, TheServiceNameHasTwentyBytesAndIsNotThatOfConnections) {
    const Digest network = hash_of("test", as_bytes("network"));
    EXPECT_EQ(rpc_service_name(network).size(), 20u);
    EXPECT_EQ(rpc_service_name(Digest{}), "527e7dd608fa712cafd9");  // PROTOCOL.md says so
    EXPECT_NE(rpc_service_name(network), rpc_service_name(Digest{}));
}

TEST(RpcWire, AQuestionIsATextOrAFlatObject) {
    EXPECT_EQ(understood(R"("status")"), "status");
    EXPECT_EQ(understood(R"({"method":"book","market":"BTC-USD","depth":5})"), "book depth=5 market=BTC-USD");
    EXPECT_THAT(understood("7"), HasSubstr("a text or an object"));
    EXPECT_THAT(understood("null"), HasSubstr("a text or an object"));
    EXPECT_THAT(understood(R"({"market":"x"})"), HasSubstr("no method"));
    EXPECT_THAT(understood(R"({"method":"a","b":[]})"), HasSubstr("each field"));
    EXPECT_THAT(understood(R"({"method":"a","b":-1})"), HasSubstr("each field"));
    EXPECT_THAT(understood(R"({"method":"a","b":1.5})"), HasSubstr("each field"));
    EXPECT_THAT(understood(R"({"method":"a","b":"1","b":"2"})"), HasSubstr("twice"));
    EXPECT_THAT(understood(R"({"method":"a","method":"b"})"), HasSubstr("twice"));
    EXPECT_THAT(understood(R"({"method":"a","1":1,"2":1,"3":1,"4":1,"5":1,"6":1,"7":1,"8":1,"9":1})"),
                HasSubstr("too many"));
    EXPECT_THAT(understood('"' + std::string(65, 'a') + '"'), HasSubstr("too long"));
    EXPECT_THAT(understood(R"({"method":")" + std::string(65, 'a') + "\"}"), HasSubstr("too long"));
}

TEST(RpcWire, WithoutARidThereIsNothingToAnswer) {
    for (std::string body :
         {std::string(), std::string("{"), std::string("{}"), std::string("[]"), std::string(R"(["r","k"])"),
          std::string(R"([1,"k","status"])"), std::string(R"([null,"k","status"])"),
          std::string(R"(["r","k","status",1])"), "[\"" + std::string(101, 'r') + "\",\"k\",\"status\"]",
          std::string(100'000, '['), std::string("[\"\xff\",\"k\",\"status\"]")})
        EXPECT_FALSE(read_rpc_question(body).ok()) << body.substr(0, 40);
    std::string no_key = R"(["r",5,"status"])";
    const auto question = read_rpc_question(no_key);
    ASSERT_TRUE(question.ok());
    EXPECT_THAT(question->mistake, HasSubstr("key"));
    EXPECT_EQ(question->rid, "r");
}

TEST(RpcWire, AnswersAreTextThatJsonAllows) {
    EXPECT_EQ(rpc_result("r\"", R"({"a":1})"), R"(["r\"",null,{"a":1}])");
    EXPECT_EQ(rpc_error("r", "it \"fails\""), R"(["r","it \"fails\"",null])");
}

TEST(RpcWire, WhatOneSideSaysOfStreamsTheOtherUnderstands) {
    const RpcStreamId id = stream_of(7);
    std::string body = rpc_open_body("r", "k");
    EXPECT_EQ(read_rpc_question(body)->method, "stream.open");
    const Bytes data{0, 255, 16};
    body = rpc_send_body("r", "k", id, 5'000'000'000, data);
    auto question = read_rpc_question(body);
    ASSERT_TRUE(question.ok());
    EXPECT_EQ(question->method, "stream.send");
    EXPECT_EQ(question->key, "k");
    EXPECT_EQ(question->fields["stream"], to_hex(id));
    EXPECT_EQ(question->fields["at"], "5000000000");
    EXPECT_EQ(question->fields["data"], "00ff10");
    body = rpc_receive_body("r", "k", id, 9);
    EXPECT_EQ(read_rpc_question(body)->method, "stream.receive");
    body = rpc_close_body("r", "k", id);
    EXPECT_EQ(read_rpc_question(body)->method, "stream.close");

    EXPECT_EQ(*read_rpc_opened("r", 200, rpc_result("r", rpc_opened_json(id))), id);
    EXPECT_EQ(*read_rpc_sent("r", 200, rpc_result("r", rpc_sent_json(77))), 77u);
    const auto received = read_rpc_received("r", 200, rpc_result("r", rpc_received_json({3, data, true})));
    ASSERT_TRUE(received.ok());
    EXPECT_EQ(received->at, 3u);
    EXPECT_EQ(received->data, data);
    EXPECT_TRUE(received->is_end);
}

TEST(RpcWire, AChunkOfTheLargestSizeFitsIntoABody) {
    const Bytes data(rpc_chunk_bytes_max, 0xab);
    EXPECT_LE(rpc_send_body(std::string(32, 'r'), std::string(20, 'k'), stream_of(1), ~0ull, data).size(),
              rpc_body_bytes_max);
    const std::string answer = rpc_result("r", rpc_received_json({1, data, false}));
    EXPECT_LE(answer.size(), rpc_body_bytes_max);
    EXPECT_EQ(read_rpc_received("r", 200, answer)->data.size(), rpc_chunk_bytes_max);
}

TEST(RpcWire, WhatIsNoAnswerIsNotBelieved) {
    const auto said = [](unsigned status, const std::string& body) {
        const auto received = read_rpc_received("r", status, body);
        return received ? std::string("believed") : received.error().message;
    };
    EXPECT_THAT(said(500, "x"), HasSubstr("answers 500 'x'"));
    EXPECT_THAT(said(200, R"(["r","no\u0001 more",null])"), HasSubstr("answers 'no? more'"));
    for (const char* body :
         {"", "{}", "[]", R"(["other",null,{"at":"1","data":"","end":false}])", R"(["r",null,null])",
          R"(["r",false,{"at":"1","data":""}])", R"(["r",null,{"at":"1","data":""},4])"})
        EXPECT_THAT(said(200, body), HasSubstr("no such RPC")) << body;
    for (const char* result :
         {R"({"at":"1"})", R"({"data":""})", R"({"at":1,"data":""})", R"({"at":"x","data":""})",
          R"({"at":"-1","data":""})", R"({"at":"1","data":"0"})", R"({"at":"1","data":"zz"})"})
        EXPECT_NE(said(200, rpc_result("r", result)), "believed") << result;
    EXPECT_THAT(said(200, std::string(rpc_body_bytes_max + 1, ' ')), HasSubstr("too large"));
    EXPECT_FALSE(read_rpc_opened("r", 200, rpc_result("r", R"({"stream":"00"})")).ok());
    EXPECT_FALSE(read_rpc_sent("r", 200, rpc_result("r", R"({"at":"99999999999999999999"})")).ok());
}

}  // namespace
}  // namespace peerbook::p2p

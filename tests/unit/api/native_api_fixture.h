// Requests to a NativeApi in front of a node that says what the test wants.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>

#include "app/api/native_api.h"
#include "tests/unit/api/fake_node.h"

namespace peerbook::app {

class NativeApiTest : public ::testing::Test {
  protected:
    // The answer to a request that is given at once.
    ApiResponse call(const char* method, const std::string& target, std::string body = {},
                     const std::string& cookie = "Bearer secret",
                     const char* content_type = "application/json") {
        ApiRequest request;
        request.method = method;
        const std::size_t question = std::min(target.find('?'), target.size());
        request.path = std::string_view(target).substr(0, question);
        request.query = std::string_view(target).substr(std::min(question + 1, target.size()));
        request.authorization = cookie;
        request.content_type = content_type;
        request.body = std::move(body);
        std::optional<ApiResponse> answer;
        api_.handle(request, [&answer](ApiResponse response) {
            EXPECT_FALSE(answer) << "answered twice";
            answer = std::move(response);
        });
        EXPECT_TRUE(answer) << "no answer to " << method << " " << target;
        return answer.value_or(ApiResponse{});
    }
    void expect(const ApiResponse& response, unsigned status, const std::string& words) {
        EXPECT_EQ(response.status, status) << response.body;
        EXPECT_THAT(response.body, ::testing::HasSubstr(words));
    }
    template <typename T>
    const T& asked() {
        return std::get<T>(node_.asked.back());
    }

    testing::FakeNode node_;
    testing::FakePeers peers_;
    NativeApi api_{node_, Access("secret"), {testing::node_key(), &peers_}};
};

}  // namespace peerbook::app

#include "app/cli/http_client.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/unit/cli/scripted_server.h"

namespace peerbook::app {
namespace {

using testing::Connection;
using testing::http_answer;
using testing::ScriptedServer;

constexpr Duration long_enough = Duration::seconds(20);

std::unique_ptr<HttpClient> client_of(const ScriptedServer& server, Duration timeout = long_enough) {
    auto client = HttpClient::connect(server.url(), "c00c1e", timeout);
    EXPECT_TRUE(client.ok()) << client.error().message;
    return std::move(*client);
}

TEST(HttpAddress, ReadsUrlsAndBareAddresses) {
    EXPECT_EQ(parse_http_address("http://127.0.0.1:8080")->text(), "127.0.0.1:8080");
    EXPECT_EQ(parse_http_address("localhost:31001/")->text(), "localhost:31001");
    EXPECT_EQ(parse_http_address("HTTP://node.example")->port, 80);
    EXPECT_EQ(parse_http_address("http://[::1]:9")->host, "::1");
    EXPECT_EQ(parse_http_address("http://[::1]:9")->text(), "[::1]:9");
    EXPECT_EQ(parse_http_address("http://host:1/base/")->path, "/base");
}

TEST(HttpAddress, RefusesWhatIsNone) {
    for (const char* url : {"", "http://", "https://x:1", "host:", "host:0", "host:65536", "host:8o", "[::1",
                            "[::1]9", "a b:1", "http://h:1/a\r\nX: y"}) {
        const auto address = parse_http_address(url);
        ASSERT_FALSE(address.ok()) << url;
        EXPECT_NE(address.error().message.find("http://127.0.0.1:8080"), std::string::npos) << url;
    }
}

TEST(UrlEscape, EscapesAllButUnreservedCharacters) {
    EXPECT_EQ(url_escape("BTC-USD_1.~"), "BTC-USD_1.~");
    EXPECT_EQ(url_escape("a b/c?d\n\xff"), "a%20b%2Fc%3Fd%0A%FF");
}

TEST(HttpClient, SendsRequestsOverOneConnection) {
    std::vector<std::string> requests;
    ScriptedServer server({[&](Connection& c) {
        requests.push_back(c.read_request());
        c.write(http_answer(200, "{\"a\":1}"));
        requests.push_back(c.read_request());
        c.write(http_answer(422, "no"));
        c.wait_for_close();
    }});
    auto client = client_of(server);
    const auto first = client->request("GET", "/api/v1/status");
    ASSERT_TRUE(first.ok()) << first.error().message;
    EXPECT_EQ(first->status, 200);
    EXPECT_EQ(first->body, "{\"a\":1}");
    EXPECT_EQ(first->content_type, "application/json");
    const auto second = client->request("POST", "/api/v1/orders", "application/json", "{}");
    ASSERT_TRUE(second.ok());
    EXPECT_EQ(second->status, 422);
    EXPECT_EQ(second->body, "no");
    client.reset();
    EXPECT_EQ(server.accepted(), 1U);
    ASSERT_EQ(requests.size(), 2U);
    EXPECT_EQ(requests[0].substr(0, requests[0].find("\r\n")), "GET /api/v1/status HTTP/1.1");
    EXPECT_NE(requests[0].find("Authorization: Bearer c00c1e\r\n"), std::string::npos);
    EXPECT_NE(requests[1].find("Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"),
              std::string::npos);
}

TEST(HttpClient, ReadsChunkedAnswersAndSkipsInterimOnes) {
    ScriptedServer server({[](Connection& c) {
        c.read_request();
        c.write("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        c.write("5\r\nhello\r\nA;x=y\r\n, peer");
        c.write("book\r\n0\r\nTrailer: t\r\n\r\n");
        c.read_request();
        c.write(http_answer(200, "next"));
    }});
    auto client = client_of(server);
    EXPECT_EQ(client->request("GET", "/x")->body, "hello, peerbook");
    EXPECT_EQ(client->request("GET", "/y")->body, "next");
}

TEST(HttpClient, ReadsToTheEndWhereNoLengthIsGiven) {
    ScriptedServer server({[](Connection& c) {
                               c.read_request();
                               c.write("HTTP/1.0 200 OK\r\n\r\nall of it");
                           },
                           [](Connection& c) {
                               c.read_request();
                               c.write(http_answer(200, "again"));
                           }});
    auto client = client_of(server);
    EXPECT_EQ(client->request("POST", "/x", "text/plain", "1")->body, "all of it");
    EXPECT_EQ(client->request("POST", "/x", "text/plain", "2")->body, "again");
    EXPECT_EQ(server.accepted(), 2U);
}

TEST(HttpClient, ReadsNoBodyAfterHeadAndNoContent) {
    ScriptedServer server({[](Connection& c) {
        c.read_request();
        c.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
        c.read_request();
        c.write("HTTP/1.1 204 No Content\r\n\r\n");
        c.read_request();
        c.write(http_answer(200, "end"));
    }});
    auto client = client_of(server);
    EXPECT_EQ(client->request("HEAD", "/x")->body, "");
    EXPECT_EQ(client->request("DELETE", "/x")->status, 204);
    EXPECT_EQ(client->request("GET", "/x")->body, "end");
}

TEST(HttpClient, ReadRequestIsRepeatedOnceWhenTheConnectionBreaks) {
    ScriptedServer server({[](Connection& c) {
                               c.read_request();
                               c.write(http_answer(200, "1"));
                               c.read_request();  // and closes without an answer
                           },
                           [](Connection& c) {
                               c.read_request();
                               c.write(http_answer(200, "2"));
                           }});
    auto client = client_of(server);
    EXPECT_EQ(client->request("GET", "/x")->body, "1");
    const auto repeated = client->request("GET", "/x");
    ASSERT_TRUE(repeated.ok()) << repeated.error().message;
    EXPECT_EQ(repeated->body, "2");
}

TEST(HttpClient, OrderIsNotSentTwiceWhenTheConnectionBreaks) {
    std::string second_connection = "none";
    ScriptedServer server({[](Connection& c) {
                               c.read_request();
                               c.write(http_answer(200, "1"));
                               c.read_request();
                           },
                           [&](Connection& c) { second_connection = c.read_request(); }});
    auto client = client_of(server);
    EXPECT_TRUE(client->request("POST", "/x", "text/plain", "buy").ok());
    const auto broken = client->request("POST", "/x", "text/plain", "buy");
    ASSERT_FALSE(broken.ok());
    EXPECT_EQ(broken.error().code, ErrorCode::unavailable);
    client.reset();
    EXPECT_EQ(server.accepted(), 1U);
    EXPECT_EQ(second_connection, "none");
}

TEST(HttpClient, AnswerCutShortIsAnErrorAndNotRepeated) {
    ScriptedServer server({[](Connection& c) {
        c.read_request();
        c.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    }});
    auto client = client_of(server);
    const auto cut = client->request("GET", "/x");
    ASSERT_FALSE(cut.ok());
    EXPECT_NE(cut.error().message.find("in the middle of an answer"), std::string::npos);
    EXPECT_EQ(server.accepted(), 1U);
}

TEST(HttpClient, RefusesWhatIsNotHttp) {
    for (const char* nonsense : {"SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1 abc X\r\n\r\n",
                                 "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
                                 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                                 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
                                 "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"}) {
        ScriptedServer server({[nonsense](Connection& c) {
            c.read_request();
            c.write(nonsense);
            c.wait_for_close();
        }});
        auto client = client_of(server);
        const auto answer = client->request("GET", "/x");
        client.reset();
        ASSERT_FALSE(answer.ok()) << nonsense;
        EXPECT_EQ(answer.error().code, ErrorCode::invalid_input) << nonsense;
    }
}

TEST(HttpClient, RefusesAnswersBeyondItsBounds) {
    ScriptedServer server({[](Connection& c) {
                               c.read_request();
                               c.write("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n");
                               c.wait_for_close();
                           },
                           [](Connection& c) {
                               c.read_request();
                               c.write("HTTP/1.1 200 OK\r\nX: " +
                                       std::string(2 * response_head_bytes_max, 'x'));
                               c.wait_for_close();
                           }});
    auto client = client_of(server);
    EXPECT_EQ(client->request("GET", "/x").error().code, ErrorCode::too_large);
    EXPECT_EQ(client->request("GET", "/x").error().code, ErrorCode::invalid_input);
    client.reset();
}

TEST(HttpClient, GivesUpAfterItsTimeOut) {
    ScriptedServer server({[](Connection& c) { c.wait_for_close(); }});
    auto client = client_of(server, Duration::milliseconds(20));
    const auto late = client->request("GET", "/x");
    client.reset();
    ASSERT_FALSE(late.ok());
    EXPECT_EQ(late.error().code, ErrorCode::timed_out);
}

TEST(HttpClient, SaysWhereNobodyListens) {
    std::string url;
    {
        ScriptedServer server({});
        url = server.url();
    }
    const auto client = HttpClient::connect(url, "", long_enough);
    ASSERT_FALSE(client.ok());
    EXPECT_EQ(client.error().code, ErrorCode::unavailable);
    EXPECT_EQ(client.error().message, "cannot reach a node at " + url.substr(7) + ": connection refused");
}

TEST(HttpClient, NeverSendsLineBreaksFromArguments) {
    ScriptedServer server({[](Connection& c) { c.wait_for_close(); }});
    auto client = client_of(server);
    EXPECT_EQ(client->request("GET", "/x\r\nX: y").error().code, ErrorCode::invalid_input);
    EXPECT_EQ(client->request("GET /", "/x").error().code, ErrorCode::invalid_input);
    EXPECT_EQ(client->request("POST", "/x", "a\r\nb", "").error().code, ErrorCode::invalid_input);
    EXPECT_FALSE(HttpClient::connect(server.url(), "a\nb", long_enough).ok());
    client.reset();
}

}  // namespace
}  // namespace peerbook::app

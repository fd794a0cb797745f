#include "app/api/peer_calls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/api/fake_node.h"

namespace peerbook::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

p2p::PeerId id_of(std::uint8_t first, std::uint8_t rest = 0x11) {
    p2p::PeerId id;
    id.data.fill(rest);
    id.data[0] = first;
    return id;
}

p2p::PeerInfo peer(std::uint8_t number, const char* state = "connected") {
    p2p::PeerInfo info;
    info.id = id_of(number);
    info.address = "192.0.2." + std::to_string(number) + ":3000";
    info.state = state;
    return info;
}

class PeerCalls : public ::testing::Test {
  protected:
    ApiResponse call(const char* method, const std::string& target, std::string body = {},
                     const std::string& cookie = "Bearer secret") {
        return call_of(api_, method, target, std::move(body), cookie);
    }
    static ApiResponse call_of(NativeApi& api, const char* method, const std::string& target,
                               std::string body = {}, const std::string& cookie = "Bearer secret") {
        ApiRequest request;
        request.method = method;
        const std::size_t question = std::min(target.find('?'), target.size());
        request.path = std::string_view(target).substr(0, question);
        request.query = std::string_view(target).substr(std::min(question + 1, target.size()));
        request.authorization = cookie;
        request.body = std::move(body);
        std::optional<ApiResponse> answer;
        api.handle(request, [&answer](ApiResponse response) { answer = std::move(response); });
        EXPECT_TRUE(answer);
        return answer.value_or(ApiResponse{});
    }
    void expect(const ApiResponse& response, unsigned status, const std::string& words) {
        EXPECT_EQ(response.status, status) << response.body;
        EXPECT_THAT(response.body, HasSubstr(words));
    }
    // First digits of the ids in the order of the answer.
    std::string order_of(const std::string& query) {
        const ApiResponse answer = call("GET", "/api/v1/peers?" + query);
        EXPECT_EQ(answer.status, 200u) << answer.body;
        std::string order;
        for (std::size_t at = answer.body.find("\"id\":\""); at != std::string::npos;
             at = answer.body.find("\"id\":\"", at + 1))
            order += answer.body[at + 7];
        return order;
    }

    testing::FakeNode node_;
    testing::FakePeers peers_;
    NativeApi api_{node_, Access("secret"), {testing::node_key(), &peers_}};
};

TEST_F(PeerCalls, TheListHasEveryFigure) {
    p2p::PeerInfo info = peer(1);
    info.outbound = true;
    info.agent = "odd \x1b\xff\" agent";
    info.version = "1.0";
    info.round_trip = Duration::microseconds(250);
    info.health = 873;
    info.availability = 1000;
    info.performance = 5;
    info.failures_in_row = 2;
    info.breaker = "half_open";
    info.since = WallTime{17};
    info.reputation = -12;
    info.found_by = "mdns";
    peers_.known.push_back(info);
    p2p::DiscoveryInfo passive, way;
    passive.name = "inbound";
    way.name = "mdns";
    way.state = "failing";
    way.found = 2;
    way.connected = 1;
    way.searches = 3;
    way.last_search = WallTime{18};
    way.next_search_in = Duration::milliseconds(19);
    way.last_error = "no \x1bnetwork";
    peers_.ways = {passive, way};
    const ApiResponse response = call("GET", "/api/v1/peers");
    expect(response, 200, R"("address":"192.0.2.1:3000","state":"connected","direction":"outbound")");
    for (const char* part :
         {R"("agent":"odd ??\" agent")", R"("round_trip_us":"250")", R"("health":"0.873")",
          R"("availability":"1.000")", R"("performance":"0.005")", R"("failures_in_row":2)",
          R"("breaker":"half_open")", R"("since":"17")", R"("reputation":-12)", R"("stats":{"connected":"0")",
          R"("banned":"0")", R"("found_by":"mdns")",
          R"("discovery":[{"name":"inbound","found":"0","connected":"0"},{"name":"mdns",)"
          R"("state":"failing","found":"2","connected":"1","searches":"3","last_search":"18",)"
          R"("next_search_in_ms":"19","last_error":"no ?network"}])"})
        EXPECT_THAT(response.body, HasSubstr(part));
    EXPECT_THAT(response.body, Not(HasSubstr("banned_until")));
    EXPECT_THAT(response.body, Not(HasSubstr("retry_in_ms")));
}

TEST_F(PeerCalls, TheWayInIsToldWithoutWhatIsNotKnown) {
    peers_.way_in.state = "searching";
    expect(call("GET", "/api/v1/peers"), 200,
           R"("way_in":{"reach":"unknown","told_port":0,"port_mapping":"searching","dial_backs_asked":"0",)"
           R"("dial_backs_done":"0","dial_backs_refused":"0"})");
    p2p::NatInfo& info = peers_.way_in;
    info.state = "mapped";
    info.mapping = p2p::PortMapping{"upnp", "192.168.1.1", "192.168.1.2", "192.0.2.9", 4001, WallTime{17}};
    info.last_error = "odd \x1b";
    info.seen_host = "192.0.2.9";
    info.seen_by = 3;
    info.reach = p2p::Reach::reachable;
    info.reach_since = WallTime{18};
    info.last_proof = WallTime{19};
    info.told_port = 4001;
    info.asked = 5;
    expect(call("GET", "/api/v1/peers"), 200,
           R"("way_in":{"reach":"reachable","reach_since":"18","last_proof":"19","told_port":4001,)"
           R"("seen_address":"192.0.2.9","seen_by_networks":3,"port_mapping":"mapped","method":"upnp",)"
           R"("gateway":"192.168.1.1","internal_address":"192.168.1.2","external_address":"192.0.2.9",)"
           R"("external_port":4001,"lease_until":"17","last_error":"odd ?","dial_backs_asked":"5")");
}

TEST_F(PeerCalls, TheListIsSortedByAnyFigureLargestFirstAndByAnyText) {
    for (std::uint8_t i : {1, 2, 3}) {
        p2p::PeerInfo info = peer(i);
        info.health = 100 * (i % 3);  // 2 has most, 3 nothing
        info.bytes_in = 10u - i;
        peers_.known.push_back(info);
    }
    peers_.known.push_back(peer(4, "banned"));  // without a record
    EXPECT_EQ(order_of("sort=health"), "2134");
    EXPECT_EQ(order_of("sort=health&order=asc"), "4312");
    EXPECT_EQ(order_of("sort=bytes_in"), "1234");
    EXPECT_EQ(order_of("sort=state"), "4123");
    EXPECT_EQ(order_of("sort=address&order=desc"), "4321");
    for (const char* field :
         {"id",          "address",      "state",       "direction",       "configured",
          "health",      "availability", "performance", "round_trip_us",   "connected_for_ms",
          "bytes_in",    "bytes_out",    "messages_in", "messages_out",    "queued_bytes",
          "reputation",  "successes",    "failures",    "failures_in_row", "breaker",
          "retry_in_ms", "since",        "seen",        "banned_until",    "version",
          "agent",       "ledger",       "last_error"})
        EXPECT_EQ(order_of(std::string("sort=") + field).size(), 4u) << field;
}

TEST_F(PeerCalls, ABadSortSaysWhatThereIs) {
    expect(call("GET", "/api/v1/peers?sort=beauty"), 400, R"("field":"sort")");
    EXPECT_THAT(call("GET", "/api/v1/peers?sort=beauty").body, HasSubstr("round_trip_us"));
    expect(call("GET", "/api/v1/peers?sort=health&order=up"), 400, R"("field":"order")");
    expect(call("GET", "/api/v1/peers?order=asc"), 400, R"("field":"order")");
    EXPECT_EQ(call("GET", "/api/v1/peers?by=health").status, 400u);
}

TEST_F(PeerCalls, ConnectTakesAnAddress) {
    expect(call("POST", "/api/v1/peers/connect", R"({"address":"192.0.2.7:3000"})"), 200,
           R"({"connecting":"192.0.2.7:3000"})");
    EXPECT_EQ(peers_.connected_to.at(0), "192.0.2.7:3000");
    for (const char* body : {R"({"address":"nowhere"})", R"({"address":"x:0"})", R"({"address":"x:65536"})",
                             R"({"address":7})", "{}", R"({"address":"a b:1"})"})
        expect(call("POST", "/api/v1/peers/connect", body), 400, R"("field":"address")");
    expect(call("POST", "/api/v1/peers/connect", R"({"adress":"x:1"})"), 400, "unknown field");
    expect(call("POST", "/api/v1/peers/connect", ""), 400, "the body is empty");
    EXPECT_EQ(peers_.connected_to.size(), 1u);
}

TEST_F(PeerCalls, DisconnectTakesAnIdItsBeginningOrAnAddress) {
    peers_.known = {peer(0xab), peer(0xcd)};
    const std::string id = to_hex(id_of(0xab));
    expect(call("POST", "/api/v1/peers/disconnect", "{\"id\":\"" + id + "\"}"), 200, id);
    expect(call("POST", "/api/v1/peers/disconnect", R"({"id":"cd111111"})"), 200, to_hex(id_of(0xcd)));
    EXPECT_EQ(peers_.disconnected_from, (std::vector{id_of(0xab), id_of(0xcd)}));
    expect(call("POST", "/api/v1/peers/disconnect", R"({"address":"192.0.2.7:3000"})"), 200,
           "192.0.2.7:3000");
    EXPECT_EQ(peers_.forgotten.at(0), "192.0.2.7:3000");
    expect(call("POST", "/api/v1/peers/disconnect", R"({"id":"ef111111"})"), 404, R"("field":"id")");
    expect(call("POST", "/api/v1/peers/disconnect", R"({"id":"cd"})"), 400, R"("field":"id")");
    expect(call("POST", "/api/v1/peers/disconnect", R"({"id":"zz111111"})"), 400, R"("field":"id")");
    expect(call("POST", "/api/v1/peers/disconnect", "{}"), 400, "either");
    expect(call("POST", "/api/v1/peers/disconnect", R"({"id":"cd111111","address":"x:1"})"), 400, "either");
    peers_.refusal = Error{ErrorCode::not_found, "not connected"};
    EXPECT_EQ(call("POST", "/api/v1/peers/disconnect", R"({"id":"cd111111"})").status, 404u);
}

TEST_F(PeerCalls, TheBeginningOfTwoIdsNamesNobody) {
    p2p::PeerInfo twin = peer(0xab);
    twin.id.data[31] = 7;
    peers_.known = {peer(0xab), twin};
    expect(call("POST", "/api/v1/peers/ban", R"({"id":"ab111111"})"), 400, "more than one");
    EXPECT_TRUE(peers_.banned.empty());
}

TEST_F(PeerCalls, BanAndUnban) {
    peers_.known = {peer(0xab)};
    expect(call("POST", "/api/v1/peers/ban", R"({"id":"ab111111"})"), 200, "banned");
    expect(call("POST", "/api/v1/peers/ban", R"({"id":"ab111111","hours":48})"), 200, "banned");
    ASSERT_EQ(peers_.banned.size(), 2u);
    EXPECT_EQ(peers_.banned[0].second, Duration::seconds(24 * 3600));
    EXPECT_EQ(peers_.banned[1].second, Duration::seconds(48 * 3600));
    for (const char* hours : {"0", "87601", "-1", "1.5", "\"x\"", "\"\""})
        expect(call("POST", "/api/v1/peers/ban", std::string(R"({"id":"ab111111","hours":)") + hours + "}"),
               400, R"("field":"hours")");
    expect(call("POST", "/api/v1/peers/ban", R"({"hours":"5"})"), 400, R"("field":"id")");
    expect(call("POST", "/api/v1/peers/unban", R"({"id":"ab111111"})"), 200, "unbanned");
    EXPECT_EQ(peers_.unbanned.at(0), id_of(0xab));
    peers_.refusal = Error{ErrorCode::not_found, "is not banned"};
    expect(call("POST", "/api/v1/peers/unban", R"({"id":"ab111111"})"), 404, "is not banned");
}

TEST_F(PeerCalls, ExportAndImportCarryThePeersFile) {
    const ApiResponse file = call("GET", "/api/v1/peers/export");
    expect(file, 200, R"("version":1)");
    expect(call("POST", "/api/v1/peers/import", file.body), 200, "imported");
    EXPECT_EQ(peers_.imported.at(0), file.body);
    peers_.refusal = Error{ErrorCode::corrupt, "peers file is not what this program writes"};
    expect(call("POST", "/api/v1/peers/import", "x"), 400, "not what this program writes");
}

TEST_F(PeerCalls, ServicesNamesWhoOffersOne) {
    p2p::ServiceInfo own, told;
    own.id = id_of(0xab);
    own.address = "192.0.2.7:3000";
    own.is_connected = true;
    own.services = {"registry", "market/BTC-USD"};
    own.heard_ago = Duration::milliseconds(1'500);
    told.id = id_of(0xac);
    told.told_by = own.id;
    told.services = {"registry"};
    peers_.offering = {own, told};
    const ApiResponse answer = call("GET", "/api/v1/peers/services?name=market%2FBTC-USD");
    expect(answer, 200, R"({"service":"market/BTC-USD","nodes":[{"id":"ab11)");
    expect(answer, 200,
           R"("address":"192.0.2.7:3000","connected":true,"services":["registry","market/BTC-USD"],)"
           R"("heard_ms_ago":"1500"})");
    expect(answer, 200, R"("connected":false,"services":["registry"],"told_by":"ab11)");
    EXPECT_EQ(peers_.asked_for.at(0), "market/BTC-USD");
    expect(call("GET", "/api/v1/peers/services"), 400, "name: is missing");
    expect(call("GET", "/api/v1/peers/services?nam=x"), 400, "nam");
    peers_.refusal = Error{ErrorCode::invalid_input, "a service is named by letters"};
    expect(call("GET", "/api/v1/peers/services?name=%20"), 400, R"("field":"name")");
    EXPECT_EQ(call("POST", "/api/v1/peers/services?name=x").status, 405u);
    EXPECT_EQ(call("GET", "/api/v1/peers/services?name=x", "", "").status, 401u);
}

TEST_F(PeerCalls, BroadcastIsSwitchedOnAndOff) {
    expect(call("POST", "/api/v1/peers/broadcast", R"({"broadcast":"off"})"), 200, R"({"broadcast":"off"})");
    expect(call("POST", "/api/v1/peers/broadcast", R"({"broadcast":"on"})"), 200, R"({"broadcast":"on"})");
    EXPECT_THAT(peers_.broadcast_settings, ::testing::ElementsAre(false, true));
    for (const char* body : {"{}", R"({"broadcast":"maybe"})", R"({"broadcast":""})"})
        expect(call("POST", "/api/v1/peers/broadcast", body), 400, R"("field":"broadcast")");
}

TEST_F(PeerCalls, RotationSaysWhichCertificateHoldsNow) {
    expect(call("POST", "/api/v1/peers/rotate-transport"), 200, "\"rotated\":\"" + std::string(64, '0'));
    EXPECT_EQ(call("POST", "/api/v1/peers/rotate-transport", "{}").status, 400u);
    peers_.refusal = Error{ErrorCode::io, "disk full"};
    expect(call("POST", "/api/v1/peers/rotate-transport"), 500, "disk full");
}

TEST_F(PeerCalls, EachCallHasItsMethodAndNeedsTheCookie) {
    for (const char* path :
         {"connect", "disconnect", "ban", "unban", "import", "broadcast", "rotate-transport"}) {
        EXPECT_EQ(call("GET", std::string("/api/v1/peers/") + path).status, 405u) << path;
        EXPECT_EQ(call("POST", std::string("/api/v1/peers/") + path, "{}", "").status, 401u) << path;
        EXPECT_EQ(call("POST", std::string("/api/v1/peers/") + path, "{}", "Bearer wrong").status, 401u)
            << path;
        EXPECT_EQ(call("POST", std::string("/api/v1/peers/") + path + "?x=1", "{}").status, 400u) << path;
    }
    EXPECT_EQ(call("POST", "/api/v1/peers/export").status, 405u);
    EXPECT_EQ(call("GET", "/api/v1/peers", "", "").status, 401u);
    EXPECT_EQ(call("POST", "/api/v1/peers").status, 405u);
    EXPECT_EQ(call("POST", "/api/v1/peers/befriend", "{}").status, 404u);
}

TEST_F(PeerCalls, WithoutPeerToPeerNobodyIsConnected) {
    NativeApi alone(node_, Access("secret"), {testing::node_key(), nullptr});
    EXPECT_EQ(call_of(alone, "POST", "/api/v1/peers/connect", R"({"address":"192.0.2.7:3000"})").status,
              503u);
    EXPECT_EQ(call_of(alone, "GET", "/api/v1/peers/export").status, 503u);
    EXPECT_EQ(call_of(alone, "GET", "/api/v1/peers/services?name=x").status, 503u);
    EXPECT_THAT(call_of(alone, "GET", "/api/v1/peers").body, HasSubstr(R"("enabled":false)"));
}

}  // namespace
}  // namespace peerbook::app

// Calls about ledgers, and trades of those that were given up.
#include "app/api/json_read.h"
#include "base/codec.h"
#include "tests/unit/api/native_api_fixture.h"

namespace peerbook::app {
namespace {

using ::testing::HasSubstr;

class LedgerCalls : public NativeApiTest {};

TEST_F(LedgerCalls, LedgersAreShownWithThoseOfPeersAndThoseGivenUp) {
    LedgersAnswer answer;
    answer.ledger.data.fill(1);
    answer.is_established = true;
    answer.view = 3;
    answer.members = 2;
    answer.forks.emplace_back().data.fill(4);
    answer.others.push_back({Digest{{2}}, 7, 5, 1, true});
    GivenUpLedger& old = answer.given_up.emplace_back();
    old.settled_trades = 17;
    old.archive = "/data/given-up-x";
    node_.will_tell(answer);
    const ApiResponse response = call("GET", "/api/v1/ledgers");
    expect(response, 200, R"("state":"established","view":"3","members":"2","forks":["0404)");
    expect(response, 200, R"("view":"7","members":"5","reachable":"1","is_fork":true)");
    expect(response, 200, R"("retracted_trades":"17","reason":"ledger_adopted")");
    expect(response, 200, R"("archive":"/data/given-up-x")");
    node_.will_tell(LedgersAnswer{});
    expect(call("GET", "/api/v1/ledgers"), 200, R"({"state":"none")");
    EXPECT_EQ(call("POST", "/api/v1/ledgers").status, 405u);
    EXPECT_EQ(call("GET", "/api/v1/ledgers/adopt").status, 405u);
    EXPECT_EQ(call("POST", "/api/v1/ledgers/merge").status, 404u);
}

TEST_F(LedgerCalls, ALedgerIsAdoptedByItsId) {
    const std::string id(64, 'a');
    GivenUpLedger given_up;
    given_up.settled_trades = 3;
    node_.will_tell(given_up);
    expect(call("POST", "/api/v1/ledgers/adopt", R"({"ledger":")" + id + "\"}"), 200,
           R"("retracted_trades":"3")");
    EXPECT_EQ(to_hex(asked<AdoptLedger>().ledger), id);
    node_.will_not_tell({ErrorCode::not_found, "no connected peer has it"});
    EXPECT_EQ(call("POST", "/api/v1/ledgers/adopt", R"({"ledger":")" + id + "\"}").status, 404u);
    for (const char* body :
         {"", "{}", "[]", "7", R"({"ledger":7})", R"({"ledger":"abc"})", R"({"ledger":["a"]})",
          R"({"ledger":{}})", R"({"leger":"a"})", R"({"ledger":"a","ledger":"b"})"})
        EXPECT_EQ(call("POST", "/api/v1/ledgers/adopt", body).status, 400u) << body;
    EXPECT_EQ(node_.asked.size(), 2u);
}

TEST_F(LedgerCalls, AForkNamesItsMembersOrIsAccepted) {
    const std::string a(64, 'a'), b(64, 'b');
    ForkAnswer fork;
    fork.members.emplace_back().data.fill(0xab);
    fork.view = 8;
    fork.is_member = true;
    node_.will_tell(fork);
    expect(call("POST", "/api/v1/ledgers/fork", R"({"members":[")" + a + R"(",")" + b + "\"]}"), 200,
           R"("view":"8","members":["abab)");
    ASSERT_EQ(asked<ForkLedger>().members.size(), 2u);
    EXPECT_EQ(to_hex(asked<ForkLedger>().members[1]), b);
    EXPECT_FALSE(asked<ForkLedger>().accept);
    node_.will_tell(fork);
    expect(call("POST", "/api/v1/ledgers/fork", "{}"), 200, R"("member":true)");
    EXPECT_TRUE(asked<ForkLedger>().members.empty());
    node_.will_tell(fork);
    EXPECT_EQ(call("POST", "/api/v1/ledgers/fork", R"({"accept":")" + a + "\"}").status, 200u);
    EXPECT_EQ(to_hex(*asked<ForkLedger>().accept), a);
    for (const std::string& body :
         {std::string("[]"), std::string(R"({"members":7})"), std::string(R"({"members":"x"})"),
          std::string(R"({"members":["x"]})"), std::string(R"({"members":[7]})"),
          std::string(R"({"members":[["x"]]})"), R"({"members":[],"accept":")" + a + "\"}",
          std::string(R"({"accept":"x"})"), std::string(R"({"accept":null})"),
          std::string(R"({"ledger":"x"})"), std::string(R"({"members":[{}]})")})
        EXPECT_EQ(call("POST", "/api/v1/ledgers/fork", body).status, 400u) << body;
    std::string many = R"({"members":[)";
    for (std::size_t i = 0; i <= fork_members_max; ++i)
        many += (i == 0 ? "\"" : ",\"") + a + "\"";
    expect(call("POST", "/api/v1/ledgers/fork", many + "]}"), 400, "at most 128");
    EXPECT_EQ(node_.asked.size(), 3u);
}

TEST_F(LedgerCalls, TradesSayOfWhichLedgerTheyAreAndWhyTheyAreRetracted) {
    TradesAnswer answer;
    answer.ledger.data.fill(1);
    TradeView& trade = answer.trades.emplace_back();
    trade.market = testing::btc_usd;
    trade.grade = Grade::retracted;
    trade.why = Retraction::ledger_adopted;
    node_.will_tell(answer);
    const std::string id(64, 'c');
    const ApiResponse response = call("GET", "/api/v1/trades?market=BTC-USD&after=0&ledger=" + id);
    expect(response, 200, R"({"ledger":"0101)");
    expect(response, 200, R"("grade":"retracted","reason":"ledger_adopted")");
    EXPECT_EQ(to_hex(*asked<TradesQuery>().ledger), id);
    expect(call("GET", "/api/v1/trades?ledger=x"), 400, R"("field":"ledger")");
}

}  // namespace
}  // namespace peerbook::app

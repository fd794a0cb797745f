#include "app/cli/views.h"

#include <gtest/gtest.h>

#include <string>

#include "app/cli/json_text.h"

namespace peerbook::app::cli {
namespace {

using View = Result<std::string> (*)(const Answer&, const TerminalStyle&);

std::string shown(View view, const std::string& json) {
    const auto answer = parse_json(json);
    EXPECT_TRUE(answer.ok()) << answer.error().message;
    const auto text = view(*answer, {});
    EXPECT_TRUE(text.ok()) << text.error().message;
    return text ? *text : std::string();
}

TEST(JsonText, ReadsNumbersAsTheyAreWritten) {
    const auto answer = parse_json(R"({"n":123456789012345678901234567890.10,"t":true,"s":"x","z":null})");
    ASSERT_TRUE(answer.ok());
    EXPECT_EQ(text_at(*answer, "n"), "123456789012345678901234567890.10");
    EXPECT_EQ(text_at(*answer, "t"), "true");
    EXPECT_EQ(text_at(*answer, "s"), "x");
    EXPECT_EQ(text_at(*answer, "z"), "");
    EXPECT_EQ(text_at(*answer, "none"), "");
    EXPECT_EQ(array_at(*answer, "s"), nullptr);
}

TEST(JsonText, RefusesBrokenAndSurvivesDeepText) {
    EXPECT_FALSE(parse_json("{").ok());
    EXPECT_FALSE(parse_json("").ok());
    EXPECT_FALSE(parse_json("{} x").ok());
    EXPECT_FALSE(parse_json(std::string(1'000'000, '[')).ok());
}

TEST(Views, ResultSaysWhatBecameOfAnOrderAndListsItsFills) {
    EXPECT_EQ(shown(view_result,
                    R"({"order_id":"aa","nonce":"7","status":"partially_filled","reason":"none","message":"",
                  "filled":"0.2","leaves":"0.3","fills":[{"trade_id":"tt","maker_order_id":"mm","price":"60000",
                  "quantity":"0.2","fee":"12"}],"durable":true,"grade":"provisional","block":"17"})"),
              "partially_filled\n"
              "order   aa\n"
              "nonce   7\n"
              "filled  0.2\n"
              "leaves  0.3\n"
              "grade   provisional, durable, block 17\n"
              "\n"
              "price  quantity  fee  trade  maker order\n"
              "60000       0.2   12  tt     mm\n");
}

TEST(Views, ResultOfACommandThatIsNoOrderHasNoQuantities) {
    EXPECT_EQ(shown(view_result,
                    R"({"order_id":"aa","nonce":"1","status":"done","message":"","filled":"0","leaves":"0",
                  "fills":[],"durable":true,"grade":"settled","block":"2"})"),
              "done\ncommand  aa\nnonce    1\ngrade    settled, durable, block 2\n");
    EXPECT_EQ(
        shown(view_result,
              R"({"order_id":"aa","nonce":"0","status":"rejected","message":"No such order.","filled":"0",
                  "leaves":"0","fills":[],"durable":false})"),
        "rejected: No such order.\norder   aa\nnonce   0\nfilled  0\nleaves  0\n");
}

TEST(Views, AnOrderSaysItsStateAndTerms) {
    const std::string waiting = shown(
        view_order, R"({"order_id":"aa","nonce":"7","index":2,"account":"00","market":"BTC-USD","side":"sell",
        "price":"10","quantity":"2","leaves":"2","type":"stop_limit","state":"waiting","time_in_force":"gtd",
        "shown":"0","expires_at":"1700000000000","trigger":"11","trigger_when":"at_or_below","post_only":true})");
    EXPECT_EQ(waiting.substr(0, waiting.find('\n')), "The order waits for its trigger.");
    EXPECT_NE(waiting.find("trigger        11\n"), std::string::npos) << waiting;
    EXPECT_NE(waiting.find("expires_at     2023-11-14 22:13:20.000\n"), std::string::npos) << waiting;
    EXPECT_NE(waiting.find("nonce          7/2\n"), std::string::npos) << waiting;
    const std::string gone = shown(
        view_order, R"({"order_id":"aa","state":"cancelled","message":"Too far from the last price."})");
    EXPECT_EQ(gone.substr(0, gone.find('\n')), "The order was cancelled: Too far from the last price.");
    const std::string replaced =
        shown(view_order, R"({"order_id":"aa","state":"replaced","replaced_by":"bb"})");
    EXPECT_NE(replaced.find("replaced_by"), std::string::npos);
    EXPECT_NE(shown(view_orders, R"({"orders":[{"order_id":"aa","market":"BTC-USD","side":"buy","price":"10",
                  "quantity":"2","leaves":"1.5","state":"resting","shown":"0.5","display":"1"}]})")
                  .find("resting  shows 0.5 of display 1\n"),
              std::string::npos);
}

TEST(Views, ResultsOfQuotesApprovalsAndCancels) {
    const std::string quotes = shown(
        view_result, R"({"order_id":"aa","nonce":"7","status":"done","message":"","orders_cancelled":"1",
        "quotes":[{"order_id":"bb","index":0,"status":"rejected","message":"Would trade."}],"fills":[]})");
    EXPECT_NE(quotes.find("cancelled  1 order\n"), std::string::npos) << quotes;
    EXPECT_NE(quotes.find("    0  bb     rejected          Would trade.\n"), std::string::npos) << quotes;
    const std::string approved = shown(view_result, R"({"order_id":"aa","nonce":"7","status":"done",
        "approvals":1,"approvals_needed":2})");
    EXPECT_NE(approved.find("by 1 of 2 administrators\n"), std::string::npos) << approved;
}

TEST(Views, WithdrawalsNameTheAccountAndTheRequest) {
    EXPECT_EQ(shown(view_withdrawals, R"({"withdrawals":[{"account":"alice","id":"00","nonce":"7","index":0,
                  "asset":"USD","amount":"2.5","destination":"bank 12"}]})"),
              "account  nonce  amount  asset  destination\n"
              "alice        7     2.5  USD    bank 12\n");
    EXPECT_EQ(shown(view_withdrawals, R"({"withdrawals":[]})"), "No withdrawals wait.\n");
}

TEST(Views, BookIsALadder) {
    const std::string text = shown(
        view_book,
        R"({"market":"BTC-USD","commit":"3","last":"10","bids":[["10","1",2]],"asks":[["11","0.5",1]]})");
    EXPECT_EQ(text.substr(0, text.find('\n')), "BTC-USD  last 10  spread 1  commit 3");
    EXPECT_NE(text.find("     2         1     10      1  #####"), std::string::npos) << text;
}

TEST(Views, BookOfOrdersListsEachOne) {
    EXPECT_EQ(shown(view_book_orders, R"({"bids":[["10","1","aa"]],"asks":[["11","0.5","bb"]]})"),
              "side  price  leaves  order\n"
              "buy      10       1  aa\n"
              "sell     11     0.5  bb\n");
}

TEST(Views, MarketsShowTickLotAndFees) {
    EXPECT_EQ(
        shown(view_markets, R"({"markets":[{"market":"BTC-USD","base":"BTC","quote":"USD","tick":"0.01",
                  "lot":"0.0001","quantity_min":"0.001","notional_min":"5","maker_fee_ppm":0,"taker_fee_ppm":500,
                  "band_ppm":100000,"matching":"batch","phase":"auction","last":"10",
                  "auction_ends_at":"1700000000000","indicative_price":"11","indicative_quantity":"2"}]})"),
        "market   phase    matching  last  tick     lot  quantity min  notional min  band ppm  maker fee  "
        "taker fee  auction\n"
        "BTC-USD  auction  batch       10  0.01  0.0001         0.001             5    100000      0 ppm  "
        "  500 ppm  ends 2023-11-14 22:13:20.000, now 2 at 11\n");
}

TEST(Views, TradesShowTimeInUtcAndGrade) {
    EXPECT_EQ(
        shown(view_trades, R"({"trades":[{"trade_id":"tt","market":"BTC-USD","ordinal":"1","grade":"settled",
                  "price":"10","quantity":"0.5","taker_side":"buy","time":"1700000000123"}]})"),
        "time (UTC)               market   side  price  quantity  grade    trade\n"
        "2023-11-14 22:13:20.123  BTC-USD  buy      10       0.5  settled  tt\n");
    EXPECT_EQ(shown(view_trades, R"({"trades":[]})"), "No trades.\n");
}

TEST(Views, OrdersAndBalancesAreTables) {
    EXPECT_EQ(shown(view_orders, R"({"orders":[{"order_id":"aa","market":"BTC-USD","side":"sell","price":"10",
                  "quantity":"2","leaves":"1.5","state":"resting"}]})"),
              "order  market   side  price  quantity  leaves  state    terms\n"
              "aa     BTC-USD  sell     10         2     1.5  resting\n");
    EXPECT_EQ(shown(view_orders, R"({"orders":[]})"), "No open orders.\n");
    EXPECT_EQ(shown(view_balances, R"({"account":"me","id":"00ff","next_nonce":"2","balances":[{"asset":"USD",
                  "total":"100","reserved":"40","available":"60"}]})"),
              "me  00ff\n"
              "asset  available  reserved  total\n"
              "USD           60        40    100\n");
}

TEST(Views, PeersCannotSendEscapeSequences) {
    const std::string text =
        shown(view_peers, R"({"peers":[{"id":"aabb","address":"\u001b[2J","state":"connected",
                  "direction":"outbound","health":"0.873","availability":"1.000","performance":"0.500","reputation":-3,
                  "round_trip_us":"1500","connected_for_ms":"61000","bytes_in":"1500","bytes_out":"0",
                  "failures_in_row":0,"breaker":"closed","last_error":""}],
                  "stats":{"connected":"1","known_addresses":"3","banned":"2"}})");
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_NE(text.find("1,500 us  1 min 1 s  1.5 kB  0 B"), std::string::npos) << text;
    EXPECT_NE(text.find("1 connected, 3 addresses known, 2 banned\n"), std::string::npos);
}

TEST(Views, ServicesShowWhoOffersAndWhoSaysSo) {
    const std::string text = shown(view_services, R"({"service":"registry","nodes":[
                  {"id":"aabbccddeeff00112233","address":"\u001b192.0.2.7:3000","connected":true,"services":["registry"],
                   "heard_ms_ago":"61000"},
                  {"id":"00112233445566778899","address":"","connected":false,"services":["registry"],
                   "told_by":"aabbccddeeff00112233","heard_ms_ago":"5"}]})");
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_NE(text.find("1 min 1 s ago  itself"), std::string::npos) << text;
    EXPECT_NE(text.find("no"), std::string::npos);
    EXPECT_NE(shown(view_services, R"({"service":"x","nodes":[]})").find("try again"), std::string::npos);
}

TEST(Views, PeersShowWhichWayFoundWhom) {
    const std::string text =
        shown(view_peers, R"({"peers":[],"discovery":[{"name":"persisted","found":"0","connected":"0"},
                  {"name":"inbound","found":"2","connected":"1"},
                  {"name":"mdns","state":"failing","found":"0","connected":"0","searches":"4",
                  "last_search":"1700000000123","next_search_in_ms":"61000","last_error":"no \u001bnetwork"}]})");
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_EQ(text.find("persisted"), std::string::npos);  // nothing to tell
    EXPECT_NE(text.find("inbound"), std::string::npos);
    EXPECT_NE(text.find("mdns"), std::string::npos);
    EXPECT_NE(text.find("1 min 1 s"), std::string::npos) << text;
    EXPECT_NE(text.find("2023-11-14 22:13:20"), std::string::npos) << text;
}

TEST(Views, StatusAndPeersSayWhetherTheInternetGetsIn) {
    const auto both = [](const std::string& way) {
        return shown(view_peers, (R"({"peers":[],"way_in":{)" + way + "}}").c_str()) +
               shown(view_status, (R"({"says":"Trading.","way_in":{)" + way + "}}").c_str());
    };
    const std::string mapped = both(
        R"("reach":"reachable","told_port":4001,"seen_address":"11.0.0.1","port_mapping":"mapped","method":"upnp",)"
        R"("gateway":"192.168.1.1\u001b","external_address":"11.0.0.1","external_port":4001,)"
        R"("lease_until":"1700000000123")");
    EXPECT_EQ(mapped.find('\x1b'), std::string::npos);
    for (const char* part : {"reachable from the internet at 11.0.0.1:4001", "upnp at 192.168.1.1",
                             ": 11.0.0.1:4001 leads here, until 2023-11-14 22:13:20"}) {
        EXPECT_NE(mapped.find(part), std::string::npos) << mapped;
        EXPECT_NE(mapped.find(part), mapped.rfind(part)) << mapped;
    }
    const std::string shut =
        both(R"("reach":"unreachable","told_port":0,"port_mapping":"failing","last_error":"no answer")");
    EXPECT_NE(shut.find("not reachable from the internet: it dials out only"), std::string::npos) << shut;
    EXPECT_NE(shut.find("failing: no answer"), std::string::npos) << shut;
    EXPECT_NE(both(R"("reach":"unknown","told_port":3000,"port_mapping":"off")").find("not known whether"),
              std::string::npos);
    EXPECT_NE(
        both(R"("reach":"unknown","told_port":3000,"port_mapping":"loopback")").find("from this machine"),
        std::string::npos);
    EXPECT_NE(
        both(R"("reach":"unknown","told_port":0,"port_mapping":"silent")").find("silent: told to nobody"),
        std::string::npos);
}

TEST(Views, StatusBeginsWithTheSentenceOfTheNode) {
    const std::string text =
        shown(view_status, R"({"node":"ab","network_name":"demo","network":"cd","role":"member",
                  "says":"Trading with 3 of 3 members.","ready":true,"members":"3","members_connected":"3",
                  "peers_connected":"2","peers_known":"5","peers_banned":"1",
                  "member_list":[{"node":"ab","self":true,"connected":false,"tip_seq":"1234","tip_round":"5",
                  "stable_round":"4"}]})");
    EXPECT_EQ(text.substr(0, text.find('\n')), "Trading with 3 of 3 members.");
    EXPECT_NE(text.find("2 connected, 5 known, 1 banned"), std::string::npos) << text;
    EXPECT_NE(text.find("this node  1,234      5             4"), std::string::npos) << text;
}

TEST(Views, StatusAndLedgersShowOtherLedgersWhole) {
    const std::string id(64, 'e');
    const std::string others =
        R"([{"ledger":")" + id + R"(","view":"7","members":"3","reachable":"2","is_fork":true}])";
    const std::string status =
        shown(view_status, (R"({"says":"Trading.","other_ledgers":)" + others + "}").c_str());
    EXPECT_NE(status.find(id), std::string::npos) << status;
    EXPECT_NE(status.find("fork of this one"), std::string::npos) << status;
    const std::string ledgers = shown(
        view_ledgers,
        (R"({"ledger":"ab","state":"established","view":"4","members":"1","forks":["cd"],)"
         R"("others":)" +
         others + R"(,"given_up":[{"ledger":"0f","time":"0","retracted_trades":"1234","archive":"/x/y"}]})")
            .c_str());
    EXPECT_NE(ledgers.find("established, view 4 with 1 member\n"), std::string::npos) << ledgers;
    EXPECT_NE(ledgers.find("goes on from  cd"), std::string::npos) << ledgers;
    EXPECT_NE(ledgers.find("1,234  /x/y"), std::string::npos) << ledgers;
    EXPECT_NE(shown(view_ledgers, R"({"state":"none"})").find("none yet"), std::string::npos);
}

TEST(Views, WhatAdoptingAndForkingDidIsSaid) {
    const std::string adopted = shown(view_given_up, R"({"ledger":"ab","adopted":"cd","retracted_trades":"1",
                                      "unsettled_commands":"2","archive":"/x"})");
    EXPECT_NE(adopted.find("1 settled trade retracted, 2 commands void. Kept in /x"), std::string::npos)
        << adopted;
    const std::string fork = shown(view_fork, R"({"ledger":"ab","from":"cd","view":"8","members":["1","2"],
                                   "member":true,"settled_commits":"1","void_blocks":"0"})");
    EXPECT_NE(fork.find("peerbook ledger fork --accept ab --yes"), std::string::npos) << fork;
    EXPECT_NE(fork.find("1 settled commit, in view 8 with 2 members; 0 blocks"), std::string::npos) << fork;
    const std::string follower = shown(view_fork, R"({"ledger":"ab","members":["1"],"member":false})");
    EXPECT_NE(follower.find("observes"), std::string::npos);
}

TEST(Views, AnswersWithoutTheirMembersAreErrors) {
    const auto empty = parse_json("{}");
    const auto array = parse_json("[]");
    ASSERT_TRUE(empty.ok());
    ASSERT_TRUE(array.ok());
    for (const View view : {view_result, view_order, view_orders, view_withdrawals, view_book,
                            view_book_orders, view_markets, view_trades, view_balances, view_peers,
                            view_status, view_digests, view_ledgers, view_given_up, view_fork}) {
        EXPECT_FALSE(view(*empty, {}).ok());
        EXPECT_FALSE(view(*array, {}).ok());
    }
}

TEST(Views, TextsOfTimeSpanAndSize) {
    EXPECT_EQ(time_text("x"), "x");
    EXPECT_EQ(time_text("0"), "1970-01-01 00:00:00.000");
    EXPECT_EQ(span_text("850"), "850 ms");
    EXPECT_EQ(span_text("59999"), "59 s");
    EXPECT_EQ(span_text("3600000"), "1 h 0 min");
    EXPECT_EQ(span_text("90000000"), "1 d 1 h");
    EXPECT_EQ(size_text("999"), "999 B");
    EXPECT_EQ(size_text("12550"), "12.5 kB");
    EXPECT_EQ(size_text("3000000000"), "3.0 GB");
}

}  // namespace
}  // namespace peerbook::app::cli

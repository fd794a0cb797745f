"""Every kind of order, change, payment and administrative act, over REST, standard input and the command line."""

import json
import os
import select
import subprocess
import time

import harness

NETWORK = """name = "order-types"
mode = "open"
administrators = ["{root}"]
administrators_needed = 1

[[assets]]
name = "USD"
decimals = 8
faucet_max = "1000000000"
issuer = "{bank}"

[[assets]]
name = "BTC"
decimals = 8
faucet_max = "1000000"

[[assets]]
name = "ETH"
decimals = 8

[[markets]]
symbol = "BTC-USD"
base = "BTC"
quote = "USD"
tick = "0.01"
lot = "0.000001"
quantity_min = "0.001"
notional_min = "0.1"
band_ppm = 400000
"""


class OneNode(harness.FunctionalCase):
    """A node with standard input, and three ways to speak to it for the account alice."""

    def setUp(self):
        super().setUp()
        self.data_dir = os.path.join(self.directory, "d")
        self.run_json("init", "--data-dir", self.data_dir)
        ids = {name: self.run_json("keys", "account", name, "--data-dir", self.data_dir)["id"]
               for name in ("root", "bank")}
        network = os.path.join(self.directory, "network.toml")
        with open(network, "w", encoding="utf-8") as file:
            file.write(NETWORK.format(**ids))
        path = os.path.join(self.directory, "node.log")
        self.logs.append(path)
        with open(path, "ab") as log:
            self.node = subprocess.Popen(
                [harness.program(), "node", "--found", "--stdin", "--json", "--network", network, "--data-dir",
                 self.data_dir, "--p2p-host", "127.0.0.1", "--p2p-port", "0", "--api-port", "0"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        for cleanup in (self.node.stdout.close, self.node.stdin.close, self.node.wait, self.node.kill):
            self.addCleanup(cleanup)
        self.unread = b""
        address = os.path.join(self.data_dir, "api.address")
        harness.wait_until(lambda: os.path.exists(address), 30, "the node to listen")
        with open(address, encoding="ascii") as file:
            self.client = harness.NodeClient(file.read().strip().removeprefix("http://"), self.data_dir)
        harness.wait_until(self.client.is_ready, 30, "the node to be ready")
        for account in ("alice", "bob", "maker"):
            self.fund(self.client, account, USD="1000000", BTC="100")
        self.line("as alice")

    # --- the three ways

    def rest(self, account="alice", **fields):
        return self.client.post("/api/v1/orders", {"account": account, **fields})

    def line(self, text):
        """Says one line and returns the one answer."""
        self.node.stdin.write((text + "\n").encode())
        self.node.stdin.flush()
        deadline = time.monotonic() + 30
        while b"\n" not in self.unread:
            ready, _, _ = select.select([self.node.stdout], [], [], max(0.0, deadline - time.monotonic()))
            self.assertTrue(ready, f"no answer to {text!r}")
            piece = os.read(self.node.stdout.fileno(), 65536)
            self.assertTrue(piece, f"the node ended at {text!r}")
            self.unread += piece
        answer, self.unread = self.unread.split(b"\n", 1)
        return json.loads(answer)

    def cli(self, *words, account="alice"):
        return self.run_json(*words, "--account", account, "--data-dir", self.data_dir)

    def each_way(self, fields, line, words):
        """The same command in the three ways; returns the three answers."""
        return [self.rest(**fields), self.line(line), self.cli(*words)]

    def refused(self, fields, line, words, about):
        """The same mistake in the three ways: each answer has `about` in it, and nothing changes."""
        before = self.client.get("/api/v1/digests")["book"]
        with self.assertRaises(harness.RequestError) as raised:
            self.rest(**fields)
        self.assertIn(raised.exception.status, (400, 422))
        said = self.line(line)
        code, output, errors = self.run_program(*words, "--account", "alice", "--data-dir", self.data_dir)
        self.assertIn(code, (1, 2), output)
        for text in (json.dumps(raised.exception.body), json.dumps(said), errors):
            self.assertIn(about, text)
        self.assertEqual(self.client.get("/api/v1/digests")["book"], before)

    # --- what happened

    def shown(self, answer):
        return self.client.get(f"/api/v1/orders/{answer['order_id']}")

    def wait_state(self, answer, state):
        return harness.wait_until(lambda: (lambda order: order["state"] == state and order)(self.shown(answer)), 30,
                                  f"order {answer['order_id']} to be {state}")

    def open_orders(self, account="alice"):
        return self.client.get(f"/api/v1/orders?account={account}")["orders"]

    def trade_at(self, price):
        """A trade between bob and the maker; the last price is `price` afterwards."""
        self.order(self.client, "maker", "BTC-USD", "sell", price, "0.01")
        self.assertEqual(self.order(self.client, "bob", "BTC-USD", "buy", price, "0.01")["status"], "filled")


class Orders(OneNode):
    def test_limit_orders_with_each_term(self):
        base = {"market": "BTC-USD", "side": "buy", "price": "100", "quantity": "1"}
        order = ["order", "buy", "BTC-USD", "1", "@", "100"]
        for answer in self.each_way({**base, "display": "0.1"}, "buy BTC-USD 1 @ 100 display 0.1",
                                    order + ["--display", "0.1"]):
            self.assertEqual({**self.shown(answer), "order_id": answer["order_id"]} | {
                "state": "resting", "type": "limit", "display": "0.1", "shown": "0.1", "leaves": "1"},
                self.shown(answer))
        for answer in self.each_way({**base, "expires_at": "1h"}, "buy BTC-USD 1 @ 100 gtd 1h",
                                    order + ["--tif", "gtd", "--expires-at", "1h"]):
            shown = self.shown(answer)
            self.assertEqual(shown["time_in_force"], "gtd")
            self.assertAlmostEqual(int(shown["expires_at"]), time.time() * 1000 + 3_600_000, delta=120_000)
        for answer in self.each_way({**base, "post_only": True, "self_trade": "decrement"},
                                    "buy BTC-USD 1 @ 100 post self-trade decrement",
                                    order + ["--post-only", "--self-trade", "decrement"]):
            self.assertEqual(answer["status"], "resting")
        for way in self.each_way({**base, "price": "60", "time_in_force": "ioc"}, "buy BTC-USD 1 @ 60 ioc",
                                 ["order", "buy", "BTC-USD", "1", "@", "60", "--tif", "ioc"]):
            self.assertEqual((way["status"], way["reason"]), ("cancelled", "immediate_or_cancel"))
        self.refused({**base, "post_only": True, "time_in_force": "ioc"}, "buy BTC-USD 1 @ 100 post ioc",
                     order + ["--post-only", "--tif", "ioc"], "The terms of the order exclude each other")
        self.refused({**base, "display": "2"}, "buy BTC-USD 1 @ 100 display 2", order + ["--display", "2"], "display")
        self.refused({**base, "expires_at": "yesterday"}, "buy BTC-USD 1 @ 100 gtd yesterday",
                     order + ["--expires-at", "yesterday"], "yesterday")
        self.refused({**base, "time_in_force": "fok"}, "buy BTC-USD 1 @ 100 fok", order + ["--tif", "fok"], "fill")
        self.refused({**base, "quantity": "0.0001"}, "buy BTC-USD 0.0001 @ 100",
                     ["order", "buy", "BTC-USD", "0.0001", "@", "100"], "quantity")

    def test_a_gtd_order_expires_though_nothing_else_happens(self):
        orders = self.each_way(
            {"market": "BTC-USD", "side": "buy", "price": "100", "quantity": "1", "expires_at": "2s"},
            "buy BTC-USD 1 @ 100 gtd 2s", ["order", "buy", "BTC-USD", "1", "@", "100", "--expires-at", "2s"])
        for answer in orders:
            self.assertEqual(answer["status"], "resting")
            self.wait_state(answer, "expired")
        self.assertEqual(self.open_orders(), [])
        self.assertEqual(self.balances(self.client, "alice")["USD"], ("1000000", "0"))

    def test_an_iceberg_shows_its_next_part_when_one_is_eaten(self):
        ice = self.rest(market="BTC-USD", side="sell", price="100", quantity="1", display="0.2")
        self.assertEqual(self.client.get("/api/v1/book/BTC-USD")["asks"], [["100", "0.2", 1]])
        self.order(self.client, "bob", "BTC-USD", "buy", "100", "0.3")
        self.assertEqual(self.client.get("/api/v1/book/BTC-USD")["asks"], [["100", "0.1", 1]])
        self.assertEqual((self.shown(ice)["shown"], self.shown(ice)["leaves"]), ("0.1", "0.7"))

    def test_market_orders_by_quantity_and_by_budget(self):
        self.refused({"op": "market", "market": "BTC-USD", "side": "buy", "quantity": "1"}, "market buy BTC-USD 1",
                     ["order", "buy", "BTC-USD", "1", "--market-order"], "no last price")
        self.trade_at("100")
        self.order(self.client, "maker", "BTC-USD", "sell", "100", "20")
        for answer in self.each_way({"op": "market", "market": "BTC-USD", "side": "buy", "quantity": "1"},
                                    "market buy BTC-USD 1", ["order", "buy", "BTC-USD", "1", "--market-order"]):
            self.assertEqual((answer["status"], answer["filled"]), ("filled", "1"))
        for answer in self.each_way({"op": "market", "market": "BTC-USD", "side": "buy", "budget": "50"},
                                    "market buy BTC-USD budget 50", ["order", "buy", "BTC-USD", "--budget", "50"]):
            self.assertEqual(answer["filled"], "0.5")
        self.assertEqual(self.balances(self.client, "alice")["USD"], ("999550", "0"))
        self.refused({"op": "market", "market": "BTC-USD", "side": "sell", "budget": "50"},
                     "market sell BTC-USD budget 50", ["order", "sell", "BTC-USD", "--budget", "50"],
                     "The terms of the order exclude each other")
        self.refused({"op": "market", "market": "BTC-USD", "side": "buy", "quantity": "1", "protection": "x"},
                     "market buy BTC-USD 1 protect x",
                     ["order", "buy", "BTC-USD", "1", "--market-order", "--protection", "x"], "protection")

    def test_orders_that_wait_become_active_when_the_market_trades_there(self):
        self.trade_at("100")
        sell = {"market": "BTC-USD", "side": "sell", "quantity": "0.1"}
        stops = self.each_way({**sell, "op": "stop", "trigger": "95"}, "market sell BTC-USD 0.1 stop 95",
                              ["order", "sell", "BTC-USD", "0.1", "--market-order", "--stop", "95"])
        limits = self.each_way({**sell, "op": "stop_limit", "trigger": "95", "price": "99"},
                               "sell BTC-USD 0.1 @ 99 stop 95",
                               ["order", "sell", "BTC-USD", "0.1", "@", "99", "--stop", "95"])
        profits = self.each_way({**sell, "op": "take_profit", "trigger": "105"},
                                "market sell BTC-USD 0.1 take-profit 105",
                                ["order", "sell", "BTC-USD", "0.1", "--market-order", "--take-profit", "105"])
        later = self.each_way({**sell, "op": "take_profit_limit", "trigger": "105", "price": "110"},
                              "sell BTC-USD 0.1 @ 110 take-profit 105",
                              ["order", "sell", "BTC-USD", "0.1", "@", "110", "--take-profit", "105"])
        for orders, kind in ((stops, "stop"), (limits, "stop_limit"), (profits, "take_profit"),
                             (later, "take_profit_limit")):
            for answer in orders:
                shown = self.shown(answer)
                self.assertEqual((answer["status"], shown["state"], shown["type"], shown["shown"]),
                                 ("waiting", "waiting", kind, "0"))
        self.assertEqual(self.client.get("/api/v1/book/BTC-USD")["asks"], [])
        self.assertEqual(self.balances(self.client, "alice")["BTC"], ("100", "1.2"))

        self.order(self.client, "maker", "BTC-USD", "buy", "94", "1")
        self.order(self.client, "bob", "BTC-USD", "sell", "94", "0.01")
        for answer in stops:
            self.assertTrue(self.wait_state(answer, "filled")["was_triggered"])
        for answer in limits:
            self.assertEqual(self.wait_state(answer, "resting")["type"], "limit")
        self.assertEqual(self.client.get("/api/v1/book/BTC-USD")["asks"], [["99", "0.3", 3]])
        self.order(self.client, "bob", "BTC-USD", "buy", "99", "0.3")
        self.trade_at("105")
        for answer in profits:  # nobody buys near 105, so nothing of them is left
            self.assertEqual(self.wait_state(answer, "cancelled")["reason"], "immediate_or_cancel")
        for answer in later:
            self.wait_state(answer, "resting")
        self.refused({**sell, "op": "stop", "trigger": "106"}, "market sell BTC-USD 0.1 stop 106",
                     ["order", "sell", "BTC-USD", "0.1", "--market-order", "--stop", "106"], "trigger")
        self.refused({**sell, "op": "stop"}, "market sell BTC-USD 0.1 stop",
                     ["order", "sell", "BTC-USD", "0.1", "--market-order", "--stop", "0"], "trigger")


class Changes(OneNode):
    def place(self, price="100", **more):
        return self.rest(market="BTC-USD", side="buy", price=price, quantity="1", **more)

    def test_reduce_replace_and_cancel(self):
        first, second, third = self.place(), self.place(), self.place()
        self.rest(op="reduce", order_id=first["order_id"], market="BTC-USD", by="0.4")
        self.line(f"reduce {second['order_id']} by 0.4")
        self.cli("reduce", "BTC-USD", third["order_id"], "0.4")
        self.assertEqual([self.shown(order)["leaves"] for order in (first, second, third)], ["0.6"] * 3)
        news = [self.rest(op="replace", order_id=first["order_id"], market="BTC-USD", price="101", quantity="0.5"),
                self.line(f"replace {second['order_id']} 0.5 @ 101"),
                self.cli("replace", "BTC-USD", third["order_id"], "0.5", "@", "101")]
        for old, new in zip((first, second, third), news):
            self.assertEqual(new["status"], "resting")
            self.assertEqual(self.shown(old)["replaced_by"], new["order_id"])
        self.assertEqual(self.client.get("/api/v1/book/BTC-USD")["bids"], [["101", "1.5", 3]])
        self.refused({"op": "replace", "order_id": first["order_id"], "market": "BTC-USD", "price": "1",
                      "quantity": "1"}, f"replace {'0' * 32} 1 @ 1", ["replace", "BTC-USD", "0" * 32, "1", "@", "1"], "order")
        self.rest(op="cancel", order_id=news[0]["order_id"])
        self.line(f"cancel {news[1]['nonce']}")
        self.cli("cancel", news[2]["nonce"])
        self.assertEqual(self.open_orders(), [])

    def test_cancel_all_takes_what_it_names(self):
        for cancel in (lambda: self.rest(op="cancel_all", market="BTC-USD", side="buy"),
                       lambda: self.line("cancel-all BTC-USD buy"),
                       lambda: self.cli("cancel-all", "--market", "BTC-USD", "--side", "buy")):
            self.place()
            self.place("99")
            sell = self.rest(market="BTC-USD", side="sell", price="200", quantity="1")
            self.assertEqual(cancel()["orders_cancelled"], "2")
            self.assertEqual([order["order_id"] for order in self.open_orders()], [sell["order_id"]])
            self.assertEqual(self.rest(op="cancel_all")["orders_cancelled"], "1")
        self.refused({"op": "cancel_all", "market": "NO-SUCH"}, "cancel-all NO-SUCH",
                     ["cancel-all", "--market", "NO-SUCH"], "NO-SUCH")

    def test_the_dead_man_switch_cancels_on_an_idle_node(self):
        for switch in (lambda: self.rest(op="cancel_after", timeout="1500ms"), lambda: self.line("cancel-after 1500ms"),
                       lambda: self.cli("cancel-after", "1500ms")):
            order = self.place()
            self.assertEqual(switch()["status"], "done")
            self.assertEqual(self.wait_state(order, "cancelled")["reason"], "cancel_after")
        for off in (lambda: self.rest(op="cancel_after", timeout="off"), lambda: self.line("cancel-after off"),
                    lambda: self.cli("cancel-after", "off")):
            self.assertEqual(off()["status"], "done")
        self.refused({"op": "cancel_after", "timeout": "25h"}, "cancel-after 25h", ["cancel-after", "25h"], "timeout")

    def test_mass_quotes_replace_one_another(self):
        quotes = [{"side": "buy", "price": "99", "quantity": "1"}, {"side": "sell", "price": "101", "quantity": "2"}]
        for turn, answer in enumerate(self.each_way(
                {"op": "mass_quote", "market": "BTC-USD", "quotes": quotes},
                "mass-quote BTC-USD buy 1 @ 99 sell 2 @ 101",
                ["mass-quote", "BTC-USD", "buy", "1", "@", "99", "sell", "2", "@", "101"])):
            self.assertEqual([quote["status"] for quote in answer["quotes"]], ["resting", "resting"])
            self.assertEqual(answer.get("orders_cancelled", "0"), "2" if turn else "0")
        book = self.client.get("/api/v1/book/BTC-USD")
        self.assertEqual((book["bids"], book["asks"]), ([["99", "1", 1]], [["101", "2", 1]]))
        crossed = self.rest(op="mass_quote", account="bob", market="BTC-USD",
                            quotes=[{"side": "buy", "price": "101", "quantity": "1"},
                                    {"side": "buy", "price": "98", "quantity": "1"}])
        self.assertEqual([(quote["status"], quote["reason"]) for quote in crossed["quotes"]],
                         [("rejected", "would_trade"), ("resting", "none")])
        self.line("mass-quote BTC-USD")
        self.assertEqual(self.open_orders(), [])
        self.refused({"op": "mass_quote", "market": "BTC-USD", "quotes": [{**quotes[0], "price": "x"}]},
                     "mass-quote BTC-USD buy 1 @ x", ["mass-quote", "BTC-USD", "buy", "1", "@", "x"], "quotes[0].price")


class MoneyAndMarkets(OneNode):
    def test_issuers_issue_redeem_and_pay_out(self):
        self.rest(op="open", account="carol")
        self.rest(op="issue", account="bank", to="carol", asset="USD", amount="10")
        self.line(json.dumps({"op": "issue", "account": "bank", "to": "carol", "asset": "USD", "amount": "10"}))
        self.cli("issue", "carol", "USD", "10", account="bank")
        self.assertEqual(self.balances(self.client, "carol")["USD"], ("30", "0"))
        self.rest(op="issue", account="bank", to="bank", asset="USD", amount="5")
        self.cli("redeem", "USD", "5", account="bank")
        self.line("as carol")
        requests = [self.rest(op="withdraw", account="carol", asset="USD", amount="3", destination="IBAN 1"),
                    self.line("withdraw 3 USD to IBAN 2"),
                    self.cli("withdraw", "USD", "3", "IBAN 3", account="carol")]
        rows = self.client.get("/api/v1/withdrawals?asset=USD")["withdrawals"]
        self.assertEqual([(row["account"], row["nonce"], row["amount"], row["destination"]) for row in rows],
                         [("carol", request["nonce"], "3", f"IBAN {i + 1}") for i, request in enumerate(requests)])
        self.assertEqual(self.line("withdrawals")["withdrawals"], rows)
        self.assertEqual(self.run_json("withdrawals", "--account", "carol", "--data-dir",
                                       self.data_dir)["withdrawals"], rows)
        self.assertEqual(self.balances(self.client, "carol")["USD"], ("30", "9"))
        self.line("as bank")
        self.rest(op="settle", account="bank", **{"from": "carol"}, target_nonce=requests[0]["nonce"], paid=True)
        self.line(f"settle carol {requests[1]['nonce']} refused")
        self.cli("settle", "carol", requests[2]["nonce"], "--paid", account="bank")
        self.assertEqual(self.balances(self.client, "carol")["USD"], ("24", "0"))
        self.assertEqual(self.client.get("/api/v1/withdrawals")["withdrawals"], [])
        self.line("as alice")
        self.refused({"op": "issue", "to": "alice", "asset": "USD", "amount": "1"}, "issue 1 USD to alice",
                     ["issue", "alice", "USD", "1"], "issuer")
        self.refused({"op": "withdraw", "asset": "USD", "amount": "1", "destination": ""}, "withdraw 1 USD to",
                     ["withdraw", "USD", "1", ""], "destination")

    def test_administrators_open_halt_and_resume_markets(self):
        self.line("as root")
        new = {"op": "create_market", "account": "root", "tick": "0.01", "lot": "0.001"}
        self.rest(**new, market="ETH-USD", auction="2s")
        self.line("create-market ETH-BTC tick 0.00001 lot 0.001 matching batch")
        self.cli("create-market", "BTC-ETH", "--tick", "0.01", "--lot", "0.001", account="root")
        markets = {row["market"]: row for row in self.client.get("/api/v1/markets")["markets"]}
        self.assertEqual(set(markets), {"BTC-USD", "ETH-USD", "ETH-BTC", "BTC-ETH"})
        self.assertEqual((markets["ETH-USD"]["phase"], markets["ETH-USD"]["auction_ms"]), ("auction", "2000"))
        self.assertEqual((markets["ETH-BTC"]["matching"], markets["ETH-BTC"]["phase"]), ("batch", "trading"))
        self.assertEqual((markets["BTC-USD"]["quantity_min"], markets["BTC-USD"]["notional_min"],
                          markets["BTC-USD"]["band_ppm"]), ("0.001", "0.1", 400000))
        harness.wait_until(lambda: self.client.get("/api/v1/book/ETH-USD")["phase"] == "trading", 30,
                           "the auction to end on an idle node")

        order = {"market": "BTC-USD", "side": "buy", "price": "100", "quantity": "1"}
        for halt, resume in ((lambda: self.rest(op="halt", account="root", market="BTC-USD", reference=1),
                              lambda: self.rest(op="resume", account="root", market="BTC-USD", reference=1)),
                             (lambda: self.line("halt BTC-USD reference 2"),
                              lambda: self.line("resume BTC-USD reference 2")),
                             (lambda: self.cli("halt", "BTC-USD", "--reference", "3", account="root"),
                              lambda: self.cli("resume", "BTC-USD", "--reference", "3", account="root"))):
            self.assertEqual((halt()["approvals"], self.client.get("/api/v1/book/BTC-USD")["phase"]), (1, "halted"))
            with self.assertRaises(harness.RequestError) as raised:
                self.rest(**order)
            self.assertEqual(raised.exception.body["reason"], "market_halted")
            self.assertEqual(resume()["approvals_needed"], 1)
            self.assertEqual(self.rest(**order)["status"], "resting")
        self.line("as alice")
        self.refused({"op": "halt", "market": "BTC-USD", "reference": 9}, "halt BTC-USD reference 9",
                     ["halt", "BTC-USD", "--reference", "9"], "administrator")
        self.refused({**new, "account": "alice", "market": "ETH-USD", "tick": "x"},
                     "create-market ETH-USD tick x lot 1", ["create-market", "ETH-USD", "--tick", "x", "--lot", "1"], "tick")


if __name__ == "__main__":
    harness.main()

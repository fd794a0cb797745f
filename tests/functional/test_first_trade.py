"""Two nodes, one book: what is sold on one is bought on the other."""

import harness


class FirstTrade(harness.FunctionalCase):
    def setUp(self):
        super().setUp()
        self.net = self.new_testnet(2)
        self.seller, self.buyer = self.net.client(0), self.net.client(1)
        self.fund(self.seller, "alice", BTC="2")
        self.fund(self.buyer, "bob", USD="100000")

    def test_an_order_of_one_node_trades_with_an_order_of_the_other(self):
        resting = self.order(self.seller, "alice", "BTC-USD", "sell", "60000", "0.5")
        self.assertEqual(resting["status"], "resting")
        self.assertTrue(resting["durable"])
        harness.wait_until(lambda: self.buyer.get("/api/v1/book/BTC-USD")["asks"], 20, "the offer to reach node 1")
        self.assertEqual(self.buyer.get("/api/v1/book/BTC-USD")["asks"], [["60000", "0.5", 1]])

        bought = self.order(self.buyer, "bob", "BTC-USD", "buy", "60000", "0.2")
        self.assertEqual(bought["status"], "filled")
        self.assertEqual([(fill["price"], fill["quantity"], fill["maker_order_id"]) for fill in bought["fills"]],
                         [("60000", "0.2", resting["order_id"])])

        self.net.wait_equal()
        for client in (self.seller, self.buyer):
            def first_trade(client=client):
                trades = client.get("/api/v1/trades?market=BTC-USD&after=0")["trades"]
                self.assertEqual(len(trades), 1)
                return trades[0]
            # Both members sign the settled state soon after.
            harness.wait_until(lambda: first_trade()["grade"] == "attested", 10, "the trade to be attested")
            status = client.get("/api/v1/status")
            self.assertGreater(int(status["attested_commits"]), 0)
            self.assertNotIn("alarm", status)
            trade = first_trade()
            self.assertEqual((trade["grade"], trade["ordinal"], trade["price"], trade["quantity"], trade["taker_side"]),
                             ("attested", "1", "60000", "0.2", "buy"))
            self.assertEqual(trade["trade_id"], bought["fills"][0]["trade_id"])
            self.assertEqual(client.get("/api/v1/book/BTC-USD")["asks"], [["60000", "0.3", 1]])
        self.assertEqual(self.balances(self.buyer, "bob")["BTC"], ("0.2", "0"))
        self.assertEqual(self.balances(self.seller, "alice")["BTC"], ("1.8", "0.3"))

    def test_waiting_for_settled_answers_when_both_nodes_have_it(self):
        answer = self.seller.post("/api/v1/orders?wait=settled", {"account": "alice", "market": "BTC-USD",
                                                                 "side": "sell", "price": "61000", "quantity": "1"})
        self.assertEqual((answer["grade"], answer["status"]), ("settled", "resting"))
        # Settled means that a quorum holds the block; of two members, that is both.
        self.assertEqual(self.buyer.get(f"/api/v1/orders/{answer['order_id']}")["leaves"], "1")

    def test_a_cancelled_order_leaves_both_books_and_frees_what_it_reserved(self):
        resting = self.order(self.seller, "alice", "BTC-USD", "sell", "60000", "0.5")
        self.assertEqual(self.balances(self.seller, "alice")["BTC"], ("2", "0.5"))
        self.seller.request("DELETE", f"/api/v1/orders/{resting['order_id']}?account=alice")
        self.net.wait_equal()
        for client in (self.seller, self.buyer):
            self.assertEqual(client.get("/api/v1/book/BTC-USD")["asks"], [])
        self.assertEqual(self.balances(self.seller, "alice")["BTC"], ("2", "0"))


if __name__ == "__main__":
    harness.main()

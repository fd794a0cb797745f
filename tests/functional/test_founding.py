"""`peerbook node` without arguments: alone it trades provisionally, with the first other node it founds a ledger."""

import harness


class Founding(harness.DemoNodes):
    def test_two_nodes_without_arguments_found_a_ledger_and_a_third_joins(self):
        self.begin("ann", 0)
        client = self.client("ann")
        self.fund(client, "alice", USD=1000)
        placed = self.order(client, "alice", "BTC-USD", "buy", "600", "0.5")
        self.assertEqual(placed["grade"], "provisional")
        status = client.get("/api/v1/status")
        self.assertEqual(status["role"], "no ledger")
        self.assertEqual(int(status["settled_commits"]), 0)
        self.assertIn("no second node yet", status["says"])

        self.begin("ben", 1, peers=[0])
        for name in ("ann", "ben"):
            self.wait_for(name, role="member", members=2, unsettled_commands=0, resting_orders=1)
        self.fund(self.client("ben"), "bob", BTC=2)
        filled = self.client("ben").post("/api/v1/orders?wait=settled", {
            "account": "bob", "market": "BTC-USD", "side": "sell", "price": "500", "quantity": "0.2"})
        self.assertEqual((filled["status"], filled["grade"]), ("filled", "settled"))

        self.begin("cas", 2, peers=[0])
        for name in ("ann", "ben", "cas"):
            self.wait_for(name, role="member", members=3, settled_trades=1)
        self.stop("ann")
        # In a storm it may end before the others agreed, and is left out after the 10 s of T_suspect.
        self.wait_for("cas", members=2, unsettled_commands=0)
        self.begin("ann", 0, peers=[1])
        self.wait_for("ann", role="member", members=3)
        ledgers = {self.client(name).get("/api/v1/status")["ledger"] for name in ("ann", "ben", "cas")}
        self.assertEqual(len(ledgers), 1)

    def test_what_was_taken_alone_is_there_after_a_restart(self):
        self.begin("ann", 0)
        self.fund(self.client("ann"), "alice", USD=1000)
        self.stop("ann")
        self.begin("ann", 0)
        self.assertEqual(self.balances(self.client("ann"), "alice")["USD"], ("1000", "0"))
        self.begin("ben", 1, peers=[0])
        self.wait_for("ben", role="member", members=2, unsettled_commands=0)
        self.wait_for_balance("ann", "alice", ("1000", "0"))

    def test_a_node_joins_the_ledger_of_one_that_founded_it_alone(self):
        self.begin("ann", 0, "--found")
        self.fund(self.client("ann"), "alice", USD=1000)
        self.wait_for("ann", role="member", members=1, unsettled_commands=0)
        self.begin("ben", 1)
        self.fund(self.client("ben"), "bob", USD=5)
        self.stop("ben")
        self.begin("ben", 1, peers=[0])
        for name in ("ann", "ben"):
            self.wait_for(name, role="member", members=2, unsettled_commands=0)
        self.wait_for_balance("ben", "bob", ("5", "0"))


if __name__ == "__main__":
    harness.main()

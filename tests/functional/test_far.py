"""An observer that is connected to another observer alone: its users trade through it, and it cannot read along."""

import time

import harness


@harness.fair_weather_only("it cuts links itself, and claims that the only way left carries everything")
class Far(harness.FunctionalCase):
    MIDDLE, FAR = 2, 3

    def relay_stats(self, net, index):
        return {key: int(value) for key, value in net.client(index).get("/api/v1/peers")["stats"]["relay"].items()}

    def test_commands_reach_a_member_through_another_observer_and_the_answer_comes_back(self):
        net = self.new_testnet(2, observers=2, start=False, proxied=True)
        net.start_proxy()
        for member in (0, 1):
            net.link_command("cut", self.FAR, member)
        for index in range(4):
            net.start_node(index)
        net.wait_ready(range(3))
        member, far = net.client(0), net.client(self.FAR)
        harness.wait_until(lambda: self.relay_stats(net, self.FAR)["peers"] == 1, 20, "the other observer")
        status = far.get("/api/v1/status")
        self.assertEqual((status["role"], status["members_connected"]), ("observer", "0"), status["says"])

        self.fund(member, "alice", BTC="2")
        resting = self.order(member, "alice", "BTC-USD", "sell", "60000", "1")
        harness.wait_until(lambda: far.get("/api/v1/book/BTC-USD")["asks"] == [["60000", "1", 1]], 10,
                           "the far observer to see the offer")
        began = time.monotonic()
        self.fund(far, "oscar", USD="100000")
        bought = self.order(far, "oscar", "BTC-USD", "buy", "60000", "0.25")
        seconds = time.monotonic() - began
        self.assertEqual(bought["status"], "filled")
        self.assertEqual(bought["fills"][0]["maker_order_id"], resting["order_id"])
        self.assertLess(seconds, 6, "that is no retry, nor anti-entropy")
        net.wait_equal()
        self.assertEqual(self.balances(far, "oscar")["BTC"], ("0.25", "0"))
        self.assertTrue(far.is_ready(), "a member has answered it")

        here, middle = self.relay_stats(net, self.FAR), self.relay_stats(net, self.MIDDLE)
        self.assertGreaterEqual(here["sent"], 2)
        self.assertGreaterEqual(here["delivered"], 2, "the member's answers")
        self.assertEqual((here["undeliverable"], here["waiting"]), (0, 0))
        self.assertGreaterEqual(middle["carried"], 6, "seek and found, and two messages with their answers at least")
        self.assertEqual((middle["sent"], middle["delivered"]), (0, 0), "it only carries")

        # The member that took them dies; the other one is found, and alone it is no quorum but takes orders all the same.
        took = max((0, 1), key=lambda index: self.relay_stats(net, index)["delivered"])
        net.kill(took)
        far.post("/api/v1/orders", {"op": "faucet", "account": "oscar", "asset": "USD", "amount": "7"})
        self.assertGreater(self.relay_stats(net, 1 - took)["delivered"], 0)


if __name__ == "__main__":
    harness.main()

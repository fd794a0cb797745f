"""Members that are gone: the others settle again without them, and let them in again when they return."""

import time

import harness

SUSPECT_MS = 2_000
FLAGS = ("--suspect-after-ms", str(SUSPECT_MS))


class Views(harness.FunctionalCase):
    def start(self, members, **options):
        net = self.new_testnet(members, start=False, **options)
        if options.get("proxied"):
            net.start_proxy()
        for index in range(members):
            net.start_node(index, FLAGS)
        net.wait_ready()
        return net

    def status(self, net, index):
        return net.client(index).get("/api/v1/status")

    def wait_status(self, net, index, seconds, what, **wanted):
        def reached():
            status = self.status(net, index)
            return all(str(status[name]) == str(value) for name, value in wanted.items())

        harness.wait_until(reached, seconds, f"node {index}: {what}")

    def trade(self, net, index, number):
        """One trade between two accounts of a node."""
        client = net.client(index)
        self.fund(client, f"seller-{number}", BTC="1")
        self.fund(client, f"buyer-{number}", USD="100000")
        self.order(client, f"seller-{number}", "BTC-USD", "sell", "60000", "1")
        filled = self.order(client, f"buyer-{number}", "BTC-USD", "buy", "60000", "1")
        self.assertEqual(filled["status"], "filled")

    def test_two_of_three_settle_again_and_the_third_returns(self):
        net = self.start(3)
        self.trade(net, 0, 1)
        net.wait_equal()
        net.kill(2)
        began = time.monotonic()
        self.trade(net, 0, 2)
        self.trade(net, 1, 3)
        for index in (0, 1):
            self.wait_status(net, index, 20, "two members that settle", view=2, members=2, unsettled_commands=0)
        took = time.monotonic() - began
        self.assertGreater(took, SUSPECT_MS / 1000 / 2, "a member was left out before it was silent for long")
        self.assertLess(took, SUSPECT_MS / 1000 + 5)
        settled = int(self.status(net, 0)["settled_trades"])
        self.assertEqual(settled, 3)

        net.start_node(2, FLAGS)
        for index in range(3):
            self.wait_status(net, index, 60, "all three are members again", members=3, role="member")
        net.wait_ready([2])
        self.trade(net, 2, 4)
        digests = net.wait_equal()
        self.assertEqual(int(digests["settled_trades"]), 4)

        # The whole history comes back from each journal.
        for index in range(3):
            net.kill(index)
        for index in range(3):
            net.start_node(index, FLAGS)
        net.wait_ready()
        self.assertEqual(int(net.wait_equal()["settled_trades"]), 4)

    def test_what_a_cut_off_member_took_is_issued_again(self):
        net = self.start(3, proxied=True)
        net.link_command("cut", 2, 0)
        net.link_command("cut", 2, 1)
        self.trade(net, 2, 1)  # provisional
        for index in (0, 1):
            self.wait_status(net, index, 20, "two members", members=2)
        self.trade(net, 0, 2)
        net.link_command("heal", 2, 0)
        net.link_command("heal", 2, 1)
        for index in range(3):
            self.wait_status(net, index, 60, "all three are members again", members=3, role="member")
        self.assertEqual(int(net.wait_equal()["settled_trades"]), 2)


if __name__ == "__main__":
    harness.main()

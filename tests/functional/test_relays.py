"""Members that are not all connected to each other: what one says reaches the others through those between."""

import time

import harness

FLAGS = ("--suspect-after-ms", str(harness.SUSPECT_MS))


@harness.fair_weather_only("it cuts links itself, and claims that the others carry everything")
class Relays(harness.FunctionalCase):
    def line(self, members, dead):
        """A testnet in which the pairs of `dead` never meet."""
        net = self.new_testnet(members, start=False, proxied=True)
        net.start_proxy()
        for a, b in dead:
            net.link_command("cut", a, b)
        for index in range(members):
            net.start_node(index, FLAGS)
        net.wait_ready()
        return net

    def status(self, net, index):
        return net.client(index).get("/api/v1/status")

    def stats(self, net, index):
        return net.client(index).get("/api/v1/peers")["stats"]["gossip"]

    def assert_view_stays(self, net, indexes):
        for index in indexes:
            status = self.status(net, index)
            self.assertEqual((status["view"], status["members"], status["members_suspected"]),
                             ("1", str(len(net.nodes)), "0"), f"node {index}: {status['says']}")

    def connected(self, net, index):
        return sum(peer["state"] == "connected" for peer in net.client(index).get("/api/v1/peers")["peers"])

    def test_three_in_a_line_settle_at_both_ends_and_nobody_is_suspected(self):
        net = self.line(3, dead=[(2, 0)])
        self.assertEqual([self.connected(net, index) for index in range(3)], [1, 2, 1])
        end = time.monotonic() + 2.5 * harness.SUSPECT_MS / 1000
        number = 0
        while time.monotonic() < end:
            number += 1
            self.trade(net.client(number % 3), number)
            time.sleep(0.1)
        self.assertEqual(int(net.wait_equal()["settled_trades"]), number)
        # Idle, too.
        time.sleep(2.5 * harness.SUSPECT_MS / 1000)
        self.assert_view_stays(net, range(3))
        # The blocks of both ends came through the middle, once each.
        for index in (0, 2):
            stats = self.stats(net, index)
            self.assertEqual(stats["policy"], "tree")
            self.assertEqual(stats["hops_max"], "2")
            self.assertLessEqual(int(stats["amplification_milli"]), 1050, stats)
        self.assertGreater(int(self.stats(net, 1)["passed_on"]), number)

        # The middle is killed and comes back: nothing that was said is lost.
        net.kill(1)
        self.trade_provisionally(net, 0)
        net.start_node(1, FLAGS)
        net.wait_ready()
        for index in range(3):
            self.wait_status(net.client(index), f"node {index}: settled again", 30, unsettled_commands=0,
                             members_suspected=0, members=3)
        before = int(net.wait_equal()["settled_trades"])
        self.trade(net.client(0), 1001)
        self.trade(net.client(2), 1002)
        self.assertEqual(int(net.wait_equal()["settled_trades"]), before + 2)

    def trade_provisionally(self, net, index):
        client = net.client(index)
        self.fund(client, "alone", USD="1000")

    def test_a_link_that_dies_leaves_the_view_as_it_is(self):
        net = self.line(3, dead=[])
        self.trade(net.client(0), 1)
        net.wait_equal()
        self.assertEqual(self.stats(net, 0)["policy"], "direct")
        net.link_command("cut", 2, 0)
        began = time.monotonic()
        number = 1
        while time.monotonic() - began < 3 * harness.SUSPECT_MS / 1000:
            number += 1
            self.trade(net.client(number % 3), number)
            time.sleep(0.1)
        self.assertEqual(int(net.wait_equal()["settled_trades"]), number)
        self.assert_view_stays(net, range(3))
        net.link_command("heal", 2, 0)
        harness.wait_until(lambda: self.stats(net, 0)["policy"] == "direct", 30, "direct pushes again")

    def test_four_in_a_line_leave_out_the_one_that_is_gone(self):
        """Messages about views get through as well: the ends agree through those between."""
        net = self.line(4, dead=[(2, 0), (3, 0), (3, 1)])
        self.trade(net.client(0), 1)
        self.trade(net.client(3), 2)
        self.assertEqual(int(net.wait_equal()["settled_trades"]), 2)
        net.kill(3)
        for index in range(3):
            self.wait_status(net.client(index), f"node {index}: three members", 30, members=3, view=2)
        self.trade(net.client(0), 3)
        self.assertEqual(int(net.wait_equal()["settled_trades"]), 3)
        net.start_node(3, FLAGS)
        for index in range(4):
            self.wait_status(net.client(index), f"node {index}: four members again", 60, members=4)
        self.trade(net.client(3), 4)
        self.assertEqual(int(net.wait_equal()["settled_trades"]), 4)


if __name__ == "__main__":
    harness.main()

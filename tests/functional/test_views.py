"""Members that are gone: the others settle again without them, and let them in again when they return."""

import time

import harness

FLAGS = ("--suspect-after-ms", str(harness.SUSPECT_MS))


class Views(harness.FunctionalCase):
    def start(self, members, **options):
        net = self.new_testnet(members, start=False, **options)
        for index in range(members):
            net.start_node(index, FLAGS)
        net.wait_ready()
        return net

    def status(self, net, index):
        return net.client(index).get("/api/v1/status")

    def wait_node(self, net, index, seconds, what, **wanted):
        self.wait_status(net.client(index), f"node {index}: {what}", seconds, **wanted)

    def test_two_of_three_settle_again_and_the_third_returns(self):
        net = self.start(3)
        self.trade(net.client(0), 1)
        net.wait_equal()
        net.kill(2)
        began = time.monotonic()
        self.trade(net.client(0), 2)
        self.trade(net.client(1), 3)
        for index in (0, 1):
            self.wait_node(net, index, 20, "two members that settle", view=2, members=2, unsettled_commands=0)
        took = time.monotonic() - began
        self.assertGreater(took, harness.SUSPECT_MS / 1000 / 2, "a member was left out before it was silent for long")
        if not harness.FAULTS:
            self.assertLess(took, harness.SUSPECT_MS / 1000 + 5)
        settled = int(self.status(net, 0)["settled_trades"])
        self.assertEqual(settled, 3)

        net.start_node(2, FLAGS)
        for index in range(3):
            self.wait_node(net, index, 60, "all three are members again", members=3, role="member")
        net.wait_ready([2])
        self.trade(net.client(2), 4)
        digests = net.wait_equal()
        self.assertEqual(int(digests["settled_trades"]), 4)

        # The whole history comes back from each journal.
        for index in range(3):
            net.kill(index)
        for index in range(3):
            net.start_node(index, FLAGS)
        net.wait_ready()
        self.assertEqual(int(net.wait_equal()["settled_trades"]), 4)

    @harness.fair_weather_only("leaving waits 4 s for the others, and a link may be away for that long")
    def test_a_member_that_is_told_to_stop_leaves_at_once(self):
        net = self.new_testnet(3)  # T_suspect is 10 s
        self.trade(net.client(2), 1)
        began = time.monotonic()
        self.assertTrue(net.stop_node(2))
        stopped = time.monotonic() - began
        self.trade(net.client(0), 2)
        for index in (0, 1):
            self.wait_node(net, index, 5, "two members that settle", view=2, members=2, unsettled_commands=0)
        self.assertLess(time.monotonic() - began, 3, f"stopping alone took {stopped:.1f} s")
        self.assertEqual(int(net.wait_equal([0, 1])["settled_trades"]), 2)
        self.assertIn("left: view 2 goes on with 2 members", net.log_tail(2))

        net.start_node(2)
        for index in range(3):
            self.wait_node(net, index, 20, "all three are members again", members=3, role="member")
        self.trade(net.client(2), 3)
        self.assertEqual(int(net.wait_equal()["settled_trades"]), 3)

        # The elder of those that are left hands over as well.
        for index in (0, 1):
            self.assertTrue(net.stop_node(index))
        self.trade(net.client(2), 4)
        self.wait_node(net, 2, 5, "the last one settles alone", members=1, unsettled_commands=0)
        net.start()
        for index in range(3):
            self.wait_node(net, index, 20, "all three are members again", members=3, role="member")
        self.assertEqual(int(net.wait_equal()["settled_trades"]), 4)

    def test_all_that_are_stopped_together_come_back(self):
        net = self.new_testnet(3)
        for number in range(1, 3):
            for index in range(3):
                self.trade(net.client(index), 10 * number + index)
            began = time.monotonic()
            self.assertEqual(net.down(), [])
            if not harness.FAULTS:
                self.assertLess(time.monotonic() - began, 5)
            net.start()
            for index in range(3):
                self.wait_node(net, index, 20, "all three are members again", members=3, role="member")
            self.assertEqual(int(net.wait_equal()["settled_trades"]), 3 * number)

    def test_without_the_setting_a_member_just_stops(self):
        net = self.new_testnet(3, start=False)
        for index in range(3):
            net.start_node(index, ("--leave-on-stop", "off"))
        net.wait_ready()
        self.assertTrue(net.stop_node(2))
        time.sleep(1)
        self.wait_node(net, 0, 1, "still three members", view=1, members=3)

    def test_what_a_cut_off_member_took_is_issued_again(self):
        net = self.start(3, proxied=True)
        net.link_command("cut", 2, 0)
        net.link_command("cut", 2, 1)
        self.trade(net.client(2), 1)  # provisional
        for index in (0, 1):
            self.wait_node(net, index, 20, "two members", members=2)
        self.trade(net.client(0), 2)
        net.link_command("heal", 2, 0)
        net.link_command("heal", 2, 1)
        for index in range(3):
            self.wait_node(net, index, 60, "all three are members again", members=3, role="member")
        self.assertEqual(int(net.wait_equal()["settled_trades"]), 2)


if __name__ == "__main__":
    harness.main()

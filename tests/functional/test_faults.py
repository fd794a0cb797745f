"""What each kind of fault on a link does to two nodes, and that it ends with the fault."""

import time

import harness


class Faults(harness.FunctionalCase):
    def setUp(self):
        super().setUp()
        # Between two faults the nodes may meet for milliseconds only: neither is to leave the other out meanwhile.
        self.net = self.new_testnet(2, proxied=True, start=False)
        for index in (0, 1):
            self.net.start_node(index, ("--suspect-after-ms", "600000"))
        self.net.wait_ready()
        self.clients = [self.net.client(0), self.net.client(1)]
        self.commands = 0

    def connected(self):
        return all([peer["state"] for peer in client.get("/api/v1/peers")["peers"]] == ["connected"]
                   for client in self.clients)

    def talk(self):
        """A command at each node: a block each way, and one that acknowledges it."""
        for index, client in enumerate(self.clients):
            self.fund(client, f"account-{index}", USD="1")
            self.commands += 1

    def said(self, words):
        return sum(self.net.log_tail(index, 100_000).count(words) for index in (0, 1))

    def talk_until(self, condition, seconds, what):
        def reached():
            self.talk()
            return condition()

        harness.wait_until(reached, seconds, what)

    def assert_well_again(self):
        """The fault has ended: the nodes soon meet, agree, bear no grudge, and have every command."""
        harness.wait_until(self.connected, 15, "the session to come back")
        self.net.wait_equal(seconds=15)
        for index, client in enumerate(self.clients):
            answer = client.get("/api/v1/peers")
            self.assertEqual(answer["stats"]["bans"], "0")
            self.assertEqual([peer["reputation"] for peer in answer["peers"]], [0])
            self.assertEqual(self.net.ways_around(index), [])
        total = sum(int(self.balances(self.clients[index], f"account-{index}")["USD"][0]) for index in (0, 1))
        self.assertEqual(total, self.commands)

    def test_damaged_bytes_are_noticed_and_held_against_nobody(self):
        self.net.link_command("damage", 1, 0, 4000)
        self.talk_until(lambda: self.said("TLS: ") >= 3, 60, "TLS to refuse what was damaged")
        self.net.link_command("damage", 1, 0, 0)
        self.assert_well_again()

    def test_lost_bytes_are_noticed_and_held_against_nobody(self):
        self.net.link_command("lose", 1, 0, 4000)
        self.talk_until(lambda: self.said("TLS: ") >= 3, 60, "TLS to refuse what is left")
        self.net.link_command("lose", 1, 0, 0)
        self.assert_well_again()

    def test_a_connection_that_breaks_for_one_end_only_is_replaced(self):
        self.net.link_command("break", 1, 0, 300)
        half = lambda: self.said("replaced by another connection") + self.said("duplicate connection")  # noqa: E731
        self.talk_until(lambda: half() >= 2, 90, "an end that does not learn of a break")
        self.net.link_command("break", 1, 0, 0)
        self.assert_well_again()

    def test_what_one_node_says_and_the_other_does_not_answer(self):
        for speaker, other in ((0, 1), (1, 0)):
            self.net.link_command("freeze", speaker, other, one_way=True)
            until = time.monotonic() + 3
            self.talk_until(lambda: time.monotonic() > until, 10, "3 s")
            self.assertNotEqual(self.clients[speaker].get("/api/v1/status")["unsettled_commands"], "0")
            self.net.link_command("heal", speaker, other)
            self.assert_well_again()

    def test_a_clogged_link_settles_late_and_loses_nothing(self):
        self.net.link_command("rate", 1, 0, 2)
        for _ in range(40):
            self.talk()
        self.net.link_command("rate", 1, 0, 0)
        self.assert_well_again()

    def test_a_node_that_tells_its_address_would_be_found_beside_the_proxy(self):
        self.assertEqual(self.net.ways_around(0), [])
        self.net.stop_node(1)
        self.net.start_node(1, ("--broadcast", "on"))
        harness.wait_until(lambda: self.net.ways_around(0), 20, "node 0 to learn where node 1 listens")


if __name__ == "__main__":
    harness.main()

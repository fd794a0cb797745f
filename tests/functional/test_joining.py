"""Who may become a member: a dead member is replaced by a new key that the others invite."""

import os
import time

import harness

FLAGS = ("--suspect-after-ms", str(harness.SUSPECT_MS))


class Joining(harness.FunctionalCase):
    def start(self, members, observers, *lines, name="net"):
        """A testnet whose network file has these lines as well."""
        net = self.new_testnet(members, start=False, observers=observers, name=name)
        path = os.path.join(net.directory, "network.toml")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n" + text)
        for index in range(members + observers):
            net.start_node(index, FLAGS)
        net.wait_ready()
        return net

    def status(self, net, index):
        return net.client(index).get("/api/v1/status")

    def wait_node(self, net, index, seconds, what, **wanted):
        self.wait_status(net.client(index), f"node {index}: {what}", seconds, **wanted)

    def data_dir(self, net, index):
        return ("--data-dir", net.node(index)["data_dir"])

    def invite(self, net, by, invited):
        answer = self.run_json("invite", net.node(invited)["node_id"], *self.data_dir(net, by))
        return answer["invitation"]

    def refused(self, *arguments):
        """The reason that the program gives for refusing."""
        code, output, errors = self.run_program(*arguments)
        self.assertEqual(code, 1, output + errors)
        return errors

    def test_a_dead_member_is_replaced_by_an_invited_key(self):
        net = self.start(3, 1, 'joining = "invited"')
        self.trade(net.client(2), 1)
        self.assertIn("needs invitations by 1 of the present members and has 0", self.status(net, 3)["says"])
        net.wait_equal()
        net.kill(2)  # for good
        for index in (0, 1):
            self.wait_node(net, index, 20, "two members", members=2, unsettled_commands=0)
        time.sleep(3)
        self.wait_node(net, 3, 1, "without an invitation it stays an observer", role="observer", members=2)

        invitation = self.invite(net, 1, 3)
        self.assertIn("altered", self.refused("join", invitation[:-1] + ("0" if invitation[-1] != "0" else "1"),
                                              *self.data_dir(net, 3)))
        self.assertIn("is for node", self.refused("join", invitation, *self.data_dir(net, 0)))
        self.assertIn("404 hexadecimal digits", self.refused("join", "1234", *self.data_dir(net, 3)))
        self.assertEqual(self.run_json("join", invitation, *self.data_dir(net, 3))["taken"], "1")
        for index in (0, 1, 3):
            self.wait_node(net, index, 20, "three members with the new key", members=3, role="member")
        self.trade(net.client(3), 2)
        self.assertEqual(int(net.wait_equal([0, 1, 3])["settled_trades"]), 2)

        # It leaves and comes back as any other member, without a new invitation.
        self.assertTrue(net.stop_node(3))
        os.remove(os.path.join(net.node(3)["data_dir"], "invitations"))
        net.start_node(3, FLAGS)
        for index in (0, 1, 3):
            self.wait_node(net, index, 20, "three members again", members=3, role="member")
        self.assertEqual(int(net.wait_equal([0, 1, 3])["settled_trades"]), 2)

    def test_as_many_members_must_invite_as_the_network_says(self):
        net = self.start(3, 1, 'joining = "invited"', "invitations_needed = 2")
        self.assertTrue(net.stop_node(3))
        first, second = self.invite(net, 0, 3), self.invite(net, 2, 3)
        self.run_json("join", first, first, *self.data_dir(net, 3))  # while the node does not run
        net.start_node(3, FLAGS)
        net.wait_ready([3])
        harness.wait_until(lambda: net.client(3, 5).get("/api/v1/status")["says"].count("and has 1:") == 1, 20,
                           "one invitation to be counted once")
        self.run_json("join", second, *self.data_dir(net, 3))
        for index in range(4):
            self.wait_node(net, index, 20, "four members", members=4, role="member")
        net.wait_equal()

    def test_named_networks_take_nobody_else_and_open_ones_anybody(self):
        net = self.start(2, 1)
        self.assertIn("the network names its members", self.status(net, 2)["says"])
        self.assertIn("names its members", self.refused("invite", net.node(2)["node_id"], *self.data_dir(net, 0)))
        net.down()
        net = self.start(2, 1, 'joining = "anyone"', name="anyone")
        for index in range(3):
            self.wait_node(net, index, 20, "three members", members=3, role="member")
        self.assertIn("no invitation is needed",
                      self.refused("invite", net.node(2)["node_id"], *self.data_dir(net, 0)))


if __name__ == "__main__":
    harness.main()

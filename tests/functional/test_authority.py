"""A network with its own authority: nodes need a certificate by it, and an e-mail address has one node."""

import os
import shutil
import stat

import harness


def flipped(text):
    """A certificate with its last digit changed."""
    return text[:-1] + ("0" if text[-1] != "0" else "1")


@harness.fair_weather_only("it looks at who is connected to whom")
class Authority(harness.FunctionalCase):
    def issue(self, directory, net, index, email):
        return ("authority", "issue", net.node(index)["node_id"], email, "--dir", directory, "--network",
                os.path.join(net.directory, "network.toml"))

    def take(self, net, index, certificate):
        return self.run_program("authority", "take", certificate, "--data-dir", net.node(index)["data_dir"])

    def connected(self, net, index):
        return sum(peer["state"] == "connected" for peer in net.client(index).get("/api/v1/peers")["peers"])

    def refused(self, *arguments, code=1):
        got, output, errors = self.run_program(*arguments)
        self.assertEqual(got, code, output + errors)
        return errors

    def log_of(self, net, index):
        with open(net.log_path(index), encoding="utf-8", errors="replace") as file:
            return file.read()

    def test_nodes_need_a_certificate_and_an_address_has_one_node(self):
        net = self.new_testnet(2, observers=2, start=False)
        directory = os.path.join(self.directory, "authority")
        key = self.run_json("authority", "init", "--dir", directory)["authority"]
        self.assertEqual(stat.S_IMODE(os.stat(os.path.join(directory, "node.key")).st_mode), 0o600)
        self.assertEqual(self.run_json("authority", "init", "--dir", directory)["authority"], key)
        path = os.path.join(net.directory, "network.toml")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(f'authority = "{key}"\n{text}')

        # Without one a node says what it needs, and ends.
        process, log = self.spawn("node", "--data-dir", net.node(0)["data_dir"], "--network", path, "--api-port", "0",
                                  "--p2p-host", "127.0.0.1", "--p2p-port", "0", log="without.log")
        self.assert_ends_with_error(process, log, "certificate of its authority", net.node(0)["node_id"])

        emails = ["anna@example.org", "bert@example.org", "cleo@example.org"]
        for index, email in enumerate(emails):
            issued = self.run_json(*self.issue(directory, net, index, email.upper()))
            self.assertEqual(issued["email"], email)
            inspected = self.run_json("authority", "inspect", issued["certificate"], "--network", path)
            self.assertEqual((inspected["node_id"], inspected["email"], inspected["holds"]),
                             (net.node(index)["node_id"], email, True))
            code, output, _ = self.run_program("authority", "inspect", flipped(issued["certificate"]), "--network", path)
            self.assertEqual(code, 1)
            self.assertIn("was changed", output)
            if index == 1:
                self.assertIn("this one is", self.take(net, 0, issued["certificate"])[2])
            code, _, errors = self.take(net, index, issued["certificate"])
            self.assertEqual(code, 0, errors)
        # The authority keeps its promise.
        self.assertIn("which has not expired", self.refused(*self.issue(directory, net, 3, emails[2])))
        self.assertIn("has an @", self.refused(*self.issue(directory, net, 3, "nobody"), code=2))

        for index in range(3):
            net.start_node(index)
        net.wait_ready(range(3))
        harness.wait_until(lambda: all(self.connected(net, index) == 2 for index in range(3)), 20, "all to meet")
        self.trade(net.client(0), 1)
        self.trade(net.client(2), 2)
        net.wait_equal(range(3))
        seen = os.path.join(net.node(0)["data_dir"], "addresses.seen")
        harness.wait_until(lambda: os.path.exists(seen), 10, "what was seen to be kept")
        self.assertEqual(stat.S_IMODE(os.stat(seen).st_mode), 0o600)

        # One that broke it, as a copy does that has lost its list: each node holds to whom it met first.
        copy = os.path.join(self.directory, "copy")
        shutil.copytree(directory, copy)
        os.remove(os.path.join(copy, "issued"))
        second = self.run_json(*self.issue(copy, net, 3, emails[2]))["certificate"]
        self.assertEqual(self.take(net, 3, second)[0], 0)
        net.stop_node(2)
        for index in (0, 1):  # also those that started anew
            net.restart(index, wait=False)
        net.wait_ready((0, 1))
        net.start_node(3)
        harness.wait_until(lambda: self.log_of(net, 3).count("belongs to node " + net.node(2)["node_id"][:12]) >= 2, 20,
                           "both members to refuse the second node")
        self.assertEqual(self.connected(net, 3), 0)
        net.start_node(2)
        net.wait_ready((2,))
        harness.wait_until(lambda: self.connected(net, 2) == 2, 20, "the first one to be let in again")

    def test_settings_that_make_no_sense_are_refused(self):
        self.assertIn("has no authority", self.refused(
            "node", "--data-dir", os.path.join(self.directory, "demo"), "--certificate", "somewhere", code=2))
        path = os.path.join(self.directory, "network.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write('name = "x"\nauthority = "12"\n[[assets]]\nname = "USD"\n')
        code, output, errors = self.run_program("config", "check", "--network", path)
        self.assertNotEqual(code, 0)
        self.assertIn("is no public key", output + errors)
        directory = os.path.join(self.directory, "authority")
        key = self.run_json("authority", "init", "--dir", directory)["authority"]
        other = os.path.join(self.directory, "other.toml")
        with open(other, "w", encoding="utf-8") as file:
            file.write('name = "x"\n[[assets]]\nname = "USD"\n[[assets]]\nname = "BTC"\n'
                       '[[markets]]\nsymbol = "BTC-USD"\ntick = "0.01"\nlot = "1"\n')
        self.assertIn("names no authority", self.refused("authority", "issue", key, "a@example.org", "--dir", directory,
                                                         "--network", other))
        self.assertIn("is no node id", self.refused("authority", "issue", "ab" * 32, "a@example.org", "--dir", directory,
                                                    "--network", other, code=2))


if __name__ == "__main__":
    harness.main()

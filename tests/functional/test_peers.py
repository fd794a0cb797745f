"""What an operator sees of peers and does with them: `peerbook peers …`, and the node's keys."""

import json
import os

import harness


class Peers(harness.FunctionalCase):
    def setUp(self):
        super().setUp()
        self.net = self.new_testnet(2)
        self.client = self.net.client(0)
        self.other = self.net.nodes[1]["node_id"]
        self.wait_state("connected")

    def peers(self, *arguments):
        return self.run_json("peers", *arguments, "--data-dir", self.net.nodes[0]["data_dir"])

    def refused(self, *arguments, code=1):
        """A refusal in words on standard error; returns them."""
        got, output, errors = self.run_program("peers", *arguments, "--data-dir", self.net.nodes[0]["data_dir"])
        self.assertEqual(got, code, output + errors)
        return errors

    def other_peer(self):
        found = [peer for peer in self.peers()["peers"] if peer["id"] == self.other]
        return found[0] if found else {"state": "unknown"}

    def wait_state(self, state, seconds=30):
        harness.wait_until(lambda: self.other_peer()["state"] == state, seconds, f"the other node to be {state}")

    def test_the_list_has_all_figures_and_is_sorted(self):
        self.trade(self.client, 1)
        peer = self.other_peer()
        self.assertEqual(peer["direction"], "inbound")
        self.assertEqual(peer["version"], "1.0")
        self.assertRegex(peer["agent"], "^peerbook/")
        for share in ("health", "availability", "performance"):
            self.assertRegex(peer[share], r"^(0\.\d{3}|1\.000)$")
        for count in ("bytes_in", "bytes_out", "messages_in", "messages_out", "since"):
            self.assertGreater(int(peer[count]), 0)
        self.assertEqual((peer["reputation"], peer["failures_in_row"], peer["breaker"]), (0, 0, "closed"))
        self.assertEqual(len(self.peers("--sort", "health")["peers"]), len(self.peers()["peers"]))
        self.assertIn("there are", self.refused("--sort", "beauty"))
        code, table, _ = self.run_program("peers", "--data-dir", self.net.nodes[0]["data_dir"])
        self.assertEqual(code, 0)
        for word in ("health", "available", "performance", "reputation", "breaker", "connected", self.other[:16]):
            self.assertIn(word, table)
        self.assertEqual(self.client.get("/api/v1/status")["peers_connected"], "1")

    def test_ban_unban_disconnect_and_connect(self):
        self.assertEqual(self.peers("ban", self.other[:12], "--hours", "2")["banned"], self.other)
        self.wait_state("banned")
        self.assertGreater(int(self.other_peer()["banned_until"]), 0)
        self.assertEqual(self.client.get("/api/v1/status")["peers_banned"], "1")
        self.net.restart(0, wait=False)  # it outlives the process
        harness.wait_until(lambda: self.client.is_healthy(), 30, "the node to answer")
        self.assertEqual(self.other_peer()["state"], "banned")
        self.assertEqual(self.peers("unban", self.other)["unbanned"], self.other)
        self.wait_state("connected", 60)
        self.assertIn("not banned", self.refused("unban", self.other))
        self.assertIn("no peer's id begins", self.refused("ban", "0123456789"))
        self.assertIn("64 hexadecimal digits", self.refused("ban", "nobody"))
        self.assertIn("hours", self.refused("ban", self.other, "--hours", "0"))
        self.assertIn("host:port", self.refused("connect", "nowhere"))
        self.assertEqual(self.peers("broadcast", "off")["broadcast"], "off")
        code, text, errors = self.run_program("peers", "broadcast", "on", "--data-dir", self.net.nodes[0]["data_dir"])
        self.assertEqual((code, text.strip()), (0, "this node is announced, until it stops or is told otherwise"), errors)
        self.assertIn("\"on\" or \"off\"", self.refused("broadcast", "maybe"))
        self.refused("connect", code=2)
        self.peers("disconnect", self.other[:8])
        self.assertEqual(self.peers("connect", self.net.nodes[1]["p2p"])["connecting"], self.net.nodes[1]["p2p"])
        self.wait_state("connected", 60)
        self.trade(self.client, 1)
        self.net.wait_equal()

    def test_export_and_import(self):
        path = os.path.join(self.directory, "saved.peers.json")
        self.peers("ban", "ab" * 32)
        self.peers("export", path)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.assertEqual([ban["id"] for ban in json.loads(text)["bans"]], ["ab" * 32])
        self.assertIn("No keys and no secrets", text)
        self.run_json("peers", "import", path, "--data-dir", self.net.nodes[1]["data_dir"])
        listed = self.net.client(1).get("/api/v1/peers")["peers"]
        self.assertIn(("ab" * 32, "banned"), [(peer["id"], peer["state"]) for peer in listed])
        with open(path, "w", encoding="utf-8") as file:
            file.write("{}")
        self.assertIn("not what this program writes", self.refused("import", path))
        self.assertIn("missing.json", self.refused("import", os.path.join(self.directory, "missing.json"), code=4))

    def test_who_offers_a_service_is_found(self):
        def offering(service):
            return {node["id"]: node for node in self.peers("find", service)["nodes"]}

        harness.wait_until(lambda: self.other in offering("market/BTC-USD"), 30, "the other node's markets")
        other = offering("market/BTC-USD")[self.other]
        self.assertTrue(other["connected"])
        self.assertNotIn("told_by", other)
        self.assertEqual(offering("registry"), {})
        code, text, _ = self.run_program("peers", "find", "registry", "--data-dir", self.net.nodes[0]["data_dir"])
        self.assertEqual(code, 0)
        self.assertIn("No node is known to offer registry", text)
        self.assertIn("a service is named by", self.refused("find", "two words"))
        self.refused("find", code=2)

    def test_only_who_holds_the_cookie(self):
        for method, path in (("GET", ""), ("POST", "/connect"), ("POST", "/disconnect"), ("POST", "/ban"),
                             ("POST", "/unban"), ("GET", "/export"), ("GET", "/services"), ("POST", "/import"), ("POST", "/rotate-transport")):
            status, _ = self.client.raw(method, "/api/v1/peers" + path, "{}" if method == "POST" else None,
                                        {"Authorization": "Bearer wrong"})
            self.assertEqual(status, 401, path)

    def test_the_transport_key_is_rotated_and_the_id_stays(self):
        data_dir = self.net.nodes[0]["data_dir"]

        def key():
            with open(os.path.join(data_dir, "transport.key"), encoding="ascii") as file:
                return file.read()

        before = key()
        self.run_json("keys", "rotate-transport", "--data-dir", data_dir)  # while it runs
        running = key()
        self.assertNotEqual(running, before)
        self.net.stop_node(1)
        self.net.start_node(1)
        self.wait_state("connected", 60)  # over TLS with the new certificate
        self.trade(self.client, 1)
        self.net.stop_node(0)
        self.run_json("keys", "rotate-transport", "--data-dir", data_dir)
        self.assertNotEqual(key(), running)
        self.net.start_node(0)
        self.net.wait_ready()
        self.wait_state("connected", 60)
        os.chmod(os.path.join(data_dir, "transport.key"), 0o644)
        self.net.stop_node(0)
        self.net.start_node(0)
        harness.wait_until(lambda: not self.net.runs(0), 30, "the node to refuse an open key")
        self.assertIn("chmod 600", self.net.log_tail(0))


class Keys(harness.FunctionalCase):
    def test_a_node_key_under_a_passphrase(self):
        net = self.new_testnet(1, start=False)
        data_dir = net.nodes[0]["data_dir"]
        passphrase = os.path.join(self.directory, "passphrase")
        with open(passphrase, "w", encoding="ascii", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write("correct horse\n")
        given = ("--passphrase-file", passphrase, "--data-dir", data_dir)
        seed = self.run_json("keys", "export", "--data-dir", data_dir)["seed"]
        self.run_json("keys", "encrypt", *given)
        with open(os.path.join(data_dir, "node.key"), encoding="ascii") as file:
            self.assertNotIn(seed, file.read())
        shown = self.run_json("keys", "show", *given)
        self.assertTrue(shown["encrypted"])
        self.assertEqual(shown["node_id"], net.nodes[0]["node_id"])
        self.assertEqual(self.run_json("keys", "export", *given)["seed"], seed)

        wrong = os.path.join(self.directory, "wrong")
        with open(wrong, "w", encoding="ascii", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write("battery staple\n")
        net.start_node(0, ["--passphrase-file", wrong])
        harness.wait_until(lambda: not net.runs(0), 30, "the node to refuse a wrong passphrase")
        self.assertIn("passphrase is wrong", net.log_tail(0))
        net.start_node(0)  # detached from any terminal
        harness.wait_until(lambda: not net.runs(0), 30, "the node to refuse to start without a passphrase")
        self.assertIn("--passphrase-file", net.log_tail(0))
        net.start_node(0, ["--passphrase-file", passphrase])
        net.wait_ready()
        self.trade(net.client(0), 1)
        net.stop_node(0)
        self.run_json("keys", "decrypt", *given)
        net.start_node(0)
        net.wait_ready()


if __name__ == "__main__":
    harness.main()

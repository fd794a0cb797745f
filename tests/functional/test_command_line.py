"""The program as people and their scripts use it: commands, --json, standard input, exit codes."""

import json
import os
import select
import signal
import subprocess
import time

import harness


class Commands(harness.FunctionalCase):
    def setUp(self):
        super().setUp()
        self.net = self.new_testnet(1)
        self.data_dir = self.net.nodes[0]["data_dir"]

    def ask(self, *arguments):
        return self.run_json(*arguments, "--data-dir", self.data_dir)

    def refused(self, *arguments):
        code, output, errors = self.run_program(*arguments, "--data-dir", self.data_dir)
        self.assertNotEqual(code, 0, output)
        self.assertTrue(errors.strip(), "an error without a word on standard error")
        return errors

    def test_a_first_trade(self):
        self.ask("faucet", "BTC", "2", "--account", "alice")
        self.ask("faucet", "USD", "100000", "--account", "bob")
        sold = self.ask("order", "sell", "BTC-USD", "0.5", "@", "60000", "--account", "alice")
        self.assertEqual(sold["status"], "resting")
        self.assertEqual([row["order_id"] for row in self.ask("orders", "--account", "alice")["orders"]],
                         [sold["order_id"]])
        bought = self.ask("order", "buy", "BTC-USD", "0.2", "@", "60000", "--account", "bob")
        self.assertEqual(bought["status"], "filled")
        self.assertEqual(self.ask("book", "BTC-USD")["asks"], [["60000", "0.3", 1]])
        self.assertEqual(len(self.ask("trades", "BTC-USD")["trades"]), 1)
        balances = {row["asset"]: row["total"] for row in self.ask("balances", "--account", "bob")["balances"]}
        self.assertEqual(balances["BTC"], "0.2")
        self.ask("cancel", sold["order_id"], "--account", "alice")
        self.assertEqual(self.ask("book", "BTC-USD")["asks"], [])

    def test_each_reading_command_prints_something_for_people(self):
        for command in (["book", "BTC-USD"], ["trades"], ["orders", "--account", "a"], ["status"], ["peers"],
                        ["status", "--digests"]):
            with self.subTest(command=command):
                code, output, errors = self.run_program(*command, "--data-dir", self.data_dir)
                if command[0] != "orders":
                    self.assertEqual(code, 0, errors)
                    self.assertTrue(output.strip())

    def test_mistakes_are_explained(self):
        for arguments in (["order", "buy", "XYZ-USD", "1", "@", "1"], ["order", "buy", "BTC-USD", "1e5", "@", "1"],
                          ["order", "buy", "BTC-USD", "1", "@", "-1"], ["order", "buy"], ["cancel", "nonsense"],
                          ["book", "XYZ-USD"], ["explode"], ["order", "buy", "BTC-USD", "1", "@", "1", "--tif", "never"]):
            with self.subTest(arguments=arguments):
                self.refused(*arguments)
        self.net.stop_node(0)
        self.assertRegex(self.refused("status"), r"(?i)connect|answer|reach|running")

    def test_json_errors_are_json(self):
        code, output, _ = self.run_program("book", "XYZ-USD", "--json", "--data-dir", self.data_dir)
        self.assertNotEqual(code, 0)
        answer = json.loads(output)
        self.assertTrue(answer["code"])
        self.assertTrue(answer["message"])

    def test_keys_and_init(self):
        shown = self.run_json("keys", "show", "--data-dir", self.data_dir)
        self.assertEqual(shown["node_id"], self.net.nodes[0]["node_id"])
        self.assertEqual(os.stat(os.path.join(self.data_dir, "node.key")).st_mode & 0o777, 0o600)

    def test_config_check_finds_mistakes(self):
        code, _, errors = self.run_program("config", "check", "--api-port", "99999")
        self.assertNotEqual(code, 0)
        self.assertIn("api-port", errors)
        code, output, _ = self.run_program("config", "show", "--api-port", "9999")
        self.assertEqual(code, 0)
        self.assertIn("9999", output)


class StandardInput(harness.FunctionalCase):
    """`peerbook node --stdin`: a line in, a line out."""

    def start(self, *flags):
        port = harness.free_ports(1)
        path = os.path.join(self.directory, "node.log")
        self.logs.append(path)
        with open(path, "ab") as log:
            node = subprocess.Popen([harness.program(), "node", "--found", "--stdin", "--data-dir",
                                     os.path.join(self.directory, "d"), "--p2p-host", "127.0.0.1", "--p2p-port", "0",
                                     "--api-port", str(port), *flags], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                    stderr=log)
        self.addCleanup(node.stdout.close)
        self.addCleanup(node.stdin.close)
        self.addCleanup(node.wait)
        self.addCleanup(node.kill)
        return node

    def read_until(self, node, word, seconds=30):
        """Reads standard output until `word` was in it; returns all that was read."""
        deadline = time.monotonic() + seconds
        text = ""
        while word not in text:
            ready, _, _ = select.select([node.stdout], [], [], max(0.0, deadline - time.monotonic()))
            self.assertTrue(ready, f"no {word!r} within {seconds} s in:\n{text}")
            piece = os.read(node.stdout.fileno(), 65536).decode()
            self.assertTrue(piece, f"the node ended before {word!r}:\n{text}")
            text += piece
        return text

    def say(self, node, line):
        node.stdin.write((line + "\n").encode())
        node.stdin.flush()

    def test_lines_of_words_trade(self):
        node = self.start()
        for line, answer in (("help", "faucet"), ("as alice", "alice"), ("faucet BTC 1", "done"),
                             ("sell BTC-USD 0.5 @ 60000", "resting"), ("book BTC-USD", "60000"),
                             ("balances", "BTC"), ("orders", "60000"), ("status", "settled"),
                             ("buuy BTC-USD 1 @ 1", "buy"), ("buy BTC-USD 1e3 @ 1", "1e3"), ("trades", "\n")):
            with self.subTest(line=line):
                self.say(node, line)
                self.read_until(node, answer)
        node.send_signal(signal.SIGTERM)
        self.assertEqual(node.wait(timeout=20), 0)

    def test_json_lines_get_one_json_line_each(self):
        node = self.start("--json", "--exit-on-eof")
        order = {"account": "alice", "market": "BTC-USD", "side": "sell", "price": "60000", "quantity": "0.5"}
        for line, key, value in (
                (json.dumps({"op": "faucet", "account": "alice", "asset": "BTC", "amount": "1"}), "status", "done"),
                (json.dumps(order), "status", "resting"), (json.dumps({**order, "price": "1e9"}), "code", None),
                (json.dumps({**order, "quantity": "9"}), "status", "rejected"), ("{broken", "code", None)):
            with self.subTest(line=line):
                self.say(node, line)
                answer = json.loads(self.read_until(node, "\n"))
                self.assertTrue(answer[key])
                if value is not None:
                    self.assertEqual(answer[key], value)
                else:
                    self.assertTrue(answer["message"])
        node.stdin.close()
        self.assertEqual(node.wait(timeout=20), 0)

    def test_the_end_of_input_does_not_stop_a_node(self):
        node = self.start()
        address = os.path.join(self.directory, "d", "api.address")
        harness.wait_until(lambda: os.path.exists(address), 30, "the node to listen")
        with open(address, encoding="ascii") as file:
            client = harness.NodeClient(file.read().strip().removeprefix("http://"), os.path.join(self.directory, "d"))
        harness.wait_until(client.is_ready, 30, "the node to be ready")
        node.stdin.close()
        # It had the time to see the end of input: an order goes through it and its disk.
        self.fund(client, "alice", USD="1000")
        self.assertEqual(self.order(client, "alice", "BTC-USD", "buy", "10", "1")["status"], "resting")
        self.assertIsNone(node.poll())


if __name__ == "__main__":
    harness.main()

"""`peerbook node` without arguments: alone it trades provisionally, with the first other node it founds a ledger."""

import os
import signal

import harness


class Founding(harness.FunctionalCase):
    def setUp(self):
        super().setUp()
        self.base = harness.free_ports(16)
        self.processes = {}

    def data_dir(self, name):
        return os.path.join(self.directory, name)

    def begin(self, name, index, *flags, peers=()):
        """A node of the demo network; `peers`: indexes of those that it is told of."""
        arguments = ["node", "--data-dir", self.data_dir(name), "--p2p-host", "127.0.0.1", "--p2p-port",
                     str(self.base + 2 * index), "--api-port", str(self.base + 2 * index + 1), *flags]
        for peer in peers:
            arguments += ["--bootstrap", f"127.0.0.1:{self.base + 2 * peer}"]
        process, path = self.spawn(*arguments, log=f"{name}.log")
        self.processes[name] = (process, path, index)
        harness.wait_until(lambda: self.try_status(name) is not None, 20, f"node {name} answers")

    def stop(self, name):
        process, _, _ = self.processes[name]
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=15), 0)

    def client(self, name):
        return harness.NodeClient(f"127.0.0.1:{self.base + 2 * self.processes[name][2] + 1}", self.data_dir(name))

    def try_status(self, name):
        try:
            return self.client(name).get("/api/v1/status")
        except (OSError, harness.RequestError):
            return None

    def wait_for(self, name, seconds=30, **wanted):
        self.wait_status(self.client(name), f"node {name}", seconds, **wanted)

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
        self.assertEqual(self.balances(self.client("ann"), "alice")["USD"], ("1000", "0"))

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
        self.assertEqual(self.balances(self.client("ben"), "bob")["USD"], ("5", "0"))

    def test_two_ledgers_stay_apart_and_say_so(self):
        self.begin("ann", 0, "--found")
        self.begin("ben", 1, "--found", peers=[0])
        log = self.processes["ben"][1]

        def refused():
            with open(log, encoding="utf-8") as file:
                return "wrong ledger" in file.read()

        harness.wait_until(refused, 20, "the log of ben says that the other is of another ledger")
        self.wait_for("ann", role="member", members=1)
        self.wait_for("ben", role="member", members=1)


if __name__ == "__main__":
    harness.main()

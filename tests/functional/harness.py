"""What functional tests share: real nodes in a temporary directory, polling with deadlines, logs on failure."""

import atexit
import http.client
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts", "lib"))
from node_client import NodeClient, RequestError  # noqa: E402,F401
from testnet import ROOT, Testnet, TestnetError, port_is_free, program, wait_until  # noqa: E402,F401

_open_testnets = []
_open_processes = []


def _end_everything():
    for testnet in _open_testnets:
        for index in testnet.running():
            os.kill(testnet.node(index)["pid"], signal.SIGKILL)
        testnet.stop_proxy()
    for process in _open_processes:
        if process.poll() is None:
            process.kill()


# Children are killed however this process ends, short of kill -9; a time-out of ctest sends SIGTERM first.
atexit.register(_end_everything)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


def free_ports(count):
    """The first of `count` free ports in a row, below the range that the system gives to outgoing connections."""
    for _ in range(200):
        base = random.randrange(12000, 32000 - count)
        if all(port_is_free(base + offset) for offset in range(count)):
            return base
    raise TestnetError(f"found no {count} free ports in a row")


class FunctionalCase(unittest.TestCase):
    """A test with nodes. Whatever it starts ends with it; if it fails, the ends of the nodes' logs are printed."""

    maxDiff = None

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="peerbook-test-")
        self.logs = []
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.addCleanup(self.show_logs_if_failed)

    def show_logs_if_failed(self):
        outcome = self._outcome.result
        if any(getattr(test, "test_case", test) is self for test, _ in outcome.failures + outcome.errors):
            for path in self.logs:
                if os.path.exists(path):
                    with open(path, encoding="utf-8", errors="replace") as file:
                        print(f"--- the end of {path}\n{''.join(file.readlines()[-60:])}", file=sys.stderr)

    def new_testnet(self, members, start=True, name="net", **options):
        """A testnet with free ports, started and ready unless told not to."""
        count = members + options.get("observers", 0)
        base = free_ports(2 * count + count * count + 2)
        made = Testnet.create(os.path.join(self.directory, name), members, base_port=base, **options)
        _open_testnets.append(made)
        self.addCleanup(_open_testnets.remove, made)
        self.addCleanup(made.down)
        self.logs += [made.log_path(node["index"]) for node in made.nodes]
        if start:
            made.start()
        return made

    def spawn(self, *arguments, log="process.log", **options):
        """Starts the program with its output in a log file; returns (process, path of the log)."""
        path = os.path.join(self.directory, log)
        self.logs.append(path)
        with open(path, "ab") as file:
            process = subprocess.Popen([program(), *arguments], stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                                       **options)
        _open_processes.append(process)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process, path

    def run_program(self, *arguments, timeout_s=60, stdin=None):
        """Runs the program to its end; returns (exit code, standard output, standard error)."""
        done = subprocess.run([program(), *arguments], input=stdin, stdin=None if stdin else subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=timeout_s, check=False)
        return done.returncode, done.stdout, done.stderr

    def run_json(self, *arguments, timeout_s=60):
        """Runs the program, which must succeed, with --json; returns the parsed answer."""
        code, output, errors = self.run_program(*arguments, "--json", timeout_s=timeout_s)
        self.assertEqual(code, 0, f"peerbook {' '.join(arguments)}:\n{output}\n{errors}")
        return json.loads(output)

    def assert_ends_with_error(self, process, log, *words, seconds=30):
        """The process must end by itself, with a code other than 0, and its log must say why."""
        try:
            code = process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.fail(f"still running after {seconds} s instead of an error about {words}")
        with open(log, encoding="utf-8", errors="replace") as file:
            text = file.read()
        self.assertGreater(code, 0, f"ended with {code}:\n{text}")
        for word in words:
            self.assertRegex(text.lower(), word.lower())

    def fund(self, client, account, **amounts):
        for asset, amount in amounts.items():
            client.post("/api/v1/orders", {"op": "faucet", "account": account, "asset": asset, "amount": str(amount)})

    def order(self, client, account, market, side, price, quantity, **more):
        return client.post("/api/v1/orders", {"account": account, "market": market, "side": side, "price": str(price),
                                              "quantity": str(quantity), **more})

    def trade(self, client, number):
        """One trade between two accounts of a node."""
        self.fund(client, f"seller-{number}", BTC="1")
        self.fund(client, f"buyer-{number}", USD="100000")
        self.order(client, f"seller-{number}", "BTC-USD", "sell", "60000", "1")
        filled = self.order(client, f"buyer-{number}", "BTC-USD", "buy", "60000", "1")
        self.assertEqual(filled["status"], "filled")

    def wait_status(self, client, what, seconds, **wanted):
        """Until the node answers with these values."""
        def reached():
            try:
                status = client.get("/api/v1/status")
            except (OSError, RequestError) as error:
                last["said"] = error
                return False
            last["said"] = status["says"]
            return all(str(status[name]) == str(value) for name, value in wanted.items())

        last = {}
        try:
            wait_until(reached, seconds, what)
        except TestnetError as error:
            raise TestnetError(f"{error}; wanted {wanted}, it says: {last.get('said')}") from None

    def balances(self, client, account):
        """{asset: (total, reserved)} of an account, named or by id."""
        rows = client.get(f"/api/v1/accounts/{account}")["balances"]
        return {row["asset"]: (row["total"], row["reserved"]) for row in rows}


class DemoNodes(FunctionalCase):
    """Nodes of the demo network, which names no members, each started with its own flags."""

    def setUp(self):
        super().setUp()
        self.base = free_ports(16)
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
        wait_until(lambda: self.try_status(name) is not None, 20, f"node {name} answers")

    def stop(self, name):
        process, _, _ = self.processes[name]
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=15), 0)

    def client(self, name):
        return NodeClient(f"127.0.0.1:{self.base + 2 * self.processes[name][2] + 1}", self.data_dir(name))

    def try_status(self, name):
        try:
            return self.client(name).get("/api/v1/status")
        except (OSError, RequestError):
            return None

    def wait_for(self, name, seconds=30, **wanted):
        self.wait_status(self.client(name), f"node {name}", seconds, **wanted)


def main():
    """Runs the tests of the calling file, or says why it cannot."""
    if not os.access(program(), os.X_OK):
        print(f"NOTHING RAN: {program()} is missing; `cmake --preset release && cmake --build --preset release` makes it")
        return
    unittest.main()

"""What functional tests share: real nodes in a temporary directory, polling with deadlines, logs on failure.

PEERBOOK_FAULTS=SEED[,SEED…] runs them in bad weather, once with each seed: the links of every testnet lead through
scripts/lib/tcp_proxy.py in a storm of the seed and the test's name (the same faults in the same order; what they hit
depends on time). Deadlines are then longer, a request that a node answers with 503 is made again, and when a test
ends, its links are mended and the nodes must agree: see `assert_mended`. Tests whose claims do not hold in bad weather
say why with `fair_weather_only`.
"""

import atexit
import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts", "lib"))
import testnet as testnet_module  # noqa: E402
from node_client import NodeClient, RequestError  # noqa: E402,F401
from testnet import ROOT, Testnet, TestnetError, port_is_free, program, wait_until  # noqa: E402,F401

# Nodes of tests on one machine would find each other. A test of just that switches it on.
os.environ["DISCOVERY_MDNS"] = "off"
# The nodes would take the name for a setting.
FAULTS = [seed for seed in os.environ.pop("PEERBOOK_FAULTS", "").split(",") if seed]
_seed = None  # the one of FAULTS that is run
if FAULTS:
    testnet_module.patience = 3
REFUSED_MAX_S = 20  # how long a request is made again in bad weather
SUSPECT_MS = 5_000 if FAULTS else 2_000  # for tests that wait until a silent member is left out
FAULTS_PER_LINK = 3  # a test in bad weather ends after so many of them, or after
STORM_MAX_S = 10
_faults_done = {}  # what proxies did in all, by kind

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


PORTS_FIRST, PORTS_LAST, PORT_BLOCK = 12000, 32000, 500
_port_block = None  # (socket that holds the block for this process, its first port)
_ports_used = 0


def _hold_port_block():
    """A block of ports that no other test process chooses from: each is held by a name that ends with its holder."""
    blocks = list(range(PORTS_FIRST, PORTS_LAST, PORT_BLOCK))
    random.shuffle(blocks)
    for first in blocks:
        holder = socket.socket(socket.AF_UNIX)
        try:
            holder.bind(f"\0peerbook-test-ports-{first}")
            return holder, first
        except OSError:
            holder.close()
    raise TestnetError("every block of ports is held by a test")


def free_ports(count):
    """The first of `count` free ports in a row, below the range that the system gives to outgoing connections."""
    global _port_block, _ports_used
    _port_block = _port_block or _hold_port_block()
    for _ in range(2 * PORT_BLOCK):
        if _ports_used + count > PORT_BLOCK:
            _ports_used = 0
        base = _port_block[1] + _ports_used
        if all(port_is_free(base + offset) for offset in range(count)):
            _ports_used += count
            return base
        _ports_used += 1
    raise TestnetError(f"found no {count} free ports in a row")


def fair_weather_only(why):
    """For a test, or a class of them, whose claims do not hold under PEERBOOK_FAULTS."""
    return unittest.skipIf(FAULTS, f"fair weather only: {why}")


class StormyClient(NodeClient):
    """Makes a request again that the node answers with 503, and notes what was acknowledged."""

    def __init__(self, *arguments, acknowledged):
        super().__init__(*arguments)
        self.acknowledged = acknowledged

    def request(self, method, path, body=None):
        deadline = time.monotonic() + REFUSED_MAX_S
        while True:
            try:
                answer = super().request(method, path, body)
            except RequestError as error:
                # Load with short time-outs passes over nodes that refuse, as it does in fair weather.
                if error.status != 503 or self.timeout_s < 10 or time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
                continue
            if method == "POST" and path.startswith("/api/v1/orders"):
                sent = body if isinstance(body, list) else [body]
                results = answer["results"] if isinstance(body, list) else [answer]
                for command, result in zip(sent, results):
                    if result.get("durable"):
                        self.acknowledged.append((self, command["account"], result))
            return answer


class StormyTestnet(Testnet):
    """Its clients are stormy ones."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.acknowledged = []  # (client, account, answer)

    def client(self, index, timeout_s=30):
        node = self.node(index)
        return StormyClient(node["api"], node["data_dir"], timeout_s, acknowledged=self.acknowledged)

    def wait_equal(self, indexes=None, seconds=60):
        """Also until nothing acknowledged is missing: what a view change made void is in no book and in no count of
        unsettled commands until its node, perhaps left out, issues it again."""
        indexes = self.running() if indexes is None else indexes
        wait_until(lambda: not self.not_executed(indexes), seconds, "acknowledged commands to be executed everywhere")
        return super().wait_equal(indexes, seconds)

    def not_executed(self, indexes):
        """[(account, node)] where a command that one of these nodes acknowledged was not executed yet."""
        nonces = {}
        for client, account, answer in list(self.acknowledged):
            key = (client.api, account)
            nonces[key] = max(nonces.get(key, 0), int(answer["nonce"]))
        clients = {index: self.client(index, 5) for index in indexes}
        homes = {client.api: client for client in clients.values()}
        missing = []
        for (api, account), nonce in nonces.items():
            if api not in homes:
                continue  # its node is gone, and with it what its accounts are called
            try:
                account_id = homes[api].get(f"/api/v1/accounts/{account}")["id"]
                missing += [(account, index) for index, client in clients.items()
                            if int(client.get(f"/api/v1/accounts/{account_id}")["next_nonce"]) <= nonce]
            except (OSError, RequestError) as error:
                missing.append((account, str(error)))
        return missing


class FunctionalCase(unittest.TestCase):
    """A test with nodes. Whatever it starts ends with it; if it fails, the ends of the nodes' logs are printed."""

    maxDiff = None

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="peerbook-test-")
        self.logs = []
        self.stormy = []  # testnets to look at when the test ends
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.addCleanup(self.show_logs_if_failed)

    def has_failed(self):
        outcome = self._outcome.result
        return any(getattr(test, "test_case", test) is self for test, _ in outcome.failures + outcome.errors)

    def show_logs_if_failed(self):
        if self.has_failed():
            for path in self.logs:
                if os.path.exists(path):
                    with open(path, encoding="utf-8", errors="replace") as file:
                        print(f"--- the end of {path}\n{''.join(file.readlines()[-60:])}", file=sys.stderr)

    def new_testnet(self, members, start=True, name="net", **options):
        """A testnet with free ports, started and ready unless told not to."""
        count = members + options.get("observers", 0)
        if FAULTS and count == 1:
            self.skipTest("fair weather only: one node has no links")
        if FAULTS:
            options["storm"] = f"{_seed}.{self._testMethodName}.{name}"
        base = free_ports(2 * count + count * count + 2)
        kind = StormyTestnet if FAULTS else Testnet
        made = kind.create(os.path.join(self.directory, name), members, base_port=base, **options)
        if FAULTS:
            self.stormy.append(made)
        _open_testnets.append(made)
        self.addCleanup(_open_testnets.remove, made)
        self.addCleanup(made.down)
        self.logs += [made.log_path(node["index"]) for node in made.nodes]
        if start:
            made.start()
        return made

    def tearDown(self):
        # Of a test that failed already this would only hide why.
        if FAULTS and self._outcome.success:
            for net in self.stormy:
                if net.running():
                    self.go_on_in_the_storm(net)
                    self.assert_mended(net)

    def go_on_in_the_storm(self, net):
        """More commands at every node until the storm has done something to each link: many tests are quicker."""
        running = net.running()
        wanted = FAULTS_PER_LINK * len(running) * (len(running) - 1) // 2
        deadline = time.monotonic() + STORM_MAX_S
        while time.monotonic() < deadline:
            counts = net.fault_counts()
            if counts["faults"] >= wanted and counts["damaged"] + counts["lost"] + counts["broken"]:
                return
            for index in running:
                self.fund(net.client(index), f"weather-{index}", USD="1")
                time.sleep(0.02)

    def assert_mended(self, net):
        """What must hold once the links of a testnet are well again, however bad they were."""
        counts = net.fault_counts()
        for name, count in counts.items():
            _faults_done[name] = _faults_done.get(name, 0) + count
        for pid, child in net.children.items():
            self.assertIn(child.poll(), (None, 0, -signal.SIGKILL), f"process {pid} ended by itself; see the logs")
        net.calm()
        running = net.running()
        net.wait_ready()
        clients = {index: net.client(index) for index in running}
        others = len(running) - 1

        def all_have_met():
            peers = {index: client.get("/api/v1/peers") for index, client in clients.items()}
            seen["peers"] = peers
            return all(sum(peer["state"] == "connected" for peer in answer["peers"]) == others
                       for answer in peers.values())

        seen = {}
        try:
            wait_until(all_have_met, 20, "every session to come back")
        except TestnetError as error:
            self.fail(f"{error}: {json.dumps(seen['peers'], indent=1)}")
        net.wait_equal(running)
        for index, answer in seen["peers"].items():
            self.assertEqual(answer["stats"]["bans"], "0", f"node {index} banned a peer for the state of its link")
            self.assertEqual(net.ways_around(index), [], f"node {index} found a way around the proxy")
        self.assert_acknowledged_everywhere(net, clients)

    def assert_acknowledged_everywhere(self, net, clients):
        """Each command that a node acknowledged was executed by all; an order that rests there rests everywhere."""
        self.assertEqual(net.not_executed(list(clients)), [])
        homes = {client.api for client in clients.values()}
        resting = [answer["order_id"] for client, _, answer in net.acknowledged
                   if client.api in homes and answer["status"] in ("resting", "partially_filled")]
        for order_id in resting[-100:]:
            self.assertEqual(len({self.leaves(client, order_id) for client in clients.values()}), 1, order_id)

    @staticmethod
    def leaves(client, order_id):
        """What an order has open; "0" for one that ended, which a node may remember or not."""
        try:
            order = client.get(f"/api/v1/orders/{order_id}")
            return order["leaves"] if order["state"] in ("resting", "waiting") else "0"
        except RequestError as error:
            if error.status != 404:
                raise
            return "0"

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
        """Until the node answers with these values; in bad weather `view` may be any."""
        def reached():
            try:
                status = client.get("/api/v1/status")
            except (OSError, RequestError) as error:
                last["said"] = error
                return False
            last["said"] = status["says"]
            return all(str(status[name]) == str(value) for name, value in wanted.items())

        if FAULTS:
            wanted.pop("view", None)  # a storm may cost a member its place, and that makes views
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
        # Only its ports and links: these nodes know no network file, and each makes its key when it starts.
        self.net = self.new_testnet(1, observers=3, start=False, name="demo")
        self.base = int(self.net.node(0)["p2p"].split(":")[1])
        self.processes = {}

    def data_dir(self, name):
        return os.path.join(self.directory, name)

    def begin(self, name, index, *flags, peers=()):
        """A node of the demo network; `peers`: indexes of those that it is told of."""
        self.net.node(index)["data_dir"] = self.data_dir(name)
        arguments = ["node", "--data-dir", self.data_dir(name), "--p2p-host", "127.0.0.1", "--p2p-port",
                     str(self.base + 2 * index), "--api-port", str(self.base + 2 * index + 1), *flags]
        if FAULTS:
            arguments += ["--broadcast", "off"]
        for address in self.addresses(index, peers):
            arguments += ["--bootstrap", address]
        process, path = self.spawn(*arguments, log=f"{name}.log")
        self.processes[name] = (process, path, index)
        self.net.adopt(index, process)
        wait_until(lambda: self.try_status(name) is not None, 20, f"node {name} answers")

    def addresses(self, index, peers):
        if not FAULTS:
            return [self.net.node(peer)["p2p"] for peer in peers]
        # Each link has one end that dials. Nodes that may not tell addresses must be told of all the others.
        self.net.start_proxy()
        return self.net.bootstrap(index) if peers else []

    def stop(self, name):
        process, _, _ = self.processes[name]
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=15), 0)

    def client(self, name):
        return self.net.client(self.processes[name][2])

    def try_status(self, name):
        try:
            return self.client(name).get("/api/v1/status")
        except (OSError, RequestError):
            return None

    def wait_for(self, name, seconds=30, **wanted):
        self.wait_status(self.client(name), f"node {name}", seconds, **wanted)

    def wait_for_balance(self, name, account, usd):
        """What was taken before the ledger is issued again in it, and does not count as unsettled until then."""
        def reached():
            try:
                return self.balances(self.client(name), account)["USD"] == usd
            except RequestError as error:
                self.assertEqual(error.status, 404)
                return False

        wait_until(reached, 20, f"{account} to have {usd}")


def main():
    """Runs the tests of the calling file, or says why it cannot."""
    if not os.access(program(), os.X_OK):
        print(f"NOTHING RAN: {program()} is missing; `cmake --preset release && cmake --build --preset release` makes it")
        return
    global _seed
    failed = []
    for _seed in FAULTS or [None]:
        if not unittest.main(exit=False).result.wasSuccessful():
            failed.append(_seed)
    if FAULTS:
        print(f"bad weather {','.join(FAULTS)}: {_faults_done}", file=sys.stderr)
        if _faults_done and not any(_faults_done[kind] for kind in ("damaged", "lost", "broken")):
            sys.exit("the weather was fair: these tests proved nothing")
    if failed:
        sys.exit(f"PEERBOOK_FAULTS={','.join(failed)} failed" if FAULTS else 1)

"""What tests of discovery share: nodes of a network that names no members, each started with its own flags."""

import hashlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
import uuid

import harness
from node_client import NodeClient, RequestError

HERE = os.path.dirname(os.path.abspath(__file__))
NETWORK = """name = "discovery-{name}"
mode = "open"
[[assets]]
name = "USD"
decimals = 8
faucet_max = "1000000000"
[[assets]]
name = "BTC"
decimals = 8
faucet_max = "1000000000"
[[markets]]
symbol = "BTC-USD"
base = "BTC"
quote = "USD"
tick = "0.01"
lot = "0.000001"
"""
FIRST_PEER_MAX_S = 30  # printed, far below this where nothing is wrong
PORTS_OF_A_NODE = 6  # peers, REST, DHT, Grape, registry, Grenache's RPC


def write_network(directory, name="network"):
    """The path of a network file. Each is of a network of its own, so that tests that run at the same time do not meet."""
    path = os.path.join(directory, f"{name}.toml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(NETWORK.format(name=uuid.uuid4()))
    return path


def service_name(network_id):
    """PROTOCOL.md, "Finding peers by name"."""
    domain = b"peerbook service"
    return hashlib.blake2b(bytes([len(domain)]) + domain + bytes.fromhex(network_id), digest_size=32).hexdigest()[:20]


def rpc_service_name(network_id):
    """PROTOCOL.md, "Grenache's RPC"."""
    domain = b"peerbook rpc service"
    return hashlib.blake2b(bytes([len(domain)]) + domain + bytes.fromhex(network_id), digest_size=32).hexdigest()[:20]


def post(port, path, body, headers=None, host="127.0.0.1"):
    """(status, text) of the answer to a POST."""
    connection = http.client.HTTPConnection(f"{host}:{port}", timeout=15)
    try:
        connection.request("POST", path, body if isinstance(body, (bytes, str)) else json.dumps(body), headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def grape(port, call, body, headers=None):
    """(status, text) of a Grape's answer."""
    return post(port, "/" + call, body, headers)


def ask(port, call, data):
    """What a Grape answers to a question that it understands."""
    status, text = grape(port, call, {"rid": str(uuid.uuid4()), "data": data})
    assert status == 200, (status, text)
    return json.loads(text) if text else None


class DiscoveryCase(harness.FunctionalCase):
    nodes_max = 10
    host = "127.0.0.1"
    environment = {}  # of the nodes, beside this process's

    def setUp(self):
        super().setUp()
        self.base = harness.free_ports(PORTS_OF_A_NODE * self.nodes_max)
        self.nodes = {}  # name → (process, path of the log, client, first port)
        self.network = write_network(self.directory)

    def p2p(self, name):
        return f"{self.host}:{self.nodes[name][3]}"

    def dht(self, name):
        return f"{self.host}:{self.nodes[name][3] + 2}"

    def grape_port(self, name):
        return self.nodes[name][3] + 3

    def registry_port(self, name):
        return self.nodes[name][3] + 4

    def rpc_port(self, name):
        return self.nodes[name][3] + 5

    def registry_url(self, name):
        return f"http://{self.host}:{self.registry_port(name)}"

    def begin(self, name, *flags, dht=None, grape_url=None, embedded=False, registry=False, network=None, rpc=False,
              legacy=False):
        """Starts a node, also one that ended, with its data and ports. `dht`: a list of the nodes of the DHT to begin with;
        None: no DHT. `registry`, `rpc`: whether it serves one. `legacy`: by Grenache alone."""
        first = self.nodes[name][3] if name in self.nodes else self.base + PORTS_OF_A_NODE * len(self.nodes)
        data_dir = os.path.join(self.directory, name)
        path = os.path.join(self.directory, f"{name}.log")
        self.logs.append(path)
        command = [harness.program(), "node", "--data-dir", data_dir, "--network", network or self.network, "--p2p-host",
                   self.host, "--p2p-port", str(first), "--api-port", str(first + 1), *flags]
        if dht is not None:
            command += ["--dht", "on", "--dht-port", str(first + 2)]
        if dht:
            command += ["--dht-bootstrap", ",".join(dht)]
        if registry:
            command += ["--serve-registry", "on", "--registry-host", self.host, "--registry-port", str(first + 4)]
        if rpc or legacy:
            command += ["--grenache-rpc-host", "127.0.0.1", "--grenache-rpc-port", str(first + 5)]
        if rpc:
            command += ["--grenache-rpc", "on"]
        environment = {**os.environ, **self.environment}
        if legacy:
            environment["P2P_ENABLED"] = "false"
        if embedded:
            environment.update(EMBEDDED_GRAPE="true", GRAPE_API_PORT=str(first + 3))
        if grape_url:
            environment.update(DISCOVERY_GRENACHE="true", GRAPE_URL=grape_url)
        with open(path, "ab") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.nodes[name] = (process, path, NodeClient(f"127.0.0.1:{first + 1}", data_dir, 10), first)

    def begin_grapes(self):
        """Two nodes of another network, which are nothing here but a Grape each; returns their URLs."""
        other = write_network(self.directory, "other")
        self.begin("grape-1", dht=[], embedded=True, network=other)
        self.wait_up("grape-1")
        self.begin("grape-2", dht=[self.dht("grape-1")], embedded=True, network=other)
        self.wait_up("grape-2")
        ports = [self.grape_port(name) for name in ("grape-1", "grape-2")]
        harness.wait_until(lambda: all(ask(port, "announce", ["a service of no use ", 9]) == 1 for port in ports), 30,
                           "the Grapes to know each other")
        return [f"http://127.0.0.1:{port}" for port in ports]

    def trade_between(self, buyer, seller, number):
        """An order at one node that is filled from another and settles."""
        buyer, seller = self.nodes[buyer][2], self.nodes[seller][2]
        self.fund(buyer, f"alice-{number}", USD=1000)
        self.fund(seller, f"bob-{number}", BTC=1)
        self.order(buyer, f"alice-{number}", "BTC-USD", "buy", "600", "0.5")
        harness.wait_until(lambda: seller.get("/api/v1/book/BTC-USD")["bids"], 30, "the order to be at the other node")
        filled = seller.post("/api/v1/orders?wait=settled", {"account": f"bob-{number}", "market": "BTC-USD", "side": "sell",
                                                             "price": "500", "quantity": "0.5"})
        self.assertEqual((filled["status"], filled["grade"]), ("filled", "settled"))

    def found_by(self, name):
        return {peer["found_by"] for peer in self.connected(name)}

    def get(self, name, path):
        try:
            return self.nodes[name][2].get(path)
        except (OSError, RequestError, http.client.HTTPException):
            return None

    def wait_up(self, *names):
        for name in names:
            harness.wait_until(lambda name=name: self.get(name, "/api/v1/status"), 30, f"{name} to answer")

    def node_id(self, name):
        self.wait_up(name)
        return self.get(name, "/api/v1/status")["node"]

    def peers(self, name):
        return self.get(name, "/api/v1/peers") or {"peers": [], "discovery": []}

    def connected(self, name):
        return [peer for peer in self.peers(name)["peers"] if peer["state"] == "connected"]

    def way(self, name, way):
        return next((each for each in self.peers(name)["discovery"] if each["name"] == way), {})

    def wait_connected(self, name, count, what, seconds=FIRST_PEER_MAX_S):
        began = time.monotonic()
        harness.wait_until(lambda: len(self.connected(name)) >= count, seconds, f"{name} to have {count} peers ({what})")
        print(f"    {what}: {name} has {count} peer(s) after {time.monotonic() - began:.1f} s", flush=True)

    def wait_all_connected(self, names, what, seconds=60):
        """Until each of them is connected with each other."""
        ids = {self.node_id(name): name for name in names}
        began = time.monotonic()

        def all_have_met():
            return all(len({peer["id"] for peer in self.connected(name)} & set(ids)) == len(ids) - 1 for name in names)

        harness.wait_until(all_have_met, seconds, f"{', '.join(names)} to be connected with each other ({what})")
        print(f"    {what}: {len(names)} nodes are all connected after {time.monotonic() - began:.1f} s", flush=True)

    def wait_one_ledger(self, names, seconds=60):
        """Until all of them are the members of one ledger."""
        for name in names:
            self.wait_status(self.nodes[name][2], f"node {name}", seconds, role="member", members=len(names))
        harness.wait_until(lambda: len({(self.get(name, "/api/v1/status") or {}).get("ledger") for name in names}) == 1, seconds,
                           "one ledger")

    def wait_settled_alike(self, names, trades, seconds=60):
        """Until all of them have settled so many trades, and the same book and balances."""
        seen = {}

        def alike():
            for name in names:
                status = self.get(name, "/api/v1/status") or {}
                seen[name] = {**(self.get(name, "/api/v1/digests") or {}), "unsettled_commands": status.get("unsettled_commands")}
            first = seen[names[0]]
            return all(digests.get("settled_trades") == str(trades) and digests["unsettled_commands"] == "0" and
                       all(digests.get(key) == first.get(key) for key in ("book", "balances", "state", "trades"))
                       for digests in seen.values())

        try:
            harness.wait_until(alike, seconds, f"{trades} settled trades everywhere")
        except harness.TestnetError as error:
            raise harness.TestnetError(f"{error}: {json.dumps(seen, indent=1)}") from None

    def log_of(self, name):
        with open(self.nodes[name][1], encoding="utf-8", errors="replace") as file:
            return file.read()

    def stop(self, name):
        process = self.nodes[name][0]
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=30), 0)

    def kill(self, name):
        self.nodes[name][0].kill()
        self.nodes[name][0].wait()


class GrenacheCase(DiscoveryCase):
    """With the packages of Grenache's authors, from npm."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not shutil.which("npm") or not shutil.which("node"):
            raise unittest.SkipTest("node and npm are not installed")
        cls.packages = tempfile.mkdtemp(prefix="peerbook-grenache-")
        cls.addClassCleanup(shutil.rmtree, cls.packages, ignore_errors=True)
        for file in ("package.json", "client.js"):
            shutil.copy(os.path.join(HERE, "grenache", file), cls.packages)
        try:
            done = subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=0",
                                   "--fetch-timeout=10000"], cwd=cls.packages, timeout=60, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
            said = done.stdout.strip().splitlines()[:1] if done.returncode else None
        except subprocess.TimeoutExpired:
            said = ["no answer in 60 s"]
        if said is not None:
            raise unittest.SkipTest(f"npm cannot install Grenache: {' '.join(said)}")

    def client(self, *words):
        done = subprocess.run(["node", os.path.join(self.packages, "client.js"), *map(str, words)], timeout=40,
                              stdout=subprocess.PIPE, check=True, text=True)
        return json.loads(done.stdout.strip().splitlines()[-1])

"""A network of nodes as processes of this machine, kept in a directory.

    DIR/network.toml      the network: assets, markets, members
    DIR/node-I/           data directory of node I, with DIR/node-I.log and DIR/node-I.pid
    DIR/testnet.json      {"nodes": [{"index", "api", "p2p", "data_dir", "pid", "member"}], "links", "control"}

Ports are base + 2 I for peers and base + 2 I + 1 for REST. A proxied testnet adds a TCP proxy process: node I dials
each lower node J through the link "I-J", which can be cut, damaged and healed. No node tells its address (`--broadcast
off`), so none finds a way around the proxy; `ways_around()` says if one does.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

from node_client import NodeClient, RequestError

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROXY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tcp_proxy.py")
STATE_FILE = "testnet.json"
NODES_MAX = 100
FAUCET_MAX = "1000000000"

# Multiplies every deadline: for tests on machines or links that are slower than usual.
patience = 1

ASSETS = [("USD", 8), ("BTC", 8), ("ETH", 8), ("ACME", 0)]
MARKETS = [("BTC-USD", "0.01", "0.000001"), ("ETH-USD", "0.01", "0.00001"), ("ACME-USD", "0.01", "1")]


class TestnetError(Exception):
    """Something a person can act on; the message says what."""

    __test__ = False


def program():
    """The peerbook program: TESTNET_PROGRAM, or the release build."""
    return os.environ.get("TESTNET_PROGRAM") or os.path.join(ROOT, "build", "release", "peerbook")


def network_toml(members, market_count=0):
    """A network of play money with the given members: demo-like markets, or M0-USD, M1-USD, … if counted."""
    assets, markets = ASSETS, MARKETS
    if market_count:
        assets = [("USD", 8)] + [(f"M{i}", 0) for i in range(market_count)]
        markets = [(f"M{i}-USD", "0.01", "1") for i in range(market_count)]
    lines = ['name = "testnet"', 'mode = "open"', f"members = {json.dumps(members)}", ""]
    for name, decimals in assets:
        lines += ["[[assets]]", f'name = "{name}"', f"decimals = {decimals}", f'faucet_max = "{FAUCET_MAX}"', ""]
    for symbol, tick, lot in markets:
        base, quote = symbol.split("-")
        lines += ["[[markets]]", f'symbol = "{symbol}"', f'base = "{base}"', f'quote = "{quote}"', f'tick = "{tick}"',
                  f'lot = "{lot}"', ""]
    return "\n".join(lines)


def wait_until(condition, seconds, what, every_s=0.05):
    """Polls until condition() is true and returns its value; raises TestnetError after `seconds` times `patience`."""
    seconds *= patience
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TestnetError(f"waited {seconds} s in vain for {what}")
        time.sleep(every_s)


def port_is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def process_runs(pid, marker):
    """True if `pid` lives (and is no zombie) and its command line contains `marker`: pids are used again."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            if file.read().rsplit(")", 1)[1].split()[0] == "Z":
                return False
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return marker.encode() in file.read()
    except (OSError, IndexError):
        return False


class Testnet:
    """Nodes of one directory. Several objects (and processes) may look at one directory; only one should change it."""

    __test__ = False

    def __init__(self, directory, state):
        self.directory = os.path.abspath(directory)
        self.state = state
        self.children = {}  # pid → Popen of processes that this object started, to reap them

    # --- making and opening

    @classmethod
    def create(cls, directory, member_count, observers=0, base_port=31000, markets=0, proxied=False,
               storm=None):
        """Makes keys, the network file and the state; starts nothing.

        `storm`: a word; the links, which are then proxied, are never well for long, as this seed says.
        """
        directory = os.path.abspath(directory)
        count = member_count + observers
        if member_count < 1 or observers < 0 or count > NODES_MAX:
            raise TestnetError(f"a testnet has 1 to {NODES_MAX} nodes, one of them a member at least")
        if not 0 <= markets <= 4096:
            raise TestnetError("a network has at most 4096 markets")
        if os.path.exists(os.path.join(directory, STATE_FILE)):
            raise TestnetError(f"{directory} holds a testnet already: `down --remove` removes it")
        if not os.access(program(), os.X_OK):
            raise TestnetError(f"{program()} is missing: `scripts/run` or `cmake --preset release` builds it")
        proxied = proxied or storm is not None
        link_names = [f"{i}-{j}" for i in range(count) for j in range(i)] if proxied else []
        last_port = base_port + 2 * count + len(link_names) + 1
        if not 1024 <= base_port or last_port > 65535:
            raise TestnetError(f"ports {base_port} to {last_port} are not all between 1024 and 65535")
        os.makedirs(directory, exist_ok=True)
        nodes = []
        members = []
        for index in range(count):
            data_dir = os.path.join(directory, f"node-{index}")
            done = subprocess.run([program(), "init", "--data-dir", data_dir, "--json"], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
            if done.returncode != 0:
                raise TestnetError(f"peerbook init failed: {done.stderr.strip() or done.stdout.strip()}")
            node_id = json.loads(done.stdout)["node_id"]
            if index < member_count:
                members.append(node_id)
            nodes.append({"index": index, "node_id": node_id, "member": index < member_count,
                          "p2p": f"127.0.0.1:{base_port + 2 * index}", "api": f"127.0.0.1:{base_port + 2 * index + 1}",
                          "data_dir": data_dir, "pid": None})
        with open(os.path.join(directory, "network.toml"), "w", encoding="utf-8") as file:
            file.write(network_toml(members, markets))
        first_link_port = base_port + 2 * count + 1
        state = {"nodes": nodes, "links": {name: f"127.0.0.1:{first_link_port + i}" for i, name in enumerate(link_names)},
                 "control": f"127.0.0.1:{base_port + 2 * count}" if proxied else None, "proxy_pid": None,
                 "storm": storm}
        testnet = cls(directory, state)
        testnet.save()
        return testnet

    @classmethod
    def open(cls, directory):
        path = os.path.join(directory, STATE_FILE)
        try:
            with open(path, encoding="utf-8") as file:
                return cls(directory, json.load(file))
        except FileNotFoundError:
            raise TestnetError(f"there is no testnet in {os.path.abspath(directory)} (no {STATE_FILE})") from None

    def save(self):
        path = os.path.join(self.directory, STATE_FILE)
        with open(path + ".new", "w", encoding="utf-8") as file:
            json.dump(self.state, file, indent=2)
            file.write("\n")
        os.replace(path + ".new", path)

    # --- asking

    @property
    def nodes(self):
        return self.state["nodes"]

    def node(self, index):
        if not 0 <= index < len(self.nodes):
            raise TestnetError(f"there is no node {index}: nodes are 0 to {len(self.nodes) - 1}")
        return self.nodes[index]

    def client(self, index, timeout_s=30):
        node = self.node(index)
        return NodeClient(node["api"], node["data_dir"], timeout_s)

    def log_path(self, index):
        return os.path.join(self.directory, f"node-{index}.log")

    def log_tail(self, index, lines=40):
        try:
            with open(self.log_path(index), encoding="utf-8", errors="replace") as file:
                return "".join(file.readlines()[-lines:])
        except FileNotFoundError:
            return ""

    def runs(self, index):
        node = self.node(index)
        child = self.children.get(node["pid"])
        if child is not None:
            return child.poll() is None
        return node["pid"] is not None and process_runs(node["pid"], node["data_dir"])

    def running(self):
        return [node["index"] for node in self.nodes if self.runs(node["index"])]

    def digests(self, index):
        return self.client(index).get("/api/v1/digests")

    def wait_ready(self, indexes=None, seconds=60):
        for index in self.running() if indexes is None else indexes:

            def ready(index=index):
                if not self.runs(index):
                    raise TestnetError(f"node {index} ended; its log:\n{self.log_tail(index)}")
                return self.client(index, 5).is_ready()

            wait_until(ready, seconds, f"node {index} to be ready; its log:\n{self.log_tail(index, 10)}")

    def wait_equal(self, indexes=None, seconds=60):
        """Waits until all these nodes settled every command and show equal digests; returns them.

        The last blocks of acknowledgements carry no command and need not be settled.
        """
        indexes = self.running() if indexes is None else indexes
        seen = {}

        def equal():
            for index in indexes:
                try:
                    seen[index] = self.digests(index)
                    seen[index]["unsettled_commands"] = self.client(index).get("/api/v1/status")["unsettled_commands"]
                except (OSError, RequestError) as error:
                    seen[index] = {"error": str(error)}
            answers = [seen[index] for index in indexes]
            keys = ("commits", "book", "balances", "state", "trades")
            if any("error" in answer or answer["unsettled_commands"] != "0" for answer in answers):
                return None
            return answers[0] if all(a[k] == answers[0][k] for a in answers for k in keys) else None

        try:
            return wait_until(equal, seconds, "equal digests", every_s=0.2)
        except TestnetError as error:
            raise TestnetError(f"{error}:\n{json.dumps(seen, indent=2)}") from None

    # --- changing

    def bootstrap(self, index):
        if self.state["control"]:
            return [self.state["links"][f"{index}-{lower}"] for lower in range(index)]
        return [self.node(lower)["p2p"] for lower in range(index)]

    def start_node(self, index, extra_flags=()):
        """Starts one node if it does not run. Returns at once; see wait_ready."""
        node = self.node(index)
        if self.runs(index):
            return
        self.start_proxy()
        host, p2p_port = node["p2p"].split(":")
        command = [program(), "node", "--data-dir", node["data_dir"],
                   "--network", os.path.join(self.directory, "network.toml"), "--p2p-host", host,
                   "--p2p-port", p2p_port, "--api-port", node["api"].split(":")[1]]
        if index > 0:
            command += ["--bootstrap", ",".join(self.bootstrap(index))]
        if self.state["control"] and "--broadcast" not in extra_flags:
            command += ["--broadcast", "off"]
        command += list(extra_flags)
        # Nodes of testnets meet where they are told to, not where another testnet happens to be.
        environment = {"DISCOVERY_MDNS": "off", **os.environ, "PEER_RECONNECT_INTERVAL": "2"}
        with open(self.log_path(index), "ab") as log:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
                                     start_new_session=True)
        self.children[child.pid] = child
        node["pid"] = child.pid
        with open(os.path.join(self.directory, f"node-{index}.pid"), "w", encoding="ascii") as file:
            file.write(f"{child.pid}\n")
        self.save()

    def adopt(self, index, process):
        """Takes a process (a Popen) that was started by other means for a node."""
        self.children[process.pid] = process
        self.node(index)["pid"] = process.pid
        self.save()

    def start_proxy(self):
        if not self.state["control"] or process_runs(self.state["proxy_pid"] or 0, PROXY):
            return
        links = [f"{name}={listen}>{self.node(int(name.split('-')[1]))['p2p']}"
                 for name, listen in self.state["links"].items()]
        storm = ["--seed", self.state["storm"], "--storm"] if self.state["storm"] else []
        with open(os.path.join(self.directory, "proxy.log"), "ab") as log:
            child = subprocess.Popen([sys.executable, "-B", PROXY, "--control", self.state["control"], *storm, *links],
                                     stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        self.children[child.pid] = child
        self.state["proxy_pid"] = child.pid
        self.save()

        def listens():
            if child.poll() is not None:
                raise TestnetError(f"the proxy ended: see {self.directory}/proxy.log")
            host, port = self.state["control"].split(":")
            with socket.socket() as probe:
                return probe.connect_ex((host, int(port))) == 0

        wait_until(listens, 10, "the proxy to listen")

    def start(self, wait=True):
        """Starts every node that does not run, and the proxy."""
        for node in self.nodes:
            if not self.runs(node["index"]):
                for address in (node["p2p"], node["api"]):
                    if not port_is_free(int(address.split(":")[1])):
                        raise TestnetError(f"port {address} of node {node['index']} is in use: choose another --base-port")
        self.start_proxy()
        for node in self.nodes:
            self.start_node(node["index"])
        if wait:
            self.wait_ready()

    def signal(self, index, number):
        """Sends a signal; an error if the node does not run."""
        if not self.runs(index):
            raise TestnetError(f"node {index} does not run")
        os.kill(self.node(index)["pid"], number)

    def _wait_gone(self, index, seconds):
        wait_until(lambda: not self.runs(index), seconds, f"node {index} to end")

    def kill(self, index):
        """kill -9: the node gets no chance to write anything more."""
        self.signal(index, signal.SIGKILL)
        self._wait_gone(index, 10)

    def stop_node(self, index, seconds=20):
        """SIGTERM, and SIGKILL if the node has not ended in time. Returns whether it ended by itself."""
        if not self.runs(index):
            return True
        self.signal(index, signal.SIGCONT)
        self.signal(index, signal.SIGTERM)
        try:
            self._wait_gone(index, seconds)
            return True
        except TestnetError:
            self.kill(index)
            return False

    def restart(self, index, wait=True):
        self.stop_node(index)
        self.start_node(index)
        if wait:
            self.wait_ready([index])

    def proxy_command(self, *words):
        """Gives the proxy a command of tcp_proxy.py; returns what follows "ok"."""
        if not self.state["control"]:
            raise TestnetError("links can be cut only where they run through the proxy: `up N --proxied`")
        host, port = self.state["control"].split(":")
        try:
            with socket.create_connection((host, int(port)), timeout=10) as control:
                control.sendall((" ".join(map(str, words)) + "\n").encode())
                answer = control.makefile(encoding="utf-8").readline().strip()
        except OSError as error:
            raise TestnetError(f"the proxy does not answer ({error}): is the testnet up?") from None
        if answer.split(" ")[0] != "ok":
            raise TestnetError(f"proxy: {answer}")
        return answer[3:]

    def link_command(self, command, a, b, *rest, one_way=False):
        """A command of the proxy ("cut", "freeze", "damage" …) for the link between nodes a and b.

        `one_way`: for what a sends to b only; "freeze" alone can do that.
        """
        self.node(a), self.node(b)
        if a == b:
            raise TestnetError("a link has two different ends")
        way = ["up" if a > b else "down"] if one_way else []
        self.proxy_command(command, f"{max(a, b)}-{min(a, b)}", *rest, *way)

    def calm(self):
        """Ends the storm, now and for later starts, and mends every link."""
        self.state["storm"] = None
        self.save()
        self.proxy_command("calm")

    def fault_counts(self):
        """What the proxy did to the links since it runs: {"damaged": bytes, "broken": connections, …}."""
        pairs = (each.split("=") for each in self.proxy_command("counts").split(","))
        return {name: int(count) for name, count in pairs}

    def ways_around(self, index):
        """Addresses that a node of a proxied testnet knows or dialled beside its links: there should be none."""
        links = set(self.bootstrap(index))
        answer = self.client(index).get("/api/v1/peers")
        around = [peer["address"] for peer in answer["peers"]
                  if peer["address"] and peer["address"] not in links and (
                      peer["direction"] == "outbound" or peer["state"] not in ("connected", "stale"))]
        rumours = int(answer["stats"]["known_addresses"]) - len(links)
        return around + ([f"{rumours} that nobody was met at"] if rumours > len(around) else [])

    def down(self, remove=False):
        """Stops every node (asking first, then killing) and the proxy; returns the nodes that had to be killed."""
        stopping = self.running()
        for index in stopping:
            self.signal(index, signal.SIGCONT)
            self.signal(index, signal.SIGTERM)
        deadline = time.monotonic() + 20
        killed = []
        for index in stopping:
            try:
                self._wait_gone(index, max(0.1, deadline - time.monotonic()))
            except TestnetError:
                self.kill(index)
                killed.append(index)
        self.stop_proxy()
        if remove:
            shutil.rmtree(self.directory)
        return killed

    def stop_proxy(self):
        pid = self.state["proxy_pid"]
        if pid and process_runs(pid, PROXY):
            os.kill(pid, signal.SIGKILL)
        child = self.children.get(pid)
        if child is not None:
            child.wait(timeout=10)

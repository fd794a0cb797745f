"""Nodes that nobody told of each other find each other in the local network, by multicast DNS on loopback.

Without a daemon, and through avahi-daemon where one can be started: as root, in a network namespace of its own with its
own D-Bus. Every test has networks of its own name, so that tests that run at the same time do not meet.
"""

import json
import os
import random
import socket
import statistics
import struct
import subprocess
import time
import unittest

import harness
import namespaces
from discovery_case import DiscoveryCase, write_network

FIRST_PEER_MAX_S = 20  # time until a node that starts has a peer; printed, far below this where nothing is wrong


class MdnsCase(DiscoveryCase):
    environment = {"DISCOVERY_MDNS": "on"}

    def setUp(self):
        super().setUp()
        self.networks = {}
        self.first_peer_s = []

    def begin(self, name, *flags, network="net"):
        if network not in self.networks:
            self.networks[network] = write_network(self.directory, network)
        super().begin(name, "--log-level", "debug", *flags, network=self.networks[network])
        return self.nodes[name][2]

    def wait_peers(self, name, count):
        """So many, and no more."""
        harness.wait_until(lambda: len(self.connected(name)) == count, FIRST_PEER_MAX_S, f"{name} to have {count} peers")

    def time_first_peer(self, name):
        began = time.monotonic()
        self.begin(name)
        harness.wait_until(lambda: self.connected(name), FIRST_PEER_MAX_S, f"{name} to have a peer", every_s=0.02)
        self.first_peer_s.append(time.monotonic() - began)

    def way(self, name, way="mdns"):
        none = {"searches": "0", "found": "0", "connected": "0", "state": "not there"}
        return super().way(name, way) or none

    def found_a_ledger_and_trade(self, expected_way):
        """Three nodes without a word about each other: the vision of two people in one local network, and a third."""
        self.begin("ann")
        self.wait_status_of_one("ann")
        for name in ("ben", "cas"):
            self.time_first_peer(name)
        for name in ("ann", "ben", "cas"):
            self.wait_peers(name, 2)
            self.assertEqual(self.log_of(name).count("announces and looks for nodes by"), 1)
            self.assertIn(f"announces and looks for nodes by {expected_way}", self.log_of(name))
        # Of two that meet one found the other, and whoever is the third may hear of one from the other.
        ways = [self.way(name) for name in ("ann", "ben", "cas")]
        self.assertGreaterEqual(sum(int(way["found"]) for way in ways), 2)
        self.assertGreaterEqual(sum(int(way["connected"]) for way in ways), 1)
        for name in ("ann", "ben", "cas"):
            self.wait_status(self.nodes[name][2], f"node {name}", 30, role="member", members=3)
        ann, cas = self.nodes["ann"][2], self.nodes["cas"][2]
        self.fund(ann, "alice", USD=1000)
        self.fund(cas, "carl", BTC=2)
        self.order(ann, "alice", "BTC-USD", "buy", "600", "0.5")
        harness.wait_until(lambda: cas.get("/api/v1/book/BTC-USD")["bids"], 20, "the order to be at the other node")
        filled = cas.post("/api/v1/orders?wait=settled", {"account": "carl", "market": "BTC-USD", "side": "sell",
                                                          "price": "500", "quantity": "0.2"})
        self.assertEqual((filled["status"], filled["grade"]), ("filled", "settled"))
        for name in ("dan", "eve", "fay"):
            self.time_first_peer(name)
        print(f"time to the first peer by mDNS, from the start of the process, {expected_way}: "
              f"p50 {statistics.median(self.first_peer_s):.2f} s of {len(self.first_peer_s)}")

    def wait_status_of_one(self, name):
        harness.wait_until(lambda: self.way(name)["searches"] != "0", 20, f"{name} to search")

    def forget_who_leaves(self):
        """A goodbye: whoever starts after it hears nothing of the one that left."""
        self.begin("ann")
        self.begin("ben")
        self.wait_peers("ben", 1)
        self.stop("ann")
        self.begin("dan")
        self.wait_peers("dan", 1)
        gone = self.p2p("ann")
        self.assertNotIn(gone, [peer["address"] for peer in self.peers("dan")["peers"]])
        self.assertEqual(self.way("dan")["found"], "1")


class HostileResponder:
    """Sends what it likes to everyone on loopback that listens to multicast DNS."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
            self.socket.setsockopt(socket.SOL_SOCKET, option, 1)
        self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
        self.socket.bind(("127.0.0.1", 5353))

    def send(self, packet):
        self.socket.sendto(packet, ("224.0.0.251", 5353))

    @staticmethod
    def name(*labels):
        return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"

    def announce(self, instance, address, port, txt):
        """A service with these strings in its TXT record."""
        kind = (b"_peerbook", b"_tcp", b"local")
        service, host = self.name(instance, *kind), self.name(instance, b"local")

        def record(name, number, data, flush=0x8000):
            return name + struct.pack("!HHIH", number, flush | 1, 120, len(data)) + data

        records = [record(self.name(*kind), 12, service, flush=0),
                   record(service, 33, struct.pack("!HHH", 0, 0, port) + host),
                   record(service, 16, b"".join(bytes([len(text)]) + text for text in txt) or b"\0"),
                   record(host, 1, socket.inet_aton(address))]
        self.send(struct.pack("!HHHHHH", 0, 0x8400, 0, len(records), 0, 0) + b"".join(records))


def why_no_multicast():
    """Why packets to the group of multicast DNS do not come back on loopback; None if they do."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            here = socket.inet_aton("127.0.0.1")
            probe.bind(("", 0))
            probe.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton("224.0.0.251") + here)
            probe.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, here)
            probe.settimeout(2)
            probe.sendto(b"probe", ("224.0.0.251", probe.getsockname()[1]))
            probe.recv(16)
        except OSError as error:
            return f"multicast does not work on loopback here: {error}"
    return None


@harness.fair_weather_only("multicast does not pass through the proxies")
class WithoutDaemon(MdnsCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if why := why_no_multicast():
            print(f"skipped: {why}")
            raise unittest.SkipTest(why)

    def test_three_nodes_find_each_other_found_a_ledger_and_trade(self):
        self.found_a_ledger_and_trade("the responder of this process")

    def test_who_left_is_not_found_any_more(self):
        self.forget_who_leaves()

    def test_two_networks_do_not_mix(self):
        for name in ("ann", "ben"):
            self.begin(name, network="one")
        for name in ("cas", "dan"):
            self.begin(name, network="two")
        for name in ("ann", "ben", "cas", "dan"):
            self.wait_peers(name, 1)
        for name, other in (("ann", "ben"), ("cas", "dan")):
            self.assertEqual(self.connected(name)[0]["id"], self.node_id(other))
            # Not even dialled: the record says which network it is.
            self.assertEqual(self.way(name)["found"], "1")
            self.assertEqual(self.peers(name)["stats"]["known_addresses"], "1")

    def test_a_silent_node_announces_nothing_and_finds_others(self):
        self.begin("silent", "--broadcast", "off")
        self.begin("silent-too", "--broadcast", "off")
        for name in ("silent", "silent-too"):
            harness.wait_until(lambda name=name: int(self.way(name)["searches"]) >= 1 and
                               self.way(name)["state"] == "waiting", 20, f"{name} to have searched")
            self.assertIn(" looks for nodes by", self.log_of(name))
            self.assertNotIn("announces", self.log_of(name))
        time.sleep(2)  # nothing is to happen in it
        for name in ("silent", "silent-too"):
            self.assertEqual(self.connected(name), [])
            self.assertEqual(self.way(name)["found"], "0")
        self.begin("ann")
        self.wait_peers("silent", 1)
        self.wait_peers("silent-too", 1)
        self.wait_peers("ann", 2)
        self.assertEqual(self.way("ann")["found"], "0")
        self.assertEqual({peer["direction"] for peer in self.connected("ann")}, {"inbound"})

    def test_lies_and_garbage_of_a_neighbour_do_no_harm(self):
        self.begin("ann")
        network = self.get_when_ready("ann")["network"]
        try:
            hostile = HostileResponder()
        except OSError as error:
            print(f"skipped: {error}")
            self.skipTest(str(error))
        chance = random.Random(7)
        self.addCleanup(hostile.socket.close)
        good = [b"id=" + b"a" * 64, b"network=" + network.encode(), b"version=1.0"]
        lies = {
            b"no-txt": [], b"empty": [b""], b"long": [b"x" * 255] * 5, b"many": [b"k=v"] * 200, b"half": good[:2],
            b"bad-id": [b"id=zz", *good[1:]], b"control": [b"id=\x1b[2J\n", *good[1:]], b"twice": good + good,
            b"version": [*good[:2], b"version=9.9"], b"network": [good[0], b"network=" + b"b" * 64, good[2]],
        }
        for instance, txt in lies.items():
            hostile.announce(instance, "127.0.0.1", 1, txt)
        for address in ("0.0.0.0", "224.0.0.251", "255.255.255.255", "127.0.0.1", "10.255.255.1", "8.8.8.8"):
            hostile.announce(b"at-" + address.replace(".", "-").encode(), address, 2, good)
        for number in range(400):
            identity = b"id=" + f"{number:064x}".encode()
            hostile.announce(b"many-%d" % number, "127.0.0.1", 3 + number, [identity, *good[1:]])
        for _ in range(2000):
            packet = bytearray(struct.pack("!HHHHHH", 0, 0x8400, 0, chance.randrange(9), 0, 0))
            packet += hostile.name(b"_peerbook", b"_tcp", b"local") if chance.random() < 0.5 else b""
            packet += chance.randbytes(chance.randrange(300))
            hostile.send(bytes(packet))
        self.begin("ben")
        self.wait_peers("ben", 1)
        self.assertIn(self.node_id("ann"), [peer["id"] for peer in self.connected("ben")])
        known = int(self.peers("ann")["stats"]["known_addresses"])
        self.assertLessEqual(known, 128 + 1)
        print(f"418 false services and 2000 packets of garbage: ann keeps {known} addresses and found its peer")
        for name in ("ann", "ben"):
            self.stop(name)

    def get_when_ready(self, name):
        return harness.wait_until(lambda: self.get(name, "/api/v1/status"), 20, f"{name} answers")

    def test_switched_off_it_is_not_there(self):
        self.begin("ann")
        self.begin("off", "--mdns", "off")
        harness.wait_until(lambda: self.get("ann", "/health") is not None and int(self.way("ann")["searches"]) >= 1,
                           20, "a search")
        time.sleep(2)  # nothing is to happen in it
        self.assertEqual(self.connected("ann"), [])
        self.assertNotIn("mdns", [way["name"] for way in self.peers("off")["discovery"]])
        self.assertNotIn("looks for nodes", self.log_of("off"))


@harness.fair_weather_only("multicast does not pass through the proxies")
class InNamespaces(namespaces.RunsInside):
    file = __file__

    def test_through_avahi_daemon(self):
        self.run_inside("ThroughDaemon", "dbus-daemon", "avahi-daemon")

    def test_two_machines_in_one_network(self):
        self.run_inside("TwoMachines")


@namespaces.only_inside
class ThroughDaemon(MdnsCase):
    host = "0.0.0.0"

    def setUp(self):
        super().setUp()
        for command in ("mount -t tmpfs tmpfs /run", "mkdir -p /run/dbus", "ip link set lo up",
                        "ip link add lan0 type veth peer name lan1", "ip addr add 10.77.0.1/24 dev lan0",
                        "ip link set lan0 up", "ip link set lan1 up", "dbus-daemon --system --nopidfile --fork"):
            namespaces.system(command)
        path = os.path.join(self.directory, "avahi.log")
        with open(path, "wb") as log:
            self.daemon = subprocess.Popen(["avahi-daemon", "--no-drop-root", "--no-chroot", "--no-rlimits"], stdout=log,
                                           stderr=log)
        self.addCleanup(self.daemon.wait)
        self.addCleanup(self.daemon.kill)
        self.logs.append(path)
        harness.wait_until(lambda: os.path.exists("/run/avahi-daemon/socket"), 10, "avahi-daemon to run")

    def test_three_nodes_and_what_happens_without_the_daemon(self):
        self.found_a_ledger_and_trade("avahi-daemon")
        self.daemon.kill()
        self.daemon.wait()
        began = time.monotonic()
        harness.wait_until(lambda: all("looks for nodes by the responder" in self.log_of(name) for name in self.nodes), 40,
                           "the responders to replace the daemon")
        print(f"all six nodes do without the daemon {time.monotonic() - began:.1f} s after it was killed")
        self.begin("gus")
        # All six are on one machine, of which a node keeps four addresses; the others may find it.
        harness.wait_until(lambda: len(self.connected("gus")) >= 4, FIRST_PEER_MAX_S, "gus to have 4 peers")


@namespaces.only_inside
class TwoMachines(harness.FunctionalCase):
    """`peerbook node` on each, and nothing else said: the demo network, the default ports."""

    def setUp(self):
        super().setUp()
        for command in ("mount -t tmpfs tmpfs /run", "ip netns add ann", "ip netns add ben",
                        "ip link add lan0 netns ann type veth peer name lan0 netns ben"):
            namespaces.system(command)
        for number, host in enumerate(("ann", "ben"), start=1):
            namespaces.system(f"ip -n {host} link set lo up")
            namespaces.system(f"ip -n {host} addr add 10.88.0.{number}/24 dev lan0")
            namespaces.system(f"ip -n {host} link set lan0 up")

    def begin(self, host):
        path = os.path.join(self.directory, f"{host}.log")
        self.logs.append(path)
        with open(path, "ab") as log:
            environment = {name: value for name, value in os.environ.items() if name != "DISCOVERY_MDNS"}
            process = subprocess.Popen(["ip", "netns", "exec", host, harness.program(), "node", "--data-dir",
                                        os.path.join(self.directory, host)], stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=log, env=environment)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

    def run_at(self, host, *arguments):
        done = subprocess.run(["ip", "netns", "exec", host, harness.program(), *arguments, "--json", "--data-dir",
                               os.path.join(self.directory, host)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        return json.loads(done.stdout) if done.returncode == 0 and done.stdout else {}

    def test_two_people_start_a_node_each_and_trade(self):
        began = time.monotonic()
        for host in ("ann", "ben"):
            self.begin(host)
        for host in ("ann", "ben"):
            harness.wait_until(lambda host=host: (self.run_at(host, "status").get("role"),
                                                  self.run_at(host, "status").get("members")) == ("member", "2"),
                               40, f"{host} to be a member of two", every_s=0.2)
        print(f"two machines, from the start of both to one ledger: {time.monotonic() - began:.1f} s")
        self.assertEqual([(peer["found_by"] in ("mdns", "inbound"), peer["state"])
                          for peer in self.run_at("ann", "peers")["peers"] if peer["state"] == "connected"],
                         [(True, "connected")])
        self.assertTrue(self.run_at("ann", "faucet", "USD", "1000", "--account", "alice"))
        self.assertTrue(self.run_at("ben", "faucet", "BTC", "2", "--account", "bob"))
        self.assertEqual(self.run_at("ann", "order", "buy", "BTC-USD", "0.5", "@", "600", "--account", "alice")["status"],
                         "resting")
        harness.wait_until(lambda: self.run_at("ben", "book", "BTC-USD")["bids"], 20, "the order to be at ben's")
        filled = self.run_at("ben", "order", "sell", "BTC-USD", "0.2", "@", "500", "--account", "bob", "--wait", "settled")
        self.assertEqual((filled["status"], filled["grade"]), ("filled", "settled"))


if __name__ == "__main__":
    harness.main()

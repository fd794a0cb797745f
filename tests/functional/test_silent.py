"""A silent node (`--broadcast off`) finds others by every way there is, and its address goes nowhere but to those it is
connected to: what the others know, what they tell a peer that the test plays, and, as root, every packet between them.

Each test has a node that broadcasts beside the silent one, whose address must turn up where the other's must not: so none of
them can pass because it looked at nothing.
"""

import json
import os
import re
import signal
import socket
import struct
import subprocess
import threading
import time
import unittest

import harness
import namespaces
from discovery_case import DiscoveryCase, ask, service_name, write_network
from played_peer import SODIUM, Enemy
from test_registry import discover


@unittest.skipIf(SODIUM is None, "libsodium, which signs for the played peer, is not found")
@harness.fair_weather_only("the links of a testnet are not used")
class WhatOthersKnow(DiscoveryCase):
    def test_nobody_is_told_of_a_silent_node(self):
        plain = ("--p2p-plain-tcp", "on")
        self.begin("ann", *plain, dht=[], embedded=True, registry=True)
        self.wait_up("ann")
        every_way = {"dht": [self.dht("ann")], "grape_url": f"http://127.0.0.1:{self.grape_port('ann')}"}
        flags = (*plain, "--registries", self.registry_url("ann"))
        self.begin("silent", *flags, "--broadcast", "off", **every_way)
        self.begin("loud", *flags, **every_way)
        self.wait_all_connected(["ann", "loud", "silent"], "every way side by side")
        registry = self.registry_url("ann").replace("http://", "registry@")
        for name in ("silent", "loud"):
            for way in ("grenache", registry, "dht"):
                harness.wait_until(lambda name=name, way=way: self.way(name, way).get("state") == "waiting", 60,
                                   f"{name} to have searched by {way}")
        # It is told of ann alone, and announces itself nowhere: whatever else it comes to know, ann told it.
        self.begin("far", *plain, "--broadcast", "off", "--bootstrap", self.p2p("ann"))
        network = self.get("ann", "/api/v1/status")["network"]
        silent, loud = self.nodes["silent"][3], self.nodes["loud"][3]

        def tells(words):
            """Whether the loud one is in it; the silent one never is."""
            self.assertNotRegex(words, rf":{silent}\b")
            return re.search(rf":{loud}\b", words) is not None

        # The lists of the registry and of the Grape, which is the DHT's.
        listed = discover(self.registry_port("ann"), network)
        self.assertTrue(tells(json.dumps(listed)))
        self.assertNotIn(self.node_id("silent"), listed)
        for _ in range(3):
            harness.wait_until(lambda: tells(json.dumps(ask(self.grape_port("ann"), "lookup", service_name(network)))), 30,
                               "the Grape to tell of the loud one")
        # Everything that ann and the loud one send to a peer that asks for addresses again and again. The exchange is a sample,
        # of so few all.
        for name in ("ann", "loud"):
            told = [self.everything_told(self.p2p(name)) for _ in range(3)]
            if name == "ann":
                self.assertTrue(any(tells(words) for words in told))
            for words in told:
                tells(words)
        # What operators see; who is connected with the silent one sees where it comes from, not where it listens.
        harness.wait_until(lambda: tells(json.dumps(self.peers("far"))), 30, "far to be told of the loud one")
        for name in ("ann", "loud", "far"):
            tells(json.dumps(self.peers(name)))
        for way in (registry, "dht"):
            self.assertEqual(self.way("silent", way)["last_error"] if "last_error" in self.way("silent", way) else "", "")
        far_knows = {peer["id"] for peer in self.peers("far")["peers"]}
        self.assertNotIn(self.node_id("silent"), far_knows)

        # What they keep.
        ids = {name: self.node_id(name) for name in self.nodes}
        for name in ("far", "loud", "ann"):
            self.stop(name)
        kept = {name: self.file(name, "peers.json") for name in ("ann", "loud", "far")}
        for name, words in kept.items():
            self.assertNotRegex(words.decode(), rf":{silent}\b", name)
        self.assertRegex(kept["far"].decode(), rf":{loud}\b")
        self.assertNotIn(ids["silent"], kept["far"].decode())
        table = self.file("ann", "dht.state")
        self.assertIn(self.compact("loud"), table)
        self.assertNotIn(self.compact("silent"), table)

    def everything_told(self, address):
        """What a node sends to a new peer in the first second, as text."""
        enemy = Enemy(address)
        try:
            enemy.authenticate()
            words, deadline = "", time.monotonic() + 1
            enemy.socket.settimeout(0.2)
            while time.monotonic() < deadline:
                try:
                    words += enemy.read_payload().decode("latin-1") + "\n"
                except TimeoutError:
                    pass
            self.assertIn('"peerexchange"', words)
            return words
        finally:
            enemy.close()

    def compact(self, name):
        return socket.inet_aton("127.0.0.1") + struct.pack("!H", self.nodes[name][3] + 2)

    def file(self, name, file):
        with open(os.path.join(self.directory, name, file), "rb") as opened:
            return opened.read()


class InNamespaces(namespaces.RunsInside):
    file = __file__

    def test_no_packet_tells_of_a_silent_node(self):
        self.run_inside("Captured")


EVERYTHING, IPV4 = 0x0003, 0x0800  # a bridge takes frames before those who wait for one protocol
PEERS, PEERS_OF_THE_SILENT, DHT_PORT, REGISTRY = 3777, 3999, 20777, 8777


class Capture(threading.Thread):
    """Every frame of IPv4 on every interface of this namespace, each once."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EVERYTHING))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUFFORCE if hasattr(socket, "SO_RCVBUFFORCE") else 33, 64 << 20)
        self.socket.settimeout(0.2)
        self.frames = []
        self.is_ending = False

    def run(self):
        while not self.is_ending:
            try:
                frame, where = self.socket.recvfrom(65536)
            except TimeoutError:
                continue
            # As it enters a port of the bridge: what leaves another one is the same frame.
            if where[1] == IPV4 and where[2] != socket.PACKET_OUTGOING:
                self.frames.append(frame)

    def end(self):
        time.sleep(0.5)
        self.is_ending = True
        self.join()
        self.socket.close()

    def datagrams(self):
        """[(source address, destination address, what TCP or UDP carries)]"""
        made = []
        for frame in self.frames:
            packet = frame[14:]
            head = (packet[0] & 15) * 4
            packet = packet[:struct.unpack("!H", packet[2:4])[0]]
            data = packet[head:]
            carried = data[(data[12] >> 4) * 4:] if packet[9] == 6 else data[8:] if packet[9] == 17 else b""
            if carried:
                made.append((socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20]), carried))
        return made


@namespaces.only_inside
class Captured(harness.FunctionalCase):
    """Hosts on a bridge: ann serves everything, and the others find each other by everything."""

    HOSTS = {"ann": "10.77.0.1", "ben": "10.77.0.2", "silent": "10.77.0.3", "loud": "10.77.0.4", "late": "10.77.0.5"}

    def setUp(self):
        super().setUp()
        for command in ("mount -t tmpfs tmpfs /run", "ip link add lan type bridge", "ip link set lan up"):
            namespaces.system(command)
        for host, address in self.HOSTS.items():
            for command in (f"ip netns add {host}", f"ip link add {host} type veth peer name lan0 netns {host}",
                            f"ip link set {host} master lan up", f"ip -n {host} link set lo up",
                            f"ip -n {host} addr add {address}/24 dev lan0", f"ip -n {host} link set lan0 up"):
                namespaces.system(command)
        self.network = write_network(self.directory)
        self.processes = {}

    def begin(self, host, *flags):
        path = os.path.join(self.directory, f"{host}.log")
        self.logs.append(path)
        command = ["ip", "netns", "exec", host, harness.program(), "node", "--data-dir", os.path.join(self.directory, host),
                   "--network", self.network, "--p2p-port",
                   str(PEERS_OF_THE_SILENT if host == "silent" else PEERS), "--p2p-plain-tcp", "on", "--dht", "on", "--dht-port", str(DHT_PORT),
                   *flags]
        with open(path, "ab") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       env={**os.environ, "DISCOVERY_MDNS": "on"})
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.processes[host] = process

    def run_at(self, host, *arguments):
        done = subprocess.run(["ip", "netns", "exec", host, harness.program(), *arguments, "--json", "--data-dir",
                               os.path.join(self.directory, host)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        return json.loads(done.stdout) if done.returncode == 0 and done.stdout else {}

    def wait_for_peers(self, host, count):
        harness.wait_until(lambda: sum(peer["state"] == "connected" for peer in self.run_at(host, "peers").get("peers", []))
                           >= count, 60, f"{host} to have {count} peers", every_s=0.2)

    def wait_for_searches(self, host):
        def all_ended():
            ways = [way for way in self.run_at(host, "peers").get("discovery", []) if "state" in way]
            return len(ways) == 4 and all(way["state"] == "waiting" for way in ways)

        harness.wait_until(all_ended, 60, f"{host} to have searched by mDNS, registry, DHT and node records", every_s=0.2)

    def test_no_packet_tells_of_a_silent_node(self):
        capture = Capture()
        capture.start()
        self.begin("ann", "--serve-registry", "on", "--registry-port", str(REGISTRY))
        harness.wait_until(lambda: self.run_at("ann", "status"), 30, "ann to answer", every_s=0.2)
        ways = ("--registries", f"http://{self.HOSTS['ann']}:{REGISTRY}", "--dht-bootstrap", f"{self.HOSTS['ann']}:{DHT_PORT}")
        self.begin("silent", *ways, "--broadcast", "off")
        self.wait_for_peers("silent", 1)
        self.wait_for_searches("silent")
        for number, host in enumerate(("loud", "ben", "late"), start=2):
            self.begin(host, *ways)
            self.wait_for_peers(host, number)  # the silent one comes by itself
            self.wait_for_searches(host)
        # It trades as everybody does: what gossip carries says nothing of where it came from.
        self.assertTrue(self.run_at("silent", "faucet", "USD", "1000", "--account", "alice"))
        harness.wait_until(lambda: self.run_at("silent", "status").get("unsettled_commands") == "0", 60, "it to settle",
                           every_s=0.2)
        for host in ("silent", "loud", "late"):
            self.processes[host].send_signal(signal.SIGTERM)
            self.processes[host].wait(30)
        capture.end()
        datagrams = capture.datagrams()
        silent, loud = self.HOSTS["silent"], self.HOSTS["loud"]

        def told_of(address, between):
            """Datagrams that neither come from the address nor go to it, and hold it, as text or as four bytes."""
            text = re.compile(re.escape(address.encode()) + rb"(?!\d)")
            binary = socket.inet_aton(address)
            return [(source, target, carried) for source, target, carried in between
                    if address not in (source, target) and (text.search(carried) or binary in carried)]

        self.assertEqual(told_of(silent, datagrams), [])
        # The same search finds the other one, in what each way carries.
        found = told_of(loud, datagrams)
        self.assertTrue(any(b'"peerexchange"' in carried for _, _, carried in found), "by peer exchange")
        self.assertTrue(any(b'"nodes":[' in carried and b'"you"' in carried for _, _, carried in found), "by the registry")
        self.assertTrue(any(carried.startswith(b"d") and carried.endswith(b"e") for _, _, carried in found), "by the DHT")
        # Nor does it say so itself, to anybody: its port, its address, a service.
        said = [carried for source, _, carried in datagrams if source == silent]
        self.assertGreater(len(said), 50)
        for carried in said:
            self.assertNotIn(socket.inet_aton(silent), carried)
            self.assertNotIn(silent.encode(), carried)
            self.assertNotRegex(carried, rb":%d\b" % PEERS_OF_THE_SILENT)
            self.assertNotIn(b"announce_peer", carried)
            self.assertFalse(b"/api/bootstrap/register" in carried or b"/api/bootstrap/unregister" in carried)
        multicast = [(source, carried) for source, target, carried in datagrams if target == "224.0.0.251"]
        self.assertTrue(any(source == silent for source, _ in multicast), "it asks by mDNS")
        self.assertTrue(any(source == loud and socket.inet_aton(loud) in carried for source, carried in multicast),
                        "the loud one announces itself by mDNS")
        self.assertTrue(any(b"announce_peer" in carried for source, _, carried in datagrams if source == loud))
        print(f"    {len(datagrams)} datagrams and segments captured, {len(found)} of them tell others of the node that "
              f"broadcasts, none of the silent one", flush=True)


if __name__ == "__main__":
    harness.main()

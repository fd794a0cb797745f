"""The bootstrap registry: nodes find each other by it, and strangers cannot misuse it. Signatures are libsodium's."""

import http.client
import json
import os
import socket
import struct
import subprocess
import sys
import time
import unittest

import harness
import namespaces
from discovery_case import DiscoveryCase, post, write_network
from played_peer import SODIUM, Key

REGISTER, UNREGISTER, DISCOVER = "/api/bootstrap/register", "/api/bootstrap/unregister", "/api/bootstrap/discover"
JSON = {"Content-Type": "application/json"}


def text(words):
    return bytes([len(words)]) + words


class Stranger:
    """A key that says what it likes to a registry; PROTOCOL.md, "Bootstrap registry"."""

    def __init__(self, port, network):
        self.key = Key()
        self.port = port
        self.network = network

    def registration(self, address="127.0.0.1:3000", lasts_ms=3_600_000, time_ms=None, **changes):
        now = self.next_time() if time_ms is None else time_ms
        signed = (text(b"peerbook/registry/register/1") + bytes.fromhex(self.network) + self.key.public +
                  text(address.encode()) + struct.pack(">QQ", now, now + lasts_ms))
        return {"network": self.network, "node": self.key.public.hex(), "address": address, "time": now,
                "expires": now + lasts_ms, "signature": self.key.sign(signed).hex(), **changes}

    time_ms = 0  # of the last request

    def next_time(self):
        """Later than the last one: two requests may fall into one millisecond."""
        self.time_ms = max(self.time_ms + 1, int(time.time() * 1000))
        return self.time_ms

    def withdrawal(self):
        now = self.next_time()
        signed = text(b"peerbook/registry/unregister/1") + bytes.fromhex(self.network) + self.key.public + struct.pack(">Q", now)
        return {"network": self.network, "node": self.key.public.hex(), "time": now, "signature": self.key.sign(signed).hex()}

    def send(self, path, body):
        status, answer = post(self.port, path, body, JSON)
        return status, json.loads(answer)


def discover(port, network):
    """{node: address} of what a registry tells."""
    connection = http.client.HTTPConnection(f"127.0.0.1:{port}", timeout=15)
    try:
        connection.request("GET", f"{DISCOVER}?network={network}")
        answer = connection.getresponse()
        return {node["node"]: node["address"] for node in json.loads(answer.read())["nodes"]}
    finally:
        connection.close()


@harness.fair_weather_only("the links of a testnet are not used")
class Nodes(DiscoveryCase):
    def begin_registry(self, name="reg"):
        """A registry at a node of another network, so that it is nothing else here."""
        self.begin(name, registry=True, network=write_network(self.directory, f"of-{name}"))
        self.wait_up(name)

    def listed(self, registry):
        network = next(status["network"] for status in (self.get(name, "/api/v1/status") for name in self.nodes
                                                        if name not in ("reg", "reg-2")) if status)
        return discover(self.registry_port(registry), network)

    def registry_way(self, name, registry):
        return self.way(name, self.registry_url(registry).replace("http://", "registry@"))

    def test_nodes_meet_by_a_registry_and_take_themselves_out(self):
        self.begin_registry()
        url = self.registry_url("reg")
        self.begin("ann", "--registries", url)
        harness.wait_until(lambda: self.registry_way("ann", "reg").get("state") == "waiting", 30, "ann to be registered")
        self.begin("ben", "--registries", url)
        self.wait_connected("ben", 1, "registry")
        self.assertEqual([peer["found_by"] for peer in self.connected("ben")], [f"registry@127.0.0.1:{self.registry_port('reg')}"])
        way = self.registry_way("ben", "reg")
        self.assertEqual((way["found"], way["connected"]), ("1", "1"))
        self.assertEqual(self.listed("reg"), {self.node_id("ann"): self.p2p("ann"), self.node_id("ben"): self.p2p("ben")})
        gone = self.node_id("ann")
        began = time.monotonic()
        self.stop("ann")
        print(f"    a stop with a farewell took {time.monotonic() - began:.1f} s", flush=True)
        self.assertNotIn(gone, self.listed("reg"))
        self.kill("ben")
        self.begin("cas", "--registries", url)
        self.wait_up("cas")
        # Whoever is killed says nothing, and is listed until its hour is over.
        harness.wait_until(lambda: self.registry_way("cas", "reg").get("found") == "1", 30, "cas to be told of ben")

    def test_the_node_that_serves_a_registry_is_found_by_it(self):
        self.begin("ann", registry=True)
        self.wait_up("ann")
        self.begin("ben", "--registries", self.registry_url("ann"))
        self.wait_connected("ben", 1, "the registry's own node")
        self.assertEqual(self.connected("ben")[0]["id"], self.node_id("ann"))

    def test_several_registries_side_by_side_and_each_fails_alone(self):
        self.begin_registry("reg")
        self.begin_registry("reg-2")
        self.begin("ann", "--registries", self.registry_url("reg"))
        self.begin("ben", "--registries", self.registry_url("reg-2"))
        self.wait_up("ann", "ben")
        for name, registry in (("ann", "reg"), ("ben", "reg-2")):
            harness.wait_until(lambda name=name, registry=registry: self.registry_way(name, registry).get("state") == "waiting",
                               30, f"{name} to be registered")
        dead = harness.free_ports(1)
        registries = ",".join([f"http://127.0.0.1:{dead}", self.registry_url("reg"), self.registry_url("reg-2")])
        self.begin("cas", "--registries", registries)
        self.wait_all_connected(["ann", "ben", "cas"], "three registries, one of them dead")
        harness.wait_until(lambda: self.way("cas", f"registry@127.0.0.1:{dead}").get("state") == "failing", 30, "cas to notice")
        for registry in ("reg", "reg-2"):
            self.assertEqual(self.registry_way("cas", registry)["last_error"] if "last_error" in self.registry_way("cas", registry)
                             else "", "")
            self.assertIn(self.node_id("cas"), self.listed(registry))
        said = [line for line in self.log_of("cas").splitlines() if "warn" in line and "registry" in line]
        self.assertEqual(len(said), 1, said)
        self.assertIn(f"127.0.0.1:{dead}", said[0])

    def test_two_networks_in_one_registry_do_not_mix(self):
        self.begin_registry()
        url, other = self.registry_url("reg"), write_network(self.directory, "second")
        for name in ("ann", "ben"):
            self.begin(name, "--registries", url)
            self.wait_up(name)
            harness.wait_until(lambda name=name: self.registry_way(name, "reg").get("state") == "waiting", 30, "a search")
        for name in ("cas", "dan"):
            self.begin(name, "--registries", url, network=other)
            self.wait_up(name)
            harness.wait_until(lambda name=name: self.registry_way(name, "reg").get("state") == "waiting", 30, "a search")
        for name, peer in (("ann", "ben"), ("ben", "ann"), ("cas", "dan"), ("dan", "cas")):
            self.wait_connected(name, 1, "its own network")
            self.assertEqual([each["id"] for each in self.connected(name)], [self.node_id(peer)])
            self.assertEqual(self.peers(name)["stats"]["known_addresses"], "1")

    def test_what_cannot_be_is_said_at_the_start(self):
        for flags, words in ((("--registries", "ftp://a:1"), "http://host:port"),
                             (("--registries", "http://a:1,http://a:1"), "twice"),
                             (("--registries", "http://a:1", "--p2p", "off"), "has no use"),
                             (("--serve-registry", "on", "--registry-port", str(self.base), "--api-port", str(self.base)),
                              "must differ")):
            code, _, errors = self.run_program("node", "--data-dir", os.path.join(self.directory, "x"), *flags)
            self.assertEqual(code, 2, errors)
            self.assertIn(words, errors)
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            self.begin("ann", "--serve-registry", "on", "--registry-host", "127.0.0.1", "--registry-port",
                       str(taken.getsockname()[1]))
            self.assert_ends_with_error(self.nodes["ann"][0], self.nodes["ann"][1], "registry cannot listen", "--registry-port")


@unittest.skipIf(SODIUM is None, "libsodium is not installed")
@harness.fair_weather_only("the links of a testnet are not used")
class Strangers(DiscoveryCase):
    def setUp(self):
        super().setUp()
        self.begin("reg", "--broadcast", "off", registry=True)
        self.wait_up("reg")
        self.port = self.registry_port("reg")
        self.network_id = self.get("reg", "/api/v1/status")["network"]

    def stranger(self):
        return Stranger(self.port, self.network_id)

    def listed(self):
        return discover(self.port, self.network_id)

    def test_registering_renewing_expiring_and_leaving(self):
        one, two = self.stranger(), self.stranger()
        status, answer = one.send(REGISTER, one.registration("127.0.0.1:1001"))
        self.assertEqual((status, answer["you"], answer["nodes"]), (200, "127.0.0.1", []))
        status, answer = two.send(REGISTER, two.registration("127.0.0.1:1002", lasts_ms=3_000))
        self.assertEqual([node["address"] for node in answer["nodes"]], ["127.0.0.1:1001"])
        self.assertEqual(len(self.listed()), 2)
        harness.wait_until(lambda: list(self.listed().values()) == ["127.0.0.1:1001"], 10, "the second to expire")
        one.send(REGISTER, one.registration("127.0.0.1:1003"))
        self.assertEqual(list(self.listed().values()), ["127.0.0.1:1003"])
        self.assertEqual(one.send(UNREGISTER, one.withdrawal()), (200, {"removed": True}))
        self.assertEqual(self.listed(), {})

    def test_a_replay_brings_nothing_back(self):
        one = self.stranger()
        kept = one.registration()
        self.assertEqual(one.send(REGISTER, kept)[0], 200)
        self.assertEqual(one.send(REGISTER, kept)[0], 409)
        self.assertEqual(one.send(UNREGISTER, one.withdrawal())[0], 200)
        status, answer = one.send(REGISTER, kept)
        self.assertEqual(status, 409, answer)
        self.assertEqual(self.listed(), {})
        # Nor does it after the registry has forgotten everything.
        self.stop("reg")
        self.begin("reg", "--broadcast", "off", registry=True)
        self.wait_up("reg")
        self.assertEqual(one.send(REGISTER, kept)[0], 409)
        self.assertEqual(self.listed(), {})

    def test_nobody_points_the_network_at_somebody_else(self):
        one, other = self.stranger(), self.stranger()
        for address in ("8.8.8.8:53", "10.0.0.1:3000", "127.0.0.2:3000", "[::1]:3000", "224.0.0.251:5353"):
            status, answer = one.send(REGISTER, one.registration(address))
            self.assertEqual((status, answer.get("you")), (409, "127.0.0.1"), answer)
        for address in ("localhost:3000", "a.example:3000", "127.0.0.1", "127.0.0.1:0", ""):
            self.assertEqual(one.send(REGISTER, one.registration(address))[0], 400)
        forged = one.registration(node=other.key.public.hex())
        self.assertEqual(one.send(REGISTER, forged)[0], 400)
        self.assertEqual(one.send(REGISTER, one.registration(network="00" * 32))[0], 400)
        self.assertEqual(one.send(REGISTER, one.registration(time_ms=int(time.time() * 1000) - 61_000))[0], 400)
        self.assertEqual(one.send(REGISTER, one.registration(lasts_ms=3_600_001))[0], 400)
        # A page in a browser can send a POST without asking, but not with this type.
        status, answer = post(self.port, REGISTER, one.registration(), {"Content-Type": "text/plain"})
        self.assertEqual(status, 400, answer)
        self.assertEqual(post(self.port, REGISTER, one.registration(), {**JSON, "Host": "evil.example"})[0], 421)
        self.assertEqual(self.listed(), {})

    def test_the_trading_api_is_not_there(self):
        for method, path in (("GET", "/api/v1/status"), ("POST", "/api/v1/orders"), ("GET", "/health"), ("GET", "/ready"),
                             ("GET", "/api/v1/peers"), ("POST", "/lookup"), ("GET", "/"), ("GET", "/api/bootstrap/")):
            connection = http.client.HTTPConnection(f"127.0.0.1:{self.port}", timeout=10)
            cookie = self.nodes["reg"][2].cookie()
            connection.request(method, path, "{}" if method == "POST" else None,
                               {**JSON, "Authorization": f"Bearer {cookie}"})
            self.assertEqual(connection.getresponse().status, 404, path)
            connection.close()
        # And the API has no registry.
        status, _ = post(self.nodes["reg"][3] + 1, REGISTER, "{}", JSON)
        self.assertIn(status, (401, 404))

    def test_garbage_floods_and_slow_clients_do_no_harm(self):
        one = self.stranger()
        for body in (b"", b"{", b"[]", b"null", b"\xff\xfe", b"{" * 2048, os.urandom(1500), b'{"network":' + b"9" * 1900 + b"}"):
            for path in (REGISTER, UNREGISTER):
                self.assertEqual(post(self.port, path, body, JSON)[0], 400, (path, body[:40]))
        self.assertEqual(post(self.port, REGISTER, b" " * 2049, JSON)[0], 413)
        for target in (DISCOVER, f"{DISCOVER}?network=", f"{DISCOVER}?network=zz", f"{DISCOVER}?network=" + "0" * 63,
                       f"{DISCOVER}?network={self.network_id}&network={self.network_id}", f"{DISCOVER}?x=%zz"):
            connection = http.client.HTTPConnection(f"127.0.0.1:{self.port}", timeout=10)
            connection.request("GET", target)
            self.assertEqual(connection.getresponse().status, 400, target)
            connection.close()
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as raw:
            raw.sendall(b"\x16\x03\x01 no HTTP\r\n\r\n")
            self.assertIn(b"400", raw.recv(100))
        # Clients that say nothing fill the places for 5 s, not for ever.
        idle = [socket.create_connection(("127.0.0.1", self.port), timeout=10) for _ in range(64)]
        try:
            harness.wait_until(self.answers, 30, "a place to be free again")
        finally:
            for each in idle:
                each.close()
        # Many entries: an answer has 32 of them, whichever.
        strangers = [self.stranger() for _ in range(60)]
        for number, each in enumerate(strangers):
            self.assertEqual(each.send(REGISTER, each.registration(f"127.0.0.1:{2000 + number}"))[0], 200)
        seen = set()
        for _ in range(40):
            answer = self.listed()
            self.assertEqual(len(answer), 32)
            seen |= set(answer)
        self.assertEqual(len(seen), 60)
        # Too often is said, and passes.
        statuses = [one.send(UNREGISTER, {})[0] for _ in range(1000)]
        self.assertLessEqual(set(statuses), {400, 503})
        harness.wait_until(self.answers, 30, "the registry to answer again")
        self.assertTrue(self.get("reg", "/api/v1/status"))

    def answers(self):
        try:
            self.listed()
            return True
        except (OSError, KeyError, ValueError, http.client.HTTPException):
            return False


# What a client on another host does; prints what it saw as JSON.
CLIENT = """
import http.client, json, socket, sys
host, port, network = sys.argv[1], int(sys.argv[2]), sys.argv[3]
def ask():
    connection = http.client.HTTPConnection(host, port, timeout=10)
    connection.request("GET", "/api/bootstrap/discover?network=" + network)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, json.loads(body)
first = ask()
held = [socket.create_connection((host, port), timeout=10) for _ in range(8)]
ninth = ask()[0]
for connection in held:
    connection.close()
statuses = []
while 429 not in statuses and len(statuses) < 200:
    statuses.append(ask()[0])
print(json.dumps({"first": first, "ninth": ninth, "statuses": statuses}))
"""


@harness.fair_weather_only("the links of a testnet are not used")
class InNamespaces(namespaces.RunsInside):
    file = __file__

    def test_limits_of_one_host(self):
        self.run_inside("FromAnotherHost")


@namespaces.only_inside
class FromAnotherHost(DiscoveryCase):
    """The limits of one host do not hold on loopback."""

    host = "0.0.0.0"

    def test_limits_of_one_host(self):
        for command in ("mount -t tmpfs tmpfs /run", "ip netns add far", "ip link set lo up",
                        "ip link add lan0 type veth peer name lan0 netns far", "ip addr add 10.77.0.1/24 dev lan0",
                        "ip link set lan0 up", "ip -n far addr add 10.77.0.2/24 dev lan0", "ip -n far link set lan0 up"):
            namespaces.system(command)
        self.begin("ann", registry=True)
        self.wait_up("ann")
        network = self.get("ann", "/api/v1/status")["network"]
        done = subprocess.run(["ip", "netns", "exec", "far", sys.executable, "-c", CLIENT, "10.77.0.1", str(self.base + 4), network],
                              stdout=subprocess.PIPE, text=True, timeout=120, check=True)
        seen = json.loads(done.stdout)
        status, answer = seen["first"]
        self.assertEqual((status, answer["you"]), (200, "10.77.0.2"))
        # The node that serves is found at the address that was reached, on another host and here.
        self.assertEqual([node["address"] for node in answer["nodes"]], [f"10.77.0.1:{self.nodes['ann'][3]}"])
        self.assertEqual(list(discover(self.base + 4, network).values()), [f"127.0.0.1:{self.nodes['ann'][3]}"])
        self.assertEqual(seen["ninth"], 503)
        self.assertEqual(set(seen["statuses"]), {200, 429} if 503 not in seen["statuses"] else {200, 429, 503})
        self.assertGreaterEqual(len(seen["statuses"]), 25)
        for _ in range(50):  # and nobody else is shut out
            discover(self.base + 4, network)


if __name__ == "__main__":
    harness.main()

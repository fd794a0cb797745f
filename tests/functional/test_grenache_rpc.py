"""Grenache's RPC: Grenache's own client asks a node and hands it a signed batch; nodes speak by it where no connection can be
had (hybrid mode), and where there are none (legacy mode). Everything is on the loopback interface.

The parts that Grenache's users run (grenache-nodejs-http) come from npm; where node, npm or the registry is missing, their test is
skipped and says so.
"""

import hashlib
import json
import os
import socket
import struct

import harness
from discovery_case import DiscoveryCase, GrenacheCase, post, rpc_service_name
from played_peer import Key


def varint(number):
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def signed_batch(key, network, rules_version, nonce, bodies):
    """PROTOCOL.md, "Signed batch": kind 2, of the key's own account."""
    batch = b"\x02" + key.public + varint(nonce) + varint(len(bodies)) + b"".join(bodies)
    domain = b"peerbook batch"
    signed = hashlib.blake2b(bytes([len(domain)]) + domain + bytes.fromhex(network) + struct.pack(">Q", rules_version) + batch,
                             digest_size=32).digest()
    return batch + key.sign(signed)


def own_money(key, network, rules_version):
    """The first batch of a key: opens its account and takes 5 of the first asset, which has 8 decimals."""
    amount = (5 * 10**8).to_bytes(16, "big", signed=True)
    return signed_batch(key, network, rules_version, 1, [b"\x05" + varint(0), b"\x06" + varint(0) + amount])


class RpcCase(DiscoveryCase):
    def network_of(self, name):
        return self.get(name, "/api/v1/status")["network"]

    def wait_served(self, *names):
        def served(name):
            try:
                with socket.create_connection(("127.0.0.1", self.rpc_port(name)), timeout=1):
                    return True
            except OSError:
                return False

        for name in names:
            harness.wait_until(lambda name=name: served(name), 30, f"{name} to serve the RPC")

    def call(self, name, payload, headers=None):
        """What a node answers to a question that it can read: (error, result)."""
        key = rpc_service_name(self.network_of(name))
        status, text = post(self.rpc_port(name), "/", ["a rid", key, payload], headers)
        self.assertEqual(status, 200, text)
        rid, error, result = json.loads(text)
        self.assertEqual(rid, "a rid")
        return error, result

    def carried(self, name):
        return {peer["id"] for peer in self.connected(name) if peer["carried"]}


@harness.fair_weather_only("the links of a testnet are not used")
class Programs(RpcCase):
    def setUp(self):
        super().setUp()
        self.begin("ann", "--found", rpc=True)
        self.wait_up("ann")
        self.wait_served("ann")

    def test_what_everybody_may_ask(self):
        client = self.nodes["ann"][2]
        self.fund(client, "alice", USD=1000)
        self.order(client, "alice", "BTC-USD", "buy", "600", "0.5")
        error, status = self.call("ann", "status")
        self.assertIsNone(error)
        self.assertEqual((status["node"], status["network"]), (self.node_id("ann"), self.network_of("ann")))
        self.assertGreater(int(status["commits"]), 0)
        error, book = self.call("ann", {"method": "book", "market": "BTC-USD", "depth": 5})
        self.assertEqual((error, book["bids"][0][0]), (None, "600"))
        self.assertEqual(self.call("ann", {"method": "trades", "market": "BTC-USD"})[1]["trades"], [])
        for method in ("network", "markets", "digests"):
            self.assertIsNone(self.call("ann", method)[0], method)
        # What is somebody's own is not for everybody.
        for method in ("accounts", "orders", "peers", "batch"):
            self.assertIn("ERR_RPC_METHOD", self.call("ann", method)[0])

    def test_a_signed_batch_is_taken_and_a_bad_one_refused(self):
        key, network = Key(), self.network_of("ann")
        rules = int(self.call("ann", "network")[1]["rules_version"])
        batch = own_money(key, network, rules)
        error, answer = self.call("ann", {"method": "submit", "batch": batch.hex(), "wait": "settled"})
        self.assertIsNone(error)
        self.assertEqual([result["status"] for result in answer["results"]], ["done", "done"], answer)
        account = self.nodes["ann"][2].get(f"/api/v1/accounts/{key.public.hex()}")
        self.assertEqual({each["asset"]: each["total"] for each in account["balances"]}, {"USD": "5", "BTC": "0"})
        for wrong, why in ((batch[:-1].hex(), ""), (batch[:-1].hex() + f"{batch[-1] ^ 1:02x}", ""), ("00", ""), ("no", "ERR_RPC_PAYLOAD")):
            error, answer = self.call("ann", {"method": "submit", "batch": wrong})
            self.assertTrue(error and why in error, (wrong[:20], error, answer))

    def test_mistakes(self):
        port = self.rpc_port("ann")
        self.assertEqual(post(port, "/", b"{")[0], 400)
        self.assertEqual(post(port, "/", b"[" * 100_000)[0], 400)
        self.assertEqual(post(port, "/other", b"[]")[0], 404)
        self.assertEqual(post(port, "/", b" " * 300_000)[0], 413)
        self.assertEqual(post(port, "/", b"[]", {"Origin": "http://evil.example"})[0], 403)
        self.assertEqual(post(port, "/", b"[]", {"Host": "evil.example"})[0], 421)
        status, text = post(port, "/", ["r", "another service", "status"])
        self.assertEqual((status, json.loads(text)[:2]), (200, ["r", f"ERR_RPC_KEY: this node serves {rpc_service_name(self.network_of('ann'))}"]))
        # Nobody finds this node by a Grape, so nothing is carried to it.
        self.assertIn("ERR_RPC_METHOD", self.call("ann", "stream.open")[0])
        self.assertIsNone(self.call("ann", "status")[0])


@harness.fair_weather_only("the links of a testnet are not used")
class Modes(RpcCase):
    def test_legacy_three_nodes_without_connections_meet_through_a_grape_and_trade(self):
        urls = self.begin_grapes()
        names = ["ann", "ben", "cas"]
        for number, name in enumerate(names):
            self.begin(name, grape_url=urls[number % 2], legacy=True)
            harness.wait_until(lambda name=name: self.way(name, "grenache-rpc").get("state") == "waiting", 30, f"{name} to have searched")
        self.wait_all_connected(names, "legacy, two Grapes")
        for name in names:
            self.assertEqual(len(self.carried(name)), 2)
            with self.assertRaises(OSError):  # nobody listens for peers
                socket.create_connection(("127.0.0.1", self.nodes[name][3]), timeout=5)
        self.wait_one_ledger(names)
        self.trade_between("ann", "cas", 1)
        self.wait_settled_alike(names, 1)
        # Who is killed comes back by the Grape.
        self.kill("ben")
        self.begin("ben", grape_url=urls[1], legacy=True)
        self.wait_all_connected(names, "legacy, after one was killed")
        self.wait_one_ledger(names)
        self.trade_between("ben", "ann", 2)
        self.wait_settled_alike(names, 2)

    def test_hybrid_falls_back_where_no_connection_can_be_had_and_goes_on_with_one_that_can(self):
        urls = self.begin_grapes()
        # A Grape announces 127.0.0.1, where these two do not take connections.
        for name, host in (("ann", "127.0.0.2"), ("ben", "127.0.0.3")):
            self.host = host
            self.begin(name, grape_url=urls[0], rpc=True)
            harness.wait_until(lambda name=name: self.way(name, "grenache-rpc").get("state") == "waiting", 30, f"{name} to have searched")
        self.host = "127.0.0.1"
        names = ["ann", "ben"]
        self.wait_all_connected(names, "hybrid, no connection to be had")
        self.assertEqual((self.carried("ann"), self.carried("ben")), ({self.node_id("ben")}, {self.node_id("ann")}))
        self.wait_one_ledger(names)
        self.trade_between("ann", "ben", 1)
        self.wait_settled_alike(names, 1)
        # A node that has no connections is met by these as well.
        self.begin("cas", grape_url=urls[1], legacy=True)
        names.append("cas")
        self.wait_all_connected(names, "hybrid and legacy")
        self.wait_one_ledger(names)
        self.trade_between("cas", "ann", 2)
        self.wait_settled_alike(names, 2)
        # Somebody names an address that works: the connection there takes the place of the carried one.
        self.nodes["ann"][2].post("/api/v1/peers/connect", {"address": f"127.0.0.3:{self.nodes['ben'][3]}"})
        harness.wait_until(lambda: self.node_id("ben") not in self.carried("ann") and self.node_id("ann") not in self.carried("ben"),
                           30, "a direct connection")
        self.wait_all_connected(names, "hybrid, one direct")
        self.trade_between("ben", "ann", 3)
        self.wait_settled_alike(names, 3)

    def test_a_silent_legacy_node_is_found_by_nobody_and_finds_others(self):
        urls = self.begin_grapes()
        self.begin("ann", grape_url=urls[0], legacy=True)
        harness.wait_until(lambda: self.way("ann", "grenache-rpc").get("state") == "waiting", 30, "ann to have searched")
        self.begin("silent", "--broadcast", "off", grape_url=urls[1], legacy=True)
        self.wait_connected("silent", 1, "legacy, silent")
        status, text = post(self.grape_port("grape-1"), "/lookup", {"rid": "r", "data": rpc_service_name(self.network_of("ann"))})
        found = json.loads(text)
        self.assertIn(f"127.0.0.1:{self.rpc_port('ann')}", found)
        self.assertNotIn(f"127.0.0.1:{self.rpc_port('silent')}", found)


@harness.fair_weather_only("the links of a testnet are not used")
class GrenachesClient(GrenacheCase, RpcCase):
    def test_it_finds_the_service_and_asks(self):
        urls = self.begin_grapes()
        self.begin("ann", "--found", grape_url=urls[0], rpc=True)
        harness.wait_until(lambda: self.way("ann", "grenache-rpc").get("state") == "waiting", 30, "ann to have searched")
        name = rpc_service_name(self.network_of("ann"))

        def request(payload):
            return self.client("rpc", urls[1], name, json.dumps(payload))

        self.assertEqual(request("status")["answer"]["node"], self.node_id("ann"))
        self.assertEqual(request({"method": "book", "market": "BTC-USD"})["answer"]["bids"], [])
        rules = int(request("network")["answer"]["rules_version"])
        key = Key()
        batch = own_money(key, self.network_of("ann"), rules).hex()
        answer = request({"method": "submit", "batch": batch, "wait": "settled"})["answer"]
        self.assertEqual([result["status"] for result in answer["results"]], ["done", "done"])
        self.assertIn("ERR_RPC_METHOD", request("sell everything")["error"])
        self.assertIn("not_found", request({"method": "book", "market": "NO-MARKET"})["error"])


if __name__ == "__main__":
    harness.main()

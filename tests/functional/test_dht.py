"""Nodes that nobody told of each other find each other by a DHT and through a Grape; Grenache's clients use a node.

The parts that Grenache's users run (grenache-grape, grenache-nodejs-link, and bittorrent-dht below them) come from npm;
where node, npm or the registry is missing, their tests are skipped and say so. Everything is on the loopback interface.
"""

import ctypes
import hashlib
import json
import os
import socket
import subprocess
import time

import harness
from discovery_case import FIRST_PEER_MAX_S, DiscoveryCase, GrenacheCase, ask, grape, service_name
from played_peer import SODIUM, Key

NAME = "twenty characters ab"


@harness.fair_weather_only("the links of a testnet are not used")
class Nodes(DiscoveryCase):
    def test_three_nodes_meet_by_the_dht_and_find_their_way_back_into_it(self):
        self.begin("ann", dht=[])
        self.wait_up("ann")
        self.begin("ben", dht=[self.dht("ann")])
        self.wait_connected("ben", 1, "DHT, one node to begin with")
        self.begin("cas", dht=[self.dht("ben")])
        self.wait_connected("cas", 2, "DHT, second node")
        found_by = [peer.get("found_by") for name in ("ann", "ben", "cas") for peer in self.connected(name)]
        self.assertIn("dht", found_by)
        self.assertNotIn("configured", found_by)
        self.assertGreater(int(self.way("cas", "dht")["found"]), 0)
        # What ben knows of the DHT outlives it: nobody names a node of the DHT, and its book of peers is gone.
        self.stop("ben")
        os.remove(os.path.join(self.directory, "ben", "peers.json"))
        self.assertGreater(os.path.getsize(os.path.join(self.directory, "ben", "dht.state")), 20)
        self.begin("ben", dht=[])
        self.wait_connected("ben", 1, "DHT, from its own state")

    def test_a_silent_node_finds_others_and_is_in_no_answer(self):
        self.begin("ann", dht=[], embedded=True)
        self.wait_up("ann")
        self.begin("ben", dht=[self.dht("ann")])
        self.wait_connected("ben", 1, "DHT")
        # Nobody tells it anything, since nobody knows of it: it looks up what others have announced.
        self.begin("silent", "--broadcast", "off", dht=[self.dht("ann")])
        self.wait_connected("silent", 1, "DHT, silent node", seconds=60)
        name = service_name(self.get("ann", "/api/v1/status")["network"])
        ports = {address.split(":")[1] for address in ask(self.grape_port("ann"), "lookup", name)}
        self.assertIn(str(self.nodes["ben"][3]), ports)
        self.assertNotIn(str(self.nodes["silent"][3]), ports)


def bencode(value):
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    return b"d" + b"".join(bencode(name) + bencode(value[name]) for name in sorted(value)) + b"e"


def bdecode(data, at=0):
    """(value, where the next begins)"""
    if data[at:at + 1] == b"i":
        end = data.index(b"e", at)
        return int(data[at + 1:end]), end + 1
    if data[at:at + 1] in (b"d", b"l"):
        values, is_dictionary = [], data[at:at + 1] == b"d"
        at += 1
        while data[at:at + 1] != b"e":
            value, at = bdecode(data, at)
            values.append(value)
        return (dict(zip(values[::2], values[1::2])) if is_dictionary else values), at + 1
    colon = data.index(b":", at)
    size = int(data[at:colon])
    return data[colon + 1:colon + 1 + size], colon + 1 + size


class DhtClient:
    """BEP 44 as somebody else speaks it."""

    def __init__(self, address):
        host, port = address.split(":")
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(5)
        self.socket.connect((host, int(port)))
        self.id = os.urandom(20)

    def close(self):
        self.socket.close()

    def ask(self, query, **arguments):
        names = {name.encode(): value for name, value in {"id": self.id, **arguments}.items()}
        self.socket.send(bencode({b"t": b"aa", b"y": b"q", b"q": query, b"a": names, b"ro": 1}))
        while True:  # the node asks, too
            answer, _ = bdecode(self.socket.recv(4096))
            if answer.get(b"t") == b"aa" and answer.get(b"y") != b"q":
                return answer

    def record(self, node, network):
        """The item of a node, once its signature was verified; None: there is none."""
        salt = network.encode()
        found = self.ask(b"get", target=hashlib.sha1(node + salt).digest())[b"r"]
        if b"v" not in found:
            return None
        value = bencode(found[b"v"])
        signed = b"4:salt64:" + salt + b"3:seqi%de1:v" % found[b"seq"] + value
        assert found[b"k"] == node and SODIUM.crypto_sign_ed25519_verify_detached(
            found[b"sig"], signed, ctypes.c_ulonglong(len(signed)), node) == 0
        return found[b"v"], found[b"seq"]

    def put_record(self, key, network, port, signer=None):
        salt, seq = network.encode(), int(time.time() * 1000)
        value = bytes([1, 1, 4, 127, 0, 0, 1]) + port.to_bytes(2, "big")
        signed = b"4:salt64:" + salt + b"3:seqi%de1:v" % seq + bencode(value)
        token = self.ask(b"get", target=hashlib.sha1(key.public + salt).digest())[b"r"][b"token"]
        answer = self.ask(b"put", k=key.public, salt=salt, seq=seq, sig=(signer or key).sign(signed), token=token, v=value)
        assert answer[b"y"] == b"r", answer


@harness.fair_weather_only("the links of a testnet are not used")
class Records(DiscoveryCase):
    def test_a_node_says_where_it_is_and_a_silent_one_does_not(self):
        self.begin("ann", dht=[])
        self.wait_up("ann")
        self.begin("ben", dht=[self.dht("ann")])
        self.begin("silent", "--broadcast", "off", dht=[self.dht("ann")])
        client, network = DhtClient(self.dht("ann")), self.get("ann", "/api/v1/status")["network"]
        self.addCleanup(client.close)
        ids = {name: bytes.fromhex(self.node_id(name)) for name in ("ann", "ben", "silent")}
        harness.wait_until(lambda: client.record(ids["ben"], network), 60, "ben's record to be at ann")
        value, seq = client.record(ids["ben"], network)
        self.assertEqual(value, bytes([1, 1, 4, 127, 0, 0, 1]) + self.nodes["ben"][3].to_bytes(2, "big"))
        self.assertLess(abs(seq - time.time() * 1000), 60_000)
        harness.wait_until(lambda: int(self.way("silent", "dht-record").get("searches", 0)) > 0, 60, "silent to have searched")
        self.wait_connected("silent", 1, "DHT, silent node", seconds=60)
        self.assertIsNone(client.record(ids["silent"], network))
        self.assertFalse(self.way("ben", "dht-record").get("last_error"))

    def test_a_member_whose_id_alone_is_known_is_dialled_where_its_record_says(self):
        self.begin("ann", dht=[])  # of another network: nothing here but a node of the DHT
        self.wait_up("ann")
        key, forger = Key(), Key()
        path = os.path.join(self.directory, "members.toml")
        with open(self.network, encoding="utf-8") as file, open(path, "w", encoding="utf-8") as out:
            head, rest = file.read().split("[[assets]]", 1)
            out.write(head.replace("discovery-", "members-") + f'members = ["{key.public.hex()}", "{forger.public.hex()}"]\n[[assets]]' + rest)
        self.begin("ben", network=path, dht=[])
        self.wait_up("ben")
        network = self.get("ben", "/api/v1/status")["network"]
        self.stop("ben")
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(60)
            client = DhtClient(self.dht("ann"))
            self.addCleanup(client.close)
            client.put_record(key, network, listener.getsockname()[1])
            # Somebody else cannot speak for a member: the DHT refuses it, as ben would.
            with self.assertRaises(AssertionError):
                client.put_record(forger, network, 1, signer=key)
            self.begin("ben", network=path, dht=[self.dht("ann")])
            dialled, _ = listener.accept()
            with dialled:
                self.assertEqual(dialled.recv(1)[:1], b"\x16")  # TLS begins
        self.assertEqual(self.way("ben", "dht-record")["found"], "1")


@harness.fair_weather_only("the links of a testnet are not used")
class EmbeddedGrape(DiscoveryCase):
    def setUp(self):
        super().setUp()
        self.begin("ann", dht=[], embedded=True)
        self.wait_up("ann")
        self.begin("ben", dht=[self.dht("ann")], embedded=True)
        self.wait_up("ben")
        harness.wait_until(lambda: self.connected("ben"), FIRST_PEER_MAX_S, "the two to meet")
        self.ann, self.ben = self.grape_port("ann"), self.grape_port("ben")

    def test_services_and_values_go_through_either_node(self):
        for name in (NAME, "rpc_test"):  # others than of 20 bytes are hashed by Peerbook nodes
            self.assertEqual(ask(self.ben, "lookup", name), [])
            self.assertEqual(ask(self.ann, "announce", [name, 7000]), 1)
            self.assertIn("127.0.0.1:7000", ask(self.ben, "lookup", name))
            self.assertEqual(ask(self.ben, "announce", [name, 7001]), 1)
            self.assertEqual(set(ask(self.ann, "lookup", name)), {"127.0.0.1:7000", "127.0.0.1:7001"})
        value = ask(self.ann, "put", {"v": "hello"})
        self.assertEqual(value, hashlib.sha1(b"5:hello").hexdigest())
        self.assertEqual(ask(self.ben, "get", value)["v"], "hello")
        self.assertIsNone(ask(self.ben, "get", hashlib.sha1(b"nobody").hexdigest()))

    def test_errors_are_those_of_a_grape(self):
        self.assertEqual(grape(self.ann, "lookup", b"{"), (500, "ERR_GRAPE_PAYLOAD_INVALID"))
        self.assertEqual(grape(self.ann, "lookup", {"data": 5}), (200, '"ERR_GRAPE_LOOKUP"'))
        self.assertEqual(grape(self.ann, "nothing", {}), (200, '"ERR_REQ_NOTFOUND"'))
        self.assertEqual(grape(self.ann, "lookup", b" " * 8193), (413, "ERR_GRAPE_PAYLOAD_SIZE"))
        self.assertEqual(grape(self.ann, "lookup", b" " * 8192)[0], 500)  # small enough, and no JSON
        self.assertEqual(grape(self.ann, "lookup", {"data": NAME}, {"Host": "evil.example"})[0], 421)
        with socket.create_connection(("127.0.0.1", self.ann)) as raw:
            raw.sendall(b"\x16\x03\x01 no HTTP\r\n\r\n")
            self.assertIn(b"400", raw.recv(100))
        self.assertEqual(ask(self.ann, "lookup", NAME), [])  # it lives

    def test_strangers_bytes_on_the_dhts_port_do_no_harm(self):
        host, port = self.dht("ann").split(":")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as raw:
            for packet in (b"", b"d", b"le" * 500, b"d1:ad2:id20:" + b"x" * 20 + b"e1:q4:ping1:t1:a1:y1:qe", os.urandom(1400),
                           b"d1:q13:announce_peer1:t1:a1:y1:qe", b"i" + b"9" * 1000 + b"e", b"l" * 1400):
                raw.sendto(packet, (host, int(port)))
        with socket.create_connection((host, int(port)), timeout=10) as raw:  # TCP: nothing is served there
            raw.sendall(b"\x13BitTorrent protocol" + bytes(48))
            raw.settimeout(10)
            try:
                self.assertEqual(raw.recv(100), b"")
            except ConnectionResetError:
                pass
        self.assertEqual(ask(self.ben, "announce", [NAME, 7000]), 1)
        self.assertIn("127.0.0.1:7000", ask(self.ann, "lookup", NAME))


@harness.fair_weather_only("the links of a testnet are not used")
class Grenache(GrenacheCase):
    """With a Grape, and the clients, of Grenache's authors."""

    def start_grapes(self):
        """Two real Grapes, since one alone has nobody to announce to; returns their URLs."""
        first = self.base + 46  # the last four ports
        self.grapes = []
        for dht, api, other in ((first, first + 1, first + 2), (first + 2, first + 3, first)):
            process = subprocess.Popen(
                ["node", os.path.join(self.packages, "node_modules/grenache-grape/bin/grape.js"), "--b", "127.0.0.1", "--dp",
                 str(dht), "--aph", str(api), "--bn", f"127.0.0.1:{other}", "--dht_peer_maxAge", "120000"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
            self.grapes.append(process)
        self.grape_dht = f"127.0.0.1:{first}"
        self.grape_apis = [first + 1, first + 3]

        def answers():
            try:
                return all(ask(api, "announce", ["a service of no use ", 9]) == 1 for api in self.grape_apis)
            except OSError:
                return False

        harness.wait_until(answers, 30, "the Grapes to answer")
        return [f"http://127.0.0.1:{api}" for api in self.grape_apis]

    def test_nodes_meet_through_a_grape_and_go_on_without_it(self):
        urls = self.start_grapes()
        self.begin("ann", grape_url=urls[0])
        harness.wait_until(lambda: self.way("ann", "grenache").get("searches") == "1", 30, "ann to have searched")
        self.begin("ben", grape_url=urls[1])
        self.wait_connected("ben", 1, "Grapes")
        self.assertEqual(self.connected("ben")[0]["found_by"], "grenache")
        for process in self.grapes:
            process.kill()
            process.wait()
        # Both go on, and who comes now says once that no Grape answers.
        self.begin("cas", "--bootstrap", f"127.0.0.1:{self.nodes['ann'][3]}", grape_url=urls[0])
        self.wait_connected("cas", 1, "killed Grapes, bootstrap")
        harness.wait_until(lambda: self.way("cas", "grenache").get("state") == "failing", 30, "cas to notice")
        self.assertIn(urls[0][7:], self.way("cas", "grenache")["last_error"])
        warnings = [line for line in self.log_of("cas").splitlines() if "warn" in line and "grenache" in line]
        self.assertEqual(len(warnings), 1, warnings)
        self.assertEqual(len(self.connected("ben")) >= 1 and len(self.connected("ann")) >= 1, True)

    def test_our_dht_and_grapes_are_one(self):
        self.start_grapes()
        self.begin("ann", dht=[self.grape_dht], embedded=True)
        self.wait_up("ann")
        ours, theirs = f"http://127.0.0.1:{self.grape_port('ann')}", f"http://127.0.0.1:{self.grape_apis[1]}"
        self.begin("ben", dht=[self.grape_dht])
        self.wait_connected("ben", 1, "DHT of the Grapes")
        # Grenache's client, through our Grape and through theirs.
        for name, at, other, port in (("announced with us...", ours, theirs, 7100), ("announced with them.", theirs, ours, 7101)):
            self.assertIsInstance(self.client("link", at, "announce", name, port)["answer"], int)
            for asked in (other, at):
                self.assertIn(f"127.0.0.1:{port}", self.client("link", asked, "lookup", name).get("answer", []), (at, asked))
        for at, other in ((ours, theirs), (theirs, ours)):
            text = f"a value put at {at}"
            value = self.client("link", at, "put", text)["answer"]
            self.assertEqual(value, hashlib.sha1(f"{len(text)}:{text}".encode()).hexdigest())
            self.assertEqual(self.client("link", other, "get", value)["answer"]["v"], text)
        # The network's service, as anybody who knows the network can look it up through a Grape.
        name = service_name(self.get("ann", "/api/v1/status")["network"])
        found = ask(self.grape_apis[0], "lookup", name)
        self.assertTrue({f"127.0.0.1:{self.nodes[each][3]}" for each in ("ann", "ben")} <= set(found), found)

    def test_bittorrent_dht_and_ours(self):
        self.begin("ann", dht=[], embedded=True)
        self.wait_up("ann")
        self.begin("ben", dht=[self.dht("ann")])
        self.wait_connected("ben", 1, "DHT")
        self.assertGreater(self.client("dht", self.dht("ann"), "announce", NAME, 7200)["answer"], 0)
        self.assertIn("127.0.0.1:7200", ask(self.grape_port("ann"), "lookup", NAME))
        ask(self.grape_port("ann"), "announce", ["another 20 characters"[:20], 7201])
        self.assertIn("127.0.0.1:7201", self.client("dht", self.dht("ben"), "lookup", "another 20 characters"[:20])["answer"])


if __name__ == "__main__":
    harness.main()

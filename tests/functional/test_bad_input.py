"""Bad input gets a clear error, changes nothing, and the node goes on."""

import json
import os
import random
import shutil
import socket
import ssl
import struct
import subprocess
import time

import harness

LIMIT = {"account": "alice", "market": "BTC-USD", "side": "buy", "price": "100", "quantity": "1"}


class OneNode(harness.FunctionalCase):
    def setUp(self):
        super().setUp()
        self.net = self.new_testnet(1)
        self.client = self.net.client(0)
        self.fund(self.client, "alice", USD="1000", BTC="1")

    def state(self):
        answer = self.client.get("/api/v1/digests")
        return answer["book"], answer["balances"]

    def assert_refused(self, method, path, body, statuses=(400,), headers=None):
        """A 4xx as expected, with code and message in JSON. Returns the body."""
        status, text = self.client.raw(method, path, body, headers)
        self.assertIn(status, statuses, f"{method} {path} {str(body)[:200]}: {text[:500]}")
        answer = json.loads(text)
        self.assertTrue(answer["code"], text)
        self.assertTrue(answer["message"], text)
        return answer


class BadRequests(OneNode):
    def refused_orders(self, bodies, statuses=(400,)):
        before = self.state()
        for body in bodies:
            with self.subTest(body=str(body)[:120]):
                sent = body if isinstance(body, (str, bytes)) else json.dumps(body)
                self.assert_refused("POST", "/api/v1/orders", sent, statuses)
        self.assertEqual(self.state(), before)
        self.assertTrue(self.client.is_healthy())

    def test_malformed_json(self):
        self.refused_orders(["", "{", '{"op":', "[1,2", "nul", '{"a":1}{"b":2}', json.dumps(LIMIT) + "x", "12", '"text"',
                             "[" * 100_000, b'{"account":"\xff\xfe"}', "{'account': 'alice'}", "[null]", "\0" * 10])

    def test_numbers_that_are_no_plain_decimals(self):
        bad = ["1e5", "1E5", "1e-2", "0x10", "+1", "1.", ".5", " 1", "1 ", "1,000", "1_000", "NaN", "Infinity", "",
               "one", "--1", "1.2.3", "9" * 400, "0." + "1" * 400, "1e999999999"]
        self.refused_orders([{**LIMIT, field: value} for field in ("price", "quantity") for value in bad])
        self.refused_orders([json.dumps(LIMIT).replace('"100"', value) for value in ("1e5", "true", "null", "[]", "{}")])

    def test_negative_zero_and_overflowing_numbers(self):
        values = ["-1", "0", "0.00", "-0", "99999999999999999999", str(2**63), str(2**64), str(2**128)]
        self.refused_orders([{**LIMIT, field: value} for field in ("price", "quantity") for value in values], (400, 422))

    def test_steps_other_than_tick_and_lot(self):
        self.refused_orders([{**LIMIT, "price": "100.001"}, {**LIMIT, "quantity": "0.0000001"},
                             {**LIMIT, "price": "0.30000000000000004"}], (400, 422))

    def test_unknown_and_missing_fields(self):
        self.refused_orders([{**LIMIT, "market": "XYZ-USD"}], (400, 404, 422))
        self.refused_orders([{**LIMIT, "side": "hold"}, {**LIMIT, "time_in_force": "forever"}, {**LIMIT, "op": "explode"},
                             {**LIMIT, "nonce": "-1"}, {**LIMIT, "nonce": str(2**64)}, {**LIMIT, "nonce": "1.5"},
                             {**LIMIT, "account": ""}, {**LIMIT, "account": "a" * 65}, {**LIMIT, "post_only": "maybe"}])
        for field in ("market", "side", "price", "quantity", "account"):
            self.refused_orders([{key: value for key, value in LIMIT.items() if key != field}])
        self.refused_orders([{"op": "faucet", "account": "alice", "asset": "GOLD", "amount": "1"}], (400, 404, 422))
        self.refused_orders([{"op": "cancel", "account": "alice", "order_id": bad} for bad in ("", "xyz", "0" * 31, "g" * 32)])

    def test_a_cancel_of_no_order(self):
        self.refused_orders([{"op": "cancel", "account": "alice", "order_id": "0" * 31 + "1"}], (404, 422))

    def test_what_one_does_not_have_cannot_be_sold_or_spent(self):
        self.refused_orders([{**LIMIT, "quantity": "11"}, {**LIMIT, "side": "sell", "quantity": "2", "price": "1000000"}],
                            (422,))

    def test_oversized_bodies_and_batches(self):
        before = self.state()
        try:
            status, _ = self.client.raw("POST", "/api/v1/orders", '{"account":"' + "a" * (1024 * 1024 + 1) + '"}')
            self.assertEqual(status, 413)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused while the body was on its way: the answer may be lost with it
        self.assert_refused("POST", "/api/v1/orders", json.dumps([LIMIT] * 1001), (400, 413))
        self.assertEqual(self.state(), before)
        self.assertTrue(self.client.is_healthy())

    def test_a_nonce_counts_once(self):
        order = {**LIMIT, "price": "1", "quantity": "1", "nonce": "77"}
        self.assertEqual(self.client.post("/api/v1/orders", order)["status"], "resting")
        before = self.state()
        answer = self.assert_refused("POST", "/api/v1/orders", json.dumps({**order, "price": "2"}), (422, 409))
        self.assertIn("nonce", json.dumps(answer).lower())
        self.assertEqual(self.state(), before)

    def test_a_bad_command_in_a_list_does_not_fail_the_others(self):
        results = self.client.post("/api/v1/orders", [{**LIMIT, "price": "1"}, {**LIMIT, "quantity": "11"},
                                                      {**LIMIT, "price": "2"}])["results"]
        self.assertEqual([result["status"] for result in results], ["resting", "rejected", "resting"])
        self.assertTrue(results[1]["reason"])

    def test_unknown_paths_methods_and_markets(self):
        self.assert_refused("GET", "/api/v1/nothing", None, (404,))
        self.assert_refused("PUT", "/api/v1/orders", "{}", (404, 405))
        self.assert_refused("GET", "/api/v1/book/XYZ-USD", None, (404,))
        self.assert_refused("GET", "/api/v1/orders/" + "0" * 32, None, (404,))
        for query in ("depth=-1", "depth=1e3", "depth=x", "level=9", "depth=99999999999999999999"):
            with self.subTest(query=query):
                self.assert_refused("GET", f"/api/v1/book/BTC-USD?{query}", None)
        self.assert_refused("GET", "/api/v1/accounts/nobody", None, (404,))

    def test_the_cookie_is_needed(self):
        for header in ("", "Bearer ", "Bearer " + "0" * 64, "Basic YTpi", "Bearer " + self.client.cookie() + "0",
                       "Bearer " + self.client.cookie()[:-1]):
            with self.subTest(header=header[:20]):
                self.assert_refused("GET", "/api/v1/status", None, (401, 403), {"Authorization": header})
                self.assert_refused("POST", "/api/v1/orders", json.dumps(LIMIT), (401, 403), {"Authorization": header})
        self.assertEqual(self.client.raw("GET", "/health", None, {"Authorization": ""})[0], 200)
        self.assertEqual(os.stat(os.path.join(self.net.nodes[0]["data_dir"], "cookie")).st_mode & 0o777, 0o600)

    def test_garbage_and_half_requests_on_the_rest_port(self):
        host, port = self.net.nodes[0]["api"].split(":")
        chance = random.Random(7)
        held = []
        for data in (chance.randbytes(2000), b"GET", b"GET / HTTP/9.9\r\n\r\n", b"POST /api/v1/orders HTTP/1.1\r\n",
                     b"POST /api/v1/orders HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
                     b"POST /api/v1/orders HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
                     b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"):
            connection = socket.create_connection((host, int(port)), timeout=10)
            self.addCleanup(connection.close)
            try:
                connection.sendall(data)
            except OSError:
                pass  # the node may close before all of it is sent
            held.append(connection)
            self.assertTrue(self.client.is_healthy())
        self.assertEqual(self.order(self.client, "alice", "BTC-USD", "buy", "1", "1")["status"], "resting")


class PeerPort:
    """Speaks to the peer port of node 0 of `self.net`."""

    def connect(self):
        host, port = self.net.nodes[0]["p2p"].split(":")
        connection = socket.create_connection((host, int(port)), timeout=20)
        self.addCleanup(connection.close)
        return connection

    def connect_tls(self):
        """A TLS 1.3 connection with a certificate of its own, as a peer opens one, before any handshake of ours."""
        if shutil.which("openssl") is None:
            self.skipTest("the openssl program, which makes the certificate, is missing")
        key, certificate = os.path.join(self.directory, "k.pem"), os.path.join(self.directory, "c.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "2", "-subj", "/CN=test",
                        "-keyout", key, "-out", certificate], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(certificate, key)
        connection = context.wrap_socket(self.connect())
        self.addCleanup(connection.close)
        return connection

    def assert_closed_by_node(self, connection, seconds=20):
        """The node must end the connection; what it says before (its own handshake, an alert) does not matter."""
        deadline = time.monotonic() + seconds
        try:
            while connection.recv(65536):
                self.assertLess(time.monotonic(), deadline, "the node goes on talking")
        except TimeoutError:
            self.fail("the node keeps the connection open")
        except OSError:
            pass


class BadPeers(OneNode, PeerPort):
    def assert_goes_on(self):
        self.assertTrue(self.net.runs(0))
        self.assertEqual(self.order(self.client, "alice", "BTC-USD", "buy", "1", "1")["status"], "resting")
        peers = self.client.get("/api/v1/peers")["peers"]
        self.assertEqual([peer for peer in peers if peer["state"] == "connected"], [])

    def test_garbage_instead_of_tls(self):
        chance = random.Random(3)
        for size in (1, 4, 100, 70_000):
            connection = self.connect()
            try:
                connection.sendall(chance.randbytes(size))
                if size < 100:
                    connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            self.assert_closed_by_node(connection)
        self.assert_goes_on()

    def test_a_silent_connection_is_closed(self):
        self.assert_closed_by_node(self.connect())
        self.assert_closed_by_node(self.connect_tls())
        self.assert_goes_on()

    def test_bad_frames_inside_tls(self):
        chance = random.Random(5)
        for data in (struct.pack(">I", 0xFFFFFFFF), struct.pack(">I", 1024 * 1024 + 1), struct.pack(">I", 0),
                     struct.pack(">I", 500) + chance.randbytes(500), struct.pack(">I", 2) + b"{}",
                     struct.pack(">I", 100_000) + b"{" * 100_000, struct.pack(">I", 64) + b"\x80" + bytes(63),
                     b'\0\0\0\x20{"type":"handshake","version":9', chance.randbytes(5000)):
            with self.subTest(data=data[:24]):
                connection = self.connect_tls()
                try:
                    connection.sendall(data)
                except OSError:
                    pass
                self.assert_closed_by_node(connection)
        self.assert_goes_on()

    def test_half_a_frame_and_then_nothing(self):
        connection = self.connect_tls()
        connection.sendall(struct.pack(">I", 1000) + b'{"type":"handshake"')
        self.assert_closed_by_node(connection)
        connection = self.connect_tls()
        connection.sendall(b"\0\0")
        connection.close()
        self.assert_goes_on()

    def test_a_peer_of_another_network_is_refused(self):
        other = self.new_testnet(1, name="other", markets=2, start=False)
        other.start_node(0, ["--bootstrap", self.net.nodes[0]["p2p"]])
        other.wait_ready()

        def refused():
            stats = self.client.get("/api/v1/peers")["stats"]
            return int(stats["handshakes_refused"]) > 0

        harness.wait_until(refused, 30, "the handshake to be refused")
        self.assert_goes_on()
        self.assertRegex(other.log_tail(0, 1000).lower() + self.net.log_tail(0, 1000).lower(), "network")


class Impostors(harness.FunctionalCase, PeerPort):
    """Well-formed handshakes that are not true, against a node that has a real peer."""

    def setUp(self):
        super().setUp()
        self.net = self.new_testnet(2)
        self.client = self.net.client(0)
        harness.wait_until(lambda: self.connected() == [self.net.nodes[1]["node_id"]], 20, "the real peer")

    def connected(self):
        return [peer["id"] for peer in self.client.get("/api/v1/peers")["peers"] if peer["state"] == "connected"]

    def refused(self):
        return int(self.client.get("/api/v1/peers")["stats"]["handshakes_refused"])

    @staticmethod
    def read_frame(connection):
        data = b""
        while len(data) < 4 or len(data) < 4 + struct.unpack(">I", data[:4])[0]:
            piece = connection.recv(65536)
            if not piece:
                raise ConnectionResetError("closed before a whole frame")
            data += piece
        return json.loads(data[4:4 + struct.unpack(">I", data[:4])[0]])

    @staticmethod
    def send_frame(connection, message):
        text = json.dumps(message).encode()
        connection.sendall(struct.pack(">I", len(text)) + text)

    def claim(self, connection, node_id=None, version=None, **payload):
        """Sends the node's own claim back with these changes: whatever is not changed is right."""
        message = self.read_frame(connection)
        self.assertEqual(message["type"], "handshake")
        message["id"] = os.urandom(len(message["id"]) // 2).hex()
        message["from"] = node_id or self.net.nodes[1]["node_id"]
        message["payload"].update(nodeId=message["from"], port=1, challenge=os.urandom(
            len(message["payload"]["challenge"]) // 2).hex(), **payload)
        if version:
            message["payload"]["version"] = version
        self.send_frame(connection, message)
        return message

    def assert_refused_and_unharmed(self, connection, before):
        self.assert_closed_by_node(connection)
        harness.wait_until(lambda: self.refused() > before, 10, "the refusal to be counted")
        # Nobody can speak for another or evict another's connection.
        self.assertEqual(self.connected(), [self.net.nodes[1]["node_id"]])

    def test_claims_that_are_refused_at_once(self):
        for name, change in (("another network", {"network": "ab" * 32}), ("another ledger", {"ledger": "cd" * 32}),
                             ("another major version", {"version": "2.0"}), ("a wrong clock", {"clock": 1}),
                             ("no valid key", {"node_id": "00" * 32}), ("a half id", {"node_id": "00" * 16}),
                             ("the node itself", {"node_id": self.net.nodes[0]["node_id"]})):
            with self.subTest(name):
                before = self.refused()
                connection = self.connect_tls()
                self.claim(connection, **change)
                self.assert_refused_and_unharmed(connection, before)

    def test_a_wrong_signature_for_a_member_is_refused(self):
        for signature in ("00" * 64, os.urandom(64).hex(), "00" * 63):
            with self.subTest(signature=signature[:8]):
                before = self.refused()
                connection = self.connect_tls()
                message = self.claim(connection)
                self.send_frame(connection, {**message, "type": "handshake_ack", "id": os.urandom(
                    len(message["id"]) // 2).hex(), "payload": {"endorsement": signature}})
                self.assert_refused_and_unharmed(connection, before)

    def test_messages_before_authentication_are_refused(self):
        before = self.refused()
        connection = self.connect_tls()
        message = self.claim(connection)
        self.send_frame(connection, {**message, "type": "heartbeat", "payload": {"sequence": 1}})
        self.assert_refused_and_unharmed(connection, before)


if __name__ == "__main__":
    harness.main()

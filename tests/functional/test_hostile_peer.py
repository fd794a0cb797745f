"""A hostile peer against a node that trades: it costs the node little memory, and honest traffic goes on.

The wire is plain TCP, which has to be asked for by name, so that the test can speak the whole protocol (Python's ssl
cannot export keying material); what is attacked lies above TLS. Signatures are libsodium's.
"""

import os
import resource
import socket
import struct
import threading
import time
import unittest

import harness
from played_peer import SODIUM, Enemy, Key

MEMORY_MAX = 64 * 1024 * 1024
FRAME_MAX = 1024 * 1024


@unittest.skipIf(SODIUM is None, "libsodium, which signs for the enemy, is not found")
class HostilePeers(harness.FunctionalCase):
    def setUp(self):
        super().setUp()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 4096), hard), hard))
        self.net = self.new_testnet(2, start=False)
        for index in (0, 1):
            self.net.start_node(index, ["--p2p-plain-tcp", "on", "--max-peers", "20"])
        self.net.wait_ready()
        self.client = self.net.client(0)
        self.address = self.net.nodes[0]["p2p"]
        self.honest = self.net.nodes[1]["node_id"]
        harness.wait_until(lambda: self.state_of(self.honest) == "connected", 30, "the honest peer")
        self.enemies = []
        self.trades = 0
        self.failure = None
        self.stopping = threading.Event()
        for number in range(20):  # what trading itself allocates is there before memory is measured
            self.trade(self.client, f"warm-{number}")
        self.memory_before = self.memory_now()
        self.memory_max = self.memory_before
        self.trader = threading.Thread(target=self.go_on_trading, daemon=True)
        self.trader.start()

    def tearDown(self):
        self.stopping.set()
        self.trader.join(30)
        for enemy in self.enemies:
            enemy.close()

    def go_on_trading(self):
        while not self.stopping.is_set():
            try:
                self.trade(self.client, self.trades)
            except Exception as error:  # pylint: disable=broad-except
                self.failure = error
                return
            self.trades += 1
            self.memory_max = max(self.memory_max, self.memory_now())
            self.stopping.wait(0.05)

    def memory_now(self):
        with open(f"/proc/{self.net.nodes[0]['pid']}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS"))

    def peers(self):
        return self.client.get("/api/v1/peers")

    def state_of(self, node_id):
        states = [peer["state"] for peer in self.peers()["peers"] if peer["id"] == node_id]
        return states[0] if states else "unknown"

    def enemy(self, key=None):
        made = Enemy(self.address, key)
        self.enemies.append(made)
        return made

    def assert_unharmed(self, seconds=1.0):
        """Trading went on, goes on, and both nodes agree; memory moved by less than the bound."""
        before = self.trades
        time.sleep(seconds)
        self.assertIsNone(self.failure, f"honest traffic stopped: {self.failure}")
        self.assertGreater(self.trades, before, "no trade any more")
        self.assertEqual(self.state_of(self.honest), "connected")
        self.stopping.set()
        self.trader.join(30)
        self.net.wait_equal(seconds=60)
        moved = max(self.memory_max, self.memory_now()) - self.memory_before
        print(f"{self.id().split('.')[-1]}: {self.trades} trades meanwhile, memory moved by {moved / 2**20:.1f} MiB")
        self.assertLess(moved, MEMORY_MAX)

    def test_slow_loris(self):
        """Frames that never end, a byte at a time, are closed after five seconds all the same."""
        enemies = [self.enemy() for _ in range(30)]
        deadline = time.monotonic() + 7
        frame = struct.pack(">I", 5000) + b'{"type":"handshake",' + b" " * 5000
        sent = 0
        while time.monotonic() < deadline:
            for enemy in enemies:
                try:
                    enemy.socket.sendall(frame[sent:sent + 1])
                except OSError:
                    pass
            sent += 1
            time.sleep(0.2)
        for enemy in enemies:
            self.assertIsNotNone(enemy.ended(2), "a connection without a handshake is kept")
        self.assert_unharmed()

    def test_half_open_and_reset(self):
        for number in range(500):
            enemy = Enemy(self.address)
            if number % 2:
                enemy.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close by reset
            if number % 3 == 0:
                enemy.socket.sendall(b"\0\0")
            enemy.close()
        self.assert_unharmed()

    def test_a_thousand_idle_connections(self):
        """None is kept for long without a handshake, and no honest peer is refused because of them."""
        enemies = [self.enemy() for _ in range(1000)]
        stranger = self.enemy().authenticate()  # somebody honest comes in the middle of it
        self.assertEqual(self.state_of(stranger.key.public.hex()), "connected")
        # Five seconds, and what a busy machine needs to get round to it.
        deadline = time.monotonic() + 15
        kept = enemies
        while kept and time.monotonic() < deadline:
            kept = [enemy for enemy in kept if enemy.ended(0.05) is None]
        self.assertEqual(len(kept), 0, "connections without a handshake are kept")
        self.assertEqual(self.state_of(stranger.key.public.hex()), "connected")
        self.assert_unharmed()

    def test_handshake_storm_and_more_peers_than_there_is_room_for(self):
        """Complete handshakes of ever new ids: above max-peers each hears why it has to go."""
        refusals = []
        for _ in range(100):
            enemy = self.enemy().authenticate()
            # In the beginning there is room. The goodbye comes right behind the handshake.
            if (reason := enemy.ended(0.02)) is not None:
                refusals.append(reason)
        self.assertGreaterEqual(len(refusals), 70)
        self.assertEqual(set(refusals), {"enough peers"})
        connected = [peer for peer in self.peers()["peers"] if peer["state"] == "connected"]
        self.assertLessEqual(len(connected), 20)
        self.assert_unharmed()

    def test_a_flood_of_control_messages_ends_in_a_ban(self):
        key = Key()
        enemy = self.enemy(key).authenticate()
        try:
            for number in range(2000):
                enemy.send("heartbeat", {"sequence": number})
        except OSError:
            pass
        self.assertIsNotNone(enemy.ended(10), "a flood is tolerated")
        self.assertEqual(self.state_of(key.public.hex()), "banned")
        again = self.enemy(key)
        again.authenticate()
        self.assertEqual(again.ended(5), "banned")
        self.assert_unharmed()

    def test_oversized_and_broken_frames(self):
        for authenticated, size in ((False, 16385), (True, FRAME_MAX + 1), (True, 0), (True, 0xFFFFFFFF)):
            with self.subTest(authenticated=authenticated, size=size):
                enemy = self.enemy()
                if authenticated:
                    enemy.authenticate()
                enemy.socket.sendall(struct.pack(">I", size) + b"x" * 100)
                self.assertIsNotNone(enemy.ended(5))
        self.assert_unharmed()

    def test_wrong_ids(self):
        """Another's id needs another's key, the node's own id is refused, and nobody speaks for another later."""
        for claimed in (self.honest, self.net.nodes[0]["node_id"], "00" * 32):
            with self.subTest(claimed=claimed[:8]):
                enemy = self.enemy()
                ours, theirs = enemy.claim(nodeId=claimed)
                try:
                    enemy.send("handshake_ack", {"endorsement": enemy.endorsement(ours, theirs).hex()})
                except OSError:
                    pass
                self.assertIsNotNone(enemy.ended(5))
        enemy = self.enemy().authenticate()
        for _ in range(5):
            enemy.send("heartbeat", {"sequence": 1}, **{"from": self.honest})
        self.assertIsNotNone(enemy.ended(5))
        self.assertEqual(self.state_of(enemy.key.public.hex()), "banned")
        self.assert_unharmed()

    def test_replay(self):
        """What was right on one connection is worth nothing on another, and a message is acted on once."""
        key = Key()
        first = self.enemy(key)
        ours, theirs = first.claim()
        proof = first.message("handshake_ack", {"endorsement": first.endorsement(ours, theirs).hex()})
        first.send_payload(proof)
        first.read_control("handshake_ack")
        second = self.enemy(key)
        second.read_control("handshake")
        second.send_payload(ours)
        try:
            second.send_payload(proof)
        except OSError:
            pass
        self.assertIsNotNone(second.ended(5), "a recorded handshake is accepted")
        self.assertEqual(self.state_of(key.public.hex()), "connected")
        heartbeat = first.message("heartbeat", {"sequence": 424242})
        for _ in range(10):
            first.send_payload(heartbeat)
        first.send("heartbeat", {"sequence": 424243})
        answers = []
        while not answers or answers[-1] != 424243:
            answers.append(int(first.read_control("heartbeat_ack")[0]["payload"]["sequence"]))
        self.assertEqual(answers.count(424242), 1)
        self.assert_unharmed()

    def test_address_poisoning(self):
        """Peers tell of a hundred times what the table takes from them, and it stays bounded."""
        known = int(self.peers()["stats"]["known_addresses"])
        sources = 8
        for source in range(sources):
            enemy = self.enemy().authenticate()
            for batch in range(50):
                enemy.send("peerexchange", {"addresses": [f"127.{source + 1}.{batch}.{host}:{host}"
                                                          for host in range(1, 21)]})
        time.sleep(1)
        told = int(self.peers()["stats"]["known_addresses"]) - known
        self.assertGreater(told, 64)
        self.assertLessEqual(told, sources * 64)
        enemy = self.enemy().authenticate()
        enemy.send("peerexchange", {"addresses": [f"127.0.9.{host}:1" for host in range(1, 22)]})  # one too many
        time.sleep(0.5)
        reputation = [peer["reputation"] for peer in self.peers()["peers"] if peer["id"] == enemy.key.public.hex()]
        self.assertEqual(reputation, [-10])
        self.assert_unharmed()

    def test_memory_exhaustion(self):
        """Large frames of every kind, and answers that are never read."""
        deadline = time.monotonic() + 8
        kinds = [0x01, 0x02, 0x33, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x90, 0xff]
        number = 0
        while time.monotonic() < deadline:
            enemy = Enemy(self.address)
            try:
                enemy.authenticate()
                for _ in range(6):
                    kind = kinds[number % len(kinds)]
                    number += 1
                    enemy.send_payload(bytes([kind]) + os.urandom(900_000))
            except OSError:
                pass
            enemy.close()
        self.assertGreater(number, 20)
        # Each routed message is acknowledged; this peer never reads.
        enemy = self.enemy().authenticate()
        enemy.socket.settimeout(2)
        try:
            for number in range(200_000):
                enemy.send_payload(b"\x01" + number.to_bytes(16, "big") + b"\xf0" + b"x")
        except OSError:
            pass
        self.assert_unharmed()


if __name__ == "__main__":
    harness.main()

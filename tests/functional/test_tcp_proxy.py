"""The proxy that functional tests cut links with does what its header says."""

import itertools
import os
import socket
import subprocess
import sys
import threading
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROXY = os.path.join(ROOT, "scripts", "lib", "tcp_proxy.py")
sys.path.insert(0, os.path.dirname(PROXY))
from link_faults import Faults, Spoiler, breaks, storm  # noqa: E402


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds} s in vain")
        time.sleep(0.02)


class EchoServer:
    def __init__(self):
        self.connections = []  # {"socket", "received": the last bytes, "ended"} of each
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append({"socket": connection, "received": b"", "ended": False})
            threading.Thread(target=self.echo, args=(self.connections[-1],), daemon=True).start()

    @staticmethod
    def echo(state):
        with state["socket"] as connection:
            try:
                while data := connection.recv(65536):
                    state["received"] = data[-100:]
                    connection.sendall(data)
            except OSError:
                pass  # broken
        state["ended"] = True


class TcpProxy(unittest.TestCase):
    def setUp(self):
        self.echo = EchoServer()
        self.addCleanup(self.echo.listener.close)
        self.port, control = free_port(), free_port()
        proxy = subprocess.Popen([sys.executable, PROXY, "--control", f"127.0.0.1:{control}",
                                  f"1-0=127.0.0.1:{self.port}>127.0.0.1:{self.echo.port}"])
        self.addCleanup(proxy.wait)
        self.addCleanup(proxy.kill)
        deadline = time.monotonic() + 20
        while True:
            try:
                self.control = socket.create_connection(("127.0.0.1", control), timeout=10)
                break
            except OSError:
                self.assertLess(time.monotonic(), deadline, "the proxy did not start")
                time.sleep(0.02)
        self.answers = self.control.makefile(encoding="utf-8")
        self.addCleanup(self.control.close)
        self.addCleanup(self.answers.close)

    def command(self, line):
        self.control.sendall((line + "\n").encode())
        return self.answers.readline().strip()

    def connect(self):
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        self.addCleanup(connection.close)
        return connection

    def echoes(self, connection, data=b"hello"):
        connection.sendall(data)
        got = b""
        while len(got) < len(data):
            piece = connection.recv(65536)
            if not piece:
                return False
            got += piece
        return got == data

    def test_carries_bytes_both_ways(self):
        self.assertTrue(self.echoes(self.connect(), bytes(range(256)) * 2000))

    def test_cut_closes_and_refuses_until_healed(self):
        connection = self.connect()
        self.assertTrue(self.echoes(connection))
        self.assertEqual(self.command("cut 1-0"), "ok")
        with self.assertRaises(OSError):
            if connection.recv(1) == b"":
                raise ConnectionResetError
        with self.assertRaises(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=10)
        self.assertEqual(self.command("links"), "ok 1-0=cut")
        self.assertEqual(self.command("heal 1-0"), "ok")
        self.assertTrue(self.echoes(self.connect()))

    def test_freeze_lets_nothing_through_until_healed(self):
        connection = self.connect()
        self.assertTrue(self.echoes(connection))
        self.assertEqual(self.command("freeze 1-0"), "ok")
        connection.sendall(b"held")
        connection.settimeout(0.3)
        with self.assertRaises(TimeoutError):
            connection.recv(4)
        connection.settimeout(10)
        self.assertEqual(self.command("heal 1-0"), "ok")
        self.assertEqual(connection.recv(4), b"held")

    def test_delay_holds_back_and_keeps_the_order(self):
        connection = self.connect()
        self.assertEqual(self.command("delay 1-0 100"), "ok")
        before = time.monotonic()
        self.assertTrue(self.echoes(connection, b"0123456789" * 1000))
        self.assertGreaterEqual(time.monotonic() - before, 0.2)

    def exchange(self, connection, size):
        """Sends that many zero bytes and returns what comes back: as many, or all until nothing comes for a while."""
        connection.settimeout(2)
        sender = threading.Thread(target=connection.sendall, args=(bytes(size),), daemon=True)
        sender.start()
        got = b""
        try:
            while len(got) < size and (piece := connection.recv(65536)):
                got += piece
        except TimeoutError:
            pass
        sender.join(timeout=10)
        return got

    def counts(self):
        answer = self.command("counts")
        self.assertTrue(answer.startswith("ok "), answer)
        return {name: int(count) for name, count in (each.split("=") for each in answer[3:].split(","))}

    def test_damage_flips_single_bits_until_it_is_ended(self):
        self.assertEqual(self.command("damage 1-0 1000"), "ok")
        got = self.exchange(self.connect(), 300_000)
        self.assertEqual(len(got), 300_000)
        harmed = [byte for byte in got if byte]
        self.assertTrue(400 < len(harmed) < 800, len(harmed))  # 600 in the mean, both ways together
        self.assertGreater(sum(byte.bit_count() == 1 for byte in harmed), len(harmed) - 10)
        self.assertGreaterEqual(self.counts()["damaged"], len(harmed))
        self.assertEqual(self.command("links"), "ok 1-0=damage_bytes:1000")
        self.assertEqual(self.command("damage 1-0 0"), "ok")
        self.assertEqual(self.exchange(self.connect(), 100_000), bytes(100_000))

    def test_lose_leaves_bytes_out(self):
        self.assertEqual(self.command("lose 1-0 1000"), "ok")
        got = self.exchange(self.connect(), 300_000)
        self.assertTrue(400 < 300_000 - len(got) < 800, len(got))
        self.assertEqual(self.counts()["lost"], 300_000 - len(got))
        self.assertEqual(got, bytes(len(got)))

    def test_break_ends_connections_again_and_again_and_new_ones_work(self):
        self.assertEqual(self.command("break 1-0 50"), "ok")
        ended = silent = 0
        deadline = time.monotonic() + 20
        while not (ended and silent):
            self.assertLess(time.monotonic(), deadline, f"{ended} ended, {silent} fell silent")
            connection = self.connect()
            connection.settimeout(0.5)
            try:
                while self.echoes(connection):
                    time.sleep(0.01)
                ended += 1
            except TimeoutError:
                silent += 1
            except OSError:
                ended += 1
        self.assertEqual(self.command("break 1-0 0"), "ok")
        self.assertGreaterEqual(self.counts()["broken"], 2)
        connection = self.connect()
        for _ in range(20):
            self.assertTrue(self.echoes(connection))
            time.sleep(0.01)

    def test_rate_spreads_bytes_over_time_and_its_buffer_is_bounded(self):
        self.assertEqual(self.command("rate 1-0 1000"), "ok")
        before = time.monotonic()
        self.assertTrue(self.echoes(self.connect(), bytes(200_000)))
        self.assertGreater(time.monotonic() - before, 0.15)  # 0.2 s, but for what the system's buffers take
        self.assertEqual(self.command("rate 1-0 1"), "ok")
        connection = self.connect()
        connection.settimeout(0.5)
        sent = 0
        with self.assertRaises(TimeoutError):
            while True:
                sent += connection.send(bytes(65536))
                self.assertLess(sent, 64 * 1024 * 1024, "the proxy takes whatever comes")

    def test_one_way_freeze_lets_the_other_way_pass(self):
        for way in ("up", "down"):
            connection = self.connect()
            self.assertTrue(self.echoes(connection))
            far = self.echo.connections[-1]
            self.assertEqual(self.command(f"freeze 1-0 {way}"), "ok")
            if way == "down":
                connection.sendall(b"through")
                wait_until(lambda: far["received"].endswith(b"through"))
            else:
                far["socket"].sendall(b"through")
                self.assertEqual(connection.recv(7), b"through")
                connection.sendall(b"held")
            connection.settimeout(0.3)
            with self.assertRaises(TimeoutError):
                connection.recv(1)
            self.assertEqual(self.command("heal 1-0"), "ok")
            connection.settimeout(10)
            self.assertEqual(connection.recv(1), b"t" if way == "down" else b"h")

    def test_an_end_does_not_pass_a_frozen_link(self):
        connection = self.connect()
        self.assertTrue(self.echoes(connection))
        far = self.echo.connections[-1]
        self.assertEqual(self.command("freeze 1-0"), "ok")
        connection.close()
        time.sleep(0.2)
        self.assertFalse(far["ended"])
        self.assertEqual(self.command("heal 1-0"), "ok")
        wait_until(lambda: far["ended"])

    def test_a_storm_comes_and_goes_and_calm_mends_what_else_there_is(self):
        self.assertEqual(self.command("storm 7"), "ok")
        seen = set()

        def has_seen_faults():
            seen.update(self.command("links").removeprefix("ok 1-0=").split("+"))
            return "open" in seen and len(seen) > 1

        wait_until(has_seen_faults)
        for line in ("damage 1-0 10", "freeze 1-0", "cut 1-0", "calm"):
            self.assertEqual(self.command(line), "ok")
        self.assertEqual(self.command("links"), "ok 1-0=open")
        self.assertTrue(self.echoes(self.connect(), bytes(100_000)))
        self.assertGreaterEqual(self.counts()["faults"], 1)

    def test_refuses_commands_it_does_not_know(self):
        for line in ("cut 9-9", "explode 1-0", "delay 1-0 soon", "delay 1-0", "", "freeze 1-0 sideways", "damage 1-0 -1",
                     "break 1-0 1e3", "rate 1-0 99999999999", "storm", "heal", "links 1-0"):
            self.assertTrue(self.command(line).startswith("error: "), line)


class LinkFaults(unittest.TestCase):
    """What chance decides repeats with its seed."""

    def test_the_same_bytes_are_spoilt_however_they_are_cut_into_chunks(self):
        data = bytes(range(256)) * 400
        for leaves_out in (False, True):
            spoilt = set()
            for size in (1, 7, 1000, len(data)):
                spoiler = Spoiler("seed", leaves_out)
                spoiler.set_every(500)
                spoilt.add(b"".join(spoiler.pass_on(data[at:at + size]) for at in range(0, len(data), size)))
            self.assertEqual(len(spoilt), 1)
            self.assertNotIn(data, spoilt)
            other = Spoiler("another seed", leaves_out)
            other.set_every(500)
            self.assertNotIn(other.pass_on(data), spoilt)

    def test_a_storm_has_every_kind_of_fault_and_repeats(self):
        def first(seed, count=200):
            return list(itertools.islice(storm(seed), count))

        self.assertEqual(first("7"), first("7"))
        self.assertNotEqual(first("7"), first("8"))
        kinds = {word.split(":")[0] for _, fault, _ in first("7") for word in fault.words()}
        self.assertEqual(kinds, {"frozen", "delay_ms", "rate_kib", "damage_bytes", "lose_bytes", "break_ms"})
        self.assertIn({"up"}, [fault.frozen for _, fault, _ in first("7")])
        for calm_s, _, seconds in first("7"):
            self.assertTrue(0 <= calm_s < 2 and 0 < seconds < 2)

    def test_breaks_are_as_far_apart_as_asked_and_sometimes_one_end_does_not_learn(self):
        drawn = list(itertools.islice(breaks("7"), 1000))
        self.assertEqual(drawn, list(itertools.islice(breaks("7"), 1000)))
        self.assertAlmostEqual(sum(spans for spans, _ in drawn) / 1000, 1, delta=0.15)
        self.assertEqual({told for _, told in drawn}, {("up", "down"), ("up",), ("down",)})

    def test_faults_by_hand_and_of_the_weather_add_up(self):
        joined = Faults(frozen={"up"}, delay_ms=5, damage_bytes=100).joined(
            Faults(frozen={"down"}, delay_ms=3, damage_bytes=10, rate_kib=4))
        self.assertEqual(joined, Faults(frozen={"up", "down"}, delay_ms=5, damage_bytes=10, rate_kib=4))


if __name__ == "__main__":
    unittest.main()

"""The proxy that functional tests cut links with does what its header says."""

import os
import socket
import subprocess
import sys
import threading
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROXY = os.path.join(ROOT, "scripts", "lib", "tcp_proxy.py")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class EchoServer:
    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.echo, args=(connection,), daemon=True).start()

    @staticmethod
    def echo(connection):
        with connection:
            while data := connection.recv(65536):
                connection.sendall(data)


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

    def test_refuses_commands_it_does_not_know(self):
        for line in ("cut 9-9", "explode 1-0", "delay 1-0 soon", "delay 1-0", ""):
            self.assertTrue(self.command(line).startswith("error: "), line)


if __name__ == "__main__":
    unittest.main()

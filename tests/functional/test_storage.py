"""What a node does about its disk, its ports and its data directory: refuse clearly, lose nothing."""

import glob
import os
import signal
import socket
import subprocess
import time

import harness
from load import AcknowledgedOrders


class Storage(harness.FunctionalCase):
    def node_flags(self, net, index=0, **changed):
        """Flags that start node `index` of a testnet by hand."""
        node = net.node(index)
        flags = {"data-dir": node["data_dir"], "network": os.path.join(net.directory, "network.toml"),
                 "p2p-host": "127.0.0.1", "p2p-port": "0", "api-port": "0", **changed}
        return [word for name, value in flags.items() for word in (f"--{name}", value)]

    def filled(self, **options):
        """A node that acknowledged some orders; (testnet, those orders)."""
        net = self.new_testnet(1, markets=1, **options)
        keeper = AcknowledgedOrders("M0-USD")
        keeper.fund(net.client(0))
        for _ in range(40):
            keeper.submit(net.client(0), 5)
        self.assertEqual(len(keeper.order_ids), 200)
        return net, keeper

    def test_a_data_directory_in_use_is_refused(self):
        net = self.new_testnet(1)
        process, log = self.spawn("node", *self.node_flags(net))
        self.assert_ends_with_error(process, log, "in use|another process|locked", net.nodes[0]["data_dir"])
        self.assertTrue(net.client(0).is_ready())

    def test_a_port_in_use_is_named(self):
        net = self.new_testnet(1, start=False)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            for flag in ("p2p-port", "api-port"):
                with self.subTest(flag=flag):
                    process, log = self.spawn("node", *self.node_flags(net, **{flag: port}), log=f"{flag}.log")
                    self.assert_ends_with_error(process, log, port, "in use")

    def test_a_network_file_with_mistakes_is_refused(self):
        net = self.new_testnet(1, start=False)
        path = os.path.join(self.directory, "bad.toml")
        for text, words in (("name = ", ["bad.toml"]), ('name = "x"\nassetts = []\n', ["assetts", "assets"]),
                            ("", ["bad.toml"])):
            with self.subTest(text=text):
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
                process, log = self.spawn("node", *self.node_flags(net, network=path), log=f"{len(text)}.log")
                self.assert_ends_with_error(process, log, *words)
        process, log = self.spawn("node", *self.node_flags(net, network="/nonexistent/net.toml"), log="none.log")
        self.assert_ends_with_error(process, log, "/nonexistent/net.toml")

    def test_sigterm_ends_with_code_0_and_loses_nothing(self):
        net, keeper = self.filled()
        process = net.children[net.nodes[0]["pid"]]
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=20), 0)
        net.start()
        self.assertEqual(keeper.missing(net.client(0)), [])

    def test_kill_9_loses_nothing_that_was_acknowledged(self):
        net, keeper = self.filled()
        net.kill(0)
        net.start()
        self.assertEqual(keeper.missing(net.client(0)), [])

    def test_a_flipped_byte_in_the_journal_is_noticed(self):
        net, _ = self.filled()
        net.kill(0)
        files = [path for path in glob.glob(os.path.join(net.nodes[0]["data_dir"], "journal", "*"))
                 if path.endswith((".log", ".ldb")) and os.path.getsize(path) > 2000]
        self.assertTrue(files)
        for path in files:
            with open(path, "r+b") as file:
                middle = os.path.getsize(path) // 2
                file.seek(middle)
                byte = file.read(1)[0]
                file.seek(middle)
                file.write(bytes([byte ^ 0x20]))
        process, log = self.spawn("node", *self.node_flags(net))
        self.assert_ends_with_error(process, log, "corrupt|checksum", "journal")

    def test_another_network_of_the_same_data_directory_is_refused(self):
        net, _ = self.filled()
        net.stop_node(0)
        path = os.path.join(self.directory, "other.toml")
        with open(os.path.join(net.directory, "network.toml"), encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace('name = "testnet"', 'name = "other"'))
        process, log = self.spawn("node", *self.node_flags(net, network=path))
        self.assert_ends_with_error(process, log, "network|ledger")

    def test_a_full_disk_stops_the_node_and_loses_nothing_acknowledged(self):
        if os.geteuid() != 0:
            self.skipTest("mounting a small tmpfs needs root")
        disk = os.path.join(self.directory, "disk")
        os.mkdir(disk)
        mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", disk], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, check=False)
        if mount.returncode != 0:
            self.skipTest(f"cannot mount a tmpfs here: {mount.stdout.strip()}")
        # Lazily, since the nodes' clean-up may come later; cleanups run in reverse order.
        self.addCleanup(subprocess.run, ["umount", "-l", disk], check=False)
        net, keeper = self.filled(name="disk/net")
        filler = os.path.join(disk, "filler")
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * 4096)
            except OSError:
                pass  # full
        deadline = time.monotonic() + 60
        while net.runs(0):
            self.assertLess(time.monotonic(), deadline, "the node goes on though its disk is full")
            try:
                keeper.submit(net.client(0, 5), 20)
            except (OSError, harness.RequestError, harness.http.client.HTTPException):
                time.sleep(0.05)
        self.assertRegex(net.log_tail(0, 1000).lower(), "no space|journal")
        os.remove(filler)
        net.start()
        self.assertEqual(keeper.missing(net.client(0)), [])


if __name__ == "__main__":
    harness.main()

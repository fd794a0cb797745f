"""Nodes behind gateways: ports mapped by a real miniupnpd, the way in proven by peers, and what those do whom nobody reaches.

Each test makes a small internet of network namespaces: public hosts 11.N.0.1 on one bridge, each of another network, and
gateways that translate addresses by nftables, with homes behind them.
"""

import ctypes
import json
import os
import re
import signal
import socket
import struct
import subprocess
import threading
import time
import uuid

import harness
import namespaces
from discovery_case import write_network
from namespaces import only_inside, system

RULES = """table inet filter {{
  counter asked {{ }}
  chain input {{
    type filter hook input priority 0;
    iifname "lan" udp dport {{ 1900, 5351 }} counter name asked
  }}
  chain forward {{ type filter hook forward priority 0; policy drop;
    iifname "lan" accept
    ct state established,related accept
    jump miniupnpd
  }}
  chain miniupnpd {{ }}
  chain prerouting {{ type nat hook prerouting priority -100; jump prerouting_miniupnpd; }}
  chain prerouting_miniupnpd {{ }}
  chain postrouting {{ type nat hook postrouting priority 100; jump postrouting_miniupnpd; oifname "wan" masquerade; }}
  chain postrouting_miniupnpd {{ }}
}}
"""
MINIUPNPD = """ext_ifname=wan
listening_ip=lan
ipv6_disable=yes
enable_upnp={upnp}
enable_natpmp={natpmp}
secure_mode=yes
min_lifetime=60
max_lifetime=86400
lease_file={directory}/leases-{name}
uuid={uuid}
allow 1024-65535 192.168.0.0/16 1024-65535
deny 0-65535 0.0.0.0/0 0-65535
"""
WAIT_S = 60
PROGRAMS = ("nft", "miniupnpd", "upnpc")


@harness.fair_weather_only("its links are those of the namespaces")
class Nat(namespaces.RunsInside):
    """Runs the tests of the class below, each in namespaces of its own; needs root, nftables, miniupnpd and upnpc."""

    file = __file__

    def run_inside(self, name, *programs, timeout_s=300):
        if why := namespaces.missing(*programs) or namespaces.refused("nft", "add", "table", "ip", "probe"):
            print(f"skipped: {why}")
            self.skipTest(why)
        super().run_inside(f"InNamespaces.{name}", *programs, timeout_s=timeout_s)

    def test_a_port_is_mapped_by_upnp_proven_and_given_back(self):
        self.run_inside("test_a_port_is_mapped_by_upnp_proven_and_given_back", *PROGRAMS)

    def test_nat_pmp_alone_does_it_too(self):
        self.run_inside("test_nat_pmp_alone_does_it_too", *PROGRAMS)

    def test_two_nodes_behind_one_gateway_get_a_port_each(self):
        self.run_inside("test_two_nodes_behind_one_gateway_get_a_port_each", *PROGRAMS)

    def test_a_short_lease_is_renewed_before_it_ends(self):
        self.run_inside("test_a_short_lease_is_renewed_before_it_ends", "nft")

    def test_gateways_that_talk_nonsense_do_no_harm(self):
        self.run_inside("test_gateways_that_talk_nonsense_do_no_harm", "nft")

    def test_who_is_silent_or_does_not_want_it_asks_the_gateway_for_nothing(self):
        self.run_inside("test_who_is_silent_or_does_not_want_it_asks_the_gateway_for_nothing", "nft")

    def test_two_that_can_only_dial_out_trade_through_a_common_peer(self):
        self.run_inside("test_two_that_can_only_dial_out_trade_through_a_common_peer", "nft")


class NatPmpServer(threading.Thread):
    """A gateway's side of NAT-PMP that answers as the test likes; in the namespace of a router."""

    def __init__(self, router, answer):
        super().__init__(daemon=True)
        self.answer = answer
        self.asked = []  # (time, operation, lifetime)
        self.stopping = threading.Event()
        # A socket belongs to the namespace in which it was made.
        enter = ctypes.CDLL(None, use_errno=True).setns
        with open(f"/run/netns/{router}", "rb") as there, open("/proc/self/ns/net", "rb") as here:
            if enter(there.fileno(), 0) != 0:
                raise OSError(ctypes.get_errno(), "setns")
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.bind(("0.0.0.0", 5351))
            self.socket.settimeout(0.1)
            if enter(here.fileno(), 0) != 0:
                raise OSError(ctypes.get_errno(), "setns")

    def stop(self):
        self.stopping.set()
        self.join()
        self.socket.close()

    def run(self):
        while not self.stopping.is_set():
            try:
                packet, sender = self.socket.recvfrom(64)
            except TimeoutError:
                continue
            lifetime = struct.unpack("!I", packet[8:12])[0] if len(packet) == 12 else None
            self.asked.append((time.monotonic(), packet[1], lifetime))
            reply = self.answer(packet)
            if reply is not None:
                self.socket.sendto(reply, sender)


def grant(lease_s):
    """Answers of a gateway that maps what it is asked for, for so long."""
    def answer(packet):
        if packet[1] == 0:
            return struct.pack("!BBHI4s", 0, 128, 0, 1, socket.inet_aton("11.9.0.1"))
        inside, outside, lifetime = struct.unpack("!HHI", packet[4:12])
        return struct.pack("!BBHIHHI", 0, 128 + packet[1], 0, 1, inside, outside, min(lifetime, lease_s))
    return answer


@only_inside
class InNamespaces(harness.FunctionalCase):
    def setUp(self):
        super().setUp()
        system("mount -t tmpfs tmpfs /run")
        system("ip netns add internet")
        system("ip -n internet link add bridge type bridge")
        system("ip -n internet link set bridge up")
        self.processes = {}
        self.network_file = write_network(self.directory)

    # --- the internet ---

    def attach(self, name, number, interface):
        """A line from the internet into a namespace, at 11.<number>.0.1."""
        system(f"ip link add {interface} netns {name} type veth peer name to-{number} netns internet")
        system(f"ip -n internet link set to-{number} master bridge up")
        system(f"ip -n {name} link set lo up")
        system(f"ip -n {name} addr add 11.{number}.0.1/8 dev {interface}")
        system(f"ip -n {name} link set {interface} up")
        system(f"ip -n {name} route add default dev {interface}")

    def public(self, name, number):
        system(f"ip netns add {name}")
        self.attach(name, number, "eth0")

    def gateway(self, name, number, homes):
        """One with the public address 11.<number>.0.1, and homes 192.168.<number>.2, .3, … behind it."""
        system(f"ip netns add {name}")
        self.attach(name, number, "wan")
        system(f"ip -n {name} link add lan type bridge")
        system(f"ip -n {name} addr add 192.168.{number}.1/24 dev lan")
        system(f"ip -n {name} link set lan up")
        for index, home in enumerate(homes, start=2):
            system(f"ip netns add {home}")
            system(f"ip link add eth0 netns {home} type veth peer name lan{index} netns {name}")
            system(f"ip -n {name} link set lan{index} master lan up")
            system(f"ip -n {home} link set lo up")
            system(f"ip -n {home} addr add 192.168.{number}.{index}/24 dev eth0")
            system(f"ip -n {home} link set eth0 up")
            system(f"ip -n {home} route add default via 192.168.{number}.1")
        system(f"ip netns exec {name} sysctl -q -w net.ipv4.ip_forward=1")
        rules = os.path.join(self.directory, f"{name}.nft")
        with open(rules, "w", encoding="utf-8") as file:
            file.write(RULES.format())
        system(f"ip netns exec {name} nft -f {rules}")

    def start_miniupnpd(self, name, upnp, natpmp):
        path = os.path.join(self.directory, f"{name}.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(MINIUPNPD.format(name=name, directory=self.directory, uuid=uuid.uuid4(), upnp=upnp, natpmp=natpmp))
        log_path = os.path.join(self.directory, f"{name}.log")
        self.logs.append(log_path)
        with open(log_path, "wb") as log:
            process = subprocess.Popen(["ip", "netns", "exec", name, "miniupnpd", "-d", "-f", path, "-P",
                                        os.path.join(self.directory, f"{name}.pid")], stdout=log, stderr=log)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

        def is_up():
            with open(log_path, encoding="utf-8", errors="replace") as file:
                return "HTTP listening" in (text := file.read()) or "Listening for NAT-PMP" in text
        harness.wait_until(is_up, 20, "miniupnpd to start")

    def ports_at(self, gateway):
        """What the gateway forwards, from its own rules: {outside port: "home:port"}."""
        listed = system(f"ip netns exec {gateway} nft list chain inet filter prerouting_miniupnpd", capture_output=True,
                        text=True).stdout
        return {int(outside): inside for outside, inside in re.findall(r"dport (\d+) dnat ip to ([\d.:]+)", listed)}

    def asked_at(self, gateway):
        """Packets for port mapping that came from the homes."""
        listed = system(f"ip netns exec {gateway} nft list counter inet filter asked", capture_output=True, text=True).stdout
        return int(re.search(r"packets (\d+)", listed).group(1))

    # --- nodes ---

    def begin(self, host, *flags):
        path = os.path.join(self.directory, f"{host}.log")
        self.logs.append(path)
        with open(path, "ab") as log:
            process = subprocess.Popen(["ip", "netns", "exec", host, harness.program(), "node", "--data-dir",
                                        os.path.join(self.directory, host), "--network", self.network_file, "--mdns", "off",
                                        *flags], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.processes[host] = process

    def end(self, host):
        self.processes[host].send_signal(signal.SIGTERM)
        self.assertEqual(self.processes[host].wait(timeout=30), 0)

    def run_at(self, host, *arguments):
        done = subprocess.run(["ip", "netns", "exec", host, harness.program(), *arguments, "--json", "--data-dir",
                               os.path.join(self.directory, host)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        return json.loads(done.stdout) if done.returncode == 0 and done.stdout else {}

    def way_in(self, host):
        return self.run_at(host, "status").get("way_in", {})

    def wait_way_in(self, host, **expected):
        def fits():
            way = self.way_in(host)
            return way if all(way.get(key) == value for key, value in expected.items()) else None
        try:
            return harness.wait_until(fits, WAIT_S, f"{host}: {expected}", every_s=0.2)
        except Exception:
            print(f"{host} says {self.way_in(host)}")
            raise

    def log_of(self, host):
        with open(os.path.join(self.directory, f"{host}.log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def connected(self, host):
        return [peer for peer in self.run_at(host, "peers").get("peers", []) if peer["state"] == "connected"]

    def public_nodes(self, *numbers):
        """One on each of these public hosts, pub<number>; all know the first."""
        for number in numbers:
            self.public(f"pub{number}", number)
            self.begin(f"pub{number}", *(("--bootstrap", f"11.{numbers[0]}.0.1:3000") if number != numbers[0] else ()))
        harness.wait_until(lambda: all(self.way_in(f"pub{number}") for number in numbers), WAIT_S, "public nodes to answer")
        return [flag for number in numbers for flag in ("--bootstrap", f"11.{number}.0.1:3000")]

    # --- tests ---

    def map_prove_and_give_back(self, method, **protocols):
        self.gateway("router", 9, ["home"])
        self.start_miniupnpd("router", **protocols)
        bootstrap = self.public_nodes(1, 2)
        self.assertEqual(self.way_in("pub1")["port_mapping"], "not_needed")
        began = time.monotonic()
        self.begin("home", *bootstrap)
        way = self.wait_way_in("home", port_mapping="mapped")
        mapped_s = time.monotonic() - began
        self.assertEqual((way["method"], way["gateway"], way["internal_address"], way["external_address"],
                          way["external_port"]), (method, "192.168.9.1", "192.168.9.2", "11.9.0.1", 3000))
        left_s = int(way["lease_until"]) / 1000 - time.time()
        self.assertTrue(1500 < left_s <= 1800, left_s)
        self.assertEqual(self.ports_at("router"), {3000: "192.168.9.2:3000"})

        way = self.wait_way_in("home", reach="reachable", seen_address="11.9.0.1", seen_by_networks=2)
        print(f"{method}: mapped {mapped_s:.1f} s after the start of the process, proven after "
              f"{time.monotonic() - began:.1f} s")
        self.assertEqual(way["told_port"], 3000)
        self.assertGreaterEqual(sum(int(self.way_in(f"pub{number}")["dial_backs_done"]) for number in (1, 2)), 1)
        self.assertEqual(len(self.connected("home")), 2)  # dialling back made no others, and ended none
        # A stranger gets in by the gateway's address, and so does one that hears of it from a peer alone.
        self.public("eve", 3)
        self.begin("eve", "--bootstrap", "11.9.0.1:3000")
        harness.wait_until(lambda: self.connected("eve"), WAIT_S, "eve to get in")
        self.public("fay", 4)
        self.begin("fay", "--bootstrap", "11.1.0.1:3000")
        harness.wait_until(lambda: any(peer["address"] == "11.9.0.1:3000" for peer in self.connected("fay")), WAIT_S,
                           "fay to be told of the node behind the gateway")
        self.assertEqual(self.log_of("home").count("port mapped method="), 1)
        self.end("home")
        self.assertEqual(self.ports_at("router"), {})
        self.assertIn("the port is given back to the gateway", self.log_of("home"))

    def test_a_port_is_mapped_by_upnp_proven_and_given_back(self):
        self.map_prove_and_give_back("upnp", upnp="yes", natpmp="no")
        listed = subprocess.run("ip netns exec home upnpc -l".split(), capture_output=True, text=True, check=False).stdout
        self.assertIn("Found valid IGD", listed)
        self.assertNotIn("->192.168.9.2", listed)

    def test_nat_pmp_alone_does_it_too(self):
        self.map_prove_and_give_back("nat-pmp", upnp="no", natpmp="yes")

    def test_two_nodes_behind_one_gateway_get_a_port_each(self):
        self.gateway("router", 9, ["ann", "ben"])
        self.start_miniupnpd("router", upnp="yes", natpmp="no")
        bootstrap = self.public_nodes(1, 2)
        self.begin("ann", *bootstrap)
        self.wait_way_in("ann", port_mapping="mapped", external_port=3000)
        self.begin("ben", *bootstrap)
        port = self.wait_way_in("ben", port_mapping="mapped")["external_port"]
        self.assertNotEqual(port, 3000)
        self.assertEqual(self.ports_at("router"), {3000: "192.168.9.2:3000", port: "192.168.9.3:3000"})
        self.wait_way_in("ann", reach="reachable", told_port=3000)
        self.wait_way_in("ben", reach="reachable", told_port=port)
        self.public("fay", 4)
        self.begin("fay", "--bootstrap", "11.1.0.1:3000")
        harness.wait_until(lambda: {"11.9.0.1:3000", f"11.9.0.1:{port}"} <=
                           {peer["address"] for peer in self.connected("fay")}, WAIT_S, "fay to reach both")
        self.end("ben")
        self.assertEqual(self.ports_at("router"), {3000: "192.168.9.2:3000"})

    def test_a_short_lease_is_renewed_before_it_ends(self):
        self.gateway("router", 9, ["home"])
        server = NatPmpServer("router", grant(60))
        server.start()
        self.begin("home")
        self.wait_way_in("home", port_mapping="mapped", method="nat-pmp", external_address="11.9.0.1")

        def mappings():
            return [asked for asked in server.asked if asked[1] == 2]
        harness.wait_until(lambda: len(mappings()) >= 2, 50, "the lease to be renewed")
        pause_s = mappings()[1][0] - mappings()[0][0]
        print(f"a lease of 60 s is renewed after {pause_s:.1f} s")
        self.assertTrue(25 < pause_s < 50, pause_s)
        self.assertEqual(self.log_of("home").count("port mapped method="), 1)
        self.end("home")
        self.assertEqual(mappings()[-1][2], 0)  # a lifetime of nothing takes it back

    def test_gateways_that_talk_nonsense_do_no_harm(self):
        self.gateway("router", 9, ["home"])
        good = grant(1800)
        answers = [
            lambda packet: b"", lambda packet: b"\0", lambda packet: b"\xff" * 64, lambda packet: packet,
            lambda packet: good(packet)[:-1],
            lambda packet: good(packet)[:2] + b"\0\2" + good(packet)[4:],  # not authorised
            lambda packet: b"\7" + good(packet)[1:],  # another version
            grant(1), grant(0),
            lambda packet: good(packet) if packet[1] == 0 else struct.pack("!BBHIHHI", 0, 130, 0, 1, 9, 9, 1800),
        ]
        for number, answer in enumerate(answers):
            server = NatPmpServer("router", answer)
            server.start()
            self.begin("home", "--nat", "nat-pmp")
            way = self.wait_way_in("home", port_mapping="failing")
            self.assertIn("NAT-PMP", way["last_error"], number)
            self.assertNotIn("external_port", way)
            self.assertTrue(server.asked)
            self.end("home")
            server.stop()
        self.assertEqual(self.log_of("home").count("no port mapped reason="), len(answers))

    def test_who_is_silent_or_does_not_want_it_asks_the_gateway_for_nothing(self):
        self.gateway("router", 9, ["silent", "off", "local", "asks"])
        for host, flags, state in (("silent", ("--broadcast", "off"), "silent"), ("off", ("--nat", "off"), "off"),
                                   ("local", ("--p2p-host", "127.0.0.1"), "loopback")):
            self.begin(host, *flags)
            self.wait_way_in(host, port_mapping=state)
        time.sleep(3)  # nothing is to happen in it
        self.assertEqual(self.asked_at("router"), 0)
        self.begin("asks")
        way = self.wait_way_in("asks", port_mapping="failing")
        self.assertIn("NAT-PMP", way["last_error"])
        self.assertIn("UPnP: no gateway answers in the local network", way["last_error"])
        self.assertGreater(self.asked_at("router"), 0)
        self.assertEqual(self.log_of("asks").count("no port mapped reason="), 1)

    def test_two_that_can_only_dial_out_trade_through_a_common_peer(self):
        self.gateway("router-a", 8, ["ann"])
        self.gateway("router-b", 9, ["ben"])
        hub = self.public_nodes(1)
        self.begin("ann", *hub)
        self.begin("ben", *hub)
        for host in ("ann", "ben"):
            harness.wait_until(lambda host=host: (self.run_at(host, "status").get("role"),
                                                  self.run_at(host, "status").get("members")) == ("member", "3"),
                               WAIT_S, f"{host} to be a member of three", every_s=0.2)
        for host in ("ann", "ben"):
            way = self.wait_way_in(host, reach="unreachable", told_port=0)
            self.assertNotIn("seen_address", way)  # one network's word
            self.assertEqual([peer["address"] for peer in self.connected(host)], ["11.1.0.1:3000"])
            harness.wait_until(lambda host=host: "not reachable from the internet" in self.log_of(host), WAIT_S,
                               f"{host} to say it in its log")
            said = subprocess.run(["ip", "netns", "exec", host, harness.program(), "status", "--data-dir",
                                   os.path.join(self.directory, host)], capture_output=True, text=True, check=True).stdout
            self.assertIn("not reachable from the internet", said)
        self.assertTrue(self.run_at("ann", "faucet", "USD", "1000", "--account", "alice"))
        self.assertTrue(self.run_at("ben", "faucet", "BTC", "2", "--account", "bob"))
        self.assertEqual(self.run_at("ann", "order", "buy", "BTC-USD", "0.5", "@", "600", "--account", "alice")["status"],
                         "resting")
        harness.wait_until(lambda: self.run_at("ben", "book", "BTC-USD")["bids"], WAIT_S, "the order to be at ben's")
        filled = self.run_at("ben", "order", "sell", "BTC-USD", "0.2", "@", "500", "--account", "bob", "--wait", "settled")
        self.assertEqual((filled["status"], filled["grade"]), ("filled", "settled"))
        harness.wait_until(lambda: [trade["grade"] for trade in self.run_at("ann", "trades")["trades"]] == ["settled"],
                           WAIT_S, "the trade to be settled at ann's, too")
        for host in ("ann", "ben"):
            self.assertEqual(self.log_of(host).count("not reachable from the internet"), 1)
        # Who comes later is told of neither.
        self.public("eve", 3)
        self.begin("eve", *hub)
        harness.wait_until(lambda: self.connected("eve"), WAIT_S, "eve to be connected")
        time.sleep(3)  # nothing is to happen in it
        told = self.run_at("eve", "peers")["stats"]["known_addresses"]
        self.assertEqual(told, "1")


if __name__ == "__main__":
    harness.main()

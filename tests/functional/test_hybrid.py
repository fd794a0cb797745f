"""Networks whose nodes find each other by more than one way, and what is left when a way is gone: peers alone, with Grapes,
with a registry, by peer exchange, after a partition, and after all bootstrap nodes are gone.

Single ways have tests of their own: test_mdns.py, test_dht.py (with Grapes of Grenache's authors), test_registry.py.
"""

import signal
import time

import harness
from discovery_case import DiscoveryCase


@harness.fair_weather_only("the links of a testnet are not used")
class Hybrid(DiscoveryCase):
    def test_pure_p2p_three_nodes_meet_found_a_ledger_and_trade(self):
        self.begin("ann")
        self.wait_up("ann")
        for name in ("ben", "cas"):
            self.begin(name, "--bootstrap", self.p2p("ann"))
        names = ["ann", "ben", "cas"]
        self.wait_all_connected(names, "pure P2P")
        self.wait_one_ledger(names)
        for number, (buyer, seller) in enumerate((("ann", "ben"), ("ben", "cas"), ("cas", "ann")), start=1):
            self.trade_between(buyer, seller, number)
            self.wait_settled_alike(names, number)
        # No other way took part.
        for name in names:
            self.assertLessEqual(self.found_by(name), {"bootstrap", "peer_exchange", "inbound"})

    def test_with_grapes_and_after_they_are_killed(self):
        urls = self.begin_grapes()
        names = ["ann", "ben", "cas"]
        for number, name in enumerate(names):
            self.begin(name, grape_url=urls[number % 2])
            harness.wait_until(lambda name=name: self.way(name, "grenache").get("state") == "waiting", 30, f"{name} to have searched")
        self.wait_all_connected(names, "through two Grapes")
        self.assertTrue(any("grenache" in self.found_by(name) for name in names))
        self.wait_one_ledger(names)
        self.trade_between("ann", "cas", 1)
        self.wait_settled_alike(names, 1)

        for name in ("grape-1", "grape-2"):
            self.kill(name)
        self.trade_between("ben", "ann", 2)
        self.wait_settled_alike(names, 2)
        # Who comes now needs another way, and says once that no Grape answers.
        self.begin("dan", "--bootstrap", self.p2p("ben"), grape_url=urls[0])
        names.append("dan")
        self.wait_all_connected(names, "Grapes killed, one address known")
        self.wait_one_ledger(names)
        self.trade_between("dan", "cas", 3)
        self.wait_settled_alike(names, 3)
        harness.wait_until(lambda: self.way("dan", "grenache").get("state") == "failing", 30, "dan to notice")
        said = [line for line in self.log_of("dan").splitlines() if "grenache" in line and "warn" in line]
        self.assertEqual(len(said), 1, said)
        # Who was there comes back by what it kept.
        self.stop("cas")
        self.begin("cas", grape_url=urls[0])
        self.wait_all_connected(names, "a restart without Grapes")
        self.wait_one_ledger(names)
        self.trade_between("cas", "dan", 4)
        self.wait_settled_alike(names, 4)

    def test_a_registry_a_grape_and_an_address_make_one_network(self):
        """Three nodes that each know another way, two ways overlapping pairwise."""
        urls = self.begin_grapes()
        self.begin("ann", grape_url=urls[0], registry=True)
        harness.wait_until(lambda: self.way("ann", "grenache").get("state") == "waiting", 30, "ann to be announced")
        self.begin("ben", "--registries", self.registry_url("ann"))
        self.begin("cas", grape_url=urls[1])
        self.wait_up("ben")
        self.begin("dan", "--bootstrap", self.p2p("ben"))
        names = ["ann", "ben", "cas", "dan"]
        self.wait_all_connected(names, "registry, Grape and address")
        self.wait_one_ledger(names)
        self.trade_between("cas", "dan", 1)
        self.wait_settled_alike(names, 1)
        everybody = set().union(*(self.found_by(name) for name in names))
        self.assertLessEqual({"grenache", "bootstrap", self.registry_url("ann").replace("http://", "registry@")}, everybody)

    def test_by_peer_exchange_alone_who_knows_one_address_gets_to_know_all(self):
        names = ["ann", "ben", "cas", "dan", "eve"]
        self.begin("ann")
        for known, name in zip(names, names[1:]):  # a chain: each knows the one before it
            self.wait_up(known)
            self.begin(name, "--bootstrap", self.p2p(known))
        self.wait_all_connected(names, "a chain of five")
        told = sum(int(self.way(name, "peer_exchange")["found"]) for name in names)
        self.assertGreaterEqual(told, 6 - 2)  # six pairs were told of by nobody else; one of both may have come itself
        self.assertLessEqual(set().union(*(self.found_by(name) for name in names)), {"bootstrap", "peer_exchange", "inbound"})
        self.wait_one_ledger(names)
        self.trade_between("ann", "eve", 1)
        self.wait_settled_alike(names, 1)

    def test_persisted_peers_alone_after_all_bootstrap_nodes_are_gone(self):
        self.begin("ann")
        self.begin("ben")
        self.wait_up("ann", "ben")
        given = ("--bootstrap", f"{self.p2p('ann')},{self.p2p('ben')}")
        stay = ["cas", "dan", "eve"]
        for name in stay:
            self.begin(name, *given)
        self.wait_all_connected([*stay, "ann", "ben"], "two bootstrap nodes")
        self.wait_one_ledger([*stay, "ann", "ben"])
        self.trade_between("cas", "ann", 1)
        self.wait_settled_alike([*stay, "ann", "ben"], 1)
        for name in ("ann", "ben"):  # for good
            self.stop(name)
        self.wait_one_ledger(stay)
        for name in stay:
            self.nodes[name][0].send_signal(signal.SIGTERM)
        for name in stay:
            self.assertEqual(self.nodes[name][0].wait(timeout=30), 0)
        for name in stay:  # whom they were told of is not there, and nobody else is named
            self.begin(name, *given)
        self.wait_all_connected(stay, "persisted peers alone")
        for name in stay:
            self.assertNotIn("bootstrap", self.found_by(name))
        self.assertTrue(any("persisted" in self.found_by(name) for name in stay))
        self.wait_one_ledger(stay)
        self.trade_between("dan", "eve", 2)
        self.wait_settled_alike(stay, 2)


@harness.fair_weather_only("it cuts links itself")
class Partition(harness.FunctionalCase):
    """A network that falls apart and meets again, as operators see it; tests/sim has the cruel ones."""

    FLAGS = ("--suspect-after-ms", str(harness.SUSPECT_MS))

    def test_a_network_falls_apart_and_is_one_again(self):
        net = self.new_testnet(5, start=False, proxied=True)
        net.start_proxy()
        for index in range(5):
            net.start_node(index, self.FLAGS)
        net.wait_ready()
        self.trade(net.client(0), 1)
        net.wait_equal()
        many, few = (0, 1, 2), (3, 4)
        for a in few:
            for b in many:
                net.link_command("cut", a, b)
        # Most of them go on without the others; those can take orders, and settle nothing.
        for index in many:
            self.wait_status(net.client(index), f"node {index} of the majority", 40, members=3)
        self.trade(net.client(1), 2)
        net.wait_equal(many)
        before = net.client(3).get("/api/v1/digests")["settled_trades"]
        self.fund(net.client(3), "cut-off", USD="10")
        self.fund(net.client(4), "cut-off-too", USD="10")
        time.sleep(1)  # nothing is to settle in it
        for index in few:
            self.assertEqual(net.client(index).get("/api/v1/digests")["settled_trades"], before)
            self.assertGreater(int(net.client(index).get("/api/v1/status")["unsettled_commands"]), 0)
        began = time.monotonic()
        for a in few:
            for b in many:
                net.link_command("heal", a, b)
        for index in range(5):
            self.wait_status(net.client(index), f"node {index} after the partition", 60, members=5)
        print(f"    five members again {time.monotonic() - began:.1f} s after the links were mended", flush=True)
        self.trade(net.client(4), 3)
        digests = net.wait_equal()
        self.assertEqual(int(digests["settled_trades"]), 3)
        # What was said in the smaller part was issued again.
        account = net.client(3).get("/api/v1/accounts/cut-off")["id"]
        self.assertEqual(self.balances(net.client(0), account)["USD"], ("10", "0"))
        for index in range(5):
            peers = net.client(index).get("/api/v1/peers")["peers"]
            self.assertEqual(sum(peer["state"] == "connected" for peer in peers), 4)


if __name__ == "__main__":
    harness.main()

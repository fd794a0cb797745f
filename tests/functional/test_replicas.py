"""Three nodes hold one book: under replayed order flow, kill -9, cut links, restarts, and with an observer."""

import json
import os
import signal
import subprocess
import time
import urllib.parse

import harness
from load import AcknowledgedOrders, CrossingFlow, LoadThread


def without_empty_blocks(digests):
    """What commands made: a vote may have needed one more block without any, which moves the time on."""
    return {name: digests[name] for name in ("book", "balances", "settled_trades", "trades")}


def book_of(client, market):
    """Every order of a market. Not at which commit: an empty block moves that on."""
    answer = client.get(f"/api/v1/book/{market}?depth=1000&level=3")
    return {name: value for name, value in answer.items() if name != "commit"}


def trades_of(client, market):
    """The settled trades of a market. Not whether they are attested by now, which each node learns in its own time."""
    trades = client.get(f"/api/v1/trades?market={market}&after=0&limit=1000")["trades"]
    for trade in trades:
        trade["grade"] = "settled" if trade["grade"] == "attested" else trade["grade"]
    return trades


class Replicas(harness.FunctionalCase):
    def start_load(self, net, indexes, market):
        """Random trades and orders that must survive, sent to these nodes at once."""
        self.keepers = []
        pairs = []
        for index in indexes:
            client = net.client(index, 5)
            keeper = AcknowledgedOrders(market, f"keeper-{index}")
            # Two, since an account does not trade with itself.
            flows = [CrossingFlow(market, f"flow-{index}-{side}", seed=2 * index + side) for side in range(2)]
            for each in (keeper, *flows):
                each.fund(client)
                pairs.append((each, client))
            self.keepers.append(keeper)
        self.load = LoadThread(pairs)
        self.addCleanup(self.load.stopping.set)
        self.load.start()

    def acknowledged(self):
        return sum(len(keeper.order_ids) for keeper in self.keepers)

    def run_load_for(self, orders, seconds=60):
        """Lets the load go on until so many more orders were acknowledged."""
        goal = self.acknowledged() + orders

        def reached():
            self.assertIsNone(self.load.failure)
            return self.acknowledged() >= goal

        harness.wait_until(reached, seconds, f"{orders} more acknowledged orders")

    def assert_one_book_and_nothing_missing(self, net, indexes=None):
        self.load.stop()
        digests = net.wait_equal(indexes)
        self.assertGreater(int(digests["settled_trades"]), 0)
        for index in net.running():
            for keeper in self.keepers:
                self.assertEqual(keeper.missing(net.client(index)), [], f"acknowledged orders that node {index} lacks")
        return digests

    def assert_one_market_view(self, net, market):
        """Books, trades and balances by the answers themselves, beside the digests."""
        def view(index):
            client = net.client(index)
            accounts = sorted(row["id"] for row in client.get("/api/v1/accounts")["accounts"])
            return (book_of(client, market), trades_of(client, market),
                    [client.get(f"/api/v1/accounts/{account}")["balances"] for account in accounts])

        first, *others = [view(index) for index in net.running()]
        for other in others:
            self.assertEqual(other, first)

    def test_a_node_killed_in_the_middle_comes_back_with_all_that_was_acknowledged(self):
        net = self.new_testnet(3, markets=1)
        self.start_load(net, [0, 1, 2], "M0-USD")
        self.run_load_for(60)
        net.kill(1)
        self.run_load_for(60)
        net.start_node(1)
        net.wait_ready([1])
        self.run_load_for(60)
        net.kill(2)
        net.start_node(2)
        net.wait_ready([2])
        self.run_load_for(30)
        self.assert_one_book_and_nothing_missing(net)
        self.assert_one_market_view(net, "M0-USD")

    def test_all_nodes_killed_at_once_come_back_with_all_that_was_acknowledged(self):
        net = self.new_testnet(3, markets=1)
        self.start_load(net, [0, 1, 2], "M0-USD")
        self.run_load_for(60)
        for index in range(3):
            os.kill(net.node(index)["pid"], signal.SIGKILL)
        self.load.stop()
        harness.wait_until(lambda: net.running() == [], 10, "the nodes to be gone")
        net.start()
        self.assert_one_book_and_nothing_missing(net)

    def test_a_cut_link_heals_and_both_sides_agree(self):
        net = self.new_testnet(3, markets=1, proxied=True)
        self.start_load(net, [0, 1, 2], "M0-USD")
        self.run_load_for(30)
        # Node 2 is alone; 0 and 1 are a majority. Both sides go on taking orders.
        net.link_command("cut", 2, 0)
        net.link_command("cut", 2, 1)
        until = time.monotonic() + 5
        alone = len(self.keepers[2].order_ids)
        while time.monotonic() < until:
            self.run_load_for(5)
        self.assertGreater(len(self.keepers[2].order_ids), alone, "the node that was alone took no orders")
        net.link_command("heal", 2, 0)
        net.link_command("heal", 2, 1)
        self.run_load_for(30)
        self.assert_one_book_and_nothing_missing(net)
        self.assert_one_market_view(net, "M0-USD")

    def test_one_cut_of_three_links_delays_nobody_for_good(self):
        net = self.new_testnet(3, markets=1, proxied=True)
        self.start_load(net, [0, 1], "M0-USD")
        self.run_load_for(30)
        net.link_command("cut", 1, 0)
        until = time.monotonic() + 5
        while time.monotonic() < until:
            self.run_load_for(5)
        net.link_command("heal", 1, 0)
        self.run_load_for(10)
        self.assert_one_book_and_nothing_missing(net)

    def test_a_frozen_process_catches_up(self):
        net = self.new_testnet(3, markets=1)
        self.start_load(net, [0, 1], "M0-USD")
        self.run_load_for(20)
        net.signal(2, signal.SIGSTOP)
        self.run_load_for(60)
        net.signal(2, signal.SIGCONT)
        self.run_load_for(20)
        self.assert_one_book_and_nothing_missing(net)

    def test_a_restart_replays_to_the_same_digests(self):
        net = self.new_testnet(1, markets=1)
        self.start_load(net, [0], "M0-USD")
        self.run_load_for(100)
        before = self.assert_one_book_and_nothing_missing(net)
        book, trades = book_of(net.client(0), "M0-USD"), trades_of(net.client(0), "M0-USD")
        self.assertTrue(net.stop_node(0), "the node did not end on SIGTERM")
        net.start()
        self.assertEqual(without_empty_blocks(net.wait_equal()), without_empty_blocks(before))
        self.assertEqual(book_of(net.client(0), "M0-USD"), book)
        self.assertEqual(trades_of(net.client(0), "M0-USD"), trades)
        # And it goes on from there: no nonce and no slot is used twice.
        self.fund(net.client(0), "late", USD="100")
        self.assertEqual(self.order(net.client(0), "late", "M0-USD", "buy", "1", "1")["status"], "resting")

    def test_a_lost_index_is_rebuilt_from_the_journal(self):
        net = self.new_testnet(1, markets=1)
        self.start_load(net, [0], "M0-USD")
        self.run_load_for(50)
        before = self.assert_one_book_and_nothing_missing(net)
        trades = trades_of(net.client(0), "M0-USD")
        self.assertGreater(len(trades), 0)
        net.stop_node(0)
        index = os.path.join(net.nodes[0]["data_dir"], "index")
        for name in os.listdir(index):
            os.remove(os.path.join(index, name))
        net.start()
        self.assertEqual(without_empty_blocks(net.wait_equal()), without_empty_blocks(before))
        harness.wait_until(lambda: trades_of(net.client(0), "M0-USD") == trades, 30,
                           "the trades to be in the index again")

    def test_an_observer_follows_and_its_users_trade(self):
        net = self.new_testnet(3, observers=1)
        member, observer = net.client(0), net.client(3)
        self.assertEqual(observer.get("/api/v1/status")["role"], "observer")
        self.fund(member, "alice", BTC="2")
        resting = self.order(member, "alice", "BTC-USD", "sell", "60000", "1")
        harness.wait_until(lambda: observer.get("/api/v1/book/BTC-USD")["asks"] == [["60000", "1", 1]], 20,
                           "the observer to see the offer")
        self.fund(observer, "oscar", USD="100000")
        bought = self.order(observer, "oscar", "BTC-USD", "buy", "60000", "0.25")
        self.assertEqual(bought["status"], "filled")
        self.assertEqual(bought["fills"][0]["maker_order_id"], resting["order_id"])
        net.wait_equal()
        self.assertEqual(self.balances(observer, "oscar")["BTC"], ("0.25", "0"))
        account = urllib.parse.quote(observer.get("/api/v1/accounts/oscar")["id"])
        self.assertEqual(self.balances(member, account)["BTC"], ("0.25", "0"))
        # It serves on when a member is gone, and comes back by itself.
        net.restart(3)
        net.wait_equal()


class Replay(harness.FunctionalCase):
    """Generated flow in LOBSTER's format at full speed on many markets, sent to all three nodes at once."""

    def generated(self, rows, *flags):
        path = os.path.join(self.directory, "flow_message_5.csv")
        self.run_json("replay", "--generate", path, "--rows", str(rows), "--seed", "7", *flags)
        return path

    def start_replay(self, net, file, *flags):
        """Starts a replay to every market of all nodes; its report is what finish_replay() returns."""
        self.report = os.path.join(self.directory, "report.json")
        with open(self.report, "wb") as output, open(os.path.join(self.directory, "replay.log"), "wb") as errors:
            self.logs.append(errors.name)
            self.replay = subprocess.Popen([harness.program(), "replay", file, "--testnet", net.directory, "--markets",
                                            "all", "--probe", "--json", *flags], stdin=subprocess.DEVNULL,
                                           stdout=output, stderr=errors)
        self.addCleanup(self.replay.wait)
        self.addCleanup(self.replay.kill)

    def finish_replay(self, seconds=300):
        """The report of a replay that must succeed: equal digests, nothing acknowledged missing."""
        code = self.replay.wait(timeout=seconds)
        with open(self.report, encoding="utf-8") as file:
            text = file.read()
        self.assertEqual(code, 0, text)
        report = json.loads(text)
        self.assertEqual(report["acknowledged_missing"], 0)
        self.assertGreater(report["fills"], 100)
        return report

    def wait_for_commits(self, net, index, count):
        """Until the node executed that many commands: the replay is then in its middle."""
        def reached():
            self.assertIsNone(self.replay.poll(), "the replay ended too early to disturb it")
            return int(net.client(index).get("/api/v1/status")["commands_executed"]) >= count

        harness.wait_until(reached, 120, f"{count} commands", every_s=0.01)

    def test_many_markets_end_equal_on_three_nodes(self):
        net = self.new_testnet(3, markets=64)
        self.start_replay(net, self.generated(500))
        report = self.finish_replay()
        self.assertEqual(len(report["markets"]), 64)
        digests = net.wait_equal()
        self.assertGreater(int(digests["settled_trades"]), 1000)

    def test_a_node_killed_in_the_middle(self):
        net = self.new_testnet(3, markets=4)
        self.start_replay(net, self.generated(20_000))
        self.wait_for_commits(net, 0, 10_000)
        net.kill(1)
        time.sleep(1)
        net.start_node(1)
        net.wait_ready([1])
        self.finish_replay()
        net.wait_equal()

    def test_a_link_cut_and_healed_in_the_middle(self):
        net = self.new_testnet(3, markets=4, proxied=True)
        self.start_replay(net, self.generated(20_000))
        self.wait_for_commits(net, 0, 10_000)
        net.link_command("cut", 1, 0)
        time.sleep(5)
        net.link_command("heal", 1, 0)
        self.finish_replay()
        net.wait_equal()

    def record_of_one_node(self, *flags):
        """What a verified replay on a fresh node says of the recorded executions."""
        net = self.new_testnet(1, markets=1)
        report = self.run_json("replay", self.generated(5_000, *flags), "--node", f"http://{net.nodes[0]['api']}",
                               "--data-dir", net.nodes[0]["data_dir"], "--verify", timeout_s=200)
        self.assertGreater(report["record"]["executions"], 100)
        self.assertEqual(report["record"]["lots_executed"], report["record"]["lots_recorded"])
        return report["record"]

    def test_one_node_reproduces_every_recorded_execution(self):
        record = self.record_of_one_node("--unknown-orders", "0")
        self.assertEqual(record["executions_same"], record["executions"])

    def test_only_orders_from_before_the_record_execute_differently(self):
        # They are seeded when they are first seen, so they may stand behind orders that they were in front of.
        record = self.record_of_one_node()
        self.assertEqual(record["executions_same"] + record["differences"]["seeded"], record["executions"])


@harness.fair_weather_only("the script makes its testnet itself, and chaos harms its links")
class Script(harness.FunctionalCase):
    """scripts/testnet as a person uses it."""

    def script(self, *arguments, code=0):
        done = subprocess.run([os.path.join(harness.ROOT, "scripts", "testnet"), *arguments, "--dir",
                                       os.path.join(self.directory, "t")], stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, text=True, timeout=200, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def end_if_there(self):
        try:
            harness.Testnet.open(os.path.join(self.directory, "t")).down()
        except harness.TestnetError:
            pass  # the test removed it

    def test_up_status_chaos_down(self):
        self.addCleanup(self.end_if_there)
        self.script("up", "3", "--proxied", "--base-port", str(harness.free_ports(12)))
        status = json.loads(self.script("status", "--json"))
        self.assertEqual([(node["running"], node["ready"]) for node in status["nodes"]], [(True, True)] * 3)
        self.assertIn("ready", self.script("status"))
        self.script("kill", "1")
        status = json.loads(self.script("status", "--json"))
        self.assertEqual([node["running"] for node in status["nodes"]], [True, False, True])
        self.assertIn("no node 7", self.script("kill", "7", code=1))
        self.assertIn("holds a testnet", self.script("up", "5", code=1))
        self.script("restart", "1")
        self.assertIn("acknowledged orders rest on each", self.script("chaos", "--seconds", "8", "--seed", "4"))
        self.script("down")
        status = json.loads(self.script("status", "--json"))
        self.assertEqual([node["running"] for node in status["nodes"]], [False] * 3)
        self.script("up")
        self.script("down", "--remove")
        self.assertIn("no testnet", self.script("status", code=1))


if __name__ == "__main__":
    harness.main()

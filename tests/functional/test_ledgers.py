"""Several ledgers of one network: `peerbook ledger`, adopting another one, forking one whose quorum is gone."""

import os
import signal

import harness

SUSPECT = ("--suspect-after-ms", "2000")


class Ledgers(harness.DemoNodes):
    def ledger(self, name, *arguments):
        """Runs `peerbook ledger …` against a node; returns (exit code, standard output and error)."""
        code, output, errors = self.run_program("ledger", *arguments, "--data-dir", self.data_dir(name))
        return code, output + errors

    def ledger_id(self, name):
        return self.client(name).get("/api/v1/status")["ledger"]

    def wait_other(self, name, ledger, seconds=20):
        """Until a peer of the node says that it has this ledger."""
        def met():
            others = self.client(name).get("/api/v1/ledgers")["others"]
            return any(one["ledger"] == ledger and int(one["reachable"]) > 0 for one in others)

        harness.wait_until(met, seconds, f"node {name} meets ledger {ledger[:12]}")

    def wait_until_equal(self, *names):
        """A last empty block may still be on its way to one of them when another has it."""
        def equal():
            return len({self.client(name).get("/api/v1/digests")["state"] for name in names}) == 1

        harness.wait_until(equal, 20, f"nodes {', '.join(names)} have the same state")

    def kill(self, name):
        process, _, _ = self.processes[name]
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=15)

    def test_two_ledgers_meet_and_one_is_adopted(self):
        self.begin("ann", 0, "--found")
        self.begin("ben", 1, "--found", peers=[0])
        self.trade(self.client("ben"), 1)
        self.fund(self.client("ann"), "alice", USD=1000)
        ours, theirs = self.ledger_id("ben"), self.ledger_id("ann")
        self.wait_other("ben", theirs)
        self.wait_other("ann", ours)
        for name in ("ann", "ben"):
            self.wait_for(name, role="member", members=1, unsettled_commands=0)
        code, shown = self.ledger("ben")
        self.assertEqual(code, 0, shown)
        self.assertIn(theirs, shown)
        old_key = self.client("ben").get("/api/v1/status")["node"]
        settled = self.client("ben").get("/api/v1/trades?market=BTC-USD&after=0")
        self.assertEqual(settled["ledger"], ours)
        self.assertIn([trade["grade"] for trade in settled["trades"]], (["settled"], ["attested"]))

        code, said = self.ledger("ben", "adopt", theirs)
        self.assertEqual(code, 1, said)
        self.assertIn("--yes", said)
        self.assertEqual(self.ledger_id("ben"), ours)
        code, said = self.ledger("ben", "adopt", theirs, "--yes")
        self.assertEqual(code, 0, said)
        self.assertIn("1 settled trade retracted", said)

        for name in ("ann", "ben"):
            self.wait_for(name, role="member", members=2, unsettled_commands=0, ledger=theirs)
        self.assertNotEqual(self.client("ben").get("/api/v1/status")["node"], old_key)
        self.assertEqual(self.client("ben").get("/api/v1/trades?market=BTC-USD&after=0")["trades"], [])
        retracted = self.client("ben").get(f"/api/v1/trades?ledger={ours}&market=BTC-USD&after=0")
        self.assertEqual(retracted["ledger"], ours)
        self.assertEqual([(trade["trade_id"], trade["grade"], trade["reason"]) for trade in retracted["trades"]],
                         [(settled["trades"][0]["trade_id"], "retracted", "ledger_adopted")])
        of_seller = self.client("ben").get(f"/api/v1/trades?ledger={ours}&account=seller-1")
        self.assertEqual(len(of_seller["trades"]), 1)
        given_up = self.client("ben").get("/api/v1/ledgers")["given_up"]
        self.assertEqual([(one["ledger"], one["retracted_trades"], one["reason"]) for one in given_up],
                         [(ours, "1", "ledger_adopted")])
        archive = given_up[0]["archive"]
        for kept in ("journal", "index", "node.key", "node.key.retired", "given-up.toml"):
            self.assertTrue(os.path.exists(os.path.join(archive, kept)), kept)
        self.assertEqual(os.stat(archive).st_mode & 0o077, 0)
        code, _, errors = self.run_program("node", "--data-dir", archive, "--p2p", "false", "--api-port", "0")
        self.assertNotEqual(code, 0)
        self.assertIn("never signs again", errors)

        # It stays there, whatever its flags say, and both settle what the other takes.
        self.stop("ben")
        self.begin("ben", 1, "--found", peers=[0])
        for name in ("ann", "ben"):
            self.wait_for(name, role="member", members=2, ledger=theirs)
        self.trade(self.client("ben"), 2)
        for name in ("ann", "ben"):
            self.wait_for(name, settled_trades=1, unsettled_commands=0)
        code, shown = self.ledger("ben")
        self.assertIn(ours, shown)

    def test_a_member_leaves_before_it_adopts(self):
        self.begin("ann", 0)
        self.begin("ben", 1, peers=[0])
        for name in ("ann", "ben"):
            self.wait_for(name, role="member", members=2, unsettled_commands=0)
        self.begin("cas", 2, "--found")
        ours, theirs = self.ledger_id("ben"), self.ledger_id("cas")
        self.fund(self.client("ben"), "bob", USD=5)
        self.client("ben").post("/api/v1/peers/connect", {"address": f"127.0.0.1:{self.base + 4}"})
        self.wait_other("ben", theirs)
        code, said = self.ledger("ben", "adopt", theirs, "--yes")
        self.assertEqual(code, 0, said)
        self.wait_for("ann", role="member", members=1, unsettled_commands=0, ledger=ours)
        for name in ("ben", "cas"):
            self.wait_for(name, role="member", members=2, unsettled_commands=0, ledger=theirs)
        self.trade(self.client("ann"), 1)
        self.wait_for("ann", settled_trades=1)
        code, said = self.ledger("ben", "adopt", theirs, "--yes")
        self.assertEqual(code, 1)
        self.assertIn("already", said)

    def test_the_younger_of_two_forks_and_others_come_in(self):
        self.begin("ann", 0, *SUSPECT)
        self.begin("ben", 1, *SUSPECT, peers=[0])
        for name in ("ann", "ben"):
            self.wait_for(name, role="member", members=2, unsettled_commands=0)
        status = self.client("ann").get("/api/v1/status")
        elder, younger = ("ann", "ben") if status["member_list"][0]["self"] else ("ben", "ann")
        self.trade(self.client(younger), 1)
        for name in ("ann", "ben"):
            self.wait_for(name, settled_trades=1, unsettled_commands=0)
        old = self.ledger_id(younger)
        code, said = self.ledger(younger, "fork", "--yes")
        self.assertEqual(code, 1)
        self.assertIn("no reason to fork", said)

        self.kill(elder)
        self.fund(self.client(younger), "bob", USD=5)

        def forked():
            done, said = self.ledger(younger, "fork", "--yes")
            if done != 0:
                self.assertIn("for only", said)
            return done == 0

        harness.wait_until(forked, 20, "it is without a quorum for long enough")
        self.wait_for(younger, role="member", members=1, unsettled_commands=0)
        fork = self.ledger_id(younger)
        self.assertNotEqual(fork, old)
        self.assertEqual(self.balances(self.client(younger), "bob")["USD"], ("5", "0"))
        younger_index = self.processes[younger][2]
        self.begin("cas", 2, *SUSPECT, peers=[younger_index])
        for name in (younger, "cas"):
            self.wait_for(name, role="member", members=2, settled_trades=1, unsettled_commands=0, ledger=fork)
        self.stop(younger)
        self.begin(younger, younger_index, *SUSPECT, peers=[2])
        for name in (younger, "cas"):
            self.wait_for(name, role="member", members=2, settled_trades=1, ledger=fork)

        # The one that was given up for dead comes back: it stays in the old ledger until its operator adopts.
        self.begin(elder, self.processes[elder][2], *SUSPECT, peers=[younger_index, 2])
        self.wait_other(elder, fork)
        self.wait_for(elder, members=1, ledger=old)
        code, said = self.ledger(elder, "adopt", fork, "--yes")
        self.assertEqual(code, 0, said)
        for name in ("ann", "ben", "cas"):
            self.wait_for(name, role="member", members=3, settled_trades=1, unsettled_commands=0, ledger=fork)
        self.wait_until_equal("ann", "ben", "cas")

    def test_two_of_five_named_members_fork_together(self):
        net = self.new_testnet(5, start=False)
        for index in range(5):
            net.start_node(index, SUSPECT)
        net.wait_ready()
        self.trade(net.client(0), 1)
        net.wait_equal()
        old = net.client(3).get("/api/v1/status")["ledger"]
        for index in range(3):
            net.kill(index)
        keys = [net.client(index).get("/api/v1/status")["node"] for index in (3, 4)]

        def run_at(index, *arguments):
            return self.run_program("ledger", *arguments, "--data-dir", net.node(index)["data_dir"])

        harness.wait_until(lambda: run_at(3, "fork", "--members", ",".join(keys), "--yes")[0] == 0, 20,
                           "node 3 forks the ledger")
        fork = net.client(3).get("/api/v1/status")["ledger"]
        self.assertNotEqual(fork, old)
        self.assertEqual(net.client(4).get("/api/v1/status")["ledger"], old)
        harness.wait_until(lambda: run_at(4, "fork", "--accept", fork, "--yes")[0] == 0, 20, "node 4 accepts it")
        self.trade(net.client(4), 2)
        for index in (3, 4):
            self.wait_status(net.client(index), f"node {index}", 20, members=2, settled_trades=2, ledger=fork,
                             unsettled_commands=0)
        for index in (3, 4):
            net.kill(index)
        for index in (3, 4):
            net.start_node(index, SUSPECT)
        net.wait_ready([3, 4])
        self.trade(net.client(3), 3)
        for index in (3, 4):
            self.wait_status(net.client(index), f"node {index}", 20, members=2, settled_trades=3, ledger=fork)
        # A lost one that comes back may follow, observes, and does not become a member: the file names others.
        net.start_node(0, SUSPECT)
        harness.wait_until(lambda: run_at(0, "fork", "--accept", fork, "--yes")[0] == 0, 30, "node 0 follows")
        self.wait_status(net.client(0), "node 0", 20, role="observer", settled_trades=3, ledger=fork)

    def test_what_makes_no_sense_is_refused_with_what_to_do(self):
        self.begin("ann", 0)
        for arguments, words in (
                (("adopt", "0" * 63 + "1", "--yes"), "no ledger to give up"),
                (("fork", "--yes"), "no ledger that could be forked"),
                (("fork", "--accept", "0" * 63 + "1", "--yes"), "no ledger that could be forked")):
            code, said = self.ledger("ann", *arguments)
            self.assertEqual(code, 1, said)
            self.assertIn(words, said)
        # What is no id is said before anybody is asked whether they are sure.
        for arguments in (("adopt", "abc"), ("fork", "--members", "xyz"), ("fork", "--accept", "xyz")):
            code, said = self.ledger("ann", *arguments)
            self.assertEqual(code, 2, said)
            self.assertIn("64 hexadecimal digits", said)
            self.assertNotIn("--yes", said)
        code, said = self.ledger("ann", "fork", "--accept", "0" * 64, "--members", "0" * 64, "--yes")
        self.assertEqual(code, 2, said)
        self.stop("ann")
        code, said = self.ledger("ann", "adopt", "0" * 64, "--yes")
        self.assertEqual(code, 3, said)


if __name__ == "__main__":
    harness.main()

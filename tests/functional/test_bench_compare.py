"""scripts/bench_compare prints what changed between two runs, and says which file it cannot read."""

import json
import os
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def run_compare(*runs):
    """Writes each run to a file, compares; returns (exit code, output, errors)."""
    with tempfile.TemporaryDirectory() as directory:
        paths = []
        for number, run in enumerate(runs):
            paths.append(os.path.join(directory, f"{number}.json"))
            with open(paths[-1], "w", encoding="utf-8") as file:
                file.write(run if isinstance(run, str) else json.dumps(run))
        done = subprocess.run([os.path.join(ROOT, "scripts", "bench_compare"), *paths], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)
        return done.returncode, done.stdout, done.stderr


def workload(name, mean_ns, **more):
    return {"name": name, "mean_ns": mean_ns, "operations_per_s": 1e9 / mean_ns, "bytes_per_resting_order": 0, **more}


class BenchCompare(unittest.TestCase):
    def test_prints_ratios_of_what_both_runs_have(self):
        before = {"workloads": [workload("quiet", 200, parts=[{"name": "book", "unit": "ns/op", "value": 40}]),
                                workload("gone", 1)]}
        after = {"workloads": [workload("quiet", 100, parts=[{"name": "book", "unit": "ns/op", "value": 50}]),
                               workload("new", 1)]}
        code, output, _ = run_compare(before, after)
        self.assertEqual(code, 0)
        rows = [line.split() for line in output.splitlines()]
        self.assertIn(["quiet", "ns/op", "200.00", "100.00", "0.500"], rows)
        self.assertIn(["quiet", "M", "op/s", "5.00", "10.00", "2.000"], rows)
        self.assertIn(["quiet", "book", "ns/op", "40.00", "50.00", "1.250"], rows)
        self.assertIn(["gone", "only", "before"], rows)
        self.assertIn(["new", "only", "after"], rows)
        self.assertNotIn("B/order", output)

    def test_refuses_what_is_no_run(self):
        for bad in ("nonsense", {}, {"workloads": [{}]}, []):
            with self.subTest(bad=bad):
                code, _, errors = run_compare({"workloads": []}, bad)
                self.assertEqual(code, 2)
                self.assertIn("1.json", errors)
        code, _, errors = run_compare({"workloads": []})
        self.assertEqual(code, 2)
        self.assertIn("BEFORE.json AFTER.json", errors)


if __name__ == "__main__":
    unittest.main()

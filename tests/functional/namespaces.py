"""Tests that run in namespaces of network, mounts and processes of their own; needs root.

A class that derives from RunsInside starts another class of its file again inside of them.
"""

import os
import shutil
import subprocess
import sys

import harness

SYSTEM_PATH = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"
NAMESPACE = ("unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child")
INSIDE = "TESTS_RUN_INSIDE"  # the nodes would take a name that begins with PEERBOOK_ for a setting


def system(command):
    subprocess.run(command.split(), check=True)


def missing(*programs):
    """Why no namespaces with these programs can be made here; None if they can."""
    for name in ("unshare", "ip", *programs):
        if shutil.which(name, path=SYSTEM_PATH) is None:
            return f"{name} is not installed"
    tried = subprocess.run([*NAMESPACE, "true"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return f"no namespaces: {tried.stdout.strip()}" if tried.returncode != 0 else None


class RunsInside(harness.FunctionalCase):
    file = None  # of the tests

    def run_inside(self, name, *programs):
        why = missing(*programs)
        if why:
            print(f"skipped: {why}")
            self.skipTest(why)
        done = subprocess.run([*NAMESPACE, sys.executable, "-B", os.path.abspath(self.file), "--verbose", name],
                              env={**os.environ, INSIDE: "yes", "PATH": SYSTEM_PATH}, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=300, check=False)
        print(done.stdout)
        self.assertEqual(done.returncode, 0)
        self.assertNotIn("skipped", done.stdout)

"""Tests that run in namespaces of network, mounts and processes of their own, so that nothing is left behind; needs root.

A class that derives from RunsInside starts another class of its file again inside of them; that one is `only_inside`.
Where they cannot be made, the tests are skipped with the reason.
"""

import os
import shutil
import subprocess
import sys
import unittest

import harness

SYSTEM_PATH = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"
_MAKE = ("unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child")
_INSIDE = "TESTS_RUN_INSIDE"  # the nodes would take a name that begins with PEERBOOK_ for a setting

only_inside = unittest.skipUnless(_INSIDE in os.environ, "runs inside of what RunsInside makes")


def system(command, **options):
    return subprocess.run(command.split(), check=True, **options)


def missing(*programs):
    """Why no namespaces with these programs can be made here; None if they can."""
    for name in ("unshare", "ip", *programs):
        if shutil.which(name, path=SYSTEM_PATH) is None:
            return f"{name} is not installed"
    tried = subprocess.run([*_MAKE, "true"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return f"no namespaces: {tried.stdout.strip()}" if tried.returncode != 0 else None


def refused(*command):
    """Why this command fails in a network namespace; None if it does not."""
    tried = subprocess.run([*_MAKE, *command], env={**os.environ, "PATH": SYSTEM_PATH}, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True, check=False)
    return f"{' '.join(command)}: {tried.stdout.strip()}" if tried.returncode != 0 else None


class RunsInside(harness.FunctionalCase):
    file = None  # of the tests

    def run_inside(self, name, *programs, timeout_s=300):
        """Runs the class or test `name` of the file inside."""
        why = missing(*programs)
        if why:
            print(f"skipped: {why}")
            self.skipTest(why)
        done = subprocess.run([*_MAKE, sys.executable, "-B", os.path.abspath(self.file), "--verbose", name],
                              env={**os.environ, _INSIDE: "yes", "PATH": SYSTEM_PATH}, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=timeout_s, check=False)
        print(done.stdout)
        self.assertEqual(done.returncode, 0)
        self.assertNotIn("skipped", done.stdout)

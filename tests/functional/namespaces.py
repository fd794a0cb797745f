"""Network namespaces for tests that need more than loopback; as root, skipped with the reason where they cannot be made.

A test file has a case outside that calls run_inside(), and classes that run in what it makes: namespaces of network, mounts
and processes of their own, so that nothing is left behind.
"""

import os
import shutil
import subprocess
import sys
import unittest

SYSTEM_PATH = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"
_MAKE = ("unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child")
_INSIDE = "TEST_INSIDE_NAMESPACES"

only_inside = unittest.skipUnless(_INSIDE in os.environ, "runs inside of what run_inside() makes")


def missing(*programs):
    """Why no namespaces with these programs can be made here; None if they can."""
    for name in ("unshare", "ip", *programs):
        if shutil.which(name, path=SYSTEM_PATH) is None:
            return f"{name} is not installed"
    tried = subprocess.run([*_MAKE, "true"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return f"no namespaces: {tried.stdout.strip()}" if tried.returncode != 0 else None


def run_inside(case, path, name, *programs, timeout_s=300):
    """Runs the class or test `name` of the file `path` in namespaces of its own."""
    why = missing(*programs)
    if why:
        print(f"skipped: {why}")
        case.skipTest(why)
    done = subprocess.run([*_MAKE, sys.executable, "-B", os.path.abspath(path), "--verbose", name],
                          env={**os.environ, _INSIDE: "yes", "PATH": SYSTEM_PATH}, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=timeout_s, check=False)
    print(done.stdout)
    case.assertEqual(done.returncode, 0)
    case.assertNotIn("skipped", done.stdout)


def system(command, **options):
    return subprocess.run(command.split(), check=True, **options)

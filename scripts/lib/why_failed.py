"""Prints the end of what each failed test of a ctest run said: why_failed.py BUILD_DIRECTORY.

A run of thousands of tests is long, and where it is shown only in part its failures are what is wanted.
"""

import os
import re
import sys

LINES_OF_A_TEST = 30
TESTS_MAX = 12


def failed_names(directory):
    path = os.path.join(directory, "LastTestsFailed.log")
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return [line.strip().split(":", 1)[1] for line in file if ":" in line]


def outputs(directory):
    """(name, lines) of each test of the last run."""
    with open(os.path.join(directory, "LastTest.log"), encoding="utf-8", errors="replace") as file:
        log = file.read()
    for part in re.split(r"^\d+/\d+ Testing: ", log, flags=re.MULTILINE)[1:]:
        name = part.split("\n", 1)[0]
        said = part.split("Output:\n", 1)[-1].split("<end of output>", 1)[0]
        yield name, [line for line in said.splitlines() if line.strip()]


def main():
    directory = os.path.join(sys.argv[1], "Testing", "Temporary")
    failed = failed_names(directory)
    wanted = set(failed[:TESTS_MAX])
    for name, lines in outputs(directory):
        if name in wanted:
            print(f"\n==> FAILED: {name}; the end of what it said:")
            print("\n".join(f"    {line[:240]}" for line in lines[-LINES_OF_A_TEST:]))
    if len(failed) > TESTS_MAX:
        print(f"\n==> and {len(failed) - TESTS_MAX} more")


if __name__ == "__main__":
    main()

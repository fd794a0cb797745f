"""Reading the project's C++ sources for the checks: finding files, blanking comments and strings, reporting."""

import os
import re
import sys

LAYERS = ("base", "exchange", "p2p", "storage", "config", "app", "tests")

_TOKEN = re.compile(
    r'R"(?P<delimiter>[^\s()\\]{0,16})\(.*?\)(?P=delimiter)"'  # raw string
    r'|"(?:\\.|[^"\\\n])*"'                                    # string
    r"|(?<![0-9A-Za-z_])'(?:\\.|[^'\\\n])+'"                   # character, not a digit separator
    r"|//[^\n]*"
    r"|/\*.*?\*/",
    re.DOTALL,
)


def without_comments_and_strings(text):
    """The code alone, on the same lines: comments become blanks, strings become empty ones. Includes are kept."""

    def blank(match):
        token = match.group(0)
        newlines = "\n" * token.count("\n")
        if token.startswith("/"):
            return " " + newlines
        return '""' + newlines

    kept = []
    for line in text.split("\n"):
        kept.append(re.sub(r'^\s*#\s*include\s*"([^"]*)"', r"#include <./\1>", line))
    return _TOKEN.sub(blank, "\n".join(kept))


def cxx_files(root, layers=LAYERS):
    """Paths below root, relative and sorted, of the C++ files in the given layers."""
    found = []
    for layer in layers:
        for directory, _, names in os.walk(os.path.join(root, layer)):
            for name in names:
                if name.endswith((".cc", ".h")):
                    found.append(os.path.relpath(os.path.join(directory, name), root))
    return sorted(found)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def report(check, findings, file_count):
    """Prints findings as path:line: message and exits with 1 if there are any."""
    for path, line, message in findings:
        print(f"{path}:{line}: {message}")
    if findings:
        print(f"{check}: {len(findings)} finding(s) in {file_count} files", file=sys.stderr)
        sys.exit(1)
    if file_count == 0:
        print(f"{check}: found no C++ files: wrong directory?", file=sys.stderr)
        sys.exit(1)


def root_from_arguments(usage):
    """The directory to check: the one argument, or the project that the script belongs to."""
    if len(sys.argv) > 2 or (len(sys.argv) == 2 and sys.argv[1].startswith("-")):
        print(usage.strip(), file=sys.stderr)
        sys.exit(2)
    if len(sys.argv) == 2:
        return sys.argv[1]
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

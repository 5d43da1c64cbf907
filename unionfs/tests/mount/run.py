#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Scenario tests over real mounts.

run.py --blendfs BUILD/unionfs/tools/blendfs [-k PATTERN] [--jobs N] [--engine plain|overlayfs|blendfs]

Exit status: 0 all passed (or skipped), 1 a test failed, 2 wrong use, 77 nothing can run on this machine.
"""
import argparse
import fnmatch
import importlib
import os
import pkgutil
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from lab import engines, runner, sandbox  # noqa: E402
from lab.case import Case, Environment  # noqa: E402


def collect(pattern):
    import cases
    tests = []
    for module in sorted(info.name for info in pkgutil.iter_modules(cases.__path__)):
        loaded = importlib.import_module("cases." + module)
        for kind in sorted(vars(loaded).values(), key=str):
            if isinstance(kind, type) and issubclass(kind, Case) and kind.__module__ == loaded.__name__:
                tests += list(unittest.defaultTestLoader.loadTestsFromTestCase(kind))
    if pattern:
        tests = [test for test in tests
                 if pattern in test.id() or fnmatch.fnmatch(test.id(), "*" + pattern + "*")]
    return tests


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blendfs", help="the binary to test")
    parser.add_argument("--race", help="the helper program blendfs_race (default: found beside a build's blendfs)")
    parser.add_argument("--engine", choices=sorted(engines.ENGINES), default="blendfs")
    parser.add_argument("-k", metavar="PATTERN", default="", help="only tests whose name contains this")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--list", action="store_true", help="print the names of the tests and end")
    parser.add_argument("-v", action="store_true", help="print passed tests too, with their seconds")
    return parser.parse_args()


def main():
    options = arguments()
    if options.list:
        print("\n".join(test.id() for test in collect(options.k)))
        return 0
    if options.engine == "blendfs":
        if not options.blendfs or not os.access(options.blendfs, os.X_OK):
            print("run.py: --blendfs has to name the built binary (ninja blendfs)", file=sys.stderr)
            return 2
        options.blendfs = os.path.abspath(options.blendfs)
        beside = os.path.join(os.path.dirname(options.blendfs), "../tests/mount/blendfs_race")
        options.race = options.race or (os.path.realpath(beside) if os.path.exists(beside) else "")
    return sandbox.run_inside(__file__, lambda base: run(options, base), fuse=options.engine == "blendfs",
                              tests=len(collect(options.k)))


def run(options, base):
    Environment.engine, Environment.blendfs, Environment.race = options.engine, options.blendfs, options.race
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    skips = {}

    def report(outcome):
        counts[outcome.verdict] += 1
        if outcome.verdict == "failed":
            print("FAILED %s (%.1f s)\n%s\n" % (outcome.name, outcome.seconds, outcome.text.rstrip()))
        elif outcome.verdict == "skipped":
            skips.setdefault(outcome.text, []).append(outcome.name)
        if options.v and outcome.verdict != "failed":
            print("%s %s %.2f s" % (outcome.verdict, outcome.name, outcome.seconds))
        sys.stdout.flush()

    runner.run(collect(options.k), base, max(1, options.jobs), report)
    for reason, names in sorted(skips.items()):
        print("skipped %d: %s" % (len(names), reason))
    print("%d passed, %d failed, %d skipped" % (counts["passed"], counts["failed"], counts["skipped"]))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())

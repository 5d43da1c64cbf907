#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs the Python unit tests of a folder: checks/unittests.py FOLDER [--jobs N]

Imports start at the folder above the tests. With --jobs N, N processes run the modules; a class whose `independent` is true
has each of its tests dealt out by itself. Ends with `N passed, N failed, N skipped`.
"""
import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
import unittest

PROGRAM = os.path.abspath(__file__)
CLOSING = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.MULTILINE)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--jobs", type=int, default=1, help="how many processes run tests; 1 if not given")
    parser.add_argument("--name", action="append", help=argparse.SUPPRESS)  # tests to run: of a process that --jobs has started
    options = parser.parse_args()
    folder = os.path.abspath(options.folder)
    os.chdir(os.path.dirname(folder))
    sys.path[:0] = [folder, os.path.dirname(folder)] if options.name else [os.path.dirname(folder)]
    sys.dont_write_bytecode = True
    if options.name:
        return run(unittest.defaultTestLoader.loadTestsFromNames(options.name))
    tests = unittest.defaultTestLoader.discover(folder, pattern="*test*.py", top_level_dir=folder)
    return run(tests) if options.jobs == 1 else run_shared(folder, portions(tests), options.jobs)


def run(tests):
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=1).run(tests)
    for test, reason in result.skipped:
        print(f"skipped 1: {test.id()}: {reason}")
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    passed = result.testsRun - failed - len(result.skipped)
    if result.testsRun == 0 and not result.skipped:
        print("no test found")
        failed = max(failed, 1)
    print(f"{max(passed, 0)} passed, {failed} failed, {len(result.skipped)} skipped", flush=True)
    return 1 if failed else 0


def portions(tests):
    """Names of tests, as often as a process is to be started: those by themselves first, for they are the longest."""
    alone, modules = [], {}
    for test in flat(tests):
        module = type(test).__module__
        if getattr(type(test), "independent", False):
            alone.append([test.id()])
        elif module == "unittest.loader":  # it could not be imported, which the process of its own says again
            modules.setdefault(test.id().rpartition(".")[2], None)
        else:
            name = f"{module}.{type(test).__qualname__}"
            modules.setdefault(module, {})[name] = None
    return alone + [list(classes or [module]) for module, classes in modules.items()]


def flat(tests):
    for test in tests:
        if isinstance(test, unittest.TestSuite):
            yield from flat(test)
        else:
            yield test


def run_shared(folder, names, jobs):
    totals = [0, 0, 0]
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for done in concurrent.futures.as_completed([pool.submit(run_process, folder, portion) for portion in names]):
            output, counts = done.result()
            print(CLOSING.sub("", output).strip(), flush=True)
            totals = [total + count for total, count in zip(totals, counts)]
    if sum(totals) == 0:
        print(f"no test found below {folder}")
        totals[1] = 1
    print("{} passed, {} failed, {} skipped".format(*totals))
    return 1 if totals[1] else 0


def run_process(folder, names):
    command = [sys.executable, PROGRAM, folder]
    for name in names:
        command += ["--name", name]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    closing = CLOSING.findall(done.stdout)
    if not closing:
        return f"{done.stdout}\nFAILED {' '.join(names)}: ended with {done.returncode} and without a result", (0, 1, 0)
    return done.stdout, tuple(int(count) for count in closing[-1])


if __name__ == "__main__":
    sys.exit(main())

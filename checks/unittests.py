#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs the Python unit tests of a folder: checks/unittests.py FOLDER

Imports start at the folder above the tests. Ends with `N passed, N failed, N skipped`.
"""
import os
import sys
import unittest


def main():
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    folder = os.path.abspath(sys.argv[1])
    os.chdir(os.path.dirname(folder))
    sys.path.insert(0, os.path.dirname(folder))
    sys.dont_write_bytecode = True
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=1).run(
        unittest.defaultTestLoader.discover(folder, pattern="*test*.py", top_level_dir=folder))
    for test, reason in result.skipped:
        print(f"skipped 1: {test.id()}: {reason}")
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    passed = result.testsRun - failed - len(result.skipped)
    if result.testsRun == 0:
        print(f"no test found below {folder}")
        failed = 1
    print(f"{max(passed, 0)} passed, {failed} failed, {len(result.skipped)} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Counts what ctest ran: checks/junit_counts.py JUNIT.xml

A test that itself runs many (the mount scenarios, a Python suite) ends its output with a line
`N passed, N failed, N skipped`; those numbers then stand for it. Prints the failed tests, the reason
of each skip and the total in the same form.
"""
import re
import sys
import xml.etree.ElementTree as ElementTree

INNER = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.M)
REASON = re.compile(r"^(?:.*: Skipped\s*\n(.*)|skipped \d+: (.*)|(?:nothing was run|SKIP(?:PED)?): (.*))$", re.M)
TAIL_CHARACTERS = 6000


def reason_of(output):
    match = REASON.search(output)
    return next((text.strip() for text in match.groups() if text), "no reason given") if match else "no reason given"


def main():
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    passed = failed = skipped = 0
    for case in ElementTree.parse(sys.argv[1]).getroot().iter("testcase"):
        name, output = case.get("name"), case.findtext("system-out") or ""
        inner = INNER.findall(output)
        broke = case.find("failure") is not None or case.get("status") == "fail"
        skip = case.find("skipped") is not None or case.get("status") in ("notrun", "disabled")
        counts = [int(number) for number in inner[-1]] if inner else [0, 0, 0]
        if broke and counts[1] == 0:
            counts[1] = 1
        elif not inner:
            counts[2 if skip else 0] = 1
        if broke:
            print(f"FAILED {name}\n{output[-TAIL_CHARACTERS:].rstrip()}\n")
        elif counts[2]:
            print(f"skipped {counts[2]} {name}: {reason_of(output)}")
        passed, failed, skipped = passed + counts[0], failed + counts[1], skipped + counts[2]
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

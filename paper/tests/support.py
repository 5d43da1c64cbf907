# SPDX-License-Identifier: MIT
"""Shared by the tests: where the code is, reports from synthetic documents, and the command as a user runs it."""

import functools
import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True
TESTS = os.path.dirname(os.path.abspath(__file__))
PAPER = os.path.dirname(TESTS)
for folder in (TESTS, PAPER):
    if folder not in sys.path:
        sys.path.insert(0, folder)

import loading  # noqa: E402
import synthetic  # noqa: E402

KINDS = ("ok", "failures", "single", "hostile", "many", "allfailed", "kvm", "minimal")


def encode(document):
    return json.dumps(document).encode()


@functools.lru_cache(maxsize=None)
def report_of(kind):
    return loading.load(encode(synthetic.document(kind)))


def run_command(*arguments, stdin=None, environment=None):
    return subprocess.run([os.path.join(PAPER, "report"), *arguments], input=stdin, capture_output=True, timeout=300,
                          env=dict(os.environ, **(environment or {})), check=False)

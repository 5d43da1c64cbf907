# SPDX-License-Identifier: MIT
"""Runs test cases, each in a process and a folder of its own, several at a time, every wait bounded."""
import os
import pickle
import select
import shutil
import signal
import sys
import time
import unittest

from lab import engines
from lab.case import Environment

TEST_LIMIT_S = 90


class Outcome:
    def __init__(self, name, verdict, text, seconds):
        self.name, self.verdict, self.text, self.seconds = name, verdict, text, seconds


class _Running:
    def __init__(self, test, folder):
        self.test, self.folder = test, folder
        self.started = time.monotonic()
        self.limit_s = getattr(getattr(test, test._testMethodName), "limit_s", TEST_LIMIT_S)
        self.timed_out = False
        reader, writer = os.pipe()
        os.makedirs(folder)
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(reader)
            os.setpgid(0, 0)
            _child(test, folder, writer)
        os.close(writer)
        self.pipe = reader


def _child(test, folder, writer):
    """Runs one test, sends (verdict, text) and exits."""
    code = 1
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        with open(os.path.join(folder, "output"), "wb") as output:
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
        Environment.folder = folder
        result = unittest.TestResult()
        test.run(result)
        sys.stdout.flush()
        if result.skipped:
            answer = ("skipped", result.skipped[0][1])
        elif result.wasSuccessful():
            answer = ("passed", "")
        else:
            answer = ("failed", "\n".join(text for _, text in result.errors + result.failures))
            for mounted in getattr(test, "mounts", []):
                if mounted.complaints():
                    answer = ("failed", answer[1] + "\nblendfs printed:\n" + mounted.complaints())
        os.write(writer, pickle.dumps(answer))
        code = 0
    finally:
        os._exit(code)


def _kill_all(running):
    """Ends the test and the daemons it started, by pid: a dead daemon frees whoever waits for it."""
    pids = []
    for base, folders, files in os.walk(running.folder):
        folders[:] = [name for name in folders if name.startswith("u") and name[1:].isdigit()]
        if "pids" in files:
            with open(os.path.join(base, "pids")) as listed:
                pids += [int(line) for line in listed]
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    try:
        os.killpg(running.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _read_all(fd):
    out = b""
    while block := os.read(fd, 65536):
        out += block
    return out


def _finish(running):
    """Called when the test's pipe has data or is closed."""
    raw = _read_all(running.pipe)
    os.close(running.pipe)
    try:
        os.waitpid(running.pid, 0)
    except ChildProcessError:
        pass
    seconds = time.monotonic() - running.started
    if raw:
        verdict, text = pickle.loads(raw)
    else:
        why = "no end after %d s; killed" % running.limit_s if running.timed_out else "the test process died"
        verdict, text = "failed", why
        for base, _, files in os.walk(running.folder):
            if "blendfs.err" in files:
                with open(os.path.join(base, "blendfs.err"), errors="replace") as log:
                    text += "\nblendfs printed:\n" + log.read()[-4000:]
                break
    with open(os.path.join(running.folder, "output"), errors="replace") as output:
        printed = output.read().strip()
    if printed and verdict == "failed":
        text += "\nthe test printed:\n" + printed[-8000:]
    _kill_all(running)
    _clear(running.folder)
    return Outcome(running.test.id(), verdict, text, seconds)


def _clear(folder):
    with open("/proc/self/mountinfo") as table:
        targets = [line.split(" ")[4] for line in table]
    from lab import sysops
    for target in reversed(targets):
        if target.startswith(folder + "/"):
            try:
                sysops.umount(target, engines.MNT_DETACH)
            except OSError:
                pass
    shutil.rmtree(folder, ignore_errors=True)


def run(tests, base, jobs, report):
    """Runs the tests; calls report(outcome) as each ends."""
    waiting = list(reversed(tests))
    active = []
    number = 0
    while waiting or active:
        while waiting and len(active) < jobs:
            number += 1
            active.append(_Running(waiting.pop(), os.path.join(base, "t%04d" % number)))
        ready, _, _ = select.select([running.pipe for running in active], [], [], 0.5)
        for running in list(active):
            if running.pipe in ready:
                active.remove(running)
                report(_finish(running))
            elif time.monotonic() - running.started > running.limit_s:
                running.timed_out = True
                _kill_all(running)


def limit(seconds):
    """Decorator: this test may take longer than the others."""
    def decorate(function):
        function.limit_s = seconds
        return function
    return decorate

# SPDX-License-Identifier: MIT
"""Processes that load a union with random operations until its daemon dies or they are told to end, and the
log each of them keeps in a file outside the union: every operation when it starts and its answer when it ends.

A log is read after its process has ended, so what it says was finished has returned to the application. `clock`,
where given, dates both entries by something that the storage below counts (see lab/recorder.py).
"""
import ctypes
import mmap
import os
import pickle
import random
import signal
import struct
import time

from model import generate
from model.actor import USERS, Actions, perform

# What an operation answers when the daemon died under it or before it; EIO where a page was to be read.
DEAD = ("ENOTCONN", "ECONNABORTED", "EIO")
NUMBERS_EVERY = 40  # operations between two notes of all inode numbers


class Entry:
    """One operation of a log. answer is None with ended False for the one that was under way."""

    def __init__(self, operation, started):
        self.operation, self.started = operation, started
        self.answer = self.ended_at = None
        self.ended = False
        self.numbers = {}  # path -> inode number, where they were noted after it


class Clock:
    """Reads a 64-bit counter that another process keeps in a file."""

    def __init__(self, path):
        with open(path, "rb") as stream:
            self.view = mmap.mmap(stream.fileno(), 8, prot=mmap.PROT_READ)

    def __call__(self):
        return struct.unpack("=Q", self.view[:8])[0]


class Syncing(generate.Generator):
    """A generator that mixes calls in which make things durable."""

    def __init__(self, chance, root, home, share):
        super().__init__(chance, root, home)
        self.share = share

    def next(self):
        if self.chance.random() < self.share:
            self.look()
            return 0, self.chance.choice([
                ("sync_path", self.existing()), ("sync_path", self.existing()), ("sync_path", self.folder()),
                ("sync_data", self.existing()), ("sync_fs", self.home),
                ("write_file", self.existing(), self.seed(), self.chance.choice(generate.SIZES),
                 os.O_CREAT | os.O_NONBLOCK | self.chance.choice([os.O_SYNC, os.O_DSYNC]))])
        return super().next()


class Worker:
    """A process with operations of its own below root/home."""

    def __init__(self, root, home, user, seed, log, clock_path=None, sync_share=0.1, most=10**9):
        self.log = log
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                ctypes.CDLL(None).prctl(1, signal.SIGKILL)
                _work(root, home, user, seed, log, clock_path, sync_share, most)
                code = 0
            finally:
                os._exit(code)

    def end(self, patience_s=30):
        """Asks it to end (it finishes its operation) and waits."""
        try:
            os.kill(self.pid, signal.SIGTERM)
        except ProcessLookupError:
            pass
        return self.wait(patience_s)

    def wait(self, patience_s=30):
        limit = time.monotonic() + patience_s
        while time.monotonic() < limit:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.002)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        raise TimeoutError("a process of the load hung in a call on the union")


def _work(root, home, user, seed, log, clock_path, sync_share, most):
    ending = []
    signal.signal(signal.SIGTERM, lambda *_: ending.append(True))
    chance = random.Random(seed)
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    clock = Clock(clock_path) if clock_path else time.monotonic_ns
    uid, gid, groups, umask = USERS[user]
    os.umask(umask)
    os.setgroups(list(groups))
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    os.chdir("/")
    actions = Actions(root)
    generator = Syncing(chance, root, home, sync_share)

    def note(*words):
        os.write(out, pickle.dumps(words))

    count = 0
    while not ending and count < most:
        _, operation = generator.next()
        note("start", operation, clock())
        answer = perform(actions, operation)
        note("end", answer, clock())
        if answer in DEAD:
            return
        count += 1
        if count % NUMBERS_EVERY == 0:
            note("numbers", _numbers(root, generator))


def _numbers(root, generator):
    generator.look()
    found = {}
    for path in generator.paths:
        try:
            found[path] = os.lstat(os.path.join(root, path)).st_ino
        except OSError:
            return {}  # the daemon is gone, or a directory may not be searched
    return found


def read_log(path):
    """The entries of a log. Only the last can be one that has not ended, or that found the daemon dead."""
    entries = []
    with open(path, "rb") as stream:
        while True:
            try:
                words = pickle.load(stream)
            except EOFError:
                return entries
            if words[0] == "start":
                entries.append(Entry(words[1], words[2]))
            elif words[0] == "numbers":
                entries[-1].numbers = words[1]
            else:
                last = entries[-1]
                last.answer, last.ended_at, last.ended = words[1], words[2], words[1] not in DEAD


def syncs(entry):
    """(attributes and names, data): what of its object a finished operation has made durable."""
    name, answer = entry.operation[0], entry.answer
    if not entry.ended or isinstance(answer, str):
        return False, False
    if name in ("sync_path", "fsync"):
        return True, True
    if name == "write_file" and entry.operation[4] & os.O_DSYNC and answer > 0:
        return entry.operation[4] & os.O_SYNC == os.O_SYNC, True
    return False, name in ("sync_data", "map_write")


def quiet(operation):
    """The operation without what makes it slow: for the oracle, which nobody cuts the power of."""
    if operation[0] in ("sync_path", "sync_data", "sync_fs", "fsync"):
        return None
    if operation[0] == "write_file":
        return (*operation[:4], operation[4] & ~os.O_SYNC)
    return operation

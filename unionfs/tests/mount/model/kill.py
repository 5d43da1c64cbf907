# SPDX-License-Identifier: MIT
"""One seed of the kill test: processes load a union, its daemon is killed at a random moment, the union is mounted
again and compared with what the processes were told. Round after round on the same layers.

A killed daemon loses no page cache of the upper's file system, so everything that was finished has to be there,
synced or not: data written through a descriptor, a mapping (every one is flushed) or passthrough, names,
attributes, hard links and inode numbers. What was under way is there or not; its data may be there in part.
"""
import os
import random
import shutil
import signal
import time

from lab import engines, sysops, tree
from lab.layers import OLD
from model import generate, history, load
from model.lockstep import Difference, build_layers, picture
from model.oracle import Oracle, check_number

USERS = 3
LONGEST_S = 0.6  # of load before a kill


class Killing:
    def __init__(self, seed, folder, options=()):
        self.chance = random.Random("blendfs kill %d" % seed)
        self.seed, self.folder = seed, folder
        lowers = self.chance.choice([1, 1, 2, 3])
        spec = history.with_homes(build_layers(self.chance, lowers, generate.random_layers), USERS)
        self.union = engines.Blendfs(os.path.join(folder, "union"), spec[1:], spec[0], options)
        self.plain = engines.Plain(os.path.join(folder, "plain"), spec[1:], spec[0])
        self.numbers = {}
        self.finished = 0
        self.settled = {"never begun": 0, "absent": 0, "there": 0, "partly": 0}

    def run(self, rounds):
        """Raises Difference."""
        self.plain.mount()
        self.union.mount()
        try:
            for mounted in (self.plain, self.union):
                os.chmod(mounted.root, 0o777)
                os.utime(mounted.root, (OLD, OLD))
            for number in range(rounds):
                try:
                    self.round(number)
                except Difference as error:
                    raise Difference("round %d: %s" % (number, error)) from None
                if self.chance.random() < 0.1:
                    self.union.remount()
                    self.compare()
        finally:
            self.union.tear_down()
            self.plain.tear_down()
            shutil.rmtree(self.folder, ignore_errors=True)

    def summary(self):
        return "%d finished operations; under way at a kill: %s" % (
            self.finished, ", ".join("%d %s" % (count, word) for word, count in self.settled.items()))

    def round(self, number):
        logs = [os.path.join(self.folder, "log%d" % user) for user in range(USERS)]
        workers = [load.Worker(self.union.root, "home%d" % user, user, "%d %d %d" % (self.seed, number, user), logs[user])
                   for user in range(USERS)]
        time.sleep(self.chance.choice([0.02, 0.1, LONGEST_S]) * self.chance.random())
        killed_at = time.monotonic_ns()
        self.union.daemon.kill()
        self.union.daemon.wait()
        for worker in workers:
            # SIGBUS: a page of a mapping that no daemon could bring.
            if (code := worker.wait()) not in (0, -signal.SIGBUS):
                raise Difference("a process of the load ended with %d" % code)
        sysops.umount(self.union.root, engines.MNT_DETACH)
        self.union.mounted = False
        self.union.mount()
        if left := os.listdir(os.path.join(self.union.work, "work")):
            raise Difference("the work directory holds %r after the mount" % left)
        for user, log in enumerate(logs):
            self.check_home(user, load.read_log(log), killed_at)
        self.compare()

    def check_home(self, user, entries, killed_at):
        oracle = Oracle(self.plain.root, self.union.root, "home%d" % user, user)
        try:
            last = oracle.replay(entries, self.numbers, killed_at)
            self.finished += len(entries) - (last is not None)
            outcome = oracle.settle(last)
            if last:
                # ENOTCONN: the daemon was dead before the operation; anything else cut it in the middle.
                begun = last.answer != "ENOTCONN" or outcome != "absent"
                self.settled[outcome if begun else "never begun"] += 1
        except Difference as error:
            raise Difference("%s\n  the last of %d operations: %s" % (
                error, len(entries), "".join("\n    %r -> %r" % (entry.operation, entry.answer)
                                             for entry in entries[-8:]))) from None
        finally:
            oracle.end()

    def compare(self):
        """The whole trees, and that objects kept their numbers."""
        for mounted in (self.plain, self.union):
            os.utime(mounted.root, (OLD, OLD))
        expected, found = picture(self.plain.root), picture(self.union.root)
        if lines := tree.difference(expected, found):
            raise Difference("the trees differ:\n    " + "\n    ".join(lines))
        for path in expected:
            check_number(self.numbers, self.plain.root, path, os.lstat(os.path.join(self.union.root, path)).st_ino)

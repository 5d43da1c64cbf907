# SPDX-License-Identifier: MIT
"""A history carried out on the union and on a plain directory at once, with what has to be equal compared:
the answer of each operation, the objects it touched, and, from time to time, the whole trees.
"""
import os
import shutil
import stat
import time

from lab import engines, layers, sysops, tree
from lab.layers import OLD
from model.actor import UNTIMED, USERS, Actor, facts, shown_time

TICK_S = 0.012  # longer than a file system's clock takes to move


class Difference(Exception):
    """The two trees disagree. Its text says where."""


class Pair:
    """The union and the plain directory, and one process of each user on either side."""

    def __init__(self, folder, spec, engine, options=()):
        upper, lowers = spec[0], spec[1:]
        kind = engines.ENGINES[engine]
        self.union = kind(os.path.join(folder, "union"), lowers, upper, options)
        self.plain = engines.Plain(os.path.join(folder, "plain"), lowers, upper)
        for mounted in (self.plain, self.union):
            mounted.mount()
            os.chmod(mounted.root, 0o777)
            os.utime(mounted.root, (OLD, OLD))
        self.actors = []
        self.numbers = {}  # plain (inode, birth time) -> inode in the union, and in which mount that was seen last
        self.mounts = 1
        self.start()

    def start(self):
        self.actors = [[Actor(side.root, user) for user in range(len(USERS))] for side in (self.union, self.plain)]

    def stop(self):
        for side in self.actors:
            for actor in side:
                actor.end()
        self.actors = []

    def tear_down(self):
        self.stop()
        self.union.tear_down()
        self.plain.tear_down()

    # --- steps ---

    def run(self, batch):
        """Runs [(actor, operations)], actors at the same time; compares the answers."""
        for side in self.actors:
            for actor, operations in batch:
                side[actor].send(operations)
        for actor, operations in batch:
            got, expected = (side[actor].receive() for side in self.actors)
            for operation, one, two in zip(operations, got, expected):
                if not same_answer(operation, one, two):
                    raise Difference("%s by user %d: blendfs %r, plain %r" % (operation[0], USERS[actor][0], one, two))

    def witnesses(self, operation):
        """The paths an operation is about, and their directories."""
        paths = {""}
        for word in operation[1:3]:
            if isinstance(word, str) and not word.startswith(("user.", "trusted.", "security.", "system.")):
                paths |= {word, os.path.dirname(word)}
        return sorted(paths)

    def see(self, side, path):
        try:
            return facts(os.lstat(os.path.join(side.root, path)))
        except OSError as error:
            return error.strerror

    def compare_witnesses(self, operation):
        for path in self.witnesses(operation):
            got, expected = self.see(self.union, path), self.see(self.plain, path)
            if got != expected:
                raise Difference("/%s after %s: blendfs %s, plain %s" % (path, operation[0], got, expected))

    def changes(self, paths):
        return [[self.change_time(side, path) for path in paths] for side in (self.union, self.plain)]

    def change_time(self, side, path):
        try:
            info = os.lstat(os.path.join(side.root, path))
            return None if stat.S_IFMT(info.st_mode) in UNTIMED else info.st_ctime_ns
        except OSError:
            return None

    def run_and_watch_change_times(self, actor, operation):
        """What moves the plain tree's change time has to move the union's. (A copy-up moves it too.)"""
        paths = self.witnesses(operation)
        before = self.changes(paths)
        time.sleep(TICK_S)
        self.run([(actor, [operation])])
        after = self.changes(paths)
        for index, path in enumerate(paths):
            one, two = ((before[side][index], after[side][index]) for side in (0, 1))
            if None not in one + two and two[0] != two[1] and one[0] == one[1]:
                raise Difference("change time of /%s stood still over %s" % (path, operation[0]))

    # --- the whole ---

    def compare_trees(self):
        got, expected = (picture(side.root) for side in (self.union, self.plain))
        lines = tree.difference(expected, got)
        if lines:
            raise Difference("the trees differ:\n    " + "\n    ".join(lines))
        self.compare_numbers(expected)

    def compare_numbers(self, paths):
        """Inode numbers: one of the union's for each object, the same for its whole life."""
        for path in paths:
            info = sysops.statx(os.path.join(self.plain.root, path))
            number = os.lstat(os.path.join(self.union.root, path)).st_ino
            known, seen_in = self.numbers.get((info.ino, info.btime_ns), (number, self.mounts))
            if known != number and not (seen_in < self.mounts and self.may_be_renumbered(path, number)):
                raise Difference("st_ino of /%s was %d, now %d" % (path, known, number))
            self.numbers[info.ino, info.btime_ns] = number, self.mounts
        for base, folders, files in os.walk(self.union.root):
            with os.scandir(base) as entries:
                for entry in entries:
                    if entry.inode() != os.lstat(entry.path).st_ino:
                        raise Difference("d_ino of /%s is %d, st_ino %d" % (
                            os.path.relpath(entry.path, self.union.root), entry.inode(), os.lstat(entry.path).st_ino))

    def may_be_renumbered(self, path, number):
        """The one limit of `userxattr`: only files and directories can carry user.* attributes, so that the copy of
        another object cannot say whose it is, and in the next mount has the number of the upper's own object."""
        if "userxattr" not in self.union.options:
            return False
        own = os.lstat(os.path.join(self.union.upper, path))
        return stat.S_IFMT(own.st_mode) not in (stat.S_IFREG, stat.S_IFDIR) and own.st_ino == number

    def remount(self):
        self.stop()
        self.mounts += 1
        self.union.unmount()
        # A volatile mount, unmounted in order, is as good as another once its owner says so.
        shutil.rmtree(os.path.join(self.union.work, "work", "incompat"), ignore_errors=True)
        self.union.mount()
        self.start()


def picture(root):
    shown = tree.snapshot(root)
    for item in shown.values():
        item["mtime"] = None if item["type"] in "pc" else shown_time(item["mtime"])
    return shown


def same_answer(operation, got, expected):
    if got == expected:
        return True
    # Both say that it did not work, and a file system may choose which of two reasons it tells.
    return {got, expected} <= {"ENOTEMPTY", "EEXIST"} if isinstance(got, str) and isinstance(expected, str) else False


def build_layers(chance, lowers, generate):
    """Random layers whose plain form can be made (a name may not be a file and a directory)."""
    while True:
        spec = generate(chance, lowers)
        merged = layers.flatten(spec)
        if all(parent == "" or merged.get(parent) is None or merged[parent].kind == "dir"
               for parent in map(os.path.dirname, merged)):
            return spec

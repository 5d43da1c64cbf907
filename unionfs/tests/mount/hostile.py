#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Mutation test of layers: a valid union is used, its layers are then changed as an attacker would (attributes,
types, index, work directory), mounted again and walked and worked on whole. The daemon may refuse to mount with
a line; it never dies, hangs, shows or touches what lies outside of the layers, or answers nonsense.

hostile.py --blendfs BINARY [--seeds A..B] [--minutes M] [--jobs N]

Each seed is a test of its own; a failing one is repeated with --seeds N. Exit status as run.py's.
"""
import argparse
import os
import random
import re
import stat
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from lab import blendctl, canary, engines, runner, sandbox  # noqa: E402
from lab.canary import attempt  # noqa: E402
from lab.case import Case, Environment, in_process  # noqa: E402
from lab.layers import directory, file, hard, opaque, symlink, whiteout  # noqa: E402
from lab.mutate import Mutator  # noqa: E402

BATCH = 8  # seeds between two looks at the clock


def lower(which):
    return {
        "a/f": file("f of %d" % which), "a/b/g": file("g of %d" % which), "a/b/c/h": file("h"),
        "big": file(b"%d" % which * 200000), "m/f": file("m"), "m/n/o/p": file("p"), "x/y/z": file("z"),
        "linked": file("linked"), "twin": hard("linked"), "x/third": hard("linked"), "s": symlink("a/f"),
        "gone": file("gone"), "only%d/f" % which: file("only"), "trap": symlink("../canary"),
        "up": symlink(".."), "o/hidden": file("hidden"), "e": directory(),
    }


class HostileLayers(Case):
    def __init__(self, seed):
        super().__init__("test_seed")
        self.seed = seed

    def id(self):
        return "hostile.seed %d" % self.seed

    def test_seed(self):
        rng = random.Random(self.seed)
        self.outside = canary.Canary(Environment.folder + "/u0")
        self.union(lower(0), lower(1), {**lower(2), "gone": whiteout()},
                   upper={"o": opaque(), "o/own": file("own"), "gone": whiteout()})
        self.use(rng)
        self.m.unmount()
        mutator = Mutator([self.m.upper, *self.m.lowers], self.m.work, self.outside.path, rng)
        mutator.run(rng.choice((3, 10, 40)))
        try:
            self.look(rng)
            for _ in range(2):
                if self.mount_or_refuse():
                    in_process(lambda: self.work_through(rng.randrange(1 << 32)))
                    self.assertIsNone(self.m.daemon.poll(), "the daemon ended")
                    self.m.unmount()
                self.assertEqual(self.outside.problem(), "")
        except BaseException:
            print("\n".join(mutator.log))
            raise

    def use(self, rng):
        """Leaves every kind of mark there is: redirects, opaque directories, copies of metadata, an index."""
        os.rename(self.p("a"), self.p("moved"))
        os.rename(self.p("m/n"), self.p("n2"))
        os.chmod(self.p("big"), 0o600)
        os.rename(self.p("big"), self.p("x/bigger"))
        self.write("twin", "+", "ab")
        os.unlink(self.p("x/third"))
        self.write("moved/b/g", "changed")
        os.unlink(self.p("o/own"))
        os.mkdir(self.p("gone"))
        os.lchown(self.p("s"), 1, 1)
        if rng.random() < 0.5:
            os.rename(self.p("moved/b"), self.p("x/b2"))
            os.rename(self.p("x"), self.p("x2"))

    def look(self, rng):
        """blendctl on such layers: it ends by itself with a status of its own, and stays inside of them too."""
        target = self.scratch("flat")
        commands = [("explain", "/a/f", "/moved/b/g", "/x/bigger", "/twin", "/trap/deep", "/up/canary"), ("check",),
                    ("diff",), ("flatten", target)] + [("check", "--repair")] * rng.randrange(2)
        for command, *operands in commands:
            done = blendctl.run(command, "-o", blendctl.options(self.m), *operands)
            self.assertIn(done.returncode, (0, 1, 3), (command, done.stderr))
            self.assertNotIn(canary.MARK, done.stdout)
        if os.path.isdir(target):
            canary.walk(target)
        self.assertEqual(self.outside.problem(), "")

    def mount_or_refuse(self):
        """False when the daemon said no in words; a crash is no answer."""
        try:
            self.m.mount()
        except engines.EngineError:
            self.assertIsNotNone(self.m.daemon.poll(), "it neither mounts nor ends")
            self.assertGreater(self.m.daemon.returncode, 0, self.m.complaints())
            self.assertNotEqual(self.m.complaints(), "")
            self.assertNotIn("Sanitizer", self.m.complaints())
            self.m.daemon = None
            return False
        return True

    def work_through(self, seed):
        """In a process whose root the union is: symlinks are the kernel's to follow, and lead nowhere else."""
        rng = random.Random(seed)
        os.chroot(self.m.root)
        os.chdir("/")
        found = canary.walk("/")
        rng.shuffle(found)
        for path, kind in found[:150]:
            self.operate(path, kind, rng)
        canary.walk("/")

    def operate(self, path, kind, rng):
        fresh = os.path.join(rng.choice(("/", os.path.dirname(path))), "n%d" % rng.randrange(40))
        choices = [(os.lchown, path, 1, 2), (os.rename, path, fresh), (os.rename, fresh, path), (self.tag, path)]
        if kind == stat.S_IFDIR:
            choices += [(os.mkdir, path + "/new"), (os.rmdir, path), (self.write_to, path + "/file"),
                        (os.symlink, "x", path + "/sym"), (os.chmod, path, 0o711)]
        else:
            choices += [(os.unlink, path), (self.link, path, fresh)]
        if kind == stat.S_IFREG:
            choices += [(self.write_to, path), (self.write_to, path), (os.truncate, path, 10), (os.chmod, path, 0o640)]
        for _ in range(2):
            attempt(*rng.choice(choices))

    @staticmethod
    def write_to(path):
        if os.path.lexists(path) and os.lstat(path).st_size > 1 << 24:
            return  # a copy of gigabytes of nothing takes its time and shows nothing
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
        try:
            os.pwrite(fd, b"data", 3)
        finally:
            os.close(fd)

    @staticmethod
    def link(path, fresh):
        if os.lstat(path).st_size <= 1 << 24:
            os.link(path, fresh, follow_symlinks=False)

    @staticmethod
    def tag(path):
        os.setxattr(path, "trusted.tag", b"value", follow_symlinks=False)


def seeds_of(text):
    match = re.fullmatch(r"(\d+)(?:\.\.(\d+))?", text)
    if not match:
        raise argparse.ArgumentTypeError("a seed or a range A..B")
    return range(int(match[1]), int(match[2] or match[1]) + 1)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blendfs", required=True, help="the binary to test")
    parser.add_argument("--seeds", type=seeds_of)
    parser.add_argument("--minutes", type=float, default=0.5, help="how long, without --seeds (default %(default)s)")
    parser.add_argument("--first", type=int, default=1, help="the seed to begin with, without --seeds")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    return parser.parse_args()


def main():
    options = arguments()
    Environment.engine, Environment.blendfs = "blendfs", os.path.abspath(options.blendfs)
    return sandbox.run_inside(__file__, lambda base: sweep(options, base))


def sweep(options, base):
    counts = {"passed": 0, "failed": 0, "skipped": 0}

    def report(outcome):
        counts[outcome.verdict] += 1
        if outcome.verdict == "failed":
            print("FAILED %s (%.1f s)\n%s\n" % (outcome.name, outcome.seconds, outcome.text.rstrip()))
        sys.stdout.flush()

    if options.seeds:
        runner.run([HostileLayers(seed) for seed in options.seeds], base, options.jobs, report)
    else:
        end, first = time.monotonic() + 60 * options.minutes, options.first
        while time.monotonic() < end:
            runner.run([HostileLayers(seed) for seed in range(first, first + BATCH)], base, options.jobs, report)
            first += BATCH
    print("%d passed, %d failed, %d skipped" % (counts["passed"], counts["failed"], counts["skipped"]))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())

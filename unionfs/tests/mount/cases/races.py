# SPDX-License-Identifier: MIT
"""Many threads at once, through the helper program race.cc: coherence during copy-up, storms of names,
contention for one copy-up.
"""
import struct
import subprocess

from lab import tree
from lab.case import Case, Environment, not_for
from lab.layers import Node, directory, file, hard
from lab.runner import limit

BLOCKS, WORDS = 64, 512


def numbered_file():
    """What race.cc's Word() makes of generation 0."""
    data = b"".join(struct.pack("<%dQ" % WORDS, *((1 << 39) | (block << 16) | word for word in range(WORDS)))
                    for block in range(BLOCKS))
    return Node("file", 0o644, data)


class Races(Case):
    def race(self, *arguments):
        if not Environment.race:
            self.skipTest("the helper program blendfs_race is not built (ninja blendfs_race, or --race PATH)")
        done = subprocess.run([Environment.race, *map(str, arguments)], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    @not_for("overlayfs", why="a descriptor opened read-only before a copy-up keeps the lower file")
    @limit(120)
    def test_readers_during_copy_up(self):
        count = 25
        subject = numbered_file()
        self.union({"f%d" % i: subject for i in range(count)})
        self.race("coherence", self.p(), count)
        before = [self.read("f%d" % i) for i in range(count)]
        self.m.remount()
        self.assertEqual([self.read("f%d" % i) for i in range(count)], before)

    @limit(120)
    def test_contention_for_one_copy_up(self):
        self.union({"c%d" % i: file(b"x" * 20000) for i in range(30)})
        self.race("contend", self.p())
        self.assert_same_after_remount()

    @limit(120)
    def test_names_that_change_hands(self):
        self.union({"d/below": file(b"")}, upper={"d/n%d" % i: file(b"") for i in range(3)})
        self.race("identity", self.p("d"), 3)
        self.assert_same_after_remount()

    @not_for("overlayfs", why="the open that copies a file up fails with EEXIST when its name is replaced meanwhile")
    @limit(120)
    def test_names_that_change_hands_during_copy_up(self):
        """Each directory's files are lower ones for the first instant only, so there are many."""
        count = 40
        self.union({"d%d/n%d" % (folder, i): file(b"") for folder in range(count) for i in range(3)})
        for folder in range(count):
            self.race("identity", self.p("d%d" % folder), 0.05)
        self.assert_same_after_remount()

    def storm(self, seed):
        low = {"s/%s" % name: directory(0o777) for name in "abc"}
        low.update({"s/%s/%s" % (base, name): file(base + name) for base in "abc" for name in "abcd"})
        low.update({"s/d": file("d" * 9000), "s/e": hard("s/d")})
        self.union(low, {"s/a/f": file("deep"), "s/b/f/x": file("deeper")})
        self.race("storm", self.p("s"), 2, seed)
        self.check_listings()
        self.assert_same_after_remount()
        self.check_listings()
        self.m.unmount()

    def check_listings(self):
        """What is listed can be looked up, and removed is gone: the tree is walked as a whole."""
        links = {}
        for item in tree.snapshot(self.m.root, inode=True).values():
            if item["type"] != "d":
                links.setdefault(item["ino"], []).append(item["nlink"])
        for ino, counts in links.items():
            self.assertEqual(counts, [len(counts)] * len(counts), "link counts of inode %d" % ino)

    @limit(120)
    def test_storm(self):
        self.storm(1)

    @limit(120)
    def test_storm_again(self):
        self.storm(2)

    @limit(120)
    def test_storm_once_more(self):
        self.storm(3)

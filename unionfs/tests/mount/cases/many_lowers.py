# SPDX-License-Identifier: MIT
"""Any number of lower layers."""
import os

from lab.case import Case, not_for
from lab.layers import file, opaque, whiteout


class ManyLowers(Case):
    def stack(self, count):
        """Each layer has a file of its own, a share of `d`, and overrides `last`."""
        return [{"own%d" % i: file(str(i)), "d/f%d" % i: file(str(i)), "last": file("layer %d" % i),
                 "d/turn%d" % (i // 2): file(str(i))} for i in range(count)]

    def check(self, count, **more):
        self.union(*self.stack(count), **more)
        self.assertEqual(self.read("last"), b"layer 0")
        for i in range(count):
            self.assertEqual(self.read("own%d" % i), str(i).encode())
            self.assertEqual(self.read("d/turn%d" % (i // 2)), str(i // 2 * 2).encode())
        self.assertEqual(len(self.names("d")), count + (count + 1) // 2)

    def test_counts(self):
        self.check(1)

    def test_2(self):
        self.check(2)

    def test_9(self):
        self.check(9)

    @not_for("overlayfs", why="mount(2) takes one page of options")
    def test_64(self):
        self.check(64)
        self.write("d/f63", "changed")
        os.unlink(self.p("d/f62"))
        os.rename(self.p("own63"), self.p("d/own"))
        os.rename(self.p("d"), self.p("e"))
        self.assertEqual(self.read("e/f63"), b"changed")
        self.assertEqual(self.read("e/f61"), b"61")
        self.assert_gone("e/f62")
        self.assert_same_after_remount()

    def test_a_name_too_long_is_that_in_every_directory(self):
        """Also where all names are known: after a listing, in directories that are in lower layers alone."""
        self.union(*self.stack(3))
        for folder in ("", "d/"):
            for _ in range(2):
                with self.fails("ENAMETOOLONG"):
                    os.lstat(self.p(folder + "n" * 256))
                with self.fails("ENAMETOOLONG"):
                    os.rename(self.p("last"), self.p(folder + "n" * 256))
                self.assert_gone(folder + "n" * 255)
                self.names("d")

    @not_for("overlayfs", why="mount(2) takes one page of options")
    def test_200_lowers_read_only(self):
        self.check(200, read_only=True)

    def test_two_lowers_read_only(self):
        self.check(2, read_only=True)

    def test_alternating_whiteouts_and_opaques(self):
        self.union({"a": whiteout(), "o/1": file("1")},
                   {"a": file("seen by none"), "o": opaque(), "o/2": file("2"), "b": file("2")},
                   {"a": whiteout(), "b": whiteout(), "o/3": file("3"), "c": whiteout()},
                   {"a": file("x"), "b": file("4"), "c": file("4"), "o/4": file("4")},
                   upper={"c2": file()})
        self.assertEqual(self.names(), ["b", "c2", "o"])
        self.assertEqual(self.names("o"), ["1", "2"])
        self.assertEqual(self.read("b"), b"2")

    def test_copy_up_from_each_layer(self):
        self.union(*self.stack(5))
        for i in range(5):
            path = "own%d" % i
            ino = self.ino(path)
            self.write(path, "+", "ab")
            self.assertEqual(self.read(path), b"%d+" % i)
            self.assertEqual(self.ino(path), ino)

    def test_inode_numbers_are_unique(self):
        self.union(*self.stack(8), upper={"u": file()})
        seen = {}
        for base, folders, files in os.walk(self.p()):
            for name in folders + files:
                path = os.path.join(base, name)
                self.assertNotIn(os.lstat(path).st_ino, seen, path)
                seen[os.lstat(path).st_ino] = path

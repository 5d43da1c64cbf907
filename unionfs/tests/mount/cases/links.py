# SPDX-License-Identifier: MIT
"""Hard links: of lower files, copied up, kept over remount; symbolic links."""
import os

from lab.case import Case
from lab.layers import directory, file, hard, symlink


class HardLinks(Case):
    def build(self):
        return self.union({"a": file("data"), "b": hard("a"), "d/c": hard("a"), "single": file("s")},
                          upper={"up": file("u"), "up2": hard("up")})

    def same(self, *names, count=None):
        numbers = {self.ino(name) for name in names}
        self.assertEqual(len(numbers), 1, "inode numbers of %s" % (names,))
        for name in names:
            self.assertEqual(self.stat(name).st_nlink, count or len(names), "nlink of " + name)

    def test_lower_links_are_one_object(self):
        self.build()
        self.same("a", "b", "d/c")
        self.same("up", "up2")

    def test_change_through_one_name_shows_in_all(self):
        self.build()
        self.write("b", "changed")
        for name in ("a", "b", "d/c"):
            self.assertEqual(self.read(name), b"changed", name)
        self.same("a", "b", "d/c")
        os.chmod(self.p("d/c"), 0o600)
        self.assertEqual(self.mode("a"), 0o600)
        self.m.remount()
        for name in ("d/c", "a", "b"):
            self.assertEqual(self.read(name), b"changed", name)
            self.assertEqual(self.mode(name), 0o600)
        self.same("a", "b", "d/c")

    def test_change_after_remount_shows_in_all(self):
        self.build()
        self.write("b", "one")
        self.m.remount()
        self.write("d/c", "two")
        self.assertEqual([self.read(name) for name in ("a", "b", "d/c")], [b"two"] * 3)
        self.m.remount()
        self.write("a", "three")
        self.assertEqual([self.read(name) for name in ("a", "b", "d/c")], [b"three"] * 3)
        self.same("a", "b", "d/c")

    def test_change_while_other_name_is_open(self):
        self.build()
        with open(self.p("a"), "rb") as stream:
            self.write("d/c", "later")
            self.assertEqual(stream.read(), b"later")

    def test_unlink_counts_down(self):
        self.build()
        os.unlink(self.p("b"))
        self.same("a", "d/c")
        self.write("a", "x")
        self.same("a", "d/c")
        os.unlink(self.p("a"))
        self.same("d/c")
        self.assertEqual(self.read("d/c"), b"x")
        self.m.remount()
        self.same("d/c")
        self.assertEqual(self.read("d/c"), b"x")

    def test_count_survives_remount(self):
        self.build()
        os.unlink(self.p("b"))
        self.m.remount()
        self.same("a", "d/c")
        os.link(self.p("a"), self.p("e"))
        self.m.remount()
        self.same("a", "d/c", "e")

    def test_new_link_to_lower_merged_and_upper_files(self):
        self.build()
        for old, new in (("single", "single2"), ("a", "d/a2"), ("up", "d/up3")):
            ino, count = self.ino(old), self.stat(old).st_nlink
            with self.moves(os.path.dirname(new), "mc"), self.moves(old, "c"):
                os.link(self.p(old), self.p(new))
            self.assertEqual((self.ino(new), self.stat(new).st_nlink), (ino, count + 1))
        self.write("single2", "both")
        self.assertEqual(self.read("single"), b"both")
        self.same("a", "b", "d/c", "d/a2")
        self.assert_same_after_remount()

    def test_rename_of_a_link(self):
        self.build()
        os.rename(self.p("b"), self.p("d/b"))
        self.same("a", "d/b", "d/c")
        self.write("d/b", "z")
        self.assertEqual(self.read("a"), b"z")
        self.assert_same_after_remount()

    def test_rename_over_a_link(self):
        self.build()
        os.rename(self.p("single"), self.p("b"))
        self.same("a", "d/c")
        self.same("b")
        self.assertEqual(self.read("b"), b"s")
        self.assert_same_after_remount()

    def test_rename_of_the_directory_of_a_link(self):
        self.build()
        os.rename(self.p("d"), self.p("e"))
        self.same("a", "b", "e/c")
        self.write("e/c", "moved")
        self.assertEqual(self.read("a"), b"moved")
        self.assert_same_after_remount()

    def test_removing_all_links(self):
        self.build()
        for name in ("a", "b", "d/c"):
            os.unlink(self.p(name))
            self.assert_gone(name)
        self.write("a", "fresh")
        self.same("a")
        self.assert_same_after_remount()
        self.assertEqual(self.names(), ["a", "d", "single", "up", "up2"])

    def test_open_file_outlives_all_links(self):
        self.build()
        with open(self.p("a"), "r+b") as stream:
            for name in ("a", "b", "d/c"):
                os.unlink(self.p(name))
            self.assertEqual(os.fstat(stream.fileno()).st_nlink, 0)
            stream.write(b"DATA+")
            stream.flush()
            stream.seek(0)
            self.assertEqual(stream.read(), b"DATA+")

    def test_links_of_other_kinds(self):
        self.union({"l": symlink("x"), "l2": hard("l")}, upper={"d": directory()})
        os.mkfifo(self.p("p"))
        os.link(self.p("p"), self.p("d/p2"))
        os.link(self.p("l"), self.p("l3"), follow_symlinks=False)
        self.same("p", "d/p2")
        self.same("l", "l2", "l3")
        with self.fails("EPERM"):
            os.link(self.p("d"), self.p("d2"))
        self.assert_same_after_remount()

    def test_errors(self):
        self.build()
        for old, new, name in (("a", "b", "EEXIST"), ("no", "x", "ENOENT"), ("a", "no/x", "ENOENT"),
                               ("a", "single/x", "ENOTDIR"), ("a", "d", "EEXIST")):
            with self.subTest(old=old, new=new), self.fails(name):
                os.link(self.p(old), self.p(new))

    def test_links_across_a_few_layers(self):
        self.union({"m1": file("mid"), "m2": hard("m1")}, {"l1": file("low"), "x/l2": hard("l1")})
        self.write("m2", "M")
        self.write("x/l2", "L")
        self.same("m1", "m2")
        self.same("l1", "x/l2")
        self.assertEqual((self.read("m1"), self.read("l1")), (b"M", b"L"))
        self.assert_same_after_remount()

    def test_many_links(self):
        low = {"first": file("x")}
        low.update({"n%02d" % i: hard("first") for i in range(60)})
        self.union(low)
        self.assertEqual(self.stat("n07").st_nlink, 61)
        self.write("n33", "y")
        for i in range(60):
            self.assertEqual(self.read("n%02d" % i), b"y")
        for i in range(0, 60, 2):
            os.unlink(self.p("n%02d" % i))
        self.assertEqual(self.stat("first").st_nlink, 31)
        self.assert_same_after_remount()


class SymLinks(Case):
    def test_targets_of_all_lengths(self):
        targets = ["x" * size for size in (1, 59, 60, 61, 255, 1000, 4094)]
        self.union({"l%d" % len(t): symlink(t) for t in targets})
        for t in targets:
            self.assertEqual(os.readlink(self.p("l%d" % len(t))), t)
            self.assertEqual(self.stat("l%d" % len(t)).st_size, len(t))
            os.symlink(t, self.p("n%d" % len(t)))
            os.lchown(self.p("l%d" % len(t)), 1, 1)
        self.assert_same_after_remount()
        with self.fails("ENAMETOOLONG"):
            os.symlink("x" * 4096, self.p("too"))
        with self.fails("ENOENT"):
            os.symlink("", self.p("none"))

    def test_readlink_of_something_else(self):
        self.union({"f": file(), "d": directory()})
        for name in ("f", "d"):
            with self.fails("EINVAL"):
                os.readlink(self.p(name))

    def test_links_are_followed_in_the_union(self):
        self.union({"d/f": file("low"), "abs": symlink("d"), "chain": symlink("abs/f")})
        self.write("d/f", "up")
        self.assertEqual(self.read("chain"), b"up")
        self.write("chain", "again")
        self.assertEqual(self.read("d/f"), b"again")

# SPDX-License-Identifier: MIT
"""Rename: files and directories of every origin, flags, targets that exist, redirects of redirects."""
import os

from lab import sysops, tree
from lab.case import Case, not_for, only_for
from lab.layers import directory, file, hard, redirect, symlink, whiteout, write


class LongPaths(Case):
    @only_for("blendfs")
    def test_beside_its_old_name_below_a_path_of_more_than_4096_bytes(self):
        def descend(top, make=False):
            os.chdir(top)
            for i in range(20):
                name = "%02d" % i + "p" * 240
                if make:
                    os.mkdir(name)
                os.chdir(name)
        self.addCleanup(os.chdir, "/")
        self.union({}).unmount()
        descend(self.m.lowers[0], make=True)
        write(".", {"big": file(b"b" * 200000), "small": file("s"), "dir/x": file("x")})
        self.m.mount()
        descend(self.m.root)
        for turn in range(2):
            for name in ("big", "small", "dir"):
                os.rename(name + "1" * turn, name + "1" * (turn + 1))
        self.assertEqual(sorted(os.listdir(".")), ["big11", "dir11", "small11"])
        os.chdir("/")
        self.m.remount()
        descend(self.m.root)
        with open("dir11/x", "rb") as inner, open("big11", "rb") as big:
            self.assertEqual((inner.read(), len(big.read())), (b"x", 200000))


class RenameFiles(Case):
    def build(self):
        return self.union({"low": file("low"), "d/x": file("x"), "ld": directory(), "both": file("low"),
                           "s": symlink("low")}, upper={"up": file("up"), "ud/y": file("y"), "both": file("up")})

    def test_every_origin_to_every_target(self):
        self.build()
        moves = [("low", "new1"), ("up", "new2"), ("both", "new3"), ("s", "new4"), ("d/x", "ud/x2"),
                 ("ud/y", "d/y2"), ("new1", "d/low"), ("new2", "ld/up")]
        for old, new in moves:
            ino, before = self.ino(old), tree.describe(self.p(old))
            os.rename(self.p(old), self.p(new))
            self.assert_gone(old)
            self.assertEqual(tree.describe(self.p(new)), before)
            self.assertEqual(self.ino(new), ino, new)
        self.assertEqual(self.names(), ["d", "ld", "new3", "new4", "ud"])
        self.assert_same_after_remount()

    def test_over_existing_files(self):
        for old in ("low", "up", "both", "d/x"):
            for new in ("low", "up", "both", "s", "ud/y"):
                if old == new:
                    continue
                with self.subTest(old=old, new=new):
                    if hasattr(self, "m"):
                        del self.m
                    self.build()
                    content = self.read(old)
                    os.rename(self.p(old), self.p(new))
                    self.assertEqual(self.read(new), content)
                    self.assert_gone(old)
                    self.assert_same_after_remount()
                    self.m.unmount()

    def test_open_target_lives_on(self):
        self.build()
        for name in ("low", "up"):
            with open(self.p(name), "rb") as stream:
                self.write("tmp", "new")
                os.rename(self.p("tmp"), self.p(name))
                self.assertEqual(stream.read(), name.encode())
                if self.engine != "overlayfs":  # tells the lower file's count
                    self.assertEqual(os.fstat(stream.fileno()).st_nlink, 0)
            self.assertEqual(self.read(name), b"new")

    def test_open_source_follows(self):
        self.build()
        with open(self.p("low"), "r+b") as stream:
            os.rename(self.p("low"), self.p("ud/moved"))
            stream.write(b"LOW")
        self.assertEqual(self.read("ud/moved"), b"LOW")

    def test_same_name_and_same_object(self):
        self.build()
        os.link(self.p("up"), self.p("up2"))
        for old, new in (("low", "low"), ("up", "up2")):
            os.rename(self.p(old), self.p(new))
            self.assertTrue(os.path.exists(self.p(old)))
        self.assertEqual(self.names(), ["both", "d", "ld", "low", "s", "ud", "up", "up2"])

    def test_errors(self):
        self.build()
        for old, new, name in (("low", "ld", "EISDIR"), ("ld", "low", "ENOTDIR"), ("no", "x", "ENOENT"),
                               ("low", "no/x", "ENOENT"), ("ld", "d", "ENOTEMPTY"), ("ld", "ud", "ENOTEMPTY"),
                               ("d", "d/sub", "EINVAL"), ("low/x", "y", "ENOTDIR"), ("low", "up/x", "ENOTDIR")):
            with self.subTest(old=old, new=new), self.fails(name):
                os.rename(self.p(old), self.p(new))
        with self.fails("ENOTEMPTY", "EEXIST"):
            os.rename(self.p("ld"), self.p("d"))

    def test_times(self):
        self.build()
        for old, new in (("low", "d/l"), ("up", "ud/u")):
            mtime = self.stat(old).st_mtime_ns
            with self.moves("", "mc"), self.moves(os.path.dirname(new), "mc"):
                os.rename(self.p(old), self.p(new))
            self.assertEqual(self.stat(new).st_mtime_ns, mtime)

    def test_noreplace(self):
        self.build()
        for new in ("up", "both", "ld", "s"):
            with self.fails("EEXIST"):
                sysops.renameat2(self.p("low"), self.p(new), sysops.RENAME_NOREPLACE)
        os.unlink(self.p("both"))
        sysops.renameat2(self.p("low"), self.p("both"), sysops.RENAME_NOREPLACE)
        self.assertEqual(self.read("both"), b"low")
        self.assert_gone("low")
        self.assert_same_after_remount()

    def test_exchange(self):
        self.build()
        self.write("d/z", "z")
        pairs = [("low", "up"), ("low", "ld"), ("d", "up"), ("both", "s"), ("ud", "d")]
        for one, two in pairs:
            before = [tree.describe(self.p(name), inode=True) for name in (one, two)]
            sysops.renameat2(self.p(one), self.p(two), sysops.RENAME_EXCHANGE)
            self.assertEqual([tree.describe(self.p(name), inode=True) for name in (two, one)], before, (one, two))
        with self.fails("ENOENT"):
            sysops.renameat2(self.p("low"), self.p("none"), sysops.RENAME_EXCHANGE)
        self.assert_same_after_remount()

    def test_bad_flags(self):
        self.build()
        with self.fails("EINVAL"):
            sysops.renameat2(self.p("up"), self.p("x"), sysops.RENAME_NOREPLACE | sysops.RENAME_EXCHANGE)


class RenameDirectories(Case):
    def build(self):
        return self.union(
            {"low/a": file("a"), "low/in/b": file("b"), "merged/l": file("l"), "merged/cut": file("cut"),
             "empty": directory(0o750, uid=3), "other/x": file("x"), "h1/f": file("h"), "h1/g": hard("h1/f")},
            {"low/z": file("z"), "low/in/y": file("y"), "merged/m": file("m")},
            upper={"merged/u": file("u"), "merged/cut": whiteout(), "up/n": file("n")})

    def moved(self, old, new):
        before = tree.snapshot(self.p(old), inode=True)
        os.rename(self.p(old), self.p(new))
        self.assert_gone(old)
        self.assert_same_tree(before, tree.snapshot(self.p(new), inode=True), "%s -> %s" % (old, new))

    def test_each_origin(self):
        self.build()
        for old, new in (("low", "low2"), ("merged", "other/merged"), ("up", "low2/up"), ("empty", "e2"),
                         ("h1", "h2")):
            self.moved(old, new)
        self.assert_same_after_remount()

    def test_into_its_parent_and_back(self):
        self.build()
        self.moved("low/in", "in")
        self.moved("in", "low/in")
        self.moved("low", "merged/low")
        self.moved("merged/low/in", "low")
        self.assertEqual(self.names("low"), ["b", "y"])
        self.assert_same_after_remount()

    def test_chain_of_renames(self):
        self.build()
        name = "low"
        for turn in range(12):
            self.moved(name, "n%d" % turn)
            name = "n%d" % turn
            if turn % 4 == 1:
                self.m.remount()
        self.write(name + "/a", "changed")
        os.unlink(self.p(name + "/z"))
        self.assertEqual(self.names(name), ["a", "in"])
        self.assertEqual(self.names(name + "/in"), ["b", "y"])
        self.assert_same_after_remount()

    def test_old_name_is_free_for_something_else(self):
        self.build()
        self.moved("low", "kept")
        os.mkdir(self.p("low"))
        self.assertEqual(self.names("low"), [])
        self.write("low/a", "new a")
        self.moved("merged", "m2")
        self.write("merged", "a file")
        self.assertEqual(self.read("kept/a"), b"a")
        self.assert_same_after_remount()

    def test_over_an_empty_directory(self):
        self.build()
        self.moved_over = self.names("low")
        os.rename(self.p("low"), self.p("empty"))
        self.assertEqual(self.names("empty"), ["a", "in", "z"])
        os.unlink(self.p("other/x"))
        os.rename(self.p("up"), self.p("other"))
        self.assertEqual(self.names("other"), ["n"])
        self.assert_same_after_remount()

    def test_over_a_directory_emptied_by_whiteouts(self):
        self.build()
        for path in ("merged/l", "merged/m", "merged/u"):
            os.unlink(self.p(path))
        os.rename(self.p("other"), self.p("merged"))
        self.assertEqual(self.names("merged"), ["x"])
        self.assert_same_after_remount()

    def test_swap_of_two_lower_directories(self):
        self.build()
        sysops.renameat2(self.p("low"), self.p("merged"), sysops.RENAME_EXCHANGE)
        self.assertEqual(self.names("merged"), ["a", "in", "z"])
        self.assertEqual(self.names("low"), ["l", "m", "u"])
        sysops.renameat2(self.p("merged/in"), self.p("low/l"), sysops.RENAME_EXCHANGE)
        self.assertEqual(self.names("low/l"), ["b", "y"])
        self.assertEqual(self.read("merged/in"), b"l")
        self.assert_same_after_remount()

    def test_exchange_of_directory_with_its_neighbours_child(self):
        self.build()
        sysops.renameat2(self.p("low/in"), self.p("merged"), sysops.RENAME_EXCHANGE)
        self.assertEqual(self.names("low/in"), ["l", "m", "u"])
        with self.fails("EINVAL"):
            sysops.renameat2(self.p("low/in"), self.p("low"), sysops.RENAME_EXCHANGE)
        self.assert_same_after_remount()

    def test_descriptor_of_a_moved_directory_stays_good(self):
        self.build()
        fd = os.open(self.p("low/in"), os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.rename(self.p("low"), self.p("other/low"))
            self.assertEqual(sorted(os.listdir(fd)), ["b", "y"])
            out = os.open("new", os.O_CREAT | os.O_WRONLY, 0o644, dir_fd=fd)
            os.close(out)
            self.assertEqual(self.names("other/low/in"), ["b", "new", "y"])
        finally:
            os.close(fd)

    def test_working_directory_moves_along(self):
        self.build()
        os.chdir(self.p("low/in"))
        os.rename(self.p("low"), self.p("other/low"))
        self.assertEqual(os.getcwd(), self.p("other/low/in"))
        self.assertEqual(os.stat("../a").st_ino, self.ino("other/low/a"))

    def test_opaque_redirected_parent_hides_the_old_place(self):
        self.build()
        os.rename(self.p("low"), self.p("tmp"))
        os.mkdir(self.p("low"))
        os.rename(self.p("tmp/in"), self.p("low/in"))
        self.assertEqual(self.names("low/in"), ["b", "y"])
        self.assertEqual(self.names("tmp"), ["a", "z"])
        self.assert_same_after_remount()

    def test_redirects_of_layers_are_followed(self):
        self.union({"new": redirect("/old"), "new/added": file(), "old": whiteout(),
                    "d/renamed": redirect("name"), "d/name": whiteout()},
                   {"old/f": file("f"), "d/name/g": file("g")})
        self.assertEqual(self.names(), ["d", "new"])
        self.assertEqual(self.names("new"), ["added", "f"])
        self.assertEqual(self.names("d"), ["renamed"])
        self.assertEqual(self.read("d/renamed/g"), b"g")
        os.rename(self.p("new"), self.p("d/newer"))
        self.assertEqual(self.names("d/newer"), ["added", "f"])
        self.assert_same_after_remount()

    @not_for("overlayfs", why="a redirect through two layers is resolved only where each has it")
    def test_redirect_over_a_redirect(self):
        self.union({"c": redirect("/b"), "b": whiteout(), "c/1": file()},
                   {"b": redirect("/a"), "a": whiteout(), "b/2": file()},
                   {"a/3": file(), "b/never": file()})
        self.assertEqual(self.names(), ["c"])
        self.assertEqual(self.names("c"), ["1", "2", "3"])

    def test_big_tree(self):
        low = {"t/%d/%d/f" % (i, j): file("%d.%d" % (i, j)) for i in range(12) for j in range(12)}
        self.union(low)
        self.moved("t", "moved")
        for i in range(12):
            self.moved("moved/%d" % i, "m%d" % i)
        self.assertEqual(self.read("m7/3/f"), b"7.3")
        self.assert_same_after_remount()

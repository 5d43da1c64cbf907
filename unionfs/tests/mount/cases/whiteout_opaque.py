# SPDX-License-Identifier: MIT
"""Removal and re-creation over lower layers: whiteouts, opaque directories, what must not come back."""
import os
import stat

from lab import sysops
from lab.case import Case, not_for, only_for
from lab.layers import OLD, directory, fifo, file, opaque, symlink, whiteout


class Removal(Case):
    def build(self, **more):
        return self.union(
            {"f": file("low"), "d/a": file("a"), "d/b/c": file("c"), "empty": directory(), "l": symlink("f"),
             "p": fifo(), "both/low": file("low")},
            {"d/deep": file("deepest"), "f": file("bottom")},
            upper={"both/up": file("up"), "u": file("u")}, **more)

    def test_unlink_each_kind(self):
        self.build()
        for name in ("f", "l", "p", "d/a", "u", "both/low", "both/up"):
            os.unlink(self.p(name))
            self.assert_gone(name)
        self.m.remount()
        for name in ("f", "l", "p", "d/a", "u", "both/low", "both/up"):
            self.assert_gone(name)
        self.assertEqual(self.names("both"), [])

    def test_rmdir_lower_merged_and_upper(self):
        self.build()
        os.rmdir(self.p("empty"))
        os.unlink(self.p("both/low"))
        os.unlink(self.p("both/up"))
        os.rmdir(self.p("both"))
        os.mkdir(self.p("new"))
        os.rmdir(self.p("new"))
        for name in ("empty", "both", "new"):
            self.assert_gone(name)
        self.m.remount()
        self.assertEqual(self.names(), ["d", "f", "l", "p", "u"])

    def test_rmdir_refuses_what_is_not_empty(self):
        self.build()
        for name in ("d", "d/b", "both"):
            with self.fails("ENOTEMPTY"):
                os.rmdir(self.p(name))
        os.unlink(self.p("both/up"))
        with self.fails("ENOTEMPTY"):
            os.rmdir(self.p("both"))
        with self.fails("ENOTDIR"):
            os.rmdir(self.p("f"))
        with self.fails("EISDIR"):
            os.unlink(self.p("d"))
        with self.fails("ENOENT"):
            os.rmdir(self.p("no"))
        with self.fails("ENOENT"):
            os.unlink(self.p("no"))

    def test_recreated_file_is_new(self):
        self.build()
        old = self.ino("f")
        os.unlink(self.p("f"))
        self.write("f", "fresh")
        self.assertEqual(self.read("f"), b"fresh")
        if self.engine != "plain":  # the lower object still exists, its number is taken
            self.assertNotEqual(self.ino("f"), old)
        os.unlink(self.p("f"))
        self.assert_gone("f")
        self.assert_same_after_remount()

    def test_recreated_directory_does_not_show_the_old_content(self):
        self.build()
        for name in ("d/a", "d/b/c", "d/deep"):
            os.unlink(self.p(name))
        os.rmdir(self.p("d/b"))
        os.rmdir(self.p("d"))
        os.mkdir(self.p("d"))
        self.assertEqual(self.names("d"), [])
        os.mkdir(self.p("d/b"))
        self.write("d/a", "new")
        self.assertEqual(self.names("d/b"), [])
        self.assert_same_after_remount()

    def test_directory_over_file_and_file_over_directory(self):
        self.build()
        os.unlink(self.p("f"))
        os.mkdir(self.p("f"))
        self.write("f/in", "x")
        os.rmdir(self.p("empty"))
        self.write("empty", "file now")
        os.unlink(self.p("l"))
        os.mkdir(self.p("l"))
        self.assertEqual(self.names("f"), ["in"])
        self.assert_same_after_remount()

    def test_symlink_fifo_and_link_over_a_whiteout(self):
        self.build()
        for name in ("f", "l", "p"):
            os.unlink(self.p(name))
        os.symlink("u", self.p("f"))
        os.link(self.p("u"), self.p("l"))
        os.mkfifo(self.p("p"))
        self.assertEqual(os.readlink(self.p("f")), "u")
        self.assertEqual(self.read("l"), b"u")
        self.assertTrue(stat.S_ISFIFO(self.stat("p").st_mode))
        for name in ("f", "l", "p"):
            os.unlink(self.p(name))
            self.assert_gone(name)
        self.assert_same_after_remount()

    def test_removal_moves_the_parents_times(self):
        self.build()
        for action, parent in ((lambda: os.unlink(self.p("d/a")), "d"), (lambda: os.rmdir(self.p("empty")), ""),
                               (lambda: os.unlink(self.p("both/up")), "both"),
                               (lambda: os.mkdir(self.p("d/n")), "d"), (lambda: self.write("both/n"), "both"),
                               (lambda: os.symlink("x", self.p("d/s")), "d")):
            with self.moves(parent, "mc"):
                action()

    def test_removal_of_one_of_two_links_moves_ctime_of_the_file(self):
        self.build()
        os.link(self.p("u"), self.p("u2"))
        with self.moves("u", "c"):
            os.unlink(self.p("u2"))

    def test_repeated_removal_and_creation(self):
        self.build()
        for turn in range(20):
            os.unlink(self.p("f"))
            self.write("f", str(turn))
            self.assertEqual(self.read("f"), str(turn).encode())
            os.unlink(self.p("d/a"))
            os.mkdir(self.p("d/a"))
            os.rmdir(self.p("d/a"))
            self.write("d/a", "again")
        self.assert_same_after_remount()

    @not_for("overlayfs", why="refuses devices 0:0")
    def test_a_device_like_a_whiteout_is_a_device(self):
        """Whoever makes a device 0:0 gets one: it hides nothing, and is not hidden."""
        self.build()
        os.mknod(self.p("zero"), stat.S_IFCHR | 0o600, 0)
        os.unlink(self.p("d/a"))
        os.mknod(self.p("d/a"), stat.S_IFCHR | 0o640, 0)
        with self.fails("EEXIST"):
            os.mknod(self.p("f"), stat.S_IFCHR, 0)
        os.link(self.p("zero"), self.p("d/link"))
        os.rename(self.p("d/link"), self.p("moved"))
        os.chmod(self.p("moved"), 0o604)
        os.chown(self.p("d/a"), 7, 8)
        for turn in range(2):
            for name, mode, links in (("zero", 0o604, 2), ("moved", 0o604, 2), ("d/a", 0o640, 1)):
                info = self.stat(name)
                self.assertTrue(stat.S_ISCHR(info.st_mode), name)
                self.assertEqual((info.st_mode & 0o7777, info.st_rdev, info.st_nlink, info.st_size),
                                 (mode, 0, links, 0), name)
                with self.fails("ENXIO"):
                    os.open(self.p(name), os.O_RDONLY)
            with sysops.DirStream(self.p()) as stream:
                kinds = {name: kind for name, _, kind in stream.all()}
            self.assertEqual([kinds["zero"], kinds["moved"]], [2, 2], "d_type")
            self.assert_same_after_remount()
        for name in ("zero", "moved", "d/a"):
            os.unlink(self.p(name))
            self.assert_gone(name)

    @not_for("overlayfs", why="refuses RENAME_WHITEOUT")
    def test_rename_that_leaves_a_device(self):
        self.build()
        os.mkdir(self.p("new"))
        self.write("new/n", "n")
        for old, new in (("f", "g"), ("d/a", "new/a"), ("new/n", "new/m"), ("new/m", "g"), ("d", "new/d")):
            before = self.ino(old)
            sysops.renameat2(self.p(old), self.p(new), sysops.RENAME_WHITEOUT)
            self.assertEqual(self.ino(new), before)
            left = self.stat(old)
            self.assertTrue(stat.S_ISCHR(left.st_mode) and left.st_rdev == 0, old)
            self.assertIn(os.path.basename(old), self.names(os.path.dirname(old)))
        self.assertEqual(self.read("g"), b"n")
        with self.fails("EEXIST"):
            sysops.renameat2(self.p("g"), self.p("new/a"), sysops.RENAME_WHITEOUT | sysops.RENAME_NOREPLACE)
        with self.fails("EINVAL"):
            sysops.renameat2(self.p("g"), self.p("new/a"), sysops.RENAME_WHITEOUT | sysops.RENAME_EXCHANGE)
        self.assert_same_after_remount()

    @only_for("blendfs")
    def test_such_a_device_in_a_lower_layer(self):
        """An upper with such devices becomes a lower layer; they are copied up like everything else."""
        first = self.union({"x": file()})
        os.mkdir(self.p("d"))
        os.mknod(self.p("d/zero"), stat.S_IFCHR | 0o600, 0)
        os.link(self.p("d/zero"), self.p("d/other"))
        first.unmount()
        second = self.union(upper={})
        second.unmount()
        second.lowers = [first.upper, first.lowers[0]]
        second.mount()
        self.m = second
        number = self.ino("d/zero")
        os.chmod(self.p("d/zero"), 0o640)
        for turn in range(2):
            info = self.stat("d/other")
            self.assertTrue(stat.S_ISCHR(info.st_mode) and info.st_rdev == 0)
            self.assertEqual((info.st_ino, info.st_mode & 0o7777, info.st_nlink), (number, 0o640, 2))
            self.m.remount()

    def test_rmdir_of_a_directory_full_of_whiteouts(self):
        low = {"w/%d" % i: file() for i in range(100)}
        self.union(low, upper={"w/%d" % i: whiteout() for i in range(100)})
        self.assertEqual(self.names("w"), [])
        os.rmdir(self.p("w"))
        self.assert_gone("w")
        os.mkdir(self.p("w"))
        self.assertEqual(self.names("w"), [])
        self.assert_same_after_remount()

    @only_for("blendfs")
    def test_rmdir_of_an_open_directory_of_whiteouts_keeps_its_times(self):
        self.union(upper={"w": directory(mtime=OLD), "w/gone": whiteout()})
        fd = os.open(self.p("w"), os.O_RDONLY | os.O_DIRECTORY)
        self.addCleanup(os.close, fd)
        os.rmdir(self.p("w"))
        info = os.fstat(fd)
        self.assertEqual((info.st_mtime, info.st_nlink), (OLD, 0))


class OnDisk(Case):
    """What is read from layers, and what is written to the upper."""

    def test_opaque_in_any_layer(self):
        self.union({"a": opaque(), "a/1": file()}, {"a/2": file(), "b": opaque(mtime=OLD + 5), "b/2": file()},
                   {"a/3": file(), "b/3": file(), "c/3": file()}, upper={"c": opaque(), "b/0": file()})
        self.assertEqual(self.names("a"), ["1"])
        self.assertEqual(self.names("b"), ["0", "2"])
        self.assertEqual(self.names("c"), [])

    @only_for("blendfs", "overlayfs")
    def test_whiteouts_of_the_attribute_form_are_read(self):
        union = self.union({"d/gone": file("x"), "d/stays": file("y")}, {"d/gone": file("z")},
                           read_only=True)
        union.unmount()
        for index in (0,):
            base = union.lowers[index]
            os.truncate(os.path.join(base, "d/gone"), 0)
            os.setxattr(os.path.join(base, "d/gone"), "trusted.overlay.whiteout", b"y")
            os.setxattr(os.path.join(base, "d"), "trusted.overlay.opaque", b"x")
        union.mount()
        self.assertEqual(self.names("d"), ["stays"])
        self.assert_gone("d/gone")

    @only_for("blendfs")
    def test_upper_gets_overlayfs_marks(self):
        self.union({"f": file(), "d/x": file(), "e/y": file(), "keep/z": file()})
        os.unlink(self.p("f"))
        info = os.lstat(os.path.join(self.m.upper, "f"))
        self.assertTrue(stat.S_ISCHR(info.st_mode) and info.st_rdev == 0)
        os.unlink(self.p("d/x"))
        os.rmdir(self.p("d"))
        os.mkdir(self.p("d"))
        self.assertEqual(os.getxattr(os.path.join(self.m.upper, "d"), "trusted.overlay.opaque"), b"y")
        os.rename(self.p("keep"), self.p("kept"))
        self.assertIn(os.getxattr(os.path.join(self.m.upper, "kept"), "trusted.overlay.redirect"),
                      (b"keep", b"/keep"))
        os.chmod(self.p("e/y"), 0o600)
        self.assertTrue(os.getxattr(os.path.join(self.m.upper, "e/y"), "trusted.overlay.origin"))

    @only_for("blendfs", "overlayfs")
    def test_own_attributes_are_hidden(self):
        self.union({"f": file(), "d/x": file()}, upper={"o": opaque()})
        os.chmod(self.p("f"), 0o600)
        os.rename(self.p("d"), self.p("r"))
        for name in ("f", "r", "o", ""):
            listed = os.listxattr(self.p(name))
            self.assertEqual([key for key in listed if "overlay" in key or "blendfs" in key], [], name)
        with self.fails("ENODATA", "EOPNOTSUPP", "EPERM"):
            os.getxattr(self.p("o"), "trusted.overlay.opaque")

    @only_for("blendfs", "overlayfs")
    def test_new_directory_in_a_pure_place_needs_no_mark(self):
        self.union({"f": file()})
        os.mkdir(self.p("n"))
        self.assertEqual(self.names("n"), [])
        os.mkdir(self.p("n/m"))
        self.assert_same_after_remount()

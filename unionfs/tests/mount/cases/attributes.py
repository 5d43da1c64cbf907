# SPDX-License-Identifier: MIT
"""Attributes and times: chmod, chown, utimens, and which times each operation moves."""
import os
import time

from lab import sysops
from lab.case import Case, only_for
from lab.engines import MNT_DETACH, MS_BIND, MS_REMOUNT
from lab.layers import OLD, directory, fifo, file, symlink

NS = 10**9
MS_STRICTATIME = 1 << 24


class Attributes(Case):
    def build(self):
        return self.union({"low": file("low"), "d/x": file("x"), "ld": directory(), "s": symlink("low"),
                           "p": fifo()}, upper={"up": file("up"), "ud": directory()})

    def test_chmod_of_each_kind(self):
        self.build()
        for name in ("low", "up", "ld", "ud", "d", "p", ""):
            for mode in (0, 0o777, 0o1751, 0o4711, 0o2770, 0o640):
                os.chmod(self.p(name), mode)
                self.assertEqual(self.mode(name), mode, name)
        self.assert_same_after_remount()

    def test_chown_of_each_kind(self):
        self.build()
        for name in ("low", "up", "ld", "ud", "d", "p", "s", ""):
            for uid, gid in ((1, 2), (-1, 3), (4, -1), (70000, 2**31 - 2)):
                before = self.stat(name)
                os.lchown(self.p(name), uid, gid)
                info = self.stat(name)
                self.assertEqual((info.st_uid, info.st_gid),
                                 (before.st_uid if uid == -1 else uid, before.st_gid if gid == -1 else gid))
        self.assert_same_after_remount()

    def test_chown_through_a_symlink_changes_the_target(self):
        self.build()
        os.chown(self.p("s"), 8, 9)
        self.assertEqual((self.stat("low").st_uid, self.stat("s").st_uid), (8, 0))

    def test_utimens(self):
        self.build()
        for name in ("low", "up", "ld", "ud", "d", "p", "s", ""):
            for atime, mtime in ((0, 1), (OLD * NS + 123456789, 2 * OLD * NS + 987654321), (-5 * NS, -7 * NS + 1),
                                 (2**31 * NS, 2**32 * NS + 5)):
                os.utime(self.p(name), ns=(atime, mtime), follow_symlinks=False)
                self.assertEqual(self.times(name)[:2], (atime, mtime), name)
        self.assert_same_after_remount()

    def test_times_that_move(self):
        self.build()
        for name in ("low", "up"):
            path = self.p(name)
            steps = [("c", lambda: os.chmod(path, 0o600)), ("c", lambda: os.chown(path, 5, 5)),
                     ("c", lambda: os.setxattr(path, "user.k", b"v")), ("c", lambda: os.removexattr(path, "user.k")),
                     ("mc", lambda: self.write(name, "new", "ab")), ("mc", lambda: os.truncate(path, 1)),
                     ("mc", lambda: os.utime(path)), ("c", lambda: os.utime(path, (OLD, self.stat(name).st_mtime))),
                     ("c", lambda: os.link(path, path + ".l")), ("c", lambda: os.unlink(path + ".l")),
                     ("", lambda: self.read(name)), ("", lambda: self.names()),
                     ("mc", lambda: os.close(os.open(path, os.O_WRONLY | os.O_TRUNC)))]
            os.utime(path, ns=(OLD * NS, OLD * NS))
            for index, (which, action) in enumerate(steps):
                if index == 7:
                    os.utime(path, ns=(OLD * NS, OLD * NS))
                with self.subTest(name=name, step=index), self.moves(name, which):
                    action()

    @only_for("blendfs", "overlayfs")
    def test_reading_moves_no_access_time_in_a_lower_layer(self):
        self.build().unmount()
        lower = self.m.lowers[0]
        sysops.mount(lower, lower, None, MS_BIND)
        self.addCleanup(sysops.umount, lower, MNT_DETACH)
        sysops.mount("none", lower, None, MS_BIND | MS_REMOUNT | MS_STRICTATIME)

        def access_times():
            return {name: os.lstat(os.path.join(lower, name)).st_atime_ns for name in ("", "low", "d", "d/x", "ld", "s")}
        before = access_times()
        os.listdir(lower)
        self.assertGreater(access_times()[""], before[""], "or nothing is shown by the rest")
        before = access_times()
        self.m.mount()
        os.readlink(self.p("s"))
        for name in ("low", "d/x"):
            self.read(name)
        for name in ("", "d", "ld"):
            self.names(name)
        self.assertEqual(access_times(), before)

    @only_for("blendfs", why="overlayfs asks the upper's mount as well")
    def test_access_times_of_the_upper_move_as_the_union_says(self):
        for words, file_moves, folder_moves in ((["noatime"], False, False), (["strictatime"], True, True),
                                                (["strictatime", "nodiratime"], True, False)):
            mounted = self.union(upper={"f": file("data"), "d": directory(), "d/x": file()}, options=words)
            before = {name: os.lstat(os.path.join(mounted.upper, name)).st_atime_ns for name in ("f", "d")}
            with open(os.path.join(mounted.root, "f"), "rb") as stream:
                stream.read()
            os.listdir(os.path.join(mounted.root, "d"))
            moved = {name: os.lstat(os.path.join(mounted.upper, name)).st_atime_ns > then for name, then in before.items()}
            self.assertEqual(moved, {"f": file_moves, "d": folder_moves}, words)
            # Upper and work directory still are on one mount.
            os.rename(os.path.join(mounted.root, "f"), os.path.join(mounted.root, "g"))
            os.unlink(os.path.join(mounted.root, "g"))

    def test_directory_times_that_move(self):
        self.build()
        for folder in ("ld", "ud", "d"):
            base = self.p(folder) + "/"
            steps = [("mc", lambda: os.mkdir(base + "n")), ("mc", lambda: os.rmdir(base + "n")),
                     ("mc", lambda: self.write(base + "f")), ("", lambda: self.write(base + "f", "data")),
                     ("", lambda: os.chmod(base + "f", 0o600)), ("mc", lambda: os.rename(base + "f", base + "g")),
                     ("mc", lambda: os.link(base + "g", base + "h")), ("mc", lambda: os.unlink(base + "h")),
                     ("mc", lambda: os.symlink("t", base + "s")), ("mc", lambda: os.mkfifo(base + "p")),
                     ("c", lambda: os.chmod(self.p(folder), 0o711)), ("c", lambda: os.chown(self.p(folder), 1, 1)),
                     ("", lambda: os.listdir(base))]
            for index, (which, action) in enumerate(steps):
                with self.subTest(folder=folder, step=index), self.moves(folder, which):
                    action()

    def test_new_objects_have_the_time_of_now(self):
        self.build()
        self.write("d/n")
        os.mkdir(self.p("d/m"))
        os.symlink("x", self.p("d/l"))
        os.mkfifo(self.p("d/p"))
        for name in "nmlp":
            for value in self.times("d/" + name):
                self.assertAlmostEqual(value / NS, time.time(), delta=5)

    def test_zero_truncation_moves_the_times_even_without_a_change(self):
        self.build()
        self.write("e")
        for name in ("e", "up", "low"):
            size = self.stat(name).st_size
            with self.moves(name, "mc"):
                os.truncate(self.p(name), 0)
            del size
        with self.moves("e", "mc"):
            with open(self.p("e"), "r+b") as stream:
                os.ftruncate(stream.fileno(), 0)

    def test_write_times_are_seen_at_once_through_any_path(self):
        self.build()
        os.link(self.p("up"), self.p("up2"))
        fd = os.open(self.p("up"), os.O_WRONLY)
        try:
            for _ in range(3):
                self.tick()
                before = self.stat("up2")
                os.write(fd, b"more")
                after = self.stat("up2")
                self.assertGreater(after.st_mtime_ns, before.st_mtime_ns)
                self.assertEqual(os.fstat(fd).st_mtime_ns, after.st_mtime_ns)
                self.assertEqual(os.fstat(fd).st_size, after.st_size)
        finally:
            os.close(fd)

    def test_explicit_time_survives_close(self):
        self.build()
        for name in ("low", "up"):
            fd = os.open(self.p(name), os.O_RDWR)
            os.write(fd, b"data")
            os.utime(fd, ns=(7 * NS, 9 * NS))
            os.close(fd)
            self.assertEqual(self.stat(name).st_mtime_ns, 9 * NS)
        self.m.remount()
        self.assertEqual(self.stat("low").st_mtime_ns, 9 * NS)

    def test_blocks_and_block_size(self):
        self.build()
        self.write("big", bytes(100000))
        os.sync()
        info = self.stat("big")
        self.assertGreaterEqual(info.st_blocks * 512, 100000)
        self.assertLess(info.st_blocks * 512, 300000)
        self.assertGreaterEqual(info.st_blksize, 512)

    def test_all_of_a_union_is_one_device(self):
        self.build()
        self.write("low", "copied up")
        devices = {self.stat(name).st_dev for name in ("", "low", "up", "d", "d/x", "s", "ld")}
        self.assertEqual(len(devices), 1)

    def test_inode_number_of_a_moved_and_changed_object_stays(self):
        self.build()
        ino = self.ino("low")
        os.rename(self.p("low"), self.p("ld/x"))
        self.write("ld/x", "y")
        os.rename(self.p("ld"), self.p("moved"))
        self.assertEqual(self.ino("moved/x"), ino)
        self.m.remount()
        self.assertEqual(self.ino("moved/x"), ino)

# SPDX-License-Identifier: MIT
"""The mount as a whole: statfs, read-only, what persists, layers on other file systems, nesting."""
import glob
import os

from lab import engines, sysops, tree
from lab.case import Case, Environment, not_for, only_for
from lab.layers import device, directory, fifo, file, hard, opaque, redirect, sock, sparse, symlink, whiteout

EVERYTHING = {
    "f": file("f", 0o640, uid=1, gid=2, xattrs={"user.k": b"v"}), "g": hard("f"), "d/x": file("x"), "d/y/z": file("z"),
    "l": symlink("d/x"), "p": fifo(), "s": sock(), "c": device("chr", 1, 3), "sp": sparse(1 << 20, {500000: b"mid"}),
    "e": directory(0o1777)}


class Whole(Case):
    def test_statfs(self):
        self.union({"f": file()})
        info, base = os.statvfs(self.p()), os.statvfs(Environment.folder)
        self.assertEqual((info.f_blocks, info.f_bsize, info.f_files, info.f_namemax),
                         (base.f_blocks, base.f_bsize, base.f_files, 255))
        self.assertAlmostEqual(info.f_bfree, base.f_bfree, delta=base.f_blocks // 10)
        self.assertEqual(os.statvfs(self.p("f")).f_blocks, info.f_blocks)
        fd = os.open(self.p("f"), os.O_RDONLY)
        self.assertEqual(os.fstatvfs(fd).f_blocks, info.f_blocks)
        os.close(fd)

    def read_ahead_kib(self, path):
        device = os.lstat(path).st_dev
        for form in ("/sys/class/bdi/%d:%d/read_ahead_kb", "/sys/dev/block/%d:%d/../bdi/read_ahead_kb"):
            try:
                with open(form % (os.major(device), os.minor(device)), "rb") as stream:
                    return int(stream.read())
            except FileNotFoundError:
                pass
        return None

    @only_for("blendfs", why="the others read ahead as the kernel has it")
    def test_reads_ahead_as_far_as_its_layers_disk(self):
        self.union({"f": file()})
        disk, mine = self.read_ahead_kib(Environment.folder), self.read_ahead_kib(self.p())
        if mine is None or not os.access("/sys/class/bdi", os.W_OK):
            self.skipTest("no sysfs here that may be written to")
        self.assertEqual(mine, min(max(disk or 0, 1024), 8192))

    @only_for("blendfs", why="tests its daemon")
    def test_the_daemon_is_in_its_sandbox(self):
        with open(Environment.blendfs, "rb") as program:
            if b"load a filter of system calls" not in program.read():
                self.skipTest("built without libseccomp, or with a sanitizer")
        if not os.path.exists("/proc/sys/kernel/seccomp"):
            self.skipTest("this kernel has no seccomp")
        for options in ((), ("clone_fd",)):
            mounted = self.union({"low": file("low")}, options=options)
            with open(os.path.join(mounted.root, "low"), "w") as stream:
                stream.write("changed")
            threads = glob.glob("/proc/%d/task/*/status" % mounted.daemon.pid)
            self.assertGreater(len(threads), 1)
            for thread in threads:
                with open(thread) as status:
                    self.assertIn("\nSeccomp:\t2\n", status.read(), thread)
            mounted.daemon.terminate()
            mounted.end()
            mounted.mounted = False
            self.assertFalse(engines.is_mount(mounted.root), "it unmounts by itself")

    def change_everything(self):
        self.write("f", "changed")
        os.unlink(self.p("l"))
        os.rename(self.p("d"), self.p("e/d"))
        os.mkdir(self.p("d"))
        self.write("d/new", "new")
        os.link(self.p("g"), self.p("h"))
        os.chmod(self.p("p"), 0o600)
        os.lchown(self.p("s"), 7, 8)
        os.setxattr(self.p("e"), "user.e", b"e")
        os.utime(self.p("c"), ns=(1, 2))
        os.symlink("target", self.p("l"))
        os.truncate(self.p("sp"), 600000)
        sysops.renameat2(self.p("d"), self.p("h"), sysops.RENAME_EXCHANGE)
        os.mknod(self.p("dev"), 0o020600, os.makedev(5, 6))
        os.removexattr(self.p("f"), "user.k")

    def test_everything_persists(self):
        self.union(EVERYTHING)
        self.change_everything()
        for _ in range(3):
            self.assert_same_after_remount()

    def test_same_as_the_plain_tree(self):
        self.union(EVERYTHING)
        plain = self.union(EVERYTHING, engine="plain")
        self.assert_same_tree(tree.snapshot(plain.root), tree.snapshot(self.p()), "the union")

    def test_root_directory_attributes_persist(self):
        self.union({"f": file()})
        os.chmod(self.p(), 0o711)
        os.chown(self.p(), 3, 4)
        os.setxattr(self.p(), "user.root", b"r")
        os.utime(self.p(), ns=(5, 6))
        before = tree.describe(self.p(), inode=True)
        self.m.remount()
        self.assertEqual(tree.describe(self.p(), inode=True), before)

    @only_for("blendfs", "overlayfs")
    def test_root_attributes_are_the_uppers(self):
        union = self.union({"f": file()}, upper={"u": file()})
        union.unmount()
        os.chmod(union.upper, 0o700)
        os.chown(union.upper, 5, 6)
        union.mount()
        info = self.stat()
        self.assertEqual((info.st_mode & 0o777, info.st_uid, info.st_gid), (0o700, 5, 6))

    @only_for("blendfs", "overlayfs")
    def test_layers_on_different_file_systems(self):
        disk = self.small_disk(32 << 20)
        union = self.union(EVERYTHING, {"low": file("low"), "f": file("hidden")}, upper_on=disk)
        union.unmount()
        other = self.small_disk(32 << 20, "third")
        os.makedirs(os.path.join(other, "layer/d"))
        with open(os.path.join(other, "layer/third"), "w") as stream:
            stream.write("third")
        union.lowers.append(os.path.join(other, "layer"))
        union.mount()
        self.addCleanup(union.tear_down)
        numbers = {}
        for base, folders, files in os.walk(self.p()):
            for name in folders + files:
                info = os.lstat(os.path.join(base, name))
                self.assertEqual(info.st_dev, self.stat().st_dev)
                numbers.setdefault(info.st_ino, []).append(name)
        self.assertEqual([names for names in numbers.values() if len(names) > 1 and sorted(names) != ["f", "g"]], [])
        self.write("third", "changed")
        self.change_everything()
        self.assert_same_after_remount()
        union.unmount()

    @not_for("plain", why="has one layer")
    def test_upper_with_every_mark(self):
        self.union(EVERYTHING, {"low/a": file("a")},
                   upper={"low": whiteout(), "moved": redirect("/low"), "d": opaque(), "d/only": file(), "f": file("up")})
        self.assertEqual(self.names("moved"), ["a"])
        self.assertEqual(self.names("d"), ["only"])
        self.assert_same_after_remount()

    @only_for("blendfs")
    def test_union_over_a_union(self):
        first = self.union({"a": file("1"), "d/x": file("x")})
        self.write("d/y", "y")
        second = self.union(upper={"u": file()})
        second.unmount()
        second.lowers = [first.root]
        second.mount()
        self.assertEqual(sorted(os.listdir(second.root)), ["a", "d", "u"])
        with open(os.path.join(second.root, "a"), "ab") as stream:
            stream.write(b"2")
        os.rename(os.path.join(second.root, "d"), os.path.join(second.root, "e"))
        self.assertEqual(sorted(os.listdir(os.path.join(second.root, "e"))), ["x", "y"])
        self.assertEqual(self.read("a"), b"1")
        second.unmount()


class ReadOnly(Case):
    def test_everything_is_refused(self):
        self.union(EVERYTHING, read_only=True)
        p = self.p
        actions = [
            lambda: self.write("f", "x"), lambda: self.write("new"), lambda: os.open(p("f"), os.O_RDWR),
            lambda: os.open(p("f"), os.O_RDONLY | os.O_TRUNC), lambda: os.open(p("new"), os.O_CREAT | os.O_RDONLY),
            lambda: os.truncate(p("f"), 0), lambda: os.mkdir(p("n")), lambda: os.rmdir(p("e")),
            lambda: os.unlink(p("f")), lambda: os.symlink("x", p("n")), lambda: os.link(p("f"), p("n")),
            lambda: os.mkfifo(p("n")), lambda: os.rename(p("f"), p("n")), lambda: os.chmod(p("f"), 0),
            lambda: os.chown(p("f"), 1, 1), lambda: os.lchown(p("l"), 1, 1), lambda: os.utime(p("f"), (1, 1)),
            lambda: os.setxattr(p("f"), "user.x", b""), lambda: os.removexattr(p("f"), "user.k"),
            lambda: os.open(p("e"), sysops.O_TMPFILE | os.O_RDWR),
            lambda: sysops.renameat2(p("f"), p("l"), sysops.RENAME_EXCHANGE)]
        for index, action in enumerate(actions):
            with self.subTest(index), self.fails("EROFS"):
                action()
        self.assertFalse(os.access(p("f"), os.W_OK))
        self.assertTrue(os.statvfs(p()).f_flag & os.ST_RDONLY)

    def test_reading_works(self):
        self.union(EVERYTHING, {"low": file("low")}, read_only=True)
        plain = self.union(EVERYTHING, {"low": file("low")}, engine="plain")
        self.assert_same_tree(tree.snapshot(plain.root), tree.snapshot(self.p()), "the union")
        self.assertEqual(self.stat("f").st_nlink, 2)
        self.assert_same_after_remount()

    def test_special_files_can_be_written_on_a_read_only_mount(self):
        self.union(EVERYTHING, read_only=True)
        self.write("c", "to /dev/null", "r+b")
        fd = os.open(self.p("p"), os.O_RDWR)
        os.write(fd, b"x")
        os.close(fd)

    def test_existing_names_are_told_before_read_only(self):
        self.union(EVERYTHING, read_only=True)
        for action in (lambda: os.mkdir(self.p("f")), lambda: os.symlink("x", self.p("f"))):
            with self.fails("EEXIST", "EROFS"):
                action()
        with self.fails("ENOENT", "EROFS"):
            os.unlink(self.p("none"))

    @only_for("blendfs")
    def test_ro_option_with_an_upper(self):
        self.union({"f": file("x")}, upper={"u": file()}, options=["ro"])
        self.assertEqual(self.names(), ["f", "u"])
        with self.fails("EROFS"):
            self.write("f")

# SPDX-License-Identifier: MIT
"""A full upper: the right errno, no half-made object, and the union goes on."""
import os
import time

from lab import tree
from lab.case import Case, not_for, only_for
from lab.layers import file

MB = 1 << 20


class NoSpace(Case):
    def build(self, lower, size=6 * MB):
        disk = self.small_disk(size)
        return self.union(lower, upper_on=disk)

    def fill(self, leave=0):
        """Writes until nothing fits; then frees `leave` bytes."""
        fd = os.open(self.p("filler"), os.O_CREAT | os.O_WRONLY)
        block = b"\xff" * 65536
        size = 0
        while block:
            try:
                size += os.write(fd, block)
            except OSError:
                block = block[:len(block) // 2]
        if leave:
            os.ftruncate(fd, size - leave)
        os.fsync(fd)
        os.close(fd)

    def wait_for_space(self, blocks):
        """The kernel tells a FUSE daemon about closed and forgotten files a moment after close and unlink."""
        limit = time.monotonic() + 5
        while os.statvfs(self.p()).f_bavail < blocks:
            self.assertLess(time.monotonic(), limit, "space of a removed file does not come back")
            time.sleep(0.01)

    def test_write_reports_it(self):
        self.build({"f": file("x" * 100)})
        self.fill()
        with self.fails("ENOSPC"):
            with open(self.p("new"), "wb", buffering=0) as stream:
                for _ in range(64):
                    stream.write(b"d" * 4096)
        self.assertEqual(self.read("f"), b"x" * 100)
        os.unlink(self.p("filler"))
        self.wait_for_space(100)
        self.write("new", b"fits" * 1000)
        self.assertEqual(self.read("new"), b"fits" * 1000)

    @not_for("plain", why="copies nothing up")
    def test_copy_up_that_does_not_fit_leaves_the_old_file(self):
        content = os.urandom(3 * MB)
        self.build({"big": file(content, 0o640, uid=5), "d/big2": file(content)})
        self.fill(leave=MB)
        before = tree.snapshot(self.p())
        ino = self.ino("big")
        for action in (lambda: os.open(self.p("big"), os.O_RDWR), lambda: os.open(self.p("d/big2"), os.O_WRONLY),
                       lambda: os.link(self.p("big"), self.p("link")), lambda: os.truncate(self.p("big"), 2 * MB)):
            with self.fails("ENOSPC"):
                action()
        self.assertEqual(self.ino("big"), ino)
        after = tree.snapshot(self.p())
        for item in (before, after):
            item["d"].pop("mtime"), item[""].pop("mtime")
        self.assert_same_tree(before, after, "tree after refused copy-ups")
        self.assertNotIn("big", os.listdir(self.m.upper))
        os.unlink(self.p("filler"))
        self.wait_for_space(900)
        self.write("big", "tail", "ab")
        self.assertEqual(self.read("big"), content + b"tail")
        self.assert_same_after_remount()

    @not_for("plain", why="copies nothing up")
    def test_space_of_a_failed_copy_up_comes_back(self):
        self.build({"big": file(os.urandom(3 * MB))})
        self.fill(leave=MB)
        free = os.statvfs(self.p()).f_bfree
        for _ in range(5):
            with self.fails("ENOSPC"):
                os.open(self.p("big"), os.O_RDWR)
        self.assertGreaterEqual(os.statvfs(self.p()).f_bfree, free - 16)
        self.write("small", b"s" * 100000)
        self.assertEqual(self.read("small"), b"s" * 100000)

    def test_descriptor_opened_before_goes_on(self):
        content = os.urandom(2 * MB)
        self.build({"big": file(content)})
        reader = os.open(self.p("big"), os.O_RDONLY)
        self.fill(leave=4096)
        try:
            os.close(os.open(self.p("big"), os.O_WRONLY))
        except OSError:
            pass
        self.assertEqual(os.pread(reader, 1000, MB), content[MB:MB + 1000])
        os.close(reader)

    def test_names_run_out(self):
        """Inodes are used up: creations fail with ENOSPC, removal of lower files may too, nothing breaks."""
        low = {"l%03d" % i: file(str(i)) for i in range(50)}
        self.build(low, 3 * MB)
        made = []
        with self.fails("ENOSPC"):
            for i in range(20000):
                self.write("n%d" % i)
                made.append("n%d" % i)
        for action in (lambda: os.mkdir(self.p("dir")), lambda: os.symlink("x" * 100, self.p("sym")),
                       lambda: os.mkfifo(self.p("fifo"))):
            with self.fails("ENOSPC"):
                action()
        for name in ("dir", "sym", "fifo"):
            self.assert_gone(name)
        for name in made:
            os.unlink(self.p(name))
        for name in low:
            os.unlink(self.p(name))
        self.write("again", "works")
        self.assertEqual(self.names(), ["again"])
        self.assert_same_after_remount()

    @only_for("blendfs", "plain", why="not promised by overlayfs")
    def test_removal_frees_space_on_a_full_disk(self):
        self.build({"f": file("x")})
        self.write("mine", b"m" * 200000)
        self.fill()
        os.unlink(self.p("mine"))
        self.wait_for_space(30)
        self.write("new", b"n" * 100000)
        self.assertEqual(len(self.read("new")), 100000)

# SPDX-License-Identifier: MIT
"""fsync and its kin reach the disk: the upper is on a disk that records, its power is cut at once after the call with
everything unflushed lost, and what is left is looked at. And a failed write is told to every open that has to know.
"""
import mmap
import os
import random

from lab import engines, sysops
from lab.case import Case, Environment, only_for
from lab.layers import directory, file
from lab.recorder import Cuts, RecordedDisk

DISK_BYTES = 48 << 20


class _Nothing(random.Random):
    """A cache that loses all it can."""

    def choice(self, _):
        return "nothing"


@only_for("blendfs", why="its upper is on a disk of this test")
class Syncing(Case):
    disk = None

    def setUp(self):
        self.addCleanup(self.stop_disk)  # the first is the last to run: after the unmounts
        super().setUp()
        if self.engine != "blendfs":
            return  # its tests are skipped, with the reason
        beside = os.path.join(os.path.dirname(Environment.blendfs), "../tests/mount/blendfs_recorder")
        recorder = os.path.realpath(beside)
        if not os.path.exists(recorder):
            self.skipTest("no blendfs_recorder beside blendfs")
        self.disk = RecordedDisk(self.scratch("recorder"), DISK_BYTES, recorder, "noatime,commit=600")

    def stop_disk(self):
        if self.disk:
            self.disk.stop()

    def mount(self, options=()):
        self.union({"low": file("l" * 9000, 0o644), "large": file("L" * 200000), "d/x": file("x"), "gone": file(),
                    "dir": directory()}, upper={"own": file("own")}, options=options, upper_on=self.disk.target)
        fd = os.open(self.disk.target, os.O_RDONLY)
        sysops.syncfs(fd)
        os.close(fd)

    def after_power_cut(self, look):
        """look(path of a file in the union) after a cut at this moment."""
        moment = self.disk.now()
        target = self.scratch("cut")
        Cuts(self.disk).mount(moment, _Nothing(), target)
        union = engines.Blendfs.over(self.m)
        union.upper, union.work = (os.path.join(target, name) for name in ("upper", "work"))
        union.root = self.scratch("again")
        os.mkdir(union.root)
        union.mount()
        try:
            look(lambda path: os.path.join(union.root, path))
        finally:
            union.unmount()
            sysops.umount(target)
            os.rmdir(target)
            os.rmdir(union.root)

    def expect(self, path, content):
        def look(at):
            with open(at(path), "rb") as stream:
                self.assertEqual(stream.read(), content.encode())
        self.after_power_cut(look)

    def opened(self, path, flags):
        fd = os.open(self.p(path), flags, 0o644)
        self.addCleanup(os.close, fd)
        return fd

    def test_nothing_is_there_before(self):
        """The test's own test: without a sync the cut loses the change."""
        self.mount()
        self.write("own", "new")
        self.expect("own", "own")

    def test_fsync_of_a_new_file(self):
        self.mount()
        fd = self.opened("new", os.O_CREAT | os.O_RDWR)
        os.write(fd, b"n" * 5000)
        os.fsync(fd)
        self.expect("new", "n" * 5000)

    def test_fdatasync_of_an_upper_file(self):
        self.mount()
        fd = self.opened("own", os.O_RDWR)
        os.pwrite(fd, b"O", 0)
        os.fdatasync(fd)
        self.expect("own", "Own")

    def test_fdatasync_after_a_copy_up(self):
        """The data alone would not do: the copy's name, or the end of a metadata-only copy, has to be there too."""
        self.mount()
        os.chmod(self.p("large"), 0o600)
        for path, flags in (("low", os.O_WRONLY), ("large", os.O_WRONLY)):
            fd = self.opened(path, flags)
            os.pwrite(fd, b"D", 0)
            os.fdatasync(fd)
        self.expect("low", "D" + "l" * 8999)
        self.expect("large", "D" + "L" * 199999)

    def test_fsync_of_a_descriptor_from_before_the_copy_up(self):
        """It is a cached open, and stays one; what others wrote through it or beside it is all one file."""
        self.mount()
        reader = self.opened("low", os.O_RDONLY)
        self.assertEqual(os.pread(reader, 1, 0), b"l")
        writer = self.opened("low", os.O_RDWR)
        os.pwrite(writer, b"W", 0)
        os.fsync(reader)
        self.expect("low", "W" + "l" * 8999)

    def test_fsync_of_a_metadata_only_copy(self):
        self.mount()
        os.chmod(self.p("large"), 0o600)
        os.fsync(self.opened("large", os.O_RDONLY))
        self.after_power_cut(lambda at: self.assertEqual(os.stat(at("large")).st_mode & 0o777, 0o600))

    def test_msync(self):
        for path in ("own", "low"):
            with self.subTest(path):
                if not hasattr(self, "m"):
                    self.mount()
                fd = self.opened(path, os.O_RDWR)
                with mmap.mmap(fd, 3) as view:
                    view[:3] = b"map"
                    view.flush()
                self.after_power_cut(lambda at, path=path: self.assertEqual(open(at(path), "rb").read(3), b"map"))

    def test_synchronous_writes(self):
        self.mount()
        os.write(self.opened("own", os.O_RDWR | os.O_SYNC), b"S")
        os.write(self.opened("low", os.O_RDWR | os.O_DSYNC), b"D")
        self.expect("own", "Swn")
        self.expect("low", "D" + "l" * 8999)

    def test_fsync_of_a_directory(self):
        self.mount()
        for name in ("one", "two"):
            self.write("d/" + name)
        os.unlink(self.p("d/x"))
        os.fsync(self.opened("d", os.O_RDONLY))
        self.after_power_cut(lambda at: self.assertEqual(sorted(os.listdir(at("d"))), ["one", "two"]))

    def test_fsync_of_the_root_is_for_the_whole_union(self):
        """syncfs(2) on a FUSE mount never reaches its daemon; this does."""
        self.mount()
        self.write("dir/deep", "deep" * 3000)
        self.write("own", "new")
        os.rename(self.p("d"), self.p("e"))
        os.unlink(self.p("gone"))
        os.fsync(self.opened("", os.O_RDONLY))

        def look(at):
            self.assertEqual(sorted(os.listdir(at(""))), ["dir", "e", "large", "low", "own"])
            for path, content in (("dir/deep", b"deep" * 3000), ("own", b"new"), ("e/x", b"x")):
                with open(at(path), "rb") as stream:
                    self.assertEqual(stream.read(), content)
        self.after_power_cut(look)

    def test_unmounting_syncs(self):
        self.mount()
        self.write("own", "new")
        self.m.unmount()  # waits for the end of the daemon
        self.expect("own", "new")

    def test_volatile_leaves_its_mark_first(self):
        self.mount(["fsync=volatile"])
        fd = self.opened("own", os.O_RDWR)
        os.pwrite(fd, b"O", 0)
        before = self.disk.now()
        os.fsync(fd)
        self.assertEqual(self.disk.now(), before, "writes to the disk by fsync")
        with self.assertRaisesRegex(engines.EngineError, "volatile"):
            self.after_power_cut(lambda at: None)
        sysops.umount(self.scratch("cut"))

    def test_every_open_learns_of_a_failed_write(self):
        self.mount()
        fds = [self.opened("own", os.O_RDWR) for _ in range(3)]
        os.pwrite(fds[0], b"O", 0)
        self.disk.fail(1)
        with self.fails("EIO"):
            os.fsync(fds[0])
        self.disk.fail(0)
        with self.fails("EIO"):
            os.fsync(fds[1])
        with self.fails("EIO"):
            os.fsync(fds[2])
        for fd in fds:
            os.dup2(0, fd)  # lets go of the file; the number is closed later
        # And the last sync, of the whole upper, says it once more.
        with self.assertRaisesRegex(engines.EngineError, "Input/output error"):
            self.m.unmount()
        self.m.daemon = None

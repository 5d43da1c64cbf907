# SPDX-License-Identifier: MIT
"""Inode flags as lsattr and chattr show and set them, and leases."""
import contextlib
import errno
import fcntl
import os
import signal
import struct

from lab import sysops
from lab.case import Case, in_process
from lab.layers import directory, file

FS_NODUMP_FL = 0x40
FS_EXTENT_FL = 0x80000
FS_INDEX_FL = 0x1000


def get_flags(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        return struct.unpack("I", fcntl.ioctl(fd, sysops.FS_IOC_GETFLAGS, bytes(8))[:4])[0] & ~(
            FS_EXTENT_FL | FS_INDEX_FL)
    finally:
        os.close(fd)


def set_flags(path, flags):
    fd = os.open(path, os.O_RDONLY)
    try:
        old = struct.unpack("I", fcntl.ioctl(fd, sysops.FS_IOC_GETFLAGS, bytes(8))[:4])[0] & FS_EXTENT_FL
        fcntl.ioctl(fd, sysops.FS_IOC_SETFLAGS, struct.pack("Q", flags | old))
    finally:
        os.close(fd)


class Flags(Case):
    def build(self):
        self.union({"low": file("low"), "d/x": file("x"), "big": file(b"b" * 100000), "e": directory(),
                    "p/full/x": file()}, {"d/deep": file()}, upper={"up": file("up"), "u": directory(), "u/x": file()})
        self.addCleanup(self.clear)

    def clear(self):
        """A file that cannot be changed could not be removed at the end of the test."""
        for name in ("low", "up", "big", "d", "u", "p"):
            with contextlib.suppress(OSError):
                set_flags(self.p(name), 0)

    def test_flags_of_files_and_directories(self):
        self.build()
        os.chmod(self.p("big"), 0o600)  # a metadata-only copy
        for name in ("low", "up", "big", "d", "u", ""):
            self.assertEqual(get_flags(self.p(name)), 0, name)
            set_flags(self.p(name), 0)  # the copy-up
            with self.moves(name, "c"):
                set_flags(self.p(name), FS_NODUMP_FL)
            self.assertEqual(get_flags(self.p(name)), FS_NODUMP_FL, name)
        self.assertEqual(self.read("low") + self.read("big")[:2], b"lowbb")
        self.m.remount()
        for name in ("low", "up", "big", "d", "u", ""):
            self.assertEqual(get_flags(self.p(name)), FS_NODUMP_FL, name)
            set_flags(self.p(name), 0)

    def test_immutable(self):
        self.build()
        os.chmod(self.p("big"), 0o600)
        for name in ("low", "up", "big"):
            set_flags(self.p(name), sysops.FS_IMMUTABLE_FL)
            for change in (lambda path: os.open(path, os.O_WRONLY), lambda path: os.truncate(path, 1),
                           lambda path: os.chmod(path, 0o777), os.unlink, lambda path: os.link(path, self.p("link")),
                           lambda path: os.rename(path, self.p("other")),
                           lambda path: os.setxattr(path, "user.k", b"v")):
                with self.fails("EPERM"):
                    change(self.p(name))
            set_flags(self.p(name), 0)
            self.write(name, "changed")
            os.unlink(self.p(name))

    def test_append_only(self):
        self.build()
        set_flags(self.p("low"), sysops.FS_APPEND_FL)
        with self.fails("EPERM"):
            os.open(self.p("low"), os.O_WRONLY)
        self.write("low", "+more", "ab")
        self.assertEqual(self.read("low"), b"low+more")

    def test_immutable_directory(self):
        self.build()
        for name in ("d", "u"):
            set_flags(self.p(name), sysops.FS_IMMUTABLE_FL)
            for change in (lambda path: os.mkdir(path + "/new"), lambda path: os.unlink(path + "/x"),
                           lambda path: os.rename(path + "/x", self.p("x")), os.rmdir,
                           lambda path: os.rename(self.p("e"), path)):
                with self.fails("EPERM"):
                    change(self.p(name))
            if name == "u":
                self.write(name + "/x", "its files may change")
            set_flags(self.p(name), 0)
            os.unlink(self.p(name + "/x"))

    def test_full_directory_in_one_that_does_not_change(self):
        self.build()
        for flags in (sysops.FS_IMMUTABLE_FL, sysops.FS_APPEND_FL):
            set_flags(self.p("p"), flags)
            with self.fails("EPERM"):
                os.rmdir(self.p("p/full"))
            with self.fails("EPERM"):
                os.rename(self.p("e"), self.p("p/full"))
            set_flags(self.p("p"), 0)
            for change in (os.rmdir, lambda path: os.rename(self.p("e"), path)):
                with self.fails("ENOTEMPTY"):
                    change(self.p("p/full"))

    def test_others_have_none(self):
        self.build()
        os.mkfifo(self.p("fifo"))
        fd = os.open(self.p("fifo"), os.O_RDWR)
        try:
            with self.fails("ENOTTY"):
                fcntl.ioctl(fd, sysops.FS_IOC_GETFLAGS, bytes(8))
        finally:
            os.close(fd)

    def test_stranger_may_not(self):
        self.build()
        with self.fails("EPERM", "EACCES"):
            self.as_user(1000, lambda: set_flags(self.p("low"), FS_NODUMP_FL))


class Leases(Case):
    def test_lease_is_broken_by_an_open(self):
        self.union({"f": file("low")})
        broken = []
        signal.signal(signal.SIGIO, lambda *_: broken.append(True))
        fd = os.open(self.p("f"), os.O_RDONLY)
        try:
            fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)

            def write():
                with contextlib.suppress(BlockingIOError):
                    os.close(os.open(self.p("f"), os.O_WRONLY | os.O_NONBLOCK))
            in_process(write)
            self.assertTrue(broken)
        finally:
            fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
            os.close(fd)

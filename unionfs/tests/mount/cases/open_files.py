# SPDX-License-Identifier: MIT
"""Open objects without a name: unlinked files, O_TMPFILE, /proc/self/fd, O_PATH, handles."""
import errno
import os
import tempfile
import time

from lab import sysops
from lab.case import Case, not_for
from lab.layers import directory, file


class Unlinked(Case):
    def build(self):
        return self.union({"low": file("low"), "d": directory(), "d/low": file("dl")}, upper={"up": file("up")})

    @not_for("overlayfs", why="keeps the lower file of a descriptor opened read-only")
    def test_unlinked_file_lives_until_close(self):
        self.build()
        for name in ("low", "up", "d/low"):
            content = self.read(name)
            fd = os.open(self.p(name), os.O_RDWR)
            reader = os.open(self.p(name), os.O_RDONLY)
            os.unlink(self.p(name))
            self.assert_gone(name)
            self.assertEqual(os.fstat(fd).st_nlink, 0)
            self.assertEqual(os.pread(reader, 10, 0), content)
            os.pwrite(fd, b"written", 0)
            self.assertEqual(os.pread(reader, 10, 0), b"written")
            os.ftruncate(fd, 3)
            self.assertEqual(os.fstat(reader).st_size, 3)
            os.fchmod(fd, 0o600)
            os.fchown(fd, 1, 2)
            os.utime(fd, ns=(3, 4))
            os.setxattr(fd, "user.k", b"v")
            self.assertEqual(os.getxattr(reader, "user.k"), b"v")
            self.assertEqual(os.listxattr(fd), ["user.k"])
            info = os.fstat(reader)
            self.assertEqual((info.st_mode & 0o777, info.st_uid, info.st_mtime_ns), (0o600, 1, 4))
            os.fsync(fd)
            os.close(fd)
            os.close(reader)

    @not_for("overlayfs", why="keeps the lower file of a descriptor opened read-only")
    def test_changes_through_a_read_only_descriptor_of_an_unlinked_lower_file(self):
        self.build()
        fd = os.open(self.p("low"), os.O_RDONLY)
        os.unlink(self.p("low"))
        os.fchmod(fd, 0o751)
        os.fchown(fd, 5, 6)
        os.setxattr(fd, "user.k", b"v")
        info = os.fstat(fd)
        self.assertEqual((info.st_mode & 0o777, info.st_uid, info.st_gid, info.st_nlink), (0o751, 5, 6, 0))
        self.assertEqual(os.pread(fd, 10, 0), b"low")
        self.assertEqual(os.getxattr(fd, "user.k"), b"v")
        os.close(fd)
        self.assert_gone("low")

    def test_name_is_reused_while_the_old_file_is_open(self):
        self.build()
        old = os.open(self.p("low"), os.O_RDWR)
        os.unlink(self.p("low"))
        self.write("low", "second")
        os.write(old, b"first!")
        self.assertEqual(self.read("low"), b"second")
        self.assertNotEqual(os.fstat(old).st_ino, self.ino("low"))
        os.close(old)
        self.assertEqual(self.read("low"), b"second")

    def test_reopening_through_proc(self):
        self.build()
        for name in ("low", "up"):
            fd = os.open(self.p(name), os.O_RDWR)
            os.unlink(self.p(name))
            with open("/proc/self/fd/%d" % fd, "r+b") as stream:
                stream.write(b"again")
            self.assertEqual(os.pread(fd, 10, 0), b"again")
            os.close(fd)

    def test_many_unlinked_files(self):
        self.build()
        fds = []
        for i in range(300):
            fd = os.open(self.p("t%d" % i), os.O_CREAT | os.O_RDWR, 0o600)
            os.write(fd, str(i).encode())
            os.unlink(self.p("t%d" % i))
            fds.append(fd)
        for i, fd in enumerate(fds):
            self.assertEqual(os.pread(fd, 10, 0), str(i).encode())
            os.close(fd)
        self.assertEqual(self.names(), ["d", "low", "up"])

    def test_removed_working_directory(self):
        self.build()
        os.mkdir(self.p("w"))
        for name in ("w", "d"):
            os.chdir(self.p(name))
            for entry in os.listdir("."):
                os.unlink(entry)
            os.rmdir(self.p(name))
            with self.fails("ENOENT"):
                os.getcwd()
            with self.fails("ENOENT"):
                open("x", "w")
            self.assertEqual(os.listdir("."), [])
            os.chdir("/")

    def test_nothing_is_left_in_the_upper(self):
        self.build()
        if not self.m.upper:
            self.skipTest("engine plain: has no upper layer")
        fd = os.open(self.p("low"), os.O_RDWR)
        os.unlink(self.p("low"))
        os.write(fd, b"x")
        os.close(fd)
        self.m.unmount()
        self.assertEqual(sorted(os.listdir(self.m.upper)), ["low", "up"])
        left = [name for base, _, files in os.walk(os.path.join(self.m.work, "work")) for name in files
                if not name.startswith("#")]
        self.assertEqual(left, [])
        self.m.mount()


class TmpFile(Case):
    def build(self):
        return self.union({"d": directory(), "f": file()}, upper={"u": directory()})

    def test_tmpfile_and_linkat(self):
        self.build()
        for folder in ("", "d", "u"):
            fd = os.open(self.p(folder), sysops.O_TMPFILE | os.O_RDWR, 0o640)
            before = self.names(folder)
            os.write(fd, b"unnamed")
            self.assertEqual(os.fstat(fd).st_nlink, 0)
            self.assertEqual(self.names(folder), before)
            target = os.path.join(folder, "named")
            sysops.link_fd(fd, self.p(target))
            self.assertEqual(os.fstat(fd).st_nlink, 1)
            self.assertEqual(os.fstat(fd).st_ino, self.ino(target))
            os.write(fd, b"+")
            os.close(fd)
            self.assertEqual(self.read(target), b"unnamed+")
            self.assertEqual(self.mode(target), 0o640)
        self.assert_same_after_remount()

    def test_tmpfile_into_another_directory(self):
        self.build()
        fd = os.open(self.p("d"), sysops.O_TMPFILE | os.O_WRONLY, 0o600)
        os.write(fd, b"x")
        with self.fails("EEXIST"):
            sysops.link_fd(fd, self.p("f"))
        sysops.link_fd(fd, self.p("u/elsewhere"))
        os.close(fd)
        self.assertEqual(self.read("u/elsewhere"), b"x")

    def test_tmpfile_that_must_stay_unnamed(self):
        self.build()
        fd = os.open(self.p("d"), sysops.O_TMPFILE | os.O_WRONLY | os.O_EXCL, 0o600)
        with self.fails("ENOENT"):
            sysops.link_fd(fd, self.p("u/x"))
        os.close(fd)

    def test_tmpfile_belongs_to_its_maker(self):
        self.build()
        os.chmod(self.p("d"), 0o2777)
        os.chown(self.p("d"), 0, 2000)

        def user():
            fd = os.open(self.p("d"), sysops.O_TMPFILE | os.O_RDWR, 0o666)
            sysops.link_fd(fd, self.p("d/t"))
            os.close(fd)
        self.as_user(1000, user, umask=0o027)
        info = self.stat("d/t")
        self.assertEqual((info.st_uid, info.st_gid, info.st_mode & 0o7777), (1000, 2000, 0o640))

    def test_python_temporary_files(self):
        self.build()
        with tempfile.TemporaryFile(dir=self.p("d")) as stream:
            stream.write(b"abc")
            stream.seek(0)
            self.assertEqual(stream.read(), b"abc")
        self.assertEqual(self.names("d"), [])


class Handles(Case):
    def test_path_descriptors(self):
        self.union({"f": file("x"), "d/g": file("g")})
        fd = os.open(self.p("f"), os.O_PATH)
        os.rename(self.p("f"), self.p("d/f"))
        self.assertEqual(os.fstat(fd).st_ino, self.ino("d/f"))
        with open("/proc/self/fd/%d" % fd, "rb") as stream:
            self.assertEqual(stream.read(), b"x")
        os.close(fd)
        folder = os.open(self.p("d"), os.O_PATH)
        os.rename(self.p("d"), self.p("e"))
        inner = os.open("g", os.O_RDWR, dir_fd=folder)
        os.write(inner, b"G")
        os.close(inner)
        os.close(folder)
        self.assertEqual(self.read("e/g"), b"G")


@not_for("overlayfs", why="without nfs_export there are no handles")
class FileHandles(Case):
    """A handle leads to its object while the kernel knows that, and never to another one."""

    def handle_of(self, path):
        kind, handle, _ = sysops.name_to_handle(self.p(path))
        return kind, handle

    def opened(self, handle, flags=os.O_RDONLY):
        base = os.open(self.p(), os.O_RDONLY | os.O_DIRECTORY)
        try:
            return sysops.open_by_handle(base, *handle, flags)
        finally:
            os.close(base)

    def assert_leads_to(self, handle, ino, content=None):
        fd = self.opened(handle)
        try:
            self.assertEqual(os.fstat(fd).st_ino, ino)
            if content is not None:
                self.assertEqual(os.read(fd, 20), content)
        finally:
            os.close(fd)

    def assert_becomes_stale(self, handle):
        """The kernel keeps the inode of a file just closed until the daemon has heard of it."""
        end = time.monotonic() + 10
        while time.monotonic() < end:
            try:
                os.close(self.opened(handle))
            except OSError as error:
                self.assertEqual(error.errno, errno.ESTALE)
                return
            time.sleep(0.01)
        self.fail("the handle of a removed file that nobody has open is still good")

    def build(self):
        self.union({"low": file("low"), "d/x": file("x"), "m/l": file(), "big": file("b" * 100000)}, {"low2": file("low2")},
                   upper={"up": file("up"), "m/u": file()})

    def test_of_each_kind(self):
        self.build()
        for name in ("low", "low2", "up", "d/x", "d", "m", ""):
            folder = os.path.isdir(self.p(name))
            held = os.open(self.p(name), os.O_PATH)
            content = None if folder else self.read(name)
            self.assert_leads_to(self.handle_of(name), self.ino(name), content)
            os.close(held)

    def test_over_copy_up_rename_and_removal(self):
        self.build()
        for name in ("low", "up", "d/x", "big"):
            held = os.open(self.p(name), os.O_PATH)
            handle, ino = self.handle_of(name), self.ino(name)
            os.chmod(self.p(name), 0o640)
            self.assert_leads_to(handle, ino)
            self.write(name, "written")
            self.assertEqual(self.handle_of(name), handle)
            self.assert_leads_to(handle, ino, b"written")
            os.rename(self.p(name), self.p("m/moved"))
            self.assert_leads_to(handle, ino, b"written")
            fd = self.opened(handle, os.O_RDWR)
            os.pwrite(fd, b"W", 0)
            os.close(fd)
            self.assertEqual(self.read("m/moved"), b"Written")
            os.unlink(self.p("m/moved"))
            self.assert_leads_to(handle, ino, b"Written")
            os.close(held)
            self.assert_becomes_stale(handle)

    def test_of_a_directory_over_copy_up_and_rename(self):
        self.build()
        for name in ("d", "m"):
            held = os.open(self.p(name), os.O_PATH)
            handle, ino = self.handle_of(name), self.ino(name)
            self.write(name + "/new", "new")
            os.rename(self.p(name), self.p(name + "2"))
            fd = self.opened(handle, os.O_RDONLY | os.O_DIRECTORY)
            self.assertEqual(os.fstat(fd).st_ino, ino)
            self.assertIn("new", os.listdir(fd))
            os.close(fd)
            os.close(held)

    def test_a_removed_files_handle_leads_to_no_later_file(self):
        self.build()
        handles = []
        for turn in range(200):
            self.write("f", "file %d" % turn)
            handle = self.handle_of("f")
            self.assert_leads_to(handle, self.ino("f"), b"file %d" % turn)
            self.assertNotIn(handle, handles)
            handles.append(handle)
            os.unlink(self.p("f"))
            self.assert_becomes_stale(handle)
        self.write("f", "last")
        for old in handles:
            with self.fails("ESTALE"):
                self.opened(old)

    def test_a_forgotten_objects_handle_is_stale_or_its_own(self):
        self.union({"d/%d" % i: file("%d" % i) for i in range(100)})
        handles = [self.handle_of("d/%d" % i) for i in range(100)]
        with open("/proc/sys/vm/drop_caches", "w") as stream:
            stream.write("2")
        for i in range(100):
            self.write("n%d" % i)  # takes the memory of nodes that were forgotten
        stale = 0
        for i, handle in enumerate(handles):
            try:
                self.assert_leads_to(handle, self.ino("d/%d" % i), b"%d" % i)
            except OSError as error:
                self.assertEqual(error.errno, errno.ESTALE)
                stale += 1
        if self.engine == "plain":
            self.assertEqual(stale, 0)

    @not_for("plain", why="its handles outlive a mount")
    def test_after_a_remount_every_handle_is_stale(self):
        self.build()
        names = ("low", "low2", "up", "d/x", "d", "m")
        handles = [self.handle_of(name) for name in names]
        self.m.remount()
        for name in names:
            self.stat(name)
        for handle in handles:
            with self.fails("ESTALE"):
                self.opened(handle)

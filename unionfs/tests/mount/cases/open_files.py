# SPDX-License-Identifier: MIT
"""Open objects without a name: unlinked files, O_TMPFILE, /proc/self/fd, O_PATH, handles."""
import os
import tempfile

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
    def test_file_handles(self):
        self.union({"low": file("low"), "d/x": file("x")}, upper={"up": file("up")})
        base = os.open(self.p(), os.O_RDONLY)
        for name in ("low", "up", "d/x"):
            try:
                kind, handle, _ = sysops.name_to_handle(self.p(name))
            except OSError as error:
                self.skipTest("no handles: %s" % error)
            fd = sysops.open_by_handle(base, kind, handle, os.O_RDONLY)
            self.assertEqual(os.read(fd, 10), name.encode()[-3:] if name != "d/x" else b"x")
            self.assertEqual(os.fstat(fd).st_ino, self.ino(name))
            os.close(fd)
        os.close(base)

# SPDX-License-Identifier: MIT
"""Copy-up: what triggers it, what it keeps, what it must not move."""
import os
import stat
import time

from lab import sysops, tree
from lab.case import Case, only_for
from lab.layers import OLD, device, directory, fifo, file, sock, sparse, symlink

BIG = bytes(range(256)) * 1024


class CopyUp(Case):
    def everything(self):
        return self.union({
            "d/f": file("data", 0o640, uid=1000, gid=1001, xattrs={"user.k": b"v", "trusted.t": b"1"}),
            "d/l": symlink("f", uid=5, gid=6), "d/p": fifo(0o620, uid=7), "d/s": sock(0o711),
            "d/c": device("chr", 1, 5, 0o606, gid=9), "d/sub": directory(0o2751, uid=3, gid=4),
            "suid": file("x", 0o6755)})

    def facts(self, path):
        info = self.stat(path)
        return tree.describe(self.p(path), inode=True), info.st_atime_ns

    def test_metadata_survives_a_copy_up_of_each_kind(self):
        self.everything()
        for path in ("d/f", "d/l", "d/p", "d/s", "d/c", "d/sub", "d", "suid"):
            with self.subTest(path):
                before = self.facts(path)
                # To set the times to what they are copies up and changes nothing else.
                os.utime(self.p(path), (OLD, OLD), follow_symlinks=False)
                self.assertEqual(self.facts(path), before)
        self.assert_same_after_remount()

    def test_content_survives_each_trigger(self):
        triggers = {
            "chmod": lambda path: os.chmod(path, 0o600), "chown": lambda path: os.chown(path, 1, 2),
            "utime": lambda path: os.utime(path), "xattr": lambda path: os.setxattr(path, "user.new", b"1"),
            "open_rw": lambda path: os.close(os.open(path, os.O_RDWR)),
            "open_append": lambda path: os.close(os.open(path, os.O_WRONLY | os.O_APPEND)),
            "link": lambda path: os.link(path, path + ".link"),
            "rename": lambda path: (os.rename(path, path + ".x"), os.rename(path + ".x", path))}
        self.union({name: file(BIG + name.encode()) for name in triggers})
        for name, trigger in triggers.items():
            ino = self.ino(name)
            trigger(self.p(name))
            self.assertEqual(self.read(name), BIG + name.encode(), name)
            self.assertEqual(self.ino(name), ino, name)
        self.assert_same_after_remount()

    def test_opening_for_writing_moves_no_time(self):
        self.everything()
        before = self.times("d/f")[1:]
        parent = self.times("d")[1]
        self.tick()
        os.close(os.open(self.p("d/f"), os.O_RDWR))
        self.assertEqual(self.times("d/f")[1], before[0])
        self.assertEqual(self.times("d")[1], parent, "the parent's mtime")

    def test_parent_times_stay_over_a_copy_up(self):
        self.everything()
        self.tick()
        before = [self.times(path)[1] for path in ("", "d")]
        os.chmod(self.p("d/f"), 0o600)
        self.write("d/f", "longer than it was")
        os.chmod(self.p("d/sub"), 0o700)
        self.assertEqual([self.times(path)[1] for path in ("", "d")], before)
        self.m.remount()
        self.assertEqual([self.times(path)[1] for path in ("", "d")], before)

    def test_write_moves_mtime_only_by_the_write(self):
        self.everything()
        self.write("d/f", "new", "ab")
        self.assertAlmostEqual(self.stat("d/f").st_mtime, time.time(), delta=5)
        self.assertEqual(self.stat("d").st_mtime, OLD)

    @only_for("blendfs", "overlayfs")
    def test_reading_copies_nothing(self):
        self.everything()
        for base, _, files in os.walk(self.p()):
            for name in files:
                path = os.path.join(base, name)
                os.listxattr(path, follow_symlinks=False)
                if stat.S_ISREG(os.lstat(path).st_mode):
                    with open(path, "rb") as stream:
                        stream.read()
        self.assertEqual(os.listdir(self.m.upper), [])

    @only_for("blendfs", "overlayfs")
    def test_only_the_path_to_the_object_is_copied(self):
        self.union({"a/b/f": file("x"), "a/b/g": file("y"), "a/c/h": file("z"), "i": file()})
        os.chmod(self.p("a/b/f"), 0o600)
        found = sorted(os.path.relpath(os.path.join(base, name), self.m.upper)
                       for base, folders, files in os.walk(self.m.upper) for name in folders + files)
        self.assertEqual(found, ["a", "a/b", "a/b/f"])

    @only_for("blendfs", "overlayfs")
    def test_refused_operations_copy_nothing(self):
        self.union({"f": file("x", 0o644), "d/x": file()})
        os.chmod(self.m.upper, 0o755)

        def refused():
            for action in (lambda: os.open(self.p("f"), os.O_WRONLY), lambda: os.chmod(self.p("f"), 0),
                           lambda: os.chown(self.p("f"), 0, 0), lambda: os.truncate(self.p("f"), 0),
                           lambda: os.setxattr(self.p("f"), "user.k", b"1"), lambda: os.unlink(self.p("d/x"))):
                with self.fails("EACCES", "EPERM"):
                    action()
        self.as_user(1000, refused)
        self.assertEqual(os.listdir(self.m.upper), [])

    def test_truncating_open_and_truncate(self):
        self.union({"a": file(BIG), "b": file(BIG), "c": file(BIG), "d": file(BIG)})
        os.close(os.open(self.p("a"), os.O_WRONLY | os.O_TRUNC))
        self.assertEqual(self.read("a"), b"")
        os.truncate(self.p("b"), 1000)
        self.assertEqual(self.read("b"), BIG[:1000])
        os.truncate(self.p("c"), len(BIG) + 10)
        self.assertEqual(self.read("c"), BIG + bytes(10))
        with open(self.p("d"), "r+b") as stream:
            stream.truncate(5)
        self.assertEqual(self.read("d"), BIG[:5])
        self.assert_same_after_remount()

    def test_inode_number_stays(self):
        self.everything()
        paths = ("", "d", "d/f", "d/l", "d/p", "d/s", "d/c", "d/sub", "suid")
        before = [self.ino(path) for path in paths]
        for path in paths[1:]:
            os.lchown(self.p(path), 11, 12)
        self.write("d/f", "new")
        self.assertEqual([self.ino(path) for path in paths], before)
        self.m.remount()
        self.assertEqual([self.ino(path) for path in paths], before)
        self.assertEqual(len(set(before)), len(before))

    def test_sparse_file_stays_sparse(self):
        size = 64 << 20
        parts = {0: b"start", 20 << 20: b"m" * 8192, size - 5: b"finis"}
        self.union({"s": sparse(size, parts), "hole": sparse(size, {})})
        for name in ("s", "hole"):
            os.chmod(self.p(name), 0o600)
            self.assertEqual(self.stat(name).st_size, size)
            # The kernel's overlayfs copies whole megabytes.
            self.assertLess(self.stat(name).st_blocks * 512, (4 if self.engine == "overlayfs" else 1) << 20, name)
        for offset, data in parts.items():
            with open(self.p("s"), "rb") as stream:
                stream.seek(offset)
                self.assertEqual(stream.read(len(data)), data)

    def test_big_file(self):
        blob = os.urandom(1 << 20) * 24
        self.union({"big": file(blob)})
        with open(self.p("big"), "r+b") as stream:
            stream.seek(7 << 20)
            stream.write(b"CHANGED")
        expected = blob[:7 << 20] + b"CHANGED" + blob[(7 << 20) + 7:]
        self.assertEqual(self.read("big"), expected)
        self.m.remount()
        self.assertEqual(self.read("big"), expected)

    @only_for("blendfs", "overlayfs")
    def test_work_directory_is_empty_afterwards(self):
        self.everything()
        for path in ("d/f", "d/l", "d/sub", "suid"):
            os.lchown(self.p(path), 1, 1)
        os.unlink(self.p("d/p"))
        os.rename(self.p("d"), self.p("e"))
        left = [os.path.join(base, name) for base, folders, files in os.walk(os.path.join(self.m.work, "work"))
                for name in folders + files if not os.path.basename(name).startswith("#")]
        self.assertEqual(left, [])

    def test_immutable_times_of_a_file_in_a_copied_up_tree(self):
        self.union({"t/%d/f" % i: file(str(i), mtime=OLD + i) for i in range(5)})
        for i in range(5):
            os.chmod(self.p("t/%d/f" % i), 0o600)
            self.assertEqual(self.stat("t/%d/f" % i).st_mtime, OLD + i)

    def test_birth_time_is_told(self):
        self.union({"f": file("x")})
        self.write("new")
        for name in ("f", "new"):
            told = sysops.statx(self.p(name))
            self.assertTrue(told.mask & sysops.STATX_BTIME, name)
            self.assertAlmostEqual(told.btime_ns / 1e9, time.time(), delta=60)

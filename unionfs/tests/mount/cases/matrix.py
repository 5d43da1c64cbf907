# SPDX-License-Identifier: MIT
"""Every operation on every kind of object, beside a plain directory: the answers and the trees must be equal, before
and after a remount. The kinds: of a lower layer (the top, the bottom one), of the upper, copied up, copied up by
metadata only, hard-linked, merged, opaque, redirected.
"""
import errno
import mmap
import os
import stat

from lab import sysops
from lab.case import Case, in_process
from lab.layers import directory, file, hard, opaque
from model.lockstep import picture

FILES = ["low", "deep", "up", "copied", "meta", "hard", "merged/low", "merged/deep", "opaque/new", "moved/x"]
DIRECTORIES = ["lowdir", "deepdir", "updir", "merged", "opaque", "copieddir", "moved", "empty"]
UPPER = {"up": file("up"), "updir/x": file(), "merged/up": file("u"), "opaque": opaque(), "opaque/new": file("new")}
LOWER = [
    {"low": file("low"), "lowdir/x": file("x"), "merged/low": file("l"), "opaque/old": file(), "copied": file("c"),
     "copieddir/x": file(), "place/x": file("moves"), "meta": file(b"m" * 100000), "empty": directory()},
    {"hard": file("hard"), "hard2": hard("hard"), "merged/mid": file(), "place/y": file("too"), "low": file("hidden")},
    {"deep": file("deep"), "deepdir/sub/x": file("x"), "merged/deep": file("d"), "place/z/w": file()},
]
ACL = sysops.acl(("user_obj", 7), ("user", 6, 1000), ("group_obj", 5), ("mask", 7), ("other", 4))


def write(path, data=b"data", flags=os.O_WRONLY):
    fd = os.open(path, flags, 0o644)
    try:
        return os.write(fd, data)
    finally:
        os.close(fd)


def with_fd(path, flags, use):
    fd = os.open(path, flags, 0o600)
    try:
        return use(fd)
    finally:
        os.close(fd)


def map_write(fd):
    with mmap.mmap(fd, 0) as view:
        view[0:1] = b"M"


class Matrix(Case):
    def one_side(self, engine, paths, operation, remount):
        mounted = self.union(*LOWER, upper=UPPER, engine=engine)
        root = mounted.root
        os.rename(os.path.join(root, "place"), os.path.join(root, "moved"))
        for name, mode in (("copied", 0o640), ("meta", 0o600), ("copieddir", 0o750)):
            os.chmod(os.path.join(root, name), mode)
        if remount:
            mounted.remount()
        answers = []
        for path in paths:
            try:
                answer = operation(os.path.join(root, path))
            except OSError as error:
                answer = errno.errorcode[errno.EEXIST if error.errno == errno.ENOTEMPTY else error.errno]
            answers.append((path, answer))
        before = picture(root)
        mounted.remount()
        return answers, before, picture(root)

    def each(self, paths, operation):
        for remount in (False, True):
            got, seen, again = self.one_side(self.engine, paths, operation, remount)
            expected, tree, _ = self.one_side("plain", paths, operation, False)
            self.assertEqual(got, expected)
            self.assert_same_tree(tree, seen, "tree")
            self.assert_same_tree(tree, again, "tree after a remount")

    def test_read_and_list(self):
        self.each(FILES, lambda path: with_fd(path, os.O_RDONLY, lambda fd: os.read(fd, 200000)))
        self.each(DIRECTORIES, lambda path: sorted(os.listdir(path)))

    def test_write(self):
        self.each(FILES + DIRECTORIES, write)

    def test_append(self):
        self.each(FILES, lambda path: write(path, b"+", os.O_WRONLY | os.O_APPEND))

    def test_truncating_open(self):
        self.each(FILES + DIRECTORIES, lambda path: write(path, b"t", os.O_WRONLY | os.O_TRUNC))

    def test_exclusive_create(self):
        self.each(FILES + DIRECTORIES, lambda path: write(path, b"t", os.O_WRONLY | os.O_CREAT | os.O_EXCL))

    def test_nofollow_and_directory_opens(self):
        self.each(FILES + DIRECTORIES, lambda path: with_fd(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, bool))

    def test_truncate(self):
        self.each(FILES + DIRECTORIES, lambda path: os.truncate(path, 2))

    def test_map(self):
        self.each(FILES, lambda path: with_fd(path, os.O_RDWR, map_write))

    def test_allocate_and_punch(self):
        punch = sysops.FALLOC_PUNCH_HOLE | sysops.FALLOC_KEEP_SIZE
        self.each(FILES, lambda path: with_fd(path, os.O_RDWR, lambda fd: (
            sysops.fallocate(fd, 0, 0, 9000), sysops.fallocate(fd, punch, 0, 4096))))

    def test_zero_range(self):
        def zero(fd):
            os.ftruncate(fd, 16384)
            sysops.fallocate(fd, sysops.FALLOC_ZERO_RANGE, 4096, 4096)
        self.each(FILES, lambda path: with_fd(path, os.O_RDWR, zero))

    def test_chmod(self):
        self.each(FILES + DIRECTORIES, lambda path: os.chmod(path, 0o2711))

    def test_chown(self):
        self.each(FILES + DIRECTORIES, lambda path: os.chown(path, 1000, 2000))

    def test_utime(self):
        self.each(FILES + DIRECTORIES, lambda path: os.utime(path, (5, 7)))

    def test_xattr(self):
        self.each(FILES + DIRECTORIES, lambda path: (os.setxattr(path, "user.k", b"v"), os.listxattr(path)))
        self.each(FILES + DIRECTORIES, lambda path: os.removexattr(path, "user.none"))

    def test_acl(self):
        self.each(FILES + DIRECTORIES, lambda path: os.setxattr(path, sysops.ACL_ACCESS, ACL))
        self.each(DIRECTORIES, lambda path: (os.setxattr(path, sysops.ACL_DEFAULT, ACL), os.mkdir(path + "/inherits")))

    def test_rename(self):
        self.each(FILES + DIRECTORIES, lambda path: os.rename(path, path + ".new"))

    def test_rename_elsewhere(self):
        self.each(FILES + DIRECTORIES, lambda path: os.rename(path, os.path.join(
            path.split("/mnt/")[0], "mnt/opaque", os.path.basename(path) + ".moved")))

    def test_rename_over(self):
        for target in ("low", "up", "hard2", "empty", "merged", "updir"):
            self.each([path for path in FILES + DIRECTORIES if path != target], lambda path, target=target: os.rename(
                path, os.path.join(path.split("/mnt/")[0], "mnt", target)))

    def test_rename_noreplace_and_exchange(self):
        def other(path, name):
            return os.path.join(path.split("/mnt/")[0], "mnt", name)
        self.each(FILES + DIRECTORIES, lambda path: sysops.renameat2(path, other(path, "hard2"), sysops.RENAME_NOREPLACE))
        for target in ("hard2", "merged", "up"):
            self.each(FILES + DIRECTORIES, lambda path, target=target: sysops.renameat2(
                path, other(path, target), sysops.RENAME_EXCHANGE))

    def test_link(self):
        self.each(FILES + DIRECTORIES, lambda path: os.link(path, path + ".link"))

    def test_unlink(self):
        self.each(FILES + DIRECTORIES, os.unlink)

    def test_unlink_and_make_again(self):
        self.each(FILES, lambda path: (os.unlink(path), write(path, b"again", os.O_WRONLY | os.O_CREAT)))
        self.each(FILES, lambda path: (os.unlink(path), os.mkdir(path), os.listdir(path)))
        self.each(FILES, lambda path: (os.unlink(path), os.symlink("target", path)))

    def test_rmdir(self):
        self.each(DIRECTORIES + FILES, os.rmdir)

    def test_remove_tree_and_make_again(self):
        def again(path):
            for base, folders, files in os.walk(path, topdown=False):
                for name in files:
                    os.unlink(os.path.join(base, name))
                for name in folders:
                    os.rmdir(os.path.join(base, name))
            os.rmdir(path)
            os.mkdir(path)
            return os.listdir(path)
        self.each(DIRECTORIES, again)

    def test_make_inside(self):
        self.each(DIRECTORIES + FILES[:2], lambda path: (
            os.mkdir(path + "/d"), write(path + "/f", b"f", os.O_WRONLY | os.O_CREAT), os.symlink("f", path + "/s"),
            os.mkfifo(path + "/p"), os.mknod(path + "/dev", stat.S_IFCHR | 0o600, os.makedev(1, 3))))

    def test_tmpfile_inside(self):
        self.each(DIRECTORIES, lambda path: with_fd(path, os.O_RDWR | sysops.O_TMPFILE, lambda fd: (
            os.write(fd, b"tmp"), sysops.link_fd(fd, path + "/named"))))

    def test_setgid_is_inherited(self):
        self.each(DIRECTORIES, lambda path: (os.chown(path, 0, 2000), os.chmod(path, 0o2775), os.mkdir(path + "/d"),
                                             write(path + "/f", b"", os.O_WRONLY | os.O_CREAT)))

    def test_stranger(self):
        def attempt(path):
            results = []
            for change in (lambda: write(path), lambda: os.chmod(path, 0o777), lambda: os.mkdir(path + "/x"),
                           lambda: os.unlink(path), lambda: os.rename(path, path + "x"),
                           lambda: os.setxattr(path, "user.k", b"v"), lambda: sorted(os.listdir(path))):
                try:
                    results.append(change())
                except OSError as error:
                    results.append(error.errno)
            return results
        self.each(FILES + DIRECTORIES, lambda path: str(in_process(lambda: attempt(path), uid=1234, gid=1234)))

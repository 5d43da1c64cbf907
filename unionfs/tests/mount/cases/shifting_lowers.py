# SPDX-License-Identifier: MIT
"""Lower layers that somebody changes while the union is mounted. What the union shows then is undefined;
never a crash, a hang, a write outside the upper, a look outside the layers, or an errno that means nothing.
"""
import os
import random
import shutil
import stat
import time

from lab import canary
from lab.canary import attempt
from lab.case import Case, only_for
from lab.layers import directory, file, hard, symlink
from lab.runner import limit

SECONDS = 6
USERS, VANDALS = 3, 2
MARK = b"written by a user of the union"


def tree(which):
    layer = {}
    for a in range(5):
        for b in range(4):
            layer["d%d/s%d/f" % (a, b)] = file(b"lower %d " % which * 50)
            layer["d%d/s%d/g" % (a, b)] = file(b"x" * 70000, 0o640)
        layer["d%d/link" % a] = symlink("s0/f")
        layer["d%d/one" % a] = file("linked")
        layer["d%d/two" % a] = hard("d%d/one" % a)
        layer["d%d/empty" % a] = directory()
    return layer


def some_path(rng):
    return rng.choice((
        "d%d" % rng.randrange(5), "d%d/s%d" % (rng.randrange(5), rng.randrange(4)),
        "d%d/s%d/%s" % (rng.randrange(5), rng.randrange(4), rng.choice("fg")),
        "d%d/%s" % (rng.randrange(5), rng.choice(("link", "one", "two", "empty"))),
        "n%d" % rng.randrange(4), "d%d/n%d" % (rng.randrange(5), rng.randrange(4))))


class Vandal:
    """Changes a lower layer behind the union's back, with that layer as its root directory."""

    def __init__(self, root, outside, rng):
        self.root, self.outside, self.rng = root, outside, rng

    def open(self, path):
        """Never waits for the other end of a FIFO."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK, 0o644)

    def rewrite(self, path, data):
        fd = self.open(path)
        try:
            os.write(fd, data)
        finally:
            os.close(fd)

    def remove(self, path):
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)

    def become_file(self, path):
        self.remove(path)
        self.rewrite(path, b"other" * self.rng.randrange(20000))

    def become_directory(self, path):
        self.remove(path)
        os.makedirs(os.path.join(path, "n1/f"))

    def become_link(self, path):
        """Out of the layer, absolute and relative."""
        self.remove(path)
        os.symlink(self.rng.choice((self.outside, "../../canary", "..", "/", "link")), path)

    def become_special(self, path):
        self.remove(path)
        os.mknod(path, self.rng.choice((stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFCHR)) | 0o644,
                 self.rng.choice((0, os.makedev(1, 3))))

    def move(self, path):
        os.rename(path, "/" + some_path(self.rng))

    def shorten(self, path):
        fd = self.open(path)
        try:
            os.ftruncate(fd, self.rng.randrange(80000))
        finally:
            os.close(fd)

    def mark(self, path):
        key = self.rng.choice(("opaque", "redirect", "metacopy", "origin"))
        os.setxattr(path, "trusted.overlay." + key, self.rng.choice((b"y", b"", b"/d1", b"d2")),
                    follow_symlinks=False)

    def restore(self, path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self.rewrite(path, b"again")

    def step(self):
        path = "/" + some_path(self.rng)
        action = self.rng.choice((self.remove, self.become_file, self.become_directory, self.become_link,
                                  self.become_special, self.move, self.move, self.shorten, self.shorten,
                                  self.mark, self.restore, self.restore))
        try:
            action(path)
        except (OSError, shutil.Error):
            pass  # the layer is a battlefield


class User:
    """Works in the union; canary.Insane for what it must never answer."""

    def __init__(self, root, rng):
        self.root, self.rng = root, rng  # of the union, which becomes its root directory

    def write(self, path):
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
                     | self.rng.choice((0, os.O_TRUNC, os.O_APPEND)), 0o600)
        try:
            if stat.S_ISREG(os.fstat(fd).st_mode):
                os.write(fd, MARK)
        finally:
            os.close(fd)

    def read_long(self, path):
        """A descriptor that lives while the file changes underneath."""
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            for _ in range(5):
                if stat.S_ISREG(os.fstat(fd).st_mode):  # a FIFO knows no offset
                    os.pread(fd, 5000, self.rng.randrange(70000))
        finally:
            os.close(fd)

    def other(self):
        return "/" + some_path(self.rng)

    def step(self):
        path = self.other()
        attempt(*self.rng.choice((
            (canary.inspect, path), (canary.inspect, path), (canary.walk, path, 60), (os.listdir, path),
            (self.write, path), (self.write, path), (self.read_long, path), (os.rename, path, self.other()),
            (os.rename, path, self.other()), (os.unlink, path), (os.rmdir, path), (os.mkdir, path),
            (os.chmod, path, 0o700), (os.lchown, path, 3, 4), (os.truncate, path, 100),
            (os.symlink, "s0/f", path), (self.link, path), (self.tag, path))))

    def link(self, path):
        os.link(path, self.other(), follow_symlinks=False)

    def tag(self, path):
        os.setxattr(path, "trusted.tag", b"value", follow_symlinks=False)


@only_for("blendfs", why="a lower that changes is undefined there in more ways")
class ShiftingLowers(Case):
    def start(self, worker):
        """Runs worker.step in a process for some seconds; its exit status says whether all went well."""
        pid = os.fork()
        if pid:
            return pid
        code = 1
        try:
            os.chroot(worker.root)  # symlinks are the kernel's to follow, and lead nowhere else
            os.chdir("/")
            end = time.monotonic() + SECONDS
            while time.monotonic() < end:
                worker.step()
            code = 0
        except BaseException as error:
            print("%s: %r" % (type(worker).__name__, error), flush=True)
        finally:
            os._exit(code)

    @limit(120)
    def test_changes_underneath_while_in_use(self):
        outside = canary.Canary(os.path.dirname(self.scratch("x")))
        self.union(tree(0), tree(1), upper={"d1/own": file("own")})
        workers = [Vandal(self.m.lowers[i % 2], outside.path, random.Random("vandal %d" % i)) for i in range(VANDALS)]
        workers += [User(self.m.root, random.Random("user %d" % i)) for i in range(USERS)]
        pids = [self.start(worker) for worker in workers]
        failed = [pid for pid in pids if os.waitpid(pid, 0)[1] != 0]
        self.assertEqual(failed, [], "workers that met what must not be")
        self.assertIsNone(self.m.daemon.poll(), "the daemon ended")
        canary.walk(self.p())
        self.assertEqual(outside.problem(), "")
        self.assert_no_user_wrote_below()
        self.m.remount()
        canary.walk(self.p())
        self.write("new", "works")
        self.assertEqual(self.read("new"), b"works")

    def assert_no_user_wrote_below(self):
        for lower in self.m.lowers:
            for base, _, names in os.walk(lower):
                for name in names:
                    path = os.path.join(base, name)
                    if stat.S_ISREG(os.lstat(path).st_mode):
                        with open(path, "rb") as stream:
                            self.assertNotIn(MARK, stream.read(), path)
                    self.assertNotIn("trusted.tag", os.listxattr(path, follow_symlinks=False), path)

    @limit(60)
    def test_a_frozen_reader_of_a_file_that_shrinks(self):
        """Mapped, read and copied up while the lower file is cut: short data, never a hang."""
        self.union({"f": file(b"x" * 500000)})
        fd = os.open(self.p("f"), os.O_RDONLY)
        self.addCleanup(os.close, fd)
        self.assertEqual(os.pread(fd, 10, 400000), b"x" * 10)
        os.truncate(os.path.join(self.m.lowers[0], "f"), 1000)
        attempt(os.pread, fd, 100, 300000)
        with open(self.p("f"), "ab") as stream:  # copies up what is left
            stream.write(b"tail")
        self.assertLessEqual(len(self.read("f")), 500004)
        os.unlink(os.path.join(self.m.lowers[0], "f"))
        self.assertTrue(self.read("f").endswith(b"tail"))
        self.assertIsNone(self.m.daemon.poll(), "the daemon ended")

    @limit(60)
    def test_a_file_that_becomes_a_fifo_after_it_was_opened(self):
        """Nobody waits for the other end of it, and it does not pass for a file."""
        for name, use in (("read", lambda path, fd: os.read(fd, 10)),
                          ("copy up", lambda path, fd: os.close(os.open(path, os.O_RDWR))),
                          ("empty", lambda path, fd: os.truncate(path, 0))):
            with self.subTest(name):
                mounted = self.union({"f": file(b"x" * 500)})
                path = os.path.join(mounted.root, "f")
                fd = os.open(path, os.O_RDONLY)
                below = os.path.join(mounted.lowers[0], "f")
                os.unlink(below)
                os.mkfifo(below)
                attempt(use, path, fd)  # ESTALE, after which the kernel looks again and finds the FIFO
                os.close(fd)
                self.assertEqual(os.listdir(mounted.upper), [])
                self.assertIsNone(mounted.daemon.poll(), "the daemon ended")

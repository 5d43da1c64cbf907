# SPDX-License-Identifier: MIT
"""The base of every scenario test: builds layers, mounts them with the engine under test, and speaks in
errno names. A test that an engine cannot pass by design is skipped with the reason, never weakened.
"""
import contextlib
import ctypes
import errno
import functools
import os
import signal
import time
import unittest

from lab import engines, sandbox, sysops, tree


class Environment:
    """What the runner hands to the tests."""
    engine = "plain"
    blendfs = ""
    folder = ""  # on the sandbox's ext4, empty, this test's own
    race = ""  # the helper program for many threads


def only_for(*names, why="looks at the layers themselves"):
    return _condition(lambda name: name in names, why)


def not_for(*names, why):
    return _condition(lambda name: name not in names, why)


def _condition(holds, why):
    def decorate(target):
        if isinstance(target, type):
            for key, value in list(vars(target).items()):
                if key.startswith("test_"):
                    setattr(target, key, decorate(value))
            return target

        @functools.wraps(target)
        def wrapper(self, *arguments):
            if not holds(Environment.engine):
                self.skipTest("engine %s: %s" % (Environment.engine, why))
            return target(self, *arguments)
        return wrapper
    return decorate


class Case(unittest.TestCase):
    maxDiff = 2000
    longMessage = True

    def setUp(self):
        os.umask(0o022)
        self.mounts = []
        self.union_count = 0
        self.addCleanup(self._tear_down)

    def _tear_down(self):
        os.chdir("/")
        for mounted in reversed(self.mounts):
            mounted.tear_down()
        problems = [mounted.problem for mounted in self.mounts if mounted.problem]
        self.assertEqual(problems, [], "the end of the mounts")

    # --- building ---

    def union(self, *lowers, upper=None, options=(), read_only=False, engine=None, upper_on=None):
        """Mounts lowers (top to bottom; one empty lower if none) under an upper ({} unless given)."""
        kind = engines.ENGINES[engine or Environment.engine]
        base = os.path.join(Environment.folder, "u%d" % self.union_count)
        self.union_count += 1
        engines.Blendfs.binary = Environment.blendfs
        mounted = kind(base, list(lowers) or [{}], None if read_only else (upper or {}), options,
                       upper_on)
        self.mounts.append(mounted)
        mounted.mount()
        if not hasattr(self, "m"):
            self.m = mounted
        return mounted

    def small_disk(self, size, name="small"):
        """A new ext4 of that many bytes, gone at the end of the test."""
        target = sandbox.mount_image(Environment.folder, size, name)
        self.addCleanup(lambda: sysops.umount(target, engines.MNT_DETACH))
        return target

    def p(self, path=""):
        """The path in the (first) union."""
        return os.path.join(self.m.root, path) if path else self.m.root

    def scratch(self, name):
        return os.path.join(Environment.folder, name)

    @property
    def engine(self):
        return Environment.engine

    # --- short forms ---

    def read(self, path):
        with open(self.p(path), "rb") as stream:
            return stream.read()

    def write(self, path, data=b"", mode="wb"):
        with open(self.p(path), mode) as stream:
            stream.write(data.encode() if isinstance(data, str) else data)

    def names(self, path=""):
        return sorted(os.listdir(self.p(path)))

    def stat(self, path=""):
        return os.lstat(self.p(path))

    def ino(self, path=""):
        return os.lstat(self.p(path)).st_ino

    def mode(self, path=""):
        return os.lstat(self.p(path)).st_mode & 0o7777

    # --- judging ---

    @contextlib.contextmanager
    def fails(self, *names):
        """The block must raise OSError with one of the errno names."""
        try:
            yield
        except OSError as error:
            got = errno.errorcode.get(error.errno, str(error.errno))
            # One number may have two names (ENOTSUP is EOPNOTSUPP).
            if error.errno not in [getattr(errno, name) for name in names]:
                raise AssertionError("expected %s, got %s" % (" or ".join(names), got)) from error
        else:
            raise AssertionError("expected %s, but it succeeded" % " or ".join(names))

    def assert_gone(self, path):
        with self.fails("ENOENT"):
            os.lstat(self.p(path))
        folder, name = os.path.split(path)
        self.assertNotIn(name, os.listdir(self.p(folder)))

    def assert_same_tree(self, expected, got, what="tree"):
        lines = tree.difference(expected, got)
        if lines:
            raise AssertionError("%s differs:\n  %s" % (what, "\n  ".join(lines)))

    def assert_same_after_remount(self, inode=True):
        before = tree.snapshot(self.m.root, inode=inode)
        self.m.remount()
        self.assert_same_tree(before, tree.snapshot(self.m.root, inode=inode), "tree after remount")

    def tick(self):
        """Lets the file systems' clock move on."""
        time.sleep(0.015)

    def times(self, path):
        info = self.stat(path)
        return info.st_atime_ns, info.st_mtime_ns, info.st_ctime_ns

    @contextlib.contextmanager
    def moves(self, path, which):
        """Exactly the times named (of "m" and "c"; atime depends on mount options) move in the block."""
        self.tick()
        _, mtime, ctime = self.times(path)
        yield
        _, mtime2, ctime2 = self.times(path)
        moved = ("m" if mtime2 != mtime else "") + ("c" if ctime2 != ctime else "")
        self.assertEqual(moved, which, "times of %r that moved" % path)

    def as_user(self, uid, function, gid=None, groups=(), umask=0o022):
        """Runs function in a process of that user; its exception is raised here, its result returned."""
        return in_process(function, uid=uid, gid=uid if gid is None else gid, groups=groups, umask=umask)


PR_SET_PDEATHSIG = 1


def in_process(function, uid=None, gid=None, groups=(), umask=None):
    import pickle
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        code = 1
        try:
            if umask is not None:
                os.umask(umask)
            if uid is not None:
                os.setgroups(list(groups))
                os.setresgid(gid, gid, gid)
                os.setresuid(uid, uid, uid)
            try:
                answer = (True, function())
            except BaseException as error:  # the parent raises it again
                answer = (False, error)
            with os.fdopen(writer, "wb") as stream:
                pickle.dump(answer, stream)
            code = 0
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        raw = stream.read()
    os.waitpid(pid, 0)
    if not raw:
        raise AssertionError("the child process died")
    good, value = pickle.loads(raw)
    if not good:
        raise value
    return value

# SPDX-License-Identifier: MIT
"""Actors: processes of different users that carry out operations below a root and tell what came of them.

An operation is a tuple (name, argument...) of plain values, so that a history can be printed, replayed and
shrunk. The answer is a value that must be equal on both trees, or the name of an errno.
"""
import ctypes
import errno
import fcntl
import hashlib
import mmap
import multiprocessing
import os
import signal
import stat

from lab import sysops
from lab.layers import OLD

USERS = [(0, 0, (), 0o022), (1000, 1000, (2000,), 0o027), (1001, 1001, (), 0)]
# The kernel moves the times of a FIFO or device that is written to without telling a FUSE file system.
UNTIMED = (stat.S_IFIFO, stat.S_IFCHR)
MAX_READ = 1 << 20


def content(seed, size):
    """Bytes that tell who wrote them."""
    word = b"%d." % seed
    return (word * (size // len(word) + 1))[:size]


def hashed(data):
    return "%d:%s" % (len(data), hashlib.blake2b(data, digest_size=8).hexdigest())


def facts(info):
    """What of a stat result has to be equal."""
    kind = stat.S_IFMT(info.st_mode)
    directory = kind == stat.S_IFDIR
    return (stat.filemode(info.st_mode), info.st_uid, info.st_gid, None if directory else info.st_size,
            None if directory else info.st_nlink, info.st_rdev if kind in (stat.S_IFCHR, stat.S_IFBLK) else None,
            None if kind in UNTIMED else shown_time(info.st_mtime_ns))


def shown_time(value):
    """Exact where a test set it, "now" where the clock did."""
    return "now" if value > 1_700_000_000 * 10**9 else value


class Actions:
    """The operations. Slots are small numbers that stand for open descriptors."""

    def __init__(self, root):
        self.root = root
        self.fds = {}

    def p(self, path):
        return os.path.join(self.root, path) if path else self.root

    def fd(self, slot):
        if slot not in self.fds:
            raise OSError(errno.EBADF, "slot")
        return self.fds[slot]

    def file(self, slot):
        if not stat.S_ISREG(os.fstat(self.fd(slot)).st_mode):
            raise OSError(errno.ENODEV, "nothing to map")
        return self.fd(slot)

    def close_all(self):
        for fd in self.fds.values():
            os.close(fd)
        self.fds.clear()

    def keep(self, slot, fd):
        if slot in self.fds:
            os.close(self.fds[slot])
        self.fds[slot] = fd

    # --- descriptors ---

    def open(self, slot, path, flags, mode):
        self.keep(slot, os.open(self.p(path), flags, mode))

    def tmpfile(self, slot, path, mode):
        self.keep(slot, os.open(self.p(path), sysops.O_TMPFILE | os.O_RDWR, mode))

    def opendir(self, slot, path):
        self.keep(slot, os.open(self.p(path), os.O_RDONLY | os.O_DIRECTORY))

    def close(self, slot):
        os.close(self.fd(slot))
        del self.fds[slot]

    def linkfd(self, slot, path):
        sysops.link_fd(self.fd(slot), self.p(path))

    def fread(self, slot, size):
        return hashed(os.read(self.fd(slot), size))

    def pread(self, slot, size, offset):
        return hashed(os.pread(self.fd(slot), size, offset))

    def fwrite(self, slot, seed, size):
        return os.write(self.fd(slot), content(seed, size))

    def pwrite(self, slot, seed, size, offset):
        return os.pwrite(self.fd(slot), content(seed, size), offset)

    def ftruncate(self, slot, size):
        os.ftruncate(self.fd(slot), size)

    def fallocate(self, slot, mode, offset, length):
        sysops.fallocate(self.fd(slot), mode, offset, length)

    def seek(self, slot, offset, whence):
        if stat.S_ISDIR(os.fstat(self.fd(slot)).st_mode):
            return "a directory's offsets are its file system's own"
        return os.lseek(self.fd(slot), offset, whence)

    def fsync(self, slot):
        os.fsync(self.fd(slot))

    def fstat(self, slot):
        return facts(os.fstat(self.fd(slot)))

    def fchmod(self, slot, mode):
        os.fchmod(self.fd(slot), mode)

    def fchown(self, slot, uid, gid):
        info = os.fstat(self.fd(slot))
        if info.st_nlink == 0 and info.st_uid == 0:
            # A file of root's without a name keeps suid and sgid, for it may be one that a stacked overlayfs builds.
            os.fchmod(self.fd(slot), stat.S_IMODE(info.st_mode) & ~0o6000)
        os.fchown(self.fd(slot), uid, gid)

    def futime(self, slot, seconds):
        os.utime(self.fd(slot), (OLD + seconds, OLD + seconds))

    def fsetxattr(self, slot, key, value):
        os.setxattr(self.fd(slot), key, value)

    def fgetxattr(self, slot, key):
        return os.getxattr(self.fd(slot), key)

    def copy_range(self, source, target, offset, length):
        for slot in (source, target):
            # By a symlink that a rename has brought to the top: another file system than the union's.
            if not os.readlink("/proc/self/fd/%d" % self.fd(slot)).startswith(os.path.realpath(self.root) + "/"):
                raise OSError(errno.EXDEV, "out of the tree")
        return os.copy_file_range(self.fd(source), self.fd(target), length, offset)

    def map_write(self, slot, seed, offset):
        fd = self.file(slot)
        size = os.fstat(fd).st_size
        if offset + 16 > size:
            raise OSError(errno.EINVAL, "beyond the end")
        with mmap.mmap(fd, size) as view:
            view[offset:offset + 16] = content(seed, 16)
            view.flush()

    def map_read(self, slot):
        fd = self.file(slot)
        size = min(os.fstat(fd).st_size, MAX_READ)
        if size == 0:  # mmap would ask for the size once more, and take a failure of that for none
            return hashed(b"")
        with mmap.mmap(fd, size, prot=mmap.PROT_READ) as view:
            return hashed(view[:])

    def flock(self, slot, how):
        fcntl.flock(self.fd(slot), how | fcntl.LOCK_NB)

    def lockf(self, slot, how, start, length):
        fcntl.lockf(self.fd(slot), how | fcntl.LOCK_NB, length, start)

    # --- what makes things durable, by path ---

    def sync_path(self, path):
        return self._synced(path, os.fsync)

    def sync_data(self, path):
        return self._synced(path, os.fdatasync)

    def sync_fs(self, path):
        return self._synced(path, sysops.syncfs)

    def _synced(self, path, how):
        fd = os.open(self.p(path), os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        try:
            # A FIFO or device has nothing to write; whether that is EINVAL depends on the file system.
            if stat.S_IFMT(os.fstat(fd).st_mode) not in (stat.S_IFREG, stat.S_IFDIR):
                return "nothing to sync"
            how(fd)
        finally:
            os.close(fd)
        return None

    # --- relative to an open directory ---

    def at_create(self, slot, name, mode):
        os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode, dir_fd=self.fd(slot)))

    def at_mkdir(self, slot, name, mode):
        os.mkdir(name, mode, dir_fd=self.fd(slot))

    def at_unlink(self, slot, name):
        os.unlink(name, dir_fd=self.fd(slot))

    def at_stat(self, slot, name):
        return facts(os.stat(name, dir_fd=self.fd(slot), follow_symlinks=False))

    def at_rename(self, slot, name, other, new):
        os.rename(name, new, src_dir_fd=self.fd(slot), dst_dir_fd=self.fd(other))

    def at_list(self, slot):
        return sorted(os.listdir(self.fd(slot)))

    # --- by path ---

    def write_file(self, path, seed, size, flags):
        fd = os.open(self.p(path), os.O_WRONLY | flags, 0o666)
        try:
            return os.write(fd, content(seed, size))
        finally:
            os.close(fd)

    def read_file(self, path):
        fd = os.open(self.p(path), os.O_RDONLY | os.O_NONBLOCK)
        try:
            return hashed(os.read(fd, MAX_READ))
        finally:
            os.close(fd)

    def truncate(self, path, size):
        os.truncate(self.p(path), size)

    def mkdir(self, path, mode):
        os.mkdir(self.p(path), mode)

    def rmdir(self, path):
        os.rmdir(self.p(path))

    def unlink(self, path):
        os.unlink(self.p(path))

    def rename(self, old, new, flags):
        sysops.renameat2(self.p(old), self.p(new), flags)

    def link(self, old, new):
        os.link(self.p(old), self.p(new), follow_symlinks=False)

    def symlink(self, target, path):
        os.symlink(target, self.p(path))

    def readlink(self, path):
        return os.readlink(self.p(path))

    def mknod(self, path, mode, rdev):
        os.mknod(self.p(path), mode, rdev)

    def chmod(self, path, mode):
        os.chmod(self.p(path), mode)

    def lchown(self, path, uid, gid):
        os.lchown(self.p(path), uid, gid)

    def utime(self, path, seconds):
        os.utime(self.p(path), (OLD + seconds, OLD + seconds), follow_symlinks=False)

    def touch(self, path):
        os.utime(self.p(path), follow_symlinks=False)

    def setxattr(self, path, key, value, flags):
        os.setxattr(self.p(path), key, value, flags, follow_symlinks=False)

    def getxattr(self, path, key):
        return os.getxattr(self.p(path), key, follow_symlinks=False)

    def removexattr(self, path, key):
        os.removexattr(self.p(path), key, follow_symlinks=False)

    def listxattr(self, path):
        return sorted(os.listxattr(self.p(path), follow_symlinks=False))

    def lstat(self, path):
        return facts(os.lstat(self.p(path)))

    def stat(self, path):
        return facts(os.stat(self.p(path)))

    def access(self, path, how):
        return os.access(self.p(path), how)

    def listdir(self, path):
        with os.scandir(self.p(path)) as entries:
            return sorted((entry.name, entry.is_dir(follow_symlinks=False), entry.is_symlink()) for entry in entries)


def perform(actions, operation):
    try:
        return getattr(actions, operation[0])(*operation[1:])
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error.errno))
    except ValueError as error:  # mmap of nothing
        return "ValueError: %s" % error


class Actor:
    """One process. send() starts operations, receive() waits for the answers."""

    def __init__(self, root, user):
        self.pipe, other = multiprocessing.Pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                ctypes.CDLL(None).prctl(1, signal.SIGKILL)
                self.pipe.close()
                _serve(other, root, USERS[user])
            finally:
                os._exit(0)
        other.close()

    def send(self, operations):
        self.pipe.send(operations)

    def receive(self):
        return self.pipe.recv()

    def end(self):
        try:
            self.pipe.send(None)  # closing is not enough: actors started later have this end as well
        except OSError:
            pass
        self.pipe.close()
        os.waitpid(self.pid, 0)


def _serve(pipe, root, user):
    uid, gid, groups, umask = user
    os.umask(umask)
    os.setgroups(list(groups))
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    os.chdir("/")
    actions = Actions(root)
    while True:
        try:
            operations = pipe.recv()
        except EOFError:
            return
        if operations is None:
            return
        pipe.send([perform(actions, operation) for operation in operations])

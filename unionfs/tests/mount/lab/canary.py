# SPDX-License-Identifier: MIT
"""What no union may ever show or touch: a directory beside the layers. And a look at everything a union
shows, bounded, that notices when it does.
"""
import errno
import os
import stat

MARK = b"canary: nobody but its owner reads or writes this"
NAME = "canary-secret"

# What a union over layers that make no sense, or change underneath, may answer. Not here: ENOTCONN and
# ECONNABORTED (the daemon is gone), ENOSYS, EFAULT, EBADF, ENOMEM, EMFILE.
SANE = frozenset((
    errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENOTEMPTY, errno.ESTALE, errno.EIO,
    errno.EXDEV, errno.ELOOP, errno.EINVAL, errno.ENXIO, errno.EPERM, errno.ENODATA, errno.ENAMETOOLONG,
    errno.EOPNOTSUPP, errno.ERANGE, errno.EMLINK, errno.EFBIG, errno.EACCES, errno.ENOSPC, errno.ETXTBSY,
    errno.EUCLEAN, errno.EBUSY, errno.E2BIG, errno.EROFS, errno.ENODEV))


class Canary:
    def __init__(self, folder):
        self.path = os.path.join(folder, "canary")
        os.makedirs(os.path.join(self.path, "deep"))
        for name in (NAME, "deep/" + NAME):
            with open(os.path.join(self.path, name), "wb") as stream:
                stream.write(MARK)
        self.before = self.state()

    def state(self):
        """Everything that a change would show in, reading times left out."""
        seen = []
        for base, folders, files in os.walk(self.path):
            for name in [""] + folders + files:
                info = os.lstat(os.path.join(base, name))
                seen.append((base, name, info.st_mode, info.st_uid, info.st_nlink, info.st_size,
                             info.st_mtime_ns, info.st_ctime_ns))
        return sorted(seen)

    def problem(self):
        """A line if it was touched."""
        return "" if self.state() == self.before else "the canary was changed"


class Insane(AssertionError):
    """An errno that is not an answer, or something from outside the layers."""


def attempt(function, *arguments, **more):
    """The result, or None after an errno that may be."""
    try:
        return function(*arguments, **more)
    except OSError as error:
        if error.errno not in SANE:
            raise Insane("%s%r: %s" % (function.__name__, arguments, errno.errorcode.get(error.errno, error))) from error
        return None


def read_some(path, size=1 << 16):
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        data = os.read(fd, size)
        if stat.S_ISREG(os.fstat(fd).st_mode):  # a FIFO by now, it would know no offset
            end = os.lseek(fd, 0, os.SEEK_END)
            data += os.pread(fd, size, max(0, end - size))
    finally:
        os.close(fd)
    if MARK in data:
        raise Insane("%s shows what lies outside of its layers" % path)
    return data


def inspect(path):
    """Looks at one object in every way there is; its kind, or 0 where stat fails."""
    info = attempt(os.lstat, path)
    if info is None:
        return 0
    for key in attempt(os.listxattr, path, follow_symlinks=False) or ():
        # A nested overlay's own "opaque" is the user's, and "whiteout" marks what a device 0:0 is kept as, which a
        # lower object can turn into under the eyes of a copy-up; the mutations make no other.
        if key.startswith("trusted.overlay.") and key not in ("trusted.overlay.opaque", "trusted.overlay.whiteout"):
            raise Insane("%s shows the attribute %s" % (path, key))
        attempt(os.getxattr, path, key, follow_symlinks=False)
    kind = stat.S_IFMT(info.st_mode)
    if kind == stat.S_IFREG:
        attempt(read_some, path)
    elif kind == stat.S_IFLNK:
        attempt(os.readlink, path)
    return kind


def walk(root, most=4000):
    """(path, kind) of everything below `root`, at most so many, never through a symlink."""
    found = []
    waiting = [root]
    while waiting and len(found) < most:
        folder = waiting.pop()
        for name in sorted(attempt(os.listdir, folder) or ()):
            if name == NAME:
                raise Insane("%s shows what lies outside of its layers" % folder)
            path = os.path.join(folder, name)
            kind = inspect(path)
            found.append((path, kind))
            if kind == stat.S_IFDIR:
                waiting.append(path)
    return found

# SPDX-License-Identifier: MIT
"""System calls that Python 3.11 does not offer, through ctypes. Every one raises OSError on failure."""
import ctypes
import os
import struct

_libc = ctypes.CDLL(None, use_errno=True)

AT_FDCWD = -100
AT_SYMLINK_NOFOLLOW = 0x100
AT_SYMLINK_FOLLOW = 0x400
AT_EMPTY_PATH = 0x1000

RENAME_NOREPLACE = 1
RENAME_EXCHANGE = 2
RENAME_WHITEOUT = 4

FALLOC_KEEP_SIZE = 1
FALLOC_PUNCH_HOLE = 2
FALLOC_COLLAPSE_RANGE = 8
FALLOC_ZERO_RANGE = 16
FALLOC_INSERT_RANGE = 32

O_TMPFILE = 0o20000000 | os.O_DIRECTORY

FS_IOC_GETFLAGS = 0x80086601
FS_IOC_SETFLAGS = 0x40086602
FS_IMMUTABLE_FL = 0x10
FS_APPEND_FL = 0x20


def _check(result, *what):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), *what)
    return result


def _bytes(path):
    return os.fsencode(path)


def renameat2(old, new, flags=0, old_dir=AT_FDCWD, new_dir=AT_FDCWD):
    _check(_libc.renameat2(old_dir, _bytes(old), new_dir, _bytes(new), ctypes.c_uint(flags)), old)


def fallocate(fd, mode, offset, length):
    _check(_libc.fallocate64(fd, mode, ctypes.c_int64(offset), ctypes.c_int64(length)))


def link_fd(fd, path):
    """Gives an O_TMPFILE descriptor a name (the way that needs no capability)."""
    source = _bytes("/proc/self/fd/%d" % fd)
    _check(_libc.linkat(AT_FDCWD, source, AT_FDCWD, _bytes(path), AT_SYMLINK_FOLLOW), path)


def umount(path, flags=0):
    _check(_libc.umount2(_bytes(path), flags), path)


def mount(source, target, fstype, flags=0, data=None):
    _check(_libc.mount(_bytes(source), _bytes(target), fstype and fstype.encode(),
                       ctypes.c_ulong(flags), data and _bytes(data)), target)


def syncfs(fd):
    _check(_libc.syncfs(fd))


def chmod_nofollow(path, mode):
    os.chmod(path, mode, follow_symlinks=False)


class Statx(ctypes.Structure):
    _fields_ = [
        ("mask", ctypes.c_uint32), ("blksize", ctypes.c_uint32), ("attributes", ctypes.c_uint64),
        ("nlink", ctypes.c_uint32), ("uid", ctypes.c_uint32), ("gid", ctypes.c_uint32),
        ("mode", ctypes.c_uint16), ("spare0", ctypes.c_uint16), ("ino", ctypes.c_uint64),
        ("size", ctypes.c_uint64), ("blocks", ctypes.c_uint64), ("attributes_mask", ctypes.c_uint64),
        ("atime_s", ctypes.c_int64), ("atime_n", ctypes.c_uint32), ("pad1", ctypes.c_int32),
        ("btime_s", ctypes.c_int64), ("btime_n", ctypes.c_uint32), ("pad2", ctypes.c_int32),
        ("ctime_s", ctypes.c_int64), ("ctime_n", ctypes.c_uint32), ("pad3", ctypes.c_int32),
        ("mtime_s", ctypes.c_int64), ("mtime_n", ctypes.c_uint32), ("pad4", ctypes.c_int32),
        ("rest", ctypes.c_uint8 * 128),
    ]

    @property
    def btime_ns(self):
        return self.btime_s * 10**9 + self.btime_n


STATX_BTIME = 0x800
STATX_MTIME, STATX_CTIME = 0x40, 0x80


def statx(path, flags=AT_SYMLINK_NOFOLLOW, dir_fd=AT_FDCWD, mask=0xfff):
    result = Statx()
    _check(_libc.statx(dir_fd, _bytes(path), flags, mask, ctypes.byref(result)), path)
    return result


class DirStream:
    """opendir(3) with telldir and seekdir. Entries are (name, d_ino, d_type)."""

    _libc.opendir.restype = ctypes.c_void_p
    _libc.readdir64.restype = ctypes.c_void_p
    _libc.telldir.restype = ctypes.c_long

    def __init__(self, path):
        self._dir = _libc.opendir(_bytes(path))
        if not self._dir:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), path)

    def next(self):
        ctypes.set_errno(0)
        entry = _libc.readdir64(ctypes.c_void_p(self._dir))
        if not entry:
            number = ctypes.get_errno()
            if number:
                raise OSError(number, os.strerror(number))
            return None
        raw = ctypes.string_at(entry, 19)
        ino, _, _, kind = struct.unpack("=QqHB", raw)
        return os.fsdecode(ctypes.string_at(entry + 19)), ino, kind

    def all(self):
        entries = []
        while (entry := self.next()) is not None:
            entries.append(entry)
        return entries

    def tell(self):
        return _libc.telldir(ctypes.c_void_p(self._dir))

    def seek(self, position):
        _libc.seekdir(ctypes.c_void_p(self._dir), ctypes.c_long(position))

    def rewind(self):
        _libc.rewinddir(ctypes.c_void_p(self._dir))

    def close(self):
        if self._dir:
            _libc.closedir(ctypes.c_void_p(self._dir))
            self._dir = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def name_to_handle(path, flags=0):
    """(handle type, handle bytes, mount id) of an object."""
    size = 128
    buffer = ctypes.create_string_buffer(struct.pack("=Ii", size, 0), 8 + size)
    mount_id = ctypes.c_int()
    _check(_libc.name_to_handle_at(AT_FDCWD, _bytes(path), buffer, ctypes.byref(mount_id), flags), path)
    length, kind = struct.unpack_from("=Ii", buffer.raw)
    return kind, buffer.raw[8:8 + length], mount_id.value


def open_by_handle(mount_fd, kind, handle, flags):
    buffer = ctypes.create_string_buffer(struct.pack("=Ii", len(handle), kind) + handle)
    return _check(_libc.open_by_handle_at(mount_fd, buffer, flags))


# --- access control lists, as the kernel keeps them in extended attributes ---

ACL_ACCESS = "system.posix_acl_access"
ACL_DEFAULT = "system.posix_acl_default"
_ACL_TAGS = {"user_obj": 1, "user": 2, "group_obj": 4, "group": 8, "mask": 16, "other": 32}


def acl(*entries):
    """acl(("user_obj", 7), ("user", 5, 1000), ...) as the bytes of the attribute; order is kept."""
    out = struct.pack("<I", 2)
    for entry in entries:
        tag, permissions = entry[0], entry[1]
        ident = entry[2] if len(entry) > 2 else 0xffffffff
        out += struct.pack("<HHI", _ACL_TAGS[tag], permissions, ident)
    return out

# SPDX-License-Identifier: MIT
"""Random layers and random operations, from a seed. Generation looks at the plain tree to hit what exists."""
import fcntl
import os
import random
import stat

from lab import sysops
from lab.layers import device, directory, fifo, file, hard, opaque, sparse, symlink, whiteout

NAMES = ["a", "b", "c", "d", "e"]
SLOTS = 4
MODES = [0o644, 0o600, 0o666, 0o755, 0o777, 0o700, 0o750, 0o4755, 0o2775, 0o1777, 0o000, 0o444]
SIZES = [0, 1, 100, 4095, 4096, 4097, 10000, 70000]
KEYS = ["user.a", "user.b", "trusted.c", "security.d"]
OWNERS = [(0, 0), (1000, 1000), (1001, 1001), (1000, 2000)]
ACLS = [sysops.acl(("user_obj", 7), ("user", 5, 1001), ("group_obj", 5), ("mask", 5), ("other", 0)),
        sysops.acl(("user_obj", 6), ("group_obj", 6), ("group", 7, 2000), ("mask", 7), ("other", 4)),
        sysops.acl(("user_obj", 7), ("group_obj", 5), ("other", 5))]


def random_layers(chance, lowers):
    """[upper, lower...]; every lower has hard links under names no other layer hides."""
    return [_layer(chance, index, index == lowers) for index in range(lowers + 1)]


def _layer(chance, index, bottom):
    layer = {}
    folders = [""]
    for _ in range(chance.randint(4, 22)):
        base = chance.choice(folders)
        path = os.path.join(base, chance.choice(NAMES))
        if path in layer or any(path.startswith(p + "/") and n.kind != "dir" for p, n in layer.items()):
            continue
        layer[path] = node = _node(chance, bottom)
        if node.kind == "dir":
            folders.append(path)
    first = "h%d" % index
    layer[first] = file("linked %d" % index, 0o666)
    for extra in range(chance.randint(0, 2)):
        layer["%s.%d" % (first, extra)] = hard(first)
    return layer


def _node(chance, bottom):
    uid, gid = chance.choice(OWNERS)
    owner = {"uid": uid, "gid": gid, "mtime": 10**9 + chance.randint(1, 10**6)}
    mode = chance.choice(MODES)
    kind = chance.choices(["dir", "file", "sparse", "link", "fifo", "dev", "opaque", "gone"],
                          [9, 9, 1, 2, 1, 0.5, 0 if bottom else 1, 0 if bottom else 2])[0]
    if kind == "dir":
        return directory(chance.choice([0o755, 0o777, 0o1777, 0o2775, 0o700]), **owner)
    if kind == "opaque":
        return opaque(0o777, **owner)
    if kind == "gone":
        return whiteout()
    if kind == "link":
        return symlink(chance.choice(NAMES + ["a/b", "../c", "h0", "nowhere"]), **owner)
    if kind == "fifo":
        return fifo(mode, **owner)
    if kind == "dev":
        return device("chr", 1, 3, mode, **owner)
    if kind == "sparse":
        return sparse(300000, {chance.randint(0, 200000): b"island" * 50}, mode, **owner)
    attributes = {"user.low": b"1"} if chance.random() < 0.3 else {}
    data = b"layer data " * (chance.choice(SIZES) // 11)
    return file(data, mode, xattrs=attributes, **owner)


class Generator:
    def __init__(self, chance, root, home=""):
        self.chance = chance
        self.root = root
        self.home = home  # all paths are below it
        self.paths, self.folders = [], [home]
        self.count = 0

    def look(self):
        """Learns what exists now."""
        top = os.path.join(self.root, self.home) if self.home else self.root
        self.paths, self.folders = [], [self.home]
        for base, folders, files in os.walk(top):
            inner = os.path.relpath(base, self.root)
            inner = "" if inner == "." else inner
            self.folders += [os.path.join(inner, name) for name in folders]
            self.paths += [os.path.join(inner, name) for name in folders + files]
        self.paths.sort()
        self.folders.sort()

    def existing(self):
        return self.chance.choice(self.paths) if self.paths and self.chance.random() < 0.93 else self.fresh()

    def folder(self):
        return self.chance.choice(self.folders) if self.chance.random() < 0.9 else self.existing()

    def inner_folder(self):
        """Not the home: whoever works there has it for the whole test."""
        folder = self.folder()
        return self.fresh() if folder == self.home else folder

    def fresh(self):
        name = self.chance.choice(NAMES) if self.chance.random() < 0.97 else self.chance.choice(["n" * 255, "m" * 256])
        path = os.path.join(self.folder(), name)
        return name if self.home == "" and path.count("/") > 8 else path

    def next(self):
        """(actor number, operation)"""
        if self.count % 4 == 0:
            self.look()
        self.count += 1
        maker = self.chance.choices(_MAKERS, _WEIGHTS)[0]
        actor = self.chance.choices([0, 1, 2], [6, 3, 2])[0]
        operation = maker(self, self.chance)
        if operation[-2:] == (-1, -1):
            # A stranger's chown to nobody looks like the kernel's clearing of suid before a write, as long as
            # somebody has the file open for writing: permissions.py has the cases that can be told apart.
            actor = 0
            if self.home:
                operation = ("touch", operation[1]) if operation[0] == "lchown" else ("fstat", operation[1])
        return actor, operation

    def seed(self):
        return self.chance.randint(1, 99)


_READ_FLAGS = [os.O_RDONLY, os.O_RDONLY | os.O_NOFOLLOW]
_WRITE_FLAGS = [os.O_RDWR, os.O_WRONLY, os.O_RDWR | os.O_APPEND, os.O_RDWR | os.O_TRUNC, os.O_RDWR | os.O_CREAT,
                os.O_WRONLY | os.O_CREAT | os.O_EXCL, os.O_RDWR | os.O_CREAT | os.O_TRUNC]
_ALLOCATE = [0, sysops.FALLOC_KEEP_SIZE, sysops.FALLOC_KEEP_SIZE | sysops.FALLOC_PUNCH_HOLE, sysops.FALLOC_ZERO_RANGE,
             sysops.FALLOC_ZERO_RANGE | sysops.FALLOC_KEEP_SIZE]


def _slot(c):
    return c.randrange(SLOTS)


def _mode(c):
    return c.choice(MODES)


def _ids(c):
    return c.choice([-1, 0, 1000, 1001]), c.choice([-1, 0, 1000, 1001, 2000])


def _mknod(g, c):
    kind = c.choice([stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFCHR, stat.S_IFREG])
    return "mknod", g.fresh(), kind | c.choice([0o600, 0o666, 0o777]), os.makedev(1, 3) if kind == stat.S_IFCHR else 0


def _rename(g, c):
    flags = c.choices([0, sysops.RENAME_NOREPLACE, sysops.RENAME_EXCHANGE], [8, 1, 2])[0]
    target = g.existing() if flags == sysops.RENAME_EXCHANGE or c.random() < 0.35 else g.fresh()
    return "rename", g.existing(), target, flags


def _setxattr(g, c):
    if c.random() < 0.3:
        key = c.choice([sysops.ACL_ACCESS, sysops.ACL_DEFAULT])
        return "setxattr", c.choice([g.existing, g.folder])(), key, c.choice(ACLS), 0
    return ("setxattr", g.existing(), c.choice(KEYS), b"v" * c.choice([0, 1, 10, 200]),
            c.choices([0, os.XATTR_CREATE, os.XATTR_REPLACE], [6, 1, 1])[0])


def _open(g, c):
    flags = c.choice(_READ_FLAGS if c.random() < 0.45 else _WRITE_FLAGS) | os.O_NONBLOCK
    path = g.fresh() if flags & os.O_CREAT and c.random() < 0.6 else g.existing()
    return "open", _slot(c), path, flags, c.choice([0o644, 0o666, 0o600, 0o4755])


_TABLE = [
    (8, lambda g, c: ("mkdir", g.fresh(), c.choice([0o755, 0o777, 0o2775, 0o1777, 0o700]))),
    (5, lambda g, c: ("rmdir", g.inner_folder())),
    (8, lambda g, c: ("unlink", g.existing())),
    (14, _rename),
    (6, lambda g, c: ("link", g.existing(), g.fresh())),
    (3, lambda g, c: ("symlink", c.choice(NAMES + ["a/b"] + ([] if g.home else ["../a"])), g.fresh())),
    (3, _mknod),
    (14, _open),
    (5, lambda g, c: ("close", _slot(c))),
    (10, lambda g, c: ("write_file", g.existing() if c.random() < 0.6 else g.fresh(), g.seed(), c.choice(SIZES),
                       c.choice([os.O_CREAT, os.O_CREAT | os.O_TRUNC, os.O_APPEND, os.O_CREAT | os.O_EXCL]) | os.O_NONBLOCK)),
    (5, lambda g, c: ("read_file", g.existing())),
    (4, lambda g, c: ("truncate", g.existing(), c.choice(SIZES))),
    (5, lambda g, c: ("chmod", g.existing(), _mode(c))),
    (5, lambda g, c: ("lchown", g.existing(), *_ids(c))),
    (5, lambda g, c: ("utime", g.existing() if c.random() < 0.8 else g.home, c.randint(1, 10**6))),
    (1, lambda g, c: ("touch", g.existing())),
    (5, _setxattr),
    (2, lambda g, c: ("getxattr", g.existing(), c.choice(KEYS + ["user.low", sysops.ACL_ACCESS]))),
    (3, lambda g, c: ("removexattr", g.existing(), c.choice(KEYS + ["user.low", sysops.ACL_ACCESS, sysops.ACL_DEFAULT]))),
    (2, lambda g, c: ("listxattr", g.existing())),
    (3, lambda g, c: (c.choice(["lstat", "stat"]), g.existing())),
    (2, lambda g, c: ("access", g.existing(), c.randint(0, 7))),
    (4, lambda g, c: ("listdir", g.folder())),
    (1, lambda g, c: ("readlink", g.existing())),
    (4, lambda g, c: ("fread", _slot(c), c.choice(SIZES))),
    (4, lambda g, c: ("pread", _slot(c), c.choice(SIZES), c.choice(SIZES))),
    (6, lambda g, c: ("fwrite", _slot(c), g.seed(), c.choice(SIZES))),
    (5, lambda g, c: ("pwrite", _slot(c), g.seed(), c.choice(SIZES), c.choice(SIZES))),
    (3, lambda g, c: ("ftruncate", _slot(c), c.choice(SIZES))),
    (3, lambda g, c: ("fallocate", _slot(c), c.choice(_ALLOCATE), c.choice(SIZES), c.choice(SIZES))),
    (2, lambda g, c: ("seek", _slot(c), c.choice(SIZES), c.choice([os.SEEK_SET, os.SEEK_CUR, os.SEEK_END]))),
    (2, lambda g, c: ("fsync", _slot(c))),
    (4, lambda g, c: ("fstat", _slot(c))),
    (2, lambda g, c: ("fchmod", _slot(c), _mode(c))),
    (2, lambda g, c: ("fchown", _slot(c), *_ids(c))),
    (2, lambda g, c: ("futime", _slot(c), c.randint(1, 10**6))),
    (2, lambda g, c: ("fsetxattr", _slot(c), c.choice(KEYS), b"f")),
    (1, lambda g, c: ("fgetxattr", _slot(c), c.choice(KEYS))),
    (2, lambda g, c: ("copy_range", _slot(c), _slot(c), c.choice(SIZES), c.choice(SIZES))),
    (3, lambda g, c: ("map_write", _slot(c), g.seed(), c.choice([0, 50, 4090]))),
    (2, lambda g, c: ("map_read", _slot(c))),
    (2, lambda g, c: ("tmpfile", _slot(c), g.folder(), c.choice([0o600, 0o666]))),
    (2, lambda g, c: ("linkfd", _slot(c), g.fresh())),
    (3, lambda g, c: ("opendir", _slot(c), g.folder())),
    (2, lambda g, c: ("at_create", _slot(c), c.choice(NAMES), 0o666)),
    (2, lambda g, c: ("at_mkdir", _slot(c), c.choice(NAMES), 0o777)),
    (2, lambda g, c: ("at_unlink", _slot(c), c.choice(NAMES))),
    (2, lambda g, c: ("at_stat", _slot(c), c.choice(NAMES + ([] if g.home else ["..", "."])))),
    (2, lambda g, c: ("at_rename", _slot(c), c.choice(NAMES), _slot(c), c.choice(NAMES))),
    (2, lambda g, c: ("at_list", _slot(c))),
    (2, lambda g, c: ("flock", _slot(c), c.choice([fcntl.LOCK_EX, fcntl.LOCK_SH, fcntl.LOCK_UN]))),
    (1, lambda g, c: ("lockf", _slot(c), c.choice([fcntl.LOCK_EX, fcntl.LOCK_SH, fcntl.LOCK_UN]), c.choice(SIZES), 100)),
]
_WEIGHTS = [weight for weight, _ in _TABLE]
_MAKERS = [maker for _, maker in _TABLE]


def plan(seed):
    """Random numbers for one seed."""
    return random.Random("blendfs parity %d" % seed)

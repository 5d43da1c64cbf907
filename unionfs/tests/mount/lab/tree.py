# SPDX-License-Identifier: MIT
"""A directory tree as a comparable value, and the difference of two of them in words.

Directory link counts and sizes belong to the file system that stores them and are left out.
"""
import hashlib
import os
import stat


def digest(path):
    total = hashlib.blake2b(digest_size=12)
    with open(path, "rb", buffering=0) as stream:
        while block := stream.read(1 << 20):
            total.update(block)
    return total.hexdigest()


def xattrs(path):
    return {key: os.getxattr(path, key, follow_symlinks=False)
            for key in sorted(os.listxattr(path, follow_symlinks=False))}


def describe(path, times=True, inode=False, data=True):
    """What stat and the other calls tell of one object, as a dict."""
    info = os.lstat(path)
    kind = stat.S_IFMT(info.st_mode)
    out = {"type": stat.filemode(info.st_mode)[0], "mode": oct(stat.S_IMODE(info.st_mode)),
           "uid": info.st_uid, "gid": info.st_gid}
    if kind != stat.S_IFDIR:
        out["nlink"] = info.st_nlink
        out["size"] = info.st_size
    if kind in (stat.S_IFCHR, stat.S_IFBLK):
        out["rdev"] = (os.major(info.st_rdev), os.minor(info.st_rdev))
    if kind == stat.S_IFLNK:
        out["target"] = os.readlink(path)
    if kind == stat.S_IFREG and data:
        out["data"] = digest(path)
    out["xattrs"] = xattrs(path)
    if times:
        out["mtime"] = info.st_mtime_ns
    if inode:
        out["ino"] = info.st_ino
    return out


def snapshot(root, times=True, inode=False, data=True):
    """Every object below `root` (and "" for itself). Hard links appear as equal "links" values: the
    first path, in order, that leads to the object."""
    tree = {"": describe(root, times, inode, data)}
    first = {}
    stack = [""]
    while stack:
        base = stack.pop()
        folder = os.path.join(root, base) if base else root
        for name in sorted(os.listdir(folder)):
            path = os.path.join(base, name) if base else name
            tree[path] = describe(os.path.join(root, path), times, inode, data)
            if tree[path]["type"] == "d":
                stack.append(path)
    for path in sorted(tree):
        if tree[path]["type"] != "d":
            ino = os.lstat(os.path.join(root, path)).st_ino
            tree[path]["links"] = first.setdefault(ino, path)
    return tree


def difference(expected, got, limit=12):
    """Lines that say what differs; empty when the trees are equal."""
    lines = []
    for path in sorted(set(expected) | set(got)):
        shown = "/" + path
        if path not in got:
            lines.append("%s: missing (expected %s)" % (shown, brief(expected[path])))
        elif path not in expected:
            lines.append("%s: should not be there (%s)" % (shown, brief(got[path])))
        else:
            for key in sorted(set(expected[path]) | set(got[path])):
                want, have = expected[path].get(key), got[path].get(key)
                if want != have:
                    lines.append("%s: %s expected %r, got %r" % (shown, key, want, have))
    if len(lines) > limit:
        lines[limit:] = ["... and %d more" % (len(lines) - limit)]
    return lines


def brief(item):
    return "%s%s uid %s" % (item["type"], item["mode"][2:], item["uid"])

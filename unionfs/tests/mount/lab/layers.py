# SPDX-License-Identifier: MIT
"""Layers as data: what a test's lower and upper directories hold, written in overlayfs's on-disk form
with Stack.write, or merged in memory (the oracle's own merge) and written as a plain tree.

A layer is a dict from relative path to Node; parents that are not named are directories 0755.
"""
import os
import stat
from dataclasses import dataclass, field, fields, replace

OLD = 1_000_000_000  # seconds: the time of everything a layer holds, unless said otherwise


@dataclass(frozen=True, repr=False)
class Node:
    kind: str  # file dir symlink chr blk fifo sock whiteout xwhiteout hard
    mode: int = 0o644
    data: object = b""  # bytes, or Extents
    uid: int = 0
    gid: int = 0
    mtime: int = OLD
    target: str = ""  # of a symlink, or the path (in the same layer) a hard link joins
    rdev: int = 0
    xattrs: dict = field(default_factory=dict)
    opaque: bool = False
    redirect: str = ""

    def __repr__(self):
        """As source, short: what is as usual is left out."""
        words = [repr(self.kind)]
        for name, item in fields_of(Node):
            value = getattr(self, name)
            if name == "kind" or value == item:
                continue
            if name == "mode":
                words.append("mode=0o%o" % value)
            elif name == "data" and isinstance(value, bytes) and len(value) > 40:
                words.append("data=%s" % repeated(value))
            else:
                words.append("%s=%r" % (name, value))
        return "Node(%s)" % ", ".join(words)


def fields_of(kind):
    """(name, default) of each field."""
    for item in fields(kind):
        yield item.name, {} if item.name == "xattrs" else item.default


def repeated(data):
    """Bytes as source: a short piece times a number where it is one."""
    for size in range(1, 20):
        if data[:size] * (len(data) // size) == data[:len(data) // size * size]:
            return "(%r * %d)[:%d]" % (data[:size], len(data) // size + 1, len(data))
    return repr(data)


@dataclass(frozen=True)
class Extents:
    """A sparse file: size and {offset: bytes}."""
    size: int
    parts: tuple

    def write(self, fd):
        for offset, data in self.parts:
            os.pwrite(fd, data, offset)
        os.ftruncate(fd, self.size)


def file(data=b"", mode=0o644, **more):
    return Node("file", mode, data.encode() if isinstance(data, str) else data, **more)


def sparse(size, parts, mode=0o644, **more):
    return Node("file", mode, Extents(size, tuple(sorted(parts.items()))), **more)


def directory(mode=0o755, **more):
    return Node("dir", mode, **more)


def opaque(mode=0o755, **more):
    return Node("dir", mode, opaque=True, **more)


def redirect(to, mode=0o755, **more):
    return Node("dir", mode, redirect=to, **more)


def symlink(target, **more):
    return Node("symlink", 0o777, target=target, **more)


def hard(target):
    return Node("hard", target=target)


def fifo(mode=0o644, **more):
    return Node("fifo", mode, **more)


def sock(mode=0o644, **more):
    return Node("sock", mode, **more)


def device(kind, major, minor, mode=0o644, **more):
    return Node(kind, mode, rdev=os.makedev(major, minor), **more)


def whiteout():
    return Node("whiteout")


def xwhiteout():
    """The form that needs no device node; the directory it is in gets its mark. Not in an opaque directory."""
    return Node("xwhiteout")


WHITEOUTS = ("whiteout", "xwhiteout")
_TYPES = {"fifo": stat.S_IFIFO, "sock": stat.S_IFSOCK, "chr": stat.S_IFCHR, "blk": stat.S_IFBLK}


def _with_parents(layer):
    full = {}
    for path, node in layer.items():
        parts = path.split("/")
        for depth in range(1, len(parts)):
            full.setdefault("/".join(parts[:depth]), None)
        full[path] = node
    return {path: node or directory() for path, node in full.items()}


def write(root, layer, prefix="trusted.overlay."):
    """Creates the objects of one layer below the existing directory `root`."""
    layer = _with_parents(layer)
    order = sorted(layer, key=lambda path: path.count("/"))
    for path in order:
        if layer[path].kind != "hard":
            _make(os.path.join(root, path), layer[path], prefix)
    for path in order:
        if layer[path].kind == "hard":
            os.link(os.path.join(root, layer[path].target), os.path.join(root, path), follow_symlinks=False)
    for path in reversed(order):
        if layer[path].kind not in ("hard", *WHITEOUTS):
            seconds = layer[path].mtime
            os.utime(os.path.join(root, path), (seconds, seconds), follow_symlinks=False)
    os.utime(root, (OLD, OLD))


def _make(path, node, prefix):
    if node.kind == "whiteout":
        os.mknod(path, stat.S_IFCHR, 0)
        return
    if node.kind == "xwhiteout":
        with open(path, "xb") as stream:
            os.setxattr(stream.fileno(), prefix + "whiteout", b"")
        os.setxattr(os.path.dirname(path), prefix + "opaque", b"x")
        return
    if node.kind == "dir":
        os.mkdir(path)
        if node.opaque:
            os.setxattr(path, prefix + "opaque", b"y")
        if node.redirect:
            os.setxattr(path, prefix + "redirect", node.redirect.encode())
    elif node.kind == "file":
        fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            if isinstance(node.data, Extents):
                node.data.write(fd)
            else:
                view = memoryview(node.data)
                while view:
                    view = view[os.write(fd, view):]
        finally:
            os.close(fd)
    elif node.kind == "symlink":
        os.symlink(node.target, path)
    else:
        os.mknod(path, _TYPES[node.kind] | 0o600, node.rdev)
    os.chown(path, node.uid, node.gid, follow_symlinks=False)
    if node.kind != "symlink":
        os.chmod(path, node.mode)
    for key, value in node.xattrs.items():
        os.setxattr(path, key, value, follow_symlinks=False)


def flatten(layers):
    """The merge of `layers` (top to bottom) as one layer without any overlay marks."""
    view = {}
    for index, layer in reversed(list(enumerate(layers))):
        view = _apply(_with_parents(layer), view, index)
    merged, first = {}, {}
    for path in sorted(view, key=lambda path: (path.count("/"), path)):
        node, identity = view[path]
        if node.kind != "dir" and identity in first:
            merged[path] = hard(first[identity])
        else:
            first[identity] = path
            merged[path] = replace(node, opaque=False, redirect="")
    return merged


def _apply(layer, below, index):
    """`below` and the result map path -> (node, identity)."""
    view = dict(below)

    def drop(path):
        for other in [p for p in view if p == path or p.startswith(path + "/")]:
            del view[other]

    for path in sorted(layer, key=lambda path: path.count("/")):
        node = layer[path]
        old = view.get(path)
        if node.kind == "dir" and node.redirect:
            source = node.redirect[1:] if node.redirect.startswith("/") else os.path.join(
                os.path.dirname(path), node.redirect)
            drop(path)
            for other, value in below.items():
                if other.startswith(source + "/"):
                    view[path + other[len(source):]] = value
        elif old and (node.kind != "dir" or node.opaque or old[0].kind != "dir"):
            drop(path)
        if node.kind == "hard":
            target = node.target
            view[path] = (layer[target], (index, target))
        elif node.kind not in WHITEOUTS:
            view[path] = (node, (index, path))
    return view

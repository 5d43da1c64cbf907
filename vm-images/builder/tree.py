# SPDX-License-Identifier: MIT
"""A file tree in memory: what an image shall hold.

Owners, modes, times and xattrs live here, not on the build machine's disk, so that no root is needed
to make an image whose files belong to root. File contents are blobs: plain files in a store, shared
between trees; two paths with the same blob inside one tree are hard links.
"""
import fnmatch
import functools
import hashlib
import os
import stat
import tarfile
from dataclasses import dataclass, field, replace

from .report import BuildError


@dataclass(frozen=True)
class Entry:
    """One file. `blob` is a path on the build machine (files only), `target` a symlink's text."""

    kind: str  # "file", "dir", "symlink", "whiteout"
    mode: int
    uid: int = 0
    gid: int = 0
    blob: str = ""
    target: str = ""
    xattrs: tuple = field(default=())


class BlobStore:
    """A folder of file contents, numbered in the order of their arrival."""

    def __init__(self, folder):
        self._folder = folder
        self._next = 0
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, stream):
        path = self._folder / f"{self._next:06d}"
        self._next += 1
        with open(path, "wb") as out:
            while chunk := stream.read(1 << 20):
                out.write(chunk)
        return str(path)

    def add_bytes(self, data):
        path = self._folder / f"{self._next:06d}"
        self._next += 1
        path.write_bytes(data)
        return str(path)


def clean_path(name):
    """`./usr/bin/` and `usr/bin` become `/usr/bin`; `.` becomes `/`."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise BuildError(f"package path {name!r} leaves the tree", "report the package, it is broken")
    return "/" + "/".join(parts)


class Tree:
    """Paths to entries. Parents of every path exist once `add_parents` has run."""

    def __init__(self):
        self.entries = {"/": Entry("dir", 0o755)}

    def copy(self):
        other = Tree()
        other.entries = dict(self.entries)
        return other

    def real_path(self, path):
        """`path` with the symlinks among its parents followed (usr-merge: /bin/x is /usr/bin/x)."""
        for _ in range(40):
            parts = path.strip("/").split("/")
            for depth in range(1, len(parts)):
                prefix = "/" + "/".join(parts[:depth])
                entry = self.entries.get(prefix)
                if entry is not None and entry.kind == "symlink":
                    base = "" if entry.target.startswith("/") else os.path.dirname(prefix)
                    joined = os.path.normpath(f"{base}/{entry.target}/" + "/".join(parts[depth:]))
                    path = "/" + joined.lstrip("/")
                    break
            else:
                return path
        raise BuildError(f"symlinks of {path} go round in circles", "mend the tree")

    def add_tar(self, stream, store, only=lambda path: True):
        """Adds the members of a tar stream; returns the names of what `only` refused."""
        refused = []
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                path = clean_path(member.name)
                if not only(path):
                    refused.append(path)
                    continue
                xattrs = tuple(sorted(
                    (key[len("SCHILY.xattr."):], value.encode("utf-8", "surrogateescape").hex())
                    for key, value in member.pax_headers.items() if key.startswith("SCHILY.xattr.")))
                mode = stat.S_IMODE(member.mode)
                common = {"uid": member.uid, "gid": member.gid, "xattrs": xattrs}
                if member.isdir():
                    entry = Entry("dir", mode, **common)
                elif member.issym():
                    entry = Entry("symlink", 0o777, target=member.linkname, **common)
                elif member.islnk():
                    entry = self.entries[clean_path(member.linkname)]
                elif member.isreg():
                    entry = Entry("file", mode, blob=store.add(archive.extractfile(member)), **common)
                else:
                    continue  # device nodes: the guest's devtmpfs makes them
                self.entries[path] = entry
        return refused

    def add_folder(self, folder, store):
        """Lays a folder of the source tree over this tree: root's, 0755 or 0644 by the execute bit."""
        for root, dirs, files in os.walk(folder):
            dirs.sort()
            at = "/" + os.path.relpath(root, folder) if root != str(folder) else "/"
            for name in list(dirs):
                if os.path.islink(os.path.join(root, name)):
                    dirs.remove(name)
                    files.append(name)
                    continue
                path = clean_path(f"{at}/{name}")
                if path not in self.entries:
                    self.entries[path] = Entry("dir", 0o755)
            for name in sorted(files):
                source = os.path.join(root, name)
                path = clean_path(f"{at}/{name}")
                if os.path.islink(source):
                    self.entries[path] = Entry("symlink", 0o777, target=os.readlink(source))
                else:
                    mode = 0o755 if os.stat(source).st_mode & stat.S_IXUSR else 0o644
                    with open(source, "rb") as stream:
                        self.entries[path] = Entry("file", mode, blob=store.add(stream))

    def remove(self, pattern):
        """Removes what matches a path pattern (`*` crosses no slash), with everything below it."""
        depth = pattern.count("/")
        hits = {path for path in self.entries
                if path.count("/") == depth and path != "/" and fnmatch.fnmatchcase(path, pattern)}
        doomed = [path for path in self.entries
                  if any("/".join(path.split("/")[:depth + 1]) == hit for hit in hits)] if hits else []
        for path in doomed:
            del self.entries[path]

    def change(self, pattern, **what):
        """Replaces fields of what matches `pattern`, where `*` crosses slashes."""
        for path, entry in self.entries.items():
            if fnmatch.fnmatchcase(path, pattern):
                self.entries[path] = replace(entry, **what)

    def add_parents(self):
        """Adds missing parent directories; a parent that is no directory is an error."""
        for path in list(self.entries):
            parent = os.path.dirname(path)
            while parent not in self.entries:
                self.entries[parent] = Entry("dir", 0o755)
                parent = os.path.dirname(parent)
            if self.entries[parent].kind != "dir":
                raise BuildError(f"{path} lies below {parent}, which is no directory", "mend the overlay tree")

    def items(self):
        """(path, entry) in an order that puts every directory before what it holds."""
        return sorted(self.entries.items(), key=lambda item: item[0].split("/"))

    def digest(self):
        """SHA-256 over paths, metadata and contents; independent of the machine and of blob names."""
        total = hashlib.sha256()
        links = {}
        for path, entry in self.items():
            content = ""
            if entry.kind == "file":
                first = links.setdefault(entry.blob, path)
                content = f"link:{first}" if first != path else _file_digest(entry.blob)
            line = (path, entry.kind, f"{entry.mode:o}", entry.uid, entry.gid, entry.target, entry.xattrs, content)
            total.update(repr(line).encode("utf-8", "surrogateescape") + b"\n")
        return total.hexdigest()


@functools.lru_cache(maxsize=None)
def _file_digest(path):
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def merge(lowers, upper):
    """The merge of layers as a plain tree: `lowers` from top to bottom, `upper` in overlay format."""
    result = Tree()
    for layer in reversed(lowers):
        _lay_over(result, layer)
    _lay_over(result, upper)
    return result


def _lay_over(result, layer):
    for path, entry in layer.items():
        opaque = any(name == "trusted.overlay.opaque" for name, _ in entry.xattrs)
        below = result.entries.get(path)
        if below is not None and path != "/" and (entry.kind != "dir" or below.kind != "dir" or opaque):
            for doomed in [p for p in result.entries if p == path or p.startswith(path + "/")]:
                del result.entries[doomed]
        if entry.kind != "whiteout":
            kept = tuple(item for item in entry.xattrs if not item[0].startswith("trusted.overlay."))
            result.entries[path] = replace(entry, xattrs=kept)

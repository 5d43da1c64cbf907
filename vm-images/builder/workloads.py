# SPDX-License-Identifier: MIT
"""What workloads work on: an upstream source archive as a plain tar, and a binary package to be installed.

A plain tar, because unpacking it in a guest shall measure the file system and not gunzip.
"""
import io
import os
import tarfile

from .report import BuildError
from .tree import Entry

SOURCE_NAME = "lua.tar"
PACKAGE_NAME = "package.deb"


def collect(files, store, epoch):
    """Name to blob of the two files; `files` is what the packages' tar brought for them: name to blob."""
    packages = [name for name in files if name.endswith(".deb")]
    archives = [name for name in files if ".orig.tar." in name and not name.endswith(".asc")]
    if len(packages) != 1 or len(archives) != 1:
        raise BuildError(f"for workloads the packages brought {sorted(files)}", "mend workloads.conf, or run build --force")
    with open(files[archives[0]], "rb") as stream:
        plain = repack(stream, epoch)
    return {SOURCE_NAME: store.add_bytes(plain), PACKAGE_NAME: files[packages[0]]}


def repack(stream, epoch):
    """The bytes of a plain tar with the members of a packed one: sorted, root's, with one time."""
    out = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="r:*") as packed, \
            tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as plain:
        for member in sorted(packed.getmembers(), key=lambda m: m.name):
            if member.isreg() or member.isdir() or member.issym():
                _add(plain, member.name, packed.extractfile(member) if member.isreg() else None, epoch, member)
    return out.getvalue()


def _add(archive, name, stream, epoch, like=None):
    info = tarfile.TarInfo(name)
    info.mtime = epoch
    info.mode = 0o755 if like is not None and like.mode & 0o100 else 0o644
    if like is not None:
        info.type, info.linkname = like.type, like.linkname
    data = stream.read() if stream is not None else b""
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))


def write_tar(path, blobs, epoch):
    """The archive that the manifest calls workloads."""
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(blobs):
            with open(blobs[name], "rb") as stream:
                _add(archive, name, stream, epoch)


def lay_into(tree, folder, blobs):
    """The same files as a part of the system image."""
    for name, blob in blobs.items():
        tree.entries[os.path.join(folder, name)] = Entry("file", 0o644, blob=blob)
    tree.add_parents()

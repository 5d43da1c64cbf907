# SPDX-License-Identifier: MIT
"""The cache of finished work: one folder per digest of inputs, published by rename, under one lock.

Layout below the cache folder:
  packages/DIGEST/   base.tar and the log of its making
  trees/DIGEST/      the images, the kernel, the initramfs's base, build.json
  initramfs/DIGEST/  initramfs.img
"""
import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import tempfile

from .report import BuildError

KEPT = 2  # finished folders of each kind that stay, newest first; one with images takes 2.7 GB
NEEDED_MIB = 5120


def folder(environ=None):
    environ = os.environ if environ is None else environ
    base = environ.get("BLEND_CACHE")
    if not base:
        base = os.path.join(environ.get("XDG_CACHE_HOME") or os.path.join(environ.get("HOME", "/root"), ".cache"), "blendfs")
    return pathlib.Path(base) / "images"


def digest(*parts):
    """SHA-256 of JSON values, whose order of keys does not matter."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def file_digests(*paths):
    """SHA-256 over the contents of files."""
    total = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as stream:
            total.update(hashlib.file_digest(stream, "sha256").digest())
    return total.hexdigest()


def folder_digest(root):
    """Paths, execute bits, symlinks and contents below a folder of the source tree."""
    total = hashlib.sha256()
    for directory, dirs, files in os.walk(root):
        dirs[:] = sorted(name for name in dirs if name != "__pycache__")
        for name in sorted(dirs + files):
            path = os.path.join(directory, name)
            relative = os.path.relpath(path, root)
            if os.path.islink(path):
                total.update(repr((relative, os.readlink(path))).encode())
            elif name in files:
                with open(path, "rb") as stream:
                    content = hashlib.file_digest(stream, "sha256").hexdigest()
                total.update(repr((relative, bool(os.stat(path).st_mode & 0o100), content)).encode())
            else:
                total.update(repr((relative, "dir")).encode())
    return total.hexdigest()


class Cache:
    """Use as a context manager: the lock is held from entry to exit."""

    def __init__(self, root):
        self.root = root
        self._lock = None

    def __enter__(self):
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            self._lock = open(self.root / "lock", "w", encoding="utf-8")
        except OSError as error:
            raise BuildError(f"cannot write {self.root}: {error.strerror}", "set BLEND_CACHE to another folder") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("waiting for another build to finish", flush=True)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        for stale in self.root.glob("*/tmp.*"):
            shutil.rmtree(stale, ignore_errors=True)
        return self

    def __exit__(self, *exc_info):
        self._lock.close()

    def lookup(self, kind, key):
        """The finished folder, or None. Using it makes it the newest."""
        path = self.root / kind / key
        if not (path / "complete").exists():
            return None
        os.utime(path)
        return path

    def require_space(self):
        free = shutil.disk_usage(self.root).free >> 20
        if free < NEEDED_MIB:
            raise BuildError(f"only {free} MiB are free in {self.root}, {NEEDED_MIB} are needed",
                             "make room, or set BLEND_CACHE to another disk")

    @contextlib.contextmanager
    def making(self, kind, key):
        """A temporary folder that becomes the finished one when the block ends well."""
        parent = self.root / kind
        parent.mkdir(exist_ok=True)
        scratch = pathlib.Path(tempfile.mkdtemp(prefix="tmp.", dir=parent))
        try:
            yield scratch
            scratch.chmod(0o755)
            (scratch / "complete").touch()
            final = parent / key
            shutil.rmtree(final, ignore_errors=True)
            scratch.rename(final)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        self._prune(parent)

    def _prune(self, parent):
        done = sorted((p for p in parent.iterdir() if p.is_dir()), key=lambda p: p.stat().st_mtime, reverse=True)
        for old in done[KEPT:]:
            shutil.rmtree(old, ignore_errors=True)

# SPDX-License-Identifier: MIT
"""blendctl beside the blendfs under test, and what a container engine does with the tar it makes."""
import json
import os
import shutil
import stat
import subprocess
import tarfile

from lab import engines
from lab.case import Environment

XATTR = "SCHILY.xattr."


def run(*arguments, limit=60):
    """The finished process; a program that a signal ended is an error at once."""
    binary = os.path.join(os.path.dirname(Environment.blendfs), "blendctl")
    done = subprocess.run([binary, *arguments], capture_output=True, timeout=limit, stdin=subprocess.DEVNULL)
    if done.returncode < 0 or b"Sanitizer" in done.stderr or b"runtime error:" in done.stderr:
        raise AssertionError("blendctl %r ended with %d: %r" % (arguments, done.returncode, done.stderr))
    return done


def options(mounted, upper=True):
    words = engines.layer_options(mounted)
    return ",".join((words if upper else words[:1]) + [word for word in mounted.options if word == "userxattr"])


def ask(mounted, command, *arguments, status=0):
    """The standard output as text of a command on the layers of a union."""
    done = run(command, "-o", options(mounted), *arguments)
    if done.returncode != status:
        raise AssertionError("blendctl %s %r: status %d, not %d: %r %r" % (
            command, arguments, done.returncode, status, done.stdout, done.stderr))
    return done.stdout.decode()


def ask_json(mounted, command, *arguments, status=0):
    return json.loads(ask(mounted, command, "--json", *arguments, status=status))


def apply_layer(tar, root):
    """Puts an image layer's tar over a tree, as the image format has it."""
    folders = {}
    with tarfile.open(tar, encoding="utf-8", errors="surrogateescape") as archive:
        for entry in archive:
            path = os.path.normpath(os.path.join(root, entry.name))
            base, name = os.path.split(path)
            folders.setdefault(base, os.lstat(base).st_mtime_ns)
            if name == ".wh..wh..opq":
                for other in os.listdir(base):
                    remove(os.path.join(base, other))
            elif name.startswith(".wh."):
                remove(os.path.join(base, name[len(".wh."):]))
            else:
                put(archive, entry, path, root, folders)
    for path in sorted(folders, reverse=True):
        os.utime(path, ns=(folders[path], folders[path]))


def remove(path):
    if stat.S_ISDIR(os.lstat(path).st_mode):
        shutil.rmtree(path)
    else:
        os.unlink(path)


def put(archive, entry, path, root, folders):
    if os.path.lexists(path) and not (entry.isdir() and stat.S_ISDIR(os.lstat(path).st_mode)):
        remove(path)
    if entry.islnk():
        os.link(os.path.join(root, entry.linkname), path, follow_symlinks=False)
        return
    if entry.isdir():
        if not os.path.exists(path):
            os.mkdir(path)
    elif entry.issym():
        os.symlink(entry.linkname, path)
    elif entry.isreg():
        with archive.extractfile(entry) as source, open(path, "xb") as target:
            shutil.copyfileobj(source, target)
    else:
        kind = {tarfile.FIFOTYPE: stat.S_IFIFO, tarfile.CHRTYPE: stat.S_IFCHR, tarfile.BLKTYPE: stat.S_IFBLK}[entry.type]
        os.mknod(path, kind | 0o600, os.makedev(entry.devmajor, entry.devminor))
    os.chown(path, entry.uid, entry.gid, follow_symlinks=False)
    for key in os.listxattr(path, follow_symlinks=False):
        os.removexattr(path, key, follow_symlinks=False)
    for key, value in entry.pax_headers.items():
        if key.startswith(XATTR):
            os.setxattr(path, key[len(XATTR):], value.encode("utf-8", "surrogateescape"), follow_symlinks=False)
    if not entry.issym():
        os.chmod(path, entry.mode)
    seconds, _, fraction = entry.pax_headers.get("mtime", str(int(entry.mtime))).partition(".")
    nanoseconds = int(seconds) * 10**9 + int(fraction.ljust(9, "0")[:9] if fraction else 0)
    if entry.isdir():
        folders[path] = nanoseconds
    else:
        os.utime(path, ns=(nanoseconds, nanoseconds), follow_symlinks=False)

# SPDX-License-Identifier: MIT
"""Writes a tree into an EROFS image by mkfs.erofs, uncompressed.

Uncompressed, because the ext4 image it is compared with is so as well: what differs is the file system. Owners,
modes and xattrs of the tree are given to a staged folder under fakeroot, where an ordinary user and root alike
only seem to set them; so the bytes do not depend on who builds. (mkfs.erofs takes a tar only since 1.7.)
This file is also the program that runs inside of fakeroot: erofs.py ENTRIES STAGE COMMAND...
"""
import json
import os
import shutil
import subprocess
import sys


def available():
    """Whether this machine can write EROFS images: mkfs.erofs is missing in distributions before 2020."""
    return shutil.which("mkfs.erofs") is not None and shutil.which("fakeroot") is not None


def write(tree, image_path, uuid, epoch, scratch):
    """Makes `image_path` from `tree`, which holds no whiteouts."""
    from . import ext4
    from .report import run
    stage = scratch / (image_path.name + ".stage")
    entries = scratch / (image_path.name + ".entries")
    try:
        ext4.stage_tree(tree, stage)
        listed = [(path, entry.kind, entry.mode, entry.uid, entry.gid, entry.xattrs) for path, entry in tree.items()]
        entries.write_text(json.dumps(listed), encoding="utf-8")
        run(["fakeroot", "--", sys.executable, "-B", os.path.abspath(__file__), str(entries), str(stage),
             "mkfs.erofs", "--quiet", "-T", str(epoch), "-U", uuid, str(image_path), str(stage)],
            f"writing {image_path.name}", env={**os.environ, "LC_ALL": "C.UTF-8"})
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        entries.unlink(missing_ok=True)


def dress(entries, stage):
    """Gives the staged files the metadata of their entries, children first: a mode may shut its directory."""
    for path, kind, mode, uid, gid, xattrs in reversed(entries):
        at = os.fsencode(stage + path)
        os.chown(at, uid, gid, follow_symlinks=False)
        if kind != "symlink":
            os.chmod(at, mode)
        for name, value in xattrs:
            os.setxattr(at, name, bytes.fromhex(value), follow_symlinks=False)


def main(argv):
    with open(argv[0], encoding="utf-8") as stream:
        dress(json.load(stream), argv[1])
    return subprocess.run(argv[2:], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

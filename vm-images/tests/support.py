# SPDX-License-Identifier: MIT
"""What the tests of the images share: where finished images are, and looking inside without mounting."""
import json
import os
import pathlib
import subprocess
import unittest

VM_DIR = pathlib.Path(__file__).resolve().parent.parent
SBIN = {**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin", "LC_ALL": "C.UTF-8"}


def images_dir():
    """The folder that BLEND_IMAGES names; skips the caller's tests where there are no images."""
    folder = pathlib.Path(os.environ.get("BLEND_IMAGES", ""))
    if not os.environ.get("BLEND_IMAGES") or not (folder / "manifest.json").is_file():
        raise unittest.SkipTest("BLEND_IMAGES names no folder of finished images; run vm-images/build --out DIR")
    return folder


def manifest(folder):
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


def debugfs(image, command):
    """Output of one debugfs command; raises AssertionError with its complaint when it made one."""
    done = subprocess.run(["debugfs", "-R", command, str(image)], env=SBIN, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    complaints = [line for line in done.stderr.decode().splitlines() if not line.startswith("debugfs 1.")]
    if complaints:
        raise AssertionError(f"debugfs {command!r} on {image}: {complaints[0]}")
    return done.stdout.decode(errors="replace")


def exists(image, path):
    try:
        text = debugfs(image, f'stat "{path}"')
    except AssertionError as error:
        if "File not found" in str(error):
            return False
        raise
    return "Inode:" in text


def listing(image, path):
    """Name to (mode, uid, gid) of a directory's entries."""
    found = {}
    for line in debugfs(image, f'ls -p "{path}"').splitlines():
        fields = line.split("/")
        if len(fields) >= 7 and fields[5] not in (".", "..", ""):
            found[fields[5]] = (int(fields[2], 8), int(fields[3]), int(fields[4]))
    return found


def content(image, path):
    return debugfs(image, f'cat "{path}"')


def fsck(image):
    """e2fsck's verdict without touching anything: (is it clean, what it said)."""
    done = subprocess.run(["e2fsck", "-fn", str(image)], env=SBIN, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    header = subprocess.run(["dumpe2fs", "-h", str(image)], env=SBIN, check=True,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode()
    said = done.stdout.decode(errors="replace")
    # A journal that waits for replay means that the file system was not unmounted.
    return done.returncode == 0 and "needs_recovery" not in header, said + header


def cpio_names(path):
    """Name to (mode, size) of the members of a newc archive, also of several in one file."""
    data = path.read_bytes()
    found, at = {}, 0
    while at + 110 <= len(data):
        if data[at:at + 6] != b"070701":
            if data[at:at + 4] != bytes(4):
                raise AssertionError(f"{path}: no member begins at {at}")
            at += 4
            continue
        fields = [int(data[at + 6 + 8 * n:at + 14 + 8 * n], 16) for n in range(13)]
        end = at + 110 + fields[11]
        name = data[at + 110:end - 1].decode()
        found[name] = (fields[1], fields[6])
        at = -(-end // 4) * 4 + -(-fields[6] // 4) * 4
    found.pop("TRAILER!!!", None)
    return found

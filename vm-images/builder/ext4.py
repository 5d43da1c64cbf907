# SPDX-License-Identifier: MIT
"""Writes a tree into an ext4 image, without root and without mounting.

mke2fs -d brings names and contents; debugfs then sets owner, mode, times and xattrs of every file from
the tree, and makes whiteouts. So the result does not depend on who builds or on the build machine's disk.
"""
import os
import shutil
import subprocess

from .report import BuildError, run

TIME_FIELDS = ("atime", "mtime", "ctime", "crtime")
FILE_TYPES = {"file": 0o100000, "dir": 0o040000, "symlink": 0o120000, "whiteout": 0o020000}


def write(tree, image_path, settings, config, epoch, scratch):
    """Makes `image_path` from `tree`; `settings` is the [image] section of the image's conf."""
    stage = scratch / (image_path.name + ".stage")
    try:
        stage_tree(tree, stage)
        _format(stage, image_path, settings, config, epoch)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    set_metadata(tree, image_path, epoch, scratch)


def stage_tree(tree, stage):
    """Names and contents of `tree` as a folder of this machine; contents are links to their blobs."""
    stage.mkdir()
    for path, entry in tree.items():
        at = str(stage) + path
        if entry.kind == "dir":
            if path != "/":
                os.mkdir(at, 0o755)
        elif entry.kind == "symlink":
            os.symlink(entry.target, at)
        elif entry.kind == "file":
            os.link(entry.blob, at)


def _format(stage, image_path, settings, config, epoch):
    image_path.unlink(missing_ok=True)
    with open(image_path, "wb") as image:
        image.truncate(int(settings["size_mib"]) << 20)
    environ = {**os.environ, "MKE2FS_CONFIG": str(config), "E2FSPROGS_FAKE_TIME": str(epoch),
               "SOURCE_DATE_EPOCH": str(epoch), "LC_ALL": "C.UTF-8"}
    options = f"hash_seed={settings['uuid']},lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0"
    run(["mke2fs", "-q", "-F", "-t", "ext4", "-m", "0", "-U", settings["uuid"], "-L", settings["label"],
         "-E", options, "-d", str(stage), str(image_path)],
        f"writing {image_path.name}", remedy=f"raise size_mib in {settings.name} if it is full", env=environ)


def quote(path):
    if '"' in path or "\n" in path:
        raise BuildError(f"debugfs cannot name {path!r}", "remove the file in the image's conf")
    return f'"{path}"'


def _metadata_commands(tree, values):
    """Owner, mode and xattrs of every inode; xattr values go to numbered files in the folder `values`."""
    seen = set()
    for path, entry in tree.items():
        name = quote(path)
        if entry.kind == "whiteout":
            yield f"cd {quote(os.path.dirname(path))}"
            yield f"mknod {quote(os.path.basename(path))} c 0 0"
        if entry.blob in seen:
            continue  # a hard link: its inode is done
        if entry.blob:
            seen.add(entry.blob)
        yield f"sif {name} mode 0{FILE_TYPES[entry.kind] | entry.mode:o}"
        yield f"sif {name} uid {entry.uid}"
        yield f"sif {name} gid {entry.gid}"
        for xattr, value in entry.xattrs:
            value_path = values / f"{len(os.listdir(values))}"
            value_path.write_bytes(bytes.fromhex(value))
            yield f"ea_set -f {quote(str(value_path))} {name} {xattr}"


def _time_commands(tree, epoch):
    """Times of every file; they go last, because debugfs touches directories while it adds to them."""
    for path, _ in tree.items():
        for field in TIME_FIELDS:
            yield f"sif {quote(path)} {field} @{epoch}"
    yield "ssv mtime @0"
    yield f"ssv wtime @{epoch}"
    yield f"ssv lastcheck @{epoch}"


def set_metadata(tree, image_path, epoch, scratch):
    """Owner, mode, xattrs and times of everything in `tree`, which may be a part of what the image holds."""
    work = scratch / (image_path.name + ".debugfs")
    values = work / "xattrs"
    values.mkdir(parents=True)
    try:
        debugfs([*_metadata_commands(tree, values), *_time_commands(tree, epoch)], image_path, epoch, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def debugfs(commands, image_path, epoch, folder):
    """Runs commands; debugfs reports failures on stderr only, its status is always 0."""
    script = folder / "commands"
    script.write_text("\n".join(commands) + "\n", encoding="utf-8", errors="surrogateescape")
    environ = {**os.environ, "E2FSPROGS_FAKE_TIME": str(epoch), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(["debugfs", "-w", "-f", str(script), str(image_path)], env=environ, check=False,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    complaints = [line for line in done.stderr.decode(errors="replace").splitlines()
                  if line.strip() and not line.startswith("debugfs 1.")]
    if done.returncode != 0 or complaints:
        reason = complaints[0] if complaints else f"status {done.returncode}"
        raise BuildError(f"debugfs on {image_path.name}: {reason}", "report this with the e2fsprogs version")

# SPDX-License-Identifier: MIT
"""Puts finished files where the user wants them, with the manifest beside them.

Files are hard links into the cache where possible, read-only; a guest gets its own copy-on-write clone.
"""
import concurrent.futures
import errno
import hashlib
import json
import os
import shutil
import subprocess

from .report import BuildError

# Key in the manifest, file name. Where the machine that builds has no mkfs.erofs, its images are left out.
FILES = (
    ("system", "system.ext4"),
    ("system_next", "system-next.ext4"),
    ("app", "app.ext4"),
    ("user", "user.ext4"),
    ("monolithic", "monolithic.ext4"),
    ("base", "base.ext4"),
    ("base_next", "base-next.ext4"),
    ("block_user", "block-user.qcow2"),
    ("snapshot_user", "snapshot-user.cow"),
    ("home", "home.ext4"),
    ("user_some", "user-some.ext4"),
    ("user_filled", "user-filled.ext4"),
    ("user_medium", "user-medium.ext4"),
    ("user_large", "user-large.ext4"),
    ("layers", "layers.img"),
    ("system_erofs", "system.erofs"),
    ("system_next_erofs", "system-next.erofs"),
    ("workloads", "workloads.tar"),
    ("kernel", "vmlinuz"),
    ("initramfs", "initramfs.img"),
)


def sha256(path):
    """SHA-256 of a file, without reading the holes of a sparse one."""
    total = hashlib.sha256()
    zeros = bytes(1 << 20)
    with open(path, "rb", buffering=0) as stream:
        size = os.fstat(stream.fileno()).st_size
        at = 0
        while at < size:
            data = _seek(stream.fileno(), at, os.SEEK_DATA, size)
            end = _seek(stream.fileno(), data, os.SEEK_HOLE, size)
            while at < data:
                total.update(zeros[:data - at])
                at += min(data - at, len(zeros))
            stream.seek(at)
            while at < end:
                chunk = stream.read(min(end - at, 1 << 20))
                if not chunk:
                    raise BuildError(f"{path} became shorter while it was read", "run build again")
                total.update(chunk)
                at += len(chunk)
    return total.hexdigest()


def _seek(fd, offset, whence, size):
    """The next data or hole at or after `offset`; the end of the file when there is none."""
    try:
        return os.lseek(fd, offset, whence)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return size
        raise


def describe(path):
    """What the manifest says of a file, plus what tells cheaply that nobody has changed it since."""
    digest = sha256(path)
    info = os.stat(path)
    return {"sha256": digest, "bytes": info.st_size, "mtime_ns": info.st_mtime_ns}


def describe_all(folder, told):
    """The same for every file of a folder, by name; `told` is what the manifest says of some beyond that."""
    paths = sorted(path for path in folder.iterdir() if path.is_file())
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        described = {path.name: found for path, found in zip(paths, pool.map(describe, paths))}
    for name, extra in told.items():
        described[name]["extra"] = extra
    return described


def unchanged(folder, described):
    """Whether the files of a finished folder are still as described."""
    for name, known in described.items():
        try:
            info = os.stat(folder / name)
        except FileNotFoundError:
            return False
        if (info.st_size, info.st_mtime_ns) != (known["bytes"], known["mtime_ns"]):
            return False
    return True


def manifest(described, build, inputs):
    """The document which ARCHITECTURE.md describes."""
    files = {key: {"path": name, "sha256": described[name]["sha256"], "bytes": described[name]["bytes"],
                   **described[name].get("extra", {})}
             for key, name in FILES if name in described}
    return {"schema": 1, "files": files, "kernel_version": build["kernel_version"],
            "packages": build["packages"], "inputs_sha256": inputs}


def place(source, target):
    """A hard link, or else a sparse copy, of `source` at `target`."""
    if target.exists() and os.path.samefile(source, target):
        return  # rename would do nothing either, and leave the second name behind
    scratch = target.with_name(f".{target.name}.new")
    scratch.unlink(missing_ok=True)
    try:
        os.link(source, scratch)
    except OSError:
        done = subprocess.run(["cp", "--sparse=always", "--reflink=auto", "--preserve=mode,timestamps", str(source), str(scratch)],
                              stderr=subprocess.PIPE, check=False)
        if done.returncode != 0:
            scratch.unlink(missing_ok=True)
            reason = done.stderr.decode(errors="replace").strip()
            raise BuildError(f"cannot write {target}: {reason}", "make room, or choose another --out") from None
    os.replace(scratch, target)


def write_out(out, sources, document):
    """Fills `out`; the manifest comes last, so that an interrupted run leaves no new one."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, source in sources.items():
            place(source, out / name)
        scratch = out / ".manifest.json.new"
        scratch.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        os.replace(scratch, out / "manifest.json")
    except OSError as error:
        raise BuildError(f"cannot write {out}: {error.strerror}", "choose another --out") from error


def seal(folder):
    """Makes the files of a folder read-only: clones are for guests, not these."""
    for path in folder.iterdir():
        if path.is_file():
            path.chmod(0o444)


def drop(path):
    """Removes a folder of intermediate files."""
    shutil.rmtree(path, ignore_errors=True)

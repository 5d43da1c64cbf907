# SPDX-License-Identifier: MIT
"""A personalised copy of a base image: what the user's layer changes, carried out by debugfs.

Only what differs is touched, so that the copy shares nearly all its blocks with the base: that difference is
what the block layouts give to a guest. Allocation by debugfs is deterministic, and so are the bytes.
"""
import os
import shutil
from dataclasses import replace

from . import ext4
from .report import BuildError, run
from .tree import Tree


def changes(base, upper):
    """(removed, touched): paths of `base` that go, children first, and a Tree of what is written.

    `upper` is in overlay format. The entries of `touched` are plain; directories that are in it only because
    something below them changes carry the metadata they have in the base.
    """
    result = base.copy()
    removed, written = [], {}
    for path, entry in upper.items():
        if path == "/":
            continue
        opaque = any(name == "trusted.overlay.opaque" for name, _ in entry.xattrs)
        below = result.entries.get(path)
        if below is not None and (entry.kind != "dir" or below.kind != "dir" or opaque):
            doomed = [p for p, _ in result.items() if p == path or p.startswith(path + "/")]
            removed += reversed(doomed)
            for gone in doomed:
                del result.entries[gone]
            below = None
        if entry.kind == "whiteout":
            continue
        plain = replace(entry, xattrs=tuple(x for x in entry.xattrs if not x[0].startswith("trusted.overlay.")))
        if plain != below:
            written[path] = result.entries[path] = plain
    touched = Tree()
    touched.entries["/"] = result.entries["/"]
    for path in [*written, *removed]:
        while (path := os.path.dirname(path)) in result.entries and path not in written:
            touched.entries[path] = result.entries[path]
            if path == "/":
                break
    touched.entries.update(written)
    _refuse_links(written)
    return removed, touched, set(written)


def _refuse_links(written):
    blobs = [entry.blob for entry in written.values() if entry.blob]
    if len(blobs) != len(set(blobs)):
        raise BuildError("the user's tree has hard links, which a changed image cannot get", "make them files of their own")


def _content_commands(base, removed, touched, written):
    """debugfs commands that remove and make; metadata come afterwards, for all at once."""
    for path in removed:
        yield f"{'rmdir' if base.entries[path].kind == 'dir' else 'rm'} {ext4.quote(path)}"
    gone = set(removed)
    for path, entry in touched.items():
        if path not in written or (path in base.entries and path not in gone):
            continue  # there already: an old directory with new metadata at most
        name = ext4.quote(os.path.basename(path))
        yield f"cd {ext4.quote(os.path.dirname(path))}"
        if entry.kind == "dir":
            yield f"mkdir {name}"
        elif entry.kind == "symlink":
            yield f"symlink {name} {ext4.quote(entry.target)}"
        else:
            yield f"write {ext4.quote(entry.blob)} {name}"


def write(base, upper, base_image, image_path, epoch, scratch):
    """Makes `image_path`: `base_image`, which holds `base`, with the changes of `upper`."""
    removed, touched, written = changes(base, upper)
    run(["cp", "--sparse=always", "--reflink=auto", str(base_image), str(image_path)], f"copying {base_image.name}")
    image_path.chmod(0o644)
    work = scratch / (image_path.name + ".delta")
    work.mkdir()
    try:
        ext4.debugfs([*_content_commands(base, removed, touched, written)], image_path, epoch, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    ext4.set_metadata(touched, image_path, epoch, scratch)


def differing(base_image, image_path, chunk_bytes):
    """(number, bytes) of every chunk of `image_path` that is not the same in `base_image`."""
    with open(base_image, "rb") as old, open(image_path, "rb") as new:
        size = os.fstat(new.fileno()).st_size
        if size != os.fstat(old.fileno()).st_size or size % chunk_bytes:
            raise BuildError(f"{image_path.name} and its base are not of one size in whole chunks", "mend base.conf")
        step = 16 * chunk_bytes
        for at in range(0, size, step):
            if _is_hole(old.fileno(), at, step) and _is_hole(new.fileno(), at, step):
                continue
            old.seek(at)
            new.seek(at)
            before, after = old.read(step), new.read(step)
            if before == after:
                continue
            for start in range(0, len(after), chunk_bytes):
                chunk = after[start:start + chunk_bytes]
                if chunk != before[start:start + chunk_bytes]:
                    yield (at + start) // chunk_bytes, chunk


def _is_hole(fd, at, length):
    try:
        return os.lseek(fd, at, os.SEEK_DATA) >= at + length
    except OSError:
        return True  # no data up to the end

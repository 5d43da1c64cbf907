# SPDX-License-Identifier: MIT
"""Trees that are made and not installed: a user's many files, and many small layers.

Contents and sizes come from SHAKE-128 of a seed and a number, so they are the same everywhere and a compressing
disk finds nothing in them.
"""
import hashlib
import math

from . import ext4
from .report import BuildError
from .tree import BlobStore, Entry, Tree

SMALL, LARGE = 512, 8192


def filling(seed, number):
    """Bytes of a small file: sizes are spread evenly over the logarithm from 0.5 to 8 KiB, as small files are."""
    name = f"{seed} {number}".encode()
    fraction = int.from_bytes(hashlib.sha256(name).digest()[:4], "big") / (1 << 32)
    size = int(SMALL * math.exp2(fraction * math.log2(LARGE / SMALL)))
    return hashlib.shake_128(name).digest(size)


def fill(tree, section, store):
    """Adds to `tree` what the [fill] section of a conf asks for: `count` files from the number `first` on."""
    first, count, per_directory = (int(section.get(name, "0")) for name in ("first", "count", "per_directory"))
    uid, gid = (int(part) for part in section.get("owner", "0:0").split(":"))
    folder = section["folder"]
    tree.entries.setdefault(folder, Entry("dir", 0o755, uid, gid))
    for number in range(first, first + count):
        at = folder
        if per_directory:
            at = f"{folder}/{number // per_directory:03d}"
            tree.entries.setdefault(at, Entry("dir", 0o755, uid, gid))
        blob = store.add_bytes(filling(section["seed"], number))
        tree.entries[f"{at}/{number:05d}"] = Entry("file", 0o644, uid, gid, blob)
    tree.add_parents()


def layer_tree(number, folder, store):
    """The small application layer `number`: files of its own, a place in a shared directory, a file that all have."""
    def text(line):
        return Entry("file", 0o644, blob=store.add_bytes(f"{line}\n".encode()))

    tree = Tree()
    tree.entries[f"{folder}/layers/{number:02d}/own"] = text(f"layer {number:02d}")
    tree.entries[f"{folder}/layers/shared/{number:02d}"] = text(f"layer {number:02d}")
    tree.entries[f"{folder}/which-layer"] = text(f"{number:02d}")
    tree.add_parents()
    return tree


def write_layers(path, conf, blobs, config, epoch, scratch):
    """One file of `count` ext4 images of one size, one after the other; returns what the manifest says of it."""
    settings, section = conf["image"], conf["layers"]
    count = int(section["count"])
    slice_bytes = int(settings["size_mib"]) << 20
    if not 0 < count < 100:
        raise BuildError(f"layers.conf: count = {count}", "layers have two digits: use 1 to 99")
    store = BlobStore(blobs)
    with open(path, "wb") as out:
        out.truncate(count * slice_bytes)
        for number in range(1, count + 1):
            piece = scratch / f"layer{number:02d}.ext4"
            own = {"size_mib": settings["size_mib"], "label": f"{settings['label']}{number:02d}",
                   "uuid": f"{settings['uuid'][:-2]}{number:02d}"}
            ext4.write(layer_tree(number, section["folder"], store), piece, Named(own, settings.name), config, epoch, scratch)
            out.seek((number - 1) * slice_bytes)
            out.write(piece.read_bytes())
            piece.unlink()
    return {"count": count, "slice_bytes": slice_bytes}


class Named(dict):
    """Stands for a section of a conf, whose name an error tells."""

    def __init__(self, values, name):
        super().__init__(values)
        self.name = name

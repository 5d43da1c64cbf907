# SPDX-License-Identifier: MIT
"""The disks of a guest: which images a layout attaches, how QEMU is told of each, and what one holds afterwards."""
import dataclasses
import json
import pathlib
import shutil
import struct
import subprocess

CHUNK_SECTOR = 512


@dataclasses.dataclass(frozen=True)
class Slice:
    """A part of a file."""

    path: pathlib.Path
    offset: int
    size: int

    def options(self):
        return f"driver=raw,offset={self.offset},size={self.size},file.driver=file,file.filename={self.path}"


@dataclasses.dataclass(frozen=True)
class Overlay:
    """A qcow2 file over a base that only the command line names."""

    path: pathlib.Path
    base: pathlib.Path

    def options(self):
        return (f"driver=qcow2,file.driver=file,file.filename={self.path},backing.driver=raw,"
                f"backing.file.driver=file,backing.file.filename={self.base}")

    def whole(self, out):
        """The disk as a plain file."""
        parts = {"driver": "qcow2", "file": {"driver": "file", "filename": str(self.path)},
                 "backing": {"driver": "raw", "file": {"driver": "file", "filename": str(self.base)}}}
        subprocess.run(["qemu-img", "convert", "-O", "raw", f"json:{json.dumps(parts)}", str(out)], check=True)
        return out


@dataclasses.dataclass(frozen=True)
class Store:
    """dm-snapshot's exception store; the guest puts it over the base, QEMU knows nothing of that."""

    path: pathlib.Path
    base: pathlib.Path

    def options(self):
        return f"format=raw,file={self.path}"

    def whole(self, out):
        subprocess.run(["cp", "--sparse=always", "--no-preserve=mode", str(self.base), str(out)], check=True)
        with open(out, "r+b") as target:
            for number, data in exceptions(self.path):
                target.seek(number * len(data))
                target.write(data)
        return out


def exceptions(path):
    """(chunk of the origin, its bytes) of everything in an exception store, as the kernel would find it."""
    with open(path, "rb") as store:
        magic, valid, version, sectors = struct.unpack("<IIII", store.read(16))
        assert (magic, valid, version) == (0x70416E53, 1, 1), (magic, valid, version)
        size = sectors * CHUNK_SECTOR
        pairs = size // 16
        area = 1
        while True:
            store.seek(area * size)
            for old, new in struct.iter_unpack("<QQ", store.read(size)):
                if new == 0:
                    return
                store.seek(new * size)
                yield old, store.read(size)
            area += pairs + 1


def drive(path):
    """The part of a -drive option that says where the bytes are."""
    return path.options() if hasattr(path, "options") else f"format=raw,file={path}"


def clone(source, target):
    subprocess.run(["cp", "--sparse=always", "--no-preserve=mode", str(source), str(target)], check=True)
    return target


def layer_slices(images):
    """(serial, Slice) of every layer, bottom first."""
    entry = json.loads((images / "manifest.json").read_text(encoding="utf-8"))["files"]["layers"]
    return [(f"app{n + 1}", Slice(images / entry["path"], n * entry["slice_bytes"], entry["slice_bytes"]))
            for n in range(entry["count"])]


def layout(images, folder, name, engine="overlayfs", options="", system="system.ext4", layers=0):
    """(disks, command line) of a layout, with fresh clones of what is written.

    A disk is (serial, path or one of the classes above, read-only). `system` is the file of the system image in fine,
    and `layers` how many of the small layers lie over the app image.
    """
    folder = pathlib.Path(folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)

    def own(file):
        return clone(images / file, folder / file)

    where = "blend.system=SERIAL=system"
    if name == "monolithic":
        return [("system", own("monolithic.ext4"), False)], f"blend.layout=monolithic {where} {options}"
    if name == "block":
        line = f"blend.layout=block blend.engine={engine} {where}"
        base = images / "base.ext4"
        if engine == "qcow2":
            return [("system", Overlay(own("block-user.qcow2"), base), False)], f"{line} {options}"
        store = Store(own("snapshot-user.cow"), base)
        return [("system", base, True), ("user", store, False)], f"{line} blend.user=SERIAL=user {options}"
    apps = [("app0", images / "app.ext4", True)]
    if layers:  # the top comes first on the command line
        apps = [(serial, part, True) for serial, part in reversed(layer_slices(images)[:layers])] + apps
    where += f" blend.app={','.join(f'SERIAL={serial}' for serial, _, _ in apps)} blend.user=SERIAL=user"
    if name.startswith("coarse"):
        at_home = name == "coarse-home"
        disks = [("system", own("system.ext4"), False), *apps, ("user", own("home.ext4" if at_home else "user.ext4"), False)]
        return disks, f"blend.layout=coarse {where} {'blend.user_at=/home' if at_home else ''} {options}"
    disks = [("system", images / system, True), *apps, ("user", own("user.ext4"), False)]
    return disks, f"blend.layout=fine blend.engine={engine} {where} {options}"

# SPDX-License-Identifier: MIT
"""Kernel and initramfs.

The kernel is taken out of its self-extracting wrapper where possible: an emulated CPU spends seconds on
unpacking it, and QEMU starts a plain ELF kernel through its PVH entry. The initramfs is an uncompressed
cpio archive written here, sorted and with fixed times, for the same reason and to be reproducible.
"""
import gzip
import lzma
import re
import shutil
import struct
import subprocess
import tempfile
import zlib

from . import packages
from .report import BuildError, run, warn
from .tree import BlobStore, Tree

# busybox finds its applets by name only while it looks at argv[0]; these are what our scripts call.
APPLETS = ("cat", "cp", "cttyhack", "dd", "dmesg", "grep", "insmod", "ln", "ls", "mkdir", "mount", "poweroff", "ps",
           "setsid", "sh", "sleep", "switch_root", "sync", "tr", "umount", "vi")
SCRIPTS = ("init", "functions", "shutdown")
# What the scripts of the initramfs load, each after those it needs; what is built into a kernel has no file.
MODULES = ("virtio_blk", "virtio_mmio", "overlay", "loop", "dm_mod", "dm_bufio", "dm_snapshot", "libcrc32c", "erofs",
           "virtiofs")


def unpack(debs, scratch):
    """One tree with the files of all boot packages."""
    tree = Tree()
    store = BlobStore(scratch / "boot-blobs")
    for name in sorted(debs):
        process = packages.deb_stream(debs[name])
        tree.add_tar(process.stdout, store, only=_wanted)
        process.stdout.close()
        if process.wait() != 0:
            raise BuildError(f"cannot unpack {name}", "run build --force")
    return tree


def _wanted(path):
    if path.startswith("/boot/vmlinuz") or path.endswith("/bin/busybox"):
        return True
    return re.search(r"/([^/]+)\.ko(\.\w+)?$", path) is not None and module_name(path) in MODULES


def module_name(path):
    return path.rsplit("/", 1)[-1].split(".ko")[0].replace("-", "_")


def decompress_module(path, blob):
    """A module's plain bytes: the kernel then need not unpack it, and its signature is over these."""
    data = _content(blob)
    if path.endswith(".xz"):
        return lzma.decompress(data)
    if path.endswith(".gz"):
        return gzip.decompress(data)
    if path.endswith(".zst"):
        return _zstd(data, path)
    return data


def _zstd(data, what, trailing=False):
    """Plain bytes; with `trailing`, other bytes may follow the packed ones, which zstd calls an error."""
    if shutil.which("zstd") is None:
        raise BuildError(f"unpacking {what}: zstd is not installed", "run setup/install")
    done = subprocess.run(["zstd", "-d", "-q", "-c"], input=data, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)
    if done.returncode != 0 and not trailing:
        raise BuildError(f"unpacking {what}: {done.stderr.decode(errors='replace').strip()}", "run build --force")
    return done.stdout


def elf_kernel(image):
    """The ELF kernel inside a bzImage, by the header's payload fields; None when there is none to be had
    that QEMU could start (it looks for a PVH note, of owner "Xen")."""
    if image[0x202:0x206] != b"HdrS":
        return None
    setup_sectors = image[0x1F1] or 4
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (setup_sectors + 1) * 512 + offset
    payload = image[start:start + length]
    try:
        if payload[:4] == b"\x28\xb5\x2f\xfd":
            plain = _zstd(payload, "the kernel", trailing=True)
        elif payload[:6] == b"\xfd7zXZ\x00":
            plain = lzma.LZMADecompressor().decompress(payload)
        elif payload[:2] == b"\x1f\x8b":
            plain = zlib.decompressobj(31).decompress(payload)
        else:
            return None
    except (zlib.error, lzma.LZMAError):
        return None
    return plain if plain[:4] == b"\x7fELF" and b"Xen\x00" in plain else None


def kernel(tree):
    """(version, bytes) of the kernel."""
    found = [path for path in tree.entries if path.startswith("/boot/vmlinuz-")]
    if len(found) != 1:
        raise BuildError(f"the kernel package holds {len(found)} kernels", "mend guest.conf")
    image = _content(tree.entries[found[0]].blob)
    plain = elf_kernel(image)
    if plain is None:
        warn("the kernel stays compressed: guests boot, some seconds slower when emulated")
    return found[0][len("/boot/vmlinuz-"):], plain or image


class Cpio:
    """An archive in newc format, as the kernel reads it; everything belongs to root."""

    def __init__(self, epoch):
        self._chunks = []
        self._epoch = epoch
        self._inode = 0

    def _add(self, name, mode, data=b"", links=1, rdev=(0, 0)):
        self._inode += 1
        encoded = name.encode() + b"\x00"
        fields = (self._inode, mode, 0, 0, links, self._epoch, len(data), 0, 0, *rdev, len(encoded), 0)
        header = b"070701" + b"".join(b"%08X" % value for value in fields)
        self._chunks.append(self._pad(header + encoded) + self._pad(data))

    @staticmethod
    def _pad(data):
        return data + b"\x00" * (-len(data) % 4)

    def directory(self, name):
        self._add(name, 0o040755, links=2)

    def file(self, name, data, mode=0o755):
        self._add(name, 0o100000 | mode, data)

    def symlink(self, name, target):
        self._add(name, 0o120777, target.encode())

    def char_device(self, name, major, minor):
        self._add(name, 0o020600, rdev=(major, minor))

    def bytes(self):
        self._add("TRAILER!!!", 0)
        data = b"".join(self._chunks)
        return data + b"\x00" * (-len(data) % 512)


def base_archive(tree, tools, epoch):
    """The part of the initramfs that comes from packages: busybox, modules, the guest's tools (name to path)."""
    archive = Cpio(epoch)
    for name in ("bin", "dev", "lib", "lib/modules", "proc", "run", "sys", "sysroot",
                 "usr", "usr/lib", "usr/lib/blend"):
        archive.directory(name)
    archive.char_device("dev/console", 5, 1)
    busybox = [path for path in tree.entries if path.endswith("/bin/busybox")]
    if len(busybox) != 1:
        raise BuildError("no busybox among the boot packages", "run build --force")
    archive.file("bin/busybox", _content(tree.entries[busybox[0]].blob))
    for applet in sorted(APPLETS):
        archive.symlink(f"bin/{applet}", "busybox")
    for path, entry in tree.items():
        if ".ko" in path:
            archive.file(f"lib/modules/{module_name(path)}.ko", decompress_module(path, entry.blob), 0o644)
    for name, path in sorted(tools.items()):
        archive.file(f"usr/lib/blend/{name}", _content(path))
    return archive.bytes()


def top_archive(scripts_dir, blendfs, epoch):
    """The part that changes often: our scripts and, unless None, a static blendfs. The kernel unpacks
    archives that follow each other as one."""
    archive = Cpio(epoch)
    for name in SCRIPTS:
        archive.file(name, (scripts_dir / name).read_bytes())
    if blendfs is not None:
        archive.file("bin/blendfs", _stripped(blendfs))
    return archive.bytes()


def _stripped(path):
    """The program without its debug information, which would be most of the initramfs."""
    with tempfile.TemporaryDirectory() as folder:
        out = f"{folder}/stripped"
        run(["strip", "-o", out, str(path)], f"stripping {path}")
        return _content(out)


def _content(path):
    with open(path, "rb") as stream:
        return stream.read()


def check_static(path):
    """Refuses what could not start in an initramfs without libraries."""
    data = path.read_bytes() if path.is_file() else b""
    if data[:5] != b"\x7fELF\x02":
        raise BuildError(f"--blendfs {path}: not a 64-bit ELF program", "build the target blendfs-static")
    offset, = struct.unpack_from("<Q", data, 0x20)
    size, count = struct.unpack_from("<HH", data, 0x36)
    for number in range(count):
        if struct.unpack_from("<I", data, offset + number * size)[0] == 3:  # PT_INTERP
            raise BuildError(f"--blendfs {path}: needs shared libraries", "build the target blendfs-static")

# SPDX-License-Identifier: MIT
"""The kernel and the initramfs: unpacking a bzImage, the archive's format, refusing unfit binaries."""
import pathlib
import shutil
import struct
import subprocess
import tempfile
import unittest
import zlib

import support
from builder import boot
from builder.report import BuildError

EPOCH = 1735689600
ELF = b"\x7fELF" + bytes(60) + b"Xen\x00" + b"text" * 1000


def bzimage(payload, setup_sectors=3, length=None):
    """A kernel image as far as its header says where the payload is."""
    head = bytearray((setup_sectors + 1) * 512)
    head[0x1F1] = setup_sectors
    head[0x202:0x206] = b"HdrS"
    offset = 64
    struct.pack_into("<II", head, 0x248, offset, length if length is not None else len(payload))
    return bytes(head) + bytes(offset) + payload + b"trailing bytes"


def gzip_bytes(data):
    packer = zlib.compressobj(wbits=31)
    return packer.compress(data) + packer.flush()


class Kernel(unittest.TestCase):
    def test_gzip_payload(self):
        self.assertEqual(boot.elf_kernel(bzimage(gzip_bytes(ELF))), ELF)

    def test_zstd_payload(self):
        if shutil.which("zstd") is None:
            self.skipTest("zstd is not installed")
        packed = subprocess.run(["zstd", "-q", "-c"], input=ELF, stdout=subprocess.PIPE, check=True).stdout
        # As the kernel's build does: the size of the plain bytes follows the packed ones.
        self.assertEqual(boot.elf_kernel(bzimage(packed + struct.pack("<I", len(ELF)))), ELF)

    def test_what_qemu_could_not_start_stays_as_it_is(self):
        self.assertIsNone(boot.elf_kernel(bzimage(gzip_bytes(b"\x7fELF without the PVH note"))))
        self.assertIsNone(boot.elf_kernel(bzimage(b"unknown packing")))
        self.assertIsNone(boot.elf_kernel(bytes(4096)))

    def test_a_damaged_payload_is_no_kernel(self):
        packed = bytearray(gzip_bytes(ELF))
        packed[30] ^= 0xFF
        packed[31] ^= 0xFF
        self.assertIsNone(boot.elf_kernel(bzimage(bytes(packed))))


class Archive(unittest.TestCase):
    def test_names_modes_sizes_and_alignment(self):
        archive = boot.Cpio(EPOCH)
        archive.directory("a")
        archive.file("a/odd", b"12345")
        archive.symlink("a/link", "odd")
        archive.char_device("a/console", 5, 1)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "x"
            path.write_bytes(archive.bytes() + boot.Cpio(EPOCH).bytes())  # two in one file
            self.assertEqual(support.cpio_names(path), {"a": (0o040755, 0), "a/odd": (0o100755, 5),
                                                        "a/link": (0o120777, 3), "a/console": (0o020600, 0)})

    def test_other_programs_read_it(self):
        if shutil.which("busybox") is None:
            self.skipTest("busybox is not installed")
        archive = boot.Cpio(EPOCH)
        archive.file("odd", b"12345")
        out = subprocess.run(["busybox", "cpio", "-t"], input=archive.bytes(), stdout=subprocess.PIPE, check=True,
                             stderr=subprocess.DEVNULL).stdout
        self.assertEqual(out, b"odd\n")


class StaticBinary(unittest.TestCase):
    def test_a_script_is_refused(self):
        with self.assertRaisesRegex(BuildError, "not a 64-bit ELF.*blendfs-static"):
            boot.check_static(pathlib.Path(__file__))

    def test_a_missing_file_is_refused(self):
        with self.assertRaisesRegex(BuildError, "blendfs-static"):
            boot.check_static(pathlib.Path("/nonexistent/blendfs"))

    def test_a_dynamic_program_is_refused(self):
        with self.assertRaisesRegex(BuildError, "shared libraries"):
            boot.check_static(pathlib.Path("/bin/sh").resolve())


class Scripts(unittest.TestCase):
    def test_shell_syntax(self):
        for name in boot.SCRIPTS:
            subprocess.run(["sh", "-n", str(support.VM_DIR / "initramfs" / name)], check=True)

    def test_every_script_of_the_folder_is_in_the_archive(self):
        self.assertEqual(sorted(boot.SCRIPTS), sorted(p.name for p in (support.VM_DIR / "initramfs").iterdir()))


if __name__ == "__main__":
    unittest.main()

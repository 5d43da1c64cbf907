# SPDX-License-Identifier: MIT
"""Made trees and files: fillings, layers, workloads' archives, EROFS images; the same bytes whoever makes them."""
import io
import os
import pathlib
import shutil
import subprocess
import tarfile
import tempfile
import unittest

import support
from builder import erofs, variants, workloads
from builder.report import BuildError
from builder.tree import BlobStore, Entry, Tree

EPOCH = 1735689600
UUID = "6b1e0d2c-00fe-4b1d-9c57-626c656e64fe"


class VariantsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.store = BlobStore(self.folder / "blobs")


class Fillings(VariantsTest):
    def test_sizes_are_those_of_small_files(self):
        sizes = sorted(len(variants.filling("seed", number)) for number in range(1000))
        self.assertGreaterEqual(sizes[0], 512)
        self.assertLessEqual(sizes[-1], 8192)
        self.assertTrue(1500 < sizes[500] < 2700, sizes[500])  # the middle of the logarithm is 2 KiB

    def test_directories_owners_and_numbers(self):
        tree = Tree()
        variants.fill(tree, {"folder": "/home/fill", "count": "250", "per_directory": "100", "owner": "1000:1000", "seed": "x"},
                      self.store)
        self.assertEqual(tree.entries["/home/fill/002"], Entry("dir", 0o755, 1000, 1000))
        self.assertEqual(tree.entries["/home/fill/002/00249"].uid, 1000)
        self.assertEqual(sum(entry.kind == "file" for entry in tree.entries.values()), 250)

    def test_layers_differ_in_what_all_have(self):
        one, two = (variants.layer_tree(number, "/share", self.store) for number in (1, 2))
        self.assertEqual(set(one.entries) & set(two.entries),
                         {"/", "/share", "/share/layers", "/share/layers/shared", "/share/which-layer"})
        self.assertNotEqual(one.digest(), two.digest())


class Workloads(VariantsTest):
    def packed(self):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w:gz") as archive:
            for name in ("lua-1/b", "lua-1/a"):
                info = tarfile.TarInfo(name)
                info.size, info.mtime, info.uid, info.mode = 1, 5, 1000, 0o775
                archive.addfile(info, io.BytesIO(name[-1:].encode()))
        return out.getvalue()

    def test_repacked_plainly(self):
        plain = workloads.repack(io.BytesIO(self.packed()), EPOCH)
        with tarfile.open(fileobj=io.BytesIO(plain), mode="r:") as archive:
            members = archive.getmembers()
            self.assertEqual([(m.name, m.mtime, m.uid, m.mode) for m in members],
                             [("lua-1/a", EPOCH, 0, 0o755), ("lua-1/b", EPOCH, 0, 0o755)])
            self.assertEqual(archive.extractfile(members[1]).read(), b"b")

    def test_missing_files_are_told(self):
        with self.assertRaisesRegex(BuildError, "workloads.conf"):
            workloads.collect({"a.deb": "x"}, self.store, EPOCH)


@unittest.skipUnless(erofs.available(), "mkfs.erofs or fakeroot is not installed; run setup/install")
class Erofs(VariantsTest):
    def write(self, name="a.erofs"):
        scratch = self.folder / f"scratch-{name}"
        scratch.mkdir()
        store = BlobStore(scratch / "blobs")
        tree = Tree()
        tree.entries.update({
            "/bin": Entry("dir", 0o755), "/etc": Entry("dir", 0o1777, 3, 4), "/etc/link": Entry("symlink", 0o777, 7, 8, target="x"),
            "/bin/su": Entry("file", 0o4755, 0, 42, store.add_bytes(b"p" * 5000), xattrs=(("security.capability", "01020304"),)),
            "/etc/shadow": Entry("file", 0o640, 0, 42, store.add_bytes(b"secret")),
        })
        tree.entries["/bin/second"] = tree.entries["/bin/su"]
        erofs.write(tree, self.folder / name, UUID, EPOCH, scratch)
        self.assertEqual([path.name for path in scratch.iterdir()], ["blobs"])
        return self.folder / name

    def test_the_same_bytes_every_time(self):
        self.assertEqual(self.write("a.erofs").read_bytes(), self.write("b.erofs").read_bytes())

    def test_metadata(self):
        image = self.write()
        self.assertEqual(image.read_bytes()[1024:1028], b"\xe2\xe1\xf5\xe0")
        self.assertIn(bytes.fromhex("01020304"), image.read_bytes(), "the xattr's value")
        said = subprocess.run(["dump.erofs", "--path=/bin/su", str(image)], check=True, stdout=subprocess.PIPE).stdout.decode()
        self.assertRegex(said, r"Uid: 0\s+Gid: 42\s+Access: \d755/")
        self.assertRegex(said, r"Links: 2\b")  # dump.erofs does not show the setuid bit; guests see it

    @unittest.skipUnless(os.geteuid() == 0, "only root can try it as somebody else")
    def test_an_ordinary_user_writes_the_same_bytes(self):
        mine = self.write("root.erofs")
        theirs = self.folder / "user"
        theirs.mkdir()
        self.folder.chmod(0o755)
        for name in ("builder", "tests"):
            shutil.copytree(support.VM_DIR / name, theirs / name, ignore=shutil.ignore_patterns("__pycache__"))
        for path in [theirs, *theirs.rglob("*")]:
            os.chown(path, 65534, 65534)
        script = ("import sys, pathlib; sys.path[:0] = ['.', 'tests']; import test_variants; case = test_variants.Erofs(); "
                  "case.folder = pathlib.Path('.').resolve(); case.write('user.erofs')")
        subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/python3", "-B", "-c", script],
                       cwd=theirs, check=True)
        self.assertEqual((theirs / "user.erofs").read_bytes(), mine.read_bytes())


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: MIT
"""Writing a tree into an image: owners, modes, xattrs, whiteouts, links, and the same bytes every time."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import support
from builder import ext4
from builder.report import BuildError
from builder.tree import BlobStore, Entry, Tree

EPOCH = 1735689600
CONFIG = support.VM_DIR / "images" / "mke2fs.conf"


class Settings(dict):
    """Stands for a section of a conf, which has a name besides its keys."""

    name = "image"


SETTINGS = Settings(size_mib="16", label="test", uuid="6b1e0d2c-00ff-4b1d-9c57-626c656e64ff")


class Ext4Test(unittest.TestCase):
    def setUp(self):
        if shutil.which("mke2fs", path=support.SBIN["PATH"]) is None:
            self.skipTest("mke2fs is not installed; run setup/install")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        os.environ["PATH"] = support.SBIN["PATH"]

    def sample(self, store):
        tree = Tree()
        tree.entries.update({
            "/bin": Entry("dir", 0o755),
            "/bin/su": Entry("file", 0o4755, blob=store.add_bytes(b"program"), xattrs=(("security.capability", "01020304"),)),
            "/etc": Entry("dir", 0o755),
            "/etc/shadow": Entry("file", 0o640, uid=0, gid=42, blob=store.add_bytes(b"secret")),
            "/etc/name with 'quotes' \\x2d": Entry("file", 0o600, uid=1000, gid=1000, blob=store.add_bytes(b"odd")),
            "/etc/link": Entry("symlink", 0o777, uid=7, gid=8, target="../bin/su"),
            "/etc/long": Entry("symlink", 0o777, target="x" * 200),
            "/etc/gone": Entry("whiteout", 0),
            "/etc/opaque": Entry("dir", 0o1777, uid=3, gid=4, xattrs=(("trusted.overlay.opaque", b"y".hex()),)),
        })
        tree.entries["/bin/second"] = tree.entries["/bin/su"]
        return tree

    def write(self, name="a.ext4", tree=None, settings=SETTINGS):
        scratch = self.folder / f"scratch-{name}"
        scratch.mkdir()
        image = self.folder / name
        ext4.write(tree or self.sample(BlobStore(scratch / "blobs")), image, settings, CONFIG, EPOCH, scratch)
        left = sorted(path.name for path in scratch.iterdir())
        self.assertIn(left, (["blobs"], []), "writing leaves nothing behind")
        return image

    def test_metadata_comes_from_the_tree(self):
        image = self.write()
        etc = support.listing(image, "/etc")
        self.assertEqual(etc["shadow"], (0o100640, 0, 42))
        self.assertEqual(etc["name with 'quotes' \\x2d"], (0o100600, 1000, 1000))
        self.assertEqual(etc["opaque"], (0o041777, 3, 4))
        self.assertEqual(etc["link"][1:], (7, 8))
        self.assertEqual(support.listing(image, "/bin")["su"][0], 0o104755)
        self.assertEqual(support.listing(image, "/")["bin"], (0o040755, 0, 0))

    def test_whiteouts_are_devices_zero_zero(self):
        image = self.write()
        self.assertEqual(support.listing(image, "/etc")["gone"], (0o020000, 0, 0))
        self.assertIn("Device major/minor number: 00:00", support.debugfs(image, "stat /etc/gone"))

    def test_xattrs(self):
        image = self.write()
        self.assertIn("= 01 02 03 04", support.debugfs(image, "ea_get -x /bin/su security.capability"))
        self.assertIn('"y"', support.debugfs(image, "ea_list /etc/opaque"))

    def test_links_and_contents(self):
        image = self.write()
        self.assertEqual(support.content(image, "/etc/shadow"), "secret")
        self.assertIn("Links: 2", support.debugfs(image, "stat /bin/second"))
        self.assertIn("x" * 200, support.debugfs(image, "cat /etc/long"))

    def test_times_are_the_epoch(self):
        stat = support.debugfs(self.write(), "stat /etc/shadow")
        for field in ("ctime", "atime", "mtime", "crtime"):
            self.assertRegex(stat, rf"\b{field}: 0x{EPOCH:08x}:00000000")

    def test_the_file_system_is_clean(self):
        clean, said = support.fsck(self.write())
        self.assertTrue(clean, said)

    def test_the_same_tree_gives_the_same_bytes(self):
        first, second = self.write("a.ext4"), self.write("b.ext4")
        self.assertEqual(first.read_bytes(), second.read_bytes())

    def test_a_tree_too_large_is_one_clear_error(self):
        store = BlobStore(self.folder / "large")
        tree = Tree()
        tree.entries["/large"] = Entry("file", 0o644, blob=store.add_bytes(os.urandom(20 << 20)))
        with self.assertRaisesRegex(BuildError, "a.ext4.*size_mib"):
            self.write(tree=tree)

    @unittest.skipUnless(os.geteuid() == 0, "only root can try it as somebody else")
    def test_an_ordinary_user_writes_the_same_bytes(self):
        mine = self.write("root.ext4")
        theirs = self.folder / "user"
        theirs.mkdir()
        self.folder.chmod(0o755)
        # Others may not read the checkout: they get a copy.
        shutil.copytree(support.VM_DIR / "builder", theirs / "builder", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(support.VM_DIR / "tests", theirs / "tests", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(support.VM_DIR / "images", theirs / "images", symlinks=True)
        for path in [theirs, *theirs.rglob("*")]:
            os.chown(path, 65534, 65534, follow_symlinks=False)
        script = ("import sys, pathlib, os; sys.path[:0] = ['.', 'tests']; import test_ext4, support; "
                  "os.environ['PATH'] = support.SBIN['PATH']; case = test_ext4.Ext4Test(); "
                  "case.folder = pathlib.Path('.').resolve(); case.write('user.ext4')")
        subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                        "/usr/bin/python3", "-B", "-c", script], cwd=theirs, check=True)
        self.assertEqual((theirs / "user.ext4").read_bytes(), mine.read_bytes())


if __name__ == "__main__":
    unittest.main()

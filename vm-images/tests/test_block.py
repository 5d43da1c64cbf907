# SPDX-License-Identifier: MIT
"""Differences of block devices: a base changed by debugfs, and the difference as qcow2 and as an exception store."""
import pathlib
import shutil
import subprocess

import disks
import support
from builder import block, delta, ext4
from builder.report import BuildError
from builder.tree import BlobStore, Entry, Tree
from test_ext4 import CONFIG, EPOCH, SETTINGS, Ext4Test

OPAQUE = (("trusted.overlay.opaque", b"y".hex()),)


class DeltaTest(Ext4Test):
    def setUp(self):
        super().setUp()
        self.store = BlobStore(self.folder / "blobs")

    def file(self, text, **fields):
        return Entry("file", fields.pop("mode", 0o644), blob=self.store.add_bytes(text.encode()), **fields)

    def base_tree(self):
        tree = Tree()
        tree.entries.update({
            "/etc/conf": self.file("old"), "/etc/gone": self.file("gone"), "/etc/other": self.file("stays"),
            "/dir/old": self.file("old"), "/dir/sub/deep": self.file("deep"), "/tree/a": self.file("a"),
            "/tree/b/c": self.file("c"), "/mode": Entry("dir", 0o755), "/mode/x": self.file("x"),
        })
        tree.add_parents()
        return tree

    def user_tree(self):
        tree = Tree()
        tree.entries.update({
            "/etc/conf": self.file("new", mode=0o600, uid=1000, gid=1000), "/etc/gone": Entry("whiteout", 0),
            "/dir": Entry("dir", 0o755, xattrs=OPAQUE), "/dir/new": self.file("new"),
            "/tree": Entry("whiteout", 0), "/mode": Entry("dir", 0o700, uid=5),
            "/home/user": Entry("dir", 0o755, 1000, 1000), "/home/user/link": Entry("symlink", 0o777, target="../x"),
        })
        tree.add_parents()
        return tree

    def written(self, name="user.ext4"):
        base_image = self.folder / "base.ext4"
        base = self.base_tree()
        if not base_image.exists():
            ext4.write(base, base_image, SETTINGS, CONFIG, EPOCH, self.folder)
        image = self.folder / name
        delta.write(base, self.user_tree(), base_image, image, EPOCH, self.folder)
        return base_image, image


class Delta(DeltaTest):
    def test_what_the_user_changed(self):
        _, image = self.written()
        clean, said = support.fsck(image)
        self.assertTrue(clean, said)
        self.assertEqual(support.content(image, "/etc/conf"), "new")
        self.assertEqual(support.listing(image, "/etc"), {"conf": (0o100600, 1000, 1000), "other": (0o100644, 0, 0)})
        self.assertEqual(set(support.listing(image, "/dir")), {"new"})
        self.assertNotIn("trusted.overlay", support.debugfs(image, "ea_list /dir"))
        self.assertFalse(support.exists(image, "/tree"))
        self.assertEqual(support.listing(image, "/")["mode"], (0o040700, 5, 0))
        self.assertEqual(set(support.listing(image, "/mode")), {"x"})
        self.assertEqual(support.listing(image, "/home")["user"], (0o040755, 1000, 1000))
        self.assertIn("../x", support.debugfs(image, "stat /home/user/link"))
        self.assertRegex(support.debugfs(image, "stat /etc"), rf"mtime: 0x{EPOCH:08x}:00000000")

    def test_the_same_bytes_every_time(self):
        self.assertEqual(self.written("a.ext4")[1].read_bytes(), self.written("b.ext4")[1].read_bytes())

    def test_hard_links_are_refused(self):
        tree = Tree()
        tree.entries["/a"] = tree.entries["/b"] = self.file("twice")
        with self.assertRaisesRegex(BuildError, "hard links"):
            delta.changes(self.base_tree(), tree)


class Formats(DeltaTest):
    def test_qcow2_over_its_base_is_the_image(self):
        if shutil.which("qemu-img") is None:
            self.skipTest("qemu-img is not installed; run setup/install")
        base, image = self.written()
        path = self.folder / "user.qcow2"
        block.write_qcow2(path, image.stat().st_size, delta.differing(base, image, block.CLUSTER))
        subprocess.run(["qemu-img", "check", "-q", str(path)], check=True)
        info = subprocess.run(["qemu-img", "info", str(path)], check=True, stdout=subprocess.PIPE).stdout.decode()
        self.assertNotIn("backing", info)
        self.assertEqual(disks.Overlay(path, base).whole(self.folder / "whole").read_bytes(), image.read_bytes())
        self.assertLess(path.stat().st_size, image.stat().st_size)

    def test_qcow2_of_many_tables(self):
        """More clusters than one L2 table or one refcount block counts; nothing is written but where data are."""
        if shutil.which("qemu-img") is None:
            self.skipTest("qemu-img is not installed; run setup/install")
        path = self.folder / "large.qcow2"
        data = bytes([7]) * block.CLUSTER
        block.write_qcow2(path, 4 << 30, [(number, data) for number in (0, 8191, 8192, 65535)])
        subprocess.run(["qemu-img", "check", "-q", str(path)], check=True)

    def test_exceptions_over_their_base_are_the_image(self):
        base, image = self.written()
        for sectors in (1, 8):  # with the small one areas get full
            path = self.folder / f"store{sectors}"
            block.write_snapshot(path, 32 << 20, sectors, delta.differing(base, image, sectors * block.SECTOR))
            self.assertEqual(path.stat().st_size, 32 << 20)
            self.assertEqual(disks.Store(path, base).whole(self.folder / "whole").read_bytes(), image.read_bytes())

    def test_a_full_area_is_followed_by_the_next(self):
        path = self.folder / "store"
        chunks = [(number * 3, bytes([number]) * block.SECTOR) for number in range(65)]
        block.write_snapshot(path, 1 << 20, 1, chunks)
        self.assertEqual(list(disks.exceptions(pathlib.Path(path))), chunks)


del Ext4Test, DeltaTest  # else their own tests would run here again

# SPDX-License-Identifier: MIT
"""Trees in memory: reading archives and folders, changing, merging layers, digests."""
import io
import pathlib
import tarfile
import tempfile
import unittest

from builder.report import BuildError
from builder.tree import BlobStore, Entry, Tree, clean_path, merge

OPAQUE = (("trusted.overlay.opaque", b"y".hex()),)


class TreeTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.store = BlobStore(self.folder / "blobs")

    def file(self, text, **fields):
        return Entry("file", fields.pop("mode", 0o644), blob=self.store.add_bytes(text.encode()), **fields)

    def tree(self, **entries):
        """Keywords cannot hold slashes: a__b stands for /a/b."""
        tree = Tree()
        for name, entry in entries.items():
            tree.entries["/" + name.replace("__", "/")] = self.file(entry) if isinstance(entry, str) else entry
        tree.add_parents()
        return tree


class Archives(TreeTest):
    def archive(self, *members):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for fields, data in members:
                member = tarfile.TarInfo(fields.pop("name"))
                member.size = len(data)
                for key, value in fields.items():
                    setattr(member, key, value)
                archive.addfile(member, io.BytesIO(data))
        out.seek(0)
        return out

    def test_kinds_owners_links_and_xattrs(self):
        tree = Tree()
        tree.add_tar(self.archive(
            ({"name": "./usr/bin", "type": tarfile.DIRTYPE, "mode": 0o755}, b""),
            ({"name": "./usr/bin/a", "mode": 0o4755, "uid": 5, "gid": 7,
              "pax_headers": {"SCHILY.xattr.security.capability": "\x01\x00"}}, b"text"),
            ({"name": "./usr/bin/b", "type": tarfile.LNKTYPE, "linkname": "./usr/bin/a"}, b""),
            ({"name": "./bin", "type": tarfile.SYMTYPE, "linkname": "usr/bin"}, b""),
            ({"name": "./dev/null", "type": tarfile.CHRTYPE}, b"")), self.store)
        a = tree.entries["/usr/bin/a"]
        self.assertEqual((a.kind, a.mode, a.uid, a.gid), ("file", 0o4755, 5, 7))
        self.assertEqual(a.xattrs, (("security.capability", "0100"),))
        self.assertEqual(tree.entries["/usr/bin/b"].blob, a.blob)
        self.assertEqual(tree.entries["/bin"].target, "usr/bin")
        self.assertNotIn("/dev/null", tree.entries)
        self.assertEqual(tree.real_path("/bin/x"), "/usr/bin/x")

    def test_paths_that_leave_the_tree_are_refused(self):
        with self.assertRaisesRegex(BuildError, "leaves the tree"):
            clean_path("./../etc/passwd")

    def test_circles_of_symlinks_are_refused(self):
        tree = self.tree(a=Entry("symlink", 0o777, target="b"), b=Entry("symlink", 0o777, target="a"))
        with self.assertRaisesRegex(BuildError, "circles"):
            tree.real_path("/a/x")


class Changes(TreeTest):
    def test_remove_takes_what_lies_below_but_crosses_no_slash(self):
        tree = self.tree(var__log__a="1", var__log__d__b="2", var__b="3")
        tree.remove("/var/log/*")
        self.assertEqual(sorted(tree.entries), ["/", "/var", "/var/b", "/var/log"])
        tree.remove("/var/b*")
        self.assertIn("/var/log", tree.entries)

    def test_overlay_folder_decides_mode_by_execute_bit(self):
        source = self.folder / "overlay"
        (source / "etc").mkdir(parents=True)
        (source / "etc" / "run").write_text("x", encoding="utf-8")
        (source / "etc" / "run").chmod(0o700)
        (source / "etc" / "conf").write_text("y", encoding="utf-8")
        (source / "etc" / "conf").chmod(0o600)
        (source / "etc" / "link").symlink_to("conf")
        tree = Tree()
        tree.add_folder(source, self.store)
        self.assertEqual(tree.entries["/etc/run"].mode, 0o755)
        self.assertEqual(tree.entries["/etc/conf"].mode, 0o644)
        self.assertEqual(tree.entries["/etc/link"].target, "conf")

    def test_a_file_cannot_be_a_parent(self):
        with self.assertRaisesRegex(BuildError, "no directory"):
            self.tree(a="text", a__b="text")

    def test_digest_sees_contents_owners_and_links_but_not_blob_names(self):
        one = self.tree(a="text", b="text")
        self.assertEqual(one.digest(), self.tree(b="text", a="text").digest())
        self.assertNotEqual(one.digest(), self.tree(a="text", b="other").digest())
        self.assertNotEqual(one.digest(), self.tree(a="text", b=self.file("text", uid=1)).digest())
        linked = one.copy()
        linked.entries["/b"] = linked.entries["/a"]
        self.assertNotEqual(one.digest(), linked.digest())


class Merging(TreeTest):
    def text(self, tree, path):
        return pathlib.Path(tree.entries[path].blob).read_text(encoding="utf-8")

    def test_upper_wins_and_directories_merge(self):
        merged = merge([self.tree(d__a="top"), self.tree(d__a="bottom", d__b="bottom")], self.tree(d__c="upper", d__b="upper"))
        self.assertEqual([self.text(merged, p) for p in ("/d/a", "/d/b", "/d/c")], ["top", "upper", "upper"])

    def test_whiteouts_hide_and_leave_nothing(self):
        merged = merge([self.tree(d__a="1", d__b="2")], self.tree(d__a=Entry("whiteout", 0)))
        self.assertNotIn("/d/a", merged.entries)
        self.assertIn("/d/b", merged.entries)

    def test_opaque_directories_replace_and_lose_the_mark(self):
        upper = self.tree(d=Entry("dir", 0o755, xattrs=OPAQUE), d__new="3")
        merged = merge([self.tree(d__a="1", d__sub__b="2")], upper)
        self.assertEqual(sorted(merged.entries), ["/", "/d", "/d/new"])
        self.assertEqual(merged.entries["/d"].xattrs, ())

    def test_a_file_in_the_place_of_a_directory(self):
        merged = merge([self.tree(d__a="1")], self.tree(d="file"))
        self.assertEqual(sorted(merged.entries), ["/", "/d"])
        merged = merge([self.tree(d="file")], self.tree(d__a="1"))
        self.assertEqual(merged.entries["/d"].kind, "dir")


if __name__ == "__main__":
    unittest.main()

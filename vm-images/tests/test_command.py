# SPDX-License-Identifier: MIT
"""The command: help, wrong input, a full or read-only cache; each is one clear line with a remedy."""
import os
import pathlib
import subprocess
import tempfile
import unittest
from unittest import mock

import support
from builder import assemble, cache, cli, packages, publish
from builder.report import BuildError


def build(*arguments, **environ):
    done = subprocess.run([str(support.VM_DIR / "build"), *arguments], env={**os.environ, **environ}, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


class Command(unittest.TestCase):
    def test_help_names_every_option_and_exit_code(self):
        status, out, _ = build("--help")
        self.assertEqual(status, 0)
        for word in ("--out", "--blendfs", "--force", "exit codes", "BLEND_CACHE", "BLEND_MIRROR"):
            self.assertIn(word, out)

    def test_unknown_argument(self):
        self.assertEqual(build("--frobnicate")[0], 2)

    def test_unfit_blendfs_is_refused_before_anything_is_fetched(self):
        with tempfile.TemporaryDirectory() as folder:
            status, out, err = build("--blendfs", __file__, BLEND_CACHE=folder)
            self.assertEqual((status, out), (1, ""))
            self.assertRegex(err, r"^build: --blendfs .*blendfs-static\n$")
            self.assertEqual(os.listdir(folder), [])

    def test_cache_that_cannot_be_written(self):
        with tempfile.NamedTemporaryFile() as file:
            status, _, err = build(BLEND_CACHE=file.name)
            self.assertEqual(status, 1)
            self.assertRegex(err, r"^build: cannot write .*set BLEND_CACHE to another folder\n$")

    def test_unreachable_mirror(self):
        with tempfile.TemporaryDirectory() as folder:
            status, _, err = build(BLEND_CACHE=folder, BLEND_MIRROR=f"file://{folder}/nowhere")
            self.assertEqual(status, 1)
            self.assertEqual(len(err.splitlines()), 1, err)
            self.assertRegex(err, r"installing the guest's packages: .*packages.log")
            self.assertEqual(os.listdir(pathlib.Path(folder) / "images" / "packages"), [], "nothing half-made stays")


class Confs(unittest.TestCase):
    def test_every_conf_loads_and_has_a_size_and_an_identity_of_its_own(self):
        confs = cli.load_confs(support.VM_DIR / "images")
        uuids = {confs[name]["image"]["uuid"] for name in assemble.IMAGES}
        self.assertEqual(len(uuids), len(assemble.IMAGES))

    def test_a_broken_conf_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "guest.conf").write_text("no section\n", encoding="utf-8")
            with self.assertRaisesRegex(BuildError, "images/guest.conf"):
                cli.load_confs(pathlib.Path(folder))

    def test_no_host_name_is_written_in_the_tree(self):
        for path in [*(support.VM_DIR / "builder").glob("*.py"), *(support.VM_DIR / "images").rglob("*")]:
            if path.is_file() and not path.is_symlink():
                self.assertNotRegex(path.read_text(encoding="utf-8"), r"https?://\w", str(path))


class Cache(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def test_a_failed_making_leaves_nothing(self):
        with cache.Cache(self.root) as store:
            with self.assertRaises(ZeroDivisionError), store.making("trees", "key"):
                raise ZeroDivisionError
            self.assertIsNone(store.lookup("trees", "key"))
            self.assertEqual(list((self.root / "trees").iterdir()), [])

    def test_what_a_killed_build_left_is_cleared_away(self):
        (self.root / "trees" / "tmp.killed").mkdir(parents=True)
        with cache.Cache(self.root):
            self.assertEqual(list((self.root / "trees").iterdir()), [])

    def test_the_newest_stay(self):
        with cache.Cache(self.root) as store:
            for number in range(cache.KEPT + 2):
                with store.making("trees", f"key{number}"):
                    pass
                os.utime(self.root / "trees" / f"key{number}", (number, number))
            found = [number for number in range(cache.KEPT + 2) if store.lookup("trees", f"key{number}")]
            self.assertEqual(len(found), cache.KEPT)
            self.assertIn(cache.KEPT + 1, found)

    def test_a_full_disk_is_told_before_the_work(self):
        usage = mock.Mock(free=100 << 20)
        with cache.Cache(self.root) as store, mock.patch("shutil.disk_usage", return_value=usage):
            with self.assertRaisesRegex(BuildError, "only 100 MiB are free.*make room"):
                store.require_space()

    def test_digest_of_a_folder_sees_contents_modes_and_links(self):
        (self.root / "a").write_text("x", encoding="utf-8")
        first = cache.folder_digest(self.root)
        (self.root / "a").chmod(0o755)
        second = cache.folder_digest(self.root)
        (self.root / "b").symlink_to("a")
        self.assertEqual(len({first, second, cache.folder_digest(self.root)}), 3)

    def test_another_mirror_of_the_same_archive_is_the_same_input(self):
        plan = {"mirror": "file:/a", "keyring": "/k", "suite": "s", "system": ["x"], "app": []}
        self.assertEqual(packages.key(plan), packages.key({**plan, "mirror": "file:/b"}))
        self.assertNotEqual(packages.key(plan), packages.key({**plan, "suite": "t"}))


class Publishing(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def test_digest_of_sparse_files(self):
        path = self.root / "sparse"
        for size, writes in ((0, ()), (5 << 20, ()), (5 << 20, ((1 << 20, b"x" * 5000),)), (3 << 20, ((0, b"a"), (3071 << 10, b"z" * 1024)))):
            with open(path, "wb") as file:
                file.truncate(size)
                for offset, data in writes:
                    file.seek(offset)
                    file.write(data)
            wanted = subprocess.run(["sha256sum", str(path)], stdout=subprocess.PIPE, check=True).stdout.decode().split()[0]
            self.assertEqual(publish.sha256(path), wanted)

    def test_changed_files_are_noticed(self):
        path = self.root / "image"
        path.write_bytes(b"one")
        described = {"image": publish.describe(path)}
        self.assertTrue(publish.unchanged(self.root, described))
        os.utime(path, (1, 1))
        self.assertFalse(publish.unchanged(self.root, described))
        path.unlink()
        self.assertFalse(publish.unchanged(self.root, described))

    def test_placing_twice_leaves_one_name(self):
        source, out = self.root / "source", self.root / "out"
        source.write_bytes(b"x")
        out.mkdir()
        publish.place(source, out / "file")
        publish.place(source, out / "file")
        self.assertEqual(os.listdir(out), ["file"])


if __name__ == "__main__":
    unittest.main()

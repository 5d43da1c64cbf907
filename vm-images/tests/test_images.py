# SPDX-License-Identifier: MIT
"""Finished images against the contracts in ARCHITECTURE.md: the manifest, each tree, clean file systems."""
import hashlib
import re
import stat
import subprocess
import unittest

import support

KEYS = {"system": "system.ext4", "system_next": "system-next.ext4", "app": "app.ext4", "user": "user.ext4",
        "monolithic": "monolithic.ext4", "kernel": "vmlinuz", "initramfs": "initramfs.img", "base": "base.ext4",
        "base_next": "base-next.ext4", "block_user": "block-user.qcow2", "snapshot_user": "snapshot-user.cow",
        "home": "home.ext4", "user_some": "user-some.ext4", "user_filled": "user-filled.ext4",
        "user_medium": "user-medium.ext4", "user_large": "user-large.ext4", "layers": "layers.img",
        "workloads": "workloads.tar"}
EROFS_KEYS = {"system_erofs": "system.erofs", "system_next_erofs": "system-next.erofs"}
PLAIN_ROOTS = ("system", "system_next", "monolithic", "base", "base_next")
SYSTEM_PROGRAMS = ("/usr/lib/systemd/systemd", "/usr/sbin/qemu-ga", "/usr/bin/fio", "/usr/bin/apt-get", "/usr/bin/dpkg",
                   "/usr/bin/setfacl", "/usr/bin/setfattr", "/usr/sbin/e2fsck", "/usr/lib/blend/mark", "/usr/lib/blend/promises")


class ImagesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = support.images_dir()
        cls.manifest = support.manifest(cls.folder)
        cls.files = {key: cls.folder / entry["path"] for key, entry in cls.manifest["files"].items()}


class Manifest(ImagesTest):
    def test_schema(self):
        self.assertEqual(set(self.manifest), {"schema", "files", "kernel_version", "packages", "inputs_sha256"})
        self.assertEqual(self.manifest["schema"], 1)
        paths = {key: entry["path"] for key, entry in self.manifest["files"].items()}
        self.assertIn(paths, (KEYS, {**KEYS, **EROFS_KEYS}))
        self.assertRegex(self.manifest["inputs_sha256"], r"^[0-9a-f]{64}$")
        for name in ("systemd", "fio", "qemu-guest-agent", "sqlite3", "busybox-static"):
            self.assertIn(name, self.manifest["packages"])
        self.assertTrue(any(self.manifest["kernel_version"] in name for name in self.manifest["packages"]))

    def test_sizes_and_digests(self):
        for key, entry in self.manifest["files"].items():
            path = self.files[key]
            self.assertEqual(path.stat().st_size, entry["bytes"], key)
            # Not by the builder's own code, which skips holes.
            if entry["bytes"] <= 300 << 20 or key in ("system", "monolithic", "base"):  # the rest are mostly holes
                with open(path, "rb") as stream:
                    self.assertEqual(hashlib.file_digest(stream, "sha256").hexdigest(), entry["sha256"], key)


class FileSystems(ImagesTest):
    def images(self):
        return {key: path for key, path in self.files.items() if path.suffix == ".ext4"}

    def test_clean(self):
        for key, path in self.images().items():
            clean, said = support.fsck(path)
            self.assertTrue(clean, f"{key}: {said}")

    def test_nothing_is_left_for_the_kernel_to_initialise(self):
        for key, path in self.images().items():
            text = subprocess.run(["dumpe2fs", str(path)], env=support.SBIN, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, check=True).stdout.decode()
            groups = [line for line in text.splitlines() if re.match(r"Group \d+: ", line)]
            self.assertTrue(groups, key)
            for line in groups:  # else a kernel thread writes the inode tables during the first minutes
                self.assertIn("ITABLE_ZEROED", line, key)

    def test_sparse(self):
        for key, path in self.images().items():
            info = path.stat()
            self.assertLess(info.st_blocks * 512, info.st_size, key)

    def test_no_secrets_and_no_identity(self):
        for key in PLAIN_ROOTS:
            image = self.files[key]
            self.assertEqual(support.content(image, "/etc/machine-id"), "", key)
            for path in ("/etc/resolv.conf", "/etc/apt/sources.list", "/var/lib/systemd/random-seed", "/var/log/dpkg.log", "/etc/fstab"):
                self.assertFalse(support.exists(image, path), f"{key}: {path}")


class Trees(ImagesTest):
    def test_system_has_the_programs(self):
        for key in PLAIN_ROOTS:
            for path in SYSTEM_PROGRAMS:
                self.assertTrue(support.exists(self.files[key], path), f"{key}: {path}")

    def test_owners_and_modes_are_the_packages(self):
        for key in PLAIN_ROOTS:
            self.assertEqual(support.listing(self.files[key], "/etc")["shadow"], (0o100640, 0, 42), key)
            self.assertEqual(support.listing(self.files[key], "/usr/bin")["passwd"], (0o104755, 0, 0), key)
            self.assertEqual(support.listing(self.files[key], "/")["tmp"], (0o041777, 0, 0), key)

    def test_accounts(self):
        passwd = support.content(self.files["system"], "/etc/passwd")
        self.assertRegex(passwd, r"(?m)^user:x:1000:1000:.*:/home/user:/bin/bash$")
        self.assertRegex(support.content(self.files["system"], "/etc/shadow"), r"(?m)^root::")

    def test_releases(self):
        for key, release in (("system", 1), ("system_next", 2), ("monolithic", 1), ("base", 1), ("base_next", 2)):
            self.assertEqual(support.content(self.files[key], "/etc/blend-release"), f"release={release}\n")
            self.assertIn(f"system release {release}", support.content(self.files[key], "/usr/bin/blend-release"))
            self.assertIn(f"release={release}", support.content(self.files[key], "/etc/blend/system.conf"))

    def test_what_systemd_boots_into(self):
        for key in PLAIN_ROOTS:
            units = support.listing(self.files[key], "/etc/systemd/system")
            self.assertEqual(stat.S_IFMT(units["default.target"][0]), stat.S_IFLNK, key)
            wanted = support.listing(self.files[key], "/etc/systemd/system/multi-user.target.wants")
            self.assertEqual(stat.S_IFMT(wanted["blend-ready.service"][0]), stat.S_IFLNK, key)

    def test_data_file_is_64_mib_and_incompressible(self):
        for key in PLAIN_ROOTS:
            self.assertRegex(support.debugfs(self.files[key], "stat /usr/share/blend/data.bin"), r"Size: 67108864\b")
        data = subprocess.run(["debugfs", "-R", "cat /usr/share/blend/data.bin", str(self.files["system"])],
                              env=support.SBIN, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
        self.assertEqual(len(set(data[n:n + 4096] for n in range(0, len(data), 4096))), len(data) // 4096)
        packed = subprocess.run(["gzip", "-1", "-c"], input=data[:4 << 20], stdout=subprocess.PIPE, check=True).stdout
        self.assertGreater(len(packed), 4 << 20)

    def test_app_holds_only_what_the_system_lacks(self):
        app, system = self.files["app"], self.files["system"]
        self.assertTrue(support.exists(app, "/usr/bin/sqlite3"))
        self.assertFalse(support.exists(system, "/usr/bin/sqlite3"))
        self.assertFalse(support.exists(app, "/var/lib/dpkg"))
        self.assertIn("sqlite3 ", support.content(app, "/usr/share/blend/app-packages"))
        # A directory in the place of the system's symlink (/lib, /bin) would hide it.
        roots = set(support.listing(app, "/")) - {"lost+found"}
        for name in roots:
            self.assertTrue(stat.S_ISDIR(support.listing(system, "/")[name][0]), name)

    def test_filled_user_images(self):
        for key, at_home, in_system in (("user_some", 20, 50), ("user_filled", 200, 500), ("user_medium", 200, 500),
                                        ("user_large", 200, 500)):
            image = self.files[key]
            self.assertEqual(len(support.listing(image, "/upper/home/user/fill")), at_home, key)
            self.assertEqual(len(support.listing(image, "/upper/home/user/fill/000")), 100, key)
            self.assertEqual(len(support.listing(image, "/upper/usr/share/blend/fill")), in_system, key)

    def test_user_is_an_upper_directory_and_an_empty_work_directory(self):
        user = self.files["user"]
        self.assertEqual(set(support.listing(user, "/")) - {"lost+found"}, {"upper", "work"})
        self.assertEqual(support.listing(user, "/work"), {})
        self.assertEqual(support.listing(user, "/upper/usr/share/blend")["obsolete.txt"], (0o020000, 0, 0))
        self.assertIn('trusted.overlay.opaque (1) = "y"', support.debugfs(user, "ea_list /upper/etc/blend/plugins.d"))
        self.assertEqual(support.listing(user, "/upper/home")["user"], (0o040755, 1000, 1000))
        self.assertEqual(support.listing(user, "/upper/home/user")["notes.txt"], (0o100644, 1000, 1000))

    def test_user_overrides_files_that_the_system_has(self):
        for path in ("/usr/bin/hello-blend", "/etc/blend/site.conf", "/etc/motd"):
            self.assertNotEqual(support.content(self.files["user"], "/upper" + path),
                                support.content(self.files["system"], path))
        for path in ("/usr/share/blend/obsolete.txt", "/etc/blend/plugins.d/10-system.conf"):
            self.assertTrue(support.exists(self.files["system"], path))

    def test_monolithic_is_the_merge(self):
        whole = self.files["monolithic"]
        self.assertEqual(support.content(whole, "/etc/blend/site.conf"), support.content(self.files["user"], "/upper/etc/blend/site.conf"))
        self.assertTrue(support.exists(whole, "/usr/bin/sqlite3"))
        self.assertFalse(support.exists(whole, "/usr/share/blend/obsolete.txt"))
        self.assertEqual(set(support.listing(whole, "/etc/blend/plugins.d")), {"20-user.conf"})
        self.assertNotIn("trusted.overlay", support.debugfs(whole, "ea_list /etc/blend/plugins.d"))


class Boot(ImagesTest):
    def test_initramfs(self):
        names = support.cpio_names(self.files["initramfs"])
        for name in ("init", "functions", "shutdown", "bin/busybox", "bin/sh", "usr/lib/blend/mark",
                     "lib/modules/virtio_blk.ko", "lib/modules/overlay.ko"):
            self.assertIn(name, names)
        for name in ("init", "shutdown", "bin/busybox", "usr/lib/blend/mark"):
            self.assertEqual(names[name][0] & 0o170111, 0o100111, name)

    def test_kernel_can_be_started(self):
        with open(self.files["kernel"], "rb") as stream:
            head = stream.read(0x210)
        self.assertTrue(head[:4] == b"\x7fELF" or head[0x202:0x206] == b"HdrS")


if __name__ == "__main__":
    unittest.main()

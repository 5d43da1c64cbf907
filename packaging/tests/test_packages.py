# SPDX-License-Identifier: MIT
"""The packages: what is in them, and that they install, work and go away on each release they are for."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import support

VERSION_LINE = "project(blendfs VERSION "
# Files that dpkg and its friends keep about any package, and logs.
BOOKKEEPING = ("/var/lib/dpkg/", "/var/log/", "/var/cache/", "/var/lib/initramfs-tools/", "/boot/")


def field(deb, name):
    return subprocess.run(["dpkg-deb", "--field", deb, name], check=True, stdout=subprocess.PIPE).stdout.decode().strip()


def contents(deb):
    """Path to (mode, owner, link target) of everything in a package."""
    listed = subprocess.run(["dpkg-deb", "--contents", deb], check=True, stdout=subprocess.PIPE).stdout.decode()
    found = {}
    for line in listed.splitlines():
        mode, owner, _, _, _, name = line.split(maxsplit=5)
        name, _, target = name.partition(" -> ")
        found[name.removeprefix(".").rstrip("/") or "/"] = (mode, owner, target)
    return found


class Contents(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        support.need_programs("dpkg-deb", "readelf")
        cls.debs = support.packages()

    def test_every_package_has_the_projects_version(self):
        text = (support.PROJECT / "CMakeLists.txt").read_text(encoding="utf-8")
        version = text.split(VERSION_LINE)[1].split()[0]
        self.assertEqual({field(deb, "Version") for deb in self.debs.values()}, {version})

    def test_owners_and_modes(self):
        for name, deb in self.debs.items():
            for path, (mode, owner, _) in contents(deb).items():
                self.assertEqual(owner, "root/root", f"{name}: {path}")
                if not mode.startswith("l"):
                    self.assertNotIn("w", mode[5] + mode[8], f"{name}: {path} can be written by others than root")

    def test_every_package_tells_its_licence_and_changes(self):
        for name, deb in self.debs.items():
            for file in ("copyright", "changelog.gz"):
                self.assertIn(f"/usr/share/doc/{name}/{file}", contents(deb))

    def test_the_mount_helper_is_a_relative_link(self):
        self.assertEqual(contents(self.debs["blendfs"])["/usr/sbin/mount.fuse.blendfs"][2], "../bin/blendfs")

    def test_no_library_whose_name_differs_between_releases(self):
        for name, deb in self.debs.items():
            depends = field(deb, "Depends")
            self.assertNotRegex(depends, "libfmt|libtomlplusplus|t64", name)
        self.assertIn("libc6", field(self.debs["blendfs"], "Depends"))
        self.assertNotIn("libc6", field(self.debs["blendfs-initramfs"], "Depends"))

    def test_no_tests_no_bytecode(self):
        for deb in self.debs.values():
            for path in contents(deb):
                self.assertNotRegex(path, r"/tests(/|$)|\.pyc$|__pycache__")

    def test_programs_are_hardened(self):
        with tempfile.TemporaryDirectory() as folder:
            for deb in self.debs.values():
                subprocess.run(["dpkg-deb", "--extract", deb, folder], check=True)
            for program, static in (("bin/blendfs", False), ("bin/blendctl", False), ("bin/blendbench", False),
                                    ("libexec/blendbench/blendload", False), ("lib/blendfs/blendfs-static", True),
                                    ("lib/blendfs/shutdown", True)):
                path = f"{folder}/usr/{program}"
                said = subprocess.run(["readelf", "--wide", "--file-header", "--program-headers", "--dynamic", "--symbols", path],
                                      check=True, stdout=subprocess.PIPE).stdout.decode()
                self.assertRegex(said, r"Type: +DYN", f"{program} is not position-independent")
                self.assertIn("GNU_RELRO", said, program)
                self.assertRegex(said, r"BIND_NOW|FLAGS.*NOW", program)
                self.assertEqual("INTERP" not in said, static, program)
                self.assertEqual("(NEEDED)" not in said, static, program)
                if not static:
                    self.assertIn("__stack_chk_fail", said, program)
                data = pathlib.Path(path).read_bytes()
                self.assertNotIn(os.fsencode(support.PROJECT), data, f"{program} holds the path of the build")

    def test_the_same_build_makes_the_same_packages(self):
        support.need_programs("cpack")
        with tempfile.TemporaryDirectory() as folder:
            stamp = field_epoch(self.debs["blendfs"])
            subprocess.run(["cpack", "-B", folder], cwd=support.BUILD, check=True, stdout=subprocess.DEVNULL,
                           env={**os.environ, "SOURCE_DATE_EPOCH": stamp})
            for deb in self.debs.values():
                self.assertEqual((pathlib.Path(folder) / deb.name).read_bytes(), deb.read_bytes(), deb.name)


def field_epoch(deb):
    """The time that the members of a package carry, in seconds."""
    head = deb.read_bytes()[8:8 + 60]
    return head[16:28].decode().strip()


class Prefix(unittest.TestCase):
    """Installed anywhere else, the program finds its own files."""

    def test_a_moved_prefix(self):
        support.need_programs("cmake")
        support.packages()
        with tempfile.TemporaryDirectory() as folder:
            first, second = pathlib.Path(folder) / "first", pathlib.Path(folder) / "second"
            subprocess.run(["cmake", "--install", str(support.BUILD), "--prefix", str(first), "--component", "blendbench"],
                           check=True, stdout=subprocess.DEVNULL)
            first.rename(second)
            environ = {"PATH": "/usr/bin:/bin", "HOME": folder}
            done = subprocess.run([second / "bin" / "blendbench", "plan", "smoke"], cwd="/", env=environ, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self.assertEqual(done.returncode, 0, done.stdout.decode())
            done = subprocess.run([second / "bin" / "blendbench", "doctor"], cwd="/", env=environ, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self.assertIn(str(second / "share" / "blendbench"), done.stdout.decode())
            self.assertTrue((second / "share" / "blendbench" / "paper" / "report").stat().st_mode & 0o100)


class Installing:
    """On one release; `suite` is the subclass's."""

    suite = ""

    @classmethod
    def setUpClass(cls):
        cls.debs = support.packages()
        cls.tree = support.tree(cls.suite)

    def files(self, room):
        found = room.succeed("find", "/", "-xdev", "!", "-path", "/tmp/*", "!", "-path", "/mnt/*").splitlines()
        return {path for path in found if not path.startswith(BOOKKEEPING)}

    def layers(self, room):
        for folder in ("low", "top", "user/upper", "user/work", "merged", "unit"):
            (room.path("/mnt") / folder).mkdir(parents=True)
        (room.path("/mnt") / "low" / "who").write_text("low\n")
        (room.path("/mnt") / "low" / "below").write_text("below\n")
        (room.path("/mnt") / "top" / "who").write_text("top\n")

    def test_install_use_and_purge(self):
        with support.Room(self.tree / "root") as room:
            before = self.files(room)
            said = room.install([self.debs[name] for name in support.NAMES])
            self.assertIn("Processing triggers for initramfs-tools", said)
            self.layers(room)
            options = "lowerdir=/mnt/top:/mnt/low,upperdir=/mnt/user/upper,workdir=/mnt/user/work"

            room.succeed("mount", "-t", "fuse.blendfs", "-o", options, "blendfs", "/mnt/merged")
            self.assertEqual(room.succeed("cat", "/mnt/merged/who", "/mnt/merged/below"), "top\nbelow\n")
            room.succeed("sh", "-c", "echo mine >/mnt/merged/who && rm /mnt/merged/below")
            self.assertEqual(room.succeed("findmnt", "-no", "FSTYPE", "/mnt/merged").strip(), "fuse.blendfs")
            room.succeed("umount", "/mnt/merged")
            self.assertEqual(room.succeed("cat", "/mnt/user/upper/who"), "mine\n")
            room.succeed("blendctl", "check", "-o", options)

            kept = room.path("/etc/fstab").read_text() if room.path("/etc/fstab").exists() else None
            room.path("/etc/fstab").write_text(f"blendfs /mnt/merged fuse.blendfs {options},nofail,x-systemd.automount 0 0\n")
            room.succeed("mount", "/mnt/merged")
            self.assertEqual(room.succeed("cat", "/mnt/merged/who"), "mine\n")
            room.succeed("mount", "-o", "remount,ro", "/mnt/merged")
            self.assertNotEqual(room.run("touch", "/mnt/merged/new")[0], 0)
            room.succeed("umount", "/mnt/merged")
            room.path("/etc/fstab").unlink()
            if kept is not None:
                room.path("/etc/fstab").write_text(kept)

            unit = room.path("/usr/share/doc/blendfs/examples/mnt-blend.mount").read_text()
            room.path("/tmp/mnt-blend.mount").write_text(unit)
            self.assertNotIn("mnt-blend.mount:", room.succeed("systemd-analyze", "verify", "--man=no", "/tmp/mnt-blend.mount"))

            self.assertIn("smoke", room.succeed("blendbench", "plan", "smoke"))
            room.succeed("python3", "/usr/share/blendbench/vm-images/build", "--help")
            self.initramfs_has(room, True)

            room.succeed("dpkg", "--purge", *support.NAMES, seconds=600)
            self.assertEqual(sorted(self.files(room) - before), [])
            self.assertEqual(sorted(before - self.files(room)), [])
            self.initramfs_has(room, False)

    def initramfs_has(self, room, yes):
        if not list((self.tree / "root" / "boot").glob("vmlinuz-*")):
            return
        name = support.newest_kernel(self.tree / "root").name.removeprefix("vmlinuz-")
        listed = room.succeed("lsinitramfs", f"/boot/initrd.img-{name}")
        self.assertEqual("usr/lib/blendfs/@blendfs" in listed.splitlines(), yes)


class Bookworm(Installing, unittest.TestCase):
    suite = "bookworm"


class Trixie(Installing, unittest.TestCase):
    suite = "trixie"


if __name__ == "__main__":
    unittest.main()

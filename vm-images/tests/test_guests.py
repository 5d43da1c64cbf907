# SPDX-License-Identifier: MIT
"""Guests under software emulation: each layout boots, keeps its promises and powers off with clean images."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import disks as disks_module
import guest
import support

HELD_EVERYWHERE = {"user-home", "write-system-path", "system-release"}
HELD_BY_MERGING = {"override-config", "override-program", "deletion", "app-in-place", "override-by-app", "user-over-app",
                   "deletion-of-app"}


class GuestTest(unittest.TestCase):
    independent = True

    @classmethod
    def setUpClass(cls):
        if shutil.which("qemu-system-x86_64") is None:
            raise unittest.SkipTest("qemu-system-x86_64 is not installed; run setup/install")
        cls.images = support.images_dir()

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="blend-guest-", dir=os.environ.get("TMPDIR"))
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def need(self, engine):
        if engine == "blendfs" and "bin/blendfs" not in support.cpio_names(self.images / "initramfs.img"):
            self.skipTest("the initramfs was built without --blendfs")

    def guest(self, disks, command_line, name="run"):
        return guest.Guest(self.folder / name, self.images / "vmlinuz", self.images / "initramfs.img", disks, command_line)

    def layout(self, name, engine="overlayfs", options="", **more):
        return disks_module.layout(self.images, self.folder / "images", name, engine, options, **more)

    def assert_clean(self, disks):
        for serial, path, readonly in disks:
            if not readonly:
                image = path.whole(self.folder / "whole") if hasattr(path, "whole") else path
                clean, said = support.fsck(image)
                self.assertTrue(clean, f"{serial}: {said}")

    def succeed(self, running, script):
        status, out, err = running.run(script)
        self.assertEqual(status, 0, f"{script}: {out}{err}")
        return out

    def check(self, name, held, engine="overlayfs", also=None, **more):
        """Boots a layout, holds its promises against `held`, runs `also` with the guest, powers off: (disks, guest)."""
        self.need(engine)
        disks, command_line = self.layout(name, engine, **more)
        with self.guest(disks, command_line) as running:
            running.wait_for("R")
            self.assertEqual(running.marks(), "ImMSR", running.console())
            lines = self.succeed(running, "/usr/lib/blend/promises").splitlines()
            answers = {answer["check"]: answer["held"] for answer in map(json.loads, lines)}
            self.assertEqual(set(answers), HELD_EVERYWHERE | HELD_BY_MERGING)
            self.assertEqual({check for check, yes in answers.items() if yes}, held, lines)
            self.assertEqual(self.succeed(running, "systemctl --failed --no-legend --plain"), "")
            self.succeed(running, "test -d /home/user/bench && test -e /run/blend/system/etc/blend-release")
            if also is not None:
                also(running)
            running.power_off()
            self.assertEqual(running.marks(), "ImMSRD", running.console())
            self.assertNotRegex(running.console(), "still mounted|does not answer|segfault|BUG:|Call Trace")
        self.assert_clean(disks)
        return disks


class Layouts(GuestTest):
    def test_monolithic(self):
        self.check("monolithic", HELD_EVERYWHERE | HELD_BY_MERGING)

    def test_coarse_keeps_the_user_out_of_the_system(self):
        self.check("coarse", HELD_EVERYWHERE)

    def test_fine_overlayfs(self):
        self.check("fine", HELD_EVERYWHERE | HELD_BY_MERGING, "overlayfs")

    def test_fine_blendfs(self):
        self.check("fine", HELD_EVERYWHERE | HELD_BY_MERGING, "blendfs")

    def test_fine_without_an_upper(self):
        for engine in ("overlayfs", "blendfs"):
            with self.subTest(engine=engine):
                self.need(engine)
                disks, command_line = self.layout("fine", engine, "blend.ro=1")
                with self.guest(disks[:2], command_line, engine) as running:
                    running.wait_for("R")
                    self.assertEqual(self.succeed(running, "hello-blend"), "hello from the system image, release 1\n")
                    self.assertNotEqual(running.run("touch /etc/probe")[0], 0)
                    running.power_off()


class Persistence(GuestTest):
    def package(self):
        """A small .deb, put into the user image before the first boot."""
        tree = self.folder / "package"
        (tree / "DEBIAN").mkdir(parents=True)
        (tree / "usr" / "bin").mkdir(parents=True)
        (tree / "DEBIAN" / "control").write_text("Package: blend-probe\nVersion: 1\nArchitecture: all\n"
                                                 "Maintainer: nobody <nobody@localhost>\nDescription: probe\n", encoding="utf-8")
        program = tree / "usr" / "bin" / "blend-probe"
        program.write_text("#!/bin/sh\necho probe works\n", encoding="utf-8")
        program.chmod(0o755)
        out = self.folder / "probe.deb"
        subprocess.run(["dpkg-deb", "--root-owner-group", "--build", str(tree), str(out)], check=True, stdout=subprocess.DEVNULL)
        return out

    def check(self, engine):
        self.need(engine)
        disks, command_line = self.layout("fine", engine)
        user = next(path for serial, path, _ in disks if serial == "user")
        subprocess.run(["debugfs", "-w", "-R", f"write {self.package()} upper/home/user/probe.deb", str(user)],
                       env=support.SBIN, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with self.guest(disks, command_line, "first") as running:
            running.wait_for("R")
            self.succeed(running, "DEBIAN_FRONTEND=noninteractive apt-get install -y /home/user/probe.deb")
            running.power_off()
        self.assert_clean(disks)
        # Afterwards the operator exchanges the system image; the user's package and overrides stay.
        newer = [(serial, self.images / "system-next.ext4" if serial == "system" else path, readonly)
                 for serial, path, readonly in disks]
        with self.guest(newer, command_line, "second") as running:
            running.wait_for("R")
            self.assertEqual(self.succeed(running, "blend-probe"), "probe works\n")
            self.assertIn("ii  blend-probe", self.succeed(running, "dpkg -l blend-probe"))
            self.assertEqual(self.succeed(running, "hello-blend; blend-release"), "hello from the user image\nsystem release 2\n")
            running.power_off()
        self.assert_clean(disks)

    def test_overlayfs(self):
        self.check("overlayfs")

    def test_blendfs(self):
        self.check("blendfs")


class Failures(GuestTest):
    def refuse(self, disks, command_line, wanted):
        with self.guest(disks, command_line) as running:
            running.wait_for("E", 60)
            running.wait_end(30)
            self.assertNotIn("R", running.marks())
            self.assertRegex(running.console(), "blend: cannot assemble the root: " + wanted)

    def test_unknown_layout(self):
        disks, command_line = self.layout("fine")
        self.refuse(disks, command_line.replace("layout=fine", "layout=round"), "unknown layout 'round'; use ")

    def test_unknown_engine(self):
        disks, command_line = self.layout("fine", "steam")
        self.refuse(disks, command_line, "unknown engine 'steam'; use ")

    def test_missing_disk(self):
        disks, command_line = self.layout("fine")
        self.refuse(disks[:2], command_line, "no disk SERIAL=user within 10 s")

    def test_disk_without_a_file_system(self):
        disks, command_line = self.layout("fine")
        user = disks[2][1]
        with open(user, "wb") as image:
            image.truncate(8 << 20)
        self.refuse(disks, command_line, "cannot mount SERIAL=user")

    def test_options_the_engine_refuses(self):
        disks, command_line = self.layout("fine", options="blend.opts=frobnicate=1")
        self.refuse(disks, command_line, "overlayfs refuses ")


class Places(GuestTest):
    def test_labels_and_device_paths(self):
        disks, command_line = self.layout("fine")
        command_line = command_line.replace("SERIAL=system", "LABEL=system").replace("SERIAL=app0", "/dev/vdb")
        with self.guest(disks, command_line) as running:
            running.wait_for("S")
            self.assertEqual(running.marks()[:4], "ImMS")


if __name__ == "__main__":
    unittest.main()

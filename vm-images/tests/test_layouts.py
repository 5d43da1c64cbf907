# SPDX-License-Identifier: MIT
"""Guests whose roots come from block differences, EROFS images, many layers, or with the user's disk on /home."""
import unittest

import support
from builder import publish
from test_guests import HELD_BY_MERGING, HELD_EVERYWHERE, GuestTest

ALL = HELD_EVERYWHERE | HELD_BY_MERGING
KEPT = "/etc/blend/kept"


class Block(GuestTest):
    def write(self, running):
        """More than a chunk, so that the store grows by data and by metadata."""
        self.succeed(running, f"echo kept >{KEPT} && cp /usr/share/blend/data.bin /var/tmp/copy && sync")
        self.assertRegex(self.succeed(running, "grep ' / ' /proc/mounts"), "ext4")

    def check_block(self, engine):
        disks = self.check("block", ALL, engine, also=self.write)
        written = next(path for _, path, readonly in disks if not readonly)
        image = written.whole(self.folder / "whole")
        self.assertEqual(support.content(image, KEPT), "kept\n")
        self.assertRegex(support.debugfs(image, "stat /var/tmp/copy"), r"Size: 67108864\b")
        self.assertEqual(publish.sha256(self.images / "base.ext4"), support.manifest(self.images)["files"]["base"]["sha256"])
        return disks

    def test_qcow2(self):
        self.check_block("qcow2")

    def test_dm_snapshot_keeps_its_changes_over_a_boot(self):
        disks = self.check_block("dm-snapshot")
        command_line = "blend.layout=block blend.engine=dm-snapshot blend.system=SERIAL=system blend.user=SERIAL=user"
        with self.guest(disks, command_line, "second") as running:
            running.wait_for("R")
            self.assertEqual(self.succeed(running, f"cat {KEPT}"), "kept\n")
            self.succeed(running, "cmp /usr/share/blend/data.bin /var/tmp/copy")
            self.assertNotRegex(running.console(), "EXT4-fs.*(recovery|error|unclean)|Invalidating snapshot")
            running.power_off()
        self.assert_clean(disks)


class UserAtHome(GuestTest):
    def test_coarse(self):
        def see(running):
            self.assertRegex(self.succeed(running, "grep ' /home ' /proc/mounts"), "/dev/vd[a-z] /home ext4 rw")
            self.succeed(running, "test -e /run/blend/user/user/notes.txt && test ! -e /data/upper")
        self.check("coarse-home", HELD_EVERYWHERE, also=see)


class Erofs(GuestTest):
    def setUp(self):
        super().setUp()
        if "system_erofs" not in support.manifest(self.images)["files"]:
            self.skipTest("the images were built without mkfs.erofs")

    def see(self, running):
        self.assertRegex(self.succeed(running, "grep ' /run/blend/system ' /proc/mounts"), "erofs ro")
        # A lower file that is written to, and one whose owner and mode must come from the package.
        self.succeed(running, "echo more >>/etc/hosts && tail -n 1 /etc/hosts | grep -qx more")
        self.assertEqual(self.succeed(running, "stat -c '%a %u %g %Y' /etc/shadow /usr/bin/passwd"),
                         "640 0 42 1735689600\n4755 0 0 1735689600\n")

    def test_overlayfs(self):
        self.check("fine", ALL, "overlayfs", also=self.see, system="system.erofs")

    def test_blendfs(self):
        self.check("fine", ALL, "blendfs", also=self.see, system="system.erofs")


class Layers(GuestTest):
    def check_layers(self, engine, count):
        def see(running):
            folder = "/usr/share/blend"
            self.assertEqual(self.succeed(running, f"cat {folder}/which-layer; cat {folder}/layers/*/own | sort -u | wc -l; "
                                                   f"ls {folder}/layers/shared | wc -l; ls /run/blend | wc -l"),
                             f"{count}\n{count}\n{count}\n{count + 3}\n")
        self.check("fine", ALL, engine, also=see, layers=count)

    def test_overlayfs_with_all(self):
        """As many as there are: the options of mount(2) have to fit into a page."""
        self.check_layers("overlayfs", 62)

    def test_blendfs(self):
        self.check_layers("blendfs", 16)


class Refusals(GuestTest):
    def refuse(self, disks, command_line, wanted):
        with self.guest(disks, command_line) as running:
            running.wait_for("E", 60)
            running.wait_end(30)
            self.assertRegex(running.console(), "blend: cannot assemble the root: " + wanted)

    def test_block_with_an_engine_of_fine(self):
        disks, command_line = self.layout("block", "qcow2")
        self.refuse(disks, command_line.replace("qcow2", "overlayfs"), "unknown engine 'overlayfs' for the layout block")

    def test_a_store_that_is_none(self):
        disks, command_line = self.layout("block", "dm-snapshot")
        with open(disks[1][1].path, "r+b") as store:
            store.write(b"no exceptions here")
        self.refuse(disks, command_line, "dm-snapshot of SERIAL=system and SERIAL=user: .*refuses the exception store")

    def test_virtiofs_without_a_tag(self):
        disks, command_line = self.layout("fine", "virtiofs")
        self.refuse(disks, command_line, "blend.engine=virtiofs needs blend.system=TAG=name")
        self.refuse(disks, command_line.replace("SERIAL=system", "TAG=root"), "no shared folder with the tag root")

    def test_a_place_for_the_user_that_is_not_there(self):
        disks, command_line = self.layout("coarse")
        self.refuse(disks, command_line + " blend.user_at=/nowhere", "blend.user_at=/nowhere: the system image has no")


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: MIT
"""Stock guests under software emulation, whose root the packages' initramfs puts together."""
import os
import pathlib
import tempfile
import unittest

import machine
import support

CYCLES = 2


class GuestTest:
    """`TOOL` is the subclass's."""

    def setUp(self):
        if os.environ.get("BLEND_NO_GUESTS"):
            self.skipTest("BLEND_NO_GUESTS is set")
        support.need_root()
        folder = tempfile.TemporaryDirectory(prefix="blend-machine-")
        self.addCleanup(folder.cleanup)
        self.made = machine.images(pathlib.Path(folder.name), self.TOOL)

    def assert_clean(self):
        self.assertEqual(machine.unclean(self.made.user), "")


class InitramfsTools(GuestTest, unittest.TestCase):
    TOOL = "initramfs-tools"

    def test_cycles_and_a_reset(self):
        for number in range(1, CYCLES + 1):
            machine.cycle(self.made, number, "reboot" if number % 2 == 0 else "poweroff")
        console, _ = machine.start(self.made, machine.command_line("blendfs.reset"))
        self.assertEqual(machine.facts(console)["count"], "1", console)
        self.assertEqual(machine.complaints(console), [])
        self.assert_clean()
        names = machine.names(self.made.user, "/")
        suffix = next(name for name in names if name.startswith("upper.reset-")).removeprefix("upper.reset-")
        self.assertEqual(names, ["lost+found", "upper", f"upper.reset-{suffix}", "work", f"work.reset-{suffix}"])
        self.assertEqual(machine.debugfs(self.made.user, f"cat /upper.reset-{suffix}/var/lib/cycles/count").strip(), str(CYCLES))
        self.assertIn(f"upper.reset-{suffix}", console)

    def test_a_missing_image_and_one_that_is_something_else(self):
        console, _ = machine.start(self.made, machine.command_line("rootdelay=3", user="LABEL=gone"))
        self.assertRegex(console, r"blendfs: cannot put the root together: the user image LABEL=gone did not appear within 3 s")
        self.assertRegex(console, r'/dev/vdd: .*LABEL="user".*\(256 MiB\)')
        self.assertIn("Rebooting automatically due to panic= boot argument", console)

    def test_readonly(self):
        before = self.made.user.read_bytes()
        console, _ = machine.start(self.made, machine.command_line("blendfs.readonly"))
        told = machine.facts(console)
        self.assertEqual((told["count"], told["root"], told["layer"]), ("readonly", "fuse.blendfs", "top"), console)
        self.assertEqual(self.made.user.read_bytes(), before)


class Dracut(GuestTest, unittest.TestCase):
    TOOL = "dracut"

    def test_cycles(self):
        for number in range(1, CYCLES + 1):
            machine.cycle(self.made, number, "reboot" if number % 2 == 0 else "poweroff")

    def test_a_missing_image(self):
        console, _ = machine.start(self.made, machine.command_line("rootdelay=8 rd.shell=0", user="LABEL=gone"),
                                   until=r"Refusing to continue|FATAL")
        self.assertRegex(console, r"blendfs: cannot put the root together: the user image LABEL=gone did not appear within 8 s")
        self.assertRegex(console, r'/dev/vdd: .*LABEL="user"')

if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: MIT
"""The root library in every shell that an initramfs may have: parameters, devices, what becomes of a user image.

No mounts and no devices here: blkid and mount are stand-ins that a table tells what to say.
"""
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import support

LIBRARY = support.PROJECT / "packaging" / "root" / "root.sh"
SHELLS = {"dash": ["dash"], "busybox": ["busybox", "sh"], "bash": ["bash", "--posix"]}
VARIABLES = ("system", "app", "user", "opts", "reset", "readonly", "wait")
# A line of the table: DEVICE NAME TYPE. What is asked for is in the arguments, as the library asks.
BLKID = """#!/bin/sh
while read -r device name type; do
  case "$*" in
    "-c /dev/null -t $name -o device") echo "$device" ;;
    "-c /dev/null -o value -s TYPE $device") echo "$type" ;;
  esac
done <"$BLKID_TABLE"
"""
MOUNT = '#!/bin/sh\nif [ -n "$MOUNT_FAILS" ]; then echo "mount: $MOUNT_FAILS" >&2; exit 32; fi\necho "$@" >>"$MOUNTED"\n'
DAEMON = '#!/bin/sh\nif [ -n "$DAEMON_FAILS" ]; then echo "blendfs: $DAEMON_FAILS" >&2; exit 1; fi\necho "$0" "$@" >>"$MOUNTED"\n'
# The console and the kernel's log are the test's output; nothing is prepared outside of the test's folder.
PROLOGUE = """
. "$1"
blendfs_say() { echo "said: $*"; }
blendfs_prepare_shutdown() { echo "shutdown prepared"; }
# Some builds of busybox take their own applets before what is on PATH.
for stand_in in mount modprobe date; do
  if [ -e "$BLENDFS_PROGRAMS/$stand_in" ]; then eval "$stand_in() { \"$BLENDFS_PROGRAMS/$stand_in\" \"\$@\"; }"; fi
done
"""


class LibraryTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="blend-root-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.place = self.folder / "place"
        (self.folder / "bin").mkdir()
        self.put("bin/blkid", BLKID)
        self.put("bin/mount", MOUNT)
        self.put("bin/modprobe", "#!/bin/sh\n")
        self.put("bin/@blendfs", DAEMON)
        self.table = self.put("table", "")

    def put(self, name, text):
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    def shell(self, name, script, *arguments, **more):
        """Runs a script after the library, in a shell; returns what it wrote. Skips where there is no such shell."""
        support.need_programs(SHELLS[name][0])
        environ = {"PATH": f"{self.folder}/bin:/usr/bin:/bin:/usr/sbin:/sbin", "BLENDFS_PLACE": str(self.place),
                   "BLENDFS_PROGRAMS": f"{self.folder}/bin", "BLENDFS_BLKID": f"{self.folder}/bin/blkid",
                   "BLKID_TABLE": str(self.table), "MOUNTED": f"{self.folder}/mounted",
                   "MOUNT_FAILS": "", "DAEMON_FAILS": "", **more}
        done = subprocess.run([*SHELLS[name], "-c", PROLOGUE + script, "sh", str(LIBRARY), *arguments], env=environ, cwd=self.folder,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
        return done.stdout.decode()

    def parse(self, shell, line):
        script = 'blendfs_read_parameters "$2" && blendfs_check_parameters && echo good\n'
        script += "".join(f'echo "{name}=$blendfs_{name}"\n' for name in VARIABLES) + 'echo "problem=$blendfs_problem"\n'
        out = self.shell(shell, script, line).splitlines()
        values = dict(entry.split("=", 1) for entry in out if "=" in entry)
        return "good" in out, values

    def assemble(self, shell, line, **more):
        return self.shell(shell, 'blendfs_assemble "$2" /target || echo "problem: $blendfs_problem"\n', line, **more)

    def mounted(self):
        path = self.folder / "mounted"
        return path.read_text().splitlines() if path.exists() else []


class Parameters:
    def test_all_of_them(self):
        line = ("quiet blendfs.system=UUID=1-2 ro blendfs.app=LABEL=top,PARTLABEL=low blendfs.user=/dev/vdc blendfs.opts=fsync=strict,threads=2 "
                "blendfs.reset rootdelay=7")
        shell = self.SHELL
        good, values = self.parse(shell, line)
        self.assertTrue(good, values)
        self.assertEqual(values, {"system": "UUID=1-2", "app": "LABEL=top,PARTLABEL=low", "user": "/dev/vdc",
                                  "opts": "fsync=strict,threads=2", "reset": "1", "readonly": "", "wait": "7", "problem": ""})

    def test_what_is_left_out(self):
        shell = self.SHELL
        good, values = self.parse(shell, "blendfs.system=LABEL=s blendfs.user=LABEL=u")
        self.assertTrue(good, values)
        self.assertEqual((values["app"], values["opts"], values["reset"], values["readonly"], values["wait"]), ("", "", "", "", "30"))

    def test_readonly_needs_no_user_image(self):
        shell = self.SHELL
        for word in ("blendfs.readonly", "blendfs.readonly=yes", "blendfs.readonly=1"):
            good, values = self.parse(shell, f"blendfs.system=LABEL=s {word}")
            self.assertTrue(good, values)
            self.assertEqual(values["readonly"], "1")

    def test_switched_off(self):
        shell = self.SHELL
        good, values = self.parse(shell, "blendfs.system=LABEL=s blendfs.user=LABEL=u blendfs.reset=no blendfs.readonly=0")
        self.assertTrue(good, values)
        self.assertEqual((values["reset"], values["readonly"]), ("", ""))

    def test_names_are_no_patterns_and_the_shell_stays_as_it_was(self):
        script = 'blendfs_read_parameters "$2"; echo "app=$blendfs_app"; echo *\n'
        shell = self.SHELL
        out = self.shell(shell, script, "blendfs.system=LABEL=s blendfs.app=LABEL=* *").splitlines()
        self.assertIn("app=LABEL=*", out)
        self.assertIn("table", out[-1].split(), "names are expanded again afterwards")

    def test_wrong_ones_say_so(self):
        wrong = {
            "blendfs.user=LABEL=u blendfs.system=": "system image is ''",
            "blendfs.system=LABEL=s": "blendfs.user= is missing",
            "blendfs.system=LABEL= blendfs.readonly": "use LABEL=",
            "blendfs.system=vda blendfs.readonly": "use LABEL=",
            "blendfs.system=LABEL=s blendfs.app=LABEL=a,,LABEL=b blendfs.readonly": "app1 image is ''",
            'blendfs.system=LABEL="a blendfs.readonly': "quotes are not understood",
            "blendfs.system=LABEL=s blendfs.readonly blendfs.reset": "needs a user image",
            "blendfs.system=LABEL=s blendfs.user=LABEL=u blendfs.rest": "unknown parameter blendfs.rest",
            "blendfs.system=LABEL=s blendfs.user=LABEL=u blendfs.reset=perhaps": "with =yes or =no",
        }
        shell = self.SHELL
        for line, expected in wrong.items():
            good, values = self.parse(shell, line)
            self.assertFalse(good, line)
            self.assertIn(expected, values["problem"], line)

    def test_a_delay_that_is_no_number_does_not_count(self):
        shell = self.SHELL
        for word in ("rootdelay=", "rootdelay=soon", "rootdelay=0x10", "rootdelay=-1", "rootdelay=08"):
            self.assertEqual(self.parse(shell, f"blendfs.system=LABEL=s {word}")[1]["wait"], "30", word)


class Assembling:
    LINE = "blendfs.system=LABEL=s blendfs.app=LABEL=top,LABEL=low blendfs.user=LABEL=u rootdelay=1"

    def setUp(self):
        super().setUp()
        self.table.write_text("/dev/vda LABEL=s erofs\n/dev/vdb LABEL=low ext4\n/dev/vdc LABEL=top ext4\n/dev/vdd LABEL=u ext4\n")

    def user(self, *names):
        """A user image with these entries, as if it was mounted; the mounting itself does nothing here."""
        shutil.rmtree(self.place, ignore_errors=True)
        (self.folder / "mounted").unlink(missing_ok=True)
        for name in names:
            (self.place / "user" / name).mkdir(parents=True)

    def entries(self):
        return sorted(path.name for path in (self.place / "user").iterdir())

    def test_the_order_of_the_layers(self):
        shell = self.SHELL
        self.user("upper", "work")
        self.assertEqual(self.assemble(shell, self.LINE + " blendfs.opts=threads=2"), "shutdown prepared\n")
        at = self.place
        self.assertEqual(self.mounted(), [
            f"-t ext4 -o ro,noatime /dev/vdc {at}/app0", f"-t ext4 -o ro,noatime /dev/vdb {at}/app1",
            f"-t erofs -o ro,noatime /dev/vda {at}/system", f"-t ext4 -o rw,noatime /dev/vdd {at}/user",
            f"{self.folder}/bin/@blendfs -o noatime,lowerdir={at}/app0:{at}/app1:{at}/system,upperdir={at}/user/upper,"
            f"workdir={at}/user/work,threads=2 /target"])

    def test_readonly_leaves_the_user_image_alone(self):
        shell = self.SHELL
        self.user()
        self.assemble(shell, "blendfs.system=LABEL=s blendfs.user=LABEL=u blendfs.readonly")
        self.assertEqual(len(self.mounted()), 2)
        self.assertTrue(self.mounted()[1].endswith(f"-o noatime,lowerdir={self.place}/system /target"), self.mounted())

    def test_a_missing_image_is_named(self):
        shell = self.SHELL
        self.user("upper", "work")
        out = self.assemble(shell, self.LINE.replace("LABEL=low", "LABEL=gone"))
        self.assertIn("problem: the app1 image LABEL=gone did not appear within 1 s", out)

    def test_two_devices_of_one_name(self):
        self.table.write_text(self.table.read_text() + "/dev/sda LABEL=u ext4\n")
        shell = self.SHELL
        self.user("upper", "work")
        self.assertIn("LABEL=u is on several devices: /dev/vdd /dev/sda", self.assemble(shell, self.LINE))

    def test_what_mount_says_is_passed_on(self):
        shell = self.SHELL
        self.user("upper", "work")
        out = self.assemble(shell, self.LINE, MOUNT_FAILS="bad superblock")
        self.assertIn("problem: cannot mount the app0 image LABEL=top (/dev/vdc, ext4): mount: bad superblock", out)

    def test_a_user_image_that_cannot_be_written_to(self):
        self.table.write_text(self.table.read_text().replace("LABEL=u ext4", "LABEL=u erofs"))
        shell = self.SHELL
        self.user("upper", "work")
        self.assertIn("is of type erofs, which cannot be written to", self.assemble(shell, self.LINE))

    def test_what_the_daemon_says_is_passed_on(self):
        shell = self.SHELL
        self.user("upper", "work")
        out = self.assemble(shell, self.LINE, DAEMON_FAILS="the upper is in use")
        self.assertIn("problem: cannot mount the root: blendfs: the upper is in use", out)
        self.assertNotIn("shutdown prepared", out)

    def test_an_empty_user_image_gets_its_folders(self):
        shell = self.SHELL
        self.user("lost+found")
        self.assertEqual(self.assemble(shell, self.LINE), "shutdown prepared\n")
        self.assertEqual(self.entries(), ["lost+found", "upper", "work"])
        self.assertEqual((self.place / "user" / "upper").stat().st_mode & 0o7777, 0o755)

    def test_what_is_no_user_image_is_refused(self):
        shell = self.SHELL
        for name in ("home", ".hidden", "..odd"):
            self.user(name)
            self.assertIn(f"holds '{name}'", self.assemble(shell, self.LINE))
            self.assertEqual(self.entries(), [name])

    def test_reset_keeps_what_there_was(self):
        shell = self.SHELL
        self.user("upper", "work")
        (self.place / "user" / "upper" / "mine").write_text("mine")
        (self.place / "user" / "work" / "index").mkdir()
        out = self.assemble(shell, self.LINE + " blendfs.reset")
        names = self.entries()
        self.assertEqual(len(names), 4, names)
        suffix = names[1].removeprefix("upper.reset-")
        self.assertRegex(suffix, r"^\d{8}-\d{6}$")
        self.assertEqual(names, ["upper", f"upper.reset-{suffix}", "work", f"work.reset-{suffix}"])
        self.assertEqual((self.place / "user" / names[1] / "mine").read_text(), "mine")
        self.assertTrue((self.place / "user" / names[3] / "index").is_dir())
        self.assertEqual(list((self.place / "user" / "upper").iterdir()), [])
        self.assertIn(f"upper.reset-{suffix}", out)
        self.assertIn("to bring them back", out)

    def test_resets_of_one_second_keep_apart(self):
        self.put("bin/date", "#!/bin/sh\necho 20250101-000000\n")
        shell = self.SHELL
        self.user("upper", "work")
        for _ in range(3):
            self.assemble(shell, self.LINE + " blendfs.reset")
        uppers = [name for name in self.entries() if name.startswith("upper.reset")]
        self.assertEqual(uppers, ["upper.reset-20250101-000000", "upper.reset-20250101-000000-2", "upper.reset-20250101-000000-3"])

    def test_a_second_attempt_does_not_reset_again(self):
        script = 'blendfs_assemble "$2" /target || { DAEMON_FAILS=; blendfs_assemble "$2" /target; }\n'
        shell = self.SHELL
        self.user("upper", "work")
        out = self.shell(shell, script, self.LINE + " blendfs.reset", DAEMON_FAILS="not yet")
        self.assertIn("shutdown prepared", out)
        self.assertEqual(len(re.findall("upper.reset", " ".join(self.entries()))), 1)

    def test_a_reset_that_was_cut_off_is_taken_back(self):
        shell = self.SHELL
        self.user("upper", "work.reset-20250101-000000", "upper.reset-20240101-000000", "work.reset-20240101-000000")
        (self.place / "user" / "work.reset-20250101-000000" / "index").mkdir()
        self.assemble(shell, self.LINE)
        self.assertEqual(self.entries(), ["upper", "upper.reset-20240101-000000", "work", "work.reset-20240101-000000"])
        self.assertTrue((self.place / "user" / "work" / "index").is_dir())


class ParametersInDash(Parameters, LibraryTest):
    SHELL = "dash"


class ParametersInBusybox(Parameters, LibraryTest):
    SHELL = "busybox"


class ParametersInBash(Parameters, LibraryTest):
    SHELL = "bash"


class AssemblingInDash(Assembling, LibraryTest):
    SHELL = "dash"


class AssemblingInBusybox(Assembling, LibraryTest):
    SHELL = "busybox"


class AssemblingInBash(Assembling, LibraryTest):
    SHELL = "bash"


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: MIT
"""The program that runs last: a root like the one systemd leaves at /oldroot is taken apart, with a real union."""
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import machine
import support

# In namespaces of its own, with the folder as $1: what systemd hands over. The images of the union are inside of it, a process
# keeps a file open in one place, and the union is busy with all that is mounted in it.
SCENE = """
set -eu
cd "$1"
mount -t tmpfs tmpfs new
mkdir -p new/oldroot new/proc new/dev new/run new/lower/run new/lower/dev new/lower/proc
cp shutdown new/shutdown
mount -t proc proc new/proc
mount --bind /dev new/dev
mount -o loop user.ext4 image
mkdir -p image/upper image/work
./@blendfs -o "rootfs,lowerdir=new/lower,upperdir=image/upper,workdir=image/work" new/oldroot
mount -t tmpfs tmpfs new/oldroot/run
mkdir -p new/oldroot/run/blendfs/user "new/oldroot/run/a b"
mount --move image new/oldroot/run/blendfs/user
mount -t tmpfs tmpfs "new/oldroot/run/a b"
mount --bind /dev new/oldroot/dev
echo written >new/oldroot/file
%s
chroot new /shutdown unmount && echo "status 0" || echo "status $?"
grep -c " $1/new/oldroot" /proc/self/mountinfo || true
"""


class Unmounting(unittest.TestCase):
    def setUp(self):
        support.need_root()
        support.need_programs("unshare", "mke2fs", "e2fsck")
        self.folder = tempfile.mkdtemp(prefix="blend-shutdown-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        for name in ("new", "image"):
            (pathlib.Path(self.folder) / name).mkdir()
        for source, target in (("packaging/root/shutdown", "shutdown"), ("unionfs/tools/blendfs-static", "@blendfs")):
            path = support.BUILD / source
            if not path.exists():
                self.skipTest(f"{path.name} is not built; run packaging/build")
            shutil.copy(path, f"{self.folder}/{target}")
        self.image = machine.make_ext4(pathlib.Path(self.folder) / "user.ext4", "user", 32)

    def scene(self, more=""):
        done = subprocess.run(["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private",
                               "sh", "-c", SCENE % more, "sh", self.folder], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=200, check=False)
        return done.stdout.decode().splitlines()

    def test_everything_is_unmounted_and_clean(self):
        said = self.scene()
        self.assertEqual(said[-2:], ["status 0", "0"], said)
        self.assertEqual(machine.unclean(self.image), "")
        self.assertEqual(machine.debugfs(self.image, "cat /upper/file"), "written\n")

    def test_what_is_in_use_for_a_while_is_waited_for(self):
        said = self.scene("(exec 3>new/oldroot/held; sleep 1; echo late >&3) & sleep 0.2")
        self.assertEqual(said[-2:], ["status 0", "0"], said)
        self.assertEqual(machine.unclean(self.image), "")
        self.assertEqual(machine.debugfs(self.image, "cat /upper/held"), "late\n")

    def test_only_process_one_may_end_the_machine(self):
        done = subprocess.run([f"{self.folder}/shutdown", "poweroff"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"only process 1", done.stdout)


if __name__ == "__main__":
    unittest.main()

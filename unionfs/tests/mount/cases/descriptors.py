# SPDX-License-Identifier: MIT
"""How many descriptors of directories are open below, and that nobody notices those that were closed."""
import os
import shutil
import subprocess

from lab import sysops
from lab.case import Case, Environment, only_for
from lab.engines import layer_options
from lab.layers import directory, file

BOUND = 16
FOLDERS = 60
STRANGER = 1234
ELSE_OPEN = 40  # the layers, /dev/fuse, the log


@only_for("blendfs", why="its option")
class FewDescriptors(Case):
    def build(self, options=("descriptors=%d" % BOUND,)):
        tree = {"d%02d/in/f" % i: file("low %d" % i) for i in range(FOLDERS)}
        self.union(tree, {"d%02d/in/g" % i: file("lower") for i in range(FOLDERS)},
                   upper={"d%02d/own" % i: file("up") for i in range(0, FOLDERS, 2)}, options=options)

    def open_descriptors(self):
        return len(os.listdir("/proc/%d/fd" % self.m.daemon.pid))

    def walk(self):
        for i in range(FOLDERS):
            self.assertEqual(self.read("d%02d/in/f" % i), b"low %d" % i)
            self.assertEqual(self.names("d%02d/in" % i), ["f", "g"])

    def test_the_bound_holds_while_a_tree_is_walked(self):
        self.build(options=())
        self.walk()
        self.assertGreater(self.open_descriptors(), 2 * FOLDERS, "all are kept without a bound: the test sees them")
        self.m.unmount()
        self.build()
        second = self.mounts[-1]
        self.m = second
        for _ in range(2):
            self.walk()
            self.assertLessEqual(self.open_descriptors(), BOUND + BOUND // 4 + ELSE_OPEN)

    def test_everything_still_works_in_directories_that_were_closed(self):
        self.build()
        for i in range(FOLDERS):
            self.write("d%02d/in/new" % i, "new %d" % i)
        for i in range(FOLDERS):
            os.rename(self.p("d%02d/in" % i), self.p("d%02d/moved" % i))
        for i in range(FOLDERS):
            os.unlink(self.p("d%02d/moved/g" % i))
            os.chmod(self.p("d%02d" % i), 0o700)
        for i in range(FOLDERS):
            self.assertEqual(self.names("d%02d/moved" % i), ["f", "new"])
            self.assertEqual(self.read("d%02d/moved/new" % i), b"new %d" % i)
        self.assert_same_after_remount()

    def test_a_directory_removed_while_open(self):
        self.build()
        os.mkdir(self.p("gone"))
        os.mkdir(self.p("replaced"))
        os.mkdir(self.p("other"))
        opened = [os.open(self.p(name), os.O_RDONLY | os.O_DIRECTORY) for name in ("gone", "replaced")]
        for fd in opened:
            self.addCleanup(os.close, fd)
        numbers = [os.fstat(fd).st_ino for fd in opened]
        self.walk()  # theirs are closed meanwhile
        os.rmdir(self.p("gone"))
        os.rename(self.p("other"), self.p("replaced"))
        self.walk()
        self.assertEqual([(os.fstat(fd).st_ino, os.fstat(fd).st_nlink) for fd in opened], [(n, 0) for n in numbers])

    def test_files_that_lose_one_of_their_names(self):
        self.build()
        for folder in ("a", "b"):
            os.mkdir(self.p(folder))
        for i in range(200):
            self.write("a/%d" % i, "%d" % i)
            os.link(self.p("a/%d" % i), self.p("b/%d" % i))
        for i in range(100):
            os.unlink(self.p("b/%d" % i))
        for i in range(100, 200):
            self.write("other", "other")
            os.rename(self.p("other"), self.p("b/%d" % i))
        self.assertLessEqual(self.open_descriptors(), BOUND + BOUND // 4 + ELSE_OPEN)
        opened = [os.open(self.p("a/%d" % i), os.O_RDONLY) for i in range(50)]
        for i in range(200):
            self.assertEqual(self.read("a/%d" % i), b"%d" % i)
            os.chmod(self.p("a/%d" % i), 0o600)
            os.unlink(self.p("a/%d" % i))
        self.walk()
        for i, fd in enumerate(opened):
            self.assertEqual((os.fstat(fd).st_nlink, os.read(fd, 9)), (0, b"%d" % i))
            os.close(fd)

    def test_unnamed_files_that_get_a_name(self):
        self.build()
        for i in range(100):
            fd = os.open(self.p(), os.O_TMPFILE | os.O_RDWR, 0o644)
            sysops.link_fd(fd, self.p("t%d" % i))
            os.close(fd)
        self.walk()
        self.assertLessEqual(self.open_descriptors(), BOUND + BOUND // 4 + ELSE_OPEN)
        for i in range(100):
            os.chmod(self.p("t%d" % i), 0o600)

    def test_root_of_a_user_namespace(self):
        """It may open directories by handle, but nothing else."""
        if os.stat("/dev/fuse").st_mode & 0o006 != 0o006:
            self.skipTest("/dev/fuse is for root alone here")
        self.build()
        self.m.unmount()
        for path in (self.m.base, *self.m.lowers, self.m.upper, self.m.work):
            subprocess.run(["chown", "-R", "%d:%d" % (STRANGER, STRANGER), path], check=True)
        for name in os.listdir(self.m.work):
            shutil.rmtree(os.path.join(self.m.work, name))
        script = ('"$@" && for round in 1 2; do for i in m/d*/in/f; do cat "$i" || exit 1; done; done && '
                  'echo more >> m/d00/in/f && cat m/d00/in/f && ls m && umount m')
        command = [Environment.blendfs, "-o", ",".join(layer_options(self.m) + ["userxattr", "descriptors=%d" % BOUND]), "m"]
        os.mkdir(self.m.base + "/m")
        os.chown(self.m.base + "/m", STRANGER, STRANGER)
        done = subprocess.run(["setpriv", "--reuid=%d" % STRANGER, "--regid=%d" % STRANGER, "--clear-groups", "unshare", "-Urm",
                               "sh", "-c", script, "sh", *command], cwd=self.m.base, text=True, capture_output=True, check=False)
        if "unshare" in done.stderr:
            self.skipTest("no user namespaces: " + done.stderr.strip())
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_many_metadata_only_copies(self):
        big = b"x" * 70000
        self.union({"f%03d" % i: file(big) for i in range(100)}, {"empty": directory()},
                   options=("descriptors=%d" % BOUND,))
        for i in range(100):
            os.chmod(self.p("f%03d" % i), 0o600)
        self.assertLessEqual(self.open_descriptors(), BOUND + BOUND // 4 + ELSE_OPEN)
        for i in range(100):
            self.assertEqual(self.read("f%03d" % i), big)

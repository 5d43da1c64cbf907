# SPDX-License-Identifier: MIT
"""The command line: exit status, one line on standard error, ready when the parent returns."""
import os
import shutil
import subprocess
import time

from lab import engines, sysops
from lab.case import Case, Environment, only_for


@only_for("blendfs", why="tests the program's own command line")
class CommandLine(Case):
    def setUp(self):
        super().setUp()
        for name in ("low", "low2", "upper", "work", "mnt", "we:ird", "com,ma"):
            os.mkdir(self.scratch(name))
        with open(self.scratch("low/f"), "w") as stream:
            stream.write("low")
        os.chdir(Environment.folder)

    def blendfs(self, *arguments, binary=None, limit=20):
        return subprocess.run([binary or Environment.blendfs, *arguments], capture_output=True, text=True, timeout=limit,
                              stdin=subprocess.DEVNULL)

    def daemons(self):
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/cmdline" % pid, "rb") as stream:
                    words = stream.read().split(b"\0")
                with open("/proc/%s/stat" % pid) as stream:
                    state = stream.read().rsplit(")", 1)[1].split()[0]
            except OSError:
                continue
            if state != "Z" and b"blendfs" in os.path.basename(words[0]) and \
                    any(word.endswith(os.fsencode(self.scratch("mnt"))) for word in words):
                found.append(int(pid))
        return found

    def wait_for_end(self):
        limit = time.monotonic() + 20
        while self.daemons():
            self.assertLess(time.monotonic(), limit, "the daemon still runs after umount")
            time.sleep(0.01)

    def starts(self, *arguments, mount_point=None):
        """Mounts in the background; the mount has to be there at once; takes it away afterwards."""
        done = self.blendfs(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        target = mount_point or self.scratch("mnt")
        self.assertTrue(engines.is_mount(target), "ready when the parent returns")
        return target

    def ends(self, target=None):
        sysops.umount(target or self.scratch("mnt"))
        self.wait_for_end()

    def test_background_mount_is_ready_when_the_parent_returns(self):
        for _ in range(5):
            target = self.starts("-o", "lowerdir=%s,upperdir=%s,workdir=%s" % tuple(map(self.scratch, ("low", "upper", "work"))),
                                 self.scratch("mnt"))
            self.assertEqual(os.listdir(target), ["f"])
            self.ends()

    def test_parent_closes_its_output(self):
        """A shell's $(blendfs ...) must not wait for the daemon."""
        started = time.monotonic()
        done = subprocess.run(["sh", "-c", 'x=$("$0" -o lowerdir=low "$1" 2>&1); echo "got:$x"', Environment.blendfs,
                               self.scratch("mnt")], capture_output=True, text=True, timeout=20)
        self.assertEqual(done.stdout.strip(), "got:")
        self.assertLess(time.monotonic() - started, 10)
        self.ends()

    def test_relative_paths_and_working_directory(self):
        self.starts("-o", "lowerdir=low:low2,upperdir=upper,workdir=work", "mnt")
        with open(self.scratch("mnt/new"), "w") as stream:
            stream.write("x")
        self.assertEqual(os.listdir(self.scratch("upper")), ["new"])
        (daemon,) = self.daemons() or [0]
        if daemon:
            self.assertEqual(os.readlink("/proc/%d/cwd" % daemon), "/")
        sysops.umount(self.scratch("mnt"))

    def test_separate_options_and_order(self):
        self.starts(self.scratch("mnt"), "-o", "lowerdir=low", "-o", "ro")
        with self.fails("EROFS"):
            open(self.scratch("mnt/x"), "w")
        self.ends()

    def test_escapes(self):
        with open(self.scratch("we:ird/colon"), "w"):
            pass
        with open(self.scratch("com,ma/comma"), "w"):
            pass
        self.starts("-o", "lowerdir=we\\:ird:com\\,ma", self.scratch("mnt"))
        self.assertEqual(sorted(os.listdir(self.scratch("mnt"))), ["colon", "comma"])
        self.ends()

    def test_mistakes_get_one_line_and_a_status(self):
        layers = "lowerdir=low,upperdir=upper,workdir=work"
        mistakes = {
            "no arguments": [], "no mount point": ["-o", "lowerdir=low"], "no layers": ["mnt"],
            "unknown option": ["-o", layers + ",nonsense=1", "mnt"], "unknown switch": ["--nonsense", "-o", layers, "mnt"],
            "missing lower": ["-o", "lowerdir=nowhere", "mnt"], "missing upper": ["-o", "lowerdir=low,upperdir=no,workdir=work", "mnt"],
            "missing work": ["-o", "lowerdir=low,upperdir=upper,workdir=no", "mnt"],
            "upper without work": ["-o", "lowerdir=low,upperdir=upper", "mnt"],
            "work without upper": ["-o", "lowerdir=low,workdir=work", "mnt"],
            "work inside upper": ["-o", "lowerdir=low,upperdir=upper,workdir=upper/work", "mnt"],
            "upper is work": ["-o", "lowerdir=low,upperdir=upper,workdir=upper", "mnt"],
            "missing mount point": ["-o", layers, "nowhere"], "file as lower": ["-o", "lowerdir=low/f", "mnt"],
            "file as mount point": ["-o", layers, "low/f"], "bad dial": ["-o", layers + ",fsync=perhaps", "mnt"],
            "bad number": ["-o", layers + ",threads=none", "mnt"], "two mount points": ["-o", layers, "a", "b", "c"],
            "empty lower": ["-o", "lowerdir=", "mnt"], "option without value": ["-o"]}
        os.makedirs(self.scratch("upper/work"), exist_ok=True)
        for what, arguments in mistakes.items():
            with self.subTest(what):
                done = self.blendfs(*arguments)
                self.assertIn(done.returncode, (1, 2), done.stderr)
                lines = done.stderr.strip().split("\n")
                self.assertEqual(len(lines), 1, done.stderr)
                self.assertTrue(lines[0].startswith("blendfs: "), lines[0])
                self.assertGreater(len(lines[0]), 20)
                self.assertEqual(done.stdout, "")
                self.assertFalse(engines.is_mount(self.scratch("mnt")))

    def test_upper_in_use_is_refused(self):
        layers = "lowerdir=low,upperdir=upper,workdir=work"
        self.starts("-o", layers, self.scratch("mnt"))
        os.mkdir(self.scratch("mnt2"))
        done = self.blendfs("-o", layers, self.scratch("mnt2"))
        self.assertEqual(done.returncode, 1)
        self.assertEqual(len(done.stderr.strip().split("\n")), 1, done.stderr)
        self.assertFalse(engines.is_mount(self.scratch("mnt2")))
        self.ends()

    def test_help_and_version(self):
        done = self.blendfs("--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for word in ("lowerdir", "upperdir", "workdir", "userxattr", "fsync"):
            self.assertIn(word, done.stdout)
        done = self.blendfs("--version")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"^blendfs \d+\.\d+")

    def test_without_dev_fuse(self):
        hidden = self.scratch("dev")
        os.mkdir(hidden)
        done = subprocess.run(["unshare", "-m", "sh", "-c", 'mount --bind "$1" /dev && exec "$0" -o lowerdir=low mnt',
                               Environment.blendfs, hidden], capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("/dev/fuse", done.stderr)

    def test_mount_helper(self):
        if not shutil.which("mount.fuse.blendfs", path="/sbin:/usr/sbin:/usr/local/sbin:/bin:/usr/bin"):
            self.skipTest("mount.fuse.blendfs is not installed")
        done = subprocess.run(["mount", "-t", "fuse.blendfs", "blend", self.scratch("mnt"), "-o", "lowerdir=" + self.scratch("low")],
                              capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(os.listdir(self.scratch("mnt")), ["f"])
        sysops.umount(self.scratch("mnt"))

    def test_as_a_mount_helper_is_called(self):
        self.starts("blend", self.scratch("mnt"), "-o", "rw,lowerdir=low,upperdir=upper,workdir=work,dev,suid")
        with open("/proc/self/mountinfo") as table:
            (line,) = [line for line in table if line.split(" ")[4] == self.scratch("mnt")]
        self.assertRegex(line, r" - fuse\.blendfs ")
        self.assertNotIn("nosuid", line)
        self.assertNotIn("nodev", line)
        self.assertIn("default_permissions", line)
        self.assertIn("allow_other", line)
        self.ends()

    def test_foreground_ends_on_unmount(self):
        daemon = subprocess.Popen([Environment.blendfs, "-f", "-o", "lowerdir=low", self.scratch("mnt")])
        limit = time.monotonic() + 10
        while not engines.is_mount(self.scratch("mnt")):
            self.assertLess(time.monotonic(), limit)
            time.sleep(0.01)
        self.assertIsNone(daemon.poll())
        sysops.umount(self.scratch("mnt"))
        self.assertEqual(daemon.wait(10), 0)

    def test_as_an_ordinary_user(self):
        """Either it works (fusermount3) or it says in one line why not; never as root in disguise."""
        for name in ("low", "mnt"):
            os.chown(self.scratch(name), 1000, 1000)

        def user():
            return self.blendfs("-o", "lowerdir=low", "mnt")
        done = self.as_user(1000, user)
        if done.returncode == 0:
            sysops.umount(self.scratch("mnt"))
            return
        self.assertEqual(done.returncode, 1)
        self.assertEqual(len(done.stderr.strip().split("\n")), 1, done.stderr)

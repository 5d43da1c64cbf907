# SPDX-License-Identifier: MIT
"""kill -9 of the daemon in the middle of work, then a new mount: synced data is there, the work directory
is clean, every object is the old one or the new one.
"""
import os
import random
import signal
import time

from lab import sysops, tree
from lab.case import Case, only_for
from lab.layers import file
from lab.runner import limit


@only_for("blendfs", why="has no daemon to kill")
class Crash(Case):
    def leftovers(self):
        work = os.path.join(self.m.work, "work")
        return sorted(os.listdir(work)) if os.path.isdir(work) else []

    def test_synced_data_survives(self):
        self.union({"low": file("low"), "d/x": file("x")})
        self.write("low", "changed")
        fd = os.open(self.p("new"), os.O_CREAT | os.O_WRONLY)
        os.write(fd, b"synced")
        os.fsync(fd)
        os.rename(self.p("d"), self.p("e"))
        os.unlink(self.p("e/x"))
        base = os.open(self.p(), os.O_RDONLY)
        sysops.syncfs(base)
        os.close(base)
        self.m.kill()
        with self.fails("ENOTCONN", "ECONNABORTED"):
            os.fstat(fd)
        os.close(fd)
        self.m.mount()
        self.assertEqual((self.read("low"), self.read("new")), (b"changed", b"synced"))
        self.assertEqual(self.names(), ["e", "low", "new"])
        self.assertEqual(self.names("e"), [])

    def test_applications_get_an_error_not_a_hang(self):
        self.union({"f": file("x")})
        fd = os.open(self.p("f"), os.O_RDWR)
        self.m.daemon.kill()
        self.m.daemon.wait()
        with self.fails("ENOTCONN", "ECONNABORTED"):
            os.listdir(self.p())
        os.close(fd)
        sysops.umount(self.m.root, 2)
        self.m.mounted = False
        self.m.mount()
        self.assertEqual(self.read("f"), b"x")

    def test_the_last_close_after_a_lazy_unmount_is_a_clean_end(self):
        """The kernel takes the mount away while the daemon still reads the releases: no failure, whatever it says."""
        names = ["f%d" % i for i in range(40)]
        self.union({name: file("x") for name in names})
        for _ in range(40):
            opened = [os.open(self.p(name), os.O_RDONLY) for name in names]
            sysops.umount(self.m.root, 2)
            self.m.mounted = False
            for fd in opened:
                os.close(fd)
            self.m.end()
            self.m.mount()

    @limit(180)
    def test_kill_in_the_middle_of_copy_ups(self):
        """Whenever the kill comes, each file is whole: old content and mode, or new ones."""
        random.seed(7)
        content = {"f%d" % i: random.randbytes(400000 + i) for i in range(12)}
        self.union({name: file(data, 0o640, uid=3) for name, data in content.items()})
        for turn in range(10):
            pid = os.fork()
            if pid == 0:
                try:
                    for name in content:
                        os.chmod(self.p(name), 0o604)
                        with open(self.p(name), "ab") as stream:
                            stream.write(b"tail")
                finally:
                    os._exit(0)
            time.sleep(random.uniform(0.0, 0.03))
            self.m.kill()
            os.waitpid(pid, 0)
            self.m.mount()
            self.assertEqual([name for name in self.leftovers() if not name.startswith("#")], [])
            for name, data in content.items():
                got = self.read(name)
                self.assertEqual(got[:len(data)], data, "%s in turn %d" % (name, turn))
                self.assertEqual(got[len(data):], b"tail" * (len(got[len(data):]) // 4))
                self.assertIn(self.mode(name), (0o640, 0o604))
                self.assertEqual(self.stat(name).st_uid, 3)

    @limit(180)
    def test_kill_in_the_middle_of_renames_and_removals(self):
        low = {"a/%d/f" % i: file(str(i)) for i in range(30)}
        self.union(low, upper={"b": file("anchor")})
        random.seed(11)
        for turn in range(8):
            pid = os.fork()
            if pid == 0:
                try:
                    for i in range(30):
                        for old, new in (("a/%d", "moved%d"), ("moved%d", "a/%d")):
                            try:
                                os.rename(self.p(old % i), self.p(new % i))
                            except FileNotFoundError:
                                pass
                finally:
                    os._exit(0)
            time.sleep(random.uniform(0.002, 0.05))
            self.m.kill()
            os.waitpid(pid, 0)
            self.m.mount()
            places = {}
            for i in range(30):
                found = [name for name in ("a/%d" % i, "moved%d" % i) if os.path.exists(self.p(name))]
                self.assertEqual(len(found), 1, "directory %d in turn %d is at %s" % (i, turn, found))
                places[i] = found[0]
                self.assertEqual(self.read(found[0] + "/f"), str(i).encode())
            listed = {name for name in self.names() if name.startswith("moved")}
            self.assertEqual(listed, {name for name in places.values() if name.startswith("moved")})

    def test_work_directory_is_recovered(self):
        self.union({"f": file("x")})
        self.m.unmount()
        work = os.path.join(self.m.work, "work")
        os.makedirs(os.path.join(work, "left/over"), exist_ok=True)
        for name in ("file", "left/f", "left/over/g"):
            with open(os.path.join(work, name), "w") as stream:
                stream.write("rubbish")
        os.mknod(os.path.join(work, "dev"), 0o020000, 0)
        self.m.mount()
        self.assertEqual(self.leftovers(), [])
        self.write("f", "y")
        self.assert_same_after_remount()

    def test_orderly_end_by_signal(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if hasattr(self, "m"):
                del self.m
            self.union({"f": file("x")})
            self.write("f", "y")
            before = tree.snapshot(self.p())
            self.m.daemon.send_signal(number)
            self.assertEqual(self.m.daemon.wait(20), 0, "exit status after signal %d" % number)
            self.m.mounted = False
            self.m.mount()
            self.assert_same_tree(before, tree.snapshot(self.p()), "tree after the signal")
            self.m.unmount()

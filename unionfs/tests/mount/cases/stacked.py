# SPDX-License-Identifier: MIT
"""The kernel's overlayfs stacked on a union, its layers in it, as a container engine does: it finds what it needs
of an upper's file system, and works as on a plain one, over remounts of both.
"""
import contextlib
import os

from lab import engines, layers, sysops
from lab.case import Case, Environment, only_for
from lab.layers import directory, file, hard, opaque, redirect, symlink, whiteout
from lab.runner import limit
from model import generate, history
from model.actor import Actions, perform
from model.lockstep import picture, same_answer

OPTIONS = ["redirect_dir=on", "metacopy=on", "index=off"]


class KernelLog:
    """What overlayfs misses in what it is mounted on, from now on."""

    def __init__(self):
        self.fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self.fd, 0, os.SEEK_END)

    def complaints(self):
        lines = []
        with contextlib.suppress(BlockingIOError):
            while True:
                try:
                    lines.append(os.read(self.fd, 8192).decode(errors="replace"))
                except BrokenPipeError:
                    continue  # some were overwritten before they were read
        texts = [line.split(";", 1)[1].split("\n")[0] for line in lines if "overlayfs:" in line]
        # Other tests mount overlayfs at the same time.
        return [text for text in texts if any(word in text for word in ("support", "missing", "falling back"))]

    def close(self):
        os.close(self.fd)


@only_for("blendfs", why="stacks overlayfs on blendfs")
class Stacked(Case):
    def stack(self, *spec):
        """A union with the layers of an overlayfs in it (upper first), those below in a lower layer."""
        first = self.union()
        for index, layer in enumerate(spec[1:]):
            os.mkdir(self.p("image%d" % index))
            layers.write(self.p("image%d" % index), layer)
        first.unmount()
        self.m = self.union()
        self.m.unmount()
        self.m.lowers = [first.upper]
        self.m.mount()
        for name in ("upper", "work"):
            os.mkdir(self.p(name))
        layers.write(self.p("upper"), spec[0])
        self.images = len(spec) - 1
        self.top = self.scratch("top")
        os.mkdir(self.top)
        self.mount()
        self.addCleanup(self.end)

    def mount(self):
        below = ":".join(self.p("image%d" % index) for index in range(self.images))
        data = "lowerdir=%s,upperdir=%s,workdir=%s" % (below, self.p("upper"), self.p("work"))
        sysops.mount("overlay", self.top, "overlay", 0, ",".join([data] + OPTIONS))

    def end(self):
        with contextlib.suppress(OSError):
            sysops.umount(self.top, engines.MNT_DETACH)

    def remount(self):
        sysops.umount(self.top)
        self.m.remount()
        self.mount()

    def test_overlayfs_misses_nothing(self):
        log = KernelLog()
        self.addCleanup(log.close)
        self.stack({}, {"bin/tool": file("tool"), "etc/conf": file("conf"), "big": file(b"b" * 100000)})
        with open("/proc/self/mountinfo") as table:
            words = [line.rsplit(" ", 1)[1] for line in table if line.split(" ")[4] == self.top][0]
        for option in ("redirect_dir=on", "metacopy=on"):
            self.assertIn(option, words)
        top = self.top
        with open(os.path.join(top, "etc/conf"), "w") as stream:
            stream.write("changed")
        os.unlink(os.path.join(top, "bin/tool"))
        os.rmdir(os.path.join(top, "bin"))
        os.mkdir(os.path.join(top, "bin"))
        os.rename(os.path.join(top, "etc"), os.path.join(top, "moved"))
        os.chmod(os.path.join(top, "big"), 0o600)
        before = picture(top)
        self.assertEqual(sorted(before), ["", "big", "bin", "moved", "moved/conf"])
        self.remount()
        self.assert_same_tree(before, picture(top), "the stacked tree after a remount of both")
        self.assertEqual([self.read("image0/etc/conf"), self.read("upper/moved/conf")], [b"conf", b"changed"])
        self.assertEqual(log.complaints(), [])

    def test_copy_up_keeps_suid_and_capabilities(self):
        """It sets the owner last, as an operation that tells nobody whether suid shall go."""
        capability = bytes.fromhex("0100000200040000000000000000000000000000")
        self.stack({}, {"s": file("suid", 0o4755, uid=1000), "g": file("sgid", 0o2755, gid=5, uid=7),
                        "c": file("cap", 0o755, uid=1000, xattrs={"security.capability": capability})})
        for name, mode in (("s", 0o4755), ("g", 0o2755), ("c", 0o755)):
            path = os.path.join(self.top, name)
            os.utime(path, (5, 5))
            self.assertTrue(os.path.exists(self.p("upper/" + name)))
            self.assertEqual(os.stat(path).st_mode & 0o7777, mode, name)
        self.assertEqual(os.getxattr(os.path.join(self.top, "c"), "security.capability"), capability)
        os.chown(os.path.join(self.top, "s"), 1001, 0)
        self.assertEqual(os.stat(os.path.join(self.top, "s")).st_mode & 0o7777, 0o755, "a user's chown clears it")

    def test_layers_with_every_mark(self):
        self.stack({"f": whiteout(), "o": opaque(), "o/new": file(), "r": redirect("/d"), "d": whiteout()},
                   {"f": file(), "o/old": file(), "d/x": file("x"), "g": whiteout(), "s": symlink("f")},
                   {"g": file(), "d/y": file("y"), "h": file("h"), "i": hard("h")})
        for _ in range(2):
            shown = picture(self.top)
            self.assertEqual(sorted(shown), ["", "h", "i", "o", "o/new", "r", "r/x", "r/y", "s"])
            self.remount()

    def test_what_the_stacked_one_left_serves_overlayfs_in_the_place_of_blendfs(self):
        """Its whiteouts are then of the attribute form, in layers that are read only."""
        self.stack({}, {"d/gone": file(), "d/stays": file("s"), "e/x": file()}, {"d/gone": file("below")})
        os.unlink(os.path.join(self.top, "d/gone"))
        os.unlink(os.path.join(self.top, "e/x"))
        os.rmdir(os.path.join(self.top, "e"))
        expected = picture(self.top)
        sysops.umount(self.top)
        self.m.unmount()
        under = engines.Overlayfs.over(self.m, ["redirect_dir=on", "metacopy=on"])
        self.mounts.append(under)
        under.mount()
        sysops.mount("overlay", self.top, "overlay", 1,
                     "lowerdir=%s:%s:%s" % tuple(self.p(name) for name in ("upper", "image0", "image1")))
        got = picture(self.top)
        for item in got.values():
            item["xattrs"] = {key: value for key, value in item["xattrs"].items() if "blendfs" not in key}
        sysops.umount(self.top)
        self.assert_same_tree(expected, got, "the stacked tree on overlayfs")

    def histories(self, seed):
        """Without hard links: overlayfs asks whether the name it knew a file by first is still valid, and gives
        ESTALE for the other names when that one is removed. So it is with every FUSE file system below it."""
        plan = history.Plan(seed, 120)
        spec = [{path: node for path, node in layer.items() if node.kind != "hard"} for layer in plan.spec]
        self.stack(*spec)
        reference = engines.Overlayfs(os.path.join(Environment.folder, "reference"), spec[1:], spec[0], OPTIONS)
        self.mounts.append(reference)
        reference.mount()
        os.chmod(self.top, 0o755)
        os.chmod(reference.root, 0o755)
        generator = generate.Generator(plan.chance, reference.root)
        for turn in range(3):
            sides = [Actions(self.top), Actions(reference.root)]
            for number in range(plan.steps):
                operation = generator.next()[1]
                if operation[0] in ("link", "linkfd"):
                    continue
                got, expected = (perform(side, operation) for side in sides)
                if not same_answer(operation, got, expected):
                    self.fail("turn %d, step %d, %r: %r, on ext4 %r" % (turn, number, operation, got, expected))
            for side in sides:
                side.close_all()
            expected = picture(reference.root)
            self.assert_same_tree(expected, picture(self.top), "stacked on blendfs, turn %d" % turn)
            self.remount()
            reference.remount()
            self.assert_same_tree(expected, picture(self.top), "after a remount of both, turn %d" % turn)

    @limit(180)
    def test_history_1(self):
        self.histories(7001)

    @limit(180)
    def test_history_2(self):
        self.histories(7002)

    @limit(180)
    def test_history_3(self):
        self.histories(7003)

    @limit(180)
    def test_history_4(self):
        self.histories(7004)

# SPDX-License-Identifier: MIT
"""One seed of the power cut test: processes load a union whose upper is on a disk that records (lab/recorder.py);
then the disk as cuts at many moments of the load would have left it is mounted, a union over it, and compared with
what the processes had been told by then (model/timeline.py).

A third of the seeds runs with fsync=strict. With fsync=volatile nothing is promised but that the upper is refused
afterwards, by blendfs and by the kernel's overlayfs.
"""
import os
import random
import shutil

from lab import engines, layers, sysops
from lab.recorder import Cuts, RecordedDisk
from model import generate, history, load
from model.actor import USERS as ACTORS
from model.lockstep import Difference, build_layers
from model.timeline import Timeline

USERS = 3
DISK_BYTES = 96 << 20
OPERATIONS = 160  # of each process
LOAD_LIMIT_S = 60


class PowerCut:
    recorder = ""

    def __init__(self, seed, folder, options=()):
        self.chance = random.Random("blendfs power %d" % seed)
        self.seed, self.folder = seed, folder
        self.options = list(options) or {0: ["fsync=strict"], 5: ["fsync=volatile"]}.get(seed % 6, [])
        self.volatile = "fsync=volatile" in self.options or "volatile" in self.options
        os.makedirs(folder)
        lowers = self.chance.choice([1, 1, 2, 3])
        self.spec = history.with_homes(build_layers(self.chance, lowers, generate.random_layers), USERS)
        for layer in self.spec[1:2]:
            for user in range(USERS):  # one that is copied up in pieces
                layer["home%d/large" % user] = layers.file(b"large and old " * 40000, 0o666)
        self.disk = self.union = None
        self.finished = self.found = 0
        self.lost = []

    def summary(self):
        return "%d operations, %d cuts, options %s" % (self.finished, self.found, ",".join(self.options) or "none")

    def run(self, cuts):
        """Raises Difference."""
        os.umask(ACTORS[0][3])
        try:
            self.disk = RecordedDisk(self.folder, DISK_BYTES, self.recorder,
                                     "noatime,commit=%d" % self.chance.choice([1, 1, 5]))
            self.union = engines.Blendfs(os.path.join(self.folder, "union"), self.spec[1:], self.spec[0], self.options,
                                         self.disk.target)
            self.sync_disk()
            self.union.mount()
            first = self.disk.now()
            logs = self.load()
            last = self.disk.now()
            self.union.unmount()
            self.disk.stop()
            moments = sorted(self.chance.randint(first, last) for _ in range(cuts))
            if self.volatile:
                self.check_refused(moments)
            else:
                self.check_cuts(moments, self.timelines(logs))
        finally:
            if self.union:
                self.union.tear_down()
            if self.disk:
                self.disk.stop()
            shutil.rmtree(self.folder, ignore_errors=True)

    def sync_disk(self):
        fd = os.open(self.disk.target, os.O_RDONLY)
        sysops.syncfs(fd)
        os.close(fd)

    def load(self):
        logs = [os.path.join(self.folder, "log%d" % user) for user in range(USERS)]
        workers = [load.Worker(self.union.root, "home%d" % user, 0, "%d %d" % (self.seed, user), logs[user],
                               self.disk.state, 0.12, OPERATIONS) for user in range(USERS)]
        for worker in workers:
            if code := worker.wait(LOAD_LIMIT_S):
                raise Difference("a process of the load ended with %d" % code)
        return logs

    def timelines(self, logs):
        plain = engines.Plain(os.path.join(self.folder, "plain"), self.spec[1:], self.spec[0])
        made = []
        for user, log in enumerate(logs):
            timeline = Timeline(plain.store, "home%d" % user)
            timeline.replay(load.read_log(log))
            self.finished += len(timeline.entries)
            made.append(timeline)
        return made

    def check_cuts(self, moments, timelines):
        cutter = Cuts(self.disk)
        for moment in moments:
            with After(self, cutter, moment) as after:
                after.union.mount()
                if left := os.listdir(os.path.join(after.union.work, "work")):
                    raise Difference("the work directory holds %r after the mount" % left)
                for user, timeline in enumerate(timelines):
                    lines, _ = timeline.check(moment, after.union, "home%d" % user)
                    if lines:
                        raise Difference("cut at record %d, %s:\n    %s" % (moment, after.said, "\n    ".join(lines)))
                after.union.unmount()
                self.found += 1

    def check_refused(self, moments):
        """The mark of a volatile upper was on the disk before anything else was."""
        cutter = Cuts(self.disk)
        for moment in moments:
            with After(self, cutter, moment) as after:
                for kind in (engines.Blendfs, engines.Overlayfs):
                    union = kind.over(after.union)
                    try:
                        union.mount()
                    except (engines.EngineError, OSError):
                        self.found += kind is engines.Blendfs
                        continue
                    union.tear_down()
                    raise Difference("cut at record %d, %s: %s mounts an upper that was volatile" % (
                        moment, after.said, kind.name))


class After:
    """The disk after a cut, mounted, and a union over it that is not mounted yet."""

    def __init__(self, run, cutter, moment):
        self.target = os.path.join(run.folder, "cut")
        self.said = cutter.mount(moment, run.chance, self.target)
        self.union = engines.Blendfs.over(run.union)
        self.union.upper_on = self.target
        self.union.upper, self.union.work = (os.path.join(self.target, name) for name in ("upper", "work"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.union.tear_down()
        sysops.umount(self.target, engines.MNT_DETACH)

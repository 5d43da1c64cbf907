# SPDX-License-Identifier: MIT
"""Engines: what turns layers into one tree to test. `plain` (the oracle's own merge in a directory, bind
mounted), `overlayfs` (the kernel's) and `blendfs`. Mounts live in the runner's private namespaces.
"""
import glob
import os
import signal
import subprocess
import time

from lab import layers as layer_spec
from lab import sysops

MS_RDONLY, MS_REMOUNT, MS_BIND = 1, 32, 4096
MNT_DETACH = 2
READY_S = 20
END_S = 20


class EngineError(Exception):
    """The engine did not mount, ended badly or did not end."""


class Mounted:
    """Layers on disk and the union of them. Paths: root, upper, work, lowers (top to bottom)."""

    def __init__(self, base, lowers, upper, options=(), upper_on=None):
        self.base = base
        self.upper_on = upper_on or base  # where upper and work are
        self.root = os.path.join(base, "mnt")
        self.options = list(options)
        self.mounted = False
        self.problem = ""  # what was wrong about the end
        self.read_only = upper is None
        os.makedirs(self.root)
        self.lowers = [self._write("lower%d" % index, spec) for index, spec in enumerate(lowers)]
        self.upper = self.work = None
        if upper is not None:
            self.upper = self._write("upper", upper, self.upper_on)
            self.work = os.path.join(self.upper_on, "work")
            os.mkdir(self.work)

    @classmethod
    def over(cls, other, options=()):
        """This engine over the layers that another engine, unmounted now, has used."""
        new = cls.__new__(cls)
        new.__dict__.update(other.__dict__)
        new.options, new.mounted = list(options), False
        new.adopted()
        return new

    def adopted(self):
        """Completes what over() made."""

    def _write(self, name, spec, place=None):
        path = os.path.join(place or self.base, name)
        os.mkdir(path)
        layer_spec.write(path, spec, "user.overlay." if "userxattr" in self.options else "trusted.overlay.")
        return path

    def remount(self):
        self.unmount()
        self.mount()

    def tear_down(self):
        """Ends the mount whatever state it is in; never raises."""
        if self.mounted:
            self.mounted = False
            try:
                sysops.umount(self.root, MNT_DETACH)
            except OSError:
                pass

    def complaints(self):
        """What the engine printed."""
        return ""

    def unmount(self):
        sysops.umount(self.root)
        self.mounted = False


class Plain(Mounted):
    name = "plain"

    def __init__(self, base, lowers, upper, options=(), upper_on=None):
        super().__init__(base, [], None, options, upper_on)
        self.read_only = upper is None
        merged = layer_spec.flatten(([upper] if upper is not None else []) + lowers)
        self.store = self._write("plain", merged, self.upper_on)

    def mount(self):
        sysops.mount(self.store, self.root, None, MS_BIND)
        self.mounted = True
        if self.read_only:
            sysops.mount("none", self.root, None, MS_BIND | MS_REMOUNT | MS_RDONLY)


def escape(path):
    return path.replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")


def layer_options(mounted):
    options = ["lowerdir=" + ":".join(escape(path) for path in mounted.lowers)]
    if mounted.upper:
        options += ["upperdir=" + escape(mounted.upper), "workdir=" + escape(mounted.work)]
    return options


class Overlayfs(Mounted):
    name = "overlayfs"
    defaults = ["redirect_dir=on", "index=on", "xino=on", "metacopy=off"]

    def __init__(self, base, lowers, upper, options=(), upper_on=None):
        if upper is None and len(lowers) == 1:
            lowers = lowers + [{}]  # it wants two layers at least
        super().__init__(base, lowers, upper, options, upper_on)

    def mount(self):
        options = ",".join(layer_options(self) + (self.options or self.defaults))
        if len(options) > 4000:
            raise EngineError("mount options of %d bytes" % len(options))
        sysops.mount("overlay", self.root, "overlay", MS_RDONLY if self.read_only else 0, options)
        self.mounted = True


class Blendfs(Mounted):
    """The daemon runs in the foreground, its standard error in a file, its pid known."""
    name = "blendfs"
    binary = ""

    def __init__(self, base, lowers, upper, options=(), upper_on=None):
        super().__init__(base, lowers, upper, options, upper_on)
        self.adopted()

    def adopted(self):
        self.log = os.path.join(self.base, "blendfs.err")
        self.daemon = None

    def command(self):
        return [self.binary, "-f", "-o", ",".join(layer_options(self) + self.options), self.root]

    def mount(self):
        with open(self.log, "ab") as log:
            self.daemon = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                           cwd="/", start_new_session=True)
        with open(os.path.join(self.base, "pids"), "a") as pids:
            pids.write("%d\n" % self.daemon.pid)
        limit = time.monotonic() + READY_S
        while not is_mount(self.root):
            if self.daemon.poll() is not None:
                raise EngineError("blendfs ended with %d before the mount was ready: %s"
                                  % (self.daemon.returncode, self.complaints()))
            if time.monotonic() > limit:
                raise EngineError("blendfs did not mount within %d s: %s" % (READY_S, self.complaints()))
            time.sleep(0.003)
        self.mounted = True

    def unmount(self):
        sysops.umount(self.root)
        self.mounted = False
        self.end()

    def end(self):
        """Waits for the daemon after an unmount; it has to end by itself and with 0."""
        try:
            code = self.daemon.wait(END_S)
        except subprocess.TimeoutExpired:
            where = threads_of(self.daemon.pid)
            self.daemon.kill()
            self.daemon.wait()
            raise EngineError("blendfs still ran %d s after umount: %s\n%s" % (END_S, self.complaints(), where)) from None
        if code != 0:
            raise EngineError("blendfs ended with %d after umount: %s" % (code, self.complaints()))

    def kill(self, number=signal.SIGKILL):
        """Kills the daemon in the middle and takes the dead mount away."""
        self.daemon.send_signal(number)
        self.daemon.wait()
        sysops.umount(self.root, MNT_DETACH)
        self.mounted = False

    def tear_down(self):
        super().tear_down()
        if not self.daemon:
            return
        try:
            code = self.daemon.wait(10)
        except subprocess.TimeoutExpired:
            self.daemon.kill()
            code = self.daemon.wait()
            self.problem = "blendfs did not end after umount"
        if code not in (0, -signal.SIGKILL):
            self.problem = "blendfs ended with %d" % code
        if "Sanitizer" in self.complaints() or "runtime error:" in self.complaints():
            self.problem = "a sanitizer found something"

    def complaints(self):
        try:
            with open(self.log, errors="replace") as log:
                return log.read()[-4000:].strip()
        except FileNotFoundError:
            return ""


def threads_of(pid):
    """What each thread is doing, in the kernel's words: a sync that takes its time is no hang."""
    lines = []
    for thread in glob.glob("/proc/%d/task/*" % pid):
        for name in ("stack", "wchan"):
            try:
                with open(thread + "/" + name) as stream:
                    text = " < ".join(line.split()[-1] for line in stream.read().splitlines() if line)
            except OSError:
                continue
            if text and text != "0":
                lines.append("thread %s: %s" % (os.path.basename(thread), text))
                break
    return "\n".join(lines)


def is_mount(path):
    with open("/proc/self/mountinfo") as table:
        return any(line.split(" ")[4] == path for line in table)


ENGINES = {engine.name: engine for engine in (Plain, Overlayfs, Blendfs)}

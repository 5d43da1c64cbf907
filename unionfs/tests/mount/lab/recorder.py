# SPDX-License-Identifier: MIT
"""A disk whose power can be cut: an ext4 on a loop device over a file that blendfs_recorder serves, which keeps
every write and every flush that the file system sent, in order.

Why what comes out is what a disk could hold: the loop device passes a block write on as a write to the file, and a
barrier (flush, or FUA, which the block layer turns into a flush) as fsync, and completes it only when the recorder
has answered. So everything answered before a flush was answered is on the disk after it, and of what came later a
disk with a cache may have kept any part: nothing, all, or any choice of whole sectors. No copy of a live file
is taken, and nothing depends on when the host writes its own pages.
"""
import errno
import mmap
import os
import random
import struct
import subprocess
import time

from lab import engines, sandbox, sysops

SECTOR = 4096
_HEADER = struct.Struct("=QII")
_WRITE, _FLUSH = 0, 1


class RecordedDisk:
    def __init__(self, folder, size, recorder, options="noatime"):
        self.folder = folder
        self.image, self.log = os.path.join(folder, "disk.img"), os.path.join(folder, "disk.log")
        self.state = os.path.join(folder, "disk.state")
        self.served, self.target = os.path.join(folder, "served"), os.path.join(folder, "recorded")
        for path in (self.served, self.target):
            os.makedirs(path)
        self.base = os.path.join(folder, "base.img")
        self.make(size)
        self.process = subprocess.Popen([recorder, self.served, self.image, self.log, self.state],
                                        stdin=subprocess.DEVNULL)
        with open(os.path.join(folder, "pids"), "a") as pids:
            pids.write("%d\n" % self.process.pid)
        self.up = []
        limit = time.monotonic() + 20
        while not engines.is_mount(self.served):
            if self.process.poll() is not None or time.monotonic() > limit:
                raise engines.EngineError("blendfs_recorder does not serve its disk")
            time.sleep(0.005)
        self.up.append(self.served)
        done = subprocess.run(["mount", "-o", "loop," + options, os.path.join(self.served, "disk"), self.target],
                              stderr=subprocess.PIPE, text=True)
        if done.returncode:
            raise sandbox.Unavailable("cannot mount a loop device over FUSE: " + done.stderr.strip())
        self.up.append(self.target)
        with open(self.state, "r+b") as stream:
            self.words = mmap.mmap(stream.fileno(), 16)

    def make(self, size):
        with open(self.base, "wb") as stream:
            stream.truncate(size)
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard", self.base],
                       check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["cp", "--sparse=always", self.base, self.image], check=True)

    def now(self):
        """The number of log records answered so far."""
        return struct.unpack("=Q", self.words[:8])[0]

    def fail(self, failing):
        """Makes every write and flush fail, or work again."""
        self.words[8:16] = struct.pack("=Q", failing)

    def stop(self):
        """Unmounts everything; the log is complete afterwards. Never raises."""
        for target in reversed(self.up):
            limit = time.monotonic() + 10
            while True:
                try:
                    sysops.umount(target)
                    break
                except OSError:
                    if time.monotonic() > limit:
                        sysops.umount(target, engines.MNT_DETACH)
                        break
                    time.sleep(0.01)
        self.up = []
        if self.process.poll() is None:
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def records(self):
        """(number of the record, offset, data) from 1 on; data is None for a flush."""
        with open(self.log, "rb") as stream:
            number = 0
            while len(head := stream.read(_HEADER.size)) == _HEADER.size:
                offset, size, kind = _HEADER.unpack(head)
                number += 1
                yield number, offset, stream.read(size) if kind == _WRITE else None


class Cuts:
    """Images of the disk as cuts at ascending moments leave it."""

    def __init__(self, disk):
        self.disk, self.records = disk, disk.records()
        self.flushed = os.path.join(disk.folder, "flushed.img")  # all that a flush has confirmed
        subprocess.run(["cp", "--sparse=always", disk.base, self.flushed], check=True)
        self.pending, self.at = [], 0

    def mount(self, at, chance, target):
        """Mounts the disk after a cut when record `at` had been answered; says what its cache lost. The image is a
        file of its own each time, gone with the mount: mount(8) would take a loop device that still stands on it."""
        image = "%s.%d.%d" % (target, at, chance.getrandbits(30))
        try:
            said = self.cut(at, chance, image)
            os.makedirs(target, exist_ok=True)
            done = subprocess.run(["mount", "-o", "loop,noatime", image, target], stderr=subprocess.PIPE, text=True)
            if done.returncode:
                raise engines.EngineError("ext4 does not mount after a cut at record %d, %s: %s" % (at, said, done.stderr))
        finally:
            os.unlink(image)
        return said

    def cut(self, at, chance, target):
        """Makes the file `target` the disk after a cut."""
        while self.at < at:
            record = next(self.records, None)
            if record is None:
                break
            self.at = record[0]
            if record[2] is None:
                self.write(self.flushed, self.pending)
                self.pending = []
            else:
                self.pending.append(record[1:])
        subprocess.run(["cp", "--sparse=always", self.flushed, target], check=True)
        kept = chance.choice(["nothing", "everything", "some"])
        if kept == "everything":
            self.write(target, self.pending)
        elif kept == "some":
            self.write(target, _some(self.pending, random.Random(chance.random())))
        return "kept %s of %d unflushed writes" % (kept, len(self.pending))

    @staticmethod
    def write(image, writes):
        fd = os.open(image, os.O_WRONLY)
        try:
            for offset, data in writes:
                if os.pwrite(fd, data, offset) != len(data):
                    raise OSError(errno.ENOSPC, "no space for the image of a cut disk")
        finally:
            os.close(fd)


def _some(writes, chance):
    """Some of the writes, some of them in part, in any order: a later one of the same sector may be the one lost."""
    share = chance.random()
    pieces = [(offset + start, data[start:start + SECTOR]) for offset, data in writes
              for start in range(0, len(data), SECTOR)]
    return [piece for piece in pieces if chance.random() < share]

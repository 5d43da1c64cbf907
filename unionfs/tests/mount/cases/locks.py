# SPDX-License-Identifier: MIT
"""flock, POSIX record locks and open-file-description locks, between processes and over copy-up."""
import fcntl
import os
import signal
import struct
import time

from lab.case import Case, in_process
from lab.layers import file

F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW = 36, 37, 38


def record(kind, start=0, length=0):
    return struct.pack("hhqqi4x", kind, os.SEEK_SET, start, length, 0)


class Locks(Case):
    def build(self):
        return self.union({"low": file("x" * 100)}, upper={"up": file("y" * 100)})

    def other(self, name, action):
        """Whether another process gets the lock."""
        def attempt():
            fd = os.open(self.p(name), os.O_RDWR)
            try:
                action(fd)
                return True
            except BlockingIOError:
                return False
            finally:
                os.close(fd)
        return in_process(attempt)

    def test_flock_excludes(self):
        self.build()
        take = [lambda fd, how=how: fcntl.flock(fd, how | fcntl.LOCK_NB) for how in (fcntl.LOCK_EX, fcntl.LOCK_SH)]
        for name in ("low", "up"):
            fd = os.open(self.p(name), os.O_RDWR)
            fcntl.flock(fd, fcntl.LOCK_EX)
            self.assertEqual([self.other(name, action) for action in take], [False, False])
            fcntl.flock(fd, fcntl.LOCK_SH)
            self.assertEqual([self.other(name, action) for action in take], [False, True])
            fcntl.flock(fd, fcntl.LOCK_UN)
            self.assertTrue(self.other(name, take[0]))
            fcntl.flock(fd, fcntl.LOCK_EX)
            os.close(fd)
            self.assertTrue(self.other(name, take[0]), "close releases")

    def test_flock_within_one_process(self):
        self.build()
        one, two = (os.open(self.p("low"), os.O_RDONLY) for _ in range(2))
        fcntl.flock(one, fcntl.LOCK_EX)
        with self.fails("EWOULDBLOCK"):
            fcntl.flock(two, fcntl.LOCK_EX | fcntl.LOCK_NB)
        duplicate = os.dup(one)
        os.close(one)
        with self.fails("EWOULDBLOCK"):
            fcntl.flock(two, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(duplicate)
        fcntl.flock(two, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(two)

    def test_lock_taken_before_copy_up_still_excludes(self):
        self.build()
        reader = os.open(self.p("low"), os.O_RDONLY)
        fcntl.flock(reader, fcntl.LOCK_EX)
        with open(self.p("low"), "ab") as stream:
            stream.write(b"copied up")
        self.assertFalse(self.other("low", lambda fd: fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)))
        os.close(reader)
        self.assertTrue(self.other("low", lambda fd: fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)))

    def test_record_locks(self):
        self.build()
        for name in ("low", "up"):
            fd = os.open(self.p(name), os.O_RDWR)
            fcntl.lockf(fd, fcntl.LOCK_EX, 10, 20)
            free = [self.other(name, lambda other, s=start, n=length: fcntl.lockf(other, fcntl.LOCK_EX | fcntl.LOCK_NB, n, s))
                    for start, length in ((0, 20), (20, 10), (29, 1), (30, 5), (19, 2))]
            self.assertEqual(free, [True, False, False, True, False])
            fcntl.lockf(fd, fcntl.LOCK_UN, 5, 20)
            self.assertTrue(self.other(name, lambda other: fcntl.lockf(other, fcntl.LOCK_EX | fcntl.LOCK_NB, 5, 20)))
            again = os.open(self.p(name), os.O_RDONLY)
            os.close(again)
            self.assertTrue(self.other(name, lambda other: fcntl.lockf(other, fcntl.LOCK_EX | fcntl.LOCK_NB, 0, 0)),
                            "closing any descriptor of the file releases")
            os.close(fd)

    def test_record_lock_names_its_holder(self):
        self.build()
        fd = os.open(self.p("up"), os.O_RDWR)
        fcntl.lockf(fd, fcntl.LOCK_EX, 10, 20)
        holder = os.getpid()

        def ask():
            other = os.open(self.p("up"), os.O_RDWR)
            raw = fcntl.fcntl(other, fcntl.F_GETLK, record(fcntl.F_WRLCK))
            return struct.unpack("hhqqi4x", raw)
        kind, _, start, length, pid = in_process(ask)
        self.assertEqual((kind, start, length, pid), (fcntl.F_WRLCK, 20, 10, holder))
        os.close(fd)

    def test_description_locks(self):
        self.build()
        for name in ("low", "up"):
            one, two = (os.open(self.p(name), os.O_RDWR) for _ in range(2))
            fcntl.fcntl(one, F_OFD_SETLK, record(fcntl.F_WRLCK, 0, 50))
            with self.fails("EAGAIN", "EACCES"):
                fcntl.fcntl(two, F_OFD_SETLK, record(fcntl.F_WRLCK, 40, 20))
            fcntl.fcntl(two, F_OFD_SETLK, record(fcntl.F_WRLCK, 50, 20))
            third = os.open(self.p(name), os.O_RDWR)
            os.close(third)
            with self.fails("EAGAIN", "EACCES"):
                fcntl.fcntl(two, F_OFD_SETLK, record(fcntl.F_RDLCK, 0, 1))
            os.close(one)
            fcntl.fcntl(two, F_OFD_SETLK, record(fcntl.F_WRLCK, 0, 50))
            os.close(two)

    def waits(self, name, hold, take):
        """A waiting locker goes on when the holder lets go, and can be interrupted."""
        fd = os.open(self.p(name), os.O_RDWR)
        hold(fd)
        pid = os.fork()
        if pid == 0:
            try:
                os.close(fd)  # or the lock would be this process's as well
                own = os.open(self.p(name), os.O_RDWR)
                take(own)
                os._exit(42)
            finally:
                os._exit(1)
        time.sleep(0.1)
        self.assertEqual(os.waitpid(pid, os.WNOHANG), (0, 0), "it has to wait")
        os.close(fd)
        _, status = os.waitpid(pid, 0)
        self.assertEqual(os.waitstatus_to_exitcode(status), 42)

    def test_waiting_lockers_go_on(self):
        self.build()
        for name in ("low", "up"):
            self.waits(name, lambda fd: fcntl.flock(fd, fcntl.LOCK_EX), lambda fd: fcntl.flock(fd, fcntl.LOCK_EX))
            self.waits(name, lambda fd: fcntl.lockf(fd, fcntl.LOCK_EX), lambda fd: fcntl.lockf(fd, fcntl.LOCK_EX))

    def test_waiting_locker_can_be_killed(self):
        self.build()
        for lock in (fcntl.flock, fcntl.lockf):
            fd = os.open(self.p("up"), os.O_RDWR)
            lock(fd, fcntl.LOCK_EX)
            pid = os.fork()
            if pid == 0:
                os.close(fd)
                own = os.open(self.p("up"), os.O_RDWR)
                lock(own, fcntl.LOCK_EX)
                os._exit(0)
            time.sleep(0.1)
            os.kill(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
            self.assertEqual(os.waitstatus_to_exitcode(status), -signal.SIGKILL)
            os.close(fd)
            self.assertTrue(self.other("up", lambda other: lock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)))

    def test_death_of_the_holder_releases(self):
        self.build()
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            own = os.open(self.p("up"), os.O_RDWR)
            fcntl.flock(own, fcntl.LOCK_EX)
            fcntl.lockf(own, fcntl.LOCK_EX)
            os.write(writer, b"x")
            time.sleep(60)
            os._exit(0)
        os.read(reader, 1)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        self.assertTrue(self.other("up", lambda fd: (fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB),
                                                     fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB))))

# SPDX-License-Identifier: MIT
"""File data: append, truncate, allocate, holes, copy, mapped, direct, large."""
import fcntl
import mmap
import os

from lab import sysops
from lab.case import Case, not_for
from lab.layers import file, sparse

K = 1024
LOW = bytes(range(256)) * 256  # 64 KiB


class Data(Case):
    def build(self):
        return self.union({"low": file(LOW), "empty": file()}, upper={"up": file(LOW)})

    def test_append(self):
        self.build()
        for name in ("low", "up"):
            one = os.open(self.p(name), os.O_WRONLY | os.O_APPEND)
            two = os.open(self.p(name), os.O_RDWR | os.O_APPEND)
            os.write(one, b"1")
            os.write(two, b"2")
            os.lseek(one, 0, os.SEEK_SET)
            os.write(one, b"3")
            self.assertEqual(os.pread(two, 10, len(LOW)), b"123")
            os.pwrite(two, b"4", 0)  # Linux appends in pwrite too
            self.assertEqual(self.read(name), LOW + b"1234")
            os.close(one)
            os.close(two)

    def test_append_from_many_processes_loses_nothing(self):
        self.build()
        children = []
        for child in range(4):
            pid = os.fork()
            if pid == 0:
                fd = os.open(self.p("low"), os.O_WRONLY | os.O_APPEND)
                for i in range(200):
                    os.write(fd, b"%d:%04d;" % (child, i))
                os._exit(0)
            children.append(pid)
        for pid in children:
            self.assertEqual(os.waitpid(pid, 0)[1], 0)
        got = self.read("low")[len(LOW):].split(b";")[:-1]
        self.assertEqual(sorted(got), sorted(b"%d:%04d" % (c, i) for c in range(4) for i in range(200)))

    def test_append_flag_by_fcntl(self):
        self.build()
        fd = os.open(self.p("low"), os.O_WRONLY)
        fcntl.fcntl(fd, fcntl.F_SETFL, os.O_APPEND)
        os.write(fd, b"end")
        os.close(fd)
        self.assertEqual(self.read("low"), LOW + b"end")

    def test_reads_and_writes_at_any_place(self):
        self.build()
        expected = bytearray(LOW)
        fd = os.open(self.p("low"), os.O_RDWR)
        for offset, size in ((0, 1), (4095, 2), (4096, 4096), (10000, 33000), (65535, 1), (65536, 5), (80000, 100)):
            block = os.urandom(size)
            self.assertEqual(os.pwrite(fd, block, offset), size)
            if len(expected) < offset + size:
                expected.extend(bytes(offset + size - len(expected)))
            expected[offset:offset + size] = block
            self.assertEqual(os.pread(fd, 200000, 0), bytes(expected))
            self.assertEqual(self.read("low"), bytes(expected))
        self.assertEqual(os.pread(fd, 10, 1 << 20), b"")
        os.close(fd)
        self.m.remount()
        self.assertEqual(self.read("low"), bytes(expected))

    def test_write_on_read_only_descriptor(self):
        self.build()
        fd = os.open(self.p("low"), os.O_RDONLY)
        with self.fails("EBADF"):
            os.write(fd, b"x")
        with self.fails("EINVAL"):
            os.ftruncate(fd, 0)
        os.close(fd)
        fd = os.open(self.p("up"), os.O_WRONLY)
        with self.fails("EBADF"):
            os.read(fd, 1)
        os.close(fd)

    def test_truncate(self):
        self.build()
        for name in ("low", "up"):
            for size in (100000, 10, 4096, 0, 5000):
                os.truncate(self.p(name), size)
                self.assertEqual(self.stat(name).st_size, size)
            self.assertEqual(self.read(name), bytes(5000))
        with self.fails("EISDIR"):
            os.truncate(self.p(), 0)
        with self.fails("EINVAL"):
            os.truncate(self.p("up"), -1)
        with self.fails("EFBIG", "EINVAL"):
            os.truncate(self.p("up"), 2**62)

    def test_shrink_then_grow_reads_zeros(self):
        self.build()
        with open(self.p("low"), "r+b", buffering=0) as stream:
            stream.truncate(5001)
            stream.truncate(9000)
            self.assertEqual(stream.read(), LOW[:5001] + bytes(3999))
        self.assertEqual(self.read("low"), LOW[:5001] + bytes(3999))

    def test_allocate(self):
        self.build()
        for name in ("low", "up"):
            with open(self.p(name), "r+b", buffering=0) as stream:
                fd = stream.fileno()
                sysops.fallocate(fd, 0, 60 * K, 10 * K)
                self.assertEqual(os.fstat(fd).st_size, 70 * K)
                sysops.fallocate(fd, sysops.FALLOC_KEEP_SIZE, 70 * K, 10 * K)
                self.assertEqual(os.fstat(fd).st_size, 70 * K)
                sysops.fallocate(fd, sysops.FALLOC_PUNCH_HOLE | sysops.FALLOC_KEEP_SIZE, 8 * K, 16 * K)
                sysops.fallocate(fd, sysops.FALLOC_ZERO_RANGE, 32 * K, 4 * K)
                expected = bytearray(LOW + bytes(6 * K))
                expected[8 * K:24 * K] = bytes(16 * K)
                expected[32 * K:36 * K] = bytes(4 * K)
                self.assertEqual(os.pread(fd, 100 * K, 0), bytes(expected))
                with self.fails("EINVAL"):
                    sysops.fallocate(fd, 0, -1, 10)
                with self.fails("EOPNOTSUPP", "EINVAL"):
                    sysops.fallocate(fd, sysops.FALLOC_PUNCH_HOLE, 0, 10)
            self.assertEqual(self.read(name), bytes(expected))

    def test_allocation_moves_the_times(self):
        self.build()
        for name in ("low", "up"):
            with open(self.p(name), "r+b", buffering=0) as stream, self.moves(name, "mc"):
                sysops.fallocate(stream.fileno(), sysops.FALLOC_PUNCH_HOLE | sysops.FALLOC_KEEP_SIZE, 0, 4096)

    def test_seek_data_and_hole(self):
        self.union({"s": sparse(1 << 20, {64 * K: b"d" * 4096, 512 * K: b"e" * 4096})})
        for turn in range(1 if self.engine == "overlayfs" else 2):  # which copies up coarsely
            with open(self.p("s"), "rb") as stream:
                fd = stream.fileno()
                self.assertEqual(os.lseek(fd, 0, os.SEEK_DATA), 64 * K)
                self.assertEqual(os.lseek(fd, 64 * K, os.SEEK_HOLE), 68 * K)
                self.assertEqual(os.lseek(fd, 68 * K, os.SEEK_DATA), 512 * K)
                self.assertEqual(os.lseek(fd, 0, os.SEEK_HOLE), 0)
                with self.fails("ENXIO"):
                    os.lseek(fd, 1 << 20, os.SEEK_DATA)
                with self.fails("ENXIO"):
                    os.lseek(fd, 600 * K, os.SEEK_DATA)
            if turn == 0:
                os.chmod(self.p("s"), 0o600)

    def test_copy_file_range(self):
        self.build()
        for source in ("low", "up"):
            for target in ("empty", "new"):
                with open(self.p(source), "rb") as one, open(self.p(target), "wb") as two:
                    left, offset = len(LOW), 0
                    while left:
                        done = os.copy_file_range(one.fileno(), two.fileno(), left)
                        self.assertGreater(done, 0)
                        left -= done
                    self.assertEqual(os.copy_file_range(one.fileno(), two.fileno(), 10), 0)
                    del offset
                self.assertEqual(self.read(target), LOW)
                os.unlink(self.p(target))
                self.write("empty")
        with open(self.p("up"), "r+b") as stream:
            os.copy_file_range(stream.fileno(), stream.fileno(), 100, 0, 60000)
        self.assertEqual(self.read("up")[60000:60100], LOW[:100])

    def test_shared_mapping(self):
        self.build()
        for name in ("low", "up"):
            with open(self.p(name), "r+b", buffering=0) as stream:
                with mmap.mmap(stream.fileno(), len(LOW)) as view:
                    view[10:15] = b"mmap!"
                    self.assertEqual(os.pread(stream.fileno(), 5, 10), b"mmap!")
                    os.pwrite(stream.fileno(), b"write", 20)
                    self.assertEqual(view[20:25], b"write")
                    self.assertEqual(self.read(name)[10:25], b"mmap!" + LOW[15:20] + b"write")
                    view.flush()
            expected = LOW[:10] + b"mmap!" + LOW[15:20] + b"write" + LOW[25:]
            self.assertEqual(self.read(name), expected)
        self.m.remount()
        for name in ("low", "up"):
            self.assertEqual(self.read(name), expected)

    def test_mapping_written_after_close_and_unlink(self):
        self.build()
        fd = os.open(self.p("low"), os.O_RDWR)
        view = mmap.mmap(fd, len(LOW))
        os.close(fd)
        os.link(self.p("low"), self.p("kept"))
        os.unlink(self.p("low"))
        view[0:4] = b"late"
        view.flush()
        view.close()
        self.assertEqual(self.read("kept")[:4], b"late")
        self.m.remount()
        self.assertEqual(self.read("kept")[:4], b"late")

    def test_mapped_write_moves_the_times_of_a_file_seen_before(self):
        self.build()
        self.write("new", b"n" * 5000)
        def times(name):  # asked for alone, as a mapping makes only the access time doubtful
            info = sysops.statx(self.p(name), mask=sysops.STATX_MTIME | sysops.STATX_CTIME)
            return (info.mtime_s, info.mtime_n), (info.ctime_s, info.ctime_n)
        for name in ("low", "up", "new"):
            before = times(name)
            self.tick()
            with open(self.p(name), "r+b") as stream, mmap.mmap(stream.fileno(), 0) as view:
                view[0:1] = b"X"
            after = times(name)
            self.assertNotIn(True, [one == two for one, two in zip(before, after)], name)

    def test_private_mapping_changes_nothing(self):
        self.build()
        with open(self.p("low"), "rb") as stream:
            with mmap.mmap(stream.fileno(), 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE) as view:
                view[0:4] = b"mine"
        self.assertEqual(self.read("low"), LOW)

    def test_direct_io(self):
        self.build()
        block = mmap.mmap(-1, 8192)
        block[:] = b"D" * 8192
        for name in ("low", "up"):
            fd = os.open(self.p(name), os.O_RDWR | os.O_DIRECT)
            self.assertEqual(os.pwritev(fd, [block], 4096), 8192)
            self.assertEqual(self.read(name), LOW[:4096] + b"D" * 8192 + LOW[12288:])
            with open(self.p(name), "r+b", buffering=0) as stream:
                os.pwrite(stream.fileno(), b"buffered", 4096)
            into = mmap.mmap(-1, 4096)
            self.assertEqual(os.preadv(fd, [into], 4096), 4096)
            self.assertEqual(into[:10], b"bufferedDD")
            os.close(fd)

    @not_for("plain", why="ext4 holds it as well; only the union's arithmetic is of interest")
    def test_beyond_four_gigabytes(self):
        size = (5 << 30) + 123
        self.union({"big": sparse(size, {(4 << 30) - 3: b"across", size - 4: b"tail"})})
        self.assertEqual(self.stat("big").st_size, size)
        with open(self.p("big"), "r+b", buffering=0) as stream:
            self.assertEqual(os.pread(stream.fileno(), 6, (4 << 30) - 3), b"across")
            os.pwrite(stream.fileno(), b"ACROSS", (4 << 30) - 3)
            self.assertEqual(os.lseek(stream.fileno(), 0, os.SEEK_DATA) // 4096, ((4 << 30) - 3) // 4096)
        self.assertLess(self.stat("big").st_blocks * 512, 8 << 20)
        with open(self.p("big"), "rb") as stream:
            stream.seek(size - 4)
            self.assertEqual(stream.read(), b"tail")
        with open(self.p("new"), "wb") as stream:
            stream.seek((9 << 30) + 1)
            stream.write(b"x")
        self.assertEqual(self.stat("new").st_size, (9 << 30) + 2)

    def test_sync_calls(self):
        self.build()
        for name in ("low", "up", "empty"):
            for flags in (os.O_RDONLY, os.O_RDWR):
                fd = os.open(self.p(name), flags)
                os.fsync(fd)
                os.fdatasync(fd)
                sysops.syncfs(fd)
                os.close(fd)
        fd = os.open(self.p(), os.O_RDONLY)
        os.fsync(fd)
        sysops.syncfs(fd)
        os.close(fd)
        fd = os.open(self.p("low"), os.O_RDWR | os.O_SYNC)
        os.write(fd, b"sync")
        os.close(fd)
        self.assertEqual(self.read("low")[:4], b"sync")

    def test_file_size_limit(self):
        import resource
        import signal
        from lab.case import in_process
        self.build()

        def limited():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (70 * K, 70 * K))
            for name in ("low", "up"):
                fd = os.open(self.p(name), os.O_WRONLY)
                with self.fails("EFBIG"):
                    os.pwrite(fd, b"x", 70 * K)
                with self.fails("EFBIG"):
                    os.ftruncate(fd, 80 * K)
                os.close(fd)
        in_process(limited)

# SPDX-License-Identifier: MIT
"""FIFOs, sockets, devices: made, used, copied up, kept."""
import os
import socket
import stat
import threading

from lab.case import Case
from lab.layers import device, directory, fifo, file


class Special(Case):
    def build(self):
        return self.union({"p": fifo(), "null": device("chr", 1, 3), "d": directory(), "blk": device("blk", 7, 77)},
                          upper={"up": fifo(0o600)})

    def test_fifo_carries_data(self):
        self.build()
        os.mkfifo(self.p("new"))
        for name in ("p", "up", "new"):
            got = []

            def reader(name=name):
                with open(self.p(name), "rb") as stream:
                    got.append(stream.read())
            thread = threading.Thread(target=reader)
            thread.start()
            self.write(name, "through " + name)
            thread.join()
            self.assertEqual(got, [b"through " + name.encode()])

    def test_open_fifo_survives_copy_up(self):
        self.build()
        fd = os.open(self.p("p"), os.O_RDWR)
        try:
            os.chmod(self.p("p"), 0o600)
            self.write("p", "hello")
            self.assertEqual(os.read(fd, 5), b"hello")
        finally:
            os.close(fd)

    def test_device_works(self):
        self.build()
        self.write("null", "gone")
        self.assertEqual(self.read("null"), b"")
        os.mknod(self.p("zero"), stat.S_IFCHR | 0o666, os.makedev(1, 5))
        with open(self.p("zero"), "rb") as stream:
            self.assertEqual(stream.read(10), bytes(10))
        os.chmod(self.p("null"), 0o600)
        self.write("null", "gone")
        self.assertEqual(self.stat("null").st_rdev, os.makedev(1, 3))
        self.assertEqual(self.stat("blk").st_rdev, os.makedev(7, 77))
        self.assert_same_after_remount()

    def test_socket(self):
        self.build()
        os.chdir(self.p())  # a socket's path has to be short
        for path in ("sock", "d/sock"):
            with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
                server.bind(path)
                server.listen(1)
                self.assertTrue(stat.S_ISSOCK(self.stat(path).st_mode))
                client.connect(path)
                peer, _ = server.accept()
                client.sendall(b"hi")
                self.assertEqual(peer.recv(2), b"hi")
                peer.close()
            with socket.socket(socket.AF_UNIX) as again, self.fails("EADDRINUSE"):
                again.bind(path)
            os.unlink(path)
            self.assert_gone(path)

    def test_mknod_of_each_kind(self):
        self.build()
        for name, mode, rdev in (("f", stat.S_IFREG, 0), ("q", stat.S_IFIFO, 0), ("s", stat.S_IFSOCK, 0),
                                 ("c", stat.S_IFCHR, os.makedev(4, 64)), ("b", stat.S_IFBLK, os.makedev(259, 65537))):
            for folder in ("", "d/"):
                os.mknod(self.p(folder + name), mode | 0o640, rdev)
                info = self.stat(folder + name)
                self.assertEqual((info.st_mode, info.st_rdev), (mode | 0o640, rdev))
        self.assert_same_after_remount()

    def test_device_needs_privilege(self):
        self.build()
        os.chmod(self.p("d"), 0o777)
        with self.fails("EPERM"):
            self.as_user(1000, lambda: os.mknod(self.p("d/c"), stat.S_IFCHR | 0o600, os.makedev(1, 3)))
        self.as_user(1000, lambda: os.mkfifo(self.p("d/q")))
        self.assertEqual(self.stat("d/q").st_uid, 1000)

    def test_links_and_renames(self):
        self.build()
        self.write("other", "x")
        os.rename(self.p("p"), self.p("d/p"))
        os.link(self.p("null"), self.p("d/null"))
        os.rename(self.p("other"), self.p("up"))
        os.rename(self.p("blk"), self.p("other"))
        self.assertEqual(self.stat("null").st_nlink, 2)
        self.assertTrue(stat.S_ISBLK(self.stat("other").st_mode))
        self.assert_same_after_remount()

    def test_file_over_special_and_back(self):
        self.union({"x": fifo(), "f": file("f")})
        os.unlink(self.p("x"))
        self.write("x", "now a file")
        os.unlink(self.p("f"))
        os.mkfifo(self.p("f"))
        self.assert_same_after_remount()
        self.assertEqual(self.read("x"), b"now a file")

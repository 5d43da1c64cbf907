# SPDX-License-Identifier: MIT
"""Names and paths: lookup over layers, limits, errors of path resolution."""
import os

from lab.case import Case
from lab.layers import directory, file, symlink, whiteout


class Names(Case):
    def test_upper_wins_over_lowers_in_order(self):
        self.union({"f": file("1"), "g": file("1")}, {"f": file("2"), "g": file("2"), "h": file("2")},
                   upper={"f": file("0")})
        self.assertEqual([self.read(name) for name in "fgh"], [b"0", b"1", b"2"])

    def test_type_of_the_top_wins(self):
        self.union({"a": file("low"), "b/x": file("low"), "c": symlink("b")},
                   upper={"a/x": file("up"), "b": file("up"), "c/y": file("up")})
        self.assertEqual(self.names("a"), ["x"])
        self.assertEqual(self.read("b"), b"up")
        self.assertEqual(self.names("c"), ["y"])
        with self.fails("ENOTDIR"):
            os.stat(self.p("b/x"))

    def test_file_between_directories_hides_the_lower_one(self):
        self.union({"d/top": file()}, {"d": file("cut")}, {"d/low": file()})
        self.assertEqual(self.names("d"), ["top"])

    def test_whiteout_between_directories_hides_the_lower_one(self):
        self.union({"d/top": file()}, {"d": whiteout()}, {"d/low": file()})
        self.assertEqual(self.names("d"), ["top"])

    def test_missing_and_wrong_components(self):
        self.union({"f": file(), "d": directory(), "loop": symlink("loop"), "dangling": symlink("nowhere")})
        for path, name in (("x", "ENOENT"), ("x/y", "ENOENT"), ("f/x", "ENOTDIR"), ("d/x", "ENOENT"),
                           ("loop", "ELOOP"), ("loop/x", "ELOOP"), ("dangling", "ENOENT"), ("f/", "ENOTDIR")):
            with self.subTest(path), self.fails(name):
                os.stat(self.p(path))

    def test_name_of_255_bytes_and_one_more(self):
        longest, too_long = "n" * 255, "n" * 256
        self.union({longest: file("low"), "d": directory()})
        self.assertEqual(self.read(longest), b"low")
        self.write(longest, "up")
        os.rename(self.p(longest), self.p("d/" + "m" * 255))
        self.assertEqual(self.read("d/" + "m" * 255), b"up")
        self.assert_gone(longest)
        os.unlink(self.p("d/" + "m" * 255))
        actions = [
            lambda: os.stat(self.p(too_long)), lambda: self.write(too_long), lambda: os.mkdir(self.p(too_long)),
            lambda: os.symlink("x", self.p(too_long)), lambda: os.mkfifo(self.p(too_long)),
            lambda: os.unlink(self.p(too_long)), lambda: os.rmdir(self.p(too_long)),
            lambda: os.rename(self.p("d"), self.p(too_long)), lambda: os.rename(self.p(too_long), self.p("d"))]
        for index, action in enumerate(actions):
            with self.subTest(index), self.fails("ENAMETOOLONG"):
                action()
        self.write("f")
        with self.fails("ENAMETOOLONG"):
            os.link(self.p("f"), self.p(too_long))

    def test_every_operation_with_a_name_of_255_bytes(self):
        low = "l" * 255
        self.union({low: file("x"), "d" * 255 + "/" + "e" * 255: file("y")})
        os.chmod(self.p(low), 0o600)
        os.link(self.p(low), self.p("k" * 255))
        os.rename(self.p("d" * 255), self.p("r" * 255))
        self.assertEqual(self.read("r" * 255 + "/" + "e" * 255), b"y")
        os.mkdir(self.p("q" * 255))
        os.symlink("t", self.p("s" * 255))
        os.unlink(self.p(low))
        self.assertEqual(self.names(), ["k" * 255, "q" * 255, "r" * 255, "s" * 255])
        self.assert_same_after_remount()

    def test_deep_path(self):
        depth = 120
        deep = "/".join("d%d" % i for i in range(depth))
        self.union({deep + "/low": file("low")})
        self.assertEqual(self.read(deep + "/low"), b"low")
        self.write(deep + "/low", "changed")
        self.write(deep + "/new", "new")
        os.rename(self.p("d0/d1"), self.p("up"))
        self.assertEqual(self.read("up/" + "/".join("d%d" % i for i in range(2, depth)) + "/low"), b"changed")
        self.assert_same_after_remount()

    def test_path_deeper_than_path_max(self):
        self.union({"base": directory()})
        fd = os.open(self.p("base"), os.O_RDONLY)
        name = "x" * 200
        try:
            for _ in range(40):
                os.mkdir(name, dir_fd=fd)
                deeper = os.open(name, os.O_RDONLY | os.O_DIRECTORY, dir_fd=fd)
                os.close(fd)
                fd = deeper
            out = os.open("file", os.O_CREAT | os.O_WRONLY, 0o644, dir_fd=fd)
            os.write(out, b"deep")
            os.close(out)
            os.rename("file", "file2", src_dir_fd=fd, dst_dir_fd=fd)
            self.assertEqual(os.stat("file2", dir_fd=fd).st_size, 4)
            os.unlink("file2", dir_fd=fd)
        finally:
            os.close(fd)

    def test_deep_lower_reached_by_descriptors_is_copied_up(self):
        self.union({"base": directory()})
        path = "/".join("y" * 100 for _ in range(30))
        fd = os.open(self.p("base"), os.O_RDONLY)
        for part in path.split("/"):
            os.mkdir(part, dir_fd=fd)
            deeper = os.open(part, os.O_RDONLY | os.O_DIRECTORY, dir_fd=fd)
            os.close(fd)
            fd = deeper
        os.close(fd)
        os.rename(self.p("base"), self.p("other"))
        self.assertTrue(os.path.isdir(self.p("other/" + path)))

    def test_nofollow(self):
        self.union({"f": file("x"), "l": symlink("f"), "d": directory(), "ld": symlink("d")})
        with self.fails("ELOOP"):
            os.open(self.p("l"), os.O_RDONLY | os.O_NOFOLLOW)
        with self.fails("ENOTDIR", "ELOOP"):
            os.open(self.p("ld"), os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
        self.assertEqual(self.read("l"), b"x")

    def test_open_flags_and_types(self):
        self.union({"f": file("x"), "d": directory()})
        for path, flags, name in (
                ("f", os.O_CREAT | os.O_EXCL | os.O_WRONLY, "EEXIST"), ("d", os.O_WRONLY, "EISDIR"),
                ("d", os.O_CREAT | os.O_RDWR, "EISDIR"), ("f", os.O_RDONLY | os.O_DIRECTORY, "ENOTDIR"),
                ("no", os.O_RDONLY, "ENOENT"), ("d", os.O_CREAT | os.O_EXCL, "EEXIST"), ("no/f", os.O_CREAT, "ENOENT")):
            with self.subTest(path=path, flags=flags), self.fails(name):
                os.close(os.open(self.p(path), flags, 0o644))

    def test_existing_names_refuse_creation(self):
        self.union({"f": file(), "d": directory(), "l": symlink("none")})
        for name in ("f", "d", "l"):
            for make in (os.mkdir, os.mkfifo, lambda path: os.symlink("x", path),
                         lambda path: os.link(self.p("f"), path)):
                with self.fails("EEXIST"):
                    make(self.p(name))

    def test_creation_through_a_dangling_symlink(self):
        self.union({"l": symlink("made"), "d": directory()})
        self.write("l", "through")
        self.assertEqual(self.read("made"), b"through")
        self.assertEqual(os.readlink(self.p("l")), "made")

    def test_root_cannot_be_removed(self):
        self.union({"f": file()})
        with self.fails("EBUSY"):
            os.rmdir(self.p())

    def test_negative_lookup_becomes_positive(self):
        self.union({"d": directory()})
        for _ in range(3):
            self.assertFalse(os.path.exists(self.p("d/n")))
        self.write("d/n", "x")
        self.assertEqual(self.read("d/n"), b"x")
        os.unlink(self.p("d/n"))
        self.assertFalse(os.path.exists(self.p("d/n")))
        os.mkdir(self.p("d/n"))
        self.assertTrue(os.path.isdir(self.p("d/n")))
        os.rename(self.p("d/n"), self.p("d/o"))
        self.assertFalse(os.path.exists(self.p("d/n")))
        self.assertTrue(os.path.isdir(self.p("d/o")))

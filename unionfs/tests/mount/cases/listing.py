# SPDX-License-Identifier: MIT
"""Directory listings: merge, order-free equality, stability of offsets, d_ino and d_type."""
import os
import stat

from lab import sysops
from lab.case import Case, not_for
from lab.layers import device, directory, fifo, file, opaque, sock, symlink, whiteout

TYPE_OF = {stat.S_IFREG: 8, stat.S_IFDIR: 4, stat.S_IFLNK: 10, stat.S_IFIFO: 1, stat.S_IFSOCK: 12,
           stat.S_IFCHR: 2, stat.S_IFBLK: 6}


class Listing(Case):
    def every_kind(self, **more):
        top = {"f": file("upper"), "d/u": file("u"), "new": directory(), "gone": whiteout()}
        low = {"f": file("lower"), "d/l": file("l"), "gone": file("x"), "fifo": fifo(), "sock": sock(),
               "link": symlink("f"), "null": device("chr", 1, 3), "disk": device("blk", 7, 99),
               "deep/er/est": file("z")}
        return self.union(low, upper=top, **more)

    def test_merges_names_once(self):
        self.every_kind()
        self.assertEqual(self.names(), ["d", "deep", "disk", "f", "fifo", "link", "new", "null", "sock"])
        self.assertEqual(self.names("d"), ["l", "u"])
        self.assertEqual(self.read("f"), b"upper")

    def check_entries(self, path):
        with sysops.DirStream(self.p(path)) as stream:
            entries = stream.all()
        names = [name for name, _, _ in entries]
        self.assertEqual(len(names), len(set(names)), "no name twice")
        self.assertIn(".", names)
        self.assertIn("..", names)
        for name, ino, kind in entries:
            if name == ".." and not path:
                continue
            info = os.lstat(self.p(os.path.join(path, name)))
            self.assertEqual(kind, TYPE_OF[stat.S_IFMT(info.st_mode)], name)
            self.assertEqual(ino, info.st_ino, "d_ino of %r in %r" % (name, path))

    @not_for("overlayfs", why="d_ino differs in a merged directory that was not written by overlayfs")
    def test_d_ino_is_st_ino(self):
        self.every_kind()
        for path in ("", "d", "deep", "deep/er"):
            self.check_entries(path)

    def test_d_ino_is_st_ino_after_changes_and_remount(self):
        self.every_kind()
        self.write("d/l", "changed")
        os.rename(self.p("deep"), self.p("moved"))
        os.link(self.p("f"), self.p("d/f2"))
        os.chmod(self.p("fifo"), 0o600)
        for path in ("", "d", "moved", "moved/er"):
            self.check_entries(path)
        self.m.remount()
        for path in ("", "d", "moved", "moved/er"):
            self.check_entries(path)

    @not_for("overlayfs", why="d_ino differs in a merged directory that was not written by overlayfs")
    def test_d_ino_before_any_lookup(self):
        self.every_kind()
        listed = {}
        for path in ("", "d", "deep"):
            with sysops.DirStream(self.p(path)) as stream:
                listed[path] = stream.all()
        for path, entries in listed.items():
            for name, ino, _ in entries:
                if name not in (".", ".."):
                    self.assertEqual(ino, self.ino(os.path.join(path, name)), name)

    def test_dot_dot_leads_up(self):
        self.every_kind()
        self.assertEqual(self.ino("deep/er/.."), self.ino("deep"))
        os.rename(self.p("deep/er"), self.p("new/er"))
        self.assertEqual(self.ino("new/er/.."), self.ino("new"))
        with sysops.DirStream(self.p("new/er")) as stream:
            parents = [ino for name, ino, _ in stream.all() if name == ".."]
        self.assertEqual(parents, [self.ino("new")])

    def test_many_entries(self):
        low = {"d/l%04d" % i: file(str(i)) for i in range(1500)}
        top = {"d/u%04d" % i: file(str(i)) for i in range(1500)}
        top.update({"d/l%04d" % i: whiteout() for i in range(0, 1500, 3)})
        self.union(low, upper=top)
        expected = ["l%04d" % i for i in range(1500) if i % 3] + ["u%04d" % i for i in range(1500)]
        self.assertEqual(self.names("d"), sorted(expected))
        for name in expected[::97]:
            self.assertEqual(self.read("d/" + name), str(int(name[1:])).encode())

    def test_seekdir_returns_to_the_same_entry(self):
        low = {"d/n%03d" % i: file() for i in range(400)}
        self.union(low, upper={"d/up": file()})
        with sysops.DirStream(self.p("d")) as stream:
            marks = []
            while True:
                position = stream.tell()
                entry = stream.next()
                if entry is None:
                    break
                marks.append((position, entry))
            for position, entry in marks[::37] + marks[-3:] + marks[:3]:
                stream.seek(position)
                self.assertEqual(stream.next(), entry)

    def test_entries_that_stay_are_listed_once_while_others_come_and_go(self):
        low = {"d/keep%03d" % i: file() for i in range(300)}
        low.update({"d/drop%03d" % i: file() for i in range(300)})
        self.union(low)
        seen = []
        with sysops.DirStream(self.p("d")) as stream:
            for _ in range(50):
                seen.append(stream.next()[0])
            for i in range(300):
                os.unlink(self.p("d/drop%03d" % i))
                self.write("d/fresh%03d" % i)
            seen += [name for name, _, _ in stream.all()]
        kept = [name for name in seen if name.startswith("keep")]
        self.assertEqual(sorted(kept), ["keep%03d" % i for i in range(300)])
        self.assertEqual(len(seen), len(set(seen)), "a name came twice")

    def test_a_reader_goes_on_after_its_listing_was_replaced(self):
        """It reads what an earlier reader left in the kernel, until a change makes a later one replace that."""
        low = {"d/%s%04d" % ("n" * 100, i): file() for i in range(2000)}
        self.union(low, upper={"d/up": file()})
        os.listdir(self.p("d"))
        with sysops.DirStream(self.p("d")) as reader:
            seen = [reader.next()[0] for _ in range(700)]
            gone = [name for name in seen if name not in (".", "..")][:500]
            for name in gone:
                os.unlink(self.p("d/" + name))
            with sysops.DirStream(self.p("d")) as later:
                later.next()
            seen += [name for name, _, _ in reader.all()]
        self.assertEqual(len(seen), len(set(seen)), "a name came twice")
        self.assertEqual(sorted(set(seen) - set(gone) - {".", ".."}), self.names("d"))

    def test_rewinddir_sees_what_is_new(self):
        self.union({"d/a": file()})
        with sysops.DirStream(self.p("d")) as stream:
            self.assertEqual(sorted(name for name, _, _ in stream.all()), [".", "..", "a"])
            self.write("d/b")
            os.unlink(self.p("d/a"))
            stream.rewind()
            self.assertEqual(sorted(name for name, _, _ in stream.all()), [".", "..", "b"])

    def test_rm_r_while_reading(self):
        self.union({"d/x%03d/y" % i: file() for i in range(200)}, upper={"d/u%03d" % i: file() for i in range(200)})
        with os.scandir(self.p("d")) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    os.unlink(os.path.join(entry.path, "y"))
                    os.rmdir(entry.path)
                else:
                    os.unlink(entry.path)
        os.rmdir(self.p("d"))
        self.assert_gone("d")

    def test_listing_is_fresh_after_each_change(self):
        self.union({"d/a": file(), "d/b": file()})
        self.assertEqual(self.names("d"), ["a", "b"])
        os.unlink(self.p("d/a"))
        self.assertEqual(self.names("d"), ["b"])
        self.write("d/c")
        self.assertEqual(self.names("d"), ["b", "c"])
        os.rename(self.p("d/b"), self.p("d/a"))
        self.assertEqual(self.names("d"), ["a", "c"])
        os.mkdir(self.p("d/a2"))
        os.symlink("x", self.p("d/s"))
        os.link(self.p("d/c"), self.p("d/c2"))
        self.assertEqual(self.names("d"), ["a", "a2", "c", "c2", "s"])

    def test_removed_directory_lists_nothing(self):
        self.union({"d/sub": directory()})
        fd = os.open(self.p("d/sub"), os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.rmdir(self.p("d/sub"))
            self.assertEqual(os.listdir(fd), [])
            with self.fails("ENOENT"):
                os.mkdir("x", dir_fd=fd)
            if self.engine != "overlayfs":  # tells the lower directory's count
                self.assertEqual(os.fstat(fd).st_nlink, 0)
        finally:
            os.close(fd)

    def test_listing_through_three_layers(self):
        self.union({"d/top": file(), "d/a": whiteout(), "o": opaque(), "o/new": file()},
                   {"d/mid": file(), "d/a": file(), "d/b": file(), "o/mid": file()},
                   {"d/low": file(), "d/b": whiteout(), "d/c": file(), "o/low": file()})
        self.assertEqual(self.names("d"), ["b", "c", "low", "mid", "top"])
        self.assertEqual(self.names("o"), ["new"])

    def test_names_with_every_byte(self):
        names = [bytes([byte]) + b"x" for byte in range(1, 256) if byte != 47]
        self.union({os.fsdecode(name): file(name) for name in names[::2]},
                   upper={os.fsdecode(name): file(name) for name in names[1::2]})
        self.assertEqual(sorted(os.listdir(os.fsencode(self.p()))), sorted(names))
        for name in names[::17]:
            self.assertEqual(self.read(os.fsdecode(name)), name)

    @not_for("plain", why="has no lower layer")
    def test_lower_is_never_written(self):
        low = {"d/a": file("1"), "b": file("2")}
        self.union(low)
        from lab import tree
        before = tree.snapshot(self.m.lowers[0])
        self.write("d/a", "changed")
        os.unlink(self.p("b"))
        os.mkdir(self.p("b"))
        os.rename(self.p("d"), self.p("e"))
        self.assert_same_tree(before, tree.snapshot(self.m.lowers[0]), "lower layer")

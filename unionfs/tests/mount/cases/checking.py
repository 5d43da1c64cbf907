# SPDX-License-Identifier: MIT
"""blendctl check: each thing it looks for is made, found, and mended or left alone as it should be."""
import json
import os
import stat

from lab import blendctl, tree
from lab.case import Case, only_for
from lab.layers import directory, file, hard

ORIGIN, METACOPY, IMPURE, REDIRECT = ("trusted.overlay." + mark for mark in ("origin", "metacopy", "impure", "redirect"))


def lower():
    return {"d/f": file("f"), "d/g": file("g"), "d/big": file(b"b" * 200000), "gone": file("gone"), "dir/in": file("in"),
            "l/1": file("linked"), "l/2": hard("l/1"), "empty": directory()}


@only_for("blendfs", why="tests blendctl")
class Checking(Case):
    def setUp(self):
        super().setUp()
        self.union(lower())
        self.write("d/f", "F")
        self.write("d/g", "G")
        os.chmod(self.p("d/big"), 0o600)
        os.unlink(self.p("gone"))
        os.rename(self.p("dir"), self.p("renamed"))
        self.write("l/1", "+", "ab")
        self.m.unmount()

    def upper(self, path):
        return os.path.join(self.m.upper, path)

    def low(self, path):
        return os.path.join(self.m.lowers[0], path)

    def check(self, *arguments):
        """{(kind, where): mended} of the findings."""
        done = blendctl.run("check", "--json", "-o", blendctl.options(self.m), *arguments)
        self.report = json.loads(done.stdout)
        self.assertEqual(done.returncode, 1 if self.report["findings"] else 0)
        return {(item["kind"], item["where"]): item.get("mended", "") for item in self.report["findings"]}

    def assert_found_then_mended(self, found, mended):
        """`found` is what a look finds, and finds again; `mended` of it is gone after --repair, with what was done."""
        before = self.state()
        self.assertEqual(self.check(), dict.fromkeys(found, ""))
        self.assertEqual(self.state(), before, "a look changed something")
        self.assertEqual(self.check("--repair"), {**dict.fromkeys(found, ""), **mended})
        self.assertEqual(set(self.check()), set(found) - set(mended))

    def state(self):
        return [tree.snapshot(folder, inode=True) for folder in (self.m.upper, self.m.work, *self.m.lowers)]

    def test_nothing_to_find(self):
        self.assertEqual(self.check(), {})
        self.assertIn("0 findings", blendctl.ask(self.m, "check"))
        self.assertEqual(self.check("--repair"), {})

    def test_in_use(self):
        self.m.mount()
        self.assertIn("in use", blendctl.run("check", "-o", blendctl.options(self.m)).stderr.decode())
        blendctl.ask(self.m, "check", "--repair", status=3)
        self.m.unmount()
        blendctl.ask(self.m, "check")

    def test_leftovers(self):
        os.makedirs(os.path.join(self.m.work, "work", "t1", "deep"))
        with open(os.path.join(self.m.work, "index", "#t2"), "w") as stream:
            stream.write("half")
        found = [("leftover", "workdir:work/t1"), ("leftover", "workdir:index/#t2")]
        self.assert_found_then_mended(found, dict.fromkeys(found, "removed"))
        self.assertEqual(os.listdir(os.path.join(self.m.work, "work")), [])

    def test_volatile_is_left_alone(self):
        os.makedirs(os.path.join(self.m.work, "work", "incompat", "volatile"))
        os.mkdir(os.path.join(self.m.work, "work", "t1"))
        self.assert_found_then_mended(
            [("volatile", "workdir:work/incompat/volatile"), ("leftover", "workdir:work/t1")], {})
        self.assertTrue(os.path.isdir(os.path.join(self.m.work, "work", "t1")))

    def test_whiteout_that_hides_nothing(self):
        os.mknod(self.upper("d/nothing"), stat.S_IFCHR, 0)
        os.mknod(self.upper("renamed/nothing"), stat.S_IFCHR, 0)
        os.utime(self.upper("d"), ns=(10**18, 10**18))
        found = [("whiteout", "/d/nothing"), ("whiteout", "/renamed/nothing")]
        self.assert_found_then_mended(found, dict.fromkeys(found, "removed"))
        self.assertEqual(os.stat(self.upper("d")).st_mtime_ns, 10**18)
        self.m.mount()
        self.assert_gone("gone")

    def test_dangling_origin(self):
        os.unlink(self.low("d/f"))
        found = [("origin", "/d/f")]
        self.assert_found_then_mended(found, {found[0]: "mark removed"})
        self.assertNotIn(ORIGIN, os.listxattr(self.upper("d/f")))
        self.m.mount()
        self.assertEqual(self.read("d/f"), b"F")

    def test_origin_that_cannot_be_read(self):
        os.setxattr(self.upper("d/f"), ORIGIN, b"\0\xfbjunk")
        self.assert_found_then_mended([("origin", "/d/f")], {("origin", "/d/f"): "mark removed"})

    def test_other_lower_directories(self):
        """Nothing that depends on the layers is mended when they do not look like the ones the upper was made on."""
        os.mkdir(self.scratch("foreign"))
        os.mknod(self.upper("d/nothing"), stat.S_IFCHR, 0)
        for path in ("d/f", "d/g", "l/1", "d/big"):
            os.rename(self.low(path), self.scratch("foreign/" + os.path.basename(path)))
            with open(self.scratch("foreign/" + os.path.basename(path)), "rb") as old, open(self.low(path), "wb") as new:
                new.write(old.read())
            os.unlink(self.scratch("foreign/" + os.path.basename(path)))
        os.unlink(self.low("l/2"))
        before = tree.snapshot(self.m.upper)
        got = self.check("--repair")
        self.assertIn(("origin", "/d/f"), got)
        self.assertIn(("whiteout", "/d/nothing"), got)
        self.assertEqual(set(got.values()), {""})
        self.assertEqual(len(self.report["notes"]), 1)
        self.assert_same_tree(before, tree.snapshot(self.m.upper), "the upper")

    def test_metadata_only_copy_without_its_data(self):
        os.unlink(self.low("d/big"))
        self.assert_found_then_mended([("metacopy", "/d/big"), ("origin", "/d/big")], {})
        self.assertIn(METACOPY, os.listxattr(self.upper("d/big")))

    def test_metadata_only_copy_over_another_file(self):
        """As where the system image was exchanged: what lies there now is not what was copied."""
        os.unlink(self.low("d/big"))
        with open(self.low("d/big"), "wb") as new:
            new.write(b"n" * 200000)
        self.assert_found_then_mended([("origin", "/d/big")], {})
        finding, = self.report["findings"]
        self.assertIn("may be of another file", finding["what"])

    def test_mark_on_an_empty_file(self):
        os.truncate(self.upper("d/big"), 0)
        found = ("metacopy", "/d/big")
        self.assert_found_then_mended([found], {found: "mark removed"})
        self.m.mount()
        self.assertEqual(self.read("d/big"), b"")

    def test_unmarked_parent(self):
        os.removexattr(self.upper("d"), IMPURE)
        found = ("impure", "/d")
        self.assert_found_then_mended([found], {found: "marked"})
        self.m.mount()
        self.assertEqual(self.read("d/big"), b"b" * 200000)

    def test_redirect_to_nowhere(self):
        os.rename(self.low("dir"), self.low("elsewhere"))
        os.mkdir(self.upper("bad"))
        os.setxattr(self.upper("bad"), REDIRECT, b"../x")
        os.mknod(self.upper("renamed/hidden"), stat.S_IFCHR, 0)
        old_name = ("whiteout", "/dir")
        self.assert_found_then_mended([("redirect", "/renamed"), ("redirect", "/bad"), old_name, ("whiteout", "/renamed/hidden")],
                                      {old_name: "removed"})
        self.assertIn(REDIRECT, os.listxattr(self.upper("renamed")))

    def index_entry(self):
        name, = os.listdir(os.path.join(self.m.work, "index"))
        return name

    def test_index_entry_of_a_lower_file_that_is_gone(self):
        name = self.index_entry()
        os.unlink(self.low("l/1"))
        os.unlink(self.low("l/2"))
        found = [("index", "workdir:index/" + name), ("origin", "/l/1")]
        self.assert_found_then_mended(found, {found[0]: "removed", found[1]: "mark removed"})
        with open(self.upper("l/1"), "rb") as stream:
            self.assertEqual(stream.read(), b"linked+")

    def test_index_entry_that_is_all_there_is(self):
        name = self.index_entry()
        os.unlink(self.upper("l/1"))
        os.unlink(self.low("l/1"))
        os.unlink(self.low("l/2"))
        self.assert_found_then_mended([("index", "workdir:index/" + name)], {})
        self.assertEqual(self.index_entry(), name)

    def test_index_entry_without_meaning(self):
        name = self.index_entry()
        with open(os.path.join(self.m.work, "index", "nonsense"), "w") as stream:
            stream.write("?")
        index = os.path.join(self.m.work, "index")
        other = name[:-2] + "%02x" % (int(name[-2:], 16) ^ 1)
        os.rename(os.path.join(index, name), os.path.join(index, other))
        self.assert_found_then_mended([("index", "workdir:index/nonsense"), ("index", "workdir:index/" + other)], {})

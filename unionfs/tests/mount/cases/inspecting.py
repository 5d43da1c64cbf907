# SPDX-License-Identifier: MIT
"""blendctl explain, diff and flatten: what they tell of layers, beside what the mounted union shows."""
import json
import os
import shutil
import stat

from lab import blendctl, tree
from lab.case import Case, Environment, only_for
from lab.layers import device, directory, fifo, file, hard, opaque, sparse, symlink, whiteout


def layers():
    top = {
        "a/f": file("of the top"), "both/x": file("x"), "gone": file("gone"), "goners/a/b": file("deep"),
        "l/1": file(b"linked" * 20000), "l/2": hard("l/1"), "other/3": hard("l/1"), "old/in/f": file("in"),
        "old/g": file("g"), "big": file(b"b" * 200000, 0o644, uid=3), "opq/below": file("hidden"), "type": file("t"),
        "dev": device("chr", 1, 3, 0o600), "fifo": fifo(), "s": symlink("a/f"), "suid": file("s", 0o4755, uid=7),
        "sp": sparse(50 << 20, {4096: b"x" * 5000, 30 << 20: b"y"}), "quiet/same": file("same"), "low-opq": opaque(),
        "low-opq/top": file("top"), "wh": whiteout(),
        "tagged": file("t", xattrs={"user.colour": b"\0red\n", "trusted.overlay.overlay.opaque": b"y"}),
    }
    bottom = {"a/f": file("of the bottom"), "a/only": file("bottom"), "both/y": file("y"), "both": directory(0o700, gid=4),
              "low-opq/bottom": file("no"), "wh": file("no"), "old/in/low": file("low"), "gone": file("older")}
    return top, bottom


def change(case):
    """Every kind of change there is."""
    case.write("a/f", "changed")
    case.write("a/new \N{SNOWMAN}", "new")
    case.write(os.fsdecode(b"a/bytes\xff\n\x1b[1m"), "odd name")
    os.mkdir(case.p("n" * 200))
    case.write("n" * 200 + "/" + "m" * 100, "long")
    os.unlink(case.p("gone"))
    shutil.rmtree(case.p("goners"))
    case.write("l/1", "+more", "ab")
    os.link(case.p("other/3"), case.p("both/4"))
    os.rename(case.p("old"), case.p("renamed"))
    case.write("renamed/g", "changed after the rename")
    os.chmod(case.p("big"), 0o600)
    shutil.rmtree(case.p("opq"))
    os.mkdir(case.p("opq"), 0o711)
    case.write("opq/fresh", "fresh")
    os.unlink(case.p("type"))
    os.mkdir(case.p("type"))
    os.setxattr(case.p("s"), "trusted.tag", b"v", follow_symlinks=False)
    os.utime(case.p("suid"), ns=(5, 123456789))
    os.mkfifo(case.p("a/pipe"), 0o604)
    os.mknod(case.p("a/null"), stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.symlink("x" * 300, case.p("a/link"))
    os.chown(case.p("a/new \N{SNOWMAN}"), 3_000_000, 5)
    os.chmod(case.p(), 0o751)


@only_for("blendfs", why="tests blendctl")
class Inspecting(Case):
    def setUp(self):
        super().setUp()
        self.union(*layers())

    def changed(self):
        """Changes the union, unmounts it, and returns what it showed."""
        change(self)
        shown = tree.snapshot(self.p())
        self.m.unmount()
        return shown

    def flatten(self, name, upper=True):
        target = self.scratch(name)
        done = blendctl.run("flatten", "-o", blendctl.options(self.m, upper), target)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return target

    def test_flatten_writes_what_the_union_shows(self):
        shown = self.changed()
        before = tree.snapshot(self.m.upper)
        target = self.flatten("flat")
        self.assert_same_tree(shown, tree.snapshot(target))
        self.assertLess(os.stat(target + "/sp").st_blocks * 512, 1 << 20)
        self.assert_same_tree(before, tree.snapshot(self.m.upper), "the upper")

    def test_flatten_keeps_away_from_layers_and_from_what_is_there(self):
        self.m.unmount()
        for target, status in ((self.m.upper + "/in", 3), (self.m.lowers[0] + "/in", 3), (self.m.base, 3),
                               ("/proc/nowhere/at/all", 3)):
            done = blendctl.run("flatten", "-o", blendctl.options(self.m), target)
            self.assertEqual(done.returncode, status, (target, done.stderr))
        os.rmdir(self.m.upper + "/in")

    def test_tar_over_the_lowers_is_the_union(self):
        shown = self.changed()
        target = self.flatten("base", upper=False)
        archive = self.scratch("layer.tar")
        done = blendctl.run("diff", "-o", blendctl.options(self.m), "--tar", archive)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        blendctl.apply_layer(archive, target)
        self.assert_same_tree(shown, tree.snapshot(target))
        done = blendctl.run("diff", "-o", blendctl.options(self.m), "--tar", "-")
        with open(archive, "rb") as stream:
            self.assertEqual(done.stdout, stream.read())

    def test_tar_says_what_it_cannot_keep(self):
        self.write(".wh.name", "looks like a removal")
        with open(self.p("kept"), "w") as stream:
            stream.write("kept")
        os.mknod(self.p("sock"), stat.S_IFSOCK | 0o600)
        self.m.unmount()
        archive = self.scratch("layer.tar")
        done = blendctl.run("diff", "-o", blendctl.options(self.m), "--tar", archive)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"/.wh.name", done.stderr)
        self.assertIn(b"/sock", done.stderr)
        target = self.flatten("base", upper=False)
        blendctl.apply_layer(archive, target)
        self.assertTrue(os.path.exists(target + "/kept"))

    def test_list_of_changes(self):
        self.changed()
        odd = os.fsdecode(b"/a/bytes\xff\n\x1b[1m")
        got = {(item["path"], item["change"], item.get("from")) for item in blendctl.ask_json(self.m, "diff")}
        expected = {
            ("/", "metadata", None), ("/a/f", "content", None), ("/a/new \N{SNOWMAN}", "added", None),
            (odd, "added", None), ("/" + "n" * 200, "added", None), ("/" + "n" * 200 + "/" + "m" * 100, "added", None),
            ("/gone", "removed", None), ("/goners", "removed", None), ("/l/1", "content", None),
            ("/l/2", "content", None), ("/other/3", "content", None), ("/both/4", "added", None),
            ("/old", "removed", None), ("/renamed", "renamed", "/old"), ("/renamed/g", "content", None),
            ("/big", "metadata", None), ("/opq", "opaque", None), ("/opq/fresh", "added", None),
            ("/type", "replaced", None), ("/s", "metadata", None), ("/suid", "metadata", None),
            ("/a/pipe", "added", None), ("/a/null", "added", None), ("/a/link", "added", None)}
        self.assertEqual(got, expected)
        text = blendctl.ask(self.m, "diff")
        self.assertIn("renamed /renamed/ from /old\n", text)
        self.assertIn("added /a/bytes\\xff\\n\\x1b[1m\n", text)

    def test_nothing_changed(self):
        self.m.unmount()
        self.assertEqual(blendctl.ask(self.m, "diff"), "")
        self.assertEqual(blendctl.ask_json(self.m, "diff"), [])

    def roles(self, path, status=0):
        """{(layer, path in it): role}; layer 0 is the upper."""
        answer, = blendctl.ask_json(self.m, "explain", path, status=status)
        self.assertEqual(answer["shown"], status == 0)
        self.answer = answer
        return {(item["layer"], "index" if item["index_entry"] else item["path"]): item["role"]
                for item in answer["layers"]}

    def test_explain(self):
        shown = self.changed()
        self.assertEqual(self.roles("/quiet/same"), {(1, "/quiet/same"): "provides"})
        self.assertEqual(self.roles("a/f"), {(0, "/a/f"): "provides", (1, "/a/f"): "shadowed", (2, "/a/f"): "shadowed"})
        self.assertIn("lowerdir", self.answer["origin"]["leads_to"])
        self.assertEqual(self.answer["origin"]["ino"], self.answer["ino"])
        self.assertEqual(self.roles("/a"), {(0, "/a"): "provides", (1, "/a"): "merged", (2, "/a"): "merged"})
        self.assertEqual(self.roles("/gone", 1), {(0, "/gone"): "whiteout", (1, "/gone"): "shadowed", (2, "/gone"): "shadowed"})
        self.assertEqual(self.roles("/wh", 1), {(1, "/wh"): "whiteout", (2, "/wh"): "shadowed"})
        self.assertEqual(self.roles("/opq"), {(0, "/opq"): "provides", (1, "/opq"): "shadowed"})
        self.assertTrue(self.answer["layers"][0]["opaque"])
        self.assertEqual(self.roles("/low-opq"), {(1, "/low-opq"): "provides", (2, "/low-opq"): "shadowed"})
        self.assertEqual(self.roles("/renamed/in"), {(1, "/old/in"): "provides", (2, "/old/in"): "merged"})
        self.assertEqual(self.roles("/renamed"), {(0, "/renamed"): "provides", (1, "/old"): "merged", (2, "/old"): "merged"})
        self.assertEqual(self.answer["layers"][0]["redirect"].lstrip("/"), "old")
        self.assertEqual(self.roles("/big"), {(0, "/big"): "provides", (1, "/big"): "data"})
        self.assertTrue(self.answer["metacopy"])
        self.assertEqual(self.roles("/l/2"), {(0, "index"): "provides", (1, "/l/2"): "shadowed"})
        self.assertEqual((self.answer["indexed"], self.answer["links"]), (True, shown["l/2"]["nlink"]))
        self.assertEqual(self.roles("/nowhere", 1), {})
        self.assertEqual(self.roles("/a/f/under", 1), {(0, "/a/f"): "provides", (1, "/a/f"): "shadowed", (2, "/a/f"): "shadowed"})
        self.assertEqual(self.roles("/"), {(0, "/"): "provides", (1, "/"): "merged", (2, "/"): "merged"})
        self.assertEqual(self.roles("/a/../a", 1), {})

    def test_explain_agrees_with_the_mount(self):
        """The inode number of everything, told while the upper is in use."""
        change(self)
        paths = ["/" + path for path in tree.snapshot(self.p())]
        done = blendctl.run("explain", "--json", "-o", blendctl.options(self.m), "--", *paths)
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"in use", done.stderr)
        for answer in json.loads(done.stdout):
            info = self.stat(answer["path"].lstrip("/"))
            self.assertEqual(answer["ino"], info.st_ino, answer["path"])
            if answer["type"] != "directory":
                self.assertEqual(answer["links"], info.st_nlink, answer["path"])

    def test_text_cannot_steer_a_terminal(self):
        self.changed()
        text = blendctl.ask(self.m, "explain", b"/a/bytes\xff\n\x1b[1m")
        self.assertTrue(text.startswith("/a/bytes\\xff\\n\\x1b[1m: file, "), text)
        self.assertNotIn("\x1b", text)

    def test_wrong_use(self):
        self.m.unmount()
        words = blendctl.options(self.m)
        for arguments, status, text in (
                ((), 2, "no command"), (("frob",), 2, "unknown command 'frob'"), (("explain", "-o", words), 2, "needs a path"),
                (("explain", "/a"), 2, "lowerdir= is missing"), (("diff", "-o", words, "x"), 2, "takes none"),
                (("check", "-o", blendctl.options(self.m, False)), 2, "upperdir="), (("diff", "-o", words, "--repair"), 2, "not for diff"),
                (("explain", "-o", words + ",bogus", "/"), 2, "bogus"), (("flatten", "-o", words), 2, "one directory"),
                (("explain", "-o", "lowerdir=" + self.scratch("missing"), "/"), 3, "does not exist"),
                (("--help",), 0, ""), (("explain", "--help"), 0, ""), (("--version",), 0, "")):
            done = blendctl.run(*arguments)
            self.assertEqual(done.returncode, status, (arguments, done.stderr))
            self.assertIn(text, done.stderr.decode())
            self.assertEqual(done.stderr.count(b"\n"), 1 if status else 0)
        self.assertFalse(os.path.exists(os.path.join(Environment.folder, "missing")))


@only_for("blendfs", why="tests blendctl")
class OtherUnions(Case):
    """Layers that are not of blendfs's usual form."""

    def assert_told(self, shown):
        target = self.scratch("flat")
        done = blendctl.run("flatten", "-o", blendctl.options(self.m), target)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assert_same_tree(shown, tree.snapshot(target))

    def test_user_attributes(self):
        self.union({"d/f": file("f"), "gone": file("gone"), "opq/below": file("below")}, options=("userxattr",))
        self.write("d/f", "changed")
        os.unlink(self.p("gone"))
        shutil.rmtree(self.p("opq"))
        os.mkdir(self.p("opq"))
        shown = tree.snapshot(self.p())
        self.m.unmount()
        self.assert_told(shown)
        self.assertIn("0 findings", blendctl.ask(self.m, "check"))
        self.assertEqual(blendctl.ask(self.m, "diff"), "removed /gone\ncontent /d/f\nopaque /opq/\n")

    def test_marks_that_anybody_can_set(self):
        """Root's mount does not follow them, and neither does what looks at its layers."""
        self.union({"mine": directory()}, {"closed/f": file("f")}, options=("userxattr",))
        self.m.unmount()
        os.setxattr(os.path.join(self.m.lowers[0], "mine"), "user.overlay.redirect", b"/closed")
        self.m.mount()
        with self.assertRaises(PermissionError):
            os.listdir(self.p("mine"))
        self.assertEqual(sorted(os.listdir(self.p())), ["closed", "mine"])
        self.m.unmount()
        answer, = blendctl.ask_json(self.m, "explain", "mine", status=1)
        self.assertEqual((answer["shown"], "does not follow" in answer["why"]), (False, True))
        self.m.options.append("redirect_dir=on")
        self.m.mount()
        self.assertEqual(os.listdir(self.p("mine")), ["f"])

    def test_without_an_upper(self):
        self.union(*layers(), read_only=True)
        shown = tree.snapshot(self.p())
        self.m.unmount()
        self.assert_told(shown)
        answer, = blendctl.ask_json(self.m, "explain", "a/f")
        self.assertEqual([(item["layer"], item["upper"], item["role"]) for item in answer["layers"]],
                         [(0, False, "provides"), (1, False, "shadowed")])

    def test_upper_of_overlayfs(self):
        self.union(*layers(), engine="overlayfs")
        change(self)
        shown = tree.snapshot(self.p())
        self.m.unmount()
        before = tree.snapshot(self.m.work)
        self.m.options = []
        self.assert_told(shown)
        self.assertIn("0 findings", blendctl.ask(self.m, "check"))
        base, archive = self.scratch("base"), self.scratch("layer.tar")
        self.assertEqual(blendctl.run("flatten", "-o", blendctl.options(self.m, upper=False), base).returncode, 0)
        self.assertEqual(blendctl.run("diff", "-o", blendctl.options(self.m), "--tar", archive).returncode, 0)
        blendctl.apply_layer(archive, base)
        self.assert_same_tree(shown, tree.snapshot(base))
        self.assert_same_tree(before, tree.snapshot(self.m.work), "the work directory")

# SPDX-License-Identifier: MIT
"""A running mount asked about itself: blendctl stat and log, and the attributes behind them."""
import json
import os

from lab import blendctl
from lab.case import Case, only_for
from lab.layers import file

STATISTICS = "trusted.blendfs.statistics"
LOG_LEVEL = "trusted.blendfs.log_level"


@only_for("blendfs", why="tests blendctl")
class Live(Case):
    def setUp(self):
        super().setUp()
        self.union({"top": file("top")}, {"low": file("l" * 5000), "big": file(b"b" * 200000)})

    def ask(self, *words, status=0):
        done = blendctl.run(*words, self.m.root)
        self.assertEqual(done.returncode, status, (words, done.stdout, done.stderr))
        return done.stdout.decode() if status == 0 else done.stderr.decode()

    def figures(self):
        return json.loads(self.ask("stat", "--json"))

    def test_counts_what_happens(self):
        before = self.figures()
        self.write("low", "+", "ab")
        os.chmod(self.p("big"), 0o600)
        os.lstat(self.p("top"))
        self.assertFalse(os.path.lexists(self.p("nowhere")))
        after = self.figures()
        self.assertEqual(after["mount"], self.m.root)
        self.assertEqual(after["copy_ups"], {"data": 1, "metadata": 1, "directory": 0, "special": 0})
        self.assertEqual(after["copied_bytes"], 5000)
        self.assertGreater(after["requests"]["lookup"], before["requests"].get("lookup", 0))
        self.assertEqual(after["requests"]["total"], sum(count for kind, count in after["requests"].items() if kind != "total"))
        self.assertEqual(after["lookup_misses"], before["lookup_misses"] + 1)
        self.assertEqual([layer["role"] for layer in after["layers"]], ["upper", "lower", "lower"])
        hits = [new["hits"] - old["hits"] for new, old in zip(after["layers"], before["layers"])]
        self.assertEqual(hits[1:], [1, 2])
        self.assertEqual(after["layers"][0]["path"], self.m.upper)

    def test_files_that_are_open(self):
        with open(self.p("top")), open(self.p("low")):
            self.assertEqual(self.figures()["open_files"], 2)
        os.sync()
        self.assertGreaterEqual(self.figures()["opens"].get("cached", 0) + self.figures()["opens"].get("passthrough", 0), 2)

    def test_text_and_prometheus(self):
        os.lstat(self.p("top"))
        self.assertRegex(self.ask("stat"), r"(?m)^requests\.lookup +[1-9]\d*$")
        self.assertRegex(self.ask("stat", "--prometheus"),
                         r'(?m)^blendfs_requests_total\{mount="%s",kind="lookup"\} [1-9]\d*$' % self.m.root)

    def test_log_level(self):
        self.assertEqual(os.getxattr(self.m.root, LOG_LEVEL), b"warning")
        self.ask("log", "debug")
        self.assertEqual(os.getxattr(self.m.root, LOG_LEVEL), b"debug")
        os.lstat(self.p("top"))
        self.ask("log", "warning")
        with open(self.m.log) as log:
            lines = log.read()
        self.assertIn("lookup for process %d of user 0" % os.getpid(), lines)
        os.lstat(self.p("low"))
        with open(self.m.log) as log:
            self.assertNotIn("lookup", log.read()[len(lines):])

    def test_attributes_are_the_roots_alone_and_hidden(self):
        self.assertNotIn(STATISTICS, os.listxattr(self.m.root))
        with self.fails("ENODATA"):
            os.getxattr(self.p("top"), STATISTICS)
        with self.fails("EACCES"):
            os.setxattr(self.m.root, STATISTICS, b"0")
        with self.fails("EACCES"):
            os.removexattr(self.m.root, LOG_LEVEL)
        with self.fails("EINVAL"):
            os.setxattr(self.m.root, LOG_LEVEL, b"loud")
        self.assertEqual([name for name in os.listxattr(self.m.upper) if name in (STATISTICS, LOG_LEVEL)], [])

    def test_where_no_blendfs_is(self):
        self.assertIn("no blendfs answers here", self.ask_at(self.scratch(""), "stat"))
        self.assertIn("no blendfs answers here", self.ask_at(self.scratch(""), "log", "debug"))
        self.assertEqual(os.listxattr(self.scratch("")), [])
        self.assertIn("No such file", self.ask_at(self.scratch("nowhere"), "stat"))

    def ask_at(self, path, *words):
        done = blendctl.run(*words, path)
        self.assertEqual((done.returncode, done.stdout), (3, b""))
        return done.stderr.decode()


@only_for("blendfs", why="tests blendctl")
class LiveWithUserAttributes(Case):
    def test_owner_and_strangers(self):
        self.union({"f": file("f")}, options=["userxattr"])
        os.chmod(self.m.root, 0o777)
        done = blendctl.run("stat", "--json", self.m.root)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(len(json.loads(done.stdout)["layers"]), 2)
        with self.fails("EPERM"):
            self.as_user(1234, lambda: os.getxattr(self.m.root, "user.blendfs.statistics"))
        with self.fails("EPERM"):
            self.as_user(1234, lambda: os.setxattr(self.m.root, "user.blendfs.log_level", b"debug"))

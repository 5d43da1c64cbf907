# SPDX-License-Identifier: MIT
"""Which run ./reproduce continues."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM = pathlib.Path(__file__).resolve().parent.parent / "unfinished_run.py"


class UnfinishedRun(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="unfinished-run-test-")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)
        (self.folder / "runs").mkdir()
        (self.folder / "claims.toml").write_text("claims")
        for name in ("guests", "host"):
            (self.folder / f"{name}.toml").write_text(name)
        files = {name: {"sha256": f"digest of {name}"} for name in ("system", "user", "not-needed")}
        (self.folder / "manifest.json").write_text(json.dumps({"files": files}))
        self.age = 0

    def make_run(self, name, spec, finished="", claims="claims", images=("system",)):
        run = self.folder / "runs" / name
        run.mkdir()
        (run / "spec.toml").write_text(spec)
        (run / "claims.toml").write_text(claims)
        (run / "environment.json").write_text(json.dumps({"finished": finished, "images": {image: f"digest of {image}" for image in images}}))
        (run / "plan.json").write_text("{}")
        self.age += 1
        os.utime(run / "plan.json", (self.age, self.age))

    def make_page(self, name):
        (self.folder / "reports" / name).mkdir(parents=True)
        (self.folder / "reports" / name / "index.html").write_text("page")

    def found(self, *specs):
        done = subprocess.run([sys.executable, PROGRAM, self.folder / "runs", self.folder / "reports", self.folder / "claims.toml", self.folder / "manifest.json",
                               *(self.folder / f"{spec}.toml" for spec in specs)], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.strip()

    def test_the_newest_unfinished_run_of_the_same_inputs(self):
        self.assertEqual(self.found("guests"), "")
        self.make_run("old", "guests")
        self.make_run("new", "guests")
        self.make_run("done", "guests", finished="now")
        self.make_run("other-spec", "host")
        self.make_run("other-claims", "guests", claims="easier")
        self.make_run("other-images", "guests", images=("system", "unknown"))
        self.assertEqual(self.found("guests"), "new")

    def test_several_experiments_are_one_run(self):
        self.make_run("a.guests", "guests", finished="now")
        self.assertEqual(self.found("guests", "host"), "a")  # the host's is still to come
        self.make_run("a.host", "host")
        self.assertEqual(self.found("guests", "host"), "a")
        self.make_run("b.guests", "guests", finished="now")
        self.make_run("b.host", "host", finished="now")
        self.make_page("b")
        self.assertEqual(self.found("guests", "host"), "a")
        self.make_run("c.guests", "guests")
        self.make_run("c.host", "changed since")
        self.assertEqual(self.found("guests", "host"), "a")

    def test_without_the_page_over_them_they_are_not_done(self):
        self.make_run("a.guests", "guests", finished="now")
        self.make_run("a.host", "host", finished="now")
        self.assertEqual(self.found("guests", "host"), "a")
        self.make_page("a")
        self.assertEqual(self.found("guests", "host"), "")

    def test_a_run_that_noted_nothing_is_not_continued(self):
        self.make_run("killed", "guests")
        (self.folder / "runs" / "killed" / "environment.json").write_text("[]")
        self.assertEqual(self.found("guests"), "")


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: MIT
"""paper/index as a user runs it: every claim has its place, every experiment its link."""

import os
import re
import subprocess
import tempfile
import unittest

import support
import synthetic
import synthetic_answers
from test_page import check_html

CLAIMS = b"""[[claim]]
id = "boot-no-negative-effect"
title = "No effect"
[[claim]]
id = "asked-nowhere"
title = "Asked <b>nowhere</b>"
"""


class Index(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="index-test-")
        self.addCleanup(holder.cleanup)
        self.folder = holder.name
        self.claims = self.write("claims.toml", CLAIMS)

    def write(self, name, data):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as out:
            out.write(data)
        return path

    def run_index(self, *inputs):
        return subprocess.run([os.path.join(support.PAPER, "index"), *inputs, "--claims", self.claims, "--out", self.folder],
                              capture_output=True, timeout=300, check=False)

    def test_one_page_over_several_experiments(self):
        inputs = [self.write(f"{kind}/report.json", support.encode(synthetic.document(kind))) for kind in ("ok", "failures", "hostile")]
        done = self.run_index(*inputs)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        with open(os.path.join(self.folder, "index.html"), encoding="utf-8") as source:
            text = source.read()
        check_html(self, text)
        for kind in ("ok", "failures", "hostile"):
            self.assertIn(f'href="{kind}/report.html"', text)
        self.assertIn("Asked &lt;b&gt;nowhere&lt;/b&gt;", text)
        self.assertIn("no experiment of this profile says anything: 1<", text)
        title = next(claim["title"] for claim in synthetic.document("ok")["claims"] if claim["id"] == "boot-no-negative-effect")
        row = next(line for line in text.splitlines() if f'<th scope="row">{title}</th>' in line)
        self.assertIn("NOT DECIDED HERE", row)
        failed = next(line for line in text.splitlines() if "Failed: " in line)
        self.assertIn("sample", failed)
        self.assertEqual(self.run_index(*inputs).returncode, 0)
        with open(os.path.join(self.folder, "index.html"), encoding="utf-8") as source:
            self.assertEqual(source.read(), text)

    def test_growth_is_told_by_its_ends(self):
        made = synthetic_answers.document("guests")
        done = self.run_index(self.write("guests/report.json", support.encode(made)))
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        with open(os.path.join(self.folder, "index.html"), encoding="utf-8") as source:
            text = source.read()
        check_html(self, text)
        self.assertIn("guests at once: 1 → 16 <", text)
        row = next(line for line in text.splitlines() if "private memory of the guests, MiB" in line)
        ends = re.findall(r"<td>([0-9.]+) → ([0-9.\u202f]+)</td>", row)
        self.assertEqual(len(ends), 3, row)
        for first, last in ends:  # 210 MiB a guest, with a scatter of 3 %
            self.assertAlmostEqual(float(first) / 210, 1, delta=0.1)
            self.assertAlmostEqual(float(last.replace("\u202f", "")) / 3360, 1, delta=0.1)

    def test_bad_input_is_one_line(self):
        for claims, data, part in ((CLAIMS, b"{}", "report.json"), (b"[[claim]]\nid = 3", b"", "not a file of claims"), (b"\xff", b"", "not a file of claims")):
            self.write("claims.toml", claims)
            done = self.run_index(self.write("x/report.json", data))
            message = done.stderr.decode()
            self.assertEqual(done.returncode, 2, message)
            self.assertEqual(len(message.strip().splitlines()), 1, message)
            self.assertIn(part, message)

# SPDX-License-Identifier: MIT
"""paper/report as a user runs it: files, exit status, one-line errors."""

import csv
import hashlib
import json
import math
import os
import re
import tempfile
import unittest

import support
import synthetic
from test_page import check_html


def digests(folder):
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(place, name), "rb") as source:
                found[os.path.relpath(os.path.join(place, name), folder)] = hashlib.sha256(source.read()).hexdigest()
    return found


class Command(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="report-test-")
        self.addCleanup(holder.cleanup)
        self.folder = holder.name
        self.input = self.write("in.json", support.encode(synthetic.document("failures")))
        self.out = os.path.join(self.folder, "out")

    def write(self, name, data):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as out:
            out.write(data)
        return path

    def fails(self, status, part, *arguments, **how):
        done = support.run_command(*arguments, **how)
        message = done.stderr.decode()
        self.assertEqual(done.returncode, status, message)
        self.assertEqual(len(message.strip().splitlines()), 1, message)
        self.assertIn(part, message)
        self.assertNotIn("Traceback", message)

    def test_page_and_plots_the_same_twice(self):
        seen = []
        for name in ("one", "two"):
            done = support.run_command(self.input, "--out", os.path.join(self.folder, name))
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b""))
            seen.append(digests(os.path.join(self.folder, name)))
        self.assertEqual(seen[0], seen[1])
        self.assertIn("plots/boot-phases.pdf", seen[0])
        self.assertIn("plots/boot-phases.png", seen[0])
        with open(os.path.join(self.folder, "one", "report.html"), encoding="utf-8") as source:
            text = source.read()
        checker = check_html(self, text)
        self.assertIn("svg", checker.tags)
        # The page leads to pages that are there, and no other is.
        self.assertEqual(set(re.findall(r'href="(strategies/[^"]*)"', text)), {name for name in seen[0] if name.startswith("strategies/")})
        self.assertEqual(text.count("<figure "), sum(name.endswith(".pdf") for name in seen[0]))

    def test_every_figure_has_its_marks_beside_it(self):
        done = support.run_command(self.input, "--out", self.out)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(os.path.join(self.out, "report.html"), encoding="utf-8") as source:
            text = source.read()
        plots = os.path.join(self.out, "plots")
        names = sorted(name[:-4] for name in os.listdir(plots) if name.endswith(".pdf"))
        self.assertIn("ratios-boot", names)
        document = synthetic.document("failures")
        for name in names:
            self.assertIn(f"plots/{name}.csv", text)
            with open(os.path.join(plots, name + ".csv"), encoding="utf-8", newline="") as source:
                rows = list(csv.reader(source))
            self.assertGreater(len(rows), 1, name)
            self.assertEqual({len(row) for row in rows}, {len(rows[0])}, name)
        # Unrounded: the figure's ratio is the document's, and a dot is a block's own ratio.
        with open(os.path.join(plots, "ratios-boot.csv"), encoding="utf-8", newline="") as source:
            rows = list(csv.DictReader(source))
        for row in document["comparisons"]:
            if row["metric"] != "boot.total_s" or not row["pairs"]:
                continue
            drawn = [mark for mark in rows if mark["arm"] == row["arm"]]
            self.assertEqual([float(mark["ratio"]) for mark in drawn if mark["mark"] == "mean"], [row["ratio"]])
            self.assertEqual([float(mark["ratio"]) for mark in drawn if mark["mark"] == "block"],
                             [math.exp(pair["log_ratio"]) for pair in row["pairs"]])

    def test_csv_cells_are_no_formulas(self):
        hostile = synthetic.document("ok")
        for arm in hostile["arms"]:
            arm["label"] = "=HYPERLINK(\"http://x\")"
        hostile["metrics"][0]["unit"] = "@SUM(A1)"
        done = support.run_command(self.write("h.json", support.encode(hostile)), "--out", self.out)
        self.assertEqual(done.returncode, 0, done.stderr)
        for name in os.listdir(os.path.join(self.out, "plots")):
            if name.endswith(".csv"):
                with open(os.path.join(self.out, "plots", name), encoding="utf-8", newline="") as source:
                    for row in csv.reader(source):
                        self.assertFalse([cell for cell in row if cell[:1] in ("=", "@")], row)

    def test_versions_of_what_draws(self):
        done = support.run_command("--versions")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(set(json.loads(done.stdout)), {"python", "matplotlib", "jinja2"})

    def test_standard_input_one_plot_list_and_picture(self):
        data = support.encode(synthetic.document("single"))
        picture = os.path.join(self.folder, "overview.png")
        done = support.run_command("-", "--out", self.out, "--plot", "boot-phases", "--list", "--picture", picture, stdin=data)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertIn("boot-phases", done.stdout.decode().split())
        self.assertEqual(sorted(digests(self.out)), ["plots/boot-phases.csv", "plots/boot-phases.pdf", "plots/boot-phases.png"])
        with open(picture, "rb") as source:
            self.assertEqual(source.read(8), b"\x89PNG\r\n\x1a\n")

    def test_picture_of_nothing(self):
        empty = self.write("empty.json", support.encode(synthetic.document("allfailed")))
        self.assertEqual(support.run_command(empty, "--picture", os.path.join(self.folder, "p.png")).returncode, 0)

    def test_help_tells_the_exit_status(self):
        done = support.run_command("--help")
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"exit status", done.stdout)

    def test_wrong_arguments(self):
        self.assertEqual(support.run_command().returncode, 2)
        self.assertEqual(support.run_command(self.input).returncode, 2)
        self.assertEqual(support.run_command(self.input, "--picture", "x.jpg").returncode, 2)
        self.fails(2, "no such plot", self.input, "--out", self.out, "--plot", "pie")

    def test_wrong_input(self):
        self.fails(2, "No such file", os.path.join(self.folder, "absent.json"), "--out", self.out)
        self.fails(2, "bad.json: not JSON: line 1", self.write("bad.json", b"{"), "--out", self.out)
        document = synthetic.document("ok")
        document["samples"][2]["arm"] = "x"
        self.fails(2, "samples[2].arm", self.write("arm.json", support.encode(document)), "--out", self.out)
        self.assertFalse(os.path.exists(self.out))

    def test_output_cannot_be_written(self):
        self.fails(3, "cannot write", self.input, "--out", os.path.join(self.input, "below-a-file"))
        self.fails(3, "cannot write", self.input, "--picture", os.path.join(self.folder, "no", "such", "folder.png"))

    def test_users_matplotlib_settings_change_nothing(self):
        self.write("matplotlibrc", b"font.size: 40\nsavefig.dpi: 10\n")
        plain, odd = os.path.join(self.folder, "plain"), os.path.join(self.folder, "odd")
        for folder, environment in ((plain, {}), (odd, {"MATPLOTLIBRC": os.path.join(self.folder, "matplotlibrc")})):
            done = support.run_command(self.input, "--out", folder, "--plot", "boot-phases", environment=environment)
            self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(digests(plain), digests(odd))

    def test_works_without_a_home_to_write_to(self):
        done = support.run_command(self.input, "--out", self.out, "--plot", "samples-boot",
                                   environment={"HOME": "/proc/none", "XDG_CACHE_HOME": "", "BLEND_CACHE": ""})
        self.assertEqual((done.returncode, done.stderr), (0, b""))


if __name__ == "__main__":
    unittest.main()

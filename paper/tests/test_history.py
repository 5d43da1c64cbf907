# SPDX-License-Identifier: MIT
"""The history's plots: text inside its figure and apart, what the command makes, and broken input."""

import json
import math
import os
import random
import subprocess
import tempfile
import unittest

import support
import figures
import loading_history
import reader
from plots import history, style
from test_plots import check_texts


def series(metric, runs=30, change=None, factor=1.2, spike=None, **members):
    wobble = random.Random(metric)
    points = []
    for index in range(runs):
        value = 2.0 * math.exp(wobble.gauss(0, 0.01)) * (factor if change is not None and index >= change else 1)
        value *= 3 if index == spike else 1
        points.append({"run": f"2026-11-{index:02}T10-00-00-quick", "created": "", "commit": "", "value": value, "log": math.log(value),
                       "blocks": 6, "spike": index == spike, "pending": False})
    changes = [] if change is None else [{"index": change, "run": points[change]["run"], "run_before": points[change - 1]["run"],
                                          "ratio": factor, "worse": factor > 1, "p": 0.001}]
    return {"experiment": "quick", "machine": "kvm, a processor, 8 cores", "arm": "fine-blendfs", "metric": metric, "label": metric,
            "family": "boot", "unit": "", "better": "lower", "scale": "relative", "long_enough": runs >= 6, "p_holm": 0.01,
            "worse_now": factor > 1, "points": points, "changes": changes, **members}


def document(*members):
    return {"schema": 1, "kind": "blendbench-history", "options": {}, "series": list(members)}


def made_up():
    return document(series("boot.total_s", change=20), series("boot.merge_s", spike=9), series("fio.app_write_1m_mbps", change=12, factor=0.9),
                    series("shutdown_s", runs=3), series("x" * 150, change=4, unit="MB/s", better="higher", scale="absolute"),
                    series("alone", runs=1), series("steady", runs=400))


class LayOut(unittest.TestCase):
    def test_text_stays_inside_and_apart(self):
        style.prepare()
        for narrow in (False, True):
            for plot in history.plots(loading_history.load(support.encode(made_up()))):
                with figures.quietly():
                    check_texts(self, plot.draw(style.Canvas(narrow)))


class Which(unittest.TestCase):
    def plots(self, value, **options):
        return history.plots(loading_history.load(support.encode(value)), **options)

    def test_one_of_an_arm_with_the_worst_first(self):
        plot, = self.plots(made_up())
        self.assertEqual([row[0][:12] for row in plot.rows[:2]], ["boot.total_s", "x" * 12])
        self.assertEqual(plot.rows[0][1:], ("2026-11-20T10-00-00-quick", "worse by 20.0 %", "30"))
        self.assertNotIn("alone", [row[0] for row in plot.rows])
        self.assertEqual(len(self.plots(made_up(), changed_only=True)[0].rows), 3)

    def test_a_rates_change_is_told_as_people_see_it(self):
        plot, = self.plots(document(series("r", change=9, factor=2.0, better="higher", scale="absolute")))
        self.assertEqual(plot.rows[0][2], "worse by 50.0 %")

    def test_many_take_several_pages(self):
        plots = self.plots(document(*(series(f"m{index}") for index in range(50))))
        self.assertEqual(sum(len(plot.rows) for plot in plots), 50)
        self.assertEqual(len({plot.name for plot in plots}), 3)

    def test_levels_are_medians_without_spikes(self):
        loaded, = loading_history.load(support.encode(document(series("m", change=20, spike=3))))
        (_, end, before), (_, _, after) = loaded.segments()
        self.assertEqual(end, 20)
        self.assertAlmostEqual(before, 2.0, delta=0.03)
        self.assertAlmostEqual(after, 2.4, delta=0.03)


class Command(unittest.TestCase):
    def run_command(self, value, *arguments):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        path = os.path.join(self.folder.name, "in.json")
        with open(path, "wb") as out:
            out.write(value)
        return subprocess.run([os.path.join(support.PAPER, "history"), path, "--out", os.path.join(self.folder.name, "out"), *arguments],
                              capture_output=True, timeout=300, check=False)

    def test_makes_the_same_files_every_time(self):
        contents = []
        for _ in range(2):
            done = self.run_command(support.encode(made_up()))
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            out = os.path.join(self.folder.name, "out")
            self.assertEqual(sorted(os.listdir(out)), ["history-quick-fine-blendfs.pdf", "history-quick-fine-blendfs.png"])
            with open(os.path.join(out, "history-quick-fine-blendfs.png"), "rb") as source:
                contents.append(source.read())
        self.assertEqual(*contents)

    def test_wrong_input_is_a_line_and_two(self):
        def broken(change):
            value = made_up()
            change(value)
            return support.encode(value)
        cases = {
            b"{": "not JSON", b"[]": "expected an object",
            json.dumps({"schema": 1}).encode(): "kind: not a history",
            broken(lambda value: value["series"][0]["points"][3].update(value="x")): "series[0].points[3].value",
            broken(lambda value: value["series"][0]["changes"][0].update(index=0)): "between no two of its 30 points",
            broken(lambda value: value.update(schema=2)): "reads schema 1",
        }
        for value, told in cases.items():
            done = self.run_command(value)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(told, done.stderr.decode())
            self.assertEqual(done.stderr.count(b"\n"), 1)

    def test_nothing_to_draw_is_said(self):
        self.assertIn(b"nothing to draw", self.run_command(support.encode(document())).stdout)


class Hostile(unittest.TestCase):
    def test_control_characters_do_not_come_through(self):
        loaded, = loading_history.load(support.encode(document(series("m", arm="a\x1b[31mb\u202e", machine="x\ny"))))
        self.assertEqual((loaded.arm, loaded.machine), ("ab", "x y"))

    def test_order_of_changes_is_checked(self):
        value = series("m", change=9)
        value["changes"] *= 2
        with self.assertRaises(reader.InvalidInput):
            loading_history.load(support.encode(document(value)))


if __name__ == "__main__":
    unittest.main()

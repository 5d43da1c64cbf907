# SPDX-License-Identifier: MIT
"""The member `calibration`: checked, told in words beside the controls, and drawn."""

import unittest

import support
import synthetic
import synthetic_extras
import synthetic_host
from test_loading import changed
from test_page import check_html, visible
from test_plots import check_texts

import figures
import loading
import page_calibration
import reader
import render
from plots import calibration as plot_calibration
from plots import style


def load(document):
    return loading.load(support.encode(document))


def with_calibration(calibration):
    document = synthetic.document("minimal")
    document["calibration"] = calibration
    return load(document)


def section(report):
    text = render.page(report, [], "r.json")
    start = text.index('<section id="calibration">')
    return text[start:text.index("</section>", start)]


class Loading(unittest.TestCase):
    def test_values_are_taken_as_they_are(self):
        told = support.report_of("ok").calibration
        self.assertEqual((told.window, told.blocks, told.margin, told.same_machine), (8, 24, 0.05, True))
        self.assertEqual((told.false_alarms.hits, told.false_alarms.trials), (1, 33))
        self.assertEqual([told.beyond(slowed) for slowed in told.slowed], [True, False, True, True])
        self.assertEqual(told.slowed[0].rates["refuted"].share(), 1)
        self.assertEqual(dict(told.machine)["cores"], "2")

    def test_absent_or_null_is_none(self):
        self.assertIsNone(support.report_of("kvm").calibration)
        self.assertIsNone(with_calibration(None).calibration)

    def test_what_is_missing_inside_is_not_made_up(self):
        told = with_calibration({"run": "r", "arms": [{"arm": "slow"}]}).calibration
        self.assertEqual((told.false_alarms, told.margin, told.window, told.same_machine), (None, None, None, None))
        self.assertEqual((told.slowed[0].rates, told.slowed[0].predicted), ({}, {}))
        self.assertIsNone(told.beyond(told.slowed[0]))
        check_html(self, render.page(with_calibration({"run": "r", "arms": [{"arm": "slow"}]}), [], "r.json"))

    def test_mistakes_are_named(self):
        where = "calibration"
        cases = [
            ([], "x", "expected an object"), (["schema"], 2, "schema 1"), (["run"], None, "run: expected text"), (["margin"], "5", "margin: expected a number"),
            (["same_machine"], 1, "same_machine: expected true or false"), (["false_alarms", "count"], 99, "false_alarms.count: 99 of 33 cannot be"),
            (["false_alarms", "interval95"], [0.2, 1.2], "false_alarms.interval95[1]: 1.2 is out of range"), (["false_seen_worse"], [], "false_seen_worse"),
            (["arms"], {}, "arms: expected a list"), (["arms", 0, "arm"], 7, "arms[0].arm: expected text"),
            (["arms", 1, "expected_ratio"], 0, "arms[1].expected_ratio: 0 is out of range"),
            (["arms", 0, "refuted", "trials"], 1.5, "arms[0].refuted.trials: expected a whole number"),
            (["arms", 0, "predicted", "refuted"], 2, "arms[0].predicted.refuted: 2 is out of range"),
            (["arms"], [{"arm": "a"}] * 201, "arms: has 201 elements"), (["machine"], {str(i): 1 for i in range(21)}, "machine: has 21 members"),
            (["machine", "cpu"], [], "machine.cpu: expected a number"), (["noise", 0, "sd_log"], -1, "noise[0].sd_log"),
        ]
        for path, value, part in cases:
            with self.subTest(path=path), self.assertRaises(reader.InvalidInput) as caught:
                loading.load(changed([where] + path, value))
            self.assertIn(where, str(caught.exception))
            self.assertIn(part, str(caught.exception))


class Page(unittest.TestCase):
    def test_says_what_was_measured(self):
        text = visible(section(support.report_of("ok")))
        for part in ("2026-11-22T08-00-00-calibration", "2026-11-22T08:00:00Z", "tcg (emulated, indicative)", "cpu AMD EPYC 9B45",
                     "24 blocks, judged as experiments of 8 blocks at a margin of 5 %", "1 of 33, 3.03 %", "stands still for 10 % of its running time",
                     "17 of 24, 70.8 %", "74 % expected", "measured +10.4 %", "beyond the margin", "blocks for 90 % power"):
            self.assertIn(part, text)
        self.assertNotIn("Another machine", text)

    def test_the_sentence_is_about_the_least_slow_down_that_matters(self):
        words = page_calibration.context(support.report_of("ok"))["meaning"]
        self.assertIn("An arm that truly is 10\u00a0% slower was REFUTED in 70.8\u00a0%", words)
        self.assertIn("wrongly called NON-INFERIOR in 4.17\u00a0%", words)
        self.assertNotIn("This run has", words)  # as many blocks as an experiment of the calibration

    def test_rows_come_by_slow_down_and_wrong_verdicts_are_marked(self):
        rows = page_calibration.context(support.report_of("ok"))["rows"]
        self.assertEqual([row["true"] for row in rows], ["+2\u00a0%", "+10\u00a0%", "+10\u00a0%", "+20\u00a0%"])
        wrong = {(row["arm"], cell["title"]) for row in rows for cell in row["cells"] if cell["wrong"]}
        self.assertEqual(wrong, {("slow-2", "REFUTED"), ("slow-10", "NON-INFERIOR")})

    def test_says_what_is_not_known(self):
        text = visible(section(support.report_of("single")))
        self.assertIn("No arm was slowed on purpose", text)
        self.assertNotIn("What was injected", text)
        small = synthetic_extras.calibration(slowed=[("slow-2", "x", 1.02, (1, 0, 9), (0, 0, 0))])
        small.update(same_machine=False, false_alarms=synthetic_extras.rate(0, 0))
        text = visible(section(with_calibration(small)))
        for part in ("No arm was slowed by more than the margin", "how often a false alarm comes is not known", "Another machine made this calibration",
                     "This run has 2 blocks, so it finds less"):
            self.assertIn(part, text)

    def test_without_one_the_command_is_named(self):
        text = visible(section(support.report_of("kvm")))
        self.assertIn("on this substrate (kvm)", text)
        self.assertIn("blendbench calibrate calibrate --images DIR", text)

    def test_the_page_of_the_host_has_it_too(self):
        document = synthetic_host.document()
        self.assertIn("<code>blendbench calibrate</code>", section(load(document)))
        document["calibration"] = synthetic_extras.calibration("host")
        report = load(document)
        check_html(self, render.page(report, [], "r.json"))
        self.assertIn("17 of 24", section(report))
        self.assertIn("calibration", [plot.name for plot in figures.all_plots(report)])

    def test_hostile_text_stays_text(self):
        text = section(support.report_of("hostile"))
        self.assertIn("&lt;script&gt;alert(1)", text)
        for forbidden in ("<script", "<img", "\x1b", "\u202e", "\x00"):
            self.assertNotIn(forbidden, text)
        # The run's id ends up in a command: quoted for the shell.
        self.assertIn("calibrate --from &#39;2026", text)


class Drawing(unittest.TestCase):
    def setUp(self):
        style.prepare()

    def plots(self, calibration):
        return plot_calibration.plots(with_calibration(calibration), {})

    def test_columns_are_the_reference_and_each_slow_down(self):
        plot = self.plots(synthetic_extras.calibration())[0]
        self.assertEqual([row[1] for row in plot.rows], ["none", "+2\u00a0%", "+10\u00a0%", "+10\u00a0%", "+20\u00a0%"])
        self.assertIn("17 of 24", plot.rows[2][3])
        self.assertEqual(plot.rows[0][4], "not tried")
        refuted = {mark[0]: mark for mark in plot.marks if mark[2] == "refuted"}
        self.assertEqual(refuted["slow-10"][1:6] + refuted["slow-10"][8:], (1.1, "refuted", 17, 24, 17 / 24, 0.74))
        self.assertEqual(refuted[""][1:5], (1.0, "refuted", 1, 33))

    def test_one_slow_down_is_no_plot(self):
        told = synthetic_extras.calibration()
        told["arms"] = told["arms"][:1]
        self.assertEqual(self.plots(told), [])
        told["arms"] = [dict(told["arms"][0]), dict(told["arms"][0], refuted=None, seen_worse=None, non_inferior=None)]
        self.assertEqual(self.plots(told), [])
        self.assertEqual(plot_calibration.plots(support.report_of("kvm"), {}), [])

    def test_many_and_odd_slow_downs(self):
        told = synthetic_extras.calibration()
        told["arms"] = [dict(told["arms"][0], expected_ratio=ratio) for ratio in [1e-9, 0.5, 1.05] + [1 + 0.01 * step for step in range(60)] + [1e9]]
        cases = [told, dict(told, margin=None), dict(told, margin=1e6), dict(synthetic_extras.calibration(), margin=0.0)]
        for case in cases:
            for narrow in (False, True):
                check_texts(self, self.plots(case)[0].draw(style.Canvas(narrow)))


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: MIT
"""The member `diagnosis`: checked, and drawn below the boots."""

import unittest

import support
import synthetic
import synthetic_extras
from test_loading import changed
from test_page import visible
from test_plots import check_texts

import figures
import loading
import loading_diagnosis
import reader
import render
from plots import boot_timeline, style


def load(document):
    return loading.load(support.encode(document))


def timeline(report):
    style.prepare()
    plots = boot_timeline.plots(report, {})
    return plots[0] if plots else None


class Loading(unittest.TestCase):
    def test_units_with_their_starts(self):
        told = support.report_of("ok").diagnosis
        self.assertEqual(set(told), {"coarse", "monolithic", "fine-blendfs", "fine-overlayfs"})
        units = {unit.name: unit for unit in told["coarse"].units}
        self.assertEqual(units["networking.service"].start, 6.025)
        self.assertEqual(units["-.mount"].start, 1.02)
        self.assertIsNone(units["dev-vda.device"].start)
        self.assertIsNone(units["systemd-journal-flush.service"].start)  # its line is not of the form
        seconds = [unit.seconds for unit in told["coarse"].units]
        self.assertEqual(seconds, sorted(seconds, reverse=True))

    def test_the_critical_chain_in_its_forms(self):
        chain = "a.service @1min 2.5s +3ms\n  `-b@c.mount @900us +1h 1min 1s\n  |-d.service @12.2s\ne.service @1.2.3s +1s\nf.service @99999999h +1s\n"
        starts = loading_diagnosis._starts(chain)
        self.assertEqual({name: round(start, 6) for name, start in starts.items()}, {"a.service": 62.5, "b@c.mount": 0.0009})
        self.assertEqual(loading_diagnosis._starts("x" * 100000 + " @1s +1s\n" * 1000), {})

    def test_absent_or_null_is_none(self):
        self.assertIsNone(support.report_of("kvm").diagnosis)
        document = synthetic.document("minimal")
        for value in (None, {}, {"coarse": None}):
            document["diagnosis"] = value
            self.assertIsNone(load(document).diagnosis)

    def test_mistakes_are_named(self):
        cases = [
            ([], [], "diagnosis: expected an object"), (["nobody"], {}, "diagnosis.nobody: no arm has this id"), (["coarse"], 3, "diagnosis.coarse: expected an object"),
            (["coarse", "units"], "x", "diagnosis.coarse.units: expected a list"), (["coarse", "units", 0, "unit"], None, "units[0].unit: expected text"),
            (["coarse", "units", 0, "s"], None, "units[0].s: expected a number, found null"), (["coarse", "units", 0, "s"], -1, "units[0].s: -1 is out of range"),
            (["coarse", "units", 1], "x", "units[1]: expected an object"), (["coarse", "units"], [{"unit": "a", "s": 1}] * 201, "units: has 201 elements"),
            (["coarse", "critical_chain"], 1, "critical_chain: expected text"), (["coarse", "summary"], [], "summary: expected text"),
            (["coarse", "failure"], {}, "failure: expected text"),
        ]
        for path, value, part in cases:
            with self.subTest(path=path), self.assertRaises(reader.InvalidInput) as caught:
                loading.load(changed(["diagnosis"] + path, value))
            self.assertIn(part, str(caught.exception))


class Timeline(unittest.TestCase):
    def test_units_begin_where_systemd_took_over(self):
        report = support.report_of("ok")
        rows = {(row[0], row[1]): row[2:] for row in timeline(report).rows}
        begun = sum(sum(report.values("coarse", phase.id)) / 8 for phase in report.phases()[:4])
        self.assertAlmostEqual(float(rows["coarse (A)", "networking.service"][0]), begun + 6.025, delta=0.06)
        self.assertEqual(rows["coarse (A)", "dev-vda.device"][0], "not known")
        self.assertAlmostEqual(float(rows["coarse (A)", "phase: switch_root to the default target"][0]), begun, delta=0.01)
        marks = {(mark[1], mark[2]): mark[3:] for mark in timeline(report).marks}
        self.assertAlmostEqual(marks["coarse", "networking.service"][0], begun + 6.025, places=9)
        self.assertEqual(marks["coarse", "dev-vda.device"], ("", report.diagnosis["coarse"].units[1].seconds))
        self.assertIn(("coarse (A)", "systemd: Startup finished in 2.913s (kernel) + 12.021s (userspace) = 14.934s multi-user.target reached after 11.9s"), rows)

    def test_a_failed_diagnostic_boot_is_told(self):
        plot = timeline(support.report_of("failures"))
        self.assertIn(("fine, overlayfs", "the diagnostic boot failed: the guest did not reach its target within 120 s", "", ""), plot.rows)
        drawn = [text.get_text() for text in plot.draw(style.Canvas(False)).axes[-1].texts]
        self.assertTrue(any(words.startswith("the diagnostic boot failed") for words in drawn))

    def test_only_with_a_diagnosis(self):
        self.assertIsNone(timeline(support.report_of("kvm")))

    def variant(self, change):
        document = synthetic.document("minimal")
        document["diagnosis"] = synthetic_extras.diagnosis(document["arms"])
        change(document)
        plot = timeline(load(document))
        for narrow in (False, True):
            check_texts(self, plot.draw(style.Canvas(narrow)))
        return plot

    def test_without_a_boot_in_seconds_units_have_their_own_scale(self):
        def counted(document):
            document["metrics"][0]["unit"] = "M instructions"
        for change in (counted, lambda document: document.update(samples=[]), lambda document: document.update(samples=[], metrics=[])):
            plot = self.variant(change)
            self.assertIn("zero, where systemd takes over", plot.caption)
            self.assertEqual(plot.draw(style.Canvas(False)).axes[-1].get_xlabel(), "time since systemd took over (s)")
            self.assertEqual(next(row[2] for row in plot.rows if row[1] == "networking.service"), "6.03")

    def test_without_phases_the_total_alone_is_drawn(self):
        rows = {row[1]: row[2] for row in self.variant(lambda document: None).rows}
        self.assertIn("whole boot, mean", rows)
        # Where systemd took over is not known, so its offsets have no place on the boot's scale.
        self.assertEqual(rows["networking.service"], "not known")

    def test_an_arm_without_a_boot_has_no_starts(self):
        document = synthetic.document("ok")
        document["samples"] = [sample for sample in document["samples"] if sample["arm"] != "monolithic"]
        document["comparisons"] = document["claims"] = None
        begun = {(row[0], row[1]): row[2] for row in timeline(load(document)).rows}
        self.assertEqual(begun["monolithic", "networking.service"], "not known")
        self.assertNotEqual(begun["coarse (A)", "networking.service"], "not known")

    def test_odd_but_valid_units(self):
        def none(document):
            document["diagnosis"]["coarse"]["units"] = []

        def odd(document):
            document["diagnosis"]["coarse"] = {"units": [{"unit": "x" * 500, "s": 1e6}, {"unit": "", "s": 0}]}
        self.assertIn("the diagnostic boot told of no unit", [row[1] for row in self.variant(none).rows])
        self.assertLess(len(self.variant(odd).rows[1][1]), 200)

    def test_of_many_arms_fewer_units_each_are_drawn(self):
        document = synthetic.document("many")
        document["diagnosis"] = synthetic_extras.diagnosis(document["arms"])
        plot = timeline(load(document))
        drawn = [text.get_text() for text in plot.draw(style.Canvas(False)).axes[-1].texts]
        self.assertEqual(drawn.count("dev-vda.device"), sum(1 for arm in document["arms"] if not arm["control"]))
        self.assertNotIn("networking.service", drawn)
        self.assertIn("networking.service", [row[1] for row in plot.rows])

    def test_hostile_names_stay_text(self):
        report = support.report_of("hostile")
        drawn = [(plot, figures.markup(figures.draw(plot, False), plot, "wide"), "") for plot in [timeline(report)]]
        text = render.page(report, drawn, "r.json")
        self.assertNotIn("<script", text)
        self.assertIn("dev-vda.device&lt;/script&gt;", text)
        self.assertIn("longest units of a diagnostic boot", visible(text))


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: MIT
"""The page and plots of an experiment on the host."""

import copy
import unittest

import support
import synthetic_host
from test_page import check_html

import figures
import loading
import page_host
import reader
import render


def load(document):
    return loading.load(support.encode(document))


class Host(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.report = load(synthetic_host.document())

    def test_speeds_are_turned_so_that_more_is_faster(self):
        for metric in ("warm-find.wall_s", "upper-write-4k.rate_mbps"):
            middle, low, high = page_host.relative_speed(self.report.comparison(metric, "overlayfs"))
            self.assertAlmostEqual(middle, 1 / synthetic_host.SLOWER["overlayfs"], delta=0.02)
            self.assertLess(low, middle)
            self.assertGreater(high, middle)
        middle, _, _ = page_host.multiple(self.report.comparison("warm-find.cpu_s", "mergerfs"))
        self.assertAlmostEqual(middle, 8, delta=0.2)
        self.assertIsNone(page_host.relative_speed(None))

    def test_page_says_what_was_measured_and_what_not(self):
        text = render.page(self.report, [], "in.json")
        check_html(self, text)
        self.assertIn("Union file systems side by side on one host", text)
        for part in ("above 1 is faster", "warm-find", "skipped", "failed in a block: wrong result", "writes into the lower branch &lt;b&gt;"):
            self.assertIn(part, text)
        self.assertNotIn("the claims of 2014", text)
        self.assertNotIn("guests booted", text)

    def test_plots_a_group_each_and_the_layers(self):
        plots = figures.all_plots(self.report)
        self.assertEqual([plot.name for plot in plots],
                         ["matrix", "host-metadata", "host-data", "host-copy-up", "host-program", "host-layers", "host-boot", "host-layer-scaling"])
        copy_up = next(plot for plot in plots if plot.name == "host-copy-up")
        self.assertNotIn("mergerfs", [row[1] for row in copy_up.rows])
        scaling = plots[-1]
        self.assertEqual(len(scaling.rows), 3 * 5)
        for plot in plots:
            for narrow in (True, False):
                made = figures.draw(plot, narrow)
                self.assertGreater(made.get_size_inches()[1], 0.8)

    def test_two_layer_counts_make_no_curve(self):
        document = synthetic_host.document()
        document["host"]["cases"] = [case for case in document["host"]["cases"] if case["layers"] != 32]
        self.assertNotIn("host-layer-scaling", [plot.name for plot in figures.all_plots(load(document))])

    def test_what_does_not_fit_is_named(self):
        for change, part in ((lambda host: host["cases"][0].update(group="speed"), "host.cases[0].group"),
                             (lambda host: host["cases"][0].update(metric="none"), "no metric has the id"),
                             (lambda host: host["skipped"][0].update(case="none"), "no case has the id"),
                             (lambda host: host["skipped"][0].update(arm="none"), "no arm has the id"),
                             (lambda host: host["cases"].append(copy.deepcopy(host["cases"][0])), "a case is there twice")):
            document = synthetic_host.document()
            change(document["host"])
            with self.assertRaises(reader.InvalidInput) as caught:
                load(document)
            self.assertIn(part, str(caught.exception))


if __name__ == "__main__":
    unittest.main()

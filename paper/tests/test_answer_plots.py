# SPDX-License-Identifier: MIT
"""Figures of the matrix, of growth and of disk by users: their text stays inside and apart, their marks are all there."""

import unittest

import support
import figures
import loading
import svg
import synthetic_answers
import synthetic_host
from plots import matrix, scaling, storage_growth, style, ticks
from test_plots import check_texts


def load(document):
    return loading.load(support.encode(document))


def plots_of(report):
    style.prepare()
    looks = style.looks(report.arms)
    return [plot for module in (matrix, scaling, storage_growth) for plot in module.plots(report, looks)]


class LayOut(unittest.TestCase):
    def check(self, report):
        for plot in plots_of(report):
            for narrow in (False, True):
                with self.subTest(plot=plot.name, narrow=narrow), figures.quietly():
                    check_texts(self, plot.draw(style.Canvas(narrow)))

    def test_guests_and_layers(self):
        for kind in ("guests", "layers"):
            self.check(load(synthetic_answers.document(kind)))

    def test_twelve_strategies(self):
        self.check(load(synthetic_answers.document("strategies")))

    def test_hostile(self):
        document = synthetic_answers.document("hostile")
        document["metrics"] = document["metrics"][:3]
        document["comparisons"] = [row for row in document["comparisons"] if row["metric"] in {metric["id"] for metric in document["metrics"]}]
        self.check(load(document))

    def test_a_host(self):
        report = load(synthetic_host.document())
        for plot in figures.all_plots(report):
            if plot.name in ("matrix", "host-layer-scaling"):
                for narrow in (False, True):
                    check_texts(self, plot.draw(style.Canvas(narrow)))


class Numbers(unittest.TestCase):
    def scaled(self, places, value):
        """The boot's figure of a run whose arms stand at these places and have that value there."""
        document = synthetic_answers.document("guests")
        for arm, place in zip(document["arms"], places * 3):
            arm["at"] = place
        at = {arm["id"]: arm["at"] for arm in document["arms"]}
        for sample in document["samples"]:
            sample["metrics"] = {"boot.total_s": value(at[sample["arm"]])}
        document["comparisons"] = []
        return scaling.plots(load(document), {})

    def test_odd_places_and_values(self):
        for places, value in (((0, 1, 2, 3, 4), lambda x: x), ((-5, 0, 5, 10, 1e12), lambda x: 1.0), ((1e-9, 1, 2, 3, 1e9), lambda x: x), ((1, 2, 3, 4, 5), lambda x: -x),
                              ((1, 1, 2, 2, 2), lambda x: 1e15), ((1, 2, 4, 8, 16), lambda x: 1e-12 * x)):
            plot, = self.scaled(places, value)
            for narrow in (False, True):
                self.assertIn("<svg", svg.inline(plot.draw(style.Canvas(narrow)), plot.name))

    def test_one_place_is_no_growth(self):
        self.assertEqual(self.scaled((3, 3, 3, 3, 3), lambda x: x), [])

    def test_every_sample_mean_and_curve_is_in_the_data(self):
        plot = next(plot for plot in plots_of(load(synthetic_answers.document("guests"))) if plot.name == "scaling-boot-total-s")
        kinds = [row[0] for row in plot.marks[1:]]
        self.assertEqual({kind: kinds.count(kind) for kind in set(kinds)}, {"sample": 3 * 5 * 6, "mean": 15, "curve": 15})
        self.assertEqual(len(plot.rows), 3)

    def test_disk_is_measured_up_to_its_mark(self):
        plot = next(plot for plot in plots_of(load(synthetic_answers.document("strategies"))) if plot.name == "storage-growth")
        kinds = {(row[0], row[1]): row[5] for row in plot.marks[1:]}
        self.assertEqual((kinds["monolithic", 10], kinds["monolithic", 1000]), ("measured", "modelled"))

    def test_no_disk_no_figure(self):
        document = synthetic_answers.document("strategies")
        for row in document["storage_growth"]["arms"]:
            row.update(shared_bytes=0, per_user_bytes=0, per_user_min=None)
        self.assertNotIn("storage-growth", [plot.name for plot in plots_of(load(document))])


class Ticks(unittest.TestCase):
    def test_values_have_two_labels_at_least(self):
        for low, high in ((0.9, 1.4), (1, 5), (0.003, 70), (1e-9, 1e9), (12, 19)):
            shown = ticks.value_ticks(low, high)
            self.assertGreaterEqual(len(shown), 2)
            self.assertTrue(all(low <= value <= high for value, _ in shown))

    def test_spread_keeps_first_and_last(self):
        self.assertEqual(ticks.spread([1, 2, 3, 4, 9], float, 2), [1, 3, 9])
        self.assertEqual(ticks.spread([1], float, 2), [1])


if __name__ == "__main__":
    unittest.main()

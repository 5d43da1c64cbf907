# SPDX-License-Identifier: MIT
"""Fitted growth: quantiles, the curves, their intervals, which is chosen; and the series that it is fitted to."""

import math
import random
import unittest

import support
import fitting
import growth
import loading
import page_growth
import render
import synthetic_answers
import synthetic_host
from test_page import check_html

PLACES = (1, 2, 4, 8, 16, 32, 64)


def points(law, scatter=0.03, repeats=4, seed=1, places=PLACES):
    rng = random.Random(seed)
    return [(x, law(x) * math.exp(rng.gauss(0, scatter))) for x in places for _ in range(repeats)]


class Student(unittest.TestCase):
    def test_quantiles_of_the_tables(self):
        # Abramowitz and Stegun, table 26.10.
        for degrees, probability, value in ((1, 0.95, 6.314), (2, 0.95, 2.920), (3, 0.95, 2.353), (4, 0.975, 2.776), (10, 0.95, 1.812),
                                            (30, 0.995, 2.750), (120, 0.95, 1.658)):
            self.assertAlmostEqual(fitting.student(probability, degrees), value, places=3)

    def test_interval_of_a_mean(self):
        mean, low, high = fitting.mean_interval([1.0, 2.0, 3.0])
        self.assertAlmostEqual(mean, 2)
        self.assertAlmostEqual(high - mean, 2.920 / math.sqrt(3), places=3)
        self.assertAlmostEqual(mean - low, high - mean)
        self.assertEqual(fitting.mean_interval([5.0]), (5.0, None, None))


class Fit(unittest.TestCase):
    def test_finds_the_law_that_made_the_samples(self):
        for law, model, parameters in ((lambda x: 5.0, "constant", (5,)), (lambda x: 3 + 0.5 * x, "linear", (3, 0.5)), (lambda x: 2 * x**0.7, "power", (2, 0.7)),
                                       (lambda x: 100 - 1.2 * x, "linear", (100, -1.2))):
            found, why = fitting.fit(points(law))
            self.assertEqual((found.model, why), (model, ""))
            for ours, true in zip(found.parameters, parameters):
                self.assertAlmostEqual(ours / true, 1, delta=0.03)
            self.assertAlmostEqual(found.residual, 0.03, delta=0.012)

    def test_the_slope_s_interval_covers_as_often_as_it_says(self):
        hits = sum(1 for seed in range(200) if _covers(fitting.fit(points(lambda x: 3 + 0.5 * x, 0.1, 3, seed))[0].slope_interval, 0.5))
        self.assertTrue(170 <= hits <= 192, hits)

    def test_no_growth_is_seldom_taken_for_growth(self):
        wrong = sum(1 for seed in range(200) if fitting.fit(points(lambda x: 3.0, 0.1, 3, seed))[0].model != "constant")
        self.assertLess(wrong, 25)

    def test_a_perfect_line_and_a_perfect_constant(self):
        line = fitting.fit([(x, 7.0 * x + 1) for x in range(7)])[0]
        self.assertEqual((line.model, line.exponent), ("linear", None))
        self.assertAlmostEqual(line.slope, 7)
        self.assertRegex(page_growth.formula(line), r"^linear: 1\.00+ \+ 7\.00 x$")
        flat = fitting.fit([(x, 4.0) for x in range(1, 8)])[0]
        self.assertEqual((flat.model, flat.r_squared), ("constant", None))

    def test_says_why_there_is_none(self):
        for given, why in (([(1, 1), (2, 2)] * 9, "places"), ([(1, 1), (2, 2), (3, 3)], "samples"), ([(x, x - 3) for x in range(9)], "not above 0")):
            found, told = fitting.fit(given)
            self.assertIsNone(found)
            self.assertIn(why, told)

    def test_extreme_numbers_do_not_break_it(self):
        for given in ([(x, 10.0**(x % 5 * 6 - 12)) for x in range(1, 13)], [(10.0**x, 7.0 + x) for x in range(-6, 9)], [(x, 1e-300) for x in range(9)],
                      [(x - 4, 5.0 + x) for x in range(9)]):
            found, why = fitting.fit(given)
            self.assertEqual(why, "")
            for x, _ in given:
                value = found.at(x)
                self.assertTrue(value is None or (value[1] <= value[0] <= value[2]))

    def test_numbers_too_far_apart_are_refused_in_words(self):
        given = [(x, 10.0**(x * 120 - 300)) for x in range(6)]
        found, why = fitting.fit(given)
        self.assertTrue(found is not None or "too far apart" in why)

    def test_the_band_is_narrowest_among_the_samples(self):
        found = fitting.fit(points(lambda x: 2 * x**0.7))[0]
        width = {x: math.log(found.at(x)[2] / found.at(x)[1]) for x in (1, 8, 64)}
        self.assertLess(width[8], width[1])
        self.assertLess(width[8], width[64])


def _covers(interval, value):
    return interval[0] <= value <= interval[1]


class Series(unittest.TestCase):
    def test_arms_of_one_strategy_are_a_series(self):
        report = loading.load(support.encode(synthetic_answers.document("guests")))
        charts = {chart.name: chart for chart in growth.dimension_charts(report)}
        self.assertEqual(sorted(charts), ["boot.total_s", "fio.path_read_1m_mbps", "memory.cache_mib", "memory.guests_mib"])
        models = {curve.label: curve.fit.model for curve in charts["boot.total_s"].curves}
        self.assertEqual(models, {"fine, blendfs": "linear", "fine, overlayfs": "power", "coarse": "constant"})
        self.assertEqual([mean[0] for mean in charts["boot.total_s"].curves[0].means], [1, 2, 4, 8, 16])
        self.assertTrue(all(len(curve.samples) == 30 for curve in charts["boot.total_s"].curves))

    def test_engine_options_and_series_part_them(self):
        document = synthetic_answers.document("guests")
        for arm in document["arms"]:
            if arm["engine"] == "blendfs":
                arm["engine_options"] = "cache=auto" if arm["at"] < 3 else ""
                arm["series"] = "erofs" if arm["at"] == 16 else ""
        labels = list(growth.series(loading.load(support.encode(document))))
        self.assertEqual(labels, ["fine, blendfs, cache=auto", "fine, blendfs", "fine, blendfs, erofs", "fine, overlayfs", "coarse"])

    def test_layers_of_a_host(self):
        report = loading.load(support.encode(synthetic_host.document()))
        chart, = growth.layer_charts(report)
        self.assertEqual({curve.label for curve in chart.curves}, {"ext4", "ext4-again", "overlayfs", "mergerfs", "blendfs"})
        for curve in chart.curves:
            self.assertAlmostEqual(curve.fit.slope, 0.1 * synthetic_host.SLOWER[curve.label], delta=0.002 * synthetic_host.SLOWER[curve.label])
        self.assertIn("How cost grows", render.page(report, [], "r.json"))

    def test_without_a_dimension_there_is_none(self):
        report = support.report_of("ok")
        self.assertEqual(growth.dimension_charts(report), [])
        self.assertNotIn("How cost grows", render.page(report, [], "r.json"))

    def test_tables_of_fits_on_the_page(self):
        report = loading.load(support.encode(synthetic_answers.document("layers")))
        text = render.page(report, [], "r.json")
        check_html(self, text)
        self.assertIn("linear: 3.0", text)
        self.assertIn("lower layers", text)


if __name__ == "__main__":
    unittest.main()

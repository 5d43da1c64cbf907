# SPDX-License-Identifier: MIT
"""Drawings: which there are, that their text stays inside and apart, and that they are themed."""

import math
import re
import unittest

import support
import figures
import loading
import svg
import synthetic
from matplotlib.backends import backend_agg
from plots import style, ticks


def boxes_of(made):
    """Extents of all visible text and the figure's, in pixels."""
    canvas = backend_agg.FigureCanvasAgg(made)
    canvas.draw()
    renderer = canvas.get_renderer()
    texts = [text for axes in made.axes for text in drawn_texts(axes)]
    found = []
    for text in texts:
        box = text.get_window_extent(renderer)
        found.append((text.get_text(), box))
    return found, made.bbox


def drawn_texts(axes):
    """Texts and labels of the axes, without those of ticks outside the view, which are not drawn."""
    texts = list(axes.texts)
    if axes.axison:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            texts.append(axis.label)
            texts += [tick.label1 for tick in axis.get_major_ticks() if low - 1e-9 <= tick.get_loc() <= high + 1e-9]
    return [text for text in texts if text.get_text().strip()]


def overlap(one, two):
    wide = min(one.x1, two.x1) - max(one.x0, two.x0)
    high = min(one.y1, two.y1) - max(one.y0, two.y0)
    return wide > 1 and high > 1.5


def check_texts(case, made):
    """Every text lies inside of the figure, and apart from every other."""
    texts, frame = boxes_of(made)
    case.assertTrue(texts)
    for words, box in texts:
        case.assertGreater(box.x0, frame.x0 - 1, words)
        case.assertLess(box.x1, frame.x1 + 1, words)
    for index, (words, box) in enumerate(texts):
        for other, other_box in texts[index + 1:]:
            case.assertFalse(overlap(box, other_box), f"{words!r} and {other!r}")


class LayOut(unittest.TestCase):
    def check(self, kind, narrow):
        for plot in figures.all_plots(support.report_of(kind)):
            with self.subTest(kind=kind, plot=plot.name, narrow=narrow), figures.quietly():
                check_texts(self, plot.draw(style.Canvas(narrow)))

    def test_wide(self):
        for kind in ("ok", "failures", "single", "hostile", "many", "minimal"):
            self.check(kind, narrow=False)

    def test_narrow(self):
        for kind in ("ok", "failures", "single", "hostile", "many", "minimal"):
            self.check(kind, narrow=True)


class Which(unittest.TestCase):
    def names(self, kind):
        return [plot.name for plot in figures.all_plots(support.report_of(kind))]

    def test_all_of_them(self):
        self.assertEqual(self.names("ok"), ["matrix", "boot-phases", "boot-timeline", "ratios-boot", "ratios-boot-phase", "ratios-fio-path",
                                            "ratios-fio-app", "throughput", "samples-boot", "samples-fio-path", "samples-fio-app", "calibration"])

    def test_none_without_data(self):
        self.assertEqual(self.names("allfailed"), [])

    def test_only_what_there_is(self):
        self.assertEqual(self.names("minimal"), ["boot-phases", "samples-boot"])

    def test_hostile_families_make_safe_unique_names(self):
        names = self.names("hostile")
        self.assertEqual(len(names), len(set(names)))
        for name in names:
            self.assertRegex(name, r"^[a-z0-9-]+$")

    def test_every_plot_is_described(self):
        for kind in support.KINDS:
            for plot in figures.all_plots(support.report_of(kind)):
                self.assertTrue(plot.title and plot.caption and plot.data and plot.rows)
                for row in plot.rows:
                    self.assertEqual(len(row), len(plot.header))

    def test_odd_but_valid_numbers(self):
        document = synthetic.document("ok")
        for index, value in enumerate((0, -3, 1e15, 1e-12)):
            document["samples"][index]["metrics"]["boot.total_s"] = value
        document["comparisons"][0].update(ratio=1e9, ci90=[1e-9, 1e9])
        document["comparisons"][1].update(ratio=1.0, ci90=[1.0, 1.0], margin=0, pairs=[])
        document["comparisons"][2].update(ratio=None, ci90=None, margin=None)
        for plot in figures.all_plots(loading.load(support.encode(document))):
            for narrow in (False, True):
                svg.inline(plot.draw(style.Canvas(narrow)), plot.name)

    def test_negative_or_absent_boots_give_no_bars(self):
        document = synthetic.document("minimal")
        for sample in document["samples"]:
            sample["metrics"] = {"boot.total_s": -1}
        self.assertEqual([plot.name for plot in figures.all_plots(loading.load(support.encode(document)))], ["samples-boot"])


class Colours(unittest.TestCase):
    def test_arms_differ_by_colour_and_marker(self):
        report = support.report_of("many")
        looks = style.looks(report.arms)
        self.assertEqual(len({(look.colour, look.marker, look.filled) for look in looks.values()}), len(report.arms))

    def test_an_arm_keeps_its_colour_when_others_come_and_go(self):
        few, many = style.looks(support.report_of("ok").arms), style.looks(support.report_of("many").arms)
        for arm in ("fine-blendfs", "fine-overlayfs", "monolithic"):
            self.assertEqual(few[arm].colour, many[arm].colour)

    def test_labels_cut_short_still_differ(self):
        labels = style.arm_labels(support.report_of("many"), 2.0)
        self.assertEqual(len(set(labels.values())), len(labels))
        for label in labels.values():
            self.assertLessEqual(style.text_width(label), 2.0)


class Svg(unittest.TestCase):
    def setUp(self):
        style.prepare()
        self.plots = figures.all_plots(support.report_of("hostile"))

    def test_is_themed_and_self_contained(self):
        for plot in self.plots:
            with figures.quietly():
                text = svg.inline(figures.draw(plot, narrow=False), plot.name)
            self.assertIn("var(--ink)", text + "var(--ink)" * (plot.name in ("throughput", "calibration")))
            self.assertNotIn("http", text)
            self.assertNotIn("<script", text)
            self.assertNotIn("<style", text)
            for identity in re.findall(r' id="([^"]*)"', text):
                self.assertTrue(identity.startswith(plot.name + "-"))
            targets = set(re.findall(r'(?:url\(#|href="#)([^")]*)', text))
            self.assertTrue(targets <= set(re.findall(r' id="([^"]*)"', text)))

    def test_is_the_same_every_time(self):
        for plot in self.plots[:2]:
            one, two = (svg.inline(figures.draw(plot, narrow=True), "x") for _ in range(2))
            self.assertEqual(one, two)


class Ticks(unittest.TestCase):
    def test_spaced_sorted_and_with_one(self):
        for low, high in ((-0.1, 0.1), (-0.01, 2), (-20.0, 20.0), (-0.08, 0.5), (-3, 0.08)):
            for inches in (2.0, 5.0):
                found = ticks.ratio_ticks(low, high, inches)
                positions = [position for position, _ in found]
                self.assertIn((0.0, "1"), found)
                self.assertEqual(positions, sorted(positions))
                gaps = [(b - a) * inches / (high - low) for a, b in zip(positions, positions[1:])]
                self.assertTrue(all(gap >= 0.5 - 1e-9 for gap in gaps))

    def test_labels_say_the_factor(self):
        for position, label in ticks.ratio_ticks(-0.5, 2.5, 6):
            self.assertTrue(math.isclose(float(label), math.exp(position), rel_tol=0.01))


if __name__ == "__main__":
    unittest.main()

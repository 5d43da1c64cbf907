# SPDX-License-Identifier: MIT
"""The comparison matrix: which cell is best and which tie, why a cell has no figure, and that it can be read."""

import copy
import re
import unittest

import support
import figures
import loading
import matrix
import page_matrix
import render
import synthetic
import synthetic_answers
import synthetic_host
from plots import matrix as plot_matrix
from test_page import check_html, visible


def load(document):
    return loading.load(support.encode(document))


def with_rows(**told):
    """A report whose first metric has these (ratio, interval) of arms."""
    document = synthetic.document("kvm")
    for row in document["comparisons"]:
        if row["metric"] == "boot.total_s" and row["arm"] in told:
            ratio, interval = told[row["arm"]]
            row.update(ratio=ratio, ci90=interval, pairs=[], n=0)
    return load(document)


def marks(report):
    row = matrix.row(report, report.metric("boot.total_s"))
    return {cell.arm: cell.mark for cell in row.cells}, row


class Best(unittest.TestCase):
    def told(self, monolithic, blendfs, overlayfs):
        return with_rows(**{"monolithic": monolithic, "fine-blendfs": blendfs, "fine-overlayfs": overlayfs, "coarse-aa": (0.2, [0.1, 0.3])})

    def test_alone(self):
        found, _ = marks(self.told((0.8, [0.75, 0.85]), (1.2, [1.1, 1.3]), (0.9, [0.86, 0.95])))
        self.assertEqual(found, {"coarse": "", "coarse-aa": "", "monolithic": "best", "fine-blendfs": "", "fine-overlayfs": ""})

    def test_overlap_is_a_tie(self):
        found, _ = marks(self.told((0.8, [0.7, 0.9]), (1.2, [1.1, 1.3]), (0.9, [0.9, 0.95])))
        self.assertEqual(found, {"coarse": "", "coarse-aa": "", "monolithic": "tie", "fine-blendfs": "", "fine-overlayfs": "tie"})

    def test_the_reference_takes_part(self):
        found, _ = marks(self.told((1.1, [1.05, 1.15]), (1.2, [1.1, 1.3]), (1.3, [1.2, 1.4])))
        self.assertEqual([arm for arm, mark in found.items() if mark], ["coarse"])
        found, _ = marks(self.told((1.01, [0.99, 1.15]), (1.2, [1.1, 1.3]), (1.3, [1.2, 1.4])))
        self.assertEqual([arm for arm, mark in found.items() if mark == "tie"], ["coarse", "monolithic"])

    def test_nothing_is_marked_where_all_tie_or_none_has_an_interval(self):
        found, row = marks(self.told((1.0, [0.9, 1.1]), (1.0, [0.9, 1.1]), (1.05, [0.95, 1.2])))
        self.assertTrue(row.all_tie)
        self.assertFalse(any(found.values()))
        found, row = marks(self.told((0.5, None), (1.2, None), (1.3, None)))
        self.assertFalse(row.all_tie or any(found.values()))

    def test_an_arm_without_an_interval_is_never_best(self):
        found, _ = marks(self.told((0.5, None), (1.2, [1.1, 1.3]), (1.3, [1.2, 1.4])))
        self.assertEqual([arm for arm, mark in found.items() if mark], ["coarse"])

    def test_not_along_a_dimension(self):
        report = load(synthetic_answers.document("guests"))
        self.assertFalse(any(cell.mark for metric in report.metrics for cell in matrix.row(report, metric).cells))

    def test_steps(self):
        for ratio, step in ((1, 0), (1.019, 0), (1.03, 1), (1.2, 2), (1.5, 3), (9, 3), (1 / 1.03, -1), (0.8, -2), (0.1, -3)):
            self.assertEqual(matrix.step(ratio), step)


class Missing(unittest.TestCase):
    def test_each_reason(self):
        document = synthetic_answers.document("strategies")
        document["comparisons"] = [row for row in document["comparisons"] if row["arm"] != "virtiofs"]
        for sample in document["samples"]:
            if sample["arm"] == "block-qcow2":
                sample.update(status="failed", metrics={}, failure={"phase": "boot", "reason": "kernel panic", "console_tail": "", "console": ""})
        document["samples"] = [sample for sample in document["samples"] if sample["arm"] != "fine-overlayfs"]
        document["comparisons"] = [row for row in document["comparisons"] if row["arm"] not in ("block-qcow2", "fine-overlayfs")]
        report = load(document)
        cells = {cell.arm: (cell.state, cell.why) for cell in matrix.row(report, report.metric("program.find_s")).cells}
        self.assertEqual(cells["block-qcow2"], ("failed", "during boot: kernel panic"))
        self.assertEqual(cells["fine-overlayfs"], ("missing", "no sample yet"))
        self.assertEqual(cells["fine-unionfs-fuse"], ("missing", "not measured"))
        self.assertEqual(cells["virtiofs"], ("missing", "no block has a value of both the arm and the reference"))
        self.assertEqual(cells["block-snapshot"], ("ratio", "1 of the arm's samples failed"))
        text = visible(render.page(report, [], "r.json"))
        self.assertIn("failed: during boot: kernel panic", text)

    def test_a_host_s_skipped_case_is_refused(self):
        report = load(synthetic_host.document())
        cells = {cell.arm: cell.state for cell in matrix.row(report, report.metric("copyup-2k-small.wall_s")).cells}
        self.assertEqual((cells["mergerfs"], cells["blendfs"], cells["ext4"]), ("refused", "ratio", "reference"))

    def test_one_arm_no_comparison(self):
        report = support.report_of("minimal")
        self.assertEqual([cell.state for cell in matrix.row(report, report.metrics[0]).cells], ["reference"])
        check_html(self, render.page(report, [], "r.json"))
        self.assertEqual(plot_matrix.plots(report, {}), [])


class Page(unittest.TestCase):
    def test_families_in_order(self):
        report = load(synthetic_answers.document("strategies"))
        self.assertEqual([family for family, _ in matrix.families(report)], ["boot", "fio-path", "program", "shutdown", "memory"])
        self.assertEqual([family for family, _ in matrix.families(report, detail=True)], ["boot-phase"])

    def test_twelve_arms_by_thirty_metrics(self):
        report = load(synthetic_answers.document("strategies"))
        context = page_matrix.context(report, report.arms)
        self.assertEqual(len(context["columns"]), 12)
        self.assertGreaterEqual(sum(len(rows) for _, rows in context["groups"]), 27)
        for _, rows in context["groups"]:
            for row in rows:
                self.assertEqual(len(row["cells"]), 12)
        for _, rows in context["capabilities"]:
            for _, cells in rows:
                self.assertEqual(len(cells), 12)

    def test_size_and_side_are_told_without_colour(self):
        self.assertEqual(len(set(page_matrix.SIGNS.values())), len(page_matrix.SIGNS))
        text = render.page(load(synthetic_answers.document("strategies")), [], "r.json")
        for tone, sign in re.findall(r'<td class="((?:better|worse)-\d)[^"]*"[^>]*><span>.*?<i class="sign">(.*?)</i>', text):
            self.assertEqual(sign, ("▲" if tone.startswith("worse") else "▼") * int(tone[-1]))

    def test_fills_differ_in_grey_on_each_side(self):
        def grey(fill):
            return sum(weight * int(fill[place:place + 2], 16) for weight, place in ((0.2126, 1), (0.7152, 3), (0.0722, 5)))
        for side in (1, -1):
            levels = [grey(plot_matrix.FILLS[side * step]) for step in range(4)]
            self.assertEqual(levels, sorted(levels, reverse=True))
            self.assertTrue(all(a - b > 10 for a, b in zip(levels, levels[1:])))

    def test_limits_promises_and_failures_stand_beside_speed(self):
        report = load(synthetic_answers.document("strategies"))
        rows = {label: dict(zip((arm.id for arm in report.arms), cells)) for _, group in page_matrix.capabilities(report, report.arms) for label, cells in group}
        self.assertEqual(rows["Reads a user image's deletions"]["fine-unionfs-fuse"]["text"], "✗ no")
        self.assertEqual(rows["Reads a user image's deletions"]["fine-blendfs"]["text"], "✓")
        self.assertEqual(rows["Reads a user image's deletions"]["coarse"]["text"], "–")
        self.assertEqual(rows["Samples that failed"]["block-snapshot"]["text"], "✗ 1/6")
        self.assertEqual(rows["a system file the user deleted stays deleted"]["fine-unionfs-fuse"]["text"], "✗ 0/6")
        upgrade = rows["Every user boots, keeps theirs and sees what is new"]
        self.assertEqual([upgrade[arm]["text"] for arm in ("fine-blendfs", "block-qcow2", "fine-unionfs-fuse", "coarse-aa")], ["✓ yes", "✗ cannot", "✗ not all", "–"])

    def test_the_figure_has_every_cell(self):
        report = load(synthetic_answers.document("strategies"))
        plot = next(plot for plot in figures.all_plots(report) if plot.name == "matrix")
        shown = sum(len(rows) for _, rows in matrix.families(report))
        self.assertEqual(len(plot.rows), shown * 11)
        self.assertEqual(len(plot.marks) - 1, shown * 12)

    def test_order_of_arms_does_not_change_marks(self):
        document = synthetic_answers.document("strategies")
        turned = copy.deepcopy(document)
        turned["arms"].reverse()
        for metric in ("boot.total_s", "program.find_s"):
            one, two = ({cell.arm: cell.mark for cell in matrix.row(report, report.metric(metric)).cells} for report in (load(document), load(turned)))
            self.assertEqual(one, two)


if __name__ == "__main__":
    unittest.main()

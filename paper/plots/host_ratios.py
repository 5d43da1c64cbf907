# SPDX-License-Identifier: MIT
"""Speed of every engine relative to the reference, case by case, one figure a group of cases; right is faster."""

import dataclasses

import page_host
from plots import throughput
from plots.plot import Plot


def plots(report, looks):
    made = []
    for group, title in page_host.GROUPS.items():
        rows = _rows(report, group)
        if rows:
            made.append(_plot(report, looks, group, title, rows))
    return made


def _rows(report, group):
    """[(metric, [comparison])] with medians in place of the geometric means; the drawing turns both."""
    rows = []
    for case in report.host.cases:
        if case.group != group:
            continue
        metric = dataclasses.replace(report.metric(case.metric), label=case.id)
        compared = [report.comparison(case.metric, arm.id) for arm in report.arms]
        medians = [dataclasses.replace(row, ratio=1 / page_host.relative_speed(row)[0]) for row in compared if row and row.pairs]
        if medians:
            rows.append((metric, medians))
    return rows


def _plot(report, looks, group, title, rows):
    text = tuple((metric.label, report.arm(row.arm).label, _factor(1 / row.ratio),
                  f"{_factor(1 / row.ci90[1])} to {_factor(1 / row.ci90[0])}" if row.ci90 else "no interval")
                 for metric, compared in rows for row in compared)
    reference = report.reference().label if report.reference() else "the reference"
    return Plot(
        name=f"host-{group}", title=f"{title}: speed relative to {reference}",
        caption=f"The mark is the median over the blocks of an engine's speed divided by that of {reference} in the same block, the bar the 90 % "
                "interval of the geometric mean. Logarithmic scale; right is faster, the line at 1 is the reference.",
        data=f"host.cases[] of the group {group}, comparisons[]: pairs, ci90 (turned, so that more is faster)",
        header=("case", "engine", "relative speed", "90 % interval"), rows=text,
        draw=lambda canvas: throughput.draw_shares(report, looks, rows, canvas, f"speed relative to {reference}", _factor),
        marks=throughput.share_marks(rows))


def _factor(value):
    return f"{value:.3g}"

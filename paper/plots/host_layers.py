# SPDX-License-Identifier: MIT
"""How the time of a case grows with the number of layers: a panel a kind of case, a line an engine."""

import math
import statistics

from plots import style
from plots.plot import Plot

_LEAST_COUNTS = 3  # fewer points make no curve
_PANEL_IN = 2.6
_AXIS_IN = 0.5
_LEFT_IN = 0.62
_TITLES = {"find": "find over everything", "tree": "list a tree of all layers", "negative": "names that no layer has"}


def plots(report, looks):
    kinds = _kinds(report)
    if not kinds:
        return []
    rows = tuple((f"{_TITLES.get(kind, kind)}, {count} layers", report.arm(arm).label, f"{middle:.3g} s", f"{low:.3g} to {high:.3g} s")
                 for kind, curves in kinds.items() for arm, points in curves.items() for count, middle, low, high in points)
    return [Plot(
        name="host-layer-scaling", title="Cost by the number of layers",
        caption="Median time over the blocks by the number of lower layers, with the range over the blocks as a bar; both scales logarithmic, lower is "
                "faster. The reference has the merged tree as a plain one, so its work grows as the tree does.",
        data="host.cases[] of the group layers, samples[].metrics", header=("case", "engine", "median", "range"), rows=rows,
        draw=lambda canvas: _draw(report, looks, kinds, canvas),
        marks=(("kind", "layers", "arm", "median", "low", "high", "unit"),) + tuple(
            (kind, count, arm, middle, low, high, "s")
            for kind, curves in kinds.items() for arm, points in curves.items() for count, middle, low, high in points))]


def _kinds(report):
    """{kind: {arm: [(layers, median, least, most)]}} of the kinds measured at enough numbers of layers."""
    kinds = {}
    for case in report.host.cases:
        if case.group == "layers":
            kinds.setdefault(case.id.rsplit("-", 1)[1], []).append(case)
    made = {}
    for kind, cases in kinds.items():
        curves = {}
        for arm in report.arms:
            points = [_point(report, arm.id, case) for case in sorted(cases, key=lambda case: case.layers)]
            points = [point for point in points if point]
            if len(points) >= _LEAST_COUNTS:
                curves[arm.id] = points
        if curves:
            made[kind] = curves
    return made


def _point(report, arm, case):
    values = [value for value in report.values(arm, case.metric) if value > 0]
    return (case.layers, statistics.median(values), min(values), max(values)) if values else None


def _draw(report, looks, kinds, canvas):
    shown = [arm for arm in report.arms if any(arm.id in curves for curves in kinds.values())]
    names = style.arm_labels(report, canvas.width - 0.25, style.SMALL_PT)
    legend = style.Legend(canvas, [(names[arm.id], style.arm_mark(looks[arm.id])) for arm in shown])
    head = style.stamp_height(report) + legend.height + 0.04
    step = _PANEL_IN + _AXIS_IN + 0.3
    made = canvas.figure(head + step * len(kinds))
    style.stamp(made, canvas, report)
    legend.draw(made, style.stamp_height(report))
    for index, (kind, curves) in enumerate(kinds.items()):
        axes = style.place_axes(made, _LEFT_IN, head + index * step + 0.26, canvas.width - _LEFT_IN - 0.2, _PANEL_IN)
        _panel(axes, looks, curves, _TITLES.get(kind, kind))
    return made


def _panel(axes, looks, curves, title):
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    counts = sorted({count for points in curves.values() for count, *_ in points})
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.minorticks_off()
    values = [value for points in curves.values() for point in points for value in point[1:]]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    # At least a decade, so that there are two labels to read the scale by.
    decades = range(low, max(high, low + 1) + 1)
    axes.set_ylim(10.0**decades[0], 10.0**decades[-1])
    axes.set_yticks([10.0**decade for decade in decades], [f"{10.0**decade:g} s" for decade in decades])
    axes.yaxis.grid(True)
    axes.set_axisbelow(True)
    axes.set_xlabel("lower layers")
    axes.text(0, 1.04, title, transform=axes.transAxes, weight="bold", size=style.SMALL_PT)
    for arm, points in curves.items():
        look = looks[arm]
        axes.plot([point[0] for point in points], [point[1] for point in points], color=look.colour, linewidth=1.2, zorder=2)
        for count, _, least, most in points:
            axes.plot([count, count], [least, most], color=look.colour, linewidth=1.6, solid_capstyle="butt", alpha=0.5, zorder=2)
        for count, middle, _, _ in points:
            axes.plot([count], [middle], zorder=3, **style.point(look, 5))

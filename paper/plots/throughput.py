# SPDX-License-Identifier: MIT
"""Throughput of every arm relative to the reference, all workloads in one figure; here right is faster."""

import math

from plots import style, ticks
from plots.plot import Plot

_STEP_IN = 0.15
_GROUP_GAP_IN = 0.16
_AXIS_IN = 0.5
_LABEL_IN = 3.0


def plots(report, looks):
    groups = _groups(report)
    if not groups:
        return []
    rows = tuple((metric.label, report.arm(row.arm).label, _percent(1 / row.ratio),
                  f"{_percent(1 / row.ci90[1])} to {_percent(1 / row.ci90[0])}" if row.ci90 else "no interval")
                 for metric, comparisons in groups for row in comparisons)
    return [Plot(
        name="throughput", title="Throughput against the reference",
        caption="Throughput of each arm as a share of the reference's in the same blocks (geometric mean, 90 % interval), "
                "logarithmic scale. Right is faster; the line at 100 % is the reference.",
        data="comparisons[] of metrics where higher is better: ratio, ci90 (inverted, so that more is faster)",
        header=("workload", "arm", "throughput", "90 % interval"), rows=rows,
        draw=lambda canvas: draw_shares(report, looks, groups, canvas, "throughput as a share of the reference's", _percent),
        marks=share_marks(groups))]


def share_marks(groups):
    """Each mark with its bar, turned as it is drawn: above 1 is faster."""
    rows = [("metric", "arm", "reference", "share", "low", "high")]
    for metric, comparisons in groups:
        for row in comparisons:
            low, high = (1 / row.ci90[1], 1 / row.ci90[0]) if row.ci90 else ("", "")
            rows.append((metric.id, row.arm, row.reference, 1 / row.ratio, low, high))
    return tuple(rows)


def _groups(report):
    groups = []
    for metric in report.metrics:
        rows = [report.comparison(metric.id, arm.id) for arm in report.arms] if metric.higher_is_better else []
        rows = [row for row in rows if row and row.ratio]
        if rows:
            groups.append((metric, rows))
    return groups


def _percent(share):
    return f"{share * 100:.3g} %"


def draw_shares(report, looks, groups, canvas, axis, share_label):
    """`groups`: [(metric, [comparison])], drawn inverted so that right is better; `share_label` writes a share on the axis."""
    shown = [arm for arm in report.arms if any(row.arm == arm.id for _, rows in groups for row in rows)]
    names = style.arm_labels(report, canvas.width - 0.25, style.SMALL_PT)
    legend = style.Legend(canvas, [(names[arm.id], style.arm_mark(looks[arm.id])) for arm in shown])
    above_in = 0.24 if canvas.narrow else 0.0
    heights = [max(0.3, _STEP_IN * len(rows)) + _GROUP_GAP_IN + above_in for _, rows in groups]
    body_in = sum(heights)
    top = style.stamp_height(report) + legend.height + 0.04
    made = canvas.figure(top + body_in + _AXIS_IN)
    style.stamp(made, canvas, report)
    legend.draw(made, style.stamp_height(report))
    left_in = 0.1 if canvas.narrow else min(_LABEL_IN, 0.2 + max(style.text_width(metric.label) for metric, _ in groups))
    width_in = canvas.width - left_in - 0.22
    axes = style.place_axes(made, left_in, top, width_in, body_in)
    logs = [-math.log(value) for _, rows in groups for row in rows for value in (row.ratio,) + (row.ci90 or ())]
    low, high = ticks.limits(logs)
    axes.set_xlim(low, high)
    axes.set_ylim(body_in, 0)
    axes.set_yticks([])
    marks = ticks.ratio_ticks(low, high, width_in, 0.55)
    axes.set_xticks([position for position, _ in marks], [share_label(math.exp(position)) for position, _ in marks])
    axes.set_xlabel(axis + ", logarithmic" + ("" if canvas.narrow else " (← slower, faster →)"))
    axes.xaxis.grid(True)
    axes.set_axisbelow(True)
    y = 0.0
    for index, ((metric, rows), height) in enumerate(zip(groups, heights)):
        if index:
            axes.plot([low, high], [y, y], color=style.RULE, linewidth=0.6)
        _label(axes, canvas, metric, y, height, left_in, width_in)
        start = y + above_in + (height - above_in - _STEP_IN * (len(rows) - 1)) / 2
        for step, row in enumerate(rows):
            _mark(axes, row, looks[row.arm], start + step * _STEP_IN)
        y += height
    axes.plot([0, 0], [0, body_in], color=style.MUTED, linewidth=0.9, zorder=1.5)
    return made


def _label(axes, canvas, metric, y, height, left_in, width_in):
    across = axes.get_yaxis_transform()
    if canvas.narrow:
        axes.text(0, y + 0.14, style.fit(metric.label, width_in, style.SMALL_PT, bold=True), transform=across, size=style.SMALL_PT,
                  weight="bold", va="center_baseline", zorder=5,
                  bbox={"facecolor": style.PAPER, "edgecolor": "none", "pad": 1.2})
        return
    axes.text(-0.12 / width_in, y + height / 2, style.fit(metric.label, left_in - 0.15), transform=across, ha="right",
              va="center_baseline")


def _mark(axes, row, look, y):
    if row.ci90:
        axes.plot([-math.log(bound) for bound in row.ci90], [y, y], color=look.colour, linewidth=1.6, solid_capstyle="butt", zorder=2)
    axes.plot([-math.log(row.ratio)], [y], zorder=3, **style.point(look, 5.2))

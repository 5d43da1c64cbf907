# SPDX-License-Identifier: MIT
"""Raw samples in the order they were taken: drift, outliers and failures are seen here before they are believed elsewhere."""

import dataclasses
import math

import matplotlib

import model
import textsafe
import words
from plots import style
from plots.plot import Plot

_PANEL_IN = 1.35
_TITLE_IN = 0.28
_BOTTOM_IN = 0.42
_GUTTER_IN = 0.35
_LEFT_IN = 0.52


def plots(report, looks):
    made = []
    names = set()
    order = _order(report)
    for family in report.families():
        metrics = [metric for metric in report.metrics if metric.family == family and family != model.PHASE_FAMILY
                   and any(metric.id in sample.metrics for sample in report.samples)]
        if metrics:
            name = textsafe.slug(f"samples-{family}", names)
            names.add(name)
            made.append(_plot(report, looks, order, family, metrics, name))
    return made


@dataclasses.dataclass(frozen=True)
class _Order:
    """The horizontal axis: a column per block that has samples, each 1 wide."""
    positions: tuple  # of each sample, as report.samples
    blocks: tuple     # number of the block in each column


def _order(report):
    """The order within a block spreads over 0.8 of its column."""
    longest = max((sample.order for sample in report.samples), default=0) + 1
    blocks = sorted({sample.block for sample in report.samples})
    column = {block: index for index, block in enumerate(blocks)}
    return _Order(tuple(column[sample.block] + 0.1 + 0.8 * (sample.order + 0.5) / longest for sample in report.samples), tuple(blocks))


def _plot(report, looks, order, family, metrics, name):
    rows = []
    for metric in metrics:
        for arm in report.arms:
            values = [(sample.block, sample.metrics.get(metric.id)) for sample in report.samples if sample.arm == arm.id]
            told = ", ".join(f"{block}: {words.number(value)}" if value is not None else f"{block}: failed" for block, value in values[:60])
            if len(values) > 60:
                told += f", and {len(values) - 60} more"
            rows.append((metric.label, arm.label, metric.unit, told or "no sample"))
    return Plot(
        name=name, title=f"{model.FAMILY_TITLES.get(family, family)}: the samples in running order",
        caption="Every sample where it fell in the run: one column per block, within it the arms in the order they were drawn. A slope or "
                "a step that all arms share is drift of the host. A cross on the axis is a sample without this value.",
        data=f"samples[] of the family {family}", header=("metric", "arm", "unit", "block: value"), rows=tuple(rows),
        draw=lambda canvas: _draw(report, looks, order, metrics, canvas), marks=_marks(report, metrics))


def _marks(report, metrics):
    """Each sample's value; a failed one has none."""
    rows = [("metric", "arm", "block", "order", "value", "unit")]
    for metric in metrics:
        rows += [(metric.id, sample.arm, sample.block, sample.order, sample.metrics.get(metric.id, ""), metric.unit) for sample in report.samples]
    return tuple(rows)


def _draw(report, looks, order, metrics, canvas):
    names = style.arm_labels(report, canvas.width - 0.25, style.SMALL_PT)
    entries = [(names[arm.id], style.arm_mark(looks[arm.id])) for arm in report.arms]
    if any(metric.id not in sample.metrics for metric in metrics for sample in report.samples):
        entries.append(("no value", _cross))
    legend = style.Legend(canvas, entries)
    columns = 1 if canvas.narrow or len(metrics) == 1 else 2
    lines = math.ceil(len(metrics) / columns)
    cell_in = _TITLE_IN + _PANEL_IN + _BOTTOM_IN
    top = style.stamp_height(report) + legend.height + 0.02
    made = canvas.figure(top + cell_in * lines)
    style.stamp(made, canvas, report)
    legend.draw(made, style.stamp_height(report))
    width_in = (canvas.width - _GUTTER_IN * (columns - 1)) / columns
    for index, metric in enumerate(metrics):
        left = (index % columns) * (width_in + _GUTTER_IN)
        down = top + (index // columns) * cell_in
        _title(made, metric, left, down, width_in)
        axes = style.place_axes(made, left + _LEFT_IN, down + _TITLE_IN, width_in - _LEFT_IN - 0.05, _PANEL_IN)
        _panel(axes, report, looks, order, metric, width_in - _LEFT_IN)
        if index >= len(metrics) - columns:
            axes.set_xlabel("block")
    return made


def _title(made, metric, left, down, width_in):
    axes = style.inch_axes(made, left, down, width_in, _TITLE_IN)
    unit = f" ({metric.unit})" if metric.unit else ""
    room = width_in - style.text_width(unit, style.SMALL_PT) - 0.05
    axes.text(0, _TITLE_IN - 0.09, style.fit(metric.label, room, style.SMALL_PT, bold=True) + unit, size=style.SMALL_PT, weight="bold", va="center_baseline")


def _panel(axes, report, looks, order, metric, width_in):
    values = [sample.metrics[metric.id] for sample in report.samples if metric.id in sample.metrics]
    low, high = min(values), max(values)
    air = 0.12 * (high - low) or abs(high) * 0.1 or 1.0
    floor = low - 1.6 * air
    axes.set_ylim(floor, high + air)
    blocks = len(order.blocks)
    axes.set_xlim(0, blocks)
    axes.yaxis.grid(True)
    axes.set_axisbelow(True)
    axes.yaxis.set_major_locator(matplotlib.ticker.MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    every = max(1, math.ceil(blocks / max(1, int(width_in / 0.32))))
    axes.set_xticks([block + 0.5 for block in range(0, blocks, every)], [str(block) for block in order.blocks[::every]])
    if blocks <= 60:
        for block in range(1, blocks):
            axes.axvline(block, color=style.RULE, linewidth=0.5, zorder=0.5)
    for arm in report.arms:
        taken = [(x, sample.metrics.get(metric.id)) for x, sample in zip(order.positions, report.samples) if sample.arm == arm.id]
        axes.plot([x for x, value in taken if value is not None], [value for _, value in taken if value is not None],
                  zorder=3, **style.point(looks[arm.id], 4.2 if blocks <= 30 else 3))
        for x, value in taken:
            if value is None:
                _cross(axes, x, floor, looks[arm.id].colour)


def _cross(axes, x, y, colour=style.MUTED):
    axes.plot([x], [y], "x", markersize=4.5, markeredgewidth=1.3, color=colour, clip_on=False, zorder=4)

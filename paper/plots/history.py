# SPDX-License-Identifier: MIT
"""Metrics over the stored runs: a panel a metric, a level between changes, and every change marked in words."""

import math

import matplotlib

import textsafe
from plots import style
from plots.plot import Plot

_PANEL_IN = 1.1
_TITLE_IN = 0.42
_BOTTOM_IN = 0.34
_FOOT_IN = 0.12
_LEFT_IN = 0.55
_RIGHT_IN = 0.1
_WORSE = "#d55e00"
_BETTER = "#009e73"
_MOST_PANELS = 24  # of one figure; the next page takes the others


def plots(history, changed_only=False):
    """A figure for each experiment, machine and arm; panels that changed come first."""
    groups = {}
    for series in history:
        if len(series.points) >= 2 and (series.changes or not changed_only):
            groups.setdefault((series.experiment, series.machine, series.arm), []).append(series)
    made, names = [], set()
    for (experiment, machine, arm), members in groups.items():
        members = sorted(members, key=lambda series: -_newest_change(series))
        for start in range(0, len(members), _MOST_PANELS):
            page = members[start:start + _MOST_PANELS]
            name = textsafe.slug(f"history-{experiment}-{arm}", names)
            names.add(name)
            made.append(_plot(name, experiment, machine, arm, page))
    return made


def _newest_change(series):
    """For sorting: worse first, then better, then unchanged."""
    if not series.changes:
        return -math.inf
    ratio = max(series.changes[-1].ratio, 1e-9)
    return math.log(ratio) if ratio >= 1 else -abs(math.log(ratio))


def _plot(name, experiment, machine, arm, page):
    changed = sum(1 for series in page if series.changes)
    rows = tuple((series.metric, series.points[series.changes[-1].index].run if series.changes else "", _told(series), str(len(series.points)))
                 for series in page)
    return Plot(
        name=name, title=f"{arm} in {experiment} on {machine}: {changed} of {len(page)} metrics changed",
        caption="One point a run, oldest first: the geometric mean over its blocks, relative to the reference arm where the axis says so. "
                "The line is the median of each level; a coloured line marks the first run of a new level. Open points are lone spikes.",
        data="series[] of the history", header=("metric", "changed at", "by", "runs"), rows=rows,
        draw=lambda canvas: _draw(canvas, experiment, machine, arm, page))


def _told(series):
    if not series.changes:
        return "no change"
    change = series.changes[-1]
    # A throughput that is worse is lower, and its ratio is told as people see it.
    ratio = change.ratio if series.lower_is_better or series.relative else 1 / max(change.ratio, 1e-9)
    percent = abs(ratio - 1) * 100
    return f"{'worse' if change.worse else 'better'} by {percent:.1f} %"


def _draw(canvas, experiment, machine, arm, page):
    columns = 1 if canvas.narrow or len(page) == 1 else 2
    lines = math.ceil(len(page) / columns)
    head_in = 0.42
    cell_in = _TITLE_IN + _PANEL_IN + _BOTTOM_IN
    made = canvas.figure(head_in + cell_in * lines + _FOOT_IN)
    axes = style.inch_axes(made, 0, 0, canvas.width, head_in)
    axes.text(0, head_in - 0.1, style.fit(f"{arm}, {experiment}", canvas.width, style.BASE_PT, bold=True), weight="bold", va="center_baseline")
    axes.text(0, head_in - 0.28, style.fit(machine, canvas.width, style.SMALL_PT), size=style.SMALL_PT, color=style.MUTED, va="center_baseline")
    gutter = 0.3 if columns == 2 else 0.0
    width_in = (canvas.width - gutter * (columns - 1)) / columns
    for index, series in enumerate(page):
        left = (index % columns) * (width_in + gutter)
        down = head_in + (index // columns) * cell_in
        _title(made, series, left, down, width_in)
        panel = style.place_axes(made, left + _LEFT_IN, down + _TITLE_IN, width_in - _LEFT_IN - _RIGHT_IN, _PANEL_IN)
        _panel(panel, series, width_in - _LEFT_IN - _RIGHT_IN)
        if index >= len(page) - columns:
            panel.set_xlabel("run")
    return made


def _title(made, series, left, down, width_in):
    axes = style.inch_axes(made, left, down, width_in, _TITLE_IN)
    unit = "to the reference; above 1 is worse" if series.relative else series.unit
    unit_in = style.text_width(f"  {unit}", style.SMALL_PT)
    name = style.fit(series.metric, width_in - unit_in - 0.1, style.SMALL_PT, bold=True)
    axes.text(0, _TITLE_IN - 0.1, name, size=style.SMALL_PT, weight="bold", va="center_baseline")
    axes.text(width_in, _TITLE_IN - 0.1, unit, size=style.SMALL_PT, color=style.MUTED, ha="right", va="center_baseline")
    if not series.changes:
        axes.text(0, _TITLE_IN - 0.28, "no change", size=style.SMALL_PT, color=style.MUTED, va="center_baseline")
        return
    change = series.changes[-1]
    told = f"{_told(series)} from {series.points[change.index].run} on"
    axes.text(0, _TITLE_IN - 0.28, style.fit(told, width_in, style.SMALL_PT), size=style.SMALL_PT,
              color=_WORSE if change.worse else _BETTER, va="center_baseline")


def _panel(axes, series, width_in):
    values = [point.value for point in series.points]
    low, high = min(values), max(values)
    air = 0.12 * (high - low) or abs(high) * 0.1 or 1.0
    axes.set_ylim(low - air, high + air)
    count = len(series.points)
    axes.set_xlim(-0.5, count - 0.5)
    axes.yaxis.grid(True)
    axes.set_axisbelow(True)
    axes.yaxis.set_major_locator(matplotlib.ticker.MaxNLocator(3, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_locator(matplotlib.ticker.FixedLocator(_run_ticks(count, width_in)))
    axes.xaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda x, _: str(int(x) + 1)))
    size = 3.6 if count <= 60 else 2.2
    for first, end, level in series.segments():
        axes.plot([first - 0.5, end - 0.5], [level, level], color=style.REFERENCE, linewidth=1.1, zorder=2, solid_capstyle="butt")
    for change in series.changes:
        axes.axvline(change.index - 0.5, color=_WORSE if change.worse else _BETTER, linewidth=1.2, zorder=1.5)
    for spike in (False, True):
        shown = [(x, point.value) for x, point in enumerate(series.points) if point.spike == spike]
        axes.plot([x for x, _ in shown], [value for _, value in shown], linestyle="none", marker="o", markersize=size, clip_on=False, zorder=3,
                  color="#0072b2", markerfacecolor=style.PAPER if spike else "#0072b2", markeredgewidth=0.9)


def _run_ticks(count, width_in):
    """Numbers of runs from 1, at most one each 0.45 inches."""
    most = max(2, int(width_in / 0.45))
    step = next(step for power in range(7) for step in (10**power, 2 * 10**power, 5 * 10**power) if count / step <= most)
    ticks = [0] + [run - 1 for run in range(step, count + 1, step) if run > 1]
    if len(ticks) > 2 and ticks[1] - ticks[0] < 0.5 * step:
        ticks.pop(1)
    return ticks

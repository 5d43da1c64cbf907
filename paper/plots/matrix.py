# SPDX-License-Identifier: MIT
"""The comparison matrix as a heat map: arms across, metrics down, the ratio to the reference in each cell."""

import matplotlib

import matrix
import model
import page_matrix
import words
from plots import style
from plots.plot import Plot

# Okabe and Ito's blue (better) and vermillion (worse), mixed with the paper: each step is darker than the one before on either side, and
# signs tell the sides apart in grey.
FILLS = {-3: "#5aa2cf", -2: "#a3cbe4", -1: "#d9e9f4", 0: "#f1f2f4", 1: "#fae3d4", 2: "#f3b993", 3: "#e88a52"}
_CELL_IN = 0.2
_NARROW_CELL_IN = 0.19
_HEAD_IN = 0.27
_CELL_PT = 6.6
_MOST_HEADING_IN = 1.5
_GAP_IN = 0.02


def plots(report, looks):
    groups = matrix.families(report)
    groups = [(family, [row for row in rows if any(cell.state == "ratio" for cell in row.cells)]) for family, rows in groups]
    groups = [(family, rows) for family, rows in groups if rows]
    arms = [arm for arm in report.arms if not arm.reference]
    if not groups or not arms:
        return []
    reference = report.reference().label if report.reference() else "the reference"
    rows = tuple((row.metric.label, report.arm(cell.arm).label, *_told(cell)) for _, rows in groups for row in rows for cell in row.cells
                 if cell.state != "reference")
    return [Plot(
        name="matrix", title=f"All arms in all metrics, against {reference}",
        caption=f"Ratio to {reference}, above 1 is worse for every metric. ▲ is worse, ▼ better, · within a factor of {matrix.STEPS[0]:g}; two begin at a "
                f"factor of {matrix.STEPS[1]:g}, three at {matrix.STEPS[2]:g}. A framed cell is best of its row alone, a dotted frame a tie for it. "
                "Hatched cells have no figure.",
        data="comparisons[]: ratio, ci90", header=("metric", "arm", "ratio (90 % interval)", "mark"), rows=rows,
        draw=lambda canvas: _draw(report, groups, arms, canvas), marks=_marks(report, groups))]


def _told(cell):
    if cell.ratio is None:
        return f"{cell.state}: {cell.why}", ""
    interval = f" ({words.ratio(cell.interval[0])} to {words.ratio(cell.interval[1])})" if cell.interval else " (no interval)"
    return words.ratio(cell.ratio) + interval, cell.mark


def _marks(report, groups):
    rows = [("family", "metric", "arm", "ratio", "low", "high", "mark", "state", "why")]
    for family, metrics in groups:
        for row in metrics:
            rows += [(family, row.metric.id, cell.arm, "" if cell.ratio is None else cell.ratio, *(cell.interval or ("", "")), cell.mark, cell.state, cell.why)
                     for cell in row.cells]
    return tuple(rows)


def _draw(report, groups, arms, canvas):
    metrics = [row.metric for _, rows in groups for row in rows]
    label_in = 0.0 if canvas.narrow else min(2.6, 0.15 + max(style.text_width(metric.label, style.SMALL_PT) for metric in metrics))
    column_in = min((canvas.width - label_in) / len(arms), 0.9)
    names = style.arm_labels(report, _MOST_HEADING_IN - 0.1, style.SMALL_PT)
    heading_in = 0.1 + max(style.text_width(names[arm.id], style.SMALL_PT) for arm in arms)
    line_in = _NARROW_CELL_IN + 0.19 if canvas.narrow else _CELL_IN
    body_in = sum(_HEAD_IN + line_in * len(rows) for _, rows in groups)
    legend = style.Legend(canvas, [(words_, style.patch_mark(FILLS[step])) for step, words_ in _legend()])
    top = style.stamp_height(report) + legend.height + 0.04
    made = canvas.figure(top + heading_in + body_in + 0.05)
    style.stamp(made, canvas, report)
    legend.draw(made, style.stamp_height(report))
    axes = style.inch_axes(made, 0, top, canvas.width, heading_in + body_in)
    axes.set_ylim(heading_in + body_in, 0)
    for index, arm in enumerate(arms):
        axes.text(label_in + (index + 0.5) * column_in, heading_in - 0.05, names[arm.id], size=style.SMALL_PT, rotation=90, ha="center", va="bottom",
                  color=style.MUTED if arm.control else style.INK)
    y = heading_in
    for family, rows in groups:
        title = model.FAMILY_TITLES.get(family, family)
        axes.text(0, y + _HEAD_IN - 0.09, style.fit(title, canvas.width, style.SMALL_PT, bold=True), size=style.SMALL_PT, weight="bold", va="center_baseline")
        y += _HEAD_IN
        for row in rows:
            if canvas.narrow:
                axes.text(0, y + 0.1, style.fit(row.metric.label, canvas.width, 6.8), size=6.8, color=style.MUTED, va="center_baseline")
            else:
                axes.text(label_in - 0.08, y + _CELL_IN / 2, style.fit(row.metric.label, label_in - 0.1, style.SMALL_PT), size=style.SMALL_PT, ha="right",
                          va="center_baseline")
            cells = {cell.arm: cell for cell in row.cells}
            for index, arm in enumerate(arms):
                _cell(axes, cells[arm.id], label_in + index * column_in, y + (0.19 if canvas.narrow else 0), column_in)
            y += line_in
    return made


def _legend():
    return [(step, f"{sign} {told}") for step, sign, told in page_matrix.legend()]


def _cell(axes, cell, x, y, width):
    height = _CELL_IN if width > 0.3 else _NARROW_CELL_IN
    frame = {"best": (style.INK, "solid", 1.2), "tie": (style.INK, (0, (1, 1.2)), 0.8), "": ("none", "solid", 0)}[cell.mark]
    inset = _GAP_IN + (0.01 if cell.mark else 0)
    # Sentinel inks turn with the page; fills are light on any page, so their text stays dark.
    axes.add_patch(matplotlib.patches.Rectangle(
        (x + inset / 2, y + inset / 2), width - inset, height - inset, facecolor=FILLS[cell.step] if cell.ratio is not None else "none",
        hatch=None if cell.ratio is not None else "////", edgecolor=frame[0] if cell.ratio is not None else style.RULE, linestyle=frame[1],
        linewidth=frame[2] if cell.ratio is not None else 0))
    if cell.ratio is None:
        return
    sign = page_matrix.SIGNS[cell.step]
    for text, size in ((f"{_short(cell.ratio)} {sign}", _CELL_PT), (f"{_short(cell.ratio)} {sign}", 5.6), (_short(cell.ratio), 5.2), (sign, 4.6)):
        if style.text_width(text, size) <= width - 0.05:
            axes.text(x + width / 2, y + height / 2, text, size=size, color="#17181b", ha="center", va="center_baseline")
            return


def _short(ratio):
    """Three figures at most: a cell is small."""
    if ratio >= 1e6 or ratio < 0.01:
        return f"{ratio:.0e}".replace("e+0", "e").replace("e-0", "e−")
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}" if ratio < 1000 else f"{ratio / 1000:.0f}k"

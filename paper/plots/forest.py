# SPDX-License-Identifier: MIT
"""Forest plot: per metric and arm, every block's paired log ratio, the estimate with its interval, and the margin."""

import math

from matplotlib import patches

import model
import textsafe
from plots import style, ticks
from plots.plot import Plot

_WIDE_ROW_IN = 0.27
_NARROW_ROW_IN = 0.46
_HEAD_IN = 0.3
_AXIS_IN = 0.5


def plots(report, looks):
    """One figure per family, so that none is longer than a reader can take in."""
    made = []
    names = set()
    for family in report.families():
        groups = _groups(report, family)
        if not groups:
            continue
        name = textsafe.slug(f"ratios-{family}", names)
        names.add(name)
        made.append(_plot(report, looks, family, groups, name))
    return made


def _groups(report, family):
    """[(metric, [comparison])] in the order of metrics and arms, without comparisons that have nothing to draw."""
    groups = []
    for metric in report.metrics:
        if metric.family != family:
            continue
        rows = [report.comparison(metric.id, arm.id) for arm in report.arms]
        rows = [row for row in rows if row and (row.pairs or row.ratio)]
        if rows:
            groups.append((metric, rows))
    return groups


def _plot(report, looks, family, groups, name):
    rows = []
    for metric, comparisons in groups:
        for row in comparisons:
            rows.append((metric.label, report.arm(row.arm).label, str(row.n), _interval(row),
                         f"{row.margin * 100:g} %" if row.margin is not None else "none",
                         _with_stamp(row.non_inferiority, report), _with_stamp(row.equivalence, report)))
    references = list(dict.fromkeys(report.arm(row.reference).label for _, comparisons in groups for row in comparisons))
    return Plot(
        name=name, title=f"{model.FAMILY_TITLES.get(family, family)}: the ratios block by block",
        caption=f"Each dot is one block: the arm against {', '.join(references)} in the same block. The mark with the bar is the "
                "geometric mean of those ratios and its 90 % interval. Logarithmic scale on which right is always worse; "
                "the shaded band is the margin to either side of 1. Non-inferior means that the bar ends left of the band's right edge.",
        data=f"comparisons[] of the family {family}: pairs, ratio, ci90, margin",
        header=("metric", "arm", "blocks", "ratio (above 1 is worse)", "margin", "non-inferiority", "equivalence"),
        rows=tuple(rows), draw=lambda canvas: _draw(report, looks, groups, canvas), marks=_marks(groups))


def _marks(groups):
    """Each dot, each mark with its bar, each band."""
    rows = [("mark", "metric", "arm", "reference", "block", "ratio", "low", "high", "margin")]
    for metric, comparisons in groups:
        for row in comparisons:
            low, high = row.ci90 or ("", "")
            rows.append(("mean", metric.id, row.arm, row.reference, "", row.ratio if row.ratio is not None else "", low, high,
                         row.margin if row.margin is not None else ""))
            rows += [("block", metric.id, row.arm, row.reference, block, math.exp(value), "", "", "") for block, value in row.pairs]
    return tuple(rows)


def _with_stamp(verdict, report):
    return f"{verdict} ({report.stamp()})" if report.stamp() else verdict


def _interval(row):
    """"1.31 (1.27 to 1.35)", as far as it is known."""
    if row.ratio is None:
        return "not known"
    if row.ci90 is None:
        return f"{row.ratio:.3g} (no interval)"
    return f"{_ratio(row.ratio)} ({_ratio(row.ci90[0])} to {_ratio(row.ci90[1])})"


def _ratio(value):
    return f"{value:.2f}" if 0.1 <= value < 100 else f"{value:.3g}"


def _draw(report, looks, groups, canvas):
    row_in = _NARROW_ROW_IN if canvas.narrow else _WIDE_ROW_IN
    everything = [row for _, comparisons in groups for row in comparisons]
    body_in = sum(_HEAD_IN + row_in * len(comparisons) for _, comparisons in groups)
    made = canvas.figure(style.stamp_height(report) + body_in + _AXIS_IN)
    style.stamp(made, canvas, report)
    left_in, right_in = 0.08, 0.08
    if not canvas.narrow:
        labels = [report.arm(row.arm).label for row in everything]
        left_in = min(2.2, 0.2 + max(style.text_width(label) for label in labels))
        right_in = 0.15 + max(style.text_width(_figures(row), style.SMALL_PT) for row in everything)
    width_in = canvas.width - left_in - right_in
    axes = style.place_axes(made, left_in, style.stamp_height(report), width_in, body_in)
    low, high = ticks.limits(_extent(everything))
    axes.set_xlim(low, high)
    axes.set_ylim(body_in, 0)
    axes.set_yticks([])
    marks = ticks.ratio_ticks(low, high, width_in, 0.42)
    axes.set_xticks([position for position, _ in marks], [label for _, label in marks])
    axes.set_xlabel("times worse than the reference (logarithmic)" if canvas.narrow
                    else "ratio to the reference, logarithmic (← better, worse →)")
    frame = _Frame(axes, left_in, width_in, right_in, canvas)
    if canvas.narrow:
        room = canvas.width - 0.2 - max(style.text_width(_figures(row), style.SMALL_PT - 0.5) for row in everything)
        names = style.arm_labels(report, room, style.SMALL_PT)
    else:
        names = style.arm_labels(report, left_in - 0.15)
    y = 0.0
    for metric, comparisons in groups:
        frame.heading(metric, y)
        y += _HEAD_IN
        for row in comparisons:
            frame.row(row, names[row.arm], looks[row.arm], y, row_in)
            y += row_in
    axes.plot([0, 0], [0, body_in], color=style.MUTED, linewidth=0.9, zorder=1.5)
    return made


def _extent(rows):
    """Logs that must lie within the axis: dots, intervals, margins."""
    for row in rows:
        yield from (value for _, value in row.pairs)
        yield from (math.log(bound) for bound in row.ci90 or ())
        if row.ratio:
            yield math.log(row.ratio)
        if row.margin:
            yield math.log1p(min(row.margin, 10))
            yield -math.log1p(min(row.margin, 10))


def _figures(row):
    return f"{_interval(row)}\u00a0\u00a0{row.non_inferiority.lower()}"


class _Frame:
    """Places headings and rows on the axes, whose vertical unit is inches."""

    def __init__(self, axes, left_in, width_in, right_in, canvas):
        self._axes = axes
        self._left = -left_in / width_in
        self._right = 1 + right_in / width_in
        self._width_in = width_in
        self._canvas = canvas
        self._across = axes.get_yaxis_transform()

    def heading(self, metric, y):
        label = style.fit(metric.label, self._canvas.width - 0.1, style.BASE_PT, bold=True)
        self._text(self._left, y + _HEAD_IN * 0.62, label, backed=True, weight="bold")

    def _text(self, x, y, text, backed=False, **how):
        how.setdefault("va", "center_baseline")
        if backed:
            # The line at 1 and the band run behind text that stands on the plot itself.
            how["bbox"] = {"facecolor": style.PAPER, "edgecolor": "none", "pad": 1.2}
        return self._axes.text(x, y, text, transform=self._across, zorder=5, **how)

    def row(self, row, label, look, y, row_in):
        middle = y + row_in / 2
        if self._canvas.narrow:
            figures = _figures(row)
            self._text(self._right, y + 0.1, figures, backed=True, ha="right", size=style.SMALL_PT - 0.5, color=style.MUTED)
            self._text(self._left, y + 0.1, label, backed=True, size=style.SMALL_PT)
            middle = y + 0.31
        else:
            self._text(-0.1 / self._width_in, middle, label, ha="right")
            self._text(1 + 0.1 / self._width_in, middle, _figures(row), size=style.SMALL_PT, color=style.MUTED)
        half = 0.105
        if row.margin is not None:
            edge = math.log1p(min(row.margin, 1e6))
            self._axes.add_patch(patches.Rectangle((-edge, middle - half), 2 * edge, 2 * half, facecolor=style.BAND,
                                                   edgecolor=style.RULE, linewidth=0.5, zorder=1))
        self._axes.plot(self._axes.get_xlim(), [middle, middle], color=style.RULE, linewidth=0.5, zorder=0.9)
        self._marks(row, look, middle)

    def _marks(self, row, look, middle):
        if row.pairs:
            self._axes.plot([value for _, value in row.pairs], [middle - 0.055] * len(row.pairs), "o", markersize=3,
                            color=look.colour, alpha=0.55, markeredgewidth=0, zorder=3, clip_on=False)
        if row.ci90:
            self._axes.plot([math.log(bound) for bound in row.ci90], [middle + 0.03] * 2, color=look.colour, linewidth=1.8,
                            solid_capstyle="butt", zorder=3)
        if row.ratio:
            self._axes.plot([math.log(row.ratio)], [middle + 0.03], zorder=4, **style.point(look, 5.5))



# SPDX-License-Identifier: MIT
"""How often verdicts found a slow-down of a known size: a column a slow-down, with the rate of every word about it."""

import dataclasses
import math

import page_calibration
from plots import style
from plots.plot import Plot
from words import percent

_LEAST_ARMS = 2  # one slow-down is no curve
_PANEL_IN = 2.3
_LEFT_IN = 0.5
_AXIS_IN = 0.56
_HEAD_IN = 0.22
_SPREAD_IN = 0.17   # between the marks of a column
_LABEL_IN = 0.52    # that the label of a column needs
# What a verdict says, how it looks, and its place in the column.
_SERIES = (("seen_worse", "seen as slower", style.Look("#0072b2", "D"), -1), ("refuted", "REFUTED", style.Look("#d55e00", "s"), 0),
           ("non_inferior", "NON-INFERIOR", style.Look("#009e73", "^"), 1))


def plots(report, looks):
    del looks  # colours tell verdicts apart, not arms
    told = report.calibration
    columns = _columns(told) if told else []
    if sum(1 for column in columns if column.arm) < _LEAST_ARMS:
        return []
    rows = tuple((column.what, column.label) + tuple(_words(column, name) for name, *_ in _SERIES) for column in columns)
    return [Plot(
        name="calibration", title="How often a slow-down of a known size is found",
        caption="Each column is an arm of the calibration, by its true slow-down in rising order, not to scale; the first is the reference against itself. "
                "A mark is the share of trials that were given the verdict, its bar the 95 % interval; a grey dash is the share that the measured noise "
                "lets expect. For the reference against itself REFUTED counts what was found beyond the margin, worse or better.",
        data="calibration.false_alarms, false_seen_worse, arms[]", header=("injected", "true slow-down") + tuple(title for _, title, *_ in _SERIES),
        rows=rows, draw=lambda canvas: _draw(report, told, columns, canvas), marks=tuple(_marks(columns)))]


@dataclasses.dataclass(frozen=True)
class _Column:
    arm: str        # "" for the reference against itself
    what: str
    ratio: float
    label: str
    rates: dict     # of the verdicts that were tried
    predicted: dict
    beyond: bool


def _columns(told):
    """The reference against itself, then every slow-down that was tried."""
    same = {name: rate for name, rate in (("refuted", told.false_alarms), ("seen_worse", told.false_seen_worse)) if rate and rate.trials}
    columns = [_Column("", "nothing: the reference against itself", 1.0, "none", same, {}, False)] if same else []
    for slowed in page_calibration.by_slow_down(told):
        rates = {name: rate for name, rate in slowed.rates.items() if rate.trials}
        if rates and slowed.true_ratio is not None:
            columns.append(_Column(slowed.arm, slowed.what or slowed.arm, slowed.true_ratio, page_calibration.slow_down(slowed.true_ratio), rates,
                                   slowed.predicted, bool(told.beyond(slowed))))
    return columns


def _words(column, name):
    rate = column.rates.get(name)
    if rate is None:
        return "not tried"
    expected = column.predicted.get(name)
    return page_calibration.rate_words(rate) + (f"; {percent(expected)} expected" if expected is not None else "")


def _marks(columns):
    """Each mark with its bar and its dash."""
    yield "arm", "true_ratio", "verdict", "count", "trials", "rate", "low", "high", "expected"
    for column in columns:
        for name, *_ in _SERIES:
            rate = column.rates.get(name)
            if rate:
                low, high = rate.interval95 or ("", "")
                yield column.arm, column.ratio, name, rate.hits, rate.trials, rate.share(), low, high, column.predicted.get(name, "")


def _draw(report, told, columns, canvas):
    shown = [series for series in _SERIES if any(series[0] in column.rates for column in columns)]
    entries = [(title, style.arm_mark(look)) for _, title, look, _ in shown]
    if any(column.predicted for column in columns):
        entries.append(("expected from the noise", _dash))
    legend = style.Legend(canvas, entries)
    top = style.stamp_height(report) + legend.height + _HEAD_IN
    made = canvas.figure(top + _PANEL_IN + _AXIS_IN)
    style.stamp(made, canvas, report)
    legend.draw(made, style.stamp_height(report))
    width_in = canvas.width - _LEFT_IN - 0.08
    axes = style.place_axes(made, _LEFT_IN, top, width_in, _PANEL_IN)
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(-0.04, 1.04)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    axes.yaxis.grid(True)
    axes.set_axisbelow(True)
    column_in = width_in / len(columns)
    every = max(1, math.ceil(max(_LABEL_IN, 0.1 + max(style.text_width(column.label, style.SMALL_PT) for column in columns)) / column_in))
    axes.set_xticks(range(0, len(columns), every), [column.label for column in columns[::every]])
    axes.set_xlabel("true slow-down" if canvas.narrow else "true slow-down, in rising order (not to scale)")
    _margin(axes, told, columns, width_in)
    spread = min(_SPREAD_IN, column_in / 4.5) / column_in
    for position, column in enumerate(columns):
        for name, _, look, place in shown:
            if name in column.rates:
                _mark(axes, position + place * spread, column.rates[name], column.predicted.get(name), look, spread)
    return made


def _margin(axes, told, columns, width_in):
    """A line between the slow-downs that the margin allows and those beyond it."""
    inside = sum(1 for column in columns if not column.beyond)
    if told.margin is None or inside in (0, len(columns)):
        return
    x = inside - 0.5
    axes.plot([x, x], [-0.04, 1.04], color=style.MUTED, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
    at = (x + 0.5) / len(columns)
    right = f"beyond the margin of {percent(told.margin)} →"
    left = f"← within the margin of {percent(told.margin)}"
    onward = (1 - at) * width_in >= style.text_width(right, style.SMALL_PT)
    words_in = style.fit(right if onward else left, (1 - at if onward else at) * width_in, style.SMALL_PT)
    axes.text(at, 1 + 0.1 / _PANEL_IN, words_in, transform=axes.transAxes, ha="left" if onward else "right", va="center_baseline", size=style.SMALL_PT,
              color=style.MUTED)


def _mark(axes, x, rate, expected, look, spread):
    if expected is not None:
        axes.plot([x - 0.42 * spread, x + 0.42 * spread], [expected, expected], color=style.CONTROL, linewidth=2, solid_capstyle="butt", zorder=2.5)
    if rate.interval95:
        axes.plot([x, x], rate.interval95, color=look.colour, linewidth=1.6, solid_capstyle="butt", zorder=2)
    axes.plot([x], [rate.share()], zorder=3, **style.point(look, 5.2))


def _dash(axes, x, y):
    axes.plot([x - 0.05, x + 0.05], [y, y], color=style.CONTROL, linewidth=2, solid_capstyle="butt")

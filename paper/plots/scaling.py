# SPDX-License-Identifier: MIT
"""How a metric grows along the run's dimension: samples, means with intervals, and the fitted curve with its band."""

import math
import types

import matplotlib
import numpy

import growth
import page_growth
import textsafe
from plots import style, ticks
from plots.plot import Plot

_PANEL_IN = 2.9
_AXIS_IN = 0.5
_LEFT_IN = 0.66
_WIDE_RANGE = 4  # from this factor on an axis is logarithmic
_STEPS = 81
_LIGHT = 0.14


def plots(report, looks):
    made = []
    taken = set()
    axis = page_growth.axis(report)
    for chart in growth.dimension_charts(report):
        name = textsafe.slug(f"scaling-{chart.name}", taken)
        taken.add(name)
        made.append(_plot(report, chart, name, axis))
    return made


def _plot(report, chart, name, axis):
    reading = "higher is faster" if chart.higher_is_better else "lower is better"
    return Plot(
        name=name, title=f"{chart.title}, by {report.dimension.label}",
        caption=f"Small dots are single samples, large marks the mean of each place with its 90 % interval; {reading}. The line is the fitted curve with "
                "the 90 % band of its mean, and is drawn only over the places that were measured; series without a line have no fit.",
        data=f"samples[].metrics, arms[].at; the fit is the report's own ({chart.name})", header=page_growth.FIT_HEADER, rows=page_growth.fit_rows(chart),
        draw=lambda canvas: _draw(report, chart, axis, canvas), marks=marks(chart, "at"))


def marks(chart, place):
    """Samples, means and curves of a chart, a line each."""
    rows = [("mark", "series", place, "arm", "block", "value", "low", "high", "unit")]
    for curve in chart.curves:
        rows += [("sample", curve.label, at, arm, block, value, "", "", chart.unit) for at, value, arm, block in curve.samples]
        rows += [("mean", curve.label, at, "", "", mean, low if low is not None else "", high if high is not None else "", chart.unit)
                 for at, mean, low, high in curve.means]
        rows += [("curve", curve.label, at, "", "", *found, chart.unit) for at, found in ((mean[0], curve.fit.at(mean[0])) for mean in curve.means if curve.fit)
                 if found]
    return tuple(rows)


def series_looks(report, chart):
    """A look for each series of a chart, by its label; the house's colours go by its arms' layout and engine."""
    first = {curve.label: report.arm(curve.arms[0]) for curve in chart.curves}
    stand_ins = [types.SimpleNamespace(id=label, layout=arm.layout, engine=arm.engine, reference=False, control=False) for label, arm in first.items()]
    return style.looks(stand_ins)


def _draw(report, chart, axis, canvas):
    looks = series_looks(report, chart)
    room = canvas.width - 0.25
    legend = style.Legend(canvas, [(style.fit(curve.label, room, style.SMALL_PT), style.arm_mark(looks[curve.label])) for curve in chart.curves])
    head = style.stamp_height(report) + legend.height + 0.3
    made = canvas.figure(head + _PANEL_IN + _AXIS_IN)
    style.stamp(made, canvas, report)
    legend.draw(made, style.stamp_height(report))
    width_in = canvas.width - _LEFT_IN - 0.2
    axes = style.place_axes(made, _LEFT_IN, head, width_in, _PANEL_IN)
    unit = chart.unit or "value"
    axes.text(0, 1.03, style.fit(unit, width_in, style.SMALL_PT), transform=axes.transAxes, color=style.MUTED, size=style.SMALL_PT)
    panel(axes, chart, looks, width_in, logarithmic(chart))
    axes.set_xlabel(style.fit(axis, width_in, style.SMALL_PT))
    return made


def logarithmic(chart):
    """(x, y): which axes are."""
    places = [at for curve in chart.curves for at, *_ in curve.means]
    values = [value for curve in chart.curves for _, value, _, _ in curve.samples]
    return tuple(min(numbers) > 0 and max(numbers) / min(numbers) >= _WIDE_RANGE for numbers in (places, values))


def panel(axes, chart, looks, width_in, scales):
    """Draws the chart's curves; `scales`: which axes are logarithmic."""
    _scale_x(axes, sorted({at for curve in chart.curves for at, *_ in curve.means}), width_in, scales[0])
    _scale_y(axes, _heights(chart), scales[1])
    axes.yaxis.grid(True)
    axes.set_axisbelow(True)
    count = len(chart.curves)
    for index, curve in enumerate(chart.curves):
        look = looks[curve.label]
        # Series of equal places stand beside each other, a few hundredths of an inch apart.
        aside = matplotlib.transforms.ScaledTranslation((index - (count - 1) / 2) * min(0.045, 0.4 / count), 0, axes.figure.dpi_scale_trans)
        moved = axes.transData + aside
        _curve(axes, curve, look, scales[0])
        axes.plot([at for at, *_ in curve.samples], [value for _, value, _, _ in curve.samples], linestyle="none", marker=".", markersize=3,
                  color=look.colour, alpha=0.45, markeredgewidth=0, transform=moved, zorder=2)
        for at, mean, low, high in curve.means:
            if low is not None:
                axes.plot([at, at], [low, high], color=look.colour, linewidth=1.5, solid_capstyle="butt", transform=moved, zorder=3)
            axes.plot([at], [mean], transform=moved, zorder=4, **style.point(look, 5))


def _heights(chart):
    """Values that the axis shows: all samples, and intervals and bands as far as they leave the samples readable."""
    values = [value for curve in chart.curves for _, value, _, _ in curve.samples]
    low, high = min(values), max(values)
    span = high - low
    least, most = low - span, high + span
    if low > 0:
        least = max(least, low / 2)
    ends = [end for curve in chart.curves for _, _, *interval in curve.means for end in interval if end is not None]
    bands = [end for curve in chart.curves if curve.fit for at, *_ in curve.means for end in curve.fit.at(at) or ()]
    return values + [min(max(end, least), most) for end in ends + bands]


def _curve(axes, curve, look, logarithmic_x):
    if curve.fit is None:
        if curve.places() > 1:
            axes.plot([mean[0] for mean in curve.means], [mean[1] for mean in curve.means], color=look.colour, linewidth=0.7, linestyle=(0, (1, 2.5)), zorder=1.5)
        return
    low, high = curve.means[0][0], curve.means[-1][0]
    line = numpy.geomspace(low, high, _STEPS) if logarithmic_x else numpy.linspace(low, high, _STEPS)
    found = [(x, *value) for x, value in ((float(x), curve.fit.at(float(x))) for x in line) if value]
    x, middle, least, most = zip(*found)
    axes.fill_between(x, least, most, color=look.colour, alpha=_LIGHT, linewidth=0, zorder=1)
    axes.plot(x, middle, color=look.colour, linewidth=1.2, zorder=1.6)


def _scale_x(axes, places, width_in, logarithmic_x):
    low, high = places[0], places[-1]
    if logarithmic_x:
        axes.set_xscale("log")
        air = (high / low)**0.05
        axes.set_xlim(low / air, high * air)
        place = _placer(math.log(low / air), math.log(high * air), width_in, math.log)
    else:
        air = 0.05 * (high - low) or 1
        axes.set_xlim(low - air, high + air)
        place = _placer(low - air, high + air, width_in, float)
    labels = [ticks.plain(value) for value in places]
    spacing = max(style.text_width(label, style.SMALL_PT) for label in labels) + 0.1
    shown = ticks.spread(places, place, spacing)
    axes.set_xticks(shown, [ticks.plain(value) for value in shown])
    axes.xaxis.set_minor_locator(matplotlib.ticker.NullLocator())


def _placer(low, high, width_in, turn):
    return lambda value: (turn(value) - low) / (high - low) * width_in


def _scale_y(axes, values, logarithmic_y):
    low, high = min(values), max(values)
    if logarithmic_y:
        axes.set_yscale("log")
        air = (high / low)**0.07
        axes.set_ylim(low / air, high * air)
        shown = ticks.value_ticks(low / air, high * air)
        axes.set_yticks([value for value, _ in shown], [label for _, label in shown])
        axes.yaxis.set_minor_locator(matplotlib.ticker.NullLocator())
        return
    air = 0.1 * (high - low) or abs(high) * 0.1 or 1.0
    axes.set_ylim(low - air, high + air)
    axes.yaxis.set_major_locator(matplotlib.ticker.MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda value, _: ticks.plain(float(f"{value:.6g}"))))

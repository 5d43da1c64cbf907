# SPDX-License-Identifier: MIT
"""How the time of a case grows with the number of layers: a panel a kind of case, the samples and fitted growth of every engine."""

import statistics
import types

import growth
from plots import scaling, style
from plots.plot import Plot

_PANEL_IN = 2.6
_AXIS_IN = 0.5
_LEFT_IN = 0.66


def plots(report, looks):
    charts = growth.layer_charts(report)
    if not charts:
        return []
    rows = tuple((f"{chart.title}, {at:.0f} layers", curve.label, *_range(curve, at)) for chart in charts for curve in chart.curves for at, *_ in curve.means)
    return [Plot(
        name="host-layer-scaling", title="Cost by the number of layers",
        caption="Time by the number of lower layers: small dots are single samples, large marks their geometric mean with its 90 % interval, the line is "
                "the fitted curve with the 90 % band of its mean; both scales logarithmic, lower is faster. The reference has the merged tree as a plain one, "
                "so its work grows as the tree does.",
        data="host.cases[] of the group layers, samples[].metrics; the fits are the report's own", header=("case", "engine", "median", "range"), rows=rows,
        draw=lambda canvas: _draw(report, looks, charts, canvas), marks=_marks(charts))]


def _range(curve, place):
    values = [value for at, value, _, _ in curve.samples if at == place]
    return f"{statistics.median(values):.3g} s", f"{min(values):.3g} to {max(values):.3g} s"


def _marks(charts):
    rows = []
    for chart in charts:
        header, *marks = scaling.marks(chart, "layers")
        rows += [(chart.name, *row) for row in marks]
    return (("kind", *header), *rows)


def _draw(report, looks, charts, canvas):
    # A curve of the host is an arm, so it has the arm's look.
    by_label = {curve.label: looks[curve.arms[0]] for chart in charts for curve in chart.curves}
    shown = [arm for arm in report.arms if any(arm.id in curve.arms for chart in charts for curve in chart.curves)]
    names = style.arm_labels(types.SimpleNamespace(arms=shown), canvas.width - 0.25, style.SMALL_PT)
    legend = style.Legend(canvas, [(names[arm.id], style.arm_mark(looks[arm.id])) for arm in shown])
    head = style.stamp_height(report) + legend.height + 0.04
    step = _PANEL_IN + _AXIS_IN + 0.3
    made = canvas.figure(head + step * len(charts))
    style.stamp(made, canvas, report)
    legend.draw(made, style.stamp_height(report))
    width_in = canvas.width - _LEFT_IN - 0.2
    for index, chart in enumerate(charts):
        axes = style.place_axes(made, _LEFT_IN, head + index * step + 0.26, width_in, _PANEL_IN)
        axes.text(0, 1.04, style.fit(f"{chart.title} ({chart.unit})", width_in, style.SMALL_PT, bold=True), transform=axes.transAxes, weight="bold",
                  size=style.SMALL_PT)
        scaling.panel(axes, chart, by_label, width_in, (True, True))
        axes.set_xlabel("lower layers")
    return made

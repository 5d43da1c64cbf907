# SPDX-License-Identifier: MIT
"""Boot phases stacked per arm: where the seconds between power-on and the default target go."""

import math

import matplotlib
from matplotlib import patches

import words
from plots import style
from plots.plot import Plot

_BAR_IN = 0.24
_GAP_IN = 0.16
_AXIS_IN = 0.46
_NO_PHASE_COLOUR = "#b9bdc6"


class Bars:
    """Mean seconds per arm and phase, and the boots they come from."""

    def __init__(self, report):
        self.total = report.boot_total()
        self.phases = report.phases()
        self.totals = {}
        self.means = {}
        for arm in report.arms:
            boots = [sample.metrics for sample in report.samples if sample.arm == arm.id and self._usable(sample.metrics)]
            self.totals[arm.id] = [self._whole(metrics) for metrics in boots]
            self.means[arm.id] = [self._mean([metrics.get(phase.id, 0.0) for metrics in boots]) for phase in self.phases]
        self.rests = {arm.id: self._rest(arm.id) for arm in report.arms}
        self.any_rest = any(rest > 0 for rest in self.rests.values())

    def _usable(self, metrics):
        if self.total:
            return self.total.id in metrics and metrics[self.total.id] >= 0
        return bool(self.phases) and all(metrics.get(phase.id, -1) >= 0 for phase in self.phases)

    def _whole(self, metrics):
        return metrics[self.total.id] if self.total else sum(metrics[phase.id] for phase in self.phases)

    @staticmethod
    def _mean(values):
        return math.fsum(max(value, 0.0) for value in values) / len(values) if values else 0.0

    def _rest(self, arm_id):
        """Seconds of the total that no phase accounts for; a rounding error is none."""
        rest = self._mean(self.totals[arm_id]) - sum(self.means[arm_id])
        return rest if rest > 0.005 * max(self._mean(self.totals[arm_id]), 1e-9) else 0.0

    def mean_total(self, arm_id):
        return max(self._mean(self.totals[arm_id]), sum(self.means[arm_id]))


def plots(report, looks):
    del looks  # bars are coloured by phase
    bars = Bars(report)
    if not any(bars.totals.values()):
        return []
    unit = (bars.total or bars.phases[0]).unit or "s"
    header = ("arm", "boots", f"total ({unit})") + tuple(f"{phase.label} ({unit})" for phase in bars.phases)
    if bars.any_rest:
        header += (f"in no phase ({unit})",)
    rows = []
    for arm in report.arms:
        row = [arm.label, str(len(bars.totals[arm.id]))]
        if bars.totals[arm.id]:
            row += [words.number(bars.mean_total(arm.id))] + [words.number(mean) for mean in bars.means[arm.id]]
            row += [words.number(bars.rests[arm.id])] if bars.any_rest else []
        else:
            row += ["no boot measured"] + [""] * (len(header) - 3)
        rows.append(tuple(row))
    return [Plot(
        name="boot-phases", title="Where the boot time goes",
        caption=f"Arithmetic mean of each boot phase per arm, stacked, in {unit}; the number at a bar's end is the mean of the whole boot. "
                "Each small circle is the whole boot of one guest.",
        data="samples[].metrics of the families boot and boot-phase",
        header=header, rows=tuple(rows), draw=lambda canvas: _draw(report, bars, unit, canvas), marks=_marks(report, bars, unit))]


def _marks(report, bars, unit):
    """Each bar's parts and each circle."""
    rows = [("mark", "arm", "phase", "value", "unit")]
    for arm in report.arms:
        if not bars.totals[arm.id]:
            continue
        rows += [("mean", arm.id, phase.id, mean, unit) for phase, mean in zip(bars.phases, bars.means[arm.id])]
        rows.append(("mean", arm.id, "total", bars.mean_total(arm.id), unit))
        rows += [("guest", arm.id, "total", total, unit) for total in bars.totals[arm.id]]
    return tuple(rows)


def _draw(report, bars, unit, canvas):
    colours = style.phase_colours(bars.phases)
    legend = style.Legend(canvas, legend_entries(bars, colours) + [("one boot", _circle)])
    label_in = 0.06 if canvas.narrow else min(2.3, 0.15 + max(style.text_width(arm.label) for arm in report.arms))
    above_in = 0.19 if canvas.narrow else 0.0
    row_in = above_in + _BAR_IN + _GAP_IN
    rows_in = row_in * len(report.arms)
    top = style.stamp_height(report) + legend.height + 0.06
    made = canvas.figure(top + rows_in + _AXIS_IN)
    style.stamp(made, canvas, report)
    legend.draw(made, style.stamp_height(report))
    number_in = 0.62
    axes = style.place_axes(made, label_in, top, canvas.width - label_in - 0.04, rows_in)
    longest = max([bars.mean_total(arm.id) for arm in report.arms] + [max(t) for t in bars.totals.values() if t])
    width_in = canvas.width - label_in - 0.04
    axes.set_xlim(0, (longest or 1.0) * width_in / (width_in - number_in))
    axes.set_ylim(rows_in, 0)
    axes.xaxis.grid(True, zorder=0)
    axes.set_axisbelow(True)
    axes.set_yticks([])
    axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(5 if canvas.narrow else 8, steps=[1, 2, 5, 10]))
    axes.set_xlabel(f"time since the guest started running ({unit})")
    labels = style.arm_labels(report, width_in if canvas.narrow else label_in - 0.12)
    for row, arm in enumerate(report.arms):
        middle = row * row_in + _GAP_IN / 2 + above_in + _BAR_IN / 2
        _label(axes, canvas, labels[arm.id], middle, width_in)
        _bar(axes, bars, arm, colours, middle, longest)
    return made


def legend_entries(bars, colours):
    entries = [(phase.label, style.patch_mark(colour)) for phase, colour in zip(bars.phases, colours)]
    if bars.any_rest:
        entries.append(("in no phase" if bars.phases else "whole boot", style.patch_mark(_NO_PHASE_COLOUR)))
    return entries


def _label(axes, canvas, label, middle, width_in):
    across = axes.get_yaxis_transform()
    if canvas.narrow:
        axes.text(0, middle - _BAR_IN / 2 - 0.1, label, transform=across, va="center_baseline")
    else:
        axes.text(-0.1 / width_in, middle, label, transform=across, ha="right", va="center_baseline")


def _bar(axes, bars, arm, colours, middle, longest):
    totals = bars.totals[arm.id]
    if not totals:
        axes.text(0.01, middle, "no boot measured", transform=axes.get_yaxis_transform(), color=style.MUTED, style="italic",
                  va="center_baseline")
        return
    left = draw_pieces(axes, bars, arm, colours, middle, longest)
    for index, total in enumerate(totals):
        offset = (index % 3 - 1) * _BAR_IN * 0.28
        _circle(axes, total, middle + offset)
    axes.annotate(words.number(bars.mean_total(arm.id)), (max([left] + totals), middle), xytext=(7, 0), textcoords="offset points",
                  va="center_baseline", weight="bold", annotation_clip=False)


def draw_pieces(axes, bars, arm, colours, middle, longest, height=_BAR_IN):
    """The arm's phases one after the other; returns where they end."""
    left = 0.0
    pieces = list(zip(bars.means[arm.id], colours)) + [(bars.rests[arm.id], _NO_PHASE_COLOUR)]
    for seconds, colour in pieces:
        if seconds > 0:
            # The thin edge keeps neighbours apart, but must not swallow a phase that is only a sliver.
            edge = 0.6 if seconds > 0.02 * longest else 0
            axes.add_patch(patches.Rectangle((left, middle - height / 2), seconds, height, facecolor=colour,
                                             edgecolor=style.PAPER, linewidth=edge, zorder=2))
            left += seconds
    return left


def _circle(axes, x, y):
    # The same on a dark page: the bar under the circle keeps its colour there.
    axes.plot([x], [y], "o", markersize=3.6, markerfacecolor="#ffffff", markeredgecolor="#1b1c1f", markeredgewidth=0.7,
              zorder=3, clip_on=False)

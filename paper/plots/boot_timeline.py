# SPDX-License-Identifier: MIT
"""Every arm's mean boot on one time scale, and below it the longest units of its diagnostic boot. Drawn where there was one."""

from matplotlib import patches, ticker

import words
from plots import boot_phases, style
from plots.plot import Plot

_BAR_IN = 0.22
_ARM_IN = 0.32       # of an arm's own row
_UNIT_IN = 0.19      # of a unit's row
_UNIT_BAR_IN = 0.09
_ABOVE_IN = 0.17     # where the label stands above its row
_GAP_IN = 0.16
_AXIS_IN = 0.46
_NUMBER_IN = 0.62
_LABEL_IN = 2.7
# A diagnosis has a dozen units; the table has them all.
_MOST_UNITS = 6
_MOST_UNITS_OF_MANY = 3
_MANY_ARMS = 8


def plots(report, looks):
    del looks  # bars are coloured by phase
    if not report.diagnosis:
        return []
    timeline = _Timeline(report)
    if not timeline.arms:
        return []
    return [Plot(
        name="boot-timeline", title="Boot timeline, with the longest units of a diagnostic boot",
        caption=_caption(timeline), data="samples[].metrics of the families boot and boot-phase, diagnosis{}",
        header=("arm", "phase or unit", "begins (s)", "takes (s)"), rows=tuple(_text_rows(timeline)),
        draw=lambda canvas: _draw(report, timeline, canvas), marks=tuple(_marks(timeline)))]


class _Timeline:
    """Which arms are drawn, and where on the scale their units begin."""

    def __init__(self, report):
        self.bars = boot_phases.Bars(report)
        self.arms = [arm for arm in report.arms if arm.id in report.diagnosis]
        self.told = report.diagnosis
        # Units are in seconds; beside counted instructions they have a scale of their own.
        unit = (self.bars.total or self.bars.phases[0]).unit if self.bars.total or self.bars.phases else ""
        self.with_boots = unit in ("s", "") and any(self.bars.totals[arm.id] for arm in self.arms)
        self.userspace = next((index for index, phase in enumerate(self.bars.phases) if "userspace" in phase.id), None)
        self.most = _MOST_UNITS if len(self.arms) <= _MANY_ARMS else _MOST_UNITS_OF_MANY

    def has_bar(self, arm):
        return self.with_boots and bool(self.bars.totals[arm.id])

    def origin(self, arm):
        """Where systemd takes over: the start of the userspace phase; None where that was not measured."""
        if not self.with_boots:
            return 0.0
        if not self.has_bar(arm) or self.userspace is None:
            return None
        return sum(self.bars.means[arm.id][:self.userspace])

    def start(self, arm, unit):
        """On the scale, or None: a start counts from systemd's, so it says nothing where that is not known."""
        origin = self.origin(arm)
        return None if origin is None or unit.start is None else origin + unit.start

    def left(self, arm, unit):
        """Where its bar is drawn."""
        start = self.start(arm, unit)
        return start if start is not None else self.origin(arm) or 0.0

    def units(self, arm):
        return self.told[arm.id].units[:self.most]

    def why_none(self, arm):
        told = self.told[arm.id]
        if told.failure:
            return f"the diagnostic boot failed: {told.failure}"
        return "" if told.units else "the diagnostic boot told of no unit"

    def end(self):
        """The longest thing on the scale."""
        ends = [self.bars.mean_total(arm.id) for arm in self.arms if self.has_bar(arm)]
        ends += [self.left(arm, unit) + unit.seconds for arm in self.arms for unit in self.units(arm)]
        return max(ends, default=0.0) or 1.0

    def starts(self):
        """Whether units are drawn whose start is known, and whose is not."""
        known = [self.start(arm, unit) is not None for arm in self.arms for unit in self.units(arm)]
        return any(known), not all(known)


def _caption(timeline):
    if timeline.with_boots:
        boots = "The thick bars are the arithmetic means of each arm's boot phases, one after the other, all on one scale. "
        where = "where systemd takes over (the start of the userspace phase), or from zero where that was not measured"
    else:
        boots, where = "", "zero, where systemd takes over"
    return (f"{boots}The thin bars are the longest units of one more boot of the arm, which is no sample: asking systemd costs time, and the times are "
            f"its own clock's. A full thin bar stands where the unit began by systemd's critical chain; of an open one only the length is known, "
            f"and it is drawn from {where}.")


def _text_rows(timeline):
    bars = timeline.bars
    for arm in timeline.arms:
        left = 0.0
        for phase, mean in zip(bars.phases, bars.means[arm.id]) if timeline.has_bar(arm) else ():
            yield arm.label, f"phase: {phase.label}", words.number(left), words.number(mean)
            left += mean
        if timeline.has_bar(arm):
            yield arm.label, "whole boot, mean", "0", words.number(bars.mean_total(arm.id))
        for unit in timeline.told[arm.id].units:
            start = timeline.start(arm, unit)
            yield arm.label, unit.name, "not known" if start is None else words.number(start), words.number(unit.seconds)
        if timeline.why_none(arm):
            yield arm.label, timeline.why_none(arm), "", ""
        if timeline.told[arm.id].summary:
            yield arm.label, f"systemd: {timeline.told[arm.id].summary}", "", ""


def _marks(timeline):
    """Each piece of a thick bar, and each unit, drawn or not; a unit without a start has none."""
    yield "mark", "arm", "name", "begin_s", "length_s"
    bars = timeline.bars
    for arm in timeline.arms:
        if timeline.has_bar(arm):
            left = 0.0
            for phase, mean in zip(bars.phases, bars.means[arm.id]):
                yield "phase", arm.id, phase.id, left, mean
                left += mean
            yield "boot", arm.id, "total", 0.0, bars.mean_total(arm.id)
        for unit in timeline.told[arm.id].units:
            start = timeline.start(arm, unit)
            yield "unit", arm.id, unit.name, "" if start is None else start, unit.seconds


# --- drawing -------------------------------------------------------------------------------------


def _draw(report, timeline, canvas):
    colours = style.phase_colours(timeline.bars.phases)
    known, unknown = timeline.starts()
    entries = boot_phases.legend_entries(timeline.bars, colours) if timeline.with_boots else []
    entries += [("unit, where it began", _unit_mark(True))] * known + [("unit, start not known", _unit_mark(False))] * unknown
    legend = style.Legend(canvas, entries)
    above_in = _ABOVE_IN if canvas.narrow else 0.0
    rows_in = sum(_height(timeline, arm, above_in) for arm in timeline.arms)
    label_in = 0.06 if canvas.narrow else _label_width(timeline)
    width_in = canvas.width - label_in - 0.04
    top = style.stamp_height(report) + legend.height + 0.06
    made = canvas.figure(top + rows_in + _AXIS_IN)
    style.stamp(made, canvas, report)
    legend.draw(made, style.stamp_height(report))
    axes = style.place_axes(made, label_in, top, width_in, rows_in)
    end = timeline.end()
    axes.set_xlim(0, end * width_in / (width_in - _NUMBER_IN))
    axes.set_ylim(rows_in, 0)
    axes.xaxis.grid(True, zorder=0)
    axes.set_axisbelow(True)
    axes.set_yticks([])
    axes.xaxis.set_major_locator(ticker.MaxNLocator(5 if canvas.narrow else 8, steps=[1, 2, 5, 10]))
    # A unit that hung must not turn the numbers into multiples of some power of ten.
    axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel("time since the guest started running (s)" if timeline.with_boots else "time since systemd took over (s)")
    sheet = _Sheet(axes, canvas, width_in, label_in, above_in)
    labels = style.arm_labels(report, width_in if canvas.narrow else label_in - 0.12)
    y = 0.0
    for arm in timeline.arms:
        _arm(sheet, timeline, arm, labels[arm.id], colours, y + _GAP_IN / 2, end)
        y += _height(timeline, arm, above_in)
        if arm is not timeline.arms[-1]:
            axes.plot([0, 1], [y, y], color=style.RULE, linewidth=0.6, transform=axes.get_yaxis_transform())
    return made


def _height(timeline, arm, above_in):
    lines = len(timeline.units(arm)) + (1 if timeline.why_none(arm) else 0)
    return _GAP_IN + (above_in + _ARM_IN if timeline.has_bar(arm) else _UNIT_IN) + lines * (above_in + _UNIT_IN)


def _label_width(timeline):
    widths = [style.text_width(arm.label) for arm in timeline.arms]
    widths += [style.text_width(unit.name, style.SMALL_PT) for arm in timeline.arms for unit in timeline.units(arm)]
    return min(_LABEL_IN, 0.2 + max(widths))


class _Sheet:
    """Where labels go: left of the row, or above it on a narrow canvas."""

    def __init__(self, axes, canvas, width_in, label_in, above_in):
        self.axes = axes
        self.narrow = canvas.narrow
        self.width_in = width_in
        self.label_in = label_in
        self.above_in = above_in
        self.across = axes.get_yaxis_transform()

    def label(self, text, y, middle, size, colour):
        """`y`: the upper edge of the row, label included; `middle`: of what is drawn in it."""
        if self.narrow:
            # A patch of paper, so that grid lines do not run through the words.
            self.axes.text(0, y + self.above_in / 2, style.fit(text, self.width_in, size), size=size, color=colour, transform=self.across,
                           va="center_baseline", zorder=4, bbox={"facecolor": style.PAPER, "edgecolor": "none", "pad": 0.8})
        else:
            self.axes.text(-0.1 / self.width_in, middle, style.fit(text, self.label_in - 0.12, size), size=size, color=colour,
                           transform=self.across, ha="right", va="center_baseline")


def _arm(sheet, timeline, arm, label, colours, y, end):
    axes = sheet.axes
    if timeline.has_bar(arm):
        middle = y + sheet.above_in + _ARM_IN / 2 - 0.02
        sheet.label(label, y, middle, style.BASE_PT, style.INK)
        left = boot_phases.draw_pieces(axes, timeline.bars, arm, colours, middle, end, _BAR_IN)
        _number(axes, left, middle, timeline.bars.mean_total(arm.id), style.BASE_PT, style.INK, "bold")
        y += sheet.above_in + _ARM_IN
    else:
        sheet.label(label, y, y + _UNIT_IN / 2, style.BASE_PT, style.INK)
        y += _UNIT_IN
    for unit in timeline.units(arm):
        # Below a label of its own, a bar is nearer to it than to the next one.
        middle = y + sheet.above_in + (0.065 if sheet.narrow else _UNIT_IN / 2)
        sheet.label(unit.name, y, middle, style.SMALL_PT, style.MUTED)
        left = timeline.left(arm, unit)
        axes.add_patch(_unit_bar(left, middle, unit.seconds, timeline.start(arm, unit) is not None))
        _number(axes, left + unit.seconds, middle, unit.seconds, style.SMALL_PT, style.MUTED, "normal")
        y += sheet.above_in + _UNIT_IN
    if timeline.why_none(arm):
        axes.text(0.01, y + sheet.above_in / 2 + _UNIT_IN / 2, style.fit(timeline.why_none(arm), sheet.width_in - 0.1, style.SMALL_PT),
                  size=style.SMALL_PT, color=style.MUTED, style="italic", transform=sheet.across, va="center_baseline")


def _number(axes, x, y, seconds, size, colour, weight):
    axes.annotate(words.number(seconds), (x, y), xytext=(5, 0), textcoords="offset points", size=size, color=colour, weight=weight,
                  va="center_baseline", annotation_clip=False)


def _unit_bar(left, middle, length, known, height=_UNIT_BAR_IN):
    return patches.Rectangle((left, middle - height / 2), length, height, facecolor=style.MUTED if known else style.PAPER,
                             edgecolor=style.MUTED, linewidth=0.8, zorder=3)


def _unit_mark(known):
    def draw(axes, x, y):
        axes.add_patch(_unit_bar(x - 0.06, y, 0.12, known, 0.07))
    return draw

# SPDX-License-Identifier: MIT
"""Bytes on disk by the number of users: what was measured, and what follows from it for more of them."""

import numpy

import growth
import page_growth
from plots import style, ticks
from plots.plot import Plot
from words import bytes_words

_PANEL_IN = 3.2
_AXIS_IN = 0.5
_LEFT_IN = 0.78
_LEAST_USERS, _STEPS = 1, 121
_MOST_BANDS = 6  # more of them hide each other
_BAND_WORDS = " The band goes from the user who takes least to the one who takes most."
_UNITS = tuple((f"{factor} {unit}", factor * size) for unit, size in (("KiB", 2**10), ("MiB", 2**20), ("GiB", 2**30), ("TiB", 2**40), ("PiB", 2**50))
               for factor in (1, 4, 16, 64, 256))


def plots(report, looks):
    told = growth.disk_rows(report)
    if not any(row.total(1) > 0 for row in told):
        return []
    words = page_growth.disk(report)
    return [Plot(
        name="storage-growth", title="Disk space by the number of users",
        caption="Bytes on disk = shared + users × bytes of one user; both scales logarithmic, lower is better. The mark stands at the number of users that were "
                "measured; up to it the line is solid, beyond it dashed: modelled." + (_BAND_WORDS if _banded(told) else ""),
        data="storage_growth.arms[]", header=words["header"], rows=words["rows"], draw=lambda canvas: _draw(report, looks, canvas), marks=_marks(report))]


def _banded(rows):
    return len(rows) <= _MOST_BANDS and any(row.per_user_range and row.per_user_range[0] < row.per_user_range[1] for row in rows)


def _marks(report):
    rows = [("arm", "users", "bytes", "least", "most", "kind")]
    for row in growth.disk_rows(report):
        for count in sorted({*report.storage_growth.users, row.measured_users}):
            kind = "measured" if count == row.measured_users else "modelled"
            rows.append((row.arm, count, row.total(count), *(row.span(count) or ("", "")), kind))
    return tuple(rows)


def _draw(report, looks, canvas):
    told = report.storage_growth
    rows = [row for row in growth.disk_rows(report) if row.total(1) > 0]
    shown = [arm for arm in report.arms if any(row.arm == arm.id for row in rows)]
    if report.dimension:  # colours of the few that are shown, not of all places
        looks = style.looks(shown)
    names = style.arm_labels(report, canvas.width - 0.25, style.SMALL_PT)
    legend = style.Legend(canvas, [(names[arm.id], style.arm_mark(looks[arm.id])) for arm in shown])
    head = style.stamp_height(report) + legend.height + 0.12
    made = canvas.figure(head + _PANEL_IN + _AXIS_IN)
    style.stamp(made, canvas, report)
    legend.draw(made, style.stamp_height(report))
    axes = style.place_axes(made, _LEFT_IN, head, canvas.width - _LEFT_IN - 0.2, _PANEL_IN)
    most = max([told.users[-1], 1000] + [row.measured_users for row in rows])
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(_LEAST_USERS / 1.15, most * 1.15)
    low, high = min(row.total(1) for row in rows), max(row.total(most) for row in rows)
    air = max((high / low)**0.06, 1.3)
    axes.set_ylim(low / air, high * air)
    _ticks(axes, most, low / air, high * air)
    axes.yaxis.grid(True)
    axes.set_axisbelow(True)
    axes.set_xlabel("users")
    for row in rows:
        _line(axes, row, looks[row.arm], most, _banded(rows))
    return made


def _line(axes, row, look, most, banded):
    users = numpy.geomspace(_LEAST_USERS, most, _STEPS)
    if banded and row.per_user_range:
        spans = [row.span(count) for count in users]
        axes.fill_between(users, [max(span[0], 1e-9) for span in spans], [max(span[1], 1e-9) for span in spans], color=look.colour, alpha=0.13, linewidth=0, zorder=1)
    for part, dashes, width in (([count for count in users if count < row.measured_users] + [row.measured_users], "solid", 1.8),
                                ([row.measured_users] + [count for count in users if count > row.measured_users], (0, (4, 2)), 1.1)):
        if len(part) > 1:
            axes.plot(part, [row.total(count) for count in part], color=look.colour, linewidth=width, linestyle=dashes, zorder=2)
    axes.plot([row.measured_users], [row.total(row.measured_users)], zorder=3, **style.point(look, 6))


def _ticks(axes, most, low, high):
    counts = [10**exponent for exponent in range(13) if 10**exponent <= most]
    axes.set_xticks(counts, [f"{count:,}".replace(",", "\u202f") if count < 10**5 else ticks.plain(count) for count in counts])
    shown = [(label, size) for label, size in _UNITS if low <= size <= high]
    while len(shown) > 7:
        shown = shown[::2]
    if not shown:
        shown = [(bytes_words(low), low)]
    axes.set_yticks([size for _, size in shown], [label for label, _ in shown])
    axes.minorticks_off()

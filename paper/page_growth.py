# SPDX-License-Identifier: MIT
"""Words of growth, disk by users and upgrades: tables of the page and of its figures. No HTML here."""

import fitting
import growth
from words import bytes_words, number, percent, plural

FIT_HEADER = ("series", "curve", "slope per unit, of the line (90 %)", "exponent, of the power (90 %)", "scatter around it", "R²", "samples at places")


def context(report):
    """Everything the template needs: tables of fits, disk, upgrades; each None without data."""
    charts = [("", chart) for chart in growth.dimension_charts(report)] + [("layers", chart) for chart in growth.layer_charts(report)]
    return {
        "axis": axis(report), "rule": fitting.RULE, "fit_header": FIT_HEADER,
        "fits": [{"title": chart.title + (", by the number of lower layers" if kind else ""), "unit": chart.unit, "rows": fit_rows(chart)} for kind, chart in charts],
        "disk": disk(report), "upgrades": upgrades(report),
    }


def ends(report):
    """A table of what each series was at the first and at the last of its places, a row for each quantity; None without a dimension."""
    charts = growth.dimension_charts(report)
    if not charts:
        return None
    labels = tuple(dict.fromkeys(curve.label for chart in charts for curve in chart.curves))
    places = sorted({mean[0] for chart in charts for curve in chart.curves for mean in curve.means})
    span = (places[0], places[-1])
    return {"axis": f"{axis(report)}: {span[0]:g} → {span[1]:g}", "labels": labels, "rows": tuple(_ends_row(chart, labels, span) for chart in charts)}


def _ends_row(chart, labels, span):
    curves = {curve.label: curve for curve in chart.curves}
    return {"title": chart.title, "unit": chart.unit, "cells": tuple(_ends_cell(curves.get(label), span) for label in labels)}


def _ends_cell(curve, span):
    """The places are told where they are not those of the span."""
    if curve is None or curve.places() < 2:
        return "–"
    ends = (curve.means[0], curve.means[-1])
    told = " → ".join(number(mean[1]) for mean in ends)
    return told if (ends[0][0], ends[1][0]) == span else f"{told} ({ends[0][0]:g} → {ends[1][0]:g})"


def axis(report):
    dimension = report.dimension
    if dimension is None:
        return ""
    return f"{dimension.label}, {dimension.unit}" if dimension.unit else dimension.label


def fit_rows(chart):
    return tuple(_fit_row(curve) for curve in chart.curves)


def _fit_row(curve):
    counted = f"{len(curve.samples)} at {curve.places()}"
    if curve.fit is None:
        return (curve.label, f"none: {curve.why}", "", "", "", "", counted)
    fit = curve.fit
    exponent = f"{signed(fit.exponent)} ({signed(fit.exponent_interval[0])} to {signed(fit.exponent_interval[1])})" if fit.exponent is not None else ""
    return (curve.label, formula(fit), f"{signed(fit.slope)} ({signed(fit.slope_interval[0])} to {signed(fit.slope_interval[1])})", exponent,
            percent(fit.residual), f"{fit.r_squared:.3f}" if fit.r_squared is not None and fit.model != "constant" else "", counted)


def formula(fit):
    """The chosen curve as a reader writes it."""
    first = fit.parameters[0]
    if fit.model == "constant":
        return f"constant: {number(first)}"
    if fit.model == "power":
        return f"power: {number(first)} · x^{fit.parameters[1]:.2f}"
    slope = fit.parameters[1]
    if abs(first) < 1e-9 * abs(slope):
        first = 0.0
    return f"linear: {number(first)} {'+' if slope >= 0 else '−'} {number(abs(slope))} x"


def signed(value):
    """With a true minus, and no noise of a computer's arithmetic."""
    if abs(value) < 1e-12:
        return "0"
    return ("−" if value < 0 else "") + number(abs(value))


# --- disk ----------------------------------------------------------------------------------------


def baseline(report):
    """What savings are counted against: the monolithic arm, else the one that takes most for the most users."""
    rows = growth.disk_rows(report)
    whole = [row for row in rows if report.arm(row.arm).layout == "monolithic"]
    return whole[0] if whole else max(rows, key=lambda row: row.total(report.storage_growth.users[-1]))


def disk(report):
    if report.storage_growth is None or not report.storage_growth.rows:
        return None
    told, rows = report.storage_growth, growth.disk_rows(report)
    against = baseline(report)
    header = ("arm", "shared, once", "per user (least to most)", "measured") + tuple(plural(count, "user") for count in told.users) + ("saved",)
    return {"header": header, "rows": tuple(_disk_row(report, row, against) for row in rows), "against": report.arm(against.arm).label,
            "users": told.users[-1],
            "images": tuple((report.arm(row.arm).label, "; ".join(f"{name} {bytes_words(size)}" for name, size in row.images))
                            for row in rows if row.images)}


def _disk_row(report, row, against):
    users = report.storage_growth.users
    span = ""
    if row.per_user_range and row.per_user_range[0] != row.per_user_range[1]:
        span = f" ({bytes_words(row.per_user_range[0])} to {bytes_words(row.per_user_range[1])})"
    whole = against.total(users[-1])
    if row.arm == against.arm:
        saved = "what is compared with"
    elif whole <= 0:
        saved = "not known"
    else:
        share = 1 - row.total(users[-1]) / whole
        saved = percent(share) if share >= 0 else f"takes {percent(-share)} more"
    return (report.arm(row.arm).label, bytes_words(row.shared_bytes), bytes_words(row.per_user_bytes) + span, plural(row.measured_users, "user"),
            *(bytes_words(row.total(count)) for count in users), saved)


# --- upgrades ------------------------------------------------------------------------------------


def upgrades(report):
    """Cells of a table: (arm, possible, tone, [(label, text, tone)], failures)."""
    if not report.upgrades:
        return None
    return [_upgrade(report, row) for row in report.upgrades]


UPGRADE_HEADER = ("Arm", "Possible", "Exchange, one user", "Moved per user", "Boots afterwards", "Overrides kept", "Updates seen", "File system clean")


def _upgrade(report, row):
    arm = report.arm(row.arm)
    if not row.possible:
        return {"id": arm.id, "arm": arm.label, "possible": False, "why": row.why or "no reason recorded", "cells": [], "failures": row.failures}
    clean = _part(row.file_system_clean, row.of) if row.file_system_clean is not None else ("not checked", "")
    moved = bytes_words(row.bytes_per_user) if row.bytes_per_user is not None else "not measured"
    cells = [(_seconds(row.exchange_s), ""), (moved, ""), _part(row.booted, row.of), _part(row.overrides_kept, row.of), _part(row.updates_seen, row.of), clean]
    named = [{"label": label, "text": text, "tone": tone} for label, (text, tone) in zip(UPGRADE_HEADER[2:], cells)]
    return {"id": arm.id, "arm": arm.label, "possible": True, "why": row.why, "cells": named, "failures": row.failures}


def _seconds(values):
    if not values:
        return "not measured"
    middle = sorted(values)[len(values) // 2] if len(values) % 2 else sum(sorted(values)[len(values) // 2 - 1:len(values) // 2 + 1]) / 2
    return f"{number(middle)} s" + (f" ({number(min(values))} to {number(max(values))})" if len(values) > 1 else "")


def _part(count, whole):
    if not whole:
        return "not tried", ""
    return (f"✓ {count}/{whole}", "good") if count == whole else (f"✗ {count}/{whole}", "bad")

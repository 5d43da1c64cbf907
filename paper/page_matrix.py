# SPDX-License-Identifier: MIT
"""Words of the comparison matrix: arms as columns, metrics, promises and limits as rows. No HTML here."""

import matrix
import model
from words import plural, ratio

SIGNS = {-3: "▼▼▼", -2: "▼▼", -1: "▼", 0: "·", 1: "▲", 2: "▲▲", 3: "▲▲▲"}
MARKS = {"best": "★", "tie": "☆", "": ""}
MARK_WORDS = {"best": "best of the row", "tie": "ties for best of the row", "": ""}
_STATE_WORDS = {"failed": "failed", "refused": "cannot", "missing": "none", "reference": "1"}
TRAITS = {"copy-up": "Copies up what is written", "whiteouts": "Reads a user image's deletions", "root": "Carries a guest's root"}


def context(report, arms):
    """Everything the template needs, for the columns of `arms`; marks are those among all arms."""
    reasons = _Reasons(report)
    groups = [_group(family, rows, arms, reasons) for family, rows in matrix.families(report)]
    detail = [_group(family, rows, arms, reasons) for family, rows in matrix.families(report, detail=True)]
    return {"columns": arms, "groups": groups, "detail": detail, "capabilities": capabilities(report, arms), "reasons": reasons.listed(), "rule": matrix.RULE,
            "legend": [(tone(step), sign, told) for step, sign, told in legend()]}


def legend():
    """[(step, sign, words)] from much better to much worse."""
    near, small, large = (f"×{edge:g}" for edge in matrix.STEPS)
    words = {0: f"within {near}", 1: f"by {near} to {small}", 2: f"by {small} to {large}", 3: f"by {large} or more"}
    return [(step, SIGNS[step], ("worse " if step > 0 else "better " if step < 0 else "") + words[abs(step)]) for step in sorted(SIGNS)]


class _Reasons:
    """Why cells are without a figure, each reason once, with a number to find it by."""

    def __init__(self, report):
        self._report = report
        self._found = {}

    def number(self, cell, metric):
        place = self._found.setdefault((cell.arm, cell.state, cell.why), [])
        place.append(metric.label)
        return list(self._found).index((cell.arm, cell.state, cell.why)) + 1

    def listed(self):
        return [{"number": index, "arm": self._report.arm(arm).label, "state": _STATE_WORDS[state], "why": why,
                 "metrics": metrics} for index, ((arm, state, why), metrics) in enumerate(self._found.items(), 1)]


def _group(family, rows, arms, reasons):
    shown = {arm.id for arm in arms}
    return model.FAMILY_TITLES.get(family, family), [
        {"metric": row.metric, "all_tie": row.all_tie, "cells": [_cell(row.metric, cell, reasons) for cell in row.cells if cell.arm in shown]} for row in rows]


def _cell(metric, cell, reasons):
    if cell.ratio is None:
        return {"text": _STATE_WORDS[cell.state], "interval": "", "sign": "", "tone": "none", "mark": "", "note": reasons.number(cell, metric), "title": cell.why}
    if cell.state == "reference":
        words = "the reference" + (f"; {MARK_WORDS[cell.mark]}" if cell.mark else "")
        return {"text": "1", "interval": "reference", "sign": "", "tone": "reference", "mark": MARKS[cell.mark], "note": 0, "title": words}
    interval = f"{ratio(cell.interval[0])}–{ratio(cell.interval[1])}" if cell.interval else "no interval"
    told = [MARK_WORDS[cell.mark], "the interval includes 1" if cell.covers_one() else "", cell.why]
    return {"text": ratio(cell.ratio), "interval": interval, "sign": SIGNS[cell.step], "tone": tone(cell.step), "mark": MARKS[cell.mark], "note": 0,
            "title": "; ".join(part for part in told if part)}


def tone(step):
    return "near" if step == 0 else f"{'worse' if step > 0 else 'better'}-{abs(step)}"


# --- beside speed --------------------------------------------------------------------------------


def capabilities(report, arms):
    """[(title, [(label, [cell])])] of promises, limits, upgrades and failures."""
    groups = []
    if report.promises:
        groups.append(("Promises, held of tried", [(promise.label, [_promise(promise.arms.get(arm.id)) for arm in arms]) for promise in report.promises]))
    limits = _limits(report, arms)
    if limits:
        groups.append(("What the engine cannot do", limits))
    if report.upgrades:
        groups.append(("System image exchanged under users", [("Every user boots, keeps theirs and sees what is new", [_upgrade(report, arm) for arm in arms])]))
    groups.append(("Failures", [("Samples that failed", [_failures(report, arm) for arm in arms])]))
    return groups


def _plain(text, tone="", title=""):
    return {"text": text, "tone": tone, "title": title}


def _promise(cell):
    if cell is None or not cell.of:
        return _plain("–", "none", "not run")
    held = f"{cell.held}/{cell.of}"
    if cell.held == cell.of:
        return _plain(f"✓ {held}", "good", "held" if cell.expected else "held, though this layout does not promise it")
    if not cell.expected:
        return _plain(f"○ {held}", "none", "lacking, as expected of this layout")
    return _plain(f"✗ {held}", "bad", "promised, and did not hold" + (f": {cell.detail}" if cell.detail else ""))


def _limits(report, arms):
    """A row for each trait that some engine lacks; on a host, also for the cases that were skipped."""
    traits = list(dict.fromkeys(trait for engine in report.engines for trait, _ in engine.cannot))
    rows = [(TRAITS.get(trait, trait), [_trait(limits_of(report, arm), trait) for arm in arms]) for trait in traits]
    if report.host and report.host.skipped:
        rows.append(("Cases it cannot run", [_skipped(report, arm) for arm in arms]))
    return rows


def limits_of(report, arm):
    """{trait: why}, or None of an engine that the document does not describe."""
    engine = next((engine for engine in report.engines if engine.name == arm.engine), None)
    return dict(engine.cannot) if engine else None


def _trait(limits, trait):
    if limits is None:
        return _plain("–", "none", "not described")
    return _plain("✗ no", "bad", limits[trait]) if trait in limits else _plain("✓", "good", "can")


def _skipped(report, arm):
    why = [reason for skipped, _, reason in report.host.skipped if skipped == arm.id]
    return _plain(f"✗ {plural(len(why), 'case')}", "bad", "; ".join(dict.fromkeys(why))) if why else _plain("✓ none", "good")


def _upgrade(report, arm):
    row = next((row for row in report.upgrades if row.arm == arm.id), None)
    if row is None or (row.possible and not row.of):
        return _plain("–", "none", "not tried")
    if not row.possible:
        return _plain("✗ cannot", "bad", row.why)
    return _plain("✓ yes", "good") if row.complete() else _plain("✗ not all", "bad", "; ".join(row.failures))


def _failures(report, arm):
    samples = [sample for sample in report.samples if sample.arm == arm.id]
    failed = sum(1 for sample in samples if not sample.ok)
    if not samples:
        return _plain("–", "none", "no sample yet")
    return _plain(f"✗ {failed}/{len(samples)}", "bad", "see Failures") if failed else _plain(f"✓ 0/{len(samples)}", "good")

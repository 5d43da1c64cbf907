# SPDX-License-Identifier: MIT
"""Every arm in every metric against the reference: cells, how large they are, and which is best. Pure; no words of the page.

Ratios are the document's: above 1 the arm is worse, whatever the metric's own direction.
"""

import dataclasses
import math
from typing import Optional

# How far from 1 a ratio begins to count as small, middling, large.
STEPS = (1.02, 1.10, 1.50)
RULE = ("In each row the best is the arm of the lowest ratio, and every arm whose 90 % interval overlaps that one's interval ties with it; the reference "
        "counts as exactly 1. ★ marks an arm that is best alone, ☆ those that tie. Where all tie, and in rows with fewer than two intervals, nothing is marked; "
        "an arm without an interval is never marked, nor are controls, nor the arms of a run that stand at different places of an axis.")
# Families first in this order; those not named here come after, then these last ones, which are parts or by-products of others.
_FIRST = ("boot", "fio-path", "fio-app", "fio-", "program", "host-metadata", "host-data", "host-copy-up", "host-layers", "host-boot", "icount-", "shutdown",
          "memory", "storage")
_DETAIL = ("boot-phase", "host-cpu", "setup")


@dataclasses.dataclass(frozen=True)
class Cell:
    arm: str
    ratio: Optional[float]
    interval: Optional[tuple]
    step: int        # -3 much better ... 3 much worse; 0 near 1, or without a ratio
    mark: str        # "best", "tie" or ""
    state: str       # "ratio", "reference", "failed", "refused", "missing"
    why: str         # there is no ratio, or samples of it failed

    def covers_one(self):
        return self.interval is not None and self.interval[0] <= 1 <= self.interval[1]


@dataclasses.dataclass(frozen=True)
class Row:
    metric: object   # model.Metric
    cells: tuple
    all_tie: bool


def families(report, detail=False):
    """[(family, [Row])]; `detail`: the families that are parts of others, instead of the rest."""
    names = [family for family in report.families() if (family in _DETAIL) == detail]
    names.sort(key=lambda family: (_place(family), report.families().index(family)))
    return [(family, [row(report, metric) for metric in report.metrics if metric.family == family]) for family in names]


def _place(family):
    if family in _FIRST:
        return _FIRST.index(family)
    return next((index for index, start in enumerate(_FIRST) if family.startswith(start)), len(_FIRST))


def row(report, metric):
    cells = [_cell(report, metric, arm) for arm in report.arms]
    return _marked(report, metric, cells)


def step(ratio):
    """-3 to 3: how far the ratio is from 1, and to which side."""
    size = max(ratio, 1 / ratio)
    found = sum(1 for edge in STEPS if size >= edge)
    return found if ratio > 1 else -found


def _cell(report, metric, arm):
    if arm.reference:
        state, why = ("reference", "") if report.values(arm.id, metric.id) else _missing(report, metric, arm)
        return Cell(arm.id, 1.0 if state == "reference" else None, None, 0, "", state, why)
    compared = report.comparison(metric.id, arm.id)
    if compared is None or compared.ratio is None:
        return Cell(arm.id, None, None, 0, "", *_missing(report, metric, arm))
    failed = sum(1 for sample in report.samples if sample.arm == arm.id and not sample.ok)
    why = f"{failed} of the arm's samples failed" if failed else ""
    return Cell(arm.id, compared.ratio, compared.ci90, step(compared.ratio), "", "ratio", why)


def _missing(report, metric, arm):
    """(state, why) of a cell without a ratio."""
    samples = [sample for sample in report.samples if sample.arm == arm.id]
    case = next((case for case in report.host.cases if metric.id in (case.metric, case.cpu_metric)), None) if report.host else None
    if case:
        failed, refused = (report.host.reason(told, arm.id, case.id) for told in (report.host.failed, report.host.skipped))
        if failed or refused:
            return ("failed", failed) if failed else ("refused", refused)
    if not samples:
        return "missing", "no sample yet"
    if not any(metric.id in sample.metrics for sample in samples):
        failure = next((sample.failure for sample in samples if sample.failure), None)
        if failure:
            return "failed", f"during {failure.phase}: {failure.reason}"
        return "missing", "not measured"
    reference = report.reference()
    if reference is None:
        return "missing", "the run has no reference"
    if not report.values(reference.id, metric.id):
        return "missing", f"the reference, {reference.label}, has no value"
    return "missing", "no block has a value of both the arm and the reference"


def _marked(report, metric, cells):
    competing = [(cell, (1.0, 1.0) if cell.state == "reference" else cell.interval) for cell in cells
                 if cell.ratio is not None and (cell.interval or cell.state == "reference") and not report.arm(cell.arm).control]
    if len(competing) < 2 or report.dimension is not None:
        return Row(metric, tuple(cells), False)
    best, tied = leaders([(cell.arm, cell.ratio, interval) for cell, interval in competing])
    if len(tied) == len(competing) - 1:
        return Row(metric, tuple(cells), True)
    marks = {best: "tie" if tied else "best", **{arm: "tie" for arm in tied}}
    return Row(metric, tuple(dataclasses.replace(cell, mark=marks.get(cell.arm, "")) for cell in cells), False)


def leaders(competing, least_lead=0.0):
    """(best, those that tie with it) of [(name, ratio, interval)]: overlap, or a lead below `least_lead`, is a tie."""
    best, ratio, interval = min(competing, key=lambda one: one[1])
    tied = [name for name, other, bounds in competing if name != best
            and (bounds[0] <= interval[1] or math.log(other / ratio) < math.log1p(least_lead))]
    return best, tied

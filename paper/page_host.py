# SPDX-License-Identifier: MIT
"""Words and rows of the page of an experiment on the host: engines side by side, without guests. No HTML here.

Ratios on this page are relative speeds, the way people speak of file systems: above 1 is faster than the reference. The document's
own ratios are turned for that.
"""

import math
import statistics

import model
import page
from words import number, plural

GROUPS = {group: model.FAMILY_TITLES[f"host-{group}"] for group in model.HOST_GROUPS}


def context(report, figures, input_name):
    """Everything the template needs; see page.context."""
    made = page.context(report, figures, input_name)
    arms = [arm for arm in report.arms if not arm.reference]
    made.update({"headline": _headline(report), "columns": arms,
                 "groups": _groups(report, arms, lambda case: case.metric, relative_speed),
                 "cpu_groups": _groups(report, arms, lambda case: case.cpu_metric, multiple),
                 "skipped": _reasons(report, report.host.skipped), "failed_cases": _reasons(report, report.host.failed)})
    return made


def relative_speed(row):
    """(median, low, high) of a comparison, above 1 is faster; low and high None without an interval; None without pairs."""
    return _turned(row, -1)


def multiple(row):
    """The same for what costs: above 1 is more."""
    return _turned(row, 1)


def _turned(row, sign):
    if row is None or not row.pairs:
        return None
    median = math.exp(statistics.median(sign * value for _, value in row.pairs))
    if row.ci90 is None:
        return median, None, None
    bounds = sorted(bound**sign for bound in row.ci90)
    return median, bounds[0], bounds[1]


def _headline(report):
    blocks = report.run.blocks_done
    failed = len(report.failed())
    facts = [plural(len(report.arms), "arm"), plural(len(report.host.cases), "case"), plural(blocks, "block") if blocks is not None else "",
             "no failure" if not failed else plural(failed, "sample") + " with a failure"]
    return [fact for fact in facts if fact]


def _groups(report, arms, metric_of, turn):
    """[(title, [(case, reference's median, [cell])])] in the order of the cases."""
    groups = {}
    for case in report.host.cases:
        metric = report.metric(metric_of(case))
        cells = [_cell(report, case, arm, turn(report.comparison(metric.id, arm.id))) for arm in arms]
        groups.setdefault(case.group, []).append((case, _reference(report, metric), cells))
    return [(GROUPS[group], rows) for group, rows in groups.items()]


def _reference(report, metric):
    reference = report.reference()
    values = report.values(reference.id, metric.id) if reference else []
    return f"{number(statistics.median(values))} {metric.unit}" if values else "no sample"


def _cell(report, case, arm, speed):
    failed = report.host.reason(report.host.failed, arm.id, case.id)
    skipped = report.host.reason(report.host.skipped, arm.id, case.id)
    if speed is None:
        word = "failed" if failed else "skipped" if skipped else "not measured"
        return {"label": arm.label, "text": word, "interval": "", "why": failed or skipped, "tone": "bad" if failed else "none"}
    interval = f"{number(speed[1])} to {number(speed[2])}" if speed[1] is not None else "no interval"
    return {"label": arm.label, "text": number(speed[0]), "interval": interval, "why": f"failed in a block: {failed}" if failed else "",
            "tone": "bad" if failed else ""}


def _reasons(report, told):
    """[(arm label, reason, [case id])], equal reasons of an arm together."""
    merged = {}
    for arm, case, why in told:
        merged.setdefault((report.arm(arm).label, why), []).append(case)
    return [(arm, why, cases) for (arm, why), cases in merged.items()]

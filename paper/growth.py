# SPDX-License-Identifier: MIT
"""Series of arms along the run's dimension, and cases by their number of layers, with the growth fitted to each. Pure."""

import dataclasses
import math
from typing import Optional

import fitting

# Families whose growth is of interest; set-up on the host and parts of a boot are not.
_FAMILIES = ("boot", "shutdown", "memory", "storage", "icount-boot", "icount-load")
_FAMILY_STARTS = ("fio-", "program")
LAYER_KINDS = {"find": "find over everything", "tree": "list a tree of all layers", "negative": "names that no layer has"}


@dataclasses.dataclass(frozen=True)
class Curve:
    """One series of one quantity."""
    label: str
    arms: tuple               # ids, by their place
    samples: tuple            # of (at, value, arm id, block)
    means: tuple              # of (at, mean, low, high); geometric where it can be; low and high None of a single sample
    fit: Optional[fitting.Fit]
    why: str                  # there is no fit

    def places(self):
        return len(self.means)


@dataclasses.dataclass(frozen=True)
class Chart:
    """One quantity over one axis."""
    name: str
    title: str
    unit: str
    higher_is_better: bool
    curves: tuple


def series(report):
    """{label: (arms by place)}: arms of one layout, engine, options and series. Controls repeat the reference and stay out."""
    found = {}
    for arm in report.arms:
        if arm.at is not None and not arm.control:
            label = ", ".join(part for part in (arm.layout, arm.engine, arm.options, arm.series) if part)
            found.setdefault(label or arm.label, []).append(arm)
    return {label: tuple(sorted(arms, key=lambda arm: arm.at)) for label, arms in found.items()}


def disk_rows(report):
    """The report's rows of disk use. Of a strategy that was measured at several places its last speaks."""
    told = report.storage_growth
    if told is None or report.dimension is None:
        return told.rows if told else ()
    passed = set()
    for arms in series(report).values():
        passed.update([arm.id for arm in arms if told.of(arm.id)][:-1])
    return tuple(row for row in told.rows if row.arm not in passed)


def dimension_charts(report):
    """A chart for each metric that some series was measured in at two places or more."""
    if report.dimension is None:
        return []
    charts = []
    for metric in report.metrics:
        if metric.family not in _FAMILIES and not metric.family.startswith(_FAMILY_STARTS):
            continue
        curves = [_curve(report, label, [(arm.at, arm.id, metric.id) for arm in arms]) for label, arms in series(report).items()]
        curves = tuple(curve for curve in curves if curve.places())
        if any(curve.places() > 1 for curve in curves):
            charts.append(Chart(metric.id, metric.label, metric.unit, metric.higher_is_better, curves))
    return charts


def layer_charts(report):
    """A chart for each kind of case that a host was measured in at three numbers of layers or more."""
    if report.host is None:
        return []
    kinds = {}
    for case in report.host.cases:
        if case.group == "layers":
            kinds.setdefault(case.id.rsplit("-", 1)[-1], []).append(case)
    charts = []
    for kind, cases in kinds.items():
        labels = [arm.label for arm in report.arms]
        curves = [_curve(report, arm.label if labels.count(arm.label) == 1 else f"{arm.label} ({arm.id})",
                         [(case.layers, arm.id, case.metric) for case in cases], positive=True) for arm in report.arms]
        curves = tuple(curve for curve in curves if curve.places() >= fitting.LEAST_LEVELS)
        if curves:
            charts.append(Chart(kind, LAYER_KINDS.get(kind, kind), report.metric(cases[0].metric).unit, False, curves))
    return charts


def _curve(report, label, places, positive=False):
    samples = tuple(sorted((at, sample.metrics[metric], arm, sample.block) for at, arm, metric in places for sample in report.samples
                           if sample.arm == arm and metric in sample.metrics and (sample.metrics[metric] > 0 or not positive)))
    means = tuple((at, *_mean([value for place, value, _, _ in samples if place == at])) for at in sorted({sample[0] for sample in samples}))
    found, why = fitting.fit([sample[:2] for sample in samples]) if samples else (None, "no sample")
    return Curve(label, tuple(dict.fromkeys(arm for _, arm, _ in places)), samples, means, found, why)


def _mean(values):
    if min(values) <= 0:
        return fitting.mean_interval(values)
    return tuple(None if value is None else math.exp(min(value, 80)) for value in fitting.mean_interval([math.log(value) for value in values]))

# SPDX-License-Identifier: MIT
"""Which strategy a run's data recommend for a need, by rules that are fixed here and printed on the page. Pure.

A need has conditions, which say what qualifies, and metrics, by which those that qualify are compared. Nothing is recommended that the
data do not carry: what was not measured does not qualify, and speed is not decided where guests were emulated.
"""

import dataclasses
import math
from typing import Callable

import fitting
import growth
import matrix
import strategies

LEAST_BLOCKS = 3     # with fewer an interval says next to nothing
LEAST_LEAD = 0.02    # a lead smaller than this is a tie, however narrow the intervals
MOST_FAILED = 0.0    # share of an arm's samples that may have failed

OVERRIDES = ("override-config", "override-program", "deletion")
UPGRADE = ("upgrade-keeps-changes",)

RULES = (
    "An arm qualifies if every condition of the need held in every guest of it, was tried at least once, and "
    f"{'at most ' + format(MOST_FAILED, '.0%') if MOST_FAILED else 'none'} of its samples failed. Controls are not considered.",
    "Those that qualify are ordered by the geometric mean of their ratios to the reference in the metrics of the need, block by block, with a 90 % interval over "
    "the blocks (Student's t); the reference counts as exactly 1. An arm that lacks one of the metrics, or a block of it, has no place in the order.",
    f"The one of the lowest mean is best. Whose interval overlaps its interval ties with it, and so does whom it leads by less than {LEAST_LEAD * 100:g}\u00a0%.",
    f"Speed is not decided on emulated guests, before a run is finished, without a reference, with fewer than {LEAST_BLOCKS} blocks, and in runs whose arms differ "
    "by their place on an axis.",
)


@dataclasses.dataclass(frozen=True)
class Need:
    title: str
    conditions: Callable  # (report, arm) -> [(held: True, False or None where it is not known, words)]
    what: str             # the conditions in words
    metrics: Callable     # model.Metric -> whether it is of this need; None of a need that is about disk
    measured_by: str      # the metrics in words
    measured_on_host: str = ""
    on_host: bool = True  # whether the question arises where there are no guests


@dataclasses.dataclass(frozen=True)
class Ranked:
    arm: str
    mean: float
    interval: tuple


@dataclasses.dataclass(frozen=True)
class Answer:
    need: Need
    qualifies: tuple   # arm ids
    out: tuple         # of (arm id, why)
    metrics: tuple     # ids, those that were compared
    ranked: tuple      # of Ranked, best first; in the order of the arms where it is not decided
    unranked: tuple    # of (arm id, why), of those that qualify
    best: tuple        # arm ids: one, or those that tie; () where it is not decided
    undecided: str     # why not


def _promised(checks):
    def conditions(report, arm):
        return [_promise(report, arm, check) for check in checks]
    return conditions


def _promise(report, arm, check):
    promise = report.promise(check)
    cell = promise.arms.get(arm.id) if promise else None
    label = promise.label if promise else check
    if cell is None or not cell.of:
        return None, f"not tried: {label}"
    return cell.held == cell.of, f"{label}: held {cell.held} of {cell.of}"


def _upgradable(report, arm):
    told = [_promise(report, arm, check) for check in UPGRADE]
    row = next((row for row in report.upgrades if row.arm == arm.id), None)
    if row is None:
        return told
    if not row.possible:
        return [(False, row.why or "cannot be upgraded so")]
    tried = (None, "upgrade not tried") if not row.of else (row.complete(), "not every user came through the exchange with all that is theirs and new")
    # The experiment with many users says more than the check of one, and speaks alone where that was not made.
    return [condition for condition in told if condition[0] is not None] + [tried]


def _no_code(report, arm):
    code = strategies.of_arm(arm, report.host is not None).guest_code
    return [(code == strategies.NO_CODE, f"needs {code}" if code else "not a question of a host")] if code else [(None, "no guest")]


def _any(report, arm):
    return []


def _measured_disk(report, arm):
    known = report.storage_growth is not None and report.storage_growth.of(arm.id) is not None
    return [(True if known else None, "disk per user not measured")]


def _speed(metric):
    return metric.family == "boot" or metric.family.startswith(("fio-", "program"))


def _boot(metric):
    return metric.family in ("boot", "host-boot")


def _writes(metric):
    new_data = metric.family.startswith("fio-") and "write" in metric.id and "lower" not in metric.id
    return new_data or (metric.family == "host-data" and metric.id.startswith("upper-") and "write" in metric.id)


def _names(metric):
    return metric.family.startswith("program") or metric.family == "host-metadata"


NEEDS = (
    Need("User overrides and deletions in system paths", _promised(OVERRIDES), "the user's configuration and program win, and deletions hold", _speed, "boot, fio and programs",
         on_host=False),
    Need("A system image that can be upgraded under existing users", _upgradable, "a newer system image keeps the user's changes, and users see it", _speed,
         "boot, fio and programs", on_host=False),
    Need("Least cost at boot", _any, "", _boot, "the whole boot", "the boot of the guest's userspace"),
    Need("Best for writes of new data", _any, "", _writes, "fio jobs that write, but not to lower files",
         "writes to upper files"),
    Need("Best for metadata-heavy work", _any, "", _names, "programs", "cases of names and attributes"),
    Need("Least disk per user", _measured_disk, "disk per user was measured", None, "bytes of one user; the range over users is the interval",
         "bytes of one user; the range over users is the interval"),
    Need("No code to install in the guest", _no_code, "the guest's distribution brings all that is needed", _speed, "boot, fio and programs", on_host=False),
)


def answers(report):
    return [answer(report, need) for need in NEEDS if need.on_host or report.host is None]


def answer(report, need):
    qualifies, out = [], []
    for arm in report.arms:
        if arm.control:
            continue
        why = _excluded(report, need, arm)
        if why:
            out.append((arm.id, why))
        else:
            qualifies.append(arm)
    compare = _by_disk if need.metrics is None else _by_speed
    metrics, ranked, unranked, undecided = compare(report, need, qualifies)
    best = ()
    if not undecided and len(ranked) == 1 and unranked:
        undecided = f"of those that qualify only {report.arm(ranked[0].arm).label} has a place in an order"
    if not undecided and ranked:
        first, tied = matrix.leaders([(one.arm, one.mean, one.interval) for one in ranked], LEAST_LEAD)
        best = (first, *tied)
    elif not undecided:
        undecided = "no arm qualifies" if not qualifies else "nothing of those that qualify could be compared"
    return Answer(need, tuple(arm.id for arm in qualifies), tuple(out), metrics, tuple(ranked), tuple(unranked), best, undecided)


def _excluded(report, need, arm):
    """Why the arm does not qualify, or ""."""
    samples = [sample for sample in report.samples if sample.arm == arm.id]
    failed = sum(1 for sample in samples if not sample.ok)
    if not samples:
        return "no sample"
    if failed > MOST_FAILED * len(samples):
        return f"{failed} of {len(samples)} samples failed"
    told = need.conditions(report, arm)
    return next((words for held, words in told if held is False), next((words for held, words in told if held is None), ""))


def _by_speed(report, need, arms):
    """(metric ids, ranked, unranked, why it is not decided)."""
    metrics = [metric for metric in report.metrics if need.metrics(metric)]
    metrics = [metric for metric in metrics if any(report.comparison(metric.id, arm.id) for arm in report.arms if not arm.control)]
    ids = tuple(metric.id for metric in metrics)
    why = _not_decided(report, ids)
    ranked, unranked = [], []
    for arm in arms if ids else ():
        if arm.reference:
            ranked.append(Ranked(arm.id, 1.0, (1.0, 1.0)))
            continue
        found, lacks = _mean(report, arm, metrics)
        if found:
            ranked.append(found)
        else:
            unranked.append((arm.id, lacks))
    if not why:
        ranked.sort(key=lambda one: one.mean)
    return ids, ranked, unranked, why


def _not_decided(report, ids):
    run = report.run
    if not ids:
        return "this run measured nothing of the kind"
    if report.dimension is not None:
        return f"the arms stand at different places of “{report.dimension.label}”: how cost grows is the answer of this run"
    if run.emulated:
        return f"speed is not decided on emulated guests (substrate {run.substrate})"
    if report.reference() is None:
        return "the run has no reference"
    if run.blocks_done is not None and run.blocks_planned is not None and run.blocks_done < run.blocks_planned:
        return f"the run is not finished: {run.blocks_done} of {run.blocks_planned} blocks"
    return ""


def _mean(report, arm, metrics):
    """(Ranked, "") or (None, why not)."""
    by_block = {}
    for metric in metrics:
        row = report.comparison(metric.id, arm.id)
        if row is None or not row.pairs:
            return None, f"has no figure of {metric.label}"
        for block, value in row.pairs:
            by_block.setdefault(block, []).append(value)
    whole = [math.fsum(values) / len(values) for values in by_block.values() if len(values) == len(metrics)]
    if len(whole) < LEAST_BLOCKS:
        return None, f"{len(whole)} blocks have all of the metrics, fewer than {LEAST_BLOCKS}"
    mean, low, high = (math.exp(value) for value in fitting.mean_interval(whole))
    return Ranked(arm.id, mean, (low, high)), ""


def _by_disk(report, need, arms):
    qualify = {arm.id for arm in arms}
    rows = [row for row in growth.disk_rows(report) if row.arm in qualify]
    why = "" if rows else "disk per user was not measured in this run"
    ranked = [Ranked(row.arm, max(row.per_user_bytes, 1.0), row.per_user_range or (row.per_user_bytes, row.per_user_bytes)) for row in rows]
    ranked.sort(key=lambda one: one.mean)
    return (), ranked, [], why

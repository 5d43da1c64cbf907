# SPDX-License-Identifier: MIT
"""Compares what the document says about its comparisons with what its raw samples say. Pure.

The report's numbers come from blendbench; this is the reader's assurance that they belong to these samples: every pair's
log ratio is computed again from the two samples of its block, and every ratio again from its pairs.
"""

import dataclasses
import math

_TOLERANCE = 1e-3  # in logs: a tenth of a percent, more than any rounding in an export


@dataclasses.dataclass(frozen=True)
class Outcome:
    comparisons: int
    agreeing: int
    problems: tuple  # one line each


def check(report):
    values = {(sample.arm, sample.block, name): value for sample in report.samples for name, value in sample.metrics.items()}
    problems = []
    agreeing = 0
    for row in report.comparisons:
        problem = _problem(report, row, values)
        if problem:
            problems.append(f"{report.metric(row.metric).label}, {report.arm(row.arm).label}: {problem}")
        else:
            agreeing += 1
    return Outcome(len(report.comparisons), agreeing, tuple(problems))


def _problem(report, row, values):
    if row.n != len(row.pairs):
        return f"says {row.n} blocks and lists {len(row.pairs)} pairs"
    sign = -1 if report.metric(row.metric).higher_is_better else 1
    for block, told in row.pairs:
        ours, theirs = values.get((row.arm, block, row.metric)), values.get((row.reference, block, row.metric))
        if ours is None or theirs is None:
            return f"block {block} has no sample for both arms"
        if ours <= 0 or theirs <= 0:
            return f"block {block} has a value without a logarithm"
        found = sign * math.log(ours / theirs)
        if abs(found - told) > _TOLERANCE:
            return f"block {block} says a log ratio of {told:.4f}, its samples give {found:.4f}"
    if row.pairs and row.ratio is not None:
        found = math.fsum(told for _, told in row.pairs) / len(row.pairs)
        if abs(found - math.log(row.ratio)) > _TOLERANCE:
            return f"says a ratio of {row.ratio:.4f}, its pairs give {math.exp(found):.4f}"
    return None

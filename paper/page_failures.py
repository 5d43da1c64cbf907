# SPDX-License-Identifier: MIT
"""Which samples failed, of all arms or of some. No HTML here."""

_FAILURES_SHOWN = 60


def failures(report, arms):
    """How many samples of these arms failed, and how."""
    shown = {arm.id for arm in arms}
    failed = [sample for sample in report.failed() if sample.arm in shown]
    by_arm = [(arm.label, sum(1 for sample in failed if sample.arm == arm.id), sum(1 for sample in report.samples if sample.arm == arm.id))
              for arm in arms]
    return {"total": len(failed), "by_arm": [row for row in by_arm if row[1]], "left_out": max(0, len(failed) - _FAILURES_SHOWN),
            "shown": [{"sample": sample, "arm": report.arm(sample.arm).label, "failure": sample.failure} for sample in failed[:_FAILURES_SHOWN]]}

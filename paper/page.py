# SPDX-License-Identifier: MIT
"""Words and rows of the page: turns a `model.Report` into what the template shows. No HTML here, no drawing.

Every string handed over is plain text; the template escapes all of it.
"""

import dataclasses
import math
import os
import shlex

import crosscheck
import fitting
import model
import page_advice
import page_calibration
import page_failures
import page_growth
import page_matrix
import page_strategy
from words import bytes_words, number, percent, plural, ratio, ratio_words


@dataclasses.dataclass(frozen=True)
class Badge:
    """A verdict with its stamp inside."""
    word: str
    sign: str
    tone: str
    meaning: str
    stamp: str
    indicative: str = ""


def badge(word, stamp, indicative="", about_checks=False):
    word = word or "NO DATA"
    tone, sign, meaning = model.VERDICTS[word]
    return Badge(word, sign, tone, model.CHECK_MEANINGS.get(word, meaning) if about_checks else meaning, stamp,
                 indicative if indicative != word else "")


def context(report, figures, input_name):
    """Everything the template needs. `figures`: [(Plot, wide svg, narrow svg)]."""
    commands = _Commands(report, input_name)
    paper_claims, other_claims = _claims(report)
    return {
        "report": report, "run": report.run, "stamp": report.stamp(), "reference": report.reference(),
        "headline": _headline(report), "notices": _notices(report), "claims": paper_claims, "other_claims": other_claims,
        "promises": _promises(report), "storage": [_storage(report, row) for row in report.storage],
        "storage_notes": list(dict.fromkeys(row.note for row in report.storage if row.note)),
        "controls": _controls(report), "calibration": page_calibration.context(report), "tables": _tables(report), "arms": report.arms,
        "figures": [_figure(index, plot, wide, narrow, commands) for index, (plot, wide, narrow) in enumerate(figures, 1)],
        "failures": page_failures.failures(report, report.arms), "crosscheck": crosscheck.check(report), "commands": commands,
        "provenance": report.run.provenance, "sensitivity_header": _SENSITIVITY_HEADER,
        "advice": page_advice.context(report), "matrix": page_matrix.context(report, report.arms), "growth": page_growth.context(report),
        "strategies": page_strategy.index(report), "upgrade_header": page_growth.UPGRADE_HEADER,
    }


# --- top of the page -----------------------------------------------------------------------------


def _headline(report):
    """Facts of the run in one line."""
    run = report.run
    failed = len(report.failed())
    facts = [plural(len(report.arms), "arm"), _blocks(run), plural(len(report.samples), "guest"),
             "no failure" if not failed else plural(failed, "failure")]
    return [fact for fact in facts if fact]


def _blocks(run):
    if run.blocks_done is None:
        return ""
    if run.blocks_planned is not None and run.blocks_planned != run.blocks_done:
        return f"{run.blocks_done} of {plural(run.blocks_planned, 'block')}"
    return plural(run.blocks_done, "block")


def _notices(report):
    run = report.run
    notices = []
    if run.emulated:
        reason = f": {run.substrate_reason.rstrip('. ')}" if run.substrate_reason else ""
        how = {"tcg": "The guests ran in software emulation (substrate tcg)", "host": "The layouts ran on the host's own kernel, without guests"}
        notices.append(f"{how.get(run.substrate, 'The substrate was ' + run.substrate)}{reason}. Times and their ratios are not those of a guest on "
                       f"KVM: every verdict here is “{report.stamp()}” and is no evidence for or against the paper's claims.")
    if run.blocks_done is not None and run.blocks_planned is not None and run.blocks_done < run.blocks_planned:
        notices.append(f"The run is not complete: {run.blocks_done} of {run.blocks_planned} planned blocks are done. "
                       "A verdict read before the end is not the one that was planned.")
    if run.git_dirty:
        notices.append("The run was made from a checkout with uncommitted changes: its commit alone does not reproduce it.")
    return notices


def _claims(report):
    """Cards, those about the paper's own claims first."""
    cards = [_claim(report, claim) for claim in report.claims]
    return [card for card in cards if card["claim"].role == "paper"], [card for card in cards if card["claim"].role != "paper"]


def _claim(report, claim):
    stamp = claim.stamp or report.stamp()
    indicative = claim.indicative if claim.indicative != claim.verdict else ""
    about_checks = bool(claim.parts) and all(part.check for part in claim.parts)
    return {"claim": claim, "badge": badge(claim.verdict, stamp, indicative, about_checks), "margin": percent(claim.margin),
            "indicated": badge(indicative, stamp, "", about_checks) if indicative else None,
            "equivalence": badge(claim.equivalence, stamp) if claim.equivalence else None,
            "checks": [_check(report, part) for part in claim.parts if part.check],
            "parts": [_part(report, claim, part) for part in claim.parts if not part.check],
            "tone": model.VERDICTS[claim.verdict][0]}


def _check(report, part):
    """A promise check as part of a claim: name, sign, held n of m."""
    promise = report.promise(part.check)
    cell = promise.arms.get(part.arm) if promise else None
    return {"label": promise.label if promise else part.check, "badge": badge(part.verdict or part.indicative, "", "", True),
            "count": f"{cell.held}/{cell.of}" if cell and cell.of else "not made"}


def _part(report, claim, part):
    row = _compared(report, part) if part.metric else None
    word = part.verdict or part.indicative or (row.non_inferiority if row else "NO DATA")
    versus = f" against {report.arm(part.reference).label}" if part.reference else ""
    return {"subject": report.metric(part.metric).label if part.metric else "", "arm": report.arm(part.arm).label + versus,
            "badge": badge(word, claim.stamp or report.stamp()), "ratio": ratio_words(row),
            "smallest": percent(row.smallest_margin) if row else "", "strip": _strip(row, claim.margin) if row else None}


def _compared(report, part):
    """The comparison that a part is about. With another arm than the run's reference it follows from both arms' ratios to that, block by block."""
    row = report.comparison(part.metric, part.arm)
    if row is None or not part.reference or row.reference == part.reference:
        return row
    other = report.comparison(part.metric, part.reference)
    others = dict(other.pairs) if other else {}
    pairs = tuple((block, value - others[block]) for block, value in row.pairs if block in others)
    if not pairs:
        return None
    mean, low, high = fitting.mean_interval([value for _, value in pairs])
    return dataclasses.replace(row, reference=part.reference, n=len(pairs), pairs=pairs, ratio=math.exp(mean),
                               ci90=None if low is None else (math.exp(low), math.exp(high)), smallest_margin=part.smallest_margin,
                               non_inferiority="NO DATA")


def _strip(row, margin):
    """Positions (0 to 100) of a small interval drawing: the margin band, the interval, the estimate."""
    margin = margin if margin is not None else row.margin
    if row.ratio is None or margin is None:
        return None
    edge = math.log1p(margin)
    logs = [math.log(row.ratio)] + [math.log(bound) for bound in row.ci90 or ()]
    reach = max(2 * edge, 1.15 * max(abs(value) for value in logs), 1e-6)

    def place(value):
        return round(50 + 48 * value / reach, 2)

    return {"band": (place(-edge), place(edge)), "estimate": place(logs[0]),
            "interval": (place(logs[1]), place(logs[2])) if row.ci90 else None}


# --- promises, storage, controls -----------------------------------------------------------------


def _promises(report):
    arms = [arm for arm in report.arms if any(arm.id in promise.arms for promise in report.promises)]
    rows = [{"label": promise.label, "check": promise.check, "cells": [_cell(promise.arms.get(arm.id)) for arm in arms]}
            for promise in report.promises]
    broken = [f"{promise.label}: {arm.label}" for promise in report.promises for arm in arms
              if arm.id in promise.arms and _cell(promise.arms[arm.id])["state"] == "broken"]
    lacking = {}
    for arm in arms:
        checks = tuple(promise.label for promise in report.promises if arm.id in promise.arms
                       and _cell(promise.arms[arm.id])["state"] == "lacking")
        if checks:
            lacking.setdefault(checks, []).append(arm.label)
    return {"arms": arms, "rows": rows, "broken": broken, "lacking": list(lacking.items())}


def _cell(cell):
    """State: kept, lacking (as the layout is expected to), broken, surplus (held though not expected), none."""
    if cell is None or cell.of == 0:
        return {"state": "none", "sign": "–", "text": "not run", "words": "not run", "detail": ""}
    if cell.held == cell.of:
        state, sign, words = ("kept", "✓", "held") if cell.expected else ("surplus", "✓", "held, though this layout does not promise it")
    elif cell.expected:
        state, sign, words = "broken", "✗", "promised, and did not hold"
    elif cell.held == 0:
        state, sign, words = "lacking", "○", "lacking, as expected of this layout"
    else:
        state, sign, words = "surplus", "○", "held at times, though this layout does not promise it"
    return {"state": state, "sign": sign, "text": f"{cell.held}/{cell.of}", "words": words, "detail": cell.detail}


def _storage(report, row):
    digest = {True: "unchanged", False: "changed", None: "not checked"}[row.digest_unchanged]
    return {"arm": report.arm(row.arm).label, "system": bytes_words(row.system_bytes), "app": bytes_words(row.app_bytes), "user": bytes_words(row.user_bytes),
            "digest": digest, "counted": any(count is not None for count in (row.system_bytes, row.app_bytes, row.user_bytes))}


def _controls(report):
    controls = report.controls
    if controls is None or not any(arm.control for arm in report.arms):
        return None
    total = controls.comparisons
    unequal = f"{controls.unequal[0]} of {controls.unequal[1]}" if controls.unequal and controls.unequal[1] else ""
    rate = controls.rate if controls.rate is not None else (controls.false_alarms / total if total else None)
    interval = controls.interval95
    words = f"{controls.false_alarms} false {'alarm' if controls.false_alarms == 1 else 'alarms'} in {plural(total, 'comparison')}"
    return {"words": words, "rate": percent(rate), "interval": f"{percent(interval[0])} to {percent(interval[1])}" if interval else "",
            "note": controls.note, "total": total, "unequal": unequal, "vague": bool(interval) and interval[1] > 0.15}


# --- tables --------------------------------------------------------------------------------------


def _tables(report):
    """[(title of the family, [(metric, rows)])]."""
    families = []
    for family in report.families():
        metrics = [(metric, [_row(report, metric, arm) for arm in report.arms]) for metric in report.metrics if metric.family == family]
        families.append((model.FAMILY_TITLES.get(family, family), metrics))
    return families


def _row(report, metric, arm):
    values = report.values(arm.id, metric.id)
    mean = report.geometric_mean(arm.id, metric.id)
    row = report.comparison(metric.id, arm.id)
    if mean is not None:
        shown = number(mean)
    elif not values:
        shown = "no sample"
    else:
        shown = "none: has a value without a logarithm"
    stamp = report.stamp() or (row.stamp if row else "")
    return {
        "arm": arm, "mean": shown, "has_mean": mean is not None, "samples": len(values), "n": row.n if row else 0,
        "ratio": ratio_words(row), "change": _change(metric, row), "sensitivity": _sensitivity(row, arm.label) if row else None, "compared": row is not None,
        "non_inferiority": badge(row.non_inferiority, stamp) if row else None,
        "equivalence": badge(row.equivalence, stamp) if row else None,
        "margin": percent(row.margin) if row else "", "smallest": percent(row.smallest_margin) if row else "",
    }


def _change(metric, row):
    """The effect in the metric's own direction: "+12 %" seconds, "−18 %" MB/s."""
    if row is None or row.ratio is None:
        return ""
    share = (1 / row.ratio if metric.higher_is_better else row.ratio) - 1
    return f"{'+' if share >= 0 else '−'}{abs(share) * 100:{'.1f' if abs(share) < 1 else '.0f'}}\u00a0%" if abs(share) >= 0.0005 else "±0.0\u00a0%"


_SENSITIVITY_HEADER = ("arm", "Hodges-Lehmann", "signed-rank interval", "smallest margin for equivalence", "SD of the log ratio",
                       "blocks for 90 % power", "p that they differ (Holm)", "reasons")


def _sensitivity(row, label):
    """What stands beside the t interval: Hodges and Lehmann's estimate, the exact interval, and the reasons for the verdict."""
    interval = ""
    if row.signed_rank_ci:
        level = f" ({percent(row.signed_rank_level)})" if row.signed_rank_level is not None else ""
        interval = f"{ratio(row.signed_rank_ci[0])} to {ratio(row.signed_rank_ci[1])}{level}"
    return (label, ratio(row.hodges_lehmann) if row.hodges_lehmann is not None else "", interval,
            percent(row.smallest_equivalence_margin), number(row.sd_log) if row.sd_log is not None else "",
            str(row.blocks_for_power) if row.blocks_for_power is not None else "",
            f"{row.p_holm:.2g}" if row.p_holm is not None else "", "; ".join(dict.fromkeys(row.reasons)))


# --- figures, failures, commands -----------------------------------------------------------------


def _figure(number, plot, wide, narrow, commands):
    return {"number": number, "plot": plot, "wide": wide, "narrow": narrow, "command": commands.figure(plot.name)}


class _Commands:
    """Shell lines that make this page and its parts again; arguments are quoted, whatever they contain."""

    def __init__(self, report, input_name):
        self._input = shlex.quote(os.path.basename(input_name))
        self._run = shlex.quote(report.run.id)

    @property
    def whole(self):
        return f"blendbench report {self._run}"

    @property
    def explain(self):
        return f"blendbench explain {self._run} CLAIM"

    @property
    def archive(self):
        return f"blendbench archive {self._run}"

    @property
    def export(self):
        return f"blendbench export {self._run} --format report > {self._input}"

    @property
    def page(self):
        return f"paper/report {self._input} --out report"

    def figure(self, name):
        return f"paper/report {self._input} --out report --plot {name}"

    @property
    def checksum(self):
        return f"sha256sum {self._input}"

# SPDX-License-Identifier: MIT
"""Words of the page over several experiments: what each answers, and the verdict on every claim. No HTML here."""

import collections

import page
import page_advice
import page_growth
from words import plural


def context(reports, claims):
    """`reports`: [(model.Report, link to its page)]; `claims`: [(id, title)] in the order of their file."""
    judged = {claim: _judged(reports, claim) for claim, _ in claims}
    stamps = [report.stamp() for report, _ in reports]
    return {"counted": plural(len(reports), "experiment"),
            "experiments": [_experiment(report, link) for report, link in reports],
            "claims": [_claim(found) for found in judged.values() if found],
            "unasked": [title for claim, title in claims if not judged[claim]],
            "stamp": next((stamp for stamp in stamps if stamp), "")}


def _experiment(report, link):
    failed = len(report.failed())
    run = report.run
    done = "" if run.blocks_done == run.blocks_planned else f"{run.blocks_done} of {run.blocks_planned} blocks: not finished"
    facts = [f"substrate {run.substrate}", plural(len(report.arms), "arm"), plural(len(report.samples), "sample"),
             plural(failed, "failure") if failed else "no failure", done]
    # Arms at places of an axis answer how cost grows, and not which of them can be used.
    answers = [answer for answer in page_advice.context(report)["answers"]
               if answer["decided"] or (report.dimension is None and answer["verdict"].startswith("Can"))]
    return {"name": run.profile, "description": run.description, "link": link, "run": run.id, "facts": [fact for fact in facts if fact],
            "answers": answers, "growth": page_growth.ends(report), "failed": _failed(report)}


def _failed(report):
    """(label of an arm, where, how often), each place of an arm once."""
    found = collections.Counter((report.arm(sample.arm).label, sample.failure.phase if sample.failure else "") for sample in report.failed())
    return [(label, phase, plural(count, "sample")) for (label, phase), count in found.items()]


def _judged(reports, claim_id):
    """(claim, report, link) of each experiment that is about the claim."""
    return [(claim, report, link) for report, link in reports for claim in report.claims if claim.id == claim_id and claim.parts]


def _claim(judged):
    """The verdict of the first experiment that is about the claim; of several the one that judged more of it."""
    claim, report, link = max(judged, key=lambda one: len([part for part in one[0].parts if part.verdict or part.indicative]))
    about_checks = all(part.check for part in claim.parts)
    return {"title": claim.title, "badge": page.badge(claim.verdict, claim.stamp or report.stamp(), claim.indicative, about_checks),
            "experiment": report.run.profile, "link": link, "why": claim.reasons[-1] if claim.reasons else ""}

# SPDX-License-Identifier: MIT
"""Words of "Which should I use": what advice.py decided, and by which rules. No HTML here."""

import advice
from words import bytes_words, ratio


def context(report):
    return {"rules": advice.RULES, "answers": [_answer(report, answer) for answer in advice.answers(report)]}


def _answer(report, answer):
    need = answer.need
    verdict, small = _verdict(report, answer)
    return {"title": need.title, "what": need.what, "measured_by": need.measured_on_host if report.host else need.measured_by, "metrics": len(answer.metrics),
            "disk": need.metrics is None, "verdict": verdict, "why": small, "tone": "good" if answer.best else "open", "decided": bool(answer.best),
            "ranked": [_ranked(report, answer, one) for one in answer.ranked] if _listed(report, answer) else [],
            "unranked": [(report.arm(arm).label, why) for arm, why in answer.unranked], "out": _merged(report, answer.out)}


def _listed(report, answer):
    """Not decided, a list is of use where arms can be compared: not of one alone, and not of one strategy at many places."""
    return bool(answer.best) or (len(answer.ranked) > 1 and report.dimension is None)


def _verdict(report, answer):
    """What is said first, and below it. Who qualifies is an answer even where speed decides nothing."""
    if answer.best:
        labels = [report.arm(arm).label for arm in answer.best]
        return (labels[0] if len(labels) == 1 else "Tie: " + " · ".join(labels)), ""
    if answer.need.what and answer.qualifies:
        labels = [report.arm(arm).label for arm in answer.qualifies]
        return "Can be used: " + " · ".join(labels), f"Which of them is fastest is not decided here: {answer.undecided}."
    return "Not decided here", answer.undecided


def _ranked(report, answer, one):
    word = bytes_words if answer.need.metrics is None else ratio
    spread = f"{word(one.interval[0])} to {word(one.interval[1])}" if one.interval[0] != one.interval[1] else ""
    reference = report.arm(one.arm).reference and answer.need.metrics is not None
    return {"arm": report.arm(one.arm).label, "mean": word(one.mean), "interval": "reference" if reference else spread, "best": one.arm in answer.best,
            "sign": "" if one.arm not in answer.best else "★" if len(answer.best) == 1 else "☆"}


def _merged(report, out):
    """[(reason, [arm label])], equal reasons together."""
    merged = {}
    for arm, why in out:
        merged.setdefault(why, []).append(report.arm(arm).label)
    return list(merged.items())

# SPDX-License-Identifier: MIT
"""Words and rows of the page's section about the calibration: how far verdicts of this substrate can be trusted. No HTML here."""

import shlex

from words import percent, plural

_VAGUE = 0.3  # an interval wider than this says little
_TABLE_COLUMNS = (("seen_worse", "Seen as slower"), ("refuted", "REFUTED"), ("non_inferior", "NON-INFERIOR"))
NOISE_HEADER = ("metric", "pairs", "SD of the log ratio", "its 90 % interval", "blocks for 90 % power")


def context(report):
    """What the template's `calibration` macro shows; with "found" False only the way to make one."""
    told = report.calibration
    if told is None:
        return {"found": False, "substrate": report.run.substrate, "command": _remedy(report)}
    return {"found": True, "told": told, "facts": _facts(told), "margin": percent(told.margin),
            "alarms": rate_words(told.false_alarms), "seen_worse": rate_words(told.false_seen_worse),
            "columns": [title for _, title in _TABLE_COLUMNS], "rows": [_row(told, slowed) for slowed in by_slow_down(told)],
            "meaning": " ".join(_meaning(report, told)), "vague": _vague(told), "noise": [_noise(row) for row in told.noise],
            "noise_header": NOISE_HEADER, "again": f"blendbench calibrate --from {shlex.quote(told.run)}"}


def by_slow_down(told):
    """The arms made worse, from the least to the most; those whose effect is not known last."""
    return sorted(told.slowed, key=lambda slowed: slowed.true_ratio if slowed.true_ratio is not None else float("inf"))


def rate_words(rate):
    """"3 of 40, 7.5 % (95 % interval 1.6 % to 20.4 %)"; nothing where there was no trial."""
    if rate is None or not rate.trials:
        return ""
    interval = interval_words(rate)
    return f"{rate.hits} of {rate.trials}, {percent(rate.share())}" + (f" (95 % interval {interval})" if interval else "")


def interval_words(rate):
    return f"{percent(rate.interval95[0])} to {percent(rate.interval95[1])}" if rate.interval95 else ""


def slow_down(true_ratio):
    """A ratio as the change it is: "+10 %"."""
    if true_ratio is None:
        return "not known"
    share = true_ratio - 1
    return f"{'+' if share >= 0 else '−'}{percent(abs(share))}"


def _remedy(report):
    return "blendbench calibrate calibrate --images DIR" if report.run.substrate in ("kvm", "tcg") else "blendbench calibrate"


def _facts(told):
    machine = ", ".join(f"{name} {value}" for name, value in told.machine)
    same = {True: "this machine", False: "another machine", None: "machine"}[told.same_machine]
    facts = [("Run", told.run), ("Made", told.created), ("Substrate", told.substrate + (f" ({told.stamp})" if told.stamp else "")),
             ("On", f"{same}: {machine}" if machine else same if told.same_machine is not None else "")]
    if told.blocks is not None:
        cut = f", judged as experiments of {plural(told.window, 'block')}" if told.window else ""
        facts.append(("Data", plural(told.blocks, "block") + cut + (f" at a margin of {percent(told.margin)}" if told.margin is not None else "")))
    return [(name, value) for name, value in facts if value]


def _row(told, slowed):
    beyond = told.beyond(slowed)
    cells = [_cell(slowed, name, title, (name == "refuted" and beyond is False) or (name == "non_inferior" and beyond is True))
             for name, title in _TABLE_COLUMNS]
    return {"what": slowed.what or "made worse", "arm": slowed.arm, "true": slow_down(slowed.true_ratio),
            "measured": "" if slowed.measured_ratio is None else slow_down(slowed.measured_ratio),
            "place": {True: "beyond the margin", False: "within the margin", None: ""}[beyond], "cells": cells}


def _cell(slowed, name, title, wrong):
    """`wrong`: this verdict contradicts what was injected."""
    rate, predicted = slowed.rates.get(name), slowed.predicted.get(name)
    if rate is None or not rate.trials:
        return {"title": title, "count": "no trial", "interval": "", "predicted": "", "wrong": False}
    return {"title": title, "count": f"{rate.hits} of {rate.trials}, {percent(rate.share())}", "interval": interval_words(rate),
            "predicted": f"{percent(predicted)} expected" if predicted is not None else "", "wrong": wrong and rate.hits > 0}


def _meaning(report, told):
    """Plain sentences: what a reader of a verdict can expect."""
    alarms = told.false_alarms
    if alarms and alarms.trials:
        yield (f"In plain words: where nothing differs, blendbench still found a difference beyond the margin in {percent(alarms.share())} of comparisons"
               + (f" (95 % interval {interval_words(alarms)})." if alarms.interval95 else "."))
    else:
        yield "The reference was not compared with itself, so how often a false alarm comes is not known."
    rows = [slowed for slowed in by_slow_down(told) if "refuted" in slowed.rates and slowed.rates["refuted"].trials]
    beyond = next((slowed for slowed in rows if told.beyond(slowed)), None)
    if beyond:
        yield _detection(told, beyond)
    elif rows:
        yield "No arm was slowed by more than the margin: how often a slow-down that matters is found is not known."
    else:
        yield "No arm was slowed on purpose: how often a real slow-down is found is not known."
    done = report.run.blocks_done
    if rows and told.window and done and done != told.window:
        yield f"This run has {plural(done, 'block')}, so it finds {'more' if done > told.window else 'less'} than these experiments of {told.window}."


def _detection(told, slowed):
    refuted, acquitted = slowed.rates["refuted"], slowed.rates.get("non_inferior")
    words = f"An arm that truly is {percent(slowed.true_ratio - 1)} slower was REFUTED in {percent(refuted.share())} of trials"
    words += f" ({interval_words(refuted)})" if refuted.interval95 else ""
    if acquitted and acquitted.trials:
        words += f", and wrongly called NON-INFERIOR in {percent(acquitted.share())}"
        words += f" ({interval_words(acquitted)})" if acquitted.interval95 else ""
        words += "; what is left was undecided"
    return words + "."


def _vague(told):
    rates = [told.false_alarms] + [rate for slowed in told.slowed for rate in slowed.rates.values()]
    return any(rate and rate.interval95 and rate.interval95[1] - rate.interval95[0] > _VAGUE for rate in rates)


def _noise(row):
    interval = f"{percent(row.sd_interval90[0])} to {percent(row.sd_interval90[1])}" if row.sd_interval90 else ""
    return (row.label, "" if row.pairs is None else str(row.pairs), "" if row.sd_log is None else percent(row.sd_log), interval,
            "" if row.blocks_for_power is None else str(row.blocks_for_power))

# SPDX-License-Identifier: MIT
"""The member `calibration` of the document: the last one of the run's substrate. Missing where none was made."""

import model
import textsafe

_SCHEMA = 1
_MOST_ARMS = 200
_MOST_METRICS = 1000
_MOST_FACTS = 20
_RATES = ("refuted", "non_inferior", "seen_worse")
_RATIO = {"low": 1e-9, "high": 1e9}


def calibration(node):
    """A `model.Calibration`, or None. Its arms are those of its own run, not of the document."""
    if node.missing():
        return None
    schema = node.object().get("schema")
    if schema.count(_SCHEMA) != _SCHEMA:
        schema.fail(f"this report reads calibrations of schema {_SCHEMA}; make it again with this checkout's blendbench calibrate")
    same = node.get("same_machine")
    return model.Calibration(
        run=node.get("run").text(), created=node.get("created").text("", 60), substrate=node.get("substrate").text("", 60),
        stamp=node.get("stamp").text("", 100), machine=_machine(node.get("machine")),
        same_machine=None if same.missing() else same.flag(), window=_count(node.get("window")), blocks=_count(node.get("blocks")),
        margin=node.get("margin").number(low=0, high=1e6), false_alarms=_rate(node.get("false_alarms")),
        false_seen_worse=_rate(node.get("false_seen_worse")),
        slowed=tuple(_slowed(element) for element in node.get("arms").list(limit=_MOST_ARMS)),
        noise=tuple(_noise(element) for element in node.get("noise").list(limit=_MOST_METRICS)))


def _count(node):
    return None if node.missing() else node.count()


def _machine(node):
    facts = node.items()
    if len(facts) > _MOST_FACTS:
        node.fail(f"has {len(facts)} members, more than the {_MOST_FACTS} a report can show")
    return tuple((textsafe.one_line(name, 40), member.text(limit=120) if isinstance(member.value, str) else f"{member.number(0.0):g}")
                 for name, member in facts)


def _rate(node):
    if node.missing():
        return None
    hits, trials = node.object().get("count").count(), node.get("trials").count()
    if hits > trials:
        node.get("count").fail(f"{hits} of {trials} cannot be")
    return model.Rate(hits, trials, node.get("interval95").interval(low=0, high=1))


def _slowed(node):
    arm = node.object().get("arm").text(limit=120)
    rates = {name: _rate(node.get(name)) for name in _RATES}
    told = node.get("predicted")
    predicted = {} if told.missing() else {name: told.get(name).number(low=0, high=1) for name in _RATES}
    return model.Slowed(
        arm=arm, what=node.get("what").text("", 300), true_ratio=node.get("expected_ratio").number(**_RATIO),
        measured_ratio=node.get("measured_ratio").number(**_RATIO), rates={name: rate for name, rate in rates.items() if rate},
        predicted={name: share for name, share in predicted.items() if share is not None})


def _noise(node):
    metric = node.object().get("metric").text(limit=120)
    return model.Noise(metric=metric, label=node.get("label").text(metric) or metric, pairs=_count(node.get("pairs")),
                       sd_log=node.get("sd_log").number(low=0, high=50), sd_interval90=node.get("sd_interval90").interval(low=0, high=50),
                       blocks_for_power=_count(node.get("blocks_for_90_power")))

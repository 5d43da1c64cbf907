# SPDX-License-Identifier: MIT
"""Makes a `model.Report` of the bytes of an export document, or raises `reader.InvalidInput`.

Only `schema`, `run.id`, `run.emulated`, `arms`, `metrics` and `samples` must be there; whatever else is missing is
shown as missing. What is there must be right: types, ranges, verdict words, references to arms and metrics.
"""

import hashlib

import loading_calibration
import loading_diagnosis
import loading_experiments
import loading_host
import model
import reader
import textsafe

_SCHEMA = 1
_PROVENANCE_LIMIT = 400
_RATIO = {"low": 1e-9, "high": 1e9}
_LOG_RATIO = {"low": -25.0, "high": 25.0}
_MEASUREMENT = {"low": -1e15, "high": 1e15}

# Members of `run` that the page shows in places of their own.
_RUN_PLACED = {"id", "emulated", "description"}


def load(data):
    root = reader.parse(data).object()
    schema = root.get("schema").count(default=-1)
    if schema != _SCHEMA:
        root.get("schema").fail(f"this report reads schema {_SCHEMA}; export the run again with this checkout's blendbench")
    run = _run(root.get("run"))
    arms = _unique(root.get("arms"), _arm)
    if not arms:
        root.get("arms").fail("a report needs at least one arm")
    references = [node for node, arm in zip(root.get("arms").list(), arms) if arm.reference]
    if len(references) > 1:
        references[1].get("reference").fail("only one arm can be the reference")
    metrics = _unique(root.get("metrics"), _metric)
    names = _Names({arm.id for arm in arms}, {metric.id for metric in metrics})
    samples = [_sample(node, names) for node in root.get("samples").list(required=True)]
    samples.sort(key=lambda sample: (sample.block, sample.order))
    return model.Report(
        run=run, arms=tuple(arms), metrics=tuple(metrics), samples=tuple(samples),
        comparisons=_comparisons(root.get("comparisons"), names),
        claims=tuple(_claim(node, names) for node in root.get("claims").list()),
        controls=_controls(root.get("controls")),
        promises=tuple(_promise(node, names) for node in root.get("promises").list()),
        storage=tuple(_storage(node, names) for node in root.get("storage").list()),
        sha256=hashlib.sha256(data).hexdigest(), host=loading_host.host(root.get("host"), names),
        calibration=loading_calibration.calibration(root.get("calibration")),
        diagnosis=loading_diagnosis.diagnosis(root.get("diagnosis"), names),
        dimension=loading_experiments.dimension(root.get("dimension")), engines=loading_experiments.engines(root.get("engines")),
        storage_growth=loading_experiments.storage_growth(root.get("storage_growth"), names),
        upgrades=loading_experiments.upgrades(root.get("upgrades"), names))


class _Names:
    """The ids that other members may refer to."""

    def __init__(self, arms, metrics):
        self.arms = arms
        self.metrics = metrics

    def arm(self, node):
        return self._known(node, self.arms, "arm")

    def metric(self, node):
        return self._known(node, self.metrics, "metric")

    def _known(self, node, ids, kind):
        name = node.key()
        if name not in ids:
            node.fail(f"no {kind} has the id {textsafe.one_line(name, 60)!r}")
        return name


def _unique(node, parse):
    values = []
    seen = set()
    for element in node.list(required=True, limit=1000):
        value = parse(element.object())
        if value.id in seen:
            element.get("id").fail(f"{value.id!r} is there twice")
        seen.add(value.id)
        values.append(value)
    return values


def _run(node):
    node.object()
    general = [(name, _shown(member)) for name, member in node.items()
               if name not in _RUN_PLACED and not isinstance(member.value, (dict, list))]
    groups = [("run", tuple(general))]
    for name, member in node.items():
        if isinstance(member.value, (dict, list)) and member.value:
            groups.append((textsafe.one_line(name, 40), tuple(_flatten(member, ""))[:_PROVENANCE_LIMIT]))
    dirty = node.get("git_dirty")
    return model.Run(
        id=node.get("id").text(), emulated=node.get("emulated").flag(),
        substrate=node.get("substrate").text("unknown"), substrate_reason=node.get("substrate_reason").text("", 400),
        created=node.get("created").text(""), finished=node.get("finished").text(""),
        profile=node.get("profile").text(""), description=node.get("description").text("", 400),
        git_commit=node.get("git_commit").text(""), git_dirty=None if dirty.missing() else dirty.flag(),
        blocks_planned=_count_or_none(node.get("blocks_planned")), blocks_done=_count_or_none(node.get("blocks_done")),
        provenance=tuple(groups))


def _count_or_none(node):
    return None if node.missing() else node.count()


def _shown(node):
    if node.value is None:
        return "not recorded"
    if isinstance(node.value, bool):
        return "yes" if node.value else "no"
    return textsafe.one_line(node.value, 600)


def _flatten(node, prefix, depth=0):
    """(name, value) lines of a nested member, names joined by dots."""
    if depth < 6 and isinstance(node.value, (dict, list)) and node.value:
        children = node.items() if isinstance(node.value, dict) else \
            [(str(index), child) for index, child in enumerate(node.list())]
        for name, child in children:
            name = textsafe.one_line(name, 60)
            yield from _flatten(child, f"{prefix}.{name}" if prefix else name, depth + 1)
    else:
        yield (prefix, _shown(node))


def _arm(node):
    name = node.get("id").key()
    return model.Arm(id=name, label=node.get("label").text(name) or name, layout=node.get("layout").text(""),
                     engine=node.get("engine").text(""), options=node.get("engine_options").text(""),
                     reference=node.get("reference").flag(False),
                     control=node.get("control").flag(False), at=node.get("at").number(**_MEASUREMENT),
                     series=node.get("series").text("", 60), settings=loading_experiments.settings(node.get("settings")))


def _metric(node):
    name = node.get("id").key()
    better = node.get("better").text("lower")
    if better not in ("lower", "higher"):
        node.get("better").fail('expected "lower" or "higher"')
    return model.Metric(id=name, label=node.get("label").text(name) or name,
                        family=node.get("family").text("other", 60) or "other",
                        unit=node.get("unit").text("", 20), higher_is_better=better == "higher")


def _sample(node, names):
    node.object()
    status = node.get("status").text()
    if status not in ("ok", "failed"):
        node.get("status").fail('expected "ok" or "failed"')
    metrics = {}
    for name, member in node.get("metrics").items():
        value = member.number(**_MEASUREMENT)
        # A metric that `metrics` does not describe has no unit to be shown with.
        if value is not None and name in names.metrics:
            metrics[name] = value
    return model.Sample(block=node.get("block").count(), order=node.get("order").count(),
                        arm=names.arm(node.get("arm")), ok=status == "ok", metrics=metrics,
                        failure=_failure(node.get("failure"), status))


def _failure(node, status):
    if node.missing():
        return None if status == "ok" else model.Failure("unknown", "no reason recorded", "", "")
    console = node.get("console_tail")
    if not console.missing() and not isinstance(console.value, str):
        console.text()
    return model.Failure(phase=node.get("phase").text("unknown"), reason=node.get("reason").text("no reason recorded", 400),
                         console_tail=textsafe.block(console.value or ""), console=node.get("console").text(""))


def _verdict(node, default):
    word = node.text(default)
    if word and word not in model.VERDICTS:
        node.fail(f"{word!r} is no verdict; expected one of {', '.join(model.VERDICTS)}")
    return word


def _lines(node):
    return tuple(line.text(limit=500) for line in node.list(limit=100))


def _comparisons(node, names):
    comparisons = [_comparison(element, names) for element in node.list()]
    seen = set()
    for element, comparison in zip(node.list(), comparisons):
        if (comparison.metric, comparison.arm) in seen:
            element.fail(f"{comparison.metric!r} of {comparison.arm!r} is compared twice")
        seen.add((comparison.metric, comparison.arm))
    return tuple(comparisons)


def _comparison(node, names):
    node.object()
    pairs = tuple((pair.get("block").count(), pair.get("log_ratio").number(**_LOG_RATIO))
                  for pair in node.get("pairs").list())
    pairs = tuple(pair for pair in pairs if pair[1] is not None)
    return model.Comparison(
        metric=names.metric(node.get("metric")), arm=names.arm(node.get("arm")),
        reference=names.arm(node.get("reference")), n=node.get("n").count(len(pairs)),
        ratio=node.get("ratio").number(**_RATIO), ci90=node.get("ci90").interval(**_RATIO),
        hodges_lehmann=node.get("hodges_lehmann").number(**_RATIO),
        signed_rank_ci=node.get("signed_rank_ci").interval(**_RATIO),
        signed_rank_level=node.get("signed_rank_level").number(low=0, high=1),
        margin=node.get("margin").number(low=0, high=1e6),
        smallest_margin=node.get("smallest_margin").number(low=0, high=1e9),
        smallest_equivalence_margin=node.get("smallest_equivalence_margin").number(low=0, high=1e9),
        non_inferiority=_verdict(node.get("non_inferiority"), "NO DATA"),
        equivalence=_verdict(node.get("equivalence"), "NO DATA"),
        stamp=node.get("stamp").text(""), reasons=_lines(node.get("reasons")) + _lines(node.get("equivalence_reasons")),
        sd_log=node.get("sd_log").number(low=0, high=50), blocks_for_power=_count_or_none(node.get("blocks_for_90_power")),
        p_holm=node.get("p_different_holm").number(low=0, high=1), pairs=pairs)


def _claim(node, names):
    node.object()
    name = node.get("id").text()
    return model.Claim(
        id=name, title=node.get("title").text(name) or name, statement=node.get("statement").text("", 1000),
        source=node.get("source").text("", 300), role=node.get("role").text("paper"), rule=node.get("rule").text(""),
        margin=node.get("margin").number(low=0, high=1e6), sha256=node.get("sha256").text(""),
        verdict=_verdict(node.get("verdict"), "NO DATA"), indicative=_verdict(node.get("indicative"), ""),
        equivalence=_verdict(node.get("equivalence"), ""), stamp=node.get("stamp").text(""), reasons=_lines(node.get("reasons")),
        parts=tuple(_part(part, names) for part in node.get("parts").list(limit=1000)))


def _part(node, names):
    metric = node.get("metric")
    check = node.get("check")
    reference = node.get("reference")
    return model.Part(metric=None if metric.missing() else names.metric(metric),
                      check=None if check.missing() else check.text(), arm=names.arm(node.get("arm")),
                      reference="" if reference.missing() else names.arm(reference),
                      verdict=_verdict(node.get("verdict"), ""), indicative=_verdict(node.get("indicative"), ""),
                      reasons=_lines(node.get("reasons")), smallest_margin=node.get("smallest_margin").number(low=0, high=1e9))


def _controls(node):
    if node.missing():
        return None
    alarms = node.get("false_alarms").count()
    total = node.get("comparisons").count()
    if alarms > total:
        node.get("false_alarms").fail(f"{alarms} alarms in {total} comparisons")
    unequal = node.get("intervals_excluding_equal")
    return model.Controls(false_alarms=alarms, comparisons=total, rate=node.get("rate").number(low=0, high=1),
                          interval95=node.get("interval95").interval(low=0, high=1),
                          unequal=None if unequal.missing() else (unequal.get("count").count(), unequal.get("comparisons").count()),
                          note=node.get("note").text("", 400))


def _promise(node, names):
    check = node.get("check").text()
    cells = {}
    for arm, cell in node.get("arms").items():
        if arm not in names.arms:
            cell.fail("no arm has this id")
        held, total = cell.get("held").count(), cell.get("of").count()
        if held > total:
            cell.get("held").fail(f"{held} of {total} cannot be")
        cells[arm] = model.PromiseCell(held, total, cell.get("expected").flag(True), cell.get("detail").text("", 300))
    return model.Promise(check=check, label=node.get("label").text(check) or check, arms=cells)


def _storage(node, names):
    unchanged = node.get("system_digest_unchanged")
    return model.Storage(arm=names.arm(node.get("arm")),
                         system_bytes=node.get("system_bytes_written").number(low=0),
                         app_bytes=node.get("app_bytes_written").number(low=0),
                         user_bytes=node.get("user_bytes_written").number(low=0),
                         digest_unchanged=None if unchanged.missing() else unchanged.flag(),
                         note=node.get("note").text("", 300))

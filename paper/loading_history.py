# SPDX-License-Identifier: MIT
"""The document of `blendbench history --json` (results/schema/history.schema.json) as typed values."""

import dataclasses
import math

import reader

_MAX_SERIES = 20000
_MAX_RUNS = 100000


@dataclasses.dataclass(frozen=True)
class Point:
    run: str
    commit: str
    value: float
    spike: bool
    pending: bool


@dataclasses.dataclass(frozen=True)
class Change:
    index: int    # of the first point after it
    ratio: float  # above 1 is worse
    worse: bool


@dataclasses.dataclass(frozen=True)
class Series:
    experiment: str
    machine: str
    arm: str
    metric: str
    label: str
    unit: str
    lower_is_better: bool
    relative: bool
    points: tuple
    changes: tuple

    def segments(self):
        """(first, last + 1, median without spikes) of each level."""
        edges = [0] + [change.index for change in self.changes] + [len(self.points)]
        made = []
        for first, end in zip(edges, edges[1:]):
            values = sorted(point.value for point in self.points[first:end] if not point.spike) \
                or sorted(point.value for point in self.points[first:end])
            middle = len(values) // 2
            made.append((first, end, values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2))
        return made


def load(data):
    root = reader.parse(data).object()
    if root.get("kind").text("") != "blendbench-history":
        root.get("kind").fail("not a history; make it with: blendbench history --json > FILE")
    if root.get("schema").count(0) != 1:
        root.get("schema").fail("this version reads schema 1")
    return tuple(_series(node) for node in root.get("series").list(required=True, limit=_MAX_SERIES))


def _series(node):
    node.object()
    points = tuple(_point(element) for element in node.get("points").list(required=True, limit=_MAX_RUNS))
    changes = tuple(_change(element, len(points)) for element in node.get("changes").list(required=True, limit=_MAX_RUNS))
    for one, two in zip(changes, changes[1:]):
        if one.index >= two.index:
            node.get("changes").fail("they are not in the order of their index")
    return Series(experiment=node.get("experiment").text(), machine=node.get("machine").text(""), arm=node.get("arm").text(),
                  metric=node.get("metric").text(), label=node.get("label").text(""), unit=node.get("unit").text("", 20),
                  lower_is_better=node.get("better").text() != "higher", relative=node.get("scale").text() == "relative",
                  points=points, changes=changes)


def _point(node):
    node.object()
    value = node.get("value").number(None, low=0)
    if value is None or not math.isfinite(value):
        node.get("value").fail("expected a number")
    return Point(run=node.get("run").text(), commit=node.get("commit").text("", 60), value=value,
                 spike=node.get("spike").flag(False), pending=node.get("pending").flag(False))


def _change(node, length):
    index = node.object().get("index").count()
    if not 0 < index < length:
        node.get("index").fail(f"{index} is between no two of its {length} points")
    return Change(index=index, ratio=node.get("ratio").number(1.0, low=0), worse=node.get("worse").flag(False))

# SPDX-License-Identifier: MIT
"""What a strategy is, in the words of strategies.toml, and which arms of a report are one strategy. Reads that file and nothing else."""

import dataclasses
import functools
import os
import tomllib

import textsafe

_FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "strategies.toml")
NO_CODE = "none"


@dataclasses.dataclass(frozen=True)
class Strategy:
    layout: str
    engine: str       # "*" for a text that is about any
    title: str
    guest_code: str   # NO_CODE, a line that says what, or "" where the question does not arise
    what: tuple
    mounts: tuple
    needs: tuple
    cannot: tuple
    watch: tuple


@dataclasses.dataclass(frozen=True)
class Group:
    """Arms that are one strategy: they differ in options, settings or place on the dimension."""
    name: str  # of its page's file
    title: str
    strategy: Strategy
    arms: tuple


@functools.lru_cache(maxsize=None)
def _texts():
    with open(_FILE, "rb") as source:
        return tomllib.load(source)


def of_arm(arm, on_host):
    """The entry that fits best: the named engine before "*", then the one with most settings of the arm's own."""
    if on_host:
        return _strategy(next(entry for entry in _texts()["host"] if entry["engine"] in (arm.engine, "*")))
    settings = dict(arm.settings)
    fitting = [(entry["layout"] == arm.layout, entry["engine"] == arm.engine, len(entry.get("settings", {})), -place)
               for place, entry in enumerate(_texts()["strategy"])
               if entry["layout"] in (arm.layout, "*") and entry["engine"] in (arm.engine, "*")
               and all(settings.get(name) == value for name, value in entry.get("settings", {}).items())]
    return _strategy(_texts()["strategy"][-max(fitting)[3]])


def _strategy(entry):
    lists = {name: tuple(entry.get(name, ())) for name in ("what", "mounts", "needs", "cannot", "watch")}
    return Strategy(layout=entry.get("layout", ""), engine=entry["engine"], title=entry["title"], guest_code=entry.get("guest_code", ""), **lists)


def setting_notes(arm):
    """What the arm's settings mean, of those that have a text."""
    settings = dict(arm.settings)
    return [entry["text"] for entry in _texts()["setting"] if entry["contains"] in str(settings.get(entry["name"], ""))]


def groups(report):
    """The strategies of a report in the order of their first arms; a control belongs to what it repeats."""
    found = {}
    for arm in report.arms:
        strategy = of_arm(arm, report.host is not None)
        key = (arm.engine,) if report.host else (arm.layout, arm.engine, strategy.title)
        found.setdefault(key, (strategy, []))[1].append(arm)
    made = []
    taken = set()
    for key, (strategy, arms) in found.items():
        alike = sum(1 for other in found if other[:2] == key[:2]) > 1
        words = [arms[0].id] if alike else key[:1] if report.host else key[:2]
        name = textsafe.slug("-".join(word for word in words if word), taken)
        taken.add(name)
        named = strategy.engine == "*" and bool(arms[0].engine)
        made.append(Group(name, f"{strategy.title}: {arms[0].engine}" if named else strategy.title, strategy, tuple(arms)))
    return made

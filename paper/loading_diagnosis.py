# SPDX-License-Identifier: MIT
"""The member `diagnosis` of the document: per arm, what the guest of a boot apart said of its units. Missing in most runs.

How long a unit took is a number of the document. When it began stands only in systemd's critical chain, which is text of the
guest: whatever is not of its form there is passed over.
"""

import re

import model
import textsafe

_MOST_UNITS = 200
_MOST_SECONDS = 1e6
_CHAIN_LINES = 200
_CHAIN_CHARS = 20000

_SPAN = r"\d{1,12}(?:\.\d{1,12})?(?:min|ms|us|s|h)"
_SPANS = rf"{_SPAN}(?: {_SPAN}){{0,3}}"
_UNIT_SECONDS = {"h": 3600, "min": 60, "s": 1, "ms": 1e-3, "us": 1e-6}
# "  └─dev-vda.device @1.2s +300ms": with a "+", the "@" is when it began; without, when it was done.
_CHAIN_LINE = re.compile(rf"^[\s│|]*(?:[└├]─|[`|]-)? ?(\S+) @({_SPANS}) \+{_SPANS}$")


def diagnosis(node, names):
    """{arm id: model.Diagnosis}, or None. `names` knows the arms of the document."""
    if node.missing():
        return None
    told = {}
    for arm, member in node.items():
        if arm not in names.arms:
            member.fail("no arm has this id")
        if not member.missing():
            told[arm] = _one(member.object())
    return told or None


def _one(node):
    starts = _starts(_text(node.get("critical_chain"), _CHAIN_CHARS))
    units = [_unit(element.object(), starts) for element in node.get("units").list(limit=_MOST_UNITS)]
    units.sort(key=lambda unit: -unit.seconds)
    return model.Diagnosis(units=tuple(units), summary=textsafe.one_line(_text(node.get("summary"), 4000), 300),
                           failure=node.get("failure").text("", 300))


def _text(node, limit):
    """Several lines as they are; only to be taken apart or cleaned."""
    if not node.missing() and not isinstance(node.value, str):
        node.text()
    return (node.value or "")[:limit]


def _unit(node, starts):
    name = node.get("unit").text(limit=120)
    if node.get("s").missing():
        node.get("s").fail("expected a number, found null")
    return model.Unit(name=name, seconds=node.get("s").number(low=0, high=_MOST_SECONDS), start=starts.get(name))


def _starts(chain):
    """{unit: seconds after systemd took over} of the lines that tell it."""
    starts = {}
    for line in chain.split("\n")[:_CHAIN_LINES]:
        found = _CHAIN_LINE.match(line[:400].rstrip())
        if found:
            start = sum(_seconds(span) for span in found.group(2).split(" "))
            if start <= _MOST_SECONDS:
                starts.setdefault(textsafe.one_line(found.group(1), 120), start)
    return starts


def _seconds(span):
    number = re.match(r"[\d.]+", span).group()
    return float(number) * _UNIT_SECONDS[span[len(number):]]

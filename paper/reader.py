# SPDX-License-Identifier: MIT
"""Typed access to a JSON document where every mistake names the member it is in.

`Node` wraps a value with its path ("comparisons[3].ci90"); its methods return plain values or raise
`InvalidInput`, whose text is the one line the user sees. Members nobody asks for are ignored, so that
a newer exporter still suits an older report.
"""

import json
import math

import textsafe

# A document this large is not a report export; refusing it beats exhausting the memory.
_MAX_BYTES = 512 * 1024 * 1024


class InvalidInput(Exception):
    """The document is not what the report's contract says; str() is one line."""


class _DuplicateMember(ValueError):
    pass


def _no_constants(name):
    raise ValueError(f"{name} is not a JSON number")


def _unique_members(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _DuplicateMember(f"the member {textsafe.one_line(twice, 40)!r} is there twice in one object")
    return members


def parse(data):
    """Bytes to a Node of the document's root."""
    if len(data) > _MAX_BYTES:
        raise InvalidInput(f"larger than {_MAX_BYTES >> 20} MiB: not a report export")
    try:
        text = data.decode("utf-8-sig")
        value = json.loads(text, parse_constant=_no_constants, object_pairs_hook=_unique_members)
    except UnicodeDecodeError as error:
        raise InvalidInput(f"not UTF-8 text (byte {error.start})") from None
    except json.JSONDecodeError as error:
        raise InvalidInput(f"not JSON: line {error.lineno}, column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise InvalidInput("not JSON: nested too deeply") from None
    except ValueError as error:
        raise InvalidInput(f"not JSON: {error}") from None
    return Node(value, "")


def _kind(value):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return f"the text {textsafe.one_line(value, 40)!r}"
    return "a list" if isinstance(value, list) else "an object"


class Node:
    """A value and where it stands. Immutable."""

    def __init__(self, value, path):
        self.value = value
        self.path = path

    def fail(self, message):
        raise InvalidInput(f"{self.path or 'the document'}: {message}")

    def _expected(self, what):
        self.fail(f"expected {what}, found {_kind(self.value)}")

    # --- structure -----------------------------------------------------------------------------

    def get(self, name):
        """The member `name`; a missing one is a Node of null, for the typed methods to judge."""
        if not isinstance(self.value, dict):
            self._expected("an object")
        shown = textsafe.one_line(name, 60)
        path = f"{self.path}.{shown}" if self.path else shown
        return Node(self.value.get(name), path)

    def items(self):
        """(name, Node) of an object's members in the document's order; null counts as empty."""
        if self.value is None:
            return []
        if not isinstance(self.value, dict):
            self._expected("an object")
        return [(name, self.get(name)) for name in self.value]

    def list(self, required=False, limit=1_000_000):
        """Nodes of a list's elements; null counts as empty unless `required`."""
        if self.value is None and not required:
            return []
        if not isinstance(self.value, list):
            self._expected("a list")
        if len(self.value) > limit:
            self.fail(f"has {len(self.value)} elements, more than the {limit} a report can show")
        return [Node(element, f"{self.path}[{index}]") for index, element in enumerate(self.value)]

    def object(self):
        if not isinstance(self.value, dict):
            self._expected("an object")
        return self

    def missing(self):
        return self.value is None

    # --- scalars -------------------------------------------------------------------------------

    def text(self, default=None, limit=200):
        """A cleaned line of text; `default` stands in for null, without one null is an error."""
        if self.value is None and default is not None:
            return default
        if not isinstance(self.value, str):
            self._expected("text")
        return textsafe.one_line(self.value, limit)

    def key(self):
        """An identifier: compared as it is, so nothing is cleaned away; must be sane already."""
        if not isinstance(self.value, str):
            self._expected("text")
        if not self.value or len(self.value) > 200 or textsafe.one_line(self.value, 200) != self.value:
            self.fail("an id is 1 to 200 printable characters on one line")
        return self.value

    def flag(self, default=None):
        if self.value is None and default is not None:
            return default
        if not isinstance(self.value, bool):
            self._expected("true or false")
        return self.value

    def number(self, default=None, low=-math.inf, high=math.inf):
        """A finite float within [low, high]; null gives `default` (None allowed)."""
        if self.value is None:
            return default
        if isinstance(self.value, bool) or not isinstance(self.value, (int, float)):
            self._expected("a number")
        try:
            number = float(self.value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            self.fail("a number too large to be a measurement")
        if not low <= number <= high:
            self.fail(f"{number:g} is out of range ({_range_words(low, high)})")
        return number

    def count(self, default=None):
        """A whole number from 0."""
        number = self.number(None, low=0, high=2**53)
        if number is None:
            if default is None:
                self._expected("a whole number")
            return default
        if number != int(number):
            self.fail(f"expected a whole number, found {number:g}")
        return int(number)

    def interval(self, low=-math.inf, high=math.inf):
        """(lower, upper) of a two-element list, or None for null."""
        if self.value is None:
            return None
        nodes = self.list()
        if len(nodes) != 2 or any(node.missing() for node in nodes):
            # An interval without a bound (too few blocks) is no interval.
            if len(nodes) == 2:
                return None
            self.fail(f"expected two numbers, found {len(nodes)}")
        bounds = tuple(node.number(low=low, high=high) for node in nodes)
        if bounds[0] > bounds[1]:
            self.fail(f"the lower bound {bounds[0]:g} is above the upper bound {bounds[1]:g}")
        return bounds


def _range_words(low, high):
    if high == math.inf:
        return f"at least {low:g}"
    if low == -math.inf:
        return f"at most {high:g}"
    return f"{low:g} to {high:g}"

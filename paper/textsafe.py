# SPDX-License-Identifier: MIT
"""Text that came from a guest or a label, made fit for a page or a plot.

A console log is hostile input: terminal escapes, control and bidirectional characters could change
what a reader sees around them. Escaping for HTML is the template's work; this file removes what
escaping leaves in place and bounds every length. Pure functions.
"""

import re
import unicodedata

_ESCAPE_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"               # CSI: colours, cursor movement
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"  # OSC, DCS and other strings
    r"|\x1b[ -/]*[0-~]"                      # two-character escapes
    r"|\x9b[0-?]*[ -/]*[@-~]")               # CSI as one C1 character

# Cc control, Cf format (bidirectional overrides, zero width), Cs surrogate, Co private, Cn unassigned.
_UNWANTED_CATEGORIES = frozenset(("Cc", "Cf", "Cs", "Co", "Cn"))

# More marks in a row than any script needs would grow over the lines above and below.
_MARK_LIMIT = 3


def _printable(text, keep):
    out = []
    marks = 0
    for char in text:
        if char in keep:
            out.append(char)
            marks = 0
            continue
        category = unicodedata.category(char)
        if category in _UNWANTED_CATEGORIES:
            continue
        if category in ("Mn", "Me"):
            marks += 1
            if marks > _MARK_LIMIT:
                continue
        else:
            marks = 0
        # Line and paragraph separators break a line as a newline does.
        out.append(" " if category in ("Zs", "Zl", "Zp") else char)
    return "".join(out)


def one_line(text, limit=200):
    """One line without control characters, at most `limit` characters with an ellipsis."""
    text = _ESCAPE_SEQUENCE.sub("", str(text)[:limit * 16])
    text = re.sub(r"\s+", " ", text)
    return shorten(_printable(text, keep="").strip(), limit)


def block(text, max_lines=60, max_columns=240):
    """Several lines, the last `max_lines` of them, each cut at `max_columns` characters."""
    text = str(text)[-(max_lines * max_columns * 4):]
    text = _ESCAPE_SEQUENCE.sub("", text).replace("\r\n", "\n")
    lines = []
    for line in re.split(r"[\n\v\f\r\x85\u2028\u2029]", text):
        line = _printable(line.expandtabs(8), keep="").rstrip()
        lines.append(shorten(line, max_columns))
    while lines and not lines[0]:
        lines.pop(0)
    while lines and not lines[-1]:
        lines.pop()
    left_out = len(lines) - max_lines
    if left_out > 0:
        lines = [f"[{left_out} earlier lines left out]"] + lines[left_out:]
    return "\n".join(lines)


def shorten(text, limit):
    """`text`, or its first part and an ellipsis, never longer than `limit`."""
    return text if len(text) <= limit else text[:max(limit - 1, 0)].rstrip() + "…"


def slug(text, taken=()):
    """A file name and HTML id made of [a-z0-9-], not in `taken`."""
    base = re.sub(r"[^a-z0-9]+", "-", str(text).lower()).strip("-")[:40].strip("-") or "x"
    name = base
    number = 2
    while name in taken:
        name = f"{base}-{number}"
        number += 1
    return name

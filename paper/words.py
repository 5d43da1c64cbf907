# SPDX-License-Identifier: MIT
"""Numbers as a reader sees them, the same on the page and in figures. Pure functions."""

import math

_NOTHING = 1e-9  # a share that is rounding alone


def number(value):
    """Three significant digits, no exponent where a reader would not expect one."""
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 1e6 or size < 1e-4:
        return f"{value:.2e}"
    digits = max(0, 2 - math.floor(math.log10(size)))
    text = f"{value:,.{digits}f}"
    return text.replace(",", "\u202f")


def plural(count, noun):
    """"1 block", "2 blocks"."""
    return f"{count} {noun}" + ("" if count == 1 else "s")


def bytes_words(count):
    if count is None:
        return "not recorded"
    for limit, unit in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if count >= limit:
            return f"{number(count / limit)} {unit}"
    return f"{count:g} bytes"


def ratio(value):
    """A ratio near 1 with its third decimal."""
    return f"{value:.3f}" if 0.1 <= value < 10 else f"{value:.3g}"


def ratio_words(row):
    """A comparison's ratio and interval as far as they are known."""
    if row is None or row.ratio is None:
        return ""
    return f"{ratio(row.ratio)} ({ratio(row.ci90[0])} to {ratio(row.ci90[1])})" if row.ci90 else f"{ratio(row.ratio)} (no interval)"


def percent(share):
    """A fraction in percent; nothing for None. The space does not break."""
    if share is None:
        return ""
    return f"{0 if abs(share) < _NOTHING else share * 100:.3g}\u00a0%"

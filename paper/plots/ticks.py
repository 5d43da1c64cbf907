# SPDX-License-Identifier: MIT
"""Ticks of a ratio axis: logarithmic positions, labels that read as factors. Pure functions."""

import math

# Factors from the roundest to the finest; within a group none is rounder than another.
_GROUPS = ((2, 0.5), (5, 0.2), (1.5,), (3, 0.3), (1.2, 0.8), (1.1, 0.9), (4, 0.4, 0.7), (1.05, 0.95), (1.3, 0.6), (1.02, 0.98))


def limits(values, least=0.08):
    """(low, high) in logs around all `values`, zero included, at least `least` to each side, with some air."""
    finite = [value for value in values if value is not None and math.isfinite(value)]
    low = min([-least] + finite)
    high = max([least] + finite)
    air = 0.06 * (high - low)
    return low - air, high + air


def ratio_ticks(low, high, inches, spacing=0.5):
    """[(log position, label)]: 1 first, then the roundest factors that keep `spacing` inches between ticks."""
    scale = inches / (high - low)
    chosen = [0.0]
    for factor in _candidates(low, high):
        position = math.log(factor)
        # A label has a width of its own: none so close to an end that it would hang over.
        inside = low <= position <= high
        if inside and all(abs(position - other) * scale >= spacing for other in chosen):
            chosen.append(position)
    return [(position, label(math.exp(position))) for position in sorted(chosen)]


def _candidates(low, high):
    decades = math.ceil(max(abs(low), abs(high)) / math.log(10))
    for decade in range(1, decades + 1):
        yield 10.0**decade
        yield 10.0**-decade
    for group in _GROUPS:
        for factor in group:
            yield factor
            for decade in range(1, decades + 1):
                yield factor * 10.0**(decade if factor > 1 else -decade)


def label(factor):
    if factor >= 9999 or factor <= 0.00101:
        return f"{factor:.0e}".replace("e+0", "e").replace("e-0", "e−")
    return f"{factor:.3g}"


def value_ticks(low, high, most=6):
    """[(value, label)] of a logarithmic axis: powers of ten where these suffice, else ones, twos and fives."""
    exponents = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    tens = [10.0**exponent for exponent in exponents if low <= 10.0**exponent <= high]
    if len(tens) >= 3:
        step = math.ceil(len(tens) / most)
        return [(value, plain(value)) for value in tens[::step]]
    fine = [factor * 10.0**exponent for exponent in exponents for factor in (1, 2, 5)]
    shown = [value for value in fine if low <= value <= high]
    if len(shown) < 2:
        # So little of a decade that even steps do as well.
        unit = 10.0**math.floor(math.log10((high - low) / 2))
        step = next(factor * unit for factor in (5, 2, 1) if (high - low) / (factor * unit) >= 2)
        shown = [place * step for place in range(math.ceil(low / step), math.floor(high / step) + 1)]
    return [(value, plain(value)) for value in shown]


def plain(value):
    """Without an exponent where a reader would not expect one."""
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:.4g}".replace("-", "−")
    return f"{value:.2g}".replace("e+0", "e").replace("e-0", "e−").replace("-", "−")


def spread(values, place, spacing):
    """Those of the sorted `values` whose `place` (inches) keeps `spacing` from the one before; the last one always."""
    chosen = []
    for value in values:
        if not chosen or place(value) - place(chosen[-1]) >= spacing:
            chosen.append(value)
    if chosen and chosen[-1] != values[-1]:
        chosen[-1:] = [values[-1]] if len(chosen) > 1 else [chosen[0]]
    return chosen

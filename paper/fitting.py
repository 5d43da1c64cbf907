# SPDX-License-Identifier: MIT
"""Growth fitted to samples: constant, linear or power, chosen by a stated rule. Pure; numpy alone.

Errors are taken as multiplicative, as those of times and rates are: all three curves are fitted by least squares of logarithms, so that
one criterion compares them. Sources: the linear curve by Gauss and Newton's steps, intervals by the linearised covariance: Seber and
Wild, Nonlinear Regression (1989), 2.1 and 5.1. AICc and the difference of two: Burnham and Anderson, Model Selection and Multimodel
Inference (2002), 2.4 and 2.6. Student's t for whole degrees of freedom: Abramowitz and Stegun, Handbook of Mathematical Functions (1964), 26.7.3 and 26.7.4.
"""

import dataclasses
import functools
import math
from typing import Optional

import numpy

LEVEL = 0.90              # of intervals and bands, two-sided
LEAST_LEVELS = 3          # different places that make a growth; two are a difference
LEAST_SAMPLES = 6         # fewer leave nothing to tell noise by
LEAST_GAIN = 2.0          # of AICc, by which growth must beat "constant"
_SMALLEST_SD = 1e-6       # below it a fit is perfect, as of counted instructions
_STEPS = 60

RULE = (f"A curve is fitted where a series has at least {LEAST_LEVELS} places and {LEAST_SAMPLES} samples, all above 0. It is constant unless linear "
        f"(a + b x) or power (a x^k) has an AICc lower by {LEAST_GAIN:g} or more; of these two the one with the lower AICc, linear when equal.")


@dataclasses.dataclass(frozen=True)
class Fit:
    model: str                    # "constant", "linear" or "power": the one that was chosen
    parameters: tuple             # (a,), (a, b) or (a, k)
    slope: float                  # b of the linear curve, whichever was chosen
    slope_interval: tuple
    exponent: Optional[float]     # k of the power curve; None where a place is not above 0
    exponent_interval: Optional[tuple]
    r_squared: Optional[float]    # of logarithms; None where nothing varies
    residual: float               # standard deviation of the logarithms around the curve
    samples: int
    levels: int
    _covariance: tuple            # of the chosen parameters: log a; (a, b); (log a, k)

    def at(self, x):
        """(value, low, high): the curve and its band, for the mean and not for single samples."""
        if self.model == "linear":
            value = self.parameters[0] + self.parameters[1] * x
            if value <= 0:
                return None
            gradient = numpy.array([1 / value, x / value])
        elif self.model == "power":
            value = self.parameters[0] * x**self.parameters[1]
            gradient = numpy.array([1.0, math.log(x)])
        else:
            value, gradient = self.parameters[0], numpy.array([1.0])
        spread = math.sqrt(max(0.0, float(gradient @ numpy.array(self._covariance) @ gradient)))
        reach = math.exp(min(student(0.5 + LEVEL / 2, self.samples - len(self.parameters)) * spread, 50))
        return value, value / reach, value * reach


def fit(points):
    """(Fit, "") of [(x, y)], or (None, the reason why not)."""
    if len({x for x, _ in points}) < LEAST_LEVELS:
        return None, f"fewer than {LEAST_LEVELS} places"
    if len(points) < LEAST_SAMPLES:
        return None, f"fewer than {LEAST_SAMPLES} samples"
    if min(y for _, y in points) <= 0:
        return None, "a value that is not above 0"
    try:
        with numpy.errstate(over="raise", invalid="raise", divide="raise"):
            return _fit(points), ""
    except (FloatingPointError, OverflowError, numpy.linalg.LinAlgError):
        return None, "numbers too far apart to compute with"


def _fit(points):
    x = numpy.array([point[0] for point in points], dtype=float)
    y = numpy.log(numpy.array([point[1] for point in points], dtype=float))
    curves = {"constant": _constant(x, y), "linear": _linear(x, y)}
    if x.min() > 0:
        curves["power"] = _power(x, y)
    chosen = _choose({name: _aicc(len(x), len(curve[0]), curve[2]) for name, curve in curves.items()})
    parameters, covariance, squares = curves[chosen]
    total = curves["constant"][2]
    free = len(x) - len(parameters)
    slope, slope_interval = _second(curves["linear"], len(x))
    exponent, exponent_interval = _second(curves["power"], len(x)) if "power" in curves else (None, None)
    return Fit(chosen, tuple(float(value) for value in parameters), slope, slope_interval, exponent, exponent_interval,
               None if total <= len(x) * _SMALLEST_SD**2 else max(0.0, 1 - squares / total), math.sqrt(squares / free), len(x),
               len(set(x)), tuple(tuple(float(value) for value in row) for row in covariance))


def _choose(criteria):
    growing = min((name for name in ("linear", "power") if name in criteria), key=lambda name: criteria[name])
    return growing if criteria[growing] <= criteria["constant"] - LEAST_GAIN else "constant"


def _aicc(count, parameters, squares):
    """Of normal errors of logarithms; their variance is a parameter too."""
    free = parameters + 1
    return count * math.log(max(squares / count, _SMALLEST_SD**2)) + 2 * free + 2 * free * (free + 1) / (count - free - 1)


def _second(curve, count):
    """Second parameter of a curve and its interval."""
    value, spread = float(curve[0][1]), math.sqrt(max(0.0, float(curve[1][1][1])))
    half = student(0.5 + LEVEL / 2, count - 2) * spread
    return value, (value - half, value + half)


# Each curve: (parameters, their covariance, sum of squared residuals of logarithms).


def _constant(x, y):
    mean = float(y.mean())
    squares = float(((y - mean)**2).sum())
    return (math.exp(mean),), numpy.array([[squares / (len(x) - 1) / len(x)]]), squares


def _power(x, y):
    design = numpy.column_stack([numpy.ones_like(x), numpy.log(x)])
    solved = numpy.linalg.lstsq(design, y, rcond=None)[0]
    squares = float(((y - design @ solved)**2).sum())
    return (math.exp(solved[0]), solved[1]), _covariance(design, squares, len(x)), squares


def _linear(x, y):
    # Steps are taken with both sides near 1; squares of the numbers themselves could be out of a computer's range.
    scale, middle = float(numpy.abs(x).max()) or 1.0, float(y.mean())
    z, y = x / scale, y - middle
    a, b = _start(z, y)
    squares = _squares(a, b, z, y)
    for _ in range(_STEPS):
        value = a + b * z
        step = numpy.linalg.lstsq(numpy.column_stack([1 / value, z / value]), y - numpy.log(value), rcond=None)[0]
        share = 1.0
        while share > 1e-9 and not _squares(a + share * step[0], b + share * step[1], z, y) <= squares:
            share /= 2
        if share <= 1e-9:
            break
        a, b = a + share * step[0], b + share * step[1]
        found = _squares(a, b, z, y)
        if squares - found <= 1e-12 * max(squares, 1e-300):
            squares = found
            break
        squares = found
    value = a + b * z
    covariance = _covariance(numpy.column_stack([1 / value, z / value]), squares, len(x))
    back = numpy.diag([math.exp(middle), math.exp(middle) / scale])
    return (a * back[0, 0], b * back[1, 1]), back @ covariance @ back, squares


def _start(z, y):
    """Least squares of the values, weighted as relative errors ask for; level where that goes below 0."""
    weight = numpy.exp(-y)
    a, b = numpy.linalg.lstsq(numpy.column_stack([weight, z * weight]), numpy.ones_like(y), rcond=None)[0]
    return (float(a), float(b)) if (a + b * z).min() > 0 else (math.exp(float(y.mean())), 0.0)


def _squares(a, b, z, y):
    value = a + b * z
    return float(((y - numpy.log(value))**2).sum()) if value.min() > 0 else math.inf


def _covariance(design, squares, count):
    return numpy.linalg.pinv(design.T @ design) * (squares / (count - 2))


@functools.lru_cache(maxsize=None)
def student(probability, degrees):
    """The quantile of Student's t at `probability` >= 0.5, for whole degrees of freedom."""
    low, high = 0.0, math.pi / 2
    for _ in range(60):
        middle = (low + high) / 2
        if 0.5 + _within(middle, degrees) / 2 < probability:
            low = middle
        else:
            high = middle
    return math.tan(low) * math.sqrt(degrees)


def _within(angle, degrees):
    """P(|T| < t), t being the tangent of `angle` times the root of the degrees."""
    cosine, sine = math.cos(angle), math.sin(angle)
    odd = degrees % 2
    if degrees == 1:
        return 2 * angle / math.pi
    term = cosine if odd else 1.0
    total = term
    for step in range(3 if odd else 2, degrees - 1, 2):
        term *= cosine**2 * (step - 1) / step
        total += term
    return 2 / math.pi * (angle + sine * total) if odd else sine * total


def mean_interval(values):
    """(mean, low, high) by Student's t, or (mean, None, None) of a single value."""
    mean = math.fsum(values) / len(values)
    if len(values) < 2:
        return mean, None, None
    spread = math.sqrt(math.fsum((value - mean)**2 for value in values) / (len(values) - 1) / len(values))
    half = student(0.5 + LEVEL / 2, len(values) - 1) * spread
    return mean, mean - half, mean + half

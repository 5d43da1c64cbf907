#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What SciPy says about the statistics of harness/stats, as an oracle for its tests.

  scipy_reference.py --write FILE   the fixed cases (a seed of their own) with SciPy's answers; kept in the repository
  scipy_reference.py --answer       cases as JSON on standard input, cases with answers on standard output

Everything is computed another way than in C++: the signed-rank distribution through scipy.stats.wilcoxon on constructed
data, its interval by inverting that test, the noncentral t distribution by integration.
"""

import argparse
import json
import sys

import numpy as np
from scipy import integrate, stats

LEVEL = 0.90
TAIL = (1 - LEVEL) / 2


def signed_rank_cdf(n, w):
    """P(W <= w): the one-sided exact p value of data whose positive ranks add up to w."""
    signs = [-1] * n
    left = w
    for rank in range(n, 0, -1):
        if rank <= left:
            signs[rank - 1] = 1
            left -= rank
    data = np.array([sign * rank for rank, sign in zip(range(1, n + 1), signs)], dtype=float)
    return float(stats.wilcoxon(data, alternative="less", mode="exact").pvalue)


def signed_rank_interval(values):
    """Shifts that neither one-sided exact test rejects at 5 %, found between neighbouring Walsh averages."""
    values = np.array(values)
    walsh = np.sort([(values[i] + values[j]) / 2 for i in range(len(values)) for j in range(i, len(values))])

    def kept(shift):
        moved = values - shift
        return all(stats.wilcoxon(moved, alternative=side, mode="exact").pvalue > TAIL for side in ("less", "greater"))

    gaps = (walsh[:-1] + walsh[1:]) / 2
    inside = [index for index, gap in enumerate(gaps) if kept(gap)]
    if not inside or kept(walsh[0] - 1):
        return None
    return [float(walsh[inside[0]]), float(walsh[inside[-1] + 1])]


def holm(p_values):
    order = np.argsort(p_values, kind="stable")
    adjusted = np.empty(len(p_values))
    running = 0.0
    for place, index in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - place) * p_values[index]))
        adjusted[index] = running
    return [float(value) for value in adjusted]


def noncentral_cdf(t, degrees, noncentrality):
    """By its definition: T = (Z + noncentrality) / sqrt(V / degrees) with V chi-squared, integrated over V's quantiles."""
    return float(integrate.quad(
        lambda u: stats.norm.cdf(t * np.sqrt(stats.chi2.ppf(u, degrees) / degrees) - noncentrality),
        0, 1, epsabs=1e-12, epsrel=1e-12, limit=400)[0])


def power(sd, margin, blocks):
    return 1 - noncentral_cdf(stats.t.ppf(0.95, blocks - 1), blocks - 1, np.log1p(margin) * np.sqrt(blocks) / sd)


def equivalence_power(sd, margin, blocks):
    """Over the mean that may be seen: how often the standard deviation is small enough for it."""
    degrees = blocks - 1
    reach = np.log1p(margin) * np.sqrt(blocks) / sd
    quantile = stats.t.ppf(0.95, degrees)
    return float(2 * integrate.quad(
        lambda z: stats.norm.pdf(z) * stats.chi2.cdf(degrees * ((reach - z) / quantile) ** 2, degrees),
        0, min(reach, 12), epsabs=1e-12, epsrel=1e-12, limit=400)[0])


def bca_sd(values):
    result = stats.bootstrap((np.array(values),), lambda sample, axis: np.std(sample, axis=axis, ddof=1),
                             n_resamples=200_000, confidence_level=LEVEL, method="BCa", batch=20_000,
                             random_state=np.random.default_rng(20140802))
    return [float(result.confidence_interval.low), float(result.confidence_interval.high)]


def answer_paired(case):
    values = np.array(case["values"])
    low, high = stats.t.interval(LEVEL, len(values) - 1, values.mean(), stats.sem(values))
    walsh = [(values[i] + values[j]) / 2 for i in range(len(values)) for j in range(i, len(values))]
    bound = float(np.log1p(case["margin"]))
    return {
        "mean": float(values.mean()), "sd": float(values.std(ddof=1)), "student": [float(low), float(high)],
        "hodges_lehmann": float(np.median(walsh)), "signed_rank": signed_rank_interval(values),
        "p_beyond_margin": float(stats.ttest_1samp(values, bound, alternative="greater").pvalue),
        "p_different": float(stats.ttest_1samp(values, 0.0).pvalue),
        "p_non_inferior": float(stats.ttest_1samp(values, bound, alternative="less").pvalue),
        "p_equivalent": max(float(stats.ttest_1samp(values, bound, alternative="less").pvalue),
                            float(stats.ttest_1samp(values, -bound, alternative="greater").pvalue)),
    }


ANSWERS = {
    "paired": answer_paired,
    "signed_rank_cdf": lambda case: signed_rank_cdf(case["n"], case["w"]),
    "student_quantile": lambda case: float(stats.t.ppf(case["probability"], case["degrees"])),
    "noncentral_cdf": lambda case: noncentral_cdf(case["t"], case["degrees"], case["noncentrality"]),
    "clopper_pearson": lambda case: list(map(float, stats.binomtest(case["hits"], case["of"]).proportion_ci(0.95, "exact"))),
    "holm": lambda case: holm(case["values"]),
    "power": lambda case: power(case["sd"], case["margin"], case["blocks"]),
    "equivalence_power": lambda case: equivalence_power(case["sd"], case["margin"], case["blocks"]),
    "sd_limit": lambda case: float(case["sd"] * np.sqrt((case["n"] - 1) / stats.chi2.ppf(0.2, case["n"] - 1))),
    "bca_sd": lambda case: bca_sd(case["values"]),
}


def fixed_cases():
    random = np.random.default_rng(20140801)
    cases = []
    for n in (2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 30):
        for scale, shift in ((0.01, 0.0), (0.05, 0.03), (0.2, -0.1)):
            values = [float(value) for value in np.round(random.normal(shift, scale, n), 6)]
            cases.append({"kind": "paired", "values": values, "margin": 0.05})
    for n in (1, 2, 5, 8, 13, 25, 40, 50):
        top = n * (n + 1) // 2
        for w in sorted({0, 1, top // 4, top // 3, top // 2, top - 1, top}):
            cases.append({"kind": "signed_rank_cdf", "n": n, "w": int(w)})
    for probability in (0.5, 0.9, 0.95, 0.975, 0.999):
        for degrees in (1, 2, 5, 7, 11, 100):
            cases.append({"kind": "student_quantile", "probability": probability, "degrees": degrees})
    for t, degrees, noncentrality in ((1.9, 7, 0.5), (1.8, 11, 2.9), (2.1, 5, 6.0), (0.0, 3, 1.0), (1.66, 99, 10.0)):
        cases.append({"kind": "noncentral_cdf", "t": t, "degrees": degrees, "noncentrality": noncentrality})
    for hits, of in ((0, 1), (0, 12), (1, 12), (6, 12), (12, 12), (3, 200), (199, 200)):
        cases.append({"kind": "clopper_pearson", "hits": hits, "of": of})
    for size in (1, 2, 5, 12):
        values = [float(value) for value in np.round(random.uniform(0, 0.2, size), 6)]
        cases.append({"kind": "holm", "values": values})
    for sd in (0.01, 0.03, 0.06, 0.2):
        for blocks in (3, 8, 12, 40):
            cases.append({"kind": "power", "sd": sd, "margin": 0.05, "blocks": blocks})
            cases.append({"kind": "equivalence_power", "sd": sd, "margin": 0.05, "blocks": blocks})
            cases.append({"kind": "sd_limit", "sd": sd, "n": blocks})
    for n in (12, 20, 30):
        values = [float(value) for value in np.round(random.gamma(2, 0.03, n), 6)]
        cases.append({"kind": "bca_sd", "values": values})
    return cases


def answered(cases):
    return [dict(case, answer=ANSWERS[case["kind"]](case)) for case in cases]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", metavar="FILE")
    what.add_argument("--answer", action="store_true")
    options = parser.parse_args()
    if options.answer:
        json.dump(answered(json.load(sys.stdin)), sys.stdout)
        return
    with open(options.write, "w", encoding="ascii") as file:
        cases = ",\n".join(json.dumps(case) for case in answered(fixed_cases()))
        file.write(f"[\n{cases}\n]\n")


if __name__ == "__main__":
    main()

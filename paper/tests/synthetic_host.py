# SPDX-License-Identifier: MIT
"""Made-up documents of experiments on the host, for tests: every number follows from the arm and the case."""

import math

_ARMS = (("ext4", "plain", True, False), ("ext4-again", "plain", False, True), ("overlayfs", "overlayfs", False, False),
         ("mergerfs", "mergerfs", False, False), ("blendfs", "blendfs", False, False))
# Times slower than the reference.
SLOWER = {"ext4": 1.0, "ext4-again": 1.0, "overlayfs": 1.25, "mergerfs": 8.0, "blendfs": 0.5}
_CASES = [("warm-find", "metadata", 1), ("upper-write-4k", "data", 1), ("copyup-2k-small", "copy-up", 1), ("unpack", "program", 1), ("boot-userspace", "boot", 1)] + \
         [(f"layers{count}-find", "layers", count) for count in (2, 8, 32)]
REASON = "writes into the lower branch <b>instead</b> of copying up"


def document(blocks=5):
    cases = [{"id": name, "label": f"case {name}", "group": group, "layers": layers, "metric": _metric(name), "cpu_metric": f"{name}.cpu_s"}
             for name, group, layers in _CASES]
    metrics = [{"id": case["metric"], "label": case["label"], "family": f"host-{case['group']}", "unit": "MB/s" if _rate(case["id"]) else "s",
                "better": "higher" if _rate(case["id"]) else "lower"} for case in cases]
    metrics += [{"id": case["cpu_metric"], "label": case["label"], "family": "host-cpu", "unit": "s", "better": "lower"} for case in cases]
    samples = [_sample(block, order, arm[0], cases) for block in range(blocks) for order, arm in enumerate(_ARMS)]
    samples[-1].update(status="failed", failure={"phase": "case:warm-find", "reason": "wrong result", "console_tail": "", "console": "c.log"})
    return {"schema": 1, "run": {"id": "2026-11-23T10-00-00-host", "emulated": False, "substrate": "host", "profile": "host",
                                 "blocks_planned": blocks, "blocks_done": blocks},
            "arms": [{"id": name, "label": name, "layout": "monolithic" if engine == "plain" else "fine", "engine": engine,
                      "reference": reference, "control": control} for name, engine, reference, control in _ARMS],
            "metrics": metrics, "samples": samples,
            "comparisons": [_comparison(metric, arm[0], samples) for metric in metrics for arm in _ARMS[1:] if _measured(arm[0], metric["id"])],
            "host": {"cases": cases, "skipped": [{"arm": "mergerfs", "case": "copyup-2k-small", "reason": REASON}],
                     "failed": [{"arm": "blendfs", "case": "warm-find", "reason": "wrong result"}]}}


def _rate(name):
    return name.startswith("upper-write")


def _metric(name):
    return name + (".rate_mbps" if _rate(name) else ".wall_s")


def _measured(arm, metric):
    return not (arm == "mergerfs" and metric.startswith("copyup"))


def _sample(block, order, arm, cases):
    metrics = {}
    for case in cases:
        if not _measured(arm, case["metric"]):
            continue
        slower = SLOWER[arm] * (1 + 0.01 * ((block * 3 + order) % 5 - 2) * (arm != "ext4"))
        metrics[case["metric"]] = 500 / slower if _rate(case["id"]) else 0.1 * case["layers"] * slower
        metrics[case["cpu_metric"]] = 0.05 * slower
    return {"block": block, "order": order, "arm": arm, "status": "ok", "failure": None, "metrics": metrics}


def _comparison(metric, arm, samples):
    values = {(sample["arm"], sample["block"]): sample["metrics"].get(metric["id"]) for sample in samples}
    sign = -1 if metric["better"] == "higher" else 1
    pairs = [{"block": block, "log_ratio": sign * math.log(value / values["ext4", block])} for (name, block), value in values.items() if name == arm]
    mean = sum(pair["log_ratio"] for pair in pairs) / len(pairs)
    return {"metric": metric["id"], "arm": arm, "reference": "ext4", "n": len(pairs), "ratio": math.exp(mean),
            "ci90": [math.exp(mean - 0.02), math.exp(mean + 0.02)], "margin": 0.05, "non_inferiority": "INCONCLUSIVE",
            "equivalence": "INCONCLUSIVE", "stamp": "userspace only, indicative", "pairs": pairs}

# SPDX-License-Identifier: MIT
"""Makes export documents as a run would give them, from a seed: for tests, and to look at the page without a run.

    synthetic.py KIND [--seed N]     KIND: ok, failures, single, hostile, many, allfailed, kvm, minimal

The statistics are computed here in a few lines of their own and only as well as a test needs; the real ones are
blendbench's.
"""

import argparse
import json
import math
import random
import statistics
import sys

import synthetic_extras

_PHASES = (("kernel_s", "firmware and kernel", 3.0), ("initramfs_s", "initramfs before the merge", 0.8), ("merge_s", "merge", 0.25),
           ("switch_s", "merge to switch_root", 0.12), ("userspace_s", "switch_root to the default target", 12.0))
_JOBS = (("fio.path_randread_4k_qd1_mbps", "path, random read 4k, depth 1", "fio-path", 21.5),
         ("fio.path_randread_4k_qd32_mbps", "path, random read 4k, depth 32", "fio-path", 80.0),
         ("fio.path_randwrite_4k_qd1_mbps", "path, random write 4k, depth 1", "fio-path", 14.0),
         ("fio.path_read_1m_mbps", "path, sequential read 1M", "fio-path", 900.0),
         ("fio.app_write_1m_mbps", "application, sequential write 1M, end_fsync", "fio-app", 310.0),
         ("fio.app_read_lower_1m_mbps", "application, read of a lower file, cold", "fio-app", 620.0))
_ARMS = (("coarse", "coarse", "", "coarse (A)"), ("coarse-aa", "coarse", "", "coarse again (A')"),
         ("monolithic", "monolithic", "", "monolithic"), ("fine-blendfs", "fine", "blendfs", "fine, blendfs"),
         ("fine-overlayfs", "fine", "overlayfs", "fine, overlayfs"))
_PROMISES = (("override-config", "the user image's configuration wins"), ("override-program", "the user image's program wins"),
             ("deletion", "a file deleted by the user stays deleted"), ("app-in-place", "the application is found at its usual path"),
             ("user-home", "the user's home lies on the user image"), ("write-system-path", "writes below /etc are kept"),
             ("system-release", "a newer system image keeps the user's changes"))
# Times worse than the reference, by (engine or layout): boot, boot merge phase, throughput.
_EFFECTS = {"coarse": (1.0, 1.0, 1.0), "monolithic": (0.97, 1.0, 1.01), "blendfs": (1.12, 2.6, 1.22), "overlayfs": (1.015, 1.3, 1.02)}
_T95 = {1: 6.314, 2: 2.92, 3: 2.353, 4: 2.132, 5: 2.015, 6: 1.943, 7: 1.895, 8: 1.86, 9: 1.833, 10: 1.812, 11: 1.796}
HOSTILE = "\x1b[31m</script><script>alert(1)</script>\u202e\x00\x07<img src=x onerror=alert(1)> {{7*7}} $\\frac{a}$ %s & \"q' \U0001f4a5"


def document(kind="ok", seed=1):
    rng = random.Random(f"{kind}-{seed}")
    blocks = {"single": 1, "many": 5, "minimal": 2, "allfailed": 3}.get(kind, 8)
    arms = _arms(kind)
    metrics = _metrics(kind)
    samples = _samples(kind, rng, arms, metrics, blocks)
    result = {"schema": 1, "run": _run(kind, seed, blocks), "arms": arms, "metrics": metrics, "samples": samples}
    if kind == "minimal":
        return result
    emulated = result["run"]["emulated"]
    result["comparisons"] = [row for metric in metrics for arm in arms[1:]
                             for row in comparison(metric, arm["id"], arms[0]["id"], samples, emulated)]
    result["claims"] = _claims(result["comparisons"], arms, emulated, kind)
    alarms = [row for row in result["comparisons"] if row["arm"] == "coarse-aa" and row["ci90"]]
    wrong = sum(1 for row in alarms if row["ci90"][0] > 1 + row["margin"])
    result["controls"] = {"false_alarms": wrong, "comparisons": len(alarms), "rate": wrong / len(alarms) if alarms else None,
                          "interval95": [0.0, round(1 - 0.025**(1 / len(alarms)), 4)] if alarms else None,
                          "intervals_excluding_equal": {"count": wrong, "comparisons": len(alarms), "rate": None, "interval95": [0.0, 1.0]},
                          "note": "A against A', all metrics, at the claims' margins"}
    done = sum(1 for sample in samples if sample["arm"] == arms[0]["id"] and sample["status"] == "ok")
    result["promises"] = [_promise(check, label, arms, done) for check, label in _PROMISES]
    result["storage"] = [{"arm": arm["id"], "system_bytes_written": 0 if arm["layout"] == "fine" else 7340032 + 4096 * rng.randrange(900),
                          "app_bytes_written": 0, "user_bytes_written": 1048576 * rng.randrange(20, 90), "system_digest_unchanged": arm["layout"] == "fine"}
                         for arm in arms if arm["layout"] != "monolithic"]
    failed = [sample for sample in samples if sample["status"] == "failed"]
    by_arm = {arm["id"]: sum(1 for sample in failed if sample["arm"] == arm["id"]) for arm in arms}
    result["failures"] = {"total": len(failed), "by_arm": {arm: count for arm, count in by_arm.items() if count}}
    result.update(_extras(kind, arms, result["run"]["substrate"]))
    return result


def _extras(kind, arms, substrate):
    """What only some runs have: a calibration of their substrate, and diagnostic boots."""
    hostile = HOSTILE if kind == "hostile" else ""
    if kind == "single":
        return {"calibration": synthetic_extras.calibration(substrate, slowed=())}
    if kind in ("ok", "hostile", "failures"):
        failed = ("fine-overlayfs",) if kind == "failures" else ("monolithic",) if kind == "hostile" else ()
        return {"calibration": synthetic_extras.calibration(substrate, hostile=hostile),
                "diagnosis": synthetic_extras.diagnosis(arms, failed, hostile)}
    return {}


def _run(kind, seed, blocks):
    emulated = kind != "kvm"
    return {"id": f"2026-11-23T10-00-00-{kind}", "created": "2026-11-23T10:00:00Z", "finished": "2026-11-23T10:21:00Z",
            "profile": HOSTILE if kind == "hostile" else "quick", "substrate": "tcg" if emulated else "kvm",
            "substrate_reason": "the KVM probe guest did not boot within 5 s" if emulated else "the KVM probe guest booted in 0.4 s",
            "emulated": emulated, "seed": seed, "spec_sha256": "ab" * 32, "plan_sha256": "cd" * 32, "claims_sha256": "ef" * 32,
            "git_commit": "0123abcdef0123abcdef0123abcdef0123abcdef", "git_dirty": kind == "failures",
            "host": {"kernel": "6.18.44", "cpu": "AMD EPYC 9B45", "cores": 2, "memory_mib": 24000, "qemu": "10.0.2", "load1_max": 1.2},
            "images": {"system": "12" * 32, "user": "34" * 32}, "blocks_planned": blocks + (2 if kind == "failures" else 0),
            "blocks_done": blocks}


def _arms(kind):
    rows = list(_ARMS)
    if kind == "many":
        rows += [(f"fine-blendfs-{n}", "fine", "blendfs", f"fine, blendfs with a rather long list of options number {n},cache=auto,writeback")
                 for n in range(2, 17)]
    if kind == "hostile":
        rows[4] = ("<b>&\"';--", "fine", "overlayfs", HOSTILE * 3)
    if kind == "minimal":
        rows = rows[:1]
    return [{"id": name, "layout": layout, "engine": engine, "label": label, "reference": name == "coarse", "control": name == "coarse-aa"}
            for name, layout, engine, label in rows]


def _metrics(kind):
    metrics = [{"id": "boot.total_s", "label": "boot to the default target", "family": "boot", "unit": "s", "better": "lower"}]
    metrics += [{"id": f"boot.{name}", "label": label, "family": "boot-phase", "unit": "s", "better": "lower"} for name, label, _ in _PHASES]
    metrics += [{"id": name, "label": label, "family": family, "unit": "MB/s", "better": "higher"} for name, label, family, _ in _JOBS]
    if kind == "hostile":
        metrics[7].update(label=HOSTILE, family=HOSTILE, unit="<u>")
    return metrics if kind != "minimal" else metrics[:1]


def _samples(kind, rng, arms, metrics, blocks):
    samples = []
    for block in range(blocks):
        order = list(arms)
        rng.shuffle(order)
        weather = math.exp(rng.gauss(0.01 * block, 0.02))
        for place, arm in enumerate(order):
            failed = kind == "allfailed" or (kind in ("failures", "hostile") and rng.random() < 0.25 and arm["layout"] == "fine")
            boot, merge, slow = _EFFECTS[arm["engine"] or arm["layout"]]
            values = {}
            for name, _, seconds in _PHASES:
                worse = merge if name == "merge_s" else boot if name == "userspace_s" else 1.0
                values[f"boot.{name}"] = seconds * worse * weather * math.exp(rng.gauss(0, 0.015))
            values["boot.total_s"] = math.fsum(values.values())
            for name, _, _, speed in _JOBS:
                values[name] = speed / slow / weather * math.exp(rng.gauss(0, 0.04))
            known = {metric["id"] for metric in metrics}
            samples.append({"block": block, "order": place, "arm": arm["id"], "status": "failed" if failed else "ok",
                            "metrics": {} if failed else {name: value for name, value in values.items() if name in known},
                            "failure": _failure(kind, block, arm) if failed else None})
    return samples


def _failure(kind, block, arm):
    tail = "\n".join([f"[    {n}.{n:06d}] systemd[1]: Starting unit {n}.service..." for n in range(8)]
                     + ["[    9.100000] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100"])
    if kind == "hostile":
        tail = HOSTILE + "\n" + "A" * 5000 + "\n" + "e\u0301\u0301\u0301\u0301\u0301\u0301\n" + "\n".join(["</pre></html>"] * 300)
    return {"phase": "boot", "reason": HOSTILE if kind == "hostile" else "kernel panic", "console_tail": tail,
            "console": f"console/b{block:03d}-{arm['id']}.log"}


def comparison(metric, arm, reference, samples, emulated):
    sign = -1 if metric["better"] == "higher" else 1
    by = {(sample["arm"], sample["block"]): sample["metrics"].get(metric["id"]) for sample in samples}
    pairs = [{"block": block, "log_ratio": sign * math.log(value / by[reference, block])}
             for (name, block), value in sorted(by.items()) if name == arm and value and by.get((reference, block))]
    logs = [pair["log_ratio"] for pair in pairs]
    row = {"metric": metric["id"], "arm": arm, "reference": reference, "n": len(pairs), "ratio": None, "ci90": None, "hodges_lehmann": None,
           "signed_rank_ci": None, "signed_rank_level": None, "margin": 0.05, "smallest_margin": None, "smallest_equivalence_margin": None,
           "non_inferiority": "INCONCLUSIVE", "equivalence": "INCONCLUSIVE", "stamp": "emulated, indicative" if emulated else "",
           "reasons": ["fewer than two blocks have both arms"], "pairs": pairs}
    if logs:
        row["ratio"] = math.exp(statistics.fmean(logs))
    if len(logs) < 2:
        return [row]
    half = _T95.get(len(logs) - 1, 1.7) * statistics.stdev(logs) / math.sqrt(len(logs))
    low, high = statistics.fmean(logs) - half, statistics.fmean(logs) + half
    edge = math.log1p(row["margin"])
    row.update(ci90=[math.exp(low), math.exp(high)], hodges_lehmann=math.exp(statistics.median(logs)),
               signed_rank_ci=[math.exp(low * 0.98), math.exp(max(high * 1.02, low * 0.98))], signed_rank_level=0.906,
               smallest_margin=max(0.0, math.expm1(high)), smallest_equivalence_margin=math.expm1(max(abs(low), abs(high))))
    row["non_inferiority"] = "NON-INFERIOR" if high < edge else "REFUTED" if low > edge else "INCONCLUSIVE"
    row["equivalence"] = "EQUIVALENT" if -edge < low and high < edge else "REFUTED" if low > edge or high < -edge else "INCONCLUSIVE"
    row["reasons"] = {"NON-INFERIOR": ["the upper bound lies below the margin"], "REFUTED": ["the whole 90 % interval lies beyond the margin"]}.get(
        row["non_inferiority"], ["the 90 % interval reaches across the margin"])
    return [row]


def _claims(comparisons, arms, emulated, kind):
    source = "Guo, Kai, Shi: Application Research of Computers 31(8), 2014, abstract"
    claims = []
    for name, title, statement, family in (
            ("boot-no-negative-effect", "Boot time", "Blending the images has no obvious negative effect on the guest's boot time.", "boot"),
            ("io-no-negative-effect", "Read and write performance",
             "Blending the images has no obvious negative effect on the file system's read and write performance.", "fio")):
        rows = [row for row in comparisons if row["arm"] == "fine-blendfs" and row["metric"].split(".")[0] == family
                and not ("boot." in row["metric"] and row["metric"] != "boot.total_s")]
        words = [row["non_inferiority"] for row in rows]
        verdict = "REFUTED" if "REFUTED" in words else "INCONCLUSIVE" if "INCONCLUSIVE" in words or not words else "NON-INFERIOR"
        claims.append({"id": name, "role": "paper", "title": title, "statement": HOSTILE if kind == "hostile" else statement, "source": source,
                       "rule": "non-inferiority", "margin": 0.05, "sha256": "12" * 32, "verdict": "NOT DECIDED HERE" if emulated else verdict,
                       "indicative": verdict, "stamp": "emulated, indicative" if emulated else "",
                       "reasons": (["claims are decided on kvm only"] if emulated else []) + sorted({r for row in rows for r in row["reasons"]}),
                       "parts": [{"metric": row["metric"], "arm": row["arm"], "reference": row["reference"],
                                  "indicative": row["non_inferiority"], "equivalence": row["equivalence"],
                                  "reasons": row["reasons"]} for row in rows],
                       "equivalence": "INCONCLUSIVE"})
    for arm, role in (("fine-blendfs", "paper"), ("fine-overlayfs", "comparison")):
        if any(known["id"] == arm for known in arms):
            word = "INCONCLUSIVE" if kind == "allfailed" else "HELD"
            claims.insert(0 if role == "paper" else len(claims), _function_claim(arm, role, source, emulated, word))
    return claims


def _function_claim(arm, role, source, emulated, word):
    return {"id": f"function-reached-{arm}", "role": role, "title": f"Function of {arm}",
            "statement": "Several images blend into one run-time root file system at directory level while the guest boots.",
            "source": source, "rule": "promises", "arm": arm, "reference": None, "margin": None, "sha256": "34" * 32,
            "verdict": "NOT DECIDED HERE" if emulated else word, "indicative": word, "equivalence": None,
            "stamp": "emulated, indicative" if emulated else "",
            "reasons": (["claims are decided on kvm only; this run was on tcg"] if emulated else []) + ["every check held in every guest" if word == "HELD" else "no guest booted"],
            "parts": [{"check": check, "arm": arm, "indicative": word, "reasons": ["held"]} for check, _ in _PROMISES]}


def _promise(check, label, arms, done):
    cells = {}
    for arm in arms:
        missing = arm["layout"] == "coarse" and check not in ("user-home", "write-system-path")
        cells[arm["id"]] = {"held": 0 if missing else done, "of": done, "expected": not missing}
    return {"check": check, "label": label, "arms": cells}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=("ok", "failures", "single", "hostile", "many", "allfailed", "kvm", "minimal"))
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    json.dump(document(arguments.kind, arguments.seed), sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()

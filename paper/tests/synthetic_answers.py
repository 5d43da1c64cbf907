# SPDX-License-Identifier: MIT
"""Made-up documents with what only some runs have: many strategies side by side, a dimension, disk by users, upgrades.

    synthetic_answers.py KIND [--seed N]     KIND: strategies, guests, layers, hostile
"""

import argparse
import json
import math
import random
import sys

import synthetic

HOSTILE = synthetic.HOSTILE
# Arm, layout, engine, settings, times worse than the reference.
_STRATEGIES = (("coarse", "coarse", "", {}, 1.0), ("coarse-aa", "coarse", "", {}, 1.0), ("coarse-home", "coarse", "", {"user_at": "/home"}, 1.0),
               ("monolithic", "monolithic", "", {}, 0.97), ("fine-blendfs", "fine", "blendfs", {}, 1.12),
               ("fine-blendfs-erofs", "fine", "blendfs", {"images": {"system": "system_erofs"}}, 1.2), ("fine-overlayfs", "fine", "overlayfs", {}, 1.02),
               ("fine-fuse-overlayfs", "fine", "fuse-overlayfs", {}, 1.9), ("fine-unionfs-fuse", "fine", "unionfs-fuse", {}, 3.1),
               ("virtiofs", "fine", "virtiofs", {"memory_mib": 512, "disk_mbps": 50}, 1.3), ("block-qcow2", "block", "qcow2", {}, 1.03),
               ("block-snapshot", "block", "dm-snapshot", {}, 1.05))
_JOBS = tuple(f"{kind}_{size}" for kind in ("read", "write", "randread", "randwrite") for size in ("4k", "64k", "1m"))
_PROGRAMS = ("git-status", "dpkg-install", "compile", "untar", "sqlite", "python-start", "find", "grep", "rsync", "postgres", "build-tree", "editor")
_PROMISES = (("override-config", "the user image's configuration wins over the system's"), ("override-program", "the user image's program replaces the system's"),
             ("deletion", "a system file the user deleted stays deleted"), ("upgrade-keeps-changes", "a newer system image keeps the user's changes"),
             ("shared-images-untouched", "writes leave the shared images untouched"))
BROKEN = "block-snapshot"
_FULL = {"phase": "fio:path_write_4k", "reason": "the store is full", "console_tail": "[ 9.1] device-mapper: snapshots: Invalidating snapshot",
         "console": "console/b002.log"}
_DISK = {"monolithic": (0, 900e6), "coarse": (620e6, 310e6), "block": (620e6, 180e6), "fine": (640e6, 41e6)}


def document(kind="strategies", seed=1, blocks=6):
    if kind in ("guests", "layers"):
        return _along(kind, random.Random(f"{kind}-{seed}"), blocks)
    made = _side_by_side(random.Random(f"strategies-{seed}"), blocks)
    if kind == "hostile":
        _poison(made)
    return made


def _run(kind, blocks, substrate="kvm"):
    return {"id": f"2026-11-24T10-00-00-{kind}", "created": "2026-11-24T10:00:00Z", "finished": "2026-11-24T12:00:00Z", "profile": kind, "substrate": substrate,
            "substrate_reason": "the KVM probe guest booted in 0.4 s", "emulated": substrate == "tcg", "seed": 7, "blocks_planned": blocks, "blocks_done": blocks}


def _arm(name, layout, engine, settings, **more):
    return {"id": name, "label": name.replace("-", ", ", 1), "layout": layout, "engine": engine, "engine_options": "", "reference": name == "coarse",
            "control": name == "coarse-aa", "settings": settings, **more}


def _side_by_side(rng, blocks):
    arms = [_arm(name, layout, engine, settings) for name, layout, engine, settings, _ in _STRATEGIES]
    metrics = [{"id": "boot.total_s", "label": "boot to the default target", "family": "boot", "unit": "s", "better": "lower"},
               {"id": "boot.merge_s", "label": "merge", "family": "boot-phase", "unit": "s", "better": "lower"}]
    metrics += [{"id": f"fio.path_{job}_mbps", "label": f"path, {job.replace('_', ' ')}", "family": "fio-path", "unit": "MB/s", "better": "higher"} for job in _JOBS]
    metrics += [{"id": f"program.{name}_s", "label": name.replace("-", " "), "family": "program", "unit": "s", "better": "lower"} for name in _PROGRAMS]
    metrics += [{"id": "shutdown_s", "label": "power-off", "family": "shutdown", "unit": "s", "better": "lower"},
                {"id": "memory.cache_mib", "label": "page cache of the images' files on the host", "family": "memory", "unit": "MiB", "better": "lower"}]
    samples = []
    for block in range(blocks):
        for order, (name, _, _, _, worse) in enumerate(_STRATEGIES):
            failed = name == BROKEN and block == 2
            values = {} if failed else {metric["id"]: _value(rng, metric, worse) for metric in metrics}
            if name == "fine-unionfs-fuse":
                values = {metric: value for metric, value in values.items() if not metric.startswith("program.")}
            samples.append({"block": block, "order": order, "arm": name, "status": "failed" if failed else "ok", "metrics": values,
                            "failure": dict(_FULL) if failed else None})
    return {"schema": 1, "run": _run("strategies", blocks), "arms": arms, "metrics": metrics, "samples": samples,
            "comparisons": [row for metric in metrics for arm in arms[1:] for row in synthetic.comparison(metric, arm["id"], "coarse", samples, False) if row["pairs"]],
            "claims": [], "promises": [_promise(check, label, arms, blocks) for check, label in _PROMISES], "storage": [],
            "failures": {"total": 1, "by_arm": {BROKEN: 1}},
            "engines": [{"name": "blendfs", "cannot": {}}, {"name": "overlayfs", "cannot": {}}, {"name": "fuse-overlayfs", "cannot": {}},
                        {"name": "unionfs-fuse", "cannot": {"whiteouts": "hides deleted files in a way of its own, not by whiteouts"}}],
            "storage_growth": storage_growth(arms), "upgrades": upgrades(arms)}


def _value(rng, metric, worse):
    base = 300.0 if metric["better"] == "higher" else 4.0
    noise = math.exp(rng.gauss(0, 0.03))
    harder = 1 + (worse - 1) * rng.uniform(0.8, 1.2) * (3 if metric["family"] == "program" else 1)
    return base / harder * noise if metric["better"] == "higher" else base * max(harder, 0.2) * noise


def _promise(check, label, arms, blocks):
    cells = {}
    for arm in arms:
        lacking = arm["layout"] == "coarse" or (arm["layout"] in ("block", "monolithic") and check in ("upgrade-keeps-changes", "shared-images-untouched"))
        broken = arm["engine"] == "unionfs-fuse" and check == "deletion"
        cells[arm["id"]] = {"held": 0 if lacking or broken else blocks, "of": blocks, "expected": not lacking, "detail": "the file is there" if broken else ""}
    return {"check": check, "label": label, "arms": cells}


def storage_growth(arms):
    rows = []
    for arm in arms:
        if arm["control"] or arm["engine"] == "virtiofs":
            continue
        shared, own = _DISK[arm["layout"]]
        own *= 1 + 0.06 * len(rows)
        rows.append({"arm": arm["id"], "shared_bytes": shared, "per_user_bytes": own, "per_user_min": own * 0.7, "per_user_max": own * 1.6, "measured_users": 10,
                     "images": {"system": 560e6, "app": 60e6}})
    return {"arms": rows, "users": [1, 10, 100, 1000]}


def upgrades(arms):
    rows = []
    for arm in arms:
        if arm["control"]:
            continue
        row = {"arm": arm["id"], "of": 5, "booted": 5, "exchange_s": [0.1, 0.12, 0.11, 0.1, 0.4], "bytes_per_user": 0, "overrides_kept": 5, "updates_seen": 5,
               "file_system_clean": 5, "possible": True, "why": "", "failures": []}
        if arm["layout"] == "block":
            row = {"arm": arm["id"], "possible": False, "why": "blocks of a user are changes to one very image; on another they mean nothing"}
        elif arm["layout"] == "monolithic":
            row.update(exchange_s=[48.0, 51.0, 49.5, 50.1, 47.7], bytes_per_user=212e6)
        elif arm["engine"] == "unionfs-fuse":
            row.update(overrides_kept=4, file_system_clean=None, failures=["user 3: a deleted file is back"])
        rows.append(row)
    return rows


def _along(kind, rng, blocks):
    """Three series along a dimension: one that grows in a line, one by a power, one that does not."""
    places = (1, 2, 4, 8, 16) if kind == "guests" else (1, 2, 4, 8, 16, 32, 64)
    law = {"fine-blendfs": lambda x: 3 + 0.11 * x, "fine-overlayfs": lambda x: 2.2 * x**0.35, "coarse": lambda x: 3.0}
    arms = [_arm("coarse" if name == "coarse" and at == places[0] else f"{name}-{at}", name.split("-")[0], name.partition("-")[2], {"memory_mib": 256}, at=at)
            for name in law for at in places]
    metrics = [{"id": "boot.total_s", "label": "boot to the default target", "family": "boot", "unit": "s", "better": "lower"},
               {"id": "boot.merge_s", "label": "merge", "family": "boot-phase", "unit": "s", "better": "lower"},
               {"id": "fio.path_read_1m_mbps", "label": "path, sequential read 1M", "family": "fio-path", "unit": "MB/s", "better": "higher"},
               {"id": "memory.cache_mib", "label": "page cache of the images' files on the host", "family": "memory", "unit": "MiB", "better": "lower"},
               {"id": "memory.guests_mib", "label": "private memory of the guests", "family": "memory", "unit": "MiB", "better": "lower"}]
    samples = []
    for block in range(blocks):
        for order, arm in enumerate(arms):
            series = "coarse" if arm["layout"] == "coarse" else f"fine-{arm['engine']}"
            cost = law[series](arm["at"])
            wide = {"boot.total_s": cost, "boot.merge_s": cost / 9, "fio.path_read_1m_mbps": 900 / cost, "memory.cache_mib": 90 * cost,
                    "memory.guests_mib": 210 * arm["at"]}
            samples.append({"block": block, "order": order, "arm": arm["id"], "status": "ok", "failure": None,
                            "metrics": {name: value * math.exp(rng.gauss(0, 0.03)) for name, value in wide.items()}})
    rest = [arm for arm in arms if not arm["reference"]]
    return {"schema": 1, "run": _run(kind, blocks), "arms": arms, "metrics": metrics, "samples": samples,
            "dimension": {"name": kind, "label": "guests at once" if kind == "guests" else "lower layers", "unit": ""},
            "comparisons": [row for metric in metrics for arm in rest for row in synthetic.comparison(metric, arm["id"], "coarse", samples, False)], "claims": []}


def _poison(made):
    """Text of a hostile run in every place that has some."""
    made["arms"][5].update(label=HOSTILE * 2, settings={HOSTILE: HOSTILE, "images": {HOSTILE: HOSTILE}}, engine=HOSTILE[:60], series=HOSTILE)
    made["engines"].append({"name": HOSTILE, "cannot": {HOSTILE: HOSTILE}})
    made["storage_growth"]["arms"][0]["images"] = {HOSTILE: 5}
    made["upgrades"][-1]["why"] = made["upgrades"][0]["why"] = HOSTILE * 3
    made["upgrades"][1]["failures"] = [HOSTILE] * 40
    made["dimension"] = {"name": HOSTILE, "label": HOSTILE * 3, "unit": HOSTILE}
    for place, arm in enumerate(made["arms"]):
        arm["at"] = place - 3


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=("strategies", "guests", "layers", "hostile"))
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    json.dump(document(arguments.kind, arguments.seed), sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()

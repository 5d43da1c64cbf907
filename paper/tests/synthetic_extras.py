# SPDX-License-Identifier: MIT
"""Made-up members `calibration` and `diagnosis` of a document, in the form that blendbench writes them."""

import random

_UNITS = ("systemd-udev-trigger.service", "dev-vda.device", "systemd-journal-flush.service", "networking.service", "systemd-tmpfiles-setup.service",
          "apparmor.service", "systemd-logind.service", "ssh.service", "-.mount", "dev-disk-by\\x2duuid-8f0c1c5e\\x2d0b1a\\x2d4c9e\\x2da1f3\\x2d6f5b7d9e2c41.device",
          "serial-getty@ttyS0.service", "systemd-user-sessions.service")
_CHAIN = """The time when unit became active or started is printed after the "@" character.
The time the unit took to start is printed after the "+" character.

multi-user.target @11.900s
└─ssh.service @9.100s +{}ms
  └─networking.service @6.025s +{}ms
    └─basic.target @6.020s
      └─systemd-journal-flush.service @1min 2us +not a span
        └─-.mount @1.020s +400ms
"""
# Arm, what, true ratio, (seen worse, refuted, non-inferior) of 24, the same as the noise lets expect.
_SLOWED = (("slow-20", "stands still for 20 % of its running time", 1.2, (24, 24, 0), (1.0, 0.99, 0.0)),
           ("slow-2", "stands still for 2 % of its running time", 1.02, (9, 1, 17), (0.4, 0.02, 0.69)),
           ("slow-10", "stands still for 10 % of its running time", 1.1, (23, 17, 1), (0.97, 0.74, 0.01)),
           ("late-boot", "a unit delays the boot by 0.1 s", 1.1, (8, 6, 0), (0.99, 0.8, 0.0)))


def rate(count, trials):
    """With an interval that is about right; the real one is blendbench's."""
    share = count / trials if trials else None
    half = 1.96 * (max(share * (1 - share), 1 / trials) / trials)**0.5 if trials else 1
    return {"count": count, "trials": trials, "rate": share, "interval95": [max(0.0, (share or 0) - half), min(1.0, (share or 0) + half)]}


def calibration(substrate="tcg", slowed=_SLOWED, hostile=""):
    rows = []
    for arm, what, ratio, found, expected in slowed:
        trials = 8 if arm == "late-boot" else 24
        names = ("seen_worse", "refuted", "non_inferior")
        rows.append({"arm": arm + hostile, "what": what + hostile, "expected_ratio": ratio, "measured_ratio": ratio * 1.004,
                     "predicted": dict(zip(names, expected)), **{name: rate(min(count, trials), trials) for name, count in zip(names, found)}})
    return {"schema": 1, "run": f"2026-11-22T08-00-00-calibration{hostile}", "created": "2026-11-22T08:00:00Z", "substrate": substrate,
            "stamp": "emulated, indicative" if substrate == "tcg" else "", "machine": {"cpu": "AMD EPYC 9B45" + hostile, "cores": 2, "kernel": "6.18.44"},
            "window": 8, "margin": 0.05, "blocks": 24, "same_machine": True, "false_alarms": rate(1, 33), "false_seen_worse": rate(2, 33), "arms": rows,
            "noise": [{"metric": "boot.total_s", "label": "boot to the default target" + hostile, "pairs": 24, "sd_log": 0.031,
                       "sd_interval90": [0.024, 0.044], "blocks_for_90_power": 6},
                      {"metric": "fio.path_read_1m_mbps", "label": "path, sequential read 1M", "pairs": 24, "sd_log": 0.08, "sd_interval90": None,
                       "blocks_for_90_power": None}]}


def diagnosis(arms, failed=(), hostile=""):
    """Of every arm but controls, as `run --diagnose` makes it."""
    told = {}
    for arm in arms:
        if arm["control"]:
            continue
        if arm["id"] in failed:
            told[arm["id"]] = {"failure": "the guest did not reach its target within 120 s" + hostile}
            continue
        rng = random.Random(arm["id"])
        units = [{"unit": name + hostile, "s": round(4.2 / (1 + place) * rng.uniform(0.8, 1.2), 3)} for place, name in enumerate(_UNITS)]
        told[arm["id"]] = {"units": units, "critical_chain": _CHAIN.format(rng.randrange(300, 900), rng.randrange(900, 2000)) + hostile,
                           "summary": "Startup finished in 2.913s (kernel) + 12.021s (userspace) = 14.934s\nmulti-user.target reached after 11.9s" + hostile}
    return told

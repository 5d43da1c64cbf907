# SPDX-License-Identifier: MIT
"""What a report is made of: the export document as typed values, and the questions pages and plots ask it.

`load()` (in loading.py) makes a `Report` and has then checked all cross references, so nothing here needs to
defend itself. All values are immutable by convention. Numbers are in the units of their metric;
ratios and log ratios are on the scale of MEASURING: above 1 (0) is worse for every metric.
"""

import dataclasses
import math
from typing import Optional

from model_experiments import Dimension, StorageGrowth

# Verdict -> (tone for the style sheet, sign that carries the meaning without colour, what it says).
VERDICTS = {
    "NON-INFERIOR": ("good", "✓", "not worse than the reference by more than the margin"),
    "EQUIVALENT": ("good", "✓", "neither better nor worse than the reference by more than the margin"),
    "REACHED": ("good", "✓", "every check held in every guest"),
    "HELD": ("good", "✓", "every check held in every guest"),
    "REFUTED": ("bad", "✗", "the whole interval lies beyond the margin"),
    "NOT HELD": ("bad", "✗", "a promised check did not hold"),
    "INCONCLUSIVE": ("open", "?", "these data decide it neither way"),
    "NOT DECIDED HERE": ("open", "–", "this run is no evidence for or against the claim"),
    "NO DATA": ("open", "–", "nothing could be compared"),
}
# What REFUTED and INCONCLUSIVE say of a claim that is about checks, not about a margin.
CHECK_MEANINGS = {"REFUTED": "a promised check did not hold", "INCONCLUSIVE": "not every check was made in every guest"}
EMULATED_STAMP = "emulated, indicative"
# Families as headings; one that is not here is shown by its own name.
FAMILY_TITLES = {"boot": "Boot time", "boot-phase": "Boot phases", "fio-path": "Throughput, path family (direct I/O)",
                 "fio-app": "Throughput, application family (through the caches)", "program": "Programs", "memory": "Memory", "storage": "Disk",
                 "icount-boot": "Instructions of a boot", "icount-load": "Instructions of workloads", "shutdown": "Power-off", "setup": "Set-up on the host",
                 "host-metadata": "Names and attributes", "host-data": "Reading and writing", "host-copy-up": "Changes to lower objects",
                 "host-layers": "Many layers", "host-program": "Programs", "host-boot": "Booting a guest's userspace", "host-cpu": "Processor time"}
# Of the cases of an experiment on the host, as they stand on its page.
HOST_GROUPS = ("metadata", "data", "copy-up", "program", "layers", "boot")
PHASE_FAMILY = "boot-phase"
BOOT_FAMILY = "boot"


@dataclasses.dataclass(frozen=True)
class Arm:
    id: str
    label: str
    layout: str
    engine: str
    options: str
    reference: bool
    control: bool
    at: Optional[float] = None  # its place on the run's dimension
    series: str = ""            # tells series of one layout, engine and options apart
    settings: tuple = ()        # of (name, number or text)


@dataclasses.dataclass(frozen=True)
class Metric:
    id: str
    label: str
    family: str
    unit: str
    higher_is_better: bool


@dataclasses.dataclass(frozen=True)
class Failure:
    phase: str
    reason: str
    console_tail: str
    console: str


@dataclasses.dataclass(frozen=True)
class Sample:
    block: int
    order: int
    arm: str
    ok: bool
    metrics: dict
    failure: Optional[Failure]


@dataclasses.dataclass(frozen=True)
class Comparison:
    metric: str
    arm: str
    reference: str
    n: int
    ratio: Optional[float]
    ci90: Optional[tuple]
    hodges_lehmann: Optional[float]
    signed_rank_ci: Optional[tuple]
    signed_rank_level: Optional[float]
    margin: Optional[float]
    smallest_margin: Optional[float]
    smallest_equivalence_margin: Optional[float]
    non_inferiority: str
    equivalence: str
    stamp: str
    reasons: tuple
    sd_log: Optional[float]
    blocks_for_power: Optional[int]
    p_holm: Optional[float]
    pairs: tuple  # of (block, log_ratio)


@dataclasses.dataclass(frozen=True)
class Part:
    metric: Optional[str]
    check: Optional[str]
    arm: str
    reference: str
    verdict: str      # "" where the run does not decide
    indicative: str   # "" where the verdict is the decision
    reasons: tuple
    smallest_margin: Optional[float] = None  # that would hold


@dataclasses.dataclass(frozen=True)
class Claim:
    id: str
    title: str
    statement: str
    source: str
    role: str         # "paper" or "comparison"
    rule: str
    margin: Optional[float]
    sha256: str
    verdict: str
    indicative: str
    equivalence: str  # "" where the claim is about checks
    stamp: str
    reasons: tuple
    parts: tuple


@dataclasses.dataclass(frozen=True)
class Controls:
    false_alarms: int
    comparisons: int
    rate: Optional[float]
    interval95: Optional[tuple]
    unequal: Optional[tuple]  # (intervals that exclude "equal", of), or None
    note: str


@dataclasses.dataclass(frozen=True)
class PromiseCell:
    held: int
    of: int
    expected: bool
    detail: str


@dataclasses.dataclass(frozen=True)
class Promise:
    check: str
    label: str
    arms: dict  # arm id -> PromiseCell


@dataclasses.dataclass(frozen=True)
class Storage:
    arm: str
    system_bytes: Optional[float]
    app_bytes: Optional[float]
    user_bytes: Optional[float]
    digest_unchanged: Optional[bool]
    note: str


@dataclasses.dataclass(frozen=True)
class Run:
    id: str
    emulated: bool
    substrate: str
    substrate_reason: str
    created: str
    finished: str
    profile: str
    description: str
    git_commit: str
    git_dirty: Optional[bool]
    blocks_planned: Optional[int]
    blocks_done: Optional[int]
    provenance: tuple  # of (group, ((name, value), ...)): everything else the exporter told


@dataclasses.dataclass(frozen=True)
class HostCase:
    id: str
    label: str
    group: str       # one of HOST_GROUPS
    layers: int      # of the union
    metric: str      # id of its time or rate
    cpu_metric: str  # id of the processor time of caller and daemon


@dataclasses.dataclass(frozen=True)
class Host:
    """What an experiment on the host, without guests, has beside the rest."""
    cases: tuple
    skipped: tuple  # of (arm id, case id, reason)
    failed: tuple   # the same

    def reason(self, told, arm_id, case_id):
        return next((why for arm, case, why in told if (arm, case) == (arm_id, case_id)), "")


@dataclasses.dataclass(frozen=True)
class Rate:
    """How often something was found; hits <= trials."""
    hits: int
    trials: int
    interval95: Optional[tuple]

    def share(self):
        return self.hits / self.trials if self.trials else None


@dataclasses.dataclass(frozen=True)
class Slowed:
    """An arm of a calibration that was made worse on purpose, so that the truth is known."""
    arm: str
    what: str                        # was done to it
    true_ratio: Optional[float]      # 1.05 is 5 % worse
    measured_ratio: Optional[float]
    rates: dict      # "refuted", "non_inferior", "seen_worse" -> Rate, those that were told
    predicted: dict  # the same -> what the measured noise lets expect


@dataclasses.dataclass(frozen=True)
class Noise:
    metric: str
    label: str
    pairs: Optional[int]
    sd_log: Optional[float]
    sd_interval90: Optional[tuple]
    blocks_for_power: Optional[int]


@dataclasses.dataclass(frozen=True)
class Calibration:
    """What blendbench says of its own verdicts on this substrate, from a run of its own."""
    run: str
    created: str
    substrate: str
    stamp: str
    machine: tuple  # of (name, value)
    same_machine: Optional[bool]
    window: Optional[int]   # blocks of one judged experiment
    blocks: Optional[int]
    margin: Optional[float]
    false_alarms: Optional[Rate]
    false_seen_worse: Optional[Rate]
    slowed: tuple
    noise: tuple

    def beyond(self, slowed):
        """Is it worse than the margin allows? None where that cannot be said."""
        if self.margin is None or slowed.true_ratio is None:
            return None
        return slowed.true_ratio > (1 + self.margin) * (1 + 1e-9)


@dataclasses.dataclass(frozen=True)
class Unit:
    name: str
    seconds: float
    start: Optional[float]  # seconds after systemd took over; None where it does not tell


@dataclasses.dataclass(frozen=True)
class Diagnosis:
    """A boot that was no sample: what systemd says of its units, longest first, or why there was no such boot."""
    units: tuple
    summary: str
    failure: str


@dataclasses.dataclass(frozen=True)
class Report:
    run: Run
    arms: tuple
    metrics: tuple
    samples: tuple
    comparisons: tuple
    claims: tuple
    controls: Optional[Controls]
    promises: tuple
    storage: tuple
    sha256: str  # of the document's bytes
    host: Optional[Host] = None
    calibration: Optional[Calibration] = None
    diagnosis: Optional[dict] = None  # arm id -> Diagnosis
    dimension: Optional[Dimension] = None
    engines: tuple = ()
    storage_growth: Optional[StorageGrowth] = None
    upgrades: tuple = ()

    # --- arms and metrics ----------------------------------------------------------------------

    def arm(self, arm_id):
        return next(arm for arm in self.arms if arm.id == arm_id)

    def metric(self, metric_id):
        return next(metric for metric in self.metrics if metric.id == metric_id)

    def reference(self):
        """The reference arm, or None in a run without one."""
        return next((arm for arm in self.arms if arm.reference), None)

    def families(self):
        """Families in the order they first appear."""
        return list(dict.fromkeys(metric.family for metric in self.metrics))

    def phases(self):
        return [metric for metric in self.metrics if metric.family == PHASE_FAMILY]

    def boot_total(self):
        """The metric of the whole boot, or None: the one of family "boot" whose id says total, else the first."""
        boots = [metric for metric in self.metrics if metric.family == BOOT_FAMILY]
        return next((metric for metric in boots if "total" in metric.id), boots[0] if boots else None)

    # --- samples -------------------------------------------------------------------------------

    def values(self, arm_id, metric_id):
        """Every measured value of one arm and metric, in running order."""
        return [sample.metrics[metric_id] for sample in self.samples
                if sample.arm == arm_id and metric_id in sample.metrics]

    def geometric_mean(self, arm_id, metric_id):
        """None where there is no value, or one that has no logarithm."""
        values = self.values(arm_id, metric_id)
        if not values or min(values) <= 0:
            return None
        return math.exp(math.fsum(math.log(value) for value in values) / len(values))

    def failed(self):
        return [sample for sample in self.samples if not sample.ok]

    def comparison(self, metric_id, arm_id):
        return next((comparison for comparison in self.comparisons
                     if comparison.metric == metric_id and comparison.arm == arm_id), None)

    def promise(self, check):
        return next((promise for promise in self.promises if promise.check == check), None)

    def stamp(self):
        """What every verdict of this run must carry, or "": the exporter's words, else the ones for emulation."""
        told = [judged.stamp for judged in self.claims + self.comparisons if judged.stamp]
        return told[0] if told else EMULATED_STAMP if self.run.emulated else ""

# SPDX-License-Identifier: MIT
"""What only some runs have beside the rest: arms along a dimension, engines' limits, disk by users, upgrades. Values."""

import dataclasses
from typing import Optional


@dataclasses.dataclass(frozen=True)
class Dimension:
    """What a run varies from arm to arm; an arm's place on it is `Arm.at`."""
    name: str   # "layers", "guests", ...
    label: str  # of an axis
    unit: str


@dataclasses.dataclass(frozen=True)
class Engine:
    name: str
    cannot: tuple  # of (trait, why): "copy-up", "whiteouts", "root"


@dataclasses.dataclass(frozen=True)
class DiskUse:
    """Bytes on disk of one arm: `shared_bytes` once and `per_user_bytes` for every user."""
    arm: str
    shared_bytes: float
    per_user_bytes: float
    per_user_range: Optional[tuple]  # (least, most) of one user
    measured_users: int
    images: tuple  # of (name, bytes)

    def total(self, users):
        return self.shared_bytes + users * self.per_user_bytes

    def span(self, users):
        """(least, most) bytes by the range over users; None without one."""
        if self.per_user_range is None:
            return None
        return tuple(self.shared_bytes + users * bound for bound in self.per_user_range)


@dataclasses.dataclass(frozen=True)
class StorageGrowth:
    rows: tuple   # of DiskUse
    users: tuple  # numbers of users of interest

    def of(self, arm_id):
        return next((row for row in self.rows if row.arm == arm_id), None)


@dataclasses.dataclass(frozen=True)
class Upgrade:
    """The system image exchanged under users who were there before."""
    arm: str
    possible: bool
    why: str                         # where it is not
    of: int                          # users
    booted: int
    exchange_s: tuple
    bytes_per_user: Optional[float]  # that had to be moved
    overrides_kept: int
    updates_seen: int
    file_system_clean: Optional[int]
    failures: tuple

    def complete(self):
        """Whether every user came through with what was theirs and with what is new."""
        counts = (self.booted, self.overrides_kept, self.updates_seen)
        clean = self.file_system_clean is None or self.file_system_clean == self.of
        return self.possible and self.of > 0 and all(count == self.of for count in counts) and clean and not self.failures

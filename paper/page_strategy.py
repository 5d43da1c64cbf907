# SPDX-License-Identifier: MIT
"""Words of the pages of strategies: one for the arms of a layout and engine. No HTML here."""

import page_failures
import page_growth
import page_matrix
import strategies
from words import number

# Settings as a reader says them: name -> (before, after); the rest are shown as name and value.
_SETTINGS = {"memory_mib": ("", " MiB of memory"), "cpus": ("", " processors"), "disk_mbps": ("disk limited to ", " MB/s"),
             "disk_iops": ("disk limited to ", " operations a second"), "user_at": ("user image at ", ""), "layers": ("", " lower layers"), "guests": ("", " guests at once")}
_UNITS = (("_mib", "MiB"), ("_kib", "KiB"), ("_mbps", "MB/s"), ("_s", "s"), ("_ms", "ms"), ("_bytes", "bytes"))


def index(report):
    """[(name, title, arms in words, guest code)] of the report's list of strategies."""
    return [{"name": group.name, "title": group.title, "arms": " · ".join(arm.label for arm in group.arms), "code": code_words(group.strategy)}
            for group in strategies.groups(report)]


def code_words(strategy):
    return "nothing" if strategy.guest_code == strategies.NO_CODE else strategy.guest_code


def contexts(report):
    """[(file name, what its template needs)]."""
    return [(f"{group.name}.html", _context(report, group)) for group in strategies.groups(report)]


def _context(report, group):
    ids = {arm.id for arm in group.arms}
    upgrades = [row for row in page_growth.upgrades(report) or [] if row["id"] in ids]
    return {"report": report, "run": report.run, "stamp": report.stamp(), "group": group, "strategy": group.strategy, "code": code_words(group.strategy),
            "arms": [_arm(report, arm) for arm in group.arms], "notes": list(dict.fromkeys(note for arm in group.arms for note in strategies.setting_notes(arm))),
            "limits": _limits(report, group), "matrix": page_matrix.context(report, group.arms), "reference": report.reference(),
            "failures": page_failures.failures(report, group.arms), "upgrades": upgrades, "upgrade_header": page_growth.UPGRADE_HEADER, "disk": _disk(report, ids)}


def _arm(report, arm):
    samples = [sample for sample in report.samples if sample.arm == arm.id]
    role = "reference" if arm.reference else "control: the reference again" if arm.control else "compared"
    return {"label": arm.label, "id": arm.id, "options": arm.options or "none", "settings": settings_words(report, arm) or ["as all others"], "role": role,
            "samples": f"{sum(1 for sample in samples if sample.ok)} of {len(samples)} good" if samples else "no sample yet"}


def settings_words(report, arm):
    """An arm's settings and its place on the run's dimension, a line each."""
    words = [_setting(name, value) for name, value in arm.settings]
    if report.dimension and arm.at is not None and not any(name == report.dimension.name for name, _ in arm.settings):
        words.insert(0, f"{report.dimension.label}: {number(arm.at)}" + (f" {report.dimension.unit}" if report.dimension.unit else ""))
    return words


def _setting(name, value):
    shown = value if isinstance(value, str) else f"{value:g}"
    if name in _SETTINGS:
        return shown.join(_SETTINGS[name])
    if name.startswith("images."):
        return f"{name.removeprefix('images.').replace('_', ' ')} image: {shown}"
    ending, unit = next(((ending, unit) for ending, unit in _UNITS if name.endswith(ending)), ("", ""))
    plain = name.removesuffix(ending).replace("_", " ").replace(".", ", ")
    return f"{plain}: {shown}" + (f" {unit}" if unit else "")


def _limits(report, group):
    """What the run's document says that the engine cannot do."""
    return [(page_matrix.TRAITS.get(trait, trait), why) for trait, why in (page_matrix.limits_of(report, group.arms[0]) or {}).items()] + \
        list(dict.fromkeys(("Cases it cannot run", why) for arm, _, why in (report.host.skipped if report.host else ()) if arm in {one.id for one in group.arms}))


def _disk(report, ids):
    told = page_growth.disk(report)
    if told is None:
        return None
    labels = {report.arm(arm).label for arm in ids}
    rows = [row for row in told["rows"] if row[0] in labels]
    return {**told, "rows": rows} if rows else None
